"""What a function or object does, as a digest: its code, and all that the code refers to.

Two functions from one source may differ in what they closed over, in their defaults, in the
arguments of a `functools.partial`, in the constants and functions of their module; two
objects in their attributes. All of that is followed, down to code of Python and of installed
packages, which counts by its name.

The code itself counts as it was compiled, not as it stands in a file by now: that may have
been edited since it was imported.
"""

import copyreg
import dis
import hashlib
import pickle
import sys
from collections.abc import Iterator
from pathlib import Path
from types import CodeType, FunctionType, MethodType, ModuleType
from typing import Any

import numpy as np

import pyama

_PLAIN = type(None), type(...), bool, int, float, complex, str, bytes, bytearray, range
_APART = {"parameters", "__wrapped__"}
"""Attributes of functions that stand elsewhere: in recipes, and among what they refer to."""


def behaviour(plugin: Any) -> str:
    """Return a digest that changes when the behaviour of `plugin` may have changed.

    It is the same in every process and on every machine with the same version of Python,
    unless the plugin changes itself while it works.
    """
    return _Walk(plugin).digest(plugin).hex()[:16]


class _Walk:
    """Visits everything once; what refers back to something on the way there is cut."""

    def __init__(self, start: Any) -> None:
        self._own = start, type(start)
        self._known: dict[int, tuple[Any, bytes]] = {}  # keeps objects alive: ids stay theirs

    def digest(self, value: Any) -> bytes:
        if isinstance(value, _PLAIN):
            return _hash(b"plain", f"{type(value).__name__} {value!r}".encode())
        if id(value) not in self._known:
            self._known[id(value)] = value, b"on the way"
            kind, parts = self._parts(value)
            self._known[id(value)] = value, _hash(kind.encode(), *parts)
        return self._known[id(value)][1]

    def _parts(self, value: Any) -> tuple[str, Iterator[bytes]]:
        """Return what kind of thing a value is, and the digests of what it is made of."""
        if type(value) in (tuple, list):
            return type(value).__qualname__, self._each(*value)
        if type(value) in (set, frozenset):
            return "set", iter(sorted(map(self.digest, value)))
        if type(value) is dict:
            return "dict", self._each(*value.keys(), *value.values())
        if isinstance(value, np.ndarray) and not value.dtype.hasobject:
            return f"array {value.dtype.str} {value.shape}", iter([value.tobytes()])
        if isinstance(value, CodeType):
            return "code", self._code(value)
        if isinstance(value, MethodType):
            return "method", self._each(value.__func__, value.__self__)
        if isinstance(value, ModuleType):
            return f"module {value.__name__}", iter(())
        if isinstance(value, FunctionType | type):
            name = f"{value.__module__}.{value.__qualname__}"
            if not self._is_open(value):
                return name, iter(())
            return name, self._class(value) if isinstance(value, type) else self._function(
                value
            )
        return self._object(value)

    def _is_open(self, value: Any) -> bool:
        """Whether to look into a function or class: one of the user, or what was asked for."""
        module = str(value.__module__)
        asked_for = any(value is own for own in self._own) and not _is_given(module)
        return asked_for or not _is_installed(module)

    def _each(self, *values: Any) -> Iterator[bytes]:
        return map(self.digest, values)

    def _code(self, code: CodeType) -> Iterator[bytes]:
        yield code.co_code
        yield code.co_exceptiontable
        counts = code.co_argcount, code.co_posonlyargcount, code.co_kwonlyargcount
        yield from self._each(counts, code.co_flags, code.co_names, code.co_consts)

    def _function(self, function: Any) -> Iterator[bytes]:
        yield self.digest(function.__code__)
        yield from self._each(function.__defaults__, function.__kwdefaults__)
        for cell in function.__closure__ or ():
            try:
                yield self.digest(cell.cell_contents)
            except ValueError:  # not filled yet
                yield b"empty"
        for name in _global_names(function.__code__):
            found = function.__globals__.get(name)
            yield self.digest(found)
            if isinstance(found, ModuleType) and not _is_installed(found.__name__):
                yield from self._used(found, function.__code__)
        yield from self._attributes(vars(function))

    def _used(self, module: ModuleType, code: CodeType) -> Iterator[bytes]:
        """What code takes from a module of the user."""
        for name in sorted(_names(code) & vars(module).keys()):
            yield self.digest(vars(module)[name])

    def _class(self, kind: type) -> Iterator[bytes]:
        yield from self._each(*kind.__bases__)
        own = {name: _unwrapped(entry) for name, entry in vars(kind).items()}
        yield from self._attributes(
            {n: e for n, e in own.items() if callable(e) or not n.startswith("__")}
        )

    def _attributes(self, found: dict[str, Any]) -> Iterator[bytes]:
        return self._each(*((n, e) for n, e in found.items() if n not in _APART))

    def _object(self, value: Any) -> tuple[str, Iterator[bytes]]:
        """Take an object apart as pickling does; what cannot be pickled counts by its type."""
        name = f"{type(value).__module__}.{type(value).__qualname__}"
        if isinstance(getattr(value, "__wrapped__", None), FunctionType):
            return name, self._each(value.__wrapped__)
        try:
            known = copyreg.dispatch_table.get(type(value))
            made_by = value.__reduce_ex__(4) if known is None else known(value)
        except (TypeError, AttributeError, ValueError, RuntimeError, pickle.PickleError):
            return name, self._each(type(value))
        if isinstance(made_by, str):
            return f"{name} {getattr(value, '__module__', '')} {made_by}", iter(())
        function, arguments, state, items, pairs = (*made_by, None, None, None)[:5]
        listed = [list(each) for each in (items or (), pairs or ())]
        return name, self._each(function, arguments, state, *listed)


def _unwrapped(entry: Any) -> Any:
    """Return the functions of a property or of a class or static method."""
    if isinstance(entry, property):
        return [f for f in (entry.fget, entry.fset) if f is not None]
    return getattr(entry, "__func__", entry)


def _names(code: CodeType) -> set[str]:
    inner = (_names(value) for value in code.co_consts if isinstance(value, CodeType))
    return set(code.co_names).union(*inner)


def _global_names(code: CodeType) -> list[str]:
    """Names that code looks up in its module, that of inner functions included."""
    found = {
        step.argval
        for step in dis.get_instructions(code)
        if step.opname in ("LOAD_GLOBAL", "LOAD_NAME")
    }
    inner = (_global_names(value) for value in code.co_consts if isinstance(value, CodeType))
    return sorted(found.union(*inner))


def _is_given(module: str) -> bool:
    """Whether a module belongs to Python or to pyama."""
    top = module.partition(".")[0]
    return top != "__main__" and (top in sys.stdlib_module_names or top == pyama.__name__)


def _is_installed(module: str) -> bool:
    """Whether a module belongs to Python, to pyama or to an installed package."""
    file = getattr(sys.modules.get(module), "__file__", None)
    folders = set() if file is None else set(Path(file).parts)
    return _is_given(module) or bool(folders & {"site-packages", "dist-packages"})


def _hash(*parts: bytes) -> bytes:
    whole = hashlib.sha256()
    for part in parts:
        whole.update(len(part).to_bytes(8, "big") + part)
    return whole.digest()
