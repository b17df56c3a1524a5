"""Tables that are older than what they were made from."""

import math
from collections.abc import Iterator, Sequence
from pathlib import Path

from pyama import layout
from pyama.analysis.table_files import Header
from pyama.analysis.table_origins import fitted_source, known_entries, sources_of
from pyama.errors import StoreError
from pyama.file_cache import cached_while_unchanged
from pyama.symlinks import leads_out
from pyama.traces.digests import traces_digest
from pyama.traces.trace_files import traces_of
from pyama.traces.trace_recording import run_times

# A page asks for the same files again and again.
_digest = cached_while_unchanged(256)(traces_digest)
_entries = cached_while_unchanged(256)(known_entries)


def is_merged(header: Header) -> bool:
    """Whether the entries before a header are those of a merged table."""
    source = header.get("source")
    kinds = ("files", "recordings")
    return isinstance(source, dict) and any(isinstance(source.get(k), dict) for k in kinds)


def is_fitted(header: Header) -> bool:
    """Whether the entries before a header are those of a table of fits."""
    return "model" in header and isinstance(header.get("source"), str)


def outdated_notes(path: Path, results: Path | None = None) -> list[str]:
    """Return in sentences whether a table is older than what it was made from.

    Nothing is said where the files that it was made from are not there to compare.

    Args:
        path: A merged table or a table of fits; other tables are never outdated.
        results: Output folder whose traces were merged; without it, that in the table.
    """
    header = _entries(path) if path.is_file() else {}
    if is_merged(header):
        return list(_merged(path, header, results))
    if is_fitted(header):
        return list(_fitted(path, header, results))
    return []


def _merged(path: Path, header: Header, results: Path | None) -> Iterator[str]:
    for recording, (own, source) in sources_of(path, header).items():
        folder = own if recording else results or own
        files = source.get("files", {})
        if leads_out(folder) or not (folder / layout.CONFIG_FILE).exists():
            continue
        if any(not _is_current(folder, name, digest) for name, digest in files.items()):
            yield f"{path} is older than the traces in {folder}. Merge and fit again."
        elif _has_other_times(folder, header, recording, source):
            yield (
                f"{path} holds other times than the last run in {folder}. Merge and fit again."
            )


def _is_current(folder: Path, name: str, digest: object) -> bool:
    """Whether a file is still the one that would be merged, with the same content."""
    place = Path(name)
    fov = place.parent.name.removeprefix("fov_")
    current = traces_of(folder, int(fov)) if fov.isdecimal() else None
    return current is not None and current.name == place.name and _digest(current) == digest


def _has_other_times(folder: Path, header: Header, recording: str, source: Header) -> bool:
    times = header.get("times")
    if recording and isinstance(times, dict):
        times = times.get(source.get("joined_to", recording))
    if "offset_min" in source and isinstance(times, dict):
        times = _times_of_part(times, source)
    try:
        return isinstance(times, dict) and any(
            not _is_close(run_times(folder, int(fov)), row) for fov, row in times.items()
        )
    except (StoreError, ValueError):
        return False


def _is_close(times: Sequence[float], others: Sequence[float]) -> bool:
    """Whether times are the same, but for rounding where recordings were joined."""
    return len(times) == len(others) and all(
        math.isclose(a, b, rel_tol=1e-9, abs_tol=1e-6)
        for a, b in zip(times, others, strict=True)
    )


def _times_of_part(times: Header, source: Header) -> Header:
    """Return the times of one of several recordings that were joined, as its run has them."""
    start, stop = source["part_of_frames"]
    offset = source["offset_min"]
    return {
        own: [time - offset for time in times[fov][start:stop]]
        for fov, own in source["fovs"].items()
    }


def _fitted(path: Path, header: Header, results: Path | None) -> Iterator[str]:
    source = fitted_source(path, header)
    if source is None or not source.is_file():
        return
    if _digest(source) != header.get("digest"):
        yield f"{path} is older than {source.name}. Fit again."
    yield from outdated_notes(source, results)
