"""Outlines of the page on real phase contrast: seen along nearly all of their length."""

# ruff: noqa: T201 (with -s one sees the figures)
import base64
import io
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image
from skimage.io import imread

from outline_contrast import points_along, share_visible
from pyama import layout
from pyama.algorithms.preview import preview_of_intensities
from pyama.config import Channels, ProcessingConfig
from pyama.pictures.contrast import contrast_of_frame
from pyama.pictures.outlines import polygons
from pyama.processing.record import write_record
from pyama.readers.array import ArrayReader
from pyama.store import FovStore, PreviewOutput, Recipe, StackOutput
from viewer_page import expect, serving, shoot, until

DATA = Path(__file__).parents[3] / "shared" / "data" / "phase" / "movie"
pytestmark = pytest.mark.skipif(not DATA.is_dir(), reason=f"needs the real data in {DATA}")
FRAMES = (0, 6, 11)
RECIPE = Recipe("copying", 1)


@pytest.fixture(scope="module")
def movie():
    """Frames and the masks that came with them."""
    frames = [tifffile.imread(path) for path in sorted(DATA.glob("*.tif"))]
    masks = [imread(path).astype(np.uint16) for path in sorted(DATA.glob("ids_*.png"))]
    assert len(frames) == len(masks) == 12
    return [(frames[t], masks[t]) for t in FRAMES]


def rings_of(labels):
    return [ring for rings in polygons(labels).values() for ring in rings]


@pytest.fixture
def folder(movie, tmp_path):
    """The movie as a run stores it, with the masks as its tracked cells."""
    results = tmp_path / "results"
    results.mkdir()
    pixels = np.stack([frame for frame, _ in movie])
    metadata = ArrayReader(pixels[None, :, None], ["Phase"], basename="movie").metadata
    write_record(results, metadata, ProcessingConfig(channels=Channels(pc=0)))
    path = FovStore(results, 0).path
    low, high = contrast_of_frame(pixels)
    notes = {"low": low, "high": high}
    half = tuple(n // 2 for n in pixels.shape[1:])
    frames = StackOutput(path, layout.phase(0), pixels.shape, "uint16")
    previews = PreviewOutput(path, layout.phase(0), (len(pixels), *half), {"pyama": notes})
    labels = StackOutput(path, layout.tracked(0), pixels.shape, "uint16")
    with (
        frames.writing(RECIPE, notes) as write_frame,
        previews.writing(RECIPE, {}) as write_preview,
        labels.writing(RECIPE, {}) as write_labels,
    ):
        for frame, mask in movie:
            write_frame(frame)
            write_preview(preview_of_intensities(frame, low, high))
            write_labels(mask)
    return results


def picture(page):
    url = page.evaluate("document.querySelector('.pane canvas').toDataURL('image/png')")
    data = base64.b64decode(url.partition(",")[2])
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))


@pytest.mark.parametrize("level", ["1", "0"])
def test_outlines_of_the_page_are_seen(browser, movie, folder, level):
    with serving(folder.parent) as address:
        page = browser.new_page(viewport={"width": 1366, "height": 860})
        page.goto(address)
        until(page, "window.pyama.viewer.counts.firstPicture")
        page.locator("#level").select_option(level)
        for t, (_, labels) in enumerate(movie):
            found = []
            for ticked in (True, False):
                page.locator("#outlines").set_checked(ticked)
                page.evaluate("t => window.pyama.viewer.showFrame(t)", t)
                expect(page.locator(".pane")).to_have_class("pane")
                if ticked and t == 0:
                    shoot(page, f"real {level}")
                found.append(picture(page))
            drawn, plain = found
            height, width = plain.shape[:2]
            scale = min(height / labels.shape[0], width / labels.shape[1])
            shift = np.array([width, height]) / 2 - np.array(labels.shape[::-1]) * scale / 2
            share = share_visible(drawn, plain, points_along(rings_of(labels), scale, shift))
            print(f"\npage, level {level}: contrast of at least 3 along {share:.3f}")
            assert share >= 0.95
        page.close()
