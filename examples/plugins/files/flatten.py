"""flatten: uneven illumination is taken out before cells are looked for."""

from typing import Annotated

from pydantic import Field
from scipy import ndimage

from pyama.algorithms.params import Params
from pyama.processing.methods import NAMED_PREPROCESSORS
from pyama.registry import parameters


class FlattenParams(Params):
    """What the user can set, with bounds; written as --set flatten.width=80."""

    width: Annotated[float, Field(gt=0, le=1000)] = 50.0
    """Width of the smoothing that shows the illumination, in pixels."""


@NAMED_PREPROCESSORS.register("flatten")
@parameters(FlattenParams)
def flatten(image, params):
    """Return an image for the segmentation, and for nothing else: same shape, finite numbers.

    Args:
        image: Phase contrast in counts, shape (H, W), uint16.
        params: See `FlattenParams`.
    """
    values = image.astype(float)
    return values - ndimage.gaussian_filter(values, params.width)
