"""Tables of several samples, joined for a figure."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pandas as pd

from pyama.analysis.sample_tables import load_fitted, load_timed
from pyama.analysis.table_files import read_header
from pyama.errors import ConfigError


def join_traces(paths: Iterable[Path]) -> pd.DataFrame:
    """Read merged tables or traces; the column `sample` names where each row comes from.

    Raises:
        ConfigError: A table cannot be read or has no times.
    """
    parts = []
    for path in paths:
        table, header = load_timed(path)
        parts.append(table.assign(sample=str(header.get("sample", path.stem))))
    return pd.concat(parts, ignore_index=True)


def join_fits(paths: Iterable[Path]) -> tuple[pd.DataFrame, dict[str, str]]:
    """Read tables of fits.

    Returns:
        One row per cell, and the units of the columns.

    Raises:
        ConfigError: A table cannot be read.
    """
    parts: list[pd.DataFrame] = []
    units: dict[str, str] = {}
    for path in paths:
        parts.append(load_fitted(path))
        units |= read_header(path).get("units", {})
    return pd.concat(parts, ignore_index=True), units


def fitted_parameters(table: pd.DataFrame) -> list[str]:
    """Return the names of the parameters that were fitted and not fixed."""
    fitted = [str(name) for name in table if f"{name}_se" in table]
    return [name for name in fitted if table[f"{name}_se"].notna().any()]


def number_column(table: pd.DataFrame, name: str) -> str:
    """Return `name`.

    Raises:
        ConfigError: The table has no such column, or it does not hold numbers.
    """
    numbers: Any = table.select_dtypes("number").columns
    if name not in numbers:
        raise ConfigError(
            f"The tables have no column {name!r} of numbers. There are: {', '.join(numbers)}."
        )
    return name
