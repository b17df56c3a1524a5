"""From a recording to an output folder."""

import logging
import threading
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from operator import index
from pathlib import Path

from pyama import layout
from pyama.config import ProcessingConfig
from pyama.errors import ConfigError, StoreError
from pyama.metadata import MicroscopyMetadata, frame_times
from pyama.processing.disk_space import check_space
from pyama.processing.executors.local import check_executor
from pyama.processing.methods import with_own_params
from pyama.processing.plugin_digest import steady_fingerprints
from pyama.processing.plugin_targets import load_installed_plugins
from pyama.processing.record import Record, read_record, write_record, write_run
from pyama.processing.runner import CancelEvent, Watcher
from pyama.processing.step_reports import FovReport, Status, StepReport
from pyama.processing.workflow.batches import Batches, UpdateProgress, _split_worker_ranges
from pyama.processing.workflow.preconditions import check, check_planes
from pyama.processing.workflow.services import (
    BackgroundEstimationService,
    CachingService,
    CopyingService,
    CroppingService,
    ExtractionService,
    SegmentationService,
    TrackingService,
    check_fovs,
    with_params,
)
from pyama.processing.workflow.worker import run_single_worker
from pyama.readers import Reader
from pyama.readers.steady import SteadyReader
from pyama.store import FovStore, locked, naming, remove_temporaries

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
    "check",
    "cleanup_partial_results",
    "process",
    "run_batch",
    "run_single_worker",
    "run_workflow",
    "update_progress",
]

logger = logging.getLogger(__name__)

STALE_SECONDS = 60.0
"""Older temporary files beside the fields of view were left by a run that was killed."""


def update_progress(successful: int, failed: int, message: str) -> None:
    """Log what one worker has finished; the default of `run_batch`."""
    logger.info("%d finished, %d failed: %s", successful, failed, message)


@dataclass(frozen=True)
class RunReport:
    """How a run ended.

    Attributes:
        output_dir: The output folder.
        fovs: 0-based indices of the fields of view that were asked for.
        steps: One report per step and field of view.
        cancelled: Whether the run was stopped on request.
        messages: What the user should know besides, in sentences.
        metadata: Of the recording.
        time_source: Where the time of every frame comes from.
    """

    output_dir: Path
    fovs: tuple[int, ...]
    steps: StepReport
    cancelled: bool
    messages: tuple[str, ...]
    metadata: MicroscopyMetadata
    time_source: str

    @property
    def failed_fovs(self) -> list[int]:
        """Fields of view in which a step other than caching failed."""
        return sorted({report.fov for report in self.failures})

    @property
    def failures(self) -> list[FovReport]:
        """Reports of failed steps; caching is never one, as nothing depends on it."""
        failed = self.steps.having(Status.FAILED)
        return [report for report in failed if report.step != CachingService.name]

    @property
    def status(self) -> str:
        """`finished`, `failed` or `cancelled`."""
        if self.cancelled:
            return "cancelled"
        return "failed" if self.failures else "finished"

    @property
    def succeeded(self) -> bool:
        """Whether everything that was asked for is finished."""
        return self.status == "finished"


def run_workflow(
    source: Path | str | Reader,
    config: ProcessingConfig,
    output_dir: Path | str,
    fovs: Sequence[int] | None = None,
    cancel_event: CancelEvent | None = None,
) -> bool:
    """Process a recording; see `process`.

    Returns:
        True if everything is finished; False if the run was cancelled or something failed.
    """
    return process(source, config, output_dir, fovs, cancel_event=cancel_event).succeeded


@steady_fingerprints()
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
) -> RunReport:
    """Process a recording. What is finished already is not done again.

    Args:
        source: A microscope file, or an open recording. Where the file is gone, the output
            folder of an earlier run is enough for everything that was copied.
        config: Channels and parameters.
        output_dir: Where the results go; made if it is not there.
        fovs: 0-based indices of fields of view; None is all.
        cancel_event: Stops the run within a frame; unfinished outputs are removed.
        overwrite: Remove the results of another recording from the folder first.
        watch: Called after every item, from several threads.
        update: Called with `(successful, failed, message)` when a worker has ended.
        executor: `threads`, `processes`, `dask` or the address of a Dask scheduler, see
            `pyama.processing.executors.local.open_workers`.

    Returns:
        What happened. Faults in a field of view are reported here, not raised.

    Raises:
        ConfigError: The configuration does not fit the recording, the folder belongs to
            another recording, or there is no such executor.
        ReaderError: The file cannot be read.
        LockedError: Another run is working on one of the fields of view.
        StoreError: The output folder cannot be written, or has far too little room.
        PluginError: A custom function cannot travel to other processes.
    """
    check_executor(executor)
    load_installed_plugins()
    output_dir = Path(output_dir)
    started = datetime.now(UTC)
    cancel_event = threading.Event() if cancel_event is None else cancel_event
    with naming(output_dir):
        record = None if overwrite else read_record(output_dir)
    with ExitStack() as stack:
        reader = _opened(stack, source, config, record)
        metadata, messages = _described(reader, source, record)
        asked_for = range(metadata.n_fovs) if fovs is None else fovs
        selected = tuple(dict.fromkeys(map(index, asked_for)))
        check(metadata, config, selected)
        config = with_own_params(config)
        with naming(output_dir):
            output_dir.mkdir(parents=True, exist_ok=True)
        messages += check_space(metadata, config, output_dir, selected, overwrite=overwrite)
        old = _fovs_in(output_dir) if overwrite else []
        with naming(output_dir):
            messages += stack.enter_context(locked(output_dir, sorted({*selected, *old})))
        for fov in old:
            FovStore(output_dir, fov).discard()
        _tidy(output_dir, selected)
        write_record(output_dir, metadata, config)
        run = Batches(
            reader, metadata, config, output_dir, cancel_event, watch, update, executor
        )
        try:
            steps = run.run(selected)
        finally:
            if cancel_event.is_set():
                cleanup_partial_results(output_dir, selected)
        time_source = frame_times(metadata, config.params, 0)[1]
        cancelled = cancel_event.is_set()
        report = RunReport(
            output_dir, selected, steps, cancelled, tuple(messages), metadata, time_source
        )
        try:
            status = report.status
            write_run(output_dir, metadata, config, steps, started=started, status=status)
        except StoreError as error:
            if not report.failures:
                raise
            # What failed first says more.
            report = replace(report, messages=(*report.messages, str(error)))
    return report


@steady_fingerprints()
def run_batch(
    fov_batch: Sequence[int],
    config: ProcessingConfig,
    n_workers: int,
    metadata: MicroscopyMetadata,
    output_dir: Path,
    cancel_event: CancelEvent | None = None,
    update_progress: UpdateProgress = update_progress,
) -> StepReport:
    """Copy fields of view in sequence, process them on workers, then make previews.

    Args:
        fov_batch: 0-based indices; exactly these are processed.
        config: Of the run.
        n_workers: How many are processed at the same time.
        metadata: Of the recording.
        output_dir: The output folder.
        cancel_event: Stops the work within a frame.
        update_progress: Called with `(successful, failed, message)` when a worker has ended.

    Returns:
        One report per step and field of view.

    Raises:
        ConfigError: There is no such field of view, or a parameter is wrong.
        LockedError: Another run is working on one of the fields of view.
    """
    fovs = list(dict.fromkeys(map(index, fov_batch)))
    config = with_params(config, n_workers=n_workers, batch_size=max(1, len(fovs)))
    # Without an event an interrupt could not be handed on to the workers.
    cancel_event = threading.Event() if cancel_event is None else cancel_event
    check_fovs(metadata, fovs)
    output_dir = Path(output_dir)
    with ExitStack() as stack:
        with naming(output_dir):
            stack.enter_context(locked(output_dir, sorted(fovs)))
        return Batches(
            None, metadata, config, output_dir, cancel_event, None, update_progress
        ).run(fovs)


def cleanup_partial_results(output_dir: Path, fovs: Sequence[int] | None = None) -> list[str]:
    """Remove outputs that were not finished; finished ones stay.

    Args:
        output_dir: The output folder.
        fovs: 0-based indices; None is all that are there.

    Returns:
        Names of what was removed, such as `fov_000/seg_labeled_ch_0/0`.
    """
    return [
        f"{layout.fov_dir(fov)}/{name}"
        for fov in (_fovs_in(Path(output_dir)) if fovs is None else fovs)
        for name in FovStore(output_dir, fov).clean_up()
    ]


def _tidy(output_dir: Path, fovs: Sequence[int]) -> None:
    """Remove what killed runs left; a step that this is in the way of says so itself."""
    try:
        remove_temporaries(output_dir, STALE_SECONDS)
        cleanup_partial_results(output_dir, fovs)
    except OSError as error:
        logger.warning("What an earlier run left unfinished could not be removed: %s", error)


def _fovs_in(output_dir: Path) -> list[int]:
    found = (layout.parse_fov(path.name) for path in output_dir.glob("fov_*"))
    return sorted(fov for fov in found if fov is not None)


def _opened(
    stack: ExitStack,
    source: Path | str | Reader,
    config: ProcessingConfig,
    record: Record | None,
) -> Reader | None:
    """Open the source for the length of the run; None if an earlier run has to do."""
    if not isinstance(source, Path | str):
        check_planes(source, config)
        return source
    if record is not None and not Path(source).exists():
        return None
    return stack.enter_context(SteadyReader(Path(source), config.params.z))


def _described(
    reader: Reader | None, source: Path | str | Reader, record: Record | None
) -> tuple[MicroscopyMetadata, list[str]]:
    """Return the metadata of the source, in agreement with what an earlier run recorded."""
    if record is None:
        assert reader is not None  # noqa: S101 (without a record the source was opened)
        return reader.metadata, []
    if reader is None:
        message = f"{source} is not there: only what was copied before can be processed."
        return record.metadata, [message]
    metadata = reader.metadata
    if record.metadata.identity != metadata.identity:
        raise ConfigError(
            f"The output folder belongs to another recording ({record.metadata.path}). Choose "
            "another folder, or add --overwrite to remove its results."
        )
    return metadata.replace(basename=record.metadata.basename), []
