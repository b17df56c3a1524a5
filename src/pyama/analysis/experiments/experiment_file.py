"""`experiment.yaml`: recordings that belong to one experiment, and its samples.

experiment: transfection
recordings:
- {name: monday, folder: monday/results, replicate: 1}
- {name: tuesday, folder: tuesday/results, replicate: 2}
samples:
- {name: control, fovs: "0-3"}
- {name: drug, fovs: {monday: "4-7", tuesday: "4-6"}}
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from reprlib import repr as short
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError

from pyama import layout
from pyama.algorithms.params import Params
from pyama.analysis.experiments import experiment_values as values
from pyama.analysis.samples import read_fovs
from pyama.errors import ConfigError, problem_of
from pyama.yaml_files import load_yaml

COLUMNS = ("replicate", *layout.CONDITION_COLUMNS)
"""Columns of merged tables that a recording or a sample may set."""
SUFFIXES = (".yaml", ".yml")


class _Columns(Params):
    """Values of columns, which a recording or a sample may set."""

    replicate: values.Replicate = None
    """Biological replicate; what is compared."""
    day: values.Value = None
    """Day of the recording."""
    plate: values.Plate = None
    """Plate or slide."""
    condition: values.Value = None
    """Anything else that tells samples or recordings apart."""

    @property
    def columns(self) -> dict[str, str | int]:
        """The values that are set, by column."""
        found = {name: getattr(self, name) for name in COLUMNS}
        return {name: value for name, value in found.items() if value is not None}


class ExperimentRecording(_Columns):
    """A recording of an experiment and the folder of its results."""

    name: values.Name
    """What the column `recording` calls it."""
    folder: values.Folder
    """Output folder of its run, relative to the file."""
    continues: values.Name | None = None
    """Name of the recording that was stopped and that this one goes on with."""
    gap: values.Hours | None = None
    """Hours between the last frame of that recording and the first one of this."""
    cells: Literal["continue", "new"] | None = None
    """Whether cells are continued by the overlap of their masks; by default if the gap is
    short."""
    drift: values.Flag = False
    """Whether the drift between the two frames is measured before."""


class ExperimentSample(_Columns):
    """Fields of view with the same treatment."""

    name: values.Name
    """Name of the sample; several entries may have it."""
    fovs: Any
    """As in `samples.yaml` for the same ones in every recording, or by recording."""


class _Entries(Params):
    experiment: values.Name
    recordings: Annotated[tuple[ExperimentRecording, ...], Field(min_length=1)]
    samples: Annotated[tuple[ExperimentSample, ...], Field(min_length=1)]


class Part(Params):
    """Fields of view of one recording that belong to one entry of the samples."""

    recording: str
    fovs: tuple[int, ...]
    columns: dict[str, Any]
    """Values of the columns replicate, day, plate and condition that are set."""


class Continued(Params):
    """A recording that goes on with another one."""

    name: str
    folder: Path
    gap: float | None
    """Hours; None if it is not given."""
    cells: Literal["continue", "new"] | None
    drift: bool


class Experiment(Params):
    """An experiment as its file says."""

    path: Path
    """The file."""
    name: str
    """What the column `experiment` holds."""
    folders: dict[str, Path]
    """Output folder of every recording that continues no other, in the order of the file."""
    continued: dict[str, tuple[Continued, ...]]
    """Those that continue a recording of `folders`, in their order."""
    samples: dict[str, tuple[Part, ...]]
    """Parts of every sample, in the order of the file."""

    @property
    def all_folders(self) -> list[Path]:
        """Output folders of all recordings."""
        later = [entry.folder for parts in self.continued.values() for entry in parts]
        return [*self.folders.values(), *later]

    @property
    def columns(self) -> list[str]:
        """Columns that any part sets, in their order."""
        parts = [part for parts in self.samples.values() for part in parts]
        return [name for name in COLUMNS if any(name in part.columns for part in parts)]


def is_experiment(path: Path | str) -> bool:
    """Whether a path is that of a YAML file and not of an output folder."""
    return Path(path).suffix.lower() in SUFFIXES and not Path(path).is_dir()


def load_experiment(path: Path | str) -> Experiment:
    """Read the file of an experiment; whether its folders exist is not checked.

    Raises:
        ConfigError: It cannot be read or has wrong entries; the message lists all of them.
    """
    path = Path(path)
    entries = load_yaml(path)
    if not isinstance(entries, dict) or not {"recordings", "samples"} <= set(entries):
        raise ConfigError(
            f"{path} has no lists of recordings and samples. `pyama experiment --help` shows "
            "an example."
        )
    try:
        file = _Entries.model_validate({"experiment": path.stem, **entries})
    except ValidationError as error:
        wrong = error.errors(include_url=False)
        deeper = {entry["loc"][0] for entry in wrong if len(entry["loc"]) > 1}
        shown = [e for e in wrong if len(e["loc"]) > 1 or e["loc"][0] not in deeper]
        raise _wrong(path, [_problem(dict(entry)) for entry in shown]) from error
    samples: dict[str, list[Part]] = {}
    problems = [*_wrong_names(file), *_wrong_continuations(file)]
    for sample in file.samples:
        try:
            samples.setdefault(sample.name, []).extend(_parts(file, sample))
        except ValueError as error:
            problems.append(f"{sample.name!r}: {error}")
    problems += _without_replicate(samples)
    if problems:
        raise _wrong(path, problems)
    return Experiment(
        path=path,
        name=file.experiment,
        folders={name: path.parent / entry.folder for name, entry in _firsts(file).items()},
        continued=_continued(path, file),
        samples={name: tuple(parts) for name, parts in samples.items()},
    )


def _wrong(path: Path, problems: list[str]) -> ConfigError:
    n = f"{len(problems)} wrong entr{'y' if len(problems) == 1 else 'ies'}"
    return ConfigError(f"{path} has {n}:\n" + "\n".join(f"  {text}" for text in problems))


def _problem(entry: dict[str, Any]) -> str:
    place = ".".join(map(str, entry["loc"]))
    if entry["type"] == "extra_forbidden":
        model = ExperimentSample if place.startswith("samples") else ExperimentRecording
        known = model if "." in place else _Entries
        return f"{place}: unknown name; expected one of {', '.join(known.model_fields)}"
    if place in ("recordings", "samples"):
        return f"{place}: expected a list with at least one entry"
    is_said = entry["type"] in ("missing", "value_error")
    found = "" if is_said else f"; found {short(entry['input'])}"
    return f"{place}: {problem_of(entry)}{found}"


def _wrong_names(file: _Entries) -> Iterator[str]:
    recordings = Counter(values.comparable(entry.name) for entry in file.recordings)
    yield from (
        f"the recording {name!r} occurs {n} times" for name, n in recordings.items() if n > 1
    )
    names = [sample.name for sample in file.samples]
    for name in names:
        if layout.safe_name(name) != name:
            yield f"{name!r} cannot be part of a file name; choose another name"
    entries = (*file.recordings, *file.samples)
    replicates = [str(e.replicate) for e in entries if e.replicate is not None]
    for kind, texts in (("samples", names), ("replicates", replicates)):
        for one, other in values.too_similar(texts):
            yield (
                f"the {kind} {one!r} and {other!r} differ only in case or in the form of a "
                "character; write them alike, or choose other names"
            )


def _firsts(file: _Entries) -> dict[str, ExperimentRecording]:
    """Return the recordings that continue no other, by name."""
    return {entry.name: entry for entry in file.recordings if entry.continues is None}


def _wrong_continuations(file: _Entries) -> Iterator[str]:
    known: list[str] = []
    ends: set[str] = set()
    for entry in file.recordings:
        set_here = [*entry.columns] if entry.continues else []
        if entry.continues is None:
            set_here = [n for n in ("gap", "cells", "drift") if n in entry.model_fields_set]
        elif entry.continues not in known:
            yield f"{entry.name!r} continues {entry.continues!r}, which does not precede it"
        elif entry.continues in ends:
            yield f"several recordings continue {entry.continues!r}; name the last one before"
        if set_here:
            kind = "continues another recording" if entry.continues else "continues none"
            yield f"{entry.name!r} {kind}, so that it has no {', '.join(set_here)}"
        known.append(entry.name)
        ends.add(entry.continues or "")


def _continued(path: Path, file: _Entries) -> dict[str, tuple[Continued, ...]]:
    """Return the recordings that continue others, by the first recording."""
    first = {name: name for name in _firsts(file)}
    found: dict[str, list[Continued]] = {}
    for entry in file.recordings:
        if entry.continues is not None:
            first[entry.name] = first[entry.continues]
            part = Continued(
                name=entry.name,
                folder=path.parent / entry.folder,
                **{key: getattr(entry, key) for key in ("gap", "cells", "drift")},
            )
            found.setdefault(first[entry.name], []).append(part)
    return {name: tuple(parts) for name, parts in found.items()}


def _parts(file: _Entries, sample: ExperimentSample) -> Iterator[Part]:
    """Yield the parts of an entry of the samples.

    Raises:
        ValueError: Its fields of view cannot be read, it names an unknown recording, or sets a
            column that the recording sets as well.
    """
    recordings = _firsts(file)
    given = sample.fovs
    if not isinstance(given, Mapping):
        given = dict.fromkeys(recordings, given)
    if not given:
        raise ValueError("the list of fields of view is empty")
    keys = [values.name_of(key) for key in given]
    for key, fovs in zip(keys, given.values(), strict=True):
        recording = recordings.get(key)
        if recording is None:
            known = ", ".join(recordings)
            raise ValueError(f"there is no recording {key!r}; there are {known}")
        if keys.count(key) > 1:
            raise ValueError(f"the recording {key!r} occurs {keys.count(key)} times")
        for name in sample.columns.keys() & recording.columns.keys():
            raise ValueError(
                f"{name} is set here and in the recording {recording.name!r}; leave out one"
            )
        columns = {**recording.columns, **sample.columns}
        yield Part(recording=recording.name, fovs=tuple(read_fovs(fovs)), columns=columns)


def _without_replicate(samples: Mapping[str, list[Part]]) -> Iterator[str]:
    """Yield which parts of samples have no replicate although others have."""
    parts = [(name, part) for name, parts in samples.items() for part in parts]
    if any("replicate" in part.columns for _, part in parts):
        for name, part in parts:
            if "replicate" not in part.columns:
                yield f"{name!r} has no replicate in {part.recording!r}, but others have one"
