"""How a number is distributed over the cells of each sample, for page, report and figures."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from pyama.analysis.expression import SHARES
from pyama.analysis.statistics import describe, finite_values
from pyama.analysis.table_columns import with_text_names
from pyama.analysis.trace_shape import Values

OUTLIER_IQRS = 3.0
"""A value is far out if it is this number of interquartile ranges beyond the quartiles.

After Tukey (1977), Exploratory Data Analysis.
"""
MAX_BINS = 40


@dataclass(frozen=True)
class SampleHistogram:
    """Histogram of a number in each sample.

    Attributes:
        edges: Of the bins, shape (n + 1,).
        shares: Percent of the cells of a sample in each bin, shape (n,), by sample. Cells
            without a finite value do not count.
        summaries: n, mean, sd, cv and quantiles by sample, see `statistics.describe`.
        not_shown: Number of values outside of the bins, such as "2 of 50 far out, not
            drawn"; empty if there are none.
    """

    edges: Values
    shares: Mapping[str, Values]
    summaries: Mapping[str, Mapping[str, float]]
    not_shown: str


def sample_histogram(
    table: pd.DataFrame, column: str, samples: Sequence[str]
) -> SampleHistogram:
    """Count the cells of each sample in common bins.

    Args:
        table: One row per cell with the columns `sample` and `column`.
        column: A column of numbers.
        samples: Names of the samples; those without a cell are empty.
    """
    table = with_text_names(table)
    values = {
        name: finite_values(table.loc[table["sample"] == name, column]) for name in samples
    }
    edges = bin_edges(*by_sample(table, column))
    return SampleHistogram(
        edges,
        {name: _shares(cells, edges) for name, cells in values.items()},
        {name: describe(cells) for name, cells in values.items()},
        not_shown(table[column].to_numpy(float), edges[0], edges[-1]),
    )


def _shares(values: Values, edges: Values) -> Values:
    return np.histogram(values, edges)[0] * 100 / max(1, len(values))


def central_range(*samples: Values) -> tuple[float, float]:
    """Return the smallest and the largest value that is not far out.

    Args:
        samples: Values of each sample, shape (n,); what is not finite is left out. Values are
            compared with their own sample only, so that a small sample that differs from the
            others is not cut off.

    Returns:
        Two different numbers; (0, 1) without values.
    """
    ranges = [_central(values[np.isfinite(values)]) for values in samples]
    known = [limits for limits in ranges if limits is not None]
    if not known:
        return 0.0, 1.0
    low, high = min(low for low, _ in known), max(high for _, high in known)
    pad = 0.0 if high > low else max(1e-9, 0.05 * abs(low))
    return low - pad, high + pad


def axis_range(table: pd.DataFrame, column: str, margin: float) -> tuple[float, float]:
    """Return the limits of an axis that shows what is not far out.

    Args:
        table: One row per cell with the columns `sample` and `column`.
        column: A column of numbers.
        margin: Free space at both ends, as a part of the range.
    """
    low, high = central_range(*by_sample(table, column))
    return low - margin * (high - low), high + margin * (high - low)


def _central(values: Values) -> tuple[float, float] | None:
    if not values.size:
        return None
    q25, q75 = np.quantile(values, [0.25, 0.75])
    reach = OUTLIER_IQRS * (q75 - q25)
    inside = values[(values >= q25 - reach) & (values <= q75 + reach)]
    return float(inside.min()), float(inside.max())


def far_out_note(table: pd.DataFrame, features: Sequence[str]) -> str:
    """Return how many cells have a number that is far out in their sample; empty if none.

    Args:
        table: One row per cell with the column `sample`.
        features: Columns of numbers.
    """
    parts = []
    for name in features:
        samples = [values[np.isfinite(values)] for values in by_sample(table, name)]
        limits = [(values, _central(values)) for values in samples]
        far = sum(int(np.sum((v < c[0]) | (v > c[1]))) for v, c in limits if c is not None)
        if far and name not in SHARES:
            parts.append(f"{name} {far} of {sum(map(len, samples))}")
    if not parts:
        return ""
    return (
        "Cells that are far from the others of their sample, by more than "
        f"{OUTLIER_IQRS:g} interquartile ranges: {', '.join(parts)}. They change mean, sd "
        "and cv; median and quartiles hardly."
    )


def bin_edges(*samples: Values) -> Values:
    """Return the edges of a histogram of the values that are not far out.

    Args:
        samples: As for `central_range`.
    """
    n = sum(int(np.isfinite(values).sum()) for values in samples)
    return np.linspace(*central_range(*samples), min(MAX_BINS, 8 + int(np.sqrt(n))) + 1)


def by_sample(table: pd.DataFrame, column: str) -> list[Values]:
    """Return the numbers of a column, one array per sample."""
    groups = table.groupby("sample", sort=False, observed=True)
    return [cells[column].to_numpy(float) for _, cells in groups]


def not_shown(values: Values, low: float, high: float) -> str:
    """Return the number of values outside of a figure in words; empty if there are none."""
    values = values[np.isfinite(values)]
    n = int(np.count_nonzero((values < low) | (values > high)))
    return not_drawn(n, len(values))


def not_drawn(n: int, of: int) -> str:
    """Return how many values a figure leaves out; empty for none."""
    return f"{n} of {of} far out, not drawn" if n else ""
