"""The viewer in a browser, and what a user does with it."""

import os
import re
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import pandas as pd
import pytest

from pyama.traces.trace_files import traces_of

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
PATIENCE_MS = 120_000
playwright.expect.set_options(timeout=PATIENCE_MS)
expect = playwright.expect


@contextmanager
def serving(root, *options):
    """Serve the results below a folder; gives the address of the page."""
    command = [sys.executable, "-m", "pyama", "view", "results", "--root", ".", "--no-browser"]
    command += options
    with subprocess.Popen(command, cwd=root, stdout=subprocess.PIPE, text=True) as server:
        yield server.stdout.readline().removeprefix("Open ").strip()
        server.terminate()
        try:
            server.wait(60)
        finally:
            server.kill()


@contextmanager
def visiting(context, address, allowed=()):
    """A page, opened; nothing may be wrong on its console, nothing loaded from elsewhere."""
    opened = context.new_page()
    opened.set_viewport_size({"width": 1440, "height": 860})
    opened.set_default_timeout(PATIENCE_MS)
    problems = []
    own = re.match(r"http://[^/]+/", address)[0], "blob:"

    def heard(message):
        if message.type == "error" and not any(text in message.text for text in allowed):
            problems.append(message.text)

    opened.on("console", heard)
    opened.on("pageerror", lambda error: problems.append(str(error)))
    opened.on(
        "request",
        lambda r: problems.append(r.url) if not r.url.startswith(own) else None,
    )
    opened.goto(address)
    expect(opened.locator("#cell option")).to_have_count(5)
    yield opened
    opened.close()
    assert problems == [], problems  # not rewritten by pytest


def shoot(page, name):
    folder = os.environ.get("PYAMA_SCREENSHOTS")
    if folder:
        page.screenshot(path=Path(folder) / f"{name}.png")


def until(page, expression):
    """Wait until an expression is true on the page; gives its value.

    Playwright's own waiting evaluates strings inside the page, which forbids that.
    """
    for _ in range(PATIENCE_MS // 50):
        if value := page.evaluate(expression):
            return value
        page.wait_for_timeout(50)
    return pytest.fail(f"{expression} did not become true")


def middle(page, cell):
    """Where a cell is on the page, as soon as its outline is there."""
    return until(page, f"window.pyama.viewer.positionOnPage({cell})")


def click_cell(page, cell, *, shift=False):
    where = middle(page, cell)
    if shift:
        page.keyboard.down("Shift")
    page.mouse.click(*where)
    page.keyboard.up("Shift")


def title_is(page, text):
    expect(page.locator("#cell-title")).to_contain_text(text)


def inspected(root, fov=0, output="results"):
    return pd.read_csv(traces_of(root / output, fov))


def serious(page):
    """What axe-core finds serious or critical on the page as it is."""
    axe = pytest.importorskip(
        "axe_playwright_python.sync_playwright", reason="axe-playwright-python is missing"
    )
    found = axe.Axe().run(page).response["violations"]
    return [
        (entry["id"], node["html"][:200], node["failureSummary"])
        for entry in found
        if entry["impact"] in ("serious", "critical")
        for node in entry["nodes"]
    ]
