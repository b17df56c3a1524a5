"""Outlines of labelled cells as polygons along the edges of pixels."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pyama.algorithms.kernels.array_types import Labels, check_frame, kernel

FEW_CORNERS = 24
"""Outlines with at most this number of corners keep all of them."""


def polygons(labels: Labels, spacing: int = 0) -> dict[int, list[list[int]]]:
    """Return the outlines of every label along the edges of its pixels.

    Args:
        labels: Shape (H, W); 0 is background.
        spacing: Corners closer to the one before than this, in px, are left out of outlines
            with more than 24; 0 keeps all.

    Returns:
        Corners x, y, x, y, ... of every closed outline, in px from the upper left corner of
        the frame, by label. Holes are outlines too. Pixels that touch at a corner only belong
        to different outlines.

    Raises:
        ArrayError: `labels` is not two-dimensional.
    """
    check_frame(labels, "polygons")
    numbers, starts, corners = _traced(labels, spacing)
    found: dict[int, list[list[int]]] = {}
    values = corners.tolist()
    ends = [*starts.tolist(), len(values)]
    for i, number in enumerate(numbers.tolist()):
        found.setdefault(number, []).append(values[ends[i] : ends[i + 1]])
    return found


def _traced(labels: Labels, spacing: int) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    left, upper = _count_edges(labels)
    numbers = np.empty(left, np.int64)
    starts = np.empty(left, np.int64)
    # An outline has as many right edges as left ones; each begins and ends at a corner.
    corners = np.empty(4 * (left + upper), np.int32)
    n, used = _trace_edges(labels, spacing, numbers, starts, corners)
    return numbers[:n], starts[:n], corners[:used]


@kernel
def _count_edges(labels: Labels) -> tuple[int, int]:
    """Return the number of left and of upper edges of labelled pixels."""
    left = upper = 0
    for y in range(labels.shape[0]):
        row = labels[y]
        above = labels[y - 1] if y else row
        for x in range(row.size):
            left += (row[x] != 0) & ((row[x] != row[x - 1]) | (x == 0))
            upper += (row[x] != 0) & ((row[x] != above[x]) | (y == 0))
    return left, upper


@kernel
def _at(labels: Labels, y: int, x: int) -> int:
    """Return the label of a pixel; 0 outside the frame."""
    inside = 0 <= y < labels.shape[0] and 0 <= x < labels.shape[1]
    return labels[y, x] if inside else 0


@kernel
def _turned(labels: Labels, label: int, cy: int, cx: int, dy: int, dx: int) -> tuple[int, int]:
    """Return the direction in which the outline of `label` leaves corner (cx, cy)."""
    # The pixels ahead, right and left of the direction.
    right = _at(labels, cy + (dy - 1 + dx) // 2, cx + (dx - 1 - dy) // 2)
    ahead = _at(labels, cy + (dy - 1 - dx) // 2, cx + (dx - 1 + dy) // 2)
    if right != label:
        return dx, -dy
    if ahead == label:
        return -dx, dy
    return dy, dx


@kernel
def _trace_edges(
    labels: Labels,
    spacing: int,
    numbers: NDArray[Any],
    starts: NDArray[Any],
    corners: NDArray[Any],
) -> tuple[int, int]:
    """Walk along every outline with its label on the right, writing a corner at each turn.

    Args:
        labels: Shape (H, W).
        spacing: See `polygons`.
        numbers: Filled with the label of each outline.
        starts: Filled with where its corners start.
        corners: Filled with x, y of all corners.

    Returns:
        Number of outlines, and how many numbers of `corners` were written.
    """
    height, width = labels.shape
    seen = np.zeros(height * width // 8 + 1, np.uint8)  # left edges, one bit each
    n = used = 0
    for y in range(height):
        for x in range(width):
            label = labels[y, x]
            if label == 0 or (x > 0 and labels[y, x - 1] == label):
                continue
            i = y * width + x
            if seen[i >> 3] >> (i & 7) & 1:
                continue
            numbers[n] = label
            starts[n] = used
            n += 1
            # The left edge of (y, x), upwards: from corner (x, y + 1) to corner (x, y).
            cy, cx, dy, dx = y + 1, x, -1, 0
            while True:
                if dy == -1:
                    i = (cy - 1) * width + cx
                    if seen[i >> 3] >> (i & 7) & 1:
                        break
                    seen[i >> 3] |= 1 << (i & 7)
                cy += dy
                cx += dx
                turned = _turned(labels, label, cy, cx, dy, dx)
                if turned == (dy, dx):
                    continue
                dy, dx = turned
                corners[used] = cx
                corners[used + 1] = cy
                used += 2
            if spacing > 1 and used - starts[n - 1] > 2 * FEW_CORNERS:
                used = _thin_out(corners, starts[n - 1], used, spacing)
    return n, used


@kernel
def _thin_out(corners: NDArray[Any], start: int, end: int, spacing: int) -> int:
    """Leave out corners that are too close to the one kept before; return the new end."""
    kept = start + 2
    for i in range(start + 2, end, 2):
        dx = abs(corners[i] - corners[kept - 2])
        dy = abs(corners[i + 1] - corners[kept - 1])
        if dx + dy >= spacing:
            corners[kept] = corners[i]
            corners[kept + 1] = corners[i + 1]
            kept += 2
    return kept
