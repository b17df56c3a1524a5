"""What identifies a function or an object that takes part in a result."""

import hashlib
import inspect
from collections.abc import Callable
from types import CodeType
from typing import Any

import pyama
from pyama.plugins import origin


def fingerprint(plugin: Any) -> str:
    """Return a text that changes when the behaviour of `plugin` may have changed.

    Built-in parts are known by their name, as their steps have versions. Others are known
    by their attribute `version` if they have one, else by their source: that of the whole
    file if it is a plugin file, with the version of the package if they are installed.
    """
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
    return f"{name} source {hashlib.sha256(_source(plugin)).hexdigest()[:16]}"


def is_builtin(plugin: Any) -> bool:
    """Whether `plugin` comes with pyama."""
    module = _module(plugin)
    return module == pyama.__name__ or module.startswith(f"{pyama.__name__}.")


def _module(plugin: Any) -> str:
    return str(getattr(plugin, "__module__", None) or type(plugin).__module__)


def _qualified_name(plugin: Any) -> str:
    return str(getattr(plugin, "__qualname__", None) or type(plugin).__qualname__)


def _source(plugin: Any) -> bytes:
    subject = plugin if hasattr(plugin, "__qualname__") else type(plugin)
    try:
        text = inspect.getsource(subject).encode()
    except (OSError, TypeError):  # typed in a session that keeps no source
        text = _code(subject)
    state = getattr(plugin, "__dict__", {}) if subject is not plugin else {}
    return text + repr(sorted(state.items(), key=str)).encode()


def _code(subject: Callable[..., Any] | type) -> bytes:
    functions = vars(subject).values() if isinstance(subject, type) else (subject,)
    codes = [getattr(function, "__code__", None) for function in functions]
    return b"".join(_code_bytes(code) for code in codes if code is not None)


def _code_bytes(code: CodeType) -> bytes:
    constants = [
        _code_bytes(value) if isinstance(value, CodeType) else repr(value).encode()
        for value in code.co_consts
    ]
    return b"".join([code.co_code, repr(code.co_names).encode(), *constants])
