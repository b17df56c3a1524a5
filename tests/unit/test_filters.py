import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from pyama.algorithms.filters import (
    limits_that_keep,
    margin_leaves_no_room,
    near_border,
    share_inside,
    too_short,
    trace_lengths,
)
from pyama.errors import ArrayError

SHAPE = (20, 30)
ALWAYS = np.ones((1, 1), bool)


def test_a_trace_is_as_long_as_its_valid_frames():
    valid = np.array([[1, 1, 1], [1, 0, 1], [0, 0, 0]], bool)
    np.testing.assert_array_equal(trace_lengths(valid), [3, 2, 0])
    np.testing.assert_array_equal(too_short(valid, 3), [False, True, True])
    np.testing.assert_array_equal(too_short(valid, 0), [False, False, False])


def test_no_cells_have_no_lengths():
    assert too_short(np.empty((0, 5), bool), 30).shape == (0,)
    assert near_border(np.empty((0, 5, 4), int), np.empty((0, 5), bool), SHAPE, 5).shape == (
        0,
    )


BORDERS = [
    pytest.param([5, 5, 15, 25], 5, False, id="exactly the margin is left"),
    pytest.param([4, 5, 15, 25], 5, True, id="top"),
    pytest.param([5, 4, 15, 25], 5, True, id="left"),
    pytest.param([5, 5, 16, 25], 5, True, id="bottom"),
    pytest.param([5, 5, 15, 26], 5, True, id="right"),
    pytest.param([0, 0, 20, 30], 0, False, id="0 switches the filter off"),
    pytest.param([9, 14, 10, 15], 50, True, id="a margin beyond the frame takes all"),
]


@pytest.mark.parametrize(("box", "margin", "expected"), BORDERS)
def test_near_border(box, margin, expected):
    boxes = np.array(box, np.int32).reshape(1, 1, 4)
    assert near_border(boxes, ALWAYS, SHAPE, margin).tolist() == [expected]


def test_one_frame_near_the_border_is_enough_but_it_must_be_valid():
    boxes = np.array([[[8, 8, 9, 9], [0, 0, 0, 0]]], np.int32)
    assert not near_border(boxes, np.array([[True, False]]), SHAPE, 5)[0]
    assert near_border(boxes, np.array([[True, True]]), SHAPE, 5)[0]


def on_border(mask, margin):
    return (
        np.any(mask[:margin, :])
        or np.any(mask[-margin:, :])
        or np.any(mask[:, :margin])
        or np.any(mask[:, -margin:])
    )


masks = npst.arrays(bool, npst.array_shapes(min_dims=2, max_dims=2, max_side=9)).filter(np.any)


@given(masks, st.integers(1, 12))
def test_tight_boxes_say_what_the_slices_of_the_mask_say(mask, margin):
    rows, columns = (np.flatnonzero(mask.any(axis=axis)) for axis in (1, 0))
    box = [rows[0], columns[0], rows[-1] + 1, columns[-1] + 1]
    boxes = np.array(box, np.int32).reshape(1, 1, 4)
    assert near_border(boxes, ALWAYS, mask.shape, margin)[0] == on_border(mask, margin)


@given(st.tuples(st.integers(1, 12), st.integers(1, 12)), st.integers(1, 9))
def test_no_room_is_left_exactly_if_every_pixel_is_near_the_border(shape, margin):
    pixels = np.argwhere(np.ones(shape, bool))
    boxes = np.concatenate([pixels, pixels + 1], axis=1).astype(np.int32)[:, np.newaxis]
    every = near_border(boxes, np.ones((len(boxes), 1), bool), shape, margin).all()
    assert margin_leaves_no_room(shape, margin) == every


def test_a_margin_of_0_leaves_room():
    assert not margin_leaves_no_room((1, 1), 0)


def test_boxes_must_belong_to_the_frames():
    with pytest.raises(ArrayError, match=r"one box per cell and frame, got boxes \(1, 2, 4\)"):
        near_border(np.zeros((1, 2, 4), np.int32), ALWAYS, SHAPE, 5)


@given(
    npst.arrays(np.int64, 6, elements=st.integers(1, 40)),
    npst.arrays(np.int64, 6, elements=st.integers(0, 90)),
    st.integers(0, 60),
    st.integers(0, 120),
)
def test_limits_that_keep_cells_are_given_only_where_none_is_left(
    lengths, distances, min_frames, margin
):
    def kept(min_frames=min_frames, border_margin=margin):
        return int(np.sum((lengths >= min_frames) & (distances >= border_margin)))

    limits = limits_that_keep(lengths, distances, min_frames, margin)
    assert bool(limits) == (kept() == 0)
    if limits:
        assert kept(**limits) >= 1
        assert limits.get("min_frames", 0) < max(min_frames, 1)
        assert limits.get("border_margin", -1) < margin


def test_no_cells_need_no_other_limits():
    assert limits_that_keep(np.empty(0, int), np.empty(0, int), 30, 50) == {}


@pytest.mark.parametrize(("margin", "share"), [(0, 1), (5, 1 / 3), (10, 0), (50, 0)])
def test_the_share_of_a_frame_inside_the_margins(margin, share):
    assert share_inside(SHAPE, margin) == pytest.approx(share)
