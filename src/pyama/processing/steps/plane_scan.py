"""Grey levels of a channel while it is copied, and its images that were not recorded."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pyama.algorithms.kernels.histogram import Histogram
from pyama.processing.steps.previews import grey_levels
from pyama.store import NotRecorded


class PlaneScan:
    """One channel of one field of view, seen frame by frame.

    NIS-Elements stores an image of zeros where a channel is recorded only every n-th frame.
    Cameras have an offset: if the other images have no pixel that is 0, the zeros are none of
    a camera.

    Args:
        known: What was not recorded according to the index of the file.
        zero_planes: See `CopyParams`.
    """

    def __init__(self, known: NotRecorded, zero_planes: str) -> None:
        self._known = known
        self._zero_planes = zero_planes
        self._histogram = Histogram()
        self._zeros: dict[int, int] = {}  # pixels of every image of zeros, by frame

    def add(self, t: int, frame: NDArray[np.uint16]) -> None:
        """Look at the next frame, shape (H, W)."""
        if t in self._known.frames:
            return
        lost = self._known.mask(t, frame.shape)
        pixels = frame if lost is None else frame[~lost]
        if frame[0, 0] or frame.any():  # the first pixel spares most frames the search
            self._histogram.update(pixels)
        else:
            self._zeros[t] = pixels.size

    def notes(self) -> Mapping[str, Any]:
        """Return the notes of the copied stack, once all frames were seen."""
        zeros = sorted(self._zeros)
        if self._are_missing():
            lost = replace(self._known, frames=self._known.frames | set(zeros))
            said = {"zero_frames": zeros} if zeros else {}
        else:
            lost = self._known
            said = {"black_frames": zeros} if zeros else {}
            for n in self._zeros.values():
                self._histogram.update(np.zeros(n, np.uint16))
        levels = grey_levels(self._histogram)
        return {**levels, "missing_frames": sorted(lost.frames), **lost.notes(), **said}

    def _are_missing(self) -> bool:
        if self._zero_planes != "auto":
            return self._zero_planes == "missing"
        (lowest,) = self._histogram.percentile(0)  # NaN without any other image
        return lowest != 0
