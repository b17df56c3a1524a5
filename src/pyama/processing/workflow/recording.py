"""The recording of a run: an open file, or what an earlier run recorded about it."""

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from pyama.config import ProcessingConfig
from pyama.errors import ConfigError, ReaderError, StoreError
from pyama.fov_ranges import parse_frames
from pyama.metadata import MicroscopyMetadata
from pyama.processing.record import Record, write_record, write_run
from pyama.processing.step_reports import Status, StepReports
from pyama.processing.workflow.overwriting import earlier_record, refuse_unknown_name
from pyama.processing.workflow.preconditions import check_planes
from pyama.processing.workflow.run_report import RunReport
from pyama.readers import Reader
from pyama.readers.change_checking import ChangeCheckingReader
from pyama.readers.frame_selection import select_frames
from pyama.store import path_in_errors


def open_source(
    stack: ExitStack,
    source: Path | str | Reader,
    config: ProcessingConfig,
    record: Record | None,
) -> Reader | None:
    """Open the source for the length of the run.

    Returns:
        The open recording; None if the file is gone and an earlier run recorded its metadata.

    Raises:
        ConfigError: An open recording gives other z planes than the configuration says.
        ReaderError: The file cannot be read, or it is missing and is not the recorded one.
    """
    if not isinstance(source, Path | str):
        check_planes(source, config)
        return source
    if record is not None and not Path(source).exists():
        refuse_unknown_name(Path(source), record)
        return None
    return stack.enter_context(ChangeCheckingReader(Path(source), **config.params.opening))


def source_metadata(
    reader: Reader | None,
    source: Path | str | Reader,
    record: Record | None,
    output_dir: Path,
    frames: str,
    *,
    overwrite: bool = False,
) -> tuple[MicroscopyMetadata, list[str]]:
    """Return the metadata of the source, in agreement with what an earlier run recorded.

    Returns:
        The metadata of the selected frames, and what the user should know about them, in
        sentences.

    Raises:
        ConfigError: The output folder belongs to another recording, or there are no such
            frames.
    """
    messages = []
    if reader is None:
        assert record is not None  # noqa: S101 (without a record the source was opened)
        metadata = record.metadata
        _refuse_other_frames(metadata, frames, source)
        messages = [f"{source} does not exist: only what was copied before can be processed."]
    elif record is None or (
        overwrite and record.metadata.identity != reader.metadata.identity
    ):
        metadata = reader.metadata
    else:
        metadata = record.match_metadata(reader.metadata, output_dir)
    return select_frames(metadata, frames), messages


def _refuse_other_frames(
    stored: MicroscopyMetadata, frames: str, source: Path | str | Reader
) -> None:
    wanted = parse_frames(frames, stored.n_recorded_frames or stored.n_frames)
    if wanted != tuple(stored.recorded_frames):
        raise ConfigError(
            f"{source} does not exist, so that no other frames can be copied than those of "
            f"the last run. Select the same: --frames {stored.selection}"
        )


def selected_for(
    metadata: MicroscopyMetadata, config: ProcessingConfig, output_dir: Path
) -> MicroscopyMetadata:
    """Return the metadata of the frames that a configuration selects, for an output folder.

    Raises:
        ConfigError: There are no such frames, or the output folder belongs to another
            recording or program.
    """
    record = earlier_record(output_dir, overwrite=False)
    if record is not None:
        record.match_metadata(metadata, output_dir)
    return select_frames(metadata, config.params.frames)


def record_steps(
    output_dir: Path,
    metadata: MicroscopyMetadata,
    config: ProcessingConfig,
    report: StepReports,
    started: datetime,
) -> None:
    """Write the record of steps that were called one by one, as that of a whole run."""
    status = "failed" if report.with_status(Status.FAILED) else "finished"
    status = "cancelled" if report.cancelled else status
    with path_in_errors(output_dir):
        output_dir.mkdir(parents=True, exist_ok=True)
    write_record(output_dir, metadata, config)
    write_run(output_dir, metadata, config, report, started=started, status=status)


def record_run(report: RunReport, config: ProcessingConfig, started: datetime) -> RunReport:
    """Write `run.json`; if that fails after another failure, the report says so."""
    try:
        write_run(
            report.output_dir,
            report.metadata,
            config,
            report.steps,
            started=started,
            status=report.status,
        )
    except StoreError as error:
        if not report.failures:
            raise
        # The first failure is more informative than this one.
        return replace(report, messages=(*report.messages, str(error)))
    return report


def open_once(
    stack: ExitStack,
    metadata: MicroscopyMetadata,
    config: ProcessingConfig,
    known: Reader | None = None,
) -> Callable[[], Reader]:
    """Return what opens the file at the first call and gives the same reader afterwards.

    Args:
        stack: Closes the file.
        metadata: Names the file.
        config: Of the run.
        known: The recording, where it is open.
    """
    readers = [] if known is None else [known]

    def reader() -> Reader:
        if not readers:
            recording = stack.enter_context(
                ChangeCheckingReader(metadata.path, **config.params.opening)
            )
            if recording.metadata.identity != metadata.identity:
                raise ReaderError(
                    f"{metadata.path} does not match its metadata: another recording has "
                    "taken its place. Read the metadata again."
                )
            readers.append(recording)
        return readers[0]

    return reader
