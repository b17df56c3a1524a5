"""The sign of images of a kind that the segmentation network does not know."""

import numpy as np
import pytest

from pyama.algorithms.segmenters.unet import (
    FAINT_AREA,
    FOUND_AREA,
    LARGEST_FAINT,
    UnetParams,
    segment,
)
from pyama.analysis.advice.image_kind_advice import image_kind_advice
from pyama.config import Channels
from pyama.processing.external.onnx_network import SHIPPED, load_network
from pyama.testing.field_layout import KINDS
from pyama.testing.phase_contrast import draw_field
from pyama.testing.synthetic import SyntheticRecording
from small_movie import MOVIE, make_config, recording_of

METADATA = recording_of(MOVIE).metadata


def noted(faint, found=1000, objects=20):
    counts = {"kept": objects - 1, "small": 1}
    return {"areas": {FOUND_AREA: found, FAINT_AREA: faint}, "objects": counts}


def advice(fovs):
    return list(image_kind_advice(fovs, make_config(Channels(pc=0)), METADATA))


def test_fields_of_view_with_much_that_hardly_looks_like_cells_are_named():
    (line,) = advice({0: noted(600), 1: noted(800), 2: noted(700)})
    assert line.startswith(
        f"FOV 1-2: In {METADATA.channel_names[0]}, what looks only a little like cells covers "
        "80 % of the area of the cells that were found (expected: at most 65 %): "
    )


@pytest.mark.parametrize(
    "notes",
    [noted(650), noted(9000, objects=9), noted(9000, found=0), {}, {"areas": {"pixels": 9}}],
    ids=["usual", "few objects", "none", "no counts", "another method"],
)
def test_other_fields_of_view_are_not(notes):
    assert advice({0: notes}) == []


def test_areas_are_counted_in_pixels_of_the_frame():
    def network(image):
        maps = np.zeros((3, *image.shape), np.float32)
        maps[[[0], [2]], 20:40, 20:50] = 0.9
        maps[0, 60:80, 20:80] = 0.2
        return maps

    frame = np.random.default_rng(0).integers(900, 1100, (400, 400)).astype(np.uint16)
    areas = {}
    segment(frame, UnetParams(diameter=50), network, areas=areas)
    expected = {FOUND_AREA: 600 * 4, FAINT_AREA: 1200 * 4}
    assert areas == pytest.approx(expected, rel=0.05)


def share(frame, width):
    areas = {}
    segment(frame, UnetParams(diameter=width), load_network(SHIPPED).run, areas=areas)
    assert areas[FOUND_AREA] > 0
    return areas[FAINT_AREA] / areas[FOUND_AREA]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("told", [0.8, 1.25])
def test_phase_contrast_of_every_kind_has_little_of_it(kind, told):
    rng = np.random.default_rng([18, 5])
    frame, labels = draw_field(kind, (300, 300), 30, rng)
    assert labels.max() > 3
    assert share(frame, told * 30) < 0.8 * LARGEST_FAINT


def test_so_has_a_synthetic_recording():
    frame = SyntheticRecording(seed=0, shape=(512, 512), n_frames=1).frame(0, 0)[0]
    assert share(frame, 70.0) < 0.8 * LARGEST_FAINT
