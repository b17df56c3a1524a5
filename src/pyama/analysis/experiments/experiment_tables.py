"""The merged tables and fits of an experiment, wherever its file is given in place of them."""

from collections.abc import Iterable
from pathlib import Path

from pyama.analysis.current_tables import Tables, tables_in
from pyama.analysis.experiments.experiment_file import (
    Experiment,
    is_experiment,
    load_experiment,
)
from pyama.analysis.experiments.experiment_merge import identity_of, is_stated, tables_folder
from pyama.analysis.table_origins import known_entries, recording_of
from pyama.errors import ConfigError


def experiment_tables(file: Path, folder: Path | None = None) -> Tables:
    """Return the tables of an experiment.

    Args:
        file: The file of the experiment.
        folder: Where they are; by default where `pyama merge` writes them.

    Raises:
        ConfigError: The file is wrong, there are no merged tables, or the file was changed
            after they were made.
    """
    experiment = load_experiment(file)
    identity = identity_of(experiment)
    folder = folder or tables_folder(file)
    found = tables_in(folder)
    merged, fitted = (
        [path for path in paths if recording_of(known_entries(path))[1] == identity]
        for paths in (found.merged, found.fitted)
    )
    if not merged:
        raise ConfigError(
            f"{folder} has no tables of {file}. `pyama merge {file}` writes them."
        )
    if changed := _changed_samples(experiment, merged):
        raise ConfigError(
            f"{file} was changed after the tables in {folder} were merged, in {changed}. "
            f"Merge and fit again: `pyama merge {file}`, then `pyama fit {file}`."
        )
    return Tables(merged, fitted, found.earlier)


def _changed_samples(experiment: Experiment, merged: list[Path]) -> str:
    """Return where the file of an experiment and its tables differ; empty if nowhere."""
    headers = {str(header.get("sample")): header for header in map(known_entries, merged)}
    if list(headers) != list(experiment.samples):
        return "the list of samples"
    changed = [
        name for name, header in headers.items() if not is_stated(header, experiment, name)
    ]
    return ", ".join(changed)


def merged_tables(paths: Iterable[Path]) -> list[Path]:
    """Return tables, with the merged tables of an experiment in place of its file.

    Raises:
        ConfigError: An experiment has none.
    """
    return [
        table
        for path in paths
        for table in (experiment_tables(path).merged if is_experiment(path) else [path])
    ]


def fitted_tables(paths: Iterable[Path]) -> list[Path]:
    """Return tables, with the tables of fits of an experiment in place of its file.

    Raises:
        ConfigError: An experiment has none, fits of some samples only, or of several models
            or columns.
    """
    return [
        table
        for path in paths
        for table in (_only_fits(path) if is_experiment(path) else [path])
    ]


def fitted_table(path: Path) -> Path:
    """Return a table of fits, or that of an experiment of a single sample for its file.

    Raises:
        ConfigError: As from `fitted_tables`, or there are several samples.
    """
    first, *others = fitted_tables([path])
    if others:
        raise ConfigError(
            f"{path} has fits of {len(others) + 1} samples. This figure shows one: name its "
            f"table, such as {first}"
        )
    return first


def fitted_or_merged(paths: Iterable[Path]) -> list[Path]:
    """Return tables, with the fits of an experiment, or else its merged tables, for its file.

    Raises:
        ConfigError: As from `fitted_tables` and `merged_tables`.
    """
    found: list[Path] = []
    for path in paths:
        is_fitted = is_experiment(path) and experiment_tables(path).fitted
        found += fitted_tables([path]) if is_fitted else merged_tables([path])
    return found


def _only_fits(file: Path) -> list[Path]:
    tables = experiment_tables(file)
    fitted = tables.fitted
    kinds = {
        f"{header.get('model')} to {header.get('column')}"
        for header in map(known_entries, fitted)
    }
    if len(kinds) == 1:
        done = {header.get("source") for header in map(known_entries, fitted)}
        for path in tables.merged:
            if path.name not in done and fitted[0].parent == path.parent:
                raise ConfigError(
                    f"{path} has no fits, but other samples have. `pyama fit {file}` makes "
                    "them."
                )
        return fitted
    if not fitted:
        raise ConfigError(f"{file} has no fits. `pyama fit {file}` makes them.")
    raise ConfigError(
        f"{file} has several fits: {', '.join(sorted(kinds))}. Name the tables of one, such "
        f"as {fitted[0]}"
    )
