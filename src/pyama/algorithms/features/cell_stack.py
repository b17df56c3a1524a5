"""One cell in all frames of a channel, for features that are computed for all frames at once.

Sums of counts, and of multiples of 1/16 count, are exact in float64: the result has the same
bits in whatever order the pixels are added.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pyama.algorithms.features.context import Floats
from pyama.algorithms.kernels.array_types import Boxes, kernel


@dataclass(frozen=True)
class CellStack:
    """All frames of one cell, with sums over its mask.

    Attributes:
        image: Intensities in units of `unit` counts, shape (T, H, W).
        mask: 1 inside the cell, 0 outside, shape (T, H, W). Empty in frames without the cell.
        background: Background in the same units, shape (T, H, W); None if there is none.
        boxes: Box of each frame, shape (T, 4); its top left corner is that of the stack.
        unit: Counts per unit of `image`, a power of two.
        weight: Fraction of the background to subtract, 0 to 1.
        pixel_size_um: Side of a pixel in micrometres; None if it is not known.
    """

    image: NDArray[Any]
    mask: NDArray[np.uint8]
    background: NDArray[Any] | None
    boxes: Boxes
    unit: float
    weight: float
    pixel_size_um: float | None

    @cached_property
    def sums(self) -> NDArray[np.int64]:
        """Number of pixels and sums of y, x, y², x² and xy relative to the corner, (6, T)."""
        return _sum_coordinates(self.mask)

    @cached_property
    def n_pixels(self) -> Floats:
        """Number of mask pixels per frame, shape (T,)."""
        return self.sums[0].astype(np.float64)

    @cached_property
    def spread(self) -> tuple[Floats, Floats, Floats]:
        """Larger eigenvalue, its difference to the other, and their product, each (T,).

        The matrix is the covariance of the coordinates times `n_pixels` squared. Its elements
        are integers, so that Python computes exactly whether all pixels lie on a line.
        """
        n, sy, sx, syy, sxx, sxy = self.sums.astype(object)
        yy, xx, xy = n * syy - sy * sy, n * sxx - sx * sx, n * sxy - sy * sx
        product = (yy * xx - xy * xy).astype(np.float64)
        difference = np.hypot((yy - xx).astype(np.float64), (2 * xy).astype(np.float64))
        return ((yy + xx).astype(np.float64) + difference) / 2, difference, product

    @cached_property
    def total(self) -> Floats:
        """Sum over the mask minus the weighted sum of the background, counts, shape (T,)."""
        signal = sum_inside(self.image, self.mask)
        if self.background is not None:
            signal -= self.weight * sum_inside(self.background, self.mask)
        return signal * self.unit

    @cached_property
    def mean(self) -> Floats:
        """`total` divided by `n_pixels`, counts, shape (T,); NaN without the cell."""
        return ratio(self.total, self.n_pixels)

    @cached_property
    def corrected(self) -> Floats:
        """Each pixel minus its weighted background, counts, shape (T, H, W)."""
        image = self.image.astype(np.float64)
        if self.background is not None:
            image -= self.weight * self.background.astype(np.float64)
        return image * self.unit


def ratio(numerator: NDArray[Any], denominator: Floats) -> Floats:
    """Return the quotient of two arrays of shape (T,); NaN where the denominator is 0."""
    undefined = np.full(len(denominator), np.nan)
    return np.divide(numerator, denominator, out=undefined, where=denominator != 0)


@kernel
def _sum_coordinates(mask: NDArray[np.uint8]) -> NDArray[np.int64]:
    sums = np.zeros((6, mask.shape[0]), np.int64)
    for t in range(mask.shape[0]):
        for y in range(mask.shape[1]):
            row = mask[t, y]
            n = sx = sxx = 0
            for x in range(row.size):
                if row[x]:
                    n += 1
                    sx += x
                    sxx += x * x
            sums[0, t] += n
            sums[1, t] += y * n
            sums[2, t] += sx
            sums[3, t] += y * y * n
            sums[4, t] += sxx
            sums[5, t] += y * sx
    return sums


@kernel
def sum_inside(image: NDArray[Any], mask: NDArray[np.uint8]) -> Floats:
    """Return the sum over the mask for every frame, shape (T,)."""
    sums = np.zeros(mask.shape[0], np.float64)
    # One sum per column lets the compiler add several at once, which is twice as fast.
    columns = np.empty(mask.shape[2], np.float64)
    for t in range(mask.shape[0]):
        columns[:] = 0
        for y in range(mask.shape[1]):
            values = image[t, y]
            row = mask[t, y]
            for x in range(columns.size):
                columns[x] += values[x] if row[x] else 0.0
        for x in range(columns.size):
            sums[t] += columns[x]
    return sums
