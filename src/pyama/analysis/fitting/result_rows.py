"""Rows of the table of fits: parameters, quality and messages."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pyama.analysis.expression import NOT_EXPRESSING
from pyama.analysis.fitting.least_squares import MAX_STEPS, Solution
from pyama.analysis.fitting.losses import Traces
from pyama.analysis.fitting.model_choice import UNDECIDED, information_criterion
from pyama.analysis.fitting.problem import Setup
from pyama.analysis.fitting.profile_intervals import profile_intervals
from pyama.analysis.fitting.residual_noise import Noise, effective_numbers
from pyama.analysis.fitting.standard_errors import standard_errors
from pyama.analysis.onsets import find_onsets
from pyama.sentences import count_text

Values = NDArray[np.float64]

GOOD, FAIR = 0.9, 0.7
"""R² above which a fit is good or fair; other fits are poor."""
LEADING = ["fov", "cell", "model_type", "success", "r_squared"]
TRAILING = ["rmse", "aic", "bic", "n_points", "n_effective", "class", "message"]


def columns(names: tuple[str, ...], profile: bool) -> list[str]:
    """Return the columns of a table of fits with the parameters `names`."""
    endings = ["_se", *(["_low", "_high"] if profile else [])]
    kinds = (f"{name}{ending}" for ending in endings for name in names)
    return [*LEADING, *names, *kinds, *TRAILING]


def without_fit(
    ids: pd.DataFrame, setup: Setup, number: NDArray[np.intp], profile: bool
) -> pd.DataFrame:
    """Return the table in which every trace is not fitted yet, with the reason."""
    table = ids.reindex(columns=columns(setup.model.names, profile))
    table["model_type"] = setup.model.name
    table["success"] = False
    table["n_points"] = number
    table["class"] = "failed"
    few = number < setup.needed
    table["message"] = np.where(few, "", "no signal: all values are equal")
    table.loc[few, "message"] = [
        f"{count_text(int(n), 'point')}, needs {setup.needed}" for n in number[few]
    ]
    return table


def fitted_rows(
    setup: Setup, t: Values, traces: Traces, solution: Solution, noise: Noise, profile: bool
) -> pd.DataFrame:
    """Return the columns from `success` on of traces that were fitted.

    Args:
        setup: The model and its free parameters.
        t: Hours, shape (n, T).
        traces: The data.
        solution: The best solution of each trace.
        noise: Of the residuals, see `noise_of_fit`.
        profile: Whether intervals are computed, see `profile_intervals`.
    """
    model, p = setup.model, setup.complete(solution.x)
    f, slopes = model.evaluate(t, p), model.jacobian(t, p)[setup.free]
    squares = _sums_of_squares(traces, f)
    table = pd.DataFrame(index=np.arange(len(t)))
    table["success"] = solution.converged
    table["r_squared"] = 1 - squares / _sums_of_squares(traces)
    errors, sizes = standard_errors(setup, t, traces, f, slopes, solution.x, noise)
    parts = {"_se": errors}
    if profile:
        ends = profile_intervals(setup, t, traces, solution.x, errors, sizes)
        parts |= dict(zip(("_low", "_high"), ends, strict=True))
    for ending, part in {
        "": p,
        **{key: _of_all(setup, part) for key, part in parts.items()},
    }.items():
        for name, values in zip(model.names, part, strict=True):
            table[f"{name}{ending}"] = values
    table["rmse"] = np.sqrt(squares / traces.number)
    with np.errstate(divide="ignore"):
        fit = traces.number * np.log(squares / traces.number)
    table["aic"] = fit + 2 * (len(setup.free) + 1)
    table["bic"] = information_criterion(setup, traces.number, noise)
    table["n_effective"] = effective_numbers(t, traces.number, noise)
    table["class"] = _classes(table["r_squared"].to_numpy())
    table["message"] = _messages(setup, solution)
    lost = ~np.isfinite(solution.cost)
    numbers = table.columns.difference(["success", "class", "message"])
    table.loc[lost, numbers] = np.nan
    table.loc[lost, "class"] = "failed"
    return table


def _of_all(setup: Setup, part: Values) -> Values:
    """Return values (n, n_free) for all parameters, (n_params, n); NaN for fixed ones."""
    out = np.full((len(setup.model.names), len(part)), np.nan)
    out[setup.free] = part.T
    return out


def _sums_of_squares(traces: Traces, f: Values | None = None) -> Values:
    """Return sums of squared residuals of `f`, by default of the mean of each trace."""
    counts = np.arange(traces.y.shape[1]) < traces.number[:, np.newaxis]
    if f is None:
        f = np.mean(traces.y, axis=1, where=counts)[:, np.newaxis]
    return np.sum((traces.y - f) ** 2, axis=1, where=counts)


def _classes(r_squared: Values) -> list[str]:
    return ["good" if r > GOOD else "fair" if r > FAIR else "poor" for r in r_squared]


def name_flat(table: pd.DataFrame, t: Values, y: Values) -> pd.DataFrame:
    """Return a table of fits in which fits to flat traces have a class of their own.

    Args:
        table: One row per trace.
        t: Hours, shape (n, T).
        y: Traces, shape (n, T); NaN where there is no value. A trace is flat if it neither
            rises nor falls according to `pyama.analysis.onsets.find_onsets`, nor would without
            its jumps.
    """
    rows = np.flatnonzero(table["class"].isin(("fair", "poor", UNDECIDED)))
    up, down = (find_onsets(t[rows], sign * y[rows]) for sign in (1, -1))
    flat = rows[up.known & down.known & ~up.rises & ~down.rises]
    classes = table["class"].to_numpy(object, copy=True)
    classes[flat] = NOT_EXPRESSING
    return table.assign(**{"class": classes})


def _messages(setup: Setup, solution: Solution) -> list[str]:
    out = []
    for x, cost, converged in zip(solution.x, solution.cost, solution.converged, strict=True):
        if not np.isfinite(cost):
            out.append("the model is not finite at any start")
            continue
        notes = [] if converged else [f"not converged after {MAX_STEPS} steps"]
        for i, value in zip(setup.free, x, strict=True):
            for side, bound in (("lower", setup.lower[i]), ("upper", setup.upper[i])):
                if value == bound:
                    notes.append(f"{setup.model.names[i]} at its {side} bound")
        out.append("; ".join(notes))
    return out
