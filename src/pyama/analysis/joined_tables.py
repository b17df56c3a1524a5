"""Tables of several samples, joined for a figure."""

from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from pyama import layout
from pyama.analysis.expression import flat_fits
from pyama.analysis.lineages import sum_lineages
from pyama.analysis.sample_sets import in_sample_order
from pyama.analysis.sample_tables import load_fitted, read_timed
from pyama.analysis.table_columns import (
    IDENTITY,
    sample_names,
    with_text_names,
    with_unit,
)
from pyama.analysis.table_files import Header, read_header
from pyama.analysis.table_origins import Named, distinct, names_of_samples
from pyama.analysis.table_times import TableTime
from pyama.errors import ConfigError
from pyama.traces.trace_rows import PARENT

MEASURES_OF_FIT = ("r_squared", "rmse", "aic", "n_points")
"""Columns of tables of fits that are no parameters."""


def join_traces(
    paths: Iterable[Path], times: TableTime | None = None, *, lineages: bool = False
) -> pd.DataFrame:
    """Read merged tables or traces; the column `sample` names where each row comes from.

    Tables of one merge are in the order of its samples, see `in_sample_order`.

    Samples of several tables that have one name are kept apart, see `names_of_samples`.

    Args:
        paths: The tables.
        times: What the user says of their times, see `read_timed`.
        lineages: Whether to add up the cells of each lineage, see `sum_lineages`.

    Raises:
        ConfigError: A table cannot be read, has no times, or no column parent for lineages.
    """
    tables = [(path, read_timed(path, times or TableTime())) for path in _in_order(paths)]
    joined = _joined([(path, timed.table, timed.header) for path, timed in tables])
    return sum_lineages(joined) if lineages else joined


def _in_order(paths: Iterable[Path]) -> list[Path]:
    return in_sample_order(distinct(paths))


def _joined(tables: Iterable[tuple[Path, pd.DataFrame, Header]]) -> pd.DataFrame:
    """Put tables into one, whose column `sample` tells their samples apart."""
    named: list[tuple[Named, pd.DataFrame]] = []
    for path, table, header in tables:
        sample = str(header.get("sample", path.stem))
        if table.empty or "sample" not in table:
            samples = [(sample, table)]
        else:
            groups = table.groupby("sample", sort=False, dropna=False)
            samples = [(str(sample), rows) for sample, rows in groups]
        named += [((sample, header, path), rows) for sample, rows in samples]
    names = names_of_samples([name for name, _ in named])
    parts = [rows.assign(sample=name) for (_, rows), name in zip(named, names, strict=True)]
    return pd.concat(parts, ignore_index=True)


def join_fits(paths: Iterable[Path]) -> tuple[pd.DataFrame, dict[str, str]]:
    """Read tables of fits.

    Returns:
        One row per cell, and the units of the columns. Tables of one merge are in the order of
        its samples, see `in_sample_order`. Samples of several tables that have
        one name are kept apart, see `names_of_samples`.

    Raises:
        ConfigError: A table cannot be read.
    """
    tables = [(path, load_fitted(path), read_header(path)) for path in _in_order(paths)]
    units: dict[str, str] = {}
    for _, _, entries in tables:
        units |= entries.get("units", {})
    return _joined(tables), units


def fits_above(table: pd.DataFrame, limit: float | None) -> pd.DataFrame:
    """Return the cells whose R² is above a limit, without those that do not express.

    `sample_names` of the result still gives all samples, so that each keeps its colour.

    Args:
        table: One row per cell with the columns sample and r_squared; NaN where nothing was
            fitted. Fits of the class not expressing are left out, see
            `pyama.analysis.expression.flat_fits`.
        limit: Such as 0.9 for the fits that are called good; None keeps all others.
    """
    table = with_text_names(table)
    table = table.assign(sample=pd.Categorical(table["sample"], sample_names(table)))
    table = table[~flat_fits(table)]
    return table if limit is None else table[table["r_squared"] > limit]


def fitted_numbers(table: pd.DataFrame) -> list[str]:
    """Return the columns of numbers of a table of fits."""
    # pandas takes a column for numbers if it is empty, as messages are where all fits succeed.
    others = (*IDENTITY, *layout.CONDITION_COLUMNS, PARENT, "message")
    return [str(name) for name in table.select_dtypes("number") if name not in others]


def fitted_parameters(table: pd.DataFrame) -> list[str]:
    """Return the names of the parameters that were fitted and not fixed."""
    fitted = [str(name) for name in table if f"{name}_se" in table]
    return [name for name in fitted if table[f"{name}_se"].notna().any()]


def parameters_to_show(table: pd.DataFrame) -> list[str]:
    """Return the parameters that were fitted.

    Tables of other programs have no standard errors, by which fitted parameters are known:
    then all columns of numbers, but for measures of the fit.

    Raises:
        ConfigError: No parameter was fitted.
    """
    chosen = fitted_parameters(table)
    if not chosen and not any(str(name).endswith("_se") for name in table):
        chosen = [name for name in fitted_numbers(table) if name not in MEASURES_OF_FIT]
    if not chosen:
        raise ConfigError(
            "No parameter was fitted in any cell. Choose columns with --names: "
            f"{', '.join(fitted_numbers(table))}."
        )
    return chosen


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
