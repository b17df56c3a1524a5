"""Marks, which decide whether an output is complete.

The mark of an output is written last. It holds the recipe, which is everything the output
depends on, and the checksum of a list of all files with their sizes and checksums. Without
its mark an output counts as missing, even if its files exist.
"""

import json
import os
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pyama.errors import StoreError
from pyama.store.damages import (
    Damage,
    compare_forms,
    file_checksums,
    file_names,
    file_sizes,
    find_damages,
)
from pyama.store.files import Ledger, checksum, path_in_errors, write_atomically
from pyama.store.recipe import Recipe, canonical, entries_of
from pyama.store.stored_files import StoredFiles
from pyama.symlinks import refuse_link_out

MARKS = ".marks"
"""Folder of the marks inside the folder of a field of view."""
REMOVED = ".removed"
"""Suffix of what a mark becomes when its output is removed on purpose."""
PERMISSIONS = "Check the permissions of the file and of its folder."


@dataclass(frozen=True)
class Mark:
    """The mark that declares an output complete.

    Attributes:
        recipe: Everything the output was made from.
        notes: Counts and warnings of the step, such as objects dropped and cells filtered.
        files: Number of files.
        sums: Checksum (CRC-32C) of the list of their checksums.
    """

    recipe: Recipe
    notes: Mapping[str, Any]
    files: int
    sums: int

    def to_bytes(self) -> bytes:
        """Return the mark as JSON, with a checksum of its own."""
        return seal(entries_of(self) | {"recipe": entries_of(self.recipe)})

    @classmethod
    def from_bytes(cls, data: bytes) -> "Mark | None":
        """Read a mark; None if it differs from what was written in a single bit."""
        entries = unseal(data)
        try:
            if entries is None:
                return None
            return cls(**entries | {"recipe": Recipe(**entries["recipe"])})
        except (KeyError, TypeError):
            return None


def seal(entries: Mapping[str, Any]) -> bytes:
    """Return entries as JSON with a checksum of themselves."""
    # Keys that are numbers are converted to text first, since text sorts differently.
    entries = json.loads(json.dumps(entries))
    return _with_check(entries, checksum(canonical(entries)))


def unseal(data: bytes) -> dict[str, Any] | None:
    """Read the output of `seal`; None if it differs in a single bit."""
    try:
        entries = json.loads(data)
        check = entries.pop("check")
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None
    intact = check == checksum(canonical(entries)) and data == _with_check(entries, check)
    return entries if intact else None


class MarkFile:
    """The mark of one output on disk, and the list of checksums in a second file.

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
        self.removed_path = fov_path / MARKS / f"{stem}{REMOVED}"

    def read(self) -> Mark | None:
        """Return the mark; None if there is none or it is damaged.

        Raises:
            StoreError: It exists but cannot be read.
        """
        data = _content(self.path)
        return None if data is None else Mark.from_bytes(data)

    def write(self, recipe: Recipe, notes: Mapping[str, Any], ledger: Ledger) -> None:
        """Write the mark and the checksums of the ledger, after all files of the output."""
        with path_in_errors(self.path):
            self.path.parent.mkdir(parents=True, exist_ok=True)
        sums = ledger.to_bytes()
        write_atomically(self.sums_path, sums)
        mark = Mark(recipe, notes, len(ledger), checksum(sums))
        write_atomically(self.path, mark.to_bytes())

    def remove(self) -> None:
        """Remove the mark; done before any file of the output is changed."""
        self.path.unlink(missing_ok=True)
        self.sums_path.unlink(missing_ok=True)
        self.removed_path.unlink(missing_ok=True)

    def set_aside(self) -> None:
        """Keep the mark under another name, before the files are removed on purpose."""
        if self.path.exists():
            self.path.replace(self.removed_path)

    def removed(self) -> Mark | None:
        """Return the last mark of an output that was removed on purpose, else None."""
        if self.read() is not None:
            return None
        data = _content(self.removed_path)
        return None if data is None else Mark.from_bytes(data)

    @property
    def removed_name(self) -> str:
        """Path of the file that tells that the output was removed on purpose."""
        return self._relative(self.removed_path)

    def damages(self, *, thorough: bool, mark: Mark | None = None) -> list[Damage]:
        """Compare the files with the list of checksums.

        Args:
            thorough: Whether to read every file. Otherwise only presence and size are
                compared, and the content of files that are not older than the mark.
            mark: Result of `read`, if known.

        Returns:
            The damaged files; empty if the output is intact. A missing mark counts as one
            damage.
        """
        try:
            mark, sums = mark or self.read(), _content(self.sums_path)
        except StoreError as error:
            return [Damage(self._relative(self.path), f"unreadable: {error}")]
        if mark is None:
            problem = "changed: not a valid mark" if self.path.exists() else "missing"
            return [Damage(self._relative(self.path), problem)]
        if sums is None or checksum(sums) != mark.sums:
            problem = "missing" if sums is None else "changed: its checksum differs"
            return [Damage(self._relative(self.sums_path), problem)]
        newer_than = None if thorough else self.path.stat().st_mtime_ns
        try:
            return find_damages(self.root, sums, newer_than)
        except ValueError:
            return [Damage(self._relative(self.sums_path), "changed: not a list of checksums")]

    def form(self) -> StoredFiles | None:
        """Return the form of the files that counts; None if there is none."""
        sums = self._sums()
        if sums is None:
            return None
        return compare_forms(self.root, sums, self.path.stat().st_mtime_ns)[0]

    def files(self) -> list[str]:
        """Return the paths of the files of the output, including the mark and checksums."""
        mark_files = [self._relative(self.path), self._relative(self.sums_path)]
        sums = self._sums()
        return mark_files if sums is None else mark_files + file_names(sums)

    def sizes(self) -> dict[str, int]:
        """Return the sizes in bytes of the files that were written, by their path.

        Also of an output whose removal was interrupted. Empty if the list of checksums is
        missing or damaged.
        """
        sums = self._sums(self.removed())
        return {} if sums is None else file_sizes(sums)

    def checksums(self) -> dict[str, str]:
        """Return what `file_checksum` must give for every file, by its name."""
        sums = self._sums()
        return {} if sums is None else file_checksums(sums)

    def touch(self) -> None:
        """Make the mark newer than its files, after they were compared with it."""
        os.utime(self.path)

    def _sums(self, instead: Mark | None = None) -> bytes | None:
        """Return the list of checksums if it belongs to the mark, or else to another one."""
        mark, sums = self.read() or instead, _content(self.sums_path)
        is_its_own = mark is not None and sums is not None and checksum(sums) == mark.sums
        return sums if is_its_own else None

    def point_out(self, path: str) -> None:
        """Make a damaged file newer than the mark, so that every later check reads it."""
        file = self.root / path
        with suppress(OSError):  # missing, or in a read-only folder
            newest = max(time.time_ns(), self.path.stat().st_mtime_ns + 10**9)
            os.utime(file, ns=(newest, newest))

    def _relative(self, path: Path) -> str:
        return path.relative_to(self.root).as_posix()


def _content(path: Path) -> bytes | None:
    refuse_link_out(path)
    try:
        return path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise StoreError(f"{path} cannot be read: {error.strerror}. {PERMISSIONS}") from error


def _with_check(entries: Mapping[str, Any], check: int) -> bytes:
    text = json.dumps({**entries, "check": check}, indent=1)
    return text.encode() + b"\n"
