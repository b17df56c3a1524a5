"""Closed-form responses of chains of first-order reactions, also for equal rates.

The amount in the last of three stages, which are left at the rates a, b and c, is
tau² f[-a tau, -b tau, -c tau], where f[...] is the divided difference of the exponential
function (McCurdy, Ng & Parlett 1984, doi:10.1090/S0025-5718-1984-0758198-0). The textbook
formula divides by differences of rates; divided differences have a limit where rates are
equal, and their derivative by a point is the divided difference with that point repeated.
"""

import numpy as np
from numpy.typing import NDArray

from pyama.algorithms.kernels.array_types import kernel

Values = NDArray[np.float64]

NEAR = 1.0
"""Points closer together than this use a series, others the quotient of differences."""
TERMS = 16
"""Number of terms of the series: 0.5**16 / 16! is below the precision of float64."""


@kernel
def pair(x: float, y: float) -> tuple[float, float, float]:
    """Return the divided differences f[x, y], f[x, x, y], f[x, y, y] of exp, for x <= y."""
    spread = y - x
    if spread > NEAR:
        low, high = np.exp(x), np.exp(y)
        once = (high - low) / spread
        return once, (once - low) / spread, (high - once) / spread
    # Series of exp around the middle: with d = spread / 2 the points are -d and d.
    d = 0.5 * spread
    term, low_sum, high_sum = 1.0, 1.0, 1.0
    once, twice_low, twice_high = 1.0, 0.5, 0.5
    odd, factor = 1.0, 1.0
    for k in range(1, TERMS):
        odd = -odd * d
        term = odd + d * term
        low_sum = term - d * low_sum
        high_sum = term + d * high_sum
        factor /= k + 1
        once += term * factor
        twice_low += low_sum * factor / (k + 2)
        twice_high += high_sum * factor / (k + 2)
    scale = np.exp(x + d)
    return scale * once, scale * twice_low, scale * twice_high


@kernel
def triple(x: float, y: float, z: float) -> tuple[float, float, float, float]:
    """Return f[x,y,z], f[x,x,y,z], f[x,y,y,z] and f[x,y,z,z] of exp, for x <= y <= z."""
    spread = z - x
    if spread > NEAR:
        low, low_x, low_y = pair(x, y)
        high, high_y, high_z = pair(y, z)
        once = (high - low) / spread
        return (
            once,
            (once - low_x) / spread,
            (high_y - low_y) / spread,
            (high_z - once) / spread,
        )
    middle = 0.5 * (x + z)
    a, b, c = x - middle, y - middle, z - middle
    one, two, three = 1.0, 1.0, 1.0
    sum_a, sum_b, sum_c = 1.0, 1.0, 1.0
    once, with_a, with_b, with_c = 0.5, 1 / 6, 1 / 6, 1 / 6
    factor = 0.5
    for k in range(1, TERMS):
        one = a * one
        two = one + b * two
        three = two + c * three
        sum_a = three + a * sum_a
        sum_b = three + b * sum_b
        sum_c = three + c * sum_c
        factor /= k + 2
        once += three * factor
        with_a += sum_a * factor / (k + 3)
        with_b += sum_b * factor / (k + 3)
        with_c += sum_c * factor / (k + 3)
    scale = np.exp(middle)
    return scale * once, scale * with_a, scale * with_b, scale * with_c


@kernel
def two_stages(tau: Values, rates: Values) -> Values:
    """Compute the response of two stages in h, shape (n_cells, T).

    Args:
        tau: Hours since the onset, shape (n_cells, T); before it the response is 0.
        rates: The rates at which the stages are left, 1/h, shape (2, n_cells).
    """
    out = np.zeros(tau.shape)
    for i in range(tau.shape[0]):
        fast, slow = max(rates[0, i], rates[1, i]), min(rates[0, i], rates[1, i])
        for j in range(tau.shape[1]):
            time = tau[i, j]
            if time > 0:
                out[i, j] = time * pair(-fast * time, -slow * time)[0]
    return out


@kernel
def two_stages_slopes(tau: Values, rates: Values) -> Values:
    """Compute the derivatives of `two_stages`, which has the same arguments.

    Returns:
        Shape (4, n_cells, T): the response, its derivatives by time and by both rates.
    """
    n_cells, n_times = tau.shape
    out = np.zeros((4, n_cells, n_times))
    for i in range(n_cells):
        fast = 0 if rates[0, i] >= rates[1, i] else 1
        slow = 1 - fast
        for j in range(n_times):
            time = tau[i, j]
            if time > 0:
                x, y = -rates[fast, i] * time, -rates[slow, i] * time
                response, by_x, by_y = pair(x, y)
                out[0, i, j] = time * response
                out[1, i, j] = np.exp(x) - rates[slow, i] * time * response
                out[2 + fast, i, j] = -time * time * by_x
                out[2 + slow, i, j] = -time * time * by_y
    return out


@kernel
def three_stages(tau: Values, rates: Values) -> Values:
    """Compute the response of three stages in h², shape (n_cells, T).

    Args:
        tau: Hours since the onset, shape (n_cells, T); before it the response is 0.
        rates: The rates at which the stages are left, 1/h, shape (3, n_cells).
    """
    out = np.zeros(tau.shape)
    for i in range(tau.shape[0]):
        slow, middle, fast = np.sort(rates[:, i])
        for j in range(tau.shape[1]):
            time = tau[i, j]
            if time > 0:
                response = triple(-fast * time, -middle * time, -slow * time)[0]
                out[i, j] = time * time * response
    return out


@kernel
def three_stages_slopes(tau: Values, rates: Values) -> Values:
    """Compute the derivatives of `three_stages`, which has the same arguments.

    Returns:
        Shape (5, n_cells, T): the response, its derivatives by time and by the rates.
    """
    n_cells, n_times = tau.shape
    out = np.zeros((5, n_cells, n_times))
    for i in range(n_cells):
        order = np.argsort(-rates[:, i])
        fast, middle, slow = order[0], order[1], order[2]
        for j in range(n_times):
            time = tau[i, j]
            if time > 0:
                x, y = -rates[fast, i] * time, -rates[middle, i] * time
                z = -rates[slow, i] * time
                response, by_x, by_y, by_z = triple(x, y, z)
                square = time * time
                out[0, i, j] = square * response
                out[1, i, j] = time * pair(x, y)[0] - rates[slow, i] * square * response
                out[2 + fast, i, j] = -square * time * by_x
                out[2 + middle, i, j] = -square * time * by_y
                out[2 + slow, i, j] = -square * time * by_z
    return out
