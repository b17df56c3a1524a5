"""Segmentation of phase contrast by a small neural network that separates touching cells.

The network, a U-Net after Ronneberger, Fischer and Brox (2015),
https://doi.org/10.1007/978-3-319-24574-4_28, gives three numbers per pixel: the probability
that it is in a cell, the probability that it is on the border between two touching cells, and
how far it is from the edge of its cell. Cells are the objects around the maxima of the
distance, as in StarDist and Omnipose, which learn distances, too.
"""

from collections.abc import Callable
from typing import Annotated

import numpy as np
import scipy
from numpy.typing import NDArray
from pydantic import Field

from pyama.algorithms.kernels.array_types import Frame, Labels, Mask, check_frame
from pyama.algorithms.kernels.basins import (
    enlarge_labels,
    fill_holes_in_objects,
    separate_basins,
)
from pyama.algorithms.params import Params
from pyama.algorithms.segmenters.clean_up import Areas, add
from pyama.algorithms.segmenters.network_input import WIDTH, network_input
from pyama.algorithms.segmenters.network_tiles import run_in_tiles

Network = Callable[[NDArray[np.float32]], NDArray[np.float32]]
"""The network: an image (h, w) whose sides are multiples of 16, to three numbers (3, h, w),
each from 0 to 1: in a cell, on a border between cells, distance from the edge."""

INSIDE = 0.45
"""Smallest probability of a pixel that belongs to a cell."""
BORDER_WEIGHT = 0.5
"""How much a certain border lowers the distance from the edge."""
DEPTH = 0.22
"""Smallest descent of the distance (1 in the middle of a cell) between two cells."""
SMALLEST_PEAK = 0.3
"""Smallest distance in the middle of a cell; rims and shades have less."""
SMOOTHING = 1.0
"""Standard deviation (px of the network) of the Gaussian that smooths the distance."""
SMALLEST_AREA = 0.09
"""Smallest area of a cell, relative to the square of the diameter; a disk has 0.785. Annotated
cells are larger but for those that the edge of the frame cuts."""
LARGEST_HOLE = 0.1
"""Largest area of a hole in a cell, relative to the square of the diameter: larger than a
nucleus or a vacuole, smaller than the medium that an arched cell encloses."""
SMALLEST_AREA_AT_EDGE = 0.02
"""The same for objects at the edge of the frame."""
FAINT = 0.1
"""Smallest probability of pixels that look a little like cells."""
LARGEST_FAINT = 0.65
"""Largest area that looks a little like cells, relative to the area of those found, of images
of a kind that the network knows. Phase contrast has 0.1 to 0.57, bright field and DIC have
0.66 to 1.5."""
FOUND_AREA, FAINT_AREA = "cells", "faint"
"""Areas that `segment` counts: of the cells, and of what looks a little like cells."""


class UnetParams(Params):
    """Parameters of the segmentation by a neural network."""

    diameter: Annotated[
        float,
        Field(ge=8, le=2000, allow_inf_nan=False),
        Field(json_schema_extra={"unit": "px"}),
    ] = 70.0
    """Typical width of a cell; within a factor of 1.5 is close enough."""
    model: Annotated[str, Field(min_length=1)] | None = None
    """Path of a network that was trained for other cells, an ONNX file; null is the network
    that comes with pyama."""


def segment(
    frame: Frame,
    params: UnetParams,
    network: Network,
    gaps: Mask | None = None,
    areas: Areas | None = None,
) -> Labels:
    """Label the cells of one phase contrast frame, and separate touching cells.

    The size limits are not applied to the result: `labels.limit_sizes` does so, and counts,
    after every method.

    Args:
        frame: Intensities in counts, shape (H, W), uint16.
        params: See `UnetParams`; `diameter` is used.
        network: See `Network`.
        gaps: True where nothing was recorded, shape (H, W); None if everything was.
        areas: Gets `FOUND_AREA` and `FAINT_AREA` in px², if it is not None.

    Returns:
        Labels, shape (H, W): 0 is background, 1..N are cells. The same number in another
        frame is another cell. A frame without contrast has no cells.

    Raises:
        ArrayError: `frame` is not two-dimensional.
    """
    check_frame(frame, "segment")
    if frame.size == 0 or frame.min() == frame.max():
        return np.zeros(frame.shape, np.uint16)
    image = network_input(frame, params.diameter, gaps)
    inside, distance = run_in_tiles(image, lambda tile: cell_maps(network(tile)))
    labels = find_cells_in_maps(inside, distance)
    found, faint = found_and_faint(inside, labels)
    add(areas, FOUND_AREA, round(found * frame.size / inside.size))
    add(areas, FAINT_AREA, round(faint * frame.size / inside.size))
    if not found:
        return np.zeros(frame.shape, np.uint16)
    enlarged = enlarge_labels(labels, inside, (frame.shape[0], frame.shape[1]))
    return enlarged if gaps is None else np.where(gaps, enlarged.dtype.type(0), enlarged)


def found_and_faint(inside: NDArray[np.float32], labels: NDArray[np.int32]) -> tuple[int, int]:
    """Count the pixels of all cells, and those outside that look a little like cells.

    Args:
        inside: Probability that a pixel is in a cell, shape (h, w).
        labels: Of the cells, shape (h, w).
    """
    is_faint = (inside > FAINT) & (labels == 0)
    return int(np.count_nonzero(labels)), int(np.count_nonzero(is_faint))


def cell_maps(output: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the probability of cells, and the distance lowered at borders, (2, h, w)."""
    inside, border, distance = output
    lowered = distance * (1 - BORDER_WEIGHT * border)
    return np.stack([inside, lowered.astype(np.float32)])


def find_cells_in_maps(
    inside: NDArray[np.float32], distance: NDArray[np.float32]
) -> NDArray[np.int32]:
    """Return the cells in the resolution of the network, 1..N, shape (h, w)."""
    heights = scipy.ndimage.gaussian_filter(distance, SMOOTHING)
    heights = np.where(inside > INSIDE, np.maximum(heights, np.float32(1e-6)), np.float32(0))
    labels = separate_basins(heights, DEPTH, SMALLEST_PEAK)
    areas = np.bincount(labels.ravel())
    smallest = np.full(len(areas), SMALLEST_AREA * WIDTH**2)
    for edge in (labels[0], labels[-1], labels[:, 0], labels[:, -1]):
        smallest[edge] = SMALLEST_AREA_AT_EDGE * WIDTH**2
    kept = areas >= smallest
    kept[0] = False
    numbers = np.where(kept, np.cumsum(kept), 0).astype(np.int32)
    return fill_holes_in_objects(numbers[labels], round(LARGEST_HOLE * WIDTH**2))
