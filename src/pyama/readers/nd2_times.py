"""The times of an ND2 file: from the list of time stamps, the images, or the time loop."""

import math
import struct
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pyama.metadata import FILE_STAMPS
from pyama.readers.nd2_chunks import FRAME_HEAD, Contents
from pyama.readers.stamp_sources import Source

TIME = struct.Struct("<d")
"""Milliseconds, the last bytes of the head of an image."""
ByAxis = Callable[[NDArray[Any]], NDArray[Any]]
"""Rearranges values of all images from the order of the file to the axes (P, T, Z)."""


def nd2_times(
    path: Path, contents: Contents, loops: Sequence[Any], total: int, by_axis: ByAxis
) -> Iterator[Source]:
    """Yield the times of a file, the best first.

    Args:
        path: The file.
        contents: Its images and time stamps.
        loops: The loops of the experiment, as the package nd2 gives them.
        total: Images that the loops declare.
        by_axis: See `ByAxis`.
    """
    listed = dict(enumerate(contents.times_ms.tolist()))
    yield FILE_STAMPS, _earliest(listed, contents.frames, total, by_axis)
    heads = _heads(path, contents.frames)
    yield "times in the images of the file", _earliest(heads, contents.frames, total, by_axis)
    n_fovs, n_frames = by_axis(np.zeros(total)).shape[:2]
    row = _periodic(loops, n_frames)
    yield (
        "period of the time loop in the file",
        None if row is None else np.tile(row, (n_fovs, 1)),
    )


def planned_min(loops: Sequence[Any]) -> float | None:
    """Return the planned minutes per frame; None without a time loop, or where it had none."""
    periods = [float(loop.parameters.periodMs) for loop in loops if loop.type == "TimeLoop"]
    usable = [period / 60_000 for period in periods if math.isfinite(period) and period > 0]
    return usable[0] if usable else None


def _earliest(
    times_ms: Mapping[int, float], stored: Mapping[int, int], total: int, by_axis: ByAxis
) -> NDArray[np.float64] | None:
    """Return the earliest time of the stored planes of every frame, shape (P, T), in minutes.

    Times that are all 0 were not recorded.
    """
    known = np.full(total, np.nan)
    for number in stored:
        if number < total:
            known[number] = times_ms.get(number, np.nan)
    if not np.any(np.nan_to_num(known)):
        return None
    return np.fmin.reduce(by_axis(known), axis=2) / 60_000


def _heads(path: Path, places: Mapping[int, int]) -> dict[int, float]:
    times = {}
    with path.open("rb") as file:
        for number, place in places.items():
            file.seek(place + FRAME_HEAD - TIME.size)
            (times[number],) = TIME.unpack(file.read(TIME.size))
    return times


def _periodic(loops: Sequence[Any], n_frames: int) -> NDArray[np.float64] | None:
    """Return the times of the frames in minutes by the measured or the planned period."""
    steps: list[float] = []
    for loop in loops:
        if loop.type == "TimeLoop":
            steps = [_period_ms(loop.parameters)] * n_frames
        if loop.type == "NETimeLoop":
            for phase in loop.parameters.periods:
                steps += [_period_ms(phase)] * int(phase.count)
    if len(steps) < n_frames or not all(step > 0 for step in steps[: n_frames - 1]):
        return None
    return np.cumsum([0.0, *steps[: n_frames - 1]]) / 60_000


def _period_ms(phase: Any) -> float:
    measured, planned = float(phase.periodDiff.avg), float(phase.periodMs)
    chosen = measured if measured > 0 else planned
    return chosen if math.isfinite(chosen) else 0.0
