"""What became of the marked pixels and the objects, stage by stage."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from pyama.algorithms.segmenters.clean_up import STAGES

Notes = Mapping[str, Any]
Outputs = Mapping[int, Mapping[str, Mapping[str, Notes]]]
"""What steps noted, by field of view, step and output."""


@dataclass(frozen=True)
class Stage:
    """What is left after one stage of a run, in all frames together.

    Attributes:
        name: The stage, or the parameter that limits it.
        area: Pixels that are left, in px².
        taken: Pixels that it took; negative if it added some.
        objects: Objects that are left, counted frame by frame; None before there are any.
        cells: Cells that are left, each with all of its frames; None before the tracking.
    """

    name: str
    area: int
    taken: int
    objects: int | None = None
    cells: int | None = None


def stages(segmentation: Notes, extraction: Notes) -> list[Stage]:
    """Return the stages of one field of view in order.

    Args:
        segmentation: What the segmentation noted in the mark of the labels.
        extraction: What the extraction noted in the mark of the traces. Results of earlier
            versions have no counts; the stages are left out then.
    """
    areas = segmentation.get("areas", {})
    left = [(name, {"area": areas[name]}) for name in STAGES if name in areas]
    left += _limits(segmentation.get("objects", {}))
    left += extraction.get("left", {}).items()
    found: list[Stage] = []
    for name, counts in left:
        before = found[-1].area if found else counts["area"]
        found.append(Stage(name, taken=before - counts["area"], **counts))
    return found


def _limits(objects: Mapping[str, int]) -> list[tuple[str, dict[str, int]]]:
    """Return what is left of the objects without and with the limits of their size."""
    if "kept" not in objects:
        return []
    kept = {"area": objects["kept_area"], "objects": objects["kept"]}
    some = {"area": kept["area"] + objects["large_area"]}
    some["objects"] = kept["objects"] + objects["large"]
    every = {"area": some["area"] + objects["small_area"]}
    every["objects"] = some["objects"] + objects["small"]
    return [("labels", every), ("min_object_size", some), ("max_object_size", kept)]


def total(fovs: Iterable[list[Stage]]) -> list[Stage]:
    """Return the stages of several fields of view together."""
    sums: dict[str, Stage] = {}
    for fov in fovs:
        for stage in fov:
            so_far = sums.get(stage.name)
            sums[stage.name] = stage if so_far is None else _sum(so_far, stage)
    return list(sums.values())


def _sum(one: Stage, other: Stage) -> Stage:
    def added(a: int | None, b: int | None) -> int | None:
        return None if a is None or b is None else a + b

    return Stage(
        one.name,
        one.area + other.area,
        one.taken + other.taken,
        added(one.objects, other.objects),
        added(one.cells, other.cells),
    )


def entries(found: Iterable[Stage]) -> list[dict[str, Any]]:
    """Return stages as plain values; what a stage does not count is left out."""
    return [
        {key: value for key, value in asdict(stage).items() if value is not None}
        for stage in found
    ]


def changes(found: Iterable[Mapping[str, Any]]) -> list[str]:
    """Return in words what every stage took from the mask, or added to it.

    Args:
        found: The stages, see `entries`.

    Returns:
        Such as `opening -12 %`, relative to the mask before the stage; empty if nothing was
        marked or counted.
    """
    return [
        f"{stage['name']} {-100 * stage['taken'] / before:+.0f} %"
        for stage in found
        if stage["taken"] and "cells" not in stage
        if (before := stage["area"] + stage["taken"])
    ]


def of_step(outputs: Outputs, step: str) -> dict[int, Notes]:
    """Return what a step noted, of all of its outputs together, by field of view."""
    return {
        fov: {key: value for part in steps[step].values() for key, value in part.items()}
        for fov, steps in outputs.items()
        if step in steps
    }


def accounts(outputs: Outputs) -> dict[int, list[Stage]]:
    """Return the stages of every field of view, see `stages`."""
    segmentation, extraction = of_step(outputs, "segmentation"), of_step(outputs, "extraction")
    return {fov: stages(segmentation.get(fov, {}), extraction.get(fov, {})) for fov in outputs}


def frames_limit(extraction: Iterable[Notes], min_frames: int, n_frames: int) -> str:
    """Return the number of frames that a cell had to be in, such as `12` or `10 to 12`.

    Args:
        extraction: What the extraction noted in every field of view.
        min_frames: That was requested.
        n_frames: Number of frames of the recording; it limits `min_frames` in results of
            earlier versions, which did not note what was used.
    """
    most = min(min_frames, n_frames)
    used = {notes.get("limits", {}).get("min_frames", most) for notes in extraction}
    ends = sorted({min(used, default=most), max(used, default=most)})
    return " to ".join(map(str, ends))
