"""The batches of a run: copying, workers on copied fields of view, then previews."""

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import BrokenExecutor, Future, ThreadPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from pathlib import Path
from threading import Event
from typing import Any

from pyama.config import ProcessingConfig
from pyama.metadata import MicroscopyMetadata
from pyama.processing.cancelling import CancelEvent
from pyama.processing.executors.local import Workers, open_workers
from pyama.processing.executors.messages import DIED
from pyama.processing.plugin_digest import keep_fingerprints
from pyama.processing.recipes import FovContexts, Recipes
from pyama.processing.runner import Watcher
from pyama.processing.step_reports import FovStepReport, Status, StepReports, join_reports
from pyama.processing.steps import copying, previews
from pyama.processing.workflow.worker import WorkerResult, run_step, work

logger = logging.getLogger(__name__)

UpdateProgress = Callable[[int, int, str], None]


@dataclass(frozen=True)
class Batches:
    """The fields of view of a run, and how they are processed.

    Attributes:
        contexts: The fields of view.
        cancel_event: Stops the work within a frame.
        watch: Called after every item.
        update: Called with `(successful, failed, message)` when a worker has ended.
        executor: See `open_workers`.
    """

    contexts: FovContexts
    cancel_event: CancelEvent
    watch: Watcher | None
    update: UpdateProgress
    executor: str = "threads"

    def run(self, fovs: Sequence[int]) -> StepReports:
        """Process fields of view.

        A worker starts when the fields of view that it gets are copied, and with several
        workers the next batch is copied while one is processed.
        """
        params = self.contexts.config.params
        n, size = params.n_workers, max(params.batch_size, params.n_workers)
        batches = [fovs[start : start + size] for start in range(0, len(fovs), size)]
        reports: list[StepReports] = []
        with (
            open_workers(
                self.executor,
                self.contexts.config,
                self.contexts.output_dir,
                self.cancel_event,
                self.watch,
            ) as workers,
            ThreadPoolExecutor(1, "pyama copying") as copier,
            self._stopping_at_an_interrupt(),
        ):
            copies = self._copying(copier, batches[0] if batches else ())
            for after in [*batches[1:], ()]:
                running: dict[Future[WorkerResult], list[int]] = {}
                for copied in copies:
                    reports.append(copied.result())
                    running |= self._start(workers, reports[-1])
                if n > 1:
                    copies = self._copying(copier, after)
                reports.append(self._finish(workers, running))
                if self.cancel_event.is_set():
                    break
                if n == 1:
                    copies = self._copying(copier, after)
        return join_reports(reports)

    def _copying(
        self, copier: ThreadPoolExecutor, batch: Sequence[int]
    ) -> list[Future[StepReports]]:
        """Begin to copy a batch, in parts of one worker each."""
        ranges = _split_worker_ranges(batch, self.contexts.config.params.n_workers)
        return [copier.submit(self._copy, fovs) for fovs in ranges]

    def _copy(self, fovs: Sequence[int]) -> StepReports:
        """Copy fields of view."""
        return run_step(copying.STEP, self.contexts, fovs, self.cancel_event, self.watch)

    def _start(
        self, workers: Workers, copied: StepReports
    ) -> dict[Future[WorkerResult], list[int]]:
        """Begin the steps after copying of some fields of view, on one worker."""
        bad = set(copied.failed_fovs())
        fovs = [report.fov for report in copied if report.fov not in bad]
        config = self.contexts.config
        if config.params.copy_only or not fovs or self.cancel_event.is_set():
            return {}
        return {self._submitted(workers, work, fovs): fovs}

    def _finish(
        self, workers: Workers, running: dict[Future[WorkerResult], list[int]]
    ) -> StepReports:
        """Wait for the workers, then make the remaining previews."""
        worked = self._reports(running)
        bad = {report.fov for report in worked.with_status(Status.FAILED)}
        finished = [[fov] for fovs in running.values() for fov in fovs if fov not in bad]
        if self.cancel_event.is_set():
            return worked
        cached = {self._submitted(workers, cache, fovs): fovs for fovs in finished}
        results = [_result(future, fovs, "caching") for future, fovs in cached.items()]
        return join_reports([worked, *results])

    def _submitted(
        self, workers: Workers, function: Callable[..., Any], fovs: list[int]
    ) -> Future[Any]:
        run = self.contexts
        function = partial(function, known=run.compute_recipes(fovs))
        return workers.submit(function, fovs, run.metadata, run.config, run.output_dir)

    def _reports(self, futures: dict[Future[WorkerResult], list[int]]) -> StepReports:
        for future in as_completed(futures):
            fovs = futures[future]
            if isinstance(error := future.exception(), BrokenExecutor):
                self.update(0, len(fovs), _broken_message(error))
            else:
                _, successful, failed, message = future.result()
                self.update(successful, failed, message)
        return join_reports(_result(future, fovs, "start") for future, fovs in futures.items())

    @contextmanager
    def _stopping_at_an_interrupt(self) -> Iterator[None]:
        """Stop the workers within a frame if Ctrl-C interrupts the waiting thread."""
        try:
            yield
        except KeyboardInterrupt:
            if isinstance(self.cancel_event, Event):
                self.cancel_event.set()
            raise


@keep_fingerprints()
def cache(
    fovs: Sequence[int],
    metadata: MicroscopyMetadata,
    config: ProcessingConfig,
    output_dir: Path,
    cancel_event: CancelEvent | None = None,
    watch: Watcher | None = None,
    known: Mapping[int, Recipes] | None = None,
) -> StepReports:
    """Make the remaining previews, on a worker; see `work` for the arguments."""
    contexts = FovContexts(metadata, config, output_dir, known=known)
    return run_step(previews.STEP, contexts, fovs, cancel_event, watch)


def _result(future: Future[Any], fovs: list[int], step: str) -> StepReports:
    try:
        result = future.result()
    except BrokenExecutor as error:
        message = _broken_message(error)
        logger.error("FOV %s: %s", ", ".join(map(str, fovs)), message)  # noqa: TRY400
        return StepReports(
            tuple(FovStepReport(step, fov, Status.FAILED, message) for fov in fovs)
        )
    return result if isinstance(result, StepReports) else StepReports(result.reports)


def _broken_message(error: BrokenExecutor) -> str:
    return DIED if isinstance(error, BrokenProcessPool) else str(error)


def _split_worker_ranges(fovs: Sequence[int], n_workers: int) -> list[list[int]]:
    """Split fields of view into at most `n_workers` ranges of nearly equal length."""
    n = min(n_workers, len(fovs))
    bounds = [len(fovs) * i // n for i in range(n + 1)] if n else [0]
    return [list(fovs[a:b]) for a, b in pairwise(bounds)]
