"""A segmentation method."""

import numpy as np
from pydantic import Field
from scipy import ndimage

from pyama.algorithms.params import Params
from pyama.registry import parameters


class EdgeParams(Params):
    """Parameters of `edges`."""

    steepness: float = Field(default=4.0, gt=0)
    """Smallest gradient at the outline of a cell, relative to the median gradient."""


@parameters(EdgeParams)
def edges(frame, params):
    """Return the labels of regions with a steep outline."""
    slope = ndimage.gaussian_gradient_magnitude(frame.astype(float), 1.5)
    outlines = slope > max(params.steepness * np.median(slope), 1)
    labels, _ = ndimage.label(ndimage.binary_fill_holes(outlines))
    return labels
