"""Checks of tracks are silent on tracks that other people have made or checked."""

import re
from pathlib import Path

import numpy as np
import pytest
import skimage.io

from pyama.algorithms.kernels.labels import regions
from pyama.algorithms.recorded_tracks import recorded_tracks
from pyama.algorithms.track_checks import track_checks
from pyama.algorithms.trackers import iou
from pyama.analysis.advice.track_advice import track_advice
from pyama.config import ProcessingParams

DATA = Path(__file__).parents[3] / "shared" / "data"
pytestmark = pytest.mark.skipif(not DATA.is_dir(), reason="no folder shared/data")
TRACKED = ["phase/movie/ids_t*.png", "tracking/hela/mask*.tif", "tracking/nist/*.tif"]


def labels_of(pattern):
    paths = sorted(DATA.glob(pattern))
    assert len(paths) > 5
    return [np.ascontiguousarray(skimage.io.imread(path), np.uint32) for path in paths]


def advice_of(frames):
    found = [regions(frame) for frame in frames]
    ids = np.unique(np.concatenate([cells.ids for cells in found]))
    boxes = np.zeros((len(ids), len(frames), 4), np.int32)
    valid = np.zeros(boxes.shape[:2], bool)
    for t, cells in enumerate(found):
        rows = np.searchsorted(ids, cells.ids)
        boxes[rows, t], valid[rows, t] = cells.boxes, True
    nothing = np.array([], np.int64)
    checks = track_checks(recorded_tracks(boxes, valid, nothing, frames[0].shape))
    return track_advice({0: {"checks": checks}}, ProcessingParams(min_frames=1))


@pytest.mark.parametrize("pattern", TRACKED)
def test_given_tracks_and_those_by_overlap_are_nothing_odd(pattern):
    frames = labels_of(pattern)
    assert advice_of(frames) == []
    assert advice_of(list(iou.track(frames, ProcessingParams()))) == []


@pytest.mark.parametrize("pattern", TRACKED[:2])
def test_a_jump_of_a_real_population_is_found(pattern):
    frames = labels_of(pattern)
    middle = len(frames) // 2
    moved = [np.roll(frame, (70, 50), axis=(0, 1)) for frame in frames[middle:]]
    tracks = list(iou.track([*frames[:middle], *moved], ProcessingParams()))
    (jump, *_) = advice_of(tracks)
    place = f"px between frames {middle - 1} and {middle}:"
    assert re.search(rf"jumps by 8[5-7] {place}", jump)


def test_frames_without_focus_in_a_real_population_are_found():
    frames = labels_of(TRACKED[1])
    for t in (20, 21):
        frames[t] = np.where(frames[t] % 9, 0, frames[t])
    (lost, *_) = advice_of(list(iou.track(frames, ProcessingParams())))
    assert lost.startswith("FOV 0: Most cells vanish in frame 20-21")
