"""Traces of many fields of view merged into one table per sample."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from pyama import layout
from pyama.analysis.result_notes import empty_samples
from pyama.analysis.sample_sets import SAMPLE_SET, next_set
from pyama.analysis.samples import Fovs, check_samples, load_samples, samples_by_position
from pyama.analysis.settings_by_fov import groups_of
from pyama.analysis.table_columns import (
    NOT_MEASURED,
    meanings_of,
    measured_columns,
    units_of,
)
from pyama.analysis.table_files import write_table
from pyama.analysis.table_origins import (
    known_entries,
    refuse_to_replace_merged,
    relative_path,
)
from pyama.errors import StoreError
from pyama.traces.digests import traces_digest
from pyama.traces.trace_files import find_traces
from pyama.traces.trace_reading import in_hours, load_traces
from pyama.traces.trace_recording import read_recording, run_times
from pyama.traces.trace_rows import DRIFT, PARENT
from pyama.version import __version__

MERGED = "_merged.csv"
"""End of the file name of a merged table."""

Samples = Mapping[str, Fovs] | Path | str


def merge(output_dir: Path | str, samples: Samples | None = None) -> pd.DataFrame:
    """Put the traces of samples into one table.

    Inspected traces are preferred; rows whose `good` is False are left out.

    Args:
        output_dir: The output folder of a run.
        samples: Fields of view by the name of the sample, such as `{"control": "0-5, 7"}`; a
            file `samples.yaml`; or None for the names of the positions.

    Returns:
        The columns of the traces, with `sample` before them and `time` (hours since the
        first frame of the recording) after `frame`; sorted by sample as given, fov, cell,
        frame.

    Raises:
        ConfigError: A sample is wrong; the message lists all errors.
        StoreError: The folder or a traces file cannot be read.
    """
    source = _Source(Path(output_dir))
    parts = []
    for name, fovs in source.samples(samples).items():
        table = source.table(fovs)
        table.insert(0, "sample", name)
        parts.append(table)
    return in_hours(_stacked(parts))


def write_merged(
    output_dir: Path | str,
    samples: Samples | None = None,
    destination: Path | str | None = None,
    *,
    tidy: bool = False,
    parquet: bool = False,
) -> dict[str, list[Path]]:
    """Write `{sample}_merged.csv` for every sample; see `merge`.

    The columns are those of the traces. Lines before the header hold sample, FOVs, number of
    the set of samples, source, times (minutes of every FOV and frame), units, meanings and
    version, see `pyama.analysis.table_files`.

    Args:
        output_dir: The output folder of a run.
        samples: See `merge`.
        destination: Folder of the tables; by default `output_dir`.
        tidy: Also write `{sample}_{feature}_ch_{id}.csv` with the columns time (h), fov, cell
            and value, without lines before the header.
        parquet: Also write a Parquet file beside every CSV.

    Returns:
        The files of each sample, the merged table first.

    Raises:
        ConfigError: A sample is wrong, or a table of other results is in the way; nothing
            is written then.
        StoreError: The folder or a traces file cannot be read.
    """
    source = _Source(Path(output_dir))
    folder = Path(output_dir) if destination is None else Path(destination)
    checked = source.samples(samples)
    number = next_set(folder, source.identity, checked)
    planned = {
        name: _Planned(folder, name, table, header, tidy)
        for name, fovs in checked.items()
        for table in [source.table(fovs)]
        for header in [source.header(name, fovs, table, folder, number)]
    }
    for sample in planned.values():
        refuse_to_replace_merged(sample.path, sample.header, sample.tidy_paths)
    return {name: sample.write(parquet=parquet) for name, sample in planned.items()}


class _Planned:
    """The tables of one sample before they are written."""

    def __init__(
        self, folder: Path, name: str, table: pd.DataFrame, header: dict[str, Any], tidy: bool
    ) -> None:
        self.path = folder / f"{name}{MERGED}"
        self.table = table
        # Tables that an earlier merge wrote would be outdated if they were not written again.
        tidy = tidy or "tidy" in known_entries(self.path)
        self._columns = measured_columns(table) if tidy else []
        self.tidy_paths = [folder / f"{name}_{column}.csv" for column in self._columns]
        listed = {"tidy": [path.name for path in self.tidy_paths]} if tidy else {}
        self.header = header | listed

    def write(self, *, parquet: bool) -> list[Path]:
        """Write the tables; return the merged one first."""
        parquet = parquet or self.path.with_suffix(".parquet").exists()
        as_traces = self.table.drop(columns="time")
        paths = write_table(self.path, as_traces, self.header, parquet=parquet)
        for path, column in zip(self.tidy_paths, self._columns, strict=True):
            part = self.table[["time", "fov", "cell", column]]
            part = part.rename(columns={column: "value"})
            paths += write_table(path, part, {}, parquet=parquet)
        return paths


class _Source:
    """The recording and the traces files of an output folder."""

    def __init__(self, output_dir: Path) -> None:
        self._metadata, _ = read_recording(output_dir)
        self.identity = self._metadata.identity
        self._folder = output_dir
        self._files = dict(find_traces(output_dir))
        if not self._files:
            raise StoreError(
                f"{output_dir} has no traces. They are written by `pyama run` with a phase "
                "contrast channel."
            )

    def samples(self, samples: Samples | None) -> dict[str, list[int]]:
        """Return the checked fields of view of every sample."""
        if samples is None:
            return samples_by_position(self._metadata.position_names, self._files)
        if isinstance(samples, Path | str):
            return load_samples(Path(samples), self._files)
        return check_samples(samples, self._files)

    def table(self, fovs: list[int]) -> pd.DataFrame:
        """Return the good rows of some fields of view, with `time` in hours."""
        tables = (load_traces(self._files[fov]) for fov in fovs)
        return _stacked([table[table["good"]] for table in tables])

    def header(
        self, name: str, fovs: list[int], table: pd.DataFrame, folder: Path, number: int
    ) -> dict[str, Any]:
        """Return the entries before the header of a merged table in `folder`."""
        return {
            "sample": name,
            "fovs": fovs,
            SAMPLE_SET: number,
            "source": {
                "recording": self._metadata.basename,
                "identity": self._metadata.identity,
                "frames": self._metadata.selection,
                "folder": relative_path(self._folder, folder),
                "files": {
                    self._relative(fov): traces_digest(self._files[fov]) for fov in fovs
                },
            },
            "times": {str(fov): run_times(self._folder, fov) for fov in fovs},
            "units": {"times": "min", **units_of(table)},
            "meanings": meanings_of(table),
            **_if_any("made_with", [group.entry() for group in groups_of(self._folder, fovs)]),
            **_if_any("remarks", empty_samples(name, fovs, table)),
            "version": __version__,
        }

    def _relative(self, fov: int) -> str:
        return self._files[fov].relative_to(self._folder).as_posix()


def _if_any(key: str, values: list[Any]) -> dict[str, Any]:
    return {key: values} if values else {}


def _left_out_by(table: pd.DataFrame) -> list[str]:
    """Return the filter that left a cell out and somebody keeps it, by row; else empty."""
    values = table[layout.LEFT_OUT_BY] if layout.LEFT_OUT_BY in table else [""] * len(table)
    return [value if isinstance(value, str) else "" for value in values]


def _stacked(tables: list[pd.DataFrame]) -> pd.DataFrame:
    """Concatenate tables whose columns may differ; empty ones would change the types."""
    if any("source_cell" in table for table in tables):
        tables = [
            table if "source_cell" in table else table.assign(source_cell=table["cell"])
            for table in tables
        ]
    if any(layout.LEFT_OUT_BY in table for table in tables):
        tables = [
            table.assign(**{layout.LEFT_OUT_BY: _left_out_by(table)}) for table in tables
        ]
    for name, nothing in ((PARENT, 0), *((column, 0.0) for column in DRIFT)):
        if any(name in table for table in tables):
            tables = [
                table if name in table else table.assign(**{name: nothing}) for table in tables
            ]
    filled = [table for table in tables if len(table)] or tables[:1]
    joined = pd.concat(filled, ignore_index=True)
    fixed = [name for name in joined if name in NOT_MEASURED]
    return joined[[*fixed, *(name for name in joined if name not in NOT_MEASURED)]]
