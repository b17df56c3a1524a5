import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from label_metrics import foreground_iou, object_f1, seg
from pyama.errors import ArrayError

LABELS = arrays(np.uint16, (6, 7), elements=st.sampled_from([0, 0, 1, 2, 5, 60_000]))
REFERENCE = np.array([[1, 1, 1, 1, 0, 0], [2, 2, 2, 2, 0, 0], [3, 3, 3, 3, 0, 0]], np.uint16)
SECOND_HALF = np.array([[0, 0, 1, 1, 0, 0], [0] * 6, [0] * 6], bool)
ASIDE = np.array([[0, 0, 0, 0, 1, 1], [0] * 6, [0] * 6], bool)

# found labels; foreground IoU, F1, SEG
CASES = {
    "the same with other numbers": (REFERENCE * 7 % 19, 1, 1, 1),
    "nothing": (REFERENCE * 0, 0, 0, 0),
    "one missing": (np.where(REFERENCE == 2, 0, REFERENCE), 8 / 12, 4 / 5, 2 / 3),
    "two merged": (np.where(REFERENCE == 2, 1, REFERENCE), 1, 4 / 5, (1 / 2 + 1 / 2 + 1) / 3),
    "all merged": (REFERENCE > 0, 1, 0, 1 / 3),
    "one too large": (np.where(ASIDE, 1, REFERENCE), 12 / 14, 1, 8 / 9),
    "one in halves": (np.where(SECOND_HALF, 9, REFERENCE), 1, 6 / 7, 2 / 3),
}


@pytest.mark.parametrize("name", CASES)
def test_scores_are_those_counted_by_hand(name):
    found, iou, f1, score = CASES[name]
    found = found.astype(np.uint16)
    assert foreground_iou(found, REFERENCE) == pytest.approx(iou)
    assert object_f1(found, REFERENCE) == pytest.approx(f1)
    assert seg(found, REFERENCE) == pytest.approx(score)


@given(LABELS, LABELS)
def test_scores_are_those_of_a_double_loop(found, reference):
    pairs = [
        ((found == i) & (reference == j), (found == i) | (reference == j), reference == j)
        for i in np.unique(found[found > 0])
        for j in np.unique(reference[reference > 0])
    ]
    above = [
        both.sum() / any_.sum() for both, any_, _ in pairs if 5 * both.sum() > 3 * any_.sum()
    ]
    n = len(np.unique(found[found > 0])) + len(np.unique(reference[reference > 0]))
    assert object_f1(found, reference, 0.6000001) == pytest.approx(
        2 * len(above) / n if n else 1
    )
    covered = [b.sum() / a.sum() for b, a, whole in pairs if 2 * b.sum() > whole.sum()]
    n_reference = len(np.unique(reference[reference > 0]))
    expected = sum(covered) / n_reference if n_reference else np.nan
    assert seg(found, reference) == pytest.approx(expected, nan_ok=True)


def test_two_empty_frames_agree():
    empty = np.zeros((4, 5), np.uint16)
    assert foreground_iou(empty, empty) == 1
    assert object_f1(empty, empty) == 1
    assert np.isnan(seg(empty, empty))


@pytest.mark.parametrize("score", [foreground_iou, object_f1, seg])
def test_frames_of_different_shapes_are_refused(score):
    with pytest.raises(ArrayError, match=r"one shape, got found \(2, 3\), reference \(3, 2\)"):
        score(np.zeros((2, 3), np.uint16), np.zeros((3, 2), np.uint16))
