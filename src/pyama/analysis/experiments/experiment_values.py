"""Values of `experiment.yaml`: names, folders, columns and gaps, and why they are refused."""

import datetime
import unicodedata
from collections.abc import Iterable, Iterator
from itertools import pairwise
from reprlib import repr as short
from typing import Annotated, Any

from pydantic import BeforeValidator, StrictBool

MAX_NAME = 255
"""Number of characters of a name."""
MAX_FOLDER = 4096
"""Number of characters of a path."""
MAX_DIGITS = 15
"""Whole numbers with more digits are not exact in other programs."""
SHORTEST_GAP, LONGEST_GAP = 1 / 3600, 366 * 24.0
"""Hours: 1 s, and a year."""
UNKNOWN = frozenset({"na", "n/a", "nan", "none", "null", "nil", "-", "?", "unknown"})
"""Words for a value that is not known, regardless of case."""


def _text_or_number(value: object) -> str | int:
    if isinstance(value, datetime.date):  # YAML reads 2024-05-01 as a date
        return value.isoformat()
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise ValueError(  # noqa: TRY004 (pydantic collects no others)
            f"{short(value)} is neither text nor a whole number; put it in quotation marks"
        )
    if isinstance(value, int) and abs(value) >= 10**MAX_DIGITS:
        raise ValueError(
            f"a number of more than {MAX_DIGITS} digits; put it in quotation marks, or "
            "number from 1"
        )
    return value


def _length(text: str, longest: int) -> None:
    if not any(c.isprintable() and c != " " for c in text):
        raise ValueError(f"{short(text)} is blank; expected text or a whole number")
    if len(text) > longest:
        raise ValueError(f"{len(text)} characters; expected at most {longest}. Shorten it")


def _column(value: object) -> str | int:
    """Return the value of a column, which tables keep as it is."""
    value = _text_or_number(value)
    text = str(value)
    _length(text, MAX_NAME)
    if hidden := [c for c in text if not c.isprintable()]:
        raise ValueError(
            f"{short(text)} contains U+{ord(hidden[0]):04X}, which cannot be seen; type it "
            "again"
        )
    if text != text.strip():
        raise ValueError(f"{short(text)} begins or ends with a blank; remove it")
    return value


def _number_from_0(value: object) -> str | int:
    value = _column(value)
    if isinstance(value, int) and value < 0:
        raise ValueError(f"{value} is negative; number from 1, or put it in quotation marks")
    return value


def _replicate(value: object) -> str | int:
    value = _number_from_0(value)
    if str(value).casefold() in UNKNOWN:
        raise ValueError(
            f"{value!r} would be a replicate of that name; name it, or leave out all "
            "replicates if they are not known"
        )
    return value


def name_of(value: object) -> str:
    """Return a name as text.

    Raises:
        ValueError: It is neither text nor a whole number from 0, is blank, too long, or has
            characters that cannot be seen.
    """
    return str(_number_from_0(value))


def _folder(value: object) -> str:
    text = str(_text_or_number(value))
    _length(text, MAX_FOLDER)
    if any(unicodedata.category(c) == "Cc" for c in text):
        raise ValueError(f"{short(text)} contains control characters; type it again")
    return text


def _hours(value: object) -> float:
    try:
        hours = float("nan") if isinstance(value, bool) else float(str(value))
    except ValueError:
        hours = float("nan")
    if not SHORTEST_GAP <= hours <= LONGEST_GAP:
        raise ValueError(
            f"{short(value)} is not a gap; expected hours, at least {SHORTEST_GAP:.1g} (1 s) "
            f"and at most {LONGEST_GAP:.0f} (a year), such as 0.5"
        )
    return hours


Name = Annotated[str, BeforeValidator(name_of)]
Folder = Annotated[str, BeforeValidator(_folder)]
Replicate = Annotated[Any, BeforeValidator(_replicate)]
Plate = Annotated[Any, BeforeValidator(_number_from_0)]
Value = Annotated[Any, BeforeValidator(_column)]
Hours = Annotated[float, BeforeValidator(_hours)]
Flag = StrictBool


def comparable(name: str) -> str:
    """Return what is equal for names that people and some disks cannot tell apart."""
    return unicodedata.normalize("NFKC", name).casefold()


def too_similar(names: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Yield pairs of different names that only differ in case or in forms of a character."""
    spelled: dict[str, dict[str, None]] = {}
    for name in names:
        spelled.setdefault(comparable(name), {})[name] = None
    for forms in spelled.values():
        yield from pairwise(forms)
