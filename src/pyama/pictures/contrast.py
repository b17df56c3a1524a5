"""Contrast: which counts are drawn black and which white."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from pyama import layout
from pyama.algorithms.kernels.histogram import Histogram
from pyama.errors import StoreError
from pyama.store import FovStore, MarkFile

V = TypeVar("V", float, NDArray[np.float64])

PERCENTILES = (1, 99)
"""Percentiles that are drawn black and white.

They are taken over a whole stack where that is possible, so that a cell that becomes brighter
also looks brighter. A hundredth at either end is cut off because a few dead pixels, hot pixels
or bright particles would otherwise leave all cells in the same grey.
"""
MOST_FOVS = 20
"""Largest number of fields of view that are looked at for the contrast of a data set."""
LEAST_SHARE = 0.25
"""Smallest part of what a preview holds that is drawn from black to white: 64 grey levels."""


class Contrast(NamedTuple):
    """Values that are drawn black and white; what lies between is drawn linearly.

    Attributes:
        low: Values up to this one are black.
        high: Values from this one on are white. If it is not above `low`, all is black.
    """

    low: float
    high: float

    def to_counts(self, grey: V) -> V:
        """Return the counts that grey levels from 0 to 255 stand for: a number or an array."""
        return self.low + (self.high - self.low) * grey / 255

    def slider_range(self) -> tuple[float, float]:
        """Return the range in which another contrast is chosen: three times as wide."""
        span = self.high - self.low
        return self.low - span, self.high + span

    def can_show(self, other: "Contrast") -> bool:
        """Whether a preview with this contrast can be drawn with another one as well.

        It holds nothing darker than its black or brighter than its white, and too few grey
        levels in a small part of its range. `grey_levels.js` has the same rule.
        """
        is_inside = self.low <= other.low and other.high <= self.high
        return is_inside and other.high - other.low >= LEAST_SHARE * (self.high - self.low)

    def to_greys(self, counts: V) -> V:
        """Return the inverse of `to_counts`; its `low` must be below its `high`."""
        return 255 * (counts - self.low) / (self.high - self.low)


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
    pixels = recorded_pixels(frame, gaps)
    if pixels.dtype == np.uint16:  # counting takes a tenth of the time of sorting
        histogram = Histogram()
        histogram.update(pixels)
        return contrast_of_histogram(histogram)
    low, high = np.percentile(pixels, PERCENTILES).tolist()
    return Contrast(low, high)


def contrast_of_stack(store: FovStore, group: str) -> Contrast:
    """Return the contrast of a finished stack.

    Args:
        store: The field of view.
        group: Name of a group of intensities.

    Returns:
        The contrast of the whole stack, which is that of its preview. Where a stack was
        written without it, that of the frame in the middle of those that were recorded.

    Raises:
        StoreError: There is neither a preview nor a stack, or a file is damaged.
    """
    if (
        stored := contrast_of_preview(store, group) or _noted_contrast(store, group)
    ) is not None:
        return stored
    stack, lost = store.stack(group), store.not_recorded(group).frames
    recorded = [t for t in range(len(stack)) if t not in lost] or [0]
    middle = recorded[len(recorded) // 2]
    return contrast_of_frame(stack[middle], gaps_of(store, group, middle))


def contrast_of_preview(store: FovStore, group: str) -> Contrast | None:
    """Return what a preview holds from its grey level 0 to 255; None without a preview."""
    try:
        levels = store.stack(group, layout.PREVIEW).attributes["pyama"]
        return Contrast(float(levels["low"]), float(levels["high"]))
    except (StoreError, KeyError):
        return None


def _noted_contrast(store: FovStore, group: str) -> Contrast | None:
    """Return the contrast that the mark of a stack notes, also after the stack was removed."""
    file = MarkFile(store.path, f"{group}/{layout.FULL}")
    mark = file.read() or file.removed()
    if mark is None or not {"low", "high"} <= mark.notes.keys():
        return None
    return Contrast(float(mark.notes["low"]), float(mark.notes["high"]))


def contrast_of_data_set(output_dir: Path, group: str, fovs: Sequence[int]) -> Contrast | None:
    """Return one contrast for a channel in all fields of view and frames.

    With it, equal counts have equal grey levels everywhere.

    Args:
        output_dir: The output folder.
        group: Name of a group of intensities.
        fovs: Fields of view. At most 20 of those that are finished, evenly spaced, are looked
            at, and of each only what was noted when its stack was written.

    Returns:
        From the lowest black to the highest white of their stacks. Of 10 and more, the most
        extreme tenth at either end does not count, because a single field of view full of
        bright particles would otherwise leave all others dark. None if nothing is finished.
    """
    stores = [FovStore(output_dir, fov) for fov in fovs]
    finished = [store for store in stores if _has_mark(store, group)]
    n = min(len(finished), MOST_FOVS)
    spread = np.linspace(0, len(finished) - 1, n).round().astype(int).tolist()
    found = [_contrast_or_none(finished[k], group) for k in spread]
    ranges = [contrast for contrast in found if contrast is not None and any(contrast)]
    if not ranges:
        return None
    extreme = len(ranges) // 10
    lows, highs = (sorted(ends) for ends in zip(*ranges, strict=True))
    return Contrast(lows[extreme], highs[-1 - extreme])


def _has_mark(store: FovStore, group: str) -> bool:
    levels = (layout.PREVIEW, layout.FULL)
    return any(MarkFile(store.path, f"{group}/{level}").path.exists() for level in levels)


def _contrast_or_none(store: FovStore, group: str) -> Contrast | None:
    try:
        return contrast_of_stack(store, group)
    except StoreError:
        return None
