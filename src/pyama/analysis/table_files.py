"""CSV files whose first lines hold metadata.

One line `# key: JSON` per entry comes before the header. `pd.read_csv(path, comment="#")`
reads such a file; `read_table` also reads the entries.
"""

import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pyama.errors import ConfigError
from pyama.store import path_in_errors, write_atomically
from pyama.traces.table_text import read_comments, read_table_text

if TYPE_CHECKING:
    import pandas as pd  # takes long to load, and most commands read no table

Header = dict[str, Any]
"""The entries before the header."""

FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""First characters that make a spreadsheet take a text for a formula."""
_STRING = re.compile(r'"(?:[^"\\]|\\.)*"')
_CELL = re.compile(r"[,;](?=\s*[=+@-])")
_ENTRY = re.compile(r"#\s*(\w[\w ]*):\s*(.*)")


def write_table(
    path: Path, table: "pd.DataFrame", header: Mapping[str, Any], *, parquet: bool = False
) -> list[Path]:
    """Write a table and its entries; the file is written completely or not at all.

    Args:
        path: The CSV file; replaced if it exists.
        table: The table. Floats are written so that they are read back exactly.
        header: Entries, of types that JSON can hold.
        parquet: Also write a Parquet file beside it, with the entries as attributes.

    Returns:
        The files that were written.

    Raises:
        ConfigError: `parquet` is True and pyarrow is not installed.
        StoreError: A file cannot be written.
    """
    if parquet:
        _require_pyarrow()
    lines = "".join(f"# {key}: {_json_text(value)}\n" for key, value in header.items())
    text = lines + neutralise_formulas(table).to_csv(index=False, lineterminator="\n")
    _write(path, text.encode())
    if not parquet:
        return [path]
    parquet_path = path.with_suffix(".parquet")
    described = table.copy(deep=False)
    described.attrs.update(header)
    _write(parquet_path, described.to_parquet(index=False))
    return [path, parquet_path]


def neutralise_formulas(table: "pd.DataFrame") -> "pd.DataFrame":
    """Return a table in which no text is a formula to a spreadsheet.

    Text that begins like a formula gets a quotation mark in front.
    """
    texts = [i for i, dtype in enumerate(table.dtypes) if dtype.kind not in "biuf"]
    quoted = table.copy(deep=False)
    for i in texts:
        quoted.isetitem(i, table.iloc[:, i].map(_quoted).to_numpy())
    return quoted


def _quoted(value: object) -> object:
    if not isinstance(value, str):
        return value
    line = value.replace("\r", " ")  # it ends a line, which the writer of pandas ignores
    return f"'{line}" if value.startswith(FORMULA) else line


def _json_text(value: object) -> str:
    """Return JSON in which no separator in a string is followed by a formula."""
    text = json.dumps(value, ensure_ascii=False, allow_nan=False)
    return _STRING.sub(lambda match: _CELL.sub(_escaped, match[0]), text)


def _escaped(separator: re.Match[str]) -> str:
    return f"\\u{ord(separator[0]):04x}"


def _write(path: Path, data: bytes) -> None:
    with path_in_errors(path):
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


def read_table(path: Path | str) -> "tuple[pd.DataFrame, Header]":
    """Read a CSV file and the entries before its header, if it has any.

    The file may have been saved by a spreadsheet, see `pyama.traces.table_text`.

    Raises:
        StoreError: The file is missing or is not a table.
    """
    content = read_table_text(Path(path))
    return as_numbers(content.frame()), _entries(content.comments)


def as_numbers(table: "pd.DataFrame") -> "pd.DataFrame":
    """Convert the columns of a table without rows to numbers, as in tables with rows."""
    return table.astype("int64") if table.empty else table


def read_header(path: Path | str) -> Header:
    """Read the entries before the header of a CSV file.

    Raises:
        StoreError: The file cannot be read.
    """
    return _entries(read_comments(Path(path)))


def _entries(comments: Iterable[str]) -> Header:
    """Return the comments that are entries.

    A key of one word has a value in JSON; one of several words, as other programs write it,
    has a text.
    """
    header: Header = {}
    for line in comments:
        if match := _ENTRY.fullmatch(line):
            try:
                header[match[1]] = match[2] if " " in match[1] else json.loads(match[2])
            except ValueError:
                continue
    return header
