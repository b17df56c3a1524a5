import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from scipy import ndimage
from skimage.morphology import disk

from pyama.algorithms.kernels import morphology
from pyama.algorithms.kernels.bits import pack, unpack
from pyama.algorithms.kernels.morphology import dilate
from pyama.errors import ArrayError


def on_masks(function):
    return lambda mask, *disks: unpack(function(pack(mask), *disks))


erode = on_masks(morphology.erode_bits)
close_mask = on_masks(morphology.close_bits)
open_mask = on_masks(morphology.open_bits)
FUNCTIONS = [dilate, erode, close_mask, open_mask]
MASKS = arrays(bool, array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=20))
RADII = st.integers(0, 5)
TIMES = st.integers(0, 3)


def grown(mask, radius, times):
    for _ in range(times):
        mask = ndimage.binary_dilation(mask, disk(radius))
    return mask


def shrunk(mask, radius, times):
    for _ in range(times):
        mask = ndimage.binary_erosion(mask, disk(radius), border_value=1)
    return mask


def closed(mask, radius, times):
    margin = radius * times
    height, width = mask.shape
    wide = shrunk(grown(np.pad(mask, margin), radius, times), radius, times)
    return wide[margin : margin + height, margin : margin + width]


def opened(mask, radius, times):
    return grown(shrunk(mask, radius, times), radius, times)


ORACLES = {dilate: grown, erode: shrunk, close_mask: closed, open_mask: opened}


def noise(density, shape, seed=0):
    return np.random.default_rng(seed).random(shape) < density


@pytest.mark.parametrize("function", FUNCTIONS)
@given(mask=MASKS, radius=RADII, times=TIMES)
def test_small_masks_change_as_by_single_steps_of_scipy(function, mask, radius, times):
    found = function(mask, radius, times)
    assert found.dtype == bool
    assert found.tolist() == ORACLES[function](mask, radius, times).tolist()


@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize(("radius", "times"), [(1, 1), (10, 1), (7, 3), (3, 3), (2, 9)])
@pytest.mark.parametrize("density", [0.0005, 0.9995])
def test_images_change_as_by_single_steps_of_scipy(function, radius, times, density):
    mask = noise(density, (150, 211))
    expected = ORACLES[function](mask, radius, times)
    assert np.array_equal(function(mask, radius, times), expected)


def test_iterations_are_those_of_scipy():
    mask = noise(0.001, (120, 90))
    assert np.array_equal(
        dilate(mask, 7, 3), ndimage.binary_dilation(mask, disk(7), iterations=3)
    )
    assert np.array_equal(
        erode(~mask, 3, 3),
        ndimage.binary_erosion(~mask, disk(3), iterations=3, border_value=1),
    )


@pytest.mark.parametrize("radius", [31, 32, 33, 63, 64, 65, 128, 255, 300])
def test_disks_wider_than_a_word_reach_as_far_as_the_distance_transform(radius):
    mask = np.zeros((40, 700), bool)
    mask[3, 350] = mask[39, 2] = True
    expected = ndimage.distance_transform_edt(~mask) <= radius
    assert np.array_equal(dilate(mask, radius), expected)


def test_disks_larger_than_the_frame_do_not_wrap():
    mask = np.zeros((600, 3), bool)
    mask[0, 1] = mask[599, 0] = True
    for radius in (1, 50, 253):
        expected = ndimage.distance_transform_edt(~mask) <= radius
        assert np.array_equal(dilate(mask, radius), expected)


def test_three_disks_of_seven_are_smaller_than_one_of_twenty_one():
    mask = np.zeros((43, 43), bool)
    mask[21, 21] = True
    assert dilate(mask, 7, 3).sum() == 1273
    assert dilate(mask, 21).sum() == 1373


@pytest.mark.parametrize("function", [erode, close_mask, open_mask])
def test_a_cell_at_the_edge_of_the_frame_is_not_shaved(function):
    mask = np.zeros((40, 40), bool)
    mask[:20] = True
    assert np.array_equal(function(mask, 3)[:17], mask[:17])


@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize("shape", [(0, 0), (0, 7), (7, 0), (1, 1), (1, 30), (30, 1), (8, 8)])
@pytest.mark.parametrize("value", [False, True])
def test_uniform_masks_stay_as_they_are(function, shape, value):
    mask = np.full(shape, value)
    assert function(mask, 9, 2).tolist() == mask.tolist()


@pytest.mark.parametrize("function", FUNCTIONS)
def test_the_given_mask_is_neither_changed_nor_returned(function):
    mask = noise(0.5, (20, 20))
    before = mask.copy()
    found = function(mask, 0)
    assert np.array_equal(found, before)
    assert not np.shares_memory(found, mask)
    function(mask, 2)
    assert np.array_equal(mask, before)


@pytest.mark.parametrize("function", FUNCTIONS)
def test_views_are_read_in_their_own_order(function):
    mask = noise(0.1, (30, 50)).T[::2]
    assert np.array_equal(function(mask, 2), function(mask.copy(), 2))


def test_what_is_not_a_frame_is_refused():
    with pytest.raises(ArrayError, match=r"takes one frame \(H, W\), got shape \(2, 3, 4\)"):
        dilate(np.zeros((2, 3, 4), bool), 1)
