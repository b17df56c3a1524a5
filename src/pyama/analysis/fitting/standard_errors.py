"""Standard errors of fitted parameters, for noise that is correlated and not of equal size."""

import numpy as np
from numpy.typing import NDArray

from pyama.analysis.fitting.losses import Traces
from pyama.analysis.fitting.problem import Setup
from pyama.analysis.fitting.residual_noise import Noise, covariances, residual_noise

Values = NDArray[np.float64]

SINGULAR = 1e-13
"""Smallest eigenvalue of a scaled curvature matrix that is still inverted."""
UNDETERMINED = 1e-8
"""Part of a parameter in directions that the data do not determine from which it is NaN."""


def noise_of_fit(setup: Setup, t: Values, traces: Traces, x: Values) -> Noise:
    """Return the noise of the residuals of fits; for soft_l1 of the derivatives of the loss.

    Args:
        setup: The model, its free parameters and their bounds.
        t: Hours, shape (n, T).
        traces: The data of n cells.
        x: The free parameters, shape (n, n_free).
    """
    p = setup.complete(x)
    f, slopes = setup.model.evaluate(t, p), setup.model.jacobian(t, p)[setup.free]
    curvature, _ = traces.normal_equations(f, slopes)
    length, used = _lengths(setup, curvature, x)
    residual = f - traces.y
    bend = np.where(traces.scale > 0, traces.scale, np.inf)[:, np.newaxis]
    residual = residual / np.sqrt(1 + (residual / bend) ** 2)
    columns = _columns(slopes, length, used)
    return residual_noise(residual, columns, t, levels(f, traces.number), traces.number)


def standard_errors(
    setup: Setup, t: Values, traces: Traces, f: Values, slopes: Values, x: Values, noise: Noise
) -> tuple[Values, Values]:
    """Return asymptotic standard errors of least squares and M-estimates.

    They are those of the sandwich A⁻¹ X' W S W X A⁻¹ with the curvature A, the slopes X, the
    weights W of the fit, and the covariance S of the noise. For soft_l1 the noise is that of
    the derivatives of the loss (Huber 1981, doi:10.1002/0471725250).

    Args:
        setup: The model, its free parameters and their bounds.
        t: Hours, shape (n, T).
        traces: The data of n cells.
        f: Fitted values, shape (n, T).
        slopes: Derivatives of the values by the free parameters, shape (n_free, n, T).
        x: The free parameters, shape (n, n_free).
        noise: Of `noise_of_fit`.

    Returns:
        The errors, shape (n, n_free); NaN for a parameter at a bound, or not determined by
        the data. A parameter at a bound counts as known for the others. Then the errors for
        noise with the covariance W⁻¹, shape (n, n_free).
    """
    curvature, _ = traces.normal_equations(f, slopes)
    length, used = _lengths(setup, curvature, x)
    inverse, is_known = _inverse(curvature, length, used)
    columns = traces.weigh(_columns(slopes, length, used))
    middle = covariances(columns, t, levels(f, traces.number), traces.number, noise)
    variance = np.einsum("ikk->ik", inverse @ middle @ inverse)
    sizes = np.sqrt(np.einsum("ikk->ik", inverse))
    errors, sizes = (
        np.where(is_known, size / length, np.nan)
        for size in (np.sqrt(np.maximum(variance, 0)), sizes)
    )
    return errors, sizes


def _lengths(setup: Setup, curvature: Values, x: Values) -> tuple[Values, NDArray[np.bool_]]:
    """Return the scale of the slopes, and which parameters count: (n, n_free) both."""
    diagonal = np.einsum("ikk->ik", curvature)
    at_bound = (x <= setup.lower[setup.free]) | (x >= setup.upper[setup.free])
    used = ~at_bound & np.isfinite(curvature).all(axis=2) & (diagonal > 0)
    return np.sqrt(np.where(used, diagonal, 1)), used


def _columns(slopes: Values, length: Values, used: NDArray[np.bool_]) -> Values:
    """Return slopes in units of `length`, shape (n, T, n_free); 0 where they do not count."""
    columns = np.moveaxis(slopes, 0, 2) * np.where(used, 1 / length, 0)[:, np.newaxis]
    return np.ascontiguousarray(np.where(used[:, np.newaxis], columns, 0))


def levels(f: Values, number: NDArray[np.intp]) -> Values:
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
