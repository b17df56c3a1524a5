"""What an open page has to know: whether the server is there, and what others have changed."""

import asyncio
import hashlib
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Depends, HTTPException, Query, Request
from fastapi.responses import StreamingResponse
from pydantic import BaseModel

from pyama.errors import PyamaError
from pyama.traces.inspection import Inspection
from pyama.version import __version__
from pyama.web.event_streams import EventStream
from pyama.web.folders import Root, root_of
from pyama.web.known_run_routes import KnownRuns

router = APIRouter(tags=["changes"])
LOOKS_PER_SECOND = 2
GONE = "gone"
"""Version of the files of a folder that does not exist any more."""
SUFFIXES = (".csv", ".html", ".json", ".yaml", ".parquet")
"""Of the files beside the fields of view: tables, fits, samples, the report, records."""


class ServerInfo(BaseModel):
    """The server that answers."""

    version: str
    """Of pyama."""
    root: str
    """The same text whenever the same folder is served."""


@router.get("/api/server")
def server(root: Annotated[Root, Depends(root_of)]) -> ServerInfo:
    """Whether the server is there, and for which folder."""
    digest = hashlib.sha256(os.fsencode(root.path)).hexdigest()
    return ServerInfo(version=__version__, root=digest[:32])


Fov = Annotated[int | None, Query(ge=0, le=10**6, description="Field of view to watch.")]
Runs = Annotated[bool, Query(description="Whether to watch the list of runs.")]


class Watched:
    """What a page shows.

    Args:
        root: The folder that the page serves.
        known: The runs of all output folders.
        directory: Output folder that is open; None for none.
        fov: Field of view that is open; None for none.
        runs: Whether the list of runs is shown.
    """

    def __init__(
        self,
        root: Annotated[Root, Depends(root_of)],
        request: Request,
        directory: Annotated[str | None, Query(alias="dir", max_length=4096)] = None,
        fov: Fov = None,
        runs: Runs = False,
    ) -> None:
        self._root, self._directory, self._fov = root, directory, fov
        self._known: KnownRuns | None = request.app.state.known_runs if runs else None

    def look(self) -> dict[str, str]:
        """Return texts that are other ones when what they stand for has changed.

        What is not there, or cannot be read at this moment, is left out.
        """
        found = {"cells": self._cells(), "files": self._files()}
        if self._known is not None:
            found["runs"] = self._known.version()
        return {name: text for name, text in found.items() if text}

    def _cells(self) -> str:
        if self._directory is None or self._fov is None:
            return ""
        try:
            folder = self._root.fov(self._directory, self._fov)
            return Inspection(folder, self._fov).state().version
        except (HTTPException, PyamaError, OSError):  # a run is making the traces again
            return ""

    def _files(self) -> str:
        if self._directory is None:
            return ""
        try:
            return _version_of(self._root.inside(self._directory))
        except FileNotFoundError:
            return GONE
        except (HTTPException, OSError):
            return ""


def _version_of(folder: Path) -> str:
    with os.scandir(folder) as entries:
        files = [entry for entry in entries if entry.name.endswith(SUFFIXES)]
        found = sorted((file.name, file.stat().st_mtime_ns) for file in files)
    return hashlib.sha256(repr(found).encode()).hexdigest()[:32]


@router.get("/api/events", response_class=StreamingResponse)
def changes(request: Request, watched: Annotated[Watched, Depends()]) -> EventStream:
    """What has changed, twice a second, as server-sent events.

    `cells` stands for cells and corrections of the field of view, `files` for tables, fits,
    report and records of the output folder, `runs` for the list of runs: each is another text
    after a change. Events without a change show that the server is there.
    """
    return EventStream(request, _changes(watched))


async def _changes(watched: Watched) -> AsyncIterator[object]:
    sent: dict[str, str] = {}
    while True:
        found = await asyncio.to_thread(watched.look)
        yield {name: text for name, text in found.items() if sent.get(name) != text}
        sent = found
        await asyncio.sleep(1 / LOOKS_PER_SECOND)
