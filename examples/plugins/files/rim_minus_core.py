"""rim_minus_core: how much brighter the rim of a cell is than its middle."""

from typing import Annotated

import numpy as np
from pydantic import Field

from pyama.algorithms.features import FLUORESCENCE_FEATURES, PHASE_FEATURES
from pyama.algorithms.params import Params
from pyama.registry import parameters


class RimMinusCoreParams(Params):
    """What the user can set, with bounds; written as --set rim_minus_core.share=0.3."""

    share: Annotated[float, Field(gt=0, lt=1)] = 0.5
    """Share of the cell's pixels that counts as its middle."""


@parameters(RimMinusCoreParams)
def rim_minus_core(image, mask, context):
    """Return one number, or NaN where it is not defined.

    Args:
        image: Counts in the cell's box, shape (H, W), float64, with background.
        mask: True inside the cell, same shape.
        context: Everything else: `context.params.share`, `context.background`,
            `context.pixel_size_um`, `context.time_min`, `context.frame`, `context.bbox`, ...
    """
    y, x = np.nonzero(mask)
    order = np.argsort((y - y.mean()) ** 2 + (x - x.mean()) ** 2, kind="stable")
    values = (image - context.background_weight * context.background)[y, x][order]
    n = round(context.params.share * len(values))
    if n in (0, len(values)):
        return np.nan
    return values[n:].mean() - values[:n].mean()


PHASE_FEATURES["rim_minus_core"] = rim_minus_core
FLUORESCENCE_FEATURES["rim_minus_core"] = rim_minus_core
