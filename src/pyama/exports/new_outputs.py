"""Files and folders that are written completely or not at all, and replace nothing."""

import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pyama.errors import ConfigError
from pyama.store import TEMPORARY, path_in_errors


@contextmanager
def new_folder(path: Path) -> Iterator[Path]:
    """Yield an empty folder that is renamed to `path` if the block ends without an exception.

    Raises:
        ConfigError: There is a file, or a folder that is not empty.
        StoreError: The folder cannot be written.
    """
    refuse_existing(path)
    with _temporary(path) as folder:
        with path_in_errors(path):
            folder.mkdir(parents=True)
        yield folder
        with path_in_errors(path):
            if path.is_dir():
                path.rmdir()  # it is empty
            folder.rename(path)


@contextmanager
def new_file(path: Path) -> Iterator[Path]:
    """Yield a file name that is renamed to `path` if the block ends without an exception.

    It has the suffix of `path`, which some libraries take for the format.

    Raises:
        ConfigError: There is such a file or folder.
        StoreError: The file cannot be written.
    """
    refuse_existing(path)
    if path.is_dir():
        raise ConfigError(f"{path} is a folder. Give the name of a file as --output.")
    with _temporary(path) as file:
        with path_in_errors(path):
            path.parent.mkdir(parents=True, exist_ok=True)
        yield file
        with path_in_errors(path):
            file.rename(path)


def refuse_existing(path: Path) -> None:
    """Raise an error if a file, or a folder that is not empty, is in the way.

    Raises:
        ConfigError: There is one.
    """
    is_empty = path.is_dir() and not any(path.iterdir())
    if (path.exists() or path.is_symlink()) and not is_empty:
        raise ConfigError(
            f"{path} exists. An export replaces nothing: choose another --output, or remove "
            "it."
        )


@contextmanager
def _temporary(path: Path) -> Iterator[Path]:
    place = path.with_name(f".{secrets.token_hex(4)}{TEMPORARY}_{path.name}")
    try:
        yield place
    finally:
        if place.is_dir():
            shutil.rmtree(place, ignore_errors=True)
        else:
            place.unlink(missing_ok=True)
