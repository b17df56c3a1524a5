"""Contrast: which counts are drawn black and which white."""

from typing import Any, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from pyama import layout
from pyama.algorithms.kernels.histogram import Histogram
from pyama.algorithms.preview import intensity_to_uint8
from pyama.errors import StoreError
from pyama.store import FovStore

V = TypeVar("V", float, NDArray[np.float64])

PERCENTILES = (1, 99)
"""Percentiles that are drawn black and white.

They are taken over a whole stack where that is possible, so that a cell that becomes brighter
also looks brighter. A hundredth at either end is cut off because a few dead pixels, hot pixels
or bright particles would otherwise leave all cells in the same grey.
"""


class Contrast(NamedTuple):
    """Values that are drawn black and white; what lies between is drawn linearly.

    Attributes:
        low: Values up to this one are black.
        high: Values from this one on are white. If it is not above `low`, all is black.
    """

    low: float
    high: float

    def counts(self, grey: V) -> V:
        """Return the counts that grey levels from 0 to 255 stand for: a number or an array."""
        return self.low + (self.high - self.low) * grey / 255

    def around(self) -> tuple[float, float]:
        """Return the range in which another contrast is chosen: three times as wide."""
        span = self.high - self.low
        return self.low - span, self.high + span


def contrast_of_histogram(histogram: Histogram) -> Contrast:
    """Return the contrast of all values in a histogram; (0, 0) if there are none."""
    low, high = histogram.percentile(*PERCENTILES)
    return Contrast(0.0, 0.0) if np.isnan(low) else Contrast(low, high)


def recorded_pixels(frame: NDArray[Any], gaps: NDArray[np.bool_] | None) -> NDArray[Any]:
    """Return the pixels of a frame or of its preview that were recorded.

    Args:
        frame: Shape (H, W), or (H // 2, W // 2) for the preview.
        gaps: True where nothing was recorded, shape (H, W); None if everything was.

    Returns:
        Shape (N,); the frame itself if everything was recorded, or nothing.
    """
    if gaps is None or gaps.all():
        return frame
    step = max(1, gaps.shape[0] // frame.shape[0])
    pixels: NDArray[Any] = frame[~gaps[::step, ::step][: frame.shape[0], : frame.shape[1]]]
    return pixels


def gaps_of(store: FovStore, group: str, frame: int) -> NDArray[np.bool_] | None:
    """Return where nothing of a frame was recorded, shape (H, W); None if everything was.

    Raises:
        StoreError: The stack is not there, or a document is damaged.
    """
    lost = store.not_recorded(group)
    return lost.mask(frame, store.stack(group).shape[1:]) if lost.boxes else None


def contrast_of_frame(frame: NDArray[Any], gaps: NDArray[np.bool_] | None = None) -> Contrast:
    """Return the contrast of a single frame.

    Args:
        frame: Intensities, shape (H, W), not empty; or its preview.
        gaps: Pixels of the frame that do not count, see `recorded_pixels`.
    """
    low, high = np.percentile(recorded_pixels(frame, gaps), PERCENTILES).tolist()
    return Contrast(low, high)


def contrast_of_stack(store: FovStore, group: str) -> Contrast:
    """Return the contrast of a finished stack.

    Args:
        store: The field of view.
        group: Name of a group of intensities.

    Returns:
        The contrast of its preview, which is that of the whole stack; without a preview,
        the contrast of the frame in the middle of those that were recorded.

    Raises:
        StoreError: There is neither a preview nor a stack, or a file is damaged.
    """
    try:
        levels = store.stack(group, layout.PREVIEW).attributes["pyama"]
        return Contrast(float(levels["low"]), float(levels["high"]))
    except (StoreError, KeyError):
        stack, lost = store.stack(group), store.not_recorded(group).frames
        recorded = [t for t in range(len(stack)) if t not in lost] or [0]
        middle = recorded[len(recorded) // 2]
        return contrast_of_frame(stack[middle], gaps_of(store, group, middle))


def grey_frame(store: FovStore, group: str, frame: int) -> NDArray[np.uint8]:
    """Return one frame in 8 bits: its preview, or the full frame if there is no preview.

    Args:
        store: The field of view.
        group: Name of a group of intensities.
        frame: 0-based index.

    Raises:
        StoreError: There is neither a preview nor a stack, or a file is damaged.
    """
    try:
        preview: NDArray[np.uint8] = store.stack(group, layout.PREVIEW)[frame]
    except StoreError:
        return intensity_to_uint8(store.stack(group)[frame], *contrast_of_stack(store, group))
    return preview
