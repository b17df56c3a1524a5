"""Background of a fluorescence frame: a smooth surface through medians or planes of tiles."""

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import scipy
from numpy.typing import NDArray

from pyama.algorithms.background_planes import plane_surface
from pyama.algorithms.kernels.array_types import (
    Frame,
    Mask,
    check_frame,
    check_same_shape,
    kernel,
)
from pyama.algorithms.kernels.morphology import dilate
from pyama.algorithms.kernels.tile_medians import tile_medians
from pyama.algorithms.params import BackgroundParams
from pyama.errors import ArrayError

HALO = 10
"""Distance (px) to which the light of a cell extends beyond its mask."""
LOW_PERCENTILE = 5
"""Percentile of the frame that is the background if none is visible."""
GRID = 16
"""Results are multiples of 1 / GRID count: far below the noise, and compressible."""
BRIGHTEST = np.iinfo(np.uint16).max
"""Largest count of a pixel."""
MAX_BINS = 4096
"""Largest number of bins in the histogram of a tile; other medians are found by selection."""
SAMPLE = 128
"""About SAMPLE x SAMPLE pixels are sampled to choose the range of the histogram."""


@dataclass(frozen=True)
class Estimate:
    """Background of one frame."""

    background: NDArray[np.float32]
    """Background of every pixel, shape (H, W), finite, in multiples of 1/16 count."""
    is_fallback: bool
    """True if no background was visible: `background` is a low percentile of the frame."""
    error: float = math.nan
    """Standard error in counts, root mean square over the frame; NaN if it is unknown: with
    `tiles`, or if no background was visible. It does not include light that the cells spread,
    or bright objects that are not in the mask."""


@dataclass(frozen=True)
class _Axis:
    """Tiles along one axis, and the spline through their centres."""

    bounds: NDArray[np.int64]
    """First pixel and end of every tile, shape (N, 2)."""
    cuts: NDArray[np.int64]
    """Positions where a tile begins or ends; a block extends from one cut to the next."""
    blocks: NDArray[np.int64]
    """First block and end of every tile, shape (N, 2)."""
    solve: NDArray[np.float64]
    """Coefficients of the surface from the medians, shape (C, N)."""
    first: NDArray[np.int64]
    """First of the four coefficients that a pixel depends on, shape (length,)."""
    weights: NDArray[np.float64]
    """Weights of the four coefficients, shape (length, 4)."""


def estimate(
    frame: Frame, foreground: Mask, params: BackgroundParams, gaps: Mask | None = None
) -> Estimate:
    """Estimate the background under and between the cells of one frame.

    The foreground is dilated by 10 px. The frame is covered by overlapping square tiles, which
    are cut at its edges. The median of the background pixels of a tile is the value at its
    centre, as in the tiled background meshes of SExtractor (Bertin and Arnouts, 1996,
    https://doi.org/10.1051/aas:1996164). A tile with less than 10 % background gets the
    mean of its neighbours. A cubic spline (de Boor, 1978,
    https://doi.org/10.1007/978-1-4612-6333-3) interpolates between the centres, or one of
    lower order if there are fewer than four tiles. It continues linearly beyond the outer
    centres, with the slope between the outer tile and the next one that does not overlap it.

    This is the method `tiles`; for `planes` see `plane_surface`.

    Args:
        frame: Intensities in counts, shape (H, W), of any size, uint16.
        foreground: True inside cells, shape (H, W).
        params: See `BackgroundParams`.
        gaps: True where nothing was recorded, shape (H, W); None if everything was. These
            pixels are no background.

    Returns:
        See `Estimate`. It does not depend on the number of threads.

    Raises:
        ArrayError: `frame` is not a two-dimensional uint16 array, or the shapes differ.
    """
    check_frame(frame, "estimate")
    check_same_shape("estimate", frame=frame, foreground=foreground)
    if frame.dtype != np.uint16:
        raise ArrayError(f"estimate() takes a frame of dtype uint16, got {frame.dtype}.")
    covered = dilate(foreground, HALO)
    if gaps is not None:
        covered |= gaps
    if covered.all():
        return _fallback(frame, gaps)
    background = np.empty(frame.shape, np.float32)
    write = _through_planes if params.background_method == "planes" else _through_medians
    error = write(frame, covered, params, background)
    if error is None:
        return _fallback(frame, gaps)
    return Estimate(background, is_fallback=False, error=error)


def _through_medians(
    frame: Frame, covered: Mask, params: BackgroundParams, out: NDArray[np.float32]
) -> float | None:
    """Write the surface through the medians; return NaN, or None if there are none."""
    rows, columns = (_axis(n, params.tile_size, params.tile_overlap) for n in frame.shape)
    low, bins = _window(frame, covered)
    medians = tile_medians(
        np.ascontiguousarray(frame), covered, low, bins,
        rows.bounds, rows.cuts, rows.blocks, columns.bounds, columns.cuts, columns.blocks,
    )  # fmt: skip
    if np.isnan(medians).all():
        return None
    _surface(
        _filled(medians),
        rows.solve, rows.first, rows.weights, columns.solve, columns.first, columns.weights,
        out,
    )  # fmt: skip
    return math.nan


def _through_planes(
    frame: Frame, covered: Mask, params: BackgroundParams, out: NDArray[np.float32]
) -> float | None:
    """Write the surface through the planes; return its error, or None if there are none."""
    found = plane_surface(frame, covered, params)
    if found is None:
        return None
    rows, columns = found.rows, found.columns
    _surface(
        found.coefficients,
        np.eye(rows.pieces + 3), rows.first, rows.weights,
        np.eye(columns.pieces + 3), columns.first, columns.weights,
        out,
    )  # fmt: skip
    # The surface lies between the coefficients. Far from what is visible, it may go beyond.
    if found.coefficients.min() < 0 or found.coefficients.max() > BRIGHTEST:
        np.clip(out, 0, BRIGHTEST, out=out)
    return found.error


def _fallback(frame: Frame, gaps: Mask | None) -> Estimate:
    recorded = frame if gaps is None else frame[~gaps]
    level = float(np.percentile(recorded, LOW_PERCENTILE)) if recorded.size else 0.0
    rounded = np.floor(level * GRID + 0.5) / GRID
    return Estimate(np.full(frame.shape, rounded, np.float32), is_fallback=True)


@lru_cache(maxsize=32)
def _axis(length: int, size: int, overlap: float) -> _Axis:
    step = max(1, round(size * (1 - overlap)))
    n = 1 + max(0, -(-(length - size) // step))
    spare = max(0, (n - 1) * step + size - length)
    starts = np.arange(n) * step - spare // 2
    bounds = np.clip(np.stack([starts, starts + size], axis=1), 0, length)
    cuts = np.unique(bounds)
    solve, surface = _spline(bounds, length, apart=-(-size // step))
    last = surface.shape[1] - 4
    first = np.minimum(np.argmax(surface != 0, axis=1), last)
    weights = np.take_along_axis(surface, first[:, None] + np.arange(4), axis=1)
    return _Axis(bounds, cuts, np.searchsorted(cuts, bounds), solve, first, weights)


def _spline(
    bounds: NDArray[np.int64], length: int, apart: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return an interpolating spline with straight ends as two matrices.

    Returns:
        Coefficients from values, shape (C, N), and pixels from coefficients, shape
        (length, C): slope before the first centre, the N coefficients of the spline, slope
        after the last centre. A pixel depends on at most four successive ones.
    """
    from scipy.interpolate import make_interp_spline

    n = len(bounds)
    solve, surface = np.zeros((max(n + 2, 4), n)), np.zeros((length, max(n + 2, 4)))
    inner = slice(1, n + 1)
    if n == 1:
        solve[1], surface[:, 1] = 1, 1
        return solve, surface
    centres = (bounds[:, 0] + bounds[:, 1] - 1) / 2
    spline = make_interp_spline(centres, np.eye(n), k=min(3, n - 1))
    solve[inner] = spline.c
    for row, outer, step in [(0, 0, apart), (n + 1, n - 1, -apart)]:
        next_one = min(max(outer + step, 0), n - 1)
        distance = centres[next_one] - centres[outer]
        solve[row, [outer, next_one]] = [-1 / distance, 1 / distance]
    pixels = np.arange(length)
    nearest = np.clip(pixels, centres[0], centres[-1])
    surface[:, inner] = spline.design_matrix(nearest, spline.t, spline.k).toarray()
    surface[:, 0] = np.minimum(pixels - centres[0], 0)
    surface[:, n + 1] = np.maximum(pixels - centres[-1], 0)
    return solve, surface


def _window(frame: Frame, covered: Mask) -> tuple[int, int]:
    """Return the lowest grey level and the number of levels of the histograms of tiles."""
    every = max(1, int(np.sqrt(frame.size)) // SAMPLE)
    sample = frame[::every, ::every][~covered[::every, ::every]]
    if sample.size == 0:
        return 0, MAX_BINS
    sample.sort()
    rare = len(sample) // 500
    low, high = int(sample[rare]) - 16, int(sample[-1 - rare]) + 16
    if high - low >= MAX_BINS:
        low = int(sample[len(sample) // 2]) - MAX_BINS // 2
    return low, min(high - low + 1, MAX_BINS)


def _filled(medians: NDArray[np.float64]) -> NDArray[np.float64]:
    """Give tiles without a value the mean of their neighbours, from the outside inwards."""
    ring = np.ones((3, 3))
    known = np.isfinite(medians)
    values = np.where(known, medians, 0.0)
    while not known.all():
        n = scipy.ndimage.convolve(known.astype(np.float64), ring, mode="constant")
        total = scipy.ndimage.convolve(values, ring, mode="constant")
        new = ~known & (n > 0)
        values[new] = total[new] / n[new]
        known |= new
    return values


@kernel
def _surface(
    values: NDArray[np.float64],
    y_solve: NDArray[np.float64],
    y_first: NDArray[np.int64],
    y_weights: NDArray[np.float64],
    x_solve: NDArray[np.float64],
    x_first: NDArray[np.int64],
    x_weights: NDArray[np.float64],
    out: NDArray[np.float32],
) -> None:
    """Write the rounded surface; in loops, because BLAS adds in varying order."""
    coefficients = _product(_product(y_solve, values), x_solve.T)
    height, width = len(y_first), len(x_first)
    ribs = np.empty((len(y_solve), width))
    for i in range(len(y_solve)):
        for x in range(width):
            total = 0.0
            for k in range(4):
                total += x_weights[x, k] * coefficients[i, x_first[x] + k]
            ribs[i, x] = total * GRID
    for y in range(height):
        a, b, c, d = y_weights[y]
        one, two = ribs[y_first[y]], ribs[y_first[y] + 1]
        three, four = ribs[y_first[y] + 2], ribs[y_first[y] + 3]
        for x in range(width):
            total = a * one[x] + b * two[x] + c * three[x] + d * four[x]
            out[y, x] = np.floor(total + 0.5) / GRID


@kernel
def _product(a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.float64]:
    out = np.zeros((a.shape[0], b.shape[1]))
    for i in range(a.shape[0]):
        for k in range(a.shape[1]):
            for j in range(b.shape[1]):
                out[i, j] += a[i, k] * b[k, j]
    return out
