"""Which step of which field of view would run, and why; nothing is written."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from pyama.config import ProcessingConfig
from pyama.errors import StoreError
from pyama.fov_ranges import fovs_text
from pyama.processing.plugin_digest import keep_fingerprints
from pyama.processing.steps import STEPS
from pyama.processing.workflow.disk_space import check_space, needed_space
from pyama.processing.workflow.inspected_results import (
    inspected_facts,
    replaced_inspections,
    trace_count,
)
from pyama.processing.workflow.planned_steps import (
    ABSENT,
    PlannedStep,
    Plans,
    group_equal_plans,
    plan_fov,
    replaced_outputs,
)
from pyama.runs.request import PreparedRun
from pyama.sentences import count_text
from pyama.units import bytes_text

MAX_REASONS = 4
"""Largest number of reasons that are listed for one step."""


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


def _how_many(running: int, fovs: int) -> str:
    if fovs == 1:
        return "The field of view has something to do."
    verb = "has" if running == 1 else "have"
    return f"{running} of {fovs} fields of view {verb} something to do."


def plan_lines(plans: Plans) -> list[str]:
    """Return in few lines what would run and why."""
    lines = []
    for fovs, steps in group_equal_plans(plans):
        lines.append(f"FOV {fovs_text(fovs)}")
        lines += _step_lines(steps)
    running = [fov for fov, steps in plans.items() if any(step.pending for step in steps)]
    if running:
        lines.append(_how_many(len(running), len(plans)))
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


def space_lines(run: PreparedRun, plans: Plans) -> list[str]:
    """Return how much a run would write, and whether there is too little room for it."""
    if not any(step.pending for steps in plans.values() for step in steps):
        return []
    contexts = run.contexts
    recipes = contexts.compute_recipes(run.fovs)
    finished = None if run.overwrite else contexts.output_dir
    need = needed_space(contexts.metadata, contexts.config, recipes, finished)
    if not need.files:  # only damaged files are made again
        return []
    size = bytes_text(need.size)
    lines = [f"A run would write about {size} and {need.files} files and folders."]
    try:
        return lines + check_space(contexts, run.fovs, overwrite=run.overwrite)
    except StoreError as error:
        return [*lines, str(error)]


def kept_outputs(plans: Plans) -> list[str]:
    """Return which finished results would stay as they are, one line per group of FOVs."""
    lines = []
    for fovs, steps in group_equal_plans(plans):
        names = [step.step for step in steps if step.outputs and not step.pending]
        if names:
            lines.append(f"FOV {fovs_text(fovs)}: {', '.join(names)}")
    return lines


def replaced_facts(run: PreparedRun, plans: Plans) -> list[str]:
    """Return what a run would replace, in sentences: inspected results first."""
    inspected = replaced_inspections(run.output, plans, run.removed)
    others = [
        fov
        for fov, steps in plans.items()
        if any(step.is_replaced and step.step == "extraction" for step in steps)
        and fov not in inspected
    ]
    facts = inspected_facts(run.output, inspected)
    if others:
        n = sum(trace_count(run.output, fov) for fov in others)
        facts.append(f"FOV {fovs_text(others)}: {count_text(n, 'trace')}, not inspected")
    return facts + [f"{text} (made again)" for text in replaced_outputs(plans)]


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
