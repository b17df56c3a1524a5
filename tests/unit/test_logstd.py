import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from scipy import ndimage
from skimage.morphology import disk

from pyama.algorithms.kernels.bits import unpack
from pyama.algorithms.params import LogStdParams
from pyama.algorithms.segmenters.logstd import (
    high_variance_mask,
    local_variance,
    segment,
    variance_threshold,
)
from pyama.errors import ArrayError

FRAMES = arrays(np.uint16, array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=12))


def cells(shape=(200, 260), noise=8.0, seed=0, offset=3000):
    """Rough discs on a smooth background: the frame, and where the discs are."""
    random = np.random.default_rng(seed)
    y, x = np.indices(shape)
    inside = np.zeros(shape, bool)
    for cy, cx, radius in [(50, 60, 25), (120, 180, 30), (150, 50, 20)]:
        inside |= (y - cy) ** 2 + (x - cx) ** 2 < radius**2
    values = offset + random.normal(0, noise, shape) + inside * random.normal(0, 80, shape)
    return np.round(values).astype(np.uint16), inside


def exact_variance(frame, window):
    """Population variance of each mirrored window, in Python's integers."""
    before = window // 2
    wide = np.pad(frame.astype(object), (before, window - 1 - before), mode="symmetric")
    out = np.empty(frame.shape)
    for y, x in np.ndindex(*frame.shape):
        values = wide[y : y + window, x : x + window]
        n = window * window
        out[y, x] = float((n * (values**2).sum() - values.sum() ** 2) / n**2)
    return out


def literal_threshold(variance):
    """The threshold with percentiles and histogram taken from the pixels themselves."""
    level = 0.5 * np.log(variance[variance > 1 / 12].astype(np.float64))
    low, high = np.percentile(level, [0.1, 99.9])
    counts, edges = np.histogram(level, 256, (low, high))
    counts[0] = counts[1]
    smooth = ndimage.gaussian_filter1d(counts.astype(float), 4)
    centre = (edges[1:] + edges[:-1]) / 2
    mode = smooth.argmax()
    spread = np.sqrt(
        (smooth[: mode + 1] * (centre[: mode + 1] - centre[mode]) ** 2).sum()
        / smooth[: mode + 1].sum()
    )
    lowest, best, valley = mode, 0, mode
    for i in range(mode, 256):
        lowest = i if smooth[i] < smooth[lowest] else lowest
        if smooth[i] - smooth[lowest] > best:
            best, valley = smooth[i] - smooth[lowest], lowest
    far = centre[valley] - centre[mode] >= 2 * spread
    if far and best >= 0.01 * smooth[mode]:
        return centre[valley], "valley"
    return centre[mode] + 3 * spread, "spreads"


def literal_mask(mask, params):
    """The clean-up, step by step, with scipy on a frame padded by what the closing needs."""
    closing, opening = disk(params.closing_size // 2), disk(params.morph_size // 2)
    margin = (params.closing_size // 2) * params.closing_iterations
    mask = np.pad(mask, margin)
    for _ in range(params.closing_iterations):
        mask = ndimage.binary_dilation(mask, closing)
    for _ in range(params.closing_iterations):
        mask = ndimage.binary_erosion(mask, closing, border_value=1)
    mask = mask[margin:-margin, margin:-margin] if margin else mask
    numbers, _ = ndimage.label(mask)
    sizes = np.bincount(numbers.ravel())
    mask &= (sizes >= params.min_object_size)[numbers]
    mask = ndimage.binary_fill_holes(mask)
    for _ in range(params.morph_iterations):
        mask = ndimage.binary_erosion(mask, opening, border_value=1)
    for _ in range(params.morph_iterations):
        mask = ndimage.binary_dilation(mask, opening)
    erosion = params.erosion_size
    radius = params.logstd_window_size // 2 if erosion is None else erosion
    mask = ndimage.binary_erosion(mask, disk(radius), border_value=1)
    return ndimage.label(mask)[0]


@given(FRAMES, st.sampled_from([1, 2, 3, 4, 5, 8, 30, 255]))
def test_variance_is_that_of_scipys_mirrored_square(frame, window):
    values = frame - frame.mean(dtype=np.float64)
    mean = ndimage.uniform_filter(values, window)
    expected = ndimage.uniform_filter(values**2, window) - mean**2
    assert local_variance(frame, window) == pytest.approx(expected, rel=1e-4, abs=0.1)


@given(FRAMES, st.sampled_from([2, 3, 6]))
def test_variance_is_exact_to_one_rounding(frame, window):
    expected = exact_variance(frame, window).astype(np.float32)
    assert local_variance(frame, window) == pytest.approx(expected, rel=2e-7, abs=0)


@pytest.mark.parametrize("window", [3, 4, 254, 255])
def test_the_largest_variance_does_not_overflow(window):
    frame = np.zeros((300, 300), np.uint16)
    frame[:, 150:] = 65535
    found = local_variance(frame, window)
    share = (window // 2) / window
    assert found.max() == pytest.approx(65535**2 * share * (1 - share), rel=1e-6)
    assert found.min() == 0
    assert local_variance(np.full((300, 300), 65535, np.uint16), window).max() == 0


@pytest.mark.parametrize("window", [1, 2, 3, 5, 6, 7, 11])
@pytest.mark.parametrize("spread", [0.999, 1.001])
@pytest.mark.parametrize("lowest", [0, 40_000])
def test_variance_is_exact_on_both_sides_of_32_bits(window, spread, lowest):
    largest = min(25_000, int(spread * 2**16.5 / window**2))
    bright = np.random.default_rng(window).random((40, 40)) < 0.5
    bright[10:22, 10:22] = False
    bright[10:22:2, 10:22] = True
    frame = np.where(bright, lowest + largest, lowest).astype(np.uint16)
    expected = exact_variance(frame, window).astype(np.float32)
    assert local_variance(frame, window) == pytest.approx(expected, rel=2e-7, abs=0)


@pytest.mark.parametrize("offset", [0, 20_000, 65_000])
def test_variance_does_not_depend_on_the_offset(offset):
    frame = np.random.default_rng(0).integers(0, 8, (50, 60)).astype(np.uint16)
    shifted = frame + np.uint16(offset)
    assert np.array_equal(local_variance(shifted, 3), local_variance(frame, 3))


@pytest.mark.parametrize(
    ("noise", "rule"),
    [(2.0, "valley"), (8.0, "valley"), (40.0, "spreads"), (300.0, "spreads")],
)
def test_the_threshold_is_the_literal_one(noise, rule):
    frame, _ = cells((400, 400), noise)
    variance = local_variance(frame, 3)
    expected, expected_rule = literal_threshold(variance)
    assert rule == expected_rule
    assert 0.5 * np.log(variance_threshold(variance)) == pytest.approx(expected, abs=0.02)


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"morph_size": 15, "closing_size": 15, "closing_iterations": 3, "erosion_size": 0},
        {"closing_size": 0, "morph_size": 0, "min_object_size": 5},
        {"morph_iterations": 1, "closing_iterations": 2, "min_object_size": 400},
        {"logstd_window_size": 6, "erosion_size": 5},
    ],
)
def test_the_labels_are_those_of_the_same_steps_in_scipy(changes):
    params = LogStdParams(**changes)
    frame, _ = cells()
    expected = literal_mask(
        unpack(high_variance_mask(frame, params.logstd_window_size)), params
    )
    found = segment(frame, params)
    assert np.array_equal(found, expected)
    assert found.dtype == np.uint16
    assert found.max() > 0


@pytest.mark.parametrize("noise", [0.0, 0.1, 0.3, 1.0, 5.0])
@pytest.mark.parametrize("offset", [500, 60_000])
def test_rough_cells_on_a_smooth_background_are_found(noise, offset):
    frame, inside = cells(noise=noise, offset=offset)
    found = segment(frame, LogStdParams())
    assert found.max() == 3
    both = ((found > 0) & inside).sum() / ((found > 0) | inside).sum()
    assert both > 0.8


def disks(cover, noise, offset=3000, size=256):
    """Textured disks that cover a part of the frame, on a smooth or constant background."""
    y, x = np.mgrid[:size, :size]
    inside = np.zeros((size, size), bool)
    centres = [(i, j) for i in range(24, size, 52) for j in range(24, size, 52)]
    radius = 20
    while inside.mean() < cover:
        for cy, cx in centres:
            inside |= (y - cy) ** 2 + (x - cx) ** 2 <= radius**2
            if inside.mean() >= cover:
                break
        radius += 2
    values = np.random.default_rng(0).normal(0, 1, inside.shape) * np.where(inside, 120, noise)
    return np.round(values + offset).clip(0, 65535).astype(np.uint16), inside


@pytest.mark.parametrize("cover", [0.2, 0.48, 0.52, 0.6])
@pytest.mark.parametrize("noise", [0, 0.3, 3, 30])
def test_disks_are_found_whatever_part_of_the_frame_they_cover(cover, noise):
    frame, inside = disks(cover, noise)
    found = unpack(high_variance_mask(frame, 3))
    assert (found & inside).sum() > 0.8 * (found | inside).sum()


@pytest.mark.parametrize("cover", [0.3, 0.48, 0.52])
@pytest.mark.parametrize("lowest", [0, 400])
def test_a_black_background_is_no_cell(cover, lowest):
    """Half of the pixels of a deconvolved image are 0."""
    frame, inside = disks(cover, 0, 20_000)
    frame[~inside] = lowest
    found = unpack(high_variance_mask(frame, 3))
    assert (found & inside).sum() > 0.8 * (found | inside).sum()


def test_a_masked_half_is_not_the_background_of_the_other():
    frame, inside = cells((400, 260))
    frame[200:] = 2000
    found = segment(frame, LogStdParams()) > 0
    inside[200:] = False
    assert (found & inside).sum() > 0.8 * (found | inside).sum()


def test_saturated_cells_do_not_make_the_background_rough():
    frame, inside = disks(0.45, 8)
    frame[inside] = 65535
    assert unpack(high_variance_mask(frame, 3)).mean() < 0.2


def test_sizes_are_not_limited_here():
    frame, _ = cells()
    found = segment(frame, LogStdParams(min_object_size=50, max_object_size=60))
    assert found.max() == 3


def noise_frame(noise, shape, step=1, slope=0.0, seed=0):
    values = np.random.default_rng(seed).normal(3000, noise, shape)
    values += slope * np.add.outer(np.arange(shape[0]), np.arange(shape[1]))
    return (np.round(values / step) * step).clip(0, 65535).astype(np.uint16)


@pytest.mark.parametrize("shape", [(64, 64), (128, 150), (400, 400)])
@pytest.mark.parametrize("noise", [0.3, 0.5, 1, 2, 10, 100, 1000])
@pytest.mark.parametrize(("step", "slope"), [(1, 0), (1, 3), (8, 0)])
def test_a_frame_without_cells_has_no_objects(shape, noise, step, slope):
    frame = noise_frame(noise * step, shape, step, slope)
    assert segment(frame, LogStdParams()).max() == 0


EMPTY = {
    "black": np.zeros((64, 64)),
    "constant": np.full((64, 64), 1234),
    "saturated": np.full((64, 64), 65535),
    "gradient": np.add.outer(np.arange(400) * 30, np.arange(400) * 20),
    "curve": np.add.outer(np.arange(200) ** 2, np.arange(200) * 3),
    "checkerboard": np.indices((64, 64)).sum(axis=0) % 2 * 1000,
    "one step": np.where(np.arange(64) < 32, 0, 65535)[None].repeat(64, axis=0),
    "one hot pixel": np.pad([[65535]], 20),
}


@pytest.mark.parametrize("name", EMPTY)
def test_a_degenerate_frame_has_no_objects(name):
    found = segment(EMPTY[name].astype(np.uint16), LogStdParams())
    assert found.max() == 0
    assert found.dtype == np.uint16


@pytest.mark.parametrize(
    "shape", [(0, 0), (0, 5), (1, 1), (1, 200), (200, 1), (8, 8), (3, 40)]
)
def test_a_tiny_or_thin_frame_has_no_objects(shape):
    for seed in range(5):
        found = segment(noise_frame(50, shape, seed=seed), LogStdParams())
        assert found.shape == shape
        assert not found.any()


def test_a_saturated_patch_does_not_hide_the_cells():
    frame, inside = cells()
    frame[170:200, 200:260] = 65535
    found = segment(frame, LogStdParams()) > 0
    assert (found & inside).sum() > 0.8 * inside.sum()


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        (np.zeros((2, 3, 4), np.uint16), r"one frame \(H, W\), got shape \(2, 3, 4\)"),
        (np.zeros((3, 4)), "dtype uint16, got float64. Convert the counts first"),
    ],
)
def test_what_is_not_a_frame_of_counts_is_refused(frame, message):
    with pytest.raises(ArrayError, match=message):
        segment(frame, LogStdParams())
