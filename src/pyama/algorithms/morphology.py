"""Growing and shrinking masks by disks, in one pass whatever the radius.

The disk of radius r is the set of pixels with x² + y² <= r². Applied n times in a row it is
one larger shape, the disk's n-fold Minkowski sum, which is applied here at once.
"""

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from pyama.algorithms.arrays import Mask, check_frame, kernel

D = TypeVar("D", bound=np.unsignedinteger)


def dilate(mask: Mask, radius: int, iterations: int = 1) -> Mask:
    """Grow a mask.

    Args:
        mask: True inside, shape (H, W). Outside the frame nothing is inside.
        radius: Radius of the disk in px; 0 changes nothing.
        iterations: How often the disk is applied; 0 changes nothing.

    Returns:
        Mask, shape (H, W).

    Raises:
        ArrayError: `mask` is not two-dimensional.
    """
    check_frame(mask, "dilate")
    heights = _half_heights(radius, iterations)
    if len(heights) == 1:
        return mask.copy()
    dtype = np.uint8 if len(heights) < np.iinfo(np.uint8).max else np.uint32
    out = np.empty(mask.shape, dtype)
    _dilate(np.ascontiguousarray(mask), heights.astype(dtype), out)
    return out.astype(np.bool_) if out.itemsize > 1 else out.view(np.bool_)


def erode(mask: Mask, radius: int, iterations: int = 1) -> Mask:
    """Shrink a mask; what lies outside the frame never erodes it.

    Arguments, result and errors as in `dilate`.
    """
    check_frame(mask, "erode")
    return ~dilate(~mask, radius, iterations)


def close_mask(mask: Mask, radius: int, iterations: int = 1) -> Mask:
    """Grow a mask, then shrink it: gaps narrower than the disk are bridged.

    The frame is padded meanwhile, so that nothing is added or lost along its edge.
    Arguments, result and errors as in `dilate`.
    """
    check_frame(mask, "close_mask")
    margin = radius * iterations
    grown = dilate(np.pad(mask, margin), radius, iterations)
    inside = slice(margin, -margin or None)
    return erode(grown, radius, iterations)[inside, inside]


def open_mask(mask: Mask, radius: int, iterations: int = 1) -> Mask:
    """Shrink a mask, then grow it: what is narrower than the disk disappears.

    Arguments, result and errors as in `dilate`; the edge of the frame is no edge of the mask.
    """
    check_frame(mask, "open_mask")
    return dilate(erode(mask, radius, iterations), radius, iterations)


def _half_heights(radius: int, iterations: int) -> NDArray[np.int64]:
    """Pixels above the centre that a repeated disk covers, by distance from its axis."""
    offsets = np.arange(-radius, radius + 1)
    disk = np.sqrt(radius**2 - offsets**2).astype(np.int64)
    shape = np.zeros(1, np.int64)
    for _ in range(iterations):
        # A column of the sum is the tallest of all pairs of columns that fall on it.
        wider = np.zeros(len(shape) + 2 * radius, np.int64)
        for shift, height in enumerate(disk):
            part = wider[shift : shift + len(shape)]
            np.maximum(part, shape + height, out=part)
        shape = wider
    return shape[len(shape) // 2 :]


@kernel
def _dilate(mask: Mask, heights: NDArray[D], out: NDArray[D]) -> None:
    """Write 1 where, `shift` columns away, the mask is at most `heights[shift]` px away."""
    height, width = mask.shape
    reach = len(heights) - 1
    distance = np.full(width + 2 * reach, len(heights), out.dtype)
    row = distance[reach : reach + width]
    for y in range(height):
        _step_down(row, mask[y], len(heights), out[y])
    row[:] = len(heights)
    for y in range(height - 1, -1, -1):
        _step_up(row, out[y])
        out[y] = 0
        for shift in range(min(reach, width - 1) + 1):
            left = distance[reach - shift : reach - shift + width]
            right = distance[reach + shift : reach + shift + width]
            _add_near(out[y], left, right, heights[shift])


# One loop over one row each: only so are they compiled to vector instructions.
@kernel
def _step_down(distance: NDArray[D], mask: Mask, farthest: int, copy: NDArray[D]) -> None:
    """Make the distance to the mask above the row before that of the row of `mask`."""
    one, cap = distance.dtype.type(1), distance.dtype.type(farthest)
    for x in range(len(distance)):
        farther = min(distance.dtype.type(distance[x] + one), cap)
        distance[x] = farther * distance.dtype.type(1 - mask[x])
        copy[x] = distance[x]


@kernel
def _step_up(distance: NDArray[D], above: NDArray[D]) -> None:
    """Make the distance to the mask in the column of the row below that of this row."""
    one = distance.dtype.type(1)
    for x in range(len(distance)):
        farther = distance.dtype.type(distance[x] + one)
        distance[x] = min(above[x], farther)


@kernel
def _add_near(out: NDArray[D], left: NDArray[D], right: NDArray[D], limit: int) -> None:
    for x in range(len(out)):
        out[x] |= out.dtype.type(min(left[x], right[x]) <= limit)
