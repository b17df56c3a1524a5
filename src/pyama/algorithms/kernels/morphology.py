"""Morphology of masks of bits with disks, in one pass for any radius.

The disk of radius r is the set of pixels with x² + y² <= r². Its n-fold application equals one
application of a larger shape, the n-fold Minkowski sum of the disk, which is used here.
"""

import numpy as np
from numpy.typing import NDArray

from pyama.algorithms.kernels.array_types import Mask, check_frame, kernel
from pyama.algorithms.kernels.bits import WORD, Bits, clear_padding, invert, pack, unpack

BAND = 128
"""Number of rows that are processed at a time, so that they stay in the cache."""


def dilate(mask: Mask, radius: int, iterations: int = 1) -> Mask:
    """Dilate a mask.

    Args:
        mask: True inside, shape (H, W). False is assumed outside the frame.
        radius: Radius of the disk in px; 0 changes nothing.
        iterations: Number of times the disk is applied; 0 changes nothing.

    Returns:
        Mask, shape (H, W).

    Raises:
        ArrayError: `mask` is not two-dimensional.
    """
    check_frame(mask, "dilate")
    return unpack(dilate_bits(pack(mask), radius, iterations))


def dilate_bits(bits: Bits, radius: int, iterations: int = 1) -> Bits:
    """Dilate a mask of bits; arguments and result as in `dilate`."""
    reaches = _reaches(radius, iterations)
    if len(reaches) == 1:
        return bits
    words = np.empty_like(bits.words)
    _dilate(bits.words, reaches, words)
    return clear_padding(Bits(words, bits.width))


def erode_bits(bits: Bits, radius: int, iterations: int = 1) -> Bits:
    """Erode a mask; the outside of the frame does not erode it.

    Arguments and result as in `dilate`.
    """
    return invert(dilate_bits(invert(bits), radius, iterations))


def close_bits(bits: Bits, radius: int, iterations: int = 1) -> Bits:
    """Dilate, then erode a mask, which closes gaps narrower than the disk.

    The frame is padded in between, so that nothing is added or removed along its edge.
    Arguments and result as in `dilate`.
    """
    margin = radius * iterations
    aside = -(-margin // WORD)
    words = np.pad(bits.words, ((margin, margin), (aside, aside)))
    wide = Bits(words, words.shape[1] * WORD)
    words = erode_bits(dilate_bits(wide, radius, iterations), radius, iterations).words
    inside = slice(margin, -margin or None), slice(aside, -aside or None)
    return clear_padding(Bits(words[inside].copy(), bits.width))


def open_bits(bits: Bits, radius: int, iterations: int = 1) -> Bits:
    """Erode, then dilate a mask, which removes everything narrower than the disk.

    The outside of the frame does not erode the mask. Arguments and result as in `dilate`.
    """
    return dilate_bits(erode_bits(bits, radius, iterations), radius, iterations)


def _reaches(radius: int, iterations: int) -> NDArray[np.int64]:
    """Return how far a repeated disk extends to either side, by distance in rows."""
    offsets = np.arange(-radius, radius + 1)
    disk = np.sqrt(radius**2 - offsets**2).astype(np.int64)
    shape = np.zeros(1, np.int64)
    for _ in range(iterations):
        # A row of the sum is the longest sum of two rows at this distance.
        wider = np.zeros(len(shape) + 2 * radius, np.int64)
        for shift, reach in enumerate(disk):
            part = wider[shift : shift + len(shape)]
            np.maximum(part, shape + reach, out=part)
        shape = wider
    return shape[len(shape) // 2 :]


# The rows are stored one after the other with gaps of zeros. The gaps are wider than the disk,
# so that all rows are shifted and joined as one long row, many words at a time.
@kernel
def _dilate(
    words: NDArray[np.uint64], reaches: NDArray[np.int64], out: NDArray[np.uint64]
) -> None:
    """Join to each row its neighbours at distance `d`, grown by `reaches[d]` to both sides."""
    height, width = words.shape
    last = len(reaches) - 1
    stride = width + (2 * reaches[0] + WORD - 1) // WORD
    rows = BAND + 2 * last
    here = np.zeros(rows * stride + 2, np.uint64)
    wider = np.zeros_like(here)
    joined = np.empty(BAND * stride, np.uint64)
    for top in range(0, height, BAND):
        here[:] = 0
        for y in range(max(top - last, 0), min(top + BAND + last, height)):
            _copy(words[y], here[1 + (y - top + last) * stride :])
        joined[:] = 0
        reached = 0
        for d in range(last, -1, -1):
            while reached < reaches[d]:
                # A larger step would take bits from beyond the ends of a row.
                step = min(reaches[d] - reached, reached + 1, WORD - 1)
                _spread(here, step, wider)
                here, wider = wider, here
                reached += step
            _join(here[1 + (last + d) * stride :], joined)
            _join(here[1 + (last - d) * stride :], joined)
        for y in range(top, min(top + BAND, height)):
            _copy(joined[(y - top) * stride : (y - top) * stride + width], out[y])


# One simple loop in each function, so that the compiler vectorises it.
@kernel
def _spread(words: NDArray[np.uint64], step: int, out: NDArray[np.uint64]) -> None:
    """Set every bit with a set bit at most `step` bits away; the first and last word stay 0.

    The bits must already extend `step - 1` bits to both sides of every centre.
    """
    up, down = np.uint64(step), np.uint64(WORD - step)
    before, here, after = words[:-2], words[1:-1], words[2:]
    target = out[1:-1]
    for i in range(len(target)):
        left = (here[i] << up) | (before[i] >> down)
        right = (here[i] >> up) | (after[i] << down)
        target[i] = here[i] | left | right


@kernel
def _join(words: NDArray[np.uint64], out: NDArray[np.uint64]) -> None:
    for i in range(len(out)):
        out[i] |= words[i]


@kernel
def _copy(words: NDArray[np.uint64], out: NDArray[np.uint64]) -> None:
    for i in range(len(words)):
        out[i] = words[i]
