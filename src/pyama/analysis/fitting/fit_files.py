"""Fits of the traces in a file, written beside it."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from pyama.analysis.fitting.fit import AUTO, fit_traces
from pyama.analysis.fitting.models import MODELS
from pyama.analysis.sample_tables import (
    Header,
    Unit,
    chosen_column,
    load_fitted,
    load_timed,
    measured_columns,
    read_header,
    write_table,
)
from pyama.errors import StoreError
from pyama.traces.trace_files import traces_digest
from pyama.version import __version__


@dataclass(frozen=True)
class Fitted:
    """A file of fits.

    Attributes:
        paths: The CSV file, and the Parquet file if there is one.
        table: One row per cell, see `pyama.analysis.fitting.fit.fit_arrays`.
        column: Column that was fitted.
    """

    paths: list[Path]
    table: pd.DataFrame
    column: str


def fit_file(
    path: Path | str,
    model: str = "maturation",
    column: str | None = None,
    destination: Path | str | None = None,
    *,
    time_unit: Unit = "h",
    parquet: bool = False,
    **options: Any,
) -> Fitted:
    """Fit a model to every cell of a file and write `{stem}_fitted_{model}.csv`.

    Args:
        path: A traces file inside its output folder, a merged table, or a table with the
            columns cell, time and one more.
        model: Name in `MODELS`, or `auto`.
        column: Column to fit; without it, the only `intensity_total`. The name of the file
            ends in it where it is not the only one.
        destination: Folder of the table; without it, that of `path`.
        time_unit: Unit of `time` in a table that is no traces file and not merged.
        parquet: Also write a Parquet file.
        **options: Of `pyama.analysis.fitting.fit.fit_arrays`.

    Returns:
        Files and table. Lines before the header say source, sample, column, model, options,
        units and version.

    Raises:
        ConfigError: An option is wrong, or the column is missing.
        StoreError: The file cannot be read.
    """
    path = Path(path)
    table, header = load_timed(path, time_unit)
    column = chosen_column(table, column)
    fitted = fit_traces(table, model, column, **options)
    folder = path.parent if destination is None else Path(destination)
    target = folder / f"{path.stem}_fitted_{model}{_suffix(table, column)}.csv"
    described = {
        "sample": header.get("sample", path.stem),
        "source": _relative(path, folder),
        "digest": traces_digest(path),
        "column": column,
        "model": model,
        **_described(model, {**options, "time_unit": time_unit}),
        "version": __version__,
    }
    return Fitted(write_table(target, fitted, described, parquet=parquet), fitted, column)


def _suffix(table: pd.DataFrame, column: str) -> str:
    columns = measured_columns(table)
    totals = [name for name in columns if name.startswith("intensity_total_ch_")]
    return "" if [column] == (totals or columns) else f"_{column}"


def _relative(path: Path, folder: Path) -> str:
    try:
        return Path(os.path.relpath(path, folder)).as_posix()
    except ValueError:  # on another drive
        return path.resolve().as_posix()


def _described(model: str, options: dict[str, Any]) -> Header:
    models = MODELS.values() if model == AUTO else [MODELS[model]]
    bounds = {name: f"{a:g}:{b:g}" for name, (a, b) in (options.get("bounds") or {}).items()}
    told = {**options, "bounds": bounds, "workers": None}  # which change nothing
    return {
        "literature": {m.name: m.source for m in models if m.source},
        "options": {name: value for name, value in told.items() if value},
        "units": {p.name: p.unit for m in models for p in m.parameters if p.unit},
    }


def load_fit_with_traces(path: Path | str) -> tuple[pd.DataFrame, pd.DataFrame, Header]:
    """Read a table of fits and the traces that were fitted.

    Returns:
        The fits, the traces with `time` in hours, and the entries of the fits.

    Raises:
        StoreError: A file is missing.
    """
    path = Path(path)
    fitted, header = load_fitted(path), read_header(path)
    if not {"source", "column"} <= set(header):
        raise StoreError(f"{path} does not say which traces were fitted; fit them again.")
    unit = header.get("options", {}).get("time_unit", "h")
    traces, _ = load_timed(path.parent / str(header["source"]), unit)
    return fitted, traces, header
