"""What a user requests, checked against the recording before anything is written."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from pathlib import Path
from typing import Any

from pyama.config import ProcessingConfig, parse_config, read_entries
from pyama.derived_sizes import with_derived, without_written_defaults
from pyama.errors import ConfigError
from pyama.fov_ranges import parse_fovs
from pyama.metadata import MicroscopyMetadata
from pyama.processing.methods import with_own_params
from pyama.processing.recipes import FovContexts
from pyama.processing.record import Record
from pyama.processing.workflow.overwriting import (
    earlier_record,
    refuse_unknown_name,
    removed_fovs,
)
from pyama.processing.workflow.preconditions import check_config, check_scratch
from pyama.processing.workflow.recording import source_metadata
from pyama.readers import open_reader
from pyama.runs.channels import (
    channel_entries,
    compare_names,
    example_options,
    find_channel,
    names_before,
    propose_channels,
    question,
    with_features,
)
from pyama.runs.run_notes import (
    other_settings,
    quoted,
    recording_notes,
    reselection_notes,
)
from pyama.runs.settings import apply_settings
from pyama.runs.shards import Shard


@dataclass(frozen=True)
class Request:
    """The arguments of `pyama run` or `pyama plan`; see the help of the options."""

    file: Path
    output: Path
    pc: str | None = None
    fl: Sequence[str] = ()
    pc_features: str | None = None
    fl_features: str | None = None
    fovs: str | None = None
    frames: str | None = None
    workers: int | None = None
    batch_size: int | None = None
    config: Path | None = None
    settings: Sequence[str] = ()
    copy_only: bool = False
    overwrite: bool = False
    redo: bool = False
    shard: Shard | None = None
    time_limit_s: int | None = None
    scratch: Path | None = None


@dataclass(frozen=True)
class PreparedRun:
    """A run that fits its recording.

    Attributes:
        file: The recording.
        output: The output folder.
        metadata: Of the recording.
        config: Channels and parameters.
        fovs: 0-based indices, in the order in which they are processed; none if there are more
            parts (`Request.shard`) than fields of view.
        overwrite: Whether what is in the output folder is removed first.
        redo: Whether results that a person has inspected may be replaced.
        confirmed: Sentences about inspected results that a person has read and allowed to
            replace, see `pyama.processing.workflow.inspected_results`.
        notes: What was decided for the user, in sentences.
        removed: Fields of view whose results are removed first.
        scratch: A folder in which outputs are made first, see `process`.
    """

    file: Path
    output: Path
    metadata: MicroscopyMetadata
    config: ProcessingConfig
    fovs: list[int]
    overwrite: bool = False
    redo: bool = False
    confirmed: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    removed: Sequence[int] = ()
    scratch: Path | None = None

    @cached_property
    def contexts(self) -> FovContexts:
        """Its fields of view, with the recipes that check, plan and processing share."""
        return FovContexts(self.metadata, with_own_params(self.config), self.output)


Entries = dict[str, Any]
"""Sections of a configuration file, as plain values."""
Choose = Callable[[Entries, Sequence[str]], tuple[Entries, list[str]]]
"""Takes the channels of a configuration and the names of all channels of the recording;
returns the channels to be processed, and what to note about them."""


def prepare(request: Request) -> PreparedRun:
    """Check the arguments against the recording; nothing is written.

    Raises:
        ConfigError: Something that was typed or is in the configuration file is wrong.
        ReaderError: The recording cannot be read.
    """
    entries = _entries(request)
    run, record = _checked(
        request.file,
        request.output,
        entries,
        fovs=request.fovs,
        overwrite=request.overwrite,
        redo=request.redo,
        shard=request.shard,
        choose=partial(_typed_channels, request, names_before(entries)),
    )
    if record is not None and request.config is None:
        other = other_settings(record.config, run.config, entries["params"], request.output)
        run = replace(run, notes=(*run.notes, *other))
    run = replace(run, scratch=check_scratch(request.scratch))
    run.contexts.compute_recipes(run.fovs)  # reads the files that methods depend on
    return run


def check_run(
    file: Path,
    output: Path,
    entries: Entries,
    fovs: str | Sequence[int] | None = None,
    *,
    overwrite: bool = False,
    redo: bool = False,
    confirmed: Sequence[str] = (),
) -> PreparedRun:
    """Check a run against its recording and its output folder; nothing is written.

    Args:
        file: The recording. Where it is gone, an earlier run in `output` describes it.
        output: The output folder; it need not exist.
        entries: Sections `channels` and `params` of a configuration.
        fovs: Fields of view as text such as `0-3,7`, or 0-based indices; None is all.
        overwrite: Whether what is in the output folder is removed first.
        redo: Whether results that a person has inspected may be replaced.
        confirmed: See `PreparedRun`.

    Raises:
        ConfigError: The configuration is wrong or does not fit the recording, or the output
            folder belongs to another recording.
        ReaderError: The recording cannot be read.
    """
    run, _ = _checked(file, output, entries, fovs=fovs, overwrite=overwrite, redo=redo)
    run = replace(run, confirmed=tuple(confirmed))
    run.contexts.compute_recipes(run.fovs)  # reads the files that methods depend on
    return run


def _checked(
    file: Path,
    output: Path,
    entries: Entries,
    *,
    fovs: str | Sequence[int] | None,
    overwrite: bool,
    redo: bool,
    shard: Shard | None = None,
    choose: Choose = lambda channels, _: (channels, []),
) -> tuple[PreparedRun, Record | None]:
    """Check what was typed or sent; also return what an earlier run in the folder recorded."""
    if output.exists() and not output.is_dir():
        raise ConfigError(f"{output} is a file. Name a folder for the output.")
    config = parse_config("The request", entries)
    record = earlier_record(output, overwrite=overwrite)
    metadata, gone = _metadata(file, output, config, record, overwrite=overwrite)
    channels, notes = choose(config.channels.model_dump(), metadata.channel_names)
    chosen = parse_config("The request", {"channels": channels}).channels
    config = config.replace(channels=chosen)
    if not config.channels.ids:
        raise ConfigError("Choose at least one channel.")
    selected = _selected(fovs, metadata.n_fovs)
    if shard is not None:
        selected = shard.of(selected)
    check_config(metadata, config, selected)
    config = with_derived(config, metadata)
    all_notes = (*gone, *notes, *recording_notes(metadata, config))
    if record is not None and not overwrite:
        all_notes = (*all_notes, *reselection_notes(record.metadata, metadata))
    run = PreparedRun(
        file, output, metadata, config, selected, overwrite, redo, notes=all_notes
    )
    if overwrite:
        run = replace(run, removed=removed_fovs(output, record, metadata, selected))
    return run, record


def _selected(fovs: str | Sequence[int] | None, n_fovs: int) -> list[int]:
    if fovs is None:
        return list(range(n_fovs))
    return parse_fovs(fovs, n_fovs) if isinstance(fovs, str) else list(dict.fromkeys(fovs))


def read_configuration(path: Path) -> Entries:
    """Return the entries of a configuration file, such as that of an earlier run.

    Raises:
        ConfigError: The file cannot be read, or has wrong entries.
    """
    loaded = read_entries(path)
    parse_config(str(path), loaded)  # so that messages name the file
    return dict(loaded) if isinstance(loaded, dict) else {}


def _entries(request: Request) -> dict[str, Any]:
    entries: dict[str, Any] = {}
    if request.config is not None:
        entries = without_written_defaults(read_configuration(request.config))
    entries = apply_settings(entries, request.settings)
    dedicated = {
        "frames": request.frames,
        "n_workers": request.workers,
        "batch_size": request.batch_size,
        "copy_only": request.copy_only or None,
    }
    entries["params"] |= {
        name: value for name, value in dedicated.items() if value is not None
    }
    return entries


def _metadata(
    file: Path,
    output: Path,
    config: ProcessingConfig,
    record: Record | None,
    *,
    overwrite: bool,
) -> tuple[MicroscopyMetadata, list[str]]:
    """Describe the selected frames, in agreement with an earlier run in the output folder.

    Returns:
        See `source_metadata`.
    """
    frames = config.params.frames
    if record is not None and not overwrite and not file.exists():
        refuse_unknown_name(file, record)
        return source_metadata(None, file, record, output, frames)
    with open_reader(file, **config.params.opening) as reader:
        return source_metadata(reader, file, record, output, frames, overwrite=overwrite)


def _typed_channels(
    request: Request, before: Sequence[str], channels: Entries, names: Sequence[str]
) -> tuple[Entries, list[str]]:
    notes = []
    if request.pc is not None or request.fl:
        pc = None if request.pc is None else find_channel(request.pc, names, "--pc")
        channels = channel_entries(
            pc, [find_channel(text, names, "--fl") for text in request.fl]
        )
    elif channels["pc"] is None and not channels["fl"]:
        proposal = propose_channels(names)
        if proposal is None:
            command = f"pyama run {quoted(request.file)} --output {quoted(request.output)}"
            raise ConfigError(
                f"{question(names)}\nChoose them, for instance\n"
                f"  {command} {example_options(names)}"
            )
        channels = channel_entries(*proposal)
        notes.append("Channels were chosen by their names; --pc and --fl choose others.")
    else:
        used = parse_config("The request", {"channels": channels}).channels.ids
        notes += compare_names(used, before, names)
    return with_features(channels, request.pc_features, request.fl_features), notes
