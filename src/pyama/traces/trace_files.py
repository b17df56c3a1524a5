"""Traces files of an output folder, and whether an inspection still applies to them."""

import hashlib
import json
import warnings
from collections.abc import Iterator
from pathlib import Path

from pyama import layout
from pyama.errors import StoreError
from pyama.store import fovs_in

_OTHER = "was made on the traces of an earlier run"
_UNKNOWN = "does not say on which traces it was made"
_GONE = "was made on traces that are no longer there"


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
            yield fov, folder / name


def traces_files(output_dir: Path) -> dict[int, Path]:
    """Return what `find_traces` finds, without warnings; see `unused_inspections`."""
    found = (
        (fov, folder, _preferred(folder, fov)[0]) for fov, folder in _fov_folders(output_dir)
    )
    return {fov: folder / name for fov, folder, name in found if name}


def unused_inspections(output_dir: Path) -> list[str]:
    """Return in sentences which inspections are not used, and why."""
    return [
        text for fov, folder in _fov_folders(output_dir) for text in _preferred(folder, fov)[1]
    ]


def traces_of(output_dir: Path, fov: int) -> Path | None:
    """Return the traces of one field of view as `find_traces` does, without a warning."""
    folder = Path(output_dir) / layout.fov_dir(fov)
    name, _ = _preferred(folder, fov)
    return folder / name if name else None


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
    for basename in (basename for basename, inspected in of_fov if inspected):
        inspection = layout.inspected_file(basename, fov)
        why = _why_unused(folder, basename, fov)
        if why:
            set_aside.append(
                f"{folder / inspection} {why} and is not used. Inspect the traces with "
                "`pyama view`."
            )
        elif basename in current:
            name = inspection
    return name, set_aside


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
    why = _why_unused(path.parent, basename, fov) if inspected and path.exists() else ""
    if why == _OTHER:
        raise StoreError(
            f"{path} {why}. Use {layout.traces_file(basename, fov)}, or inspect the new "
            "traces with `pyama view`."
        )
    if why:
        warnings.warn(
            f"{path} {why}. It is read because it was named.", UserWarning, stacklevel=3
        )


def traces_digest(path: Path) -> str:
    """Return the SHA-256 of a traces file, which identifies it in logs and tables."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def inspected_digest(log: Path) -> str | None:
    """Return the digest of the traces that a log of corrections belongs to; None without."""
    try:
        with log.open("rb") as lines:
            entry = json.loads(lines.readline(1000))
    except (OSError, ValueError):
        return None
    digest = entry.get("traces") if isinstance(entry, dict) else None
    return digest if isinstance(digest, str) else None
