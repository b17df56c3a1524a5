"""The ground under a stage that drifts: frames on one canvas, each where it was taken."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pyama.errors import ConfigError

LARGEST = 2**27
"""Most pixels of a canvas: a quarter of a gigabyte of labels."""


class Ground:
    """A canvas that holds all frames of a field of view side by side, as the stage has moved.

    Shifts are rounded to whole pixels, so that labels stay as they are.

    Args:
        frame: (H, W) of a frame.
        drift: How far down and to the right everything lies in every frame, in px, shape
            (T, 2).

    Attributes:
        shape: (H, W) of the canvas; that of a frame if the stage is at rest.

    Raises:
        ConfigError: The canvas would be too large.
    """

    def __init__(self, frame: tuple[int, ...], drift: NDArray[np.float64]) -> None:
        moved = np.rint(drift).astype(np.int64).reshape(-1, 2)
        # What lies further down is seen by a frame that lies further up.
        self._corners = moved.max(axis=0, initial=0) - moved
        down, right = self._corners.max(axis=0, initial=0).tolist()
        self._frame = frame
        self.shape = (frame[0] + down, frame[1] + right)
        if self.shape[0] * self.shape[1] > max(LARGEST, 2 * frame[0] * frame[1]):
            raise ConfigError(
                f"The stage has drifted over {down} x {right} px (y, x), which is too far to "
                f"track cells on the ground: all frames together cover {self.shape[0]} x "
                f"{self.shape[1]} px. Look at the table of shifts; if the stage was moved on "
                "purpose, use registration: none."
            )

    def placed(self, labels: NDArray[Any], t: int) -> NDArray[Any]:
        """Return the canvas with the labels of frame `t`, and 0 elsewhere."""
        if self.shape == self._frame:
            return labels
        canvas = np.zeros(self.shape, labels.dtype)
        canvas[self._window(t)] = labels
        return canvas

    def view(self, canvas: NDArray[Any], t: int) -> NDArray[Any]:
        """Return what frame `t` shows of a canvas."""
        return np.ascontiguousarray(canvas[self._window(t)])

    def _window(self, t: int) -> tuple[slice, slice]:
        corner = self._corners[t].tolist()
        y, x = (slice(at, at + n) for at, n in zip(corner, self._frame, strict=True))
        return y, x
