"""Background of frames with steep light or many cells: planes, and a surface through them."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from pyama.algorithms.kernels.array_types import Frame, Mask
from pyama.algorithms.kernels.block_planes import block_levels, sample_blocks, tile_planes
from pyama.algorithms.kernels.smoothing_spline import cubic_weights, fit_surface
from pyama.algorithms.params import BackgroundParams

MIN_TILE = 16
"""Smallest side of a tile in px."""
TILES_ACROSS = 3
"""Number of tiles that the shorter side of a frame has at least."""
CORE = 2
"""Blocks along each side of the part of a tile that no other tile has."""
SAMPLES, ROWS = 5, 8
"""About SAMPLES x SAMPLES pixels of a block are sampled, and ROWS of its rows are read."""
MIN_PIXELS = 25
"""Smallest number of background pixels in a frame, by the rows that are read."""
MAX_PIECES = 60
"""Largest number of pieces of the surface along an axis."""


@dataclass(frozen=True)
class SplineAxis:
    """A cubic spline along one axis."""

    pieces: int
    """Number of pieces; it has three coefficients more."""
    first: NDArray[np.int64]
    """First of the four coefficients that a pixel depends on, shape (length,)."""
    weights: NDArray[np.float64]
    """Weights of the four coefficients, shape (length, 4)."""


@dataclass(frozen=True)
class PlaneSurface:
    """The surface through the planes of one frame."""

    coefficients: NDArray[np.float64]
    """Of the spline, shape (rows.pieces + 3, columns.pieces + 3)."""
    rows: SplineAxis
    columns: SplineAxis
    error: float
    """Standard error of the surface in counts, root mean square over the frame."""


def plane_surface(
    frame: Frame, covered: Mask, params: BackgroundParams
) -> PlaneSurface | None:
    """Return a smooth surface through robust planes of overlapping tiles.

    A plane is fitted to the background of every tile, so that bright objects without a mask
    matter little. The background pixels within 2.5 standard deviations of the plane are
    averaged in small blocks. The surface goes through these means, each at the centroid of
    its pixels and with their number as weight. It bends little, and continues as a plane
    where nothing is visible.

    Args:
        frame: Intensities in counts, shape (H, W), uint16, not empty.
        covered: Pixels that are no background, shape (H, W).
        params: See `BackgroundParams`. Tiles have at least 16 px, and at most a third of the
            shorter side of the frame.

    Returns:
        See `PlaneSurface`; None if fewer than about 25 background pixels are visible.
    """
    tile = max(MIN_TILE, min(params.tile_size, min(frame.shape) // TILES_ACROSS))
    core = max(MIN_TILE // 2, tile * (1 - params.tile_overlap))
    block = core / CORE
    rows, columns = (_cuts(length, block) for length in frame.shape)
    frame = np.ascontiguousarray(frame)
    every, largest = (
        max(1, round(block / SAMPLES)),
        np.diff(rows).max() * np.diff(columns).max(),
    )
    blocks = sample_blocks(frame, covered, rows, columns, every, largest)
    planes = tile_planes(blocks, CORE, round((tile - core) / 2 / block), float(tile))
    every = max(1, int(block / ROWS))
    levels = block_levels(frame, covered, rows, columns, planes, CORE, every)
    if levels[..., 0].mean() * frame.size < MIN_PIXELS:
        return None
    y_axis, x_axis = (_axis(length, tile) for length in frame.shape)
    coefficients, error = _fit(levels, frame.shape, y_axis, x_axis)
    return PlaneSurface(coefficients, y_axis, x_axis, error)


def _cuts(length: int, block: float) -> NDArray[np.int64]:
    n = min(length, CORE * max(1, round(length / block / CORE)))
    return np.arange(n + 1) * length // n


@lru_cache(maxsize=32)
def _axis(length: int, tile: int) -> SplineAxis:
    pieces = min(max(1, round(length / tile)), MAX_PIECES)
    each = [cubic_weights((pixel + 0.5) / length * pieces, pieces) for pixel in range(length)]
    first, weights = zip(*each, strict=True)
    return SplineAxis(pieces, np.array(first), np.array(weights))


def _fit(
    levels: NDArray[np.float64], shape: tuple[int, int], rows: SplineAxis, columns: SplineAxis
) -> tuple[NDArray[np.float64], float]:
    """Return the coefficients of the surface, and its standard error in counts."""
    seen = levels[levels[..., 0] > 0]
    y = (seen[:, 1] + 0.5) / shape[0] * rows.pieces
    x = (seen[:, 2] + 0.5) / shape[1] * columns.pieces
    weights, values = np.ascontiguousarray(seen[:, 0]), np.ascontiguousarray(seen[:, 3])
    if columns.pieces > rows.pieces:  # the equations of a narrow surface take less time
        found, error = fit_surface(values, weights, x, y, columns.pieces, rows.pieces)
        return found.T.copy(), error
    return fit_surface(values, weights, y, x, rows.pieces, columns.pieces)
