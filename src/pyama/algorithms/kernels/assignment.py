"""One-to-one matching of rows and columns by weight, with a rule for ties."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pyama.algorithms.kernels.array_types import kernel

ALONE = -1
"""Partner of a row or column without a match."""
TIE = 1e-9
"""Largest difference of equal totals: far above rounding, far below any real overlap."""


@dataclass(frozen=True)
class Pairs:
    """Pairs of a row and a column that may be matched, each once, sorted by row."""

    rows: NDArray[np.int64]
    """Shape (E,)."""
    columns: NDArray[np.int64]
    """Shape (E,)."""
    weights: NDArray[np.float64]
    """Weight of each pair in the total, positive, shape (E,)."""


def heaviest_matching(pairs: Pairs, n_rows: int, n_columns: int) -> NDArray[np.int64]:
    """Match rows and columns one to one with the largest sum of weights.

    Rows are added one by one along the shortest augmenting path (Jonker and Volgenant,
    1987, https://doi.org/10.1007/BF02278710). A path contains only rows and columns that
    are connected by pairs, so that the time grows with their number, not with its square.

    Among all matchings with the largest sum, the result is the one in which row 0 has the
    smallest column (any column before none); among those, the one in which row 1 has the
    smallest column; and so on. Unconnected groups are independent: solving them one by one or
    together gives the same result.

    Args:
        pairs: See `Pairs`. Only these can be matched.
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
    """Return the first in order of all matchings with the same weight as `partner`.

    Every row gets a dummy column, and every column a dummy row that can also be matched with
    the dummy column of any row that can have the column. Every matching is then perfect. The
    heaviest matchings are those with only tight pairs (complementary slackness), and cyclic
    exchanges turn one into another.

    Places: columns, then the dummy columns of rows. Takers: rows, then the dummy rows of
    columns.
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
    """Return the column of every row, and the prices (dual variables) that prove optimality.

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
    """Find the shortest path that adds row `root`, to a free column or an unmatched row.

    Returns that row or `ALONE`, that column or `ALONE`, the length of the path, and the
    numbers of columns in `reached` that are settled and that are reached.
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
    """Give each row in turn the first possible place while earlier rows keep theirs."""
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
