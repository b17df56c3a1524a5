"""The tutorial on the page can be followed, and its pictures show the page as it is."""

import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
import page_pictures

ROOT = Path(__file__).parents[2]
PAGES = ROOT / "docs/tutorials"
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
CELLS = (40, 25)
"""Rectangles, across and down, whose brightness is compared."""
LARGEST = 12
"""Mean difference of brightness, of 255, between a picture and the page."""
pytestmark = pytest.mark.long


def brightness(path):
    with Image.open(path) as picture:
        return np.asarray(picture.convert("L").resize(CELLS, Image.Resampling.BOX), float)


@pytest.fixture(scope="module")
def remade(tmp_path_factory):
    path = next(filter(None, map(shutil.which, BROWSERS)), None)
    if path is None:
        pytest.skip("no Chromium is installed")
    folder = tmp_path_factory.mktemp("pictures")
    with page_pictures.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=page_pictures.FLAGS)
        page_pictures.make_pictures(browser, folder)
    return folder


@pytest.mark.parametrize("name", page_pictures.NAMES)
def test_a_picture_shows_the_page(remade, name):
    kept, new = page_pictures.TARGET / f"{name}.png", remade / f"{name}.png"
    with Image.open(kept) as one, Image.open(new) as other:
        assert one.size == other.size
    assert np.abs(brightness(kept) - brightness(new)).mean() < LARGEST


def test_all_pictures_are_made_and_shown():
    text = "".join(page.read_text("utf-8") for page in PAGES.glob("*.md"))
    shown = set(re.findall(r"\(\.\./images/page/(\w+)\.png\)", text))
    files = {path.stem for path in page_pictures.TARGET.glob("*.png")}
    assert shown == files == set(page_pictures.NAMES)


def test_the_tutorial_names_what_is_clicked():
    source = Path(page_pictures.__file__).read_text("utf-8")
    clicked = re.findall(r'_click\(page, "([^"]+)"\)', source)
    text = " ".join((PAGES / "page.md").read_text("utf-8").split())
    assert [name for name in clicked if f"**{name}**" not in text] == []
