"""Boxes of tracked cells in the frames that were recorded, as on a stage at rest."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pyama.algorithms.kernels.array_types import Boxes
from pyama.errors import ArrayError

EDGE = 3
"""Width of the edge of the frame in px. A cell there may leave and come back."""

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Tracks:
    """Tracked cells in the frames that were recorded.

    Attributes:
        boxes: Tight boxes, shape (N, T, 4); those of absent cells are not used.
        valid: Whether a cell is present, shape (N, T).
        is_cut: Whether the edge of the frame cuts a cell that is present, shape (N, T).
        frames: Indices of the T frames in the recording, shape (T,).
        shape: (H, W) of a frame in px.
    """

    boxes: Floats
    valid: NDArray[np.bool_]
    is_cut: NDArray[np.bool_]
    frames: NDArray[np.int64]
    shape: tuple[int, int]

    @property
    def centres(self) -> Floats:
        """Centres of the boxes (y, x), shape (N, T, 2)."""
        return (self.boxes[..., :2] + self.boxes[..., 2:]) / 2

    @property
    def diameter(self) -> float:
        """Typical side of a box in px; 0 without cells."""
        sides = (self.boxes[..., 2:] - self.boxes[..., :2])[self.valid]
        return float(np.median(np.sqrt(sides.prod(axis=1)))) if len(sides) else 0.0


def check_boxes(boxes: Boxes, valid: NDArray[np.bool_]) -> None:
    """Raise an error unless there is one box per cell and frame.

    Args:
        boxes: Shape (N, T, 4).
        valid: Shape (N, T).

    Raises:
        ArrayError: `boxes` and `valid` do not belong together.
    """
    if boxes.shape != (*valid.shape, 4):
        raise ArrayError(
            f"There must be one box per cell and frame, got boxes {boxes.shape} for valid "
            f"{valid.shape}."
        )


def recorded_tracks(
    boxes: Boxes,
    valid: NDArray[np.bool_],
    missing: NDArray[np.int64],
    shape: tuple[int, int],
    drift: NDArray[np.floating] | None = None,
) -> Tracks:
    """Return tracks without the frames that were never recorded, as on a stage at rest.

    Args:
        boxes: Tight boxes per cell and frame, shape (N, T, 4).
        valid: Whether a cell is present, per cell and frame, shape (N, T).
        missing: Frames that were never recorded.
        shape: (H, W) of the frame in px.
        drift: Motion of the picture since the first frame (y, x), shape (T, 2); None if it was
            not measured.

    Raises:
        ArrayError: `boxes` and `valid` do not belong together.
    """
    check_boxes(boxes, valid)
    frames = np.setdiff1d(np.arange(valid.shape[1]), missing)
    at_rest, valid = boxes[:, frames].astype(np.float64), valid[:, frames]
    ends = np.array(shape) - at_rest[..., 2:]
    is_cut = valid & (np.minimum(at_rest[..., :2], ends).min(axis=2) < EDGE)
    if drift is not None:
        at_rest -= np.tile(drift[frames], 2)
    return Tracks(at_rest, valid, is_cut, frames, shape)


def ends_of(valid: NDArray[np.bool_]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the first and the last frame of every track, shape (N,) each."""
    return valid.argmax(axis=1), valid.shape[1] - 1 - valid[:, ::-1].argmax(axis=1)
