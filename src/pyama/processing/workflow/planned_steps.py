"""What a run would make of a field of view, and why; nothing is written."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pyama.fov_ranges import fovs_text
from pyama.processing.recipes import FovContexts
from pyama.processing.steps import STEPS
from pyama.store import FovStore, Mark, Recipe

NOT_DONE = "not done yet"
REMOVED = "removed by pyama clean"
ABSENT = NOT_DONE, REMOVED
"""Reasons for outputs of which nothing is replaced."""


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


def replaced_outputs(plans: Plans) -> list[str]:
    """Return which finished results would be made again, one line per group of FOVs."""
    lines = []
    for fovs, steps in group_equal_plans(plans):
        names = [step.step for step in steps if step.is_replaced]
        if names:
            lines.append(f"FOV {fovs_text(fovs)}: {', '.join(names)}")
    return lines
