"""Images of an OME-Zarr: their arrays, and which of their chunks are stored."""

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import zarr
from numpy.typing import NDArray

from pyama.metadata import Box
from pyama.readers.planes import unsupported_error
from pyama.symlinks import refuse_link_out
from pyama.units import micrometres_in, seconds_in

OLD_AXES = "tczyx"
"""Axes of versions before 0.3, which do not name them."""


@dataclass
class ZarrImage:
    """One image.

    Attributes:
        path: Folder of its group.
        name: Name in the file, possibly empty.
        axes: One letter per axis of the array.
        array: Full resolution.
        channel_names: Names of channels, possibly empty.
        pixel_size_um: (width, height) of a pixel in micrometres, None if unknown.
        increment_s: Seconds per frame, if known.
        unknown: Units that are not known.
        notes: What pyama wrote into the attributes of its copies.
    """

    path: Path
    name: str
    axes: str
    array: Any
    channel_names: list[str]
    pixel_size_um: tuple[float | None, float | None] = (None, None)
    increment_s: float | None = None
    unknown: list[str] = field(default_factory=list)
    notes: Mapping[str, Any] = field(default_factory=dict)

    def size(self, axis: str) -> int:
        """Return the length of an axis; 1 if there is none."""
        return int(self.array.shape[self.axes.index(axis)]) if axis in self.axes else 1

    @property
    def shape(self) -> tuple[int, int]:
        """(H, W) in px."""
        return self.size("y"), self.size("x")

    @property
    def dtype(self) -> str:
        """Name of the type of its pixels."""
        return str(np.dtype(self.array.dtype).newbyteorder("=").name)

    def read(self, t: int, z: int, c: int) -> NDArray[np.generic]:
        """Return a plane, shape (H, W)."""
        at = {"t": t, "z": z, "c": c}
        plane = np.asarray(self.array[tuple(at.get(axis, slice(None)) for axis in self.axes)])
        return plane if self.axes.index("y") < self.axes.index("x") else plane.T

    def chunks(self) -> "Chunks":
        """Find out which chunks are stored."""
        return Chunks(self)

    def description(self) -> str:
        """Return what the pixels depend on, as text."""
        return json.dumps([self.axes, self.array.shape, self.dtype, self.increment_s])


def read_image(path: Path, group: Any, attributes: Mapping[str, Any]) -> ZarrImage:
    """Return the first image of a group.

    Raises:
        ReaderError: Its axes or pixels are not supported.
        LookupError: A part of its description is missing.
    """
    multiscale = attributes["multiscales"][0]
    axes = [_entry(axis) for axis in multiscale.get("axes", OLD_AXES)]
    dataset = multiscale["datasets"][0]
    array = group[dataset["path"]]
    letters = "".join(str(axis["name"])[:1].lower() for axis in axes)
    if len(set(letters)) < len(letters) or not {"y", "x"} <= set(letters) <= set(OLD_AXES):
        raise unsupported_error(path, f"the axes {', '.join(str(a['name']) for a in axes)}")
    channels = (attributes.get("omero") or {}).get("channels") or []
    names = [str(channel.get("label") or "") for channel in channels]
    name = str(multiscale.get("name") or "")
    image = ZarrImage(path, "" if name == "/" else name, letters, array, names)
    if image.dtype not in ("uint8", "uint16"):
        raise unsupported_error(path, f"{image.dtype} pixels")
    _read_scale(image, axes, _factors(multiscale, dataset, len(axes)))
    return image


def _entry(axis: Any) -> dict[str, Any]:
    return axis if isinstance(axis, dict) else {"name": axis}


def _factors(
    multiscale: Mapping[str, Any], dataset: Mapping[str, Any], n_axes: int
) -> NDArray[np.float64]:
    factors = np.ones(n_axes)
    for level in (multiscale, dataset):
        for transformation in level.get("coordinateTransformations") or ():
            if transformation.get("type") == "scale":
                factors = factors * np.asarray(transformation["scale"], np.float64)
    return factors


def _read_scale(
    image: ZarrImage, axes: list[dict[str, Any]], factors: NDArray[np.float64]
) -> None:
    found: dict[str, float] = {}
    for letter, axis, factor in zip(image.axes, axes, factors.tolist(), strict=True):
        unit = axis.get("unit")
        if unit is None or letter == "c":
            continue
        size = (seconds_in if letter == "t" else micrometres_in)(str(unit))
        if size is None:
            image.unknown.append(str(unit))
        elif np.isfinite(factor) and factor > 0:
            found[letter] = factor * size
    image.pixel_size_um = found.get("x"), found.get("y")
    image.increment_s = found.get("t")


class Chunks:
    """Which chunks of an image are stored, and how large their files are.

    Args:
        image: The image.
    """

    def __init__(self, image: ZarrImage) -> None:
        self._image, array = image, image.array
        self._step = array.shards or array.chunks
        self._folder = Path(str(array.store.root)) / array.path
        self._name = array.metadata.encode_chunk_key
        self.files: list[Path] = []
        self.sizes: list[int] = []
        self._is_stored: dict[tuple[int, ...], bool] = {}

    def boxes(self, t: int, z: int, c: int) -> tuple[bool, tuple[Box, ...]]:
        """Return whether a plane is stored, and the rectangles of it that are not."""
        at = {"t": t, "z": z, "c": c}
        absent, n_all = [], 0
        for place in self._places(at):
            n_all += 1
            if not self._stored(place):
                absent.append(self._box(place))
        return len(absent) < n_all, tuple(absent)

    def _places(self, at: Mapping[str, int]) -> Iterator[tuple[int, ...]]:
        ranges = [
            [at[axis] // step] if axis in at else range(-(-n // step))
            for axis, n, step in zip(
                self._image.axes, self._image.array.shape, self._step, strict=True
            )
        ]
        return product(*ranges)

    def _stored(self, place: tuple[int, ...]) -> bool:
        if place not in self._is_stored:
            path = self._folder / self._name(place)
            try:
                size = os.stat(path).st_size
            except FileNotFoundError:
                self._is_stored[place] = False
            else:
                refuse_link_out(path)
                self._is_stored[place] = True
                self.files.append(path)
                self.sizes.append(size)
        return self._is_stored[place]

    def _box(self, place: tuple[int, ...]) -> Box:
        ends = {}
        for axis, i, step, n in zip(
            self._image.axes, place, self._step, self._image.array.shape, strict=True
        ):
            ends[axis] = i * step, min((i + 1) * step, n)
        (y0, y1), (x0, x1) = ends["y"], ends["x"]
        return y0, x0, y1, x1


def open_group(path: Path) -> Any:
    """Open a group or an array of a Zarr for reading."""
    refuse_link_out(path)
    return zarr.open(path, mode="r")
