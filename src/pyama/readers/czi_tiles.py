"""The head of a tile in a CZI file, compared with the directory that leads to it.

A tile is a segment `ZISRAWSUBBLOCK`: sizes of its metadata, attachment and pixels, a copy of
its directory entry, and these three. A damaged directory may lead to the tile of another
plane, and wrong sizes to bytes that are no pixels.
"""

import struct
from collections import defaultdict
from pathlib import Path
from typing import BinaryIO

from pyama.readers.czi_directory import (
    AXIS,
    ENTRY,
    PIXEL_BYTES,
    SEGMENT,
    UNCOMPRESSED,
    Subblocks,
)
from pyama.readers.planes import damage_error

PLANE_AXES = "STZC"
SIZES = struct.Struct("<iiq")
LEAST_HEAD = 256
"""Smallest number of bytes before the metadata of a tile."""


class TileCheck:
    """Checks the tiles of a plane before it is read.

    Args:
        path: The file.
        tiles: Its tiles, by the directory.
    """

    def __init__(self, path: Path, tiles: Subblocks) -> None:
        self._path = path
        self._tiles = tiles
        self._of_plane: dict[tuple[int, ...], list[int]] = defaultdict(list)
        indices = zip(*(tiles.index(axis).tolist() for axis in PLANE_AXES), strict=True)
        for tile, plane in enumerate(indices):
            self._of_plane[plane].append(tile)

    def plane(self, file: BinaryIO, scene: int, frame: int, z: int, channel: int) -> None:
        """Check the tiles of a plane, given its indices in the file.

        Raises:
            ReaderError: A tile is another one, or its pixels do not fit into it.
        """
        for tile in self._of_plane.get((scene, frame, z, channel), ()):
            problem = self._problem(file, tile)
            if problem:
                raise damage_error(
                    self._path, f"the tile at byte {self._place(tile)} {problem}"
                )

    def _place(self, tile: int) -> int:
        return int(self._tiles.places[tile])

    def _problem(self, file: BinaryIO, tile: int) -> str:
        file.seek(int(self._tiles.places[tile]))
        name, allocated, used = SEGMENT.unpack(file.read(SEGMENT.size))
        content = file.read(SIZES.size + ENTRY + 64 * AXIS)
        metadata, attachment, pixels = SIZES.unpack_from(content)
        entry = content[SIZES.size :]
        kind, *_, compression = struct.unpack_from("<xxi12xi", entry)
        (n_axes,) = struct.unpack_from("<i", entry, ENTRY - 4)
        if name.rstrip(b"\0") != b"ZISRAWSUBBLOCK" or entry[:2] != b"DV" or n_axes > 64:
            return "is none"
        head = max(LEAST_HEAD, SIZES.size + ENTRY + AXIS * n_axes)
        parts = metadata, attachment, pixels
        if min(parts) < 0 or head + sum(parts) > max(used, allocated):
            return "is smaller than its parts"
        of_axes = {axis: self._tiles.sizes[axis][tile] for axis in "XY"}
        expected = of_axes["X"] * of_axes["Y"] * PIXEL_BYTES.get(kind, 0)
        if compression == UNCOMPRESSED and pixels < expected:
            return f"has {pixels} of {expected} bytes"
        for axis, start in _starts(entry, n_axes).items():
            if axis in PLANE_AXES and start != self._tiles.index(axis)[tile]:
                return f"is that of {axis} = {start}, not {self._tiles.index(axis)[tile]}"
        return ""


def _starts(entry: bytes, n_axes: int) -> dict[str, int]:
    """Return the first index on each axis by the copy of a directory entry."""
    starts = {}
    for i in range(n_axes):
        name, start = struct.unpack_from("<4si", entry, ENTRY + AXIS * i)
        starts[name.rstrip(b"\0").decode("latin-1")] = start
    return starts
