"""Divisions: which new cells are daughters, and whose."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pyama.algorithms.arrays import Boxes, Labels
from pyama.algorithms.labels import regions
from pyama.algorithms.numbering import renumbered

REACH = 1.75
"""How far from its mother's centre a daughter may lie, in diameters of the mother."""
OFF_CENTRE = 0.65
"""How far from the mother's centre the point between the daughters may lie, in diameters."""
LIKENESS = 0.5
"""Smallest ratio of the daughters' areas."""
LARGEST = 2.4
"""Largest area of both daughters together, in areas of the mother."""
SAME = 0.6
"""A cell that overlaps the mother's box by this much (intersection over union) is herself."""


@dataclass(frozen=True)
class _Cells:
    """Cells of one frame by ascending id; row i of each array is one cell."""

    ids: NDArray[np.int64]
    boxes: Boxes
    areas: NDArray[np.int64]

    @property
    def centres(self) -> NDArray[np.float64]:
        """Centres of the boxes (y, x), shape (N, 2)."""
        return (self.boxes[:, :2] + self.boxes[:, 2:]) / 2.0


def divided(frames: Iterable[Labels]) -> Iterator[tuple[Labels, dict[int, int]]]:
    """Find cells that divide, and give both daughters numbers of their own.

    A tracker lets one daughter go on as the mother and takes the other for a new cell, or
    takes both for new ones. Here, two cells of about the same size, of which at least one is
    new, are the daughters of a cell of the frame before if she lies between them and was as
    near as daughters are. Every cell takes part in one division at most; the pair goes first
    that she lies between best.

    Args:
        frames: Labels of successive frames from a tracker, each (H, W).

    Yields:
        Labels of the same frames, renumbered: 1..N in the order in which cells appear, a
        number is never used again; and the mother of every daughter that is new in this
        frame, by the daughter's number. uint16, and uint32 from the frame on in which the
        first number above 65535 appears.

    Raises:
        ArrayError: A frame is not two-dimensional, or neither uint16 nor uint32.
    """
    before = _Cells(np.empty(0, np.int64), np.empty((0, 4), np.int32), np.empty(0, np.int64))
    numbers: dict[int, int] = {}
    newest = 0
    for t, labels in enumerate(frames):
        found = regions(labels)
        now = _Cells(found.ids, found.boxes, found.areas)
        known = np.array([cell in numbers for cell in now.ids.tolist()], np.bool_)
        pairs = _daughters(before, now, known) if t else []
        mothers = {
            int(now.ids[daughter]): numbers[int(before.ids[mother])]
            for mother, *daughters in pairs
            for daughter in daughters
        }
        for cell in now.ids.tolist():
            if cell not in numbers or cell in mothers:
                newest += 1
                numbers[cell] = newest
        parents = {numbers[cell]: mother for cell, mother in mothers.items()}
        ids = np.array([numbers[cell] for cell in now.ids.tolist()], np.int64)
        yield renumbered(labels, now.ids, ids, newest), parents
        before = now


def _daughters(
    before: _Cells, now: _Cells, known: NDArray[np.bool_]
) -> list[tuple[int, int, int]]:
    """Index of the mother in `before` and of both daughters in `now`, for each division."""
    rated = [
        (off, int(m), int(new), other)
        for new in np.flatnonzero(~known)
        for m in _near(before, now, new)
        for other, off in _sisters(before, now, known, int(m), int(new))
    ]
    mothers, daughters, chosen = set(), set(), []
    for _, m, new, other in sorted(rated):
        if m not in mothers and not {new, other} & daughters:
            mothers.add(m)
            daughters |= {new, other}
            chosen.append((m, new, other))
    return chosen


def _near(before: _Cells, now: _Cells, cell: int) -> NDArray[np.intp]:
    """Indices of the cells of the frame before that may be the mother of a cell."""
    distances = np.linalg.norm(before.centres - now.centres[cell], axis=1)
    return np.flatnonzero(distances <= REACH * _diameters(before.areas))


def _sisters(
    before: _Cells, now: _Cells, known: NDArray[np.bool_], m: int, new: int
) -> list[tuple[int, float]]:
    """Which cells may be the sister of a new one, and how far off the mother then lies."""
    mother, size = before.centres[m], float(_diameters(before.areas[m]))
    # Either the mother seems to go on as the sister, or both sisters are new.
    candidate = (now.ids == before.ids[m]) | (~known & (now.ids > now.ids[new]))
    areas = now.areas.astype(np.float64)
    smaller, larger = np.minimum(areas, areas[new]), np.maximum(areas, areas[new])
    middle = (now.centres + now.centres[new]) / 2
    off = np.linalg.norm(middle - mother, axis=1) / size
    candidate &= (smaller >= LIKENESS * larger) & (off <= OFF_CENTRE)
    candidate &= areas + areas[new] <= LARGEST * before.areas[m]
    candidate &= np.linalg.norm(now.centres - mother, axis=1) <= REACH * size
    candidate &= _overlap(before.boxes[m], now.boxes) < SAME
    candidate[new] = False
    return [(int(i), float(off[i])) for i in np.flatnonzero(candidate)]


def _diameters(areas: NDArray[np.int64]) -> NDArray[np.float64]:
    return np.asarray(2 * np.sqrt(areas / np.pi))


def _overlap(box: Boxes, others: Boxes) -> NDArray[np.float64]:
    """Intersection over union of one box with others, shape (N,)."""
    a, b = box.astype(np.int64), others.astype(np.int64)
    sides = np.minimum(a[2:], b[:, 2:]) - np.maximum(a[:2], b[:, :2])
    shared = np.maximum(sides, 0).prod(axis=1)
    return shared / ((a[2:] - a[:2]).prod() + (b[:, 2:] - b[:, :2]).prod(axis=1) - shared)
