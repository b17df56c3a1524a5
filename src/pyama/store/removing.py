"""Removal of finished outputs on purpose, so that nobody takes them for damaged.

First the mark gets another name, which says that the output was removed. Then its files are
removed, and only those that it was written with; then the list of their checksums. If this is
interrupted, the list remains, and the removal can be continued.
"""

import os
import shutil
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from pyama.store.cell_places import remove_archived
from pyama.store.marks import MARKS, MarkFile
from pyama.store.temporaries import TEMPORARY, is_left, is_temporary


def remove_output(mark_file: MarkFile) -> int:
    """Remove a finished output; empty folders are removed as well.

    Files that are links stay, and so does everything that was not written with the output.

    Returns:
        The size in bytes of the removed files.
    """
    return remove_outputs([mark_file])


def remove_outputs(mark_files: Sequence[MarkFile]) -> int:
    """Remove finished outputs of one field of view at once; see `remove_output`."""
    sizes: dict[str, int] = {}
    for mark_file in mark_files:
        sizes |= mark_file.sizes()
        mark_file.set_aside()
    removed = 0 if not mark_files else _remove_files(mark_files[0].root, sizes)
    for mark_file in mark_files:
        mark_file.sums_path.unlink(missing_ok=True)
    return removed


def _remove_files(fov_path: Path, sizes: Mapping[str, int]) -> int:
    root = str(fov_path)
    removed = sum(sizes[name] for name in remove_archived(fov_path, sizes))
    for name, size in sizes.items():
        path = os.path.join(root, name)
        if os.path.isfile(path) and not os.path.islink(path):
            os.unlink(path)
            removed += size
    for folder in sorted(_folders(sizes), key=len, reverse=True):
        with suppress(OSError):  # it is not empty, or gone
            os.rmdir(os.path.join(root, folder))
    return removed


def is_behind_link(mark_file: MarkFile) -> bool:
    """Whether a folder of an output is a link, so that its files may lie elsewhere."""
    root = str(mark_file.root)
    folders = _folders(mark_file.sizes())
    return any(os.path.islink(os.path.join(root, folder)) for folder in folders)


def _folders(names: Iterable[str]) -> set[str]:
    """Return the folders of files, and the folders that those lie in."""
    folders: set[str] = set()
    for name in names:
        folder = name.rpartition("/")[0]
        while folder and folder not in folders:
            folders.add(folder)
            folder = folder.rpartition("/")[0]
    return folders


def left_temporaries(folder: Path, older_than_seconds: float = 0.0) -> list[Path]:
    """Return the temporary files of killed runs in a folder or beside its marks.

    Args:
        folder: The output folder, or that of a field of view.
        older_than_seconds: Younger files are left out, since somebody may be writing them,
            unless they belong to a process of this computer that has ended.
    """
    paths = [*folder.glob(f"*{TEMPORARY}"), *(folder / MARKS).glob(f"*{TEMPORARY}")]
    left = []
    for path in sorted(paths):
        with suppress(FileNotFoundError):  # it was removed meanwhile
            if is_temporary(path) and is_left(path, older_than_seconds):
                left.append(path)
    return left


def remove_temporaries(folder: Path, older_than_seconds: float = 0.0) -> None:
    """Remove the temporary files of killed runs, see `left_temporaries`."""
    for path in left_temporaries(folder, older_than_seconds):
        remove_temporary(path)


def remove_temporary(path: Path) -> None:
    """Remove a temporary file or folder."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def bytes_in(paths: Iterable[Path]) -> int:
    """Return the size in bytes of files and of all files in folders; no link is followed."""
    total = 0
    for path in paths:
        inside = [Path(place, name) for place, _, names in os.walk(path) for name in names]
        for file in inside or [path]:
            with suppress(OSError):  # it was removed meanwhile
                total += file.lstat().st_size if not file.is_dir() else 0
    return total
