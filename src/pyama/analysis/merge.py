"""Traces of many fields of view merged into one table per sample."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from pyama.analysis.experiments.experiment_file import is_experiment, load_experiment
from pyama.analysis.experiments.experiment_merge import merged_experiment, write_experiment
from pyama.analysis.merged_files import MergedFiles, described, if_any, write_all
from pyama.analysis.result_notes import empty_samples
from pyama.analysis.sample_sets import set_entries
from pyama.analysis.samples import Fovs, check_samples, load_samples, samples_by_position
from pyama.analysis.trace_sources import TraceSource, stacked
from pyama.traces.trace_reading import in_hours

Samples = Mapping[str, Fovs] | Path | str


def merge(output_dir: Path | str, samples: Samples | None = None) -> pd.DataFrame:
    """Put the traces of samples into one table.

    Inspected traces are preferred; rows whose `good` is False are left out.

    Args:
        output_dir: The output folder of a run, or a file `experiment.yaml`, whose
            samples are used.
        samples: Fields of view by the name of the sample, such as `{"control": "0-5, 7"}`; a
            file `samples.yaml`; or None for the names of the positions.

    Returns:
        The columns of the traces, with `sample` before them and `time` (hours since the
        first frame of the recording) after `frame`; sorted by sample as given, fov, cell,
        frame. Of an experiment, also the columns of
        `pyama.analysis.experiments.experiment_file`.

    Raises:
        ConfigError: A sample is wrong; the message lists all errors.
        StoreError: The folder or a traces file cannot be read.
    """
    if is_experiment(output_dir):
        return merged_experiment(load_experiment(output_dir))
    source = TraceSource(Path(output_dir))
    parts = []
    for name, fovs in _samples(source, samples).items():
        table = source.table(fovs)
        table.insert(0, "sample", name)
        parts.append(table)
    return in_hours(stacked(parts))


def write_merged(
    output_dir: Path | str,
    samples: Samples | None = None,
    destination: Path | str | None = None,
    *,
    tidy: bool = False,
    parquet: bool = False,
) -> dict[str, list[Path]]:
    """Write `{sample}_merged.csv` for every sample; see `merge`.

    The columns are those of the traces. Lines before the header hold sample, FOVs, number and
    names of the set of samples, source, times (minutes of every FOV and frame), units,
    meanings and version, see `pyama.analysis.table_files`.

    Args:
        output_dir: The output folder of a run, or a file `experiment.yaml`.
        samples: See `merge`.
        destination: Folder of the tables; by default `output_dir`, or a folder `*_merged`
            beside the file of the experiment.
        tidy: Also write `{sample}_{feature}_ch_{id}.csv` with the columns time (h), fov, cell
            and value, without lines before the header.
        parquet: Also write a Parquet file beside every CSV.

    Returns:
        The files of each sample, the merged table first.

    Raises:
        ConfigError: A sample is wrong, or a table of other results is in the way; nothing
            is written then.
        StoreError: The folder or a traces file cannot be read.

    Examples:
        >>> written = pyama.write_merged("results", {"control": [0, 1], "drug": [2]})
        >>> sorted(written)
        ['control', 'drug']
    """
    if is_experiment(output_dir):
        experiment = load_experiment(output_dir)
        return write_experiment(experiment, destination, tidy=tidy, parquet=parquet)
    source = TraceSource(Path(output_dir))
    folder = Path(output_dir) if destination is None else Path(destination)
    checked = _samples(source, samples)
    of_set = set_entries(folder, source.metadata.identity, checked)
    planned = {
        name: MergedFiles(folder, name, table, header, tidy)
        for name, fovs in checked.items()
        for table in [source.table(fovs)]
        for header in [_header(source, name, fovs, table, folder, of_set)]
    }
    return write_all(planned, parquet=parquet)


def _samples(source: TraceSource, samples: Samples | None) -> dict[str, list[int]]:
    """Return the checked fields of view of every sample."""
    if samples is None:
        return samples_by_position(source.metadata.position_names, source.files)
    if isinstance(samples, Path | str):
        return load_samples(Path(samples), source.files)
    return check_samples(samples, source.files)


def _header(
    source: TraceSource,
    name: str,
    fovs: list[int],
    table: pd.DataFrame,
    folder: Path,
    of_set: dict[str, Any],
) -> dict[str, Any]:
    """Return the entries before the header of a merged table in `folder`."""
    columns = described(table)
    return {
        "sample": name,
        "fovs": fovs,
        **of_set,
        "source": source.entry(fovs, folder),
        "times": source.times(fovs),
        **{key: columns[key] for key in ("units", "meanings")},
        **if_any("made_with", [group.entry() for group in source.groups(fovs)]),
        **if_any("remarks", empty_samples(name, fovs, table)),
        "version": columns["version"],
    }
