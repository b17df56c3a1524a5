"""The judged fields are fixed, and the score is that of the tests."""

import numpy as np
import pytest
from benchmarks.synthetic_kinds import count_matches, f1, judged_fields, segment

from label_metrics import object_f1


def test_judged_fields_are_scored_as_in_the_tests():
    frame, labels = next(judged_fields("rods", 1))
    again, _ = next(judged_fields("rods", 1))
    np.testing.assert_array_equal(frame, again)
    found = segment("watershed", frame, 20.0)
    assert found.shape == labels.shape
    assert f1(count_matches(found, labels)) == pytest.approx(object_f1(found, labels))
    assert f1(count_matches(labels, labels)) == 1
