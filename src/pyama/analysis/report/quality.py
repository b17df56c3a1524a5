"""Quality of a recording: background, focus and drift."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

import numpy as np
from numpy.typing import NDArray

from pyama import layout
from pyama.algorithms.common_motion import middle_mean
from pyama.analysis.figures.colours import evenly_spaced
from pyama.analysis.report.report_data import ReportData
from pyama.errors import StoreError
from pyama.pictures.contrast import contrast_of_stack, recorded_pixels
from pyama.store import FovStore, NotRecorded, Stack, fovs_in
from pyama.traces.trace_recording import run_times

Values = NDArray[np.float64]

FRAMES_IN_ALL = 2400
"""Largest number of frames that are examined, over all fields of view."""
MIN_CELLS = 3
"""Fewest cells in two successive frames whose common movement is computed."""


@dataclass
class Quality:
    """Results by field of view. Times are in hours.

    Attributes:
        background: Times and mean background in counts, by channel and field of view.
        focus: Times and sharpness of phase contrast, by field of view; its median is 1.
        drift: Times and distance in px from the first frame, by field of view.
    """

    background: dict[int, dict[int, tuple[Values, Values]]] = field(default_factory=dict)
    focus: dict[int, tuple[Values, Values]] = field(default_factory=dict)
    drift: dict[int, tuple[Values, Values]] = field(default_factory=dict)


def assess(report: ReportData) -> Quality:
    """Examine some frames of every field of view; missing stacks and frames are left out."""
    quality = Quality()
    fovs = [fov for fov in fovs_in(report.output_dir) if fov < report.metadata.n_fovs]
    for fov in fovs:
        _examine(report, fov, max(6, min(60, FRAMES_IN_ALL // len(fovs))), quality)
    return quality


def _examine(report: ReportData, fov: int, frames: int, quality: Quality) -> None:
    store = FovStore(report.output_dir, fov)
    hours = np.array(run_times(report.output_dir, fov)) / 60
    pc = report.config.channels.pc
    for entry in report.config.channels.fl:
        group = layout.background(entry.channel)
        previews = _previews(report, store, group, entry.channel, frames)
        if previews is not None:
            lost = report.not_recorded(fov, entry.channel)
            mean_grey = partial(_mean_grey, lost, report.metadata.shapes[fov])
            times, greys = _each(previews, hours, mean_grey)
            levels = contrast_of_stack(store, group).to_counts(greys)
            quality.background.setdefault(entry.channel, {})[fov] = times, levels
    if pc is not None:
        previews = _previews(report, store, layout.phase(pc.channel), pc.channel, frames)
        if previews is not None:
            times, values = _each(previews, hours, _sharpness)
            typical = np.median(values) if len(values) else 0.0
            if typical > 0:
                quality.focus[fov] = times, values / typical
        moved = _drift(store)
        if moved is not None:
            quality.drift[fov] = hours, moved


def _previews(
    report: ReportData, store: FovStore, group: str, channel: int, most: int
) -> tuple[Stack, list[int]] | None:
    """Return a stack of previews and the frames to examine; None without previews."""
    try:
        stack = store.stack(group, layout.PREVIEW)
    except StoreError:
        return None
    recorded = report.recorded_frames(store.fov, channel)
    return stack, [recorded[k] for k in evenly_spaced(len(recorded), most)] if recorded else []


def _each(
    previews: tuple[Stack, list[int]],
    hours: Values,
    measure: Callable[[int, NDArray[np.uint8]], float],
) -> tuple[Values, Values]:
    stack, frames = previews
    return hours[frames], np.array([measure(t, stack[t]) for t in frames], float)


def _mean_grey(
    lost: NotRecorded, shape: tuple[int, int], t: int, preview: NDArray[np.uint8]
) -> float:
    return float(recorded_pixels(preview, lost.mask(t, shape)).mean())


def _sharpness(t: int, preview: NDArray[np.uint8]) -> float:
    """Return the energy of second differences divided by the variance of an image.

    After Subbarao et al. (1993), https://doi.org/10.1117/12.147706.
    """
    image = preview.astype(np.float32)
    if min(image.shape) < 3 or image.var() == 0:
        return 0.0
    bends = (np.diff(image, 2, axis=axis) for axis in (0, 1))
    return float(sum((bend**2).mean() for bend in bends) / image.var())


def _drift(store: FovStore) -> Values | None:
    """Return the distance in px from the first frame, shape (T,); None without cells.

    It is the drift of the stage if the run measured it, else the common movement of all cells.
    """
    try:
        cell_list = store.cells().cell_list
    except StoreError:
        return None
    if cell_list.drift is not None:
        return np.hypot(*cell_list.drift.T)
    boxes, valid = cell_list.bboxes.astype(float), cell_list.valid_frames
    centres = (boxes[..., :2] + boxes[..., 2:]) / 2
    moved = np.zeros((valid.shape[1], 2))
    for t in range(1, len(moved)):
        both = valid[:, t] & valid[:, t - 1]
        if both.sum() >= MIN_CELLS:
            moved[t] = middle_mean(centres[both, t] - centres[both, t - 1])
    return np.hypot(*np.cumsum(moved, axis=0).T)
