"""Tables of other programs: names in capitals, and tables with one column per cell."""

import re
import warnings
from pathlib import Path

import numpy as np
import pandas as pd

from pyama import older_pyama
from pyama.analysis.table_columns import NOT_MEASURED, UNITS, first_text
from pyama.errors import ConfigError

KNOWN_COLUMNS = ("fov", "cell", "frame", "time", "good")
"""Columns that are recognised in capitals, too."""
NO_CELLS = NOT_MEASURED | UNITS.keys() | {"value", "index"}
"""Names of columns that hold no cell."""
EXPECTED = (
    "Expected a traces file of pyama, a merged table, a table with the columns cell, time and "
    "a value, or one with time and a column per cell."
)
_CELL = re.compile(r"(?:(?:fov[_ ]*)?(?P<fov>\d+)[_ ]+)?[^\W\d_]*[_ ]*(?P<cell>\d+)", re.I)
_CHANNEL = re.compile(r".+_ch_\d+")


def cell_by_row(path: Path, table: pd.DataFrame) -> pd.DataFrame:
    """Return a table with one row per cell and time.

    Args:
        path: The file, for messages.
        table: Such a table, whose columns may be written in capitals; or a wide table with
            `time` and one column per cell. The number of the cell is taken from the name of
            its column, such as `cell_3`, `fov_000_cell_3`, `0_3` or `3`.

    Returns:
        The table with at least the columns fov, cell and time; a wide table as fov, cell,
        time and value, without empty fields.

    Raises:
        ConfigError: It is neither; the message names the columns that were found.
    """
    table = _with_known_names(table.rename(columns=older_pyama.NAMES))
    wide = [str(name) for name in table if name != "time"]
    if "cell" not in table and _holds_cells(table, wide):
        return _long(path, table, wide)
    numbers = table.select_dtypes("number")
    absent = [name for name in ("cell", "time") if name not in numbers]
    if absent:
        texts = [
            f" Its column {name} holds {first_text(table[name])!r}."
            for name in absent
            if name in table
        ]
        raise ConfigError(
            f"{path} has no column of numbers named {' or '.join(absent)}; its columns: "
            f"{', '.join(map(str, table.columns))}.{''.join(texts)} {EXPECTED}"
        )
    if "fov" not in table:
        table.insert(0, "fov", 0)
    return table


def _with_known_names(table: pd.DataFrame) -> pd.DataFrame:
    spelled = {
        name: str(name).lower()
        for name in table
        if str(name).lower() in KNOWN_COLUMNS and str(name).lower() not in table
    }
    return table.rename(columns=spelled)


def _holds_cells(table: pd.DataFrame, names: list[str]) -> bool:
    """Whether columns may be cells: numbers, and no column that has another meaning."""
    if "time" not in table.select_dtypes("number") or not names:
        return False
    if any(name.lower() in NO_CELLS or _CHANNEL.fullmatch(name) for name in names):
        return False
    return all(table[name].dtype.kind in "if" or table[name].isna().all() for name in names)


def _long(path: Path, table: pd.DataFrame, names: list[str]) -> pd.DataFrame:
    parts = [
        pd.DataFrame({"fov": fov, "cell": cell, "time": table["time"], "value": table[name]})
        for name, (fov, cell) in zip(names, _numbers(path, names), strict=True)
    ]
    return (
        pd.concat(parts, ignore_index=True)
        .dropna(subset=["time", "value"])
        .astype({"value": np.float64})
        .reset_index(drop=True)
    )


def _numbers(path: Path, names: list[str]) -> list[tuple[int, int]]:
    """Return field of view and cell of every column."""
    matches = [_CELL.fullmatch(name) for name in names]
    numbers = [(int(m["fov"] or 0), int(m["cell"])) for m in matches if m]
    if len(numbers) == len(set(numbers)) == len(names):
        return numbers
    first = ", ".join(f"{i} is {name!r}" for i, name in enumerate(names[:3], start=1))
    warnings.warn(
        f"The columns of {path} are not named by a different number of a cell each, such as "
        f"cell_1 and cell_2. They are numbered from left to right: {first}"
        f"{', ...' if len(names) > 3 else ''}.",
        UserWarning,
        stacklevel=2,
    )
    return [(0, i) for i in range(1, len(names) + 1)]
