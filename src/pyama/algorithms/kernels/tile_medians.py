"""Medians of overlapping tiles of a frame, for the estimate of the background."""

import numpy as np
from numpy.typing import NDArray

from pyama.algorithms.kernels.array_types import Frame, Mask, kernel

MIN_PERCENT = 10
"""Smallest share of uncovered pixels in a tile for which its median is computed."""


@kernel
def tile_medians(
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
    """Return the median of the uncovered pixels of every tile; NaN if there are too few.

    The histogram of a tile is the sum of those of its blocks, so that every pixel is counted
    once. The first and last bin count the pixels below and above the range of levels.

    Args:
        frame: Intensities in counts, shape (H, W), uint16.
        covered: Pixels to ignore, shape (H, W).
        low: Lowest grey level of the histograms.
        bins: Number of grey levels of the histograms.
        y_bounds: First row and end of every tile, shape (N, 2).
        y_cuts: Rows where a tile begins or ends; a block extends from one cut to the next.
        y_blocks: First block and end of every tile, shape (N, 2).
        x_bounds: The same for columns.
        x_cuts: The same for columns.
        x_blocks: The same for columns.
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
    """Write the histogram of the uncovered pixels of every block in a row of blocks."""
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
    """Return the bin of the value with `rank` smaller or equal values before it."""
    level, seen = 0, histogram[0]
    while seen <= rank:
        level += 1
        seen += histogram[level]
    return level


@kernel
def _selected(frame: Frame, covered: Mask, n: int) -> float:
    """Return the median of the `n` uncovered pixels by selection, for any levels."""
    values = np.empty(n)
    k = 0
    for y in range(frame.shape[0]):
        for x in range(frame.shape[1]):
            if not covered[y, x]:
                values[k] = frame[y, x]
                k += 1
    return np.median(values)
