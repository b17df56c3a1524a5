"""What the network is taught about labelled frames."""

import numpy as np
import scipy
from numpy.typing import NDArray
from skimage.segmentation import find_boundaries

from pyama.algorithms.kernels.array_types import Labels

BORDER = 5
"""Two cells touch where a square of so many pixels of the network meets both."""


def targets(labels: Labels, shape: tuple[int, int]) -> NDArray[np.float32]:
    """Return foreground, borders and distances of labelled cells, shape (3, h, w).

    Args:
        labels: Labels of a frame, shape (H, W).
        shape: (h, w) of the input of the network for this frame.

    Returns:
        0: 1 in cells; 1: 1 where two cells touch; 2: in cells, the distance from the edge
        relative to the largest one of the cell; 0 elsewhere.
    """
    small = nearest(labels, shape).astype(np.int64)
    inside = small > 0
    largest = scipy.ndimage.maximum_filter(small, BORDER)
    beyond = int(small.max()) + 1
    smallest = scipy.ndimage.minimum_filter(np.where(inside, small, beyond), BORDER)
    touching = (largest > 0) & (smallest < largest)
    return np.stack([inside, touching, _distances(small)]).astype(np.float32)


def nearest(labels: Labels, shape: tuple[int, int]) -> Labels:
    """Return labels, shape (H, W), in another size: every pixel gets the nearest label."""
    rows, columns = (
        ((np.arange(n) + 0.5) * side / n).astype(int)
        for n, side in zip(shape, labels.shape, strict=True)
    )
    return labels[np.ix_(rows, columns)]


def _distances(labels: NDArray[np.int64]) -> NDArray[np.float64]:
    inner = (labels > 0) & ~find_boundaries(labels, mode="inner")
    distance = scipy.ndimage.distance_transform_edt(inner)
    peaks = np.zeros(int(labels.max()) + 1)
    np.maximum.at(peaks, labels, distance)
    return distance / np.maximum(peaks, 1)[labels]
