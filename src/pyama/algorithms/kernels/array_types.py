"""Types of arrays, checks of their shapes, and the decorator of compiled functions."""

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

    Kernels that call each other, and the constants they use, must be in one file: the cache of
    a caller does not notice a change in another module. Allocate large outputs with NumPy and
    pass them in: NumPy uses huge pages, whereas memory that a kernel allocates is mapped page
    by page, which can take as long as the computation.
    """
    try:
        compiled = numba.njit(nogil=True, cache=True)(function)
    except RuntimeError:  # neither the package nor the folder of the user is writable
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
        # Two processes that save at the same time may use the same file name.
        cache.flush()
        return None

    cache.load_overload = load_or_flush


def check_frame(frame: NDArray[Any], caller: str) -> None:
    """Check that an array is one frame.

    Raises:
        ArrayError: `frame` is not two-dimensional.
    """
    if frame.ndim != 2:
        raise ArrayError(f"{caller}() takes one frame (H, W), got shape {frame.shape}.")


def check_same_shape(caller: str, **arrays: NDArray[Any]) -> None:
    """Check that arrays have the same shape.

    Raises:
        ArrayError: The shapes differ.
    """
    shapes = {name: array.shape for name, array in arrays.items()}
    if len(set(shapes.values())) > 1:
        found = ", ".join(f"{name} {shape}" for name, shape in shapes.items())
        raise ArrayError(f"{caller}() takes arrays of one shape, got {found}.")
