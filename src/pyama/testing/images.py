"""What the writers take, and what they check before they write."""

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from pyama.errors import ArrayError

MS_PER_FRAME = 600_000.0
MS_PER_POSITION = 1_000.0


class Images(Protocol):
    """An array (P, T, Z, C, H, W), or what yields its frames one at a time."""

    @property
    def shape(self) -> tuple[int, ...]:
        """(P, T, Z, C, H, W)."""

    @property
    def dtype(self) -> DTypeLike:
        """`uint8` or `uint16`."""

    def __getitem__(self, where: tuple[int, int, int], /) -> NDArray[Any]:
        """Return the frame (C, H, W) at (p, t, z)."""


def check_images(images: Images, caller: str) -> tuple[int, int, int, int, int, int]:
    """Return (P, T, Z, C, H, W).

    Raises:
        ArrayError: Other axes, an empty axis, or pixels of another kind.
    """
    shape = tuple(images.shape)
    if len(shape) != 6 or 0 in shape:
        raise ArrayError(f"{caller}() takes images (P, T, Z, C, H, W), got shape {shape}.")
    if np.dtype(images.dtype) not in (np.uint8, np.uint16):
        raise ArrayError(f"{caller}() takes uint8 or uint16, got {np.dtype(images.dtype)}.")
    p, t, z, c, height, width = shape
    return p, t, z, c, height, width


def check_names(names: Sequence[str] | None, n: int, kind: str) -> list[str]:
    """Return the names, or none.

    Raises:
        ArrayError: There are more or fewer than `n`.
    """
    if names is not None and len(names) != n:
        raise ArrayError(f"{len(names)} {kind} names for {n} {kind}s. Give one for each.")
    return list(names or ())


def check_times(times_ms: ArrayLike | None, p: int, t: int) -> NDArray[np.float64]:
    """Return milliseconds of every position and frame, shape (P, T).

    Raises:
        ArrayError: The shape is neither (T,) nor (P, T).
    """
    if times_ms is None:
        return MS_PER_POSITION * np.arange(p)[:, None] + MS_PER_FRAME * np.arange(t)
    times = np.asarray(times_ms, np.float64)
    if times.shape not in {(t,), (p, t)}:
        raise ArrayError(f"times_ms has shape {times.shape}, expected {(t,)} or {(p, t)}.")
    return np.broadcast_to(times, (p, t))
