"""Registration: the drift of the stage, as a table."""

import logging
from collections.abc import Iterator
from functools import partial
from typing import Any

from pyama import layout
from pyama.algorithms.drift import drifts
from pyama.algorithms.gaps import fill_gaps
from pyama.config import ProcessingConfig
from pyama.processing.fov import FovContext, FovFacts, full_output
from pyama.processing.runner import Job, Part
from pyama.processing.steps.step import RecipeParts, Step, without_phase_contrast
from pyama.sentences import not_similar
from pyama.store import SHIFTS_MARK, NotRecorded, Stack, TableOutput
from pyama.traces.shifts_table import shifts_row

logger = logging.getLogger(__name__)


def shift_lines(
    frames: Stack, lost: NotRecorded, notes: dict[str, Any], fov: int
) -> Iterator[str]:
    """Yield the text of a table of shifts, frame by frame.

    Args:
        frames: Phase contrast in counts, (T, H, W).
        lost: What was not recorded of them.
        notes: Gets the frames that could not be compared with the previous ones, except
            those that were not recorded.
        fov: 0-based index of the field of view.
    """
    shape = frames.shape[1:]
    present = (
        None if t in lost.frames else fill_gaps(frames[t], lost.mask(t, shape))
        for t in range(len(frames))
    )
    before = (0.0, 0.0)
    unknown: list[int] = []
    for t, drift in enumerate(drifts(present)):
        if not drift.is_known and t not in lost.frames:
            unknown.append(t)
        yield shifts_row(t, (drift.y, drift.x), before)
        before = drift.y, drift.x
    notes["frames_not_registered"] = unknown
    if unknown:
        logger.warning("FOV %d: %s", fov, not_similar(unknown))


def shifts_input(config: ProcessingConfig) -> list[str]:
    """Return the name of the shifts as an input of later steps; none without registration."""
    return [SHIFTS_MARK] if _skipped(config) is None else []


def _skipped(config: ProcessingConfig) -> str | None:
    is_off = config.params.registration == "none"
    return without_phase_contrast(config) or ("registration is 'none'" if is_off else None)


def _recipes(facts: FovFacts) -> Iterator[tuple[str, RecipeParts]]:
    params = {"basename": facts.metadata.basename}
    method = facts.config.params.registration
    yield SHIFTS_MARK, RecipeParts([full_output(layout.phase(facts.pc))], method, params)


def _output(context: FovContext) -> TableOutput:
    name = layout.shifts_file(context.metadata.basename, context.fov)
    return TableOutput(context.store.path, name, SHIFTS_MARK)


def _jobs(context: FovContext) -> Iterator[Job]:
    part = context.part(_output(context))
    lines = partial(_lines, context, part.notes)
    yield Job((part,), lines, context.metadata.n_frames)


def _lines(
    context: FovContext, notes: dict[str, Any], pending: tuple[Part, ...]
) -> Iterator[tuple[str]]:
    frames, lost = context.stack(layout.phase(context.pc)), context.not_recorded(context.pc)
    lines = shift_lines(frames, lost, notes, context.fov)
    return zip(lines, strict=True)  # one item per part


def discard_unused(context: FovContext) -> None:
    """Remove the table of an earlier run if this one is without registration."""
    if _skipped(context.config) is not None:
        _output(context).discard()


STEP = Step(
    name="registration",
    title="Find the drift of the stage",
    version=2,
    recipes=_recipes,
    jobs=_jobs,
    weight=1.0,
    bytes_per_pixel=0.0,
    skipped=_skipped,
    is_on_request=True,
)
