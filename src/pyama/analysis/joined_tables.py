"""Tables of several samples, joined for a figure."""

from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from pyama.analysis.sample_tables import load_fitted, read_timed
from pyama.analysis.table_columns import with_unit
from pyama.analysis.table_files import read_header
from pyama.analysis.table_times import TableTime
from pyama.errors import ConfigError


def join_traces(paths: Iterable[Path], times: TableTime | None = None) -> pd.DataFrame:
    """Read merged tables or traces; the column `sample` names where each row comes from.

    Args:
        paths: The tables.
        times: What the user says of their times, see `read_timed`.

    Raises:
        ConfigError: A table cannot be read or has no times.
    """
    parts = []
    for path in paths:
        timed = read_timed(path, times or TableTime())
        sample = str(timed.header.get("sample", path.stem))
        parts.append(timed.table.assign(sample=sample))
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


def join_fits_of_files(paths: Iterable[Path]) -> tuple[pd.DataFrame, dict[str, str]]:
    """Read tables of fits like `join_fits`, but keep several tables of one sample apart.

    Returns:
        One row per cell, and the units of the columns. Where several files have the same
        sample, the column `sample` holds the names of these files instead.

    Raises:
        ConfigError: A table cannot be read.
    """
    tables = {path: join_fits([path]) for path in dict.fromkeys(paths)}
    samples = [name for table, _ in tables.values() for name in table["sample"].unique()]
    units: dict[str, str] = {}
    for path, (table, own_units) in tables.items():
        if samples.count(table["sample"].iloc[0] if len(table) else None) > 1:
            table["sample"] = path.stem
        units |= own_units
    return pd.concat([table for table, _ in tables.values()], ignore_index=True), units


def fitted_numbers(table: pd.DataFrame) -> list[str]:
    """Return the columns of numbers of a table of fits."""
    return [str(name) for name in table.select_dtypes("number") if name not in ("fov", "cell")]


def fitted_parameters(table: pd.DataFrame) -> list[str]:
    """Return the names of the parameters that were fitted and not fixed."""
    fitted = [str(name) for name in table if f"{name}_se" in table]
    return [name for name in fitted if table[f"{name}_se"].notna().any()]


def axis_labels(
    table: pd.DataFrame, units: Mapping[str, str], names: Collection[str]
) -> dict[str, str]:
    """Return the labels of columns of numbers, with their units.

    Raises:
        ConfigError: The table has no such column, or it does not hold numbers.
    """
    numbers: Any = table.select_dtypes("number").columns
    for name in names:
        if name not in numbers:
            raise ConfigError(
                f"The tables have no column {name!r} of numbers. There are: "
                f"{', '.join(numbers)}."
            )
    return {name: with_unit(name, units.get(name, "")) for name in names}
