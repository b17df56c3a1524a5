"""The files of outputs on disk, in folders or, those of `cells.zarr`, in an archive.

Names are relative to the folder of the field of view, with `/`, and are the same in both
forms, and so are marks and lists of checksums.
"""

import os
import re
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from pyama import layout
from pyama.errors import StoreError
from pyama.store.archive import Archive, ArchiveError, ArchiveWriter
from pyama.store.file_reading import read_file
from pyama.store.files import FileSink, cannot_be_written, file_checksum, replace_file
from pyama.symlinks import refuse_link_out

Form = Literal["folder", "zip"]
"""How `cells.zarr` is kept: as a folder, or as one archive."""
INSIDE = f"{layout.CELLS}/"
"""Begins the names of all files that may be in an archive."""
DOCUMENT = "zarr.json"
BUFFER_BYTES = 2**16


class StoredFiles(ABC):
    """Files of outputs in one of their forms.

    Attributes:
        cells: Folder or archive that stands for `cells.zarr`.
    """

    cells: Path

    @abstractmethod
    def names(self) -> list[str]:
        """Return the names of all files of `cells.zarr`."""

    @abstractmethod
    def content(self, name: str) -> bytes:
        """Return the content of a file.

        Raises:
            OSError: It is missing or cannot be read.
        """

    @abstractmethod
    def read(self, path: Path, hint: str) -> bytes:
        """Return the content of the file at a path below `cells`.

        Raises:
            StoreError: It is missing or cannot be read; the message ends with `hint`.
        """

    @abstractmethod
    def has_folder(self, path: Path) -> bool:
        """Whether there is a folder at a path below `cells`."""

    @abstractmethod
    def facts(self, name: str) -> tuple[int, int]:
        """Return size in bytes and time of the last change in nanoseconds.

        Raises:
            OSError: The file is missing.
        """

    def place(self, name: str) -> str:
        """Return which file on disk holds a file, relative to the field of view."""
        return name

    def checksum_of(self, name: str) -> str:
        """Return what the checksum of a file is called, in a message about its `place`."""
        return "its checksum"

    def problem(self, name: str, expected: str, size: int, newer_than: int | None) -> str:
        """Compare a file with what was written; see `find_damages`.

        Returns:
            What is wrong with it; empty if it is intact.
        """
        try:
            actual, changed = self.facts(name)
            if actual != size:
                return f"truncated: {actual} of {size} bytes"
            if newer_than is not None and changed < newer_than:
                return ""
            same = file_checksum(self.content(name)) == expected
        except (FileNotFoundError, NotADirectoryError, ValueError):  # no possible name
            return "missing"
        except ArchiveError as error:
            return str(error)
        except OSError as error:
            return f"unreadable: {error.strerror}"
        return "" if same else f"changed: {self.checksum_of(name)} differs"


class StoredFolder(StoredFiles):
    """Files in folders.

    Args:
        fov_path: Folder of the field of view.
    """

    def __init__(self, fov_path: Path) -> None:
        self._root = str(fov_path)
        self.cells = fov_path / layout.CELLS

    def names(self) -> list[str]:
        """Return the names of all files of `cells.zarr`."""
        start = len(self._root) + 1
        return [
            os.path.join(folder, name)[start:].replace(os.sep, "/")
            for folder, _, names in os.walk(self.cells)
            for name in names
        ]

    def content(self, name: str) -> bytes:
        """Return the content of a file."""
        return Path(self._root, name).read_bytes()

    def read(self, path: Path, hint: str) -> bytes:
        """Return the content of the file at a path."""
        return read_file(path, hint)

    def has_folder(self, path: Path) -> bool:
        """Whether there is a folder at a path."""
        return path.is_dir()

    def facts(self, name: str) -> tuple[int, int]:
        """Return size in bytes and time of the last change in nanoseconds."""
        status = os.stat(os.path.join(self._root, name))
        return status.st_size, status.st_mtime_ns


class StoredArchive(StoredFiles):
    """Files of `cells.zarr` in one archive.

    Args:
        fov_path: Folder of the field of view.
        name: Name of the archive in it.

    Raises:
        OSError: The archive is missing or cannot be read; an `ArchiveError` if it is damaged.
    """

    def __init__(self, fov_path: Path, name: str = layout.CELLS_ARCHIVE) -> None:
        self.cells = fov_path / name
        self.archive = Archive(self.cells)
        self._changed = self.cells.stat().st_mtime_ns
        self._start = len(str(self.cells)) + 1

    def names(self) -> list[str]:
        """Return the names of all files of `cells.zarr`."""
        return [INSIDE + name for name in self.archive.entries]

    def content(self, name: str) -> bytes:
        """Return the content of a file."""
        return self.archive.read(name.removeprefix(INSIDE))

    def read(self, path: Path, hint: str) -> bytes:
        """Return the content of the file at a path."""
        refuse_link_out(self.cells)
        try:
            return self.archive.read(str(path)[self._start :].replace(os.sep, "/"))
        except OSError as error:
            raise StoreError(f"{path} cannot be read: {error.strerror}. {hint}") from error

    def has_folder(self, path: Path) -> bool:
        """Whether there is a folder at a path."""
        inside = str(path)[self._start :].replace(os.sep, "/")
        return any(name.startswith(f"{inside}/") for name in self.archive.entries)

    def facts(self, name: str) -> tuple[int, int]:
        """Return size in bytes and time of the last change of the archive in nanoseconds."""
        entry = self.archive.entries.get(name.removeprefix(INSIDE))
        if entry is None:
            raise FileNotFoundError
        return entry.size, self._changed

    def place(self, name: str) -> str:
        """Return which file on disk holds a file, relative to the field of view."""
        return layout.CELLS_ARCHIVE

    def checksum_of(self, name: str) -> str:
        """Return what the checksum of a file is called."""
        return f"the checksum of {name.removeprefix(INSIDE)}"


class ArchiveSink:
    """Writes files of `cells.zarr` into an archive."""

    def __init__(self, writer: ArchiveWriter) -> None:
        self._writer = writer

    def write(self, name: str, *parts: bytes) -> None:
        """Write one file; see `FileSink`."""
        self._writer.write(name.removeprefix(INSIDE), *parts)


@contextmanager
def new_archive(path: Path) -> Iterator[FileSink]:
    """Yield what writes an archive beside its place; at the end it is flushed and renamed."""
    with replace_file(path) as temporary:
        try:
            temporary.parent.mkdir(parents=True, exist_ok=True)
            file = temporary.open("wb", buffering=BUFFER_BYTES)
        except OSError as error:
            raise cannot_be_written(path, error) from error
        with file:  # Windows renames closed files only
            writer = ArchiveWriter(path, file)
            yield ArchiveSink(writer)
            writer.finish()


def in_archive_order(names: Iterable[str]) -> list[str]:
    """Return names in the order in which an archive has them.

    Groups come first, then the list of cells, then every crop with its preview.
    """
    return sorted(names, key=_rank)


def _rank(name: str) -> tuple[object, ...]:
    top, *inner = name.removeprefix(INSIDE).split("/")
    if not inner or inner == [DOCUMENT]:
        return 0, bool(inner), top
    if top == layout.CELLS_METADATA:
        return 1, inner[0], _numbered(inner[1:])
    return 2, top, _numbered(inner)


def _numbered(parts: list[str]) -> list[list[tuple[int, str]]]:
    """Return what sorts numbers by their value, and documents before all else."""
    return [
        [(int(bit), "") if bit.isdecimal() else (-1, bit) for bit in re.split(r"(\d+)", part)]
        if part != DOCUMENT
        else []
        for part in parts
    ]
