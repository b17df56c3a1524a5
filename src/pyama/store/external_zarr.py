"""Zarr arrays written by other programs."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pyama.errors import StoreError


def is_zarr(path: Path) -> bool:
    """Whether a folder is a Zarr array or group, of version 2 or 3."""
    return any((path / name).exists() for name in ("zarr.json", ".zarray", ".zgroup"))


class ExternalStack:
    """Images of a Zarr array, or of the first level of an OME-Zarr image.

    Of the axes before the last two, only that of the frames may be longer than 1.

    Args:
        path: Folder of the array or group.

    Raises:
        StoreError: It is neither, or has several axes longer than 1.
    """

    def __init__(self, path: Path) -> None:
        self._array = _full_resolution(path)
        long = [axis for axis, n in enumerate(self._array.shape[:-2]) if n > 1]
        if self._array.ndim < 2 or len(long) > 1:
            raise StoreError(
                f"{path} has the shape {self._array.shape}; expected (T, H, W), and no "
                "other axis longer than 1."
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
    import zarr  # slow to import, and rarely needed

    try:
        node = zarr.open(path, mode="r")
        if isinstance(node, zarr.Array):
            return node
        attributes: Any = dict(node.attrs)
        image = attributes.get("ome", attributes)["multiscales"][0]["datasets"][0]["path"]
        array: Any = node[image]
    except (KeyError, IndexError, TypeError, FileNotFoundError) as error:
        raise StoreError(
            f"{path} is neither a Zarr array nor an OME-Zarr image with multiscales ({error})."
        ) from error
    if not isinstance(array, zarr.Array):
        raise StoreError(f"{path / image} is not a Zarr array.")
    return array
