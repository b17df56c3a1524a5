"""Statistics of cells and of samples."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pyama import layout
from pyama.analysis.common_window import window_of
from pyama.analysis.expression import EXPRESSING, SHARES, feature_notes, without_flat_fits
from pyama.analysis.onsets import find_onsets
from pyama.analysis.replicates import samples_in_order
from pyama.analysis.table_columns import IDENTITY, require_columns, unit_of, with_text_names
from pyama.analysis.time_checks import refuse_several_rows
from pyama.analysis.trace_shape import Values, points_first, trace_arrays
from pyama.traces.trace_rows import PARENT

KEYS = (
    *(*IDENTITY, *layout.CONDITION_COLUMNS, PARENT, "source_cell", "frame", "good"),
    *("n_points", "window_start", "window_end"),
)
"""Columns that are not features."""
QUANTILES = {"q05": 0.05, "q25": 0.25, "median": 0.5, "q75": 0.75, "q95": 0.95}
NEAR_ZERO = 2
"""Below so many standard errors, a mean is too close to 0 to divide by."""
TRACE_FEATURES = {
    "mean": ("mean", "{}"),
    "maximum": ("maximum", "{}"),
    "auc": ("area under the curve", "{} h"),
    "onset": ("onset", "h"),
    EXPRESSING: ("expressing cells (1) and others (0)", ""),
}
"""Numbers of `trace_features`: label, and unit given that of the trace."""


def trace_features(
    table: pd.DataFrame,
    column: str = "intensity_total_ch_1",
    time: str = "time",
    *,
    window: tuple[float, float] | None = None,
) -> pd.DataFrame:
    """Compute features of every trace.

    All features are those of a window in time, because mean, maximum, area and the number of
    cells that express depend on its length.

    Args:
        table: One row per cell and frame with the columns fov, cell, `time` and `column`.
            Other columns of `pyama.analysis.table_columns.IDENTITY` are kept. Rows whose
            `good` is False are left out.
        column: Column of the traces, in counts; NaN where there is no value.
        time: Column of the times, in hours.
        window: Start and end in hours. By default the time that all samples and recordings
            of the table have in common.

    Returns:
        One row per cell: (columns of `IDENTITY`, day, plate and condition,) fov, cell,
        (parent,) n_points, window_start,
        window_end (h), mean over time (each value stands for the time from halfway to the one
        before it to halfway to the next) and maximum (counts), auc (area under the curve by
        trapezoids, counts h; NaN below two points), onset (h; NaN for traces that do not
        rise, and where the beginning of the rise was not seen, see
        `pyama.analysis.onsets.find_onsets`), onset_censored (whether a trace rises, but did
        so already when it was first seen) and expressing (1 for traces that rise, 0 for
        others). mean, maximum, auc and expressing are NaN for cells that are not seen over
        the whole window: if more than a twentieth of it (or 1.5 frames, if that is longer) is
        missing at an end. expressing is also NaN where it
        cannot be told, see `pyama.analysis.onsets.Onsets.known`.

    Raises:
        ConfigError: A column is missing, the times are not in hours, a cell has the same time
            twice, or the window ends before it starts.
    """
    return features_and_notes(table, column, time, window=window)[0]


def features_and_notes(
    table: pd.DataFrame,
    column: str,
    time: str = "time",
    *,
    window: tuple[float, float] | None = None,
    features: Sequence[str] | None = None,
) -> tuple[pd.DataFrame, list[str]]:
    """Return `trace_features`, and what has to be known to compare them, in sentences.

    `features` are those that are compared, by default all.
    """
    t, y, ids = trace_arrays(table, column, time)
    t, y, _ = points_first(t, y)
    common = window_of(t, y, ids, window)
    t, y, number = points_first(t, np.where(common.contains(t), y, np.nan))
    ids["n_points"] = number
    ids["window_start"], ids["window_end"] = common.start, common.end
    last = t[np.arange(len(t)), np.maximum(number - 1, 0)]
    whole = (number > 0) & common.covered_by(t[:, 0], last)
    ids["mean"] = np.where(whole, _means(t, y, number), np.nan)
    highest = np.where(np.isfinite(y), y, -np.inf).max(axis=1, initial=-np.inf)
    ids["maximum"] = np.where(whole, highest, np.nan)
    area = np.nansum(np.diff(t) * (y[:, 1:] + y[:, :-1]) / 2, axis=1)
    ids["auc"] = np.where(whole & (number > 1), area, np.nan)
    found = find_onsets(t, y)
    ids["onset"] = found.time
    ids["onset_censored"] = found.rises & ~found.seen
    ids[EXPRESSING] = np.where(whole & found.known, found.rises, np.nan)
    samples = list(table["sample"].dropna().unique()) if "sample" in table else []
    return ids, list(feature_notes(ids, common, samples, features))


def trace_feature_units(column: str) -> dict[str, str]:
    """Return the units of `TRACE_FEATURES`; empty if the unit of a column is not known."""
    unit = unit_of(column)
    return {
        name: own.format(unit) if unit or name == "onset" else ""
        for name, (_, own) in TRACE_FEATURES.items()
    }


def summarize(
    table: pd.DataFrame,
    features: Iterable[str] | None = None,
    by: str = "sample",
    *,
    order: Sequence[str] | None = None,
) -> pd.DataFrame:
    """Describe the distribution of every feature in every sample.

    Args:
        table: One row per cell, as from `trace_features` or a fit. Fits of the class
            not expressing do not count.
        features: Columns to describe; by default every column of numbers.
        by: Column that names the sample.
        order: Order of the samples; by default they are sorted.

    Returns:
        One row per sample and feature: n (cells with a finite value), mean, sd, cv (sd
        divided by the absolute mean), q05, q25, median, q75, q95. NaN where there are too
        few cells: sd and cv need two; cv also where the mean differs from 0 by less than two
        of its standard errors. Of `expressing`, quantiles say nothing and are NaN.

    Raises:
        ConfigError: A column is missing, or `order` lacks a sample.
    """
    features = chosen_features(table, features, by)
    table = with_text_names(without_flat_fits(table, features), by)
    groups = dict(iter(table.groupby(by, sort=True)))
    names = list(groups) if order is None else samples_in_order(table[by], order)
    rows = []
    for sample in names:
        for feature in features:
            values = finite_values(groups[sample][feature])
            numbers = describe(values)
            if feature in SHARES:
                numbers |= dict.fromkeys(QUANTILES, np.nan)
            rows.append({by: sample, "feature": feature, **numbers})
    return pd.DataFrame(rows, columns=[by, "feature", *describe(np.empty(0))])


def describe(values: Values) -> dict[str, float]:
    """Return n, mean, sd, cv and quantiles of finite values; see `summarize`."""
    n = len(values)
    mean = float(values.mean()) if n else np.nan
    sd = float(values.std(ddof=1)) if n > 1 else np.nan
    levels = np.quantile(values, list(QUANTILES.values())) if n else [np.nan] * len(QUANTILES)
    is_near_zero = not n or abs(mean) <= NEAR_ZERO * np.nan_to_num(sd) / np.sqrt(n)
    cv = np.nan if is_near_zero else sd / abs(mean)
    return {
        "n": n,
        "mean": mean,
        "sd": sd,
        "cv": cv,
        **dict(zip(QUANTILES, levels, strict=True)),
    }


def example_fits(fitted: pd.DataFrame) -> "dict[str, pd.Series[Any]]":
    """Return the rows with the best, the median and the worst R²; empty without fits.

    Args:
        fitted: One row per cell with the column `r_squared`; NaN where a fit failed.
    """
    ranked = fitted.dropna(subset=["r_squared"]).sort_values("r_squared", ascending=False)
    if ranked.empty:
        return {}
    places = {"best": 0, "median": len(ranked) // 2, "worst": len(ranked) - 1}
    return {name: ranked.iloc[place] for name, place in places.items()}


def chosen_features(table: pd.DataFrame, features: Iterable[str] | None, by: str) -> list[str]:
    """Return the columns that are described or compared.

    Args:
        table: One row per cell.
        features: The columns; None is every column of numbers that is a feature.
        by: Column that names the sample.

    Raises:
        ConfigError: A column is missing or holds no numbers, or a cell has several rows.
    """
    if features is None:
        numbers = table.select_dtypes("number").columns
        wanted = [str(name) for name in numbers if name not in KEYS and name != by]
    else:
        wanted = [features] if isinstance(features, str) else list(features)
    require_columns(table, (by,), numbers=wanted)
    refuse_several_rows(table)
    return wanted


def finite_values(values: "pd.Series[float]") -> Values:
    """Return the finite values of a column, shape (n,)."""
    array = np.asarray(values, np.float64)
    return array[np.isfinite(array)]


def _means(t: Values, y: Values, number: NDArray[np.intp]) -> Values:
    """Return means over time; see `points_first` for the arguments."""
    steps = np.where(np.isfinite(y[:, 1:]), np.diff(t), 0.0)
    before, after = (np.pad(steps, ((0, 0), pad)) for pad in ((1, 0), (0, 1)))
    last = np.maximum(number - 1, 0), np.arange(len(y))
    before[:, 0], after[last[::-1]] = after[:, 0], before[last[::-1]]
    weights = np.where(np.isfinite(y), before + after, 0.0)
    weights[number == 1, 0] = 1
    total = weights.sum(axis=1)
    means = np.full(len(y), np.nan)
    return np.divide((weights * np.nan_to_num(y)).sum(axis=1), total, means, where=total > 0)
