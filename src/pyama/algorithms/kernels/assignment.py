"""One-to-one matching of rows and columns by weight, with a rule for ties."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pyama.algorithms.kernels.array_types import kernel

ALONE = -1
"""Partner of a row or column that has none."""
TIE = 1e-9
"""Totals that differ by less are equal: far above rounding, far below any real overlap."""


@dataclass(frozen=True)
class Pairs:
    """Pairs of a row and a column that may be matched, each once, sorted by row."""

    rows: NDArray[np.int64]
    """Shape (E,)."""
    columns: NDArray[np.int64]
    """Shape (E,)."""
    weights: NDArray[np.float64]
    """What a pair adds to the total, positive, shape (E,)."""


def heaviest_matching(pairs: Pairs, n_rows: int, n_columns: int) -> NDArray[np.int64]:
    """Match rows and columns one to one so that the sum of weights is largest.

    Rows are added one by one along the shortest augmenting path (Jonker and Volgenant,
    1987, https://doi.org/10.1007/BF02278710). A path never leaves the rows and columns that
    are connected by pairs, so that the effort grows with their number, not with its square.

    Among all matchings with the largest sum, the one is taken in which row 0 has the
    smallest column (any column before none); among those, the one in which row 1 has the
    smallest column; and so on. As the choices of unconnected groups do not touch each
    other, solving them one by one or together gives the same answer.

    Args:
        pairs: See `Pairs`. What is not listed is not matched.
        n_rows: Number of rows.
        n_columns: Number of columns.

    Returns:
        The column of every row, or `ALONE`, shape (n_rows,).
    """
    start = np.searchsorted(pairs.rows, np.arange(n_rows + 1))
    partner, row_price, column_price = _match(start, pairs.columns, pairs.weights, n_columns)
    slack = -pairs.weights - row_price[pairs.rows] - column_price[pairs.columns]
    tight = slack <= TIE
    held = partner[pairs.rows]
    if np.any(tight & ((held == ALONE) | (pairs.columns < held))):
        partner = _smallest(pairs, tight, partner, row_price, column_price)
    return partner


def _smallest(
    pairs: Pairs,
    tight: NDArray[np.bool_],
    partner: NDArray[np.int64],
    row_price: NDArray[np.float64],
    column_price: NDArray[np.float64],
) -> NDArray[np.int64]:
    """Choose the first in order of all matchings that are as heavy as `partner`.

    A row without a column is given an empty seat of its own, and a column without a row a
    keeper of its own, who also takes the empty seat of any row that may have the column.
    Then everybody always has exactly one place, the heaviest matchings are those in which
    all places are tight (complementary slackness), and one turns into the other by
    passing places around in circles.

    Places: columns, then the rows' empty seats. Takers: rows, then the columns' keepers.
    """
    n, m = len(partner), len(column_price)
    idle = np.flatnonzero(row_price >= -TIE)
    spare = np.flatnonzero(column_price >= -TIE)
    takers = np.concatenate([pairs.rows[tight], idle, n + spare, n + pairs.columns])
    places = np.concatenate([pairs.columns[tight], m + idle, spare, m + pairs.rows])
    order = np.lexsort((places, takers))
    start = np.searchsorted(takers[order], np.arange(n + m + 1))
    place = np.concatenate(
        [np.where(partner == ALONE, m + np.arange(n), partner), np.arange(m)]
    )
    matched = np.flatnonzero(partner != ALONE)
    place[n + partner[matched]] = m + matched
    _rotate(start, places[order], place, n)
    return np.where(place[:n] < m, place[:n], ALONE)


@kernel
def _match(
    start: NDArray[np.int64],
    columns: NDArray[np.int64],
    weights: NDArray[np.float64],
    n_columns: int,
) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]:
    """Column of every row, and the prices (dual variables) that prove it is the heaviest.

    No pair has `-weight` below the sum of its prices, matched pairs have exactly that. No
    price is positive; rows and columns without a partner have price 0.
    """
    n_rows = len(start) - 1
    partner = np.full(n_rows, ALONE)
    owner = np.full(n_columns, ALONE)
    row_price = np.zeros(n_rows)
    column_price = np.zeros(n_columns)
    distance = np.full(n_columns, np.inf)
    parent = np.full(n_columns, ALONE)
    settled = np.zeros(n_columns, np.bool_)
    reached = np.empty(n_columns, np.int64)
    for root in range(n_rows):
        row, column, length, n_settled, n_reached = _shortest_path(
            root, start, columns, weights, owner, row_price, column_price,
            distance, parent, settled, reached,
        )  # fmt: skip
        row_price[root] += length
        for k in range(n_settled):
            lead = length - distance[reached[k]]
            row_price[owner[reached[k]]] += lead
            column_price[reached[k]] -= lead
        if column == ALONE:
            column, partner[row] = partner[row], ALONE
        while row != root:
            row = parent[column]
            owner[column] = row
            column, partner[row] = partner[row], column
        for k in range(n_reached):
            distance[reached[k]] = np.inf
            settled[reached[k]] = False
    return partner, row_price, column_price


@kernel
def _shortest_path(
    root: int,
    start: NDArray[np.int64],
    columns: NDArray[np.int64],
    weights: NDArray[np.float64],
    owner: NDArray[np.int64],
    row_price: NDArray[np.float64],
    column_price: NDArray[np.float64],
    distance: NDArray[np.float64],
    parent: NDArray[np.int64],
    settled: NDArray[np.bool_],
    reached: NDArray[np.int64],
) -> tuple[int, int, float, int, int]:
    """Cheapest way to add row `root`: it ends at a free column, or leaves a row alone.

    Returns that row or `ALONE`, that column or `ALONE`, the length of the way, and how many
    of the columns listed in `reached` are settled and reached at all.
    """
    row, so_far = root, 0.0
    last_row, length = root, np.inf
    n_settled = n_reached = 0
    while True:
        if so_far - row_price[row] < length:
            last_row, length = row, so_far - row_price[row]
        for e in range(start[row], start[row + 1]):
            column = columns[e]
            d = so_far - weights[e] - row_price[row] - column_price[column]
            if settled[column] or d >= distance[column]:
                continue
            if distance[column] == np.inf:
                reached[n_reached] = column
                n_reached += 1
            distance[column] = d
            parent[column] = row
        nearest = n_settled
        for k in range(n_settled + 1, n_reached):
            if distance[reached[k]] < distance[reached[nearest]]:
                nearest = k
        if n_settled == n_reached or length <= distance[reached[nearest]]:
            return last_row, ALONE, length, n_settled, n_reached
        column = reached[nearest]
        if owner[column] == ALONE:
            return ALONE, column, distance[column], n_settled, n_reached
        reached[nearest] = reached[n_settled]
        reached[n_settled] = column
        n_settled += 1
        settled[column] = True
        row, so_far = owner[column], distance[column]


@kernel
def _move_up(
    wanted: int,
    goal: int,
    taker: NDArray[np.int64],
    holder: NDArray[np.int64],
    place: NDArray[np.int64],
) -> None:
    """Let every row on the way from place `wanted` to place `goal` take its next place."""
    current = goal
    while current != wanted:
        mover = taker[current]
        holder[current] = mover
        current, place[mover] = place[mover], current


@kernel
def _rotate(
    start: NDArray[np.int64], places: NDArray[np.int64], place: NDArray[np.int64], n_rows: int
) -> None:
    """Give each row in turn the first place it can have while earlier rows keep theirs."""
    holder = np.empty_like(place)
    holder[place] = np.arange(len(place))
    taker = np.full(len(place), ALONE)
    queue = np.empty(len(place), np.int64)
    for row in range(n_rows):
        for e in range(start[row], start[row + 1]):
            wanted, goal = places[e], place[row]
            if wanted >= goal:
                break
            if holder[wanted] < row:
                continue
            taker[wanted] = row
            queue[0] = wanted
            first, end = 0, 1
            while first < end and taker[goal] == ALONE:
                displaced = holder[queue[first]]
                first += 1
                for f in range(start[displaced], start[displaced + 1]):
                    free = places[f]
                    if taker[free] == ALONE and holder[free] >= row:
                        taker[free] = displaced
                        queue[end] = free
                        end += 1
            if taker[goal] != ALONE:
                _move_up(wanted, goal, taker, holder, place)
                holder[wanted] = row
                place[row] = wanted
            for k in range(end):
                taker[queue[k]] = ALONE
