"""Cleaning of an output folder: what can be removed, and its removal."""

import logging
import shutil
from collections import defaultdict
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pyama import older_pyama
from pyama.analysis.removed_outputs import (
    KINDS,
    kinds_text,
    removed_in,
    removed_remarks,
)
from pyama.errors import ConfigError, StoreError
from pyama.fov_ranges import fovs_text
from pyama.processing.record import Record, read_record
from pyama.runs.log import write_log
from pyama.runs.progress import duration
from pyama.runs.removable import Found, Removable, find_removable, seconds_of
from pyama.runs.temporary_files import LeftOvers, find_left_overs, remove_left_overs
from pyama.store import (
    FovStore,
    MarkFile,
    fovs_in,
    lock_fovs,
    read_run,
    remove_outputs,
)
from pyama.units import bytes_text

logger = logging.getLogger(__name__)

LEFT_OVERS = "left-overs"
ALL = "all"


@dataclass(frozen=True)
class Listing:
    """What can be removed from an output folder.

    Attributes:
        output_dir: The output folder.
        recording: Path of its recording.
        left_overs: What nothing needs any more.
        found: Outputs that a run makes again, and those that stay.
        run: Content of `run.json`, if it is there.
        free: Free space of the disk in bytes.
    """

    output_dir: Path
    recording: Path
    left_overs: LeftOvers
    found: Found
    run: dict[str, Any] | None
    free: int

    @property
    def groups(self) -> list[Removable]:
        """The kinds of outputs of which something can be removed."""
        return [group for group in self.found.groups.values() if group.outputs]

    def size(self, kinds: Sequence[str]) -> int:
        """Return the size in bytes of the left-overs and of some kinds of outputs."""
        sizes = {
            (fov, name): size
            for group in self.groups
            if group.kind in kinds
            for fov, outputs in group.outputs.items()
            for name, size in outputs.items()
        }
        return self.left_overs.size + sum(sizes.values())

    def entries(self) -> dict[str, Any]:
        """Return the listing as plain values for JSON."""
        return {
            "output_dir": str(self.output_dir),
            "free": self.free,
            "left_overs": {
                "size": self.left_overs.size,
                "unfinished": self.left_overs.unfinished,
                "files": [
                    path.relative_to(self.output_dir).as_posix()
                    for path in self.left_overs.temporaries
                ],
            },
            "groups": {
                group.kind: {"size": group.size, "fovs": sorted(group.outputs)}
                for group in self.groups
            },
            "kept": list(self.found.kept_lines()),
        }


def parse_kinds(texts: Sequence[str]) -> list[str]:
    """Return the kinds of outputs that are named, such as `previews,crops` or `all`.

    Raises:
        ConfigError: There is no such kind.
    """
    names = [name.strip() for text in texts for name in text.split(",") if name.strip()]
    unknown = [name for name in names if name not in {ALL, *KINDS}]
    if unknown:
        raise ConfigError(
            f"--also {', '.join(unknown)}: there is no such kind of outputs. Choose from "
            f"{', '.join(KINDS)}, or {ALL}."
        )
    return [kind for kind in KINDS if kind in names or ALL in names]


def list_removable(output_dir: Path) -> Listing:
    """Find what can be removed from an output folder; nothing is changed.

    Raises:
        LockedError: A run is working on one of the fields of view.
        StoreError: The folder holds no results.
    """
    record = _record_in(output_dir)
    with ExitStack() as stack:
        try:
            stack.enter_context(lock_fovs(output_dir, fovs_in(output_dir)))
        except StoreError:
            raise
        except OSError:
            pass  # no run can be writing to a read-only folder
        return _listing(output_dir, record)


def clean(output_dir: Path, kinds: Sequence[str] = ()) -> Listing:
    """Remove the left-overs and, of finished outputs, those that a run makes again.

    Traces, corrections, tracked labels, the record and everything that this program has not
    written stay in any case.

    Args:
        output_dir: The output folder.
        kinds: Kinds of outputs, see `KINDS`.

    Returns:
        What could be removed; of its groups, those that were named have been.

    Raises:
        LockedError: A run is working on one of the fields of view.
        StoreError: The folder holds no results.
    """
    record = _record_in(output_dir)
    with lock_fovs(output_dir, fovs_in(output_dir)):
        listing = _listing(output_dir, record)
        remove_left_overs(output_dir, listing.left_overs)
        for group in listing.groups:
            if group.kind in kinds:
                for fov, outputs in group.outputs.items():
                    store = FovStore(output_dir, fov)
                    remove_outputs([MarkFile(store.path, name) for name in outputs])
    with write_log(output_dir, lambda record: None):
        logger.info("Cleaned: %s", removed_text(listing, kinds))
    return listing


def _record_in(output_dir: Path) -> Record:
    if advice := older_pyama.what_to_do(output_dir):
        raise StoreError(advice)
    record = read_record(output_dir)
    if record is None:
        raise StoreError(
            f"{output_dir} holds no results. Name the folder that was given as --output."
        )
    return record


def _listing(output_dir: Path, record: Record) -> Listing:
    return Listing(
        output_dir,
        record.metadata.path,
        find_left_overs(output_dir),
        find_removable(output_dir, record),
        read_run(output_dir),
        shutil.disk_usage(output_dir).free,
    )


def listing_lines(listing: Listing) -> list[str]:
    """Return what can be removed, with its size, in lines."""
    left = listing.left_overs
    free = bytes_text(listing.free)
    lines = [f"{listing.output_dir} ({free} free on its disk). What can be removed:"]
    lines.append(f"  {LEFT_OVERS:<12}{bytes_text(left.size):>10}  {left}")
    lines += [_group_line(group, listing) for group in listing.groups]
    remarks = removed_remarks(removed_in(listing.output_dir))
    lines += [f"Note: {line}" for line in (*listing.found.kept_lines(), *remarks)]
    return lines


def _group_line(group: Removable, listing: Listing) -> str:
    fovs = set(group.outputs)
    text = f"{KINDS[group.kind]}, FOV {fovs_text(sorted(fovs))}; "
    text += f"made again by {', '.join(sorted(group.steps))}"
    seconds = seconds_of(listing.run, group.steps, fovs) or 0
    if seconds >= 1 and group.kind != "previews":  # previews were made in passing
        text += f", which took {duration(seconds)}"
    if group.kind == "frames":
        text += f", as long as {listing.recording} is there"
    return f"  {group.kind:<12}{bytes_text(group.size):>10}  {text}"


def removed_text(listing: Listing, kinds: Sequence[str]) -> str:
    """Return what `clean` removes or has removed, and its size; empty if that is nothing."""
    chosen: dict[int, set[str]] = defaultdict(set)
    for group in listing.groups:
        for fov, names in group.outputs.items():
            chosen[fov].update(names if group.kind in kinds else ())
    outputs = kinds_text({fov: chosen[fov] for fov in sorted(chosen)})
    parts = [text for text in (LEFT_OVERS if listing.left_overs else "", outputs) if text]
    return f"{' and '.join(parts)} ({bytes_text(listing.size(kinds))})" if parts else ""


def nothing_text(listing: Listing, wanted: str) -> str:
    """Return why nothing was removed, and what helps.

    Args:
        listing: What can be removed.
        wanted: `removed_text` of what was asked for.
    """
    if wanted:
        return f"Nothing was removed. --yes removes {wanted}."
    kinds = ",".join(group.kind for group in listing.groups)
    return f"Nothing was removed. --also {kinds} removes finished outputs." * bool(kinds) or (
        "Nothing was removed: there is nothing that a run could make again."
    )
