"""Which step of which field of view would run, and why; nothing is written."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pyama.config import ProcessingConfig
from pyama.fov_ranges import fovs_text
from pyama.processing.plugin_digest import keep_fingerprints
from pyama.processing.recipes import FovContexts
from pyama.processing.steps import STEPS
from pyama.runs.request import PreparedRun
from pyama.store import FovStore, Mark, Recipe

NOT_DONE = "not done yet"
REMOVED = "removed by pyama clean"
ABSENT = NOT_DONE, REMOVED
"""Reasons for outputs of which nothing is replaced."""
MAX_REASONS = 4
"""Largest number of reasons that are listed for one step."""


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
    def is_replaced(self) -> bool:
        """Whether an output that is there would be made again."""
        return any(why not in ABSENT for why in self.reasons)

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why the step would run, each reason once; empty if it would not."""
        return tuple(
            dict.fromkeys(why for reasons in self.outputs.values() for why in reasons)
        )


Plans = Mapping[int, tuple[PlannedStep, ...]]
"""The steps of every field of view."""


@keep_fingerprints()
def plan_run(run: PreparedRun, *, with_files: bool = True) -> Plans:
    """Compare what a run would make with what is finished; nothing is written.

    Args:
        run: The run.
        with_files: Also see whether the files of finished outputs are still there.
    """
    return {
        fov: plan_fov(run.contexts, fov, from_scratch=run.overwrite, with_files=with_files)
        for fov in run.fovs
    }


def pending_outputs(plans: Plans, config: ProcessingConfig) -> dict[int, dict[str, list[str]]]:
    """Return the outputs that each step of each field of view has to make.

    An output that an earlier step also writes is listed under that step only.
    """
    return {
        fov: _without_made_earlier({step.step: step.pending for step in steps}, config)
        for fov, steps in plans.items()
    }


def _without_made_earlier(
    pending: dict[str, list[str]], config: ProcessingConfig
) -> dict[str, list[str]]:
    made_earlier = frozenset[str]()
    if pending.get("cropping"):
        made_earlier = frozenset().union(*(step.made_earlier(config) for step in STEPS))
    return {
        step: [name for name in names if name not in made_earlier]
        for step, names in pending.items()
    }


def plan_fov(
    contexts: FovContexts, fov: int, *, from_scratch: bool = False, with_files: bool = True
) -> tuple[PlannedStep, ...]:
    """Compare what a run would make with what is finished.

    Args:
        contexts: The fields of view; the output folder need not exist.
        fov: 0-based index of the field of view.
        from_scratch: Ignore finished outputs.
        with_files: Also see whether the files of finished outputs are still there.
    """
    store = FovStore(contexts.output_dir, fov)
    outputs: dict[str, dict[str, tuple[str, ...]]] = defaultdict(dict)
    known = set() if from_scratch else set(store.mark_names())
    removed = set() if from_scratch else set(store.removed())
    for name, recipe in contexts.recipes(fov).items():
        reasons = [REMOVED if name in removed else NOT_DONE]
        if name in known - removed:
            mark = store.mark(name)
            reasons = _reasons(mark, recipe)
            if not reasons and with_files:
                damages = store.damages(name, thorough=False, mark=mark)
                reasons = [f"{damage.path} is {damage.problem}" for damage in damages]
        outputs[recipe.step][name] = tuple(reasons)
    return tuple(
        PlannedStep(step.name, made, "" if made else step.skipped(contexts.config) or "")
        for step in STEPS
        if (made := outputs[step.name]) or not step.is_on_request
    )


def _reasons(mark: Mark | None, recipe: Recipe) -> list[str]:
    if mark is None:
        return ["its mark is damaged"]
    return [] if mark.recipe.digest == recipe.digest else recipe.changes_since(mark.recipe)


def group_equal_plans(plans: Plans) -> list[tuple[list[int], Sequence[PlannedStep]]]:
    """Group fields of view with equal plans."""
    groups: dict[str, list[int]] = defaultdict(list)
    for fov, steps in plans.items():
        groups[repr(steps)].append(fov)
    return [(fovs, plans[fovs[0]]) for fovs in groups.values()]


def plan_lines(plans: Plans) -> list[str]:
    """Return in few lines what would run and why."""
    lines = []
    for fovs, steps in group_equal_plans(plans):
        lines.append(f"FOV {fovs_text(fovs)}")
        lines += _step_lines(steps)
    running = [fov for fov, steps in plans.items() if any(step.pending for step in steps)]
    if running:
        lines.append(f"{len(running)} of {len(plans)} fields of view have something to do.")
    else:
        lines.append("Everything is finished: a run would change nothing.")
    return lines


def _step_lines(steps: Sequence[PlannedStep]) -> list[str]:
    """Return one line for each group of steps with equal plans."""
    groups: dict[str, list[str]] = defaultdict(list)
    for step in steps:
        groups[_action(step)].append(step.step)
    if len(groups) == 1:
        return [f"  all steps: {action}" for action in groups]
    return [f"  {', '.join(names)}: {action}" for action, names in groups.items()]


def _action(step: PlannedStep) -> str:
    if step.skipped:
        return f"skipped ({step.skipped})"
    if not step.reasons:
        return "finished"
    reasons = step.reasons
    rest = len(reasons) - MAX_REASONS
    shown = "; ".join(reasons[:MAX_REASONS]) + (f"; and {rest} more" if rest > 0 else "")
    is_one = len(reasons) == 1 and reasons[0] in ABSENT
    is_new_part = is_one and len(step.pending) < len(step.outputs)
    part = f" for {', '.join(step.pending)}" if is_new_part else ""
    return f"runs{part}, {shown}"


def replaced_outputs(plans: Plans) -> list[str]:
    """Return which finished results would be made again, one line per group of FOVs."""
    lines = []
    for fovs, steps in group_equal_plans(plans):
        names = [step.step for step in steps if step.is_replaced]
        if names:
            lines.append(f"FOV {fovs_text(fovs)}: {', '.join(names)}")
    return lines


def plan_entries(plans: Plans) -> list[dict[str, Any]]:
    """Return the plan as plain values for JSON."""
    return [
        {"fovs": fovs, "steps": [_entry(step) for step in steps]}
        for fovs, steps in group_equal_plans(plans)
    ]


def _entry(step: PlannedStep) -> dict[str, Any]:
    action = "skip" if step.skipped else "run" if step.pending else "keep"
    return {
        "step": step.step,
        "action": action,
        "skipped": step.skipped,
        "outputs": {name: list(reasons) for name, reasons in step.outputs.items()},
    }
