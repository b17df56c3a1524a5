"""What identifies a function or an object that takes part in a result."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pyama
from pyama.plugins.loading import origin
from pyama.processing.behaviour import behaviour

_lock = threading.RLock()
_users = 0
_taken: dict[int, tuple[Any, str]] = {}
"""Fingerprints by the identity of objects, which are kept alive: identities stay theirs."""


@contextmanager
def steady_fingerprints() -> Iterator[None]:
    """Keep the fingerprints that are taken first, for the length of the block.

    Objects may change themselves while they work, for instance when they load a model with
    the first frame; what a run has begun with identifies all of its results.
    """
    global _users
    with _lock:
        _users += 1
    try:
        yield
    finally:
        with _lock:
            _users -= 1
            if not _users:
                _taken.clear()


def fingerprint(plugin: Any) -> str:
    """Return a text that changes when the behaviour of `plugin` may have changed.

    Built-in parts are known by their name, as their steps have versions. Others are known
    by their attribute `version` if they have one, else by what they do, see `behaviour`: by
    the whole file if it is a plugin file, with the version of the package if they are
    installed.
    """
    with _lock:
        if id(plugin) in _taken:
            return _taken[id(plugin)][1]
        found = _fingerprint(plugin)
        if _users:
            _taken[id(plugin)] = plugin, found
        return found


def _fingerprint(plugin: Any) -> str:
    name = f"{_module(plugin)}.{_qualified_name(plugin)}"
    if is_builtin(plugin):
        return name
    version = getattr(plugin, "version", None)
    if version is not None:
        return f"{name} version {version}"
    where = origin(_module(plugin))
    if where.startswith("file "):
        return f"{name} {where}"
    if where:
        name = f"{name} from {where}"
    return f"{name} code {behaviour(plugin)}"


def is_builtin(plugin: Any) -> bool:
    """Whether `plugin` comes with pyama."""
    module = _module(plugin)
    return module == pyama.__name__ or module.startswith(f"{pyama.__name__}.")


def _module(plugin: Any) -> str:
    return str(getattr(plugin, "__module__", None) or type(plugin).__module__)


def _qualified_name(plugin: Any) -> str:
    return str(getattr(plugin, "__qualname__", None) or type(plugin).__qualname__)
