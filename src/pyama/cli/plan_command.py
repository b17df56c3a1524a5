"""Prints what a run would do."""

from pyama.cli.terminal import note, result, result_json
from pyama.processing.workflow.planned_steps import replaced_outputs
from pyama.runs.active_run import run_notes
from pyama.runs.plan import plan_entries, plan_lines, plan_run, space_lines
from pyama.runs.request import Request, prepare


def show(request: Request, *, as_json: bool) -> None:
    """Print the plan of a request."""
    run = prepare(request)
    plans = plan_run(run)
    for text in run_notes(run, replaced_outputs(plans)):
        note(f"Note: {text}")
    if as_json:
        result_json("plan", {"output": str(run.output), "plan": plan_entries(plans)})
    else:
        for line in plan_lines(plans) + space_lines(run, plans):
            result(line)
