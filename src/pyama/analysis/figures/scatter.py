"""Two numbers of every cell against each other, for the page and for figures."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from pyama.analysis.figures.colours import random_places
from pyama.analysis.histograms import axis_range, not_drawn
from pyama.analysis.table_columns import sample_names, with_text_names

Scale = Literal["linear", "log"]
SCALES: tuple[Scale, Scale] = ("linear", "log")
MARGIN = 0.05
"""Free space at both ends of an axis, as a part of its range."""


@dataclass(frozen=True)
class Scatter:
    """Two numbers of the cells of each sample.

    Attributes:
        cells: Rows with both numbers by sample; all cells, also those outside of the limits.
        x_limits: Limits of the x axis, around the values that are not far out.
        y_limits: Those of the y axis.
        not_shown: Number of cells outside of the limits, such as "2 of 50 far out, not
            drawn"; empty if there are none.
    """

    cells: Mapping[str, pd.DataFrame]
    x_limits: tuple[float, float]
    y_limits: tuple[float, float]
    not_shown: str


def scatter_of(
    table: pd.DataFrame, x: str, y: str, x_scale: Scale = "linear", y_scale: Scale = "linear"
) -> Scatter:
    """Choose what a scatter plot shows.

    Args:
        table: One row per cell with the columns sample, `x` and `y`. Cells without a finite
            number in both do not count.
        x: Column on the x axis.
        y: Column on the y axis.
        x_scale: With `log`, numbers up to 0 are outside of the limits.
        y_scale: As `x_scale`.
    """
    table = with_text_names(table)
    numbers = table[[x, y]].to_numpy(float)
    kept = table[np.isfinite(numbers).all(axis=1)]
    limits = axis_limits(kept, x, x_scale), axis_limits(kept, y, y_scale)
    inside = np.ones(len(kept), bool)
    for column, (low, high) in zip((x, y), limits, strict=True):
        inside &= kept[column].between(low, high).to_numpy()
    outside = int(np.count_nonzero(~inside))
    return Scatter(
        {name: kept[kept["sample"] == name] for name in sample_names(table)},
        *limits,
        not_drawn(outside, len(kept)),
    )


def axis_limits(
    table: pd.DataFrame, column: str, scale: Scale = "linear"
) -> tuple[float, float]:
    """Return the limits of an axis that shows what is not far out.

    Args:
        table: One row per cell with the columns `sample` and `column`.
        column: A column of numbers.
        scale: With `log`, far out is judged by the logarithm, and limits are above 0.
    """
    if scale == "linear":
        return axis_range(table, column, MARGIN)
    positive = table[table[column] > 0]
    logarithms = positive.assign(**{column: np.log10(positive[column])})
    low, high = np.clip(axis_range(logarithms, column, MARGIN), -300, 300).tolist()
    return 10.0**low, 10.0**high


def thinned(cells: Mapping[str, pd.DataFrame], most: int) -> dict[str, pd.DataFrame]:
    """Return at most about `most` cells, chosen at random in each sample, in their order.

    Every sample keeps its share, and at least one cell.
    """
    total = max(1, sum(map(len, cells.values())))
    return {
        name: rows.iloc[random_places(len(rows), max(1, most * len(rows) // total))]
        for name, rows in cells.items()
    }
