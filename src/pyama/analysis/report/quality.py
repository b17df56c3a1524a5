"""How good a recording is: background, focus, drift, saturation, lost frames."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import trim_mean

from pyama import layout
from pyama.analysis.colours import evenly
from pyama.analysis.report.report_data import Material
from pyama.errors import StoreError
from pyama.store import FovStore, Stack
from pyama.traces.trace_recording import run_times

Values = NDArray[np.float64]

FRAMES_IN_ALL = 2400
"""Frames that are looked at, over all fields of view."""
RAW_FRAMES = 3
"""Raw frames per field of view and channel in which saturated pixels are counted."""
FULL_SCALES = (255, 1023, 4095, 16383, 65535)
"""Largest counts of cameras with 8 to 16 bits."""
FEWEST_SATURATED = 10
"""Pixels at a full scale from which it is taken for one."""
FEWEST_CELLS = 3
"""Cells in two successive frames from which their common movement is told."""


@dataclass
class Quality:
    """What was seen, by field of view. Times are in hours.

    Attributes:
        background: Times and mean background in counts, by channel and field of view.
        focus: Times and sharpness of phase contrast, by field of view; its median is 1.
        drift: Times and distance in px from the first frame, by field of view.
        saturated: Largest share of saturated pixels of a frame, by channel and field of view;
            only those that have any.
        raw_frames: How many frames were searched for saturated pixels.
    """

    background: dict[int, dict[int, tuple[Values, Values]]] = field(default_factory=dict)
    focus: dict[int, tuple[Values, Values]] = field(default_factory=dict)
    drift: dict[int, tuple[Values, Values]] = field(default_factory=dict)
    saturated: dict[int, dict[int, float]] = field(default_factory=dict)
    raw_frames: int = 0


def assess(material: Material) -> Quality:
    """Look at a sample of the frames of every field of view; what is missing is left out."""
    quality = Quality()
    fovs = _fovs(material)
    for fov in fovs:
        _look_at(material, fov, max(6, min(60, FRAMES_IN_ALL // len(fovs))), quality)
    return quality


def _fovs(material: Material) -> list[int]:
    found = (layout.parse_fov(path.name) for path in material.output_dir.glob("fov_*"))
    return sorted(fov for fov in found if fov is not None and fov < material.metadata.n_fovs)


def _look_at(material: Material, fov: int, frames: int, quality: Quality) -> None:
    store = FovStore(material.output_dir, fov)
    hours = np.array(run_times(material.output_dir, fov)) / 60
    pc = material.config.channels.pc
    for entry in material.config.channels.fl:
        group = layout.background(entry.channel)
        seen = _seen(material, store, group, entry.channel, frames)
        if seen is not None:
            times, levels = _each(seen, hours, _level)
            quality.background.setdefault(entry.channel, {})[fov] = times, levels
    if pc is not None:
        seen = _seen(material, store, layout.phase(pc.channel), pc.channel, frames)
        if seen is not None:
            times, values = _each(seen, hours, _sharpness)
            typical = np.median(values) if len(values) else 0.0
            if typical > 0:
                quality.focus[fov] = times, values / typical
        moved = _drift(store)
        if moved is not None:
            quality.drift[fov] = hours, moved
    for channel in material.config.channels.ids:
        _count_saturated(material, store, channel, quality)


def _seen(
    material: Material, store: FovStore, group: str, channel: int, most: int
) -> tuple[Stack, list[int]] | None:
    """Return a stack of previews and the frames to look at; None where there is none."""
    missing = material.metadata.missing_frames(store.fov, channel)
    try:
        stack = store.stack(group, layout.PREVIEW)
    except StoreError:
        return None
    recorded = [t for t in range(len(stack)) if t not in missing]
    return stack, [recorded[k] for k in evenly(len(recorded), most)] if recorded else []


def _each(seen: tuple[Stack, list[int]], hours: Values, look: Any) -> tuple[Values, Values]:
    stack, frames = seen
    shown = stack.attributes.get("pyama", {})
    values = [look(stack[t], shown) for t in frames]
    return hours[frames], np.array(values, float)


def _level(preview: NDArray[np.uint8], shown: dict[str, float]) -> float:
    """Mean counts of a preview, whose 0 and 255 are the percentiles 1 and 99 of the stack."""
    low, high = shown.get("low", 0.0), shown.get("high", 0.0)
    return low + (high - low) * float(preview.mean()) / 255


def _sharpness(preview: NDArray[np.uint8], shown: dict[str, float]) -> float:
    """Energy of the second differences by the variance, after Subbarao et al. (1993).

    https://doi.org/10.1117/12.147706
    """
    image = preview.astype(np.float32)
    if min(image.shape) < 3 or image.var() == 0:
        return 0.0
    bends = (np.diff(image, 2, axis=axis) for axis in (0, 1))
    return float(sum((bend**2).mean() for bend in bends) / image.var())


def _drift(store: FovStore) -> Values | None:
    """Distance in px from the first frame, shape (T,).

    It is that of the stage if the run has looked for it, else that of all cells together.
    """
    try:
        roster = store.cells().roster
    except StoreError:
        return None
    if roster.drift is not None:
        return np.hypot(*roster.drift.T)
    boxes, valid = roster.bboxes.astype(float), roster.valid_frames
    centres = (boxes[..., :2] + boxes[..., 2:]) / 2
    moved = np.zeros((valid.shape[1], 2))
    for t in range(1, len(moved)):
        both = valid[:, t] & valid[:, t - 1]
        if both.sum() >= FEWEST_CELLS:
            moved[t] = trim_mean(centres[both, t] - centres[both, t - 1], 0.25, axis=0)
    return np.hypot(*np.cumsum(moved, axis=0).T)


def _count_saturated(
    material: Material, store: FovStore, channel: int, quality: Quality
) -> None:
    pc = material.config.channels.pc
    is_phase = pc is not None and pc.channel == channel
    group = layout.phase(channel) if is_phase else layout.fluorescence(channel)
    try:
        stack = store.stack(group)
        frames = [stack[t] for t in evenly(len(stack), RAW_FRAMES)]
    except StoreError:
        return
    quality.raw_frames += len(frames)
    worst = max((_saturated(frame) for frame in frames), default=0.0)
    if worst:
        quality.saturated.setdefault(channel, {})[store.fov] = worst


def _saturated(frame: NDArray[np.uint16]) -> float:
    """Share of the pixels at the largest count, if that is a camera's full scale."""
    largest = int(frame.max(initial=0))
    number = int(np.count_nonzero(frame == largest))
    if largest not in FULL_SCALES or number < FEWEST_SATURATED:
        return 0.0
    return number / frame.size
