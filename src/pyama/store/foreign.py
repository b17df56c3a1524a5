"""Arrays that other programs wrote in Zarr."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pyama.errors import StoreError


def is_zarr(path: Path) -> bool:
    """Whether a folder is a Zarr array or group, of version 2 or 3."""
    return any((path / name).exists() for name in ("zarr.json", ".zarray", ".zgroup"))


class ForeignStack:
    """Images of an array, or of the first level of an OME-Zarr image.

    Axes before the last two may have the length 1, except one: the frames.

    Args:
        path: Folder of the array or group.

    Raises:
        StoreError: It is neither, or has more axes than that.
    """

    def __init__(self, path: Path) -> None:
        self._array = _full_resolution(path)
        long = [axis for axis, n in enumerate(self._array.shape[:-2]) if n > 1]
        if self._array.ndim < 2 or len(long) > 1:
            raise StoreError(
                f"{path} has the shape {self._array.shape}; expected (T, H, W), or axes of "
                "length 1 besides."
            )
        self._frames = long[0] if long else None

    def __len__(self) -> int:
        """Number of frames."""
        return 1 if self._frames is None else int(self._array.shape[self._frames])

    def __getitem__(self, frame: int) -> NDArray[Any]:
        """Return one image (H, W)."""
        where = [frame if axis == self._frames else 0 for axis in range(self._array.ndim - 2)]
        return np.asarray(self._array[(*where, slice(None), slice(None))])


def _full_resolution(path: Path) -> Any:
    import zarr  # by far the slowest import of a program that mostly does not need it

    try:
        found = zarr.open(path, mode="r")
        if isinstance(found, zarr.Array):
            return found
        attributes: Any = dict(found.attrs)
        image = attributes.get("ome", attributes)["multiscales"][0]["datasets"][0]["path"]
        array: Any = found[image]
    except (KeyError, IndexError, TypeError, FileNotFoundError) as error:
        raise StoreError(
            f"{path} is neither a Zarr array nor an OME-Zarr image with multiscales ({error})."
        ) from error
    if not isinstance(array, zarr.Array):
        raise StoreError(f"{path / image} is no Zarr array.")
    return array
