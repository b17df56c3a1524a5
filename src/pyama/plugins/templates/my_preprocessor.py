"""my_preprocessor: subtract uneven illumination before the segmentation."""

from typing import Annotated

from pydantic import Field
from scipy import ndimage

from pyama.algorithms.params import Params
from pyama.processing.methods import NAMED_PREPROCESSORS
from pyama.registry import parameters


class MyPreprocessorParams(Params):
    """Parameters and their bounds, set with `--set my_preprocessor.width=80`."""

    width: Annotated[float, Field(gt=0, le=1000)] = 50.0
    """Standard deviation in pixels of the Gaussian filter that estimates the illumination."""


@NAMED_PREPROCESSORS.register("my_preprocessor")
@parameters(MyPreprocessorParams)
def my_preprocessor(image, params):
    """Return the image that the segmentation gets: same shape, finite numbers.

    Args:
        image: Phase contrast image in counts, shape (H, W), uint16.
        params: See `MyPreprocessorParams`.
    """
    values = image.astype(float)
    return values - ndimage.gaussian_filter(values, params.width)
