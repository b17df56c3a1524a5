"""The fitting problem: free and fixed parameters, bounds, and start values."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from pyama.analysis.fitting.losses import Traces
from pyama.analysis.fitting.model import TIME_UNIT, Model
from pyama.errors import ConfigError

Values = NDArray[np.float64]
Indices = NDArray[np.intp]

FACTOR = 10.0
"""Start values lie within this factor of the guess."""
SHIFT = 0.2
"""Start values of times differ from the guess by at most this part of the trace's length."""


@dataclass(frozen=True)
class Setup:
    """A model and the parameters of it that are fitted.

    Attributes:
        model: The model.
        free: Indices of the parameters that are fitted.
        fixed: Values of the other parameters, shape (n_params,); NaN for fitted ones.
        lower: Lower bounds, shape (n_params,).
        upper: Upper bounds, shape (n_params,).
        first: Starting values that replace the guess, shape (n_params,); NaN without one.
    """

    model: Model
    free: Indices
    fixed: Values
    lower: Values
    upper: Values
    first: Values

    @property
    def needed(self) -> int:
        """Smallest number of points of a trace: one more than there are free parameters."""
        return len(self.free) + 1

    def complete(self, x: Values) -> Values:
        """Return all parameters, shape (n_params, n), given the free ones (n, n_free)."""
        p = np.repeat(self.fixed[:, np.newaxis], len(x), axis=1)
        p[self.free] = x.T
        return p


def set_up(
    model: Model,
    free: Iterable[str],
    fix: Mapping[str, float],
    bounds: Mapping[str, tuple[float, float]],
    guess: Mapping[str, float] | None = None,
) -> Setup:
    """Choose the parameters to fit and their bounds.

    Args:
        model: The model.
        free: Parameters to fit besides those that are free by default.
        fix: Values of parameters that are not fitted.
        bounds: Lower and upper bounds that replace the model's.
        guess: First starting values that replace those from the traces.

    Raises:
        ConfigError: A name is unknown, a parameter is both free and fixed, bounds are not
            in order or belong to a fixed parameter, a value is out of bounds, or no
            parameter is left to fit.
    """
    free, guess = set(free), guess or {}
    named = {"free": free, "fix": set(fix), "bounds": set(bounds), "guess": set(guess)}
    _refuse_unknown(model, named)
    if both := sorted(free & set(fix)):
        raise ConfigError(f"{', '.join(both)} is both free and fixed. Choose one.")
    limits = [bounds.get(p.name, (p.lower, p.upper)) for p in model.parameters]
    for name, (low, high) in zip(model.names, limits, strict=True):
        if not low < high:
            raise ConfigError(
                f"Bounds of {name} are {low:g}:{high:g}; expected LOW:HIGH with LOW < HIGH."
            )
    for values, what in ((fix, "is fixed at"), (guess, "starts at")):
        _refuse_outside(model, limits, values, what)
    fitted = np.array(
        [p.name not in fix and (not p.fixed or p.name in free) for p in model.parameters]
    )
    idle = [name for name, used in zip(model.names, fitted, strict=True) if not used]
    for given, what in ((bounds, "bounds have"), (guess, "starting value has")):
        if without := sorted(set(idle) & set(given)):
            raise ConfigError(
                f"{', '.join(without)} of {model.name} is fixed, so its {what} no effect. Set "
                f"it free, or omit the {what.rpartition(' ')[0]}."
            )
    if not fitted.any():
        raise ConfigError(f"All parameters of {model.name} are fixed. Set at least one free.")
    fixed = np.array([fix.get(p.name, p.default) for p in model.parameters], float)
    lower, upper = np.array(limits, float).T
    first = np.array([guess.get(name, np.nan) for name in model.names], float)
    free_ones = np.flatnonzero(fitted)
    return Setup(model, free_ones, np.where(fitted, np.nan, fixed), lower, upper, first)


def _refuse_outside(
    model: Model, limits: Sequence[tuple[float, float]], values: Mapping[str, float], what: str
) -> None:
    for name, value in values.items():
        low, high = limits[model.names.index(name)]
        if not (np.isfinite(value) and low <= value <= high):
            raise ConfigError(
                f"{name} {what} {value:g}; expected a number from {low:g} to {high:g}."
            )


def draw_starts(setup: Setup, t: Values, traces: Traces, draws: Values) -> Values:
    """Return the start values of the fits: the first guess, and random values around it.

    Parameters in which the model is linear are solved for, given the others.

    Args:
        setup: The model and its free parameters.
        t: Hours, shape (n, T).
        traces: The data, whose rows are padded with their last value.
        draws: Random numbers from -1 to 1, shape (n, starts - 1, n_params).

    Returns:
        Free parameters, shape (n * starts, n_free); the starts of a trace are adjacent.
    """
    n, others, _ = draws.shape
    guess = setup.model.guess(t, traces.y).T
    guess = np.where(np.isnan(setup.first), guess, setup.first)
    draws = np.concatenate([np.zeros((n, 1, guess.shape[1])), draws], axis=1)
    times = np.array([p.unit == TIME_UNIT for p in setup.model.parameters])
    shifts = SHIFT * np.ptp(t, axis=1)[:, np.newaxis, np.newaxis] * draws
    p = np.where(times, guess[:, np.newaxis] + shifts, guess[:, np.newaxis] * FACTOR**draws)
    p = np.clip(p, setup.lower, setup.upper).reshape(n * (others + 1), -1).T
    fixed = np.isfinite(setup.fixed)
    p[fixed] = setup.fixed[fixed, np.newaxis]
    rows = np.repeat(np.arange(n), others + 1)
    linear = [i for i in setup.free if setup.model.parameters[i].linear]
    if linear:
        p[linear] = _solve_linear(setup, t[rows], traces.take(rows), p, linear)
    return p[setup.free].T


def _solve_linear(
    setup: Setup, t: Values, traces: Traces, p: Values, linear: list[int]
) -> Values:
    """Return the best linear parameters, shape (n_linear, n); `p` where out of bounds."""
    f, slopes = setup.model.evaluate(t, p), setup.model.jacobian(t, p)[linear]
    plain = replace(traces, scale=np.zeros_like(traces.scale))
    curvature, gradient = plain.normal_equations(f, slopes)
    usable = np.isfinite(curvature).all(axis=(1, 2)) & np.isfinite(gradient).all(axis=1)
    curvature[~usable], gradient[~usable] = 0, 0
    change = np.linalg.pinv(curvature, hermitian=True) @ gradient[:, :, np.newaxis]
    solved = p[linear] - change[:, :, 0].T
    low, high = setup.lower[linear, np.newaxis], setup.upper[linear, np.newaxis]
    return np.where(((solved > low) & (solved < high)).all(axis=0), solved, p[linear])


def _refuse_unknown(model: Model, named: Mapping[str, set[str]]) -> None:
    for option, names in named.items():
        if unknown := sorted(names - set(model.names)):
            raise ConfigError(
                f"{option} names {', '.join(unknown)}, which {model.name} does not have. "
                f"Its parameters: {', '.join(model.names)}."
            )
