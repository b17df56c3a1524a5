"""Sets of samples: which tables in a folder belong to the last merge.

Every merged table records the number of its set, which increases where samples are renamed,
removed or regrouped. Tables of earlier sets hold cells that the current ones hold as well.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from pyama.analysis.outdated_tables import is_fitted, is_merged
from pyama.analysis.table_files import Header
from pyama.analysis.table_origins import fitted_source, known_entries, recording_of
from pyama.file_cache import cached_while_unchanged

SAMPLE_SET = "sample_set"
"""Entry of merged tables and tables of fits: the number of their set, from 1."""
SAMPLE_ORDER = "samples"
"""Entry of merged tables: the names of all samples of their set, in the order of the user."""
Fovs = Sequence[int] | Mapping[str, Sequence[int]]
"""Fields of view of a sample; of an experiment, by recording."""
Sets = dict[str, dict[int, dict[str, tuple[Any, ...]]]]
# A page asks for the same files again and again.
_entries = cached_while_unchanged(256)(known_entries)


def next_set(folder: Path, identity: str, samples: Mapping[str, Fovs]) -> int:
    """Return the number of a set of samples: that of the last one if it has the same samples.

    Args:
        folder: Where the tables are.
        identity: Of the recording or the experiment.
        samples: Fields of view of every sample.
    """
    known = _sets(folder).get(identity, {})
    if not known:
        return 1
    last = max(known)
    return last if known[last] == _as_values(samples) else last + 1


def set_entries(folder: Path, identity: str, samples: Mapping[str, Fovs]) -> dict[str, Any]:
    """Return what merged tables say of their set of samples, see `next_set`."""
    return {SAMPLE_SET: next_set(folder, identity, samples), SAMPLE_ORDER: list(samples)}


def tables_of_earlier_sets(paths: Iterable[Path]) -> list[Path]:
    """Return those tables that belong to samples that a later merge has replaced.

    A table of fits is of an earlier set if its merged table is, or if that has been merged
    again as part of another set since.

    Args:
        paths: Merged tables and tables of fits; other tables belong to no set.
    """
    known: dict[Path, Sets] = {}
    return [path for path in paths if _is_of_earlier_set(path, known)]


def _is_of_earlier_set(path: Path, known: dict[Path, Sets]) -> bool:
    header = _entries(path) if path.is_file() else {}
    if is_merged(header):
        sets = known.get(path.parent) or _sets(path.parent)
        known[path.parent] = sets
        return _number(header) < max(sets.get(recording_of(header)[1], {}), default=0)
    source = fitted_source(path, header) if is_fitted(header) else None
    merged = _entries(source) if source is not None and source.is_file() else {}
    if source is None or not is_merged(merged):
        return False
    return _number(header) < _number(merged) or _is_of_earlier_set(source, known)


def in_sample_order(paths: Sequence[Path]) -> list[Path]:
    """Return tables, those of one merge in the order in which its samples were given.

    Args:
        paths: Merged tables and tables of fits. Others stay where they are; tables that do not
            tell the order of their samples are in that of their first fields of view.
    """
    places = [_place_in_set(path) for path in paths]
    ordered = list(paths)
    for name in {place[0] for place in places if place is not None}:
        slots = {i: place[1] for i, place in enumerate(places) if place and place[0] == name}
        for slot, i in zip(slots, sorted(slots, key=lambda i: slots[i]), strict=True):
            ordered[slot] = paths[i]
    return ordered


def _place_in_set(path: Path) -> tuple[tuple[Path, str, int], int] | None:
    """Return the set of a table, and the place of its sample in it; None without a set."""
    header = _entries(path) if path.is_file() else {}
    merged: Path | None = path
    if is_fitted(header):
        merged = fitted_source(path, header)
        header = _entries(merged) if merged is not None and merged.is_file() else {}
    if merged is None or not is_merged(header):
        return None
    names, fovs = header.get(SAMPLE_ORDER), header.get("fovs")
    if isinstance(names, list) and header.get("sample") in names:
        place = names.index(header["sample"])
    else:
        place = min((fov for fov in fovs or () if isinstance(fov, int)), default=0)
    return (merged.parent.resolve(), recording_of(header)[1], _number(header)), place


def with_companions(paths: Sequence[Path]) -> Iterator[Path]:
    """Yield tables and the files that were written beside them: per feature, and Parquet."""
    for path in paths:
        tidy = [path.parent / str(name) for name in _entries(path).get("tidy", ())]
        for table in (path, *tidy):
            yield from filter(Path.is_file, (table, table.with_suffix(".parquet")))


def _sets(folder: Path) -> Sets:
    """Return samples and fields of view by identity of the recording and number of the set."""
    sets: Sets = {}
    for path in folder.glob("*.csv"):
        header = _entries(path)
        if is_merged(header):
            samples = sets.setdefault(recording_of(header)[1], {})
            named = {str(header.get("sample", path.stem)): header.get("fovs", ())}
            samples.setdefault(_number(header), {}).update(_as_values(named))
    return sets


def _as_values(samples: Mapping[str, Fovs]) -> dict[str, tuple[Any, ...]]:
    return {name: _members(fovs) for name, fovs in samples.items()}


def _members(fovs: Fovs) -> tuple[Any, ...]:
    """Return fields of view; of an experiment, pairs of recording and field of view."""
    if isinstance(fovs, Mapping):
        return tuple((name, fov) for name, numbers in fovs.items() for fov in numbers)
    return tuple(fovs)


def _number(header: Header) -> int:
    number = header.get(SAMPLE_SET, 0)
    return number if isinstance(number, int) else 0
