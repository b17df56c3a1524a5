"""Differences between samples: the test on replicates, and beside it the one on cells."""

import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any, Literal, get_args

import numpy as np
import pandas as pd
import scipy
from numpy.typing import ArrayLike

from pyama.analysis.common_window import window_warning
from pyama.analysis.expression import SHARES, without_flat_fits
from pyama.analysis.joined_tables import MEASURES_OF_FIT, fitted_parameters
from pyama.analysis.rank_shift import mann_whitney
from pyama.analysis.replicate_tests import compare_replicates, have_same_replicates
from pyama.analysis.replicates import (
    Level,
    feature_warning,
    level_of,
    replicate_warning,
    samples_in_order,
)
from pyama.analysis.statistics import chosen_features
from pyama.analysis.table_columns import with_text_names
from pyama.analysis.trace_shape import Values
from pyama.errors import ConfigError

Correction = Literal["holm", "benjamini_hochberg"]


def compare(
    table: pd.DataFrame,
    features: Iterable[str] | None = None,
    by: str = "sample",
    *,
    reference: str | None = None,
    order: Sequence[str] | None = None,
    correction: Correction = "holm",
    confidence: float = 0.95,
) -> pd.DataFrame:
    """Compare samples pair by pair, feature by feature.

    Cells of one replicate have more in common than cells of different ones, so that a test on
    cells finds differences where there are none. The test to cite is therefore that of
    Student (1908, doi:10.1093/biomet/6.1.1) on one value per replicate, the median of its
    cells; with unequal numbers of replicates that of Welch (1947,
    doi:10.1093/biomet/34.1-2.28). If every replicate holds both samples, the differences
    within replicates are tested (paired test): what replicates have in common cancels out. Of
    `expressing`, it is the share of the cells instead of their median.
    `pyama.analysis.replicates.level_of` says what counts as a replicate. Beside it stands the
    comparison of all cells, see `pyama.analysis.rank_shift.mann_whitney`.

    Args:
        table: One row per cell, as from `trace_features` or a fit. Fits of the class
            not expressing do not count.
        features: Columns to compare; by default the parameters that were fitted, or every
            column of numbers of a table without standard errors.
        by: Column that names the sample.
        reference: Sample that the others are compared with; by default all pairs are
            compared.
        order: Order of the samples; by default that of a categorical column, else sorted.
        correction: Correction of p for the number of rows: `holm` bounds the probability of
            any false positive, `benjamini_hochberg` their expected fraction
            (doi:10.1111/j.2517-6161.1995.tb02031.x).
        confidence: Level of the intervals.

    Returns:
        One row per feature and pair a, b, independent of the order of the rows of `table`:
        feature, a, b, level (what counts as a replicate), test (paired, Student or Welch),
        units_a, units_b (replicates with a
        finite value), mean_a, mean_b (of the medians of the replicates), difference
        (mean_b - mean_a) with its interval low, high, p, p_adjusted (NaN with fewer than two
        replicates of a sample, or if their medians do not vary); then for cells: n_a, n_b,
        median_a, median_b, shift (Hodges-Lehmann) with its interval shift_low, shift_high,
        effect (Cliff's delta) and p_cells, which is not corrected. NaN where a sample has no
        finite value. Medians and shift of `expressing` say nothing and are NaN.

    Raises:
        ConfigError: A column or sample is missing, or an option is wrong.

    Warns:
        UserWarning: A sample, or a feature in it, has fewer than three replicates, or features
            of traces were computed over different windows.
    """
    if by in table:
        few = replicate_warning(table, by, level_of(table, by), order)
        for warning in filter(None, (few, window_warning(table, by))):
            warnings.warn(warning, UserWarning, stacklevel=2)
    found = comparison(
        table,
        features,
        by,
        reference=reference,
        order=order,
        correction=correction,
        confidence=confidence,
    )
    if sparse := feature_warning(found, table, by, level_of(table, by)):
        warnings.warn(sparse, UserWarning, stacklevel=2)
    return found


def comparison(
    table: pd.DataFrame,
    features: Iterable[str] | None = None,
    by: str = "sample",
    *,
    reference: str | None = None,
    order: Sequence[str] | None = None,
    correction: Correction = "holm",
    confidence: float = 0.95,
) -> pd.DataFrame:
    """Compare samples as `compare` does, without a warning."""
    _check_options(correction, confidence)
    features = _compared_features(table, features, by)
    table = with_text_names(without_flat_fits(table, features), by)
    samples = samples_in_order(table[by], order)
    pairs = _pairs(samples, reference)
    level = level_of(table, by)
    cells = {name: table[table[by] == name] for name in samples}
    values = {
        (name, feature): _Values.of(cells[name], feature, level)
        for name in samples
        for feature in features
    }
    paired = {(a, b): have_same_replicates(cells[a], cells[b], level) for a, b in pairs}
    rows = [
        {"feature": feature, "a": a, "b": b, "level": level.name}
        | _difference(
            values[a, feature], values[b, feature], confidence, is_paired=paired[a, b]
        )
        | (dict.fromkeys(_OF_NUMBERS, np.nan) if feature in SHARES else {})
        for feature in features
        for a, b in pairs
    ]
    names = [
        "feature",
        "a",
        "b",
        "level",
        *_difference(_NONE, _NONE, confidence, is_paired=False),
    ]
    out = pd.DataFrame(rows, columns=names)
    adjusted = adjust(out["p"].to_numpy(float), correction)
    out.insert(names.index("p") + 1, "p_adjusted", adjusted)
    return out


def _compared_features(
    table: pd.DataFrame, features: Iterable[str] | None, by: str
) -> list[str]:
    """Return the columns to compare; by default neither errors nor measures of a fit."""
    if features is not None:
        return chosen_features(table, features, by)
    if any(str(name).endswith("_se") for name in table):
        return chosen_features(table, fitted_parameters(table), by)
    numbers = chosen_features(table, None, by)
    return [name for name in numbers if name not in MEASURES_OF_FIT]


@dataclass(frozen=True)
class _Values:
    """Finite values of a feature in a sample: of its cells, and one of each replicate."""

    cells: Values
    units: "pd.Series[Any]"

    @classmethod
    def of(cls, table: pd.DataFrame, feature: str, level: Level) -> "_Values":
        finite = table[np.isfinite(table[feature].to_numpy(float))]
        keys: Any = list(level.columns) or np.zeros(len(finite))
        groups = finite.groupby(keys, dropna=False, observed=True)[feature]
        units = groups.mean() if feature in SHARES else groups.median()
        return cls(finite[feature].to_numpy(float), units)


_OF_NUMBERS = ("median_a", "median_b", "shift", "shift_low", "shift_high")
"""Results that mean nothing for values that are 0 or 1."""
_NONE = _Values(np.empty(0), pd.Series(dtype=float))


def _pairs(samples: Sequence[Any], reference: str | None) -> list[tuple[Any, Any]]:
    if reference is None:
        return list(combinations(samples, 2))
    if reference not in samples:
        raise ConfigError(f"No sample {reference!r}. Samples: {', '.join(map(str, samples))}.")
    return [(reference, other) for other in samples if other != reference]


def _check_options(correction: str, confidence: float) -> None:
    if correction not in get_args(Correction):
        raise ConfigError(
            f"Unknown correction {correction!r}. Available: {', '.join(get_args(Correction))}."
        )
    if not 0 < confidence < 1:
        raise ConfigError(f"confidence is {confidence}; expected a number between 0 and 1.")


def _difference(
    a: _Values, b: _Values, confidence: float, *, is_paired: bool
) -> dict[str, float | str]:
    tested = compare_replicates(a.units, b.units, confidence, is_paired=is_paired)
    mean_a, mean_b = (_if_any(np.mean, x) for x in (tested.a, tested.b))
    ranks = mann_whitney(a.cells, b.cells, confidence)
    return {
        "test": tested.name,
        "units_a": len(tested.a),
        "units_b": len(tested.b),
        "mean_a": mean_a,
        "mean_b": mean_b,
        "difference": mean_b - mean_a,
        "low": tested.low,
        "high": tested.high,
        "p": tested.p,
        "n_a": len(a.cells),
        "n_b": len(b.cells),
        "median_a": _if_any(np.median, a.cells),
        "median_b": _if_any(np.median, b.cells),
        "shift": ranks.shift,
        "shift_low": ranks.low,
        "shift_high": ranks.high,
        "effect": ranks.effect,
        "p_cells": ranks.p,
    }


def _if_any(function: Any, values: Values) -> float:
    return float(function(values)) if len(values) else np.nan


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
