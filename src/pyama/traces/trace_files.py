"""Traces files of an output folder, and whether an inspection still applies to them."""

import hashlib
import json
import warnings
from collections.abc import Iterator
from pathlib import Path

from pyama import layout
from pyama.errors import StoreError
from pyama.store import fovs_in

_STALE = "was made on the traces of an earlier run"


def find_traces(output_dir: Path) -> Iterator[tuple[int, Path]]:
    """Find the traces of every field of view; inspected traces are preferred.

    An inspection of other traces than the current ones is skipped with a warning.

    Yields:
        Index of the field of view and path, ascending.
    """
    output_dir = Path(output_dir)
    for fov in fovs_in(output_dir):
        folder = output_dir / layout.fov_dir(fov)
        name, set_aside = _preferred(folder, fov)
        if set_aside:
            warnings.warn(
                f"{folder / set_aside} {_STALE} and is not used. Inspect the new traces with "
                "`pyama view`.",
                UserWarning,
                stacklevel=2,
            )
        if name:
            yield fov, folder / name


def traces_of(output_dir: Path, fov: int) -> Path | None:
    """Return the traces of one field of view as `find_traces` does, without a warning."""
    folder = Path(output_dir) / layout.fov_dir(fov)
    name, _ = _preferred(folder, fov)
    return folder / name if name else None


def _preferred(folder: Path, fov: int) -> tuple[str, str]:
    """Return the names of the file to read and of an inspection that no longer applies."""
    names = {path.name for path in folder.glob("*.csv")}
    parsed = [entry for entry in map(layout.parse_traces, sorted(names)) if entry]
    of_fov = [(basename, inspected) for basename, index, inspected in parsed if index == fov]
    # An inspection whose traces are gone belongs to another recording.
    current = [basename for basename, inspected in of_fov if not inspected]
    for basename in current or [basename for basename, _ in of_fov]:
        traces, inspection = (
            layout.traces_file(basename, fov),
            layout.inspected_file(basename, fov),
        )
        if inspection not in names:
            return traces, ""
        if _still_applies(folder, basename, fov):
            return inspection, ""
        return traces, inspection
    return "", ""


def _still_applies(folder: Path, basename: str, fov: int) -> bool:
    """Whether an inspection is one of the current traces; true if it has no log."""
    log_digest = inspected_digest(folder / layout.inspection_log(basename, fov))
    traces = folder / layout.traces_file(basename, fov)
    return log_digest is None or not traces.exists() or log_digest == traces_digest(traces)


def refuse_stale_inspection(path: Path) -> None:
    """Raise an error if a path is an inspection of other traces than the current ones.

    Raises:
        StoreError: The inspection was made on other traces.
    """
    basename, fov, inspected = layout.parse_traces(path.name) or ("", 0, False)
    if inspected and not _still_applies(path.parent, basename, fov):
        raise StoreError(
            f"{path} {_STALE}. Use {layout.traces_file(basename, fov)}, or inspect the new "
            "traces with `pyama view`."
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
