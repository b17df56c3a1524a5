"""Kernels of noise that is correlated, not of equal size, and in part white.

The formula of the noise is in `residual_noise`; it is a Kalman filter of a scalar state.
"""

import numpy as np
from numpy.typing import NDArray

from pyama.algorithms.kernels.array_types import kernel

Values = NDArray[np.float64]
Indices = NDArray[np.intp]

CORRELATIONS = np.array([0, 0.25, 0.45, 0.6, 0.72, 0.82, 0.89, 0.935, 0.965, 0.985])
"""Correlations of neighbouring points that are compared."""
WHITES = np.array([0, 0.2, 0.6, 0.95])
"""Parts of the variance that are white; any but 0 must lower -2 log likelihood by 2. The
last one is for noise that grows: white where the signal is low, and correlated where it is
high."""
GROWTHS = np.array([0.0, 3, 30, 300])
"""Growths of the variance with the square of the level; any but 0 must lower it by 4."""
FEWEST = 10
"""Points more than parameters below which noise is taken for white."""
SMALLEST = 1e-300


@kernel
def whiten(
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
def compare(
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
                n_whites = 1 if c == 0 else len(WHITES) - (g == 0)
                for j in range(number[i]):
                    size[j] = np.sqrt(1 + GROWTHS[g] * level[i, j] ** 2)
                for w in range(n_whites):
                    log_det = whiten(columns, size, decay, WHITES[w], number[i], product)
                    restricted[i, g, w, c], plain[i, g, w, c], variance[i, g, w, c] = (
                        _deviances(product, log_det, number[i])
                    )


@kernel
def sum_covariances(
    slopes: Values,
    intervals: Values,
    level: Values,
    number: Indices,
    variances: Values,
    whites: Values,
    growths: Values,
) -> Values:
    """Return X' S X, see `residual_noise.covariances`."""
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


@kernel
def weigh(
    columns: Values, sizes: Values, decays: Values, whites: Values, number: Indices
) -> Values:
    """Return the products of columns with the inverse of the covariance of their noise.

    The sum of squares of the innovations is differentiated by the columns, from the last
    point to the first (de Jong 1989, doi:10.1080/01621459.1989.10478877).

    Args:
        columns: Shape (n, T, k).
        sizes: Size of the noise that is correlated, shape (n, T).
        decays: Its correlation with the point before, shape (n, T).
        whites: Part of the variance that is white, shape (n,).
        number: Number of points that are used of each trace, shape (n,).
    """
    n, width, k = columns.shape
    out = np.zeros((n, width, k))
    gain, state = np.zeros(width), np.zeros(k)
    for i in range(n):
        variance = 1 - whites[i]
        state[:] = 0.0
        for j in range(number[i]):
            decay, size = decays[i, j], sizes[i, j]
            variance = decay * decay * (variance - 1 + whites[i]) + 1 - whites[i]
            total = size * size * variance + whites[i]
            gain[j] = variance * size / total
            variance *= 1 - gain[j] * size
            for a in range(k):
                state[a] *= decay
                surprise = columns[i, j, a] - size * state[a]
                state[a] += gain[j] * surprise
                out[i, j, a] = surprise / total
        state[:] = 0.0
        for j in range(number[i] - 1, -1, -1):
            for a in range(k):
                out[i, j, a] += gain[j] * state[a]
                state[a] = decays[i, j] * (state[a] - sizes[i, j] * out[i, j, a])
    return out


@kernel
def weighted_products(
    columns: Values, sizes: Values, decays: Values, whites: Values, number: Indices
) -> Values:
    """Return C' V⁻¹ C, the lower triangle, of columns C and the covariance V of their noise.

    The arguments are those of `weigh`; shape (n, k, k).
    """
    n, _, k = columns.shape
    out = np.zeros((n, k, k))
    for i in range(n):
        whiten(columns[i], sizes[i], decays[i], whites[i], number[i], out[i])
    return out
