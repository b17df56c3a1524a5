"""Requests of runs: what the form sends, checked before anything is written."""

from typing import Annotated, Any

from fastapi import Depends
from pydantic import BaseModel, Field

from pyama.runs.request import PreparedRun, check_run
from pyama.web.folders import Root, root_of
from pyama.web.form_routes import form_config


class RunRequest(BaseModel):
    """The run that the form describes."""

    file: Annotated[str, Field(max_length=4096)]
    """The recording, relative to the root."""
    output: Annotated[str, Field(min_length=1, max_length=4096)]
    """The output folder, relative to the root; what is finished in it is kept."""
    channels: dict[str, Any] = {}
    """As in a configuration file."""
    params: dict[str, Any] = {}
    """As in a configuration file; what is left out has its default."""
    fovs: list[Annotated[int, Field(ge=0)]] | Annotated[str, Field(max_length=4096)] | None = (
        None
    )
    """Text such as `0-3, 7`, or 0-based indices; null is all."""
    confirmed: list[Annotated[str, Field(max_length=4096)]] = Field([], max_length=10_000)
    """What of inspected results may be replaced: all sentences of `inspected` in the plan.
    Else, also if somebody has inspected more since, the answer is 428."""
    redo: bool = False
    """Whether everything that a person has inspected may be replaced, as with `--redo`."""


def _prepared(root: Annotated[Root, Depends(root_of)], request: RunRequest) -> PreparedRun:
    """Check a request before anything is written."""
    file, output = root.inside(request.file), root.new_output_dir(request.output)
    form_config(request.channels, request.params)  # refuses texts that could name files
    entries = {"channels": request.channels, "params": request.params}
    return check_run(
        file, output, entries, request.fovs, redo=request.redo, confirmed=request.confirmed
    )


Prepared = Annotated[PreparedRun, Depends(_prepared)]
"""The run that a request describes."""
