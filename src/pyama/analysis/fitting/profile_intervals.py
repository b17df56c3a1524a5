"""Intervals of 95 % from the profile of the sum of squares."""

import numpy as np
from numpy.typing import NDArray

from pyama.analysis.fitting.least_squares import minimize
from pyama.analysis.fitting.losses import Traces
from pyama.analysis.fitting.model import TIME_UNIT
from pyama.analysis.fitting.problem import Setup

Values = NDArray[np.float64]
Indices = NDArray[np.intp]

QUANTILE = 1.959964
"""Half width of a 95 % interval in standard errors."""
DOUBLINGS = 10
"""How often the distance is doubled in which the end of an interval is sought."""
REFINEMENTS = 6
"""Steps of the search between the last point inside and the first one outside."""


def profile_intervals(
    setup: Setup, t: Values, traces: Traces, x: Values, errors: Values, sizes: Values
) -> tuple[Values, Values]:
    """Return the ends of intervals of 95 %.

    An end is the value of a parameter at which the sum of squares, minimised over the other
    parameters, exceeds its minimum by 1.96² times the variance of the noise (Venzon and
    Moolgavkar 1988, doi:10.2307/2347496). This variance is the one that gives the standard
    error of the parameter, and so counts with the correlation of the noise; for a parameter
    without a standard error it is the largest of the others.

    Args:
        setup: The model, its free parameters and their bounds.
        t: Hours, shape (n, T).
        traces: The data of n cells.
        x: The best free parameters, shape (n, n_free).
        errors: Their standard errors, shape (n, n_free).
        sizes: Standard errors for noise of the variance 1, shape (n, n_free).

    Returns:
        Lower and upper ends, both (n, n_free): the bound where the interval reaches it, ±inf
        where it has no end within 1000 times the first distance, NaN without any error.
    """
    variance = (errors / sizes) ** 2
    largest = np.max(np.where(np.isfinite(variance), variance, 0), axis=1, keepdims=True)
    variance = np.where(np.isfinite(variance), variance, largest)
    ends = np.full((2, *x.shape), np.nan)
    rows = np.flatnonzero(largest[:, 0] > 0)
    for j in range(x.shape[1]):
        step = _first_steps(setup, t, x, errors, j)
        for side in (0, 1):
            ends[side, rows, j] = _end(
                setup, t[rows], traces.take(rows), x[rows], variance[rows, j],
                (2 * side - 1) * step[rows], j,
            )  # fmt: skip
    return ends[0], ends[1]


def _first_steps(setup: Setup, t: Values, x: Values, errors: Values, j: int) -> Values:
    is_time = setup.model.parameters[setup.free[j]].unit == TIME_UNIT
    other = np.ptp(t, axis=1) / 20 if is_time else 0.1 * np.abs(x[:, j]) + 1e-3
    return np.where(np.isfinite(errors[:, j]), QUANTILE * errors[:, j], other)


def _end(
    setup: Setup, t: Values, traces: Traces, x: Values, variance: Values, step: Values, j: int
) -> Values:
    """Return one end of the intervals of the parameter `j`."""
    low, high = setup.lower[setup.free[j]], setup.upper[setup.free[j]]
    least = _profile(setup, t, traces, x, x[:, j], j, is_fixed=True)

    def distance(theta: Values, rows: Indices) -> Values:
        cost = _profile(setup, t[rows], traces.take(rows), x[rows], theta, j)
        return np.sqrt(np.maximum(2 * (cost - least[rows]) / variance[rows], 0))

    inside, at_inside = x[:, j].copy(), np.zeros(len(x))
    outside, at_outside = np.full(len(x), np.inf) * np.sign(step), np.full(len(x), np.nan)
    active = np.arange(len(x))
    for k in range(DOUBLINGS):
        theta = np.clip(x[active, j] + step[active] * 2.0**k, low, high)
        far = distance(theta, active)
        is_out, at_bound = ~(far < QUANTILE), (theta == low) | (theta == high)
        done = is_out | at_bound
        outside[active[done]], at_outside[active[is_out]] = theta[done], far[is_out]
        inside[active[~done]], at_inside[active[~done]] = theta[~done], far[~done]
        active = active[~done]
        if not active.size:
            break
    found = np.flatnonzero(np.isfinite(at_outside))
    for k in range(REFINEMENTS):
        a, b, fa, fb = inside[found], outside[found], at_inside[found], at_outside[found]
        share = np.clip((QUANTILE - fa) / (fb - fa), 0.02, 0.98) if k % 3 < 2 else 0.5
        theta = a + (b - a) * share
        far = distance(theta, found)
        is_out = ~(far < QUANTILE)
        outside[found[is_out]], at_outside[found[is_out]] = theta[is_out], far[is_out]
        inside[found[~is_out]], at_inside[found[~is_out]] = theta[~is_out], far[~is_out]
    a, b, fa, fb = inside[found], outside[found], at_inside[found], at_outside[found]
    outside[found] = a + (b - a) * np.clip((QUANTILE - fa) / (fb - fa), 0, 1)
    return outside


def _profile(
    setup: Setup,
    t: Values,
    traces: Traces,
    x: Values,
    theta: Values,
    j: int,
    *,
    is_fixed: bool = False,
) -> Values:
    """Return the least costs with the parameter `j` at `theta`, shape (n,)."""
    others = [i for i in range(x.shape[1]) if i != j]
    free, model = setup.free[others], setup.model

    def complete(part: Values, rows: Indices) -> Values:
        full = np.empty((len(rows), x.shape[1]))
        full[:, others], full[:, j] = part, theta[rows]
        return setup.complete(full)

    def values(part: Values, rows: Indices) -> Values:
        return model.evaluate(t[rows], complete(part, rows))

    def slopes(part: Values, rows: Indices) -> Values:
        return model.jacobian(t[rows], complete(part, rows))[free]

    start = x[:, others]
    if is_fixed or not others:
        f = values(start, np.arange(len(x)))
        return traces.costs(f)
    bounds = setup.lower[free], setup.upper[free]
    return minimize(values, slopes, traces, start, *bounds).cost
