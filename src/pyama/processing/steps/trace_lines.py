"""The lines of the traces: which cells are kept, and what is measured in them."""

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pyama import layout
from pyama.algorithms.features import (
    FLUORESCENCE_FEATURES,
    PHASE_FEATURES,
    CellTrack,
    Feature,
    measure_stack,
    needs_image,
)
from pyama.algorithms.filters import (
    margin_leaves_no_room,
    near_border,
    near_gaps,
    too_short,
)
from pyama.algorithms.gaps import REACH
from pyama.algorithms.kernels.array_types import Boxes
from pyama.config import ProcessingParams
from pyama.processing.plugin_calls import timed_function
from pyama.processing.steps.light_sources import Light
from pyama.registry import Registry
from pyama.store import Cells, NotRecorded, Roster
from pyama.traces.shifts_table import SHIFT_DECIMALS
from pyama.traces.trace_rows import DRIFT, PARENT, cell_rows, header, traces_columns

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class TraceInputs:
    """Everything that the traces of a field of view depend on besides its cells.

    Attributes:
        fov: 0-based index of the field of view.
        shape: (H, W) of a frame in px.
        pc: Phase contrast channel.
        phase: Its features.
        fluorescence: Features of every fluorescence channel.
        lost: What was not recorded, by channel.
        times_min: Minutes of every frame.
        pixel_size_um: Side of a pixel in micrometres; None if unknown.
        params: Of the run.
        parents: Mothers by the numbers of their daughters; None without `divisions`.
        light: Flat field and dark frame, by the channels that are corrected with them.
    """

    fov: int
    shape: tuple[int, int]
    pc: int
    phase: Sequence[str]
    fluorescence: Mapping[int, Sequence[str]]
    lost: Mapping[int, NotRecorded]
    times_min: Sequence[float]
    pixel_size_um: float | None
    params: ProcessingParams
    parents: Mapping[int, int] | None = None
    light: Mapping[int, Light] = field(default_factory=dict)


def trace_lines(cells: Cells, inputs: TraceInputs, notes: dict[str, Any]) -> Iterator[str]:
    """Yield the text of a traces file: its header, then each cell that is kept.

    Args:
        cells: The finished crops.
        inputs: See `TraceInputs`.
        notes: Gets the numbers of the cells that each filter removed, and warnings.
    """
    roster = cells.roster
    extra: tuple[str, ...] = () if inputs.parents is None else (PARENT,)
    if roster.drift is not None:
        extra += DRIFT
    columns = traces_columns((inputs.pc, inputs.phase), inputs.fluorescence, extra)
    yield header(columns)
    kept = _filtered(roster, inputs, notes)
    rows = 0
    for index in np.flatnonzero(kept).tolist():
        text = _cell_text(cells, index, inputs)
        rows += int(np.count_nonzero(roster.valid_frames[index]))
        yield text
    notes |= {"cells": len(roster.ids), "traces": int(kept.sum()), "rows": rows}


def _filtered(roster: Roster, inputs: TraceInputs, notes: dict[str, Any]) -> NDArray[np.bool_]:
    """Return which cells are kept, shape (N,), and note those that are removed and why."""
    params = inputs.params
    requested, margin = params.min_frames, params.border_margin
    valid_frames = len(inputs.times_min) - len(inputs.lost[inputs.pc].frames)
    min_frames = min(requested, valid_frames)
    warnings = []
    if 0 < min_frames < requested:
        warnings.append(
            f"min_frames is {requested}, but only {valid_frames} frames are valid: "
            f"{min_frames} is used."
        )
    if margin_leaves_no_room(inputs.shape, margin):
        warnings.append(
            f"border_margin is {margin} px, which leaves no area in frames of "
            f"{inputs.shape[1]} x {inputs.shape[0]} px: every cell is removed."
        )
    for warning in warnings:
        logger.warning("FOV %d: %s", inputs.fov, warning)
    short = too_short(roster.valid_frames, min_frames)
    border = near_border(roster.bboxes, roster.valid_frames, inputs.shape, margin)
    gaps = inputs.lost[inputs.pc].boxes
    border |= near_gaps(roster.bboxes, roster.valid_frames, gaps, REACH if margin else 0)
    removed = {
        "min_frames": roster.ids[short].tolist(),
        "border_margin": roster.ids[border].tolist(),
    }
    notes |= {"removed": removed, "warnings": warnings}
    return ~(short | border)


def _cell_text(cells: Cells, index: int, inputs: TraceInputs) -> str:
    roster = cells.roster
    valid = roster.valid_frames[index]
    features = _features(cells, index, inputs)
    if roster.drift is not None:
        y, x = np.round(roster.drift.T.astype(np.float64), SHIFT_DECIMALS)
        features = dict(zip(DRIFT, (x, y), strict=True)) | features
    if inputs.parents is not None:
        parent = inputs.parents.get(int(roster.ids[index]), 0)
        features = {PARENT: np.full(len(valid), float(parent)), **features}
    frames = np.flatnonzero(valid)
    return cell_rows(
        inputs.fov,
        int(roster.ids[index]),
        frames,
        roster.bboxes[index][frames],
        {column: values[frames] for column, values in features.items()},
    )


def _features(cells: Cells, index: int, inputs: TraceInputs) -> dict[str, NDArray[np.float64]]:
    """Measure one cell in every channel; values of all frames by column."""
    if not inputs.phase and not any(inputs.fluorescence.values()):
        return {}
    cell = int(cells.roster.ids[index])
    mask = cells.crop(layout.tracked(inputs.pc), cell)
    phase = CellTrack(
        fov=inputs.fov,
        cell=cell,
        channel=inputs.pc,
        boxes=cells.roster.bboxes[index],
        valid=cells.roster.valid_frames[index],
        times_min=inputs.times_min,
        pixel_size_um=inputs.pixel_size_um,
        seed=inputs.params.seed,
        params=inputs.params,
        frame_shape=inputs.shape,
        others=partial(_others, cells.roster, index),
    )
    image = None
    if needs_image(inputs.phase, PHASE_FEATURES):
        image = cells.crop(layout.phase(inputs.pc), cell)
    values_of = measure_stack(
        inputs.phase, _timed(inputs.phase, PHASE_FEATURES), image, mask, None, phase
    )
    features = {layout.column(name, inputs.pc): values for name, values in values_of.items()}
    for channel, names in inputs.fluorescence.items():
        if not names:
            continue
        valid = _recorded(phase, mask, inputs.lost[channel])
        track = replace(phase, channel=channel, valid=valid)
        image = cells.crop(layout.fluorescence(channel), cell)
        background = cells.crop(layout.background(channel), cell)
        if channel in inputs.light:
            light = inputs.light[channel]
            image, background = (light.corrected(c, track.boxes) for c in (image, background))
        values_of = measure_stack(
            names, _timed(names, FLUORESCENCE_FEATURES), image, mask, background, track
        )
        features |= {
            layout.column(name, channel): values for name, values in values_of.items()
        }
    return features


def _timed(names: Sequence[str], registry: Registry[Feature]) -> dict[str, Feature]:
    return {name: timed_function(f"feature {name!r}", registry[name]) for name in names}


def _others(roster: Roster, index: int, frame: int) -> Boxes:
    """Return the boxes of all cells of a frame but one."""
    there = roster.valid_frames[:, frame].copy()
    there[index] = False
    return roster.bboxes[there, frame]


def _recorded(
    track: CellTrack, mask: NDArray[np.uint8], lost: NotRecorded
) -> NDArray[np.bool_]:
    """Return the frames in which a cell is present and a channel was recorded in all of it."""
    recorded = track.valid.copy()
    recorded[sorted(lost.frames)] = False
    for frame in np.flatnonzero(recorded).tolist() if lost.boxes else ():
        top, left, bottom, right = track.boxes[frame].tolist()
        for y0, x0, y1, x1 in lost.boxes.get(frame, ()):
            rows = slice(max(y0 - top, 0), max(min(y1, bottom) - top, 0))
            columns = slice(max(x0 - left, 0), max(min(x1, right) - left, 0))
            recorded[frame] &= not mask[frame, rows, columns].any()
    return recorded
