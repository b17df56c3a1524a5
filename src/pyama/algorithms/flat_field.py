"""Correction for uneven light in fluorescence with a flat field, from an image or estimated.

The model of the counts of a camera is I = F·S + D, with the fluorescence S of the sample, the
flat field F of the light, mean 1, and the dark frame D of the camera, as in CIDRE (Smith et
al., 2015, https://doi.org/10.1038/nmeth.3323) and BaSiC (Peng et al., 2017,
https://doi.org/10.1038/ncomms14836). The corrected image is (I - D) / F.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pyama.algorithms.kernels.array_types import Boxes, check_same_shape, kernel
from pyama.errors import ArrayError

MIN_VALUE = 0.1
"""Smallest value of a flat field relative to its mean, so that noise is not amplified."""
GRID = 2**16
"""Flat fields are multiples of 1 / GRID: far below their error, and compressible."""
DEGREE = 4
"""Degree of the polynomial of an estimate. Degree 2 does not fit the edge of a flat-topped
beam (error of 5 % instead of 1 %). With degree 6, or with the background itself, cells near
the edge of the frame distort the estimate."""
IN_COUNTS = 10.0
"""Smallest mean of an image in counts; an image with a lower mean is a flat field."""
DIMMEST = 10.0
"""Smallest background in counts above the dark frame for an estimate."""
MAX_UNLIT = 0.01
"""Largest fraction of pixels below the dark frame for an estimate."""


@dataclass(frozen=True)
class FlatField:
    """Relative brightness of the light."""

    values: NDArray[np.float32]
    """Brightness in every pixel, shape (H, W), mean 1, at least 0.1, in multiples of 2^-16."""
    n_bounded: int
    """Number of pixels that were raised to 0.1."""


def from_image(image: NDArray[Any], dark: NDArray[Any] | None) -> FlatField:
    """Return the flat field of an image.

    Args:
        image: Image of a uniform sample in counts, or a flat field of another program with a
            mean below 10, shape (H, W).
        dark: Counts without light, shape (H, W); None for 0. It is not subtracted from a
            flat field.

    Raises:
        ArrayError: A pixel of the image is not above the dark frame.
    """
    light = np.array(image, np.float64)
    if dark is not None and light.mean() >= IN_COUNTS:
        check_same_shape("from_image", image=image, dark=dark)
        light -= dark
    unlit = int(np.count_nonzero(light <= 0))
    if unlit:
        level = "0" if dark is None else "the dark frame"
        raise ArrayError(f"{unlit} of its {light.size} pixels are not above {level}")
    return _bounded(light)


def from_background(background: NDArray[Any], dark: NDArray[Any] | None) -> FlatField:
    """Estimate the flat field from the background of a field of view.

    If medium and dish fluoresce uniformly, their image is that of the light. A polynomial of
    degree 4 is fitted to its logarithm by least squares of relative deviations; Likar et al.,
    2000, https://doi.org/10.1046/j.1365-2818.2000.00669.x, use such parametric surfaces for
    retrospective correction of shading.

    Args:
        background: Mean background of many frames in counts, shape (H, W).
        dark: Counts without light, shape (H, W); None for 0. If the offset of the camera is
            not subtracted, the estimate is too flat.

    Raises:
        ArrayError: The background is less than 10 counts above the dark frame, or below it
            in more than 1 % of the pixels.
    """
    light = np.array(background, np.float64)
    if dark is not None:
        check_same_shape("from_background", background=background, dark=dark)
        light -= dark
    level = float(light.mean())
    if not level >= DIMMEST:
        raise ArrayError(
            f"the background is {level:.1f} counts above the dark frame, less than "
            f"{DIMMEST:.0f}"
        )
    unlit = float(np.mean(light <= 0))
    if unlit > MAX_UNLIT:
        raise ArrayError(
            f"the background is not above the dark frame in {100 * unlit:.0f} % of the pixels"
        )
    logarithms = np.log(np.maximum(light, MIN_VALUE / 2 * level))
    rows, columns = (_polynomials(n) for n in light.shape)
    return _bounded(np.exp(_smooth(logarithms, rows, columns)))


def correct(
    stack: NDArray[Any],
    boxes: Boxes,
    flat: NDArray[np.float32],
    dark: NDArray[np.float32],
    unit: float,
) -> NDArray[np.float64]:
    """Correct the crops of one cell.

    Image and background of a cell are corrected in the same way: their weighted difference is
    then (I - D - w (B - D)) / F.

    Args:
        stack: Intensities in units of `unit` counts, shape (T, h, w). Frame t holds its box at
            the top left corner.
        boxes: Half-open boxes [y0, x0, y1, x1) in the frame, shape (T, 4).
        flat: Flat field, shape (H, W).
        dark: Dark frame in counts, shape (H, W).
        unit: Counts per unit of `stack`.

    Returns:
        (stack - dark) / flat in the same units, zeros outside the boxes, shape (T, h, w).
    """
    check_same_shape("correct", flat=flat, dark=dark)
    return _correct(np.ascontiguousarray(stack), boxes, flat, dark, unit)


def _bounded(light: NDArray[np.float64]) -> FlatField:
    """Set the mean to 1, and raise values below the lower bound to it."""
    relative = np.floor(light / light.mean() * GRID + 0.5) / GRID
    low = relative < MIN_VALUE
    relative[low] = MIN_VALUE
    return FlatField(relative.astype(np.float32), int(np.count_nonzero(low)))


def _polynomials(n: int) -> NDArray[np.float64]:
    """Return orthonormal polynomials on n points by degree, shape (at most DEGREE + 1, n)."""
    x = np.linspace(-1, 1, n) if n > 1 else np.zeros(1)
    found: list[NDArray[np.float64]] = []
    for degree in range(min(DEGREE + 1, n)):
        values = x * found[-1] if degree else np.ones(n)
        for _ in range(2):  # the second pass removes rounding errors
            for other in found:
                values = values - (values * other).sum() * other
        found.append(values / np.sqrt((values**2).sum()))
    return np.array(found)


@kernel
def _smooth(
    values: NDArray[np.float64], rows: NDArray[np.float64], columns: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the least-squares polynomial; in loops, because BLAS adds in varying order."""
    height, width = values.shape
    n, m = len(rows), len(columns)
    weights = np.zeros((n, m))
    ribs = np.empty(m)
    for y in range(height):
        ribs[:] = 0
        for j in range(m):
            for x in range(width):
                ribs[j] += values[y, x] * columns[j, x]
        for i in range(n):
            for j in range(min(m, max(n, m) - i)):
                weights[i, j] += rows[i, y] * ribs[j]
    out = np.zeros((height, width))
    for y in range(height):
        for j in range(m):
            weight = 0.0
            for i in range(n):
                weight += weights[i, j] * rows[i, y]
            for x in range(width):
                out[y, x] += weight * columns[j, x]
    return out


@kernel
def _correct(
    stack: NDArray[Any],
    boxes: Boxes,
    flat: NDArray[np.float32],
    dark: NDArray[np.float32],
    unit: float,
) -> NDArray[np.float64]:
    out = np.zeros(stack.shape, np.float64)
    for t in range(len(stack)):
        y0, x0, y1, x1 = boxes[t]
        for y in range(y1 - y0):
            for x in range(x1 - x0):
                counts = np.float64(stack[t, y, x]) * unit - dark[y0 + y, x0 + x]
                out[t, y, x] = counts / flat[y0 + y, x0 + x] / unit
    return out
