"""Images for display: 8 bits, half the size.

Intensities are stretched first and averaged then; labels are names, so they are picked and
never averaged. The stretch runs from the 1st to the 99th percentile of a whole stack, which
`Histogram` finds exactly without holding the stack.
"""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pyama.algorithms.kernels.array_types import Labels, kernel
from pyama.errors import ArrayError

_MOST_STEPS = 2**26
_PIECE = 1024
"""So many keys are found at a time."""
_GROWTH = 1024
"""The table of counts grows by multiples of this, so that it rarely has to."""


class Histogram:
    """Counts how often each value occurs, frame after frame.

    Args:
        steps: How many steps there are from one whole number to the next; a power of two.
            1 for frames in counts, 16 for the background in counts, 65536 and 16 * 65536
            for both when divided by `crops.SCALE`. Values between two steps count for the
            nearer one.
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
            ArrayError: Values are not finite or too far apart to be intensities.
        """
        if values.size == 0:
            return
        if values.dtype == np.uint16 and self._steps == 1:
            # Looking for the range, and for keys, would take as long as counting.
            self._reach(0, np.iinfo(np.uint16).max)
            _count_keys(np.ascontiguousarray(values).ravel(), self._counts[-self._first :])
            return
        self._reach(float(values.min()), float(values.max()))
        # Whole numbers are counted with whole numbers, in half the time.
        shift = 0.5 - self._first if values.dtype.kind == "f" else -self._first
        _count(np.ascontiguousarray(values).ravel(), self._steps, shift, self._counts)

    def percentile(self, *q: float) -> list[float]:
        """Return what `numpy.percentile` gives for all values in float64; NaN without any.

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

    def _reach(self, lowest: float, highest: float) -> None:
        """Make room for keys from `lowest` to `highest`."""
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
        if size > _MOST_STEPS:
            raise ArrayError(
                f"Histogram got values from {lowest} to {highest}, expected a range below "
                f"{_MOST_STEPS // self._steps}. These are not intensities."
            )
        counts = np.zeros(size, np.int64)
        offset = self._first - first
        counts[offset : offset + len(self._counts)] = self._counts
        self._first, self._counts = first, counts


def intensity_to_uint8(image: NDArray[Any], low: float, high: float) -> NDArray[np.uint8]:
    """Stretch intensities so that `low` becomes 0 and `high` 255.

    Args:
        image: Any shape, unsigned integers or floats.
        low: Values up to this one become 0.
        high: Values from this one on become 255. If it is not above `low` (a flat stack, or
            NaN because no pixel counts), everything becomes 0.

    Returns:
        Same shape; values between are rounded to the nearest, halves up.
    """
    out = np.zeros(image.shape, np.uint8)
    if high > low:
        _stretch(np.ascontiguousarray(image).ravel(), float(low), float(high), out.reshape(-1))
    return out


def generate_half_resolution(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Halve both sides by the mean of 2 x 2 pixels.

    Args:
        image: Shape (H, W) or (T, H, W), uint8.

    Returns:
        Shape (..., max(1, H // 2), max(1, W // 2)), rounded to the nearest, halves up. An odd
        last row or column is dropped; a side of one pixel stays.

    Raises:
        ArrayError: The image is not uint8, not of two or three dimensions, or empty.
    """
    if image.dtype != np.uint8:
        raise ArrayError(f"generate_half_resolution() takes uint8, got {image.dtype}.")
    stack, out = _stack_and_half("generate_half_resolution", image)
    _average(stack, out)
    return out.reshape(*image.shape[:-2], *out.shape[1:])


def preview_of_intensities(image: NDArray[Any], low: float, high: float) -> NDArray[np.uint8]:
    """Return `generate_half_resolution(intensity_to_uint8(image, low, high))`.

    Raises:
        ArrayError: The image is not of two or three dimensions, or empty.
    """
    stack, out = _stack_and_half("preview_of_intensities", image)
    if not high > low:
        out[:] = 0
    elif image.dtype == np.uint16:
        table = intensity_to_uint8(np.arange(65536, dtype=np.uint16), low, high)
        _look_up_and_average(stack, table, out)
    else:
        _stretch_and_average(stack, float(low), float(high), out)
    return out.reshape(*image.shape[:-2], *out.shape[1:])


def preview_of_labels(labels: Labels, largest: int) -> NDArray[np.uint8]:
    """Scale labels to 8 bits and halve both sides by picking every second pixel.

    Args:
        labels: Shape (H, W) or (T, H, W), unsigned integers.
        largest: Largest label of the whole stack.

    Returns:
        Sizes as in `generate_half_resolution`; ceil(255 * label / largest): 0 stays 0, every
        other label is at least 1, the largest is 255.

    Raises:
        ArrayError: A label exceeds `largest`, or the labels are not of two or three
            dimensions, or empty.
    """
    stack, out = _stack_and_half("preview_of_labels", labels)
    found = _pick(stack, max(1, largest), out)
    if found > largest:
        raise ArrayError(
            f"preview_of_labels() found label {found}, expected {largest} at most."
        )
    return out.reshape(*labels.shape[:-2], *out.shape[1:])


def _stack_and_half(
    caller: str, image: NDArray[Any]
) -> tuple[NDArray[Any], NDArray[np.uint8]]:
    """Return the image as (T, H, W) and room for its half."""
    if image.ndim not in (2, 3) or 0 in image.shape[-2:]:
        raise ArrayError(f"{caller}() takes (H, W) or (T, H, W), got shape {image.shape}.")
    height, width = image.shape[-2:]
    stack = np.ascontiguousarray(image).reshape(-1, height, width)
    return stack, np.empty((len(stack), max(1, height // 2), max(1, width // 2)), np.uint8)


def _key(value: float, steps: int) -> int:
    return math.floor(value * steps + 0.5)


def _between(a: float, b: float, share: float) -> float:
    """Return what lies between two numbers, rounded as NumPy does."""
    return b - (b - a) * (1 - share) if share >= 0.5 else a + (b - a) * share


@kernel
def _count_keys(keys: NDArray[np.uint16], counts: NDArray[np.int64]) -> None:
    for i in range(keys.size):
        counts[keys[i]] += 1


@kernel
def _count(values: NDArray[Any], steps: int, shift: float, counts: NDArray[np.int64]) -> None:
    # Piece by piece: keys are found many at a time, counts must be raised one by one.
    keys = np.empty(_PIECE, np.int32)
    for start in range(0, values.size, _PIECE):
        piece = values[start : start + _PIECE]
        for i in range(piece.size):
            keys[i] = np.int32(piece[i] * steps + shift)
        for i in range(piece.size):
            # Unsigned, because the compiler need not look for negative indices then.
            counts[np.uint64(np.uint32(keys[i]))] += 1


@kernel
def _grey(value: float, low: float, factor: float) -> np.int32:
    # Without branches, so that the compiler takes several pixels at a time. NaN gives 0.
    grey = (value - low) * factor + 0.5
    grey = grey if grey > 0.0 else 0.0
    return np.int32(grey if grey < 255.0 else 255.0)


@kernel
def _stretch(values: NDArray[Any], low: float, high: float, out: NDArray[np.uint8]) -> None:
    factor = 255 / (high - low)
    for i in range(values.size):
        out[i] = _grey(float(values[i]), low, factor)


@kernel
def _stretch_and_average(
    stack: NDArray[Any], low: float, high: float, out: NDArray[np.uint8]
) -> None:
    factor = 255 / (high - low)
    below, right = min(1, stack.shape[1] - 1), min(1, stack.shape[2] - 1)
    sums = np.empty(stack.shape[2], np.uint16)
    for t in range(out.shape[0]):
        for y in range(out.shape[1]):
            upper, lower, row = stack[t, 2 * y], stack[t, 2 * y + below], out[t, y]
            for x in range(sums.size):
                above = _grey(float(upper[x]), low, factor)
                sums[x] = above + _grey(float(lower[x]), low, factor)
            for x in range(row.size):
                row[x] = (int(sums[2 * x]) + int(sums[2 * x + right]) + 2) // 4


@kernel
def _average(stack: NDArray[np.uint8], out: NDArray[np.uint8]) -> None:
    below, right = min(1, stack.shape[1] - 1), min(1, stack.shape[2] - 1)
    for t in range(out.shape[0]):
        for y in range(out.shape[1]):
            upper, lower, row = stack[t, 2 * y], stack[t, 2 * y + below], out[t, y]
            for x in range(row.size):
                a, b = 2 * x, 2 * x + right
                total = int(upper[a]) + int(upper[b]) + int(lower[a]) + int(lower[b])
                row[x] = (total + 2) // 4


@kernel
def _look_up_and_average(
    stack: NDArray[np.uint16], table: NDArray[np.uint8], out: NDArray[np.uint8]
) -> None:
    below, right = min(1, stack.shape[1] - 1), min(1, stack.shape[2] - 1)
    for t in range(out.shape[0]):
        for y in range(out.shape[1]):
            upper, lower, row = stack[t, 2 * y], stack[t, 2 * y + below], out[t, y]
            for x in range(row.size):
                a, b = 2 * x, 2 * x + right
                total = int(table[upper[a]]) + int(table[upper[b]])
                total += int(table[lower[a]]) + int(table[lower[b]])
                row[x] = (total + 2) // 4


@kernel
def _pick(stack: NDArray[Any], largest: int, out: NDArray[np.uint8]) -> int:
    found, last, grey = 0, 0, 0
    for t in range(out.shape[0]):
        for y in range(out.shape[1]):
            labels, row = stack[t, 2 * y], out[t, y]
            for x in range(row.size):
                label = int(labels[2 * x])
                if label != last:  # seldom, while a division per pixel is slow
                    last = label
                    found = max(found, label)
                    grey = 0 if label == 0 else (255 * label + largest - 1) // largest
                row[x] = grey
    return found
