"""Checks of an experiment: folders, fields of view, and how recordings differ."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from pathlib import Path
from statistics import median

from pyama.analysis.experiments.experiment_file import Continued, Experiment
from pyama.analysis.experiments.joined_recordings import JoinedSource
from pyama.analysis.samples import fov_problems
from pyama.analysis.settings_by_fov import difference_sentences, named_groups
from pyama.analysis.trace_sources import TraceSource
from pyama.config import ProcessingConfig
from pyama.errors import ConfigError, PyamaError, message_of
from pyama.fov_ranges import fovs_text
from pyama.metadata import MicroscopyMetadata, pixel_size, typical_interval
from pyama.store import read_run
from pyama.units import duration_text

Sources = Mapping[str, TraceSource]
"""Results of every recording of an experiment."""
TOLERANCE = 0.02
"""Intervals, durations and sizes of pixels that differ by a smaller part count as equal."""


def open_sources(experiment: Experiment) -> dict[str, TraceSource]:
    """Open the results of all recordings.

    Raises:
        ConfigError: A folder is missing or has no traces, a field of view has no traces or is
            in several samples, or two folders hold the same recording; lists all problems.
    """
    sources: dict[str, TraceSource] = {}
    problems = []
    for name, folder in experiment.folders.items():
        try:
            sources[name] = _opened(name, folder, experiment.continued.get(name, ()))
        except PyamaError as error:
            problems.append(f"recording {name!r}: {message_of(error)}")
    for name, source in sources.items():
        used = [
            (sample, part.fovs)
            for sample, parts in experiment.samples.items()
            for part in parts
            if part.recording == name
        ]
        texts = fov_problems(used, source.files)
        problems += [f"recording {name!r}: {text}" for text in texts]
    problems += _repeated(sources)
    if problems:
        n = f"{len(problems)} problem{'s' * (len(problems) > 1)}"
        lines = "\n".join(f"  {text}" for text in problems)
        raise ConfigError(f"{experiment.path} has {n}:\n{lines}")
    return sources


def _opened(name: str, folder: Path, following: Sequence[Continued]) -> TraceSource:
    if not folder.is_dir():
        raise ConfigError(f"{folder} does not exist. Check the path.")
    first = TraceSource(folder)
    return JoinedSource(name, first, following) if following else first


def pieces_of(sources: Sources) -> dict[str, TraceSource]:
    """Return all recordings, also those that are joined to others, by name."""
    return {
        key: piece
        for name, source in sources.items()
        for key, piece in source.named_pieces(name).items()
    }


def _repeated(sources: Sources) -> Iterator[str]:
    for (name, source), (other, same) in combinations(pieces_of(sources).items(), 2):
        frames = [set(piece.metadata.recorded_frames) for piece in (source, same)]
        is_part = frames[0].isdisjoint(frames[1])
        if source.metadata.identity == same.metadata.identity and not is_part:
            yield (
                f"{name!r} and {other!r} are results of the same recording, "
                f"{source.metadata.basename}: cells would count twice; leave out one"
            )


def source_remarks(sources: Sources) -> list[str]:
    """Return what is to be known about the recordings of an experiment, in sentences.

    Which are not finished or lack positions, gaps that the times of a file contradict, and
    what differs: channels and features, times, sizes of pixels.
    """
    unpaired = (text for source in sources.values() for text in source.unpaired())
    return [
        *_unfinished(pieces_of(sources)),
        *unpaired,
        *_other_gaps(sources),
        *_differences(sources),
    ]


def _other_gaps(sources: Sources) -> Iterator[str]:
    joined = [source for source in sources.values() if isinstance(source, JoinedSource)]
    for piece in (piece for source in joined for piece in source.pieces):
        if piece.file_gap_min is not None and not _is_same(
            [piece.gap_min, piece.file_gap_min]
        ):
            yield (
                f"The gap before {piece.name!r} is {duration_text(piece.gap_min)} in the file "
                f"of the experiment, but {duration_text(piece.file_gap_min)} by the times of "
                "the recording, of which it is a part. Leave out gap, unless these are wrong."
            )


def experiment_warnings(experiment: Experiment, sources: Sources) -> list[str]:
    """Return all that a check of an experiment warns of, in sentences.

    Replicates on several days, what `source_remarks` returns, fields of view without a
    sample, and settings that differ.
    """
    groups = [
        group
        for name, source in pieces_of(sources).items()
        for group in named_groups(source.groups(list(source.files)), f"{name}, ")
    ]
    return [
        *repeated_replicates(experiment),
        *source_remarks(sources),
        *_unused(experiment, sources),
        *difference_sentences(groups),
    ]


def repeated_replicates(experiment: Experiment) -> list[str]:
    """Return in a sentence which replicates of a sample are on several days, if any."""
    days: dict[tuple[str, str], list[str]] = {}
    for name, parts in experiment.samples.items():
        for columns in (part.columns for part in parts):
            if {"replicate", "day"} <= columns.keys():
                key = name, str(columns["replicate"])
                days.setdefault(key, []).append(str(columns["day"]))
    several = {key: list(dict.fromkeys(row)) for key, row in days.items() if len(set(row)) > 1}
    if not several:
        return []
    names = ", ".join(dict.fromkeys(replicate for _, replicate in several))
    on = ", ".join(dict.fromkeys(day for row in several.values() for day in row))
    return [
        f"Replicates that are on several days ({on}) count once each: {names}. If the days "
        "have different replicates, number them through all days."
    ]


def _unfinished(sources: Sources) -> Iterator[str]:
    for name, source in sources.items():
        status = (read_run(source.folder) or {}).get("status", "finished")
        if status != "finished":
            yield (
                f"The run of the recording {name!r} is {status}. Run it again, so that no "
                "field of view is missing."
            )


def _unused(experiment: Experiment, sources: Sources) -> Iterator[str]:
    for name, source in sources.items():
        used = {
            fov
            for parts in experiment.samples.values()
            for part in parts
            if part.recording == name
            for fov in part.fovs
        }
        if left := [fov for fov in source.files if fov not in used]:
            verb = "is" if len(left) == 1 else "are"
            yield f"FOV {fovs_text(left)} of the recording {name!r} {verb} in no sample."


def _differences(sources: Sources) -> Iterator[str]:
    """Yield a sentence for everything that is not the same in all recordings."""
    pieces = pieces_of(sources)
    channels = {name: _channels(s.metadata, s.config) for name, s in pieces.items()}
    if len(set(channels.values())) > 1:
        yield (
            f"Channels or features differ: {_listed(channels)}. Only columns with the same "
            "name and the same channel can be compared; others are empty where they were not "
            "measured."
        )
    fovs = {name: min(source.files) for name, source in sources.items()}
    times = {name: sources[name].times([fov])[str(fov)] for name, fov in fovs.items()}
    intervals = {name: typical_interval(row) for name, row in times.items()}
    if not _is_same(list(intervals.values())):
        shown = {name: _duration(value) for name, value in intervals.items()}
        yield (
            f"The interval of the frames differs: {_listed(shown)}. Speeds and noise depend "
            "on it."
        )
    spans = {name: row[-1] - row[0] for name, row in times.items()}
    if not _is_same(list(spans.values())):
        shown = {name: _duration(value) for name, value in spans.items()}
        yield (
            f"The duration differs: {_listed(shown)}. Means, maxima and areas under the curve "
            "depend on it."
        )
    sizes = {name: pixel_size(s.metadata, s.config.params) for name, s in pieces.items()}
    if not _is_same(list(sizes.values())):
        shown = {
            name: f"{size:.4g} \N{MICRO SIGN}m" if size else "unknown"
            for name, size in sizes.items()
        }
        yield (
            f"The size of a pixel differs: {_listed(shown)}. Areas and positions in px cannot "
            "be compared."
        )


def _channels(metadata: MicroscopyMetadata, config: ProcessingConfig) -> str:
    """Return in words which features were measured in which channels."""
    pc = config.channels.pc
    phase = {} if pc is None else {pc.channel: config.phase_features()}
    return "; ".join(
        f"{channel} {metadata.channel_names[channel]} ({', '.join(features)})"
        for channel, features in {**phase, **config.fluorescence_features()}.items()
    )


def _is_same(values: Sequence[float | None]) -> bool:
    known = [value for value in values if value is not None]
    if len(known) < len(values):
        return not known
    middle = abs(median(known))
    return all(abs(value - median(known)) <= TOLERANCE * middle for value in known)


def _duration(minutes: float | None) -> str:
    return "one frame" if minutes is None else duration_text(minutes)


def _listed(texts: Mapping[str, str]) -> str:
    return ", ".join(f"{name} {text}" for name, text in texts.items())
