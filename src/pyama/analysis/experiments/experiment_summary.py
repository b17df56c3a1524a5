"""What an experiment consists of, as `pyama experiment check` and the page show it."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import pandas as pd

from pyama.analysis.experiments.experiment_checks import (
    Sources,
    experiment_warnings,
    open_sources,
    pieces_of,
)
from pyama.analysis.experiments.experiment_file import Experiment
from pyama.analysis.replicates import count_units, level_of, replicate_warning
from pyama.analysis.table_origins import relative_path
from pyama.fov_ranges import fovs_text
from pyama.metadata import times_text


@dataclass(frozen=True)
class RecordingSummary:
    """A recording of an experiment.

    Attributes:
        name: Its name in the file.
        folder: Its output folder as in the file.
        fovs: Fields of view with traces, such as `0-3`.
        frames: Frames per field of view.
        times: Interval, duration and source of the times, in words.
        joined: How it continues another recording, in words; empty if it does not.
    """

    name: str
    folder: str
    fovs: str
    frames: int
    times: str
    joined: str


@dataclass(frozen=True)
class SampleSummary:
    """A sample of an experiment.

    Attributes:
        name: Its name.
        fovs: Number of fields of view.
        recordings: Number of recordings.
        replicates: Number of replicates; None if the file names none.
        parts: Its fields of view by recording, in words, with the columns that are set.
    """

    name: str
    fovs: int
    recordings: int
    replicates: int | None
    parts: list[str]


@dataclass(frozen=True)
class ExperimentSummary:
    """What an experiment consists of.

    Attributes:
        name: Of the experiment.
        columns: Columns that its tables have beside experiment and recording.
        recordings: In the order of the file.
        samples: In the order of the file.
        level: What is compared, and why.
        warnings: What is to be known, in sentences.
    """

    name: str
    columns: list[str]
    recordings: list[RecordingSummary]
    samples: list[SampleSummary]
    level: str
    warnings: list[str]

    def entries(self) -> dict[str, Any]:
        """Return the summary as plain values for JSON."""
        return asdict(self)

    def lines(self) -> Iterator[str]:
        """Yield the summary without the warnings as lines for people."""
        yield self.name
        for recording in self.recordings:
            yield f"  recording {recording.name}: {recording.folder}, FOV {recording.fovs}"
            yield f"    {_frames(recording)}"
            if recording.joined:
                yield f"    {recording.joined}"
        for sample in self.samples:
            counts = [_count(sample.fovs, "FOV"), _count(sample.recordings, "recording")]
            if sample.replicates is not None:
                counts.append(_count(sample.replicates, "replicate"))
            yield f"  sample {sample.name}: {', '.join(counts)}"
            yield from (f"    {part}" for part in sample.parts)
        yield self.level


def check_experiment(experiment: Experiment) -> ExperimentSummary:
    """Check the folders of an experiment and return what it consists of.

    Raises:
        ConfigError: A folder is missing or has no traces, or a field of view is wrong; lists
            all problems.
    """
    sources = open_sources(experiment)
    table = _fov_table(experiment)
    level = level_of(table)
    few = replicate_warning(table, "sample", level)
    warnings = experiment_warnings(experiment, sources)
    return ExperimentSummary(
        name=experiment.name,
        columns=experiment.columns,
        recordings=list(_recordings(experiment, sources)),
        samples=list(_samples(experiment, table)),
        level=level.reason,
        warnings=[few, *warnings] if few else warnings,
    )


def _fov_table(experiment: Experiment) -> pd.DataFrame:
    """Return one row per field of view with sample, recording and columns of the file."""
    rows = [
        {"sample": name, "recording": part.recording, "fov": fov, **part.columns}
        for name, parts in experiment.samples.items()
        for part in parts
        for fov in part.fovs
    ]
    return pd.DataFrame(rows)


def _recordings(experiment: Experiment, sources: Sources) -> Iterator[RecordingSummary]:
    joins = {key: text for s in sources.values() for key, text in s.joins().items()}
    for name, source in pieces_of(sources).items():
        yield RecordingSummary(
            name=name,
            folder=relative_path(source.folder, experiment.path.parent),
            joined=joins.get(name, ""),
            fovs=fovs_text(source.files),
            frames=source.metadata.n_frames,
            times=times_text(source.metadata, source.config.params, min(source.files)),
        )


def _samples(experiment: Experiment, table: pd.DataFrame) -> Iterator[SampleSummary]:
    for name, parts in experiment.samples.items():
        rows = table[table["sample"] == name]
        is_replicated = "replicate" in experiment.columns
        yield SampleSummary(
            name=name,
            fovs=len(rows),
            recordings=count_units(rows, ["recording"]),
            replicates=count_units(rows, ["replicate"]) if is_replicated else None,
            parts=[
                f"{part.recording} FOV {fovs_text(part.fovs)}{_with(part.columns)}"
                for part in parts
            ],
        )


def _with(columns: Mapping[str, Any]) -> str:
    listed = ", ".join(f"{name} {value}" for name, value in columns.items())
    return f" ({listed})" if listed else ""


def _frames(recording: RecordingSummary) -> str:
    n = f"{recording.frames} frames, " if recording.frames > 1 else ""
    return f"{n}{recording.times}"


def _count(n: int, name: str) -> str:
    return f"{n} {name}{'' if n == 1 else 's'}"
