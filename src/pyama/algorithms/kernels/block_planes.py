"""Levels of the background in small blocks, near robust planes through larger tiles."""

import numpy as np
from numpy.typing import NDArray

from pyama.algorithms.kernels.array_types import Frame, Mask, kernel

MIN_SAMPLES = 3
"""Smallest number of sampled background pixels of a block whose median is used."""
QUARTILE = 0.6745
"""Distance of a quartile of a normal distribution from its median, in standard deviations."""
CUT = 2.5
"""Pixels further than this many standard deviations from the plane are no background."""
MIN_SPREAD = 1.0
"""Smallest standard deviation in counts; that of a frame without noise is 0."""
PASSES = 4
"""Number of times that a plane is fitted, each with the distances from the one before."""
NEAR = 3.0
"""Distance from the plane in counts up to which blocks have equal weights."""
RIDGE = 1e-4
"""Share of the squared width of a tile that limits slopes across blocks on a line."""


@kernel
def sample_blocks(
    frame: Frame,
    covered: Mask,
    y_cuts: NDArray[np.int64],
    x_cuts: NDArray[np.int64],
    every: int,
    largest: int,
) -> NDArray[np.float64]:
    """Describe every block by some of its background pixels.

    Args:
        frame: Intensities in counts, shape (H, W), uint16.
        covered: Pixels to ignore, shape (H, W).
        y_cuts: First row of every block, and the end of the last one.
        x_cuts: The same for columns.
        every: Distance between sampled pixels in px.
        largest: Number of pixels of the largest block.

    Returns:
        Shape (blocks along y, blocks along x, 5): number of sampled pixels, their mean row and
        column, their median in counts, and the standard deviation, from the difference of
        median and lower quartile, which bright objects hardly change. All are 0 in a block
        with less than `MIN_SAMPLES` of them.
    """
    blocks = np.zeros((len(y_cuts) - 1, len(x_cuts) - 1, 5))
    values = np.empty(largest, np.int64)
    for i in range(blocks.shape[0]):
        for j in range(blocks.shape[1]):
            n, rows, columns = 0, 0, 0
            for y in range(y_cuts[i] + every // 2, y_cuts[i + 1], every):
                for x in range(x_cuts[j] + every // 2, x_cuts[j + 1], every):
                    if not covered[y, x]:
                        values[n] = frame[y, x]
                        n += 1
                        rows += y
                        columns += x
            if n >= MIN_SAMPLES:
                block = blocks[i, j]
                block[0], block[1], block[2] = n, rows / n, columns / n
                block[3], block[4] = _median_and_spread(values[:n])
    return blocks


@kernel
def _median_and_spread(values: NDArray[np.int64]) -> tuple[float, float]:
    half = len(values) // 2
    median = float(_ranked(values, half))
    if len(values) % 2 == 0:
        median = (median + _ranked(values[:half], half - 1)) / 2
    lower = _ranked(values[:half], half // 2)
    return median, max((median - lower) / QUARTILE, MIN_SPREAD)


@kernel
def _ranked(values: NDArray[np.int64], rank: int) -> int:
    """Return the value of `rank`, with no larger one before it (Hoare, 1961)."""
    first, last = 0, len(values) - 1
    while first < last:
        pivot = values[rank]
        i, j = first, last
        while i <= j:
            while values[i] < pivot:
                i += 1
            while pivot < values[j]:
                j -= 1
            if i <= j:
                values[i], values[j] = values[j], values[i]
                i += 1
                j -= 1
        if j < rank:
            first = i
        if rank < i:
            last = j
    return values[rank]


@kernel
def tile_planes(
    blocks: NDArray[np.float64], core: int, margin: int, width: float
) -> NDArray[np.float64]:
    """Fit a plane to the medians of the blocks of every tile, on which outliers act little.

    The sum of the absolute distances is minimised by repeated weighting (Schlossmacher, 1973,
    https://doi.org/10.2307/2284512), beginning with the median of the tile.

    Args:
        blocks: What `sample_blocks` returned.
        core: Blocks along each side of the core of a tile; cores do not overlap.
        margin: Further blocks of the tile on each side.
        width: Side of a tile in px.

    Returns:
        Shape (tiles along y, tiles along x, 4): level at the origin of the frame in counts,
        slope along rows and along columns in counts per px, and standard deviation of the
        pixels in counts. All are 0 where nothing is visible.
    """
    height, length = blocks.shape[0], blocks.shape[1]
    planes = np.zeros((-(-height // core), -(-length // core), 4))
    for i in range(planes.shape[0]):
        rows = slice(max(i * core - margin, 0), (i + 1) * core + margin)
        for j in range(planes.shape[1]):
            columns = slice(max(j * core - margin, 0), (j + 1) * core + margin)
            seen = _seen(blocks[rows, columns])
            if seen.shape[1]:
                _fit_plane(seen, width, planes[i, j])
    return planes


@kernel
def _seen(blocks: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the values of the blocks with samples, shape (5, n)."""
    seen = np.empty((5, blocks.shape[0] * blocks.shape[1]))
    n = 0
    for i in range(blocks.shape[0]):
        for j in range(blocks.shape[1]):
            if blocks[i, j, 0] > 0:
                for k in range(5):
                    seen[k, n] = blocks[i, j, k]
                n += 1
    return seen[:, :n]


@kernel
def _fit_plane(seen: NDArray[np.float64], width: float, plane: NDArray[np.float64]) -> None:
    y, x = np.mean(seen[1]), np.mean(seen[2])
    level, spread = np.median(seen[3]), np.median(seen[4])
    b, c = 0.0, 0.0
    for _ in range(PASSES):
        n, ny, nx, nv, yy, yx, xx, vy, vx = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
        for k in range(seen.shape[1]):
            dy, dx, v = seen[1, k] - y, seen[2, k] - x, seen[3, k] - level
            w = seen[0, k] / max(abs(v - b * dy - c * dx), NEAR)
            n += w
            ny += w * dy
            nx += w * dx
            nv += w * v
            yy += w * dy * dy
            yx += w * dy * dx
            xx += w * dx * dx
            vy += w * v * dy
            vx += w * v * dx
        ridge = n * RIDGE * width * width
        yy, xx, yx = yy - ny * ny / n + ridge, xx - nx * nx / n + ridge, yx - ny * nx / n
        vy, vx = vy - nv * ny / n, vx - nv * nx / n
        scale = yy * xx - yx * yx
        b, c = (vy * xx - vx * yx) / scale, (vx * yy - vy * yx) / scale
        level += (nv - b * ny - c * nx) / n
    plane[0], plane[1], plane[2], plane[3] = level - b * y - c * x, b, c, spread


@kernel
def block_levels(
    frame: Frame,
    covered: Mask,
    y_cuts: NDArray[np.int64],
    x_cuts: NDArray[np.int64],
    planes: NDArray[np.float64],
    core: int,
    every: int,
) -> NDArray[np.float64]:
    """Return the mean of those background pixels of every block that are near the plane.

    Args:
        frame: Intensities in counts, shape (H, W), uint16.
        covered: Pixels to ignore, shape (H, W).
        y_cuts: First row of every block, and the end of the last one.
        x_cuts: The same for columns.
        planes: What `tile_planes` returned.
        core: Blocks along each side of the core of a tile.
        every: Distance between the rows that are read in px.

    Returns:
        Shape (blocks along y, blocks along x, 4): share of the pixels read that are near the
        plane, their mean row and column, and the mean of their counts.
    """
    levels = np.zeros((len(y_cuts) - 1, len(x_cuts) - 1, 4))
    for i in range(levels.shape[0]):
        for y in range(y_cuts[i] + every // 2, y_cuts[i + 1], every):
            for j in range(levels.shape[1]):
                plane = planes[i // core, j // core]
                if plane[3] > 0:
                    at = slice(x_cuts[j], x_cuts[j + 1])
                    line = plane[0] + plane[1] * y + plane[2] * x_cuts[j]
                    n, columns, total = _near(
                        frame[y, at], covered[y, at], line, plane[2], CUT * plane[3]
                    )
                    levels[i, j, 0] += n
                    levels[i, j, 1] += n * y
                    levels[i, j, 2] += columns + n * x_cuts[j]
                    levels[i, j, 3] += total
        rows = len(range(y_cuts[i] + every // 2, y_cuts[i + 1], every))
        for j in range(levels.shape[1]):
            block = levels[i, j]
            if block[0] > 0:
                for k in range(1, 4):
                    block[k] /= block[0]
                block[0] /= rows * (x_cuts[j + 1] - x_cuts[j])
    return levels


@kernel
def _near(
    frame: NDArray[np.uint16],
    covered: NDArray[np.bool_],
    line: float,
    slope: float,
    cut: float,
) -> tuple[int, int, int]:
    """Return number, sum of columns and sum of counts of the pixels near a line."""
    n, columns, total = 0, 0, 0
    for x in range(len(frame)):
        value = int(frame[x])
        if not covered[x] and abs(value - line - slope * x) <= cut:
            n += 1
            columns += x
            total += value
    return n, columns, total
