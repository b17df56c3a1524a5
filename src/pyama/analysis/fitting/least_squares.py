"""Bounded nonlinear least squares for thousands of small problems at the same time.

Levenberg-Marquardt (Marquardt 1963, doi:10.1137/0111030) with the damping of Nielsen (1999)
and the scaling of Moré (1978, doi:10.1007/BFb0067700). A step that would leave the bounds
stops at them, and the other parameters are solved for again. The result of a problem does
not depend on the other problems.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pyama.algorithms.kernels.array_types import kernel
from pyama.analysis.fitting.losses import Traces

Values = NDArray[np.float64]
Indices = NDArray[np.intp]

MAX_STEPS = 200
TOLERANCE = 1e-8
"""Relative change of cost or parameters below which a problem has converged."""
DAMPING = 1e-3
"""Initial damping, relative to the scaled curvature."""


@dataclass(frozen=True)
class Solution:
    """The result of `minimize`.

    Attributes:
        x: Parameters, shape (n, k).
        cost: Half of the sum of squares (of losses), shape (n,); inf where the function
            had no finite value.
        converged: Whether a tolerance was reached, shape (n,).
    """

    x: Values
    cost: Values
    converged: NDArray[np.bool_]


@kernel
def _solve(matrix: Values, right: Values, free: NDArray[np.bool_]) -> Values:
    """Solve the free rows and columns by Cholesky decomposition; 0 for the others."""
    k = len(right)
    factor, out = np.zeros((k, k)), np.zeros(k)
    for a in range(k):
        if not free[a]:
            continue
        value = right[a]
        for b in range(a):
            if free[b]:
                entry = matrix[a, b]
                for c in range(b):
                    entry -= factor[a, c] * factor[b, c]
                factor[a, b] = entry / factor[b, b]
                value -= factor[a, b] * out[b]
        pivot = matrix[a, a]
        for c in range(a):
            pivot -= factor[a, c] ** 2
        factor[a, a] = np.sqrt(max(pivot, 1e-14))
        out[a] = value / factor[a, a]
    for a in range(k - 1, -1, -1):
        if free[a]:
            for b in range(a + 1, k):
                out[a] -= factor[b, a] * out[b]
            out[a] /= factor[a, a]
    return out


@kernel
def _scaled(curvature: Values, gradient: Values, size: Values) -> tuple[Values, Values]:
    """Return curvature and gradient in units of `size`; 0 where `size` is 0."""
    k = len(size)
    matrix, slope = np.zeros((k, k)), np.zeros(k)
    for a in range(k):
        if size[a] > 0:
            slope[a] = gradient[a] / size[a]
            for b in range(k):
                if size[b] > 0:
                    matrix[a, b] = curvature[a, b] / (size[a] * size[b])
    return matrix, slope


@kernel
def _bounded_step(
    damped: Values, slope: Values, size: Values, x: Values, lower: Values, upper: Values
) -> tuple[Values, Values]:
    """Return the new parameters of one problem, and the step in units of `size`."""
    k = len(x)
    new, step, right = x.copy(), np.zeros(k), -slope
    inward = ((x > lower) | (slope < 0)) & ((x < upper) | (slope > 0))
    free = inward & (size > 0)
    for _ in range(k + 1):
        trial = _solve(damped, right, free)
        inside = True
        for a in range(k):
            target = x[a] + trial[a] / size[a] if free[a] else x[a]
            if target < lower[a] or target > upper[a]:
                inside, free[a] = False, False
                new[a] = lower[a] if target < lower[a] else upper[a]
                step[a] = (new[a] - x[a]) * size[a]
                right -= damped[:, a] * step[a]
        if inside:
            break
    for a in range(k):
        if free[a]:
            new[a], step[a] = x[a] + trial[a] / size[a], trial[a]
    return new, step


@kernel
def bounded_steps(
    curvature: Values,
    gradient: Values,
    size: Values,
    damping: Values,
    x: Values,
    lower: Values,
    upper: Values,
) -> tuple[Values, Values, Values]:
    """Minimize the damped quadratic model of each problem inside the bounds.

    Args:
        curvature: Shape (n, k, k).
        gradient: Shape (n, k).
        size: Scale of the slopes, shape (n, k); a parameter with scale 0 is not changed.
        damping: Shape (n,).
        x: Current parameters, shape (n, k).
        lower: Bounds, shape (k,).
        upper: Bounds, shape (k,).

    Returns:
        New parameters, shape (n, k); the decrease of the cost that the model predicts; the
        length of the step relative to that of the parameters, in units of `size`.
    """
    n, k = x.shape
    new, predicted, length = np.empty((n, k)), np.zeros(n), np.zeros(n)
    for i in range(n):
        matrix, slope = _scaled(curvature[i], gradient[i], size[i])
        damped = matrix + damping[i] * np.eye(k)
        new[i], step = _bounded_step(damped, slope, size[i], x[i], lower, upper)
        before, moved = 0.0, 0.0
        for a in range(k):
            before += (x[i, a] * size[i, a]) ** 2
            moved += step[a] ** 2
            predicted[i] -= slope[a] * step[a]
            for b in range(k):
                predicted[i] -= 0.5 * step[a] * matrix[a, b] * step[b]
        length[i] = np.sqrt(moved / before) if before > 0 else np.sqrt(moved)
    return new, predicted, length


def minimize(
    values: Callable[[Values, Indices], Values],
    slopes: Callable[[Values, Indices], Values],
    traces: Traces,
    x: Values,
    lower: Values,
    upper: Values,
) -> Solution:
    """Minimize the losses of all problems.

    Args:
        values: `values(x, rows)`, the functions of the problems `rows`, shape (m, T).
        slopes: `slopes(x, rows)`, their derivatives by the parameters, shape (k, m, T).
        traces: The data.
        x: Start values inside the bounds, shape (n, k).
        lower: Bounds, shape (k,).
        upper: Bounds, shape (k,).

    Returns:
        The solution of each problem, in the order of the starts.
    """
    n, k = x.shape
    x, active = x.copy(), np.arange(n)
    curvature, gradient, size = np.zeros((n, k, k)), np.zeros((n, k)), np.zeros((n, k))
    damping, growth = np.full(n, DAMPING), np.full(n, 2.0)
    converged = np.zeros(n, np.bool_)

    def measure(rows: Indices, f: Values) -> Values:
        cost = traces.take(rows).costs(f)
        return np.where(np.isfinite(cost), cost, np.inf)

    def update_derivatives(rows: Indices, f: Values) -> None:
        part = traces.take(rows)
        curvature[rows], gradient[rows] = part.normal_equations(f, slopes(x[rows], rows))
        diagonal = np.sqrt(np.einsum("ikk->ik", curvature[rows]))
        size[rows] = np.maximum(size[rows], diagonal)

    f = values(x, active)
    cost = measure(active, f)
    active = active[np.isfinite(cost)]
    update_derivatives(active, f[active])
    for _ in range(MAX_STEPS):
        if not active.size:
            break
        state = curvature[active], gradient[active], size[active], damping[active], x[active]
        new, predicted, length = bounded_steps(*state, lower, upper)
        f = values(new, active)
        new_cost = measure(active, f)
        better, done, gain = _judge(cost[active], new_cost, predicted, length)
        rows, worse = active[better], active[~better]
        x[rows], cost[rows] = new[better], new_cost[better]
        damping[rows] *= np.maximum(1 / 3, 1 - (2 * gain[better] - 1) ** 3)
        growth[rows] = 2.0
        damping[worse] *= growth[worse]
        growth[worse] *= 2
        converged[active[done]] = True
        update_derivatives(active[better & ~done], f[better & ~done])
        active = active[~done]
    return Solution(x, cost, converged)


def _judge(
    cost: Values, new_cost: Values, predicted: Values, length: Values
) -> tuple[NDArray[np.bool_], NDArray[np.bool_], Values]:
    """Return whether each step is accepted, whether it is the last, and its gain ratio."""
    decrease, small = cost - new_cost, TOLERANCE * cost
    better = decrease > 0
    gain = np.zeros(len(cost))
    np.divide(decrease, predicted, out=gain, where=better & (predicted > 0))
    done = (better & (decrease <= small) & (gain > 0.25)) | (length <= TOLERANCE)
    done |= (predicted >= 0) & (predicted <= 0.01 * small)
    return better, done, np.minimum(gain, 2)
