"""Protection of results that a person has inspected."""

from collections.abc import Sequence
from pathlib import Path

from pyama.errors import InspectedError
from pyama.fov_ranges import fovs_text
from pyama.processing.recipes import FovContexts
from pyama.processing.steps import STEPS, Step
from pyama.processing.workflow.planned_steps import Plans, plan_fov, replaced_outputs
from pyama.store import path_in_errors
from pyama.traces.trace_files import is_inspected

QUESTION = "Replace the inspected results?"
"""What terminal and page ask below the message of `refuse_inspected`."""


def refuse_inspected(output_dir: Path, plans: Plans, removed: Sequence[int] = ()) -> None:
    """Raise an error if inspected results would be replaced.

    Previews do not count: no correction depends on them.

    Args:
        output_dir: The output folder.
        plans: What would be made, by field of view.
        removed: Fields of view whose results are removed first.

    Raises:
        InspectedError: Names the fields of view, and what would be made again.
    """
    replaced = {
        fov
        for fov, steps in plans.items()
        if any(step.is_replaced and step.step != "caching" for step in steps)
    }
    fovs = [fov for fov in sorted(replaced | {*removed}) if is_inspected(output_dir, fov)]
    if not fovs:
        return
    again = "\n".join(f"  {line}" for line in replaced_outputs(plans))
    raise InspectedError(
        f"FOV {fovs_text(fovs)} has been inspected, and this run would replace its results:\n"
        f"{again or f'  everything in FOV {fovs_text(removed)} (--overwrite)'}\n"
        "Corrections are carried over to the new traces where masks overlap, and the others "
        "are listed. To replace the results, confirm or add --redo (in Python: redo=True); to "
        "keep them, choose other fields of view or another output folder."
    )


def refuse_to_replace(
    contexts: FovContexts,
    fovs: Sequence[int],
    steps: Sequence[Step] = STEPS,
    removed: Sequence[int] = (),
) -> None:
    """Raise an error if steps would replace inspected results, see `refuse_inspected`.

    Args:
        contexts: The fields of view of the run.
        fovs: Those to be processed.
        steps: The steps that run.
        removed: Fields of view whose results are removed first.

    Raises:
        InspectedError: They would.
        StoreError: The output folder cannot be read.
    """
    names = {step.name for step in steps}
    with path_in_errors(contexts.output_dir):
        if not any(is_inspected(contexts.output_dir, fov) for fov in {*fovs, *removed}):
            return
        plans = {
            fov: tuple(
                step
                for step in plan_fov(
                    contexts, fov, from_scratch=bool(removed), with_files=False
                )
                if step.step in names
            )
            for fov in fovs
        }
        refuse_inspected(contexts.output_dir, plans, removed)
