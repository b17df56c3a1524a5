"""Statistics of cells, of samples, and of the differences between samples."""

from collections.abc import Iterable
from itertools import combinations
from typing import Any, Literal, get_args

import numpy as np
import pandas as pd
import scipy
from numpy.typing import ArrayLike, NDArray

from pyama.analysis.table_columns import IDENTITY, require_columns
from pyama.analysis.trace_shape import Values, onsets, points_first, trace_arrays
from pyama.errors import ConfigError

Correction = Literal["holm", "benjamini_hochberg"]

KEYS = (*IDENTITY, "source_cell", "frame", "good", "n_points")
"""Columns that are not features."""
QUANTILES = {"q05": 0.05, "q25": 0.25, "median": 0.5, "q75": 0.75, "q95": 0.95}
RESAMPLES = 2000
"""Bootstrap samples of a confidence interval."""
BATCH = 1_000_000
"""Values drawn at a time by the bootstrap."""


def trace_features(
    table: pd.DataFrame, column: str = "intensity_total_ch_1", time: str = "time"
) -> pd.DataFrame:
    """Compute features of every trace.

    Args:
        table: One row per cell and frame with the columns fov, cell, `time` and `column`;
            the columns experiment, recording and sample are kept. Rows whose `good` is False
            are left out.
        column: Column of the traces, in counts; NaN where there is no value.
        time: Column of the times, in hours.

    Returns:
        One row per cell: (experiment, recording, sample,) fov, cell, n_points, mean and
        maximum (counts), auc (area under the curve by trapezoids, counts h; NaN below two
        points) and onset (h; NaN for traces that do not rise, see
        `pyama.analysis.trace_shape.onsets`).

    Raises:
        ConfigError: A column is missing, the times are not in hours, or a cell has the same
            time twice.
    """
    t, y, ids = trace_arrays(table, column, time)
    t, y, number = points_first(t, y)
    some = number > 0
    ids["n_points"] = number
    ids["mean"] = np.divide(np.nansum(y, axis=1), number, out=_nans(number), where=some)
    highest = np.where(np.isfinite(y), y, -np.inf).max(axis=1, initial=-np.inf)
    ids["maximum"] = np.where(some, highest, np.nan)
    area = np.nansum(np.diff(t) * (y[:, 1:] + y[:, :-1]) / 2, axis=1)
    ids["auc"] = np.where(number > 1, area, np.nan)
    ids["onset"] = onsets(t, y)
    return ids


def summarize(
    table: pd.DataFrame, features: Iterable[str] | None = None, by: str = "sample"
) -> pd.DataFrame:
    """Describe the distribution of every feature in every sample.

    Args:
        table: One row per cell, as from `trace_features` or a fit.
        features: Columns to describe; by default every column of numbers.
        by: Column that names the sample.

    Returns:
        One row per sample and feature: n (cells with a finite value), mean, sd, cv (sd
        divided by the absolute mean), q05, q25, median, q75, q95. NaN where there are too
        few cells: sd and cv need two.

    Raises:
        ConfigError: A column is missing.
    """
    features = _features(table, features, by)
    rows = []
    for sample, cells in table.groupby(by, sort=True):
        for feature in features:
            values = finite_values(cells[feature])
            rows.append({by: sample, "feature": feature, **describe(values)})
    return pd.DataFrame(rows, columns=[by, "feature", *describe(np.empty(0))])


def describe(values: Values) -> dict[str, float]:
    """Return n, mean, sd, cv and quantiles of finite values; see `summarize`."""
    n = len(values)
    mean = float(values.mean()) if n else np.nan
    sd = float(values.std(ddof=1)) if n > 1 else np.nan
    levels = np.quantile(values, list(QUANTILES.values())) if n else [np.nan] * len(QUANTILES)
    cv = sd / abs(mean) if mean else np.nan
    return {
        "n": n,
        "mean": mean,
        "sd": sd,
        "cv": cv,
        **dict(zip(QUANTILES, levels, strict=True)),
    }


def course(table: pd.DataFrame, column: str) -> pd.DataFrame:
    """Describe the cells of a sample frame by frame.

    Args:
        table: Traces of one sample with `time` in hours, and `frame` if there is one.
        column: Column of the traces; rows without a value are left out.

    Returns:
        One row per frame (without `frame`, per time): time (mean over the cells), mean,
        count (cells with a value), low and high (quartiles).
    """
    rows = table.dropna(subset=[column])
    frames = rows.groupby("frame" if "frame" in rows else "time")
    out = frames[column].agg(["mean", "count"])
    out["low"], out["high"] = frames[column].quantile(0.25), frames[column].quantile(0.75)
    out["time"] = frames["time"].mean()
    return out


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


def compare(
    table: pd.DataFrame,
    features: Iterable[str] | None = None,
    by: str = "sample",
    *,
    reference: str | None = None,
    correction: Correction = "holm",
    confidence: float = 0.95,
    seed: int = 0,
) -> pd.DataFrame:
    """Compare samples pair by pair, feature by feature.

    The test is that of Mann & Whitney (1947, doi:10.1214/aoms/1177730491), the effect size
    Cliff's delta (1993, doi:10.1037/0033-2909.114.3.494). Cells are treated as
    independent, although those of one field of view or one experiment are not fully so.

    Args:
        table: One row per cell, as from `trace_features` or a fit.
        features: Columns to compare; by default every column of numbers.
        by: Column that names the sample.
        reference: Sample that the others are compared with; by default all pairs are
            compared.
        correction: Correction of p for the number of rows: `holm` bounds the probability of
            any false positive, `benjamini_hochberg` their expected fraction
            (doi:10.1111/j.2517-6161.1995.tb02031.x).
        confidence: Level of the interval of the difference.
        seed: Seed of the bootstrap; the same for each row.

    Returns:
        One row per feature and pair a, b: feature, a, b, n_a, n_b, median_a, median_b,
        difference (median_b - median_a) with its bootstrap interval low, high, effect
        (probability that a cell of b exceeds one of a, minus the reverse: -1 to 1), p,
        p_adjusted. NaN where a sample has no finite value.

    Raises:
        ConfigError: A column or sample is missing, or an option is wrong.
    """
    if correction not in get_args(Correction):
        raise ConfigError(
            f"Unknown correction {correction!r}. Available: {', '.join(get_args(Correction))}."
        )
    if not 0 < confidence < 1:
        raise ConfigError(f"confidence is {confidence}; expected a number between 0 and 1.")
    features = _features(table, features, by)
    samples = sorted(table[by].dropna().unique())
    pairs = list(combinations(samples, 2))
    if reference is not None:
        if reference not in samples:
            raise ConfigError(
                f"No sample {reference!r}. Samples: {', '.join(map(str, samples))}."
            )
        pairs = [(reference, other) for other in samples if other != reference]
    values = {sample: table[table[by] == sample] for sample in samples}
    rows = [
        {"feature": feature, "a": a, "b": b}
        | _difference(
            finite_values(values[a][feature]),
            finite_values(values[b][feature]),
            confidence,
            seed,
        )
        for feature in features
        for a, b in pairs
    ]
    names = ["feature", "a", "b", *_difference(np.empty(0), np.empty(0), confidence, seed)]
    out = pd.DataFrame(rows, columns=names)
    out["p_adjusted"] = adjust(out["p"].to_numpy(float), correction)
    return out


def adjust(p: ArrayLike, correction: Correction = "holm") -> Values:
    """Correct p values for multiple testing; NaN stays NaN and is not counted."""
    p = np.asarray(p, float)
    out, known = np.full(p.shape, np.nan), np.isfinite(p)
    if correction == "benjamini_hochberg":
        out[known] = scipy.stats.false_discovery_control(p[known]) if known.any() else []
        return out
    order = np.argsort(p[known], kind="stable")
    factors = np.arange(len(order), 0, -1)
    adjusted = np.empty(len(order))
    adjusted[order] = np.minimum(np.maximum.accumulate(p[known][order] * factors), 1)
    out[known] = adjusted
    return out


def _difference(a: Values, b: Values, confidence: float, seed: int) -> dict[str, float]:
    both = len(a) > 0 and len(b) > 0
    medians = [float(np.median(x)) if len(x) else np.nan for x in (a, b)]
    low, high = bootstrap_interval(a, b, confidence, seed) if both else (np.nan, np.nan)
    effect, p = np.nan, np.nan
    if both:
        differs = min(a.min(), b.min()) < max(a.max(), b.max())
        test = scipy.stats.mannwhitneyu(b, a) if differs else None
        effect = 2 * float(test.statistic) / (len(a) * len(b)) - 1 if test else 0.0
        p = float(test.pvalue) if test else 1.0
    return {
        "n_a": len(a),
        "n_b": len(b),
        "median_a": medians[0],
        "median_b": medians[1],
        "difference": medians[1] - medians[0],
        "low": low,
        "high": high,
        "effect": effect,
        "p": p,
    }


def bootstrap_interval(
    a: Values, b: Values, confidence: float = 0.95, seed: int = 0
) -> tuple[float, float]:
    """Percentile interval of median(b) - median(a) over `RESAMPLES` bootstrap samples.

    Efron (1979, doi:10.1214/aos/1176344552). Both samples need a value.
    """
    rng = np.random.default_rng(seed)
    drawn = _resampled_medians(b, rng) - _resampled_medians(a, rng)
    low, high = np.quantile(drawn, [(1 - confidence) / 2, (1 + confidence) / 2])
    return float(low), float(high)


def _resampled_medians(values: Values, rng: np.random.Generator) -> Values:
    batch = max(1, BATCH // len(values))
    sizes = [min(batch, RESAMPLES - done) for done in range(0, RESAMPLES, batch)]
    picks = (rng.integers(len(values), size=(size, len(values))) for size in sizes)
    return np.concatenate([np.median(values[pick], axis=1) for pick in picks])


def _features(table: pd.DataFrame, features: Iterable[str] | None, by: str) -> list[str]:
    if features is None:
        numbers = table.select_dtypes("number").columns
        wanted = [str(name) for name in numbers if name not in KEYS and name != by]
    else:
        wanted = [features] if isinstance(features, str) else list(features)
    require_columns(table, (by, *wanted))
    return wanted


def finite_values(values: "pd.Series[float]") -> Values:
    """Return the finite values of a column, shape (n,)."""
    array = np.asarray(values, np.float64)
    return array[np.isfinite(array)]


def _nans(like: NDArray[np.intp]) -> Values:
    return np.full(like.shape, np.nan)
