"""Standard errors of fitted parameters."""

import numpy as np
from numpy.typing import NDArray

from pyama.analysis.fitting.least_squares import Traces, normal_equations
from pyama.analysis.fitting.problem import Setup

Values = NDArray[np.float64]

SINGULAR = 1e-13
"""Smallest eigenvalue of a scaled curvature matrix that is still inverted."""


def standard_errors(
    setup: Setup, traces: Traces, f: Values, slopes: Values, x: Values
) -> Values:
    """Return asymptotic standard errors of least squares and M-estimates.

    For soft_l1 they follow Huber (1981, doi:10.1002/0471725250), with the mean weight.

    Args:
        setup: The model, its free parameters and their bounds.
        traces: The data of n cells.
        f: Fitted values, shape (n, T).
        slopes: Derivatives of the values by the free parameters.
        x: The free parameters, shape (n, n_free).

    Returns:
        Shape (n, n_free); NaN for a parameter at a bound, or not determined by the data.
    """
    curvature, _ = normal_equations(traces.y, f, slopes, traces.number, traces.scale)
    residual = f - traces.y
    bend = np.where(traces.scale > 0, traces.scale, np.inf)[:, np.newaxis]
    root = np.sqrt(1 + (residual / bend) ** 2)
    counts = np.arange(f.shape[1]) < traces.number[:, np.newaxis]
    spread = np.sum((residual / root) ** 2, axis=1, where=counts)
    spread /= (traces.number - len(setup.free)) * np.mean(root**-3, axis=1, where=counts)
    at_bound = (x <= setup.lower[setup.free]) | (x >= setup.upper[setup.free])
    variance = _diagonal_of_inverse(curvature, ~at_bound) * spread[:, np.newaxis]
    return np.sqrt(variance)


def _diagonal_of_inverse(matrix: Values, used: NDArray[np.bool_]) -> Values:
    """Return the diagonal of the inverse of the used rows and columns; NaN elsewhere."""
    diagonal = np.einsum("ikk->ik", matrix)
    used = used & np.isfinite(matrix).all(axis=2) & (diagonal > 0)
    size = np.sqrt(np.where(used, diagonal, 1))
    both = used[:, :, np.newaxis] & used[:, np.newaxis]
    unit = np.eye(matrix.shape[1])
    scaled = np.where(both, matrix / (size[:, :, np.newaxis] * size[:, np.newaxis]), unit)
    value, vector = np.linalg.eigh(scaled)
    regular = value[:, :1] > SINGULAR
    inverse = np.sum(vector**2 / np.where(regular, value, 1)[:, np.newaxis], axis=2)
    return np.where(used & regular, inverse / size**2, np.nan)
