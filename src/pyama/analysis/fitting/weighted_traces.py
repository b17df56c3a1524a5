"""Traces whose points count as much as their noise allows."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pyama.analysis.fitting.least_squares import Solution, minimize
from pyama.analysis.fitting.losses import Traces
from pyama.analysis.fitting.noise_filter import weigh, weighted_products
from pyama.analysis.fitting.problem import Setup
from pyama.analysis.fitting.residual_noise import Noise, typical_intervals
from pyama.analysis.fitting.standard_errors import levels

Values = NDArray[np.float64]
Indices = NDArray[np.intp]

LARGEST_RISE = 1.2
"""Largest sum of squares of a fit with weights, relative to that of the fit without."""


@dataclass(frozen=True)
class WeightedTraces(Traces):
    """Traces whose loss is r' V⁻¹ r / 2, with residuals r and the covariance V of their noise.

    Attributes:
        sizes: Size of the noise that is correlated, shape (n, T).
        decays: Its correlation with the point before, shape (n, T).
        whites: Part of the variance that is white, shape (n,).
    """

    sizes: Values
    decays: Values
    whites: Values

    def take(self, rows: Indices) -> "WeightedTraces":
        """Return the problems of `rows`."""
        part = super().take(rows)
        weights = self.sizes[rows], self.decays[rows], self.whites[rows]
        return WeightedTraces(part.y, part.number, part.scale, *weights)

    def costs(self, f: Values) -> Values:
        """Return the loss of each problem, see `Traces.costs`."""
        return 0.5 * self._products((f - self.y)[:, :, np.newaxis])[:, 0, 0]

    def normal_equations(self, f: Values, slopes: Values) -> tuple[Values, Values]:
        """Return curvature and gradient, see `Traces.normal_equations`."""
        columns = np.concatenate([slopes, (f - self.y)[np.newaxis]])
        products = self._products(np.ascontiguousarray(np.moveaxis(columns, 0, 2)))
        lower, gradient = products[:, :-1, :-1], products[:, -1, :-1]
        return lower + np.tril(lower, -1).swapaxes(1, 2), gradient

    def weigh(self, columns: Values) -> Values:
        """Return V⁻¹ times columns of the shape (n, T, k)."""
        return weigh(columns, self.sizes, self.decays, self.whites, self.number)

    def _products(self, columns: Values) -> Values:
        return weighted_products(columns, self.sizes, self.decays, self.whites, self.number)


def reweighted(
    setup: Setup, t: Values, traces: Traces, solution: Solution, noise: Noise
) -> tuple[Traces, Solution]:
    """Fit traces again whose noise grows with the signal, with weights from this noise.

    This is one step of feasible generalised least squares (Carroll and Ruppert 1988,
    Transformation and Weighting in Regression). A trace keeps its first solution where

    * its noise does not grow, because least squares is nearly as good there;
    * the sum of squares rises beyond `LARGEST_RISE`, because the model does not describe it:
      the residuals are then largest where the signal is, and weights would fit the quiet
      frames only;
    * rates are fitted that the model fixes by default: the data hardly determine them, and
      intervals with weights are too narrow.

    Args:
        setup: The model and its free parameters.
        t: Hours, shape (n, T).
        traces: The data, with the loss of plain least squares.
        solution: The least squares solution of each trace.
        noise: Of its residuals.

    Returns:
        The traces, with weights for those that were fitted again, and the solutions, whose
        costs are still those without weights.
    """
    is_freed = any(setup.model.parameters[i].fixed for i in setup.free)
    rows = np.flatnonzero((noise.growth > 0) & solution.converged)
    if is_freed or not rows.size:
        return traces, solution
    model, lower, upper = setup.model, setup.lower[setup.free], setup.upper[setup.free]
    times, part = t[rows], _weighted(setup, t, traces, solution.x, noise, rows)

    def values(x: Values, some: Indices) -> Values:
        return model.evaluate(times[some], setup.complete(x))

    def slopes(x: Values, some: Indices) -> Values:
        return model.jacobian(times[some], setup.complete(x))[setup.free]

    again = minimize(values, slopes, part, solution.x[rows], lower, upper)
    plain = traces.take(rows).costs(values(again.x, np.arange(len(rows))))
    kept = again.converged & (plain <= LARGEST_RISE * solution.cost[rows])
    x, cost = solution.x.copy(), solution.cost.copy()
    x[rows[kept]], cost[rows[kept]] = again.x[kept], plain[kept]
    weighted = _among_all(traces, part.take(np.flatnonzero(kept)), rows[kept])
    return weighted, Solution(x, cost, solution.converged)


def _weighted(
    setup: Setup, t: Values, traces: Traces, x: Values, noise: Noise, rows: Indices
) -> WeightedTraces:
    """Return the traces of `rows` with weights from their noise."""
    part = traces.take(rows)
    level = levels(setup.model.evaluate(t[rows], setup.complete(x[rows])), part.number)
    sizes = np.sqrt(1 + noise.growth[rows, np.newaxis] * level**2)
    decays = noise.correlation[rows, np.newaxis] ** typical_intervals(t[rows], part.number)
    return WeightedTraces(part.y, part.number, part.scale, sizes, decays, noise.white[rows])


def _among_all(traces: Traces, weighted: WeightedTraces, rows: Indices) -> WeightedTraces:
    """Return all traces; those that are not in `rows` have equal weights."""
    sizes, decays = np.ones_like(traces.y), np.zeros_like(traces.y)
    whites = np.zeros(len(traces.y))
    sizes[rows], decays[rows], whites[rows] = weighted.sizes, weighted.decays, weighted.whites
    return WeightedTraces(traces.y, traces.number, traces.scale, sizes, decays, whites)
