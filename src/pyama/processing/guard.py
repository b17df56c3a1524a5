"""Calls of plugins, so that a fault carries the plugin's name."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from pyama.errors import PluginError, PyamaError
from pyama.processing.fingerprint import is_builtin


@contextmanager
def blaming(name: str, plugin: Any) -> Iterator[None]:
    """Turn what a plugin raises into an error that names it; leave built-in parts alone.

    Raises:
        PluginError: `plugin` raised something.
    """
    ended = False
    try:
        yield
        ended = True
    finally:
        if not ended and not is_builtin(plugin):
            _blame(name)


def _blame(name: str) -> None:
    error = sys.exception()
    if isinstance(error, Exception | SystemExit) and not isinstance(error, PyamaError):
        raise PluginError(f"{name} raised {type(error).__name__}: {error}") from error


def called(name: str, function: Callable[..., Any], *arguments: Any) -> Any:
    """Call a plugin; see `blaming`."""
    with blaming(name, function):
        return function(*arguments)
