"""The part of a field of view that no tile covers, as rectangles."""

from collections.abc import Iterable, Sequence
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

from pyama.metadata import Box


def uncovered_rectangles(tiles: Sequence[Box], shape: tuple[int, int]) -> tuple[Box, ...]:
    """Return disjoint rectangles of the pixels that no tile covers.

    Args:
        tiles: Half-open rectangles [y0, x0, y1, x1) in px, inside the field of view.
        shape: (H, W) of the field of view in px.
    """
    ys = np.unique([0, shape[0], *(y for tile in tiles for y in tile[::2])])
    xs = np.unique([0, shape[1], *(x for tile in tiles for x in tile[1::2])])
    is_free = np.ones((len(ys) - 1, len(xs) - 1), np.bool_)
    for y0, x0, y1, x1 in tiles:
        rows, columns = np.searchsorted(ys, (y0, y1)), np.searchsorted(xs, (x0, x1))
        is_free[slice(*rows), slice(*columns)] = False
    return tuple(_stacked(_runs(is_free, ys.tolist(), xs.tolist())))


def common_rectangles(rectangles: Iterable[Sequence[Box]]) -> tuple[Box, ...]:
    """Return the rectangles of the pixels that are in all of several sets of rectangles."""
    shared, *others = rectangles
    for other in others:
        if other != shared:
            pairs = ((a, b) for a in shared for b in other)
            shared = [box for a, b in pairs if (box := _overlap(a, b))]
    return tuple(shared)


def _runs(is_free: NDArray[np.bool_], ys: list[int], xs: list[int]) -> Iterable[Box]:
    """Yield the free runs of every row of the grid."""
    for i, row in enumerate(is_free):
        edges = np.flatnonzero(np.diff(row, prepend=False, append=False))
        for start, end in edges.reshape(-1, 2).tolist():
            yield ys[i], xs[start], ys[i + 1], xs[end]


def _stacked(runs: Iterable[Box]) -> Iterable[Box]:
    """Join runs of equal extent in successive rows."""
    by_extent = sorted(runs, key=lambda box: (box[1], box[3], box[0]))
    for _, same in groupby(by_extent, key=lambda box: (box[1], box[3])):
        whole, *others = same
        for box in others:
            if box[0] == whole[2]:
                whole = (*whole[:2], *box[2:])
            else:
                yield whole
                whole = box
        yield whole


def _overlap(a: Box, b: Box) -> Box | None:
    y0, x0, y1, x1 = max(a[0], b[0]), max(a[1], b[1]), min(a[2], b[2]), min(a[3], b[3])
    return (y0, x0, y1, x1) if y0 < y1 and x0 < x1 else None
