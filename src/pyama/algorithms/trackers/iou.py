"""Tracking by overlap: a cell keeps its number from frame to frame."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pyama.algorithms.kernels.array_types import Boxes, Labels, check_same_shape, kernel
from pyama.algorithms.kernels.assignment import ALONE, Pairs, heaviest_matching
from pyama.algorithms.kernels.labels import Regions, label_runs, regions_of, renumber
from pyama.algorithms.params import TrackingParams
from pyama.algorithms.trackers.numbering import cell_numbers, within_limits

NEW = ALONE
"""Partner of a box without a match in the previous frame."""


@dataclass(frozen=True)
class _Known:
    """Cells that may be found again, by ascending id."""

    ids: NDArray[np.int64]
    boxes: Boxes
    areas: NDArray[np.int64]
    missed: NDArray[np.int64]


def track(frames: Iterable[Labels], params: TrackingParams) -> Iterator[Labels]:
    """Renumber labels so that a cell keeps its number through time, by overlap of boxes.

    `link` matches the cells of two frames. A cell that is missing for up to `max_gap` frames
    keeps its last box; after that its number is not used again.

    Args:
        frames: Labels of successive frames, each (H, W), numbered frame by frame, without
            frames that are damaged or missing.
        params: See `TrackingParams`. Objects outside `min_size` and `max_size` become 0.

    Yields:
        Labels of the same frames: 0 is background, 1..N are cells. New cells are numbered
        in the order of their labels; a number is never used again. uint16, and uint32 from
        the frame on in which the first number above 65535 appears.

    Raises:
        ArrayError: A frame is not two-dimensional, or neither uint16 nor uint32.
    """
    known, newest = _no_cells(), 0
    for labels in frames:
        runs = label_runs(labels, "track")
        found = within_limits(regions_of(runs), params)
        pairs = _box_pairs(known.boxes, found.boxes)
        partner = _matched(pairs, known, len(found.ids), params.min_iou)
        ids, newest = cell_numbers(known.ids, partner, newest)
        known = _remember(known, found, ids, params.max_gap)
        yield renumber(runs, found.ids, ids, newest)


def track_masks(frames: Iterable[Labels], params: TrackingParams) -> Iterator[Labels]:
    """Renumber labels as `track` does, by overlap of masks instead of boxes.

    A missing cell keeps its last mask. Pixels that other cells cover in the meantime do not
    overlap any more, but still count in its area.

    Args:
        frames: See `track`; all of one shape.
        params: See `track`.

    Yields:
        See `track`.

    Raises:
        ArrayError: As `track`, or the shapes of two frames differ.
    """
    known, newest = _no_cells(), 0
    seen: Labels | None = None
    for labels in frames:
        seen = np.zeros(labels.shape, np.uint16) if seen is None else seen
        runs = label_runs(labels, "track_masks")
        found = within_limits(regions_of(runs), params)
        pairs = _mask_pairs(seen, known, labels, found)
        partner = _matched(pairs, known, len(found.ids), params.min_iou)
        ids, newest = cell_numbers(known.ids, partner, newest)
        known = _remember(known, found, ids, params.max_gap)
        tracked = renumber(runs, found.ids, ids, newest)
        waiting = known.ids[np.isin(known.ids, ids, invert=True)]
        before = renumber(label_runs(seen, "track_masks"), waiting, waiting, newest)
        seen = np.where(tracked == 0, before, tracked)
        yield tracked


def link(previous: Boxes, current: Boxes, min_iou: float) -> NDArray[np.int64]:
    """Match boxes one to one with the largest sum of overlaps (intersection over union).

    Pairs below `min_iou` are dropped after matching, as the Hungarian method (Kuhn, 1955,
    https://doi.org/10.1002/nav.3800020109) is used in trackers such as SORT (Bewley et al.,
    2016, https://doi.org/10.1109/ICIP.2016.7533003). Boxes that do not overlap are never
    matched, even with `min_iou` 0. Among equally good matchings the order decides, see
    `heaviest_matching`: the first previous box has the first choice.

    Args:
        previous: Boxes of the earlier cells, by ascending id, shape (N, 4).
        current: Boxes of this frame, by ascending label, shape (M, 4).
        min_iou: Smallest overlap of a matched pair.

    Returns:
        Index in `previous` of each current box, or `NEW`, shape (M,).
    """
    return _partners(_box_pairs(previous, current), len(previous), len(current), min_iou)


def _matched(pairs: Pairs, known: _Known, m: int, min_iou: float) -> NDArray[np.int64]:
    """Return the index in `known` of each object, or `NEW`, shape (m,).

    Cells that are missing get what the cells of the previous frame leave.
    """
    seen = known.missed[pairs.rows] == 0
    partner = _partners(_chosen(pairs, seen), len(known.ids), m, min_iou)
    left = ~seen & (partner[pairs.columns] == NEW)
    if left.any():
        again = _partners(_chosen(pairs, left), len(known.ids), m, min_iou)
        partner = np.where(partner == NEW, again, partner)
    return partner


def _chosen(pairs: Pairs, which: NDArray[np.bool_]) -> Pairs:
    return Pairs(pairs.rows[which], pairs.columns[which], pairs.weights[which])


def _partners(pairs: Pairs, n: int, m: int, min_iou: float) -> NDArray[np.int64]:
    matched = heaviest_matching(pairs, n, m)
    good = (pairs.columns == matched[pairs.rows]) & (pairs.weights >= min_iou)
    partner = np.full(m, NEW, np.int64)
    partner[pairs.columns[good]] = pairs.rows[good]
    return partner


def _no_cells() -> _Known:
    none = np.empty(0, np.int64)
    return _Known(none, np.empty((0, 4), np.int32), none, none)


def _remember(known: _Known, found: Regions, ids: NDArray[np.int64], max_gap: int) -> _Known:
    """Return the cells of this frame, and missing cells that may be found again."""
    waits = (known.missed < max_gap) & ~np.isin(known.ids, ids)
    merged = np.concatenate([known.ids[waits], ids])
    order = np.argsort(merged)
    return _Known(
        merged[order],
        np.concatenate([known.boxes[waits], found.boxes])[order],
        np.concatenate([known.areas[waits], found.areas])[order],
        np.concatenate([known.missed[waits] + 1, np.zeros_like(ids)])[order],
    )


def _box_pairs(previous: Boxes, current: Boxes) -> Pairs:
    """Return all pairs of overlapping boxes with their intersection over union."""
    before, now = previous.astype(np.int64), current.astype(np.int64)
    by_top = np.argsort(now[:, 0], kind="stable")
    tops = now[by_top, 0]
    tallest = np.max(now[:, 2] - now[:, 0], initial=0)
    # A box that starts before `first` ends above the previous box, even if it is the tallest.
    first = np.searchsorted(tops, before[:, 0] - tallest, side="right")
    last = np.searchsorted(tops, before[:, 2])
    start = _count_overlaps(before, now, by_top, first, last)
    columns, weights = _list_overlaps(before, now, by_top, first, last, start)
    return Pairs(np.repeat(np.arange(len(previous)), np.diff(start)), columns, weights)


@kernel
def _intersection(a: NDArray[np.int64], b: NDArray[np.int64]) -> int:
    height = min(a[2], b[2]) - max(a[0], b[0])
    width = min(a[3], b[3]) - max(a[1], b[1])
    return height * width if height > 0 and width > 0 else 0


@kernel
def _count_overlaps(
    previous: NDArray[np.int64],
    current: NDArray[np.int64],
    by_top: NDArray[np.int64],
    first: NDArray[np.int64],
    last: NDArray[np.int64],
) -> NDArray[np.int64]:
    """Return the index of the first pair of each previous box, shape (N + 1,)."""
    start = np.zeros(len(previous) + 1, np.int64)
    for i in range(len(previous)):
        n = 0
        for k in range(first[i], last[i]):
            n += _intersection(previous[i], current[by_top[k]]) > 0
        start[i + 1] = start[i] + n
    return start


@kernel
def _list_overlaps(
    previous: NDArray[np.int64],
    current: NDArray[np.int64],
    by_top: NDArray[np.int64],
    first: NDArray[np.int64],
    last: NDArray[np.int64],
    start: NDArray[np.int64],
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    columns = np.empty(start[-1], np.int64)
    weights = np.empty(start[-1], np.float64)
    for i in range(len(previous)):
        a = previous[i]
        e = start[i]
        for k in range(first[i], last[i]):
            b = current[by_top[k]]
            shared = _intersection(a, b)
            if shared > 0:
                area = (a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1])
                columns[e] = by_top[k]
                weights[e] = shared / (area - shared)
                e += 1
    return columns, weights


def _mask_pairs(seen: Labels, known: _Known, labels: Labels, found: Regions) -> Pairs:
    """Return all pairs of overlapping masks with their intersection over union."""
    check_same_shape("track_masks", previous=seen, current=labels)
    rows = np.full(int(known.ids.max(initial=0)) + 1, ALONE, np.int64)
    rows[known.ids] = np.arange(len(known.ids))
    columns = np.full(int(labels.max(initial=0)) + 1, ALONE, np.int64)
    columns[found.ids] = np.arange(len(found.ids))
    keys, lengths = shared_runs(seen, labels, rows, columns, len(found.ids))
    pairs, which = np.unique(keys, return_inverse=True)
    shared = np.bincount(which, lengths, len(pairs))
    row, column = np.divmod(pairs, max(len(found.ids), 1))
    return Pairs(row, column, shared / (known.areas[row] + found.areas[column] - shared))


@kernel
def shared_runs(
    seen: Labels,
    labels: Labels,
    rows: NDArray[np.int64],
    columns: NDArray[np.int64],
    n_columns: int,
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return key (row * n_columns + column) and length of every run of pixels in two masks."""
    height, width = labels.shape
    n = 0
    for y in range(height):
        for x in range(width):
            n += x == 0 or seen[y, x] != seen[y, x - 1] or labels[y, x] != labels[y, x - 1]
    keys = np.empty(n, np.int64)
    lengths = np.empty(n, np.int64)
    n = 0
    for y in range(height):
        start = 0
        for x in range(1, width + 1):
            a, b = seen[y, start], labels[y, start]
            if x < width and seen[y, x] == a and labels[y, x] == b:
                continue
            if rows[a] != ALONE and columns[b] != ALONE:
                keys[n] = rows[a] * n_columns + columns[b]
                lengths[n] = x - start
                n += 1
            start = x
    return keys[:n], lengths[:n]
