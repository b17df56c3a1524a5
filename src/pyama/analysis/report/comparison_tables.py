"""Tables of the differences between samples: the test on replicates first, then all cells."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from pyama.analysis.replicates import PLURALS
from pyama.analysis.report import markup

MINUS = "\N{MINUS SIGN}"
KINDS = {
    "feature": "text",
    "unit": "text",
    "test": "text",
    f"b {MINUS} a": "name",
    "95 % interval": "text",
}


def comparison_tables(pairs: pd.DataFrame, units: Mapping[str, str], save: str) -> str:
    """Return the rows of a comparison as two tables, and a link that saves all columns.

    Args:
        pairs: See `pyama.analysis.comparing.compare`; with intervals of 95 %.
        units: Units of the features.
        save: Name of the CSV file.
    """
    saved = pairs.copy()
    saved.insert(1, "unit", [units.get(name, "") for name in pairs["feature"]])
    tested = pd.DataFrame(
        {
            **_names(saved),
            "difference": pairs["difference"],
            "95 % interval": _intervals(pairs, "low", "high"),
            "p": _rounded(pairs["p"]),
            "p, Holm": _rounded(pairs["p_adjusted"]),
            "test": pairs["test"],
            "mean of a": pairs["mean_a"],
            "mean of b": pairs["mean_b"],
            f"{_level(pairs)}, a and b": _both(pairs, "units"),
        }
    )
    cells = pd.DataFrame(
        {
            **_names(saved),
            "shift": pairs["shift"],
            "95 % interval": _intervals(pairs, "shift_low", "shift_high"),
            "p, cells": _rounded(pairs["p_cells"]),
            "Cliff's delta": pairs["effect"],
            "median of a": pairs["median_a"],
            "median of b": pairs["median_b"],
            "cells, a and b": _both(pairs, "n"),
        }
    )
    beside = markup.details(
        "All cells, as if they were independent (p is too small)", markup.table(cells, KINDS)
    )
    return markup.table(tested, KINDS) + beside + markup.save_link(saved, save)


def _names(table: pd.DataFrame) -> dict[str, Any]:
    pairs = [f"{b} {MINUS} {a}" for a, b in zip(table["a"], table["b"], strict=True)]
    return {"feature": table["feature"], "unit": table["unit"], f"b {MINUS} a": pairs}


def _level(pairs: pd.DataFrame) -> str:
    return PLURALS[pairs["level"].iloc[0]] if len(pairs) else "replicates"


def _both(pairs: pd.DataFrame, name: str) -> list[str]:
    both = zip(pairs[f"{name}_a"], pairs[f"{name}_b"], strict=True)
    return [f"{a}, {b}" for a, b in both]


def _intervals(pairs: pd.DataFrame, low: str, high: str) -> list[Any]:
    return [
        f"{markup.number(a)} to {markup.number(b)}" if a <= b else float("nan")
        for a, b in zip(pairs[low], pairs[high], strict=True)
    ]


def _rounded(p: "pd.Series[float]") -> list[float]:
    return [float(f"{value:.2g}") for value in p]
