"""The one place that opens tables: CSV as pyama, spreadsheets and other programs write it.

Programs differ in the encoding (UTF-8 with or without a byte order mark, UTF-16,
Windows-1252), the ends of lines, the separator (comma, semicolon, tab), the sign of decimals
(point, comma) and in what they quote. The text that is returned has commas and points.
"""

import io
import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from pyama import layout
from pyama.errors import StoreError, reason
from pyama.symlinks import refuse_link_out
from pyama.traces.table_dialects import unquote, with_commas_and_points

if TYPE_CHECKING:
    import pandas as pd  # takes long to load, and most commands read no table

SIGNATURES = {
    b"PK\x03\x04": "an Excel or OpenDocument workbook; save its sheet as CSV",
    b"\xd0\xcf\x11\xe0": "an Excel workbook; save its sheet as CSV",
    b"PAR1": "a Parquet file; give the CSV file that it was made from",
    b"\x1f\x8b": "compressed; unpack it first",
}
"""First bytes of files that are given in place of a table."""
MARKS = {
    b"\xef\xbb\xbf": "utf-8-sig",
    b"\xff\xfe\x00\x00": "utf-32",
    b"\x00\x00\xfe\xff": "utf-32",
    b"\xff\xfe": "utf-16",
    b"\xfe\xff": "utf-16",
}
"""Encodings by their byte order mark."""
SEPARATORS = "\t;,"
TRUE = frozenset({"true", "wahr", "vrai", "vero", "verdadero", "waar", "1"})
"""Words for True, as spreadsheets write them in the language of the computer."""
FALSE = frozenset({"false", "falsch", "faux", "falso", "onwaar", "0"})
"""Words for False."""
_QUOTED = re.compile(r'"[^"]*"')
_SEPARATOR_LINE = re.compile(r'\ufeff?"?sep=([;,\t])"?[;,\s]*')


@dataclass(frozen=True)
class TableText:
    """The content of a table.

    Attributes:
        path: The file.
        comments: Lines before the names of the columns that begin with `#`, without quotes
            and separators that a spreadsheet added.
        columns: Names of the columns; an empty name where the file has none.
        text: Names and rows as CSV, with commas, points and line feeds.
    """

    path: Path
    comments: tuple[str, ...]
    columns: tuple[str, ...]
    text: str

    def frame(self) -> "pd.DataFrame":
        """Return the rows; columns without a name are left out.

        Raises:
            StoreError: The rows cannot be understood.
        """
        import pandas as pd

        names = [name for name in layout.NAME_COLUMNS if name in self.columns]
        others = [name for name in layout.CONDITION_COLUMNS if name in self.columns]
        try:
            table = pd.read_csv(
                io.BytesIO(self.text.encode()),
                index_col=False,
                low_memory=False,
                converters=dict.fromkeys([*names, *others], _marked),
            )
        except (ValueError, OverflowError) as error:
            raise _refusal(self.path, f"its rows are damaged ({reason(error)})") from error
        for name in names:
            table[name] = table[name].str[1:].replace("", None)
        for name in others:
            table[name] = table[name].str[1:]
        for name in {"good", "success"}.intersection(self.columns):
            table[name] = _truths(table[name])
        named = [bool(name) for name in self.columns]
        return table if all(named) else table.loc[:, named]


def _marked(name: str) -> str:
    """Return a name behind a mark, so that NA is not taken for an empty field."""
    return f"={name.strip()}"


def _truths(words: "pd.Series[Any]") -> "pd.Series[Any]":
    """Return words for True and False as such; other values stay."""
    if words.dtype.kind in "bif":
        return words
    lower = [str(word).casefold() for word in words]
    if not set(lower) <= TRUE | FALSE:
        return words
    return words.map(lambda word: str(word).casefold() in TRUE).astype(bool)


def read_table_text(path: Path) -> TableText:
    """Read a table in any of the usual forms.

    Raises:
        StoreError: The file cannot be read, or it is not a table; the message says why.
    """
    for encoding in _encodings(path):
        try:
            with path.open(encoding=encoding) as file:
                comments, header, separator, before = _beginning(file)
                rows = header + file.read()
        except UnicodeError:
            continue
        except OSError as error:
            raise _refusal(path, reason(error)) from error
        return _table(path, comments, rows, separator, before)
    raise _refusal(path, "it is not text")


def read_comments(path: Path) -> tuple[str, ...]:
    """Return the lines before the names of the columns, see `TableText`; rows are not read.

    Raises:
        StoreError: The file cannot be read.
    """
    for encoding in _encodings(path):
        try:
            with path.open(encoding=encoding) as file:
                comments, _, separator, _ = _beginning(file)
            return tuple(unquote(line, separator) for line in comments)
        except UnicodeError:
            continue
        except OSError as error:
            raise _refusal(path, reason(error)) from error
    raise _refusal(path, "it is not text")


def _refusal(path: Path, why: str) -> StoreError:
    return StoreError(f"{path} cannot be read as a table: {why}.")


def _encodings(path: Path) -> tuple[str, ...]:
    """Return the encodings to try.

    Raises:
        StoreError: The file cannot be read, is empty, or is of another kind.
    """
    refuse_link_out(path)
    try:
        with path.open("rb") as file:
            start = file.read(4096)
    except (OSError, ValueError) as error:
        raise _refusal(path, reason(error)) from error
    if not start:
        raise _refusal(path, "it is empty")
    for signature, kind in SIGNATURES.items():
        if start.startswith(signature):
            raise _refusal(path, f"it is {kind}")
    for mark, encoding in MARKS.items():
        if start.startswith(mark):
            return (encoding,)
    zeros = start[1::2].count(0), start[::2].count(0)
    if max(zeros) * 3 > len(start):  # UTF-16 without a mark: every other byte is 0
        return ("utf-16-le" if zeros[0] > zeros[1] else "utf-16-be",)
    return ("utf-8", "cp1252")


def _beginning(file: IO[str]) -> tuple[list[str], str, str, int]:
    """Read up to the names of the columns.

    Returns:
        Comments, the line with the names, the separator, and the number of lines before.
    """
    comments: list[str] = []
    separator, before = "", 0
    while line := file.readline():
        text = line.strip(f"{SEPARATORS} \n\ufeff")
        if given := _SEPARATOR_LINE.fullmatch(line):  # Excel reads such a line
            separator = given[1]
        elif text.startswith(("#", '"#')):
            comments.append(line)
        elif text:
            break
        before += 1
    if not separator:
        counts = Counter(_QUOTED.sub("", line))
        separator = max(SEPARATORS, key=lambda character: counts[character])
        separator = separator if counts[separator] else ","
    return comments, line, separator, before


def _table(
    path: Path, comments: list[str], text: str, separator: str, before: int
) -> TableText:
    if "\0" in text:
        raise _refusal(path, "it is not text")
    if not text.strip():
        raise _refusal(path, "it has no line with the names of the columns")
    try:
        columns, text = with_commas_and_points(text, separator, before)
    except ValueError as error:
        raise _refusal(path, str(error)) from error
    cleaned = tuple(unquote(line, separator) for line in comments)
    return TableText(path, cleaned, columns, text)
