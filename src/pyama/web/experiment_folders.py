"""Experiments in requests: their file, and the folder of their tables as an output folder."""

from pathlib import Path
from typing import Annotated

from fastapi import Depends, HTTPException, Query

from pyama.analysis.experiments.experiment_file import (
    Experiment,
    is_experiment,
    load_experiment,
)
from pyama.analysis.experiments.experiment_merge import tables_folder
from pyama.analysis.experiments.experiment_tables import experiment_tables
from pyama.web.folders import Root, root_of

SiteRoot = Annotated[Root, Depends(root_of)]
TablesOf = Annotated[
    str,
    Query(
        alias="dir",
        max_length=4096,
        description=(
            "Output folder, or file of an experiment, relative to the root, with `/` between "
            "names."
        ),
    ),
]


def experiment_in(root: Root, name: str) -> Experiment:
    """Read an experiment whose folders all lie below the root.

    Raises:
        ConfigError: The file is wrong.
        HTTPException: There is no such file, or one of its folders is missing or lies
            elsewhere (404).
    """
    path = root.inside(name)
    if not is_experiment(path) or not path.is_file():
        raise HTTPException(404, "There is no such file.")
    experiment = load_experiment(path)
    for folder in experiment.all_folders:
        root.output_dir(root.name(root.inside(str(folder))))
    return experiment


def _tables_dir(root: SiteRoot, directory: TablesOf = ".") -> Path:
    if not is_experiment(root.inside(directory)):
        return root.output_dir(directory)
    experiment = experiment_in(root, directory)
    folder = root.new_output_dir(root.name(tables_folder(experiment.path)))
    experiment_tables(experiment.path, folder)
    return folder


TablesDir = Annotated[Path, Depends(_tables_dir)]
"""The folder whose tables a request is about: an output folder, or that of an experiment.

The request names an experiment by its file. `pyama.errors.ConfigError` is raised where it has
no merged tables.
"""
