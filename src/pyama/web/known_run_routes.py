"""Runs of all output folders below the root, whoever started them: listed and watched."""

import threading
import time
import uuid
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Depends, HTTPException, Request
from fastapi.responses import StreamingResponse
from pydantic import BaseModel

from pyama.config import dump_config
from pyama.errors import PyamaError
from pyama.processing.record import Record, read_record
from pyama.runs.command_line import command
from pyama.runs.disk_progress import DiskProgress, DiskWatch, log_tail
from pyama.runs.known_runs import RUNNING, UNFINISHED, KnownRun, known_run, known_runs
from pyama.runs.recorded_summary import recorded_summary
from pyama.runs.request import PreparedRun
from pyama.runs.summary import summary_lines
from pyama.web.event_streams import EventStream, until_ended
from pyama.web.folders import Root, root_of, shorten_paths
from pyama.web.run_requests import RunRequest
from pyama.web.run_routes import LOG_LINES, RunState, StartedRun, StartedRuns, advice_of

router = APIRouter(tags=["runs"])
SECONDS_BETWEEN_LOOKS = 1.0
"""Shortest time between two looks at all output folders, and at the progress of one."""
LOOKING_SHARE = 0.1
"""Largest part of the time that is spent with looking at all output folders."""


class RunEntry(BaseModel):
    """The last run of an output folder."""

    id: str
    output: str
    """The output folder, relative to the root."""
    recording: str
    """Name of the recording; empty if it is not known."""
    status: str
    """`running`, `finished`, `failed`, `cancelled`, `interrupted`, `unfinished`, `unknown`."""
    started: str | None
    """ISO 8601, UTC; null if it is not known."""
    seconds: float | None
    """Wall time; null while it runs, and if its end is not recorded."""
    owner: str
    """The process that is at work or was killed; empty if the run has ended."""
    message: str
    """What else is to be known."""
    started_run: str | None
    """Its id among the runs that were started from the page; null if it is none of them."""


class KnownState(RunState):
    """The state of a run as its output folder tells it."""

    owner: str
    """The process that is at work or was killed; empty if the run has ended."""
    cannot_resume: str
    """Why the page cannot resume it; empty if it can."""


class KnownRuns:
    """The runs of all output folders, looked up at most once a second for all pages.

    Args:
        root: The folder that the page serves.
        started: The runs that were started from the page.
    """

    def __init__(self, root: Root, started: StartedRuns) -> None:
        self._root, self._started = root, started
        self._entries: list[RunEntry] = []
        self._next_look = 0.0
        self._lock = threading.Lock()

    def entries(self) -> list[RunEntry]:
        """Return all runs, those under way and the latest first."""
        with self._lock:
            before = time.monotonic()
            if before >= self._next_look:
                runs = known_runs(self._root.output_dirs())
                own = {run.prepared.output: run for run in self._started.all()}
                entries = [self._entry(run, own.get(run.output)) for run in runs]
                entries.sort(key=lambda entry: entry.started or "", reverse=True)
                self._entries = sorted(entries, key=lambda entry: entry.status != RUNNING)
                pause = max(SECONDS_BETWEEN_LOOKS, (time.monotonic() - before) / LOOKING_SHARE)
                self._next_look = time.monotonic() + pause
            return self._entries

    def version(self) -> str:
        """Return another text whenever the list is another one."""
        return uuid.uuid5(uuid.NAMESPACE_URL, repr(self.entries())).hex

    def output_of(self, run_id: str) -> Path:
        """Return the output folder of a run, after a look at it.

        Raises:
            HTTPException: There is none (404).
        """
        for entry in self.entries():
            if entry.id == run_id:
                return self._root.output_dir(entry.output)
        raise HTTPException(404, "There is no such run.")

    def _entry(self, run: KnownRun, own: StartedRun | None) -> RunEntry:
        name = self._root.name(run.output)
        entry = RunEntry(
            id=_id_of(name),
            output=name,
            recording=run.recording,
            status=run.status,
            started=None if run.started is None else run.started.isoformat(timespec="seconds"),
            seconds=run.seconds,
            owner=run.owner,
            message=run.message,
            started_run=None,
        )
        # What has ended is told by its folder, unless it ended before it could record that.
        if own is None or (own.current.has_ended and run.status != UNFINISHED):
            return entry
        state = own.state()
        mine = {"status": state.status, "message": state.message, "started_run": own.id}
        return entry.model_copy(update={**mine, "owner": "this server" if run.owner else ""})


def _id_of(name: str) -> str:
    return uuid.uuid5(uuid.NAMESPACE_URL, name).hex


class FollowedRun:
    """The run of one output folder, looked at again and again.

    Args:
        root: The folder that the page serves.
        output_dir: The output folder.
        started: The runs that were started from the page, for the command line.
    """

    def __init__(self, root: Root, output_dir: Path, started: StartedRuns) -> None:
        self._root, self._output_dir, self._started = root, output_dir, started
        self._watched: tuple[KnownRun, Record, DiskWatch] | None = None

    def state(self) -> KnownState:
        """Return its state.

        Raises:
            PyamaError: The folder cannot be read.
            HTTPException: There is no record of the run (404).
        """
        run = known_run(self._output_dir)
        record, progress, problem = self._progress(run)
        request, refusal = self._request(run, record, progress)
        is_running = run.status == RUNNING
        at_work = f"At work: {run.owner}." if is_running else ""
        messages = shorten_paths([at_work, run.message, problem], self._output_dir)
        counts = None if run.owner else recorded_summary(run.output, record)
        return KnownState(
            id=_id_of(self._root.name(run.output)),
            request=request,
            command=self._command(run, record),
            status=run.status,
            message=" ".join(filter(None, messages)),
            progress="how far it is cannot be read" if progress is None else str(progress),
            fraction=_fraction(run, progress),
            is_compiling=False,
            seconds=run.seconds or 0.0,
            seconds_left=None,
            frames_per_s=0.0,
            fovs={} if progress is None else progress.places,
            summary=summary_lines(counts) if counts else [],
            advice=advice_of(counts) if counts else [],
            log=log_tail(self._output_dir, LOG_LINES),
            owner=run.owner,
            cannot_resume="It is running." if is_running else refusal,
        )

    def _progress(self, run: KnownRun) -> tuple[Record, DiskProgress | None, str]:
        """Return the record of a run, its progress, and why that is not known."""
        is_same = self._watched is not None and self._watched[0] == run
        record = self._watched[1] if self._watched and is_same else read_record(run.output)
        if record is None:
            raise HTTPException(404, "There is no record of the run.")
        try:
            if self._watched is None or not is_same:
                self._watched = run, record, DiskWatch(run, record)
            return record, self._watched[2].progress(), ""
        except PyamaError as error:
            return record, None, str(error)

    def _request(
        self, run: KnownRun, record: Record, progress: DiskProgress | None
    ) -> tuple[RunRequest, str]:
        """Return the request that resumes a run, and why the page cannot send it."""
        name, refusal = self._recording(run.output, record.metadata.path, progress)
        config = dump_config(record.config)
        request = RunRequest(
            file=name,
            output=self._root.name(run.output),
            channels=config["channels"],
            params=config["params"],
            fovs=run.recorded_fovs(record.metadata.n_fovs),
        )
        return request, refusal

    def _recording(
        self, output_dir: Path, path: Path, progress: DiskProgress | None
    ) -> tuple[str, str]:
        """Return the name of a recording below the root, and why the page cannot read it.

        A run that was started in a terminal may have recorded a path relative to a folder
        that is not known. Whether the file is the same recording is checked at the start.
        """
        for place in (self._root.path / path, output_dir.parent / path.name):
            if place.is_relative_to(self._root.path) and place.exists():
                return self._root.name(place), ""
        if path.is_absolute() and not path.is_relative_to(self._root.path):
            return path.name, (
                f"The recording {path.name} does not lie below the root of this page."
            )
        if progress is not None and not progress.can_go_on:
            return path.name, (
                f"The recording {path.name} is not there, and nothing was copied from it that "
                "is unfinished. Put it back beside the results."
            )
        return path.name, ""  # what was copied from it can be processed

    def _command(self, run: KnownRun, record: Record) -> str:
        metadata = record.metadata
        prepared = PreparedRun(
            *(metadata.path, run.output, metadata, record.config),
            run.recorded_fovs(metadata.n_fovs),
        )
        return command(prepared, self._started.plugins)


def _fraction(run: KnownRun, progress: DiskProgress | None) -> float:
    if run.status == "finished":
        return 1.0
    return progress.done / progress.total if progress and progress.total else 0.0


def _known(request: Request) -> KnownRuns:
    known: KnownRuns = request.app.state.known_runs
    return known


def _followed(
    request: Request,
    root: Annotated[Root, Depends(root_of)],
    known: Annotated[KnownRuns, Depends(_known)],
    run_id: str,
) -> FollowedRun:
    return FollowedRun(root, known.output_of(run_id), request.app.state.runs)


Known = Annotated[KnownRuns, Depends(_known)]
Followed = Annotated[FollowedRun, Depends(_followed)]


@router.get("/api/known-runs", dependencies=[Depends(root_of)])
def all_runs(known: Known) -> list[RunEntry]:
    """The last run of every output folder below the root, whoever started it."""
    return known.entries()


@router.get("/api/known-runs/{run_id}")
def run_on_disk(followed: Followed) -> KnownState:
    """The state of such a run, and the request that resumes it with its own settings."""
    return followed.state()


@router.get("/api/known-runs/{run_id}/events", response_class=StreamingResponse)
def events_on_disk(request: Request, followed: Followed) -> EventStream:
    """The state of such a run, once a second, as server-sent events, until it has ended."""
    return EventStream(request, until_ended(followed.state, SECONDS_BETWEEN_LOOKS))
