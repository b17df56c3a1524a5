"""Where `cells.zarr` lies: as a folder, as an archive, or as both after a kill.

An archive is complete wherever it exists, because it is written beside its place and renamed.
If there are both, the archive counts, see `compare_forms`.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from pyama import layout
from pyama.errors import StoreError
from pyama.store.files import FileSink, FolderFiles, remove_tree
from pyama.store.marks import MarkFile
from pyama.store.stored_files import (
    Form,
    StoredArchive,
    StoredFiles,
    StoredFolder,
    in_archive_order,
    new_archive,
)
from pyama.store.temporaries import temporary_beside
from pyama.store.zarr_arrays import REPAIR

Source = Callable[[str], bytes]
"""Returns the content of a file."""


def cell_paths(fov_path: Path) -> list[Path]:
    """Return where cells exist; first the form that counts unless only the other is intact."""
    return [path for path in _places(fov_path) if path.exists()]


def stored_cells(mark_file: MarkFile) -> StoredFiles:
    """Return the finished files of cells.

    Args:
        mark_file: Mark of the crops.

    Raises:
        StoreError: An archive is damaged or cannot be read.
    """
    archive, _ = _places(mark_file.root)
    paths = cell_paths(mark_file.root)
    if len(paths) > 1 and (files := mark_file.form()) is not None:
        return files
    if archive not in paths:
        return StoredFolder(mark_file.root)
    try:
        return StoredArchive(mark_file.root)
    except StoreError:
        raise
    except OSError as error:
        raise StoreError(f"{archive} cannot be read: {error.strerror}. {REPAIR}") from error


def other_cell_paths(mark_file: MarkFile) -> list[Path]:
    """Return the form that does not count, where a conversion was killed."""
    paths = cell_paths(mark_file.root)
    files = mark_file.form() if len(paths) > 1 else None
    return [] if files is None else [path for path in paths if path != files.cells]


def has_previews(fov_path: Path) -> bool:
    """Whether there are previews of crops, complete or not."""
    return bool(previews_in_folder(fov_path)) or any(map(is_preview, _archived(fov_path)))


def is_preview(name: str) -> bool:
    """Whether a file of `cells.zarr` belongs to the preview of a crop."""
    parts = name.split("/")
    return len(parts) > 4 and parts[1] != layout.CELLS_METADATA and parts[3] == layout.PREVIEW


def _archived(fov_path: Path) -> list[str]:
    """Return the names of the files in the archive; none if there is none or it is damaged."""
    with suppress(OSError):
        return StoredArchive(fov_path).names()
    return []


def previews_in_folder(fov_path: Path) -> list[Path]:
    """Return the folders of previews; those in an archive have none."""
    return list((fov_path / layout.CELLS).glob(f"*/*/{layout.PREVIEW}"))


def remove_cells(fov_path: Path) -> None:
    """Remove all cells, in any form."""
    for place in _places(fov_path):
        remove_tree(place)


def remove_previews(fov_path: Path) -> None:
    """Remove the previews of crops, in any form."""
    for level in previews_in_folder(fov_path):
        remove_tree(level)
    remove_archived(fov_path, filter(is_preview, _archived(fov_path)))


def remove_archived(fov_path: Path, names: Iterable[str]) -> list[str]:
    """Remove files from the archive; an archive that is empty then, too.

    Returns:
        Those of the names that were there.

    Raises:
        StoreError: The archive cannot be written.
    """
    present, names = _archived(fov_path), set(names)
    gone = [name for name in present if name in names]
    kept = [name for name in present if name not in names]
    path = fov_path / layout.CELLS_ARCHIVE
    if gone and not path.is_symlink():
        if kept:
            write_archive(path, dict.fromkeys(kept, StoredArchive(fov_path).content))
        else:
            path.unlink()
    return gone


@contextmanager
def new_cells(fov_path: Path, form: Form) -> Iterator[FileSink]:
    """Yield what takes the files of new cells."""
    if form == "folder":
        yield FolderFiles(fov_path)
        return
    with new_archive(fov_path / layout.CELLS_ARCHIVE) as files:
        yield files


@contextmanager
def new_previews(fov_path: Path, place: Path) -> Iterator[FileSink]:
    """Yield what takes the previews of finished crops; they get the form of the crops.

    Args:
        fov_path: Folder of the field of view.
        place: Where files are made. An archive is replaced in `fov_path` in any case.
    """
    path = fov_path / layout.CELLS_ARCHIVE
    if not path.exists():
        yield FolderFiles(place)
        return
    beside = temporary_beside(path)
    try:
        with new_archive(beside) as files:
            yield files
        crops, previews = StoredArchive(fov_path), StoredArchive(fov_path, beside.name)
        kept = [name for name in crops.names() if not is_preview(name)]
        sources = dict.fromkeys(kept, crops.content)
        write_archive(path, sources | dict.fromkeys(previews.names(), previews.content))
    finally:
        beside.unlink(missing_ok=True)


def write_archive(path: Path, sources: Mapping[str, Source]) -> None:
    """Write an archive of files, in the order that archives have.

    Args:
        path: Where the archive is to be; one that is there is replaced.
        sources: What returns the content of every file, by its name.

    Raises:
        StoreError: It cannot be written.
    """
    with new_archive(path) as files:
        for name in in_archive_order(sources):
            files.write(name, sources[name](name))


def _places(fov_path: Path) -> tuple[Path, Path]:
    return fov_path / layout.CELLS_ARCHIVE, fov_path / layout.CELLS
