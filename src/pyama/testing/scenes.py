"""Images as the writers of files take them, and checks of their input."""

from collections.abc import Collection, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from pyama.errors import ArrayError

MS_PER_FRAME = 600_000.0
MS_PER_POSITION = 1_000.0


class Scene(Protocol):
    """One field of view: an array (T, Z, C, H, W), or an object that returns single frames."""

    @property
    def shape(self) -> tuple[int, ...]:
        """(T, Z, C, H, W)."""

    @property
    def dtype(self) -> DTypeLike:
        """`uint8` or `uint16`."""

    def __getitem__(self, where: tuple[int, int], /) -> NDArray[Any]:
        """Return the frame (C, H, W) at (t, z)."""


Scenes = Sequence[Scene] | NDArray[Any]
"""The fields of view one by one, or an array (P, T, Z, C, H, W)."""


def check_scenes(scenes: Scenes, caller: str) -> list[tuple[int, int]]:
    """Return (H, W) of every field of view.

    Raises:
        ArrayError: Wrong or empty axes, another pixel type, or fields of view that
            differ in more than height and width.
    """
    shapes = [tuple(scene.shape) for scene in scenes]
    wrong = [shape for shape in shapes if len(shape) != 5 or 0 in shape]
    if wrong or not shapes:
        given = f"one of shape {wrong[0]}" if wrong else "none"
        raise ArrayError(f"{caller}() takes fields of view (T, Z, C, H, W), got {given}.")
    if len({shape[:3] for shape in shapes}) > 1:
        raise ArrayError(f"{caller}() takes fields of view of one (T, Z, C), got {shapes}.")
    dtypes = {np.dtype(scene.dtype) for scene in scenes}
    if dtypes not in ({np.dtype(np.uint8)}, {np.dtype(np.uint16)}):
        given = ", ".join(sorted(map(str, dtypes)))
        raise ArrayError(f"{caller}() takes uint8 or uint16, got {given}.")
    return [(shape[3], shape[4]) for shape in shapes]


def check_names(names: Sequence[str] | None, n: int, kind: str) -> list[str]:
    """Return the names; an empty list without any.

    Raises:
        ArrayError: There are not `n` names.
    """
    if names is not None and len(names) != n:
        raise ArrayError(f"{len(names)} {kind} names for {n} {kind}s. Give one for each.")
    return list(names or ())


def check_channel_names(names: Sequence[str] | None, scenes: Scenes) -> list[str]:
    """Return one name per channel, `Channel 0`, `Channel 1`, ... by default.

    Raises:
        ArrayError: The numbers of names and channels differ.
    """
    n = scenes[0].shape[2]
    return check_names(names, n, "channel") or [f"Channel {i}" for i in range(n)]


def check_times(times_ms: ArrayLike | None, p: int, t: int) -> NDArray[np.float64]:
    """Return the time of every position and frame in milliseconds, shape (P, T).

    Raises:
        ArrayError: The shape is neither (T,) nor (P, T).
    """
    if times_ms is None:
        return MS_PER_POSITION * np.arange(p)[:, None] + MS_PER_FRAME * np.arange(t)
    times = np.asarray(times_ms, np.float64)
    if times.shape not in {(t,), (p, t)}:
        raise ArrayError(f"times_ms has shape {times.shape}, expected {(t,)} or {(p, t)}.")
    return np.broadcast_to(times, (p, t))


def check_missing(
    missing: Collection[tuple[int, ...]], sizes: tuple[int, ...], axes: str
) -> set[tuple[int, ...]]:
    """Return the planes that are not written.

    Raises:
        ArrayError: A plane lies outside the images.
    """
    for place in missing:
        inside = len(place) == len(sizes) and all(
            0 <= index < size for index, size in zip(place, sizes, strict=True)
        )
        if not inside:
            raise ArrayError(
                f"missing contains {place}, but the images have ({axes}) = {sizes}. "
                f"Expected 0-based indices ({axes})."
            )
    return set(missing)
