"""Digests that identify the functions and objects which take part in a result.

A method, feature, model or plugin is identified by the first of these that it has:

* its attribute `version`; 1 for built-in parts without one
* the bytes of the plugin file that defines it
* the bytes of the source files of its functions, and its values: what a function has closed
  over, its defaults, the arguments of a `functools.partial`, the attributes of an object. They
  are hashed by joblib.
"""

import functools
import hashlib
import linecache
import pickle
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import CellType, FunctionType, MethodType
from typing import Any

from pyama.plugins.loading import origin

_NO_SOURCE = uuid.uuid4().hex
"""Stands for code without a source, so that it counts as changed in every new process."""
_NOT_PICKLABLE = pickle.PicklingError, TypeError, AttributeError, ValueError, RuntimeError

_lock = threading.RLock()
_users = 0
_first: dict[int, tuple[Any, str]] = {}
"""Fingerprints by the id of the object. It is kept alive so that no other gets its id."""


@contextmanager
def keep_fingerprints() -> Iterator[None]:
    """Keep the first fingerprint of every object until the block ends.

    Objects may change their attributes while they work, for instance when they load a model
    with the first frame. All results of a run carry the fingerprint from its beginning.
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
                _first.clear()


def fingerprint(part: Any) -> str:
    """Return a text that changes when `part` may give other results.

    It contains neither the name of the part nor that of its module: recipes name a part as it
    was registered, and moving its code changes nothing.

    Args:
        part: A function or object of a registry, or a preprocessor.
    """
    with _lock:
        if id(part) in _first:
            return _first[id(part)][1]
        text = _fingerprint(part)
        if _users:
            _first[id(part)] = part, text
        return text


def is_builtin(part: Any) -> bool:
    """Whether `part` comes with pyama."""
    return _module(part).partition(".")[0] == __name__.partition(".")[0]


def _fingerprint(part: Any) -> str:
    version = getattr(part, "version", 1 if is_builtin(part) else None)
    if version is not None:
        return f"version {version}"
    source = origin(_module(part))
    if source.startswith("file "):
        return source
    content = hashlib.sha256("\n".join(_content(part)).encode()).hexdigest()[:16]
    return f"{source}, content {content}" if source else f"content {content}"


def _module(part: Any) -> str:
    return str(getattr(part, "__module__", None) or type(part).__module__)


def _content(part: Any) -> list[str]:
    """Return digests of the source files of a part, then those of its values in order."""
    sources: set[str] = set()
    values: list[str] = []
    visited: set[int] = set()
    waiting = [part] if _is_function(part) else [*_methods(part), *_state(part)]
    for value in map(_unwrapped, waiting):  # grows inside the loop
        if not _is_function(value):
            values.append(_hash(value))
        elif id(value) not in visited:
            visited.add(id(value))
            waiting += _held(value)
            if isinstance(value, FunctionType):
                sources.add(_source(value))
    known = sorted(filter(None, sources))
    return [*(known or [_NO_SOURCE] * len(sources)), *values]


def _unwrapped(value: Any) -> Any:
    """Return the function that Numba has compiled or that functools caches."""
    if isinstance(value, FunctionType | type):
        return value
    return getattr(value, "py_func", getattr(value, "__wrapped__", value))


def _is_function(value: Any) -> bool:
    return isinstance(_unwrapped(value), FunctionType | MethodType | functools.partial)


def _held(function: Any) -> list[Any]:
    """Return the values that a function captures."""
    if isinstance(function, functools.partial):
        names = tuple(function.keywords)
        return [function.func, *function.args, names, *function.keywords.values()]
    if isinstance(function, MethodType):
        return [function.__func__, *_state(function.__self__)]
    closure = [cell for cell in function.__closure__ or () if cell != CellType()]
    defaults = [*(function.__defaults__ or ()), *(function.__kwdefaults__ or {}).values()]
    return [*defaults, *(cell.cell_contents for cell in closure)]


def _methods(part: Any) -> list[Any]:
    return [value for value in vars(type(part)).values() if _is_function(value)]


def _state(part: Any) -> list[Any]:
    """Return an object and its attributes, which count even if it cannot be pickled."""
    attributes = getattr(part, "__dict__", {})
    return [part, tuple(attributes), *attributes.values()]


def _source(function: FunctionType) -> str:
    """Return the digest of the file, or of the notebook's cell, that defines a function."""
    file = Path(function.__code__.co_filename)
    if file.is_file():
        return hashlib.sha256(file.read_bytes()).hexdigest()
    cell = "".join(linecache.getlines(str(file)))
    return hashlib.sha256(cell.encode()).hexdigest() if cell else ""


def _hash(value: Any) -> str:
    """Return a digest of a value; values of one type that cannot be pickled are alike."""
    from joblib.hashing import NumpyHasher  # takes half a second; most plugins do without

    class Hasher(NumpyHasher):  # type: ignore[misc]
        def reducer_override(self, part: Any) -> Any:
            """Sort the members of frozensets, too; joblib sorts those of sets."""
            return (frozenset, (set(part),)) if isinstance(part, frozenset) else NotImplemented

    try:
        return str(Hasher("md5").hash(value))
    except _NOT_PICKLABLE:
        return type(value).__qualname__
