"""All exceptions of pyama.

* PyamaError
  - ConfigError        a value the user wrote is wrong
    + InspectedError   a run would replace results that a person has inspected
  - ReaderError        a microscope file cannot be read
  - StoreError         what is on disk does not match the layout
    + NotReadyError    a step needs an output that is missing or unfinished
    + LockedError      another run is working on the same field of view
  - ArrayError         arrays handed to an algorithm do not fit together
  - PluginError        a plugin cannot be registered, or violated its contract in a run

Each class also derives from a built-in exception, so that `except ValueError` catches it,
too. A message says what was found, what was expected and what to do.
"""

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any


class PyamaError(Exception):
    """Base class: `except PyamaError` catches everything pyama raises."""


class ConfigError(PyamaError, ValueError):
    """A value in a configuration or in a call is not allowed."""


class InspectedError(ConfigError):
    """A run would replace results that a person has inspected.

    Attributes:
        facts: What of them it would replace, one sentence per field of view.
    """

    facts: tuple[str, ...] = ()


class ReaderError(PyamaError, OSError):
    """A microscope file is missing, damaged or of an unknown format."""


class StoreError(PyamaError, OSError):
    """A file or array on disk does not match the layout."""


class NotReadyError(StoreError, FileNotFoundError):
    """An input of a step is missing, or was not completed by an earlier run."""


class LockedError(StoreError):
    """Another run holds the field of view."""


class ArrayError(PyamaError, ValueError):
    """Arrays have the wrong shape or dtype for an algorithm."""


class PluginError(PyamaError, TypeError):
    """A plugin does not implement its interface correctly."""


@contextmanager
def name_failure(sentence: str, kept: tuple[type[Exception], ...] = ()) -> Iterator[None]:
    """Turn an exception of a plugin, or its `sys.exit`, into a `PluginError`.

    Ctrl-C passes unchanged.

    Args:
        sentence: Message with the placeholder `{error}`, which becomes class and text of the
            exception.
        kept: Classes of exceptions that pass unchanged.

    Raises:
        PluginError: The code inside the `with` raised an exception.
    """
    returned = False
    try:
        yield
        returned = True
    finally:
        error = sys.exception()
        is_failure = isinstance(error, Exception | SystemExit) and not isinstance(error, kept)
        if is_failure and not returned:
            found = f"{type(error).__name__}: {error}"
            raise PluginError(sentence.replace("{error}", found)) from error


def message_of(error: BaseException) -> str:
    """Return an error as one line for the user.

    The class of the error is named unless it comes from pyama or from the operating system,
    whose messages are complete sentences.
    """
    if isinstance(error, PyamaError):
        text = str(error)
    elif isinstance(error, OSError) and error.strerror:
        text = f"{error.strerror}: {error.filename}" if error.filename else error.strerror
    else:
        text = f"{type(error).__name__}: {error}"
    return " ".join(text.split())


def reason(error: Exception) -> str:
    """Return in a few words why a file cannot be read, for a message that names the file."""
    if isinstance(error, FileNotFoundError):
        return "it does not exist; check the path"
    if isinstance(error, IsADirectoryError):
        return "it is a folder; give a file"
    if isinstance(error, UnicodeDecodeError):
        return "it is not UTF-8 text"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return " ".join(str(error).split())


_WRONG = {
    "missing": "a value is missing",
    "extra_forbidden": "unknown name",
    "finite_number": "expected a finite number",
}
_LIMITS = {
    "greater_than": "more than",
    "greater_than_equal": "at least",
    "less_than": "less than",
    "less_than_equal": "at most",
    "literal_error": "",
}
_KINDS = {
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "string": "text",
    "list": "a list",
    "tuple": "a list",
    "dict": "names with values",
    "model": "names with values",
}


def problem_of(entry: Mapping[str, Any]) -> str:
    """Return in plain words what is wrong with a value.

    Args:
        entry: One of the errors of a pydantic `ValidationError`.
    """
    kind = str(entry["type"])
    if kind in _WRONG:
        return _WRONG[kind]
    if kind in _LIMITS:
        (limit,) = entry["ctx"].values()
        return " ".join(f"expected {_LIMITS[kind]} {_short(limit)}".split())
    if (first := kind.partition("_")[0]) in _KINDS:
        return f"expected {_KINDS[first]}"
    return str(entry["msg"]).removeprefix("Value error, ")


def _short(value: object) -> object:
    return int(value) if isinstance(value, float) and value.is_integer() else value


def place_of(entry: Mapping[str, Any]) -> str:
    """Return the name of a wrong value, such as `min_object_size`; empty for all of them.

    Args:
        entry: As for `problem_of`.
    """
    # pydantic adds the alternatives of a type to the place, such as "constrained-int".
    parts = [str(part) for part in entry["loc"] if not _is_alternative(str(part))]
    return ".".join(parts[1:] if parts[:1] == ["params"] and len(parts) > 1 else parts)


def _is_alternative(part: str) -> bool:
    return "[" in part or part.startswith("constrained-") or part in ("int", "float", "str")
