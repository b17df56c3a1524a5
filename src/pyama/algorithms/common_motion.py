"""Movements that all cells have in common: jumps and drift of the whole picture."""

from collections import Counter
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from pyama.algorithms.recorded_tracks import Floats, Tracks, ends_of

MIN_CELLS = 3
"""Fewest cells in a frame that is compared with others."""
MIN_MOVE = 0.5
"""Shortest jump or drift of the picture, in diameters of a cell."""
MAX_DIFFERENCE = 0.25
"""Largest difference of movements that count as common, in diameters."""
MAX_PAIRS = 250_000
"""Largest number of pairs of cells that is examined in two frames."""
_NEXT = [(i, j) for i in (-1, 0, 1) for j in (-1, 0, 1)]


@dataclass(frozen=True)
class Step:
    """Movement between two frames.

    Attributes:
        pair: Indices of the frames.
        moves: Movements (y, x) of the cells that are in both, shape (n, 2).
    """

    pair: tuple[int, int]
    moves: Floats


def common_steps(tracks: Tracks, is_lost: NDArray[np.bool_]) -> list[Step]:
    """Return the movements between every two successive frames with enough cells."""
    enough = (np.count_nonzero(tracks.valid, axis=0) >= MIN_CELLS) & ~is_lost
    centres, steps = tracks.centres, []
    frames = np.flatnonzero(enough).tolist()
    for a, b in pairwise(frames):
        both = tracks.valid[:, a] & tracks.valid[:, b]
        steps.append(Step((a, b), centres[both, b] - centres[both, a]))
    return steps


def jumps(tracks: Tracks, steps: list[Step]) -> list[tuple[int, int, float, float]]:
    """Find pairs of frames between which the whole picture moves at once.

    Where most cells continue and stay in place, nothing has happened. Elsewhere the movement
    is found that most cells of the one frame have to those of the other, whatever their
    numbers are.

    Returns:
        Indices of the two frames, and the movement down and to the right in px.
    """
    far, centres = MIN_MOVE * tracks.diameter, tracks.centres
    found = []
    for step in steps:
        a, b = step.pair
        here, there = centres[tracks.valid[:, a], a], centres[tracks.valid[:, b], b]
        fewer = min(len(here), len(there))
        still = np.count_nonzero(np.hypot(*step.moves.T) < far)
        if 2 * still >= fewer or fewer < MIN_CELLS:
            continue
        move, agreeing = _common_move(here, there, MAX_DIFFERENCE * tracks.diameter)
        chance = len(here) * len(there) * (tracks.diameter * MAX_DIFFERENCE) ** 2 * np.pi
        expected = chance / (tracks.shape[0] * tracks.shape[1])
        if np.hypot(*move) >= far and agreeing >= max(
            MIN_CELLS, fewer / 2, MIN_CELLS * expected
        ):
            found.append((a, b, float(move[0]), float(move[1])))
    return found


def _common_move(here: Floats, there: Floats, near: float) -> tuple[Floats, int]:
    """Return the movement that most pairs of points agree on, and how many do."""
    most = int(np.sqrt(MAX_PAIRS))
    here, there = here[:: -(-len(here) // most)], there[:: -(-len(there) // most)]
    moves = (there[None] - here[:, None]).reshape(-1, 2)
    squares = np.floor(moves / near).astype(np.int64)
    votes = Counter((y, x) for y, x in squares.tolist())

    def around(square: tuple[int, int]) -> int:
        return sum(votes[square[0] + i, square[1] + j] for i, j in _NEXT)

    near_best = np.abs(squares - np.array(max(votes, key=around))).max(axis=1) <= 1
    centre = np.median(moves[near_best], axis=0)
    agree = np.hypot(*(moves - centre).T) < near
    if not agree.any():
        return centre, 0
    return moves[agree].mean(axis=0), int(np.count_nonzero(agree))


def middle_mean(values: Floats) -> Floats:
    """Return the mean along the first axis without the lowest and the highest quarter.

    This is `scipy.stats.trim_mean(values, 0.25)`. Every process that works on a recording
    would take half of its start to import `scipy.stats`.
    """
    cut = len(values) // 4
    low, high = cut, len(values) - cut
    middle: Floats = np.partition(values, (low, high - 1), axis=0)[low:high].mean(axis=0)
    return middle


def drift_of(tracks: Tracks, steps: list[Step]) -> list[float]:
    """Return how far all cells have moved together, down and to the right in px.

    Returns:
        The sum of the median movements; empty if it is short, or if cells move on their own
        so that the sum says nothing.
    """
    if not steps:
        return []
    common = np.zeros((len(tracks.frames), 2))
    for step in steps:
        if len(step.moves) >= MIN_CELLS:
            common[step.pair[1]] = middle_mean(step.moves)
    path = np.cumsum(common, axis=0)
    if np.hypot(*path[-1]) < max(MIN_MOVE * tracks.diameter, 1):
        return []
    own, shared = _of_cells(tracks, path)
    coherent = len(own) >= MIN_CELLS and np.median(
        np.hypot(*(own - shared).T)
    ) < MIN_MOVE * np.median(np.hypot(*shared.T))
    return [round(float(value), 1) for value in path[-1]] if coherent else []


def _of_cells(tracks: Tracks, path: Floats) -> tuple[Floats, Floats]:
    """Return the movements of long tracks, and those of the picture in the same frames."""
    long = np.count_nonzero(tracks.valid, axis=1) * 2 >= len(tracks.frames)
    valid, centres = tracks.valid[long], tracks.centres[long]
    rows = np.arange(len(valid))
    first, last = ends_of(valid)
    return centres[rows, last] - centres[rows, first], path[last] - path[first]
