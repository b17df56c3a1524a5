"""Which folders may be read: those below one root."""

import os
from collections.abc import Iterator
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import Annotated

from fastapi import HTTPException, Query, Request
from fastapi import Path as InPath

from pyama import layout
from pyama.processing.record import Record, read_record

DEEPEST = 4
"""Output folders are looked for this many folders below the root."""
MOST = 500
"""So many output folders are listed."""

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
    """The folder that everything lies in.

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
        """Return an output folder.

        Raises:
            HTTPException: There is none of this name (404).
        """
        path = self.inside(name)
        if not os.path.isfile(path / layout.CONFIG_FILE):  # False too for a name too long
            raise HTTPException(404, f"{layout.CONFIG_FILE} is missing: no output folder.")
        self._refuse_links(path)
        return path

    def fov(self, name: str, fov: int) -> Path:
        """Return the output folder after a look at one of its fields of view.

        Raises:
            HTTPException: There is no such field of view, or a link leads out (404).
        """
        folder = self.output_dir(name)
        place = folder / layout.fov_dir(fov)
        if not place.is_dir():
            raise HTTPException(404, f"There is no FOV {fov}.")
        self._refuse_links(place)
        return folder

    def _refuse_links(self, folder: Path) -> None:
        """Look whether anything in a folder lies elsewhere.

        Raises:
            HTTPException: A link leads out of the root, or it cannot be read (404).
        """
        try:
            with os.scandir(folder) as entries:
                links = [Path(entry.path) for entry in entries if entry.is_symlink()]
        except OSError as error:
            raise HTTPException(404, f"{folder.name} cannot be read.") from error
        for link in links:
            if not link.resolve().is_relative_to(self.path):
                raise HTTPException(404, f"{link.name} leads out of the root.")

    def output_dirs(self) -> Iterator[Path]:
        """Find output folders."""
        found = 0
        for place, folders, files in os.walk(self.path):
            path = Path(place)
            if layout.CONFIG_FILE in files:
                folders.clear()
                found += 1
                yield path
            if found == MOST:
                return
            if len(path.relative_to(self.path).parts) >= DEEPEST:
                folders.clear()
            folders[:] = sorted(name for name in folders if not name.startswith("."))


async def root_of(request: Request) -> Root:
    """Return the root of the application that answers."""
    root: Root = request.app.state.root
    return root


def record_of(output_dir: Path) -> Record:
    """Return what the run wrote down, cached as long as the file is the same.

    Raises:
        HTTPException: There is nothing (404).
    """
    found = (output_dir / layout.CONFIG_FILE).stat()
    return _record(output_dir, found.st_mtime_ns, found.st_size)


@lru_cache(maxsize=8)
def _record(output_dir: Path, changed_ns: int, size: int) -> Record:
    record = read_record(output_dir)
    if record is None:
        raise HTTPException(404, "Nothing is recorded of the run.")
    return record
