"""Conversion of finished cells from a folder to an archive and back, byte for byte.

Marks stay as they are, because they know of no form. Every file is compared with its checksum
while it is converted. At any moment one of the two forms is complete: the archive is written
beside its place and renamed, and a folder counts only after the archive is gone.
"""

import os
from pathlib import Path

from pyama import layout
from pyama.errors import NotReadyError, StoreError
from pyama.store.cell_places import cell_paths, other_cell_paths, stored_cells, write_archive
from pyama.store.cells import CELL_PREVIEWS_MARK, CELLS_MARK
from pyama.store.files import FolderFiles, file_checksum, path_in_errors, remove_tree
from pyama.store.marks import MarkFile
from pyama.store.stored_files import Form, StoredFiles
from pyama.store.zarr_arrays import REPAIR


def convert_cells(fov_path: Path, form: Form) -> bool:
    """Give finished cells another form; the field of view must be locked.

    Args:
        fov_path: Folder of the field of view.
        form: The form they are to have.

    Returns:
        Whether they had another one.

    Raises:
        NotReadyError: They are not finished.
        StoreError: A file is damaged, belongs to no output, or cannot be written. Nothing is
            changed then.
    """
    marks = [MarkFile(fov_path, name) for name in (CELLS_MARK, CELL_PREVIEWS_MARK)]
    if marks[0].read() is None or not cell_paths(fov_path):
        raise NotReadyError(
            f"{fov_path / layout.CELLS} is not finished. `pyama run` with the same options "
            "makes it."
        )
    marks = [mark for mark in marks if mark.read() is not None]
    for path in other_cell_paths(marks[0]):
        remove_tree(path)
    target = fov_path / (layout.CELLS_ARCHIVE if form == "zip" else layout.CELLS)
    if cell_paths(fov_path) == [target]:
        return False
    source = _Checked(stored_cells(marks[0]), marks)
    if form == "zip":
        write_archive(target, dict.fromkeys(source.names, source.content))
    else:
        _write_folder(fov_path, source)
    for mark in marks:
        mark.touch()
    with path_in_errors(source.place):
        remove_tree(source.place)
    return True


class _Checked:
    """Files of finished cells, each compared with its checksum when it is read."""

    def __init__(self, files: StoredFiles, marks: list[MarkFile]) -> None:
        self._files = files
        self._sums = {
            name: expected for mark in marks for name, expected in mark.checksums().items()
        }
        self.place = files.cells
        self.names = list(self._sums)
        others = sorted(set(files.names()) - self._sums.keys())
        if others:
            raise StoreError(
                f"{files.cells.parent / others[0]} belongs to no finished output. `pyama run` "
                "finishes what a run has begun; move other files to another folder."
            )

    def content(self, name: str) -> bytes:
        """Return the content of a file.

        Raises:
            StoreError: It is missing or damaged.
        """
        path = self._files.cells.parent / name
        try:
            data = self._files.content(name)
        except OSError as error:
            raise StoreError(f"{path} cannot be read: {error.strerror}. {REPAIR}") from error
        if file_checksum(data) != self._sums[name]:
            raise StoreError(f"{path} is damaged: its checksum differs. {REPAIR}")
        return data


def _write_folder(fov_path: Path, source: _Checked) -> None:
    files = FolderFiles(fov_path)
    try:
        for name in source.names:
            files.write(name, source.content(name))
    except StoreError:
        remove_tree(fov_path / layout.CELLS)
        raise
    if hasattr(os, "sync"):  # once, as thousands of files take long one by one
        os.sync()
