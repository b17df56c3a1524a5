"""Tracking: the same cells with one number through time."""

from collections.abc import Callable, Iterator
from collections.abc import Set as AbstractSet
from dataclasses import asdict, dataclass, replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pyama import layout
from pyama.algorithms.canvas import Canvas
from pyama.algorithms.contracts import ImageIndex, checked_labels
from pyama.algorithms.params import own_params
from pyama.algorithms.trackers.divisions import renumber_daughters
from pyama.algorithms.trackers.flicker import Repairs, repair_flicker
from pyama.config import ProcessingParams
from pyama.errors import PluginError
from pyama.processing.fov import FovContext, FovFacts, full_output
from pyama.processing.methods import TRACKER_PARAMS, TRACKERS, takes_place
from pyama.processing.plugin_calls import call_plugin, name_in_errors, report_progress
from pyama.processing.runner import Job, Part
from pyama.processing.steps.earlier_tracks import keep_earlier
from pyama.processing.steps.registration import shifts_input
from pyama.processing.steps.step import (
    RecipeParts,
    Step,
    method_recipe_parts,
    without_phase_contrast,
)
from pyama.sentences import count_text
from pyama.store import Stack

UNUSED_PARAMS = {name: frozenset({"min_iou"}) for name in ("kalman", "laptrack", "btrack")}
"""Parameters that built-in methods get and do not read."""
_DIVISION_RULE = 2
"""Incremented when other divisions are found; part of recipes with `divisions`."""
_GAP_RULE = 2
"""Incremented when `max_gap` closes other gaps; part of recipes with overlap and `max_gap`."""
_ENDED = object()


def track_frames(
    frames: Stack,
    missing: AbstractSet[int],
    method: tuple[str, Callable[..., Any]],
    params: ProcessingParams,
    notes: dict[str, Any],
    drift: NDArray[np.float64] | None = None,
    fov: int = 0,
) -> Iterator[NDArray[Any]]:
    """Give each cell one number through time.

    Args:
        frames: Labels of successive frames, (T, H, W).
        missing: Frames without labels. The tracker does not see them, so that tracks continue
            after them.
        method: Name and function of the tracker.
        params: Of the tracker.
        notes: Gets the largest number and, with `divisions`, the mother of every daughter;
            with `repair_flicker`, what was repaired.
        drift: How far the image has moved down and to the right in every frame, in px, shape
            (T, 2). The tracker sees the cells where they would be on a stage at rest.
        fov: 0-based index of the field of view.

    Yields:
        Labels of all frames; 0 everywhere in a missing one.

    Raises:
        ConfigError: The stage has moved too far.
        PluginError: The tracker failed or returned a wrong result.
    """
    name = f"tracking method {method[0]!r}"
    at_rest = np.zeros((len(frames), 2))
    canvas = Canvas(frames.shape[1:], at_rest if drift is None else drift)
    repairs = Repairs() if params.repair_flicker else None
    present = _Present(frames, missing, canvas, repairs)
    own = own_params(*method, params, TRACKER_PARAMS)
    place = (ImageIndex(fov, 0),) if takes_place(method[1]) else ()
    results = _called(name, method[1], present, (own, *place))
    steps: Iterator[tuple[NDArray[Any], dict[int, int]]]
    if params.divisions and hasattr(method[1], "mothers"):
        told = call_plugin(name, method[1].mothers, own, fov)
        notes["parents"] = {str(cell): mother for cell, mother in told.items()}
        steps = ((labels, {}) for labels in results)
    elif params.divisions:
        steps = renumber_daughters(results)
        notes["parents"] = {}
    else:
        steps = ((labels, {}) for labels in results)
    notes["largest_label"] = 0
    for t in range(len(frames)):
        if t in missing:
            yield np.zeros(frames.shape[1:], np.uint16)
            continue
        labels, mothers = next(steps)
        labels = canvas.view(labels, t)
        if mothers:
            notes["parents"] |= {str(cell): mother for cell, mother in mothers.items()}
        notes["largest_label"] = max(notes["largest_label"], int(labels.max(initial=0)))
        yield labels
    next(steps, None)  # detects a tracker that yields too many frames
    if repairs is not None:
        notes["flicker"] = asdict(repairs)


@dataclass(frozen=True)
class _Present:
    """The frames that a tracker sees, read from disk at each iteration."""

    frames: Stack
    missing: AbstractSet[int]
    canvas: Canvas
    repairs: Repairs | None
    """Filled if flicker is repaired."""

    def __len__(self) -> int:
        return len(self.frames) - len(self.missing)

    def __iter__(self) -> Iterator[NDArray[Any]]:
        frames = self._placed()
        return frames if self.repairs is None else repair_flicker(frames, self.repairs)

    def _placed(self) -> Iterator[NDArray[Any]]:
        for t in range(len(self.frames)):
            if t not in self.missing:
                report_progress()
                yield self.canvas.place_labels(self.frames[t], t)


def _called(
    name: str,
    tracker: Callable[..., Any],
    frames: _Present,
    arguments: tuple[Any, ...],
) -> Iterator[NDArray[Any]]:
    """Labels from a tracker, each checked."""
    with name_in_errors(name, tracker):
        results = iter(tracker(frames, *arguments))
    for done in range(len(frames)):
        with name_in_errors(name, tracker):
            labels = next(results, _ENDED)
        if labels is _ENDED:
            raise PluginError(
                f"{name} returned {count_text(done, 'frame')}; expected {len(frames)}."
            )
        yield checked_labels(name, labels, frames.canvas.shape)
    with name_in_errors(name, tracker):
        too_many = next(results, _ENDED) is not _ENDED
    if too_many:
        raise PluginError(f"{name} returned more frames than the {len(frames)} it was given.")


def _recipes(facts: FovFacts) -> Iterator[tuple[str, RecipeParts]]:
    run = facts.config.params
    parts = method_recipe_parts(
        TRACKERS, run.tracking_method, TRACKER_PARAMS, facts, UNUSED_PARAMS
    )
    rules: dict[str, Any] = {}
    if run.divisions:
        rules |= {"divisions": True, "division_rule": _DIVISION_RULE}
    if run.repair_flicker:
        rules |= {"repair_flicker": True}
    if "max_gap" in parts.params and run.tracking_method in ("iou", "mask_iou"):
        rules |= {"gap_rule": _GAP_RULE}
    params = {**parts.params, **rules}
    inputs = [full_output(layout.labeled(facts.pc)), *shifts_input(facts.config)]
    defaults = {**parts.defaults, "divisions": False, "repair_flicker": False}
    yield (
        full_output(layout.tracked(facts.pc)),
        replace(parts, inputs=inputs, params=params, defaults=defaults),
    )


def _jobs(context: FovContext) -> Iterator[Job]:
    part = context.stack_part(layout.tracked(context.pc), "uint16")
    if not part.output.is_done(part.recipe):
        keep_earlier(context.store, tracks=True)
    frames = partial(_frames, context, part.notes)
    yield Job((part,), frames, context.metadata.n_frames)


def _frames(
    context: FovContext, notes: dict[str, Any], pending: tuple[Part, ...]
) -> Iterator[tuple[NDArray[Any]]]:
    name = context.config.params.tracking_method
    notes |= context.not_recorded(context.pc).notes()
    labels = track_frames(
        context.stack(layout.labeled(context.pc)),
        context.not_recorded(context.pc).frames,
        (name, TRACKERS[name]),
        context.config.params,
        notes,
        context.drift(),
        context.fov,
    )
    return zip(labels, strict=True)  # one item per part


STEP = Step(
    name="tracking",
    title="Track cells",
    version=2,
    recipes=_recipes,
    jobs=_jobs,
    weight=1.0,
    bytes_per_pixel=0.1,
    skipped=without_phase_contrast,
)
