"""What a person should know before using results: one place for all commands and the page."""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pyama import layout
from pyama.analysis.outdated_tables import (
    is_fitted,
    is_merged,
    outdated_notes,
)
from pyama.analysis.sample_sets import tables_of_earlier_sets
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
from pyama.symlinks import leads_out
from pyama.traces.correction_notes import unused_corrections
from pyama.traces.trace_files import left_corrections, unused_inspections

if TYPE_CHECKING:
    import pandas as pd  # takes long to load, and most commands read no table

MAX_TABLES = 4
"""Largest number of tables that one sentence names."""


def settings_of_folder(output_dir: Path) -> list[FovSettings]:
    """Return the fields of view with traces, grouped by what they were made with."""
    fovs = (layout.parse_fov(path.name) for path in output_dir.glob("fov_*"))
    return groups_of(output_dir, [fov for fov in fovs if fov is not None])


def folder_remarks(output_dir: Path) -> list[str]:
    """Return what is to be known about the results in an output folder, in sentences.

    Fields of view that were made with different settings, inspections that are not used,
    corrections that could not be carried over to new traces, corrected labels that are not
    used yet, tables of earlier samples, and tables that are older than what they were made
    from.
    """
    paths = sorted([*output_dir.glob("*.csv"), *output_dir.glob("fov_*/*_fitted_*.csv")])
    earlier = tables_of_earlier_sets(paths)
    current = [path for path in paths if path not in earlier]
    return [
        *difference_sentences(named_groups(settings_of_folder(output_dir))),
        *unused_inspections(output_dir),
        *left_corrections(output_dir),
        *unused_corrections(output_dir),
        *earlier_samples_notes(earlier),
        *dict.fromkeys(text for path in current for text in outdated_notes(path)),
    ]


def earlier_samples_notes(earlier: Sequence[Path]) -> list[str]:
    """Return in a sentence which tables belong to samples of an earlier merge, if any.

    Args:
        earlier: These tables.
    """
    if not earlier:
        return []
    names = ", ".join(path.name for path in earlier[:MAX_TABLES])
    more = f" and {len(earlier) - MAX_TABLES} more" if len(earlier) > MAX_TABLES else ""
    return [
        f"The last merge had other samples than {names}{more}. Reports and comparisons leave "
        "these tables out, because cells would count twice. The page can move them to the "
        f"folder {layout.SUPERSEDED}."
    ]


def table_remarks(paths: Sequence[Path]) -> list[str]:
    """Return what is to be known about tables that are used together, in sentences.

    Args:
        paths: Merged tables, tables of fits, or any others.
    """
    texts = [
        f"{path} has samples of an earlier merge. Its cells may be in other tables as well."
        for path in tables_of_earlier_sets(paths)
        if not outdated_notes(path)
    ]
    texts += [
        text for path in paths for text in (*outdated_notes(path), *notes_of_table(path))
    ]
    texts += difference_sentences(_groups(paths))
    return list(dict.fromkeys(texts))


def empty_samples(name: str, fovs: Sequence[int], table: "pd.DataFrame") -> list[str]:
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
        name, identity = recording_of(header)
        for part, group in _listed(path, header):
            key = part or name, f"{identity} {part}", repr(group.settings)
            found.setdefault(key, (set(), group.settings))[0].update(group.fovs)
    several = Counter(identity for _, identity in {key[:2] for key in found})
    prefixed = len(several) > 1
    groups = []
    for (recording, _, _), (fovs, settings) in found.items():
        groups += named_groups(
            [FovSettings(sorted(fovs), settings)], f"{recording}, " * prefixed
        )
    return groups


def _listed(path: Path, header: Header) -> list[tuple[str, FovSettings]]:
    """Return the groups that a table lists, or those of the traces that were fitted.

    Each comes with the name of its recording, if the table is that of an experiment.
    """
    listed = header.get("made_with")
    if isinstance(listed, list):
        return [
            (
                str(entry.get("recording", "")),
                FovSettings(entry["fovs"], entry["settings"]),
            )
            for entry in listed
            if isinstance(entry, dict)
        ]
    return [("", group) for group in _found(path, header)]


def _found(path: Path, header: Header) -> list[FovSettings]:
    if is_merged(header):
        folder, fovs = results_folder(path, header), header.get("fovs", ())
        is_usable = not isinstance(fovs, dict) and not leads_out(folder)
        return groups_of(folder, fovs) if is_usable else []
    source = fitted_source(path, header) if is_fitted(header) else path
    _, fov, _ = layout.parse_traces("" if source is None else source.name) or ("", None, False)
    if source is None or fov is None:
        return []
    return groups_of(source.parent.parent, [fov])
