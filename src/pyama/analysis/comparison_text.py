"""Comparisons and summaries of samples as lines of text."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pandas as pd

from pyama.analysis.expression import SHARES
from pyama.analysis.replicates import PLURALS
from pyama.analysis.table_columns import with_unit
from pyama.sentences import count_text
from pyama.units import number_text

INDEPENDENT = (
    "Samples are compared as independent, also if they come from the same recordings."
)
SHORT_NAME = 10
"""Longer names of samples have a line of their own, so that a summary fits 80 columns."""


def comparison_lines(table: pd.DataFrame, units: Mapping[str, str]) -> list[str]:
    """Return the rows of a comparison as lines, the test on replicates first.

    The last lines say which test this is.

    Args:
        table: See `pyama.analysis.comparing.compare`; with intervals of 95 %.
        units: Units of the features.
    """
    if table.empty:
        return [
            "There is nothing to compare: expected two samples or more, and a column of "
            "numbers. pyama summarize describes a single sample."
        ]
    lines: list[str] = []
    for feature, rows in table.groupby("feature", sort=False):
        lines.append(with_unit(str(feature), units.get(str(feature), "")))
        for _, row in rows.iterrows():
            lines += [
                f"  {row['b']} - {row['a']}: {_difference(row)}",
                f"    {_of_replicates(row)}",
                f"    {_of_cells(row)}",
            ]
    return [*lines, *_tests(table), INDEPENDENT]


def _tests(table: pd.DataFrame) -> list[str]:
    """Return which test the values of p are from, and what they are corrected for."""
    tested = table[table["p"].notna()]
    is_welch = tested["units_a"] != tested["units_b"]
    names = ["Student's"] * (not is_welch.all()) + ["Welch's"] * bool(is_welch.any())
    if tested.empty:
        return []
    which = " or, with unequal numbers, ".join(names)
    n = count_text(len(tested), "test")
    return [f"p: {which} t test of replicates.", f"corrected: after Holm, for the {n} shown."]


def _difference(row: "pd.Series[Any]") -> str:
    if not row["low"] <= row["high"]:
        return _number(row["difference"])
    interval = f"{number_text(row['low'])} to {number_text(row['high'])}"
    return f"{number_text(row['difference'])}, 95 % interval {interval}"


def _of_replicates(row: "pd.Series[Any]") -> str:
    replicates = f"{row['units_a']} and {row['units_b']} {PLURALS[row['level']]}"
    if not row["p"] >= 0:
        return f"no test possible with {replicates}"
    p = f"p = {row['p']:.2g}, corrected {row['p_adjusted']:.2g}"
    kind = "shares" if row["feature"] in SHARES else "medians"
    return f"{p} ({kind} of {replicates})"


def _of_cells(row: "pd.Series[Any]") -> str:
    cells = f"{row['n_a']} and {count_text(int(row['n_b']), 'cell')}"
    if not row["p_cells"] >= 0:
        return cells
    if row["feature"] in SHARES:
        return f"{cells} as if independent: p = {row['p_cells']:.2g}"
    shift = number_text(row["shift"])
    if row["shift_low"] <= row["shift_high"]:
        shift += f" ({number_text(row['shift_low'])} to {number_text(row['shift_high'])})"
    return f"{cells} as if independent: shift {shift}, p = {row['p_cells']:.2g}"


def summary_lines(table: pd.DataFrame, units: Mapping[str, str]) -> list[str]:
    """Return a summary as lines, the samples of each feature below each other.

    Args:
        table: See `pyama.analysis.statistics.summarize`.
        units: Units of the features.
    """
    numbers = table.columns.drop(["sample", "feature", "unit"], errors="ignore")
    texts = table[numbers].map(_number)
    wide = [max(len(name), *texts[name].map(len), 3) for name in numbers]
    names = table["sample"].astype(str)
    room = min(SHORT_NAME, names.map(len).max() if len(names) else 0)
    head = _line(" " * room, numbers, wide)
    lines: list[str] = []
    for feature, rows in table.groupby("feature", sort=False):
        lines += [with_unit(str(feature), units.get(str(feature), "")), head]
        for k in rows.index:
            name = names[k]
            if len(name) > room:
                lines.append(f"  {name}")
                name = ""
            lines.append(_line(name.ljust(room), texts.loc[k], wide))
    return lines


def _line(name: str, texts: Iterable[str], wide: Sequence[int]) -> str:
    cells = (text.rjust(width) for text, width in zip(texts, wide, strict=True))
    return f"  {name} {' '.join(cells)}"


def _number(value: float) -> str:
    return number_text(value) if value == value else "-"
