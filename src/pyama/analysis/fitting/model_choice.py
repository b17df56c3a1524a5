"""The choice among models: the Bayesian information criterion for correlated noise."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pyama.analysis.fitting.problem import Setup
from pyama.analysis.fitting.residual_noise import Noise

Values = NDArray[np.float64]

UNDECIDED = "undecided"
"""The entry of `model_type` and `class` where no model explains a trace clearly better."""
LEAST_WEIGHT = 0.4
"""Smallest weight of the best model; with less, the choice is undecided."""
NAMED = 0.1
"""Weight from which a model is named in the message of an undecided choice."""


def information_criterion(setup: Setup, number: NDArray[np.intp], noise: Noise) -> Values:
    """Return the Bayesian information criterion of fits.

    It is -2 log likelihood of the residuals, for noise that is correlated and grows with the
    signal, and log N for each parameter (Schwarz 1978, doi:10.1214/aos/1176344136). A linear
    parameter that may have both signs costs 2 log 2 more than one with a known sign, because
    a model that allows twice as many curves has half of the prior density.

    Args:
        setup: The model and its free parameters.
        number: Number of points, shape (n,).
        noise: The noise of the residuals, of `residual_noise`.
    """
    signs = [setup.model.parameters[i].linear and setup.lower[i] < 0 for i in setup.free]
    cost = (len(signs) + 1) * np.log(number) + 2 * np.log(2) * sum(signs)
    return np.asarray(noise.deviance + cost)


def model_weights(bic: Values) -> Values:
    """Return the probability of each model, if all were equally probable before the fit.

    Args:
        bic: Shape (n_models, n); inf where a model was not fitted.

    Returns:
        Shape as `bic`; 0 where no model was fitted (Kass and Raftery 1995,
        doi:10.1080/01621459.1995.10476572).
    """
    least = np.min(bic, axis=0)
    weight = np.exp(-0.5 * (bic - np.where(np.isfinite(least), least, 0)))
    return np.asarray(weight / np.maximum(weight.sum(axis=0), 1))


def choose(fits: list[pd.DataFrame], columns: list[str]) -> pd.DataFrame:
    """Return, for each trace, the fit with the smallest criterion.

    Where no model has the weight `LEAST_WEIGHT`, `model_type` and `class` are `UNDECIDED`,
    parameters are NaN, and the message names the models that are possible.

    Args:
        fits: Tables of one row per trace, the simplest model first.
        columns: Columns of the result.
    """
    bic = np.stack([np.where(fit["success"], fit["bic"], np.inf) for fit in fits]).astype(
        float
    )
    weight, best = model_weights(bic), bic.argmin(axis=0)
    picked = [fit[best == i] for i, fit in enumerate(fits)]
    table = pd.concat([part for part in picked if len(part)] or fits[:1]).sort_index()
    table = table.reindex(columns=columns)
    names = np.array([fit["model_type"].iloc[0] if len(fit) else "" for fit in fits])
    top = weight.max(axis=0, initial=0)
    open_ones = np.flatnonzero((top > 0) & (top < LEAST_WEIGHT))
    numbers = [name for name in columns if f"{name}_se" in columns]
    kinds = [f"{name}{end}" for name in numbers for end in ("_se", "_low", "_high")]
    numbers += [name for name in kinds if name in columns]
    table.loc[open_ones, numbers] = np.nan
    table.loc[open_ones, ["model_type", "class"]] = UNDECIDED
    table.loc[open_ones, "success"] = False
    for i in open_ones:
        order = np.argsort(-weight[:, i], kind="stable")
        likely = [f"{names[j]} {weight[j, i]:.2f}" for j in order if weight[j, i] >= NAMED]
        table.loc[i, "message"] = f"undecided, weights of the models: {', '.join(likely)}"
    return table
