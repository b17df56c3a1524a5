"""Filters of traces: cells in too few frames, or too close to the edge of the frame.

Filters apply to traces only. Crops are kept for all cells.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from pyama.algorithms.gaps import overlap_rectangle
from pyama.algorithms.kernels.array_types import Boxes
from pyama.algorithms.recorded_tracks import check_boxes


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
    if margin == 0:
        return np.zeros(len(valid), np.bool_)
    return (edge_distances(boxes, valid, shape) < margin) & valid.any(axis=1)


def edge_distances(
    boxes: Boxes, valid: NDArray[np.bool_], shape: tuple[int, int]
) -> NDArray[np.int64]:
    """Return how close every cell comes to the edge of the frame in px, shape (N,).

    Args:
        boxes: Tight boxes per cell and frame, shape (N, T, 4).
        valid: Whether a cell is present, per cell and frame, shape (N, T).
        shape: (H, W) of the frame in px.

    Returns:
        Smallest number of pixels between the cell and an edge; 0 if it touches it in any
        frame. For a cell in no frame, the longer side of the frame.

    Raises:
        ArrayError: `boxes` and `valid` do not belong together.
    """
    check_boxes(boxes, valid)
    starts, ends = boxes[..., :2], np.array(shape) - boxes[..., 2:]
    nearest = np.minimum(starts, ends).min(axis=2)
    return np.where(valid, nearest, max(shape)).min(axis=1, initial=max(shape))


def limits_that_keep(
    lengths: NDArray[np.int64], distances: NDArray[np.int64], min_frames: int, margin: int
) -> dict[str, int]:
    """Return the limits to change if they leave no cell.

    Args:
        lengths: Numbers of frames of the cells, shape (N,).
        distances: See `edge_distances`, shape (N,).
        min_frames: Smallest number of frames that is in use.
        margin: Width of the margin in px that is in use.

    Returns:
        `border_margin` with which half of the cells are far enough from the edge, and
        `min_frames` that half of those reach; only what has to change, and nothing if there
        are no cells or some are left.
    """
    far = distances >= margin
    if not len(lengths) or (far & (lengths >= min_frames)).any():
        return {}
    limits = {}
    if not far.any():
        limits["border_margin"] = int(np.median(distances))
        far = distances >= limits["border_margin"]
    if lengths[far].max() < min_frames:
        limits["min_frames"] = max(1, int(np.median(lengths[far])))
    return limits


def share_inside(shape: tuple[int, int], margin: int) -> float:
    """Return which share of a frame the margins leave, from 0 to 1.

    Args:
        shape: (H, W) of the frame in px.
        margin: Width in px.
    """
    height, width = (max(0, side - 2 * margin) for side in shape)
    return height * width / (shape[0] * shape[1])


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
            near |= overlap_rectangle(boxes[:, frame], wider) & valid[:, frame]
    return near


def margin_leaves_no_room(shape: tuple[int, int], margin: int) -> bool:
    """Whether the margins cover the frame, so that `near_border` is True for every cell.

    Args:
        shape: (H, W) of the frame in px.
        margin: Width in px; 0 is no margin.
    """
    return margin > 0 and 2 * margin >= min(shape)
