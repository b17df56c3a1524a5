"""Whether the rates that a model fixes by default fit the traces."""

from typing import Any

import numpy as np
import pandas as pd

from pyama.analysis.fitting.fit import fit_traces
from pyama.analysis.fitting.model import TIME_UNIT
from pyama.analysis.fitting.models import MODELS
from pyama.analysis.table_columns import cell_keys

CELLS = 40
"""Number of cells that are fitted again with free rates."""
SHARE = 1 / 3
"""Part of the cells that must fit clearly better for a note."""
CLEARLY = 10.0
"""Difference of the BIC from which a model is clearly better (Kass and Raftery 1995,
doi:10.1080/01621459.1995.10476572)."""


def fixed_rates_notes(
    table: pd.DataFrame, fitted: pd.DataFrame, model: str, column: str, options: dict[str, Any]
) -> list[str]:
    """Return a note if free rates fit clearly better and move the times, such as the onset.

    The rates are those that the model fixes by default and that the user has neither fixed
    nor set free. Some cells, evenly chosen, are fitted again with free rates. The note is made
    if the BIC falls by `CLEARLY` or more in the part `SHARE` of them, and a time moves by more
    than its standard error in the median of these.

    Args:
        table: The traces, see `fit_traces`.
        fitted: Their fits with fixed rates.
        model: Name in `MODELS`, or `auto`, of which nothing is noted.
        column: Column that was fitted.
        options: Of `fit_arrays`.
    """
    known = {*(options.get("fix") or {}), *(options.get("free") or ())}
    parameters = MODELS[model].parameters if model in MODELS else ()
    rates = [p.name for p in parameters if p.fixed and p.name not in known]
    times = [p.name for p in parameters if p.unit == TIME_UNIT and p.name not in known]
    if not rates or not times or options.get("free") == "all" or not fitted["success"].any():
        return []
    keys = cell_keys(table)
    cells = fitted[fitted["success"].astype(bool)]
    cells = cells.iloc[np.unique(np.linspace(0, len(cells) - 1, CELLS).astype(int))]
    some = table.merge(cells[keys], on=keys)
    freed = {**options, "profile": False, "free": (*(options.get("free") or ()), *rates)}
    again = cells.merge(fit_traces(some, model, column, **freed), on=keys, suffixes=("", "_2"))
    better = again[again["success_2"] & (again["bic"] - again["bic_2"] >= CLEARLY)]
    if len(better) < SHARE * len(again):
        return []
    return [text for name in times for text in _moved(better, name, rates, len(again))]


def _moved(better: pd.DataFrame, name: str, rates: list[str], n: int) -> list[str]:
    shift = (better[f"{name}_2"] - better[name]).astype(float)
    if not (shift.abs() / better[f"{name}_se"].astype(float)).median() > 1:
        return []
    values = ", ".join(f"{rate} = {better[f'{rate}_2'].median():.3g}" for rate in rates)
    return [
        f"The fixed values of {' and '.join(rates)} fit badly: with these rates free, "
        f"{len(better)} of {n} cells fit clearly better, with {values} 1/h, and {name} moves "
        f"by {shift.median():+.2g} h (medians). Add --fix with the rates of your protein, or "
        f"--free {','.join(rates)}"
    ]
