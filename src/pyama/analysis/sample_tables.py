"""Tables of samples, fits and traces, read with the columns `sample` and `time`."""

from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd

from pyama import layout
from pyama.analysis.table_files import Header, as_numbers, read_table
from pyama.errors import ConfigError, StoreError
from pyama.traces.trace_reading import load_traces

Unit = Literal["min", "h"]


def load_merged(path: Path | str, unit: Unit = "min") -> pd.DataFrame:
    """Read a merged table and add the columns `sample` and `time`.

    Args:
        path: A `*_merged.csv`.
        unit: Unit of the column `time`: minutes or hours since the first frame of the
            recording.

    Returns:
        The columns of the file, with `sample` before them and `time` after `frame`.

    Raises:
        StoreError: The file is missing, or lacks its sample or times.
    """
    table, header = read_table(path)
    return _timed(Path(path), table, header, unit)


def _timed(path: Path, table: pd.DataFrame, header: Header, unit: Unit) -> pd.DataFrame:
    try:
        times = {int(fov): np.array(row, float) for fov, row in header["times"].items()}
        sample = str(header["sample"])
        minutes = np.zeros(len(table))
        for fov in table["fov"].unique().tolist():
            rows = (table["fov"] == fov).to_numpy()
            minutes[rows] = times[fov][table["frame"].to_numpy()[rows]]
    except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
        raise StoreError(
            f"{path} does not hold its sample and the time of every frame ({error!r}). "
            "Expected a table written by `pyama merge`, with its lines that begin with #."
        ) from error
    minutes /= 60 if unit == "h" else 1
    table.insert(list(table).index("frame") + 1, "time", minutes)
    table.insert(0, "sample", sample)
    return table


def load_timed(path: Path | str, plain_unit: Unit = "h") -> tuple[pd.DataFrame, Header]:
    """Read any table of traces with the column `time` in hours.

    Args:
        path: A traces file inside its output folder, a merged table, or any CSV file with the
            columns `cell` and `time`, and `fov` if there is more than one.
        plain_unit: Unit of `time` in a file that has this column.

    Returns:
        The table with the columns fov, cell and time, and the entries before its header.

    Raises:
        StoreError: The file cannot be read.
        ConfigError: It is not a table of traces.
    """
    path = Path(path)
    table, header = read_table(path)
    if "model" in header or "model_type" in table:
        raise ConfigError(
            f"{path} is a table of fits. Give the table that was fitted: "
            f"{header.get('source', 'a traces file or a merged table')}."
        )
    if "times" in header:
        return _timed(path, table, header, "h"), header
    if "time" not in table and layout.parse_traces(path.name):
        return as_numbers(load_traces(path, "h")), header
    numbers = table.select_dtypes("number")
    absent = [name for name in ("cell", "time") if name not in numbers]
    if absent:
        raise ConfigError(
            f"{path} has no column of numbers named {' or '.join(absent)}; its columns: "
            f"{', '.join(map(str, table.columns))}. Expected a traces file of pyama, a merged "
            "table, or a table with the columns cell and time, separated by commas."
        )
    if "fov" not in table:
        table.insert(0, "fov", 0)
    if plain_unit == "min":
        table["time"] /= 60
    return table, header


def load_fitted(path: Path | str) -> pd.DataFrame:
    """Read a table of fits and add the column `sample`.

    Raises:
        StoreError: The file cannot be read or is not a table of fits.
    """
    table, header = read_table(path)
    if not {"fov", "cell", "model_type", "r_squared"} <= set(table.columns):
        raise StoreError(
            f"{path} is not a table of fits: it has no columns model_type and r_squared. "
            "Give a *_fitted_*.csv that `pyama fit` wrote."
        )
    table.insert(0, "sample", str(header.get("sample", Path(path).stem)))
    return table
