"""Outlines of the report on real phase contrast: seen along nearly all of their length."""

# ruff: noqa: T201 (with -s one sees the figures)
from pathlib import Path

import numpy as np
import pytest
import tifffile
from skimage.io import imread

from outline_contrast import points_along, share_visible
from pyama.algorithms.preview import preview_of_intensities
from pyama.analysis.report.contact_sheet import LONGEST_SIDE
from pyama.pictures.contrast import contrast_of_frame
from pyama.pictures.outlines import polygons
from pyama.pictures.overlays import draw_outlines, reduce_image

DATA = Path(__file__).parents[3] / "shared" / "data" / "phase" / "movie"
pytestmark = pytest.mark.skipif(not DATA.is_dir(), reason=f"needs the real data in {DATA}")
FRAMES = (0, 6, 11)


@pytest.fixture(scope="module")
def movie():
    """Frames and the masks that came with them."""
    frames = [tifffile.imread(path) for path in sorted(DATA.glob("*.tif"))]
    masks = [imread(path).astype(np.uint16) for path in sorted(DATA.glob("ids_*.png"))]
    assert len(frames) == len(masks) == 12
    return [(frames[t], masks[t]) for t in FRAMES]


def rings_of(labels):
    return [ring for rings in polygons(labels).values() for ring in rings]


def test_outlines_of_the_report_are_seen(movie):
    for frame, labels in movie:
        small = preview_of_intensities(frame, *contrast_of_frame(frame))
        image = reduce_image(small, LONGEST_SIDE)
        drawn = draw_outlines(image, labels, np.unique(labels)[::2])
        plain = draw_outlines(image, None, np.array([]))
        scale = image.shape[0] / labels.shape[0]
        share = share_visible(drawn, plain, points_along(rings_of(labels), scale, 0))
        print(f"\nreport: contrast of at least 3 along {share:.3f}")
        assert share >= 0.95
