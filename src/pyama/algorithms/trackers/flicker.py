"""Repair of flicker: cells that are cut or joined in single frames of a segmentation."""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np
import scipy
from numpy.typing import NDArray

from pyama.algorithms.kernels.array_types import Labels
from pyama.algorithms.trackers.frame_overlaps import (
    Objects,
    Overlaps,
    moved,
    objects_of,
    overlaps_of,
)

LONGEST = 2
"""Largest number of frames in which cells are cut or joined by mistake."""
AHEAD = LONGEST + 1
"""Number of later frames that are looked at."""
SIZE_RATIO = 2.0
"""Largest ratio of the areas of a cell before and after."""


@dataclass
class Repairs:
    """What was repaired.

    Attributes:
        split: Number of objects that were divided into the cells that they are before and
            after.
        merged: Number of cells whose pieces were joined.
        frames: Number of frames with one or the other.
    """

    split: int = 0
    merged: int = 0
    frames: int = 0


def repair_flicker(frames: Iterable[Labels], repairs: Repairs) -> Iterator[Labels]:
    """Divide and join objects that differ from the frames before and after.

    Two cells that are one object in one or two frames, and the same two cells afterwards, are
    divided: every pixel belongs to the cell that had it in the frame before, else to the
    nearest of them. A cell that is cut in one or two frames, and one object afterwards, is
    joined. Cells that stay joined or cut are left alone, and so is what may be either: a
    cell in two pieces that become one for a frame, and two again. No pixel becomes background
    or foreground.

    Args:
        frames: Labels of successive frames, all of one shape (H, W). A few frames are held in
            memory.
        repairs: Is set to what was done so far.

    Yields:
        Labels of the same frames: the given ones where nothing was repaired, else numbered
        anew from the largest number on, uint32 if this exceeds 65535.
    """
    repairs.split = repairs.merged = repairs.frames = 0
    given = map(objects_of, frames)
    window = deque(islice(given, AHEAD))
    before: Objects | None = None
    while window:
        window.extend(islice(given, 1))
        now = window.popleft()
        if before is not None and window:
            now = _repaired(before, now, _Later(before, now, tuple(window)), repairs)
        yield now.labels
        before = now


class _Later:
    """Overlaps with later frames, each computed when it is asked for."""

    def __init__(self, before: Objects, now: Objects, later: Sequence[Objects]) -> None:
        self._frames = before, now, *later
        self._found: dict[tuple[int, int], Overlaps] = {}

    @property
    def n(self) -> int:
        """Number of later frames."""
        return len(self._frames) - 2

    def between(self, a: int, b: int) -> Overlaps:
        """Return the overlaps of two frames: -1 is that before, 0 this one, 1 the next."""
        if (a, b) not in self._found:
            way = [self.between(t, t + 1).step for t in range(a, b)] if b > a + 1 else []
            step = sum(y for y, _ in way), sum(x for _, x in way)
            self._found[a, b] = overlaps_of(self._frames[a + 1], self._frames[b + 1], step)
        return self._found[a, b]

    def area(self, t: int, cell: int) -> int:
        """Return the area of an object in px²."""
        return int(self._frames[t + 1].areas[cell])


def _repaired(before: Objects, now: Objects, later: _Later, repairs: Repairs) -> Objects:
    here = later.between(-1, 0)
    joined = {
        cell: parts
        for cell, parts in _groups(here.into).items()
        if _come_apart(cell, parts, later)
    }
    cut = {
        cell: parts
        for cell, parts in _groups(here.out_of).items()
        if _unite(cell, parts, later)
    }
    if not joined and not cut:
        return now
    repairs.split += len(joined)
    repairs.merged += len(cut)
    repairs.frames += 1
    largest = len(now.areas) - 1 + sum(map(len, joined.values()))
    dtype = np.uint16 if largest <= np.iinfo(np.uint16).max else np.uint32
    labels = now.labels.astype(np.promote_types(dtype, now.labels.dtype))
    for parts in cut.values():
        labels[np.isin(labels, parts[1:])] = parts[0]
    seeds = moved(before.labels, here.step)
    newest = len(now.areas) - 1
    for cell, parts in joined.items():
        _split(labels, cell, seeds, parts, newest)
        newest += len(parts)
    return objects_of(labels)


def _groups(holders: NDArray[np.int64]) -> dict[int, list[int]]:
    """Return the objects that hold several others, with these."""
    counts = np.bincount(holders)
    counts[0] = 0
    return {int(i): np.flatnonzero(holders == i).tolist() for i in np.flatnonzero(counts > 1)}


def _come_apart(cell: int, parts: Sequence[int], later: _Later) -> bool:
    """Whether an object is the same cells before it and within `LONGEST` frames after it."""
    for t in range(1, min(LONGEST, later.n) + 1):
        apart = np.flatnonzero(later.between(t - 1, t).out_of == cell).tolist()
        if len(apart) > 1:
            return _are_the_same(parts, -1, apart, t, later)
        if not apart:
            return False
        (cell,) = apart  # still joined
    return False


def _are_the_same(
    parts: Sequence[int], t: int, others: Sequence[int], u: int, later: _Later
) -> bool:
    """Whether cells of one frame are, one to one, those of another one, of similar size."""
    then = [int(later.between(t, u).into[part]) for part in parts]
    return sorted(then) == list(others) and all(
        _alike(later.area(t, part), later.area(u, other))
        for part, other in zip(parts, then, strict=True)
    )


def _unite(cell: int, parts: Sequence[int], later: _Later) -> bool:
    """Whether the pieces of a cell are one object within `LONGEST` frames, and stay one."""
    for t in range(1, min(LONGEST, later.n) + 1):
        into = later.between(t - 1, t).into
        holders = {int(into[part]) for part in parts}
        if len(holders) == 1 and 0 not in holders:
            (whole,) = holders
            return (
                np.flatnonzero(into == whole).tolist() == list(parts)
                and int(later.between(-1, t).into[cell]) == whole
                and _alike(later.area(-1, cell), later.area(t, whole))
                and not _come_back(parts, whole, t, later)
            )
        parts = np.flatnonzero(later.between(-1, t).out_of == cell).tolist()
        if len(parts) < 2:
            return False
    return False


def _come_back(parts: Sequence[int], whole: int, t: int, later: _Later) -> bool:
    """Whether an object is, in the frame after it, the pieces that it was before it."""
    if t >= later.n:
        return False
    apart = np.flatnonzero(later.between(t, t + 1).out_of == whole).tolist()
    return len(apart) > 1 and _are_the_same(parts, t - 1, apart, t + 1, later)


def _alike(area: int, other: int) -> bool:
    return max(area, other) <= SIZE_RATIO * min(area, other)


def _split(
    labels: Labels, cell: int, seeds: Labels, parts: Sequence[int], newest: int
) -> None:
    """Give every pixel of an object to the nearest of the cells that it was before."""
    (box,) = scipy.ndimage.find_objects((labels == cell).astype(np.uint8))
    inside = labels[box] == cell
    seed = np.where(inside, seeds[box], 0)
    seed[~np.isin(seed, parts)] = 0
    nearest = scipy.ndimage.distance_transform_edt(
        seed == 0, return_distances=False, return_indices=True
    )
    owner = seed[tuple(nearest)]
    for i, part in enumerate(parts, newest + 1):
        labels[box][inside & (owner == part)] = i
