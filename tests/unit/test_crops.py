import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyama.algorithms.crops import (
    SCALE,
    box_shapes,
    gather,
    gather_masks,
    lift,
    place,
)
from pyama.errors import ArrayError

SHAPE = (9, 11)


@st.composite
def boxes_in_frame(draw):
    def span(n):
        return st.tuples(st.integers(0, n), st.integers(0, n)).map(sorted)

    pairs = draw(st.lists(st.tuples(span(SHAPE[0]), span(SHAPE[1])), max_size=6))
    corners = [[y0, x0, y1, x1] for (y0, y1), (x0, x1) in pairs]
    return np.array(corners, np.int32).reshape(-1, 4)


def picture(dtype):
    return np.random.default_rng(0).integers(0, 65536, SHAPE).astype(dtype)


@pytest.mark.parametrize("dtype", [np.uint16, np.float32, np.float64])
@given(boxes=boxes_in_frame())
def test_pixels_of_boxes_follow_one_another_row_by_row(dtype, boxes):
    frame = picture(dtype)
    pieces = gather(frame, boxes)
    expected = [frame[y0:y1, x0:x1].ravel() for y0, x0, y1, x1 in boxes]
    np.testing.assert_array_equal(pieces, np.concatenate([*expected, np.empty(0, dtype)]))
    assert pieces.dtype == dtype


@given(boxes_in_frame())
def test_gathered_pieces_come_back_in_their_slots(boxes):
    frame = picture(np.uint16)
    out = np.full((len(boxes), *SHAPE), 7, np.uint16)
    shapes = box_shapes(boxes)
    place(gather(frame, boxes), shapes, out)
    for slot, (y0, x0, y1, x1) in zip(out, boxes, strict=True):
        expected = np.zeros(SHAPE, np.uint16)
        expected[: y1 - y0, : x1 - x0] = frame[y0:y1, x0:x1]
        np.testing.assert_array_equal(slot, expected)


@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
@given(boxes_in_frame())
def test_pieces_are_lifted_out_of_their_slots_as_they_were_placed(dtype, boxes):
    pieces, shapes = gather(picture(np.uint16), boxes).astype(dtype), box_shapes(boxes)
    slots = np.empty((len(boxes), *SHAPE), dtype)
    place(pieces, shapes, slots)
    found = lift(slots, shapes)
    np.testing.assert_array_equal(found, pieces)
    assert found.dtype == dtype


@given(boxes_in_frame())
def test_pieces_are_found_where_they_start_and_scaled_on_the_way(boxes):
    frame, shapes = picture(np.uint16), box_shapes(boxes)
    one_by_one = np.empty((len(boxes), *SHAPE), np.uint16)
    place(gather(frame, boxes), shapes, one_by_one)
    areas = shapes.prod(axis=1)
    pieces = np.concatenate([np.ones(3, np.uint16), gather(frame, boxes[::-1])])
    starts = 3 + areas.sum() - np.cumsum(areas)
    out = np.empty(one_by_one.shape, np.float32)
    place(pieces, shapes, out, starts=starts, factor=1 / SCALE)
    np.testing.assert_array_equal(out, one_by_one / np.float32(SCALE))


@pytest.mark.parametrize("dtype", [np.uint16, np.uint32])
def test_a_mask_leaves_out_the_neighbour_in_its_box(dtype):
    labels = np.array([[2, 2, 0], [2, 9, 9]], dtype)
    boxes = np.array([[0, 0, 2, 2], [1, 1, 2, 3]], np.int32)
    masks = gather_masks(labels, np.array([2, 9]), boxes)
    np.testing.assert_array_equal(masks, [1, 1, 1, 0, 1, 1])
    assert masks.dtype == np.uint8


def test_views_are_gathered_like_copies():
    frame = picture(np.uint16)[::2, ::-1]
    boxes = np.array([[1, 2, 4, 7]], np.int32)
    np.testing.assert_array_equal(gather(frame, boxes), frame[1:4, 2:7].ravel())


def test_every_count_and_sixteenth_of_a_count_survives_scaling():
    counts = np.arange(65536, dtype=np.uint16)
    background = (np.arange(-(2**16), 2**20, 7) / 16).astype(np.float32)
    for values in (counts, background):
        box = np.array([[1, len(values)]])
        scaled = np.empty((1, 1, len(values)), np.float32)
        place(values, box, scaled, factor=1 / SCALE)
        np.testing.assert_array_equal(scaled[0, 0] * np.float32(SCALE), values)


def test_no_boxes_give_nothing():
    nothing = gather(picture(np.uint16), np.empty((0, 4), np.int32))
    place(nothing, np.empty((0, 2), np.int64), np.empty((0, 3, 3), np.uint16))
    assert nothing.shape == (0,)


OUTSIDE = [[-1, 0, 2, 2], [0, -1, 2, 2], [0, 0, 10, 2], [0, 0, 2, 12], [3, 0, 2, 2]]


@pytest.mark.parametrize("box", OUTSIDE)
def test_a_box_outside_the_frame_is_refused(box):
    boxes = np.array([[0, 0, 1, 1], box], np.int32)
    with pytest.raises(ArrayError, match=rf"gather\(\) got the box \[{box[0]}, .* frame of"):
        gather(picture(np.uint16), boxes)


def test_boxes_have_four_corners():
    with pytest.raises(ArrayError, match=r"one shape, got boxes \(2, 3\), expected \(2, 4\)"):
        gather(picture(np.uint16), np.zeros((2, 3), np.int32))


def test_every_mask_needs_an_id():
    labels = picture(np.uint16)
    with pytest.raises(ArrayError, match=r"one id per box, got ids \(2,\) for 1 boxes"):
        gather_masks(labels, np.array([1, 2]), np.zeros((1, 4), np.int32))


WRONG_PIECES = [
    pytest.param(6, [[2, 3], [0, 0]], None, id="fits"),
    pytest.param(
        5, [[2, 3], [0, 0]], r"expected 6 pixels, got \(5,\)", id="a pixel is missing"
    ),
    pytest.param(8, [[2, 4], [0, 0]], r"a piece of \(2, 4\) px from pixel 0", id="too wide"),
    pytest.param(6, [[2, 3]], r"one \(height, width\) per slot", id="a slot without a shape"),
    pytest.param(0, [[-1, 0], [0, 0]], "got a piece of", id="negative"),
]


@pytest.mark.parametrize(("size", "shapes", "message"), WRONG_PIECES)
def test_pieces_must_fit_their_slots(size, shapes, message):
    arguments = np.zeros(size), np.array(shapes), np.ones((2, 3, 3))
    if message is None:
        place(*arguments)
        assert not arguments[2].any()
        return
    with pytest.raises(ArrayError, match=message):
        place(*arguments)


WRONG_SLOTS = [
    pytest.param([[2, 3]], r"lift\(\) takes one \(height, width\) per slot", id="too few"),
    pytest.param(
        [[2, 3], [4, 1]], r"a piece of \(4, 1\) px for a slot of \(3, 3\)", id="high"
    ),
    pytest.param(
        [[1, 4], [0, 0]], r"a piece of \(1, 4\) px for a slot of \(3, 3\)", id="wide"
    ),
    pytest.param([[0, 0], [-1, 2]], r"a piece of \(-1, 2\) px", id="negative"),
]


@pytest.mark.parametrize(("shapes", "message"), WRONG_SLOTS)
def test_what_is_lifted_must_lie_in_its_slot(shapes, message):
    with pytest.raises(ArrayError, match=message):
        lift(np.zeros((2, 3, 3)), np.array(shapes))


STARTS_OUTSIDE = [
    ([0, -1], r"a piece of \(2, 3\) px from pixel -1 of 6 "),
    ([0, 1], r"a piece of \(2, 3\) px from pixel 1 of 6 "),
    ([0], r"got starts \(1,\) for 2 slots"),
]


@pytest.mark.parametrize(("starts", "message"), STARTS_OUTSIDE)
def test_pieces_must_lie_inside_what_is_given(starts, message):
    shapes = np.array([[2, 3], [2, 3]])
    with pytest.raises(ArrayError, match=message):
        place(np.zeros(6), shapes, np.ones((2, 3, 3)), starts=np.array(starts))
