"""Filters of traces: cells in too few frames, or too close to the edge of the frame.

Filters apply to traces only. Crops are kept for all cells.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from pyama.algorithms.gaps import overlapping
from pyama.algorithms.kernels.array_types import Boxes
from pyama.errors import ArrayError


def trace_lengths(valid: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Return the number of frames in which each cell is present, shape (N,).

    Args:
        valid: Whether a cell is present, per cell and frame, shape (N, T).
    """
    return np.count_nonzero(valid, axis=1).astype(np.int64)


def too_short(valid: NDArray[np.bool_], min_frames: int) -> NDArray[np.bool_]:
    """Return which cells are present in fewer than `min_frames` frames, shape (N,).

    Args:
        valid: Whether a cell is present, per cell and frame, shape (N, T).
        min_frames: Smallest number of frames. For a recording with fewer valid frames, pass
            their number; otherwise all cells are too short.
    """
    return trace_lengths(valid) < min_frames


def near_border(
    boxes: Boxes, valid: NDArray[np.bool_], shape: tuple[int, int], margin: int
) -> NDArray[np.bool_]:
    """Return which cells come within a margin of the frame's edge in any frame, shape (N,).

    A tight box touches the margin exactly if its mask does, so that no pixels are needed: the
    mask has a pixel in `mask[:margin]` if `y0 < margin`, and so on.

    Args:
        boxes: Tight boxes per cell and frame, shape (N, T, 4).
        valid: Whether a cell is present, per cell and frame, shape (N, T). Boxes of other
            frames are ignored.
        shape: (H, W) of the frame in px.
        margin: Width in px. 0 keeps all cells, also those that the edge cuts.

    Raises:
        ArrayError: `boxes` and `valid` do not belong together.
    """
    if boxes.shape != (*valid.shape, 4):
        raise ArrayError(
            f"near_border() takes one box per cell and frame, got boxes {boxes.shape} "
            f"for valid {valid.shape}."
        )
    if margin == 0:
        return np.zeros(len(valid), np.bool_)
    starts, ends = boxes[..., :2], boxes[..., 2:]
    touches = np.any((starts < margin) | (ends > np.array(shape) - margin), axis=2)
    return np.any(touches & valid, axis=1)


def near_gaps(
    boxes: Boxes,
    valid: NDArray[np.bool_],
    gaps: Mapping[int, Sequence[tuple[int, int, int, int]]],
    margin: int,
) -> NDArray[np.bool_]:
    """Return which cells come within a margin of a gap in any frame, shape (N,).

    Args:
        boxes: Tight boxes per cell and frame, shape (N, T, 4).
        valid: Whether a cell is present, per cell and frame, shape (N, T).
        gaps: Half-open rectangles [y0, x0, y1, x1) that were not recorded, by frame.
        margin: Width in px. 0 keeps all cells, also those that a gap cuts.
    """
    near = np.zeros(len(valid), np.bool_)
    for frame, rectangles in gaps.items() if margin else ():
        for y0, x0, y1, x1 in rectangles:
            wider = (y0 - margin, x0 - margin, y1 + margin, x1 + margin)
            near |= overlapping(boxes[:, frame], wider) & valid[:, frame]
    return near


def margin_leaves_no_room(shape: tuple[int, int], margin: int) -> bool:
    """Whether the margins cover the frame, so that `near_border` is True for every cell.

    Args:
        shape: (H, W) of the frame in px.
        margin: Width in px; 0 is no margin.
    """
    return margin > 0 and 2 * margin >= min(shape)
