"""Runs as their output folders tell of them, whoever started them, and wherever.

`run.json` says how a run ended, the locks who is at work or was killed.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from pyama import layout
from pyama.errors import PyamaError
from pyama.file_cache import cached_while_unchanged
from pyama.fov_ranges import fovs_text
from pyama.processing.record import read_record
from pyama.store import LockHolder, fovs_in, local_time, lock_holders, read_run

RUNNING, INTERRUPTED, UNKNOWN, UNFINISHED = "running", "interrupted", "unknown", "unfinished"


@dataclass(frozen=True)
class KnownRun:
    """The last run of an output folder.

    Attributes:
        output: The output folder.
        status: `running`; `finished`, `failed` or `cancelled` as in `run.json`;
            `interrupted` if its process was killed; `unfinished` if fields of view are
            missing or the end of the run is not recorded; `unknown` if its process exists
            but gives no sign of life.
        recording: Name of the recording; empty if it is not known.
        started: When it began; None if that is not known.
        seconds: Wall time; None while it runs, and if its end is not recorded.
        owner: The process that is at work, or was killed; empty after the end of the run.
        fovs: Fields of view that it was at work on; after its end, all that there are.
        message: What else is to be known, in a sentence.
    """

    output: Path
    status: str
    recording: str
    started: datetime | None
    seconds: float | None
    owner: str
    fovs: tuple[int, ...]
    message: str = ""

    def recorded_fovs(self, n_fovs: int) -> list[int]:
        """Return those of its fields of view that the recording has, ascending.

        Folders of others may lie in the output folder.
        """
        return sorted(fov for fov in self.fovs if fov < n_fovs)


def known_run(output_dir: Path) -> KnownRun:
    """Return the last run of an output folder; nothing is written, and no lock is taken.

    Raises:
        PyamaError: The folder cannot be read.
    """
    fovs = fovs_in(output_dir)
    holders = lock_holders(output_dir, fovs)
    if holders:
        return _locked_run(output_dir, holders)
    try:
        ended = _ended_run(output_dir / layout.RUN_FILE)
    except FileNotFoundError:
        ended = None
    if ended is None:
        text = "run.json does not say how this run ended."
        started = _config_time(output_dir)
        recording = _recording(output_dir)
        return KnownRun(
            output_dir, UNFINISHED, recording, started, None, "", tuple(fovs), text
        )
    status, recording, started, seconds = ended
    return KnownRun(output_dir, status, recording, started, seconds, "", tuple(fovs))


def _locked_run(output_dir: Path, holders: list[LockHolder]) -> KnownRun:
    status, now = _locked_status(holders)
    owner = ", ".join(dict.fromkeys(holder.name for holder in now))
    fovs = tuple(holder.fov for holder in now)
    since = local_time(max(holder.last_sign for holder in now))
    message = {
        RUNNING: "",
        UNKNOWN: f"No sign of life since {since}: {owner} exists, but may be stopped.",
        INTERRUPTED: f"Killed: {owner}. Its last sign of life was at {since}. FOV "
        f"{fovs_text(sorted(fovs))} may be unfinished.",
    }[status]
    recording = _recording(output_dir)
    return KnownRun(
        output_dir, status, recording, _config_time(output_dir), None, owner, fovs, message
    )


def _locked_status(holders: list[LockHolder]) -> tuple[str, list[LockHolder]]:
    """Return the status, and the holders that it is about: the living ones before others."""
    for is_alive, status in ((True, RUNNING), (None, UNKNOWN)):
        if found := [holder for holder in holders if holder.is_alive is is_alive]:
            return status, found
    return INTERRUPTED, holders


@cached_while_unchanged(512)
def _ended_run(run_file: Path) -> tuple[str, str, datetime | None, float | None] | None:
    """Return status, recording, start and wall time of a run; None if the file is damaged."""
    entries = read_run(run_file.parent)
    if entries is None:
        return None
    try:
        started = datetime.fromisoformat(entries["started"])
        recording = Path(entries["input"]["path"]).name
        return str(entries["status"]), recording, started, float(entries["seconds"])
    except (KeyError, TypeError, ValueError):  # written by another program
        return None


def _recording(output_dir: Path) -> str:
    try:
        return _recording_of_config(output_dir / layout.CONFIG_FILE)
    except (PyamaError, OSError):
        return ""


@cached_while_unchanged(512)
def _recording_of_config(config_file: Path) -> str:
    record = read_record(config_file.parent)
    return "" if record is None else record.metadata.path.name


def _config_time(output_dir: Path) -> datetime | None:
    """Return when a run wrote its configuration, which is the first thing that it does."""
    try:
        changed = (output_dir / layout.CONFIG_FILE).stat().st_mtime
    except OSError:
        return None
    return datetime.fromtimestamp(changed, UTC)


def known_runs(output_dirs: Iterable[Path]) -> Iterator[KnownRun]:
    """Yield the last runs of output folders; folders that cannot be read are left out."""
    for output_dir in output_dirs:
        try:
            yield known_run(output_dir)
        except (PyamaError, OSError):
            continue
