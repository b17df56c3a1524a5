"""Which step of which field of view would run, and why; nothing is written."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pyama.cli.screen import note, result, result_json
from pyama.config import ProcessingConfig
from pyama.metadata import MicroscopyMetadata
from pyama.processing.plugin_digest import steady_fingerprints
from pyama.processing.recipes import recipes
from pyama.processing.steps import PLANS
from pyama.runs.fov_ranges import fovs_text
from pyama.runs.request import Request, prepare
from pyama.store import FovStore, Mark, Recipe

STEPS = tuple(PLANS)
NOT_DONE = "not done yet"
MOST_REASONS = 4
"""More reasons for one step are counted instead of listed."""


@dataclass(frozen=True)
class PlannedStep:
    """One step of a field of view.

    Attributes:
        step: Its name.
        outputs: Why each output would be made, by name; no reasons for a finished one. Empty
            if the step does not apply.
        skipped: Why the step does not apply; empty if it does.
    """

    step: str
    outputs: Mapping[str, tuple[str, ...]]
    skipped: str = ""

    @property
    def pending(self) -> list[str]:
        """Names of the outputs that would be made."""
        return [name for name, reasons in self.outputs.items() if reasons]

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why the step would run, each reason once; empty if it would not."""
        return tuple(
            dict.fromkeys(why for reasons in self.outputs.values() for why in reasons)
        )


def plan_fov(
    metadata: MicroscopyMetadata,
    config: ProcessingConfig,
    output_dir: Path,
    fov: int,
    *,
    from_scratch: bool = False,
    with_files: bool = True,
) -> tuple[PlannedStep, ...]:
    """Compare what a run would make with what is finished.

    Args:
        metadata: Of the recording.
        config: Of the run.
        output_dir: The output folder; it need not exist.
        fov: 0-based index of the field of view.
        from_scratch: As if nothing were finished.
        with_files: Also see whether the files of finished outputs are still there.
    """
    store = FovStore(output_dir, fov)
    found: dict[str, dict[str, tuple[str, ...]]] = defaultdict(dict)
    known = set() if from_scratch else set(store.mark_names())
    for name, recipe in recipes(metadata, config, fov).items():
        reasons = [NOT_DONE]
        if name in known:
            mark = store.mark(name)
            reasons = _reasons(mark, recipe)
            if not reasons and with_files:
                damages = store.damages(name, thorough=False, mark=mark)
                reasons = [f"{damage.path} is {damage.problem}" for damage in damages]
        found[recipe.step][name] = tuple(reasons)
    return tuple(
        PlannedStep(step, found[step])
        if step in found
        else PlannedStep(step, {}, _why_not(config))
        for step in STEPS
    )


def _reasons(mark: Mark | None, recipe: Recipe) -> list[str]:
    if mark is None:
        return ["its mark is damaged"]
    return [] if mark.recipe.digest == recipe.digest else recipe.changes_since(mark.recipe)


def _why_not(config: ProcessingConfig) -> str:
    if config.params.copy_only:
        return "copy_only"
    if config.channels.pc is None:
        return "no phase contrast channel"
    return "no fluorescence channel"


def grouped(
    plans: Mapping[int, tuple[PlannedStep, ...]],
) -> list[tuple[list[int], Sequence[PlannedStep]]]:
    """Put fields of view together of which the same is to be said."""
    groups: dict[str, list[int]] = defaultdict(list)
    for fov, steps in plans.items():
        groups[repr(steps)].append(fov)
    return [(fovs, plans[fovs[0]]) for fovs in groups.values()]


def plan_lines(plans: Mapping[int, tuple[PlannedStep, ...]]) -> list[str]:
    """Say in few lines what would run and why."""
    lines = []
    for fovs, steps in grouped(plans):
        lines.append(f"FOV {fovs_text(fovs)}")
        lines += _step_lines(steps)
    running = [fov for fov, steps in plans.items() if any(step.pending for step in steps)]
    if running:
        lines.append(f"{len(running)} of {len(plans)} fields of view have something to do.")
    else:
        lines.append("Everything is finished: a run would change nothing.")
    return lines


def _step_lines(steps: Sequence[PlannedStep]) -> list[str]:
    """One line for neighbouring steps of which the same is to be said."""
    told: dict[str, list[str]] = defaultdict(list)
    for step in steps:
        told[_said(step)].append(step.step)
    if len(told) == 1:
        return [f"  all steps: {said}" for said in told]
    return [f"  {', '.join(names)}: {said}" for said, names in told.items()]


def _said(step: PlannedStep) -> str:
    if step.skipped:
        return f"skipped ({step.skipped})"
    if not step.reasons:
        return "finished"
    reasons = step.reasons
    rest = len(reasons) - MOST_REASONS
    shown = "; ".join(reasons[:MOST_REASONS]) + (f"; and {rest} more" if rest > 0 else "")
    is_new_part = reasons == (NOT_DONE,) and len(step.pending) < len(step.outputs)
    part = f" for {', '.join(step.pending)}" if is_new_part else ""
    return f"runs{part}, {shown}"


def plan_entries(plans: Mapping[int, tuple[PlannedStep, ...]]) -> list[dict[str, Any]]:
    """Return the plan as plain values for JSON."""
    return [
        {"fovs": fovs, "steps": [_entry(step) for step in steps]}
        for fovs, steps in grouped(plans)
    ]


def _entry(step: PlannedStep) -> dict[str, Any]:
    action = "skip" if step.skipped else "run" if step.pending else "keep"
    return {
        "step": step.step,
        "action": action,
        "skipped": step.skipped,
        "outputs": {name: list(reasons) for name, reasons in step.outputs.items()},
    }


@steady_fingerprints()
def show(request: Request, *, as_json: bool) -> None:
    """Print the plan of a request."""
    prepared = prepare(request)
    plans = {
        fov: plan_fov(
            prepared.metadata,
            prepared.config,
            request.output,
            fov,
            from_scratch=request.overwrite,
        )
        for fov in prepared.fovs
    }
    for text in prepared.notes:
        note(f"Note: {text}")
    if as_json:
        result_json({"output": str(request.output), "plan": plan_entries(plans)})
    else:
        for line in plan_lines(plans):
            result(line)
