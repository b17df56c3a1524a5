"""A network that is run on an image of any size, in tiles so that memory is bounded."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

STEP = 16
"""Sides of what the network gets are multiples of this."""
LARGEST_TILE = 768
"""Longest side (px) of what the network gets at once; it takes some 150 MB."""
MARGIN = 64
"""Overlap (px) of a tile with its surroundings, on each side; two and a half cells."""


def run_in_tiles(
    image: NDArray[np.float32],
    run: Callable[[NDArray[np.float32]], NDArray[np.float32]],
) -> NDArray[np.float32]:
    """Apply `run` to an image of any size.

    Args:
        image: Shape (h, w), not empty. It is continued by its mirror image.
        run: Returns as many numbers per pixel as it likes, shape (C, h, w), of an image whose
            sides are multiples of `STEP` and at most `LARGEST_TILE`.

    Returns:
        The results, shape (C, h, w).
    """
    height, width = image.shape
    padded = np.pad(image, ((0, -height % STEP), (0, -width % STEP)), mode="symmetric")
    out = np.empty((0, *image.shape), np.float32)
    for y, y_outer in _spans(padded.shape[0]):
        for x, x_outer in _spans(padded.shape[1]):
            result = run(np.ascontiguousarray(padded[y_outer, x_outer]))
            if not len(out):
                out = np.empty((len(result), *padded.shape), np.float32)
            within = (
                slice(y.start - y_outer.start, y.stop - y_outer.start),
                slice(x.start - x_outer.start, x.stop - x_outer.start),
            )
            out[:, y, x] = result[(slice(None), *within)]
    return out[:, :height, :width]


def _spans(n: int) -> list[tuple[slice, slice]]:
    """Divide a side of `n` px into tiles; return each without and with its surroundings."""
    if n <= LARGEST_TILE:
        return [(slice(0, n), slice(0, n))]
    n_tiles = -(-n // (LARGEST_TILE - 2 * MARGIN))
    side = -(-n // (n_tiles * STEP)) * STEP
    return [
        (
            slice(start, min(start + side, n)),
            slice(max(start - MARGIN, 0), min(start + side + MARGIN, n)),
        )
        for start in range(0, n, side)
    ]
