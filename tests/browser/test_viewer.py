"""The whole story in a real browser: look, correct, run, answer."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from pyama.testing.nd2 import write_nd2
from results import results_in
from small_movie import MOVIE

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
PATIENCE_MS = 120_000
playwright.expect.set_options(timeout=PATIENCE_MS)


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """A root with results and a recording, and the address of the page."""
    tmp_path = tmp_path_factory.mktemp("root")
    results_in(tmp_path)
    movie = np.concatenate([MOVIE[:2]] * 8, axis=1)[:, :, None]
    write_nd2(tmp_path / "new.nd2", movie, channel_names=["Phase", "GFP"])
    command = [sys.executable, "-m", "pyama", "view", "results", "--root", ".", "--no-browser"]
    with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, text=True) as server:
        address = server.stdout.readline().removeprefix("Open ").strip()
        yield tmp_path, address
        server.terminate()
        server.wait(30)


@pytest.fixture
def page(browser, served):
    """The page, opened; nothing may be wrong on its console, nothing loaded from elsewhere."""
    opened = browser.new_page(viewport={"width": 1440, "height": 860})
    opened.set_default_timeout(PATIENCE_MS)
    problems = []
    own = re.match(r"http://[^/]+/", served[1])[0], "blob:"
    opened.on("console", lambda m: problems.append(m.text) if m.type == "error" else None)
    opened.on("pageerror", lambda error: problems.append(str(error)))
    opened.on(
        "request",
        lambda r: problems.append(r.url) if not r.url.startswith(own) else None,
    )
    opened.goto(served[1])
    playwright.expect(opened.locator("#cell option")).to_have_count(5)
    yield opened
    opened.close()
    assert problems == []


def shoot(page, name):
    folder = os.environ.get("PYAMA_SCREENSHOTS")
    if folder:
        page.screenshot(path=Path(folder) / f"{name}.png")


def click_cell(page, cell, *, shift=False):
    where = page.evaluate(f"window.pyama.stage.middle({cell})")
    if shift:
        page.keyboard.down("Shift")
    page.mouse.click(*where)
    page.keyboard.up("Shift")


def title_is(page, text):
    playwright.expect(page.locator("#cell-title")).to_contain_text(text)


SLOWLY = """() => {
    const ask = window.fetch;
    window.fetch = async (...what) => {
        await new Promise((resolve) => setTimeout(resolve, 400));
        return ask(...what);
    };
}"""
"""Every answer takes a while, as from a busy server, so that keys come before answers."""


def inspected(root, fov=0):
    name = f"fov_{fov:03d}/movie_fov_{fov:03d}_traces_inspected.csv"
    return pd.read_csv(root / "results" / name)


def test_the_whole_story(page, served):
    root = served[0]
    expect = playwright.expect
    shoot(page, "1 opened")
    page.get_by_role("button", name="Play").click()
    expect(page.locator("#time")).to_contain_text("frame 3 of 5")
    page.get_by_role("button", name="Pause").click()

    click_cell(page, 2)
    title_is(page, "Cell 2: frames 0\u20135 (6), good")
    page.keyboard.press("b")
    title_is(page, "bad in 0\u20135")
    page.keyboard.press("u")
    title_is(page, "good")
    page.get_by_role("button", name="Bad b", exact=True).click()
    title_is(page, "bad in 0\u20135")
    shoot(page, "2 bad")
    assert not inspected(root).query("cell == 2")["good"].any()

    click_cell(page, 1)
    title_is(page, "Cell 1")
    page.locator("#frame").fill("3")
    page.keyboard.press("x")
    expect(page.locator("#wish-text")).to_contain_text("Cut 1: from frame 3")
    shoot(page, "3 cut")
    page.get_by_role("button", name="Apply").click()
    title_is(page, "Cell 1: frames 0\u20132")
    click_cell(page, 5, shift=True)
    page.get_by_role("button", name="Join").click()
    expect(page.locator("#wish-text")).to_contain_text("Join 5 to 1")
    shoot(page, "4 join")
    page.keyboard.press("Enter")
    title_is(page, "Cell 1: frames 0\u20135")
    assert "source_cell" in inspected(root)

    page.reload()
    expect(page.locator("#log li")).to_have_count(4)
    expect(page.locator("#fov-0")).to_contain_text("✓")
    page.locator("#cell").select_option("2")
    title_is(page, "bad in 0\u20135")
    shoot(page, "5 reloaded")

    page.get_by_role("button", name="Run").click()
    page.locator("#run-file").select_option("new.nd2")
    expect(page.locator("#run-facts")).to_contain_text("2 FOVs, 48 frames")
    page.get_by_role("button", name="Try on this frame").click()
    expect(page.locator("#look-found")).to_have_text("4 cells")
    page.get_by_text("Traces", exact=True).last.click()
    page.locator("#p-min_frames").fill("2")
    page.locator("#p-border_margin").fill("2")
    page.get_by_text("Time and computer").click()
    page.locator("#p-n_workers").fill("1")
    page.get_by_role("button", name="Start").click()
    expect(page.locator("#run-fov-list")).to_contain_text(re.compile("segmentation|tracking"))
    shoot(page, "6 running")
    page.get_by_role("button", name="Cancel", exact=True).click()
    expect(page.locator("#run-status")).to_contain_text("Cancelled")
    expect(page.locator("#run-command")).to_contain_text("--set min_frames=2")
    page.get_by_role("button", name="Resume").click()
    expect(page.locator("#run-status")).to_contain_text("Finished")
    shoot(page, "7 finished")
    page.get_by_role("button", name="Look at the results").click()
    expect(page.locator("#fov-list")).to_contain_text("FOV 1")
    expect(page.locator("#time")).to_contain_text("of 47")
    shoot(page, "8 results")

    page.get_by_role("button", name="Answers").click()
    page.get_by_role("button", name="Merge").click()
    expect(page.locator("#tables")).to_contain_text("all_merged.csv")
    page.get_by_role("button", name="Fit all samples").click()
    expect(page.locator("#summary")).to_contain_text("all")
    shoot(page, "9 answers")
    drawn = "c => new Set(c.getContext('2d').getImageData(0, 0, c.width, c.height).data).size"
    assert page.locator("#histogram").evaluate(drawn) > 3


def test_the_main_story_needs_no_mouse(page, served):
    page.keyboard.press("?")
    playwright.expect(page.locator("#help")).to_be_visible()
    shoot(page, "10 keys")
    page.keyboard.press("Escape")
    page.evaluate(SLOWLY)
    for key in ("]", "ArrowDown", "ArrowDown", "ArrowRight", "ArrowRight", "B"):
        page.keyboard.press(key)
    title_is(page, "Cell 2: frames 0\u20135 (6), bad in 2\u20135")
    playwright.expect(page.locator("#saved")).to_have_text("1 saved")
    page.keyboard.press("[")
    playwright.expect(page.locator("#fov-0")).to_have_attribute("aria-current", "true")
    table = inspected(served[0], fov=1)
    assert table.query("cell == 2")["good"].tolist() == [True] * 2 + [False] * 4


NAMELESS = """() => [...document.querySelectorAll('button, select, input, canvas, [tabindex]')]
    .filter(e => e.checkVisibility() && !e.textContent.trim() && !e.labels?.length
        && !e.getAttribute('aria-label') && !e.getAttribute('aria-labelledby'))
    .map(e => e.outerHTML)"""


@pytest.mark.parametrize("part", ["Look", "Run", "Answers"])
def test_everything_that_can_be_used_has_a_name(page, part):
    page.get_by_role("button", name=part).click()
    page.wait_for_timeout(300)
    assert page.evaluate(NAMELESS) == []


def test_names_from_files_are_text(page, served):
    evil = '<img src=x onerror="document.title=1">'
    shutil.copytree(served[0] / "results", served[0] / evil)
    page.reload()
    playwright.expect(page.locator("#dataset option")).not_to_have_count(0)
    page.locator("#dataset").select_option(evil)
    playwright.expect(page.locator("#cell option")).to_have_count(5)
    assert page.locator("img[src=x]").count() == 0
