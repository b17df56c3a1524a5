"""Calls of plugins: errors name the plugin, and a plugin that hangs is an error too.

A thread cannot be stopped from outside. Each step that calls plugins therefore runs in a
thread of its own. If a call takes too long, the step fails and its thread is abandoned. If
the call returns later, the abandoned thread raises an error before it writes anything else.
"""

import functools
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any, TypeVar

from pyama.errors import PluginError, PyamaError, name_failure
from pyama.processing.plugin_digest import is_builtin

R = TypeVar("R")
POLL_SECONDS = 0.5
"""Longest time between two checks of a running step; short compared with a timeout."""


@dataclass
class _Calls:
    """Current call of a plugin in a thread that may hang.

    Attributes:
        name: Name of the plugin; empty between calls.
        since: Time at which the call began or last reported progress.
        abandoned: Whether the step was given up, so that no one waits for the thread.
    """

    name: str = ""
    since: float = 0.0
    abandoned: bool = False


_THREAD = threading.local()


def _calls() -> _Calls | None:
    """Return the calls of this thread; None if `run_with_limit` did not start it."""
    return getattr(_THREAD, "calls", None)


def run_with_limit(seconds: float, work: Callable[[], R]) -> R:
    """Run `work` in a thread of its own and return its result.

    Args:
        seconds: Time limit of every single call of a plugin.
        work: Function that calls plugins.

    Raises:
        PluginError: A plugin did not answer in time, or ended the thread.
    """
    calls = _Calls()
    results: list[R] = []
    ended = threading.Event()

    def run() -> None:
        _THREAD.calls = calls
        try:
            results.append(work())
        finally:
            ended.set()

    thread = threading.Thread(target=run, name="pyama step", daemon=True)
    thread.start()
    try:
        while not ended.wait(min(POLL_SECONDS, seconds)):
            name, since = calls.name, calls.since
            if name and time.monotonic() - since > seconds:
                raise PluginError(
                    f"{name} has not answered for {seconds:g} s. Fix the plugin, or increase "
                    "plugin_timeout."
                )
    finally:
        calls.abandoned = True
    if not results:
        raise PluginError("The step has no result because a plugin ended its thread.")
    return results[0]


def is_abandoned() -> bool:
    """Whether the step of this thread was given up."""
    calls = _calls()
    return calls is not None and calls.abandoned


def report_progress() -> None:
    """Report that the plugin being called has made progress, which restarts its time limit."""
    calls = _calls()
    if calls is not None:
        calls.since = time.monotonic()
        _stop_if_abandoned(calls)


def _stop_if_abandoned(calls: _Calls) -> None:
    if calls.abandoned:
        raise PluginError("The step of this plugin was given up.")


@contextmanager
def limit_time(name: str, plugin: Any) -> Iterator[None]:
    """Limit the time of one call, see `run_with_limit`; built-in parts have no limit.

    Raises:
        PluginError: The plugin took too long, and its step was given up.
        RuntimeError: The plugin raised KeyboardInterrupt or GeneratorExit.
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
        _stop_if_abandoned(calls)


def limit_time_of_calls(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function whose calls have a time limit; a built-in one is returned as it is."""
    if is_builtin(function):
        return function

    @functools.wraps(function)
    def call(*arguments: Any) -> Any:
        with limit_time(name, function):
            return function(*arguments)

    return call


@contextmanager
def name_in_errors(name: str, plugin: Any) -> Iterator[None]:
    """Name the plugin in every error that it raises; errors of built-in parts are kept.

    Raises:
        PluginError: `plugin` raised an exception.
    """
    named = name_failure(f"{name} raised {{error}}", kept=(PyamaError,))
    with nullcontext() if is_builtin(plugin) else named, limit_time(name, plugin):
        yield


def call_plugin(name: str, function: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
    """Call a plugin; see `name_in_errors`."""
    with name_in_errors(name, function):
        return function(*arguments, **named)
