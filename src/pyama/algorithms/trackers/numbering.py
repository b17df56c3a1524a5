"""Shared parts of the trackers: sizes, limits of size, and the numbers of cells."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pyama.algorithms.kernels.assignment import ALONE
from pyama.algorithms.kernels.labels import Regions
from pyama.algorithms.params import TrackingParams


def diameters(areas: NDArray[Any]) -> NDArray[np.float64]:
    """Return the diameters of circles with these areas."""
    return np.asarray(2 * np.sqrt(areas / np.pi))


def within_limits(found: Regions, params: TrackingParams) -> Regions:
    """Return the objects from `min_size` to `max_size`."""
    kept = np.ones(len(found.ids), np.bool_)
    if params.min_size is not None:
        kept &= found.areas >= params.min_size
    if params.max_size is not None:
        kept &= found.areas <= params.max_size
    return Regions(found.ids[kept], found.boxes[kept], found.areas[kept])


def cell_numbers(
    known: NDArray[np.int64], partner: NDArray[np.int64], newest: int
) -> tuple[NDArray[np.int64], int]:
    """Return the number of every object of a frame.

    Args:
        known: Numbers of the earlier cells, shape (N,).
        partner: Index of each object in `known`, or `ALONE` for a new cell, shape (M,).
        newest: Largest number in use.

    Returns:
        Numbers of the objects, shape (M,), new ones in their order; and the largest number.
    """
    is_new = partner == ALONE
    ids = newest + np.cumsum(is_new)
    ids[~is_new] = known[partner[~is_new]]
    return ids, newest + int(np.count_nonzero(is_new))
