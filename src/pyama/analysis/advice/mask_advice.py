"""Advice where the segmentation dropped much of what the threshold marked."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from pyama.algorithms.segmenters.clean_up import (
    ALLOWED,
    SETTINGS_OF,
    share_of_mask,
    takes_too_much,
)
from pyama.analysis.advice.setting_advice import Advice, options
from pyama.config import ProcessingParams
from pyama.fov_ranges import fovs_text

CELLS_ARE_LOST = 0.5
"""Share of the mask that a stage takes only from cells smaller than it expects. Less may also
be dirt and rims."""
TITLES = {
    "small": "the limit of size",
    "opening": "the opening",
    "erosion": "the erosion",
    "debris": "the limit of size after the erosion",
}

Notes = Mapping[str, Any]


def mask_advice(fovs: Mapping[int, Notes], params: ProcessingParams) -> list[str]:
    """Return what to change where a stage took more than `ALLOWED` of the marked pixels.

    Args:
        fovs: What the segmentation noted, by field of view.
        params: Of the run.
    """
    stages = {fov: takes_too_much(notes.get("areas", {})) for fov, notes in fovs.items()}
    affected = {fov: fovs[fov] for fov, names in stages.items() if names}
    found = [_clean_up(affected, stages, params)] if affected else []
    return [*found, *_small_objects(fovs, params)]


def _clean_up(
    affected: Mapping[int, Notes], stages: Mapping[int, list[str]], params: ProcessingParams
) -> Advice:
    names = list(dict.fromkeys(name for fov in affected for name in stages[fov]))
    parts, most, worst = [], 0.0, next(iter(affected))
    for name in names:
        of_fov = {
            fov: share_of_mask(notes["areas"], name)
            for fov, notes in affected.items()
            if name in stages[fov]
        }
        parts.append(f"{_title(name, params)} took {_percent(of_fov.values())} %")
        fov = max(of_fov, key=lambda fov: of_fov[fov])
        if of_fov[fov] > most:
            most, worst = of_fov[fov], fov
    settings = affected[worst].get("gentler", {})
    if params.segmentation_method != "logstd":
        settings = {"segmentation_method": "logstd", **settings}
    return Advice(
        f"FOV {fovs_text(affected)}: {' and '.join(parts)} of the mask"
        f"{_remedy(settings, is_sure=most > CELLS_ARE_LOST)}",
        settings,
    )


def _title(stage: str, params: ProcessingParams) -> str:
    if params.segmentation_method != "logstd":
        return f"{TITLES[stage]} of {params.segmentation_method}"
    values = [f"{name}={value}" for name, value in _values(stage, params)]
    return f"{TITLES[stage]} ({', '.join(values)})" if values else TITLES[stage]


def _values(stage: str, params: ProcessingParams) -> Iterator[tuple[str, Any]]:
    for name in SETTINGS_OF[stage]:
        value = getattr(params, name)
        half = params.logstd_window_size // 2
        yield name, half if name == "erosion_size" and value is None else value


def _remedy(settings: Mapping[str, Any], *, is_sure: bool) -> str:
    if not settings:
        return "."
    typed = options(settings)
    if is_sure:
        return f": the cells are smaller than it expects. Try {typed}"
    return (
        ", which may be debris, rims and thin parts; weaker settings keep these, too. If "
        f"cells are missing in the images, try {typed}"
    )


def _small_objects(fovs: Mapping[int, Notes], params: ProcessingParams) -> Iterator[Advice]:
    """Yield what to change where the limit of size took much of the finished objects."""
    affected = {}
    for fov, notes in fovs.items():
        objects = notes.get("objects", {})
        kinds = ("small_area", "large_area", "kept_area")
        every = sum(objects.get(kind, 0) for kind in kinds)
        if every and objects.get("small_area", 0) > ALLOWED * every:
            affected[fov] = objects["small_area"] / every, objects
    if affected:
        share, objects = max(affected.values(), key=lambda entry: entry[0])
        limit = objects["small_area"] // max(1, objects.get("small", 0)) // 2
        found = _percent(share for share, _ in affected.values())
        settings = {"min_object_size": limit}
        yield Advice(
            f"FOV {fovs_text(affected)}: {found} % of the area of all objects was dropped as "
            f"smaller than {params.min_object_size} px\N{SUPERSCRIPT TWO} (min_object_size)"
            f"{_remedy(settings, is_sure=share > CELLS_ARE_LOST)}",
            settings,
        )


def _percent(shares: Iterable[float]) -> str:
    percents = sorted({round(100 * share) for share in shares})
    return f"{percents[0]} to {percents[-1]}" if len(percents) > 1 else f"{percents[0]}"
