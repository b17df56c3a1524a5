"""Files that are written completely or not at all, and the list of their checksums."""

import json
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

import google_crc32c

from pyama import layout
from pyama.errors import PyamaError, StoreError
from pyama.store.temporaries import temporary_beside

_NEW_FILE = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | getattr(os, "O_BINARY", 0)
TRAILER_BYTES = 4
SEALED = 0x48674BC7
"""CRC-32C of anything that ends with its own CRC-32C."""


class FileSink(Protocol):
    """Takes the files of an output, by their paths with forward slashes."""

    def write(self, name: str, *parts: bytes) -> None:
        """Write one file.

        Raises:
            StoreError: It cannot be written.
        """
        ...


class FolderFiles:
    """Writes files into folders, which are created if needed.

    Args:
        root: Folder that all paths are relative to.
    """

    def __init__(self, root: Path) -> None:
        self._root = str(root)
        self._folders: dict[str, str] = {}

    def write(self, name: str, *parts: bytes) -> None:
        """Write one file; see `FileSink`."""
        place, _, file = name.rpartition("/")
        folder = self._folders.get(place)
        if folder is None:
            folder = self._folders[place] = self._made(place)
        path = f"{folder}{os.sep}{file}"
        try:
            write_file(path, *parts)
        except OSError as error:
            raise cannot_be_written(path, error) from error

    def _made(self, place: str) -> str:
        folder = f"{self._root}{os.sep}{place.replace('/', os.sep)}".rstrip(os.sep)
        try:
            make_folder(folder)
        except OSError as error:
            raise cannot_be_written(folder, error) from error
        return folder


class Ledger:
    """Writes the files of one output and keeps a list of them.

    Args:
        files: Takes the files.
    """

    def __init__(self, files: FileSink) -> None:
        self._files = files
        self._entries: dict[str, str] = {}

    def write(self, name: str, *parts: bytes, is_sealed: bool = False) -> None:
        """Write one file.

        Args:
            name: Path with forward slashes.
            parts: Content; large files are not joined in memory. The last one has four bytes
                or more, unless it is the only one.
            is_sealed: Whether it ends with its own CRC-32C, which is then not computed again.

        Raises:
            StoreError: It cannot be written.
        """
        self._files.write(name, *parts)
        self._entries[name] = _entry(name, *parts, is_sealed=is_sealed)

    def add(self, name: str, data: bytes) -> None:
        """Add a file that was written elsewhere to the list."""
        self._entries[name] = _entry(name, data)

    def __len__(self) -> int:
        return len(self._entries)

    def to_bytes(self) -> bytes:
        """Return one line per file: checksum, size, path; sorted by path."""
        return "".join(line for _, line in sorted(self._entries.items())).encode()


def checksum(data: bytes) -> int:
    """Return the CRC-32C of `data`."""
    return int(google_crc32c.value(data))


def file_checksum(data: bytes) -> str:
    """Return the checksum of a file: CRC-32C of all but the last four bytes, and those.

    A chunk ends with its own CRC-32C. The CRC-32C of a chunk including its CRC-32C is the same
    for every chunk and could not tell two chunks apart.
    """
    return _file_checksum(data, is_sealed=checksum(data) == SEALED)


def _file_checksum(*parts: bytes, is_sealed: bool) -> str:
    trailer = parts[-1][-TRAILER_BYTES:]
    if is_sealed:
        body = int.from_bytes(trailer, "little")
    else:
        body = 0
        for part in (*parts[:-1], parts[-1][:-TRAILER_BYTES]):
            body = int(google_crc32c.extend(body, part))
    return f"{body:08x}{trailer.hex()}"


def _entry(name: str, *parts: bytes, is_sealed: bool = False) -> str:
    digest = _file_checksum(*parts, is_sealed=is_sealed)
    # As JSON, since a file name may contain a line break or bytes that are not text.
    return f"{digest} {sum(map(len, parts))} {json.dumps(name)}\n"


# `Path.write_bytes` and `Path.mkdir` take several times longer, and cells have thousands of
# files.
def write_file(path: str, *parts: bytes) -> None:
    """Write a file as `Path.write_bytes` does."""
    file = os.open(path, _NEW_FILE, 0o666)
    try:
        for part in parts:
            left = memoryview(part)
            while left:
                left = left[os.write(file, left) :]
    finally:
        os.close(file)


def make_folder(path: str) -> None:
    """Create a folder and its parents, unless it exists."""
    try:
        os.mkdir(path)
    except OSError:  # it exists, or its parent does not
        os.makedirs(path, exist_ok=True)


def write_atomically(path: Path, data: bytes) -> None:
    """Write a file so that a reader sees either the old or the new content.

    Raises:
        StoreError: It cannot be written.
    """
    with path_in_errors(path), replace_file(path) as temporary:
        temporary.write_bytes(data)


@contextmanager
def path_in_errors(path: Path) -> Iterator[None]:
    """Add the path to errors of writing: the system omits it when a disk is full.

    Raises:
        StoreError: The block raised an OSError that is not a PyamaError.
    """
    try:
        yield
    except PyamaError:
        raise
    except OSError as error:
        raise cannot_be_written(path, error) from error


def cannot_be_written(path: Path | str, error: OSError) -> StoreError:
    """Return the error for a file that cannot be written, with what helps."""
    return StoreError(
        f"{path} cannot be written: {error.strerror or error}. Completed results are kept; "
        "run the same command again when this is fixed."
    )


@contextmanager
def replace_file(path: Path) -> Iterator[Path]:
    """Yield a temporary path; at the end of the block, flush it and move it to `path`.

    On an error the temporary file is removed and `path` is not changed.
    """
    temporary = temporary_beside(path)
    try:
        yield temporary
        with path_in_errors(path):
            with temporary.open("rb+") as file:
                os.fsync(file.fileno())
            temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def set_aside(folder: Path, paths: Sequence[Path]) -> list[str]:
    """Move files into the folder `superseded` of a folder; nothing there is replaced.

    Returns:
        The names that the files had.

    Raises:
        StoreError: A file cannot be moved.
    """
    target_folder = folder / layout.SUPERSEDED
    with path_in_errors(target_folder):
        for path in paths:
            target_folder.mkdir(exist_ok=True)
            target, number = target_folder / path.name, 2
            while target.exists():
                target = target_folder / f"{path.stem}_{number}{path.suffix}"
                number += 1
            path.rename(target)
    return [path.name for path in paths]


def remove_tree(path: Path) -> None:
    """Remove a folder and its content, or a file, if it exists; of a link, only the link."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
