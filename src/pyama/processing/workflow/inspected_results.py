"""Protection of results that a person has inspected."""

from collections.abc import Sequence
from pathlib import Path

from pyama import layout
from pyama.errors import InspectedError
from pyama.fov_ranges import fovs_text
from pyama.processing.recipes import FovContexts
from pyama.processing.steps import STEPS, Step
from pyama.processing.workflow.planned_steps import Plans, plan_fov, replaced_outputs
from pyama.sentences import count_text
from pyama.store import TRACES_MARK, FovStore, path_in_errors
from pyama.traces.correction_log import read_records
from pyama.traces.trace_files import is_inspected

QUESTION = "Replace the inspected results?"
"""What terminal and page ask below the message of `refuse_inspected`."""


CONSEQUENCE = (
    "Corrections are carried over to the new traces where masks overlap, and the others are "
    "listed."
)
"""What becomes of an inspection whose results are replaced."""


def replaced_inspections(
    output_dir: Path, plans: Plans, removed: Sequence[int] = ()
) -> list[int]:
    """Return the fields of view whose inspected results would be replaced.

    Previews do not count: no correction depends on them.

    Args:
        output_dir: The output folder.
        plans: What would be made, by field of view.
        removed: Fields of view whose results are removed first.
    """
    replaced = {
        fov
        for fov, steps in plans.items()
        if any(step.is_replaced and step.step != "caching" for step in steps)
    }
    return [fov for fov in sorted(replaced | {*removed}) if is_inspected(output_dir, fov)]


def inspected_facts(output_dir: Path, fovs: Sequence[int]) -> list[str]:
    """Return what there is of inspected results, one sentence per field of view.

    Whoever allows a run to replace them has to confirm these sentences: they change with
    every correction.

    Args:
        output_dir: The output folder.
        fovs: Fields of view that somebody has inspected.
    """
    return [
        f"FOV {fov}: {count_text(trace_count(output_dir, fov), 'trace')}, 1 inspection with "
        f"{_entries(output_dir, fov)}"
        for fov in fovs
    ]


def trace_count(output_dir: Path, fov: int) -> int:
    """Return the number of traces that a run has written of a field of view."""
    mark = FovStore(output_dir, fov).mark(TRACES_MARK)
    return 0 if mark is None else int(mark.notes.get("traces", 0))


def _entries(output_dir: Path, fov: int) -> str:
    logs = sorted((output_dir / layout.fov_dir(fov)).glob("*_traces_inspection.jsonl"))
    entries = [entry for log in logs for entry in read_records(log).all()]
    undone = sum(not entry.active for entry in entries)
    text = "1 entry" if len(entries) == 1 else f"{len(entries)} entries"
    return f"{text}, {undone} of them undone" if undone else text


def refuse_inspected(
    output_dir: Path,
    plans: Plans,
    removed: Sequence[int] = (),
    confirmed: Sequence[str] = (),
) -> list[int]:
    """Raise an error if inspected results would be replaced, unless somebody has read which.

    Args:
        output_dir: The output folder.
        plans: What would be made, by field of view.
        removed: Fields of view whose results are removed first.
        confirmed: Sentences of `inspected_facts` that somebody has confirmed.

    Returns:
        The fields of view whose inspected results may be replaced.

    Raises:
        InspectedError: Names the fields of view, and what would be made again.
    """
    fovs = replaced_inspections(output_dir, plans, removed)
    facts = inspected_facts(output_dir, fovs)
    if facts == list(confirmed) or not facts:
        return fovs
    again = "\n".join(f"  {line}" for line in replaced_outputs(plans))
    found = "\n".join(f"  {fact}" for fact in facts)
    error = InspectedError(
        f"FOV {fovs_text(fovs)} has been inspected, and this run would replace its results:\n"
        f"{found}\nIt makes again\n"
        f"{again or f'  everything in FOV {fovs_text(removed)} (--overwrite)'}\n"
        f"{CONSEQUENCE} To replace the results, confirm or add --redo (in Python: redo=True); "
        "to keep them, choose other fields of view or another output folder."
    )
    error.facts = tuple(facts)
    raise error


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
