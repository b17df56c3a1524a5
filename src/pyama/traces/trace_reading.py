"""Traces read as tables, with the time of every frame."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from pyama import layout
from pyama.errors import StoreError
from pyama.sentences import count_text
from pyama.traces.table_text import read_table_text
from pyama.traces.trace_files import check_inspection
from pyama.traces.trace_recording import run_times

if TYPE_CHECKING:
    import pandas as pd  # takes long to load, and most commands read no table

_BASE_DTYPES = {
    name: "bool" if name == "good" else "float64" if name.startswith("position") else "int64"
    for name in layout.BASE_COLUMNS
}
_EXPECTED = {"bool": "True or False", "float64": "numbers", "int64": "whole numbers"}


def load_traces(path: Path | str) -> "pd.DataFrame":
    """Read the traces of one field of view and add the column `time`.

    Args:
        path: A `*_traces.csv` or `*_traces_inspected.csv` inside its output folder.

    Returns:
        The columns of the file, with `time` (hours since the first frame of the recording)
        after `frame`.

    Raises:
        StoreError: The file is missing or is not a traces file, it is an inspection of other
            traces than the current ones, it contains frames that the recording does not
            have, or the configuration of its run is missing.

    Examples:
        >>> traces = pyama.load_traces("results/fov_000/recording_fov_000_traces.csv")
        >>> traces.groupby("cell")["time"].max().round(2).tolist()
        [0.83, 0.83, 0.83, 0.83]
    """
    path = Path(path)
    check_inspection(path)
    table = _typed(path, read_table_text(path).frame())
    minutes = np.zeros(len(table))
    for fov in table["fov"].unique().tolist():
        frames = table.loc[table["fov"] == fov, "frame"]
        times = np.array(run_times(path.parent.parent, fov), np.float64)
        if not frames.between(0, len(times) - 1).all():
            raise StoreError(
                f"{path} contains frames {frames.min()} to {frames.max()} of FOV {fov}, but "
                f"the recording has {count_text(len(times), 'frame')}. `pyama run` makes the "
                "file again."
            )
        minutes[frames.index] = times[frames]
    table.insert(3, "time", minutes / 60)
    return in_hours(table)


def in_hours(table: "pd.DataFrame") -> "pd.DataFrame":
    """Record in the attributes of a table that its column `time` is in hours; return it."""
    table.attrs["units"] = {"time": "h"}
    return table


def _typed(path: Path, table: "pd.DataFrame") -> "pd.DataFrame":
    """Return traces whose base columns have their types.

    Raises:
        StoreError: A column is missing or holds other values.
    """
    absent = [name for name in layout.BASE_COLUMNS if name not in table.columns]
    if absent:
        raise StoreError(
            f"{path} has no column {', '.join(absent)}; expected a traces file of pyama. It "
            f"has the columns {', '.join(table.columns)}."
        )
    for name, dtype in _BASE_DTYPES.items():
        fits = _fits(table[name], dtype)
        if not fits.all():
            odd = table[name][~fits].iloc[0]
            raise StoreError(
                f"{path} cannot be read as a table of traces: the column {name} holds "
                f"{'an empty field' if odd != odd else odd}; expected {_EXPECTED[dtype]}."
            )
    return table.astype(_BASE_DTYPES)


def _fits(column: "pd.Series[Any]", dtype: str) -> "pd.Series[bool]":
    """Return which values of a column are of a type, with 1.0 for 1."""
    import pandas as pd

    numbers = pd.to_numeric(column, errors="coerce")
    if dtype == "bool":
        return numbers.isin([0, 1])
    if dtype == "float64":
        return numbers.notna() | column.isna()
    return numbers.between(-(2**62), 2**62) & (numbers == numbers.round())
