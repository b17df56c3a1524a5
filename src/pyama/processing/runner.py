"""The runner: iterates over the items of jobs and writes them to outputs.

Resuming, cancelling, progress and errors are handled here, between two items.
"""

import logging
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Self

from pyama.errors import message_of
from pyama.processing.cancelling import AnyOf, CancelEvent, StepAbandoned
from pyama.processing.compiling import compiling_seconds
from pyama.processing.plugin_calls import run_with_limit
from pyama.processing.step_reports import FovStepReport, Status
from pyama.store import Output, Recipe, Write

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Part:
    """One output of a job.

    Attributes:
        output: Where items go.
        recipe: What the output is made from.
        notes: Filled while items are made; written into the mark.
        scratch: Where it is made first; None is in its place.
    """

    output: Output
    recipe: Recipe
    notes: dict[str, Any] = field(default_factory=dict)
    scratch: Path | None = None

    def writing(self) -> AbstractContextManager[Write]:
        """Return what writes the output."""
        return self.output.writing(self.recipe, self.notes, self.scratch)


@dataclass(frozen=True)
class Job:
    """Outputs and the items that fill them.

    Attributes:
        parts: The outputs, filled together.
        items: Called with the parts that are not finished, if there are any. Yields a tuple
            with one item per part, or None where there is nothing to write yet: between any
            two yields the run may be cancelled.
        total: Number of yields; 0 where it is not known in advance.
        framewise: Whether the n-th yield belongs to the n-th frame.
        at_once: Whether the parts of a tuple are written at the same time, each in a thread
            of its own, while the next tuple is drawn.
        extras: Outputs of a later step that are made in passing, while their input is in
            memory. Their items come after those of the parts, in the same tuple, and are
            functions that make them. If an extra fails, the job continues, and the later step
            makes it.
    """

    parts: tuple[Part, ...]
    items: Callable[[tuple[Part, ...]], Iterable[tuple[Any, ...] | None]]
    total: int = 0
    framewise: bool = True
    at_once: bool = False
    extras: tuple[Part, ...] = ()


@dataclass(frozen=True)
class Progress:
    """Progress of a step after one item.

    Attributes:
        step: Name of the step.
        fov: 0-based index of the field of view.
        done: Items so far.
        total: Items in all; 0 where it is not known.
    """

    step: str
    fov: int
    done: int
    total: int


Watcher = Callable[[Progress], None]
JobSource = Callable[[], Iterator[Job]]


class _Cancelled(Exception):
    pass


def run_jobs(
    step: str,
    fov: int,
    jobs: JobSource,
    cancel_event: CancelEvent | None = None,
    watch: Watcher | None = None,
    plugin_timeout: float | None = None,
) -> FovStepReport:
    """Run one step on one field of view. Never raises; see `FovStepReport`.

    Args:
        step: Its name.
        fov: 0-based index.
        jobs: Gives the jobs.
        cancel_event: Stops the step between two items.
        watch: Called after every item.
        plugin_timeout: Seconds without an answer of a plugin after which the step is given up;
            None is no limit.
    """
    started = time.perf_counter()
    job_runner = _JobRunner(step, fov, cancel_event, watch)
    with _Caught() as caught:
        if plugin_timeout is None:
            caught.error = job_runner.run_all(jobs)
        else:
            caught.error = run_with_limit(plugin_timeout, partial(job_runner.run_all, jobs))
    error, frame = caught.error, None
    status, message = (Status.DONE if job_runner.has_written else Status.UNCHANGED), ""
    if isinstance(error, _Cancelled):
        status, message = Status.CANCELLED, "Cancelled"
    elif error is not None:
        status, message, frame = Status.FAILED, message_of(error), job_runner.frame
        logger.error("FOV %d: %s failed", fov, step, exc_info=error)
    seconds = time.perf_counter() - started - job_runner.compiling
    return FovStepReport(step, fov, status, message, frame, seconds, dict(job_runner.notes))


class _Caught:
    """Keeps the exception that ends its block, for the caller to report.

    Attributes:
        error: The exception; None if there was none.
    """

    error: Exception | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, _: object, error: BaseException | None, __: object) -> bool:
        if isinstance(error, Exception):
            self.error = error
        return self.error is not None


class _SequentialWriter:
    """Writes the items of a tuple one after the other."""

    def __init__(self, writes: Sequence[Write]) -> None:
        self._writes = writes

    def put(self, items: Sequence[Any]) -> None:
        """Write every item that is not None."""
        for write, item in zip(self._writes, items, strict=False):
            if item is not None:
                write(item)

    def end(self) -> None:
        """Wait for pending writes."""


class _ThreadedWriter(_SequentialWriter):
    """Writes them in threads, while the next ones are computed."""

    def __init__(
        self, writes: Sequence[Write], job_runner: "_JobRunner", stack: ExitStack
    ) -> None:
        super().__init__(writes)
        self._job_runner = job_runner
        self._threads = stack.enter_context(ThreadPoolExecutor(len(writes), "pyama writing"))
        self._begun: list[Future[object]] = []
        self._frame: int | None = None

    def put(self, items: Sequence[Any]) -> None:
        """Begin to write every item that is not None, once those before are written."""
        self.end()
        pairs = zip(self._writes, items, strict=False)
        begun = [
            self._threads.submit(write, item) for write, item in pairs if item is not None
        ]
        self._begun, self._frame = begun, self._job_runner.frame

    def end(self) -> None:
        """Wait for pending writes. If one fails, its frame is the one that is reported."""
        now, self._job_runner.frame = self._job_runner.frame, self._frame
        for written in self._begun:
            written.result()
        self._begun, self._job_runner.frame = [], now


class _Extra:
    """An output that may fail; it is then left to its own step."""

    def __init__(self, part: Part, fov: int) -> None:
        self._part = part
        self._fov = fov
        self._context = ExitStack()
        self._write: Write | None = None
        with self._attempt():
            if not part.output.is_done(part.recipe):
                self._write = self._context.enter_context(part.writing())

    def write(self, make: Callable[[], Any]) -> None:
        """Write the result of `make`, unless this output has failed before."""
        if self._write is not None:
            with self._attempt():
                self._write(make())

    def end(self, *error: Any) -> None:
        """Finish or abort the output; takes the arguments of `__exit__`."""
        with self._attempt():
            self._context.__exit__(*error)

    @contextmanager
    def _attempt(self) -> Iterator[None]:
        """Give the output up if the block fails."""
        with _Caught() as caught:
            yield
        error = caught.error
        if error is None:
            return
        output, step = self._part.output.name, self._part.recipe.step
        text = "FOV %d: %s is left to %s: %s"
        logger.info(text, self._fov, output, step, message_of(error), exc_info=error)
        self._write = None
        with _Caught():
            self._context.__exit__(type(error), error, error.__traceback__)


class _JobRunner:
    """Takes the items of one job after the other, and knows the current frame."""

    def __init__(
        self, step: str, fov: int, cancel_event: CancelEvent | None, watch: Watcher | None
    ) -> None:
        self.step, self.fov = step, fov
        self.frame: int | None = None
        self.has_written = False
        self.compiling = 0.0  # seconds of the thread that draws the items
        self.notes: dict[str, Mapping[str, Any]] = {}
        asked = () if cancel_event is None else (cancel_event,)
        self._cancel_event = AnyOf((StepAbandoned(), *asked))
        self._watch = watch

    def run_all(self, jobs: JobSource) -> Exception | None:
        """Run the jobs of a step, collect the notes of their outputs, and return the error."""
        before = compiling_seconds()
        with _Caught() as caught:
            for job in jobs():
                self.has_written |= self.run(job)
                for part in job.parts:
                    mark = part.output.mark()
                    self.notes[part.output.name] = mark.notes if mark else {}
        self.compiling = compiling_seconds() - before
        return caught.error

    def run(self, job: Job) -> bool:
        """Make unfinished outputs; return whether there were any."""
        self.frame = None
        pending = tuple(part for part in job.parts if not part.output.is_done(part.recipe))
        self._stop_if_asked()
        if not pending:
            return False
        with ExitStack() as last, ExitStack() as stack:
            writes: list[Write] = [stack.enter_context(part.writing()) for part in pending]
            # Extras begin after the parts, which may discard them, and end after them.
            for part in job.extras:
                extra = _Extra(part, self.fov)
                last.push(extra.end)
                writes.append(extra.write)
            writer = (
                _ThreadedWriter(writes, self, stack)
                if job.at_once
                else _SequentialWriter(writes)
            )
            self.frame = 0 if job.framewise else None
            done = 0
            for items in job.items(pending):
                writer.put(items or ())
                del items  # else they stay in memory with the next ones
                done += 1  # noqa: SIM113 (enumerate would hold them as well)
                self._stop_if_asked()
                if self._watch is not None:
                    self._watch(Progress(self.step, self.fov, done, job.total))
                self.frame = done if job.framewise else None
            writer.end()
            self.frame = None
        return True

    def _stop_if_asked(self) -> None:
        if self._cancel_event.is_set():
            raise _Cancelled
