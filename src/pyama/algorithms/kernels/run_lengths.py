"""Masks and labels as runs of pixels, which are few, joined to connected objects.

Run-length labelling with union-find, after He, Chao and Suzuki (2008),
https://doi.org/10.1109/TIP.2008.919369.
"""

from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from pyama.algorithms.kernels.array_types import Boxes, Labels, kernel
from pyama.algorithms.kernels.bits import WORD, Bits

V = TypeVar("V", bound=np.generic)
_BYTES = np.uint64(0x0101010101010101)
"""1 in each byte of a word."""
_ONE = np.uint64(1)
_DE_BRUIJN = np.uint64(0x03F79D71B4CB0A89)
"""De Bruijn sequence: its product with a power of two has a different number in the upper six
bits for every power, after Leiserson, Prokop and Randall (1998), "Using de Bruijn sequences to
index a 1 in a computer word"."""
_PLACES = np.zeros(WORD, np.int64)
"""Exponent of the power of two by that number."""
_PLACES[(_DE_BRUIJN << np.arange(WORD, dtype=np.uint64)) >> np.uint64(58)] = np.arange(WORD)


class Runs(NamedTuple):
    """N runs of set pixels of one mask, row by row."""

    first: NDArray[np.int64]
    """Index of the first run of each row, and N at the end, shape (H + 1,)."""
    spans: NDArray[np.int32]
    """Half-open columns [x0, x1) of each run, shape (N, 2)."""
    roots: NDArray[np.int32]
    """Index of the first run of the 4-connected object each run belongs to, shape (N,)."""
    areas: NDArray[np.int64]
    """Size of an object in px² at its first run, shape (N,); 0 at its other runs."""


def find_runs(bits: Bits) -> Runs:
    """Split a mask of bits into runs, and join touching runs to objects."""
    return Runs(*_find_runs(bits.words, bits.width))


def add_runs(runs: Runs, chosen: NDArray[np.bool_], base: Bits) -> Bits:
    """Return a copy of `base` in which the pixels of runs are set, too.

    Args:
        runs: Runs of any mask of this size.
        chosen: Whether to set the pixels of each run, shape (N,).
        base: The mask to copy.
    """
    out = base.words.copy()
    _set_runs(runs, chosen, out)
    return Bits(out, base.width)


@kernel
def number_objects(roots: NDArray[np.int32]) -> tuple[NDArray[np.uint32], int]:
    """Return the object of each run, numbered 1..N in the order of first runs, and N."""
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
    """Return whether objects touch the edge of the frame, by the index of their first run."""
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
            if values[run]:
                out[y][runs.spans[run, 0] : runs.spans[run, 1]] = values[run]


@kernel
def _find_runs(
    words: NDArray[np.uint64], width: int
) -> tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.int32], NDArray[np.int64]]:
    first, spans = _split(words, width)
    roots = _join(first, spans)
    areas = np.zeros(len(roots), np.int64)
    for run in range(len(roots)):
        areas[roots[run]] += spans[run, 1] - spans[run, 0]
    return first, spans, roots, areas


@kernel
def _split(
    words: NDArray[np.uint64], width: int
) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    height = len(words)
    first = np.zeros(height + 1, np.int64)
    ends = np.empty(2 * height * ((width + 1) // 2), np.int32)
    n = 0
    for y in range(height):
        last = np.uint64(0)
        for i in range(words.shape[1]):
            word = words[y, i]
            changes = word ^ ((word << _ONE) | last)
            last = word >> np.uint64(WORD - 1)
            while changes:
                lowest = changes & (~changes + _ONE)
                ends[n] = WORD * i + _PLACES[(lowest * _DE_BRUIJN) >> np.uint64(58)]
                n += 1
                changes ^= lowest
        if n % 2:
            ends[n] = width
            n += 1
        first[y + 1] = n // 2
    return first, ends[:n].copy().reshape(-1, 2)


@kernel
def _set_runs(runs: Runs, chosen: NDArray[np.bool_], words: NDArray[np.uint64]) -> None:
    full = ~np.uint64(0)
    for y in range(len(words)):
        row = words[y]
        for run in range(runs.first[y], runs.first[y + 1]):
            if not chosen[run]:
                continue
            start, last = runs.spans[run, 0], runs.spans[run, 1] - 1
            i, end = start // WORD, last // WORD
            from_start = full << np.uint64(start % WORD)
            to_last = full >> np.uint64(WORD - 1 - last % WORD)
            if i == end:
                row[i] |= from_start & to_last
                continue
            row[i] |= from_start
            for between in range(i + 1, end):
                row[between] = full
            row[end] |= to_last


class LabelRuns(NamedTuple):
    """Labels as N runs of pixels with the same number other than 0, row by row."""

    shape: tuple[int, int]
    """(H, W) of the labels."""
    rows: NDArray[np.int32]
    """Row of each run, shape (N,)."""
    spans: NDArray[np.int32]
    """Half-open columns [x0, x1) of each run, shape (N, 2)."""
    places: NDArray[np.int64]
    """Index of the number of each run in `ids`, shape (N,)."""
    ids: NDArray[np.int64]
    """Numbers, ascending, shape (M,); some may not occur."""


def find_label_runs(labels: Labels) -> LabelRuns:
    """Split labels, shape (H, W), into runs."""
    rows, spans, values = _find_label_runs(np.ascontiguousarray(labels))
    largest = int(values.max(initial=0))
    if largest <= labels.size:
        ids, places = np.arange(largest + 1), values.astype(np.int64)
    else:  # a table of that length may not fit into memory
        ids, places = np.unique(values.astype(np.int64), return_inverse=True)
    return LabelRuns((labels.shape[0], labels.shape[1]), rows, spans, places, ids)


@kernel
def measure(
    rows: NDArray[np.int32], spans: NDArray[np.int32], places: NDArray[np.int64], n: int
) -> tuple[NDArray[np.int64], Boxes]:
    """Return sizes in px², shape (n,), and tight boxes [y0, x0, y1, x1), shape (n, 4).

    `rows`, `spans` and `places` are those of `LabelRuns`.
    """
    areas = np.zeros(n, np.int64)
    boxes = np.zeros((n, 4), np.int32)
    for run in range(len(rows)):
        start, end = spans[run]
        box = boxes[places[run]]
        if areas[places[run]] == 0:
            box[0], box[1] = rows[run], start
        areas[places[run]] += end - start
        box[1] = min(box[1], start)
        box[2] = rows[run] + 1
        box[3] = max(box[3], end)
    return areas, boxes


@kernel
def paint_runs(
    rows: NDArray[np.int32], spans: NDArray[np.int32], values: NDArray[V], out: NDArray[V]
) -> None:
    """Write the value of each run, shape (N,), to its pixels in `out`, shape (H, W)."""
    for run in range(len(rows)):
        # A slice instead of computed indices, so that the compiler fills it with vectors.
        out[rows[run]][spans[run, 0] : spans[run, 1]] = values[run]


@kernel
def _find_label_runs(
    labels: NDArray[V],
) -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[V]]:
    height, width = labels.shape
    rows = np.empty(labels.size, np.int32)
    spans = np.empty((labels.size, 2), np.int32)
    values = np.empty(labels.size, labels.dtype)
    marks = _room_for_marks(width)
    changes = np.empty(width + 1, np.int32)
    n = 0
    for y in range(height):
        row = labels[y]
        found = _list_changes(row, marks, changes)
        changes[found] = width
        for i in range(found):
            if row[changes[i]]:
                rows[n], values[n] = y, row[changes[i]]
                spans[n, 0], spans[n, 1] = changes[i], changes[i + 1]
                n += 1
    return rows[:n].copy(), spans[:n].copy(), values[:n].copy()


@kernel
def _room_for_marks(width: int) -> NDArray[np.uint8]:
    """Return one byte per pixel of a row, with zeros up to a whole number of words."""
    return np.zeros((width + 7) // 8 * 8, np.uint8)


@kernel
def _list_changes(
    row: NDArray[V], marks: NDArray[np.uint8], changes: NDArray[np.int32]
) -> int:
    """List where the value differs from the previous pixel, 0 before the first; count them.

    `marks` comes from `_room_for_marks`. Eight pixels are tested together, because changes are
    rare.
    """
    if len(row) == 0:
        return 0
    marks[0] = row[0] != 0
    _mark_changes(row[1:], row[:-1], marks[1 : len(row)])
    words = marks.view(np.uint64)
    n = 0
    for i in range(len(words)):
        word = words[i]
        while word:
            # The number of bytes below the lowest mark is its position in the word.
            lowest = word & (~word + np.uint64(1))
            below = ((lowest - np.uint64(1)) & _BYTES) * _BYTES
            changes[n] = 8 * i + np.int64(below >> np.uint64(56))
            n += 1
            word ^= lowest
    return n


# One simple loop over one row, so that the compiler vectorises it.
@kernel
def _mark_changes(here: NDArray[V], before: NDArray[V], marks: NDArray[np.uint8]) -> None:
    for x in range(len(marks)):
        marks[x] = here[x] != before[x]


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
                # The earlier run is the root: objects are numbered by first pixels.
                parents[max(a, b)] = min(a, b)
                touching += 1
    for run in range(len(parents)):
        parents[run] = parents[parents[run]]
    return parents
