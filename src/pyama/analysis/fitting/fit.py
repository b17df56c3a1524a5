"""Fits of models to the traces of a table or array, one row per cell."""

from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from pyama.analysis.fitting.fit_settings import FitSettings
from pyama.analysis.fitting.least_squares import Solution, minimize
from pyama.analysis.fitting.losses import Traces
from pyama.analysis.fitting.model import Model
from pyama.analysis.fitting.model_choice import choose
from pyama.analysis.fitting.model_setups import AUTO, Loss, Options, model_setups
from pyama.analysis.fitting.problem import Setup, draw_starts
from pyama.analysis.fitting.result_rows import columns, fitted_rows, name_flat, without_fit
from pyama.analysis.fitting.standard_errors import noise_of_fit
from pyama.analysis.fitting.weighted_traces import reweighted
from pyama.analysis.trace_shape import noise as white_noise
from pyama.analysis.trace_shape import points_first, trace_arrays
from pyama.config import default_workers
from pyama.errors import ArrayError

Values = NDArray[np.float64]
Indices = NDArray[np.intp]
Watch = Callable[[float], None]
"""Is given the part of a fit that is done, 0 to 1; an exception from it ends the fit."""

BLOCK = 64
"""Number of cells fitted together; small enough for the processor's cache."""
OUTLIER = 1.5
"""Residual, in units of the trace's noise, from which soft_l1 grows linearly."""


def fit_traces(
    table: pd.DataFrame,
    model: str | Model = "maturation",
    column: str = "intensity_total_ch_1",
    *,
    time: str = "time",
    **options: Any,
) -> pd.DataFrame:
    """Fit a model to every cell of a table.

    Args:
        table: One row per cell and frame with the columns fov, cell, `time` and `column`.
            Other columns of `pyama.analysis.table_columns.IDENTITY` are kept. Rows whose
            `good` is False are left out.
        model: A model, its name in `MODELS`, or `auto`; see `fit_arrays`.
        column: Column to fit, in counts; NaN where there is no value.
        time: Column of the times, in hours.
        **options: The keyword arguments of `fit_arrays`, except `fov` and `cell`.

    Returns:
        One row per cell, sorted by the columns of `IDENTITY` that the table has; these,
        parent, day, plate and condition if the table has them, and the columns of
        `fit_arrays`.

    Raises:
        ConfigError: A column is missing or not a number, the times are not in hours, a cell
            has the same time twice, or an option is wrong.

    Examples:
        >>> table = pyama.load_merged("results/control_merged.csv")
        >>> fits = pyama.fit_traces(table, "constant")
        >>> len(fits), {"offset", "offset_se", "r_squared", "class"} <= {*fits.columns}
        (9, True)
    """
    t, y, ids = trace_arrays(table, column, time)
    fitted = fit_arrays(t, y, model, fov=ids["fov"], cell=ids["cell"], **options)
    return pd.concat([ids, fitted.drop(columns=["fov", "cell"])], axis=1)


def fit_arrays(
    t: ArrayLike,
    y: ArrayLike,
    model: str | Model = "maturation",
    *,
    free: Iterable[str] | Literal["all"] = (),
    fix: Mapping[str, float] | None = None,
    bounds: Mapping[str, tuple[float, float]] | None = None,
    guess: Mapping[str, float] | None = None,
    starts: int = FitSettings.starts,
    loss: Loss = "linear",
    seed: int = 0,
    profile: bool = False,
    workers: int | None = None,
    watch: Watch | None = None,
    fov: ArrayLike = 0,
    cell: ArrayLike | None = None,
) -> pd.DataFrame:
    """Fit a model to traces by bounded least squares from several starts.

    With the loss `linear`, a trace whose noise grows with the signal is fitted a second time
    with weights, see `weighted_traces.reweighted`.

    The result of a cell depends only on its trace, fov, cell and the options, not on other
    cells, their order or the number of workers.

    Args:
        t: Hours, shape (T,), or (n_cells, T) if cells have different times.
        y: Traces in counts, shape (n_cells, T). Points that are not finite are left out.
        model: A model or its name in `MODELS`; `auto` fits every model of `MODELS` and
            keeps, for each cell, the one with the smallest BIC (Schwarz 1978,
            doi:10.1214/aos/1176344136), or none, see `model_choice.choose`.
        free: Parameters to fit besides those that are free by default, or `all`.
        fix: Values of parameters that are not fitted.
        bounds: Lower and upper bounds of parameters that replace the model's. With `auto`,
            they apply to the models that have a parameter of that name.
        guess: First starting values that replace those from the traces.
        starts: Number of starts per cell: the first guess, and random values around it.
        loss: `linear` is the sum of squares; `soft_l1` grows linearly for residuals beyond
            1.5 times the noise of the trace, which reduces the influence of outliers.
        seed: Seed of the random start values of every cell.
        profile: Also compute intervals of 95 % that need not be symmetric, see
            `profile_intervals`; it takes several times as long.
        workers: Number of threads; by default one per core, at most 8.
        watch: Is given the part that is done, 0 to 1, again and again; an exception from it
            ends the fit.
        fov: Field of view of the cells, one number or shape (n_cells,).
        cell: Numbers of the cells, shape (n_cells,); by default 0, 1, ....

    Returns:
        One row per cell, in order: fov, cell, model_type, success, r_squared, the
        parameters, their standard errors as NAME_se (for noise that is correlated and grows
        with the signal, see `standard_errors`; NaN where fixed, at a bound, or not determined
        by the data; a 95 % interval is the estimate ± 1.96 of them), with `profile` the ends
        NAME_low and NAME_high of 95 % intervals, rmse, aic (of the plain sum of squares), bic
        (see `information_criterion`), n_points, n_effective (of independent points, see
        `effective_numbers`), class (good, fair, poor, failed, undecided; not
        expressing without a rise or fall) and message. A trace that cannot be fitted has
        success False, NaN and the reason; so has one for which `auto` finds no model that is
        clearly better than the others, but for R² and the criteria of the best one; its
        model_type is `undecided`.

    Raises:
        ArrayError: The shapes are inconsistent.
        ConfigError: An option or a name is wrong.
    """
    threads = default_workers() if workers is None else workers
    freed: Any = free if free == "all" else (free,) if isinstance(free, str) else tuple(free)
    options = Options(
        freed, fix or {}, bounds or {}, guess or {}, starts, loss, seed, threads, profile
    )
    setups = model_setups(model, options)
    times, values = _checked(t, y)
    ids = _numbered(len(values), fov, cell)
    tell = partial(_tell, watch, len(values) * len(setups), [0])
    fits = [_fit(times, values, ids, setup, options, tell) for setup in setups]
    fitted = fits[0] if model != AUTO else _best(fits, setups, profile)
    return name_flat(fitted, times, values)


def check_options(model: str, **options: Any) -> None:
    """Raise the errors of `fit_arrays` for a model and options that are wrong."""
    fit_arrays(np.zeros(1), np.zeros((0, 1)), model, **options)


def _tell(watch: Watch | None, total: int, done: list[int], n: int) -> None:
    """Pass on that `n` more traces are done, of `total` for all models."""
    done[0] += n
    if watch is not None:
        watch(done[0] / max(1, total))


def _checked(t: ArrayLike, y: ArrayLike) -> tuple[Values, Values]:
    times, values = np.asarray(t, float), np.asarray(y, float)
    if values.ndim != 2 or times.shape not in (values.shape, values.shape[1:]):
        raise ArrayError(
            f"y must have the shape (n_cells, T) and t (T,) or the same as y; got "
            f"{values.shape} and {times.shape}."
        )
    return np.broadcast_to(times, values.shape), values


def _numbered(n: int, fov: ArrayLike, cell: ArrayLike | None) -> pd.DataFrame:
    given = {
        "fov": np.asarray(fov),
        "cell": np.asarray(np.arange(n) if cell is None else cell),
    }
    for name, numbers in given.items():
        if numbers.shape not in ((), (n,)):
            raise ArrayError(f"{name} has the shape {numbers.shape}; expected ({n},).")
        if numbers.size and (numbers.dtype.kind not in "iu" or numbers.min() < 0):
            raise ArrayError(f"{name} must be whole numbers from 0, got {numbers}.")
    return pd.DataFrame({name: np.broadcast_to(given[name], n) for name in given})


def _best(fits: list[pd.DataFrame], setups: list[Setup], profile: bool) -> pd.DataFrame:
    """Return the fit of the most probable model of each trace."""
    names = [name for setup in setups for name in setup.model.names]
    return choose(fits, columns(tuple(dict.fromkeys(names)), profile))


def _fit(
    times: Values,
    values: Values,
    ids: pd.DataFrame,
    setup: Setup,
    options: Options,
    tell: Callable[[int], None],
) -> pd.DataFrame:
    """Fit one model to all traces."""
    t, y, number = points_first(times, values)
    table = without_fit(ids, setup, number, options.profile)
    filled = np.where(
        np.isfinite(y), y, y[np.arange(len(y)), np.maximum(number - 1, 0)][:, None]
    )
    usable = np.flatnonzero((number >= setup.needed) & (np.ptp(filled, axis=1) > 0))
    scale = OUTLIER * white_noise(y) if options.loss == "soft_l1" else np.zeros(len(y))
    traces = Traces(filled, number, scale)
    blocks = [usable[i : i + BLOCK] for i in range(0, len(usable), BLOCK)]

    def fit(block: Indices) -> pd.DataFrame:
        seeds = [(options.seed, *key) for key in ids.iloc[block].to_numpy().tolist()]
        return _fit_block(setup, t[block], traces.take(block), seeds, options)

    tell(len(y) - len(usable))
    with ThreadPoolExecutor(options.workers) as pool:
        try:
            for block, rows in zip(blocks, pool.map(fit, blocks), strict=True):
                table.loc[block, rows.columns] = rows.to_numpy()
                tell(len(block))
        finally:
            pool.shutdown(cancel_futures=True)  # of the blocks that are not begun
    return table


def _fit_block(
    setup: Setup, t: Values, traces: Traces, seeds: list[tuple[int, ...]], options: Options
) -> pd.DataFrame:
    """Fit a few traces from all of their starts and keep the best solution of each."""
    starts = options.starts
    shape = starts - 1, len(setup.model.parameters)
    draws = np.array([np.random.default_rng(seed).uniform(-1, 1, shape) for seed in seeds])
    model = setup.model
    every = np.repeat(np.arange(len(t)), starts)
    many = traces.take(every)

    def values(x: Values, rows: Indices) -> Values:
        return model.evaluate(t[every[rows]], setup.complete(x))

    def slopes(x: Values, rows: Indices) -> Values:
        return model.jacobian(t[every[rows]], setup.complete(x))[setup.free]

    # A model may overflow far from the data; such steps are rejected by their cost.
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        x = draw_starts(setup, t, traces, draws)
        lower, upper = setup.lower[setup.free], setup.upper[setup.free]
        ends = minimize(values, slopes, many, x, lower, upper)
        best = ends.cost.reshape(len(t), starts).argmin(axis=1) + np.arange(len(t)) * starts
        solution = Solution(ends.x[best], ends.cost[best], ends.converged[best])
        noise = noise_of_fit(setup, t, traces, solution.x)
        if options.loss == "linear":
            traces, solution = reweighted(setup, t, traces, solution, noise)
        return fitted_rows(setup, t, traces, solution, noise, options.profile)
