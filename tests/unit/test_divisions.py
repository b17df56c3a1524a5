"""Which new cells are daughters, and whose."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from pyama.algorithms.trackers.divisions import renumber_daughters


def drawn(*cells):
    """Disks: (number, y, x, radius)."""
    y, x = np.mgrid[:100, :120]
    frame = np.zeros((100, 120), np.uint16)
    for number, cy, cx, radius in cells:
        frame[(y - cy) ** 2 + (x - cx) ** 2 <= radius**2] = number
    return frame


MOTHER = (1, 50, 60, 12)
CASES = [
    pytest.param(
        [(1, 50, 50, 9), (2, 50, 70, 9)], {2: 1, 3: 1}, id="one goes on as the mother"
    ),
    pytest.param([(2, 50, 50, 9), (3, 50, 70, 9)], {2: 1, 3: 1}, id="both are new"),
    pytest.param([(1, 50, 45, 8), (2, 50, 75, 8)], {2: 1, 3: 1}, id="beside the mother"),
    pytest.param([(1, 50, 60, 12), (2, 50, 84, 12)], {}, id="a neighbour arrives"),
    pytest.param([(1, 50, 50, 9), (2, 50, 70, 4)], {}, id="a speck appears"),
    pytest.param([(1, 50, 50, 9), (2, 90, 110, 9)], {}, id="a far cell appears"),
    pytest.param([(1, 50, 50, 9)], {}, id="one cell only"),
    pytest.param([(1, 50, 61, 12)], {}, id="nothing happens"),
    pytest.param([], {}, id="she leaves"),
]


@pytest.mark.parametrize(("after", "expected"), CASES)
def test_daughters(after, expected):
    frames = [drawn(MOTHER), drawn(*after)]
    (first, none), (second, parents) = renumber_daughters(frames)
    assert none == {}
    assert parents == expected
    assert set(np.unique(first)) == {0, 1}
    if expected:
        assert set(np.unique(second)) == {0, *expected}
        assert not np.any(second[frames[1] == 0])


def test_a_daughter_keeps_her_number_and_may_divide_herself():
    frames = [
        drawn((1, 50, 40, 12)),
        drawn((1, 50, 30, 9), (2, 50, 50, 9)),
        drawn((1, 50, 28, 9), (2, 50, 54, 11)),
        drawn((1, 50, 28, 9), (2, 42, 54, 8), (3, 58, 54, 8)),
    ]
    found = list(renumber_daughters(frames))
    assert [parents for _, parents in found] == [{}, {2: 1, 3: 1}, {}, {4: 3, 5: 3}]
    assert [set(np.unique(labels)) - {0} for labels, _ in found] == [
        {1},
        {2, 3},
        {2, 3},
        {2, 4, 5},
    ]


def test_two_neighbours_divide_at_once():
    frames = [
        drawn((1, 25, 60, 10), (2, 75, 60, 10)),
        drawn((1, 25, 50, 8), (2, 75, 50, 8), (3, 25, 70, 8), (4, 75, 70, 8)),
    ]
    (_, _), (labels, parents) = renumber_daughters(frames)
    assert parents == {3: 1, 5: 1, 4: 2, 6: 2}
    assert {labels[25, 50], labels[25, 70]} == {3, 5}


@pytest.mark.parametrize("factor", [0.5, 1, 3])
@pytest.mark.parametrize("after", [[(1, 50, 50, 9), (2, 50, 70, 9)], [(1, 50, 60, 12)]])
def test_magnification_does_not_matter(after, factor):
    def divided(scale):
        frames = [drawn(MOTHER), drawn(*after, (3, 15, 15, 12))]
        y, x = (np.arange(round(n * scale)) / scale for n in frames[0].shape)
        scaled = [frame[np.ix_(y.astype(int), x.astype(int))] for frame in frames]
        return [parents for _, parents in renumber_daughters(scaled)]

    assert divided(factor) == divided(1)


@pytest.mark.parametrize(
    ("after", "number"),
    [((2, 50, 80, 12), 1), ((2, 50, 60, 7), 2), ((2, 50, 86, 12), 2)],
    ids=["beside it", "much smaller", "farther away"],
)
def test_a_cell_that_jumps_is_followed(after, number):
    _, (labels, parents) = renumber_daughters([drawn(MOTHER), drawn(after)])
    assert parents == {}
    assert labels.max() == number


def test_cells_that_were_one_object_are_no_daughters():
    one, other = (1, 50, 50, 10), (2, 50, 70, 10)
    together = np.minimum(drawn(one) + drawn((1, *other[1:])), 1).astype(np.uint16)
    frames = [drawn(one, other), together, together, drawn(one, (3, *other[1:]))]
    assert [parents for _, parents in renumber_daughters(frames)] == [{}] * 4


def test_a_daughter_that_the_tracker_takes_for_a_missing_cell():
    frames = [
        drawn(MOTHER, (2, 50, 90, 9)),
        drawn(MOTHER),
        drawn((1, 50, 50, 9), (2, 50, 70, 9)),
    ]
    *_, (labels, parents) = renumber_daughters(frames)
    assert parents == {3: 1, 4: 1}
    assert set(np.unique(labels)) == {0, 3, 4}


def test_the_number_of_a_mother_ends_even_if_the_tracker_uses_it_again():
    frames = [
        drawn(MOTHER),
        drawn((2, 50, 50, 9), (3, 50, 70, 9)),
        drawn((1, 80, 100, 12)),
    ]
    *_, (labels, parents) = renumber_daughters(frames)
    assert parents == {}
    assert labels.max() == 4


movies = npst.arrays(np.uint16, (4, 8, 8), elements=st.integers(0, 4))


@given(movies)
def test_numbers_are_given_once_and_pixels_stay(frames):
    newest, mothers = 0, {}
    for before, (after, parents) in zip(frames, renumber_daughters(frames), strict=True):
        np.testing.assert_array_equal(before == 0, after == 0)
        pairs = np.unique(np.stack([before.ravel(), after.ravel()]), axis=1)
        assert len(set(pairs[0])) == len(set(pairs[1])) == pairs.shape[1]
        present = set(np.unique(after).tolist()) - {0}
        assert parents.keys() <= present
        assert not set(parents.values()) & present
        assert all(mother < cell for cell, mother in parents.items())
        assert not mothers.keys() & parents.keys()
        mothers |= parents
        assert max(present, default=0) <= max(newest, 0) + len(present)
        newest = max(newest, *present, 0)
    counts = [list(mothers.values()).count(mother) for mother in set(mothers.values())]
    assert all(count == 2 for count in counts)


def test_numbers_above_65535_are_uint32():
    many = np.arange(1, 40_001, dtype=np.uint16).reshape(200, 200)
    other = many.astype(np.uint32) + 40_000
    found = [labels for labels, _ in renumber_daughters([many, np.zeros_like(many), other])]
    assert [labels.dtype.name for labels in found] == ["uint16", "uint16", "uint32"]
    assert found[2].max() == 80_000
