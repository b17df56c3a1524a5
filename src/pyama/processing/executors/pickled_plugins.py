"""Custom functions for other processes, pickled; they must be importable there."""

import io
import pickle
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain
from types import FunctionType
from typing import Any

from pyama.algorithms.features import FLUORESCENCE_FEATURES, PHASE_FEATURES
from pyama.config import ProcessingConfig
from pyama.errors import PluginError
from pyama.processing.methods import (
    NAMED_PREPROCESSORS,
    PREPROCESSORS,
    SEGMENTERS,
    TRACKERS,
)
from pyama.processing.plugin_digest import is_builtin

PREPROCESSOR = "preprocessor"
REGISTRIES = {
    "phase feature": PHASE_FEATURES,
    "fluorescence feature": FLUORESCENCE_FEATURES,
    "segmentation method": SEGMENTERS,
    "tracking method": TRACKERS,
    "named preprocessor": NAMED_PREPROCESSORS,
}


@dataclass(frozen=True)
class Plugin:
    """A custom part that another process can import.

    Attributes:
        kind: Key of `REGISTRIES`, or `PREPROCESSOR`.
        name: In its registry.
        pickled: The function or object.
    """

    kind: str
    name: str
    pickled: bytes


def pack_plugins(config: ProcessingConfig) -> list[Plugin]:
    """Return the custom parts that a run needs.

    Raises:
        PluginError: Names those that another process cannot import.
    """
    plugins, refused = [], []
    for kind, name, plugin in _needed(config):
        try:
            plugins.append(Plugin(kind, name, _pickled(plugin)))
        except (pickle.PicklingError, AttributeError, TypeError, ImportError) as error:
            refused.append(f"{kind} {name!r} ({error})")
    if refused:
        raise PluginError(
            f"Other processes cannot import {', '.join(refused)}. Put it at the top of a "
            "module that can be imported by its name, or use threads."
        )
    return plugins


def unpack_plugins(plugins: list[Plugin]) -> None:
    """Register custom parts in another process."""
    for plugin in plugins:
        part = pickle.loads(plugin.pickled)  # noqa: S301 (from the parent process)
        if plugin.kind == PREPROCESSOR:
            PREPROCESSORS.append(part)
        else:
            REGISTRIES[plugin.kind][plugin.name] = part


def has_plugins(config: ProcessingConfig) -> bool:
    """Whether a run calls anything that does not come with pyama."""
    return any(True for _ in _needed(config))


@contextmanager
def register_plugins(plugins: list[Plugin]) -> Iterator[None]:
    """Register custom parts for the length of the block, and no other preprocessors."""
    before = [(registry, registry.data.copy()) for registry in REGISTRIES.values()]
    preprocessors = PREPROCESSORS[:]
    PREPROCESSORS.clear()
    try:
        unpack_plugins(plugins)
        yield
    finally:
        PREPROCESSORS[:] = preprocessors
        for registry, entries in before:
            registry.data = entries


def _needed(config: ProcessingConfig) -> Iterator[tuple[str, str, Any]]:
    names: dict[str, Iterable[str]] = {
        "phase feature": config.phase_features(),
        "fluorescence feature": chain(*config.fluorescence_features().values()),
        "segmentation method": [config.params.segmentation_method],
        "tracking method": [config.params.tracking_method],
        "named preprocessor": config.params.preprocessors,
    }
    for kind, registry in REGISTRIES.items():
        for name in dict.fromkeys(names[kind]):
            if name in registry and not is_builtin(registry[name]):
                yield kind, name, registry[name]
    for entry in PREPROCESSORS:
        yield PREPROCESSOR, type(entry).__name__, entry


def _pickled(plugin: Any) -> bytes:
    packed = io.BytesIO()
    _Pickler(packed).dump(plugin)
    return packed.getvalue()


class _Pickler(pickle.Pickler):
    """Refuses functions and classes that cannot be imported, also inside of other objects."""

    def reducer_override(self, obj: Any) -> Any:
        """Check functions and classes; pickle does the rest."""
        if isinstance(obj, FunctionType | type):
            if "<" in obj.__qualname__:
                raise ImportError("it is a lambda or was made inside a function")
            if obj.__module__ == "__main__" or not _is_importable(obj.__module__):
                raise ImportError(f"its module {obj.__module__} is not found by that name")
        return NotImplemented


def _is_importable(module: str) -> bool:
    """Whether a new interpreter would find a module: false if it was loaded from a file."""
    path, names = None, module.split(".")
    for i in range(len(names)):
        name = ".".join(names[: i + 1])
        specs = (finder.find_spec(name, path) for finder in sys.meta_path)
        spec = next(filter(None, specs), None)
        if spec is None:
            return False
        path = spec.submodule_search_locations
    return True
