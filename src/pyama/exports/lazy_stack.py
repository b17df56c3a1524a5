"""Stacks that are read frame by frame, also as arrays of Dask and xarray."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pyama import layout
from pyama.exports.needed_package import require
from pyama.store import Stack


class LazyStack:
    """A complete stack (T, H, W); `stack[frame]` reads one frame.

    Attributes:
        name: Name of its group, such as `fl_ch_1`.
        shape: (T, H, W).
        dtype: Type of the pixels.
        times_min: Time of every frame in minutes.
        pixel_size_um: Side of a pixel; None if unknown.
    """

    def __init__(
        self, stack: Stack, name: str, times_min: Sequence[float], pixel_size_um: float | None
    ) -> None:
        self._stack = stack
        self.name, self.shape, self.dtype = name, stack.shape, stack.dtype
        self.times_min, self.pixel_size_um = tuple(times_min), pixel_size_um

    def __getitem__(self, frame: int) -> NDArray[Any]:
        """Read one frame (H, W); negative numbers count from the end."""
        return self._stack[frame + len(self) if frame < 0 else frame]

    def __len__(self) -> int:
        return int(self.shape[0])

    def __iter__(self) -> Iterator[NDArray[Any]]:
        return (self[frame] for frame in range(len(self)))

    def __array__(
        self, dtype: np.dtype[Any] | None = None, copy: bool | None = None
    ) -> NDArray[Any]:
        """Read the whole stack."""
        return np.stack(list(self)).astype(dtype or self.dtype, copy=False)

    def to_dask(self) -> Any:
        """Return a Dask array with one frame per chunk, which is read when it is needed.

        Raises:
            ConfigError: dask is not installed.
        """
        dask, arrays = require("dask", "dask"), require("dask.array", "dask")
        read = dask.delayed(self.__getitem__, pure=True)
        size = self.shape[1:]
        frames = (arrays.from_delayed(read(t), size, self.dtype) for t in range(len(self)))
        return arrays.stack(list(frames))

    def to_xarray(self) -> Any:
        """Return a lazy DataArray (t, y, x).

        `t` is in hours. `y` and `x` are the middles of the pixels in µm, or in px if the size
        of a pixel is not known. A single frame that holds for all, such as a flat field, has
        no time.

        Raises:
            ConfigError: xarray or dask is not installed.
        """
        xarray = require("xarray", "xarray")
        side, unit = self.pixel_size_um or 1.0, "px" if self.pixel_size_um is None else "µm"
        coordinates = {
            axis: (axis, (np.arange(n) + 0.5) * side, {"units": unit})
            for axis, n in zip("yx", self.shape[1:], strict=True)
        }
        if len(self.times_min) == len(self):
            hours = np.array(self.times_min, np.float64) / 60
            coordinates["t"] = ("t", hours, {"units": "h"})
        facts = {} if layout.is_labels(self.name) else {"units": "counts"}
        return xarray.DataArray(
            self.to_dask(),
            coords=coordinates,
            dims=("t", "y", "x"),
            name=self.name,
            attrs=facts,
        )

    def __repr__(self) -> str:
        return f"<{self.name}: {' x '.join(map(str, self.shape))} {self.dtype}>"
