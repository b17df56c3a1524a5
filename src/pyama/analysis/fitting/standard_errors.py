"""Standard errors of fitted parameters, for noise that is correlated and not of equal size."""

import numpy as np
from numpy.typing import NDArray

from pyama.analysis.fitting.least_squares import Traces, normal_equations
from pyama.analysis.fitting.problem import Setup
from pyama.analysis.fitting.residual_noise import Noise, covariances, residual_noise

Values = NDArray[np.float64]

SINGULAR = 1e-13
"""Smallest eigenvalue of a scaled curvature matrix that is still inverted."""
UNDETERMINED = 1e-8
"""Part of a parameter in directions that the data do not determine from which it is NaN."""


def standard_errors(
    setup: Setup, t: Values, traces: Traces, f: Values, slopes: Values, x: Values
) -> tuple[Values, Noise, Values]:
    """Return asymptotic standard errors of least squares and M-estimates, and the noise.

    They are those of the sandwich A⁻¹ X' S X A⁻¹ with the curvature A, the slopes X and the
    covariance S of the noise that `residual_noise` estimates. For soft_l1 the noise is that
    of the derivatives of the loss (Huber 1981, doi:10.1002/0471725250).

    Args:
        setup: The model, its free parameters and their bounds.
        t: Hours, shape (n, T).
        traces: The data of n cells.
        f: Fitted values, shape (n, T).
        slopes: Derivatives of the values by the free parameters, shape (n_free, n, T).
        x: The free parameters, shape (n, n_free).

    Returns:
        The errors, shape (n, n_free); NaN for a parameter at a bound, or not determined by
        the data. A parameter at a bound counts as known for the others. Then the noise, and
        the errors for independent noise of the variance 1, shape (n, n_free).
    """
    curvature, _ = normal_equations(traces.y, f, slopes, traces.number, traces.scale)
    diagonal = np.einsum("ikk->ik", curvature)
    at_bound = (x <= setup.lower[setup.free]) | (x >= setup.upper[setup.free])
    used = ~at_bound & np.isfinite(curvature).all(axis=2) & (diagonal > 0)
    length = np.sqrt(np.where(used, diagonal, 1))
    inverse, is_known = _inverse(curvature, length, used)
    residual = f - traces.y
    bend = np.where(traces.scale > 0, traces.scale, np.inf)[:, np.newaxis]
    residual = residual / np.sqrt(1 + (residual / bend) ** 2)
    columns = np.moveaxis(slopes, 0, 2) * np.where(used, 1 / length, 0)[:, np.newaxis]
    columns = np.ascontiguousarray(np.where(used[:, np.newaxis], columns, 0))
    level = _levels(f, traces.number)
    noise = residual_noise(residual, columns, t, level, traces.number)
    middle = covariances(columns, t, level, traces.number, noise)
    variance = np.einsum("ikk->ik", inverse @ middle @ inverse)
    sizes = np.sqrt(np.einsum("ikk->ik", inverse))
    errors, sizes = (
        np.where(is_known, size / length, np.nan)
        for size in (np.sqrt(np.maximum(variance, 0)), sizes)
    )
    return errors, noise, sizes


def _levels(f: Values, number: NDArray[np.intp]) -> Values:
    """Return fitted values from 0, the minimum, to 1, the maximum of each trace."""
    counts = np.arange(f.shape[1]) < number[:, np.newaxis]
    low = np.min(f, axis=1, where=counts, initial=np.inf)[:, np.newaxis]
    high = np.max(f, axis=1, where=counts, initial=-np.inf)[:, np.newaxis]
    height = high - low
    return np.divide(f - low, height, out=np.zeros_like(f), where=counts & (height > 0))


def _inverse(
    matrix: Values, length: Values, used: NDArray[np.bool_]
) -> tuple[Values, NDArray[np.bool_]]:
    """Return the inverse of scaled matrices, and which parameters the data determine."""
    both = used[:, :, np.newaxis] & used[:, np.newaxis]
    unit = np.eye(matrix.shape[1])
    with np.errstate(over="ignore", invalid="ignore"):
        scaled = matrix / (length[:, :, np.newaxis] * length[:, np.newaxis])
    value, vector = np.linalg.eigh(np.where(both, scaled, unit))
    regular = value > SINGULAR
    weight = np.where(regular, 1 / np.where(regular, value, 1), 0)[:, np.newaxis]
    lost = np.sum(vector**2 * ~regular[:, np.newaxis], axis=2)
    return (vector * weight) @ vector.swapaxes(1, 2), used & (lost < UNDETERMINED)
