"""The sliding window of a run: fields of view are copied a little ahead of the workers.

Every field of view is copied, and then is one task of a worker, from registration to the last
preview. No field of view waits for others, except for a free worker.
"""

import logging
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import (
    FIRST_COMPLETED,
    BrokenExecutor,
    Future,
    ThreadPoolExecutor,
    wait,
)
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import replace
from threading import Event

from pyama.errors import PyamaError
from pyama.processing.cancelling import CancelEvent
from pyama.processing.executors.local import Workers, open_workers
from pyama.processing.executors.messages import DIED
from pyama.processing.recipes import FovContexts, no_reader
from pyama.processing.runner import Watcher
from pyama.processing.step_reports import UNFINISHED, FovStepReport, Status, StepReports
from pyama.processing.workflow.worker import COPYING, run_steps, worker_result

logger = logging.getLogger(__name__)

UpdateProgress = Callable[[int, int, str], None]


class Window:
    """The fields of view of a run, from the one that is copied next to those that have ended.

    Args:
        contexts: The fields of view.
        fovs: 0-based indices of those to process, in this order.
        cancel_event: Stops the work within a frame.
        watch: Called after every item.
        update: Called with `(successful, failed, message)` when a field of view has ended.
    """

    def __init__(
        self,
        contexts: FovContexts,
        fovs: Sequence[int],
        cancel_event: CancelEvent,
        watch: Watcher | None,
        update: UpdateProgress,
    ) -> None:
        self._contexts, self._params = contexts, contexts.config.params
        self._cancel_event, self._watch, self._update = cancel_event, watch, update
        self._left, self._copied = deque(fovs), deque[int]()
        self._copying: dict[Future[StepReports], int] = {}  # one at a time
        self._working: dict[Future[StepReports], int] = {}
        self._reports: dict[int, list[FovStepReport]] = {fov: [] for fov in fovs}

    def run(self, executor: str = "threads") -> StepReports:
        """Process the fields of view.

        Args:
            executor: See `open_workers`.

        Returns:
            The reports of their steps, in order. If the run was cancelled, fields of view that
            had not begun are left out.
        """
        config, output_dir = self._contexts.config, self._contexts.output_dir
        with (
            open_workers(
                executor, config, output_dir, self._cancel_event, self._watch
            ) as workers,
            ThreadPoolExecutor(1, "pyama copying") as copier,
            self._stopping_at_an_interrupt(),
        ):
            while running := self._begin(workers, copier):
                for future in wait(running, return_when=FIRST_COMPLETED).done:
                    self._end(future)
        return StepReports(tuple(entry for part in self._reports.values() for entry in part))

    def _begin(
        self, workers: Workers, copier: ThreadPoolExecutor
    ) -> list[Future[StepReports]]:
        """Begin what may begin now, and return everything that is running."""
        n = self._params.n_workers
        while self._copied and len(self._working) < n:
            fov = self._copied.popleft()
            context = replace(self._contexts[fov], reader=no_reader)
            self._working[workers.submit(run_steps, context)] = fov
        is_room = len(self._copied) < self._params.batch_size
        is_core = n > 1 or not self._working  # a single worker is a single core
        if self._left and not self._copying and is_room and is_core:
            fov = self._left.popleft()
            asked = self._contexts[fov], self._cancel_event, self._watch, COPYING
            self._copying[copier.submit(run_steps, *asked)] = fov
        return [*self._copying, *self._working]

    def _end(self, future: Future[StepReports]) -> None:
        """Take the reports of what has ended; after a cancelled step nothing else begins."""
        is_copied = future in self._copying
        fov = (self._copying if is_copied else self._working).pop(future)
        report = _report(future, fov)
        self._reports[fov] += report
        if report.cancelled:
            self._left.clear()
            self._copied.clear()
        if is_copied and not self._params.copy_only and not report.with_status(*UNFINISHED):
            self._copied.append(fov)
        else:
            self._update(*worker_result([fov], report)[1:])

    @contextmanager
    def _stopping_at_an_interrupt(self) -> Iterator[None]:
        """Stop the workers within a frame if Ctrl-C interrupts the waiting thread."""
        try:
            yield
        except KeyboardInterrupt:
            if isinstance(self._cancel_event, Event):
                self._cancel_event.set()
            raise


def _report(future: Future[StepReports], fov: int) -> StepReports:
    """Return the reports of a field of view, also if its worker has died."""
    try:
        return future.result()
    except (BrokenExecutor, PyamaError) as error:
        message = DIED if isinstance(error, BrokenProcessPool) else str(error)
        logger.error("FOV %d: %s", fov, message)  # noqa: TRY400
        return StepReports((FovStepReport("start", fov, Status.FAILED, message),))
