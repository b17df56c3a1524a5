"""The folder that the page serves: what lies below it, and nothing else."""

import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Annotated

from fastapi import Depends, HTTPException, Query, Request
from fastapi import Path as InPath
from pydantic import Field

from pyama import layout
from pyama.errors import ConfigError
from pyama.file_cache import cached_while_unchanged
from pyama.processing.record import Record, read_record
from pyama.symlinks import confine_reading

MAX_DEPTH = 4
"""Output folders are looked for this many folders below the root."""
MAX_FOLDERS = 500
"""Largest number of output folders that are listed."""

Dir = Annotated[
    str,
    Query(
        alias="dir",
        max_length=4096,
        description="Output folder, relative to the root, with `/` between names.",
    ),
]
Fov = Annotated[int, InPath(ge=0, le=10**6, description="0-based index of the FOV.")]
Frame = Annotated[int, InPath(ge=0, le=2**31, description="0-based index of the frame.")]


class Root:
    """The folder that the page serves.

    Links in an output folder and in its fields of view are checked here, before a request
    reads anything; deeper ones, of which there may be thousands, when a file is read.

    Args:
        path: The folder.
    """

    def __init__(self, path: Path) -> None:
        self.path = path.resolve()

    def inside(self, name: str) -> Path:
        """Return the path of a name below the root, links followed.

        Raises:
            HTTPException: It lies elsewhere or cannot be a path (404).
        """
        with suppress(OSError, ValueError, RuntimeError):  # too long, NUL, links in a circle
            path = (self.path / name).resolve()
            if path.is_relative_to(self.path):
                return path
        raise HTTPException(404, "There is no such file below the root.")

    def name(self, path: Path) -> str:
        """Return the inverse of `inside`."""
        return path.relative_to(self.path).as_posix()

    def output_dir(self, name: str) -> Path:
        """Return an output folder, after a look at all its fields of view.

        Raises:
            HTTPException: There is none of this name, or a link leads out (404).
        """
        path = self._output_dir(name)
        for folder in sorted(path.glob("fov_*")):
            if folder.is_dir():
                self._refuse_links(folder)
        return path

    def new_output_dir(self, name: str) -> Path:
        """Return a folder that a run may write into; it need not exist.

        Raises:
            ConfigError: It is the root itself.
            HTTPException: It lies elsewhere, or a link in it leads out (404). The log does not
                matter: a run replaces a link in its place.
        """
        path = self.inside(name)
        if path == self.path:
            raise ConfigError("Name a folder of its own for the output.")
        if path.is_dir():
            self._refuse_links(path, except_for=layout.LOG_FILE)
        return path

    def fov(self, name: str, fov: int) -> Path:
        """Return the output folder after a look at one of its fields of view.

        Raises:
            HTTPException: There is no such field of view, or a link leads out (404).
        """
        folder = self._output_dir(name)
        place = folder / layout.fov_dir(fov)
        if not place.is_dir():
            raise HTTPException(404, f"There is no FOV {fov}.")
        self._refuse_links(place)
        return folder

    def _output_dir(self, name: str) -> Path:
        path = self.inside(name)
        if not os.path.exists(path):  # False too for a name too long
            text = f"The folder {name} does not exist; it may have been moved or removed."
            raise HTTPException(404, text)
        if not os.path.isfile(path / layout.CONFIG_FILE):
            raise HTTPException(404, f"{layout.CONFIG_FILE} is missing: not an output folder.")
        self._refuse_links(path)
        return path

    def _refuse_links(self, folder: Path, except_for: str = "") -> None:
        """Check the entries of a folder.

        Raises:
            HTTPException: A link leads out of the root, or it cannot be read (404).
        """
        try:
            with os.scandir(folder) as entries:
                links = [Path(entry.path) for entry in entries if entry.is_symlink()]
        except OSError as error:
            raise HTTPException(404, f"{folder.name} cannot be read.") from error
        for link in links:
            if link.name != except_for and not link.resolve().is_relative_to(self.path):
                raise HTTPException(404, f"{link.name} leads out of the root.")

    def readable_output_dirs(self) -> Iterator[Path]:
        """Yield output folders without links that lead out of the root, at most 500."""
        for path in self.output_dirs():
            with suppress(HTTPException):
                yield self.output_dir(self.name(path))

    def output_dirs(self) -> Iterator[Path]:
        """Yield output folders, at most 500."""
        count = 0
        for place, folders, files in os.walk(self.path):
            path = Path(place)
            if layout.CONFIG_FILE in files:
                folders.clear()
                count += 1
                yield path
            if count == MAX_FOLDERS:
                return
            if len(path.relative_to(self.path).parts) >= MAX_DEPTH:
                folders.clear()
            folders[:] = sorted(name for name in folders if not name.startswith("."))


TableName = Annotated[str, Field(min_length=1, max_length=255)]
"""Name of a table in an output folder, with its suffix."""


def table_in(output_dir: Path, name: str) -> Path:
    """Return a table of an output folder by its name.

    Raises:
        HTTPException: There is none, or a link leads out (404).
    """
    path = output_dir / layout.safe_name(name)
    if path.name != name or path.suffix != ".csv" or path.is_symlink() or not path.is_file():
        raise HTTPException(404, "There is no such table.")
    return path


def shorten_paths(texts: Iterable[str], output_dir: Path) -> list[str]:
    """Return texts for people, each once, with paths relative to an output folder."""
    short = (
        text.replace(f"{output_dir}/", "").replace(str(output_dir), "this folder")
        for text in texts
    )
    return list(dict.fromkeys(short))


async def root_of(request: Request) -> Root:
    """Return the root of the application; this request reads files below it only."""
    root: Root = request.app.state.root
    confine_reading(root.path)
    return root


def _output_dir(root: Annotated[Root, Depends(root_of)], directory: Dir = ".") -> Path:
    return root.output_dir(directory)


def _fov_output_dir(
    root: Annotated[Root, Depends(root_of)], fov: Fov, directory: Dir = "."
) -> Path:
    return root.fov(directory, fov)


OutputDir = Annotated[Path, Depends(_output_dir)]
"""The output folder of a request; see `Root.output_dir`."""
FovOutputDir = Annotated[Path, Depends(_fov_output_dir)]
"""The output folder of a request for one field of view; see `Root.fov`."""


def record_of(output_dir: Path) -> Record:
    """Return what the run recorded, cached as long as the file is the same.

    Raises:
        HTTPException: There is nothing (404).
    """
    return _record(output_dir / layout.CONFIG_FILE)


@cached_while_unchanged(8)
def _record(config_file: Path) -> Record:
    record = read_record(config_file.parent)
    if record is None:
        raise HTTPException(404, "There is no record of the run.")
    return record
