"""Which cells are left out of the traces: those seen too briefly or too close to the edge.

Filters act on traces only; crops of every cell stay.
"""

import numpy as np
from numpy.typing import NDArray

from pyama.algorithms.kernels.array_types import Boxes
from pyama.errors import ArrayError


def trace_lengths(valid: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Return in how many frames each cell is present, shape (N,).

    Args:
        valid: Whether a cell is present, per cell and frame, shape (N, T).
    """
    return np.count_nonzero(valid, axis=1).astype(np.int64)


def too_short(valid: NDArray[np.bool_], min_frames: int) -> NDArray[np.bool_]:
    """Return which cells are present in fewer than `min_frames` frames, shape (N,).

    Args:
        valid: Whether a cell is present, per cell and frame, shape (N, T).
        min_frames: In frames. A recording with fewer valid frames than that asks for the
            smaller number here, or it loses every cell.
    """
    return trace_lengths(valid) < min_frames


def near_border(
    boxes: Boxes, valid: NDArray[np.bool_], shape: tuple[int, int], margin: int
) -> NDArray[np.bool_]:
    """Return which cells come within a margin of the frame's edge in any frame, shape (N,).

    A box that fits its mask tightly touches a margin exactly if the mask does, so no pixels
    are needed: the mask has a pixel in `mask[:margin]` if `y0 < margin`, and so on.

    Args:
        boxes: Tight boxes per cell and frame, shape (N, T, 4).
        valid: Whether a cell is present, per cell and frame, shape (N, T). Boxes of other
            frames are not looked at.
        shape: (H, W) of the frame in px.
        margin: In px. 0 keeps every cell, also those cut by the edge.

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


def margin_leaves_no_room(shape: tuple[int, int], margin: int) -> bool:
    """Return whether the margins cover the frame, so that `near_border` finds every cell.

    Args:
        shape: (H, W) of the frame in px.
        margin: In px; 0 is no margin.
    """
    return margin > 0 and 2 * margin >= min(shape)
