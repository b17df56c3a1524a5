"""Experiments of several recordings: listed, checked and merged."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel

from pyama.analysis.experiments.experiment_file import Experiment
from pyama.analysis.experiments.experiment_merge import (
    join_notes,
    tables_folder,
    write_experiment,
)
from pyama.analysis.experiments.experiment_summary import ExperimentSummary, check_experiment
from pyama.runs.experiment_files import experiment_files
from pyama.web.experiment_folders import SiteRoot, experiment_in
from pyama.web.folders import MAX_DEPTH, MAX_FOLDERS, shorten_paths

router = APIRouter(tags=["analysis"])


class Experiments(BaseModel):
    """Files of experiments below the root."""

    files: list[str]
    """Paths relative to the root, with `/` between names."""


class MergedExperiment(BaseModel):
    """Tables of an experiment that were written."""

    folder: str
    """Relative to the root, with `/` between names."""
    tables: list[str]
    """One per sample, in the order of the file."""
    notes: list[str]
    """How recordings were joined in time, in sentences; empty if none were."""


def _experiment(
    root: SiteRoot,
    file: Annotated[str, Query(max_length=4096, description="As in `/api/experiments`.")],
) -> Experiment:
    return experiment_in(root, file)


OneExperiment = Annotated[Experiment, Depends(_experiment)]
"""The experiment of a request; see `experiment_in`."""


@router.get("/api/experiments")
def experiments(root: SiteRoot) -> Experiments:
    """Files of experiments below the root; they are not checked."""
    found = experiment_files(root.path, MAX_DEPTH, MAX_FOLDERS)
    return Experiments(files=[root.name(path) for path in found])


@router.get("/api/experiment")
def experiment(checked: OneExperiment) -> ExperimentSummary:
    """What an experiment consists of, as by `pyama experiment check`."""
    return check_experiment(checked)


@router.post("/api/experiment/merge")
def merge_experiment(root: SiteRoot, checked: OneExperiment) -> MergedExperiment:
    """Write one merged table per sample, as by `pyama merge`."""
    folder = root.new_output_dir(root.name(tables_folder(checked.path)))
    written = write_experiment(checked, folder)
    return MergedExperiment(
        folder=root.name(folder),
        tables=[paths[0].name for paths in written.values()],
        notes=shorten_paths(join_notes(folder), folder),
    )
