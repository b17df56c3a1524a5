"""Tracking by prediction."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from pyama.algorithms.params import KalmanParams, TrackingParams
from pyama.algorithms.trackers import iou, kalman

SIDE, DIAMETER = 768, 24


def movie(rng, n=30, frames=10, step=1.5):
    """Round cells, each of which moves in its own direction by `step` diameters per frame."""
    places = []
    while len(places) < n:
        place = rng.uniform(DIAMETER, SIDE - DIAMETER, 2)
        if all(np.hypot(*(place - other)) > 1.2 * DIAMETER for other in places):
            places.append(place)
    angles = rng.uniform(0, 2 * np.pi, n)
    speeds = step * DIAMETER * np.stack([np.sin(angles), np.cos(angles)], axis=1)
    return [drawn(np.array(places) + t * speeds) for t in range(frames)]


def drawn(places):
    frame = np.zeros((SIDE, SIDE), np.uint16)
    reach = DIAMETER // 2
    for i, (y, x) in enumerate(np.rint(places).astype(int)):
        if not (0 <= y < SIDE and 0 <= x < SIDE):
            continue
        top, left = max(0, y - reach), max(0, x - reach)
        window = frame[top : y + reach + 1, left : x + reach + 1]
        yy, xx = np.ogrid[: window.shape[0], : window.shape[1]]
        window[(yy + top - y) ** 2 + (xx + left - x) ** 2 <= reach**2] = i + 1
    return frame


def shuffled(frame, rng):
    ids = np.unique(frame[frame > 0])
    lookup = np.zeros(int(frame.max(initial=0)) + 1, np.uint16)
    lookup[ids] = rng.permutation(len(ids)) + 1
    return lookup[frame]


def kept(truth, tracked):
    """Share of the cells that have one number in all of their frames."""
    numbers = {}
    for before, after in zip(truth, tracked, strict=True):
        inside = before > 0
        for cell, number in set(
            zip(before[inside].tolist(), after[inside].tolist(), strict=True)
        ):
            numbers.setdefault(cell, set()).add(number)
    return np.mean([len(found) == 1 for found in numbers.values()])


def without(truth, rng, share):
    """Remove labels at random, no cell in two successive frames."""
    gone = set()
    for frame in truth:
        ids = [i for i in np.unique(frame[frame > 0]).tolist() if i not in gone]
        gone = {i for i in ids if rng.random() < share}
        yield np.where(np.isin(frame, list(gone)), 0, frame).astype(np.uint16)


@pytest.mark.parametrize("seed", range(3))
def test_fast_cells_keep_their_numbers_where_overlap_loses_them(seed):
    rng = np.random.default_rng(seed)
    truth = movie(rng)
    frames = [shuffled(frame, rng) for frame in truth]
    assert kept(truth, kalman.track(frames, KalmanParams())) >= 0.95
    assert kept(truth, iou.track(frames, TrackingParams())) < 0.5


@pytest.mark.parametrize("track", [iou.track, iou.track_masks, kalman.track])
def test_cells_that_are_missed_in_single_frames_keep_their_numbers(track):
    rng = np.random.default_rng(5)
    truth = movie(rng, n=60, step=0.1)
    frames = [shuffled(frame, rng) for frame in without(truth, rng, 0.05)]
    truth = [np.where(frame > 0, cells, 0) for frame, cells in zip(frames, truth, strict=True)]
    assert kept(truth, track(frames, KalmanParams(max_gap=1))) >= 0.98
    assert kept(truth, track(frames, KalmanParams())) < 0.9


def test_a_fast_cell_that_is_missed_is_found_where_it_should_be():
    places = np.array([[60.0, 60.0], [600.0, 100.0]])
    speed = np.array([[0.0, 36.0], [-30.0, 10.0]])
    frames = [drawn(places + t * speed) for t in range(8)]
    frames[4][frames[4] == 1] = 0
    tracked = list(kalman.track(frames, KalmanParams(max_gap=1)))
    assert [np.unique(frame).tolist() for frame in tracked[5:]] == [[0, 1, 2]] * 3
    assert tracked[7][60, 60 + 7 * 36] == 1


def test_a_cell_does_not_jump_farther_than_allowed():
    frames = [drawn([[100, 100]]), drawn([[100, 160]])]
    for max_step, expected in ((2.0, 2), (3.0, 1)):
        *_, last = kalman.track(frames, KalmanParams(max_step=max_step))
        assert last.max() == expected


def test_objects_outside_the_limits_of_size_are_left_out():
    frames = [drawn([[100, 100], [300, 300]])] * 2
    frames[1] = frames[1].copy()
    frames[1][300:] = 0  # half of the second cell
    first, second = kalman.track(frames, KalmanParams(min_size=400))
    assert set(np.unique(first)) == {0, 1, 2}
    assert set(np.unique(second)) == {0, 1}


movies = npst.arrays(np.uint16, (4, 8, 8), elements=st.integers(0, 3))


@given(movies, st.integers(0, 2))
def test_tracking_renumbers_and_nothing_else(frames, max_gap):
    tracked = list(kalman.track(frames, KalmanParams(max_gap=max_gap)))
    newest = 0
    for before, after in zip(frames, tracked, strict=True):
        np.testing.assert_array_equal(before == 0, after == 0)
        pairs = np.unique(np.stack([before.ravel(), after.ravel()]), axis=1)
        assert len(set(pairs[0])) == len(set(pairs[1])) == pairs.shape[1]
        new = [number for number in np.unique(after).tolist() if number > newest]
        assert new == list(range(newest + 1, newest + 1 + len(new)))
        newest += len(new)


@given(movies)
def test_without_gaps_a_number_that_is_gone_stays_gone(frames):
    seen = [set(np.unique(f)) - {0} for f in kalman.track(frames, KalmanParams())]
    gone = set()
    for before, after in pairwise(seen):
        gone |= before - after
        assert not gone & after


@pytest.mark.parametrize(
    "frames", [[], [np.zeros((1, 1), np.uint16)] * 3], ids=["none", "empty"]
)
def test_no_cells_are_no_error(frames):
    tracked = list(kalman.track(frames, KalmanParams()))
    assert len(tracked) == len(frames)
    assert not any(frame.any() for frame in tracked)
