import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from pyama.algorithms.crops import SCALE
from pyama.algorithms.kernels.histogram import Histogram
from pyama.algorithms.preview import (
    generate_half_resolution,
    intensity_to_uint8,
    preview_of_intensities,
    preview_of_labels,
)
from pyama.errors import ArrayError

images = npst.array_shapes(min_dims=2, max_dims=3, max_side=7)
frames = st.lists(npst.arrays(np.uint16, images), min_size=1, max_size=4)
percents = st.sampled_from([0, 1, 37.5, 50, 99, 100]) | st.floats(0, 100)


def counted(steps, arrays):
    histogram = Histogram(steps)
    for array in arrays:
        histogram.update(array)
    return histogram


def all_values(arrays):
    return np.concatenate([array.ravel() for array in arrays]).astype(float)


@given(frames, percents)
def test_percentiles_of_counts_are_those_of_numpy(arrays, q):
    assert counted(1, arrays).percentile(q) == [np.percentile(all_values(arrays), q)]


@pytest.mark.parametrize("scale", [1, SCALE])
@given(frames, percents, st.integers(-70000, 70000))
def test_percentiles_of_sixteenths_are_those_of_numpy(scale, arrays, q, offset):
    arrays = [((a.astype(float) + offset) / 16 / scale).astype(np.float32) for a in arrays]
    assert counted(16 * scale, arrays).percentile(q) == [np.percentile(all_values(arrays), q)]


def test_the_room_for_counts_grows_both_ways():
    arrays = [np.array([50.0]), np.array([-3000.25]), np.array([90000.5]), np.array([49.0])]
    assert counted(16, arrays).percentile(0, 50, 100) == [
        -3000.25,
        49.5,
        90000.5,
    ]


@pytest.mark.parametrize("first", [-3000.0, 90_000.0])
def test_frames_are_counted_beside_values_beyond_them(first):
    values = [np.array([first, first]), np.array([0, 7, 65535], np.uint16)]
    expected = [np.percentile(all_values(values), q) for q in (0, 30, 50, 100)]
    assert counted(1, values).percentile(0, 30, 50, 100) == expected


def test_values_between_two_steps_count_for_the_nearer_one():
    assert counted(16, [np.array([1.03])]).percentile(50) == [1.0]
    assert counted(16, [np.array([-1.04])]).percentile(50) == [-1.0625]


def test_no_values_have_no_percentile():
    histogram = Histogram()
    assert math.isnan(*histogram.percentile(50))
    histogram.update(np.zeros((2, 0), np.uint16))
    assert math.isnan(*histogram.percentile(50))


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_values_that_are_not_finite_are_refused(value):
    with pytest.raises(ArrayError, match=r"takes finite values, got .*(nan|inf)"):
        Histogram(16).update(np.array([1.0, value]))


def test_values_too_far_apart_are_refused():
    with pytest.raises(
        ArrayError, match=r"from 0\.0 to 1e\+30, expected a range below 4194304"
    ):
        Histogram(16).update(np.array([0, 1e30]))


STRETCHES = [
    pytest.param([10, 20, 30], 10, 30, [0, 128, 255], id="halves go up"),
    pytest.param([0, 9, 31, 65535], 10, 30, [0, 0, 255, 255], id="clipped"),
    pytest.param([5, 5], 5, 5, [0, 0], id="a flat stack is black"),
    pytest.param([5, 6], 6, 5, [0, 0], id="reversed"),
    pytest.param([5, 6], math.nan, math.nan, [0, 0], id="no pixel counts"),
    pytest.param([], 0, 1, [], id="nothing"),
]


@pytest.mark.parametrize(("values", "low", "high", "expected"), STRETCHES)
@pytest.mark.parametrize("dtype", [np.uint16, np.float32])
def test_intensities_are_stretched(values, low, high, expected, dtype):
    out = intensity_to_uint8(np.array(values, dtype), low, high)
    np.testing.assert_array_equal(out, expected)
    assert out.dtype == np.uint8


@given(npst.arrays(np.uint16, images), st.floats(0, 65535), st.floats(0, 65535))
def test_crops_look_like_frames(counts, low, high):
    crop = (counts / SCALE).astype(np.float32)
    np.testing.assert_array_equal(
        intensity_to_uint8(crop, low / SCALE, high / SCALE),
        intensity_to_uint8(counts, low, high),
    )


@given(npst.arrays(np.uint16, images), st.floats(0, 1000), st.floats(0.001, 65535))
def test_a_stretch_is_linear_between_its_ends(counts, low, width):
    exact = np.clip((counts - low) / width, 0, 1) * 255
    off = np.abs(intensity_to_uint8(counts, low, low + width) - exact)
    assert off.max() <= 0.5 + 1e-6


@given(npst.arrays(np.uint8, images))
def test_half_resolution_is_the_mean_of_four_pixels(image):
    height, width = image.shape[-2:]
    ys = [[2 * y, min(2 * y + 1, height - 1)] for y in range(max(1, height // 2))]
    xs = [[2 * x, min(2 * x + 1, width - 1)] for x in range(max(1, width // 2))]
    blocks = image[..., np.array(ys)[:, None, :, None], np.array(xs)[None, :, None, :]]
    expected = np.floor(blocks.mean(axis=(-2, -1)) + 0.5)
    half = generate_half_resolution(image)
    np.testing.assert_array_equal(half, expected)
    assert half.dtype == np.uint8


def test_an_odd_row_and_column_are_dropped():
    image = np.full((5, 3), 9, np.uint8)
    image[4], image[:, 2] = 200, 200
    np.testing.assert_array_equal(generate_half_resolution(image), [[9], [9]])


@pytest.mark.parametrize("dtype", [np.uint16, np.float32, np.uint8])
@given(image=npst.arrays(np.uint16, images), low=st.floats(0, 99), width=st.floats(1, 65535))
def test_a_preview_is_stretched_first_and_averaged_then(dtype, image, low, width):
    image = image.astype(dtype)
    expected = generate_half_resolution(intensity_to_uint8(image, low, low + width))
    preview = preview_of_intensities(image, low, low + width)
    np.testing.assert_array_equal(preview, expected)
    assert preview.shape == expected.shape


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.uint32])
@given(labels=npst.arrays(np.uint8, images), more=st.integers(0, 100_000))
def test_labels_are_picked_and_scaled(dtype, labels, more):
    labels, largest = labels.astype(dtype), int(labels.max()) + more
    picked = labels[..., ::2, ::2][
        ..., : max(1, labels.shape[-2] // 2), : max(1, labels.shape[-1] // 2)
    ]
    expected = np.ceil(255 * picked.astype(float) / max(1, largest))
    preview = preview_of_labels(labels, largest)
    np.testing.assert_array_equal(preview, expected)
    np.testing.assert_array_equal(preview == 0, picked == 0)


def test_the_largest_label_is_white_and_the_first_is_not_black():
    labels = np.array([[0, 0, 1, 0, 70_000, 0], [0] * 6], np.uint32)
    np.testing.assert_array_equal(preview_of_labels(labels, 70_000), [[0, 1, 255]])


def test_masks_are_labels_too():
    mask = np.ones((1, 4, 4), np.uint8)
    np.testing.assert_array_equal(preview_of_labels(mask, 1), np.full((1, 2, 2), 255))


@pytest.mark.parametrize("largest", [0, 4])
def test_a_label_beyond_the_largest_is_refused(largest):
    with pytest.raises(ArrayError, match=f"got label 5, expected {largest} at most"):
        preview_of_labels(np.full((2, 2), 5, np.uint16), largest)


@pytest.mark.parametrize(
    "halve",
    [generate_half_resolution, lambda i: preview_of_labels(i, 1)],
    ids=["intensities", "labels"],
)
@pytest.mark.parametrize("shape", [(4,), (1, 2, 3, 4), (0, 4), (4, 0)])
def test_previews_are_made_of_frames(halve, shape):
    with pytest.raises(ArrayError, match=r"takes \(H, W\) or \(T, H, W\), got shape"):
        halve(np.zeros(shape, np.uint8))


def test_a_stack_without_frames_has_a_preview_without_frames():
    assert generate_half_resolution(np.zeros((0, 5, 7), np.uint8)).shape == (0, 2, 3)


def test_half_resolution_takes_bytes_only():
    with pytest.raises(ArrayError, match="takes uint8, got uint16"):
        generate_half_resolution(np.zeros((4, 4), np.uint16))
