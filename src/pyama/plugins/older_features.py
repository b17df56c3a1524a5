"""Features that were written for the older PyAMA: files with `PLUGIN_TYPE = "feature"`.

Such a file has `PLUGIN_NAME`, `PLUGIN_FEATURE_TYPE` (`phase` or `fluorescence`) and a function
`extract_NAME(ctx)`; an early form has `FEATURE_NAME` and `FEATURE_TYPE`. There, `ctx` held the
whole frame. Here it holds the box of the cell with a margin around it: the mask is False in
the margin, and image and background are NaN, so that a feature which reads pixels far from the
cell gives an empty field and no wrong number.
"""

import importlib.util
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pyama.errors import PluginError

MARGIN = 16
"""Width of the margin in px, so that a mask can be dilated as in the whole frame."""
TYPES = ("phase", "fluorescence")
PACKAGE = "pyama_core"
MODULES = (
    PACKAGE,
    f"{PACKAGE}.types",
    f"{PACKAGE}.types.processing",
    f"{PACKAGE}.processing",
    f"{PACKAGE}.processing.extraction",
    f"{PACKAGE}.processing.extraction.features",
    f"{PACKAGE}.processing.extraction.features.context",
)
"""Modules from which plugins import `ExtractionContext`, for annotations."""


@dataclass(frozen=True)
class ExtractionContext:
    """What a feature of the older PyAMA gets.

    Attributes:
        image: Counts in the box of the cell and its margin, shape (H, W), float32; NaN in
            the margin.
        mask: True inside the cell, same shape.
        background: Estimated background in counts, same shape; NaN in the margin.
        background_weight: Fraction of the background to subtract, 0 to 1.
        erosion_size: 0. The older PyAMA eroded the mask for `intensity_total` with it.
    """

    image: NDArray[np.float32]
    mask: NDArray[np.bool_]
    background: NDArray[np.float32]
    background_weight: float
    erosion_size: int = 0


@contextmanager
def importable() -> Iterator[None]:
    """Let plugins import `ExtractionContext` from the older PyAMA during the block."""
    if importlib.util.find_spec(PACKAGE) is not None:
        yield
        return
    for name in MODULES:
        sys.modules[name] = module = ModuleType(name)
        module.__path__ = []
        vars(module)["ExtractionContext"] = ExtractionContext
    try:
        yield
    finally:
        for name in MODULES:
            sys.modules.pop(name, None)


def adopt(module: ModuleType, registries: Sequence[Any]) -> None:
    """Register the feature of a plugin file of the older PyAMA; other files are left alone.

    Args:
        module: The plugin file after it was run.
        registries: That of features of phase contrast, and that of fluorescence.

    Raises:
        PluginError: It is such a file, and it holds no feature.
    """
    kind = getattr(module, "PLUGIN_TYPE", "feature" if hasattr(module, "FEATURE_NAME") else "")
    if not kind:
        return
    if kind != "feature":
        raise PluginError(
            f"it is a plugin of the older PyAMA of the type {kind!r}, of which only features "
            "can be used as they are. `pyama plugins new model NAME` writes a model to begin "
            "with."
        )
    name = getattr(module, "PLUGIN_NAME", getattr(module, "FEATURE_NAME", ""))
    measured = getattr(module, "PLUGIN_FEATURE_TYPE", getattr(module, "FEATURE_TYPE", ""))
    extract = getattr(module, f"extract_{name}", None)
    if measured not in TYPES or not callable(extract):
        raise PluginError(
            "it is a feature of the older PyAMA; expected PLUGIN_FEATURE_TYPE = 'phase' or "
            f"'fluorescence' (found {measured!r}) and a function extract_{name}(ctx)."
        )
    registries[TYPES.index(measured)][name] = _adapted(name, extract)


def _adapted(name: str, extract: Callable[[ExtractionContext], Any]) -> Callable[..., Any]:
    def feature(image: NDArray[Any], mask: NDArray[np.bool_], context: Any) -> Any:
        return extract(
            ExtractionContext(
                _with_margin(image.astype(np.float32), np.nan),
                _with_margin(mask, False),
                _with_margin(context.background.astype(np.float32), np.nan),
                float(context.background_weight),
            )
        )

    # The file of the plugin identifies it, see `pyama.processing.plugin_digest`.
    feature.__module__, feature.__name__ = extract.__module__, name
    feature.__doc__ = extract.__doc__
    return feature


def _with_margin(image: NDArray[Any], value: float) -> NDArray[Any]:
    return np.pad(image, MARGIN, constant_values=value)
