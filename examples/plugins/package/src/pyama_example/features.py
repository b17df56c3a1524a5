"""A feature."""

import numpy as np
from pydantic import Field

from pyama.algorithms.params import Params
from pyama.registry import parameters


class SpreadParams(Params):
    """Parameters of `spread`."""

    share: float = Field(default=0.9, gt=0, le=1)
    """Share of the intensity that the distance has to hold."""


@parameters(SpreadParams)
def spread(image, mask, context):
    """Distance from the centre of intensity that holds a share of it, in px."""
    y, x = np.nonzero(mask)
    values = np.maximum(image - context.background_weight * context.background, 0)[y, x]
    if values.sum() == 0:
        return np.nan
    centre_y, centre_x = np.average(y, weights=values), np.average(x, weights=values)
    distance = np.hypot(y - centre_y, x - centre_x)
    order = np.argsort(distance, kind="stable")
    held = np.cumsum(values[order]) >= context.params.share * values.sum()
    return distance[order][min(np.argmax(held), len(order) - 1)]
