"""Loading of plugins: from entry points of installed packages, and from plugin files.

A plugin is added to a registry like the built-in parts, and the registry checks it. Plugins
are loaded only from installed packages and from the folders and files that the user names; the
current folder is not searched. A plugin that cannot be loaded is reported with the reason and
skipped.
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

Target = Sequence[Registry[Any] | MutableSequence[Any]]
"""Registries and lists that plugins of one kind are added to. A plugin of an installed package
is added to every registry, under the name of its entry point."""
Targets = Mapping[str, Target]
"""Target of every kind, such as `segmenters`. Entry points of a kind are `pyama.{kind}`."""

OLDER = b"PLUGIN_TYPE", b"FEATURE_NAME", b"pyama_core"
"""Words in plugin files of the older PyAMA."""
_MODULE = "pyama_plugin_"
_ORIGINS: dict[str, str] = {}
_INSTALLED: dict[tuple[str, str, str], "Loaded"] = {}
_FILES: dict[Path, tuple[str, "Loaded"]] = {}


@dataclass(frozen=True)
class Loaded:
    """Result of loading a plugin file or an entry point.

    Attributes:
        source: The file, or name and version of the package.
        entries: Kind and name of every plugin that was added.
        problem: Why it could not be loaded; empty if it was loaded.
    """

    source: str
    entries: tuple[tuple[str, str], ...] = ()
    problem: str = ""


def origin(module: str) -> str:
    """Return the package and version of a plugin, or `file` and the digest of its file.

    Args:
        module: Name of the module that defines the plugin.

    Returns:
        Empty if no plugin was loaded from that module.
    """
    return _ORIGINS.get(module, "")


def load_installed(targets: Targets) -> list[Loaded]:
    """Load the entry points of all installed packages; each is loaded once.

    An entry point `name = module:function` of the group `pyama.segmenters` adds the
    segmentation method `name`; the other kinds work alike.
    """
    reports = []
    installed = entry_points()  # once: it reads a file of every package
    for kind, target in targets.items():
        for entry in sorted(installed.select(group=f"pyama.{kind}"), key=lambda e: e.name):
            key = (kind, entry.name, entry.value)
            if key not in _INSTALLED:
                _INSTALLED[key] = _load_entry(kind, target, entry)
            reports.append(_INSTALLED[key])
    return reports


def load_folder(folder: Path, targets: Targets) -> list[Loaded]:
    """Load every Python file of a folder, or a single file; see `load_file`.

    Files whose names begin with `_`, `test_` or `conftest` are skipped.

    Raises:
        ConfigError: There is no such folder or file.
    """
    if folder.is_file():
        return [load_file(folder, targets)]
    if not folder.is_dir():
        raise ConfigError(f"The plugin folder {folder} does not exist. Check the path.")
    files = sorted(folder.glob("*.py"))
    wanted = [f for f in files if not f.name.startswith(("_", "test_", "conftest"))]
    deeper = {str(f.parent.relative_to(folder)) for f in folder.glob("*/**/*.py")}
    if not wanted and deeper:
        problem = (
            "it holds no plugin file itself; name the folders in it that do with --plugins: "
            f"{', '.join(sorted(deeper))}."
        )
        return [Loaded(str(folder), problem=problem)]
    return [load_file(file, targets) for file in wanted]


def load_file(path: Path, targets: Targets) -> Loaded:
    """Run a Python file that adds plugins to registries.

    If it fails, the registries are restored. A file that has not changed since it was loaded
    is not run again. A changed file is run again, and its plugins replace those that it added
    before.
    """
    path = path.resolve()
    if not path.is_file():
        return Loaded(str(path), problem="there is no such file. Check the path.")
    attempt = Attempt(path)
    with attempt:
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        if path in _FILES and _FILES[path][0] == digest:
            return _FILES[path][1]
        _forget(path, targets)
        before = _contents(targets)
        name = _MODULE + re.sub(r"\W", "_", path.stem)
        _refuse_namesake(name, path)
        try:
            _run(name, path, targets)
            entries = _added(before, targets)
        except BaseException:
            _restore(before, targets)
            sys.modules.pop(name, None)
            raise
        _ORIGINS[name] = f"file {digest[:16]}"
        _FILES[path] = digest, Loaded(str(path), entries)
        return _FILES[path][1]
    return Loaded(str(path), problem=attempt.problem)


@dataclass
class Attempt:
    """Context manager that catches the exception of a plugin, also `SystemExit`.

    Attributes:
        file: Plugin file; the line in which it failed is named.
        problem: Message of the exception in one line; empty if there was none.
        error: The exception.
    """

    file: Path | None = None
    problem: str = field(default="", init=False)
    error: BaseException | None = field(default=None, init=False)

    def __enter__(self) -> Self:
        """Return itself, with the exception in `error` and `problem` afterwards."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> bool:
        """Keep the exception, but let KeyboardInterrupt pass."""
        if not isinstance(error, Exception | SystemExit):
            return False
        self.error, self.problem = error, self._message(error)
        return True

    def _message(self, error: BaseException) -> str:
        message = str(error)
        if not isinstance(error, PyamaError):
            message = f"{type(error).__name__}: {' '.join(message.split())}"
        calls = traceback.extract_tb(error.__traceback__)
        lines = [call.lineno for call in calls if call.filename == str(self.file)]
        return f"line {lines[-1]}: {message}" if lines else message


def _load_entry(kind: str, target: Target, entry: EntryPoint) -> Loaded:
    package = f"{entry.dist.name} {entry.dist.version}" if entry.dist else entry.module
    attempt = Attempt()
    with attempt:
        plugin = entry.load()
        _ORIGINS.setdefault(str(getattr(plugin, "__module__", entry.module)), package)
        for registry in target:
            if isinstance(registry, Registry):
                _put(registry, entry.name, plugin)
        return Loaded(package, ((kind, entry.name),))
    return Loaded(package, problem=f"{kind} {entry.name}: {attempt.problem}")


def _put(registry: Registry[Any], name: str, plugin: Any) -> None:
    if registry.get(name, plugin) is not plugin:
        raise PluginError(_name_exists(registry, name))
    registry[name] = plugin


def _name_exists(registry: Registry[Any], name: str) -> str:
    return f"the {registry.kind} {name!r} exists already. Choose another name."


def _refuse_namesake(name: str, path: Path) -> None:
    other = getattr(sys.modules.get(name), "__file__", None)
    if other not in (None, str(path)):
        raise PluginError(
            f"{other} has the same name and is loaded already. Rename one of the files."
        )


def _run(name: str, path: Path, targets: Targets) -> None:
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise PluginError(f"{path.name} is not a Python file; its name must end in .py.")
    sys.modules[name] = module = importlib.util.module_from_spec(spec)
    features = targets.get("features", ())
    if not features or not any(word in path.read_bytes() for word in OLDER):
        spec.loader.exec_module(module)
        return
    from pyama.plugins.older_features import adopt, importable  # loads NumPy

    with importable():
        spec.loader.exec_module(module)
    adopt(module, features)


def _contents(targets: Targets) -> list[Any]:
    return [
        dict(place.data) if isinstance(place, Registry) else list(place)
        for target in targets.values()
        for place in target
    ]


def _restore(before: list[Any], targets: Targets) -> None:
    places = (place for target in targets.values() for place in target)
    for place, content in zip(places, before, strict=True):
        if isinstance(place, Registry):
            place.data = content
        else:
            place[:] = content


def _added(before: list[Any], targets: Targets) -> tuple[tuple[str, str], ...]:
    """Return kind and name of every plugin that a file added.

    Raises:
        PluginError: It replaced an entry, or added nothing.
    """
    added: dict[tuple[str, str], None] = {}
    places = ((kind, place) for kind, target in targets.items() for place in target)
    for (kind, place), old in zip(places, before, strict=True):
        if isinstance(place, Registry):
            for name, plugin in place.data.items():
                if old.get(name, plugin) is not plugin:
                    raise PluginError(_name_exists(place, name))
            added |= dict.fromkeys((kind, name) for name in place.data if name not in old)
        else:
            added |= dict.fromkeys((kind, type(entry).__name__) for entry in place[len(old) :])
    if not added:
        raise PluginError(
            "it registers no plugin. A plugin file adds entries to a registry such as "
            "SEGMENTERS; `pyama plugins new` writes an example."
        )
    return tuple(added)


def _forget(path: Path, targets: Targets) -> None:
    """Remove the plugins that an earlier version of a file added."""
    _, earlier = _FILES.pop(path, ("", Loaded(str(path))))
    for kind, name in earlier.entries:
        for place in targets.get(kind, ()):
            if isinstance(place, Registry):
                place.data.pop(name, None)
            else:
                place[:] = [entry for entry in place if type(entry).__name__ != name]
