"""What is wrong with entries of a configuration or arguments in Python, in plain words."""

import reprlib
from collections.abc import Iterable
from difflib import get_close_matches
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from pyama.algorithms.params import Params
from pyama.errors import ConfigError, place_of, problem_of

SHORT = reprlib.Repr()
"""Shortens values to one line, since YAML may refer to one list many times."""
SHORT.maxlevel = 2


class PlainErrors(Params):
    """Parameters that say in plain words which arguments in Python are wrong."""

    def __init__(self, **values: Any) -> None:
        try:
            super().__init__(**values)
        except ValidationError as error:
            name, names = type(self).__name__, type(self).model_fields
            raise ConfigError(wrong_entries(name, error, names)) from None

    # Otherwise pydantic also calls it for sections of files, whose errors name their place.
    __init__.__pydantic_base_init__ = True  # type: ignore[attr-defined]


def wrong_entries(source: str, error: ValidationError, names: Iterable[str]) -> str:
    """Return a line for every wrong entry.

    Args:
        source: Name of the file or class.
        error: What pydantic found.
        names: Known names, one of which may have been meant.
    """
    known = list(names)
    wrong = [f"  {_wrong(entry, known)}" for entry in error.errors(include_url=False)]
    plural = "entry" if len(wrong) == 1 else "entries"
    return f"{source} has {len(wrong)} wrong {plural}:\n" + "\n".join(wrong)


def _wrong(entry: ErrorDetails, known: list[str]) -> str:
    *_, last = ("", *entry["loc"])
    name = place_of(entry) or "configuration"
    value, problem = entry["input"], problem_of(entry)
    if entry["type"] == "extra_forbidden":
        near = get_close_matches(str(last), known, n=1)
        problem = f"unknown name; did you mean {near[0]}?" if near else "unknown name"
    # A message about several entries names them itself.
    shown = "" if isinstance(value, dict | BaseModel) else f" = {SHORT.repr(value)}"
    return f"{name}{shown}: {problem}"
