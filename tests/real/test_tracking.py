from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import tifffile

from pyama.algorithms.params import TrackingParams
from pyama.algorithms.trackers.iou import track, track_masks

DATA = Path(__file__).parents[3] / "shared" / "data" / "tracking"
pytestmark = pytest.mark.skipif(not DATA.is_dir(), reason=f"needs the real data in {DATA}")
TRACKERS = pytest.mark.parametrize("tracker", [track, track_masks])


def shuffled(frames):
    """Number the objects of every frame at random."""
    rng = np.random.default_rng(0)
    for frame in frames:
        ids = np.unique(frame[frame > 0])
        lookup = np.zeros(int(frame.max()) + 1, np.uint16)
        lookup[ids] = rng.permutation(len(ids)) + 1
        yield lookup[frame]


def numbers(frame, other):
    """Number in `other` of every object of `frame`."""
    inside = frame > 0
    return dict(zip(frame[inside].tolist(), other[inside].tolist(), strict=True))


@pytest.mark.parametrize(("tracker", "share"), [(track, 0.99), (track_masks, 0.985)])
def test_annotated_cells_keep_their_ids(tracker, share):
    """Boxes overlap more than masks do, which shows where cells move fast."""
    truth = [tifffile.imread(path) for path in sorted((DATA / "hela").glob("mask*.tif"))]
    tracked = tracker(shuffled(truth), TrackingParams())
    found = [numbers(*pair) for pair in zip(truth, tracked, strict=True)]
    links = [
        before[cell] == after[cell]
        for before, after in pairwise(found)
        for cell in before.keys() & after.keys()
    ]
    assert len(links) > 2500
    assert np.mean(links) >= share


@TRACKERS
@pytest.mark.parametrize("max_gap", [0, 2])
def test_dividing_and_fusing_cells_are_numbered_once(tracker, max_gap):
    frames = [tifffile.imread(path) for path in sorted((DATA / "nist").glob("seg_*.tif"))]
    last_seen = {}
    for t, (before, after) in enumerate(
        zip(frames, tracker(frames, TrackingParams(max_gap=max_gap)), strict=True)
    ):
        found = numbers(before, after)
        assert len(set(found.values())) == len(found)
        np.testing.assert_array_equal(before == 0, after == 0)
        gaps = [t - last_seen[i] for i in found.values() if i in last_seen]
        assert all(gap <= max_gap + 1 for gap in gaps)
        new = sorted(set(found.values()) - last_seen.keys())
        assert new == list(range(len(last_seen) + 1, len(last_seen) + len(new) + 1))
        last_seen.update(dict.fromkeys(found.values(), t))
    assert len(frames) == 10
