"""The work of one worker: a step, or all steps after copying, on some fields of view."""

import logging
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from operator import index
from pathlib import Path
from typing import Any, Self

from pyama.config import ProcessingConfig
from pyama.errors import PyamaError, message_of
from pyama.metadata import MicroscopyMetadata
from pyama.processing.cancelling import CancelEvent
from pyama.processing.executors.pickled_plugins import has_plugins
from pyama.processing.plugin_digest import keep_fingerprints
from pyama.processing.plugin_targets import load_named_plugins
from pyama.processing.recipes import FovContexts, Recipes
from pyama.processing.runner import Job, Watcher, run_jobs
from pyama.processing.step_reports import FovStepReport, Status, StepReports
from pyama.processing.steps import STEPS, Step
from pyama.processing.workflow.inspected_results import refuse_to_replace
from pyama.processing.workflow.preconditions import check_fovs
from pyama.processing.workflow.recording import record_steps, selected_for

WORKER_STEPS = STEPS[1:-1]
"""All steps but copying, which reads the recording, and the remaining previews."""

UNUSABLE = PyamaError, TypeError, ValueError, AttributeError
"""The builtin ones arise where an argument is of a wrong type, such as no metadata."""

logger = logging.getLogger(__name__)


class WorkerResult(tuple[Sequence[int], int, int, str]):
    """`(fovs, successful, failed, message)`, with the reports of every step.

    Attributes:
        reports: One per step and field of view.
    """

    reports: tuple[FovStepReport, ...]

    def __new__(
        cls,
        result: tuple[Sequence[int], int, int, str],
        reports: Sequence[FovStepReport] = (),
    ) -> Self:
        """Return the tuple with `reports` attached."""
        made = super().__new__(cls, result)
        made.reports = tuple(reports)
        return made

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (tuple(self), self.reports)


def run_step(
    step: Step,
    contexts: FovContexts,
    fovs: Sequence[int],
    cancel_event: CancelEvent | None = None,
    watch: Watcher | None = None,
) -> StepReports:
    """Run one step on fields of view, one after the other.

    Args:
        step: The step.
        contexts: The fields of view of the run.
        fovs: 0-based indices; exactly these are processed.
        cancel_event: Stops the work within a frame.
        watch: Called after every item.

    Returns:
        One report per field of view; nothing is raised for what goes wrong in one.
    """
    config = contexts.config
    reason = step.skipped(config)
    if reason is not None:
        return _skipped(step, fovs, reason)
    limit = config.params.plugin_timeout if has_plugins(config) else None
    reports = []
    for fov in fovs:
        jobs = partial(_jobs, step, contexts, fov)
        reports.append(run_jobs(step.name, fov, jobs, cancel_event, watch, limit))
    return StepReports(tuple(reports))


def _skipped(step: Step, fovs: Sequence[int], reason: str) -> StepReports:
    if step.is_on_request:
        return StepReports(())
    level = logging.INFO if step.is_optional else logging.WARNING
    for fov in fovs:
        logger.log(level, "FOV %d: %s skipped: %s", fov, step.name, reason)
    return StepReports(
        tuple(FovStepReport(step.name, fov, Status.SKIPPED, reason) for fov in fovs)
    )


def _jobs(step: Step, contexts: FovContexts, fov: int) -> Iterator[Job]:
    return step.jobs(contexts[fov])


def run_single_worker(
    fovs: Sequence[int],
    metadata: MicroscopyMetadata,
    config: ProcessingConfig,
    output_dir: Path,
    cancel_event: CancelEvent | None = None,
    watch: Watcher | None = None,
    *,
    redo: bool = False,
) -> WorkerResult:
    """Run steps 2 to 6 on fields of view and write the record. Never raises.

    Nothing is done where results would be replaced that a person has inspected, unless `redo`
    is True.

    Returns:
        See `work`.
    """
    started = datetime.now(UTC)
    try:
        metadata = selected_for(metadata, config, Path(output_dir))
        result = work(fovs, metadata, config, output_dir, cancel_event, watch, redo=redo)
        report = StepReports(result.reports)
        record_steps(Path(output_dir), metadata, config, report, started)
    except UNUSABLE as error:
        return _failed(fovs, message_of(error))
    return result


@keep_fingerprints()
def work(
    fovs: Sequence[int],
    metadata: MicroscopyMetadata,
    config: ProcessingConfig,
    output_dir: Path,
    cancel_event: CancelEvent | None = None,
    watch: Watcher | None = None,
    known: Mapping[int, Recipes] | None = None,
    *,
    redo: bool = True,
) -> WorkerResult:
    """Run the steps from registration to extraction on fields of view. Never raises.

    A field of view that fails in one step is left out of the next ones.

    Args:
        fovs: 0-based indices; exactly these are processed.
        metadata: Of the recording.
        config: Of the run.
        output_dir: The output folder, into which the fields of view were copied.
        cancel_event: Stops the work within a frame.
        watch: Called after every item.
        known: Recipes that are known already, by field of view.
        redo: Whether results that a person has inspected may be replaced.

    Returns:
        `(fovs, successful, failed, message)`: how many fields of view ended well, how many
        did not, and `Completed`, `Cancelled` or what went wrong.
    """
    reports: list[FovStepReport] = []
    failed: dict[int, str] = {}
    try:
        numbers = [index(fov) for fov in fovs]  # numbers of NumPy would not go into recipes
        check_fovs(metadata, numbers)
        load_named_plugins(config)
        contexts = FovContexts(metadata, config, output_dir, known=known)
        if not redo:
            refuse_to_replace(contexts, numbers, WORKER_STEPS)
        for step in WORKER_STEPS:
            sound = [fov for fov in numbers if fov not in failed]
            report = run_step(step, contexts, sound, cancel_event, watch)
            reports += report
            if report.cancelled:
                return WorkerResult((fovs, 0, len(fovs), "Cancelled"), reports)
            failed |= {bad.fov: str(bad) for bad in report.with_status(Status.FAILED)}
    except UNUSABLE as error:
        return _failed(fovs, message_of(error), reports)
    message = "; ".join(failed.values()) or "Completed"
    return WorkerResult((fovs, len(fovs) - len(failed), len(failed), message), reports)


def _failed(
    fovs: Sequence[int], message: str, reports: Sequence[FovStepReport] = ()
) -> WorkerResult:
    bad = [FovStepReport("start", fov, Status.FAILED, message) for fov in fovs]
    return WorkerResult((fovs, 0, len(fovs), message), [*reports, *bad])
