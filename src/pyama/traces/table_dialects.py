"""Separators, decimals and quotes of tables, as spreadsheets write them."""

import csv
import io
import re
from collections import Counter
from collections.abc import Iterator

from pyama.errors import reason
from pyama.sentences import count_text

_COMMA = re.compile(r"\s*[+-]?\d*,\d+([eE][+-]?\d+)?\s*|\s*[+-]?\d+,\s*")
_POINT = re.compile(r"\s*[+-]?\d*\.\d+([eE][+-]?\d+)?\s*")
_THOUSANDS = re.compile(r"\s*[+-]?[1-9]\d{0,2},\d{3}\s*")


def with_commas_and_points(
    text: str, separator: str, before: int
) -> tuple[tuple[str, ...], str]:
    """Return a table with commas between fields and points in decimals.

    Args:
        text: Names of the columns and rows; lines end with a line feed.
        separator: Comma, semicolon or tab.
        before: Number of lines of the file before `text`, for messages.

    Returns:
        Names of the columns, and the text.

    Raises:
        ValueError: Rows have too few or too many fields, two columns have the same name, or
            it is not clear what a comma in a number means.
    """
    header, _, rows = text.partition("\n")
    columns = tuple(name.strip() for name in header.split(separator))
    simple = _simple(rows, separator, len(columns))
    is_plain = '"' not in header and (separator == "," or "," not in header)
    if is_plain and columns[-1] and simple is not None:
        text = f"{','.join(columns)}\n{simple}"
    else:
        columns, text = _rewritten(text, separator, before)
    twice = [name for name, n in Counter(columns).items() if n > 1 and name]
    if twice:
        raise ValueError(f"it has two columns named {twice[0]!r}")
    return columns, text


def unquote(line: str, separator: str) -> str:
    """Return a comment as it was before a spreadsheet split, quoted and padded it."""
    text = line.strip().rstrip(separator).rstrip()
    if separator == "," and not text.startswith('"'):
        return text
    fields = next(csv.reader([text], delimiter=separator))
    return ",".join(_with_point(field) for field in fields).rstrip(",")


def _with_point(field: str) -> str:
    return field.replace(",", ".") if _COMMA.fullmatch(field) else field


def _simple(rows: str, separator: str, n: int) -> str | None:
    """Return rows with commas and points if no field has to be looked at; else None.

    This is many times as fast as `_rewritten`, and the case of most tables.
    """
    lines = rows.removesuffix("\n").split("\n") if rows else []
    even = all(
        line.count(separator) == n - 1 and line.strip(f"{separator} ") for line in lines
    )
    if '"' in rows or not even:
        return None
    if separator == ",":
        return rows
    field = rf"(?<![^{separator}\n]){{}}(?![^{separator}\n])"
    if commas := rows.count(","):
        if separator != ";" or re.search(field.format(_POINT.pattern), rows):
            return None
        if len(re.findall(field.format(r"[+-]?\d*,\d+(?:[eE][+-]?\d+)?"), rows)) != commas:
            return None
    return rows.replace(",", ".").replace(separator, ",")


def _rewritten(text: str, separator: str, before: int) -> tuple[tuple[str, ...], str]:
    """Return names and text with commas and points.

    Raises:
        ValueError: A row has too few or too many fields, or decimals are not clear.
    """
    rows = list(_rows(text, separator, before))
    if not rows:
        raise ValueError("it has no names of columns")
    columns = tuple(name.strip() for name in rows[0])
    _refuse_unclear_decimals(rows[1:], separator)
    lines = io.StringIO(newline="")
    writer = csv.writer(lines, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(
        [_with_point(field) if "," in field else field for field in row] for row in rows[1:]
    )
    return columns, lines.getvalue()


def _rows(text: str, separator: str, before: int) -> Iterator[list[str]]:
    """Yield the fields of every row that is not empty, without empty columns at the end."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
    n = 0
    try:
        for row in reader:
            kept = row[:n] if n else row
            beyond = "".join(row[n:]).strip() if n else ""
            if not "".join(row).strip():
                continue
            if not n:
                while not kept[-1].strip():
                    kept.pop()
                n = len(kept)
            if beyond or len(kept) < n:
                raise ValueError(
                    f"line {before + reader.line_num} has {count_text(len(row), 'field')}, "
                    f"but there are names for {count_text(n, 'column')}"
                )
            yield kept
    except csv.Error as error:
        raise ValueError(
            f"line {before + reader.line_num} is damaged ({reason(error)})"
        ) from error


def _refuse_unclear_decimals(rows: list[list[str]], separator: str) -> None:
    """Refuse numbers that may be meant in two ways, such as `1,234`.

    Raises:
        ValueError: Decimals are written in two ways, or commas may separate thousands.
    """
    commas = [x for row in rows for x in row if "," in x and _COMMA.fullmatch(x)]
    if not commas:
        return
    point = next((x for row in rows for x in row if "." in x and _POINT.fullmatch(x)), "")
    if point:
        raise ValueError(
            f"some decimals have a comma ({commas[0].strip()}) and some a point "
            f"({point.strip()}); write all in one way"
        )
    if separator != ";" and all(_THOUSANDS.fullmatch(number) for number in commas):
        raise ValueError(
            f"the comma in {commas[0].strip()} may be that of a decimal or of thousands; "
            "write decimals with a point and thousands without a sign"
        )
