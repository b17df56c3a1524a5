"""Checks of tracks: jumps, drift, lost frames, interrupted tracks; and silence otherwise."""

import numpy as np
import pytest
import scipy
from hypothesis import given
from hypothesis import strategies as st

from pyama.algorithms.common_motion import middle_mean
from pyama.algorithms.recorded_tracks import recorded_tracks
from pyama.algorithms.track_checks import track_checks
from pyama.analysis.advice.setting_advice import options
from pyama.analysis.advice.track_advice import track_advice
from pyama.config import ProcessingParams
from pyama.errors import ArrayError

SHAPE, SIDE, T = (600, 800), 40, 30
NONE = np.array([], np.int64)


def cells(n=12, seed=0, frames=T, wander=2.0):
    """Boxes of cells that wander about on their own, and where they are present."""
    rng = np.random.default_rng(seed)
    start = np.stack([rng.uniform(100, side - 140, n) for side in SHAPE], axis=-1)
    path = start[:, None] + np.cumsum(rng.normal(0, wander, (n, frames, 2)), axis=1)
    return path, np.ones((n, frames), bool)


def boxes_of(path):
    corner = np.round(path).astype(np.int32)
    return np.concatenate([corner, corner + SIDE], axis=2)


def checks(path, valid, missing=NONE, drift=None):
    return track_checks(recorded_tracks(boxes_of(path), valid, missing, SHAPE, drift))


def renumbered_at(path, valid, frame):
    """The same with new numbers from a frame on, as if no cell had been recognised."""
    before, after = valid.copy(), valid.copy()
    before[:, frame:], after[:, :frame] = False, False
    return np.concatenate([path, path[::-1]]), np.concatenate([before, after[::-1]])


@given(st.integers(0, 10**6), st.integers(6, 200))  # of 3 or 4, a few move alike by chance
def test_cells_on_their_own_are_nothing_odd(seed, n):
    assert checks(*cells(n, seed)) == {}


def test_no_cells_and_a_single_frame_are_nothing_odd():
    assert checks(np.empty((0, 5, 2)), np.empty((0, 5), bool)) == {}
    assert checks(*cells(frames=1)) == {}
    assert checks(*cells(), missing=np.arange(T)) == {}
    with pytest.raises(ArrayError, match="one box per cell and frame"):
        recorded_tracks(np.zeros((2, 3, 4), int), np.ones((2, 4), bool), NONE, SHAPE)


@given(
    st.integers(0, 10**6),
    st.integers(4, 60),
    st.integers(1, T - 1),
    st.floats(25, 90),
    st.floats(0, 6.28),
    st.booleans(),
)
def test_a_jump_is_found_whether_or_not_cells_keep_their_numbers(
    seed, n, frame, length, angle, keeps
):
    path, valid = cells(n, seed)
    jump = length * np.array([np.sin(angle), np.cos(angle)])
    path[:, frame:] += jump
    moved = np.zeros((T, 2))
    moved[frame:] = jump
    if not keeps:
        path, valid = renumbered_at(path, valid, frame)
    found = checks(path, valid)["jumps"]
    assert len(found) == 1
    assert found[0][:2] == [frame - 1, frame]
    assert np.hypot(*(found[0][2:] - jump)) < 6
    assert "jumps" not in checks(path, valid, drift=moved)


def test_a_jump_beyond_a_missing_frame_is_found():
    path, valid = cells()
    path[:, 11:] += 60
    valid[:, 10] = False
    found = checks(path, valid, missing=np.array([10]))
    assert found["jumps"][0][:2] == [9, 11]
    assert "lost" not in found


@given(st.integers(1, 20), st.integers(1, 6), st.integers(0, 5), st.booleans())
def test_frames_in_which_most_cells_vanish_are_found(first, n, kept, ends_there):
    path, valid = cells()
    last = T - 1 if ends_there else first + n - 1
    valid[kept:, first : last + 1] = False
    found = checks(path, valid)
    assert found["lost"] == [[first, last]]
    assert found["longest_lost"] == last - first + 1
    assert found["still_there"] == T - (last - first + 1)
    assert found["recovers"] is not ends_there


def test_frames_at_the_beginning_are_lost_too_but_a_slow_increase_is_not():
    path, valid = cells()
    valid[2:, :3] = False
    assert checks(path, valid)["lost"] == [[0, 2]]
    path, valid = cells(26)
    for cell in range(26):
        valid[cell, :cell] = False
    assert "lost" not in checks(path, valid)


def test_cells_that_die_one_by_one_are_nothing_odd():
    path, valid = cells(26)
    for cell in range(26):
        valid[cell, T - cell :] = False
    assert checks(path, valid) == {}


def test_a_drift_of_all_cells_is_found_and_goes_with_the_measured_one():
    path, valid = cells(wander=0.5)
    drift = np.arange(T)[:, None] * np.array([1.5, -2.0])
    path += drift
    found = checks(path, valid)
    assert np.hypot(*(found["drift"] - drift[-1])) < 6
    assert checks(path, valid, drift=drift) == {}


@pytest.mark.parametrize("n", [1, 3, 4, 7, 8, 101])
def test_the_mean_of_the_middle_is_that_of_scipy(n):
    moves = np.random.default_rng(n).normal(0, 3, (n, 2))
    assert middle_mean(moves).tolist() == scipy.stats.trim_mean(moves, 0.25, axis=0).tolist()


def test_cells_that_all_move_differently_do_not_drift():
    path, valid = cells()
    path += np.arange(T)[:, None] * np.linspace(-3, 3, 12)[:, None, None]
    assert "drift" not in checks(path, valid)


def test_interrupted_tracks_are_counted_by_their_gap_except_at_the_edge():
    path, valid = cells(12, wander=0.5)
    for cell, gap in enumerate([1, 1, 2, 3]):
        path = np.concatenate([path, path[cell : cell + 1]])
        valid = np.concatenate([valid, valid[cell : cell + 1]])
        valid[cell, 10:] = False
        valid[-1, : 10 + gap] = False
    found = checks(path, valid)
    assert found == {"gaps": {"1": 2, "2": 1, "3": 1}, "tracks": 16}
    path[[0, -4], :, 0] = 0
    assert checks(path, valid)["gaps"] == {"1": 1, "2": 1, "3": 1}


def advice(checks, **params):
    limits = {"min_frames": params.get("min_frames", 30)}
    return track_advice({0: {"checks": checks, "limits": limits}}, ProcessingParams(**params))


LOST = {"lost": [[14, 16]], "longest_lost": 3, "still_there": 27, "recovers": True}
JUMP = {"jumps": [[14, 15, 45.0, 0.0]]}
DRIFT = {"drift": [30.0, 40.0]}
GAPS = {"gaps": {"1": 4, "2": 2, "5": 1}, "tracks": 20}
REGISTERED = {"registration": "phase_correlation"}


@pytest.mark.parametrize(
    ("found", "params", "end"),
    [
        (JUMP, {}, "--set registration=phase_correlation"),
        (JUMP, REGISTERED, "may be made of two cells."),
        (LOST, {}, "add --set max_gap=3 --set min_frames=27"),
        (LOST, {"max_gap": 3}, "add --set min_frames=27"),
        (LOST, {"max_gap": 5, "min_frames": 20}, "as if the focus were lost."),
        (LOST | {"recovers": False}, {}, "add --set min_frames=27"),
        (LOST | {"longest_lost": 11}, {"min_frames": 5}, "as if the focus were lost."),
        (DRIFT, {}, "--set registration=phase_correlation"),
        (DRIFT, REGISTERED, "in the course of the recording."),
        (GAPS, {}, "add --set max_gap=2"),
    ],
)
def test_advice_names_what_is_not_set_yet(found, params, end):
    (line,) = advice(found, **params)
    assert line.startswith("FOV 0: ")
    assert line.endswith(end)
    assert ("--set" in end) == bool(line.settings)
    assert all(line.endswith(options(settings)) for settings in line.settings)


def test_gaps_that_are_bridged_or_few_are_no_advice():
    assert advice(GAPS, max_gap=1) == []  # 3 of 20 are left
    assert advice({"gaps": {"1": 2}, "tracks": 4}) == []
    assert advice({}) == []


def test_fields_of_view_with_the_same_finding_share_a_line():
    notes = {fov: {"checks": JUMP} for fov in (0, 1, 4)}
    (line,) = track_advice(notes, ProcessingParams())
    jump = "The whole picture jumps by 45 px between frames 14 and 15"
    assert line.startswith(f"FOV 0-1,4: {jump}")
