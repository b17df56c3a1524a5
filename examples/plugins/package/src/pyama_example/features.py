"""A feature."""

import numpy as np
from pydantic import Field

from pyama.algorithms.params import Params
from pyama.registry import parameters


class SpreadParams(Params):
    """Parameters of `spread`."""

    share: float = Field(default=0.9, gt=0, le=1)
    """Fraction of the intensity within the distance."""


@parameters(SpreadParams)
def spread(image, mask, context):
    """Return the distance in px from the centre that contains a fraction of the intensity."""
    y, x = np.nonzero(mask)
    values = np.maximum(image - context.background_weight * context.background, 0)[y, x]
    if values.sum() == 0:
        return np.nan
    centre_y, centre_x = np.average(y, weights=values), np.average(x, weights=values)
    distance = np.hypot(y - centre_y, x - centre_x)
    order = np.argsort(distance, kind="stable")
    enough = np.cumsum(values[order]) >= context.params.share * values.sum()
    return distance[order][min(np.argmax(enough), len(order) - 1)]
