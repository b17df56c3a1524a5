"""Files that are written as a whole, and the list that vouches for them."""

import json
import os
import secrets
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import google_crc32c

from pyama.errors import PyamaError, StoreError

_NEW_FILE = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | getattr(os, "O_BINARY", 0)
TEMPORARY = ".tmp"
"""Suffix of files that are being written."""
TRAILER_BYTES = 4
SEALED = 0x48674BC7
"""CRC-32C of anything that ends with its own CRC-32C."""


@dataclass(frozen=True)
class Damage:
    """One file that is not what its mark vouches for.

    Attributes:
        path: Relative to the folder of the field of view.
        problem: `missing`, `truncated`, `changed` or `unreadable`, in words.
    """

    path: str
    problem: str


class Ledger:
    """Writes the files of one output and remembers what it wrote.

    Args:
        root: Folder that all paths are relative to.
    """

    def __init__(self, root: Path) -> None:
        self._root = str(root)
        self._entries: dict[str, str] = {}
        self._folders: dict[str, str] = {}

    def write(self, name: str, data: bytes, *, is_sealed: bool = False) -> None:
        """Write one file, making its folder where needed.

        Args:
            name: Path with forward slashes.
            data: Content.
            is_sealed: Whether it ends with its own CRC-32C, which then need not be found.

        Raises:
            StoreError: It cannot be written.
        """
        place, _, file = name.rpartition("/")
        folder = self._folders.get(place)
        if folder is None:
            folder = self._folders[place] = self._made(place)
        path = f"{folder}{os.sep}{file}"
        try:
            write_file(path, data)
        except OSError as error:
            raise _cannot_be_written(path, error) from error
        self._entries[name] = _entry(name, data, is_sealed=is_sealed)

    def vouch(self, name: str, data: bytes) -> None:
        """Remember the content of a file written elsewhere."""
        self._entries[name] = _entry(name, data)

    def _made(self, place: str) -> str:
        folder = f"{self._root}{os.sep}{place.replace('/', os.sep)}".rstrip(os.sep)
        try:
            make_folder(folder)
        except OSError as error:
            raise _cannot_be_written(folder, error) from error
        return folder

    def __len__(self) -> int:
        return len(self._entries)

    def to_bytes(self) -> bytes:
        """Return one line per file: fingerprint, size, path; sorted by path."""
        return "".join(line for _, line in sorted(self._entries.items())).encode()


def checksum(data: bytes) -> int:
    """Return the CRC-32C of `data`."""
    return int(google_crc32c.value(data))


def fingerprint(data: bytes) -> str:
    """Return what tells two contents apart: CRC-32C of all but the last four bytes, and those.

    A chunk ends with its own CRC-32C. The CRC-32C of both together is the same for every
    chunk, so that a chunk in the place of another one would not be noticed.
    """
    return _fingerprint(data, is_sealed=checksum(data) == SEALED)


def _fingerprint(data: bytes, *, is_sealed: bool) -> str:
    trailer = data[-TRAILER_BYTES:]
    body = int.from_bytes(trailer, "little") if is_sealed else checksum(data[:-TRAILER_BYTES])
    return f"{body:08x}{trailer.hex()}"


def _entry(name: str, data: bytes, *, is_sealed: bool = False) -> str:
    found = _fingerprint(data, is_sealed=is_sealed)
    # As JSON, since a file name may hold a line break or bytes that are no text.
    return f"{found} {len(data)} {json.dumps(name)}\n"


def compare(root: Path, sums: bytes, newer_than: int | None) -> Iterator[Damage]:
    """Compare files with what a `Ledger` remembered of them.

    Args:
        root: Folder that all paths are relative to.
        sums: `Ledger.to_bytes`.
        newer_than: Compare the content of files that are as new as this or newer, in
            nanoseconds since the epoch; of the others only the size. None compares all.

    Yields:
        Every damaged file.
    """
    base = str(root)
    for expected, size, name in _lines(sums):
        problem = "unreadable: it lies outside the folder"
        if _stays_inside(name):
            problem = _problem(os.path.join(base, name), expected, size, newer_than)
        if problem:
            yield Damage(name, problem)


def _problem(path: str, expected: str, size: int, newer_than: int | None) -> str:
    try:
        found = os.stat(path)
        if found.st_size != size:
            return f"truncated: {found.st_size} of {size} bytes"
        if newer_than is not None and found.st_mtime_ns < newer_than:
            return ""
        same = fingerprint(Path(path).read_bytes()) == expected
    except (FileNotFoundError, NotADirectoryError, ValueError):  # no file has such a name
        return "missing"
    except OSError as error:
        return f"unreadable: {error.strerror}"
    return "" if same else "changed: its checksum differs"


def file_names(sums: bytes) -> list[str]:
    """Return the paths that a `Ledger` remembered."""
    return [name for _, _, name in _lines(sums)]


def _stays_inside(name: str) -> bool:
    parts = name.replace("\\", "/").split("/")
    return ".." not in parts and not Path(name).anchor


def _lines(sums: bytes) -> Iterable[tuple[str, int, str]]:
    for line in sums.decode().splitlines():
        expected, size, name = line.split(" ", 2)
        yield expected, int(size), str(json.loads(name))


# `Path.write_bytes` and `Path.mkdir` take several times as long, and cells have thousands of
# files.
def write_file(path: str, data: bytes) -> None:
    """Write a file as `Path.write_bytes` does."""
    file = os.open(path, _NEW_FILE, 0o666)
    try:
        left = memoryview(data)
        while left:
            left = left[os.write(file, left) :]
    finally:
        os.close(file)


def make_folder(path: str) -> None:
    """Make a folder, and those that it lies in, unless it is there."""
    try:
        os.mkdir(path)
    except OSError:  # it is there, or what it lies in is not
        os.makedirs(path, exist_ok=True)


def write_atomically(path: Path, data: bytes) -> None:
    """Write a file so that a reader sees the old content or the new, nothing else.

    Raises:
        StoreError: It cannot be written.
    """
    with naming(path), replacing(path) as temporary:
        temporary.write_bytes(data)


@contextmanager
def naming(path: Path) -> Iterator[None]:
    """Say which file could not be written: the system does not when a disk is full.

    Raises:
        StoreError: The block raised an OSError that was none of pyama's.
    """
    try:
        yield
    except PyamaError:
        raise
    except OSError as error:
        raise _cannot_be_written(path, error) from error


def _cannot_be_written(path: Path | str, error: OSError) -> StoreError:
    return StoreError(
        f"{path} cannot be written: {error.strerror or error}. What is finished is kept; "
        "the same command goes on when that is mended."
    )


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a temporary path and move it to `path`, flushed, at the end of the block.

    On an error the temporary file is removed and `path` stays as it was.
    """
    # Not by the process id: that may be the same on two computers that share the folder.
    temporary = path.with_name(f"{path.name}.{secrets.token_hex(4)}{TEMPORARY}")
    try:
        yield temporary
        with naming(path):
            with temporary.open("rb+") as file:
                os.fsync(file.fileno())
            temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def remove_temporaries(folder: Path, older_than_seconds: float = 0.0) -> None:
    """Remove what interrupted writes left in a folder.

    Args:
        folder: Whose files are looked at; not those of folders inside.
        older_than_seconds: Younger ones stay, where another run may be writing.
    """
    limit = time.time() - older_than_seconds
    for path in folder.glob(f"*{TEMPORARY}"):
        with suppress(FileNotFoundError):
            if older_than_seconds == 0 or path.stat().st_mtime < limit:
                path.unlink()


def read_file(path: Path, hint: str) -> bytes:
    """Read a file of a finished output.

    Raises:
        StoreError: It is missing or cannot be read; the message ends with `hint`.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        raise StoreError(f"{path} cannot be read: {error.strerror}. {hint}") from error
