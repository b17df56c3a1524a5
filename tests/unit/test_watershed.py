import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from scipy import ndimage
from skimage.morphology import reconstruction

from label_metrics import object_f1
from pyama.algorithms.kernels.labels import limit_sizes
from pyama.algorithms.params import WatershedParams
from pyama.algorithms.segmenters import logstd
from pyama.algorithms.segmenters.watershed import (
    SMALLEST_CELL,
    _background,
    _cut,
    _deep_centres,
    _depth,
    segment,
)
from pyama.errors import ArrayError
from pyama.testing.synthetic import SyntheticRecording

CENTRES = [(70, 60), (70, 118), (150, 180)]
RADIUS = 30


def cells(centres=CENTRES, halo=400.0, noise=8.0, shape=(230, 260), seed=0):
    """Rough discs with a bright rim; two of them overlap."""
    random = np.random.default_rng(seed)
    y, x = np.indices(shape)
    nearest = np.min([np.hypot(y - cy, x - cx) for cy, cx in centres], axis=0)
    values = random.normal(3000, noise, shape)
    values += (nearest < RADIUS) * random.normal(0, 60, shape)
    values += halo * np.exp(-(((nearest - RADIUS) / 3) ** 2))
    return np.round(values).astype(np.uint16)


def test_touching_cells_are_cut_where_their_halos_meet():
    frame = cells()
    found = segment(frame, WatershedParams())
    assert logstd.segment(frame, WatershedParams(max_object_size=None)).max() == 2
    assert found.max() == 3
    assert len({found[centre] for centre in CENTRES}) == 3
    left = found == found[CENTRES[0]]
    assert np.nonzero(left)[1].max() == pytest.approx(89, abs=3)


def test_cells_that_do_not_touch_stay_whole():
    found = segment(cells([(60, 60), (150, 180)]), WatershedParams())
    assert found.max() == 2
    assert ndimage.label(found > 0)[1] == 2


DRAWN = {
    "as many as usual": {},
    "crowded": {"n_cells": 110, "touching_fraction": 0.4},
    "large": {"n_cells": 40, "radius_px": (25, 45)},
}


@pytest.mark.parametrize("name", DRAWN)
def test_drawn_cells_are_found(name):
    scores = []
    for seed in range(3):
        recording = SyntheticRecording(
            seed=seed, shape=(1024, 1024), n_frames=1, n_fl=0, **DRAWN[name]
        )
        found = segment(recording.frame(0, 0)[0], WatershedParams())
        limited, _ = limit_sizes(found, 50, 10_000)
        scores.append(object_f1(limited, recording.labels(0, 0)))
    assert np.mean(scores) >= 0.99


def test_a_textured_cell_on_its_own_is_not_cut():
    parts = []
    for seed in range(30):
        recording = SyntheticRecording(
            seed=seed, shape=(384, 384), n_cells=10, touching_fraction=0, n_frames=1, n_fl=0
        )
        found = segment(recording.frame(0, 0)[0], WatershedParams())
        truth = recording.labels(0, 0)
        parts += [
            np.count_nonzero(np.unique(found[truth == cell]))
            for cell in np.unique(truth[10:-10, 10:-10])
            if cell and np.count_nonzero(truth == cell) > 600
        ]
    assert len(parts) > 250
    assert set(parts) == {1}


@pytest.mark.parametrize(("visible", "n"), [(2, 1), (12, 2), (25, 2)])
def test_a_cell_at_the_edge_counts_from_a_seventh_of_a_cell_on(visible, n):
    found = segment(cells([(visible - RADIUS, 60), (150, 180)]), WatershedParams())
    assert found.max() == n


def test_a_cell_at_the_edge_without_texture_along_it_is_whole():
    frame = cells([(0, 60), (150, 180)])
    frame[:3, 52:68] = 3000
    found = segment(frame, WatershedParams())
    assert found[0, 60] == found[15, 60] > 0


@pytest.mark.parametrize(("split_h", "n"), [(0.5, 3), (4.0, 3), (40.0, 2)])
def test_split_h_decides_how_deep_a_cut_must_be(split_h, n):
    assert segment(cells(), WatershedParams(split_h=split_h)).max() == n


def test_the_depth_follows_the_size_of_the_cells():
    y, x = np.indices((300, 300))
    disc = (y - 150) ** 2 + (x - 150) ** 2 < 50**2
    speck = (y - 20) ** 2 + (x - 20) ** 2 < 5**2
    assert _depth(disc | speck) == pytest.approx(0.095 * 100, rel=0.01)
    assert _depth(speck) == np.inf


@pytest.mark.parametrize("shift", [(0, 0), (0, 1), (1, 0), (1, 1)])
def test_the_rim_along_a_straight_edge_is_no_cell(shift):
    mask = np.zeros((200, 900), bool)
    mask[50 + shift[0] : 150, 30 + shift[1] : 871] = True
    found, _ = limit_sizes(_cut(mask, mask, 5.0), SMALLEST_CELL, None)
    assert found.max() == 1
    assert (found > 0).sum() >= mask.sum() - 1000


def test_a_cell_that_hangs_on_another_by_a_corner_of_every_second_pixel_stays():
    mask = np.zeros((60, 60), bool)
    mask[:30, :30] = mask[30:, 30:] = mask[29:31, 29:31] = True
    core = mask.copy()
    core[30:, 30:] = False
    found, _ = limit_sizes(_cut(mask, core, 5.0), SMALLEST_CELL, None)
    assert [found[10, 10], found[50, 50]] == [1, 2]


def test_cells_without_a_dark_core_stay_whole():
    frame = cells([(60, 60)], halo=0.0)
    y, x = np.indices(frame.shape)
    frame[(y - 60) ** 2 + (x - 60) ** 2 < 40**2] += 3000
    found = segment(frame, WatershedParams())
    assert found.max() == 1
    assert (found > 0).sum() > 2000


def test_a_background_without_noise_is_no_division_by_zero():
    assert segment(cells(noise=0.0), WatershedParams()).max() == 3


def test_the_background_follows_a_slope_and_no_cell():
    slope = np.add.outer(np.arange(203) * 5.0, np.arange(310) * 3.0) + 1000
    frame = np.round(slope).astype(np.uint16)
    inner = (slice(40, -40), slice(40, -40))
    assert _background(frame)[inner] == pytest.approx(slope[inner], abs=5)
    frame[100:108, 160:168] = 60_000
    assert _background(frame)[inner] == pytest.approx(slope[inner], abs=15)


def expected_centres(distance, depth):
    residue = distance - reconstruction(np.maximum(distance - depth, 0), distance)
    parts, n = ndimage.label(residue > 0, np.ones((3, 3)))
    return [parts == i for i in range(1, n + 1) if residue[parts == i].max() >= depth - 1e-9]


@given(
    arrays(
        np.int64,
        array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=9),
        elements=st.integers(0, 12),
    ),
    st.integers(1, 6),
)
def test_deep_centres_are_the_maxima_that_reconstruction_leaves(heights, depth):
    distance = heights.astype(np.float64)
    pixels = np.flatnonzero(distance)
    order = pixels[np.argsort(-distance.ravel()[pixels], kind="stable")]
    found = _deep_centres(distance, order, float(depth))
    expected = expected_centres(np.pad(distance, 1), depth)
    assert found.max(initial=0) == len(expected)
    for part in expected:
        assert np.count_nonzero(found[part[1:-1, 1:-1]]) == 1


def noise(shape, seed=0):
    return np.random.default_rng(seed).normal(3000, 20, shape).astype(np.uint16)


DEGENERATE = {
    "noise": noise((300, 280)),
    "gradient": np.add.outer(np.arange(300) * 30, np.arange(300) * 20),
    "constant": np.full((64, 64), 1234),
    "saturated": np.full((64, 64), 65535),
    "8x8": noise((8, 8)),
    "one pixel": noise((1, 1)),
    "one row": noise((1, 300)),
    "one column": noise((300, 1)),
    "empty": noise((0, 7)),
}


@pytest.mark.parametrize("name", DEGENERATE)
def test_a_frame_without_cells_has_no_objects(name):
    frame = DEGENERATE[name].astype(np.uint16)
    found = segment(frame, WatershedParams())
    assert found.shape == frame.shape
    assert found.dtype == np.uint16
    assert not found.any()


@pytest.mark.parametrize("shape", [(40, 40), (33, 61), (5, 400), (400, 3)])
def test_a_frame_that_is_nearly_all_cell_is_answered(shape):
    frame = noise(shape)
    frame[: shape[0] // 4] = 3000
    found = segment(frame, WatershedParams(split_h=1))
    assert found.shape == shape


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        (np.zeros((2, 3, 4), np.uint16), r"one frame \(H, W\), got shape \(2, 3, 4\)"),
        (np.zeros((3, 4)), "dtype uint16, got float64"),
    ],
)
def test_what_is_not_a_frame_of_counts_is_refused(frame, message):
    with pytest.raises(ArrayError, match=message):
        segment(frame, WatershedParams())
