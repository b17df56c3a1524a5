"""Writer of the structure of an ND2 file (version 3.0): chunks, their map, trees of values.

A file is a sequence of chunks on pages of 4096 bytes, followed by a map of names and places.
A chunk holds the pixels of one frame, or a tree of named values (see `encode_tree`).
"""

import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Any, BinaryIO

PAGE = 4096
MAGIC = 0x0ABECEDA
FILE_NAME = b"ND2 FILE SIGNATURE CHUNK NAME01!"
MAP_NAME = b"ND2 FILEMAP SIGNATURE NAME 0001!"
MAP_END = b"ND2 CHUNK MAP SIGNATURE 0000001!"
IMAGE_NAME_BYTES = 4072
"""Fixed distance of the pixels from the start of their chunk."""
NAME_RESERVE = 20


@dataclass
class Chunks:
    """Appends named chunks to a file, and at the end the map of their places."""

    file: BinaryIO
    places: list[tuple[bytes, int, int]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.file.write(struct.pack("<IIQ32s64s", MAGIC, 32, 64, FILE_NAME, b"Ver3.0"))

    def add(self, name: bytes, content: bytes) -> None:
        """Append one chunk."""
        start = self._next_page()
        least = len(name) + NAME_RESERVE
        reserved = (
            IMAGE_NAME_BYTES
            if name.startswith(b"ImageDataSeq")
            else least + -(16 + least + len(content)) % PAGE
        )
        self.places.append((name, start, len(content)))
        self._write(name, reserved, content)

    def close(self) -> None:
        """Append the map."""
        start = self._next_page()
        entries = [(FILE_NAME, 0, 64), *self.places]
        content = b"".join(name + struct.pack("<QQ", *place) for name, *place in entries)
        self._write(MAP_NAME, len(MAP_NAME), content + MAP_END + struct.pack("<Q", start))

    def _next_page(self) -> int:
        self.file.write(bytes(-self.file.tell() % PAGE))
        return self.file.tell()

    def _write(self, name: bytes, reserved: int, content: bytes) -> None:
        self.file.write(struct.pack("<IIQ", MAGIC, reserved, len(content)))
        self.file.write(name.ljust(reserved, b"\0"))
        self.file.write(content)


def encode_tree(tree: Mapping[str, Any]) -> bytes:
    """Encode named values as in ND2 files.

    Args:
        tree: Values are bool, int (unsigned where the name starts with `ui`), float, str,
            bytes, a mapping, or a list of mappings without names.
    """
    return b"".join(_encode(name, value) for name, value in tree.items())


def _encode(name: str, value: Any) -> bytes:
    match value:
        case bool():
            return _head(1, name) + struct.pack("<?", value)
        case int():
            unsigned = name.removeprefix("m_").startswith("ui")
            return _head(3 if unsigned else 2, name) + struct.pack("<I", value)
        case float():
            return _head(6, name) + struct.pack("<d", value)
        case str():
            return _head(8, name) + (value + "\0").encode("utf-16-le")
        case bytes():
            return _head(9, name) + struct.pack("<Q", len(value)) + value
        case Mapping():
            return _encode_level(name, list(value.items()))
        case _:
            return _encode_level(name, [("", item) for item in value])


def _encode_level(name: str, items: list[tuple[str, Any]]) -> bytes:
    head = _head(11, name)
    children = [_encode(child, value) for child, value in items]
    start = len(head) + struct.calcsize("<IQ")
    starts = list(accumulate(map(len, children), initial=start))
    by_name = sorted(range(len(items)), key=lambda i: items[i][0])
    table = struct.pack(f"<{len(items)}Q", *(starts[i] for i in by_name))
    return head + struct.pack("<IQ", len(items), starts[-1]) + b"".join(children) + table


def _head(kind: int, name: str) -> bytes:
    return bytes([kind, len(name) + 1]) + (name + "\0").encode("utf-16-le")
