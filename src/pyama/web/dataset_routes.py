"""Output folders below the root, their fields of view, stacks and numbers of cells."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import BaseModel

from pyama import layout
from pyama.analysis.left_out_counts import dropped_by_size
from pyama.analysis.removed_outputs import removed_in, removed_remarks
from pyama.analysis.result_notes import folder_remarks
from pyama.config import Channels, ProcessingConfig
from pyama.errors import StoreError
from pyama.metadata import MicroscopyMetadata, frame_times, pixel_size, times_text
from pyama.pictures.contrast import Contrast, contrast_of_data_set, contrast_of_stack
from pyama.processing.record import Record
from pyama.readers.frame_selection import selection_notes
from pyama.store import TRACES_MARK, Correction, FovStore, fovs_in
from pyama.traces.corrected_labels import current_corrections
from pyama.traces.correction_notes import are_used, corrected_note, frame_notes
from pyama.traces.trace_files import count_inspected
from pyama.traces.trace_recording import refuse_other_frames
from pyama.web.folders import Dir, Fov, FovOutputDir, Root, record_of, root_of, shorten_paths
from pyama.web.frame_routes import open_stack

router = APIRouter(tags=["datasets"])


class FovEntry(BaseModel):
    """One field of view."""

    fov: int
    """0-based index."""
    name: str
    """Name of the position; empty without one."""
    traces: int | None
    """Cells in the traces, after the inspection; null as long as there are no traces."""
    inspected: bool
    """Whether somebody has inspected it."""


class GreyRange(BaseModel):
    """Counts between black and white."""

    low: float
    """Counts that are drawn black."""
    high: float
    """Counts that are drawn white."""
    least: float
    """Least counts that can be chosen as black."""
    most: float
    """Most counts that can be chosen as white."""


class Dataset(BaseModel):
    """One output folder."""

    dir: str
    """Relative to the root."""
    recording: str
    """Name of the file without its suffix."""
    n_frames: int
    """Frames per field of view."""
    channels: list[str]
    """Names of the channels by their ids."""
    pc: int | None
    """Phase contrast channel."""
    fl: list[int]
    """Fluorescence channels."""
    pixel_size_um: float | None
    """Side of a pixel in micrometres."""
    fovs: list[FovEntry]
    """All fields of view that have a folder, ascending."""
    contrasts: dict[str, GreyRange]
    """One contrast for all fields of view and frames, by the name of the stack."""
    remarks: list[str]
    """What is to be known about the results, such as different settings of its FOVs."""


class Group(BaseModel):
    """One stack of images."""

    group: str
    """Such as `pc_ch_0`."""
    kind: str
    """`pc`, `fl`, `seg_labeled`, `seg_tracked` or `fl_background`."""
    channel: int
    """0-based index."""
    levels: dict[str, str]
    """Finished levels, and a text for each that changes when it is made again."""
    low: float | None
    """Counts that the grey level 0 of the preview stands for; null for labels."""
    high: float | None
    """Counts that its grey level 255 stands for; null for labels."""
    contrast: GreyRange | None
    """The contrast of this stack alone; null for labels."""
    not_recorded: list[int]
    """Frames of which nothing was recorded."""


class FovDetails(BaseModel):
    """The content of a field of view."""

    fov: int
    """0-based index."""
    shape: list[int]
    """Frames, rows, columns."""
    times_min: list[float]
    """Minutes since the first frame of the recording."""
    time: str
    """Interval and span of the frames, where they come from, and which were selected."""
    dropped: str
    """How many objects the segmentation dropped by their size; empty if none."""
    corrections: str
    """In which frames a person has corrected labels; empty if in none."""
    corrected: dict[int, str]
    """By whom and when, by frame."""
    groups: list[Group]
    """Stacks of all frames with at least one finished level that can be read."""
    damaged: list[str]
    """Which finished stacks cannot be read, and why, in sentences."""


@router.get("/api/datasets")
def datasets(root: Annotated[Root, Depends(root_of)]) -> list[str]:
    """Output folders below the root, relative to it; at most 500."""
    return [root.name(path) for path in root.output_dirs()]


@router.get("/api/dataset")
def dataset(root: Annotated[Root, Depends(root_of)], directory: Dir = ".") -> Dataset:
    """One output folder with its fields of view and the number of cells in each."""
    output_dir = root.output_dir(directory)
    record = record_of(output_dir)
    metadata, channels = record.metadata, record.config.channels
    fovs = [fov for fov in fovs_in(output_dir) if fov < metadata.n_fovs]
    return Dataset(
        dir=root.name(output_dir),
        recording=metadata.basename,
        n_frames=metadata.n_frames,
        channels=list(metadata.channel_names),
        pc=None if channels.pc is None else channels.pc.channel,
        fl=[entry.channel for entry in channels.fl],
        pixel_size_um=pixel_size(metadata, record.config.params),
        fovs=[_fov_entry(FovStore(output_dir, fov), metadata) for fov in fovs],
        contrasts=_contrasts(output_dir, channels, fovs),
        remarks=shorten_paths(
            [*folder_remarks(output_dir), *removed_remarks(removed_in(output_dir))], output_dir
        ),
    )


def _contrasts(
    output_dir: Path, channels: Channels, fovs: Sequence[int]
) -> dict[str, GreyRange]:
    pc = None if channels.pc is None else channels.pc.channel
    names = [layout.raw(channel, pc) for channel in channels.ids]
    names += [layout.background(entry.channel) for entry in channels.fl]
    found = {name: contrast_of_data_set(output_dir, name, fovs) for name in names}
    return {name: _grey_range(each) for name, each in found.items() if each is not None}


def _grey_range(contrast: Contrast) -> GreyRange:
    least, most = contrast.slider_range()
    return GreyRange(low=contrast.low, high=contrast.high, least=max(0.0, least), most=most)


def _fov_entry(store: FovStore, metadata: MicroscopyMetadata) -> FovEntry:
    names, mark = metadata.position_names, store.mark(TRACES_MARK)
    log = store.path / layout.inspection_log(metadata.basename, store.fov)
    return FovEntry(
        fov=store.fov,
        name=names[store.fov] if store.fov < len(names) else "",
        traces=None if mark is None else _count_traces(store, mark.notes.get("traces")),
        inspected=log.exists(),
    )


def _count_traces(store: FovStore, measured: int | None) -> int | None:
    inspected = count_inspected(store.path.parent, store.fov)
    return measured if inspected is None else inspected


@router.get("/api/fovs/{fov}")
def details(output_dir: FovOutputDir, fov: Fov) -> FovDetails:
    """Stacks, size and times of one field of view."""
    record = record_of(output_dir)
    metadata = record.metadata
    times, _ = frame_times(metadata, record.config.params, fov)
    store = FovStore(output_dir, fov)
    refuse_other_frames(store, metadata)
    finished = store.marks()
    shown = [name for name in store.groups() if not layout.is_light(name)]
    lost = {name: store.not_recorded(name, metadata).frames for name in shown}
    damaged: list[str] = []
    corrections, used = _corrections(output_dir, record, fov)
    groups = [_group(store, name, finished, sorted(lost[name]), damaged) for name in shown]
    return FovDetails(
        fov=fov,
        shape=[metadata.n_frames, *metadata.shapes[fov]],
        times_min=list(times),
        time="; ".join(
            [times_text(metadata, record.config.params, fov), *selection_notes(metadata)]
        ),
        dropped=dropped_by_size(_objects(store, record.config)),
        corrections=corrected_note(corrections, used=used),
        corrected=frame_notes(corrections, used=used),
        groups=[group for group in groups if group.levels],
        damaged=shorten_paths(damaged, output_dir),
    )


def _corrections(
    output_dir: Path, record: Record, fov: int
) -> tuple[Mapping[int, Correction], bool]:
    """Return corrected labels by frame, and whether the results are made from them."""
    pc = record.config.channels.pc
    found = current_corrections(output_dir, record.metadata, record.config, fov)
    return found, are_used(output_dir, fov, None if pc is None else pc.channel, found)


def _objects(store: FovStore, config: ProcessingConfig) -> Mapping[str, int]:
    """Return the numbers of objects that the segmentation noted."""
    if config.channels.pc is None:
        return {}
    mark = store.mark(f"{layout.labeled(config.channels.pc.channel)}/{layout.FULL}")
    return mark.notes.get("objects", {}) if mark else {}


def _group(
    store: FovStore,
    name: str,
    finished: Iterable[str],
    not_recorded: list[int],
    damaged: list[str],
) -> Group:
    """Return a stack with the levels that can be read; others are added to `damaged`."""
    kind, channel = layout.parse_group(name) or ("", 0)
    levels = {}
    for level in (layout.FULL, layout.PREVIEW):
        if f"{name}/{level}" in finished:
            try:
                levels[level] = open_stack(store.path.parent, store.fov, name, level)[1]
            except StoreError as error:
                damaged.append(str(error))
    is_grey = bool(levels) and not layout.is_labels(name)
    contrast = contrast_of_stack(store, name) if is_grey else None
    return Group(
        group=name,
        kind=kind,
        channel=channel,
        levels=levels,
        low=None if contrast is None else contrast.low,
        high=None if contrast is None else contrast.high,
        contrast=None if contrast is None else _grey_range(contrast),
        not_recorded=not_recorded,
    )
