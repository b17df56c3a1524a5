"""Uncompressed ZIP archives, written in one pass: the same entries give the same bytes.

The format is Zip64 as PKWARE's APPNOTE 6.3 describes it, section 4.3, with method 0 (stored),
so that any ZIP program and any Zarr library can read it. All dates are 1980-01-01. The comment
of the archive is the CRC-32C of its directory. `zipfile` of Python writes the same content and
takes several times longer per entry, which counts for thousands of crops.
"""

import errno
import struct
import zlib
from collections.abc import Iterator
from io import FileIO
from pathlib import Path
from typing import BinaryIO, NamedTuple

from pyama.store.files import cannot_be_written, checksum
from pyama.symlinks import refuse_link_out

_LOCAL = struct.Struct("<4s5H3L2H")
_CENTRAL = struct.Struct("<4s6H3L5H2L")
_OFFSET = struct.Struct("<2HQ")
_END_64 = struct.Struct("<4sQ2H2L4Q")
_LOCATOR = struct.Struct("<4sLQL")
_END = struct.Struct("<4s4H2LH")
_COMMENT = b"CRC-32C %08x"
_COMMENT_BYTES = 16
_TAIL_BYTES = _END_64.size + _LOCATOR.size + _END.size + _COMMENT_BYTES
_ZIP_64, _UNIX, _UTF_8 = 45, 3 << 8, 1 << 11
_TIME, _DATE = 0, 1 << 5 | 1  # 1980-01-01, the earliest
_MODE = 0o100644 << 16
_ELSEWHERE, _MANY = 0xFFFFFFFF, 0xFFFF
"""Values that refer to a field of Zip64."""


class ArchiveError(OSError):
    """An archive or an entry differs from what was written; begins with the kind of damage."""

    def __init__(self, problem: str) -> None:
        super().__init__(errno.EIO, problem)

    def __str__(self) -> str:
        return str(self.strerror)


class Entry(NamedTuple):
    """Where one file of an archive lies.

    Attributes:
        offset: Of its header, in bytes.
        size: Of its content, in bytes.
        crc: CRC-32 of its content.
    """

    offset: int
    size: int
    crc: int


def _header(name: bytes, size: int, crc: int) -> bytes:
    facts = (_ZIP_64, _UTF_8, 0, _TIME, _DATE, crc, size, size, len(name), 0)
    return _LOCAL.pack(b"PK\3\4", *facts) + name


def _listed(name: bytes, entry: Entry) -> bytes:
    offset, size, crc = entry
    extra = b"" if offset < _ELSEWHERE else _OFFSET.pack(1, 8, offset)
    facts = (_UNIX | _ZIP_64, _ZIP_64, _UTF_8, 0, _TIME, _DATE, crc, size, size)
    rest = (len(name), len(extra), 0, 0, 0, _MODE, min(offset, _ELSEWHERE))
    return _CENTRAL.pack(b"PK\1\2", *facts, *rest) + name + extra


class ArchiveWriter:
    """Writes an archive.

    Args:
        path: Where it is.
        file: Open for writing, empty.
    """

    def __init__(self, path: Path, file: BinaryIO) -> None:
        self._path = path
        self._file = file
        self._offset = 0
        self._directory: list[bytes] = []

    def write(self, name: str, *parts: bytes) -> None:
        """Append one file below 4 GiB.

        Raises:
            StoreError: It cannot be written.
        """
        crc, encoded = 0, name.encode()
        for part in parts:
            crc = zlib.crc32(part, crc)
        entry = Entry(self._offset, sum(map(len, parts)), crc)
        self._put(_header(encoded, entry.size, crc), *parts)
        self._directory.append(_listed(encoded, entry))

    def finish(self) -> None:
        """Write the directory.

        Raises:
            StoreError: It cannot be written.
        """
        start, n, directory = self._offset, len(self._directory), b"".join(self._directory)
        places = (n, n, len(directory), start)
        tail = _END_64.pack(
            b"PK\6\6", _END_64.size - 12, _UNIX | _ZIP_64, _ZIP_64, 0, 0, *places
        )
        tail += _LOCATOR.pack(b"PK\6\7", 0, start + len(directory), 1)
        few = (min(n, _MANY),) * 2
        sizes = (min(len(directory), _ELSEWHERE), min(start, _ELSEWHERE))
        tail += _END.pack(b"PK\5\6", 0, 0, *few, *sizes, _COMMENT_BYTES)
        self._put(directory, tail, _COMMENT % checksum(directory + tail))

    def _put(self, *parts: bytes) -> None:
        try:
            for part in parts:
                self._file.write(part)
                self._offset += len(part)
        except OSError as error:
            raise cannot_be_written(self._path, error) from error


class Archive:
    """An archive that `ArchiveWriter` wrote; it is open only while something is read.

    Args:
        path: Where it is.

    Attributes:
        path: Where it is.
        entries: Where every file lies, by its name, in the order of the archive.

    Raises:
        ArchiveError: Its directory is damaged.
        OSError: It cannot be read.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._name = str(path)
        refuse_link_out(path)
        with path.open("rb") as file:
            self.entries = dict(_entries(_directory(file)))

    def read(self, name: str) -> bytes:
        """Return the content of a file, whose own checksum the caller compares.

        Raises:
            FileNotFoundError: There is no such file.
            ArchiveError: Its header is damaged.
            OSError: The archive cannot be read.
        """
        entry = self.entries.get(name)
        if entry is None:
            raise FileNotFoundError(errno.ENOENT, "it is missing in the archive")
        header = _header(name.encode(), entry.size, entry.crc)
        with FileIO(self._name) as file:
            file.seek(entry.offset)
            found, content = file.read(len(header)), file.read(entry.size)
        if found != header or len(content) != entry.size:
            raise ArchiveError(f"changed: the header of {name} differs")
        return content


def _directory(file: BinaryIO) -> bytes:
    length = file.seek(0, 2)
    file.seek(max(0, length - _TAIL_BYTES))
    tail = file.read()
    if len(tail) < _TAIL_BYTES or tail[:4] != b"PK\6\6":
        raise ArchiveError("truncated: it does not end with the directory that pyama writes")
    *_, size, start = _END_64.unpack_from(tail)
    if start + size + _TAIL_BYTES != length:
        raise ArchiveError("truncated: its directory refers to another size")
    file.seek(start)
    directory = file.read(size)
    if tail[-_COMMENT_BYTES:] != _COMMENT % checksum(directory + tail[:-_COMMENT_BYTES]):
        raise ArchiveError("changed: the checksum of its directory differs")
    return directory


def _entries(directory: bytes) -> Iterator[tuple[str, Entry]]:
    place, length = 0, len(directory)
    while place < length:
        facts = _CENTRAL.unpack_from(directory, place)
        crc, size, _, n_name, n_extra = facts[7:12]
        offset = facts[-1]
        place += _CENTRAL.size
        name = directory[place : place + n_name].decode()
        place += n_name + n_extra
        if n_extra:
            *_, offset = _OFFSET.unpack_from(directory, place - n_extra)
        yield name, Entry(offset, size, crc)
