"""Runs that are started from the page: one at a time, planned, watched, cancelled, resumed."""

import asyncio
import logging
import threading
import uuid
from collections import deque
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Depends, FastAPI, HTTPException, Request
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, Field

from pyama.errors import LockedError, PyamaError, message_of
from pyama.processing.workflow.planned_steps import replaced_outputs
from pyama.runs.active_run import ActiveRun, run_notes
from pyama.runs.command_line import command
from pyama.runs.plan import plan_lines, plan_run
from pyama.runs.progress import Snapshot
from pyama.runs.request import PreparedRun, check_run
from pyama.runs.summary import summary_lines
from pyama.web.event_streams import EventStream
from pyama.web.folders import Root, root_of
from pyama.web.form_routes import form_config

router = APIRouter(tags=["runs"])
LOG_LINES = 200
POLLS_PER_SECOND = 4


class RunRequest(BaseModel):
    """The run that the form describes."""

    file: Annotated[str, Field(max_length=4096)]
    """The recording, relative to the root."""
    output: Annotated[str, Field(min_length=1, max_length=4096)]
    """The output folder, relative to the root; what is finished in it is kept."""
    channels: dict[str, Any] = {}
    """As in a configuration file."""
    params: dict[str, Any] = {}
    """As in a configuration file; what is left out has its default."""
    fovs: list[Annotated[int, Field(ge=0)]] | Annotated[str, Field(max_length=4096)] | None = (
        None
    )
    """Text such as `0-3, 7`, or 0-based indices; null is all."""
    redo: bool = False
    """Whether results that a person has inspected may be replaced; else the answer is 428."""


class Plan(BaseModel):
    """What a run would do."""

    command: str
    """The same run on the command line."""
    notes: list[str]
    """What a user should know before."""
    lines: list[str]
    """Which step of which fields of view would run, and why."""
    replaced: list[str]
    """Finished results that would be made again, one line per group of fields of view."""


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
            log=list(self.lines),
        )

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


def _prepared(root: Annotated[Root, Depends(root_of)], request: RunRequest) -> PreparedRun:
    """Check a request before anything is written."""
    file, output = root.inside(request.file), root.new_output_dir(request.output)
    form_config(request.channels, request.params)  # refuses texts that could name files
    entries = {"channels": request.channels, "params": request.params}
    return check_run(file, output, entries, request.fovs, redo=request.redo)


Known = Annotated[StartedRuns, Depends(_runs)]
Prepared = Annotated[PreparedRun, Depends(_prepared)]


@router.get("/api/runs")
def runs(known: Known) -> list[RunState]:
    """All runs since the server was started."""
    return [run.state() for run in known.all()]


@router.post("/api/runs", status_code=201)
def start(known: Known, request: RunRequest, prepared: Prepared) -> RunState:
    """Start a run; in a folder of an earlier one, continue with what is unfinished."""
    return known.start(request, prepared).state()


@router.post("/api/runs/plan")
def plan(known: Known, prepared: Prepared) -> Plan:
    """What a run would do, as `pyama plan` prints it; nothing is written."""
    plans = plan_run(prepared)
    replaced = replaced_outputs(plans)
    return Plan(
        command=command(prepared, known.plugins),
        notes=run_notes(prepared, replaced),
        lines=plan_lines(plans),
        replaced=replaced,
    )


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
    return EventStream(request, _states(known.get(run_id)))


async def _states(run: StartedRun) -> AsyncIterator[object]:
    while True:
        state = await asyncio.to_thread(run.state)
        yield state.model_dump(mode="json")
        if state.status != "running":
            return
        await asyncio.sleep(1 / POLLS_PER_SECOND)


def stop_all(app: FastAPI) -> None:
    """Cancel every run and wait until it has ended."""
    known: StartedRuns = app.state.runs
    for run in known.all():
        run.current.cancel()
    for run in known.all():
        run.current.wait()
