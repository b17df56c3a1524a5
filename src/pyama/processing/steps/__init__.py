"""The seven steps on one page: for one field of view, what is read, runs, and is written.

Each plan is a generator of jobs. What an output depends on is in its recipe, see
`pyama.processing.recipes`; a plan says how to make it.
"""

import logging
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pyama import layout
from pyama.algorithms.background_surface import GRID, estimate
from pyama.algorithms.preview import Histogram
from pyama.config import ProcessingConfig
from pyama.metadata import frame_times
from pyama.processing.fov import Work
from pyama.processing.light_sources import Sources, flat_field, stored_light
from pyama.processing.methods import SEGMENTERS, TRACKERS, preprocessors
from pyama.processing.recipes import crop_groups, full, image_groups, preview
from pyama.processing.runner import Job, NotApplicable, Part
from pyama.processing.steps.cropping import Seen, cut_cells
from pyama.processing.steps.extraction import Scene, trace_lines
from pyama.processing.steps.previews import CellPreviews, Preview, grey_levels, preview_of
from pyama.processing.steps.registration import shift_lines
from pyama.processing.steps.segmentation import segmented, tracked
from pyama.store import (
    CELL_PREVIEWS_MARK,
    CELLS_MARK,
    SHIFTS_MARK,
    CellPreviewsOutput,
    CellsOutput,
    PreviewOutput,
    RootOutput,
    Roster,
    Series,
    TableOutput,
)
from pyama.traces.trace_rows import header, traces_columns

logger = logging.getLogger(__name__)


def copying(work: Work) -> Iterator[Job]:
    """Step 1: raw frames of every channel, each frame read once."""
    groups = image_groups(work.config)
    if not groups:
        raise NotApplicable("no channel is configured")
    ids = work.config.channels.ids
    series = [Series(group, work.title(group), work.shape, "uint16") for group in groups]
    root = work.part(RootOutput(work.store.path, series, work.scale))
    yield Job((root,), lambda parts: (), framewise=False)
    parts = {group: work.stack_part(group, "uint16") for group in groups}
    channels = {
        part.output.name: channel for part, channel in zip(parts.values(), ids, strict=True)
    }

    def frames(pending: tuple[Part, ...]) -> Iterator[tuple[NDArray[Any], ...]]:
        wanted = [channels[part.output.name] for part in pending]
        missing = [work.missing(channel) for channel in wanted]
        histograms = [Histogram() for _ in wanted]
        black: list[list[int]] = [[] for _ in wanted]
        reader = work.reader()
        for t in range(work.metadata.n_frames):
            found = reader.read(work.fov, t, wanted)
            for i, frame in enumerate(found):
                if t not in missing[i]:
                    histograms[i].update(frame)
                    if not frame[0, 0] and not frame.any():
                        black[i].append(t)
            yield tuple(found)
        for i, part in enumerate(pending):
            part.notes.update(**grey_levels(histograms[i]), missing_frames=sorted(missing[i]))
            if black[i]:  # written, but no camera gives such an image
                part.notes["black_frames"] = black[i]

    at_once = work.config.params.n_workers > 1  # a single worker is a single core
    yield Job(tuple(parts.values()), frames, work.metadata.n_frames, at_once=at_once)


def segmentation(work: Work) -> Iterator[Job]:
    """Step 2: the drift of the stage; cells of every frame, numbered frame by frame."""
    pc = work.phase_channel()
    shifts_file = layout.shifts_file(work.metadata.basename, work.fov)
    shifts = TableOutput(work.store.path, shifts_file, SHIFTS_MARK)
    if SHIFTS_MARK in work.recipes:
        yield _registration(work, pc, work.part(shifts))
    else:
        shifts.discard()  # of an earlier run
    name = work.config.params.segmentation_method
    part = work.stack_part(layout.labeled(pc), "uint16")

    def frames(pending: tuple[Part, ...]) -> Iterator[tuple[NDArray[Any]]]:
        for labels in segmented(
            work.stack(layout.phase(pc)),
            work.missing(pc),
            (name, SEGMENTERS[name]),
            preprocessors(work.config.params),
            work.config.params,
            part.notes,
            work.fov,
        ):
            yield (labels,)

    yield Job((part,), frames, work.metadata.n_frames)


def _registration(work: Work, pc: int, part: Part) -> Job:
    def lines(pending: tuple[Part, ...]) -> Iterator[tuple[str]]:
        frames, missing = work.stack(layout.phase(pc)), work.missing(pc)
        for text in shift_lines(frames, missing, part.notes, work.fov):
            yield (text,)

    return Job((part,), lines, work.metadata.n_frames)


def tracking(work: Work) -> Iterator[Job]:
    """Step 3: the same cells with one number through time."""
    pc = work.phase_channel()
    name = work.config.params.tracking_method
    part = work.stack_part(layout.tracked(pc), "uint16")

    def frames(pending: tuple[Part, ...]) -> Iterator[tuple[NDArray[Any]]]:
        for labels in tracked(
            work.stack(layout.labeled(pc)),
            work.missing(pc),
            (name, TRACKERS[name]),
            work.config.params,
            part.notes,
            work.drift(),
        ):
            yield (labels,)

    yield Job((part,), frames, work.metadata.n_frames)


def background(work: Work) -> Iterator[Job]:
    """Step 4: what fluorescence would be without cells."""
    if not work.config.channels.fl:
        raise NotApplicable("no fluorescence channel is configured", is_usual=True)
    if work.config.channels.pc is None:
        logger.warning(
            "FOV %d: background is estimated with nothing masked, because no phase contrast "
            "channel is configured",
            work.fov,
        )
    for entry in work.config.channels.fl:
        part = work.stack_part(layout.background(entry.channel), "float32")
        frames = partial(_backgrounds, work, entry.channel, part.notes)
        yield Job((part,), frames, work.metadata.n_frames)


def _backgrounds(
    work: Work, channel: int, notes: dict[str, Any], pending: tuple[Part, ...]
) -> Iterator[tuple[NDArray[np.float32]]]:
    stack = work.stack(layout.fluorescence(channel))
    pc = work.config.channels.pc
    labels = None if pc is None else work.stack(layout.labeled(pc.channel))
    missing = work.missing(channel)
    histogram = Histogram(GRID)
    covered: list[int] = []
    for t, frame in enumerate(stack):
        if t in missing:
            yield (np.zeros(frame.shape, np.float32),)
            continue
        mask = np.zeros(frame.shape, np.bool_) if labels is None else labels[t] > 0
        estimated = estimate(frame, mask, work.config.params)
        if estimated.is_fallback:
            covered.append(t)
            logger.warning(
                "FOV %d, channel %d, frame %d: no background is visible; the low percentile "
                "of the frame is used",
                *(work.fov, channel, t),
            )
        histogram.update(estimated.background)
        yield (estimated.background,)
    notes.update(grey_levels(histogram), frames_without_background=covered)


def cropping(work: Work) -> Iterator[Job]:
    """Step 5: every cell cut out of every stack, and its previews in passing."""
    pc = work.phase_channel()
    groups = crop_groups(work.config)
    part = work.part(CellsOutput(work.store.path, groups))
    previews = {group: _preview_part(work, group) for group in groups}
    extras = *(made for made, _ in previews.values()), _cell_previews_part(work)
    makers = {group: maker for group, (_, maker) in previews.items()}
    yield Job((part,), partial(_cuts, work, pc, makers), framewise=False, extras=extras)


def _cuts(
    work: Work, pc: int, makers: Mapping[str, Callable[[], Preview]], pending: tuple[Part, ...]
) -> Iterator[tuple[Any, ...]]:
    """The roster or a crop; previews of frames, in the order of `makers`; that of the crop."""
    mask_group = layout.tracked(pc)
    stacks = {group: work.stack(group) for group in makers if group != mask_group}
    labels, folder, drift = work.stack(mask_group), work.store.path, work.drift()
    makes = {group: maker() for group, maker in makers.items()}
    previews: CellPreviews | None = None
    for item in cut_cells(labels, mask_group, stacks, folder, drift):
        if isinstance(item, Seen):
            make = partial(makes[item.group], item.frame)
            yield (None, *(make if group == item.group else None for group in makes))
        elif isinstance(item, Roster):
            previews = _cell_previews_of(work, item)
            yield (item,)
        else:
            assert previews is not None  # noqa: S101 (the roster comes before the crops)
            yield (item, *[None] * len(makes), partial(previews.in_passing, item))
        del item  # else it would be in memory beside the next one


def extraction(work: Work) -> Iterator[Job]:
    """Step 6: one line per cell and frame."""
    channels = work.config.channels
    if channels.pc is None and channels.fl:
        raise NotApplicable("no phase contrast channel is configured, so no cells are known")
    light = {} if channels.pc is None else work.light_sources
    for found in light.values():
        yield from _light_jobs(work, found)
    name = layout.traces_file(work.metadata.basename, work.fov)
    part = work.part(TableOutput(work.store.path, name))

    def lines(pending: tuple[Part, ...]) -> Iterator[tuple[str]]:
        if channels.pc is None:
            yield (header(traces_columns(None, {})),)
            return
        cells = work.store.cells(digest=work.recipes[CELLS_MARK].digest)
        for text in trace_lines(cells, _scene(work, channels.pc.channel), part.notes):
            yield (text,)

    yield Job((part,), lines, framewise=False)


def _light_jobs(work: Work, source: Sources) -> Iterator[Job]:
    """Dark frame and flat field of one channel, each a stack of a single frame."""
    dark = source.dark_frame
    if dark is not None:
        part = work.stack_part(layout.dark_frame(source.channel), "float32")
        yield Job((part,), lambda parts: [(dark,)], framewise=False)
    if source.flat is not None:
        part = work.stack_part(layout.flat_field(source.channel), "float32")
        frames = partial(_flat_field, work, source, part.notes)
        yield Job((part,), frames, framewise=False)


def _flat_field(
    work: Work, source: Sources, notes: dict[str, Any], pending: tuple[Part, ...]
) -> Iterator[tuple[NDArray[np.float32]] | None]:
    stack, absent = None, set(work.missing(source.channel))
    if len(absent) == work.metadata.n_frames:  # nothing is measured
        yield (np.ones(source.shape, np.float32),)
        return
    if source.is_estimated:
        group = layout.background(source.channel)
        stack, mark = work.stack(group), work.store.mark(full(group))
        absent |= set(mark.notes["frames_without_background"]) if mark else set()
    for values in flat_field(source, stack, absent, notes):
        yield None if values is None else (values,)


def _scene(work: Work, pc: int) -> Scene:
    config = work.config
    return Scene(
        fov=work.fov,
        shape=work.metadata.shapes[work.fov],
        pc=pc,
        phase=config.phase_features(),
        fluorescence=config.fluorescence_features(),
        missing={channel: work.missing(channel) for channel in config.channels.ids},
        times_min=frame_times(work.metadata, config.params, work.fov)[0],
        pixel_size_um=work.metadata.pixel_size_um,
        params=config.params,
        parents=_parents(work, pc),
        light={
            channel: stored_light(work.stack, config.params, channel, source.shape)
            for channel, source in work.light_sources.items()
        },
    )


def _parents(work: Work, pc: int) -> Mapping[int, int] | None:
    """Mothers by the numbers of their daughters; None where divisions are not looked for."""
    if not work.config.params.divisions:
        return None
    mark = work.store.mark(full(layout.tracked(pc)))
    found = mark.notes.get("parents", {}) if mark else {}
    return {int(cell): int(mother) for cell, mother in found.items()}


def caching(work: Work) -> Iterator[Job]:
    """Step 7: a small uint8 preview of everything that was not made in passing."""
    for group in [*image_groups(work.config), *_made_groups(work)]:
        part, maker = _preview_part(work, group)
        yield Job((part,), partial(_preview_frames, work, group, maker), work.shape[0])
    if CELLS_MARK in work.recipes:
        part = _cell_previews_part(work)
        yield Job((part,), partial(_cell_previews, work), framewise=False)


def made_in_passing(config: ProcessingConfig) -> set[str]:
    """Return the names of the outputs of caching that cropping makes when it is run."""
    groups = crop_groups(config)
    return {preview(group) for group in groups} | ({CELL_PREVIEWS_MARK} if groups else set())


def _made_groups(work: Work) -> list[str]:
    pc = work.config.channels.pc
    labels = [] if pc is None else [layout.labeled(pc.channel), layout.tracked(pc.channel)]
    return labels + [layout.background(entry.channel) for entry in work.config.channels.fl]


def _preview_part(work: Work, group: str) -> tuple[Part, Callable[[], Preview]]:
    """The preview of a group, and what gives its maker once the group's stack is finished."""
    t, height, width = work.shape
    size = (t, max(1, height // 2), max(1, width // 2))
    meaning: dict[str, Any] = {}

    def maker() -> Preview:
        mark = work.store.mark(full(group))
        notes = mark.notes if mark else {}
        keys = ("low", "high", "largest_label")
        meaning.update({key: notes[key] for key in keys if key in notes})
        return preview_of(group, meaning)

    return work.part(PreviewOutput(work.store.path, group, size, meaning)), maker


def _preview_frames(
    work: Work, group: str, maker: Callable[[], Preview], pending: tuple[Part, ...]
) -> Iterator[tuple[NDArray[np.uint8]]]:
    stack = work.stack(group)
    make = maker()
    for frame in stack:
        yield (make(frame),)


def _cell_previews_part(work: Work) -> Part:
    return work.part(CellPreviewsOutput(work.store.path))


def _cell_previews_of(work: Work, roster: Roster) -> CellPreviews:
    missing = {group: work.missing_in(group) for group in crop_groups(work.config)}
    return CellPreviews(roster, missing)


def _cell_previews(work: Work, pending: tuple[Part, ...]) -> Iterator[tuple[Any]]:
    cells = work.store.cells(digest=work.recipes[CELLS_MARK].digest)
    for crop in _cell_previews_of(work, cells.roster).of_all(cells):
        yield (crop,)


PLANS: dict[str, Callable[[Work], Iterator[Job]]] = {
    "copying": copying,
    "segmentation": segmentation,
    "tracking": tracking,
    "background": background,
    "cropping": cropping,
    "extraction": extraction,
    "caching": caching,
}
"""The steps in their order."""
