"""A proposal for the file of an experiment, from the names of positions in its folders."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from pyama.analysis.experiments.experiment_file import is_experiment
from pyama.analysis.samples import samples_by_position
from pyama.analysis.table_origins import relative_path
from pyama.analysis.trace_sources import TraceSource
from pyama.errors import ConfigError
from pyama.fov_ranges import fovs_text

NOTES = """\
# An experiment for `pyama experiment check` and `pyama merge`. Folders are relative to this
# file; ranges of fields of view include their end.
# replicate: recordings or samples of one biological replicate have the same value.
# day, plate, condition: further columns of the tables, for a recording or a sample.
"""
FILE = "experiment.yaml"
NUMBERED = """\
# Positions whose names differ only by a number at the end, such as {}, are one sample.
"""
_NUMBER = re.compile(r"(.*[^\s_-])[\s_-]+\d+")
EVERYTHING = "all"
"""Name of the only sample of a recording whose positions have no names."""


def proposed_experiment(folders: Sequence[Path], file: Path) -> str:
    """Return the text of a file that describes the results in some folders.

    The names of the positions, or their wells, are the samples, as with `pyama merge
    --by-position-name`; those that differ only by a number at the end are one sample. Every
    recording is a replicate of its own.

    Args:
        folders: Output folders.
        file: Where the text is to be written; its folder is that to which paths are relative.

    Raises:
        ConfigError: The name of the file does not end in .yaml or .yml.
        StoreError: A folder is not an output folder, or has no traces.
    """
    if not is_experiment(file):
        raise ConfigError(f"{file} is not the name of a YAML file. Choose one such as {FILE}")
    sources = [TraceSource(folder) for folder in folders]
    names = _names(sources)
    samples: dict[str, dict[str, list[int]]] = {}
    for name, source in zip(names, sources, strict=True):
        for sample, fovs in _samples(source).items():
            samples.setdefault(sample, {})[name] = fovs
    grouped = _without_numbers(samples)
    joined = [sample for sample in samples if sample not in grouped]
    samples = grouped
    recordings = [
        {"name": name, "folder": relative_path(folder, file.parent), "replicate": i}
        for i, (name, folder) in enumerate(zip(names, folders, strict=True), start=1)
    ]
    entries = [{"name": name, "fovs": _fovs(fovs, names)} for name, fovs in samples.items()]
    notes = NOTES + (NUMBERED.format(" and ".join(joined[:2])) if joined else "")
    return (
        f"{notes}experiment: {_flow(file.stem)}\nrecordings:\n{_lines(recordings)}"
        f"samples:\n{_lines(entries)}"
    )


def _without_numbers(
    samples: Mapping[str, Mapping[str, list[int]]],
) -> dict[str, dict[str, list[int]]]:
    """Put samples together whose names differ only by a number at the end."""
    matches = {name: _NUMBER.fullmatch(name) for name in samples}
    begins = {name: match[1] if match else name for name, match in matches.items()}
    counts = Counter(begins.values())
    grouped: dict[str, dict[str, list[int]]] = {}
    for name, fovs in samples.items():
        begin = begins[name]
        of_sample = grouped.setdefault(begin if counts[begin] > 1 else name, {})
        for recording, numbers in fovs.items():
            of_sample[recording] = sorted([*of_sample.get(recording, ()), *numbers])
    return grouped


def _names(sources: Iterable[TraceSource]) -> list[str]:
    """Return a name for every recording: of its folder, its file, or the folder above."""
    sources = list(sources)
    paths = [source.folder.resolve() for source in sources]
    ways = (
        [path.name for path in paths],
        [source.metadata.basename for source in sources],
        [path.parent.name for path in paths],
        [f"{path.parent.name}_{path.name}" for path in paths],
    )
    for given in ways:
        names = ["".join(c if c.isprintable() else "_" for c in n).strip() for n in given]
        if len({name.casefold() for name in names}) == len(sources) and all(names):
            return names
    return [f"recording_{i}" for i in range(1, len(sources) + 1)]


def _samples(source: TraceSource) -> dict[str, list[int]]:
    try:
        return samples_by_position(source.metadata.position_names, source.files)
    except ConfigError:
        return {EVERYTHING: sorted(source.files)}


def _fovs(fovs: Mapping[str, list[int]], names: Sequence[str]) -> Any:
    """Return fields of view as the file has them: short where all recordings have the same."""
    texts = {name: fovs_text(numbers) for name, numbers in fovs.items()}
    is_same = len(texts) == len(names) and len(set(texts.values())) == 1
    return next(iter(texts.values())) if is_same else texts


def _lines(entries: Iterable[Mapping[str, Any]]) -> str:
    return "".join(f"  - {_flow(dict(entry))}\n" for entry in entries)


def _flow(value: object) -> str:
    text = yaml.safe_dump(
        value, default_flow_style=True, sort_keys=False, allow_unicode=True, width=10**6
    )
    return text.removesuffix("\n").removesuffix("\n...")
