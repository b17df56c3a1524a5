"""Copying: the raw frames of every channel, each frame read once."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pyama.algorithms.copy_params import CopyParams
from pyama.algorithms.kernels.histogram import Histogram
from pyama.algorithms.repeated_frames import RepeatedFrames
from pyama.algorithms.saturation import SaturationCount
from pyama.config import ProcessingConfig
from pyama.processing.fov import FovContext, FovFacts, full_output, image_groups
from pyama.processing.runner import Job, Part
from pyama.processing.steps.previews import grey_levels
from pyama.processing.steps.step import RECORDING, RecipeParts, Step, params_of
from pyama.store import ROOT_MARK, NotRecorded, RootOutput, Series


def _skipped(config: ProcessingConfig) -> str | None:
    return None if config.channels.ids else "no channel is configured"


def _recipes(facts: FovFacts) -> Iterator[tuple[str, RecipeParts]]:
    groups = image_groups(facts.config)
    place: dict[str, Any] = {"fov": facts.fov, **facts.selection}
    params, defaults = params_of(CopyParams, facts.config)
    root = {**place, "groups": groups}
    yield ROOT_MARK, RecipeParts([RECORDING], params=root, defaults=defaults)
    # Resolved by `_planes`, by `selection` and by the identity of the recording.
    for name in ("z", "frames", "z_is_time", "axes"):
        params.pop(name, None)
    for group, channel in zip(groups, facts.config.channels.ids, strict=True):
        values = {**place, "channel": channel, **params, **_planes(facts, channel)}
        yield full_output(group), RecipeParts([RECORDING], params=values, defaults=defaults)


def _planes(facts: FovFacts, channel: int) -> dict[str, Any]:
    """Return which z planes and tiles a channel is copied from, where it is unusual.

    Where planes or tiles are lacking, results differ from those of earlier versions.
    """
    metadata, z = facts.metadata, facts.config.params.z_of(channel)
    partly = [
        frame
        for images in metadata.incomplete
        if (images.fov, images.channel) == (facts.fov, channel)
        for frame in images.frames
    ]
    stack = metadata.stacks.get(channel)
    pixels = NotRecorded.known_to(metadata, facts.fov, channel).entry()["pixels"]
    return {
        **({} if z == "middle" else {"z": z}),
        **({} if stack is None else {"planes": stack.used}),
        **({"incomplete_stacks": partly} if partly else {}),
        **({"not_covered": pixels} if pixels else {}),
    }


def _jobs(context: FovContext) -> Iterator[Job]:
    groups = image_groups(context.config)
    ids = context.config.channels.ids
    series = [Series(group, context.title(group), context.shape, "uint16") for group in groups]
    root = context.part(RootOutput(context.store.path, series, context.scale))
    yield Job((root,), lambda parts: (), framewise=False)
    parts = tuple(context.stack_part(group, "uint16") for group in groups)
    channels = {part.output.name: channel for part, channel in zip(parts, ids, strict=True)}
    at_once = context.config.params.n_workers > 1  # a single worker is a single core
    frames = partial(_frames, context, channels)
    yield Job(parts, frames, context.metadata.n_frames, at_once=at_once)


def _frames(
    context: FovContext, channels: dict[str, int], pending: tuple[Part, ...]
) -> Iterator[tuple[NDArray[Any], ...]]:
    requested = [channels[part.output.name] for part in pending]
    scans = [
        PlaneScan(
            NotRecorded.known_to(context.metadata, context.fov, channel),
            context.config.params.zero_planes,
        )
        for channel in requested
    ]
    reader = context.reader()
    for t in range(context.metadata.n_frames):
        frames = reader.read(context.fov, t, requested)
        for scan, frame in zip(scans, frames, strict=True):
            scan.add(t, frame)
        yield tuple(frames)
    for part, scan in zip(pending, scans, strict=True):
        part.notes.update({**scan.notes(), **context.selection})


class PlaneScan:
    """One channel of one field of view, seen frame by frame.

    NIS-Elements stores an image of zeros where a channel is recorded only every n-th frame.
    Cameras have an offset: if the other images have no pixel that is 0, the zeros are none of
    a camera.

    Args:
        known: What was not recorded according to the index of the file.
        zero_planes: See `CopyParams`.
    """

    def __init__(self, known: NotRecorded, zero_planes: str) -> None:
        self._known = known
        self._zero_planes = zero_planes
        self._histogram = Histogram()
        self._saturation = SaturationCount()
        self._zeros: dict[int, int] = {}  # pixels of every image of zeros, by frame
        self._repeats = RepeatedFrames()

    def add(self, t: int, frame: NDArray[np.uint16]) -> None:
        """Look at the next frame, shape (H, W)."""
        if t in self._known.frames:
            return
        lost = self._known.mask(t, frame.shape)
        pixels = frame if lost is None else frame[~lost]
        if frame[0, 0] or frame.any():  # the first pixel spares most frames the search
            self._histogram.update(pixels)
            self._saturation.add(t, pixels.size, self._histogram)
            self._repeats.add(t, frame)
        else:
            self._zeros[t] = pixels.size

    def notes(self) -> Mapping[str, Any]:
        """Return the notes of the copied stack, once all frames were seen."""
        zeros = sorted(self._zeros)
        if self._are_missing():
            lost = replace(self._known, frames=self._known.frames | set(zeros))
            said = {"zero_frames": zeros} if zeros else {}
        else:
            lost = self._known
            said = {"black_frames": zeros} if zeros else {}
            for n in self._zeros.values():
                self._histogram.update(np.zeros(n, np.uint16))
        levels = grey_levels(self._histogram) | self._saturation.notes(self._histogram)
        if self._repeats.frames:
            said["repeated_frames"] = self._repeats.frames
        return {**levels, "missing_frames": sorted(lost.frames), **lost.notes(), **said}

    def _are_missing(self) -> bool:
        if self._zero_planes != "auto":
            return self._zero_planes == "missing"
        (lowest,) = self._histogram.percentile(0)  # NaN without any other image
        return lowest != 0


STEP = Step(
    name="copying",
    title="Copy frames",
    version=2,
    recipes=_recipes,
    jobs=_jobs,
    weight=2.0,
    bytes_per_pixel=1.3,
    skipped=_skipped,
)
