"""Divisions: mothers and their daughters among tracked cells."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import combinations, product

import numpy as np
import scipy

from pyama.algorithms.kernels.array_types import Boxes, Labels
from pyama.algorithms.kernels.labels import label_runs, renumber
from pyama.algorithms.trackers.division_evidence import (
    Cells,
    measure_cells,
    measures,
    probability,
)
from pyama.algorithms.trackers.numbering import diameters

REACH = 2.0
"""Largest distance of a daughter from her mother, in diameters of the larger of the mother
and a typical cell."""

LIKENESS = 0.4
"""Smallest ratio of the areas of the daughters."""
SMALL = 0.25
"""Smallest total area of both daughters, relative to their mother; less is debris."""
STEP = 1.0
"""Largest distance of a new cell from one that is gone and is the same, in diameters."""
SIZE_RATIO = 2.0
"""Largest ratio of the areas of these two."""
SURE = 0.6
"""Smallest probability of a division. A wrong one costs the mother her number."""


@dataclass(frozen=True)
class Candidate:
    """Two cells that may be the daughters of a third one."""

    mother: int
    """Index among the cells of the frame before."""
    daughters: tuple[int, int]
    """Indices among the cells of this frame; the second one is new."""
    measured: Mapping[str, float]
    """See `measures`."""


@dataclass
class History:
    """What is known of the cells of earlier frames, by their numbers from the tracker."""

    newest: int = 0
    """The largest number that a cell has got."""
    numbers: dict[int, int] = field(default_factory=dict)
    """The numbers that they have got."""
    boxes: dict[int, Boxes] = field(default_factory=dict)
    """Where they were seen last."""
    fused: set[int] = field(default_factory=set)
    """Those that have taken in another cell and have not been separated since."""
    born: set[int] = field(default_factory=set)
    """Daughters of the frame before, which do not divide."""


def renumber_daughters(frames: Iterable[Labels]) -> Iterator[tuple[Labels, dict[int, int]]]:
    """Find cells that divide, and give both daughters new numbers.

    A tracker gives one daughter the number of the mother and the other a new one, or both new
    ones. Here, two cells, of which at least one is new, are the daughters of a cell in the
    previous frame if this is probable enough (`probability`). New is also a cell that the
    tracker takes for one that was missing. Every cell takes part in at most one division; the
    most probable ones are taken first. Neither a daughter of the frame before divides, nor a
    cell that has taken in another one: it is separated again. A new cell that is no daughter
    gets the number of a cell of similar size that is gone beside it: that cell has moved
    farther than the tracker follows.

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
    history = History()
    before: Cells | None = None
    for labels in frames:
        runs = label_runs(labels, "divided")
        now = measure_cells(labels, runs)
        mothers = {}
        if before is not None:
            mothers = _mothers(before, now, history)
            _follow(before, now, history, mothers)
        parents = give_numbers(history, now, mothers)
        ids = np.array([history.numbers[cell] for cell in now.ids.tolist()], np.int64)
        yield renumber(runs, now.ids, ids, history.newest), parents
        before = now


def give_numbers(history: History, now: Cells, mothers: Mapping[int, int]) -> dict[int, int]:
    """Number all cells of a frame; return the numbers of mothers by those of daughters."""
    parents = {}
    for cell, box in zip(now.ids.tolist(), now.boxes, strict=True):
        if cell not in history.numbers or cell in mothers:
            history.newest += 1
            history.numbers[cell] = history.newest
        if cell in mothers:
            parents[history.newest] = mothers[cell]
        history.boxes[cell] = box
    history.born = set(mothers)
    return parents


def _mothers(before: Cells, now: Cells, history: History) -> dict[int, int]:
    """Return the numbers of mothers by the ids of the daughters that are new in a frame."""
    rated = [
        (probability(candidate.measured), candidate)
        for candidate in candidates(before, now, history)
    ]
    likely = sorted((pair for pair in rated if pair[0] >= SURE), key=lambda pair: -pair[0])
    history.fused |= _fused(before, now)
    mothers: dict[int, int] = {}
    divided: set[int] = set()
    for _, candidate in likely:
        mother = int(before.ids[candidate.mother])
        daughters = [int(now.ids[i]) for i in candidate.daughters]
        if mother in divided or any(cell in mothers for cell in daughters):
            continue
        divided.add(mother)
        if mother in history.fused:
            history.fused.remove(mother)
        elif mother not in history.born:
            mothers |= dict.fromkeys(daughters, history.numbers.pop(mother))
    return mothers


def _follow(before: Cells, now: Cells, history: History, mothers: Mapping[int, int]) -> None:
    """Give new cells, except daughters, the numbers of cells that are gone beside them."""
    numbers = history.numbers
    gone = [i for i, cell in enumerate(before.ids) if cell in numbers and cell not in now.ids]
    new = [
        i
        for i, cell in enumerate(now.ids.tolist())
        if cell not in numbers and cell not in mothers
    ]
    if not gone or not new:
        return
    reach = STEP * diameters(SIZE_RATIO * before.areas[gone])
    near = scipy.spatial.KDTree(now.centres[new]).query_ball_point(before.centres[gone], reach)
    pairs = [(i, new[k]) for i, found in zip(gone, near, strict=True) for k in found]
    steps = [float(np.linalg.norm(now.centres[j] - before.centres[i])) for i, j in pairs]
    for step, (i, j) in sorted(zip(steps, pairs, strict=True)):
        earlier, later = int(before.ids[i]), int(now.ids[j])
        areas = np.array([before.areas[i], now.areas[j]])
        is_same = areas.max() <= SIZE_RATIO * areas.min()
        is_near = step <= STEP * diameters(areas.mean())
        if is_same and is_near and earlier in numbers and later not in numbers:
            numbers[later] = numbers.pop(earlier)


def candidates(before: Cells, now: Cells, history: History) -> Iterator[Candidate]:
    """Yield all cells that may have divided, with all pairs that may be their daughters."""
    absent = ~np.isin(now.ids, before.ids)
    gone = np.flatnonzero(~np.isin(before.ids, now.ids))
    if not absent.any() or not len(before.ids):
        return
    reach = REACH * diameters(np.maximum(before.areas, before.typical_area))
    near = scipy.spatial.KDTree(now.centres).query_ball_point(
        before.centres, reach, return_sorted=True
    )
    for m, mother in enumerate(before.ids.tolist()):
        new = [i for i in near[m] if absent[i]]
        heirs = [i for i in near[m] if now.ids[i] == mother]
        others = before.centres[gone[gone != m]]
        # Either one daughter has the number of the mother, or both are new.
        for a, b in product(heirs, new) if heirs else combinations(new, 2):
            small, large = sorted(now.areas[[a, b]].tolist())
            if small >= LIKENESS * large and small + large >= SMALL * before.areas[m]:
                seen = _overlap(history.boxes.get(int(now.ids[b])), now.boxes[b])
                yield Candidate(m, (a, b), measures(before, m, now, (a, b), others, seen))


def _fused(before: Cells, now: Cells) -> set[int]:
    """Return the ids of cells that have taken in a cell which is gone.

    Such a cell covers most of the place of the other one and has grown by half of its area or
    more.
    """
    fused = set()
    for gone in np.flatnonzero(~np.isin(before.ids, now.ids)):
        y0, x0, y1, x1 = before.boxes[gone]
        place = before.labels[y0:y1, x0:x1] == before.ids[gone]
        there, counts = np.unique(now.labels[y0:y1, x0:x1][place], return_counts=True)
        cell = int(there[counts.argmax()])
        earlier, later = before.areas[before.ids == cell], now.areas[now.ids == cell]
        covers = cell > 0 and 2 * counts.max() >= before.areas[gone]
        if covers and len(earlier) and later[0] >= earlier[0] + before.areas[gone] / 2:
            fused.add(cell)
    return fused


def _overlap(box: Boxes | None, other: Boxes) -> float:
    """Return the intersection over union of two boxes; 0 if the first is unknown."""
    if box is None:
        return 0.0
    a, b = box.astype(np.int64), other.astype(np.int64)
    shared = np.maximum(np.minimum(a[2:], b[2:]) - np.maximum(a[:2], b[:2]), 0).prod()
    return float(shared / ((a[2:] - a[:2]).prod() + (b[2:] - b[:2]).prod() - shared))
