"""Masks as runs of pixels, joined to connected objects: cheap, since runs are few.

Run-length labelling with union-find, after He, Chao and Suzuki (2008),
https://doi.org/10.1109/TIP.2008.919369.
"""

from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from pyama.algorithms.arrays import Mask, kernel

V = TypeVar("V", bound=np.generic)


class Runs(NamedTuple):
    """Runs of set pixels of one mask, row by row; N is their number."""

    first: NDArray[np.int64]
    """Index of the first run of each row, and N at the end, shape (H + 1,)."""
    spans: NDArray[np.int32]
    """Half-open columns [x0, x1) of each run, shape (N, 2)."""
    roots: NDArray[np.int32]
    """Index of the first run of the 4-connected object each run belongs to, shape (N,)."""
    areas: NDArray[np.int64]
    """At the first run of an object its size in px², shape (N,); 0 at its other runs."""


def find_runs(mask: Mask) -> Runs:
    """Split a mask, shape (H, W), into runs and join those that touch."""
    return Runs(*_find_runs(np.ascontiguousarray(mask)))


@kernel
def number_objects(roots: NDArray[np.int32]) -> tuple[NDArray[np.uint32], int]:
    """Number of the object of each run, 1..N in the order of their first runs, and N."""
    numbers = np.empty(len(roots), np.uint32)
    n = 0
    for run in range(len(roots)):
        if roots[run] == run:
            n += 1
            numbers[run] = n
        else:
            numbers[run] = numbers[roots[run]]
    return numbers, n


@kernel
def touch_the_edge(runs: Runs, width: int) -> NDArray[np.bool_]:
    """Whether an object reaches the edge of the frame, at the index of its first run."""
    touching = np.zeros(len(runs.roots), np.bool_)
    last = len(runs.first) - 2
    for y in range(last + 1):
        for run in range(runs.first[y], runs.first[y + 1]):
            sides = runs.spans[run, 0] == 0 or runs.spans[run, 1] == width
            if sides or y == 0 or y == last:
                touching[runs.roots[run]] = True
    return touching


@kernel
def paint(runs: Runs, values: NDArray[V], out: NDArray[V]) -> None:
    """Write the value of each run, shape (N,), to its pixels in `out`; 0 writes nothing."""
    for y in range(len(runs.first) - 1):
        for run in range(runs.first[y], runs.first[y + 1]):
            value = values[run]
            if value:
                for x in range(runs.spans[run, 0], runs.spans[run, 1]):
                    out[y, x] = value


@kernel
def _find_runs(
    mask: Mask,
) -> tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.int32], NDArray[np.int64]]:
    first, spans = _split(mask)
    roots = _join(first, spans)
    areas = np.zeros(len(roots), np.int64)
    for run in range(len(roots)):
        areas[roots[run]] += spans[run, 1] - spans[run, 0]
    return first, spans, roots, areas


@kernel
def _split(mask: Mask) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    height, width = mask.shape
    first = np.zeros(height + 1, np.int64)
    spans = np.empty((height * ((width + 1) // 2), 2), np.int32)
    n = 0
    for y in range(height):
        x = 0
        while True:
            while x < width and not mask[y, x]:
                x += 1
            if x == width:
                break
            spans[n, 0] = x
            while x < width and mask[y, x]:
                x += 1
            spans[n, 1] = x
            n += 1
        first[y + 1] = n
    return first, spans[:n].copy()


@kernel
def _root(parents: NDArray[np.int32], run: int) -> int:
    while parents[run] != run:
        parents[run] = parents[parents[run]]
        run = parents[run]
    return run


@kernel
def _join(first: NDArray[np.int64], spans: NDArray[np.int32]) -> NDArray[np.int32]:
    parents = np.arange(len(spans)).astype(np.int32)
    for y in range(1, len(first) - 1):
        above = first[y - 1]
        for run in range(first[y], first[y + 1]):
            while above < first[y] and spans[above, 1] <= spans[run, 0]:
                above += 1
            touching = above
            while touching < first[y] and spans[touching, 0] < spans[run, 1]:
                a, b = _root(parents, touching), _root(parents, run)
                # The earlier run leads: objects are numbered in the order of first pixels.
                parents[max(a, b)] = min(a, b)
                touching += 1
    for run in range(len(parents)):
        parents[run] = parents[parents[run]]
    return parents
