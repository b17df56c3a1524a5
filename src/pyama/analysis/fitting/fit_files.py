"""Fits of all traces in a file, written to a table beside it."""

import math
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from pyama.analysis.fitting.fit import Watch, fit_traces
from pyama.analysis.fitting.fixed_rates import fixed_rates_notes
from pyama.analysis.fitting.model import TIME_UNIT
from pyama.analysis.fitting.model_list import FIXED, fixed_by
from pyama.analysis.fitting.model_setups import AUTO
from pyama.analysis.fitting.models import MODELS
from pyama.analysis.lineages import LINEAGES, is_of_lineages, sum_lineages
from pyama.analysis.sample_sets import SAMPLE_SET
from pyama.analysis.sample_tables import load_fitted, read_timed
from pyama.analysis.table_columns import chosen_column, default_columns
from pyama.analysis.table_files import Header, read_header, write_table
from pyama.analysis.table_origins import (
    recording_entry,
    refuse_to_replace_fits,
    relative_path,
)
from pyama.analysis.table_times import TableTime
from pyama.errors import StoreError
from pyama.traces.digests import traces_digest
from pyama.version import __version__

MEANINGS = {
    "NAME": "parameter by least squares; with weights if the noise of the cell grows with its "
    "signal",
    "NAME_se": "standard error of NAME for noise that is correlated in time; a 95 % interval "
    "is NAME ± 1.96 NAME_se; empty if NAME is fixed, at a bound, or not determined by data",
    "NAME_low": "lower end of a 95 % interval from the profile of the sum of squares; a bound "
    "where the interval reaches it, -inf where it has no end",
    "NAME_high": "upper end of the same interval; a bound, or inf",
    "n_effective": "number of independent points with as much information on a mean",
}
"""Columns of tables of fits of which a person has to know something."""


@dataclass(frozen=True)
class Fitted:
    """A table of fits that was written.

    Attributes:
        paths: The CSV file, and the Parquet file if there is one.
        table: One row per cell, see `pyama.analysis.fitting.fit.fit_arrays`.
        column: Column that was fitted.
        span: First and last time and the typical interval of the traces, for people.
        warnings: What may be wrong, in sentences.
    """

    paths: list[Path]
    table: pd.DataFrame
    column: str
    span: str
    warnings: tuple[str, ...] = ()

    @property
    def cells_by_class(self) -> dict[str, int]:
        """Number of cells in every class of R² that occurs, the most frequent first."""
        return {str(name): int(n) for name, n in self.table["class"].value_counts().items()}

    @property
    def median_r_squared(self) -> float | None:
        """Median of R² over the fits that succeeded; None if there are none."""
        median = float(self.table["r_squared"].median())
        return None if math.isnan(median) else median

    def entries(self) -> dict[str, Any]:
        """Return files, column and quality as plain values for JSON."""
        return {
            "files": [str(path) for path in self.paths],
            "column": self.column,
            "times": self.span,
            "cells": len(self.table),
            "classes": self.cells_by_class,
            "median_r_squared": self.median_r_squared,
        }


def fit_file(
    path: Path | str,
    model: str = "maturation",
    column: str | None = None,
    destination: Path | str | None = None,
    *,
    time_unit: str | None = None,
    frame_interval: float | None = None,
    lineages: bool = False,
    parquet: bool = False,
    workers: int | None = None,
    watch: Watch | None = None,
    **options: Any,
) -> Fitted:
    """Fit a model to every cell of a file and write `{stem}_fitted_{model}.csv`.

    Args:
        path: A traces file inside its output folder, a merged table, or a table with the
            columns cell, time and one more.
        model: Name in `MODELS`, or `auto`.
        column: Column to fit; by default the only `intensity_total`. The file name ends
            with the column if there are several.
        destination: Folder of the table; by default that of `path`.
        time_unit: Unit of `time` in a table that is neither a traces file nor merged; by
            default the one that the table names, else hours.
        frame_interval: Minutes per frame, for a table with frames and without times.
        lineages: Fit the sum of each lineage, see `pyama.analysis.lineages.sum_lineages`.
        parquet: Also write a Parquet file.
        workers: Number of threads, see `fit_arrays`.
        watch: Is given the part that is done, see `fit_arrays`.
        **options: Other keyword arguments of `pyama.analysis.fitting.fit.fit_arrays`.

    Returns:
        Files and table. Lines before the header hold source, sample, column, model,
        options, units and version.

    Raises:
        ConfigError: An option is wrong, the column is missing, the table has other times
            than the options say, or fits of another table are in the way.
        StoreError: The file cannot be read.
    """
    path = Path(path)
    timed = read_timed(path, TableTime(time_unit, frame_interval))
    table, header = _as_fitted(timed.table, lineages=lineages), timed.header
    column = chosen_column(table, column)
    folder = path.parent if destination is None else Path(destination)
    target = folder / f"{path.stem}_fitted_{model}{_suffix(table, column)}.csv"
    times = {"time_unit": timed.unit or "h", "frame_interval": frame_interval}
    described: Header = {
        "sample": header.get("sample", path.stem),
        "source": relative_path(path, folder),
        **recording_entry(header),
        "digest": traces_digest(path),
        "column": column,
        "model": model,
        **{key: header[key] for key in (SAMPLE_SET, "made_with", "remarks") if key in header},
    }
    refuse_to_replace_fits(target, described)
    said = tuple(_early_times(path, table, model, options))
    for text in said:
        warnings.warn(text, UserWarning, stacklevel=2)
    fitted = fit_traces(table, model, column, workers=workers, watch=watch, **options)
    with_workers = {**options, "workers": workers}
    for text in (notes := fixed_rates_notes(table, fitted, model, column, with_workers)):
        warnings.warn(text, UserWarning, stacklevel=2)
    if "sample" in header:  # of a merged table, and so of all rows
        fitted = fitted.drop(columns="sample")
    described |= _described(model, options | times | {LINEAGES: lineages})
    described["version"] = __version__
    parquet = parquet or target.with_suffix(".parquet").exists()
    paths = write_table(target, fitted, described, parquet=parquet)
    return Fitted(paths, fitted, column, timed.span, (*said, *notes))


def _early_times(
    path: Path, table: pd.DataFrame, model: str, options: dict[str, Any]
) -> Iterator[str]:
    """Yield a warning of times before the earliest that a parameter may have."""
    first, last = float(table["time"].min()), float(table["time"].max())
    known = {**(options.get("bounds") or {}), **(options.get("fix") or {})}
    late = {
        parameter.name: parameter.lower
        for of_model in (MODELS.values() if model == AUTO else [MODELS[model]])
        for parameter in of_model.parameters
        if parameter.unit == TIME_UNIT and parameter.name not in known
    }
    names = [name for name, lower in late.items() if first < lower]
    if names:
        advice = " ".join(f"--bound {name}={first:.4g}:{last:.4g}" for name in names)
        yield (
            f"The times of {path} begin at {first:.4g} h, but {' and '.join(names)} "
            f"{'is' if len(names) == 1 else 'are'} sought from 0 h on: an earlier event is "
            f"fitted as one at 0 h. Add {advice}"
        )


def _suffix(table: pd.DataFrame, column: str) -> str:
    return "" if [column] == default_columns(table) else f"_{column}"


def _described(model: str, options: dict[str, Any]) -> Header:
    models = MODELS.values() if model == AUTO else [MODELS[model]]
    bounds = {name: f"{a:g}:{b:g}" for name, (a, b) in (options.get("bounds") or {}).items()}
    recorded = {**options, "bounds": bounds}
    return {
        "literature": {m.name: m.source for m in models if m.source},
        "options": {name: value for name, value in recorded.items() if value},
        **_if_any(FIXED, fixed_by(model, options.get("free", ()), options.get("fix") or {})),
        "units": {p.name: p.unit for m in models for p in m.parameters if p.unit},
        "meanings": {
            name: text
            for name, text in MEANINGS.items()
            if options.get("profile") or name not in ("NAME_low", "NAME_high")
        },
    }


def _if_any(key: str, values: dict[str, float]) -> Header:
    return {key: values} if values else {}


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
        raise StoreError(f"{path} does not name the traces that were fitted; fit them again.")
    options = header.get("options", {})
    times = TableTime(options.get("time_unit"), options.get("frame_interval"))
    timed = read_timed(path.parent / str(header["source"]), times, is_recorded=True)
    return fitted, _as_fitted(timed.table, lineages=is_of_lineages(header)), header


def _as_fitted(table: pd.DataFrame, *, lineages: bool) -> pd.DataFrame:
    return sum_lineages(table) if lineages else table
