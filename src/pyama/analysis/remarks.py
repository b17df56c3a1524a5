"""What a person should know before using results: one place for all commands and the page."""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from pyama import layout
from pyama.analysis.outdated_tables import (
    is_fitted,
    is_merged,
    outdated_notes,
    outdated_notes_in,
)
from pyama.analysis.settings_by_fov import (
    FovSettings,
    difference_sentences,
    groups_of,
    named_groups,
)
from pyama.analysis.table_files import Header
from pyama.analysis.table_origins import (
    fitted_source,
    known_entries,
    recording_of,
    results_folder,
)
from pyama.fov_ranges import fovs_text
from pyama.traces.inspection import left_corrections
from pyama.traces.trace_files import unused_inspections


def settings_of_folder(output_dir: Path) -> list[FovSettings]:
    """Return the fields of view with traces, grouped by what they were made with."""
    fovs = (layout.parse_fov(path.name) for path in output_dir.glob("fov_*"))
    return groups_of(output_dir, [fov for fov in fovs if fov is not None])


def folder_remarks(output_dir: Path) -> list[str]:
    """Return what is to be known about the results in an output folder, in sentences.

    Fields of view that were made with different settings, inspections that are not used,
    corrections that could not be carried over to new traces, and tables that are older than
    what they were made from.
    """
    return [
        *difference_sentences(named_groups(settings_of_folder(output_dir))),
        *unused_inspections(output_dir),
        *left_corrections(output_dir),
        *outdated_notes_in(output_dir),
    ]


def table_remarks(paths: Sequence[Path]) -> list[str]:
    """Return what is to be known about tables that are used together, in sentences.

    Args:
        paths: Merged tables, tables of fits, or any others.
    """
    texts = [text for path in paths for text in (*outdated_notes(path), *notes_of_table(path))]
    texts += difference_sentences(_groups(paths))
    return list(dict.fromkeys(texts))


def empty_samples(name: str, fovs: Sequence[int], table: pd.DataFrame) -> list[str]:
    """Return in a sentence which fields of view of a sample have no cell, if any.

    Args:
        name: The sample.
        fovs: Its fields of view.
        table: Its good rows.
    """
    filled = set(table["fov"].unique().tolist())
    empty = [fov for fov in fovs if fov not in filled]
    if not empty:
        return []
    if not filled:
        return [
            f"The sample {name!r} is empty: FOV {fovs_text(empty)} has no good trace. The "
            "summary of `pyama run` and the report tell why cells were left out."
        ]
    return [f"FOV {fovs_text(empty)} of the sample {name!r} has no good trace."]


def notes_of_table(path: Path) -> list[str]:
    """Return what was to be known when a table was made, in sentences."""
    noted = _entries(path).get("remarks", ())
    return [str(text) for text in noted] if isinstance(noted, list) else []


def _entries(path: Path) -> Header:
    return known_entries(path) if path.is_file() else {}


def _groups(paths: Sequence[Path]) -> list[tuple[str, Mapping[str, Any]]]:
    """Return what the fields of view in tables were made with, each group once."""
    found: dict[tuple[str, str, str], tuple[set[int], Mapping[str, Any]]] = {}
    for path in paths:
        header = _entries(path)
        recording, identity = recording_of(header)
        for group in _listed(path, header):
            key = recording, identity, repr(group.settings)
            found.setdefault(key, (set(), group.settings))[0].update(group.fovs)
    several = Counter(identity for _, identity in {key[:2] for key in found})
    prefixed = len(several) > 1
    groups = []
    for (recording, _, _), (fovs, settings) in found.items():
        groups += named_groups(
            [FovSettings(sorted(fovs), settings)], f"{recording}, " * prefixed
        )
    return groups


def _listed(path: Path, header: Header) -> list[FovSettings]:
    """Return the groups that a table lists, or those of the traces that were fitted."""
    listed = header.get("made_with")
    if isinstance(listed, list):
        entries = [entry for entry in listed if isinstance(entry, dict)]
        return [FovSettings(entry["fovs"], entry["settings"]) for entry in entries]
    if is_merged(header):
        return groups_of(results_folder(path, header), header.get("fovs", ()))
    source = fitted_source(path, header) if is_fitted(header) else path
    _, fov, _ = layout.parse_traces("" if source is None else source.name) or ("", None, False)
    if source is None or fov is None:
        return []
    return groups_of(source.parent.parent, [fov])
