"""What is finished in an output folder, for every field of view of its recording."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pyama.errors import StoreError
from pyama.fov_ranges import fovs_text
from pyama.processing.methods import with_own_params
from pyama.processing.recipes import FovContexts
from pyama.processing.record import FINISHED, read_record
from pyama.processing.step_reports import Status
from pyama.processing.workflow.planned_steps import plan_fov
from pyama.runs.disk_progress import place_of
from pyama.runs.known_runs import INTERRUPTED, RUNNING
from pyama.sentences import count_text
from pyama.store import LockHolder, lock_holders, read_run

FAILED, SILENT, MISSING = Status.FAILED.value, "silent", "missing"
STATES = FINISHED, RUNNING, SILENT, FAILED, INTERRUPTED, MISSING
"""What is said of a field of view, in the order in which it is listed.

A silent one is held by a process that gives no sign of life, an interrupted one was begun.
"""


@dataclass(frozen=True)
class FovStatus:
    """How far a field of view is.

    Attributes:
        fov: 0-based index.
        state: One of `STATES`.
        step: The first step that is not finished; `waiting` if nothing is.
        owner: The process that holds it, or was killed; empty without one.
        since: When that process took it, in local time; empty if that is not known.
        message: Why it failed; empty if it did not.
    """

    fov: int
    state: str
    step: str = ""
    owner: str = ""
    since: str = ""
    message: str = ""

    def __str__(self) -> str:
        since = self.since and f" since {self.since}"
        parts = self.step, f"{self.owner}{since}", self.message
        return ": ".join(part for part in parts if part)


@dataclass(frozen=True)
class FolderStatus:
    """How far the fields of view of a recording are.

    Attributes:
        output_dir: The output folder.
        recording: Name of the recording.
        fovs: All fields of view of the recording, ascending.
    """

    output_dir: Path
    recording: str
    fovs: tuple[FovStatus, ...]

    @property
    def is_complete(self) -> bool:
        """Whether every field of view of the recording is finished."""
        return all(fov.state == FINISHED for fov in self.fovs)

    def entries(self) -> dict[str, Any]:
        """Return the status as plain values for JSON."""
        return {
            "output_dir": str(self.output_dir),
            "recording": self.recording,
            "complete": self.is_complete,
            "n_fovs": len(self.fovs),
            "counts": {state: len(fovs) for state, fovs in self.by_state().items()},
            "fovs": [asdict(fov) for fov in self.fovs],
        }

    def by_state(self) -> dict[str, list[FovStatus]]:
        """Return the fields of view by their state; states without one are left out."""
        found = {state: [fov for fov in self.fovs if fov.state == state] for state in STATES}
        return {state: fovs for state, fovs in found.items() if fovs}


def folder_status(output_dir: Path) -> FolderStatus:
    """Return how far every field of view of a recording is; nothing is written.

    What is finished is judged by the marks of its outputs, with the settings that are recorded
    in the folder. Failures are known when the run that had them has ended.

    Raises:
        StoreError: No run has written into the folder.
        PyamaError: What the configuration names, such as a plugin, cannot be read.
    """
    record = read_record(output_dir) if output_dir.is_dir() else None
    if record is None:
        raise StoreError(
            f"{output_dir} holds no results. Name the folder that was given as --output."
        )
    contexts = FovContexts(record.metadata, with_own_params(record.config), output_dir)
    fovs = range(record.metadata.n_fovs)
    holders = {holder.fov: holder for holder in lock_holders(output_dir, list(fovs))}
    failures = _failures(output_dir)
    return FolderStatus(
        output_dir,
        record.metadata.path.name,
        tuple(_status(contexts, fov, holders.get(fov), failures.get(fov, "")) for fov in fovs),
    )


def _status(
    contexts: FovContexts, fov: int, holder: LockHolder | None, failure: str
) -> FovStatus:
    steps = plan_fov(contexts, fov, with_files=False)
    n_pending = sum(len(step.pending) for step in steps)
    n_done = sum(len(step.outputs) for step in steps) - n_pending
    step = place_of(steps, n_done)
    owner, since = ("", "") if holder is None else (holder.name, holder.since_text)
    if holder is not None and holder.is_alive is not False:
        return FovStatus(fov, RUNNING if holder.is_alive else SILENT, step, owner, since)
    if not n_pending:
        return FovStatus(fov, FINISHED)
    if failure:
        return FovStatus(fov, FAILED, message=failure)
    if n_done or holder is not None:
        return FovStatus(fov, INTERRUPTED, step, owner and f"killed {owner}", since)
    return FovStatus(fov, MISSING)


def _failures(output_dir: Path) -> dict[int, str]:
    """Return why fields of view failed in the last run that processed them."""
    found: dict[int, str] = {}
    entries = (read_run(output_dir) or {}).get("fovs", {})
    try:
        for fov, steps in entries.items():
            for name, step in steps.items():
                if step["status"] == FAILED:
                    found.setdefault(int(fov), f"{name}: {step['message']}")
    except (KeyError, TypeError, ValueError, AttributeError):  # written by another program
        return {}
    return found


def status_lines(status: FolderStatus) -> list[str]:
    """Return the status as lines; fields of view of which the same is said share one."""
    n = sum(fov.state == FINISHED for fov in status.fovs)
    lines = [f"{status.recording}: {n} of {count_text(len(status.fovs), 'FOV')} finished"]
    for state, fovs in status.by_state().items():
        for text, group in _equal(fovs):
            said = text and f": {text}"
            lines.append(f"  {state:<12}FOV {fovs_text(group)}{said}")
    return lines


def _equal(fovs: Iterable[FovStatus]) -> list[tuple[str, list[int]]]:
    groups: dict[str, list[int]] = defaultdict(list)
    for fov in fovs:
        groups[str(fov)].append(fov.fov)
    return list(groups.items())
