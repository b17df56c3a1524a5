"""Reading of everything in an output folder that a report shows."""

import glob
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from pyama import layout
from pyama.analysis.fitting.model_list import fixed_parameters
from pyama.analysis.fitting.model_setups import AUTO
from pyama.analysis.fitting.models import MODELS
from pyama.analysis.lineages import is_of_lineages
from pyama.analysis.merged_files import MERGED
from pyama.analysis.outdated_tables import outdated_notes
from pyama.analysis.removed_outputs import removed_in, removed_remarks
from pyama.analysis.report.shown_results import Fits, Results
from pyama.analysis.result_notes import earlier_samples_notes, notes_of_table
from pyama.analysis.sample_sets import in_sample_order, tables_of_earlier_sets
from pyama.analysis.sample_tables import load_fitted, load_merged
from pyama.analysis.settings_by_fov import (
    FovSettings,
    difference_sentences,
    groups_of,
    named_groups,
)
from pyama.analysis.table_files import read_header
from pyama.analysis.trace_shape import good_rows
from pyama.config import ProcessingConfig
from pyama.errors import StoreError
from pyama.metadata import MicroscopyMetadata
from pyama.store import FovStore, NotRecorded, read_run
from pyama.traces.trace_files import left_corrections, traces_files, unused_inspections
from pyama.traces.trace_reading import load_traces
from pyama.traces.trace_recording import read_recording

EVERYTHING = "all cells"
"""Name of the only sample if nothing was merged."""


@dataclass(frozen=True)
class ReportData(Results):
    """Content of a report.

    Attributes:
        output_dir: The output folder.
        metadata: Of the recording.
        config: Of the last run.
        run: Content of `run.json`; empty if there is none.
        traces: All traces with `sample` and `time` in hours.
        files: Traces file of every field of view.
        fits: One entry per model and column.
        remarks: What is to be known about the results, in sentences.
        groups: Fields of view by what they were made with.
    """

    output_dir: Path
    metadata: MicroscopyMetadata
    config: ProcessingConfig
    run: Mapping[str, Any]
    traces: pd.DataFrame
    files: Mapping[int, Path]
    fits: tuple[Fits, ...]
    remarks: tuple[str, ...] = ()
    groups: tuple[FovSettings, ...] = ()

    @property
    def channel_names(self) -> Sequence[str]:
        """Names of the channels of the recording."""
        return self.metadata.channel_names

    def group(self, channel: int) -> str:
        """Return the group of the raw frames of a channel."""
        pc = self.config.channels.pc
        return layout.raw(channel, None if pc is None else pc.channel)

    def not_recorded(self, fov: int, channel: int) -> NotRecorded:
        """Return what was not recorded of a channel in a field of view."""
        try:
            store = FovStore(self.output_dir, fov)
            return store.not_recorded(self.group(channel), self.metadata)
        except StoreError:  # a damaged document; other stacks can still be shown
            return NotRecorded.known_to(self.metadata, fov, channel)

    def recorded_frames(self, fov: int, channel: int) -> list[int]:
        """Return the frames in which any pixel of a channel was recorded, ascending."""
        lost = self.not_recorded(fov, channel).frames
        return [t for t in range(self.metadata.n_frames) if t not in lost]

    def copied(self) -> dict[tuple[int, int], dict[str, Any]]:
        """Return the notes of the copied stacks by field of view and channel."""
        return {
            (int(fov), channel): self.output(int(fov), "copying", f"{self.group(channel)}/0")
            for fov in self.run.get("fovs", {})
            for channel in self.config.channels.ids
        }

    def notes(self, fov: int, step: str) -> dict[str, Any]:
        """Return the counts of a step in a field of view, of all outputs together."""
        outputs = self._outputs(fov, step)
        return {key: value for part in outputs.values() for key, value in part.items()}

    def output(self, fov: int, step: str, name: str) -> dict[str, Any]:
        """Return the counts of a step in a field of view for one output."""
        counts: dict[str, Any] = self._outputs(fov, step).get(name, {})
        return counts

    def _outputs(self, fov: int, step: str) -> dict[str, dict[str, Any]]:
        outputs: dict[str, dict[str, Any]] = (
            self.run.get("fovs", {}).get(str(fov), {}).get(step, {}).get("outputs", {})
        )
        return outputs

    @property
    def outputs(self) -> dict[int, dict[str, dict[str, Any]]]:
        """What the steps noted, by field of view with traces, step and output."""
        steps = {fov: self.run.get("fovs", {}).get(str(fov), {}) for fov in self.files}
        return {
            fov: {step: entry.get("outputs", {}) for step, entry in entries.items()}
            for fov, entries in steps.items()
        }


def collect(output_dir: Path, tables: Path | None = None) -> ReportData:
    """Read everything that a report shows.

    Args:
        output_dir: The output folder of a run.
        tables: Folder of merged tables and fits; without it, `output_dir`. If there is no
            merged table, all traces are one sample.

    Raises:
        StoreError: `output_dir` is not an output folder, or a table is damaged.
    """
    metadata, config = read_recording(output_dir)
    files = traces_files(output_dir)
    folder = output_dir if tables is None else tables
    groups = tuple(groups_of(output_dir, files))
    remarks = [*difference_sentences(named_groups(groups)), *unused_inspections(output_dir)]
    remarks += [*left_corrections(output_dir), *removed_remarks(removed_in(output_dir))]
    earlier = tables_of_earlier_sets(sorted(folder.glob("*.csv")))
    remarks += earlier_samples_notes(earlier)
    merged = [
        path
        for path in in_sample_order(sorted(folder.glob(f"*{MERGED}")))
        if path not in earlier and _belongs(path, metadata.identity, output_dir, remarks)
    ]
    parts = [load_merged(path) for path in merged] or [
        load_traces(path).assign(sample=EVERYTHING) for path in files.values()
    ]
    return ReportData(
        output_dir,
        metadata,
        config,
        read_run(output_dir) or {},
        joined(parts),
        files,
        read_fits(merged, files.values(), earlier, remarks),
        tuple(dict.fromkeys(remarks)),
        groups,
    )


def _belongs(path: Path, identity: str, output_dir: Path, remarks: list[str]) -> bool:
    """Return whether a merged table is of this recording; add a remark if it is outdated."""
    source = read_header(path).get("source", {})
    if source.get("identity") != identity:
        remarks.append(f"{path.name} is of another recording. It is left out.")
        return False
    remarks += [*outdated_notes(path, output_dir), *notes_of_table(path)]
    return True


def joined(parts: list[pd.DataFrame]) -> pd.DataFrame:
    """Return the good rows of tables of traces as one table."""
    filled = [part for part in parts if len(part)] or parts[:1]
    if not filled:
        return pd.DataFrame(columns=["sample", *layout.BASE_COLUMNS, "time"])
    table = pd.concat(filled, ignore_index=True)
    return good_rows(table)


def read_fits(
    merged: list[Path], traces: Iterable[Path], earlier: list[Path], remarks: list[str]
) -> tuple[Fits, ...]:
    """Read the fits of merged tables or, without merged tables, those of traces files."""
    tables: dict[tuple[str, str], list[pd.DataFrame]] = {}
    units: dict[str, str] = {}
    of_lineages: set[tuple[str, str]] = set()
    fixed: dict[tuple[str, str], dict[str, list[float]]] = {}
    for source in merged or traces:
        found = sorted(source.parent.glob(f"{glob.escape(source.stem)}_fitted_*.csv"))
        for path in (path for path in found if path not in earlier):
            table, header = load_fitted(path), read_header(path)
            if header.get("model") != AUTO and header.get("model") not in MODELS:
                remarks.append(
                    f"{path.name} is left out: its model {header.get('model')!r} is not "
                    "registered."
                )
                continue
            remarks += [*outdated_notes(path), *notes_of_table(path)]
            if not merged:
                table["sample"] = EVERYTHING
            key = str(header["model"]), str(header.get("column", ""))
            tables.setdefault(key, []).append(table)
            units |= header.get("units", {})
            for name, value in fixed_parameters(table, header).items():
                values = fixed.setdefault(key, {}).setdefault(name, [])
                values += [value] * (value not in values)
            if is_of_lineages(header):
                of_lineages.add(key)
    return tuple(
        Fits(
            *key,
            units,
            pd.concat(parts, ignore_index=True),
            key in of_lineages,
            fixed.get(key, {}),
        )
        for key, parts in tables.items()
    )
