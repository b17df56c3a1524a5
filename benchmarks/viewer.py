"""Frames per second of the viewer in headless Chromium, and the wait for its first picture.

Run with `python -m benchmarks.viewer`. Sixty previews of 1024 x 1024 px with 150 outlined
cells, in a folder of a hundred fields of view; cold is the first pass, warm the second.
"""

import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from playwright.sync_api import Page, sync_playwright

from pyama.config import Channels, ProcessingConfig
from pyama.processing.record import write_record
from pyama.readers.array import ArrayReader
from pyama.store import FovStore, PreviewOutput, Recipe, StackOutput, TableOutput
from pyama.tables import header, traces_columns

N_FRAMES, SIZE, N_CELLS, N_FOVS = 60, 2048, 150, 100
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"]


def draw(folder: Path) -> None:
    """Write a hundred fields of view, the first of them with images."""
    pixels = np.broadcast_to(np.zeros((), np.uint16), (N_FOVS, N_FRAMES, 1, SIZE, SIZE))
    metadata = ArrayReader(pixels, ["Phase"], basename="movie", pixel_size_um=0.65).metadata
    write_record(folder, metadata, ProcessingConfig(channels=Channels(pc=0)))
    rng = np.random.default_rng(1)
    side = int(np.ceil(np.sqrt(N_CELLS)))
    pitch = SIZE // side
    y, x = np.mgrid[:SIZE, :SIZE]
    row, column = y // pitch, x // pitch
    number = np.where((row < side) & (column < side), row * side + column + 1, 0)
    number[number > N_CELLS] = 0
    dy, dx = y % pitch - pitch / 2, x % pitch - pitch / 2
    distance, angle = np.hypot(dy, dx), np.arctan2(dy, dx)
    texture = rng.integers(60, 180, (SIZE // 2, SIZE // 2), np.uint8)
    recipe = Recipe("benchmark", 1)
    store = FovStore(folder, 0)
    previews = PreviewOutput(
        store.path,
        "pc_ch_0",
        (N_FRAMES, SIZE // 2, SIZE // 2),
        {"pyama": {"low": 0, "high": 9}},
    )
    labels = StackOutput(store.path, "seg_tracked_ch_0", (N_FRAMES, SIZE, SIZE), "uint16")
    with previews.writing(recipe, {}) as preview, labels.writing(recipe, {}) as label:
        for t in range(N_FRAMES):
            preview(np.roll(texture, t, axis=1))
            radius = pitch * 0.36 + 8 * np.sin(5 * angle + t)
            label(np.where(distance < radius, number, 0).astype(np.uint16))
    rows = "".join(
        f"0,{cell},{t},True,1.0,1.0,0,0,2,2,{cell + t}\n"
        for cell in range(1, N_CELLS + 1)
        for t in range(N_FRAMES)
    )
    for fov in range(N_FOVS):
        table = TableOutput(FovStore(folder, fov).path, f"movie_fov_{fov:03d}_traces.csv")
        with table.writing(recipe, {"traces": N_CELLS}) as write:
            write(header(traces_columns((0, ["area"]), {})))
            write(rows if fov == 0 else "")


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """Start the server; give its address."""
    command = [sys.executable, "-m", "pyama", "view", str(folder), "--no-browser"]
    with subprocess.Popen(  # noqa: S603 (our own command)
        command, stdout=subprocess.PIPE, text=True
    ) as server:
        assert server.stdout is not None
        yield server.stdout.readline().removeprefix("Open ").strip()
        server.terminate()


def played(page: Page) -> float:
    """Play one round; return frames per second."""
    page.locator("#frame").fill("0")
    page.wait_for_timeout(200)
    script = """() => new Promise((done) => {
        const { state, stage } = window.pyama;
        document.getElementById("speed").value = "1000";
        const [first, start] = [stage.counts.shown, performance.now()];
        stage.toggle();
        const look = setInterval(() => {
            const n = stage.counts.shown - first;
            if (n < 58) return;
            clearInterval(look);
            stage.toggle();
            done((1000 * n) / (performance.now() - start));
        }, 5);
    })"""
    return float(page.evaluate(script))


def main() -> None:
    """Print what was measured."""
    with tempfile.TemporaryDirectory() as place, sync_playwright() as started:
        folder = Path(place)
        draw(folder)
        browser = started.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        with served(folder) as address:
            for visit in ("first", "second"):
                page = browser.new_page(viewport={"width": 1440, "height": 860})
                start = time.perf_counter()
                page.goto(address)
                while not page.evaluate("window.pyama?.stage.counts.firstPicture"):
                    time.sleep(0.005)
                waited = time.perf_counter() - start
                page.locator("#log").wait_for(state="attached")
                page.wait_for_timeout(1500)
                print(f"{visit} visit: first picture of {N_FOVS} FOVs after {waited:.2f} s")
                print(f"  cold {played(page):.0f} frames/s, warm {played(page):.0f} frames/s")
                print(f"  {re.sub(' +', ' ', page.inner_text('#time'))}")
                page.close()
        browser.close()


if __name__ == "__main__":
    main()
