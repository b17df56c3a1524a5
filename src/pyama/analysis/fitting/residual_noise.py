"""The noise of a trace, estimated from the residuals of its fit.

A residual at the time t is

    sigma ((1 - white)^½ (1 + growth level(t)²)^½ a(t) + white^½ v(t)),

where `level` is the fitted value from 0 (its minimum) to 1 (its maximum), v is white noise and
a is noise with the correlation r^(dt / typical interval) between two times (an autoregressive
process of first order for equal intervals). Residuals are less correlated than the noise,
because a fit follows the noise; the restricted likelihood corrects for it (Patterson and
Thompson 1971, doi:10.1093/biomet/58.3.545; for autoregressive noise Cheang and Reinsel 2000,
doi:10.1080/01621459.2000.10474321). It is computed with a Kalman filter on a grid of values.
Because one trace determines r poorly, covariances are averaged over the values of r that are
nearly as likely.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pyama.analysis.fitting.noise_filter import (
    CORRELATIONS,
    GROWTHS,
    WHITES,
    compare,
    sum_covariances,
)

Values = NDArray[np.float64]
Indices = NDArray[np.intp]

NEAR_BEST = 0.5
"""Difference of -2 log likelihood up to which a correlation is as good as the best one."""


@dataclass(frozen=True)
class Noise:
    """The noise of n traces; the formula is in the description of this module.

    Attributes:
        variances: sigma² for each of `CORRELATIONS`, times the weight of this correlation,
            shape (n, len(CORRELATIONS)).
        correlation: The most likely r, shape (n,).
        white: Part of the variance that is white, shape (n,).
        growth: Growth of the variance of a with the square of the level, shape (n,).
        deviance: -2 log likelihood of the residuals, and 2 for each parameter of the noise
            but the size; up to a constant that depends on the number of points. Shape (n,).
    """

    variances: Values
    correlation: Values
    white: Values
    growth: Values
    deviance: Values


def residual_noise(
    residual: Values, slopes: Values, t: Values, level: Values, number: Indices
) -> Noise:
    """Estimate the noise of traces.

    Args:
        residual: Shape (n, T).
        slopes: Derivatives of the fits by their parameters, shape (n, T, k), each of about
            the length 1; 0 for parameters that do not count.
        t: Hours, ascending, shape (n, T).
        level: Fitted values from 0 to 1, shape (n, T).
        number: Number of points that are used of each trace, shape (n,).
    """
    n = len(residual)
    shape = n, len(GROWTHS), len(WHITES), len(CORRELATIONS)
    score, plain, variance = np.full(shape, np.inf), np.full(shape, np.inf), np.zeros(shape)
    compare(
        residual, slopes, typical_intervals(t, number), level, number, score, plain, variance
    )
    for deviance in (score, plain):
        deviance[:, :, 1:] += 2
        deviance[:, 1:] += 4
    plain[..., 1:] += 2
    best = np.nan_to_num(score, nan=np.inf).reshape(n, -1).argmin(axis=1)
    g, w, c = np.unravel_index(best, shape[1:])
    near = score[np.arange(n), g, w] - score[np.arange(n), g, w, c][:, np.newaxis]
    weight = np.where(near <= NEAR_BEST, np.exp(-0.5 * np.maximum(near, 0)), 0)
    variances = variance[np.arange(n), g, w] * weight / weight.sum(axis=1, keepdims=True)
    deviance = plain.reshape(n, -1).min(axis=1)
    return Noise(variances, CORRELATIONS[c], WHITES[w], GROWTHS[g], deviance)


def covariances(
    slopes: Values, t: Values, level: Values, number: Indices, noise: Noise
) -> Values:
    """Return X' S X, shape (n, k, k), of slopes X and the covariance S of the noise.

    The arguments are those of `residual_noise`.
    """
    intervals = typical_intervals(t, number)
    return sum_covariances(
        slopes, intervals, level, number, noise.variances, noise.white, noise.growth
    )


def effective_numbers(t: Values, number: Indices, noise: Noise) -> Values:
    """Return the number of independent points with as much information on a mean.

    It is N² / sum of all correlations, between 1 and N points (Bayley and Hammersley 1946,
    doi:10.2307/2983560); shape (n,).
    """
    weights = (noise.correlation[:, np.newaxis] == CORRELATIONS).astype(float)
    none = np.zeros(len(t))
    unit = Noise(weights, noise.correlation, noise.white, none, none)
    total = covariances(np.ones((*t.shape, 1)), t, np.zeros_like(t), number, unit)[:, 0, 0]
    return np.clip(number**2 / total, 1, number)


def typical_intervals(t: Values, number: Indices) -> Values:
    """Return times since the previous point, in units of the median of each trace."""
    steps = np.diff(t, axis=1, prepend=t[:, :1])
    used = (np.arange(t.shape[1]) < number[:, np.newaxis]) & (steps > 0)
    typical = np.nanmedian(np.where(used, steps, np.nan), axis=1, keepdims=True)
    return np.where(used, steps / typical, 0.0)
