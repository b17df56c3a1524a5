"""Copying: the raw frames of every channel, each frame read once."""

from collections.abc import Iterator
from functools import partial
from typing import Any

from numpy.typing import NDArray

from pyama.algorithms.copy_params import CopyParams
from pyama.config import ProcessingConfig
from pyama.processing.fov import FovContext, FovFacts, full, image_groups
from pyama.processing.runner import Job, Part
from pyama.processing.steps.plane_scan import PlaneScan
from pyama.processing.steps.step import RECORDING, Ingredients, Step, params_of
from pyama.store import ROOT_MARK, NotRecorded, RootOutput, Series


def _skipped(config: ProcessingConfig) -> str | None:
    return None if config.channels.ids else "no channel is configured"


def _recipes(facts: FovFacts) -> Iterator[tuple[str, Ingredients]]:
    groups = image_groups(facts.config)
    place: dict[str, Any] = {"fov": facts.fov}
    yield ROOT_MARK, Ingredients([RECORDING], params={**place, "groups": groups})
    params, defaults = params_of(CopyParams, facts.config)
    params.pop("z", None)
    for group, channel in zip(groups, facts.config.channels.ids, strict=True):
        values = {**place, "channel": channel, **params, **_planes(facts, channel)}
        yield full(group), Ingredients([RECORDING], params=values, defaults=defaults)


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
        part.notes.update(scan.notes())


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
