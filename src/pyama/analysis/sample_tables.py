"""Tables of samples and of fits: CSV files whose first lines say where they come from.

A line `# key: JSON` per entry comes before the header. `pd.read_csv(path, comment="#")`
reads such a file; `read_table` also reads the entries.
"""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any, Literal

import numpy as np
import pandas as pd

from pyama import layout
from pyama.config import METADATA_KEY, ProcessingConfig, parse_config
from pyama.documents import load_yaml
from pyama.errors import ConfigError, StoreError, reason
from pyama.metadata import MicroscopyMetadata, parse_metadata
from pyama.traces.trace_reading import load_traces
from pyama.traces.trace_rows import DRIFT, PARENT

Unit = Literal["min", "h"]
Header = dict[str, Any]

NOT_MEASURED = frozenset(
    {*layout.BASE_COLUMNS, "sample", "time", "source_cell", PARENT, *DRIFT, "n_points"}
)
"""Columns of traces that no feature writes."""
UNITS = {
    "area": "px2",
    "area_um2": "um2",
    "perimeter": "px",
    "centroid_x": "px",
    "centroid_y": "px",
    "intensity_total": "counts",
    "intensity_mean": "counts",
    "intensity_max": "counts",
    "intensity_std": "counts",
    "intensity_core": "counts",
    "intensity_middle": "counts",
    "intensity_rim": "counts",
    "texture": "counts",
}
"""Units of the built-in features that have one."""
FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""What a spreadsheet takes for the beginning of a formula."""
_STRING = re.compile(r'"(?:[^"\\]|\\.)*"')
_CELL = re.compile(r"[,;](?=\s*[=+@-])")
_ENTRY = re.compile(r"# (\w+): (.*)")


def write_table(
    path: Path, table: pd.DataFrame, header: Mapping[str, Any], *, parquet: bool = False
) -> list[Path]:
    """Write a table with its entries; either the whole file appears or nothing.

    Args:
        path: The CSV file; replaced if it is there.
        table: Floats are written so that they are read back exactly.
        header: Entries that JSON can hold.
        parquet: Also write a Parquet file beside it, which keeps the entries as attributes.

    Returns:
        The files.

    Raises:
        ConfigError: `parquet` is asked for and pyarrow is not installed.
    """
    if parquet:
        _require_pyarrow()
    lines = "".join(f"# {key}: {_spelled(value)}\n" for key, value in header.items())
    text = lines + neutralised(table).to_csv(index=False, lineterminator="\n")
    _write(path, text.encode())
    if not parquet:
        return [path]
    beside = path.with_suffix(".parquet")
    described = table.copy(deep=False)
    described.attrs.update(header)
    _write(beside, described.to_parquet(index=False))
    return [path, beside]


def neutralised(table: pd.DataFrame) -> pd.DataFrame:
    """Return a table in which no text is a formula to a spreadsheet.

    Text that starts as formulas do gets a quote in front.
    """
    texts = [i for i, dtype in enumerate(table.dtypes) if dtype.kind not in "biuf"]
    quoted = table.copy(deep=False)
    for i in texts:
        quoted.isetitem(i, table.iloc[:, i].map(_quoted).to_numpy())
    return quoted


def _quoted(value: object) -> object:
    if not isinstance(value, str):
        return value
    line = value.replace("\r", " ")  # which ends a line, though the writer does not know
    return f"'{line}" if value.startswith(FORMULA) else line


def _spelled(value: object) -> str:
    """Return JSON in which no comma in a text begins a cell with a formula."""
    text = json.dumps(value, ensure_ascii=False, allow_nan=False)
    return _STRING.sub(lambda found: _CELL.sub(_escaped, found[0]), text)


def _escaped(separator: re.Match[str]) -> str:
    return f"\\u{ord(separator[0]):04x}"


def _write(path: Path, data: bytes) -> None:
    from pyama.store import naming, write_atomically

    with naming(path):
        path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, data)


def _require_pyarrow() -> None:
    try:
        import pyarrow  # noqa: F401
    except ImportError as error:
        raise ConfigError(
            "Parquet needs pyarrow, which is not installed: "
            "pip install 'pyama-traces[parquet]'"
        ) from error


def read_table(path: Path | str) -> tuple[pd.DataFrame, Header]:
    """Read a CSV file and the entries before its header, if it has any.

    Raises:
        StoreError: The file is missing or is no table.
    """
    path = Path(path)
    try:
        with _opened(path) as file:
            header = _entries(file)
            table = pd.read_csv(file)
    except (OSError, ValueError) as error:
        raise StoreError(f"{path} cannot be read as a table: {reason(error)}.") from error
    return _as_numbers(table), header


def _opened(path: Path) -> IO[str]:
    return path.open(encoding="utf-8-sig", newline="")  # Excel writes a byte order mark


def _as_numbers(table: pd.DataFrame) -> pd.DataFrame:
    """Columns without a single value count as numbers, as in tables that are not empty."""
    return table.astype("int64") if table.empty else table


def read_header(path: Path | str) -> Header:
    """Read the entries before the header of a CSV file.

    Raises:
        StoreError: The file cannot be read.
    """
    try:
        with _opened(Path(path)) as file:
            return _entries(file)
    except (OSError, ValueError) as error:
        raise StoreError(f"{path} cannot be read as a table: {reason(error)}.") from error


def _entries(file: IO[str]) -> Header:
    """Read up to the first line that is no comment; comments of others are passed over."""
    header: Header = {}
    start = file.tell()
    while (line := file.readline()).startswith("#"):
        start = file.tell()
        if match := _ENTRY.fullmatch(line.rstrip("\r\n")):
            try:
                header[match[1]] = json.loads(match[2])
            except ValueError:
                continue
    file.seek(start)
    return header


def load_merged(path: Path | str, unit: Unit = "min") -> pd.DataFrame:
    """Read a merged table and add the columns `sample` and `time`.

    Args:
        path: A `*_merged.csv`.
        unit: Of the column `time`: minutes or hours since the first frame of the recording.

    Returns:
        The columns of the file, with `sample` before them and `time` behind `frame`.

    Raises:
        StoreError: The file is missing, or does not say its sample and times.
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
            f"{path} does not say its sample and the time of every frame ({error!r}). "
            "Expected a table as `pyama merge` writes it, with its lines that begin with #."
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
        plain_unit: Unit of `time` in a file that has this column itself.

    Returns:
        The table with the columns fov, cell and time, and the entries before its header.

    Raises:
        StoreError: The file cannot be read.
        ConfigError: It is no table of traces.
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
        return _as_numbers(load_traces(path, "h")), header
    numbers = table.select_dtypes("number")
    absent = [name for name in ("cell", "time") if name not in numbers]
    if absent:
        raise ConfigError(
            f"{path} has no column of numbers called {' or '.join(absent)}; its columns: "
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
        StoreError: The file cannot be read or is no table of fits.
    """
    table, header = read_table(path)
    if not {"fov", "cell", "model_type", "r_squared"} <= set(table.columns):
        raise StoreError(
            f"{path} is no table of fits: it has no columns model_type and r_squared. Give a "
            "*_fitted_*.csv that `pyama fit` wrote."
        )
    table.insert(0, "sample", str(header.get("sample", Path(path).stem)))
    return table


def measured_columns(table: pd.DataFrame) -> list[str]:
    """Return the columns of numbers that features wrote."""
    numbers = table.select_dtypes("number").columns
    return [str(name) for name in numbers if name not in NOT_MEASURED]


def chosen_column(table: pd.DataFrame, wanted: str | None) -> str:
    """Return the column to work on: the wanted one, or the only one there can be.

    Raises:
        ConfigError: It does not exist, or there is more than one.
    """
    columns = measured_columns(table)
    totals = [name for name in columns if name.startswith("intensity_total_ch_")]
    if wanted is None and len(totals or columns) == 1:
        return (totals or columns)[0]
    if not columns:
        raise ConfigError(
            "The table has no column of numbers to work on; expected one beside fov, cell, "
            "frame and time."
        )
    if wanted is None or wanted not in columns:
        found = "Several columns could be meant" if wanted is None else f"No column {wanted!r}"
        raise ConfigError(f"{found}. Choose with --column: {', '.join(columns)}.")
    return wanted


def unit_of(column: str) -> str:
    """Return the unit of a column of traces; empty where it has none or is not known."""
    if column in layout.BASE_COLUMNS and column.startswith(("position_", "bbox_")):
        return "px"
    return UNITS.get(column.rpartition("_ch_")[0], "")


def units_of(table: pd.DataFrame) -> dict[str, str]:
    """Return the units of the columns that have one."""
    return {str(name): unit for name in table if (unit := unit_of(str(name)))}


def read_recording(output_dir: Path) -> tuple[MicroscopyMetadata, ProcessingConfig]:
    """Return what `processing_config.yaml` says of the recording and of the last run.

    Raises:
        StoreError: The folder has none, so it is no output folder.
        ConfigError: It is damaged.
    """
    path = Path(output_dir) / layout.CONFIG_FILE
    if not path.is_file():
        raise StoreError(
            f"{output_dir} is no output folder of pyama: {layout.CONFIG_FILE} is missing. "
            "Name the folder that was given to a run as --output."
        )
    entries = load_yaml(path)
    if not isinstance(entries, dict) or METADATA_KEY not in entries:
        raise StoreError(f"{path} does not describe a recording: no section 'metadata'.")
    return parse_metadata(entries[METADATA_KEY]), parse_config(str(path), entries)
