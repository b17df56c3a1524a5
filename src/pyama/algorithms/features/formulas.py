"""Formulas of the built-in features, over all frames of one cell at once.

Sums of counts, and of multiples of 1/16 count, are exact in float64: whichever way pixels
are added up, the result has the same bits.
"""

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from pyama.algorithms.kernels.array_types import Boxes, kernel

Floats: TypeAlias = NDArray[np.float64]


@dataclass(frozen=True)
class CellStack:
    """The frames of one cell, and what is summed over its mask.

    Attributes:
        image: Intensities in units of `unit` counts, shape (T, H, W).
        mask: 1 inside the cell, 0 outside, shape (T, H, W). Empty where the cell is absent.
        background: Background in the same units, shape (T, H, W); None is no background.
        boxes: Where the top left corner of each frame lies, shape (T, 4).
        unit: Counts per 1 of `image`, a power of two.
        weight: How much of the background is subtracted, 0 to 1.
        pixel_size_um: Side of a pixel in micrometres; None where it is not known.
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
        """Number of pixels and sums of y, x, y², x² and xy from the corner, shape (6, T)."""
        return _sum_coordinates(self.mask)

    @cached_property
    def n_pixels(self) -> Floats:
        """Mask pixels per frame, shape (T,)."""
        return self.sums[0].astype(np.float64)

    @cached_property
    def spread(self) -> tuple[Floats, Floats, Floats]:
        """Larger eigenvalue, difference to the other, and product of both, each (T,).

        They belong to the covariance of the mask's coordinates times `n_pixels` squared, an
        integer matrix: Python's integers tell exactly whether the pixels lie on a line.
        """
        n, sy, sx, syy, sxx, sxy = self.sums.astype(object)
        yy, xx, xy = n * syy - sy * sy, n * sxx - sx * sx, n * sxy - sy * sx
        product = (yy * xx - xy * xy).astype(np.float64)
        difference = np.hypot((yy - xx).astype(np.float64), (2 * xy).astype(np.float64))
        return ((yy + xx).astype(np.float64) + difference) / 2, difference, product

    @cached_property
    def total(self) -> Floats:
        """Sum over the mask less the weighted sum of the background, counts, shape (T,)."""
        signal = _sum_inside(self.image, self.mask)
        if self.background is not None:
            signal -= self.weight * _sum_inside(self.background, self.mask)
        return signal * self.unit

    @cached_property
    def mean(self) -> Floats:
        """`total` by `n_pixels`, counts, shape (T,); NaN where the cell is absent."""
        return _ratio(self.total, self.n_pixels)

    @cached_property
    def corrected(self) -> Floats:
        """Each pixel less its weighted background, counts, shape (T, H, W)."""
        image = self.image.astype(np.float64)
        if self.background is not None:
            image -= self.weight * self.background.astype(np.float64)
        return image * self.unit


def area(stack: CellStack) -> Floats:
    """Size of the cell in px²."""
    return stack.n_pixels


def area_um2(stack: CellStack) -> Floats:
    """Size of the cell in µm²; NaN without a pixel size."""
    side = math.nan if stack.pixel_size_um is None else stack.pixel_size_um
    return stack.n_pixels * side**2


def centroid_y(stack: CellStack) -> Floats:
    """Mean row of the cell's pixels in the frame, in px."""
    return stack.boxes[:, 0] + _ratio(stack.sums[1], stack.n_pixels)


def centroid_x(stack: CellStack) -> Floats:
    """Mean column of the cell's pixels in the frame, in px."""
    return stack.boxes[:, 1] + _ratio(stack.sums[2], stack.n_pixels)


def aspect_ratio(stack: CellStack) -> Floats:
    """Major by minor axis length of the ellipse with the mask's second moments, at least 1.

    NaN where all pixels lie on a line. Axis lengths as in scikit-image.
    """
    major, _, product = stack.spread
    return _ratio(major, np.sqrt(product))


def eccentricity(stack: CellStack) -> Floats:
    """Eccentricity of the ellipse with the mask's second moments: 0 a circle, 1 a line.

    A single pixel has 0, as in scikit-image.
    """
    major, difference, _ = stack.spread
    return np.where(stack.n_pixels == 1, 0.0, np.sqrt(_ratio(difference, major)))


def intensity_total(stack: CellStack) -> Floats:
    """Sum over the cell in counts, less `background_weight` times that of the background."""
    return stack.total


def intensity_mean(stack: CellStack) -> Floats:
    """`intensity_total` by `area`: mean over the cell in counts, background-corrected."""
    return stack.mean


def intensity_max(stack: CellStack) -> Floats:
    """Largest value in the cell in counts, each pixel less its weighted background."""
    inside = np.where(stack.mask, stack.corrected, -np.inf)
    return np.where(stack.n_pixels > 0, inside.max(axis=(1, 2), initial=-np.inf), np.nan)


def intensity_std(stack: CellStack) -> Floats:
    """Standard deviation over the cell in counts, each pixel less its weighted background.

    Around the cell's own mean and divided by the number of pixels (not less one), as in
    scikit-image. A single pixel has 0.
    """
    deviation = stack.corrected - stack.mean[:, np.newaxis, np.newaxis]
    return np.sqrt(_ratio(_sum_inside(deviation**2, stack.mask), stack.n_pixels))


def _ratio(numerator: NDArray[Any], denominator: Floats) -> Floats:
    """Divide; NaN where the denominator is 0."""
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
def _sum_inside(image: NDArray[Any], mask: NDArray[np.uint8]) -> Floats:
    sums = np.zeros(mask.shape[0], np.float64)
    # One sum per column: the compiler adds many of them at once (twice as fast as one sum).
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
