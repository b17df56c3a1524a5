"""Pictures of the page of `pyama view`, made from the running program.

    python dev.py python docs/site/page_pictures.py

goes through the tutorial on the page with a browser and writes `docs/images/page/*.png`.
"""

import contextlib
import io
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import Page, expect, sync_playwright

from pyama.testing.synthetic import SyntheticRecording

TARGET = Path(__file__).resolve().parents[1] / "images/page"
NAMES = "recording", "try", "run", "results", "inspect", "samples", "fits", "report"
SIZE = {"width": 1200, "height": 760}
COLOURS = 128
"""Of a picture; more are not seen, and make files larger."""
PATIENCE_MS = 120_000
SETTLED_MS = 1000
"""After which images and plots are drawn; only pictures depend on it."""
IS_DRAWN = """selector => {
    const canvas = document.querySelector(selector);
    const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    return data.some((value, i) => i % 4 < 3 && value > 128);
}"""
"""Whether a canvas shows an image."""
FLAGS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]
Save = Callable[[Page, str], None]


def tour(page: Page, save: Save) -> None:
    """Go from a recording to a report on the page, as the tutorial says.

    Args:
        page: It shows a folder with `recording.nd2` and without results.
        save: Is given a page when it shows what belongs on a picture, and the picture's name.
    """
    _run(page, save)
    _look(page, save)
    _analyse(page, save)


def _run(page: Page, save: Save) -> None:
    page.locator("#run-file").select_option("recording.nd2")
    expect(page.locator("#run-facts")).to_contain_text("2 FOVs, 24 frames")
    page.wait_for_function(IS_DRAWN, arg="#image-canvas", timeout=PATIENCE_MS)
    page.wait_for_timeout(SETTLED_MS)
    save(page, "recording")
    _click(page, "Try on this frame")
    expect(page.locator("#image-cells")).to_have_text(re.compile(r"^\d+ cells$"))
    save(page, "try")
    page.locator("#run summary").get_by_text("Traces", exact=True).click()
    page.locator("#p-min_frames").fill("10")
    page.locator("#p-border_margin").fill("0")
    _click(page, "Plan")
    expect(page.locator("#run-plan-state")).to_have_text("This is what Start would do.")
    _click(page, "Start")
    expect(page.locator("#run-status")).to_contain_text("Finished")
    page.locator("#run-status").scroll_into_view_if_needed()
    save(page, "run")


def _look(page: Page, save: Save) -> None:
    _click(page, "Show the results")
    expect(page.locator("#fov-list")).to_contain_text("FOV 1")
    page.locator("#frame").fill("12")
    cells = page.locator("#cell option")
    expect(cells.nth(2)).to_be_attached()
    page.locator("#cell").select_option(index=2)
    expect(page.locator("#cell-title")).to_contain_text("good")
    expect(page.locator("#status")).not_to_contain_text("loading")
    page.wait_for_timeout(SETTLED_MS)
    save(page, "results")
    page.keyboard.press("x")
    expect(page.locator("#proposal-text")).to_contain_text("Cut")
    save(page, "inspect")
    page.keyboard.press("Escape")


def _analyse(page: Page, save: Save) -> None:
    _click(page, "Analysis")
    for place, (name, fovs) in enumerate({"control": "0", "drug": "1"}.items()):
        if page.get_by_label("Name of the sample").count() == place:
            _click(page, "Add a sample")
        page.get_by_label("Name of the sample").nth(place).fill(name)
        page.get_by_label("FOVs of the sample").nth(place).fill(fovs)
    _click(page, "Merge")
    expect(page.locator("#tables")).to_contain_text("drug_merged.csv")
    save(page, "samples")
    _click(page, "Fit all samples")
    expect(page.locator("#histogram canvas")).to_be_visible()
    page.locator("#parameter").select_option("t0")
    page.locator("#histogram").scroll_into_view_if_needed()
    save(page, "fits")
    _click(page, "Write the report")
    with page.expect_popup() as opened:
        page.get_by_role("link", name="Open the report").click()
    report = opened.value
    report.set_viewport_size(SIZE)
    expect(report.locator(".plotly .main-svg").first).to_be_visible()
    report.wait_for_timeout(SETTLED_MS)
    save(report, "report")


def _click(page: Page, name: str) -> None:
    page.get_by_role("button", name=name, exact=True).click()


def save_into(folder: Path) -> Save:
    """Return what saves a picture of a page, as it is, into a folder."""

    def save(page: Page, name: str) -> None:
        picture = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
        small = picture.quantize(COLOURS, dither=Image.Dither.NONE)
        small.save(folder / f"{name}.png", optimize=True)

    return save


@contextlib.contextmanager
def served() -> Iterator[str]:
    """Serve a new folder with a drawn recording; gives the address of the page."""
    with tempfile.TemporaryDirectory(prefix="pyama_", ignore_cleanup_errors=True) as folder:
        recording = SyntheticRecording(
            n_fovs=2, n_frames=24, shape=(400, 400), n_cells=12, seed=11
        )
        recording.write(Path(folder) / "recording.nd2", "nd2")
        command = [sys.executable, "-m", "pyama", "view", "--root", ".", "--no-browser"]
        with subprocess.Popen(
            command, cwd=folder, stdout=subprocess.PIPE, text=True
        ) as server:
            try:
                yield server.stdout.readline().removeprefix("Open ").strip()
            finally:
                server.terminate()


def make_pictures(browser: Any, folder: Path) -> None:
    """Go through the tour and write all pictures into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    with served() as address:
        page = browser.new_page(viewport=SIZE)
        page.set_default_timeout(PATIENCE_MS)
        expect.set_options(timeout=PATIENCE_MS)
        page.goto(address)
        tour(page, save_into(folder))
        page.close()


if __name__ == "__main__":
    found = filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome")))
    with sync_playwright() as playwright:
        make_pictures(
            playwright.chromium.launch(executable_path=next(found), args=FLAGS), TARGET
        )
