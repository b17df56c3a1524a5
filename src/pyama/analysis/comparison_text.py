"""Comparisons and summaries of samples as lines of text."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pandas as pd

from pyama.analysis.expression import SHARES
from pyama.analysis.replicate_tests import PAIRED, STUDENT, WELCH
from pyama.analysis.replicates import PLURALS
from pyama.analysis.table_columns import with_unit
from pyama.sentences import count_text
from pyama.units import number_text

INDEPENDENT = "Samples are compared as independent"
_TESTS = {
    PAIRED: "paired",
    STUDENT: "Student's",
    WELCH: "Welch's",
}
SHORT_NAME = 10
"""Longer names of samples have a line of their own, so that a summary fits 80 columns."""


def comparison_lines(table: pd.DataFrame, units: Mapping[str, str]) -> list[str]:
    """Return the rows of a comparison as lines, the test on replicates first.

    The last lines say which test this is.

    Args:
        table: See `pyama.analysis.comparing.compare`; with intervals of 95 %.
        units: Units of the features.
    """
    lines: list[str] = []
    for feature, rows in table.groupby("feature", sort=False):
        lines.append(with_unit(str(feature), units.get(str(feature), "")))
        for _, row in rows.iterrows():
            lines += [
                f"  {row['b']} - {row['a']}: {_difference(row)}",
                f"    {_of_replicates(row)}",
                f"    {_of_cells(row)}",
            ]
    return [*lines, *explanations(table)]


def explanations(table: pd.DataFrame) -> list[str]:
    """Return which test the values of p are from, and what is compared with what.

    Args:
        table: See `pyama.analysis.comparing.compare`.
    """
    if table.empty:
        return [
            "There is nothing to compare: expected two samples or more, and a column of "
            "numbers. pyama summarize describes a single sample."
        ]
    return [*_tests(table), pairing_sentence(table)]


def pairing_sentence(table: pd.DataFrame) -> str:
    """Return which samples are compared within replicates, and why.

    Args:
        table: See `pyama.analysis.comparing.compare`.
    """
    level = str(table["level"].iloc[0])
    pairs = table.drop_duplicates(["a", "b"])
    paired = pairs[pairs["test"] == PAIRED]
    if paired.empty and level == "field of view":
        return f"{INDEPENDENT}, also if they come from the same recordings."
    if paired.empty:
        return f"{INDEPENDENT}: not every {level} holds both samples."
    if len(paired) < len(pairs):
        names = ", ".join(f"{b} - {a}" for a, b in zip(paired["a"], paired["b"], strict=True))
        return (
            f"Compared within each {level} (paired), because every {level} holds both "
            f"samples: {names}. Other samples are compared as independent."
        )
    return (
        f"Samples are compared within each {level} (paired), because every {level} holds "
        f"both: what a {level} changes in both cancels out."
    )


def _tests(table: pd.DataFrame) -> list[str]:
    """Return which test the values of p are from, and what they are corrected for."""
    tested = table[table["p"].notna()]
    names = [name for test, name in _TESTS.items() if (tested["test"] == test).any()]
    if tested.empty:
        return []
    which = " or ".join(names).replace("or Welch's", "or, with unequal numbers, Welch's")
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
