"""Clean-up of the mask of rough pixels, and what each stage of it takes."""

from collections.abc import Callable, Iterable, Iterator
from itertools import pairwise
from typing import Any, TypeVar

import numpy as np

from pyama.algorithms.kernels.bits import Bits
from pyama.algorithms.kernels.labels import fill_mask_holes, remove_small_objects
from pyama.algorithms.kernels.morphology import close_bits, erode_bits, open_bits
from pyama.algorithms.params import LogStdParams

ALLOWED = 0.2
"""Share of the marked pixels that a stage may take without a remark."""
SMALLEST_LIMIT = 5
"""Smallest `min_object_size` (px²) that is recommended."""

STAGES = "threshold", "closing", "small", "holes", "opening", "erosion", "halo", "debris"
"""What is done with a mask, in order. Not every method has all of it."""
SETTINGS_OF = {
    "small": ("min_object_size",),
    "opening": ("morph_size", "morph_iterations"),
    "erosion": ("erosion_size",),
    "debris": (),
}
"""Stages that must not take much, and their parameters in LOG-STD. The halo around a cell is
not one of them: it is marked, and belongs to no cell."""
STAGES_BEFORE = {
    "small": "closing",
    "opening": "holes",
    "erosion": "opening",
    "debris": "halo",
}

T = TypeVar("T")
Areas = dict[str, int]
"""Pixels that are left after a stage of `STAGES`, by its name."""


def clean_up_stages(mask: Bits, params: LogStdParams) -> Iterator[tuple[str, Bits]]:
    """Yield the mask after every stage of the clean-up of LOG-STD, with the stage's name.

    Args:
        mask: The pixels that the threshold marked, shape (H, W).
        params: Of the clean-up.
    """
    yield "threshold", mask
    mask = close_bits(mask, params.closing_size // 2, params.closing_iterations)
    yield "closing", mask
    mask = remove_small_objects(mask, params.min_object_size)
    yield "small", mask
    mask = fill_mask_holes(mask)
    yield "holes", mask
    mask = open_bits(mask, params.morph_size // 2, params.morph_iterations)
    yield "opening", mask
    yield "erosion", erode_bits(mask, erosion(params))


def erosion(params: LogStdParams) -> int:
    """Return the radius of the erosion in px."""
    half = params.logstd_window_size // 2
    return half if params.erosion_size is None else params.erosion_size


def area(mask: Bits) -> int:
    """Return the number of pixels of a mask, in px²."""
    return int(np.bitwise_count(mask.words).sum())


def add(areas: Areas | None, stage: str, pixels: int) -> None:
    """Add the pixels that a stage leaves in one frame, if somebody counts."""
    if areas is not None:
        areas[stage] = areas.get(stage, 0) + pixels


def shares(areas: Areas) -> dict[str, float]:
    """Return which share of the marked pixels every stage took; negative if it added some."""
    marked = areas.get("threshold", 0)
    named = [stage for stage in STAGES if stage in areas]
    return {
        stage: (areas[before] - areas[stage]) / marked if marked else 0.0
        for before, stage in pairwise(named)
    }


def share_of_mask(areas: Areas, stage: str) -> float:
    """Return which share of the mask that a stage got it took, from 0 to 1."""
    before = areas.get(STAGES_BEFORE[stage], 0)
    return (before - areas[stage]) / before if before else 0.0


def takes_too_much(areas: Areas) -> list[str]:
    """Return the stages that took more than `ALLOWED` of the marked pixels."""
    return [
        stage
        for stage, share in shares(areas).items()
        if share > ALLOWED and stage in SETTINGS_OF
    ]


def gentler_settings(mask: Bits, params: LogStdParams) -> dict[str, Any]:
    """Find settings with which no stage of the clean-up takes too much of a mask.

    Every stage in turn gets the first of its settings, from the given one to weaker ones,
    that takes at most `ALLOWED` of the marked pixels.

    Args:
        mask: The pixels that the threshold marked, shape (H, W).
        params: The settings that took too much.

    Returns:
        The parameters to change, by name.
    """
    most = ALLOWED * area(mask)
    mask = close_bits(mask, params.closing_size // 2, params.closing_iterations)
    limits, openings = _halved(params.min_object_size), _weaker(params)
    limit, mask = _first(most, mask, limits, remove_small_objects)
    opening, mask = _first(
        most,
        fill_mask_holes(mask),
        openings,
        lambda mask, disk: open_bits(mask, disk[0] // 2, disk[1]),
    )
    radius, mask = _first(most, mask, range(erosion(params), -1, -1), erode_bits)
    limit, _ = _first(most, mask, _halved(limit), remove_small_objects)
    found = {
        "min_object_size": limit,
        "morph_size": opening[0],
        "morph_iterations": opening[1],
        "erosion_size": None if radius == erosion(params) else radius,
    }
    return {
        name: value
        for name, value in found.items()
        if value not in (None, getattr(params, name))
    }


def _first(
    most: float, mask: Bits, settings: Iterable[T], stage: Callable[[Bits, T], Bits]
) -> tuple[T, Bits]:
    """Return the first setting with which a stage takes at most `most` px², or the last."""
    before = area(mask)
    for setting in settings:
        left = stage(mask, setting)
        if before - area(left) <= most:
            break
    return setting, left


def _halved(limit: int) -> Iterator[int]:
    yield limit
    while limit // 2 >= SMALLEST_LIMIT:
        limit //= 2
        yield limit
    yield 0


def _weaker(params: LogStdParams) -> Iterator[tuple[int, int]]:
    """Yield sizes and iterations of an opening, from the given ones to none at all."""
    size, times = params.morph_size, params.morph_iterations
    yield size, times
    if times:
        yield from ((size, n) for n in range(times - 1, 0, -1))
        yield from ((n, 1) for n in range(2 * (size // 2) - 1, 1, -2))
        yield size, 0
