"""The chunk map at the end of an ND2 file: names and places of all chunks.

A chunk is a header of 16 bytes (magic, length of the name, length of the content), its name
and its content. The last 40 bytes of the file hold the place of the map: names that end with
"!", each with the place of the chunk's header and a size. All numbers are little endian.
"""

import struct
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from pyama.errors import ReaderError
from pyama.readers.planes import damage_error, read_optional, translate_errors

MAGIC = 0x0ABECEDA
HEADER = struct.Struct("<IIQ")
PLACE = struct.Struct("<QQ")
LAST = struct.Struct("<32sQ")
MAP_END = b"ND2 CHUNK MAP SIGNATURE 0000001!"
FRAME = b"ImageDataSeq|"
TIMES = b"CustomData|AcqTimesCache!"
NEEDED = b"Image"
"""Start of the names of chunks that are decoded when the file is opened."""
FRAME_HEAD = 4096
"""Bytes before the pixels of a frame: header, name, and its time stamp."""


@dataclass
class Contents:
    """Frames and time stamps of an ND2 file.

    Attributes:
        frames: Place of every stored frame in the file, by its number in the recording.
        times_ms: Milliseconds by number of the frame; empty if the file has none.
        size: Size of the file in bytes.
        remarks: Sentences about time stamps that cannot be read.
    """

    frames: dict[int, int]
    times_ms: NDArray[np.float64]
    size: int
    remarks: list[str]


def read_contents(path: Path) -> Contents:
    """Read the map of an ND2 file and check that its chunks lie inside the file.

    Raises:
        ReaderError: The file is damaged.
    """
    with translate_errors(path), path.open("rb") as file:
        size = file.seek(0, 2)
        chunks = _chunk_map(path, file, size)
        for name, place in chunks.items():
            if name.startswith(NEEDED) and not name.startswith(FRAME):
                _seek(path, file, size, place, name)
        frames = {
            int(name[len(FRAME) : -1]): place
            for name, place in chunks.items()
            if name.startswith(FRAME)
        }
        remarks: list[str] = []
        times_ms = read_optional(
            "Time stamps", remarks, lambda: _times_ms(path, file, size, chunks)
        )
        return Contents(frames, np.empty(0) if times_ms is None else times_ms, size, remarks)


def check_image(path: Path, file: BinaryIO, number: int, contents: Contents) -> None:
    """Check that an image is where the map says: a damaged map may name another one.

    Raises:
        ReaderError: It is not.
    """
    place = contents.frames.get(number)
    if place is not None:
        _seek(path, file, contents.size, place, FRAME + b"%d!" % number)


def _times_ms(
    path: Path, file: BinaryIO, size: int, chunks: dict[bytes, int]
) -> NDArray[np.float64] | None:
    if TIMES not in chunks:
        return None
    try:
        length = _seek(path, file, size, chunks[TIMES], TIMES)
    except ReaderError as error:
        raise ValueError("they are not where the map of the file says") from error
    return np.frombuffer(file.read(length // 8 * 8), "<f8")


def _chunk_map(path: Path, file: BinaryIO, size: int) -> dict[bytes, int]:
    if size < LAST.size:
        raise damage_error(path, f"it has only {size} bytes")
    file.seek(size - LAST.size)
    signature, place = LAST.unpack(file.read(LAST.size))
    if signature != MAP_END:
        raise damage_error(
            path, "the map of its frames, which is written last, is not at its end"
        )
    content = file.read(_seek(path, file, size, place, b"ND2 FILEMAP SIGNATURE"))
    chunks: dict[bytes, int] = {}
    at = 0
    while True:
        end = content.index(b"!", at) + 1
        name = content[at:end]
        if name == MAP_END:
            return chunks
        chunks[name], _ = PLACE.unpack_from(content, end)
        at = end + PLACE.size


def _seek(path: Path, file: BinaryIO, size: int, place: int, name: bytes) -> int:
    """Go to the content of a chunk and return its length."""
    if place > size - HEADER.size:
        raise damage_error(path, f"{name.decode('latin-1')!r} lies beyond its end")
    file.seek(place)
    magic, name_length, length = HEADER.unpack(file.read(HEADER.size))
    start = place + HEADER.size + name_length
    if magic != MAGIC or not file.read(name_length).startswith(name):
        raise damage_error(path, f"{name.decode('latin-1')!r} is not at byte {place}")
    if start + length > size:
        raise damage_error(path, f"{name.decode('latin-1')!r} reaches beyond its end")
    return int(length)
