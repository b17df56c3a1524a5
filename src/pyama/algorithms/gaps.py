"""Pixels of a frame that were not recorded, such as those between the tiles of a mosaic."""

import numpy as np
from numpy.typing import NDArray

from pyama.algorithms.kernels.array_types import Boxes, Frame, Mask

REACH = 10
"""Distance (px) from a gap within which a cell counts as cut: masks end before the gap, since
pixels beside it are not segmented."""


def fill_gaps(frame: Frame, gaps: Mask | None) -> Frame:
    """Return the frame with the median of its recorded pixels in all others.

    Args:
        frame: Intensities, shape (H, W).
        gaps: True where nothing was recorded, shape (H, W); None if everything was.
    """
    if gaps is None or gaps.all():
        return frame
    filled: Frame = np.where(gaps, np.median(frame[~gaps]).astype(frame.dtype), frame)
    return filled


def overlap_rectangle(boxes: Boxes, rectangle: tuple[int, int, int, int]) -> NDArray[np.bool_]:
    """Return which boxes have a pixel in a rectangle.

    Args:
        boxes: Half-open boxes [y0, x0, y1, x1), shape (..., 4); empty boxes are in none.
        rectangle: Another one.
    """
    y0, x0, y1, x1 = rectangle
    starts, ends = boxes[..., :2], boxes[..., 2:]
    inside = (starts < (y1, x1)) & (ends > (y0, x0)) & (starts < ends)
    return np.asarray(inside.all(axis=-1))
