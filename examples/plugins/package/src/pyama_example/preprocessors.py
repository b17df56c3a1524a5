"""A preprocessor."""

from pydantic import Field
from scipy import ndimage

from pyama.algorithms.params import Params
from pyama.registry import parameters


class SmoothParams(Params):
    """Parameters of `smooth`."""

    size: int = Field(default=3, ge=1, le=99)
    """Side in px of the square of the median filter."""


@parameters(SmoothParams)
def smooth(image, params):
    """Return the image without single bright and dark pixels."""
    return ndimage.median_filter(image, params.size)
