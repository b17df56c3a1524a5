"""Background of a fluorescence frame: a smooth surface through the medians of tiles."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import scipy
from numpy.typing import NDArray

from pyama.algorithms.kernels.array_types import (
    Frame,
    Mask,
    check_frame,
    check_same_shape,
    kernel,
)
from pyama.algorithms.kernels.morphology import dilate
from pyama.algorithms.params import BackgroundParams
from pyama.errors import ArrayError

HALO = 10
"""How far (px) the light of a cell reaches beyond its mask."""
MIN_PERCENT = 10
"""A tile with a smaller share of background pixels is filled from its neighbours."""
LOW_PERCENTILE = 5
"""Stands for the background where none is visible."""
GRID = 16
"""Results are multiples of 1 / GRID count: far below the noise, and easy to compress."""
MAX_BINS = 4096
"""Longest histogram of a tile; medians outside are found by selection."""
SAMPLE = 128
"""Grey levels are sampled at about SAMPLE x SAMPLE pixels to place the histogram."""


@dataclass(frozen=True)
class Estimate:
    """Background of one frame."""

    background: NDArray[np.float32]
    """Background of every pixel, shape (H, W), finite, in multiples of 1/16 count."""
    is_fallback: bool
    """True where no background was visible: `background` is the frame's low percentile."""


@dataclass(frozen=True)
class _Axis:
    """Tiles along one axis, and the spline through their centres."""

    bounds: NDArray[np.int64]
    """First pixel and end of every tile, shape (N, 2)."""
    cuts: NDArray[np.int64]
    """Where a tile begins or ends; between two cuts lies a block."""
    blocks: NDArray[np.int64]
    """First block and end of every tile, shape (N, 2)."""
    solve: NDArray[np.float64]
    """Coefficients of the surface from the medians, shape (C, N)."""
    first: NDArray[np.int64]
    """First of the four coefficients that count at a pixel, shape (length,)."""
    weights: NDArray[np.float64]
    """How much they count, shape (length, 4)."""


def estimate(frame: Frame, foreground: Mask, params: BackgroundParams) -> Estimate:
    """Estimate the background under and between the cells of one frame.

    The foreground is grown by 10 px. The frame is covered by overlapping square tiles; those
    at its edges are cut by it. The median of a tile's background pixels stands for its
    centre, as in the tiled background meshes of SExtractor (Bertin and Arnouts, 1996,
    https://doi.org/10.1051/aas:1996164); a tile with less than 10 % background takes the
    mean of its neighbours. Between the centres runs a cubic spline (de Boor, 1978,
    https://doi.org/10.1007/978-1-4612-6333-3), or one of lower order where there are fewer
    than four tiles. Beyond the outer centres it continues linearly, with the slope between
    the outer tile and the next one that does not overlap it.

    Args:
        frame: Intensities in counts, shape (H, W), of any size, uint16.
        foreground: True where cells are, shape (H, W).
        params: See `BackgroundParams`.

    Returns:
        See `Estimate`. The same on every machine load and number of threads.

    Raises:
        ArrayError: `frame` is not a two-dimensional uint16 array, or the shapes differ.
    """
    check_frame(frame, "estimate")
    check_same_shape("estimate", frame=frame, foreground=foreground)
    if frame.dtype != np.uint16:
        raise ArrayError(f"estimate() takes a frame of dtype uint16, got {frame.dtype}.")
    covered = dilate(foreground, HALO)
    if covered.all():
        return _fallback(frame)
    rows, columns = (_axis(n, params.tile_size, params.tile_overlap) for n in frame.shape)
    low, bins = _window(frame, covered)
    medians = _tile_medians(
        np.ascontiguousarray(frame), covered, low, bins,
        rows.bounds, rows.cuts, rows.blocks, columns.bounds, columns.cuts, columns.blocks,
    )  # fmt: skip
    if np.isnan(medians).all():
        return _fallback(frame)
    background = np.empty(frame.shape, np.float32)
    _surface(
        _filled(medians),
        rows.solve, rows.first, rows.weights, columns.solve, columns.first, columns.weights,
        background,
    )  # fmt: skip
    return Estimate(background, is_fallback=False)


def _fallback(frame: Frame) -> Estimate:
    level = float(np.percentile(frame, LOW_PERCENTILE)) if frame.size else 0.0
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
    """Interpolating spline with straight ends, as two matrices.

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
    """Lowest grey level and number of levels that the tiles' histograms resolve."""
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
def _tile_medians(
    frame: Frame,
    covered: Mask,
    low: int,
    bins: int,
    y_bounds: NDArray[np.int64],
    y_cuts: NDArray[np.int64],
    y_blocks: NDArray[np.int64],
    x_bounds: NDArray[np.int64],
    x_cuts: NDArray[np.int64],
    x_blocks: NDArray[np.int64],
) -> NDArray[np.float64]:
    """Median of the uncovered pixels of every tile; NaN where there are too few.

    A tile's histogram is the sum of those of its blocks, so that every pixel is counted
    once. The first and the last bin hold what is below and above the window of levels.
    """
    depth = np.max(y_blocks[:, 1] - y_blocks[:, 0])
    counts = np.zeros((depth, len(x_cuts) - 1, bins + 2), np.int32)
    strip = np.empty((len(x_cuts) - 1, bins + 2), np.int32)
    tile = np.empty(bins + 2, np.int32)
    medians = np.empty((len(y_bounds), len(x_bounds)))
    counted = 0
    for i in range(len(y_bounds)):
        y0, y1 = y_bounds[i]
        for block in range(counted, y_blocks[i, 1]):
            rows = slice(y_cuts[block], y_cuts[block + 1])
            _count(frame[rows], covered[rows], low, x_cuts, counts[block % depth])
        counted = y_blocks[i, 1]
        strip[:] = 0
        for block in range(y_blocks[i, 0], y_blocks[i, 1]):
            strip += counts[block % depth]
        for j in range(len(x_bounds)):
            x0, x1 = x_bounds[j]
            tile[:] = 0
            for block in range(x_blocks[j, 0], x_blocks[j, 1]):
                tile += strip[block]
            n = tile.sum()
            if n * 100 < MIN_PERCENT * (y1 - y0) * (x1 - x0):
                medians[i, j] = np.nan
                continue
            lower = _level(tile, (n - 1) // 2)
            upper = _level(tile, n // 2)
            if lower == 0 or upper == bins + 1:
                medians[i, j] = _selected(frame[y0:y1, x0:x1], covered[y0:y1, x0:x1], n)
            else:
                medians[i, j] = low - 1 + (lower + upper) / 2
    return medians


@kernel
def _count(
    frame: Frame, covered: Mask, low: int, cuts: NDArray[np.int64], counts: NDArray[np.int32]
) -> None:
    """Histogram of the uncovered pixels of every block in a row of blocks."""
    counts[:] = 0
    last = counts.shape[1] - 1
    for y in range(frame.shape[0]):
        for block in range(len(cuts) - 1):
            histogram = counts[block]
            for x in range(cuts[block], cuts[block + 1]):
                if not covered[y, x]:
                    level = np.int64(frame[y, x]) - low + 1
                    histogram[min(max(level, 0), last)] += 1


@kernel
def _level(histogram: NDArray[np.int32], rank: int) -> int:
    """Bin of the value with `rank` smaller or equal ones before it."""
    level, seen = 0, histogram[0]
    while seen <= rank:
        level += 1
        seen += histogram[level]
    return level


@kernel
def _selected(frame: Frame, covered: Mask, n: int) -> float:
    """Median of the `n` uncovered pixels, whatever their levels."""
    values = np.empty(n)
    k = 0
    for y in range(frame.shape[0]):
        for x in range(frame.shape[1]):
            if not covered[y, x]:
                values[k] = frame[y, x]
                k += 1
    return np.median(values)


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
    """Surface through the tiles' values, rounded; loops, as BLAS sums in changing order."""
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
