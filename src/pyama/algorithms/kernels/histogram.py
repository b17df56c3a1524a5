"""Exact percentiles of the intensities of a stack that does not fit into memory."""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pyama.algorithms.kernels.array_types import kernel
from pyama.errors import ArrayError

_MAX_STEPS = 2**26
_PIECE = 1024
"""Number of values whose keys are computed at a time."""
_GROWTH = 1024
"""The table of counts grows by multiples of this, so that it rarely grows."""


class Histogram:
    """Counts of every value, added frame by frame.

    Args:
        steps: Number of steps from one whole number to the next; a power of two. 1 for frames
            in counts, 16 for the background in counts, 65536 and 16 * 65536 for both when
            divided by `crops.SCALE`. Other values are rounded to the nearest step.
    """

    def __init__(self, steps: int = 1) -> None:
        self._steps = steps
        self._first = 0
        self._counts = np.zeros(0, np.int64)

    def update(self, values: NDArray[Any]) -> None:
        """Count values of any shape.

        Args:
            values: Unsigned integers or floats; may be negative.

        Raises:
            ArrayError: Values are not finite, or their range is too large for intensities.
        """
        if values.size == 0:
            return
        if values.dtype == np.uint16 and self._steps == 1:
            # Finding the range and the keys would take as long as counting.
            self._reach(0, np.iinfo(np.uint16).max)
            _count_keys(np.ascontiguousarray(values).ravel(), self._counts[-self._first :])
            return
        self._reach(float(values.min()), float(values.max()))
        # Integer arithmetic takes half the time for integers.
        shift = 0.5 - self._first if values.dtype.kind == "f" else -self._first
        _count(np.ascontiguousarray(values).ravel(), self._steps, shift, self._counts)

    def percentile(self, *q: float) -> list[float]:
        """Return the same as `numpy.percentile` for all values in float64; NaN without values.

        Args:
            q: From 0 to 100. Between two values the result is interpolated linearly.
        """
        cumulated = np.cumsum(self._counts)
        if len(cumulated) == 0 or cumulated[-1] == 0:
            return [math.nan] * len(q)
        last = int(cumulated[-1]) - 1
        places = [last * (percent / 100) for percent in q]
        before = [math.floor(place) for place in places]
        ranks = [[rank, min(rank + 1, last)] for rank in before]
        keys = self._first + np.searchsorted(cumulated, ranks, side="right")
        return [
            _between(lower, upper, place - rank)
            for (lower, upper), place, rank in zip(
                (keys / self._steps).tolist(), places, before, strict=True
            )
        ]

    def number_at(self, value: int) -> int:
        """Return how many values were counted in the step of a whole number."""
        place = value * self._steps - self._first
        return int(self._counts[place]) if 0 <= place < len(self._counts) else 0

    def largest(self) -> float:
        """Return the largest value that was counted; NaN without values."""
        places = np.flatnonzero(self._counts)
        return (self._first + int(places[-1])) / self._steps if len(places) else math.nan

    def _reach(self, lowest: float, highest: float) -> None:
        """Extend the table of counts to keys from `lowest` to `highest`."""
        if not (math.isfinite(lowest) and math.isfinite(highest)):
            raise ArrayError(f"Histogram takes finite values, got {lowest} to {highest}.")
        first, last = _key(lowest, self._steps), _key(highest, self._steps)
        end = self._first + len(self._counts)
        if len(self._counts) and self._first <= first and last < end:
            return
        if len(self._counts):
            first, last = min(first, self._first), max(last, end - 1)
        first = first // _GROWTH * _GROWTH
        size = (last - first) // _GROWTH * _GROWTH + _GROWTH
        if size > _MAX_STEPS:
            raise ArrayError(
                f"Histogram got values from {lowest} to {highest}, expected a range below "
                f"{_MAX_STEPS // self._steps}. These are not intensities."
            )
        counts = np.zeros(size, np.int64)
        offset = self._first - first
        counts[offset : offset + len(self._counts)] = self._counts
        self._first, self._counts = first, counts


def _key(value: float, steps: int) -> int:
    return math.floor(value * steps + 0.5)


def _between(a: float, b: float, share: float) -> float:
    """Interpolate between two numbers with the rounding of NumPy."""
    return b - (b - a) * (1 - share) if share >= 0.5 else a + (b - a) * share


@kernel
def _count_keys(keys: NDArray[np.uint16], counts: NDArray[np.int64]) -> None:
    for i in range(keys.size):
        counts[keys[i]] += 1


@kernel
def _count(values: NDArray[Any], steps: int, shift: float, counts: NDArray[np.int64]) -> None:
    # In pieces: the loop over keys can be vectorised, the loop over counts cannot.
    keys = np.empty(_PIECE, np.int32)
    for start in range(0, values.size, _PIECE):
        piece = values[start : start + _PIECE]
        for i in range(piece.size):
            keys[i] = np.int32(piece[i] * steps + shift)
        for i in range(piece.size):
            # Unsigned, so that the compiler omits the check for negative indices.
            counts[np.uint64(np.uint32(keys[i]))] += 1
