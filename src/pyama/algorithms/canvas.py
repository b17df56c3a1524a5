"""Canvas of registration: a common coordinate system for all frames."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pyama.errors import ConfigError

MAX_PIXELS = 2**27
"""Largest number of pixels of a canvas: a quarter of a gigabyte of labels."""


class Canvas:
    """A canvas that covers all frames of a field of view although the stage drifts.

    An object that does not move has the same position on the canvas in every frame. Shifts are
    rounded to whole pixels, so that labels need no interpolation.

    Args:
        frame: (H, W) of a frame.
        drift: Shift (y, x) of the image in every frame in px, shape (T, 2); positive is down
            and to the right.

    Attributes:
        shape: (H, W) of the canvas; that of a frame if the stage does not drift.

    Raises:
        ConfigError: The stage drifts so far that the canvas would be too large.
    """

    def __init__(self, frame: tuple[int, ...], drift: NDArray[np.float64]) -> None:
        moved = np.rint(drift).astype(np.int64).reshape(-1, 2)
        # If the image moves down, the frame lies further up on the canvas.
        self._corners = moved.max(axis=0, initial=0) - moved
        down, right = self._corners.max(axis=0, initial=0).tolist()
        self._frame = frame
        self.shape = (frame[0] + down, frame[1] + right)
        if self.shape[0] * self.shape[1] > max(MAX_PIXELS, 2 * frame[0] * frame[1]):
            raise ConfigError(
                f"The stage has drifted over {down} x {right} px (y, x). This is too far to "
                f"track cells on one canvas: all frames together cover {self.shape[0]} x "
                f"{self.shape[1]} px. Check the table of shifts; if the stage was moved on "
                "purpose, set registration: none."
            )

    def place_labels(self, labels: NDArray[Any], t: int) -> NDArray[Any]:
        """Return the canvas with the labels of frame `t`, and 0 elsewhere."""
        if self.shape == self._frame:
            return labels
        canvas = np.zeros(self.shape, labels.dtype)
        canvas[self._window(t)] = labels
        return canvas

    def view(self, canvas: NDArray[Any], t: int) -> NDArray[Any]:
        """Return the part of a canvas that frame `t` covers."""
        return np.ascontiguousarray(canvas[self._window(t)])

    def _window(self, t: int) -> tuple[slice, slice]:
        corner = self._corners[t].tolist()
        y, x = (slice(at, at + n) for at, n in zip(corner, self._frame, strict=True))
        return y, x
