"""Divisions: mothers and their daughters among tracked cells."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations, product

import numpy as np
import scipy
from numpy.typing import NDArray

from pyama.algorithms.kernels.array_types import Boxes, Labels
from pyama.algorithms.kernels.labels import label_runs, regions_of, renumber
from pyama.algorithms.trackers.numbering import diameters

REACH = 1.75
"""Largest distance of a daughter from the centre of the mother, in her diameters."""
OFF_CENTRE = 0.65
"""Largest distance of the midpoint of the daughters from the centre, in diameters."""
LIKENESS = 0.5
"""Smallest ratio of the areas of the daughters."""
MAX_AREA = 2.4
"""Largest total area of both daughters, relative to the area of the mother."""
SAME = 0.6
"""Smallest intersection over union with the mother of a cell that is the mother itself."""


@dataclass(frozen=True)
class _Cells:
    """Cells of one frame by ascending id; row i of each array is one cell."""

    ids: NDArray[np.int64]
    boxes: Boxes
    areas: NDArray[np.int64]

    @cached_property
    def centres(self) -> NDArray[np.float64]:
        """Centres of the boxes (y, x), shape (N, 2)."""
        return (self.boxes[:, :2] + self.boxes[:, 2:]) / 2.0


def renumber_daughters(frames: Iterable[Labels]) -> Iterator[tuple[Labels, dict[int, int]]]:
    """Find cells that divide, and give both daughters new numbers.

    A tracker gives one daughter the number of the mother and the other a new one, or both new
    ones. Here, two cells of similar size, of which at least one is new, are the daughters of a
    cell in the previous frame if that cell is near both and between them. Every cell takes
    part in at most one division. The pairs with the smallest distance of the mother from their
    midpoint are taken first.

    Args:
        frames: Labels of successive frames from a tracker, each (H, W).

    Yields:
        Labels of the same frames, renumbered: 1..N in the order in which cells appear, a
        number is never used again; and the number of the mother of every daughter that is new
        in this frame, by the number of the daughter. uint16, and uint32 from the frame on
        in which the first number above 65535 appears.

    Raises:
        ArrayError: A frame is not two-dimensional, or neither uint16 nor uint32.
    """
    before = _Cells(np.empty(0, np.int64), np.empty((0, 4), np.int32), np.empty(0, np.int64))
    numbers: dict[int, int] = {}
    newest = 0
    for t, labels in enumerate(frames):
        runs = label_runs(labels, "divided")
        found = regions_of(runs)
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
        yield renumber(runs, now.ids, ids, newest), parents
        before = now


def _daughters(
    before: _Cells, now: _Cells, known: NDArray[np.bool_]
) -> list[tuple[int, int, int]]:
    """Return the indices of mother (in `before`) and daughters (in `now`) by division."""
    if known.all() or not len(before.ids):
        return []
    reach = REACH * diameters(before.areas)
    near = scipy.spatial.KDTree(now.centres).query_ball_point(
        before.centres, reach, return_sorted=True
    )
    goes_on = np.isin(before.ids, now.ids)
    rated = []
    for m in range(len(before.ids)):
        new = [i for i in near[m] if not known[i]]
        # Either one daughter has the number of the mother, or both are new.
        heirs = [i for i in near[m] if now.ids[i] == before.ids[m]]
        pairs = product(heirs, new) if goes_on[m] else combinations(new, 2)
        for a, b in pairs:
            off = _off_centre(before, m, now, a, b)
            if off <= OFF_CENTRE:
                rated.append((off, m, a, b))
    mothers: set[int] = set()
    daughters: set[int] = set()
    chosen = []
    for _, m, a, b in sorted(rated):
        if m not in mothers and not {a, b} & daughters:
            mothers.add(m)
            daughters |= {a, b}
            chosen.append((m, a, b))
    return chosen


def _off_centre(before: _Cells, m: int, now: _Cells, a: int, b: int) -> float:
    """Return the distance of the mother from the midpoint in diameters; inf if too far."""
    areas = now.areas[[a, b]]
    unlike = areas.min() < LIKENESS * areas.max() or areas.sum() > MAX_AREA * before.areas[m]
    if unlike or _overlap(before.boxes[m], now.boxes[[a, b]]).max() >= SAME:
        return np.inf
    middle = now.centres[[a, b]].mean(axis=0)
    off = np.linalg.norm(middle - before.centres[m]) / diameters(before.areas[m])
    return float(off)


def _overlap(box: Boxes, others: Boxes) -> NDArray[np.float64]:
    """Return the intersection over union of one box with others, shape (N,)."""
    a, b = box.astype(np.int64), others.astype(np.int64)
    sides = np.minimum(a[2:], b[:, 2:]) - np.maximum(a[:2], b[:, :2])
    shared = np.maximum(sides, 0).prod(axis=1)
    return shared / ((a[2:] - a[:2]).prod() + (b[:, 2:] - b[:, :2]).prod(axis=1) - shared)
