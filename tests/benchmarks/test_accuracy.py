"""What is promised about the numbers, on a recording small enough for every run."""

import pytest
from benchmarks.accuracy import measure

from pyama.testing.synthetic import SyntheticRecording


@pytest.fixture(scope="module")
def accuracy():
    return measure(SyntheticRecording(seed=1, shape=(1024, 1024), n_frames=5))


def test_cells_that_touch_nobody_are_found(accuracy):
    assert accuracy.f1 >= 0.97


def test_every_id_is_kept_when_the_true_labels_are_tracked(accuracy):
    assert accuracy.ids_of_true_labels == 1


def test_ids_are_kept_with_our_own_labels(accuracy):
    assert accuracy.ids_of_own_labels >= 0.95


def test_corrected_totals_are_right(accuracy):
    assert abs(accuracy.total_error) <= 0.02


def test_areas_and_means_are_as_wrong_as_the_documentation_says(accuracy):
    assert 1.2 <= 1 + accuracy.area_bias <= 1.5
    assert (1 + accuracy.mean_bias) * (1 + accuracy.area_bias) == pytest.approx(1, abs=0.03)


def test_the_background_is_right_in_the_middle_and_at_the_rim(accuracy):
    assert accuracy.rms_inside <= 1.3
    assert accuracy.rms_rim <= 2.5
