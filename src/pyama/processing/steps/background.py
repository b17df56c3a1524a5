"""Background: the fluorescence without cells."""

import logging
import math
from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import asdict
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pyama import layout
from pyama.algorithms.background_check import Doubt, tiles_doubt
from pyama.algorithms.background_surface import GRID, estimate
from pyama.algorithms.kernels.histogram import Histogram
from pyama.algorithms.params import BackgroundParams
from pyama.config import ProcessingConfig
from pyama.processing.fov import FovContext, FovFacts, full_output
from pyama.processing.runner import Job, Part
from pyama.processing.steps.previews import grey_levels
from pyama.processing.steps.step import RecipeParts, Step, params_of
from pyama.sentences import WITHOUT_MASK, no_background

logger = logging.getLogger(__name__)

ERROR_DECIMALS = 2
"""Decimals of the standard error of a background in counts."""


def _skipped(config: ProcessingConfig) -> str | None:
    if config.params.copy_only:
        return "copy_only"
    return None if config.channels.fl else "no fluorescence channel is configured"


def _recipes(facts: FovFacts) -> Iterator[tuple[str, RecipeParts]]:
    pc = facts.config.channels.pc
    labels = [] if pc is None else [full_output(layout.labeled(pc.channel))]
    params, defaults = params_of(BackgroundParams, facts.config)
    for entry in facts.config.channels.fl:
        inputs = [full_output(layout.fluorescence(entry.channel)), *labels]
        parts = RecipeParts(inputs, params=params, defaults=defaults)
        yield full_output(layout.background(entry.channel)), parts


def _jobs(context: FovContext) -> Iterator[Job]:
    if context.config.channels.pc is None:
        logger.warning("FOV %d: %s", context.fov, WITHOUT_MASK)
    for entry in context.config.channels.fl:
        part = context.stack_part(layout.background(entry.channel), "float32")
        frames = partial(_frames, context, entry.channel, part.notes)
        yield Job((part,), frames, context.metadata.n_frames)


def _frames(
    context: FovContext, channel: int, notes: dict[str, Any], pending: tuple[Part, ...]
) -> Iterator[tuple[NDArray[np.float32]]]:
    stack = context.stack(layout.fluorescence(channel))
    pc = context.config.channels.pc
    labels = None if pc is None else context.stack(layout.labeled(pc.channel))
    lost = context.not_recorded(channel)
    histogram = Histogram(GRID)
    covered: list[int] = []
    errors: list[float | None] = [None] * context.metadata.n_frames
    doubts: dict[int, Doubt | None] = {}
    checked = _checked_frames(context, lost.frames)
    for t, frame in enumerate(stack):
        if t in lost.frames:
            yield (np.zeros(frame.shape, np.float32),)
            continue
        mask = np.zeros(frame.shape, np.bool_) if labels is None else labels[t] > 0
        gaps = lost.mask(t, frame.shape)
        estimated = estimate(frame, mask, context.config.params, gaps)
        if estimated.is_fallback:
            covered.append(t)
        elif math.isfinite(estimated.error):
            errors[t] = round(estimated.error, ERROR_DECIMALS)
        if t in checked:
            doubts[t] = tiles_doubt(frame, mask, context.config.params, gaps, estimated)
        if gaps is not None:
            estimated.background[gaps] = 0
        histogram.update(estimated.background if gaps is None else estimated.background[~gaps])
        yield (estimated.background,)
    if covered:
        name = context.metadata.channel_names[channel]
        logger.warning("FOV %d: %s", context.fov, no_background(name, covered))
    notes.update(**grey_levels(histogram), **lost.notes(), frames_without_background=covered)
    is_tiles = context.config.params.background_method == "tiles"
    notes.update(_doubt_notes(doubts) if is_tiles else {"background_errors": errors})


def _checked_frames(context: FovContext, missing: AbstractSet[int]) -> set[int]:
    """Return the frames in which tiles are compared with planes, the first and the last.

    There are none with planes, or without a mask: planes may follow large cells then.
    """
    config = context.config
    recorded = [t for t in range(context.metadata.n_frames) if t not in missing]
    is_needed = config.params.background_method == "tiles" and config.channels.pc is not None
    return {recorded[0], recorded[-1]} if is_needed and recorded else set()


def _doubt_notes(doubts: Mapping[int, Doubt | None]) -> dict[str, Any]:
    """Return the largest difference between tiles and planes, and its cause."""
    found = {t: doubt for t, doubt in doubts.items() if doubt is not None}
    if not found:
        return {}
    worst = max(found, key=lambda t: found[t].counts)
    return {"doubt": {"frame": worst, **asdict(found[worst])}}


STEP = Step(
    name="background",
    title="Estimate backgrounds",
    version=2,
    recipes=_recipes,
    jobs=_jobs,
    weight=2.0,
    bytes_per_pixel=0.6,
    skipped=_skipped,
    is_optional=True,
)
