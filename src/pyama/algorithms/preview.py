"""Previews: images of 8 bits and half the size.

Intensities are stretched and then averaged. Of labels, every second pixel is taken, because
their mean has no meaning. The stretch is from the 1st to the 99th percentile of the whole
stack, see `pyama.algorithms.kernels.histogram`.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pyama.algorithms.kernels.array_types import Labels, kernel
from pyama.errors import ArrayError


def intensity_to_uint8(image: NDArray[Any], low: float, high: float) -> NDArray[np.uint8]:
    """Stretch intensities so that `low` becomes 0 and `high` 255.

    Args:
        image: Any shape, unsigned integers or floats.
        low: Values up to this one become 0.
        high: Values from this one on become 255. If it is not above `low` (a uniform stack, or
            NaN for a stack without pixels), everything becomes 0.

    Returns:
        Same shape; values in between are rounded to the nearest, halves up.
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
        ceil(255 * label / largest), with the shape of `generate_half_resolution`: 0 stays 0,
        every other label is at least 1, and the largest is 255.

    Raises:
        ArrayError: A label exceeds `largest`, or the labels are not of two or three
            dimensions, or empty.
    """
    stack, out = _stack_and_half("preview_of_labels", labels)
    found = _pick(stack, max(1, largest), out)
    if found > largest:
        raise ArrayError(f"preview_of_labels() got label {found}, expected {largest} at most.")
    return out.reshape(*labels.shape[:-2], *out.shape[1:])


def _stack_and_half(
    caller: str, image: NDArray[Any]
) -> tuple[NDArray[Any], NDArray[np.uint8]]:
    """Return the image as (T, H, W), and an empty array for its half."""
    if image.ndim not in (2, 3) or 0 in image.shape[-2:]:
        raise ArrayError(f"{caller}() takes (H, W) or (T, H, W), got shape {image.shape}.")
    height, width = image.shape[-2:]
    stack = np.ascontiguousarray(image).reshape(-1, height, width)
    return stack, np.empty((len(stack), max(1, height // 2), max(1, width // 2)), np.uint8)


@kernel
def _grey(value: float, low: float, factor: float) -> np.int32:
    # Without branches, so that the compiler vectorises the loop. NaN gives 0.
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
                if label != last:  # rare, whereas a division for every pixel is slow
                    last = label
                    found = max(found, label)
                    grey = 0 if label == 0 else (255 * label + largest - 1) // largest
                row[x] = grey
    return found
