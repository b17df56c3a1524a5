"""my_segmenter: cells are the pixels that differ from the median of the frame."""

from typing import Annotated

import numpy as np
from pydantic import Field
from scipy import ndimage

from pyama.algorithms.params import Params
from pyama.processing.methods import SEGMENTERS
from pyama.registry import parameters


class MySegmenterParams(Params):
    """Parameters and their bounds, set with `--set my_segmenter.contrast=4`."""

    contrast: Annotated[float, Field(gt=0)] = 3.0
    """Smallest difference from the median, in standard deviations of the background."""
    smoothing: Annotated[float, Field(ge=0, le=50)] = 2.0
    """Standard deviation of the Gaussian filter in pixels."""


@SEGMENTERS.register("my_segmenter")
@parameters(MySegmenterParams)
def my_segmenter(frame, params):
    """Return labels, shape (H, W): 0 is background, 1..N are cells.

    Args:
        frame: Phase contrast image in counts, shape (H, W), uint16.
        params: See `MySegmenterParams`.
    """
    median = np.median(frame)
    spread = 1.5 * np.median(np.abs(frame - median))
    difference = ndimage.gaussian_filter(np.abs(frame - median), params.smoothing)
    return ndimage.label(difference > max(params.contrast * spread, 1))[0]
