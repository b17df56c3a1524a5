"""Divisions on annotated nuclei, scored with the measures of the Cell Tracking Challenge."""

from pathlib import Path

import numpy as np
import pytest
import tifffile

from pyama.algorithms.params import KalmanParams
from pyama.algorithms.trackers.divisions import renumber_daughters
from pyama.algorithms.trackers.iou import track
from pyama.algorithms.trackers.kalman import track as track_by_prediction

DATA = Path(__file__).parents[3] / "shared" / "data" / "tracking" / "hela"
pytestmark = pytest.mark.skipif(not DATA.is_dir(), reason=f"needs the real data in {DATA}")


@pytest.fixture(scope="module")
def truth():
    return [tifffile.imread(path) for path in sorted(DATA.glob("mask*.tif"))]


@pytest.fixture(scope="module")
def parents():
    lines = np.loadtxt(DATA / "res_track.txt", int, ndmin=2)
    return {int(i): int(parent) for i, _, _, parent in lines if parent}


def shuffled(frames):
    rng = np.random.default_rng(0)
    for frame in frames:
        ids = np.unique(frame[frame > 0])
        lookup = np.zeros(int(frame.max()) + 1, np.uint16)
        lookup[ids] = rng.permutation(len(ids)) + 1
        yield lookup[frame]


def write(folder, kind, frames, parents):
    folder.mkdir(parents=True)
    present = {}
    for t, frame in enumerate(frames):
        tifffile.imwrite(folder / f"{kind}{t:03}.tif", frame.astype(np.uint16))
        for cell in np.unique(frame[frame > 0]).tolist():
            present.setdefault(cell, []).append(t)
    name = "man_track.txt" if kind == "man_track" else "res_track.txt"
    lines = [f"{i} {t[0]} {t[-1]} {parents.get(i, 0)}\n" for i, t in sorted(present.items())]
    (folder / name).write_text("".join(lines))


@pytest.mark.parametrize("tracker", [track, track_by_prediction], ids=["iou", "kalman"])
def test_daughters_are_linked_to_their_mothers(truth, parents, tracker, tmp_path):
    evaluate = pytest.importorskip(
        "ctc_metrics.scripts.evaluate", reason="py-ctcmetrics is not installed"
    ).evaluate_sequence
    frames, found = [], {}
    for labels, mothers in renumber_daughters(tracker(shuffled(truth), KalmanParams())):
        frames.append(labels)
        found |= mothers
    write(tmp_path / "gt" / "TRA", "man_track", truth, parents)
    write(tmp_path / "res", "mask", frames, found)
    folders = str(tmp_path / "res"), str(tmp_path / "gt")
    scores = evaluate(*folders, metrics=["Valid", "TRA", "LNK"], threads=1)
    assert scores["Valid"] == 1
    assert scores["LNK"] >= 0.987


@pytest.mark.parametrize("max_gap", [0, 2])
def test_frames_that_the_rule_has_not_seen(truth, parents, max_gap):
    later = truth[23:]
    first, expected, found, names = {}, set(), set(), {}
    for t, frame in enumerate(later):
        for cell in np.unique(frame[frame > 0]).tolist():
            first.setdefault(cell, t)
    complete = [m for m in set(parents.values()) if list(parents.values()).count(m) > 1]
    expected = {
        (first[d], m, d)
        for d, m in parents.items()
        if first.get(d, 0) > 0 and m in first and m in complete
    }
    tracked = track(shuffled(later), KalmanParams(max_gap=max_gap))
    for t, (labels, mothers) in enumerate(renumber_daughters(tracked)):
        ids = dict(zip(labels.ravel().tolist(), later[t].ravel().tolist(), strict=True))
        found |= {(t, names[m], ids[d]) for d, m in mothers.items()}
        names |= ids
    assert len(found & expected) >= 0.8 * len(expected) >= 40
    assert len(found & expected) >= 0.85 * len(found)
