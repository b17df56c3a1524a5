"""Report on an experiment of several recordings: samples, traces, fits, statistics."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from pyama.analysis.experiments.experiment_file import Experiment
from pyama.analysis.experiments.experiment_merge import join_notes
from pyama.analysis.experiments.experiment_tables import experiment_tables
from pyama.analysis.report import markup
from pyama.analysis.report.report_data import joined, read_fits
from pyama.analysis.report.shown_results import Fits, Results
from pyama.analysis.result_notes import earlier_samples_notes, table_remarks
from pyama.analysis.sample_tables import load_merged
from pyama.analysis.table_columns import cell_keys
from pyama.analysis.table_files import read_header
from pyama.analysis.table_origins import sources_of
from pyama.sentences import count_text


@dataclass(frozen=True)
class ExperimentData(Results):
    """Content of a report on an experiment.

    Attributes:
        name: Of the experiment.
        traces: All traces with `sample` and `time` in hours.
        fits: One entry per model and column.
        recordings: One row per recording: recording, file, folder, fovs, samples.
        remarks: What is to be known about the results, in sentences.
    """

    name: str
    traces: pd.DataFrame
    fits: tuple[Fits, ...]
    recordings: pd.DataFrame
    remarks: tuple[str, ...]


def collect_experiment(experiment: Experiment, tables: Path) -> ExperimentData:
    """Read the merged tables of an experiment and their fits.

    Args:
        experiment: The experiment.
        tables: Folder of its merged tables and fits.

    Raises:
        ConfigError: There are no merged tables.
        StoreError: A table is damaged.
    """
    found = experiment_tables(experiment.path, tables)
    merged, earlier = found.merged, found.earlier
    remarks = [*earlier_samples_notes(earlier), *table_remarks(merged), *join_notes(tables)]
    fits = read_fits(merged, (), earlier, remarks)
    return ExperimentData(
        experiment.name,
        joined([load_merged(path) for path in merged]),
        fits,
        pd.DataFrame(_recordings(merged)),
        tuple(dict.fromkeys(remarks)),
    )


def _recordings(merged: list[Path]) -> Iterator[dict[str, str]]:
    """Yield a row for every recording of which merged tables hold traces."""
    found: dict[str, dict[str, str]] = {}
    for path in merged:
        for name, (_, source) in sources_of(path, read_header(path)).items():
            row = {
                "recording": name,
                "file": str(source.get("recording", "")),
                "folder": str(source.get("folder", "")),
                "joined to": str(source.get("joined_to", "")),
            }
            found.setdefault(name, row)
    for name, row in found.items():
        yield row | {"joined to": "" if row["joined to"] == name else row["joined to"]}


def experiment_head(report: ExperimentData) -> str:
    """Title, the most important numbers, and what is to be known."""
    traces = report.traces
    fovs = [name for name in cell_keys(traces) if name not in ("cell", "sample")]
    entries: list[tuple[str, object, str]] = [
        ("cells with a trace", traces.groupby(cell_keys(traces)).ngroups, ""),
        ("samples", len(report.samples), ", ".join(report.samples)[:80]),
        ("recordings", (report.recordings["joined to"] == "").sum(), _joined_text(report)),
        ("fields of view", len(traces[fovs].drop_duplicates()), "with a trace"),
    ]
    if "replicate" in traces:
        names = traces["replicate"].drop_duplicates().astype(str)
        entries.append(("replicates", len(names), ", ".join(names)[:80]))
    if "day" in traces:
        days = traces["day"].drop_duplicates().astype(str)
        entries.append(("days", len(days), ", ".join(days)[:80]))
    title = f"<h1>{markup.escape(report.name)}</h1>"
    return title + markup.facts(entries) + markup.notes(list(report.remarks))


def _joined_text(report: ExperimentData) -> str:
    """Return how many recordings are joined to those that are counted; empty if none."""
    n = int((report.recordings["joined to"] != "").sum())
    return f"with {count_text(n, 'restart')}" if n else ""


def recordings_section(report: ExperimentData) -> str:
    """Recordings of the experiment, and where their own reports come from."""
    text = (
        "Segmentation, tracks, background and focus of a recording are in its own report: "
        "pyama report with its folder."
    )
    rows = report.recordings
    rows = rows if rows["joined to"].any() else rows.drop(columns="joined to")
    kinds = {str(column): "text" for column in rows}
    table = markup.table(rows, kinds, "recordings.csv")
    return markup.section("recordings", "Recordings", markup.paragraph(text), table)
