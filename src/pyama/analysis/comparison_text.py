"""Comparisons of samples in words."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from pyama.analysis.replicates import PLURALS
from pyama.analysis.table_columns import with_unit
from pyama.units import number_text


def comparison_lines(table: pd.DataFrame, units: Mapping[str, str]) -> list[str]:
    """Return the rows of a comparison as lines, the test on replicates first.

    Args:
        table: See `pyama.analysis.comparing.compare`.
        units: Units of the features.
    """
    lines: list[str] = []
    for feature, rows in table.groupby("feature", sort=False):
        lines.append(with_unit(str(feature), units.get(str(feature), "")))
        for _, row in rows.iterrows():
            lines += [
                f"  {row['b']} - {row['a']}: {_of_replicates(row)}",
                f"    {_of_cells(row)}",
            ]
    return lines


def _of_replicates(row: "pd.Series[Any]") -> str:
    replicates = f"{row['units_a']} and {row['units_b']} {PLURALS[row['level']]}"
    if not row["p"] >= 0:
        return f"{number_text(row['difference'])}, no test possible with {replicates}"
    interval = f"interval {number_text(row['low'])} to {number_text(row['high'])}"
    p = f"p = {row['p']:.2g}, corrected {row['p_adjusted']:.2g}"
    return f"{number_text(row['difference'])}, {interval}, {p} (medians of {replicates})"


def _of_cells(row: "pd.Series[Any]") -> str:
    cells = f"{row['n_a']} and {row['n_b']} cells"
    if not row["p_cells"] >= 0:
        return cells
    interval = f"interval {number_text(row['shift_low'])} to {number_text(row['shift_high'])}"
    shift = f"shift {number_text(row['shift'])}, {interval}"
    return f"{cells} as if independent: {shift}, p = {row['p_cells']:.2g}"
