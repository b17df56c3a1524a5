"""Totals that are negative because the background under a cell is estimated too high."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pyama.algorithms.background_check import MIN_COUNTS, MIN_ERRORS, MIN_SHARE
from pyama.algorithms.crops import SCALE


class BackgroundAccount:
    """Numbers of totals that are far below zero, summed over cells.

    Args:
        weight: Fraction of the background that is subtracted, 0 to 1.
        notes: Gets `below_background`: by channel, the number of `totals`, of those `below`,
            and the `lowest` one in counts. Channels without totals far below zero are left
            out.
    """

    def __init__(self, weight: float, notes: dict[str, Any]) -> None:
        self._weight = weight
        self._notes = notes
        self._n: dict[int, int] = {}

    def add(
        self,
        channel: int,
        totals: NDArray[np.float64],
        image: NDArray[Any],
        mask: NDArray[np.uint8],
        background: NDArray[Any],
    ) -> None:
        """Add the totals of one cell.

        Args:
            channel: 0-based index.
            totals: In counts, minus the background, shape (T,); NaN where there is none.
            image: Counts divided by `SCALE`, shape (T, H, W).
            mask: 1 inside the cell, 0 outside, shape (T, H, W).
            background: In the same units as the image, shape (T, H, W).
        """
        n = self._n[channel] = self._n.get(channel, 0) + int(np.isfinite(totals).sum())
        areas = np.count_nonzero(mask, axis=(1, 2))
        suspects = np.flatnonzero(totals < -MIN_COUNTS * areas)
        below = [t for t in suspects if self._is_below(image[t], mask[t] > 0, background[t])]
        found = self._notes.setdefault("below_background", {})
        if below:
            entry = found.setdefault(str(channel), {"below": 0, "lowest": 0.0})
            entry["below"] += len(below)
            entry["lowest"] = min(entry["lowest"], float(totals[below].min()))
        if str(channel) in found:
            found[str(channel)]["totals"] = n

    def _is_below(
        self, image: NDArray[Any], inside: NDArray[np.bool_], background: NDArray[Any]
    ) -> bool:
        """Whether noise, with independent pixels, and small errors do not explain a mean."""
        level = SCALE * self._weight * background[inside].astype(np.float64)
        pixels = SCALE * image[inside].astype(np.float64) - level
        error = float(pixels.std()) / pixels.size**0.5
        least = max(MIN_COUNTS, MIN_SHARE * float(level.mean()), MIN_ERRORS * error)
        return float(pixels.mean()) < -least
