"""Calls of plugins, so that a fault carries the plugin's name, and a hang ends in one.

No thread can be stopped from outside. Steps that call plugins therefore run in a thread of
their own; when a call takes too long, the step is given up and its thread is left alone. When
the call returns after all, it ends in an error before anything more is written.
"""

import functools
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

from pyama.errors import PluginError, PyamaError
from pyama.processing.plugin_digest import is_builtin

R = TypeVar("R")
LOOK_SECONDS = 0.5
"""How often a step is looked at, at most; less often than a user would wait."""


@dataclass
class _Calls:
    """What a thread that may hang is doing.

    Attributes:
        name: The plugin that is being called; empty between calls.
        since: Since when, or since the last sign of life.
        left: Whether nobody waits for the thread any more.
    """

    name: str = ""
    since: float = 0.0
    left: bool = False


_OWN = threading.local()


def _calls() -> _Calls | None:
    """Return what this thread is doing; None in threads that nobody looks at."""
    return getattr(_OWN, "calls", None)


def within(seconds: float, work: Callable[[], R]) -> R:
    """Return what `work` returns; it runs in a thread of its own.

    Raises:
        PluginError: A plugin called by `work` did not answer in time.
    """
    calls = _Calls()
    results: list[R] = []
    ended = threading.Event()

    def run() -> None:
        _OWN.calls = calls
        try:
            results.append(work())
        finally:
            ended.set()

    thread = threading.Thread(target=run, name="pyama step", daemon=True)
    thread.start()
    try:
        while not ended.wait(min(LOOK_SECONDS, seconds)):
            name, since = calls.name, calls.since
            if name and time.monotonic() - since > seconds:
                raise PluginError(
                    f"{name} has not answered for {seconds:g} s. Mend it, or raise "
                    "plugin_timeout if it needs longer."
                )
    finally:
        calls.left = True
    if not results:
        raise PluginError("The step ended without a word: a plugin ended its thread.")
    return results[0]


def is_left() -> bool:
    """Whether nobody waits for this thread any more."""
    calls = _calls()
    return calls is not None and calls.left


def sign_of_life() -> None:
    """Say that the plugin that is being called has got on."""
    calls = _calls()
    if calls is not None:
        calls.since = time.monotonic()
        _leave_if_left(calls)


def _leave_if_left(calls: _Calls) -> None:
    if calls.left:
        raise PluginError("Nobody waits for this plugin any more.")


@contextmanager
def timed(name: str, plugin: Any) -> Iterator[None]:
    """Let `within` see that a plugin is being called; built-in parts are not looked at.

    Raises:
        PluginError: It took too long, so that its step was given up.
        RuntimeError: It raised what would end a program, such as KeyboardInterrupt.
    """
    calls = _calls()
    if calls is None or is_builtin(plugin):
        yield
        return
    before = calls.name, calls.since
    calls.since, calls.name = time.monotonic(), name
    try:
        yield
    except (KeyboardInterrupt, GeneratorExit) as error:  # Ctrl-C reaches the main thread only
        raise RuntimeError(f"it raised {type(error).__name__}") from error
    finally:
        calls.name, calls.since = before
        _leave_if_left(calls)


def timed_function(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function whose calls are `timed`; a built-in one as it is."""
    if is_builtin(function):
        return function

    @functools.wraps(function)
    def call(*arguments: Any) -> Any:
        with timed(name, function):
            return function(*arguments)

    return call


@contextmanager
def blaming(name: str, plugin: Any) -> Iterator[None]:
    """Turn what a plugin raises into an error that names it; leave built-in parts alone.

    Raises:
        PluginError: `plugin` raised something.
    """
    ended = False
    try:
        with timed(name, plugin):
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
