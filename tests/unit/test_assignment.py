from fractions import Fraction
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import linear_sum_assignment

from pyama.algorithms.kernels.assignment import ALONE, Pairs, heaviest_matching


def pairs_of(weights):
    """`Pairs` of a dense table; 0 is no pair."""
    rows, columns = np.nonzero(weights)
    return Pairs(rows, columns, np.asarray(weights, float)[rows, columns])


def first_of_the_heaviest(weights, n_columns):
    """Try all matchings in exact arithmetic; the smallest in order wins among equals."""
    best, answer = Fraction(-1), None
    # Tried in order, "alone" last: the first matching of a total is the smallest one.
    for columns in product([*range(n_columns), ALONE], repeat=len(weights)):
        taken = [c for c in columns if c != ALONE]
        if len(set(taken)) < len(taken):
            continue
        chosen = [row[c] for row, c in zip(weights, columns, strict=True) if c != ALONE]
        if 0 not in chosen and sum(chosen, Fraction(0)) > best:
            best, answer = sum(chosen, Fraction(0)), columns
    return list(answer)


@st.composite
def tables(draw, values):
    shape = draw(st.tuples(st.integers(0, 4), st.integers(0, 4)))
    return [[draw(values) for _ in range(shape[1])] for _ in range(shape[0])], shape[1]


ratios = st.builds(Fraction, st.integers(0, 4), st.integers(4, 9))


@pytest.mark.parametrize(
    ("weights", "expected"),
    [
        pytest.param([[1, 0], [0, 1]], [0, 1], id="no choice"),
        pytest.param([[1, 1], [1, 1]], [0, 1], id="tie, order decides"),
        pytest.param([[1, 2], [2, 3]], [0, 1], id="tie across, order decides"),
        pytest.param([[0, 1], [1, 2]], [1, 0], id="none comes after any"),
        pytest.param([[1, 2], [0, 1]], [0, 1], id="tie of one pair and two"),
        pytest.param([[1], [1]], [0, ALONE], id="the first row has the first choice"),
        pytest.param([[1, 1]], [0], id="the first column is taken"),
        pytest.param([[5, 4], [4, 0]], [1, 0], id="the largest pair is not in the best sum"),
        pytest.param([[0, 0]], [ALONE], id="no pair"),
    ],
)
def test_a_matching(weights, expected):
    found = heaviest_matching(pairs_of(weights), len(weights), len(weights[0]))
    assert found.tolist() == expected


@pytest.mark.parametrize("shape", [(0, 0), (0, 3), (3, 0)])
def test_nothing_to_match_is_an_answer(shape):
    assert heaviest_matching(pairs_of(np.zeros(shape)), *shape).tolist() == [ALONE] * shape[0]


@given(tables(ratios) | tables(st.integers(0, 2)))
def test_it_is_the_first_of_the_heaviest_matchings(table):
    weights, n_columns = table
    array = np.array(weights, float).reshape(len(weights), n_columns)
    found = heaviest_matching(pairs_of(array), len(weights), n_columns)
    assert found.tolist() == first_of_the_heaviest(weights, n_columns)


def heaviest_sum(weights):
    return weights[linear_sum_assignment(weights, maximize=True)].sum()


def first_by_trial(weights):
    """Fix one row after the other at the first column that leaves the sum as large."""
    left, best, answer = weights.copy(), heaviest_sum(weights), []
    for row in range(len(weights)):
        for column in [*np.flatnonzero(left[row]), ALONE]:
            trial = left.copy()
            trial[row] = 0
            if column != ALONE:
                trial[:, column] = 0
                trial[row, column] = left[row, column]
            if heaviest_sum(trial) == best:
                break
        left = trial
        answer.append(column)
    return answer


@pytest.mark.parametrize("seed", range(12))
def test_order_decides_in_large_groups_of_equals(seed):
    rng = np.random.default_rng(seed)
    shape = rng.integers(8, 16, 2)
    weights = rng.integers(1, 3, shape) * (rng.random(shape) < rng.uniform(0.15, 0.6))
    found = heaviest_matching(pairs_of(weights), *shape)
    assert found.tolist() == first_by_trial(weights)


def interleave(random, *sizes):
    """Shuffle the members of two groups, each group staying in its own order."""
    groups = random.sample([0] * sizes[0] + [1] * sizes[1], sum(sizes))
    return [np.array([i for i, g in enumerate(groups) if g == k], int) for k in (0, 1)]


@given(tables(st.integers(0, 2)), tables(st.integers(0, 2)), st.randoms())
def test_unconnected_groups_do_not_touch_each_other(one, two, random):
    groups = [np.reshape(weights, (len(weights), n)) for weights, n in (one, two)]
    rows = interleave(random, *(len(g) for g in groups))
    columns = interleave(random, *(g.shape[1] for g in groups))
    both = np.zeros((sum(map(len, rows)), sum(map(len, columns))))
    expected = np.full(len(both), ALONE)
    for group, r, c in zip(groups, rows, columns, strict=True):
        both[np.ix_(r, c)] = group
        alone = heaviest_matching(pairs_of(group), *group.shape)
        expected[r[alone != ALONE]] = c[alone[alone != ALONE]]
    np.testing.assert_array_equal(heaviest_matching(pairs_of(both), *both.shape), expected)


@pytest.mark.parametrize("levels", [None, 3])
@pytest.mark.parametrize("density", [0.03, 0.3, 1.0])
@pytest.mark.parametrize("shape", [(60, 60), (40, 70), (70, 40)])
def test_the_sum_is_that_of_the_hungarian_method(shape, density, levels):
    rng = np.random.default_rng(0)
    weights = rng.random(shape) if levels is None else rng.integers(1, levels, shape) / levels
    weights = weights * (rng.random(shape) < density)
    found = heaviest_matching(pairs_of(weights), *shape)
    matched = np.flatnonzero(found != ALONE)
    assert len(set(found[matched])) == len(matched)
    total = weights[matched, found[matched]].sum()
    assert total == pytest.approx(heaviest_sum(weights), abs=1e-9)
