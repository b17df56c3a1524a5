"""Frames on one canvas, each where it was taken."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyama.algorithms.canvas import Canvas
from pyama.config import ProcessingParams
from pyama.errors import ConfigError
from pyama.processing.steps.tracking import track_frames

SHIFT = st.floats(-60, 60)


@given(drift=st.lists(st.tuples(SHIFT, SHIFT), min_size=1, max_size=6))
def test_what_lies_still_has_one_place_and_comes_back_whole(drift):
    """An object that all frames show, and the picture moves by `drift` under the camera."""
    moved = np.rint(drift).astype(int)
    whole = Canvas((200, 210), np.array(drift))
    canvases = []
    for t, (y, x) in enumerate(moved.tolist()):
        labels = np.zeros((200, 210), np.uint16)
        labels[90 + y : 95 + y, 100 + x : 108 + x] = 3
        canvas = whole.place_labels(labels, t)
        assert canvas.shape == whole.shape
        np.testing.assert_array_equal(whole.view(canvas, t), labels)
        canvases.append(canvas)
    for canvas in canvases[1:]:
        np.testing.assert_array_equal(canvas, canvases[0])


def test_a_stage_at_rest_needs_no_canvas():
    labels = np.ones((5, 6), np.uint32)
    assert Canvas((5, 6), np.full((3, 2), 0.4)).place_labels(labels, 1) is labels
    assert Canvas((5, 6), np.zeros((0, 2))).shape == (5, 6)


def test_a_stage_that_went_too_far_is_refused_before_any_memory_is_taken():
    with pytest.raises(
        ConfigError, match=r"drifted over 20000 x 9000 px \(y, x\)\..* 20100 x"
    ):
        Canvas((100, 100), np.array([(0, 0), (20000, 0), (0, -9000)]))


def test_a_large_frame_may_drift_a_little():
    assert Canvas((12000, 12000), np.array([(0, 0), (40, 40)])).shape == (12040, 12040)


class Labels:
    """One cell that lies still, a second one that does not, and a stage that drifts."""

    drift = np.array([(0, 0), (-31, 12), (5, -40), (5, -40), (20, 9)], float)
    shape = (len(drift), 100, 120)

    def __len__(self):
        return len(self.drift)

    def __getitem__(self, t):
        y, x = self.drift[t].astype(int)
        frame = np.zeros(self.shape[1:], np.uint16)
        frame[40 + y : 50 + y, 60 + x : 72 + x] = 1
        frame[60 + y : 70 + y, 60 + x + 2 * t : 72 + x + 2 * t] = 2
        return frame


@pytest.mark.parametrize("divisions", [False, True])
@pytest.mark.parametrize("missing", [frozenset(), frozenset({2}), frozenset({0, 4})])
def test_any_tracker_sees_cells_where_they_lie_on_the_ground(missing, divisions):
    places = []

    def follow(frames, params):
        for labels in frames:
            places.append(np.argwhere(labels == 1).min(axis=0).tolist())
            yield labels

    labels, notes = Labels(), {}
    params = ProcessingParams(divisions=divisions)
    found = list(track_frames(labels, missing, ("own", follow), params, notes, labels.drift))
    assert len(places) == len(labels) - len(missing)
    assert all(place == places[0] for place in places)
    for t, frame in enumerate(found):
        expected = np.zeros_like(frame) if t in missing else labels[t]
        np.testing.assert_array_equal(frame, expected)
    assert notes.get("parents", {}) == {}
    assert notes["largest_label"] == 2


def test_without_a_drift_a_tracker_sees_the_frames_themselves():
    labels, seen = Labels(), []

    def follow(frames, params):
        for frame in frames:
            seen.append(frame)
            yield frame

    found = track_frames(labels, frozenset(), ("own", follow), ProcessingParams(), {})
    for t, frame in enumerate(found):
        np.testing.assert_array_equal(seen[t], labels[t])
        np.testing.assert_array_equal(frame, labels[t])
