"""Before a run: earlier results of a recording, their settings, and what it would do."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel

from pyama.processing.workflow.inspected_results import (
    CONSEQUENCE,
    QUESTION,
    inspected_facts,
    replaced_inspections,
)
from pyama.readers import PROPOSED, open_reader
from pyama.runs.active_run import run_notes
from pyama.runs.command_line import command
from pyama.runs.earlier_results import earlier_results, earlier_settings
from pyama.runs.plan import kept_outputs, plan_lines, plan_run, replaced_facts, space_lines
from pyama.web.folders import OutputDir, Root, record_of, root_of
from pyama.web.form_routes import without_files
from pyama.web.recording_routes import File
from pyama.web.run_requests import Prepared

router = APIRouter(tags=["runs"])


class Plan(BaseModel):
    """What a run would do."""

    command: str
    """The same run on the command line."""
    notes: list[str]
    """What a user should know before."""
    lines: list[str]
    """Which step of which fields of view would run, and why."""
    kept: list[str]
    """Finished results that would stay, one line per group of fields of view."""
    replaced: list[str]
    """What would be replaced, in sentences: inspected results first."""
    inspected: list[str]
    """What of it a person has inspected; a run needs these sentences as `confirmed`."""
    question: str
    """What to ask before inspected results are replaced, and what becomes of them; else
    empty."""


class Earlier(BaseModel):
    """An output folder with results of a recording."""

    dir: str
    """Relative to the root."""
    time: datetime
    """When the last run in it began."""
    text: str
    """What is there, for people."""


class FilledForm(BaseModel):
    """The settings of the last run in an output folder."""

    output: str
    """The folder, relative to the root."""
    channels: dict[str, Any]
    params: dict[str, Any]
    """What differs from the defaults."""
    fovs: str
    """Fields of view that were processed; empty if it was all of them."""
    notes: list[str]
    """What cannot be taken over."""


@router.post("/api/runs/plan")
def plan(request: Request, prepared: Prepared) -> Plan:
    """What a run would do, as `pyama plan` prints it; nothing is written."""
    plans = plan_run(prepared)
    fovs = replaced_inspections(prepared.output, plans, prepared.removed)
    inspected = inspected_facts(prepared.output, fovs)
    return Plan(
        command=command(prepared, request.app.state.runs.plugins),
        notes=run_notes(prepared, []),
        lines=plan_lines(plans) + space_lines(prepared, plans),
        kept=kept_outputs(plans),
        replaced=replaced_facts(prepared, plans),
        inspected=inspected,
        question=f"{CONSEQUENCE} {QUESTION}" if inspected else "",
    )


@router.get("/api/recording/earlier")
def earlier(root: Annotated[Root, Depends(root_of)], file: File) -> list[Earlier]:
    """Output folders below the root with results of a recording, the newest first."""
    with open_reader(root.inside(file), axes=PROPOSED) as reader:
        metadata = reader.metadata
    found = earlier_results(root.readable_output_dirs(), metadata)
    return [
        Earlier(dir=root.name(result.output_dir), time=result.time, text=result.text)
        for result in found
    ]


@router.get("/api/recording/settings")
def settings(root: Annotated[Root, Depends(root_of)], output: OutputDir) -> FilledForm:
    """The settings of the last run in an output folder, for the form."""
    found = earlier_settings(output, record_of(output).metadata.n_fovs)
    params, notes = without_files(found.params)
    return FilledForm(
        output=root.name(output),
        channels=found.channels,
        params=params,
        fovs=found.fovs,
        notes=notes,
    )
