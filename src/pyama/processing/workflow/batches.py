"""Batch after batch: copying, workers on what is copied, then previews."""

import logging
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import BrokenExecutor, Future, ThreadPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from threading import Event
from typing import Any

from pyama.config import ProcessingConfig
from pyama.metadata import MicroscopyMetadata
from pyama.processing.executors.local import Workers, open_workers
from pyama.processing.executors.messages import DIED
from pyama.processing.runner import CancelEvent, Watcher
from pyama.processing.step_reports import FovReport, Status, StepReport, joined
from pyama.processing.workflow.services import CachingService, CopyingService
from pyama.processing.workflow.worker import WorkerResult, run_single_worker
from pyama.readers import Reader

logger = logging.getLogger(__name__)

UpdateProgress = Callable[[int, int, str], None]


@dataclass(frozen=True)
class Batches:
    """What stays the same from batch to batch.

    Attributes:
        reader: The open recording; None if only what was copied can be processed.
        metadata: Of the recording.
        config: Of the run.
        output_dir: The output folder.
        cancel_event: Stops the work within a frame.
        watch: Called after every item.
        update: Called with `(successful, failed, message)` when a worker has ended.
        executor: See `open_workers`.
    """

    reader: Reader | None
    metadata: MicroscopyMetadata
    config: ProcessingConfig
    output_dir: Path
    cancel_event: CancelEvent | None
    watch: Watcher | None
    update: UpdateProgress
    executor: str = "threads"

    def run(self, fovs: Sequence[int]) -> StepReport:
        """Process fields of view.

        A worker starts when the fields of view that it gets are copied, and with several
        workers the next batch is copied while one is processed.
        """
        n = self.config.params.n_workers
        size = max(self.config.params.batch_size, n)
        batches = [fovs[start : start + size] for start in range(0, len(fovs), size)]
        reports: list[StepReport] = []
        with (
            open_workers(
                self.executor, self.config, self.output_dir, self.cancel_event, self.watch
            ) as workers,
            ThreadPoolExecutor(1, "pyama copying") as copier,
            self._stopping_at_an_interrupt(),
        ):
            copying = self._copying(copier, batches[0] if batches else ())
            for after in [*batches[1:], ()]:
                running: dict[Future[WorkerResult], list[int]] = {}
                for copied in copying:
                    reports.append(copied.result())
                    running |= self._start(workers, reports[-1])
                if n > 1:
                    copying = self._copying(copier, after)
                reports.append(self._finish(workers, running))
                if self._is_cancelled():
                    break
                if n == 1:
                    copying = self._copying(copier, after)
        return joined(reports)

    def _copying(
        self, copier: ThreadPoolExecutor, batch: Sequence[int]
    ) -> list[Future[StepReport]]:
        """Begin to copy a batch, worker by worker."""
        ranges = _split_worker_ranges(batch, self.config.params.n_workers)
        return [copier.submit(self._copy, fovs) for fovs in ranges]

    def _copy(self, fovs: Sequence[int]) -> StepReport:
        """Step 1."""
        reader = self.reader
        service = CopyingService(
            reader=None if reader is None else lambda: reader, watch=self.watch
        )
        return service.process(
            self.metadata, self.config, self.output_dir, fovs, self.cancel_event
        )

    def _start(
        self, workers: Workers, copied: StepReport
    ) -> dict[Future[WorkerResult], list[int]]:
        """Begin steps 2 to 6 of what was copied, on one worker."""
        bad = set(copied.failed_fovs())
        sound = [report.fov for report in copied if report.fov not in bad]
        if self.config.params.copy_only or not sound or self._is_cancelled():
            return {}
        return self._submit(workers, run_single_worker, [sound])

    def _finish(
        self, workers: Workers, running: dict[Future[WorkerResult], list[int]]
    ) -> StepReport:
        """Wait for the workers, then make the previews that are left."""
        worked = self._reports(running)
        bad = {report.fov for report in worked.having(Status.FAILED)}
        finished = [[fov] for fovs in running.values() for fov in fovs if fov not in bad]
        if self._is_cancelled():
            return worked
        cached = self._submit(workers, cache, finished)
        found = [_result(future, fovs, "caching") for future, fovs in cached.items()]
        return joined([worked, *found])

    def _submit(
        self, workers: Workers, function: Callable[..., Any], groups: list[list[int]]
    ) -> dict[Future[Any], list[int]]:
        arguments = self.metadata, self.config, self.output_dir
        return {workers.submit(function, fovs, *arguments): fovs for fovs in groups}

    def _reports(self, futures: dict[Future[WorkerResult], list[int]]) -> StepReport:
        for future in as_completed(futures):
            fovs = futures[future]
            if isinstance(error := future.exception(), BrokenExecutor):
                self.update(0, len(fovs), _told(error))
            else:
                _, successful, failed, message = future.result()
                self.update(successful, failed, message)
        return joined(_result(future, fovs, "start") for future, fovs in futures.items())

    @contextmanager
    def _stopping_at_an_interrupt(self) -> Iterator[None]:
        """Let workers end within a frame when Ctrl-C interrupts the thread that waits."""
        try:
            yield
        except KeyboardInterrupt:
            if isinstance(self.cancel_event, Event):
                self.cancel_event.set()
            raise

    def _is_cancelled(self) -> bool:
        return self.cancel_event is not None and self.cancel_event.is_set()


def cache(
    fovs: Sequence[int],
    metadata: MicroscopyMetadata,
    config: ProcessingConfig,
    output_dir: Path,
    cancel_event: CancelEvent | None = None,
    watch: Watcher | None = None,
) -> StepReport:
    """Step 7, on a worker."""
    service = CachingService(watch=watch)
    return service.process(metadata, config, output_dir, fovs, cancel_event)


def _result(future: Future[Any], fovs: list[int], step: str) -> StepReport:
    try:
        found = future.result()
    except BrokenExecutor as error:
        why = _told(error)
        logger.error("FOV %s: %s", ", ".join(map(str, fovs)), why)  # noqa: TRY400 (no trace)
        return StepReport(tuple(FovReport(step, fov, Status.FAILED, why) for fov in fovs))
    return found if isinstance(found, StepReport) else StepReport(found.reports)


def _told(error: BrokenExecutor) -> str:
    return DIED if isinstance(error, BrokenProcessPool) else str(error)


def _split_worker_ranges(fovs: Sequence[int], n_workers: int) -> list[list[int]]:
    """Cut fields of view into at most `n_workers` runs of nearly equal length."""
    n = min(n_workers, len(fovs))
    bounds = [len(fovs) * i // n for i in range(n + 1)] if n else [0]
    return [list(fovs[a:b]) for a, b in pairwise(bounds)]
