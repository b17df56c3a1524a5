"""Connected objects: where they are, how large they are, which of them stay."""

from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from pyama.algorithms.arrays import Boxes, Labels, Mask, check_frame, kernel
from pyama.algorithms.runs import find_runs, measure, number_objects, paint, touch_the_edge
from pyama.errors import ArrayError

L = TypeVar("L", bound=np.generic)


@dataclass(frozen=True)
class Regions:
    """Where the objects of one frame are; row i of each array is one object."""

    ids: NDArray[np.int64]
    """Numbers of the objects, ascending, shape (N,)."""
    boxes: Boxes
    """Tight half-open boxes [y0, x0, y1, x1), shape (N, 4)."""
    areas: NDArray[np.int64]
    """Sizes in px², shape (N,)."""


@dataclass(frozen=True)
class Removed:
    """What the limits of size took away from one frame, and what they left."""

    small: int
    """Objects below the smaller limit."""
    large: int
    """Objects above the larger limit."""
    small_area: int
    """Pixels of the small objects."""
    large_area: int
    """Pixels of the large objects."""
    kept_area: int
    """Pixels of the objects that stayed."""


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
    runs = find_runs(mask)
    numbers, n = number_objects(runs.roots)
    out: Labels = np.zeros(mask.shape, _dtype(n))
    paint(runs, numbers.astype(out.dtype), out)
    return out


def remove_small(mask: Mask, min_area: int) -> Mask:
    """Return a copy of a mask, shape (H, W), without 4-connected objects below `min_area` px².

    Raises:
        ArrayError: `mask` is not two-dimensional.
    """
    check_frame(mask, "remove_small")
    runs = find_runs(mask)
    out = np.zeros(mask.shape, np.bool_)
    paint(runs, (runs.areas >= min_area)[runs.roots], out)
    return out


def fill_holes(mask: Mask, max_area: int | None = None) -> Mask:
    """Return a copy of a mask with its holes filled.

    Args:
        mask: True inside, shape (H, W).
        max_area: Larger holes (px²) stay open; None fills all.

    Returns:
        Mask, shape (H, W). A hole is a 4-connected piece of background that does not reach
        the edge of the frame.

    Raises:
        ArrayError: `mask` is not two-dimensional.
    """
    check_frame(mask, "fill_holes")
    runs = find_runs(~mask)
    hole = ~touch_the_edge(runs, mask.shape[1])
    if max_area is not None:
        hole &= runs.areas <= max_area
    out = np.array(mask, order="C")
    paint(runs, hole[runs.roots], out)
    return out


def limit_sizes(labels: Labels, min_area: int, max_area: int | None) -> tuple[Labels, Removed]:
    """Drop objects that are too small or too large and number the others anew.

    Args:
        labels: Labels, shape (H, W), uint16 or uint32: 0 is background. Numbers may have
            gaps; an object need not be connected.
        min_area: Objects of fewer pixels are dropped.
        max_area: Objects of more pixels are dropped; None keeps them.

    Returns:
        Labels, shape (H, W), numbered 1..N in the order of the old numbers, uint16 or, when
        more than 65535 objects stay, uint32; and what was dropped.

    Raises:
        ArrayError: `labels` is not two-dimensional or has another dtype.
    """
    check_labels(labels, "limit_sizes")
    dense, ids = _numbers(labels)
    areas, _ = measure(dense, len(ids))
    small = (areas > 0) & (areas < min_area)
    large = areas > (labels.size if max_area is None else max_area)
    kept = (areas > 0) & ~small & ~large
    n = int(np.count_nonzero(kept))
    lookup = np.where(kept, np.cumsum(kept), 0).astype(_dtype(n))
    removed = Removed(
        small=int(np.count_nonzero(small)),
        large=int(np.count_nonzero(large)),
        small_area=int(areas[small].sum()),
        large_area=int(areas[large].sum()),
        kept_area=int(areas[kept].sum()),
    )
    return apply_lookup(dense, lookup), removed


def apply_lookup(labels: Labels, lookup: NDArray[L]) -> NDArray[L]:
    """Replace every number by its entry in a table.

    Args:
        labels: Labels, shape (H, W), uint16 or uint32.
        lookup: New number of every old one, shape (largest number + 1,) or longer.

    Returns:
        `lookup[labels]`, shape (H, W), of the table's dtype.

    Raises:
        ArrayError: `labels` is no frame of labels, or a number is not in the table.
    """
    check_labels(labels, "apply_lookup")
    largest = int(labels.max(initial=0))
    if labels.size and largest >= len(lookup):
        raise ArrayError(
            f"apply_lookup() got labels up to {largest}, but a table that ends at "
            f"{len(lookup) - 1}. Make it one longer than the largest label."
        )
    return _look_up(np.ascontiguousarray(labels), lookup)


def regions(labels: Labels) -> Regions:
    """Find number, box and size of every object.

    Args:
        labels: Labels, shape (H, W), uint16 or uint32: 0 is background. Numbers may be
            large and have gaps; an object need not be connected.

    Raises:
        ArrayError: `labels` is not two-dimensional or has another dtype.
    """
    check_labels(labels, "regions")
    dense, ids = _numbers(labels)
    areas, boxes = measure(dense, len(ids))
    present = np.flatnonzero(areas)
    return Regions(ids[present], boxes[present], areas[present])


def check_labels(labels: NDArray[Any], caller: str) -> None:
    """Refuse what is not one frame of labels.

    Raises:
        ArrayError: `labels` is not two-dimensional, or neither uint16 nor uint32.
    """
    check_frame(labels, caller)
    if labels.dtype not in (np.uint16, np.uint32):
        raise ArrayError(
            f"{caller}() takes labels of dtype uint16 or uint32, got {labels.dtype}."
        )


def _numbers(labels: Labels) -> tuple[Labels, NDArray[np.int64]]:
    """Labels that fit into a table as long as the second array, and what they stand for."""
    largest = int(labels.max(initial=0))
    if largest <= labels.size:
        dense: NDArray[Any] = np.ascontiguousarray(labels)
        return dense, np.arange(largest + 1, dtype=np.int64)
    ids = np.union1d(labels, np.zeros(1, labels.dtype))
    return np.searchsorted(ids, labels).astype(np.uint32), ids.astype(np.int64)


def _dtype(n: int) -> Any:
    return np.uint16 if n <= np.iinfo(np.uint16).max else np.uint32


@kernel
def _look_up(labels: NDArray[Any], lookup: NDArray[L]) -> NDArray[L]:
    height, width = labels.shape
    out = np.empty((height, width), lookup.dtype)
    for y in range(height):
        for x in range(width):
            out[y, x] = lookup[labels[y, x]]
    return out
