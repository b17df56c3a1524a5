"""Growing and shrinking masks by disks, in one pass whatever the radius.

The disk of radius r is the set of pixels with x² + y² <= r². Applied n times in a row it is
one larger shape, the disk's n-fold Minkowski sum, which is applied here at once.
"""

import numpy as np
from numpy.typing import NDArray

from pyama.algorithms.kernels.array_types import Mask, check_frame, kernel
from pyama.algorithms.kernels.bits import WORD, Bits, cut, inverted, pack, unpack

BAND = 128
"""So many rows are worked on at a time; they stay in the processor's cache."""


def dilate(mask: Mask, radius: int, iterations: int = 1) -> Mask:
    """Grow a mask.

    Args:
        mask: True inside, shape (H, W). Outside the frame nothing is inside.
        radius: Radius of the disk in px; 0 changes nothing.
        iterations: How often the disk is applied; 0 changes nothing.

    Returns:
        Mask, shape (H, W).

    Raises:
        ArrayError: `mask` is not two-dimensional.
    """
    check_frame(mask, "dilate")
    return unpack(grown(pack(mask), radius, iterations))


def erode(mask: Mask, radius: int, iterations: int = 1) -> Mask:
    """Shrink a mask; what lies outside the frame never erodes it.

    Arguments, result and errors as in `dilate`.
    """
    check_frame(mask, "erode")
    return unpack(shrunk(pack(mask), radius, iterations))


def close_mask(mask: Mask, radius: int, iterations: int = 1) -> Mask:
    """Grow a mask, then shrink it: gaps narrower than the disk are bridged.

    The frame is padded meanwhile, so that nothing is added or lost along its edge.
    Arguments, result and errors as in `dilate`.
    """
    check_frame(mask, "close_mask")
    return unpack(closed(pack(mask), radius, iterations))


def open_mask(mask: Mask, radius: int, iterations: int = 1) -> Mask:
    """Shrink a mask, then grow it: what is narrower than the disk disappears.

    Arguments, result and errors as in `dilate`; the edge of the frame is no edge of the mask.
    """
    check_frame(mask, "open_mask")
    return unpack(opened(pack(mask), radius, iterations))


def grown(bits: Bits, radius: int, iterations: int = 1) -> Bits:
    """As `dilate`, for a mask of bits."""
    reaches = _reaches(radius, iterations)
    if len(reaches) == 1:
        return bits
    words = np.empty_like(bits.words)
    _dilate(bits.words, reaches, words)
    return cut(Bits(words, bits.width))


def shrunk(bits: Bits, radius: int, iterations: int = 1) -> Bits:
    """As `erode`, for a mask of bits."""
    return inverted(grown(inverted(bits), radius, iterations))


def closed(bits: Bits, radius: int, iterations: int = 1) -> Bits:
    """As `close_mask`, for a mask of bits."""
    margin = radius * iterations
    aside = -(-margin // WORD)
    words = np.pad(bits.words, ((margin, margin), (aside, aside)))
    wide = Bits(words, words.shape[1] * WORD)
    words = shrunk(grown(wide, radius, iterations), radius, iterations).words
    inside = slice(margin, -margin or None), slice(aside, -aside or None)
    return cut(Bits(words[inside].copy(), bits.width))


def opened(bits: Bits, radius: int, iterations: int = 1) -> Bits:
    """As `open_mask`, for a mask of bits."""
    return grown(shrunk(bits, radius, iterations), radius, iterations)


def _reaches(radius: int, iterations: int) -> NDArray[np.int64]:
    """Pixels that a repeated disk covers on either side of its axis, by distance in rows."""
    offsets = np.arange(-radius, radius + 1)
    disk = np.sqrt(radius**2 - offsets**2).astype(np.int64)
    shape = np.zeros(1, np.int64)
    for _ in range(iterations):
        # A row of the sum is the longest of all pairs of rows that fall on it.
        wider = np.zeros(len(shape) + 2 * radius, np.int64)
        for shift, reach in enumerate(disk):
            part = wider[shift : shift + len(shape)]
            np.maximum(part, shape + reach, out=part)
        shape = wider
    return shape[len(shape) // 2 :]


# Rows lie one after the other with gaps of zeros, wide enough that what grows out of one row
# does not reach the next: so they are shifted and joined as one long row, many words at once.
@kernel
def _dilate(
    words: NDArray[np.uint64], reaches: NDArray[np.int64], out: NDArray[np.uint64]
) -> None:
    """Join the rows around each, those `d` rows away grown by `reaches[d]` to both sides."""
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
                # By more, it would take bits from beyond the ends of a row.
                step = min(reaches[d] - reached, reached + 1, WORD - 1)
                _spread(here, step, wider)
                here, wider = wider, here
                reached += step
            _join(here[1 + (last + d) * stride :], joined)
            _join(here[1 + (last - d) * stride :], joined)
        for y in range(top, min(top + BAND, height)):
            _copy(joined[(y - top) * stride : (y - top) * stride + width], out[y])


# One simple loop each: only so are they compiled to vector instructions.
@kernel
def _spread(words: NDArray[np.uint64], step: int, out: NDArray[np.uint64]) -> None:
    """Set every bit that has one set at most `step` bits away; the first and last word stay 0.

    What is set already must reach `step - 1` bits to both sides of every centre.
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
