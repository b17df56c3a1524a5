"""The lines of the traces: which cells are kept, and what is measured in them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pyama import layout
from pyama.algorithms.below_background import BackgroundAccount
from pyama.algorithms.features import (
    FLUORESCENCE_FEATURES,
    PHASE_FEATURES,
    CellTrack,
    Feature,
    measure_stack,
    needs_image,
)
from pyama.algorithms.kernels.array_types import Boxes
from pyama.algorithms.recorded_tracks import Tracks, recorded_tracks
from pyama.algorithms.track_checks import track_checks
from pyama.config import ProcessingParams
from pyama.processing.plugin_calls import limit_time_of_calls
from pyama.processing.plugin_digest import is_builtin
from pyama.processing.steps.illumination import Light
from pyama.registry import Registry
from pyama.store import CellList, Cells, NotRecorded
from pyama.traces.shifts_table import SHIFT_DECIMALS
from pyama.traces.trace_filters import filter_cells
from pyama.traces.trace_rows import (
    BACKGROUND_ERROR,
    DRIFT,
    PARENT,
    cell_rows,
    header,
    traces_columns,
)

TOTAL = "intensity_total"
"""The feature whose values are checked against the background."""


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
        background_errors: Standard errors of the backgrounds of all frames in counts, by
            channel; empty where they are not known.
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
    background_errors: Mapping[int, NDArray[np.float64]] = field(default_factory=dict)


def trace_lines(
    cells: Cells, inputs: TraceInputs, notes: dict[str, Any]
) -> Iterator[tuple[str, str]]:
    """Yield the text of a traces file, and that of the table of cells that are left out.

    Features of plugins are not measured in cells that are left out: their fields are empty.

    Args:
        cells: The finished crops.
        inputs: See `TraceInputs`.
        notes: Gets the numbers of the cells that each filter removed, what every filter
            left, numbers of totals far below zero (`BackgroundAccount`), and warnings.

    Yields:
        The two headers, then the lines of every cell, one of the two texts being empty.
    """
    cell_list = cells.cell_list
    extra: tuple[str, ...] = () if inputs.parents is None else (PARENT,)
    if cell_list.drift is not None:
        extra += DRIFT
    measured = {
        channel: (*names, BACKGROUND_ERROR) if channel in inputs.background_errors else names
        for channel, names in inputs.fluorescence.items()
    }
    columns = traces_columns((inputs.pc, inputs.phase), measured, extra)
    yield header(columns), header([*columns, *layout.LEFT_OUT_COLUMNS])
    lost = inputs.lost[inputs.pc]
    verdicts = filter_cells(cell_list, inputs.fov, inputs.shape, lost, inputs.params, notes)
    areas = np.zeros(len(cell_list.ids), np.int64)
    account = BackgroundAccount(inputs.params.background_weight, notes)
    for index, verdict in enumerate(verdicts.each()):
        mask = cells.crop(layout.tracked(inputs.pc), int(cell_list.ids[index]))
        areas[index] = np.count_nonzero(mask)
        text = _cell_text(cells, index, inputs, mask, account, with_plugins=not verdict)
        yield ("", _with_verdict(text, verdict)) if verdict else (text, "")
    notes |= verdicts.counts(areas)
    checks = track_checks(_at_rest(cell_list, inputs))
    if checks:
        notes["checks"] = checks


def _at_rest(cell_list: CellList, inputs: TraceInputs) -> Tracks:
    missing = np.array(sorted(inputs.lost[inputs.pc].frames), np.int64)
    boxes, valid, drift = cell_list.bboxes, cell_list.valid_frames, cell_list.drift
    return recorded_tracks(boxes, valid, missing, inputs.shape, drift)


def _with_verdict(rows: str, verdict: str) -> str:
    return "".join(f"{row},{verdict}\n" for row in rows.splitlines())


def _cell_text(
    cells: Cells,
    index: int,
    inputs: TraceInputs,
    mask: NDArray[np.uint8],
    account: BackgroundAccount,
    *,
    with_plugins: bool,
) -> str:
    cell_list = cells.cell_list
    valid = cell_list.valid_frames[index]
    features = _features(cells, index, inputs, mask, account, with_plugins=with_plugins)
    if cell_list.drift is not None:
        y, x = np.round(cell_list.drift.T.astype(np.float64), SHIFT_DECIMALS)
        features = dict(zip(DRIFT, (x, y), strict=True)) | features
    if inputs.parents is not None:
        parent = inputs.parents.get(int(cell_list.ids[index]), 0)
        features = {PARENT: np.full(len(valid), float(parent)), **features}
    frames = np.flatnonzero(valid)
    return cell_rows(
        inputs.fov,
        int(cell_list.ids[index]),
        frames,
        cell_list.bboxes[index][frames],
        {column: values[frames] for column, values in features.items()},
    )


def _features(
    cells: Cells,
    index: int,
    inputs: TraceInputs,
    mask: NDArray[np.uint8],
    account: BackgroundAccount,
    *,
    with_plugins: bool,
) -> dict[str, NDArray[np.float64]]:
    """Measure one cell in every channel; values of all frames by column."""
    cell = int(cells.cell_list.ids[index])
    phase = CellTrack(
        fov=inputs.fov,
        cell=cell,
        channel=inputs.pc,
        boxes=cells.cell_list.bboxes[index],
        valid=cells.cell_list.valid_frames[index],
        times_min=inputs.times_min,
        pixel_size_um=inputs.pixel_size_um,
        seed=inputs.params.seed,
        params=inputs.params,
        frame_shape=inputs.shape,
        others=partial(_others, cells.cell_list, index),
    )
    measured = _measured(inputs.phase, PHASE_FEATURES, with_plugins=with_plugins)
    image = None
    if needs_image(measured, PHASE_FEATURES):
        image = cells.crop(layout.phase(inputs.pc), cell)
    values_of = measure_stack(
        measured, _timed(measured, PHASE_FEATURES), image, mask, None, phase
    )
    features = _columns(inputs.phase, inputs.pc, values_of, len(mask))
    for channel, names in inputs.fluorescence.items():
        measured = _measured(names, FLUORESCENCE_FEATURES, with_plugins=with_plugins)
        if measured:
            track = replace(
                phase,
                channel=channel,
                valid=_recorded(phase, mask, inputs.lost[channel]),
            )
            image = cells.crop(layout.fluorescence(channel), cell)
            background = cells.crop(layout.background(channel), cell)
            if channel in inputs.light:
                light = inputs.light[channel]
                image, background = (
                    light.corrected(c, track.boxes) for c in (image, background)
                )
            values_of = measure_stack(
                measured,
                _timed(measured, FLUORESCENCE_FEATURES),
                image,
                mask,
                background,
                track,
            )
            if TOTAL in values_of:
                account.add(channel, values_of[TOTAL], image, mask, background)
        features |= _columns(names, channel, values_of if measured else {}, len(mask))
        if channel in inputs.background_errors:
            column = layout.column(BACKGROUND_ERROR, channel)
            features[column] = inputs.background_errors[channel]
    return features


def _measured(
    names: Sequence[str], registry: Registry[Feature], *, with_plugins: bool
) -> list[str]:
    return [name for name in names if with_plugins or is_builtin(registry[name])]


def _columns(
    names: Sequence[str], channel: int, values_of: Mapping[str, NDArray[np.float64]], n: int
) -> dict[str, NDArray[np.float64]]:
    """Return the values of all frames by column; NaN for features that were not measured."""
    nothing = np.full(n, np.nan)
    return {layout.column(name, channel): values_of.get(name, nothing) for name in names}


def _timed(names: Sequence[str], registry: Registry[Feature]) -> dict[str, Feature]:
    return {name: limit_time_of_calls(f"feature {name!r}", registry[name]) for name in names}


def _others(cell_list: CellList, index: int, frame: int) -> Boxes:
    """Return the boxes of all cells of a frame but one."""
    there = cell_list.valid_frames[:, frame].copy()
    there[index] = False
    return cell_list.bboxes[there, frame]


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
