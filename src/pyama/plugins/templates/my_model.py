"""my_model: a signal that saturates: y = offset + height * (1 - exp(-rate * t))."""

import numpy as np

from pyama.analysis.fitting.model import Model, Parameter
from pyama.analysis.fitting.models import MODELS


def values(t, offset, height, rate):
    """Return the model at hours `t`; parameters broadcast against it."""
    return offset + height * -np.expm1(-rate * t)


def guess(t, y):
    """Return an initial value of every parameter for each cell, each of shape (cells,)."""
    hours = t[:, -1] - t[:, 0]
    return y[:, 0], y[:, -1] - y[:, 0], 2 / np.where(hours > 0, hours, 1)


MODELS.add(
    Model(
        name="my_model",
        parameters=(
            Parameter("offset", "counts", default=0, linear=True),
            Parameter("height", "counts", default=1000, linear=True),
            Parameter("rate", "1/h", lower=1e-3, upper=100, default=0.5),
        ),
        function=values,
        first_guess=guess,
    )
)
