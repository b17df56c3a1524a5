"""Copying: the raw frames of every channel, each frame read once."""

from collections.abc import Iterator
from functools import partial
from typing import Any

from numpy.typing import NDArray

from pyama.algorithms.kernels.histogram import Histogram
from pyama.algorithms.params import CopyParams
from pyama.config import ProcessingConfig
from pyama.processing.fov import FovContext, FovFacts, full, image_groups
from pyama.processing.runner import Job, Part
from pyama.processing.steps.previews import grey_levels
from pyama.processing.steps.step import RECORDING, Ingredients, Step, params_of
from pyama.store import ROOT_MARK, RootOutput, Series


def _skipped(config: ProcessingConfig) -> str | None:
    return None if config.channels.ids else "no channel is configured"


def _recipes(facts: FovFacts) -> Iterator[tuple[str, Ingredients]]:
    groups = image_groups(facts.config)
    place: dict[str, Any] = {"fov": facts.fov}
    yield ROOT_MARK, Ingredients([RECORDING], params={**place, "groups": groups})
    params, defaults = params_of(CopyParams, facts.config)
    for group, channel in zip(groups, facts.config.channels.ids, strict=True):
        values = {**place, "channel": channel, **params}
        yield full(group), Ingredients([RECORDING], params=values, defaults=defaults)


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
    missing = [context.missing(channel) for channel in requested]
    histograms = [Histogram() for _ in requested]
    black: list[list[int]] = [[] for _ in requested]
    reader = context.reader()
    for t in range(context.metadata.n_frames):
        frames = reader.read(context.fov, t, requested)
        for i, frame in enumerate(frames):
            if t not in missing[i]:
                histograms[i].update(frame)
                if not frame[0, 0] and not frame.any():
                    black[i].append(t)
        yield tuple(frames)
    for i, part in enumerate(pending):
        part.notes.update(**grey_levels(histograms[i]), missing_frames=sorted(missing[i]))
        if black[i]:  # written, but no camera gives such an image
            part.notes["black_frames"] = black[i]


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
