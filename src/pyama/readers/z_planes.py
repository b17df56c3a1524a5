"""Which planes of a z stack an image is made from, channel by channel."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pyama.errors import ReaderError
from pyama.readers import ZPlane, ZPlanes
from pyama.sentences import count_text


def chosen_planes(stored: NDArray[np.bool_], z: ZPlanes, path: Path) -> list[tuple[int, ...]]:
    """Return the 0-based planes that the images of every channel are made from.

    A channel without a stack has its only plane. The middle is that of the planes which the
    channel has, where it lacks the middle one of the recording.

    Args:
        stored: Whether a plane is in the file, shape (P, T, Z, C).
        z: The selection.
        path: The file, for messages.

    Raises:
        ReaderError: The file has no such plane or channel.
    """
    n_z, n_channels = stored.shape[2:]
    by_channel = z if isinstance(z, Mapping) else {}
    unknown = sorted(by_channel.keys() - set(range(n_channels)))
    if unknown:
        raise ReaderError(
            f"{path} has {count_text(n_channels, 'channel')}, numbered from 0, but z names "
            f"channel {', '.join(map(str, unknown))}."
        )
    planes = []
    for channel in range(n_channels):
        one = by_channel.get(channel, "middle") if isinstance(z, Mapping) else z
        wanted = planes_of(one, n_z, path)
        present = np.flatnonzero(stored[:, :, :, channel].any(axis=(0, 1))).tolist()
        if isinstance(by_channel.get(channel), int) and present and one not in present:
            raise ReaderError(
                f"{path} has z plane {', '.join(map(str, present))} of channel {channel}, "
                f"but z is {one} for it."
            )
        planes.append(_among(present, wanted, one))
    return planes


def _among(present: list[int], wanted: Sequence[int], z: ZPlane) -> tuple[int, ...]:
    """Return the planes to use of those that a channel has."""
    if z == "max" or len(present) == 1:
        return tuple(present)
    if z == "middle" and present and wanted[0] not in present:
        return (present[len(present) // 2],)
    return tuple(wanted)


def planes_of(z: ZPlane, n_z: int, path: Path) -> Sequence[int]:
    """Return the 0-based planes that are meant in a stack of `n_z` planes.

    Raises:
        ReaderError: There is no plane `z`.
    """
    if z == "max":
        return range(n_z)
    chosen = n_z // 2 if z == "middle" else z
    if not 0 <= chosen < n_z:
        raise ReaderError(
            f"{path} has {n_z} z planes, but z is {z}. Use 0 to {n_z - 1}, 'middle' or 'max'."
        )
    return (chosen,)


def used_planes(
    stored: NDArray[np.bool_], planes: Sequence[Sequence[int]]
) -> NDArray[np.bool_]:
    """Return the planes that images are made from and that are stored, shape (P, T, Z, C).

    Args:
        stored: Whether a plane is in the file, shape (P, T, Z, C).
        planes: Planes by channel.
    """
    chosen = np.zeros(stored.shape[2:], np.bool_)
    for channel, of_channel in enumerate(planes):
        chosen[list(of_channel), channel] = True
    used: NDArray[np.bool_] = stored & chosen
    return used
