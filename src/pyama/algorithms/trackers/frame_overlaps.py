"""Which objects of one frame lie in which objects of another one."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pyama.algorithms.kernels.array_types import Labels
from pyama.algorithms.kernels.labels import regions
from pyama.algorithms.trackers.iou import shared_runs

MIN_CELLS = 5
"""Smallest number of cells whose median step is taken for a motion of the whole frame."""


@dataclass(frozen=True)
class Objects:
    """Labels of one frame with the sizes and places of its objects, by their numbers.

    Attributes:
        labels: Labels, shape (H, W).
        areas: Numbers of pixels, shape (largest + 1,); 0 for numbers that do not occur.
        centres: Centres of the boxes (y, x), shape (largest + 1, 2).
    """

    labels: Labels
    areas: NDArray[np.int64]
    centres: NDArray[np.float64]


@dataclass(frozen=True)
class Overlaps:
    """What the objects of two frames share.

    Attributes:
        into: Object of the later frame that holds more than half of each object of the earlier
            one, by number; 0 if there is none.
        out_of: Object of the earlier frame that holds more than half of each object of the
            later one; 0 if there is none.
        step: How far all cells have moved in between, (y, x) in px.
    """

    into: NDArray[np.int64]
    out_of: NDArray[np.int64]
    step: tuple[int, int]


def objects_of(labels: Labels) -> Objects:
    """Measure the objects of one frame."""
    found = regions(labels)
    largest = int(found.ids.max(initial=0))
    areas, centres = np.zeros(largest + 1, np.int64), np.zeros((largest + 1, 2))
    areas[found.ids] = found.areas
    centres[found.ids] = (found.boxes[:, :2] + found.boxes[:, 2:]) / 2.0
    return Objects(labels, areas, centres)


def overlaps_of(
    before: Objects, after: Objects, expected: tuple[int, int] = (0, 0)
) -> Overlaps:
    """Find which objects of two frames of the same shape lie in each other.

    If the cells have moved together, by the median of the steps of those that certainly are
    the same, the earlier frame is moved by as much.

    Args:
        before: The earlier frame.
        after: The later one.
        expected: How far they have moved as far as is known, (y, x) in px.
    """
    found = _overlaps(before, after, expected)
    cells = np.arange(len(found.into))
    same = (found.into > 0) & (found.out_of[found.into] == cells)
    if np.count_nonzero(same) < MIN_CELLS:
        return found
    steps = after.centres[found.into[same]] - before.centres[same]
    y, x = np.rint(np.median(steps, axis=0)).astype(int).tolist()
    return found if (y, x) == expected else _overlaps(before, after, (y, x))


def moved(labels: Labels, step: tuple[int, int]) -> Labels:
    """Return labels moved by whole pixels, with 0 where nothing is known."""
    if step == (0, 0):
        return labels
    out = np.zeros_like(labels)
    size = labels.shape
    target, source = (
        tuple(slice(max(s, 0), n + min(s, 0)) for s, n in zip(shift, size, strict=True))
        for shift in (step, (-step[0], -step[1]))
    )
    out[target] = labels[source]
    return out


def _overlaps(before: Objects, after: Objects, step: tuple[int, int]) -> Overlaps:
    n, m = len(before.areas), len(after.areas)
    rows, columns = np.arange(n) - 1, np.arange(m) - 1  # -1 is the background
    keys, lengths = shared_runs(moved(before.labels, step), after.labels, rows, columns, m)
    pairs, which = np.unique(keys, return_inverse=True)
    shared = np.bincount(which, lengths, len(pairs))
    row, column = np.divmod(pairs, max(m, 1))
    row, column = row + 1, column + 1
    into, out_of = np.zeros(n, np.int64), np.zeros(m, np.int64)
    inside = 2 * shared > before.areas[row]
    into[row[inside]] = column[inside]
    inside = 2 * shared > after.areas[column]
    out_of[column[inside]] = row[inside]
    return Overlaps(into, out_of, step)
