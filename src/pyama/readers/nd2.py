"""Nikon ND2 files: stored frames from the chunk map, the rest from the package nd2."""

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nd2
import numpy as np
from numpy.typing import NDArray

from pyama.errors import ReaderError
from pyama.readers import ZSelection
from pyama.readers.nd2_chunks import FRAME_HEAD, Contents, check_image, read_contents
from pyama.readers.nd2_times import nd2_times, planned_min
from pyama.readers.planes import (
    PlaneReader,
    check_sizes,
    damage_error,
    empty_images,
    read_optional,
    translate_errors,
    unsupported_error,
)
from pyama.readers.recording_facts import Facts, early_stop_remarks, shape_remarks
from pyama.readers.stamp_sources import take_stamps

STRIP_BYTES = 2**20
"""Number of bytes of a frame read at a time, which fit into the processor's cache."""
AXES = {"XYPosLoop": "P", "TimeLoop": "T", "NETimeLoop": "T", "ZStackLoop": "Z"}


@dataclass
class _Loops:
    """Lengths of the loops, outermost first; an axis without a loop has length 1."""

    lengths: dict[str, int]

    def length(self, axis: str) -> int:
        return self.lengths.get(axis, 1)

    def total(self) -> int:
        return math.prod(self.lengths.values())

    def by_axis(self, values: NDArray[Any]) -> NDArray[Any]:
        """Rearrange values from the order of the file to the axes (P, T, Z)."""
        order = [*self.lengths, *(axis for axis in "PTZ" if axis not in self.lengths)]
        shaped = values.reshape([self.length(axis) for axis in order])
        return shaped.transpose([order.index(axis) for axis in "PTZ"])


class Nd2Reader(PlaneReader):
    """An ND2 file of version 2 or 3. A field of view is a stage position.

    Args:
        path: The file.
        z: Which planes of a z stack are read.

    Raises:
        ReaderError: The file is damaged or contains unsupported images.
    """

    def __init__(self, path: Path, z: ZSelection = "middle") -> None:
        contents = read_contents(path)
        with translate_errors(path):
            self._file = nd2.ND2File(path)
        try:
            with translate_errors(path):
                facts, loops = _facts(path, self._file, contents)
            super().__init__(facts, z)
        except ReaderError:
            self._file.close()
            raise
        self._number = loops.by_axis(np.arange(loops.total()))
        self._raw = path.open("rb", buffering=0)
        is_raw = self._file.attributes.compressionType is None
        self._contents = contents
        self._places = contents.frames if is_raw else {}
        self._strip = np.empty(self._strip_shape(), np.uint8)

    def _read(
        self, fov: int, frame: int, z: int, channels: Sequence[int]
    ) -> list[NDArray[np.uint16]]:
        number = int(self._number[fov, frame, z])
        height, width = self.metadata.shapes[fov]
        images = empty_images(channels, (height, width))
        check_image(self.metadata.path, self._raw, number, self._contents)
        for top, strip in self._strips(number, (height, width)):
            rows = slice(top, top + strip.shape[1])
            for target, channel in zip(images, channels, strict=True):
                target[rows] = strip[channel]
        return list(images)

    def _strips(
        self, number: int, shape: tuple[int, int]
    ) -> Iterator[tuple[int, NDArray[Any]]]:
        """Yield a stored frame in successive strips: first row, and pixels (C, h, W)."""
        if number not in self._places:
            yield 0, self._file.read_frame(number).reshape(-1, *shape)
            return
        # Not memory-mapped, else all frames together would count as memory in use.
        self._raw.seek(self._places[number] + FRAME_HEAD)
        dtype = np.dtype(f"<u{self._file.attributes.bitsPerComponentInMemory // 8}")
        row_bytes = shape[1] * self.metadata.n_channels * dtype.itemsize
        for top in range(0, shape[0], len(self._strip)):
            strip = self._strip[: shape[0] - top]
            if self._raw.readinto(strip.data.cast("B")) != strip.nbytes:
                raise damage_error(self.metadata.path, f"image {number} ends too early")
            pixels = strip[:, :row_bytes].view(dtype).reshape(len(strip), shape[1], -1)
            yield top, pixels.transpose(2, 0, 1)

    def _strip_shape(self) -> tuple[int, int]:
        row_bytes = self._file.attributes.widthBytes if self._places else None
        return max(1, STRIP_BYTES // (row_bytes or 1)), row_bytes or 0

    def _close(self) -> None:
        self._raw.close()
        self._file.close()


def _facts(path: Path, file: nd2.ND2File, contents: Contents) -> tuple[Facts, _Loops]:
    n_channels = _check_pixels(path, file, contents)
    loops = _loops(path, file, len(contents.frames))
    stored = np.zeros(loops.total(), bool)
    stored[[number for number in contents.frames if number < len(stored)]] = True
    attributes = file.attributes
    shape = (attributes.heightPx, attributes.widthPx or 0)
    facts = Facts(
        path,
        "nd2",
        [shape] * loops.length("P"),
        f"uint{attributes.bitsPerComponentInMemory}",
        [""] * n_channels,
        np.repeat(loops.by_axis(stored)[..., None], n_channels, axis=3).astype(bool),
    )
    _add_optional(facts, file, loops, contents)
    sources = nd2_times(path, contents, file.experiment, loops.total(), loops.by_axis)
    take_stamps(facts, sources, [], planned_min(file.experiment))
    return facts, loops


def _add_optional(facts: Facts, file: nd2.ND2File, loops: _Loops, contents: Contents) -> None:
    """Add names, the size of a pixel and remarks, as far as they can be read."""
    remarks, pixel_remarks = list(contents.remarks), list[str]()
    names = read_optional("Names of channels", remarks, lambda: _channel_names(file)) or []
    n_channels = len(facts.channel_names)
    facts.channel_names = [*names, *facts.channel_names][:n_channels]
    positions = read_optional("Names of positions", remarks, lambda: _position_names(file))
    facts.position_names = positions or ()
    size = read_optional(
        "Sizes of pixels", pixel_remarks, lambda: _pixel_size(file, pixel_remarks)
    )
    width, height = size or (None, None)
    facts.pixel_size_um, facts.pixel_remarks = width, pixel_remarks
    more = read_optional("The description", remarks, lambda: _remarks(file, loops, contents))
    facts.remarks = [*remarks, *shape_remarks(width, height), *(more or ())]


def _check_pixels(path: Path, file: nd2.ND2File, contents: Contents) -> int:
    """Check the pixel type and that all frames lie inside the file; return the channels."""
    attributes = file.attributes
    bits, n_channels = attributes.bitsPerComponentInMemory, attributes.componentCount
    if bits not in (8, 16):
        raise unsupported_error(path, f"{bits}-bit images")
    if n_channels != (attributes.channelCount or 1):
        raise unsupported_error(
            path, f"colour ({n_channels} values in {attributes.channelCount} channels)"
        )
    if attributes.compressionType == "lossy":
        raise unsupported_error(path, "images compressed with loss")
    row = attributes.widthBytes or 0
    if n_channels < 1 or row < (attributes.widthPx or 0) * n_channels * bits // 8:
        raise damage_error(path, f"a row of its images has {row} bytes")
    check_sizes(path, attributes.heightPx, attributes.widthPx or 0, 1, len(contents.frames))
    raw = row * attributes.heightPx if attributes.compressionType is None else 0
    beyond = sum(
        place + FRAME_HEAD + raw > contents.size for place in contents.frames.values()
    )
    if beyond:
        raise damage_error(
            path, f"{beyond} of {len(contents.frames)} images lie beyond its end"
        )
    return n_channels


def _loops(path: Path, file: nd2.ND2File, stored: int) -> _Loops:
    lengths: dict[str, int] = {}
    for loop in file.experiment:
        axis = AXES.get(loop.type)
        if axis is None or axis in lengths:
            raise unsupported_error(
                path, f"a {loop.type} beside loops over {', '.join(lengths) or 'nothing'}"
            )
        lengths[axis] = loop.count
    if not lengths:
        lengths["T"] = max(1, file.attributes.sequenceCount)
    loops = _Loops(lengths)
    check_sizes(path, 1, 1, loops.total(), stored)
    return loops


def _channel_names(file: nd2.ND2File) -> list[str]:
    return [channel.channel.name or "" for channel in file.metadata.channels or ()]


def _pixel_size(
    file: nd2.ND2File, remarks: list[str]
) -> tuple[float | None, float | None] | None:
    """Return width and height of a pixel in micrometres; None where it is not calibrated."""
    channels = file.metadata.channels
    if not channels:
        return None
    volume = channels[0].volume
    sizes: list[float | None] = []
    for axis in (0, 1):
        size, is_set = float(volume.axesCalibration[axis]), volume.axesCalibrated[axis]
        size = _calibration(file) if size == 1 else size
        is_usable = math.isfinite(size) and size > 0
        if is_set and not is_usable and axis == 0:
            remarks.append(
                f"The size of a pixel in the file is {size:g} \N{MICRO SIGN}m; expected a "
                "positive number."
            )
        sizes.append(size if is_set and is_usable else None)
    return sizes[0], sizes[1]


def _calibration(file: nd2.ND2File) -> float:
    """Return the size of a pixel as it stands in the file: nd2 returns 1 for 0."""
    name = "ImageMetadataSeqLV|0"
    tree = file.unstructured_metadata(include={name}, strip_prefix=False)[name]
    return float(tree["SLxPictureMetadata"]["dCalibration"])


def _position_names(file: nd2.ND2File) -> list[str]:
    for loop in file.experiment:
        if isinstance(loop, nd2.structures.XYPosLoop):
            return [point.name or "" for point in loop.parameters.points]
    return []


def _remarks(file: nd2.ND2File, loops: _Loops, contents: Contents) -> list[str]:
    text = file.text_info.get("description", "")
    planned = re.search(r"Dimensions:.*?\bT'?\((\d+)\)", text)
    remarks = early_stop_remarks(int(planned[1]) if planned else 0, loops.length("T"))
    beyond = sum(number >= loops.total() for number in contents.frames)
    if beyond:
        remarks.append(
            f"The file has {beyond} more images than its loops declare; they are not read."
        )
    return remarks
