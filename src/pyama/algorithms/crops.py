"""Crops of cells: cut boxes out of frames, and arrange those of a cell through time.

A ragged array is one-dimensional: the pixels of one box after the other, row by row. Ragged
arrays of successive frames are written to disk and joined cell by cell, so that memory holds
only the stack of one cell.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pyama.algorithms.kernels.array_types import (
    Boxes,
    Labels,
    check_frame,
    check_same_shape,
    kernel,
)
from pyama.errors import ArrayError

SCALE = 65536
"""Counts are stored divided by this power of two: float32 holds every count exactly, and
every multiple of 1/16 count below a million."""


def box_shapes(boxes: Boxes) -> NDArray[np.int64]:
    """Return height and width of every box in px, shape (..., 2); 0, 0 for an empty box.

    Args:
        boxes: Shape (..., 4).
    """
    return (boxes[..., 2:] - boxes[..., :2]).astype(np.int64)


def gather(frame: NDArray[Any], boxes: Boxes) -> NDArray[Any]:
    """Copy the pixels of boxes out of a frame.

    Args:
        frame: Shape (H, W), uint16, float32 or float64.
        boxes: Shape (N, 4). An empty box has no pixels.

    Returns:
        Ragged array of the frame's dtype.

    Raises:
        ArrayError: A box lies outside the frame.
    """
    pieces = np.empty(_count_inside("gather", frame, boxes), frame.dtype)
    _copy_boxes(frame, boxes, pieces)
    return pieces


def gather_masks(labels: Labels, ids: NDArray[np.int64], boxes: Boxes) -> NDArray[np.uint8]:
    """Copy the mask of each cell out of a label image.

    Args:
        labels: Shape (H, W).
        ids: Number of the cell of each box, shape (N,). Other cells in the box are ignored.
        boxes: Shape (N, 4).

    Returns:
        Ragged array, 1 inside the cell and 0 outside.

    Raises:
        ArrayError: A box lies outside the frame, or there is not one id per box.
    """
    pieces = np.empty(_count_inside("gather_masks", labels, boxes), np.uint8)
    if ids.shape != (len(boxes),):
        raise ArrayError(
            f"gather_masks() takes one id per box, got ids {ids.shape} for {len(boxes)} boxes."
        )
    _copy_masks(labels, ids, boxes, pieces)
    return pieces


def place(
    pieces: NDArray[Any],
    shapes: NDArray[np.int64],
    out: NDArray[Any],
    *,
    starts: NDArray[np.int64] | None = None,
    factor: float = 1,
) -> None:
    """Copy each piece to the top left corner of its slot; the rest of the slot becomes 0.

    Args:
        pieces: Ragged array of n pieces, or of more with `starts`.
        shapes: Height and width of every piece in px, shape (n, 2); 0, 0 gives a slot of
            zeros.
        out: Array to fill, shape (n, H, W). Its dtype must be able to hold the pixels.
        starts: Index of the first pixel of every piece, shape (n,); None if the pieces follow
            each other.
        factor: Factor for every pixel.

    Raises:
        ArrayError: A piece is larger than a slot, or the number of pixels is wrong.
    """
    if shapes.shape != (len(out), 2):
        raise ArrayError(
            f"place() takes one (height, width) per slot, got shapes {shapes.shape} "
            f"for {len(out)} slots."
        )
    if starts is None:
        areas = shapes.prod(axis=1)
        ends = np.cumsum(areas)
        starts = ends - areas
        expected = int(ends[-1]) if len(ends) else 0
        if pieces.shape != (expected,):
            raise ArrayError(f"place() expected {expected} pixels, got {pieces.shape}.")
    if starts.shape != (len(out),):
        raise ArrayError(f"place() got starts {starts.shape} for {len(out)} slots.")
    bad = _fill_slots(pieces, starts, shapes, out.dtype.type(factor), out)
    if bad >= 0:
        size = tuple(shapes[bad].tolist())
        raise ArrayError(
            f"place() got a piece of {size} px from pixel {int(starts[bad])} of {pieces.size} "
            f"for a slot of {out.shape[1:]}."
        )


def lift(stack: NDArray[Any], shapes: NDArray[np.int64]) -> NDArray[Any]:
    """Copy pieces out of their slots, the inverse of `place`.

    Args:
        stack: Shape (n, H, W).
        shapes: Height and width in px of the piece at the top left corner of every slot,
            shape (n, 2); 0, 0 gives nothing.

    Returns:
        Ragged array of the stack's dtype.

    Raises:
        ArrayError: A piece is larger than a slot, or there is not one shape per slot.
    """
    if shapes.shape != (len(stack), 2):
        raise ArrayError(
            f"lift() takes one (height, width) per slot, got shapes {shapes.shape} "
            f"for {len(stack)} slots."
        )
    bad, pieces = _lift(np.ascontiguousarray(stack), shapes)
    if bad >= 0:
        size = tuple(shapes[bad].tolist())
        raise ArrayError(f"lift() got a piece of {size} px for a slot of {stack.shape[1:]}.")
    return pieces


def _count_inside(caller: str, frame: NDArray[Any], boxes: Boxes) -> int:
    check_frame(frame, caller)
    check_same_shape(caller, boxes=boxes, expected=np.empty((len(boxes), 4), np.bool_))
    shapes = box_shapes(boxes)
    outside = (boxes[:, :2] < 0) | (boxes[:, 2:] > frame.shape) | (shapes < 0)
    if outside.any():
        first = boxes[outside.any(axis=1)][0].tolist()
        raise ArrayError(f"{caller}() got the box {first} for a frame of {frame.shape}.")
    return int(shapes.prod(axis=1).sum())


# With slices instead of computed indices the compiler copies whole vectors, 4 times faster.
@kernel
def _copy_boxes(frame: NDArray[Any], boxes: Boxes, pieces: NDArray[Any]) -> None:
    i = 0
    for n in range(boxes.shape[0]):
        for y in range(boxes[n, 0], boxes[n, 2]):
            row = frame[y, boxes[n, 1] : boxes[n, 3]]
            target = pieces[i : i + row.size]
            for x in range(row.size):
                target[x] = row[x]
            i += row.size


@kernel
def _lift(stack: NDArray[Any], shapes: NDArray[np.int64]) -> tuple[int, NDArray[Any]]:
    """Return the index of a piece that is larger than its slot, or -1, and the pieces."""
    total = 0
    for n in range(shapes.shape[0]):
        height, width = shapes[n]
        if min(height, width) < 0 or height > stack.shape[1] or width > stack.shape[2]:
            return n, np.empty(0, stack.dtype)
        total += height * width
    pieces = np.empty(total, stack.dtype)
    i = 0
    for n in range(shapes.shape[0]):
        height, width = shapes[n]
        for y in range(height):
            row = stack[n, y]
            target = pieces[i : i + width]
            for x in range(width):
                target[x] = row[x]
            i += width
    return -1, pieces


@kernel
def _copy_masks(
    labels: Labels, ids: NDArray[np.int64], boxes: Boxes, pieces: NDArray[np.uint8]
) -> None:
    i = 0
    for n in range(boxes.shape[0]):
        for y in range(boxes[n, 0], boxes[n, 2]):
            row = labels[y, boxes[n, 1] : boxes[n, 3]]
            target = pieces[i : i + row.size]
            for x in range(row.size):
                target[x] = row[x] == ids[n]
            i += row.size


@kernel
def _fill_slots(
    pieces: NDArray[Any],
    starts: NDArray[np.int64],
    shapes: NDArray[np.int64],
    factor: np.generic,
    out: NDArray[Any],
) -> int:
    """Return the index of a piece that is missing or larger than its slot, or -1."""
    for n in range(out.shape[0]):
        height, width = shapes[n]
        i = starts[n]
        if min(height, width, i) < 0 or i + height * width > pieces.size:
            return n
        if height > out.shape[1] or width > out.shape[2]:
            return n
        out[n] = 0
        for y in range(height):
            row = pieces[i : i + width]
            target = out[n, y]
            for x in range(width):
                target[x] = row[x] * factor
            i += width
    return -1
