"""my_feature: mean intensity of the rim of a cell minus that of its middle."""

from typing import Annotated

import numpy as np
from pydantic import Field

from pyama.algorithms.features import FLUORESCENCE_FEATURES, PHASE_FEATURES
from pyama.algorithms.params import Params
from pyama.registry import parameters


class MyFeatureParams(Params):
    """Parameters and their bounds, set with `--set my_feature.share=0.3`."""

    share: Annotated[float, Field(gt=0, lt=1)] = 0.5
    """Fraction of the pixels of a cell that belongs to its middle."""


@parameters(MyFeatureParams)
def my_feature(image, mask, context):
    """Return one finite number, or NaN where the feature is not defined.

    Args:
        image: Counts in the bounding box of the cell, shape (H, W), float64. The background
            is not subtracted.
        mask: True inside the cell, same shape.
        context: All other inputs: `context.params.share`, `context.background`,
            `context.pixel_size_um`, `context.time_min`, `context.frame`, `context.bbox`, ...
    """
    y, x = np.nonzero(mask)
    order = np.argsort((y - y.mean()) ** 2 + (x - x.mean()) ** 2, kind="stable")
    values = (image - context.background_weight * context.background)[y, x][order]
    n = round(context.params.share * len(values))
    if n in (0, len(values)):
        return np.nan
    return values[n:].mean() - values[:n].mean()


PHASE_FEATURES["my_feature"] = my_feature
FLUORESCENCE_FEATURES["my_feature"] = my_feature
