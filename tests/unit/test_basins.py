import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage
from skimage.morphology import reconstruction

from pyama.algorithms.kernels.basins import (
    enlarge_labels,
    fill_holes_in_objects,
    separate_basins,
)

CROSS = ndimage.generate_binary_structure(2, 1)


def landscape(seed, shape=(20, 23)):
    """Smooth hills, at or below 0 in about half of the pixels."""
    values = np.random.default_rng(seed).normal(0, 1, shape)
    return ndimage.gaussian_filter(values, 2).astype(np.float32) * 4


@settings(max_examples=20)
@given(st.integers(0, 10_000), st.sampled_from([0.05, 0.3, 1.0]))
def test_every_deep_maximum_is_one_object(seed, depth):
    heights = landscape(seed)
    found = separate_basins(heights, depth, 0)
    np.testing.assert_array_equal(found > 0, heights > 0)
    assert set(np.unique(found)) == set(range(found.max() + 1))
    for number in range(1, found.max() + 1):
        assert ndimage.label(found == number)[1] == 1
    # As many as maxima of the reconstruction from below, within the objects of the mask.
    above = np.maximum(heights, 0)
    lowered = reconstruction(np.maximum(above - depth, 0), above, footprint=CROSS)
    deep = 0
    for mask in _parts(above > 0):
        top = above[mask].max()
        n = sum(
            above[part].max() - lowered[part].max() >= depth - 1e-6
            for part in _plateaus(lowered, mask)
        )
        deep += n if top >= depth else 1
    assert abs(found.max() - deep) <= 1  # a descent that is as deep up to rounding


def _parts(mask):
    labels, n = ndimage.label(mask, CROSS)
    return [labels == i for i in range(1, n + 1)]


def _plateaus(values, mask):
    """Regional maxima: plateaus without a higher neighbour."""
    higher = ndimage.maximum_filter(values, footprint=CROSS)
    for part in _parts(mask & (values > 0)):
        for value in np.unique(values[part]):
            for plateau in _parts(part & (values == value)):
                if (higher[plateau] <= value).all():
                    yield plateau


def test_low_objects_are_dropped():
    heights = np.zeros((5, 20), np.float32)
    heights[2, 2:6], heights[2, 10:14] = 0.1, 0.9
    assert separate_basins(heights, 0.2, 0.2).max() == 1
    assert separate_basins(heights, 0.2, 0.2)[2, 3] == 0


def disks(scale, shape=(40, 50)):
    """Two touching disks, in a `scale` times the resolution: mask and probability."""
    y, x = (np.indices((shape[0] * scale, shape[1] * scale)) + 0.5) / scale
    left, right = np.hypot(y - 20, x - 16), np.hypot(y - 20, x - 34)
    labels = np.where(left <= right, 1, 2) * (np.minimum(left, right) < 10)
    inside = 1 / (1 + np.exp(2 * (np.minimum(left, right) - 10)))
    return labels.astype(np.int32), inside.astype(np.float32)


@pytest.mark.parametrize("scale", [2, 3, 8])
def test_outlines_are_smooth_in_a_higher_resolution(scale):
    labels, inside = disks(1)
    truth, _ = disks(scale)
    found = enlarge_labels(labels, inside, truth.shape)
    assert found.dtype == np.uint16
    assert np.count_nonzero(found != truth) < 0.02 * np.count_nonzero(truth)
    blocky = labels.repeat(scale, 0).repeat(scale, 1)
    wrong = np.count_nonzero(blocky != truth)
    assert np.count_nonzero(found != truth) < 0.6 * wrong


@pytest.mark.parametrize("shape", [(1, 1), (7, 3), (40, 50), (39, 51), (20, 25)])
def test_any_shape_has_the_same_objects(shape):
    labels, inside = disks(1)
    found = enlarge_labels(labels, inside, shape)
    assert found.shape == shape
    assert found.max() == 2 or found.size < 50


def test_what_was_dropped_does_not_come_back():
    labels, inside = disks(1)
    found = enlarge_labels(np.where(labels == 2, 0, labels), inside, (80, 100))
    assert set(np.unique(found)) == {0, 1}
    assert np.nonzero(found)[1].max() < 54


def test_small_holes_in_one_object_are_filled():
    labels = np.zeros((30, 40), np.int32)
    labels[2:28, 2:18], labels[2:28, 18:38] = 1, 2
    holes = np.zeros(labels.shape, np.bool_)
    holes[5:8, 5:8] = holes[20:22, 30:32] = True  # in one object
    holes[10:12, 17:20] = holes[20:28, 8:14] = True  # between two, and too large
    labels[holes] = 0
    found = fill_holes_in_objects(labels, 9)
    assert (found[5:8, 5:8] == 1).all()
    assert (found[20:22, 30:32] == 2).all()
    assert not found[10:12, 17:20].any()
    assert not found[20:28, 8:14].any()
    assert np.count_nonzero(found != labels) == 13
    enlarged = enlarge_labels(found, (labels > 0).astype(np.float32), (90, 120))
    assert (enlarged[15:24, 15:24] == 1).all()


def test_objects_without_a_pixel_leave_no_gap():
    labels = np.zeros((30, 30), np.int32)
    labels[:, :3], labels[14, 14], labels[:, 20:] = 1, 2, 3
    found = enlarge_labels(labels, (labels > 0).astype(np.float32), (10, 10))
    assert set(np.unique(found)) == {0, 1, 2}
    assert found[5, 9] == 2


def test_many_objects_get_wide_numbers():
    labels = np.arange(66_000, dtype=np.int32).reshape(220, 300)
    found = enlarge_labels(labels, np.ones(labels.shape, np.float32), labels.shape)
    assert found.dtype == np.uint32
    np.testing.assert_array_equal(found[1:, 1:], labels[1:, 1:])
