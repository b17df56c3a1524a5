"""Traces files of an output folder, and whether an inspection still applies to them.

Whoever gets the path of inspected traces here finds them as the log of corrections says.
"""

import json
import warnings
from collections.abc import Collection, Iterator
from functools import lru_cache
from pathlib import Path

from pyama import layout
from pyama.errors import StoreError
from pyama.store import fovs_in
from pyama.traces.correction_log import read_records
from pyama.traces.corrections import text_of
from pyama.traces.digests import inspected_digest, traces_digest
from pyama.traces.inspection import Inspection

_OTHER = "was made on the traces of an earlier run"
_UNKNOWN = "does not say on which traces it was made"
_GONE = "was made on traces that are no longer there"
_CARRIED = (
    "was made on the traces of an earlier run. The run that replaces them carries the "
    "corrections over when it has finished this field of view."
)


def find_traces(output_dir: Path) -> Iterator[tuple[int, Path]]:
    """Find the traces of every field of view; inspected traces are preferred.

    An inspection that is not known to belong to the current traces is skipped with a warning.

    Yields:
        Index of the field of view and path, ascending.
    """
    for fov, folder in _fov_folders(output_dir):
        name, set_aside = _preferred(folder, fov)
        for text in set_aside:
            warnings.warn(text, UserWarning, stacklevel=2)
        if name:
            yield fov, _up_to_date(folder / name)


def traces_files(output_dir: Path) -> dict[int, Path]:
    """Return what `find_traces` finds, without warnings; see `unused_inspections`."""
    found = (
        (fov, folder, _preferred(folder, fov)[0]) for fov, folder in _fov_folders(output_dir)
    )
    return {fov: _up_to_date(folder / name) for fov, folder, name in found if name}


def unused_inspections(output_dir: Path, fovs: Collection[int] | None = None) -> list[str]:
    """Return in sentences which inspections are not used, and why; of all fields of view."""
    return [
        text
        for fov, folder in _fov_folders(output_dir)
        if fovs is None or fov in fovs
        for text in _preferred(folder, fov)[1]
    ]


def left_corrections(output_dir: Path) -> list[str]:
    """Return in sentences which corrections could not be carried over to new tracks."""
    texts = []
    for path in sorted(output_dir.glob("fov_*/*_traces_inspection.jsonl")):
        left = [e for e in read_records(path).all() if e.active and e.left and not e.settled]
        if left:
            listed = "; ".join(f"{text_of(e.action)} ({e.problem})" for e in left)
            n = "1 correction" if len(left) == 1 else f"{len(left)} corrections"
            texts.append(
                f"{path.parent.name}: {n} of the inspection could not be "
                f"carried over to the new tracks: {listed}. Inspect these cells again with "
                "`pyama view`; there, undo removes the entry."
            )
    return texts


def traces_of(output_dir: Path, fov: int) -> Path | None:
    """Return the traces of one field of view as `find_traces` does, without a warning."""
    folder = Path(output_dir) / layout.fov_dir(fov)
    name, _ = _preferred(folder, fov)
    return _up_to_date(folder / name) if name else None


def is_inspected(output_dir: Path, fov: int) -> bool:
    """Whether an inspection applies to the current traces; nothing is written."""
    name, _ = _preferred(Path(output_dir) / layout.fov_dir(fov), fov)
    parsed = layout.parse_traces(name)
    return parsed is not None and parsed[2]


def count_inspected(output_dir: Path, fov: int) -> int | None:
    """Return the number of cells that an inspection has left; None without an inspection."""
    try:
        path = traces_of(output_dir, fov)
        _, _, inspected = layout.parse_traces(path.name if path else "") or ("", 0, False)
        if path is None or not inspected:
            return None
        written = path.stat()
        return _count_cells(path, written.st_mtime_ns, written.st_size)
    except (OSError, ValueError):  # such as a table that somebody else has changed
        return None


@lru_cache(maxsize=1024)
def _count_cells(path: Path, _written_ns: int, _size: int) -> int:
    import pandas as pd  # takes long to load, and most commands count no cells

    return int(pd.read_csv(path, usecols=["cell"])["cell"].nunique())


def _up_to_date(path: Path) -> Path:
    """Return the traces to read in place of a file that may be behind its log."""
    _, fov, inspected = layout.parse_traces(path.name) or ("", 0, False)
    if not inspected or path.parent.name != layout.fov_dir(fov):
        return path
    return Inspection(path.parent.parent, fov).table_to_read()


def _fov_folders(output_dir: Path) -> list[tuple[int, Path]]:
    output_dir = Path(output_dir)
    return [(fov, output_dir / layout.fov_dir(fov)) for fov in fovs_in(output_dir)]


def _preferred(folder: Path, fov: int) -> tuple[str, list[str]]:
    """Return the name of the file to read, and which inspections are not used."""
    parsed = map(layout.parse_traces, sorted(path.name for path in folder.glob("*.csv")))
    of_fov = [
        (basename, inspected) for basename, i, inspected in filter(None, parsed) if i == fov
    ]
    current = [basename for basename, inspected in of_fov if not inspected][:1]
    name = layout.traces_file(current[0], fov) if current else ""
    set_aside = []
    with_inspection = {basename for basename, inspected in of_fov if inspected}
    if not with_inspection.issuperset(current):  # a table may still have to be written
        with_inspection |= {name for name in current if _has_corrections(folder, name, fov)}
    for basename in sorted(with_inspection):
        inspection = layout.inspected_file(basename, fov)
        why = _why_unused(folder, basename, fov)
        if why == _OTHER and is_to_be_carried(folder.parent, fov):
            set_aside.append(f"{folder / inspection} {_CARRIED}")
        elif why:
            set_aside.append(
                f"{folder / inspection} {why} and is not used. Inspect the traces with "
                "`pyama view`."
            )
        elif basename in current:
            name = inspection
    return name, set_aside


def is_to_be_carried(output_dir: Path, fov: int) -> bool:
    """Whether a run has kept the earlier traces to carry their corrections over."""
    try:
        facts = output_dir / layout.fov_dir(fov) / layout.EARLIER / layout.EARLIER_FACTS
        entries = json.loads(facts.read_bytes())
    except (OSError, ValueError):
        return False
    logs = (output_dir / layout.fov_dir(fov)).glob("*_traces_inspection.jsonl")
    digest = entries.get("traces") if isinstance(entries, dict) else None
    return digest is not None and digest in [inspected_digest(log) for log in logs]


def _has_corrections(folder: Path, basename: str, fov: int) -> bool:
    return read_records(folder / layout.inspection_log(basename, fov)).has_corrections


def _why_unused(folder: Path, basename: str, fov: int) -> str:
    """Return why an inspection is not known to belong to the current traces, or nothing."""
    log_digest = inspected_digest(folder / layout.inspection_log(basename, fov))
    traces = folder / layout.traces_file(basename, fov)
    if log_digest is None:
        return _UNKNOWN
    if not traces.exists():
        return _GONE
    return "" if log_digest == traces_digest(traces) else _OTHER


def check_inspection(path: Path) -> None:
    """Check whether a path is an inspection, and of the current traces; warn if unknown.

    Raises:
        StoreError: The inspection was made on other traces.
    """
    basename, fov, inspected = layout.parse_traces(path.name) or ("", 0, False)
    why = _why_unused(path.parent, basename, fov) if inspected else ""
    if inspected and not why:
        _up_to_date(path)
    if why == _OTHER:
        raise StoreError(
            f"{path} {why}. Use {layout.traces_file(basename, fov)}, or inspect the new "
            "traces with `pyama view`."
        )
    if why:
        warnings.warn(
            f"{path} {why}. It is read because it was named.", UserWarning, stacklevel=3
        )
