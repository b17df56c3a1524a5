"""Runs that are started from the page: one at a time, planned, watched, cancelled, resumed."""

import logging
import threading
import uuid
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Depends, FastAPI, HTTPException, Request
from fastapi.responses import StreamingResponse
from pydantic import BaseModel

from pyama.errors import LockedError, PyamaError, message_of
from pyama.runs.active_run import ActiveRun
from pyama.runs.command_line import command
from pyama.runs.progress import Snapshot
from pyama.runs.request import PreparedRun
from pyama.runs.summary import advised_lines, summary_lines
from pyama.web.event_streams import EventStream, until_ended
from pyama.web.run_requests import Prepared, RunRequest

router = APIRouter(tags=["runs"])
LOG_LINES = 200
POLLS_PER_SECOND = 4


class AdvisedSettings(BaseModel):
    """A line of the summary that advises settings."""

    line: str
    """The line."""
    settings: list[dict[str, Any]]
    """Parameters with their values, to be set together; several are alternatives."""


class RunState(BaseModel):
    """The state of a run."""

    id: str
    request: RunRequest
    command: str
    """The same run on the command line."""
    status: str
    """`running`, `finished`, `failed` or `cancelled`."""
    message: str
    """What went wrong, in sentences."""
    progress: str
    """The line that `pyama run` shows while it runs."""
    fraction: float
    """Part of the work that is done, 0 to 1."""
    is_compiling: bool
    """Whether kernels are being compiled, once."""
    seconds: float
    """Since the start."""
    seconds_left: float | None
    """Estimated; null while it is not known."""
    frames_per_s: float
    """Frames of one field of view through all steps."""
    fovs: dict[int, str]
    """The current step of every field of view."""
    summary: list[str]
    """What the run has done, once it has ended; `pyama run` prints the same lines."""
    advice: list[AdvisedSettings]
    """Lines of the summary that advise settings."""
    log: list[str]
    """Last lines of the log."""


@dataclass
class StartedRun:
    """One run, under way or ended."""

    request: RunRequest
    command: str
    prepared: PreparedRun
    id: str = field(default_factory=lambda: uuid.uuid4().hex)
    lines: deque[str] = field(default_factory=lambda: deque(maxlen=LOG_LINES))

    def __post_init__(self) -> None:
        self.current = ActiveRun(self.prepared, self._listen)

    def _listen(self, record: logging.LogRecord) -> None:
        self.lines.append(f"{record.levelname.lower()}: {record.getMessage()}")

    def state(self) -> RunState:
        """Return its state."""
        status, message, lines = self._end()
        snapshot = self.current.estimator.snapshot()
        is_finished = status == "finished"
        return RunState(
            id=self.id,
            request=self.request,
            command=self.command,
            status=status,
            message=message,
            progress=str(snapshot),
            fraction=1.0 if is_finished else snapshot.share,
            is_compiling=snapshot.is_compiling,
            seconds=round(self.current.seconds, 1),
            seconds_left=snapshot.seconds_left if status == "running" else None,
            frames_per_s=round(snapshot.frames_per_s, 3),
            fovs=_places(snapshot, is_finished=is_finished),
            summary=lines,
            advice=self._advice(),
            log=list(self.lines),
        )

    def _advice(self) -> list[AdvisedSettings]:
        if not self.current.has_ended or self.current.error() is not None:
            return []
        return advice_of(self.current.summary())

    def _end(self) -> tuple[str, str, list[str]]:
        """Return the status, what went wrong, and the summary."""
        if not self.current.has_ended:
            stopping = "Stopping within a frame ..." if self.current.is_cancelled else ""
            return "running", stopping, []
        error = self.current.error()
        if isinstance(error, PyamaError | OSError):
            return "failed", message_of(error), []
        if error is not None:
            name = type(error).__name__
            return "failed", f"{name}: this is a bug in pyama; see the log.", []
        counts = self.current.summary()
        return counts["status"], "", summary_lines(counts)


def _places(snapshot: Snapshot, *, is_finished: bool) -> dict[int, str]:
    return {
        fov: "finished" if is_finished else place for fov, place in snapshot.places.items()
    }


def advice_of(counts: dict[str, Any]) -> list[AdvisedSettings]:
    """Return the lines of a summary that advise settings."""
    return [AdvisedSettings(**entry) for entry in advised_lines(counts)]


class StartedRuns:
    """All runs since the server was started.

    Args:
        plugins: Folders of plugins that were loaded, for the command line of a run.
    """

    def __init__(self, plugins: Sequence[Path] = ()) -> None:
        self.plugins = plugins
        self._runs: dict[str, StartedRun] = {}
        self._lock = threading.Lock()

    def start(self, request: RunRequest, prepared: PreparedRun) -> StartedRun:
        """Start a run.

        Raises:
            LockedError: Another run is under way.
        """
        run = StartedRun(request, command(prepared, self.plugins), prepared)
        with self._lock:
            if any(not other.current.has_ended for other in self._runs.values()):
                raise LockedError("A run is under way. Wait until it ends, or cancel it.")
            self._runs[run.id] = run
            run.current.start()
        return run

    def all(self) -> list[StartedRun]:
        """Return all runs, the latest last."""
        return list(self._runs.values())

    def get(self, run_id: str) -> StartedRun:
        """Return one run.

        Raises:
            HTTPException: There is none (404).
        """
        if run_id not in self._runs:
            raise HTTPException(404, "There is no such run.")
        return self._runs[run_id]


def _runs(request: Request) -> StartedRuns:
    runs: StartedRuns = request.app.state.runs
    return runs


Known = Annotated[StartedRuns, Depends(_runs)]


@router.get("/api/runs")
def runs(known: Known) -> list[RunState]:
    """All runs since the server was started."""
    return [run.state() for run in known.all()]


@router.post("/api/runs", status_code=201)
def start(known: Known, request: RunRequest, prepared: Prepared) -> RunState:
    """Start a run; in a folder of an earlier one, continue with what is unfinished."""
    return known.start(request, prepared).state()


@router.get("/api/runs/{run_id}")
def run(known: Known, run_id: str) -> RunState:
    """The state of a run."""
    return known.get(run_id).state()


@router.post("/api/runs/{run_id}/cancel")
def cancel(known: Known, run_id: str) -> RunState:
    """Stop a run within a frame; what is finished is kept."""
    current = known.get(run_id)
    current.current.cancel()
    return current.state()


@router.get("/api/runs/{run_id}/events", response_class=StreamingResponse)
def events(request: Request, known: Known, run_id: str) -> EventStream:
    """The state of a run, repeatedly, as server-sent events, until it has ended."""
    return EventStream(request, until_ended(known.get(run_id).state, 1 / POLLS_PER_SECOND))


def stop_all(app: FastAPI) -> None:
    """Cancel every run and wait until it has ended."""
    known: StartedRuns = app.state.runs
    for run in known.all():
        run.current.cancel()
    for run in known.all():
        run.current.wait()
