"""When an output counts as finished: recipes, marks and checksums.

A mark is written last. It holds the recipe, which is everything the output depends on,
and vouches for a list of files with their sizes and checksums. Without its mark an output
does not exist, whatever lies on disk.
"""

import hashlib
import json
import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import google_crc32c

from pyama.errors import PyamaError, StoreError

MARKS = ".marks"
"""Folder of the marks inside the folder of a field of view."""
TEMPORARY = ".tmp"
"""Suffix of files that are being written."""
Write = Callable[[Any], object]
"""Takes the next item of an output."""


@dataclass(frozen=True)
class Recipe:
    """Everything an output depends on.

    Attributes:
        step: Which step writes it.
        version: Raised when the step's algorithm changes.
        method: Which of several algorithms, with its fingerprint.
        params: The parameters this step reads, by name; plain values.
        inputs: Digests of what it is made from, by name.
    """

    step: str
    version: int
    method: str = ""
    params: Mapping[str, Any] = field(default_factory=dict)
    inputs: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def digest(self) -> str:
        """Digest of all attributes."""
        return hashlib.sha256(_canonical(asdict(self))).hexdigest()

    def changes_since(self, old: "Recipe") -> list[str]:
        """Say in words what differs from an older recipe."""
        changes = [
            f"{name} changed {was} -> {now}"
            for name in sorted({*old.params, *self.params})
            if (was := old.params.get(name)) != (now := self.params.get(name))
        ]
        if old.method != self.method:
            changes.append(f"method changed {old.method} -> {self.method}")
        if old.version != self.version:
            changes.append(f"{self.step} has a new version")
        changes += [
            f"{name} changes"
            for name in sorted({*old.inputs, *self.inputs})
            if old.inputs.get(name) != self.inputs.get(name)
        ]
        return changes


@dataclass(frozen=True)
class Mark:
    """The vow that an output is finished.

    Attributes:
        recipe: What the output was made from.
        notes: What its making counted: objects dropped, cells filtered, warnings.
        files: Number of files.
        sums: Checksum (CRC-32C) of the list of their checksums.
    """

    recipe: Recipe
    notes: Mapping[str, Any]
    files: int
    sums: int

    def to_bytes(self) -> bytes:
        """Return the mark as JSON, with a checksum of its own."""
        return sealed(asdict(self))

    @classmethod
    def from_bytes(cls, data: bytes) -> "Mark | None":
        """Read a mark; None if it is damaged."""
        entries = unsealed(data)
        try:
            if entries is None:
                return None
            return cls(**entries | {"recipe": Recipe(**entries["recipe"])})
        except (KeyError, TypeError):
            return None


def sealed(entries: Mapping[str, Any]) -> bytes:
    """Return JSON that holds a checksum of itself."""
    plain = json.loads(json.dumps(entries))
    return _spelled(plain, checksum(_canonical(plain)))


def unsealed(data: bytes) -> dict[str, Any] | None:
    """Read what `sealed` returned; None if a single bit of it differs."""
    try:
        entries = json.loads(data)
        check = entries.pop("check")
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None
    intact = check == checksum(_canonical(entries)) and data == _spelled(entries, check)
    return entries if intact else None


class Ledger:
    """Writes the files of one output and remembers what it wrote.

    Args:
        root: Folder that all paths are relative to.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self._sums: dict[str, tuple[int, int]] = {}

    def write(self, name: str, data: bytes) -> None:
        """Write one file, making its folder where needed."""
        path = self.root / name
        with naming(path):
            try:
                path.write_bytes(data)
            except FileNotFoundError:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(data)
        self.vouch(name, len(data), checksum(data))

    def vouch(self, name: str, size: int, crc: int) -> None:
        """Remember a file written elsewhere."""
        self._sums[name] = (crc, size)

    def __len__(self) -> int:
        return len(self._sums)

    def to_bytes(self) -> bytes:
        """Return one line per file: checksum, size, path; sorted by path."""
        lines = [f"{crc:08x} {size} {name}\n" for name, (crc, size) in self._sums.items()]
        return "".join(sorted(lines, key=lambda line: line.split(" ", 2)[2])).encode()


@dataclass(frozen=True)
class Damage:
    """One file that is not what its mark vouches for.

    Attributes:
        path: Relative to the folder of the field of view.
        problem: `missing`, `truncated`, `changed` or `unreadable`, in words.
    """

    path: str
    problem: str


class MarkFile:
    """The mark of one output on disk, and the list of checksums beside it.

    Args:
        fov_path: Folder of the field of view.
        name: Name of the output, such as `pc_ch_0/0`.
    """

    def __init__(self, fov_path: Path, name: str) -> None:
        self.name = name
        self.root = fov_path
        stem = name.replace("/", ".")
        self.path = fov_path / MARKS / f"{stem}.json"
        self.sums_path = fov_path / MARKS / f"{stem}.sums"

    def read(self) -> Mark | None:
        """Return the mark; None if there is none or it is damaged."""
        try:
            return Mark.from_bytes(self.path.read_bytes())
        except FileNotFoundError:
            return None

    def write(self, recipe: Recipe, notes: Mapping[str, Any], ledger: Ledger) -> None:
        """Vouch for everything in `ledger`; the very last write of an output."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        sums = ledger.to_bytes()
        write_atomically(self.sums_path, sums)
        mark = Mark(recipe, dict(notes), len(ledger), checksum(sums))
        write_atomically(self.path, mark.to_bytes())

    def remove(self) -> None:
        """Withdraw the mark, before anything it vouches for is touched."""
        self.path.unlink(missing_ok=True)
        self.sums_path.unlink(missing_ok=True)

    def damages(self, thorough: bool) -> list[Damage]:
        """Compare the files with the list of checksums.

        Args:
            thorough: Read every file. Else only presence and size are compared, and the
                content of files that are newer than the mark.

        Returns:
            What is damaged; empty when the output is sound. An output without a mark has
            nothing to compare with: that is one damage too.
        """
        marks = f"{MARKS}/{self.path.name}", f"{MARKS}/{self.sums_path.name}"
        mark = self.read()
        if mark is None:
            found = "missing" if not self.path.exists() else "changed: not a valid mark"
            return [Damage(marks[0], found)]
        try:
            sums = self.sums_path.read_bytes()
        except FileNotFoundError:
            return [Damage(marks[1], "missing")]
        if checksum(sums) != mark.sums:
            return [Damage(marks[1], "changed: its checksum differs")]
        newest = None if thorough else self.path.stat().st_mtime_ns
        return list(_compare(self.root, _lines(sums), newest))

    def files(self) -> list[str]:
        """Return the paths of the files that the mark vouches for, its own two included."""
        own = [path.relative_to(self.root).as_posix() for path in (self.path, self.sums_path)]
        if self.read() is None or not self.sums_path.is_file():
            return own
        return own + [name for _, _, name in _lines(self.sums_path.read_bytes())]

    def point_out(self, path: str) -> None:
        """Make a damaged file newer than the mark, so that every later look reads it."""
        file = self.root / path
        with suppress(OSError):  # missing, or in a folder that may not be written
            newest = max(time.time_ns(), self.path.stat().st_mtime_ns + 10**9)
            os.utime(file, ns=(newest, newest))


def checksum(data: bytes) -> int:
    """Return the CRC-32C of `data`."""
    return int(google_crc32c.value(data))


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
        raise StoreError(
            f"{path} cannot be written: {error.strerror or error}. What is finished is kept; "
            "the same command goes on when that is mended."
        ) from error


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a temporary path and move it to `path`, flushed, at the end of the block.

    On an error the temporary file is removed and `path` stays as it was.
    """
    temporary = path.with_name(f"{path.name}.{os.getpid()}{TEMPORARY}")
    try:
        yield temporary
        with naming(path):
            with temporary.open("rb+") as file:
                os.fsync(file.fileno())
            temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def _spelled(entries: Mapping[str, Any], check: int) -> bytes:
    text = json.dumps({**entries, "check": check}, indent=1)
    return text.encode() + b"\n"


def _canonical(entries: Mapping[str, Any]) -> bytes:
    return json.dumps(entries, sort_keys=True, separators=(",", ":")).encode()


def _lines(sums: bytes) -> Iterable[tuple[int, int, str]]:
    for line in sums.decode().rstrip("\n").split("\n") if sums else ():
        crc, size, name = line.split(" ", 2)
        yield int(crc, 16), int(size), name


def _compare(
    root: Path, lines: Iterable[tuple[int, int, str]], newest: int | None
) -> Iterable[Damage]:
    base = str(root)
    for crc, size, name in lines:
        path = os.path.join(base, name)
        if not _stays_inside(name):
            yield Damage(name, "unreadable: it lies outside the folder")
            continue
        try:
            found = os.stat(path)
        except (FileNotFoundError, NotADirectoryError):
            yield Damage(name, "missing")
            continue
        except OSError as error:
            yield Damage(name, f"unreadable: {error.strerror}")
            continue
        if found.st_size != size:
            yield Damage(name, f"truncated: {found.st_size} of {size} bytes")
        elif newest is None or found.st_mtime_ns > newest:
            problem = _content_problem(Path(path), crc)
            if problem:
                yield Damage(name, problem)


def _stays_inside(name: str) -> bool:
    parts = name.replace("\\", "/").split("/")
    return ".." not in parts and not os.path.isabs(name) and ":" not in parts[0]


def _content_problem(path: Path, crc: int) -> str:
    try:
        return "" if checksum(path.read_bytes()) == crc else "changed: its checksum differs"
    except OSError as error:
        return f"unreadable: {error.strerror}"


def read_file(path: Path, hint: str) -> bytes:
    """Read a file of a finished output.

    Raises:
        StoreError: It is missing or cannot be read; the message ends with `hint`.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        raise StoreError(f"{path} cannot be read: {error.strerror}. {hint}") from error
