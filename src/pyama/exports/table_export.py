"""Tidy tables for R, spreadsheets and pandas: traces, cells, and a codebook."""

from collections.abc import Callable, Mapping
from enum import StrEnum
from pathlib import Path

import pandas as pd

from pyama import layout
from pyama.analysis.lineages import mothers
from pyama.analysis.table_files import neutralise_formulas
from pyama.analysis.trace_sources import stacked
from pyama.errors import ConfigError
from pyama.exports.codebook import codebook
from pyama.exports.export_source import Exported, ExportSource, Selection
from pyama.exports.needed_package import require
from pyama.exports.new_outputs import new_file, new_folder
from pyama.traces.trace_rows import PARENT

MOST_EXCEL_ROWS = 2**20 - 1
"""Rows below the header of a sheet."""


class TableFormat(StrEnum):
    """Formats of exported tables."""

    CSV = "csv"
    PARQUET = "parquet"
    XLSX = "xlsx"


def export_tables(
    output_dir: Path, output: Path, selection: Selection, form: TableFormat = TableFormat.CSV
) -> Exported:
    """Write `traces` (a row per cell and frame), `cells` (a row per cell) and `codebook`.

    No line comes before the header; missing values are empty fields, truth values TRUE and
    FALSE, times hours. CSV and Parquet are three files in a folder, xlsx is one workbook.

    Args:
        output_dir: The output folder of a run.
        output: A folder that does not exist or is empty; of xlsx, a file that does not exist.
        selection: What is exported.
        form: The format.

    Raises:
        ConfigError: Something is in the way, the selection is wrong, a package is missing, or
            the traces have more rows than a sheet of a workbook.
        StoreError: Nothing can be exported, or a file cannot be written.
    """
    if form is TableFormat.PARQUET:
        require("pyarrow", "parquet")
    if form is TableFormat.XLSX:
        require("openpyxl", "xlsx")
    source = ExportSource(output_dir, selection)
    parts: list[pd.DataFrame] = []

    def take(fov: int, table: pd.DataFrame) -> Path:
        parts.append(table)
        return output

    done = source.export_each(take)
    traces = named(source, stacked(parts))
    tables = {"traces": traces, "cells": cells_of(traces)}
    tables["codebook"] = codebook(tables, source.metadata, source.pixel_size_um)
    done.files = _WRITERS[form](output, tables)
    return done


def named(source: ExportSource, traces: pd.DataFrame) -> pd.DataFrame:
    """Return traces with the names of sample and position before them, and with `time_h`."""
    traces = traces.rename(columns={"time": "time_h"})
    names = {"position": dict(enumerate(source.metadata.position_names))}
    if source.samples is not None:
        names["sample"] = {fov: source.sample_of(fov) or "" for fov in source.fovs}
    for column, by_fov in names.items():
        if by_fov:
            traces.insert(0, column, traces["fov"].map(by_fov).astype("str"))
    return traces


def cells_of(traces: pd.DataFrame) -> pd.DataFrame:
    """Return one row per cell: its names, its frames and times, and its mother if known."""
    keys = [name for name in ("sample", "position", "fov", "cell") if name in traces]
    groups = traces.groupby(keys, sort=False)
    cells = groups.agg(
        first_frame=("frame", "min"),
        last_frame=("frame", "max"),
        n_frames=("frame", "size"),
        first_time_h=("time_h", "min"),
        last_time_h=("time_h", "max"),
    ).reset_index()
    if PARENT in traces:
        found = mothers(traces)[["fov", "cell", PARENT]]
        cells = cells.merge(found, how="left", on=["fov", "cell"])
    if layout.LEFT_OUT_BY in traces:
        first = groups[layout.LEFT_OUT_BY].first().reset_index()
        cells = cells.merge(first, how="left", on=keys)
    return cells


def _write_csv(output: Path, tables: Mapping[str, pd.DataFrame]) -> list[Path]:
    with new_folder(output) as folder:
        for name, table in tables.items():
            safe = neutralise_formulas(table)
            for column in safe.select_dtypes("bool"):
                safe[column] = safe[column].map({True: "TRUE", False: "FALSE"})
            safe.to_csv(folder / f"{name}.csv", index=False, lineterminator="\n")
    return [output / f"{name}.csv" for name in tables]


def _write_parquet(output: Path, tables: Mapping[str, pd.DataFrame]) -> list[Path]:
    with new_folder(output) as folder:
        for name, table in tables.items():
            table.to_parquet(folder / f"{name}.parquet", index=False)
    return [output / f"{name}.parquet" for name in tables]


def _write_xlsx(output: Path, tables: Mapping[str, pd.DataFrame]) -> list[Path]:
    rows = max(map(len, tables.values()))
    if rows > MOST_EXCEL_ROWS:
        raise ConfigError(
            f"The traces have {rows} rows; a sheet of a workbook holds {MOST_EXCEL_ROWS}. "
            "Export them with --format csv or parquet, or fewer fields of view (--fovs)."
        )
    if output.suffix.lower() != ".xlsx":
        raise ConfigError(
            f"{output} is no name of a workbook; expected one that ends in .xlsx."
        )
    with (
        new_file(output) as path,
        pd.ExcelWriter(path, engine="openpyxl") as book,
    ):
        for name, table in tables.items():
            neutralise_formulas(table).to_excel(
                book, sheet_name=name, index=False, freeze_panes=(1, 0)
            )
    return [output]


_WRITERS: dict[TableFormat, Callable[[Path, Mapping[str, pd.DataFrame]], list[Path]]] = {
    TableFormat.CSV: _write_csv,
    TableFormat.PARQUET: _write_parquet,
    TableFormat.XLSX: _write_xlsx,
}
