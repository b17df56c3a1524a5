"""Runs that are started from the page: one at a time, watched, cancelled, resumed."""

import asyncio
import json
import logging
import threading
import time
import uuid
from collections import deque
from collections.abc import AsyncIterator, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Depends, FastAPI, HTTPException, Request
from fastapi.responses import StreamingResponse
from pydantic import BaseModel

from pyama import layout
from pyama.config import ProcessingConfig
from pyama.errors import LockedError, PyamaError
from pyama.processing.runner import Progress
from pyama.processing.workflow import run as workflow
from pyama.web.folders import Root, root_of
from pyama.web.orders import Order, check

router = APIRouter(tags=["runs"])
STEPS = tuple(
    service.name
    for service in (
        workflow.CopyingService,
        workflow.SegmentationService,
        workflow.TrackingService,
        workflow.BackgroundEstimationService,
        workflow.CroppingService,
        workflow.ExtractionService,
        workflow.CachingService,
    )
)
FRAMEWISE = 4
"""So many steps, the first ones, go frame by frame."""
LOG_LINES = 200
LOOKS_PER_SECOND = 4
LOG_FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"


class Typed(BaseModel):
    """A command line."""

    command: str


class RunState(BaseModel):
    """How a run stands."""

    id: str
    order: Order
    command: str
    """The same run on the command line."""
    status: str
    """`running`, `finished`, `failed` or `cancelled`."""
    message: str
    """What went wrong, in sentences."""
    fraction: float
    """How much is done, 0 to 1."""
    seconds: float
    """Since the start."""
    seconds_left: float | None
    """Estimated; null as long as that cannot be said."""
    frames_per_s: float
    """Frames through one step each."""
    fovs: dict[int, str]
    """What every field of view is at."""
    log: list[str]
    """Last lines of the log."""


@dataclass
class Run:
    """One run, under way or ended."""

    order: Order
    command: str
    fovs: list[int]
    id: str = field(default_factory=lambda: uuid.uuid4().hex)
    cancel: threading.Event = field(default_factory=threading.Event)
    started: float = field(default_factory=time.monotonic)
    ended: float | None = None
    frames: int = 0
    at: dict[int, tuple[int, float, str]] = field(default_factory=dict)
    lines: deque[str] = field(default_factory=lambda: deque(maxlen=LOG_LINES))
    lock: threading.Lock = field(default_factory=threading.Lock)
    future: "Future[workflow.RunReport] | None" = None

    def watch(self, progress: Progress) -> None:
        """Take notice of one more item; called from several threads."""
        step = STEPS.index(progress.step)
        share = progress.done / progress.total if progress.total else 0.5
        place = f" {progress.done} of {progress.total}" if progress.total else ""
        with self.lock:
            # A step may have several outputs; what is done does not become less with the next.
            reached = max((step, min(1.0, share)), self.at.get(progress.fov, (0, 0.0, ""))[:2])
            self.at[progress.fov] = (*reached, f"{progress.step}{place}")
            self.frames += step < FRAMEWISE

    def state(self) -> RunState:
        """Return how it stands."""
        status, message = self._ended()
        seconds = (self.ended or time.monotonic()) - self.started
        with self.lock:
            at = dict(self.at)
        done = sum(step + share for step, share, _ in at.values())
        told = {fov: at[fov][2] if fov in at else "waiting" for fov in self.fovs}
        is_finished = status == "finished"
        fraction = 1.0 if is_finished else done / (len(STEPS) * len(self.fovs) or 1)
        known = status == "running" and fraction > 0.02
        return RunState(
            id=self.id,
            order=self.order,
            command=self.command,
            status=status,
            message=message,
            fraction=round(fraction, 4),
            seconds=round(seconds, 1),
            seconds_left=round(seconds / fraction - seconds, 1) if known else None,
            frames_per_s=round(self.frames / max(seconds, 1e-3), 1),
            fovs={fov: status if is_finished else told[fov] for fov in self.fovs},
            log=list(self.lines),
        )

    def _ended(self) -> tuple[str, str]:
        if self.future is None or not self.future.done():
            return "running", "Stopping within a frame ..." if self.cancel.is_set() else ""
        error = self.future.exception()
        if isinstance(error, PyamaError | OSError):
            return "failed", str(error)
        if error is not None:
            return "failed", f"{type(error).__name__}: this is a fault of pyama; see the log."
        report = self.future.result()
        told = [*map(str, report.failures), *report.messages]
        return report.status, "\n".join(told)


class Runs:
    """All runs since the server was started.

    Args:
        plugins: Folders of plugins that were loaded, for the command line of a run.
    """

    def __init__(self, plugins: Sequence[Path] = ()) -> None:
        self.plugins = plugins
        self._runs: dict[str, Run] = {}
        self._pool = ThreadPoolExecutor(1, "pyama run")
        self._lock = threading.Lock()

    def start(self, root: Root, order: Order) -> Run:
        """Check an order and begin with it.

        Raises:
            ConfigError: The configuration is wrong.
            LockedError: Another run is under way.
        """
        checked = check(root, order, self.plugins)
        with self._lock:
            if any(run.state().status == "running" for run in self.all()):
                raise LockedError("A run is under way. Wait until it ends, or cancel it.")
            run = Run(order, checked.command, checked.fovs)
            self._runs[run.id] = run
            run.future = self._pool.submit(
                _work, run, checked.file, checked.output, checked.config
            )
        return run

    def all(self) -> list[Run]:
        """Return all runs, the latest last."""
        return list(self._runs.values())

    def get(self, run_id: str) -> Run:
        """Return one run.

        Raises:
            HTTPException: There is none (404).
        """
        if run_id not in self._runs:
            raise HTTPException(404, "There is no such run.")
        return self._runs[run_id]


def _work(run: Run, file: Path, output: Path, config: ProcessingConfig) -> workflow.RunReport:
    try:
        with _logging(run, output):
            return workflow.process(
                file,
                config,
                output,
                run.fovs,
                cancel_event=run.cancel,
                watch=run.watch,
            )
    finally:
        run.ended = time.monotonic()


@contextmanager
def _logging(run: Run, output: Path) -> Iterator[None]:
    """Write what pyama logs into the output folder, and onto the page."""
    output.mkdir(parents=True, exist_ok=True)
    file = logging.FileHandler(output / layout.LOG_FILE, encoding="utf-8", delay=True)
    file.setFormatter(logging.Formatter(LOG_FORMAT))
    handlers = [file, _Lines(run.lines)]
    package = logging.getLogger("pyama")
    before = package.level
    package.setLevel(logging.INFO)
    for handler in handlers:
        package.addHandler(handler)
    try:
        yield
    finally:
        package.setLevel(before)
        for handler in handlers:
            package.removeHandler(handler)
            handler.close()


class _Lines(logging.Handler):
    def __init__(self, lines: deque[str]) -> None:
        super().__init__(logging.INFO)
        self._lines = lines

    def emit(self, record: logging.LogRecord) -> None:
        self._lines.append(f"{record.levelname.lower()}: {record.getMessage()}")


def _runs(request: Request) -> Runs:
    runs: Runs = request.app.state.runs
    return runs


Known = Annotated[Runs, Depends(_runs)]


@router.get("/api/runs")
def runs(known: Known) -> list[RunState]:
    """All runs since the server was started."""
    return [run.state() for run in known.all()]


@router.post("/api/runs", status_code=201)
def start(root: Annotated[Root, Depends(root_of)], known: Known, order: Order) -> RunState:
    """Begin a run; in a folder of an earlier one, go on with what is unfinished."""
    return known.start(root, order).state()


@router.post("/api/runs/command")
def as_command(root: Annotated[Root, Depends(root_of)], known: Known, order: Order) -> Typed:
    """A run as a command line, checked but not begun."""
    return Typed(command=check(root, order, known.plugins).command)


@router.get("/api/runs/{run_id}")
def run(known: Known, run_id: str) -> RunState:
    """How a run stands."""
    return known.get(run_id).state()


@router.post("/api/runs/{run_id}/cancel")
def cancel(known: Known, run_id: str) -> RunState:
    """Stop a run within a frame; what is finished stays."""
    found = known.get(run_id)
    found.cancel.set()
    return found.state()


@router.get("/api/runs/{run_id}/events", response_class=StreamingResponse)
def events(known: Known, run_id: str) -> StreamingResponse:
    """How a run stands, again and again, as server-sent events, until it has ended."""
    return StreamingResponse(_events(known.get(run_id)), media_type="text/event-stream")


async def _events(run: Run) -> AsyncIterator[str]:
    while True:
        state = await asyncio.to_thread(run.state)
        yield f"data: {json.dumps(state.model_dump(mode='json'))}\n\n"
        if state.status != "running":
            return
        await asyncio.sleep(1 / LOOKS_PER_SECOND)


def stop_all(app: FastAPI) -> None:
    """Cancel every run and wait until it has ended."""
    known: Runs = app.state.runs
    for found in known.all():
        found.cancel.set()
    for found in known.all():
        if found.future is not None:
            found.future.exception()
