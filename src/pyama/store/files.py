"""Files that are written completely or not at all, and the list of their checksums."""

import json
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import google_crc32c

from pyama import layout
from pyama.errors import PyamaError, StoreError
from pyama.store.temporaries import temporary_beside

_NEW_FILE = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | getattr(os, "O_BINARY", 0)
TRAILER_BYTES = 4
SEALED = 0x48674BC7
"""CRC-32C of anything that ends with its own CRC-32C."""


@dataclass(frozen=True)
class Damage:
    """One file that differs from what was written.

    Attributes:
        path: Relative to the folder of the field of view.
        problem: Begins with `missing`, `truncated`, `changed` or `unreadable`.
    """

    path: str
    problem: str


class Ledger:
    """Writes the files of one output and keeps a list of them.

    Args:
        root: Folder that all paths are relative to.
    """

    def __init__(self, root: Path) -> None:
        self._root = str(root)
        self._entries: dict[str, str] = {}
        self._folders: dict[str, str] = {}

    def write(self, name: str, data: bytes, *, is_sealed: bool = False) -> None:
        """Write one file, and create its folder if needed.

        Args:
            name: Path with forward slashes.
            data: Content.
            is_sealed: Whether it ends with its own CRC-32C, which is then not computed again.

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

    def add(self, name: str, data: bytes) -> None:
        """Add a file that was written elsewhere to the list."""
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


def _file_checksum(data: bytes, *, is_sealed: bool) -> str:
    trailer = data[-TRAILER_BYTES:]
    body = int.from_bytes(trailer, "little") if is_sealed else checksum(data[:-TRAILER_BYTES])
    return f"{body:08x}{trailer.hex()}"


def _entry(name: str, data: bytes, *, is_sealed: bool = False) -> str:
    digest = _file_checksum(data, is_sealed=is_sealed)
    # As JSON, since a file name may contain a line break or bytes that are not text.
    return f"{digest} {len(data)} {json.dumps(name)}\n"


def find_damages(root: Path, sums: bytes, newer_than: int | None) -> Iterator[Damage]:
    """Compare files with the list that a `Ledger` kept.

    Args:
        root: Folder that all paths are relative to.
        sums: `Ledger.to_bytes`.
        newer_than: Compare the content only of files that are not older than this, in
            nanoseconds since the epoch, and the size of the others. None compares all.

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
        status = os.stat(path)
        if status.st_size != size:
            return f"truncated: {status.st_size} of {size} bytes"
        if newer_than is not None and status.st_mtime_ns < newer_than:
            return ""
        same = file_checksum(Path(path).read_bytes()) == expected
    except (FileNotFoundError, NotADirectoryError, ValueError):  # the name is not possible
        return "missing"
    except OSError as error:
        return f"unreadable: {error.strerror}"
    return "" if same else "changed: its checksum differs"


def file_names(sums: bytes) -> list[str]:
    """Return the paths in the list of a `Ledger`."""
    return [name for _, _, name in _lines(sums)]


def file_sizes(sums: bytes) -> dict[str, int]:
    """Return the sizes in bytes in the list of a `Ledger`, by the path of the file."""
    return {name: size for _, size, name in _lines(sums) if _stays_inside(name)}


def _stays_inside(name: str) -> bool:
    parts = name.replace("\\", "/").split("/")
    return ".." not in parts and not Path(name).anchor


def _lines(sums: bytes) -> Iterable[tuple[str, int, str]]:
    for line in sums.decode().splitlines():
        expected, size, name = line.split(" ", 2)
        yield expected, int(size), str(json.loads(name))


# `Path.write_bytes` and `Path.mkdir` take several times longer, and cells have thousands of
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
        raise _cannot_be_written(path, error) from error


def _cannot_be_written(path: Path | str, error: OSError) -> StoreError:
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
