"""Tables of samples, fits and traces, read with the columns `sample` and `time`."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pyama import layout, older_pyama
from pyama.analysis.external_tables import cell_by_row
from pyama.analysis.table_files import Header, as_numbers, read_table
from pyama.analysis.table_times import (
    TableTime,
    refuse_other_times,
    span_of,
    warn_of_span,
    with_hours,
)
from pyama.analysis.time_checks import refuse_doubled_times
from pyama.analysis.trace_shape import good_rows
from pyama.errors import ConfigError, StoreError
from pyama.traces.trace_reading import in_hours, load_traces

FITTED = ("fov", "cell", "model_type", "r_squared")
"""Columns of every table of fits."""


def load_merged(path: Path | str) -> pd.DataFrame:
    """Read a merged table and add the columns `sample` and `time`.

    Args:
        path: A `*_merged.csv`.

    Returns:
        The columns of the file, with `sample` before them and `time` (hours since the first
        frame of the recording) after `frame`.

    Raises:
        StoreError: The file is missing, or lacks its sample or times.

    Examples:
        >>> table = pyama.load_merged("results/control_merged.csv")
        >>> table.groupby(["fov", "cell"]).ngroups
        9
    """
    table, header = read_table(path)
    return _timed(Path(path), table, header)


def _timed(path: Path, table: pd.DataFrame, header: Header) -> pd.DataFrame:
    try:
        sample = str(header["sample"])
        minutes = np.zeros(len(table))
        for times, part in _parts(table, header["times"]):
            for fov in table["fov"][part].unique().tolist():
                rows = part & (table["fov"] == fov).to_numpy()
                row = np.array(times[str(fov)], float)
                minutes[rows] = row[table["frame"].to_numpy()[rows]]
    except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
        lacking = [key for key in ("sample", "times") if key not in header]
        found = f" (no line {' and '.join(f'# {key}' for key in lacking)})" if lacking else ""
        raise StoreError(
            f"{path} does not hold its sample and the time of every frame{found}. Expected a "
            "table written by `pyama merge`, with its lines that begin with # and its columns "
            f"fov and frame; its columns: {', '.join(map(str, table.columns))}."
        ) from error
    table.insert(list(table).index("frame") + 1, "time", minutes / 60)
    table.insert(0, "sample", sample)
    return in_hours(table)


def _parts(
    table: pd.DataFrame, times: Mapping[str, Any]
) -> Iterator[tuple[Mapping[str, Any], NDArray[np.bool_]]]:
    """Yield times by field of view and the rows that have them, for every recording."""
    if not all(isinstance(row, Mapping) for row in times.values()):
        yield times, np.ones(len(table), np.bool_)
        return
    for recording in table["recording"].unique().tolist():
        yield times[str(recording)], (table["recording"] == recording).to_numpy()


@dataclass(frozen=True)
class TimedTable:
    """A table of traces with times.

    Attributes:
        table: With the columns fov, cell and time (hours), without rows whose `good` is
            False.
        header: The entries before its header.
        unit: Unit of `time` in the file; empty if no unit is named and hours are assumed;
            None if the times come from the recording.
    """

    table: pd.DataFrame
    header: Header
    unit: str | None = None

    @property
    def span(self) -> str:
        """First and last time, and the unit if it is assumed."""
        assumed = " (the table names no unit: h is assumed)" if self.unit == "" else ""
        return span_of(self.table) + assumed


def load_timed(
    path: Path | str, unit: str | None = None, frame_interval: float | None = None
) -> tuple[pd.DataFrame, Header]:
    """Read any table of traces with the column `time` in hours; see `read_timed`.

    Returns:
        The table with the columns fov, cell and time, and the entries before its header.
    """
    timed = read_timed(path, TableTime(unit, frame_interval))
    return timed.table, timed.header


def read_timed(path: Path | str, given: TableTime, *, is_recorded: bool = False) -> TimedTable:
    """Read any table of traces; improbable times are warned of.

    Args:
        path: A traces file inside its output folder, a merged table, or any CSV file with the
            columns `cell` and `time`, and `fov` if there is more than one; or with `time` and
            one column per cell, see `pyama.analysis.external_tables`.
        given: What the user says of the times, for a file that is neither a traces file in its
            output folder nor a merged table.
        is_recorded: Whether `given` is what an earlier fit has recorded of this table, which
            is not compared with the times of a recording.

    Raises:
        StoreError: The file cannot be read.
        ConfigError: It is not a table of traces, its times are not as `given` says, or `good`
            holds other values than True and False.
    """
    path = Path(path)
    timed = _read_timed(path, given, TableTime() if is_recorded else given)
    for when in ("frame", "time"):
        if when in timed.table:
            refuse_doubled_times(timed.table, when, str(path))
    warn_of_span(path, timed.table, timed.unit, given)
    return replace(timed, table=in_hours(good_rows(timed.table)))


def _read_timed(path: Path, given: TableTime, of_recording: TableTime) -> TimedTable:
    table, header = read_table(path)
    if "model" in header or "model_type" in table:
        raise ConfigError(
            f"{path} is a table of fits. Give the table that was fitted: "
            f"{header.get('source', 'a traces file or a merged table')}."
        )
    if "times" in header:
        refuse_other_times(path, of_recording)
        return TimedTable(_timed(path, table, header), header)
    is_traces = layout.parse_traces(path.name) is not None
    if is_traces and "time" in table:  # the older PyAMA writes such traces
        header = {"Time units": older_pyama.time_unit(path), **header}
    is_own = is_traces and "time" not in table and set(layout.BASE_COLUMNS) <= set(table)
    is_in_folder = (path.parent.parent / layout.CONFIG_FILE).exists()
    if is_own and (is_in_folder or given.frame_interval is None):
        refuse_other_times(path, of_recording)
        return TimedTable(as_numbers(load_traces(path)), header)
    table, unit = with_hours(path, table, header, given)
    return TimedTable(cell_by_row(path, table), header, unit)


def load_fitted(path: Path | str) -> pd.DataFrame:
    """Read a table of fits and add the column `sample` if it has none.

    Raises:
        StoreError: The file cannot be read or is not a table of fits.
    """
    table, header = read_table(path)
    absent = [name for name in FITTED if name not in table]
    if absent:
        raise StoreError(
            f"{path} is not a table of fits: it has no column {', '.join(absent)}. It has: "
            f"{', '.join(map(str, table.columns))}. Give a *_fitted_*.csv that `pyama fit` "
            "wrote."
        )
    if "sample" not in table:
        table.insert(0, "sample", str(header.get("sample", Path(path).stem)))
    return table
