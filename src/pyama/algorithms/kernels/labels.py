"""Connected objects: labels, boxes, sizes, size limits and holes."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pyama.algorithms.kernels.array_types import Boxes, Labels, Mask, check_frame
from pyama.algorithms.kernels.bits import Bits, invert, pack
from pyama.algorithms.kernels.run_lengths import (
    LabelRuns,
    add_runs,
    find_label_runs,
    find_runs,
    measure,
    number_objects,
    paint,
    paint_runs,
    touch_the_edge,
)
from pyama.errors import ArrayError


@dataclass(frozen=True)
class Regions:
    """Objects of one frame; row i of each array is one object."""

    ids: NDArray[np.int64]
    """Numbers of the objects, ascending, shape (N,)."""
    boxes: Boxes
    """Tight half-open boxes [y0, x0, y1, x1), shape (N, 4)."""
    areas: NDArray[np.int64]
    """Sizes in px², shape (N,)."""


@dataclass(frozen=True)
class Removed:
    """Counts of objects and pixels that the size limits removed from one frame and kept."""

    small: int
    """Number of objects below the lower limit."""
    large: int
    """Number of objects above the upper limit."""
    small_area: int
    """Number of pixels of the small objects."""
    large_area: int
    """Number of pixels of the large objects."""
    kept_area: int
    """Number of pixels of the kept objects."""
    kept: int
    """Number of objects that are kept."""


def label(mask: Mask) -> Labels:
    """Number the connected objects of a mask.

    Args:
        mask: True inside, shape (H, W). Objects are 4-connected: pixels that touch at a
            corner only belong to different objects.

    Returns:
        Labels, shape (H, W): 0 outside, 1..N in the order of the objects' first pixels,
        row by row. uint16, or uint32 when there are more than 65535 objects.

    Raises:
        ArrayError: `mask` is not two-dimensional.
    """
    check_frame(mask, "label")
    return label_bits(pack(mask))


def label_bits(bits: Bits) -> Labels:
    """Number the connected objects of a mask of bits, see `label`."""
    runs = find_runs(bits)
    numbers, n = number_objects(runs.roots)
    out: Labels = np.zeros((len(bits.words), bits.width), _dtype(n))
    paint(runs, numbers.astype(out.dtype), out)
    return out


def remove_small_objects(
    bits: Bits, min_area: int, min_area_at_edge: int | None = None
) -> Bits:
    """Return a mask of bits without its small objects, which are 4-connected.

    Args:
        bits: The mask, shape (H, W).
        min_area: Smaller objects (px²) are removed.
        min_area_at_edge: The limit for objects that touch the edge of the frame; None means
            `min_area`.
    """
    runs = find_runs(bits)
    stays = runs.areas >= min_area
    if min_area_at_edge is not None:
        at_edge = touch_the_edge(runs, bits.width)
        stays[at_edge] = runs.areas[at_edge] >= min_area_at_edge
    nothing = Bits(np.zeros_like(bits.words), bits.width)
    return add_runs(runs, stays[runs.roots], nothing)


def fill_mask_holes(
    bits: Bits, max_area: int | None = None, max_area_at_edge: int = 0
) -> Bits:
    """Return a mask of bits with its holes filled.

    Holes are 4-connected regions of background that do not touch the edge of the frame.

    Args:
        bits: The mask, shape (H, W).
        max_area: Larger holes (px²) are not filled; None fills all.
        max_area_at_edge: A region of background at the edge of the frame is also a hole if it
            is not larger (px²), unless the mask is empty.
    """
    runs = find_runs(invert(bits))
    at_edge = touch_the_edge(runs, bits.width)
    hole = ~at_edge
    if bits.words.any():
        hole |= runs.areas <= max_area_at_edge
    if max_area is not None:
        hole &= at_edge | (runs.areas <= max_area)
    return add_runs(runs, hole[runs.roots], bits)


def limit_sizes(
    labels: Labels, min_area: int, max_area: int | None, *, keep_numbers: bool = False
) -> tuple[Labels, Removed]:
    """Remove objects that are too small or too large, and renumber the others.

    Args:
        labels: Labels, shape (H, W), uint16 or uint32: 0 is background. Numbers may have
            gaps; an object need not be connected.
        min_area: Objects of fewer pixels are removed.
        max_area: Objects of more pixels are removed; None keeps them.
        keep_numbers: Whether the others keep their numbers.

    Returns:
        Labels, shape (H, W), numbered 1..N in the order of the old numbers, uint16 or, with
        more than 65535 objects, uint32; `labels` itself if nothing changes. And the counts of
        what was removed.

    Raises:
        ArrayError: `labels` is not two-dimensional or has another dtype.
    """
    runs = label_runs(labels, "limit_sizes")
    areas, _ = measure(runs.rows, runs.spans, runs.places, len(runs.ids))
    small = (areas > 0) & (areas < min_area)
    large = areas > (labels.size if max_area is None else max_area)
    kept = (areas > 0) & ~small & ~large
    removed = Removed(
        small=int(np.count_nonzero(small)),
        large=int(np.count_nonzero(large)),
        small_area=int(areas[small].sum()),
        large_area=int(areas[large].sum()),
        kept_area=int(areas[kept].sum()),
        kept=(n := int(np.count_nonzero(kept))),
    )
    old = runs.ids[kept]
    new = old if keep_numbers else np.arange(1, n + 1)
    largest = int(new.max(initial=0))
    if np.array_equal(new, runs.ids[areas > 0]) and labels.dtype == _dtype(largest):
        return labels, removed
    return renumber(runs, old, new, largest), removed


def renumber(
    runs: LabelRuns, old: NDArray[np.int64], new: NDArray[np.int64], largest: int
) -> Labels:
    """Return labels in which every number of `old` is replaced by that of `new`.

    Args:
        runs: Runs of the labels, shape (H, W).
        old: Numbers, shape (N,); they need not occur. All other numbers become 0.
        new: Their new numbers, shape (N,).
        largest: Upper bound of the numbers of `new`; it determines the dtype.

    Returns:
        Labels, shape (H, W), uint16, or uint32 if `largest` needs it.
    """
    dtype = np.uint16 if largest <= np.iinfo(np.uint16).max else np.uint32
    lookup = np.zeros(len(runs.ids), dtype)
    place = np.searchsorted(runs.ids, old)
    occurs = place < len(runs.ids)
    occurs[occurs] = runs.ids[place[occurs]] == old[occurs]
    lookup[place[occurs]] = new[occurs]
    out = np.zeros(runs.shape, dtype)
    paint_runs(runs.rows, runs.spans, lookup[runs.places], out)
    return out


def regions(labels: Labels) -> Regions:
    """Find number, box and size of every object.

    Args:
        labels: Labels, shape (H, W), uint16 or uint32: 0 is background. Numbers may be
            large and have gaps; an object need not be connected.

    Raises:
        ArrayError: `labels` is not two-dimensional or has another dtype.
    """
    return regions_of(label_runs(labels, "regions"))


def regions_of(runs: LabelRuns) -> Regions:
    """Find number, box and size of every object."""
    areas, boxes = measure(runs.rows, runs.spans, runs.places, len(runs.ids))
    present = np.flatnonzero(areas)
    return Regions(runs.ids[present], boxes[present], areas[present])


def label_runs(labels: Labels, caller: str) -> LabelRuns:
    """Split labels into runs, from which regions and new labels are computed fast.

    Args:
        labels: Labels, shape (H, W), uint16 or uint32.
        caller: Name of the function for the error.

    Raises:
        ArrayError: `labels` is not two-dimensional or has another dtype.
    """
    check_labels(labels, caller)
    return find_label_runs(labels)


def check_labels(labels: NDArray[Any], caller: str) -> None:
    """Check that an array is one frame of labels.

    Raises:
        ArrayError: `labels` is not two-dimensional, or neither uint16 nor uint32.
    """
    check_frame(labels, caller)
    if labels.dtype not in (np.uint16, np.uint32):
        raise ArrayError(
            f"{caller}() takes labels of dtype uint16 or uint32, got {labels.dtype}."
        )


def _dtype(n: int) -> Any:
    return np.uint16 if n <= np.iinfo(np.uint16).max else np.uint32
