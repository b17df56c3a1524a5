"""The traces of an experiment merged into one table per sample."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from pyama.analysis.experiments.experiment_checks import (
    Sources,
    open_sources,
    repeated_replicates,
    source_remarks,
)
from pyama.analysis.experiments.experiment_file import COLUMNS, Experiment, Part
from pyama.analysis.experiments.joined_recordings import JoinedSource
from pyama.analysis.merged_files import MERGED, MergedFiles, described, if_any, write_all
from pyama.analysis.result_notes import empty_samples
from pyama.analysis.sample_sets import set_entries
from pyama.analysis.table_columns import PART, with_text_names
from pyama.analysis.table_files import Header, write_table
from pyama.analysis.table_origins import known_entries, not_written_here, relative_path
from pyama.analysis.trace_sources import stacked
from pyama.traces.trace_reading import in_hours
from pyama.version import __version__

JOINED_CELLS = "joined_cells.csv"
"""Table that says what became of the cells where recordings were joined."""
NOTES = "notes"
FOLDER = MERGED.removesuffix(".csv")
"""End of the name of the folder of tables, after the name of the file without its suffix."""


def tables_folder(path: Path | str) -> Path:
    """Return the folder in which the tables of an experiment are by default.

    Args:
        path: The file of the experiment.
    """
    path = Path(path)
    return path.with_name(f"{path.stem}{FOLDER}")


def merged_experiment(experiment: Experiment) -> pd.DataFrame:
    """Return the good rows of all samples of an experiment; see `pyama.merge`."""
    sources = open_sources(experiment)
    parts = []
    for name in experiment.samples:
        table = _table(experiment, sources, name)
        table.insert(0, "sample", name)
        parts.append(table)
    return in_hours(with_text_names(stacked(parts)))


def write_experiment(
    experiment: Experiment,
    destination: Path | str | None = None,
    *,
    tidy: bool = False,
    parquet: bool = False,
) -> dict[str, list[Path]]:
    """Write `{sample}_merged.csv` for every sample; see `pyama.write_merged`.

    The columns experiment, replicate (if the file names replicates), recording and, if the
    file sets them, day, plate and condition come before those of the traces.

    Raises:
        ConfigError: Something in the file or in its folders is wrong, or a table of other
            results is in the way; nothing is written then.
    """
    sources = open_sources(experiment)
    folder = tables_folder(experiment.path) if destination is None else Path(destination)
    members = {name: _fovs(parts) for name, parts in experiment.samples.items()}
    of_set = set_entries(folder, identity_of(experiment), members)
    remarks = [*repeated_replicates(experiment), *source_remarks(sources)]
    planned = {}
    for name in experiment.samples:
        table = _table(experiment, sources, name)
        header = {"sample": name, **of_set}
        header |= _header(experiment, sources, name, table, folder, remarks)
        planned[name] = MergedFiles(folder, name, table, header, tidy)
    if experiment.continued:
        _refuse_to_replace_cells(folder / JOINED_CELLS, experiment)
    written = write_all(planned, parquet=parquet)
    if experiment.continued:
        _write_cells(folder / JOINED_CELLS, experiment, sources)
    return written


def _refuse_to_replace_cells(path: Path, experiment: Experiment) -> None:
    if path.exists() and known_entries(path).get("experiment") != experiment.name:
        raise not_written_here(path)


def _write_cells(path: Path, experiment: Experiment, sources: Sources) -> None:
    """Write what became of the cells where recordings were joined, one row per cell."""
    joined = [source for source in sources.values() if isinstance(source, JoinedSource)]
    cells = pd.concat([source.cells for source in joined], ignore_index=True)
    notes = [text for source in joined for text in source.sentences()]
    header = {"experiment": experiment.name, NOTES: notes, "version": __version__}
    write_table(path, cells, header)


def join_notes(tables: Path) -> list[str]:
    """Return in sentences how recordings were joined in a folder of merged tables."""
    path = tables / JOINED_CELLS
    noted = known_entries(path).get(NOTES, ()) if path.is_file() else ()
    return [*noted, f"{path} lists these cells."] if noted else []


def identity_of(experiment: Experiment) -> str:
    """Return what stands in tables of an experiment for the identity of a recording."""
    return f"experiment {experiment.name}"


def _table(experiment: Experiment, sources: Sources, name: str) -> pd.DataFrame:
    """Return the good rows of a sample with the columns of the experiment."""
    tables = []
    for part in experiment.samples[name]:
        table = sources[part.recording].table(part.fovs)
        found = {"experiment": experiment.name, "recording": part.recording}
        found |= {column: part.columns.get(column, "") for column in experiment.columns}
        order = ["experiment", "replicate", "recording", *COLUMNS[1:]]
        for place, column in enumerate(column for column in order if column in found):
            table.insert(place, column, found[column])
        if experiment.continued and PART not in table:
            table.insert(list(table).index("cell"), PART, part.recording)
        tables.append(table)
    return stacked(tables)


def is_stated(header: Header, experiment: Experiment, name: str) -> bool:
    """Whether a merged table of a sample is what the file says now.

    Tables of earlier versions have only fields of view to compare.
    """
    expected = header["source"].get("stated")
    if expected is None:
        return bool(header.get("fovs") == _fovs(experiment.samples[name]))
    return bool(expected == _stated(experiment, name))


def _stated(experiment: Experiment, name: str) -> dict[str, Any]:
    """Return what the file says of a sample, as plain values for JSON."""
    parts = experiment.samples[name]
    recordings = dict.fromkeys(part.recording for part in parts)
    joined = {key: experiment.continued.get(key, ()) for key in recordings}
    return {
        "parts": [part.model_dump(mode="json") for part in parts],
        "continued": {
            key: [entry.model_dump(mode="json", exclude={"folder"}) for entry in entries]
            for key, entries in joined.items()
            if entries
        },
    }


def _fovs(parts: Sequence[Part]) -> dict[str, list[int]]:
    """Return the fields of view of a sample by recording."""
    found: dict[str, list[int]] = {}
    for part in parts:
        found.setdefault(part.recording, []).extend(part.fovs)
    return {recording: sorted(fovs) for recording, fovs in found.items()}


def _header(
    experiment: Experiment,
    sources: Sources,
    name: str,
    table: pd.DataFrame,
    folder: Path,
    remarks: list[str],
) -> dict[str, Any]:
    """Return the entries before the header of a merged table in `folder`."""
    fovs = _fovs(experiment.samples[name])
    used = {recording: sources[recording] for recording in fovs}
    columns = described(table)
    return {
        "fovs": fovs,
        "source": {
            "recording": experiment.name,
            "identity": identity_of(experiment),
            "folder": relative_path(experiment.path.parent, folder),
            "file": experiment.path.name,
            "stated": _stated(experiment, name),
            "recordings": {
                key: entry
                for recording, source in used.items()
                for key, entry in source.entries(recording, fovs[recording], folder).items()
            },
        },
        "times": {
            recording: source.times(fovs[recording]) for recording, source in used.items()
        },
        **{key: columns[key] for key in ("units", "meanings")},
        "made_with": [
            entry
            for recording, source in used.items()
            for entry in source.made_with(recording, fovs[recording])
        ],
        **if_any("remarks", [*remarks, *_empty(name, fovs, table)]),
        "version": columns["version"],
    }


def _empty(name: str, fovs: dict[str, list[int]], table: pd.DataFrame) -> list[str]:
    """Return in sentences which fields of view of a sample have no cell."""
    texts = []
    for recording, numbers in fovs.items():
        rows = table[table["recording"] == recording]
        texts += [f"Recording {recording!r}: {t}" for t in empty_samples(name, numbers, rows)]
    return texts
