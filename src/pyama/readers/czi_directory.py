"""The directories of a CZI file: its tiles, metadata and time stamps.

A CZI file is a sequence of segments: a header of 32 bytes (name, allocated size, used size),
then content. The file header points to the directory of the subblocks (tiles of a plane),
to the XML metadata and to the attachments. Layout after Zeiss, "ZISRAW (CZI) File Format
Design specification" (version 1.2.2, 2016). All numbers are little endian.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from pyama.readers.planes import (
    damage_error,
    read_optional,
    translate_errors,
    unsupported_error,
)

SEGMENT = struct.Struct("<16sqq")
HEADER = struct.Struct("<52xqqiq")
"""Places of the directory, the metadata, whether an update is pending, the attachments."""
ENTRY = 32
"""Bytes of a directory entry before its axes."""
AXIS = 20
"""Bytes per axis of a directory entry."""
PIXEL_BYTES = {0: 1, 1: 2}
"""Gray8 and Gray16."""
UNCOMPRESSED = 0
METADATA = "The metadata"
"""Start of the sentence about metadata that cannot be read."""


@dataclass
class Subblocks:
    """Tiles of full resolution, one row per tile.

    Attributes:
        axes: Index on each axis (`S`, `T`, `C`, `Z`, `X`, `Y`, ...), each shape (N,).
            0 for axes that a tile does not have. X and Y in px.
        sizes: Extent on each axis, each shape (N,); 1 for axes that a tile does not have.
        pixel_types: Code of the pixel type, shape (N,).
        has_scenes: Whether the tiles belong to scenes.
        places: Place of each tile's segment in the file, shape (N,).
    """

    axes: dict[str, NDArray[np.int64]]
    sizes: dict[str, NDArray[np.int64]]
    pixel_types: NDArray[np.int64]
    has_scenes: bool
    places: NDArray[np.int64]

    def index(self, axis: str) -> NDArray[np.int64]:
        """Return the indices of the tiles on an axis; 0 if they do not have it."""
        return self.axes.get(axis, np.zeros(len(self.pixel_types), np.int64))


@dataclass
class Contents:
    """Tiles, metadata and time stamps of a CZI file."""

    subblocks: Subblocks
    xml: bytes
    """Metadata, UTF-8; empty if there are none."""
    stamps_s: NDArray[np.float64] | None
    """Seconds, shape (N,), usually one per frame; None if the file has none."""
    remarks: list[str]
    """Sentences about metadata and time stamps that cannot be read."""


def read_contents(path: Path) -> Contents:
    """Read the directories of a CZI file.

    Raises:
        ReaderError: The file is damaged, or uses an unsupported part of the format.
    """
    with translate_errors(path), path.open("rb") as file:
        segments = _Segments(path, file)
        header = segments.content(0, b"ZISRAWFILE")
        directory, metadata, pending, attachments = HEADER.unpack_from(header)
        if directory == 0 or pending:
            raise damage_error(path, "the program that wrote it did not finish")
        remarks: list[str] = []
        subblocks = _subblocks(path, segments, directory)
        xml = read_optional(METADATA, remarks, partial(_xml, segments, metadata))
        stamps = read_optional("Time stamps", remarks, partial(_stamps, segments, attachments))
        return Contents(subblocks, xml or b"", stamps, remarks)


class _Segments:
    def __init__(self, path: Path, file: BinaryIO) -> None:
        self.path, self.file = path, file
        self.size = file.seek(0, 2)

    def content(self, place: int, expected: bytes) -> bytes:
        header = self._header(place)
        if header is None or header[0] != expected:
            raise damage_error(self.path, f"no {expected.decode()} at byte {place}")
        return self.file.read(header[1])

    def optional(self, place: int, expected: bytes) -> bytes:
        """Return the content of a segment without which images can be read.

        Raises:
            ValueError: Another segment is there.
            ReaderError: The file ends before the segment does.
        """
        header = self._header(place)
        if header is not None and header[0] != expected:
            raise ValueError(f"no {expected.decode()} at byte {place}")
        return self.content(place, expected)

    def _header(self, place: int) -> tuple[bytes, int] | None:
        if not 0 <= place <= self.size - SEGMENT.size:
            return None
        self.file.seek(place)
        name, allocated, used = SEGMENT.unpack(self.file.read(SEGMENT.size))
        length = used or allocated
        if not 0 <= length <= self.size - place - SEGMENT.size:
            return None
        return name.rstrip(b"\0"), length


def _subblocks(path: Path, segments: _Segments, place: int) -> Subblocks:
    directory = segments.content(place, b"ZISRAWDIRECTORY")
    (count,) = struct.unpack_from("<i", directory)
    if count < 1:
        raise damage_error(path, "it holds no images")
    starts = _entry_starts(directory, count)
    read = _Columns(directory, starts)
    axes, sizes, whole = read.axes()
    kept = np.flatnonzero(whole)
    tiles = Subblocks(
        {axis: index[kept] for axis, index in axes.items()},
        {axis: extent[kept] for axis, extent in sizes.items()},
        read.number(2, "<i4")[kept],
        "S" in axes,
        read.number(6, "<i8")[kept],
    )
    _check(path, tiles)
    _check_extents(path, segments.size, tiles, read, kept)
    return tiles


def _entry_starts(directory: bytes, count: int) -> NDArray[np.int64]:
    starts, at = [], 128
    for _ in range(count):
        (n_axes,) = struct.unpack_from("<i", directory, at + 28)
        if directory[at : at + 2] != b"DV" or not 0 < n_axes <= 64:
            raise ValueError(f"unknown directory entry at byte {at}")
        starts.append(at)
        at += ENTRY + AXIS * n_axes
    if at > len(directory):
        raise ValueError("the directory is cut off")
    return np.array(starts)


class _Columns:
    """Fields of all directory entries as arrays: a recording has tens of thousands."""

    def __init__(self, directory: bytes, starts: NDArray[np.int64]) -> None:
        self._bytes = np.frombuffer(directory, np.uint8)
        self._starts = starts

    def number(self, offset: int, dtype: str) -> NDArray[np.int64]:
        return self._at(self._starts + offset, dtype).astype(np.int64)

    def _at(self, places: NDArray[np.int64], dtype: str) -> NDArray[Any]:
        width = np.dtype(dtype).itemsize
        fields = self._bytes[places[:, None] + np.arange(width)]
        return np.ascontiguousarray(fields).view(dtype)[:, 0]

    def axes(
        self,
    ) -> tuple[dict[str, NDArray[np.int64]], dict[str, NDArray[np.int64]], NDArray[np.bool_]]:
        """Return index and extent per axis, and which entries are of full resolution."""
        axes: dict[str, NDArray[np.int64]] = {}
        sizes: dict[str, NDArray[np.int64]] = {}
        whole = np.ones(len(self._starts), bool)
        for entries, places in self._axis_places():
            names = self._at(places, "S4")
            start = self._at(places + 4, "<i4")
            size = self._at(places + 8, "<i4")
            stored = self._at(places + 16, "<i4")
            for name in np.unique(names).tolist():
                axis, here = name.decode("ascii"), names == name
                axes.setdefault(axis, np.zeros(len(whole), np.int64))[entries[here]] = start[
                    here
                ]
                sizes.setdefault(axis, np.ones(len(whole), np.int64))[entries[here]] = size[
                    here
                ]
                if axis in "XY":
                    whole[entries[here]] &= (stored == size)[here] | (stored == 0)[here]
        return axes, sizes, whole

    def _axis_places(self) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
        count = self.number(28, "<i4")
        for i in range(int(count.max())):
            entries = np.flatnonzero(count > i)
            yield entries, self._starts[entries] + ENTRY + AXIS * i


def _check(path: Path, tiles: Subblocks) -> None:
    if len(tiles.pixel_types) == 0 or not {"X", "Y"} <= set(tiles.sizes):
        raise damage_error(path, "it holds no images of full resolution")
    others = set(tiles.pixel_types.tolist()) - set(PIXEL_BYTES)
    if others:
        raise unsupported_error(
            path, f"colour or floating-point images (pixel type {min(others)})"
        )
    for axis in sorted(set(tiles.axes) - set("XYSTCZM")):
        extent = int(np.ptp(tiles.axes[axis])) + 1
        if extent > 1:
            raise unsupported_error(path, f"an axis {axis!r} of size {extent}")


def _check_extents(
    path: Path, file_size: int, tiles: Subblocks, read: _Columns, kept: NDArray[np.int64]
) -> None:
    width, height = tiles.sizes["X"], tiles.sizes["Y"]
    if min(width.min(), height.min()) < 1:
        raise damage_error(path, "a tile has no pixels")
    if read.number(14, "<i4")[kept].any():
        raise unsupported_error(
            path, "a part of a recording that is spread over several files"
        )
    places = tiles.places
    bytes_per_pixel = np.array([1, 2])[tiles.pixel_types]
    raw = np.where(read.number(18, "<i4")[kept] == UNCOMPRESSED, width * height, 0)
    ends = places + SEGMENT.size + raw * bytes_per_pixel
    if places.min() < SEGMENT.size or ends.max() > file_size:
        beyond = int(np.count_nonzero(ends > file_size))
        raise damage_error(path, f"{beyond} of {len(ends)} images lie beyond its end")


def _xml(segments: _Segments, place: int) -> bytes:
    if place == 0:
        return b""
    content = segments.optional(place, b"ZISRAWMETADATA")
    (length,) = struct.unpack_from("<i", content)
    return content[256 : 256 + max(length, 0)]


def _stamps(segments: _Segments, place: int) -> NDArray[np.float64] | None:
    if place == 0:
        return None
    directory = segments.optional(place, b"ZISRAWATTDIR")
    (count,) = struct.unpack_from("<i", directory)
    for at in range(256, min(256 + 128 * count, len(directory) - 127), 128):
        (where,) = struct.unpack_from("<q", directory, at + 12)
        if directory[at + 48 : at + 128].split(b"\0")[0] == b"TimeStamps":
            content = segments.optional(where, b"ZISRAWATTACH")[256:]
            (n,) = struct.unpack_from("<i", content, 4)
            return np.frombuffer(content, "<f8", n, offset=8).astype(np.float64)
    return None
