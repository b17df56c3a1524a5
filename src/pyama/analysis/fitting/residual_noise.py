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

from pyama.algorithms.kernels.array_types import kernel

Values = NDArray[np.float64]
Indices = NDArray[np.intp]

CORRELATIONS = np.array([0, 0.25, 0.45, 0.6, 0.72, 0.82, 0.89, 0.935, 0.965, 0.985])
"""Correlations of neighbouring points that are compared."""
WHITES = np.array([0, 0.2, 0.6])
"""Parts of the variance that are white; any but 0 must lower -2 log likelihood by 2."""
GROWTHS = np.array([0.0, 3, 30, 300])
"""Growths of the variance with the square of the level; any but 0 must lower it by 4."""
NEAR_BEST = 0.5
"""Difference of -2 log likelihood up to which a correlation is as good as the best one."""
FEWEST = 10
"""Points more than parameters below which noise is taken for white."""
SMALLEST = 1e-300


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
    _compare(residual, slopes, _intervals(t, number), level, number, score, plain, variance)
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
    intervals = _intervals(t, number)
    return _covariances(
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


def _intervals(t: Values, number: Indices) -> Values:
    """Return times since the previous point, in units of the median of each trace."""
    steps = np.diff(t, axis=1, prepend=t[:, :1])
    used = (np.arange(t.shape[1]) < number[:, np.newaxis]) & (steps > 0)
    typical = np.nanmedian(np.where(used, steps, np.nan), axis=1, keepdims=True)
    return np.where(used, steps / typical, 0.0)


@kernel
def _whiten(
    columns: Values, size: Values, decay: Values, white: float, number: int, out: Values
) -> float:
    """Write the products of whitened columns, the lower triangle, and return log det.

    A Kalman filter of a scalar state for all columns at once.
    """
    k = columns.shape[1]
    state, innovation = np.zeros(k), np.zeros(k)
    for a in range(k):
        for b in range(k):
            out[a, b] = 0.0
    variance, log_det = 1 - white, 0.0
    for i in range(number):
        variance = decay[i] * decay[i] * (variance - 1 + white) + 1 - white
        total = size[i] * size[i] * variance + white
        gain, root = variance * size[i] / total, 1 / np.sqrt(total)
        log_det += np.log(total)
        variance *= 1 - gain * size[i]
        for a in range(k):
            state[a] *= decay[i]
            surprise = columns[i, a] - size[i] * state[a]
            state[a] += gain * surprise
            innovation[a] = surprise * root
            for b in range(a + 1):
                out[a, b] += innovation[a] * innovation[b]
    return log_det


@kernel
def _deviances(product: Values, log_det: float, number: int) -> tuple[float, float, float]:
    """Return -2 log of the restricted and of the plain likelihood, and the variance."""
    k = len(product) - 1
    factor, determined, log_slopes = np.zeros_like(product), 0, 0.0
    for a in range(k + 1):
        for b in range(a + 1):
            entry = product[a, b]
            for c in range(b):
                entry -= factor[a, c] * factor[b, c]
            if a != b:
                factor[a, b] = entry * factor[b, b]
            elif a == k:
                rest = max(entry, SMALLEST)
            elif entry > 1e-12 * product[a, a]:
                factor[a, a] = 1 / np.sqrt(entry)  # the inverse; 0 drops the column
                log_slopes += np.log(entry)
                determined += 1
    free = max(number - determined, 1)
    restricted = free * np.log(rest / free) + log_slopes + log_det
    plain = number * np.log(max(product[k, k], SMALLEST) / number) + log_det
    return restricted, plain, rest / free


@kernel
def _compare(
    residual: Values,
    slopes: Values,
    intervals: Values,
    level: Values,
    number: Indices,
    restricted: Values,
    plain: Values,
    variance: Values,
) -> None:
    """Write both deviances and the variance of every trace and point of the grid."""
    n, width, k = slopes.shape
    columns, product = np.zeros((width, k + 1)), np.zeros((k + 1, k + 1))
    decay, size = np.zeros(width), np.zeros(width)
    for i in range(n):
        is_long = number[i] >= k + FEWEST
        for j in range(number[i]):
            columns[j, k] = residual[i, j]
            for a in range(k):
                columns[j, a] = slopes[i, j, a]
        for c in range(len(CORRELATIONS) if is_long else 1):
            for j in range(number[i]):
                decay[j] = CORRELATIONS[c] ** intervals[i, j]
            for g in range(len(GROWTHS) if is_long else 1):
                for j in range(number[i]):
                    size[j] = np.sqrt(1 + GROWTHS[g] * level[i, j] ** 2)
                for w in range(len(WHITES) if c > 0 else 1):
                    log_det = _whiten(columns, size, decay, WHITES[w], number[i], product)
                    restricted[i, g, w, c], plain[i, g, w, c], variance[i, g, w, c] = (
                        _deviances(product, log_det, number[i])
                    )


@kernel
def _covariances(
    slopes: Values,
    intervals: Values,
    level: Values,
    number: Indices,
    variances: Values,
    whites: Values,
    growths: Values,
) -> Values:
    n, _, k = slopes.shape
    out = np.zeros((n, k, k))
    earlier, now = np.zeros(k), np.zeros(k)
    for i in range(n):
        for c in range(len(CORRELATIONS)):
            variance = variances[i, c]
            if variance == 0:
                continue
            for a in range(k):
                earlier[a] = 0.0
            for j in range(number[i]):
                decay = CORRELATIONS[c] ** intervals[i, j]
                size = np.sqrt((1 - whites[i]) * (1 + growths[i] * level[i, j] ** 2))
                for a in range(k):
                    earlier[a] *= decay
                    now[a] = slopes[i, j, a] * size
                for a in range(k):
                    for b in range(k):
                        part = now[a] * (now[b] + earlier[b]) + earlier[a] * now[b]
                        part += whites[i] * slopes[i, j, a] * slopes[i, j, b]
                        out[i, a, b] += variance * part
                for a in range(k):
                    earlier[a] += now[a]
    return out
