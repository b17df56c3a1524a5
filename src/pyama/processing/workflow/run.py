"""A run: from a recording to an output folder."""

import logging
import threading
from collections.abc import Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from operator import index
from pathlib import Path

from pyama import layout
from pyama.config import ProcessingConfig
from pyama.derived_sizes import with_derived
from pyama.metadata import MicroscopyMetadata, frame_times
from pyama.processing.cancelling import CancelEvent
from pyama.processing.executors.local import check_executor
from pyama.processing.methods import with_own_params
from pyama.processing.plugin_digest import keep_fingerprints
from pyama.processing.plugin_targets import load_installed_plugins, load_named_plugins
from pyama.processing.recipes import FovContexts
from pyama.processing.record import write_record
from pyama.processing.runner import Watcher
from pyama.processing.step_reports import StepReports
from pyama.processing.workflow.disk_space import check_space
from pyama.processing.workflow.inspected_results import refuse_to_replace
from pyama.processing.workflow.overwriting import earlier_record, remove_results, removed_fovs
from pyama.processing.workflow.preconditions import check_config, check_fovs, check_scratch
from pyama.processing.workflow.recording import (
    open_once,
    open_source,
    record_run,
    record_steps,
    selected_for,
    source_metadata,
)
from pyama.processing.workflow.run_report import RunReport
from pyama.processing.workflow.services import (
    BackgroundEstimationService,
    CachingService,
    CopyingService,
    CroppingService,
    ExtractionService,
    SegmentationService,
    TrackingService,
    with_params,
)
from pyama.processing.workflow.window import UpdateProgress, Window
from pyama.processing.workflow.worker import _split_worker_ranges, run_single_worker
from pyama.readers import Reader
from pyama.store import FovStore, fovs_in, lock_fovs, path_in_errors, remove_temporaries
from pyama.store.lock import DEAD_AFTER_SECONDS, HEARTBEAT_SECONDS

__all__ = [
    "BackgroundEstimationService",
    "CachingService",
    "CopyingService",
    "CroppingService",
    "ExtractionService",
    "RunReport",
    "SegmentationService",
    "TrackingService",
    "_split_worker_ranges",
    "cleanup_partial_results",
    "process",
    "run_batch",
    "run_single_worker",
    "run_workflow",
    "update_progress",
]

logger = logging.getLogger(__name__)

STALE_SECONDS = DEAD_AFTER_SECONDS - HEARTBEAT_SECONDS
"""Temporary files of a run whose lock was taken over are older than this."""


def update_progress(successful: int, failed: int, message: str) -> None:
    """Log how a field of view ended; the default of `run_batch`."""
    logger.info("%d finished, %d failed: %s", successful, failed, message)


def run_workflow(
    source: Path | str | Reader,
    config: ProcessingConfig,
    output_dir: Path | str,
    fovs: Sequence[int] | None = None,
    cancel_event: CancelEvent | None = None,
    *,
    redo: bool = False,
) -> bool:
    """Process a recording; see `process`.

    Returns:
        True if everything is finished; False if the run was cancelled or something failed.
    """
    report = process(source, config, output_dir, fovs, cancel_event=cancel_event, redo=redo)
    return report.succeeded


@keep_fingerprints()
def process(
    source: Path | str | Reader,
    config: ProcessingConfig,
    output_dir: Path | str,
    fovs: Sequence[int] | None = None,
    *,
    cancel_event: CancelEvent | None = None,
    overwrite: bool = False,
    watch: Watcher | None = None,
    update: UpdateProgress = update_progress,
    executor: str = "threads",
    planned: FovContexts | None = None,
    redo: bool = False,
    scratch: Path | str | None = None,
) -> RunReport:
    """Process a recording. Finished outputs are not made again.

    Args:
        source: A microscope file, or an open recording. If the file is gone, everything that
            an earlier run has copied into the output folder can still be processed.
        config: Channels and parameters.
        output_dir: The output folder; created if it does not exist.
        fovs: 0-based indices of fields of view; None is all.
        cancel_event: Stops the run within a frame; unfinished outputs are removed.
        overwrite: Remove the results of these fields of view first; if the folder belongs to
            another recording, all of it. Tables and a report that were made from them are
            moved to the folder `superseded`.
        watch: Called after every item, from several threads.
        update: Called with `(successful, failed, message)` when a field of view has ended.
        executor: `threads`, `processes`, `dask` or the address of a Dask scheduler, see
            `pyama.processing.executors.local.open_workers`.
        planned: Fields of view whose recipes are known from a plan. They are used if recording
            and configuration are still the same.
        redo: Whether results that a person has inspected may be replaced. Corrections are
            carried over to the new traces where masks overlap.
        scratch: A fast folder of every computer of the run, in which outputs are made first.

    Returns:
        What was done. Errors in single fields of view are reported here, not raised.

    Raises:
        ConfigError: The configuration does not fit the recording, the folder belongs to
            another recording, or the executor is unknown.
        InspectedError: The run would replace inspected results, and `redo` is False.
        ReaderError: The file cannot be read.
        LockedError: Another run is working on one of the fields of view.
        StoreError: The output folder cannot be written, or the disk has too little space.
        PluginError: A custom function cannot be imported by other processes.
    """
    check_executor(executor)
    scratch = check_scratch(scratch)
    load_installed_plugins()
    output_dir = Path(output_dir)
    started = datetime.now(UTC)
    cancel_event = threading.Event() if cancel_event is None else cancel_event
    with path_in_errors(output_dir):
        record = earlier_record(output_dir, overwrite=overwrite)
    with ExitStack() as stack:
        reader = open_source(stack, source, config, None if overwrite else record)
        metadata, messages = source_metadata(
            reader, source, record, output_dir, config.params.frames, overwrite=overwrite
        )
        requested = range(metadata.n_fovs) if fovs is None else fovs
        selected = tuple(dict.fromkeys(map(index, requested)))
        check_config(metadata, config, selected)
        config = with_own_params(with_derived(config, metadata))
        reading = open_once(stack, metadata, config, reader)
        is_known = planned is not None and planned.fits(metadata, config)
        known = planned.compute_recipes(selected) if planned and is_known else None
        contexts = FovContexts(
            metadata, config, output_dir, reading, known, check_scratch(scratch)
        )
        contexts.compute_recipes(selected)  # reads the files that methods depend on
        old = removed_fovs(output_dir, record, metadata, selected) if overwrite else []
        is_same = record is not None and record.metadata.identity == metadata.identity
        messages += _prepared(
            stack, contexts, selected, old, cancel_event, is_same_recording=is_same, redo=redo
        )
        window = Window(contexts, selected, cancel_event, watch, update)
        try:
            steps = window.run(executor)
        finally:
            if cancel_event.is_set():
                cleanup_partial_results(output_dir, selected)
        report = RunReport(
            output_dir,
            selected,
            steps,
            cancel_event.is_set(),
            tuple(messages),
            metadata,
            frame_times(metadata, config.params, 0)[1],
        )
        return record_run(report, config, started)


def _prepared(
    stack: ExitStack,
    contexts: FovContexts,
    fovs: Sequence[int],
    old: Sequence[int],
    cancel_event: CancelEvent,
    *,
    is_same_recording: bool,
    redo: bool,
) -> list[str]:
    """Lock the fields of view, remove old results; return messages for the user."""
    output_dir, locked = contexts.output_dir, sorted({*fovs, *old})
    with path_in_errors(output_dir):
        output_dir.mkdir(parents=True, exist_ok=True)
    messages = check_space(contexts, fovs, overwrite=bool(old))
    with path_in_errors(output_dir):
        messages += stack.enter_context(lock_fovs(output_dir, locked, cancel_event.is_set))
        if not redo:
            refuse_to_replace(contexts, fovs, removed=old)
        messages += remove_results(output_dir, old, is_same_recording=is_same_recording)
    _tidy(output_dir, fovs)
    write_record(output_dir, contexts.metadata, contexts.config)
    return messages


@keep_fingerprints()
def run_batch(
    fov_batch: Sequence[int],
    config: ProcessingConfig,
    n_workers: int,
    metadata: MicroscopyMetadata,
    output_dir: Path,
    cancel_event: CancelEvent | None = None,
    update_progress: UpdateProgress = update_progress,
    *,
    redo: bool = False,
) -> StepReports:
    """Copy fields of view, process them on workers, make previews, and write the record.

    Args:
        fov_batch: 0-based indices; exactly these are processed.
        config: Of the run.
        n_workers: How many are processed at the same time.
        metadata: Of the recording.
        output_dir: The output folder.
        cancel_event: Stops the work within a frame.
        update_progress: Called with `(successful, failed, message)` after each of them.
        redo: Whether results that a person has inspected may be replaced.

    Returns:
        One report per step and field of view.

    Raises:
        ConfigError: There is no such field of view, a parameter is wrong, or the folder
            belongs to another recording.
        InspectedError: Inspected results would be replaced, and `redo` is False.
        LockedError: Another run is working on one of the fields of view.
    """
    started, output_dir = datetime.now(UTC), Path(output_dir)
    fovs = list(dict.fromkeys(map(index, fov_batch)))
    config = with_derived(config, metadata)
    config = with_params(config, n_workers=n_workers, batch_size=max(1, len(fovs)))
    # Without an event an interrupt would not reach the workers.
    cancel_event = threading.Event() if cancel_event is None else cancel_event
    check_fovs(metadata, fovs)
    metadata = selected_for(metadata, config, output_dir)
    load_named_plugins(config)
    with ExitStack() as stack:
        with path_in_errors(output_dir):
            stack.enter_context(lock_fovs(output_dir, sorted(fovs), cancel_event.is_set))
        reader = open_once(stack, metadata, config)
        contexts = FovContexts(metadata, config, output_dir, reader)
        contexts.compute_recipes(fovs)  # reads the files that methods depend on
        if not redo:
            refuse_to_replace(contexts, fovs)
        report = Window(contexts, fovs, cancel_event, None, update_progress).run()
        record_steps(output_dir, metadata, config, report, started)
        return report


def cleanup_partial_results(output_dir: Path, fovs: Sequence[int] | None = None) -> list[str]:
    """Remove outputs that were not finished; finished ones stay.

    Args:
        output_dir: The output folder.
        fovs: 0-based indices; None is all that exist.

    Returns:
        Names of the outputs that were removed, such as `fov_000/seg_labeled_ch_0/0`.
    """
    return [
        f"{layout.fov_dir(fov)}/{name}"
        for fov in (fovs_in(Path(output_dir)) if fovs is None else fovs)
        for name in FovStore(output_dir, fov).clean_up()
    ]


def _tidy(output_dir: Path, fovs: Sequence[int]) -> None:
    """Remove what killed runs left behind. A failure is only logged: no step needs it."""
    try:
        remove_temporaries(output_dir, STALE_SECONDS)
        cleanup_partial_results(output_dir, fovs)
    except OSError as error:
        logger.warning("Unfinished outputs of an earlier run cannot be removed: %s", error)
