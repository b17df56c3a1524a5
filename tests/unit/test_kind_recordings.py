"""Recordings of kinds of cells move, and keep what their truth promises."""

import numpy as np
import pytest

from pyama.testing.field_layout import KINDS
from pyama.testing.synthetic import SyntheticRecording

LIVELY = {
    "width_px": 18,
    "shape": (160, 144),
    "n_frames": 4,
    "seed": 5,
    "division_rate": 0.1,
    "turnover_rate": 0.02,
}


@pytest.mark.parametrize("kind", KINDS)
def test_cells_of_a_kind_move_and_keep_their_ids(kind):
    recording = SyntheticRecording(kind=kind, **LIVELY)
    truth = recording.truth(0)
    assert set(np.unique(truth.labels)) == set(range(truth.n_cells + 1))
    for row in truth.present:
        frames = np.flatnonzero(row)
        assert len(frames) == frames[-1] - frames[0] + 1
    alone = truth.present & ~truth.touching & ~truth.at_border
    hours = truth.times_min / 60
    for i, t in np.argwhere(alone):
        total = truth.expressions[i][0].total(hours[t])
        assert truth.totals[i, t, 0] == pytest.approx(total, rel=1e-3)
    last = recording.frame(0, 3)
    assert last.shape == (2, 160, 144)
    assert (truth.labels[0] != truth.labels[3]).mean() > 0.01
    again = SyntheticRecording(kind=kind, **LIVELY)
    np.testing.assert_array_equal(again.frame(0, 3), last)


def test_daughters_begin_with_half_of_the_fluorescence():
    truth = SyntheticRecording(kind="round", **LIVELY).truth(0)
    daughter = int(np.flatnonzero(truth.parents)[0])
    mother = int(truth.parents[daughter]) - 1
    hours = truth.times_min[truth.first_frames[daughter]] / 60
    both = [truth.expressions[i][0].total(hours) for i in (mother, daughter)]
    assert both[1] == pytest.approx(both[0] / 2)


def test_the_whole_picture_drifts():
    still = {**LIVELY, "division_rate": 0, "turnover_rate": 0, "speed_px": 0.01}
    recording = SyntheticRecording(kind="round", n_cells=8, drift_px=(3, -2), **still)
    first, second = recording.labels(0, 0), recording.labels(0, 1)
    moved = np.roll(first, (3, -2), (0, 1)) > 0
    assert np.mean(moved != (second > 0)) < 0.5 * np.mean((first > 0) != (second > 0))
