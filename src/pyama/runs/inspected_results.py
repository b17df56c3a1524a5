"""Protection of results that a person has inspected."""

from pyama.errors import InspectedError
from pyama.fov_ranges import fovs_text
from pyama.runs.plan import Plans, replaced_outputs
from pyama.runs.request import PreparedRun
from pyama.traces.trace_files import is_inspected

QUESTION = "Replace the inspected results?"
"""What terminal and page ask below the message of `refuse_inspected`."""


def replaced_inspections(run: PreparedRun, plans: Plans) -> list[int]:
    """Return the fields of view whose inspected results a run would replace.

    Previews do not count: no correction depends on them.

    Args:
        run: The run.
        plans: Its plans, see `pyama.runs.plan.plan_run`.
    """
    if run.overwrite:
        replaced = list(run.removed)
    else:
        replaced = [
            fov
            for fov, steps in plans.items()
            if any(step.is_replaced and step.step != "caching" for step in steps)
        ]
    return sorted(fov for fov in replaced if is_inspected(run.output, fov))


def refuse_inspected(run: PreparedRun, plans: Plans) -> None:
    """Raise an error if a run would replace inspected results and was not allowed to.

    Raises:
        InspectedError: Names the fields of view, and what would be made again.
    """
    fovs = [] if run.redo else replaced_inspections(run, plans)
    if not fovs:
        return
    again = "\n".join(f"  {line}" for line in replaced_outputs(plans))
    raise InspectedError(
        f"FOV {fovs_text(fovs)} has been inspected, and this run would replace its results:\n"
        f"{again or f'  everything in FOV {fovs_text(run.removed)} (--overwrite)'}\n"
        "Corrections are carried over to the new traces where masks overlap, and the others "
        "are listed. To replace the results, confirm or add --redo; to keep them, "
        "choose other fields of view or another output folder."
    )
