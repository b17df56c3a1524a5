"""Types of the arrays that algorithms take and give, and the decorator of compiled loops."""

from collections.abc import Callable
from pickle import UnpicklingError
from typing import Any, ParamSpec, TypeVar, cast

import numba
import numpy as np
from numpy.typing import NDArray

from pyama.errors import ArrayError

Frame = NDArray[np.uint16]
"""Intensities in counts, shape (H, W)."""
Labels = NDArray[np.uint16] | NDArray[np.uint32]
"""Integer image, shape (H, W): 0 is background, 1..N are objects."""
Mask = NDArray[np.bool_]
"""True inside, shape (H, W)."""
Boxes = NDArray[np.int32]
"""Half-open boxes [y0, x0, y1, x1), shape (N, 4)."""

P = ParamSpec("P")
R = TypeVar("R")


def kernel(function: Callable[P, R]) -> Callable[P, R]:
    """Compile `function` at its first call, without the GIL, cached on disk if possible.

    Kernels that call each other, and the constants they use, belong into one file: the
    cache of a caller does not notice a change in another module. Frames that a kernel gives
    back are made by NumPy and handed in: it asks for huge pages, a kernel touches its fresh
    memory page by page, which takes as long as many a kernel itself.
    """
    try:
        compiled = numba.njit(nogil=True, cache=True)(function)
    except RuntimeError:  # neither the package nor the user's folder can be written
        return cast("Callable[P, R]", numba.njit(nogil=True)(function))
    _recompile_where_the_cache_is_damaged(compiled)
    return cast("Callable[P, R]", compiled)


def _recompile_where_the_cache_is_damaged(compiled: Any) -> None:
    cache = compiled._cache  # noqa: SLF001 (no public way to survive a damaged file)
    load = cache.load_overload

    def load_or_flush(signature: Any, context: Any) -> Any:
        try:
            found = load(signature, context)
        except (EOFError, UnpicklingError, AttributeError, ImportError, ValueError):
            cache.flush()
            return None
        if found is None or tuple(found.signature.args) == tuple(signature):
            return found
        # Two processes that save at the same time may give their files the same name.
        cache.flush()
        return None

    cache.load_overload = load_or_flush


def check_frame(frame: NDArray[Any], caller: str) -> None:
    """Refuse what is not one frame.

    Raises:
        ArrayError: `frame` is not two-dimensional.
    """
    if frame.ndim != 2:
        raise ArrayError(f"{caller}() takes one frame (H, W), got shape {frame.shape}.")


def check_same_shape(caller: str, **arrays: NDArray[Any]) -> None:
    """Refuse arrays that do not lie on each other.

    Raises:
        ArrayError: The shapes differ.
    """
    shapes = {name: array.shape for name, array in arrays.items()}
    if len(set(shapes.values())) > 1:
        found = ", ".join(f"{name} {shape}" for name, shape in shapes.items())
        raise ArrayError(f"{caller}() takes arrays of one shape, got {found}.")
