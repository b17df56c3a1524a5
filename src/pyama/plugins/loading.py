"""Plugins: from entry points of installed packages, and from single files of a folder.

A plugin goes through the same door as what is built in: it is put into a registry, which
checks it. Nothing is loaded that nobody asked for: installing a package or naming a folder is
asking; the current folder is no plugin folder. What cannot be loaded is reported with the
reason, and everything else goes on without it.
"""

import hashlib
import importlib.util
import re
import sys
import traceback
from collections.abc import Mapping, MutableSequence, Sequence
from dataclasses import dataclass, field
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from pyama.errors import ConfigError, PluginError, PyamaError
from pyama.registry import Registry

Door = Sequence[Registry[Any] | MutableSequence[Any]]
"""Where plugins of one kind go. Installed ones are put into each registry under their name."""
Doors = Mapping[str, Door]
"""The doors by kind, such as `segmenters`; the entry points of a kind are `pyama.{kind}`."""

_MODULE = "pyama_plugin_"
_ORIGINS: dict[str, str] = {}
_INSTALLED: dict[tuple[str, str, str], "Loaded"] = {}
_FILES: dict[Path, tuple[str, "Loaded"]] = {}


@dataclass(frozen=True)
class Loaded:
    """What became of one plugin.

    Attributes:
        source: The file, or name and version of the package.
        entries: Kind and name of everything that it added.
        problem: Why it was refused; empty if it was not.
    """

    source: str
    entries: tuple[tuple[str, str], ...] = ()
    problem: str = ""


def origin(module: str) -> str:
    """Return what tells versions of a plugin apart: its package or the digest of its file.

    Args:
        module: Name of the module of a function; empty comes back for what is no plugin.
    """
    return _ORIGINS.get(module, "")


def load_installed(doors: Doors) -> list[Loaded]:
    """Load the entry points of all installed packages; each is loaded once.

    An entry point `name = module:function` of the group `pyama.segmenters` is available as the
    segmentation method `name`, and so on.
    """
    reports = []
    for kind, door in doors.items():
        for entry in sorted(entry_points(group=f"pyama.{kind}"), key=lambda e: e.name):
            key = (kind, entry.name, entry.value)
            if key not in _INSTALLED:
                _INSTALLED[key] = _load_entry(kind, door, entry)
            reports.append(_INSTALLED[key])
    return reports


def load_folder(folder: Path, doors: Doors) -> list[Loaded]:
    """Load every Python file of a folder, or a single file; see `load_file`.

    Files whose names begin with `_`, `test_` or `conftest` are left out.

    Raises:
        ConfigError: There is no such folder or file.
    """
    if folder.is_file():
        return [load_file(folder, doors)]
    if not folder.is_dir():
        raise ConfigError(f"The plugin folder {folder} does not exist. Check the path.")
    files = sorted(folder.glob("*.py"))
    wanted = [f for f in files if not f.name.startswith(("_", "test_", "conftest"))]
    return [load_file(file, doors) for file in wanted]


def load_file(path: Path, doors: Doors) -> Loaded:
    """Run a Python file that puts plugins into registries.

    If anything is wrong with it, the registries are as they were before. A file that did not
    change is not run again; one that did replaces what it had added.
    """
    path = path.resolve()
    if not path.is_file():
        return Loaded(str(path), problem="there is no such file.")
    attempt = Attempt(path)
    with attempt:
        if not path.is_file():
            raise PluginError("there is no such file. Check the path.")
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        if path in _FILES and _FILES[path][0] == digest:
            return _FILES[path][1]
        _forget(path, doors)
        before = _contents(doors)
        name = _MODULE + re.sub(r"\W", "_", path.stem)
        _refuse_namesake(name, path)
        try:
            _run(name, path)
            entries = _added(before, doors)
        except BaseException:
            _restore(before, doors)
            sys.modules.pop(name, None)
            raise
        _ORIGINS[name] = f"file {digest[:16]}"
        _FILES[path] = digest, Loaded(str(path), entries)
        return _FILES[path][1]
    return Loaded(str(path), problem=attempt.problem)


@dataclass
class Attempt:
    """A block in which a plugin may fail in any way without ending the program.

    Attributes:
        file: Of the plugin, to name the line in which it failed.
        problem: What went wrong; empty if nothing did.
        error: What was raised.
    """

    file: Path | None = None
    problem: str = field(default="", init=False)
    error: BaseException | None = field(default=None, init=False)

    def __enter__(self) -> Self:
        """Return itself, which knows afterwards what went wrong."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> bool:
        """Keep what was raised, unless the user wants to stop."""
        if not isinstance(error, Exception | SystemExit):
            return False
        self.error, self.problem = error, self._told(error)
        return True

    def _told(self, error: BaseException) -> str:
        told = str(error)
        if not isinstance(error, PyamaError):
            told = f"{type(error).__name__}: {' '.join(told.split())}"
        calls = traceback.extract_tb(error.__traceback__)
        lines = [call.lineno for call in calls if call.filename == str(self.file)]
        return f"line {lines[-1]}: {told}" if lines else told


def _load_entry(kind: str, door: Door, entry: EntryPoint) -> Loaded:
    package = f"{entry.dist.name} {entry.dist.version}" if entry.dist else entry.module
    attempt = Attempt()
    with attempt:
        plugin = entry.load()
        _ORIGINS.setdefault(str(getattr(plugin, "__module__", entry.module)), package)
        for registry in door:
            if isinstance(registry, Registry):
                _put(registry, entry.name, plugin)
        return Loaded(package, ((kind, entry.name),))
    return Loaded(package, problem=f"{kind} {entry.name}: {attempt.problem}")


def _put(registry: Registry[Any], name: str, plugin: Any) -> None:
    if registry.get(name, plugin) is not plugin:
        raise PluginError(_taken(registry, name))
    registry[name] = plugin


def _taken(registry: Registry[Any], name: str) -> str:
    return f"there is a {registry.kind} {name!r} already. Choose another name."


def _refuse_namesake(name: str, path: Path) -> None:
    other = getattr(sys.modules.get(name), "__file__", None)
    if other not in (None, str(path)):
        raise PluginError(f"{other} has the same name and is loaded already. Rename one.")


def _run(name: str, path: Path) -> None:
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise PluginError(f"{path.name} is no Python file; its name must end in .py.")
    sys.modules[name] = module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)


def _contents(doors: Doors) -> list[Any]:
    return [
        dict(place.data) if isinstance(place, Registry) else list(place)
        for door in doors.values()
        for place in door
    ]


def _restore(before: list[Any], doors: Doors) -> None:
    places = (place for door in doors.values() for place in door)
    for place, content in zip(places, before, strict=True):
        if isinstance(place, Registry):
            place.data = content
        else:
            place[:] = content


def _added(before: list[Any], doors: Doors) -> tuple[tuple[str, str], ...]:
    """Kind and name of what a file added.

    Raises:
        PluginError: It replaced something, or added nothing.
    """
    found: dict[tuple[str, str], None] = {}
    places = ((kind, place) for kind, door in doors.items() for place in door)
    for (kind, place), old in zip(places, before, strict=True):
        if isinstance(place, Registry):
            for name, plugin in place.data.items():
                if old.get(name, plugin) is not plugin:
                    raise PluginError(_taken(place, name))
            found |= dict.fromkeys((kind, name) for name in place.data if name not in old)
        else:
            found |= dict.fromkeys((kind, type(entry).__name__) for entry in place[len(old) :])
    if not found:
        raise PluginError(
            "it registers nothing. A plugin file puts something into a registry, such as "
            "SEGMENTERS; `pyama plugins new` writes an example."
        )
    return tuple(found)


def _forget(path: Path, doors: Doors) -> None:
    """Take away what an earlier version of a file had added."""
    _, earlier = _FILES.pop(path, ("", Loaded(str(path))))
    for kind, name in earlier.entries:
        for place in doors.get(kind, ()):
            if isinstance(place, Registry):
                place.data.pop(name, None)
            else:
                place[:] = [entry for entry in place if type(entry).__name__ != name]
