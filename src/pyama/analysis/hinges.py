"""Hinges, a constant followed by a straight line, fitted to many traces at once."""

from dataclasses import dataclass

import numpy as np

from pyama.analysis.trace_shape import Values

STEPS = 20
"""Kinks are found with a resolution of the interval between two frames divided by this."""


@dataclass(frozen=True)
class Hinges:
    """Hinges that fit traces best, one entry per trace.

    Attributes:
        kink: Where constant and line meet, in the unit of the times.
        slope: Of the line, at least 0.
        noise: Standard deviation of the points around the hinge.
    """

    kink: Values
    slope: Values
    noise: Values


def best_hinge(times: Values, y: Values) -> Hinges:
    """Fit a constant followed by a rising line to each trace, by least squares.

    Args:
        times: Shape (n_cells, T), increasing.
        y: Traces, shape (n_cells, T); NaN where a point is not used. At least one is.
    """
    used = np.isfinite(y)
    rows = np.arange(len(y))
    best = _cost(times, y, times)[0].argmin(axis=1)
    low = times[rows, np.maximum(best - 1, 0)]
    high = times[rows, np.minimum(best + 1, times.shape[1] - 1)]
    steps = np.linspace(0, 1, 2 * STEPS + 1)
    candidates = low[:, np.newaxis] + steps * (high - low)[:, np.newaxis]
    cost, slope = _cost(times, y, candidates)
    best = cost.argmin(axis=1)
    free = np.maximum(used.sum(axis=1) - 3, 1)
    noise = np.sqrt(np.maximum(cost[rows, best], 0) / free)
    return Hinges(candidates[rows, best], slope[rows, best], noise)


def _cost(times: Values, y: Values, kinks: Values) -> tuple[Values, Values]:
    """Return sum of squares and slope of each kink, both (n_cells, n_kinks).

    The sum is infinite where the line would fall.
    """
    used = np.isfinite(y)
    cost, slopes = np.full(kinks.shape, np.inf), np.zeros(kinks.shape)
    number = used.sum(axis=1)
    values = np.where(used, y, 0.0)
    mean = values.sum(axis=1) / number
    centred = np.where(used, y - mean[:, np.newaxis], 0.0)
    total = (centred**2).sum(axis=1)
    for k in range(kinks.shape[1]):
        ramp = np.where(used, np.maximum(times - kinks[:, k : k + 1], 0), 0.0)
        middle = ramp.sum(axis=1) / number
        spread = (ramp**2).sum(axis=1) - number * middle**2
        product = (ramp * centred).sum(axis=1)
        slope = np.where(spread > 0, product / np.where(spread > 0, spread, 1), 0.0)
        rises = slope >= 0
        cost[rises, k] = (total - slope * product)[rises]
        slopes[:, k] = slope
    return cost, slopes
