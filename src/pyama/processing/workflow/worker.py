"""The work of one worker: steps on a field of view, one after the other."""

import logging
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial
from itertools import pairwise
from operator import index
from pathlib import Path

from pyama.config import ProcessingConfig
from pyama.errors import PyamaError, message_of
from pyama.metadata import MicroscopyMetadata
from pyama.processing.cancelling import CancelEvent
from pyama.processing.executors.pickled_plugins import has_plugins
from pyama.processing.fov import FovContext
from pyama.processing.plugin_digest import keep_fingerprints
from pyama.processing.plugin_targets import load_named_plugins
from pyama.processing.recipes import FovContexts
from pyama.processing.runner import Watcher, run_jobs
from pyama.processing.step_reports import (
    UNFINISHED,
    FovStepReport,
    Status,
    StepReports,
    join_reports,
)
from pyama.processing.steps import STEPS, Step
from pyama.processing.workflow.inspected_results import refuse_to_replace
from pyama.processing.workflow.preconditions import check_fovs
from pyama.processing.workflow.recording import record_steps, selected_for

COPYING, AFTER_COPYING = STEPS[:1], STEPS[1:]
"""Only copying reads the recording."""

UNUSABLE = PyamaError, TypeError, ValueError, AttributeError
"""The builtin ones arise where an argument is of a wrong type, such as no metadata."""

WorkerResult = tuple[Sequence[int], int, int, str]

logger = logging.getLogger(__name__)


def run_steps(
    context: FovContext,
    cancel_event: CancelEvent | None = None,
    watch: Watcher | None = None,
    steps: Sequence[Step] = AFTER_COPYING,
) -> StepReports:
    """Run steps on a field of view, until one fails or is cancelled.

    Args:
        context: The field of view.
        cancel_event: Stops the work within a frame.
        watch: Called after every item.
        steps: The steps, in order.

    Returns:
        One report per step; nothing is raised for what goes wrong in one.
    """
    config = context.config
    limit = config.params.plugin_timeout if has_plugins(config) else None
    reports: list[FovStepReport] = []
    for step in steps:
        reason = step.skipped(config)
        if reason is None:
            jobs = partial(step.jobs, context)
            report = run_jobs(step.name, context.fov, jobs, cancel_event, watch, limit)
            reports.append(report)
            if report.status in UNFINISHED:
                break
        elif not step.is_on_request:
            level = logging.INFO if step.is_optional else logging.WARNING
            logger.log(level, "FOV %d: %s skipped: %s", context.fov, step.name, reason)
            reports.append(FovStepReport(step.name, context.fov, Status.SKIPPED, reason))
    return StepReports(tuple(reports))


def worker_result(fovs: Sequence[int], report: StepReports) -> WorkerResult:
    """Return how fields of view ended, see `run_single_worker`."""
    if report.cancelled:
        return fovs, 0, len(fovs), "Cancelled"
    failed = report.with_status(Status.FAILED)  # at most one of each, see `run_steps`
    message = "; ".join(map(str, failed)) or "Completed"
    return fovs, len(fovs) - len(failed), len(failed), message


@keep_fingerprints()
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

    Args:
        fovs: 0-based indices; exactly these are processed.
        metadata: Of the recording.
        config: Of the run.
        output_dir: The output folder, into which the fields of view were copied.
        cancel_event: Stops the work within a frame.
        watch: Called after every item.
        redo: Whether results that a person has inspected may be replaced.

    Returns:
        `(fovs, successful, failed, message)`: how many fields of view ended well, how many
        did not, and `Completed`, `Cancelled` or what went wrong.
    """
    started, steps = datetime.now(UTC), AFTER_COPYING[:-1]  # without the remaining previews
    try:
        numbers = [index(fov) for fov in fovs]  # numbers of NumPy would not go into recipes
        check_fovs(metadata, numbers)
        metadata = selected_for(metadata, config, Path(output_dir))
        load_named_plugins(config)
        contexts = FovContexts(metadata, config, output_dir)
        if not redo:
            refuse_to_replace(contexts, numbers, steps)
        report = join_reports(
            run_steps(contexts[fov], cancel_event, watch, steps) for fov in numbers
        )
        record_steps(Path(output_dir), metadata, config, report, started)
    except UNUSABLE as error:
        return fovs, 0, len(fovs), message_of(error)
    return worker_result(fovs, report)


def _split_worker_ranges(fovs: Sequence[int], n_workers: int) -> list[list[int]]:
    """Split fields of view into at most `n_workers` ranges of nearly equal length.

    For scripts that call `run_single_worker` with ranges, as the reference does.
    """
    n = min(n_workers, len(fovs))
    bounds = [len(fovs) * i // n for i in range(n + 1)] if n else [0]
    return [list(fovs[a:b]) for a, b in pairwise(bounds)]
