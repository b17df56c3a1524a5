from fractions import Fraction
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from pyama.algorithms.params import TrackingParams
from pyama.algorithms.trackers.iou import NEW, link, track, track_masks
from pyama.errors import ArrayError

A, B, C = [0, 0, 10, 10], [0, 20, 10, 30], [2, 2, 12, 12]
TRACKERS = pytest.mark.parametrize("tracker", [track, track_masks])


def boxes(values):
    return np.array(values, np.int32).reshape(-1, 4)


@pytest.mark.parametrize(
    ("previous", "current", "expected"),
    [
        pytest.param([A, B], [A, B], [0, 1], id="nothing moves"),
        pytest.param([A, B], [B, A], [1, 0], id="order of labels does not matter"),
        pytest.param([A], [C], [0], id="small step"),
        pytest.param([A], [B], [NEW], id="no overlap is a new cell"),
        pytest.param([A, B], [A], [0], id="a cell leaves"),
        pytest.param([], [A], [NEW], id="first frame"),
        pytest.param([A], [], [], id="empty frame"),
        pytest.param([], [], [], id="nothing at all"),
        pytest.param([A], [A, A], [0, NEW], id="equal boxes: the first label goes on"),
        pytest.param([A, A], [A], [0], id="equal boxes: the first id goes on"),
        pytest.param([A], [[10, 0, 20, 10]], [NEW], id="touching is no overlap"),
        pytest.param([[0, 0, 10, 1]], [[9, 0, 10, 1]], [0], id="an overlap of exactly 0.1"),
        pytest.param([[0, 0, 11, 1]], [[9, 0, 10, 1]], [NEW], id="an overlap of 1/11"),
        pytest.param(
            [[0, 0, 1, 12], [0, 6, 1, 20]],
            [[0, 5, 1, 14], [0, 15, 1, 30]],
            [0, 1],
            id="the sum counts, not the largest pair",
        ),
        pytest.param(
            [[0, 0, 60000, 60000]], [[0, 0, 60000, 59999]], [0], id="areas above 32 bits"
        ),
    ],
)
def test_link(previous, current, expected):
    assert link(boxes(previous), boxes(current), 0.1).tolist() == expected


def test_boxes_that_do_not_overlap_are_not_linked_by_a_limit_of_zero():
    assert link(boxes([A]), boxes([B]), 0.0).tolist() == [NEW]


def test_a_pair_below_the_limit_is_dropped_after_matching_not_before():
    # Alone, the first pair would be linked; the best sum takes its box for the second cell.
    previous, current = [[0, 0, 1, 10], [0, 4, 1, 14]], [[0, 1, 1, 11], [0, 9, 1, 39]]
    assert link(boxes(previous), boxes(current), 0.0).tolist() == [0, 1]
    assert link(boxes(previous), boxes(current), 0.3).tolist() == [0, NEW]


def ratio(a, b):
    height = min(a[2], b[2]) - max(a[0], b[0])
    width = min(a[3], b[3]) - max(a[1], b[1])
    shared = max(height, 0) * max(width, 0)
    areas = sum((box[2] - box[0]) * (box[3] - box[1]) for box in (a, b))
    return Fraction(int(shared), int(areas - shared))


def first_of_the_best(previous, current, min_iou):
    """Try all assignments in exact arithmetic, in order: the first of the best wins."""
    best, answer = Fraction(-1), None
    for columns in product([*range(len(current)), NEW], repeat=len(previous)):
        taken = [(p, c) for p, c in enumerate(columns) if c != NEW]
        overlaps = [ratio(previous[p], current[c]) for p, c in taken]
        if len({c for _, c in taken}) == len(taken) and 0 not in overlaps:
            total = sum(overlaps, Fraction(0))
            if total > best:
                best, answer = total, zip(taken, overlaps, strict=True)
    partner = [NEW] * len(current)
    for (p, c), overlap in list(answer):
        partner[c] = p if overlap >= min_iou else NEW
    return partner


small_boxes = st.lists(
    st.builds(
        lambda y, x, height, width: [y, x, y + height, x + width],
        *[st.integers(0, 4)] * 2,
        *[st.integers(1, 3)] * 2,
    ),
    max_size=4,
)


@given(small_boxes, small_boxes, st.sampled_from([0, Fraction(1, 10), Fraction(1, 3)]))
def test_link_takes_the_first_of_the_best_assignments(previous, current, min_iou):
    found = link(boxes(previous), boxes(current), float(min_iou))
    assert found.tolist() == first_of_the_best(previous, current, min_iou)


def test_a_large_regular_pattern_is_linked_in_order():
    y, x = np.mgrid[0:300:10, 0:300:10].reshape(2, -1)
    previous = np.stack([y, x, y + 10, x + 10], axis=1).astype(np.int32)
    partner = link(previous, previous + np.int32(5), 0.1)
    np.testing.assert_array_equal(partner, np.arange(len(previous)))


movies = npst.arrays(np.uint16, (4, 8, 8), elements=st.integers(0, 3))


@TRACKERS
@given(movie=movies, min_iou=st.floats(0, 1), max_gap=st.integers(0, 2))
def test_tracking_renumbers_and_nothing_else(tracker, movie, min_iou, max_gap):
    params = TrackingParams(min_iou=min_iou, max_gap=max_gap)
    for before, after in zip(movie, tracker(movie, params), strict=True):
        np.testing.assert_array_equal(before == 0, after == 0)
        pairs = np.unique(np.stack([before.ravel(), after.ravel()]), axis=1)
        assert len(set(pairs[0])) == len(set(pairs[1])) == pairs.shape[1]


@TRACKERS
@given(movie=movies, max_gap=st.integers(0, 2))
def test_numbers_start_at_one_have_no_gaps_and_do_not_come_back(tracker, movie, max_gap):
    tracked = list(tracker(movie, TrackingParams(max_gap=max_gap)))
    ids = sorted({int(i) for frame in tracked for i in np.unique(frame)} - {0})
    assert ids == list(range(1, len(ids) + 1))
    for i in ids:
        present = np.flatnonzero([np.any(frame == i) for frame in tracked])
        assert np.all(np.diff(present) <= max_gap + 1)


def movie_of(*frames):
    """Frames of one row; every letter is a cell, numbered by the alphabet."""
    numbers = [[0 if c == "." else ord(c) - 96 for c in frame] for frame in frames]
    return [np.array([row], np.uint16) for row in numbers]


def letters(frames):
    return ["".join("." if i == 0 else chr(i + 96) for i in frame[0]) for frame in frames]


@TRACKERS
@pytest.mark.parametrize(
    ("frames", "params", "expected"),
    [
        pytest.param(["bb..aa", "aa..bb"], {}, ["bb..aa", "bb..aa"], id="swapped labels"),
        pytest.param(["aa", "bb", "zz"], {}, ["aa"] * 3, id="any label"),
        pytest.param(
            ["aaaa....", "..aaaa..", "bb......"],
            {},
            ["aaaa....", "..aaaa..", "bb......"],
            id="where a cell was before its last frame it is no more",
        ),
        pytest.param(["....", "bb.a"], {}, ["....", "bb.a"], id="new ids follow the labels"),
        pytest.param(["aa", "..", "aa"], {}, ["aa", "..", "bb"], id="gone is gone"),
        pytest.param(["aa", "..", "aa"], {"max_gap": 1}, ["aa", "..", "aa"], id="a gap"),
        pytest.param(
            ["aa", "..", "..", "aa"], {"max_gap": 1}, ["aa", "..", "..", "bb"], id="too long"
        ),
        pytest.param(
            ["aa", "..", "aa", "..", "aa"],
            {"max_gap": 1},
            ["aa", "..", "aa", "..", "aa"],
            id="every gap counts anew",
        ),
        pytest.param(
            ["aa...bb", ".....aa", "bb...aa"],
            {"max_gap": 1},
            ["aa...bb", ".....bb", "aa...bb"],
            id="others go on during a gap",
        ),
        pytest.param(
            ["aa..bb", ".aa...", "..aaa."],
            {"max_gap": 1},
            ["aa..bb", ".aa...", "..aaa."],
            id="the smaller id goes on, also when the larger one waits",
        ),
        pytest.param(
            ["aaaa...", "....bbb", ".bbbb.."],
            {"max_gap": 1},
            ["aaaa...", "....bbb", ".bbbb.."],
            id="a cell that was just there goes before one that waits",
        ),
        pytest.param(
            ["aaa.b.cccc", "bbb.a.cccc"],
            {"min_size": 2, "max_size": 3},
            ["aaa.......", "aaa......."],
            id="objects outside the limits are not tracked",
        ),
        pytest.param(["aaaa", "a..."], {"min_iou": 0.3}, ["aaaa", "b..."], id="limit"),
        pytest.param(["aaaa", "a..."], {"min_iou": 0.25}, ["aaaa", "a..."], id="at the limit"),
        pytest.param(
            ["aaaa..", "...aaa"], {"min_iou": 1.0}, ["aaaa..", "...bbb"], id="strict"
        ),
    ],
)
def test_ids_through_time(tracker, frames, params, expected):
    tracked = list(tracker(movie_of(*frames), TrackingParams(**params)))
    assert letters(tracked) == expected


def test_masks_and_boxes_disagree_where_boxes_lie_over_each_other():
    corner = np.array([[1, 1, 1, 1], [1, 0, 0, 0], [1, 0, 0, 0], [1, 0, 0, 2]], np.uint16)
    inside = np.array([[2, 0, 0, 0], [0, 1, 1, 1], [0, 1, 1, 1], [0, 1, 1, 1]], np.uint16)
    by_box = list(track([corner, inside], TrackingParams()))[1]
    by_mask = list(track_masks([corner, inside], TrackingParams()))[1]
    assert (by_box[3, 3], by_box[0, 0]) == (1, 3)
    assert (by_mask[3, 3], by_mask[0, 0]) == (2, 1)


def test_a_missed_mask_overlaps_only_where_nobody_covered_it_since():
    frames = movie_of("aaaaa..", "...bbbb", "aaaaa..")  # 3 of the 7 pixels are still seen
    for tracker, min_iou, last in [
        (track, 0.45, "aaaaa.."),
        (track_masks, 0.4, "aaaaa.."),
        (track_masks, 0.45, "ccccc.."),
    ]:
        params = TrackingParams(max_gap=1, min_iou=min_iou)
        assert letters(tracker(frames, params)) == ["aaaaa..", "...bbbb", last]


def test_a_missed_mask_that_is_covered_completely_waits():
    frames = movie_of(".aa...", "bbbb..", ".aa...")
    params = TrackingParams(max_gap=1, min_iou=0.6)
    assert letters(track_masks(frames, params)) == [".aa...", "bbbb..", ".cc..."]


@TRACKERS
def test_numbers_above_65535_widen_the_labels_from_their_first_frame_on(tracker):
    full = np.arange(1, 40001, dtype=np.uint16).reshape(200, 200)
    empty = np.zeros_like(full)
    tracked = list(tracker([full, empty, full, full], TrackingParams()))
    assert [frame.dtype for frame in tracked] == [np.uint16] * 2 + [np.uint32] * 2
    assert [int(frame.max()) for frame in tracked] == [40000, 0, 80000, 80000]
    np.testing.assert_array_equal(tracked[3], full + np.uint32(40000))


@TRACKERS
def test_labels_may_be_wide_and_large(tracker):
    frame = np.array([[70_000, 0, 3]], np.uint32)
    (tracked,) = tracker([frame], TrackingParams())
    assert tracked.tolist() == [[2, 0, 1]]
    assert tracked.dtype == np.uint16


@TRACKERS
@pytest.mark.parametrize("shape", [(1, 1), (1, 5), (5, 1), (0, 0)])
def test_degenerate_frames_are_tracked(tracker, shape):
    frames = [np.zeros(shape, np.uint16), np.ones(shape, np.uint16), np.ones(shape, np.uint16)]
    assert [int(f.max(initial=0)) for f in tracker(frames, TrackingParams())] == [
        0,
        min(1, frames[1].size),
        min(1, frames[1].size),
    ]


@TRACKERS
def test_no_frames_give_no_frames(tracker):
    assert list(tracker([], TrackingParams())) == []


@TRACKERS
def test_frames_are_computed_when_they_are_asked_for(tracker):
    def frames():
        yield np.ones((2, 2), np.uint16)
        pytest.fail("a second frame was read")

    assert next(tracker(frames(), TrackingParams())).max() == 1


@TRACKERS
def test_tracked_frames_belong_to_the_caller(tracker):
    frames = [np.ones((2, 2), np.uint16)] * 2
    tracked = tracker(frames, TrackingParams())
    next(tracked)[:] = 0
    assert next(tracked).tolist() == [[1, 1], [1, 1]]


def test_masks_of_different_shapes_are_refused():
    frames = [np.ones((2, 2), np.uint16), np.ones((2, 3), np.uint16)]
    with pytest.raises(ArrayError, match=r"track_masks.*previous \(2, 2\), current \(2, 3\)"):
        list(track_masks(frames, TrackingParams()))


@TRACKERS
def test_a_frame_that_is_no_frame_of_labels_is_refused(tracker):
    with pytest.raises(ArrayError, match=r"got shape \(2, 2, 2\)"):
        list(tracker([np.ones((2, 2, 2), np.uint16)], TrackingParams()))
    with pytest.raises(ArrayError, match="got float64"):
        list(tracker([np.ones((2, 2))], TrackingParams()))
