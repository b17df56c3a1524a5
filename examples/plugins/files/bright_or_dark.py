"""bright_or_dark: cells are what differs from the middle grey level of the frame."""

from typing import Annotated

import numpy as np
from pydantic import Field
from scipy import ndimage

from pyama.algorithms.params import Params
from pyama.processing.methods import SEGMENTERS
from pyama.registry import parameters


class BrightOrDarkParams(Params):
    """What the user can set, with bounds; written as --set bright_or_dark.contrast=4."""

    contrast: Annotated[float, Field(gt=0)] = 3.0
    """How much a pixel must differ, in standard deviations of the background."""
    smoothing: Annotated[float, Field(ge=0, le=50)] = 2.0
    """Width of the smoothing in pixels."""


@SEGMENTERS.register("bright_or_dark")
@parameters(BrightOrDarkParams)
def bright_or_dark(frame, params):
    """Return labels, shape (H, W): 0 is background, 1..N are cells.

    Args:
        frame: Phase contrast in counts, shape (H, W), uint16.
        params: See `BrightOrDarkParams`.
    """
    middle = np.median(frame)
    spread = 1.5 * np.median(np.abs(frame - middle))
    difference = ndimage.gaussian_filter(np.abs(frame - middle), params.smoothing)
    return ndimage.label(difference > max(params.contrast * spread, 1))[0]
