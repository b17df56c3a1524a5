"""Comparison of files with the list of their checksums."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from pyama import layout
from pyama.store.archive import ArchiveError
from pyama.store.stored_files import INSIDE, StoredArchive, StoredFiles, StoredFolder


@dataclass(frozen=True)
class Damage:
    """One file that differs from what was written.

    Attributes:
        path: Relative to the folder of the field of view.
        problem: Begins with `missing`, `truncated`, `changed` or `unreadable`.
    """

    path: str
    problem: str


def find_damages(root: Path, sums: bytes, newer_than: int | None) -> list[Damage]:
    """Compare files with the list that a `Ledger` kept.

    If `cells.zarr` exists as a folder and as an archive, it is intact if one of them is.

    Args:
        root: Folder that all paths are relative to.
        sums: `Ledger.to_bytes`.
        newer_than: Compare the content only of files that are not older than this, in
            nanoseconds since the epoch, and the size of the others. None compares all.

    Returns:
        Every damaged file.
    """
    return compare_forms(root, sums, newer_than)[1]


def compare_forms(
    root: Path, sums: bytes, newer_than: int | None
) -> tuple[StoredFiles | None, list[Damage]]:
    """Return the form that counts, and what is damaged in it; see `find_damages`.

    The archive counts, because it is complete wherever it exists, unless only the folder is
    intact. None if neither can be read.
    """
    lines, compared = list(_lines(sums)), list[tuple[StoredFiles | None, list[Damage]]]()
    for place in _places(root, lines):
        compared.append(_compared(root, place, lines, newer_than))
        if not compared[-1][1]:
            return compared[-1]
    return compared[0] if compared else (None, [Damage(layout.CELLS, "missing")])


def _places(root: Path, lines: list[tuple[str, int, str]]) -> list[str]:
    """Return the forms in which files exist; of `cells.zarr`, the archive first."""
    if not all(name.startswith(INSIDE) for _, _, name in lines) or not lines:
        return ["."]
    return [name for name in (layout.CELLS_ARCHIVE, layout.CELLS) if (root / name).exists()]


def _compared(
    root: Path, place: str, lines: Iterable[tuple[str, int, str]], newer_than: int | None
) -> tuple[StoredFiles | None, list[Damage]]:
    form = StoredArchive if place == layout.CELLS_ARCHIVE else StoredFolder
    try:
        files: StoredFiles = form(root)
    except ArchiveError as error:
        return None, [Damage(place, str(error))]
    except OSError as error:
        return None, [Damage(place, f"unreadable: {error.strerror or error}")]
    return files, list(_damages(files, lines, newer_than))


def _damages(
    files: StoredFiles, lines: Iterable[tuple[str, int, str]], newer_than: int | None
) -> Iterator[Damage]:
    for expected, size, name in lines:
        problem = "unreadable: it lies outside the folder"
        if _stays_inside(name):
            problem = files.problem(name, expected, size, newer_than)
        if problem:
            yield Damage(files.place(name), problem)


def file_names(sums: bytes) -> list[str]:
    """Return the paths in the list of a `Ledger`."""
    return [name for _, _, name in _lines(sums)]


def file_checksums(sums: bytes) -> dict[str, str]:
    """Return the checksums in the list of a `Ledger`, by the path of the file."""
    return {name: expected for expected, _, name in _lines(sums) if _stays_inside(name)}


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
