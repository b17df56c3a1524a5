"""Where tables come from: their recording and folder, and whether they may be replaced."""

import os
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from pyama.analysis.table_files import Header, read_header
from pyama.errors import ConfigError, StoreError
from pyama.symlinks import leads_out

Named = tuple[str, Header, Path]
"""Sample, entries before the header, and path of a table."""
ELSEWHERE = "Choose another folder with --output, or move the file away. Nothing was written."


def distinct(paths: Iterable[Path]) -> list[Path]:
    """Return paths without those that lead to the same file or folder as an earlier one."""
    first: dict[Path, Path] = {}
    for path in paths:
        first.setdefault(path.resolve(), path)
    return list(first.values())


def recording_of(header: Header) -> tuple[str, str]:
    """Return name and identity of the recording of a table; empty where it is not known."""
    entries = header.get("source")
    if not isinstance(entries, dict):
        entries = header.get("recording")
    entries = entries if isinstance(entries, dict) else {}
    name = entries.get("recording", entries.get("name", ""))
    return str(name), str(entries.get("identity", ""))


def relative_path(path: Path, folder: Path) -> str:
    """Return the path from a folder to a file or folder, with `/` between names."""
    try:
        return Path(os.path.relpath(path, folder)).as_posix()
    except ValueError:  # on another drive
        return path.resolve().as_posix()


def results_folder(path: Path, header: Header) -> Path:
    """Return the output folder whose traces a merged table holds."""
    source = header.get("source")
    folder = source.get("folder", ".") if isinstance(source, dict) else "."
    return path.parent / str(folder)


def sources_of(path: Path, header: Header) -> dict[str, tuple[Path, Header]]:
    """Return the output folders whose traces a merged table holds, and what it says of them.

    Returns:
        By recording of the experiment; by an empty text for a table of one recording.
    """
    source = header.get("source")
    source = source if isinstance(source, dict) else {}
    recordings = source.get("recordings")
    if not isinstance(recordings, dict):
        return {"": (results_folder(path, header), source)}
    return {
        name: (path.parent / str(entry.get("folder", ".")), entry)
        for name, entry in recordings.items()
        if isinstance(entry, dict)
    }


def fitted_source(path: Path, header: Header) -> Path | None:
    """Return the table whose cells a table of fits holds; None if it may not be read."""
    source = header.get("source")
    if not isinstance(source, str) or leads_out(path.parent / source):
        return None
    return path.parent / source


def refuse_to_replace_merged(path: Path, new: Header, tidy: Iterable[Path] = ()) -> None:
    """Raise an error if a file is there that is not an earlier table of the same results.

    Args:
        path: Where a merged table is to be written.
        new: Its entries before the header.
        tidy: Further tables of the sample. They have no entries before the header, so that
            the merged table lists them.

    Raises:
        ConfigError: There is such a file.
    """
    old = _header_if_there(path)
    if old is not None:
        _refuse_other_recording(path, old, new)
        if not _is_same(results_folder(path, old), results_folder(path, new)):
            raise ConfigError(
                f"{path} was merged from {results_folder(path, old).resolve()}. {ELSEWHERE}"
            )
    known = (old or {}).get("tidy", ())
    for other in (*tidy, path.with_suffix(".parquet")):
        is_known = other.name in known or (old is not None and other.suffix == ".parquet")
        if other.exists() and not is_known:
            raise not_written_here(other)


def refuse_to_replace_fits(path: Path, new: Header) -> None:
    """Raise an error if a file is there that does not hold earlier fits of the same table.

    Args:
        path: Where a table of fits is to be written.
        new: Its entries before the header.

    Raises:
        ConfigError: There is such a file.
    """
    old = _header_if_there(path)
    if old is None:
        if path.with_suffix(".parquet").exists():
            raise not_written_here(path.with_suffix(".parquet"))
        return
    _refuse_other_recording(path, old, new)
    before, now = fitted_source(path, old), fitted_source(path, new)
    if before is None:
        raise not_written_here(path)
    if now is not None and not _is_same(before, now):
        raise ConfigError(f"{path} holds the fits of {before.resolve()}. {ELSEWHERE}")


def refuse_equal_names(paths: Sequence[Path], folder: Path | None) -> None:
    """Raise an error if results of several tables would have the same name.

    Args:
        paths: The tables.
        folder: Folder of the results; None is that of each table.

    Raises:
        ConfigError: Names the tables.
    """
    inputs = {path.resolve(): path for path in paths}
    targets = Counter((folder or path.parent, path.stem) for path in inputs.values())
    for (_, stem), n in targets.items():
        if n > 1:
            named = " and ".join(str(p) for p in inputs.values() if p.stem == stem)
            raise ConfigError(
                f"{named} have the same name, so that the fits of one would replace those of "
                "the other. Fit them one by one, each with another --output, or without "
                "--output, which writes beside each table. Nothing was written."
            )


def names_of_samples(tables: Sequence[Named]) -> list[str]:
    """Return a name for every sample of every table: its own, unless several tables have it.

    Those get the name of their recording as well, or else of the file, or of its folder.
    """
    samples = Counter(sample for sample, _, _ in tables)
    return [
        table[0] if samples[table[0]] == 1 else _told_apart(table, tables) for table in tables
    ]


def _told_apart(table: Named, tables: Sequence[Named]) -> str:
    sample, header, path = table
    rivals = [other for other in tables if other[0] == sample]
    is_only = sum(other[2] == path for other in tables) == 1  # sample of its file

    def named(place: str) -> str:
        return place if is_only else f"{sample} ({place})"

    ways: tuple[tuple[str, Callable[[Named], str]], ...] = (
        (f"{sample} ({recording_of(header)[0]})", lambda other: recording_of(other[1])[0]),
        (named(path.stem), lambda other: other[2].stem),
        (named("/".join(_place(path))), lambda other: "/".join(_place(other[2]))),
    )
    for name, key in ways:
        keys = [key(other) for other in rivals]
        if "" not in keys and len(set(keys)) == len(keys):
            return name
    return named(str(path))


def _place(path: Path) -> tuple[str, str]:
    return path.parent.name, path.stem


def known_entries(path: Path) -> Header:
    """Return the entries of a table; empty if it has none, or cannot be read as a table."""
    try:
        return read_header(path)
    except StoreError:
        return {}


def _header_if_there(path: Path) -> Header | None:
    return known_entries(path) if path.exists() else None


def _refuse_other_recording(path: Path, old: Header, new: Header) -> None:
    (name, identity), (new_name, new_identity) = recording_of(old), recording_of(new)
    if "version" not in old or "source" not in old:
        raise not_written_here(path)
    if identity and new_identity and identity != new_identity:
        if name == new_name:
            name, new_name = (f"{name} of {_origin(path, part)}" for part in (old, new))
        raise ConfigError(
            f"{path} is of another recording: it holds {name}, and this is {new_name}. "
            f"{ELSEWHERE}"
        )


def _origin(path: Path, header: Header) -> Path:
    """Return the folder or the table that a table was made from."""
    return (fitted_source(path, header) or results_folder(path, header)).resolve()


def not_written_here(path: Path) -> ConfigError:
    """Return the error for a file that would be replaced, but was written by others."""
    return ConfigError(f"{path} exists, and this command has not written it. {ELSEWHERE}")


def _is_same(old: Path, new: Path) -> bool:
    """Whether two paths are the same; true if the old one is no longer there."""
    return not old.exists() or old.resolve() == new.resolve()


def recording_entry(header: Header) -> dict[str, Any]:
    """Return the entry that tells of which recording a table of fits is; empty if unknown."""
    name, identity = recording_of(header)
    return {"recording": {"name": name, "identity": identity}} if identity else {}
