"""A run in a thread of its own: start, state, cancellation, log and summary."""

import logging
import threading
import time
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import wait as wait_for
from typing import Any

from pyama.fov_ranges import fovs_text
from pyama.processing.workflow.inspected_results import refuse_inspected
from pyama.processing.workflow.planned_steps import replaced_outputs
from pyama.processing.workflow.run import process
from pyama.runs.log import Listen, write_log
from pyama.runs.plan import pending_outputs, plan_run
from pyama.runs.progress import ProgressEstimator
from pyama.runs.request import PreparedRun
from pyama.runs.summary import summary, summary_lines
from pyama.sentences import count_text
from pyama.version import __version__

logger = logging.getLogger(__name__)


class ActiveRun:
    """A run in a thread of its own.

    Args:
        prepared: The run.
        listen: Is given every log record.
        executor: How fields of view are processed at the same time, see `process`.

    Raises:
        InspectedError: The run would replace inspected results and was not allowed to.
    """

    def __init__(
        self, prepared: PreparedRun, listen: Listen, executor: str = "threads"
    ) -> None:
        self.prepared = prepared
        plans = plan_run(prepared, with_files=False)
        self._may_replace = prepared.redo or bool(
            refuse_inspected(prepared.output, plans, prepared.removed, prepared.confirmed)
        )
        self.opening = opening_lines(prepared, replaced_outputs(plans))
        self.estimator = ProgressEstimator(
            pending_outputs(plans, prepared.config), prepared.metadata.n_frames
        )
        self._listen = listen
        self._executor = executor
        self._cancel = threading.Event()
        self._started = time.monotonic()
        self._seconds: float | None = None
        self._future: Future[dict[str, Any]] | None = None

    def start(self) -> None:
        """Begin."""
        self._started = time.monotonic()
        self._future = ThreadPoolExecutor(1, "pyama run").submit(self._work)

    def cancel(self) -> None:
        """Stop after the current frame; finished outputs are kept."""
        self._cancel.set()

    @property
    def is_cancelled(self) -> bool:
        """Whether it was asked to stop."""
        return self._cancel.is_set()

    def wait(self, seconds: float | None = None) -> bool:
        """Wait until the run has ended, at most for some seconds; return whether it has."""
        assert self._future is not None  # noqa: S101 (started)
        return bool(wait_for([self._future], seconds).done)

    @property
    def has_ended(self) -> bool:
        """Whether the run has ended."""
        return self._future is not None and self._future.done()

    @property
    def seconds(self) -> float:
        """Wall time so far, or until the run ended."""
        if self._seconds is not None:
            return self._seconds
        return time.monotonic() - self._started

    def error(self) -> BaseException | None:
        """Return the exception that ended the run; None if it ended with a summary."""
        assert self._future is not None  # noqa: S101 (started)
        return self._future.exception()

    def summary(self) -> dict[str, Any]:
        """Return what the run has done, see `pyama.runs.summary.summary`.

        Raises:
            PyamaError: The run could not go on.
        """
        assert self._future is not None  # noqa: S101 (started)
        return self._future.result()

    def _work(self) -> dict[str, Any]:
        run = self.prepared
        try:
            with write_log(run.output, self._listen):
                logger.info("%s", "\n".join([f"pyama {__version__}", *self.opening]))
                report = process(
                    run.file,
                    run.config,
                    run.output,
                    run.fovs,
                    cancel_event=self._cancel,
                    overwrite=run.overwrite,
                    watch=self.estimator.watch,
                    update=self.estimator.update,
                    executor=self._executor,
                    planned=run.contexts,
                    redo=self._may_replace,
                    scratch=run.scratch,
                )
                counts = summary(report, run.config, self.seconds)
                logger.info("%s", "\n".join(summary_lines(counts)))
                return counts
        finally:
            self._seconds = time.monotonic() - self._started


def opening_lines(run: PreparedRun, replaced: Sequence[str]) -> list[str]:
    """Return what a user should know when a run begins.

    Args:
        run: The run.
        replaced: Finished results that are made again, see `replaced_outputs`.
    """
    metadata, channels = run.metadata, run.config.channels
    names = metadata.channel_names
    pc = "none" if channels.pc is None else _named(names, channels.pc.channel)
    fl = ", ".join(_named(names, entry.channel) for entry in channels.fl) or "none"
    heading = (
        f"{metadata.path.name}: {len(run.fovs)} of {count_text(metadata.n_fovs, 'FOV')}, "
        f"{count_text(metadata.n_frames, 'frame')} each. Phase contrast: {pc}. Fluorescence: "
        f"{fl}."
    )
    return [heading, *(f"Note: {text}" for text in run_notes(run, replaced))]


def run_notes(run: PreparedRun, replaced: Sequence[str]) -> list[str]:
    """Return what a user should know before a run, in sentences; see `opening_lines`."""
    notes = list(run.notes)
    if run.removed:
        notes.append(f"The results of FOV {fovs_text(run.removed)} are removed first.")
    return notes + [f"These results are made again: {text}" for text in replaced]


def _named(names: tuple[str, ...], channel: int) -> str:
    return f"{channel} {names[channel]}"
