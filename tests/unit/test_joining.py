import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from pyama.algorithms.segmenters.joining import convexity, join_convex


def place(size=121, centre=60):
    y, x = np.indices((size, size))
    return y - centre, x - centre


@given(array_shapes(min_dims=2, max_dims=2, max_side=9), st.integers(0, 3))
def test_a_rectangle_is_convex(shape, margin):
    assert convexity(np.pad(np.ones(shape, bool), margin)) == pytest.approx(1)


def test_disks_that_touch_are_less_convex_than_one():
    y, x = place()
    two = np.hypot(y, abs(x) - 25) < 25
    assert convexity(np.hypot(y, x) < 50) == pytest.approx(1, abs=0.02)
    assert convexity(two) == pytest.approx(2 * np.pi / (np.pi + 4), abs=0.02)


@given(st.floats(0, np.pi), st.floats(-20, 20))
def test_a_disk_cut_in_two_is_one_again(angle, offset):
    y, x = place()
    beyond = y * np.sin(angle) + x * np.cos(angle) > offset
    parts = np.where(np.hypot(y, x) < 30, 1 + beyond, 0).astype(np.int32)
    joined = join_convex(parts, 0.92)
    assert np.array_equal(joined > 0, parts > 0)
    assert len(np.unique(joined)) == 2


@given(st.floats(0, 2 * np.pi))
def test_a_disk_cut_in_three_is_one_again(angle):
    y, x = place()
    sector = 1 + ((np.arctan2(y, x) + angle) % (2 * np.pi) // (2 * np.pi / 3)).clip(0, 2)
    parts = np.where(np.hypot(y, x) < 30, sector, 0).astype(np.int32)
    assert len(np.unique(join_convex(parts, 0.92))) == 2


def test_what_was_joined_is_looked_at_as_one():
    strips = np.repeat(np.arange(1, 6, dtype=np.int32), 4)[None].repeat(30, axis=0)
    assert len(np.unique(join_convex(strips, 0.92))) == 1


def test_cells_that_touch_stay_two():
    y, x = place()
    parts = np.where(np.hypot(y, abs(x) - 25) < 25.5, 1 + (x > 0), 0).astype(np.int32)
    assert np.array_equal(join_convex(parts, 0.92), parts)


def test_objects_that_touch_at_a_corner_only_are_no_neighbours():
    corner = np.kron(np.diag([1, 2]), np.ones((5, 5))).astype(np.int32)
    assert np.array_equal(join_convex(corner, 0.1), corner)


@pytest.mark.parametrize("shape", [(0, 7), (1, 1), (20, 20)])
def test_where_nothing_is_nothing_is_joined(shape):
    empty = np.zeros(shape, np.int32)
    assert np.array_equal(join_convex(empty, 0.92), empty)


@given(
    arrays(
        np.int32, array_shapes(min_dims=2, max_dims=2, max_side=8), elements=st.integers(0, 4)
    ),
    st.floats(0.5, 1),
)
def test_objects_are_joined_as_a_whole(labels, least):
    _, numbers = np.unique(np.append(labels.ravel(), 0), return_inverse=True)
    labels = numbers[:-1].reshape(labels.shape).astype(np.int32)
    joined = join_convex(labels, least)
    assert np.array_equal(joined > 0, labels > 0)
    for number in np.unique(labels):
        assert len(np.unique(joined[labels == number])) == 1
