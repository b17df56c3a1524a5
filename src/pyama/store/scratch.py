"""Scratch: a fast folder of this computer, in which an output is made before it is moved."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from pyama.store.files import path_in_errors
from pyama.store.temporaries import TEMPORARY, is_left, is_temporary, temporary_beside

PREFIX = "pyama-scratch"
WEEK_SECONDS = 7 * 24 * 3600.0
"""A folder of a process that this computer does not know is abandoned if it is older."""


@contextmanager
def place_in(scratch: Path) -> Iterator[Path]:
    """Make a folder in `scratch` for the length of the block.

    Those that killed processes of this computer have left are removed first.

    Raises:
        StoreError: It cannot be made.
    """
    with path_in_errors(scratch):
        for path in scratch.glob(f"{PREFIX}.*{TEMPORARY}"):
            with suppress(FileNotFoundError):  # another process removes it
                if is_temporary(path) and is_left(path, WEEK_SECONDS):
                    shutil.rmtree(path, ignore_errors=True)
        place = temporary_beside(scratch / PREFIX)
        place.mkdir(mode=0o700)
    try:
        yield place
    finally:
        shutil.rmtree(place, ignore_errors=True)


def publish(place: Path, fov_path: Path) -> None:
    """Copy files beside their place, flush them, and move them there.

    Args:
        place: Folder in which the files lie under the paths that they will have.
        fov_path: Folder of the field of view.

    Raises:
        StoreError: They cannot be written.
    """
    beside = temporary_beside(fov_path / PREFIX)
    with path_in_errors(fov_path):
        try:
            for folder, _, names in os.walk(place):
                target = beside / Path(folder).relative_to(place)
                target.mkdir(parents=True)
                for name in names:
                    _copy_flushed(Path(folder, name), target / name)
            _move(beside, fov_path)
        finally:
            shutil.rmtree(beside, ignore_errors=True)


def _copy_flushed(source: Path, target: Path) -> None:
    with source.open("rb") as read, target.open("wb") as written:
        shutil.copyfileobj(read, written)
        written.flush()
        os.fsync(written.fileno())


def _move(source: Path, target: Path) -> None:
    """Move a file or a folder; where the folder exists, what is in it."""
    if source.is_dir() and target.is_dir():
        for path in source.iterdir():
            _move(path, target / path.name)
    else:
        source.replace(target)
