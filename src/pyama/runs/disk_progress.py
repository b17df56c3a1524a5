"""How far a run of another process is, as far as its output folder tells.

The marks say which outputs are finished, the log what was said. The time left is not known.
"""

from dataclasses import dataclass
from pathlib import Path

from pyama import layout
from pyama.processing.methods import with_own_params
from pyama.processing.recipes import FovContexts
from pyama.processing.record import Record
from pyama.processing.workflow.planned_steps import PlannedStep, plan_fov
from pyama.runs import active_run
from pyama.runs.known_runs import KnownRun
from pyama.sentences import count_text
from pyama.symlinks import refuse_link_out

MAX_LOG_BYTES = 65_536
"""Only the last part of a log is read."""


@dataclass(frozen=True)
class DiskProgress:
    """How many of the outputs of a run are finished.

    Attributes:
        done: Number of finished outputs.
        total: Number of outputs.
        places: The step that each field of view has reached, by its index.
    """

    done: int
    total: int
    places: dict[int, str]

    @property
    def can_go_on(self) -> bool:
        """Whether a run can do without the recording, because of what was copied from it."""
        unfinished = {place for place in self.places.values() if place != "finished"}
        return not unfinished or bool(unfinished - {"waiting", "copying"})

    def __str__(self) -> str:
        ready = sum(place == "finished" for place in self.places.values())
        return (
            f"{ready} of {count_text(len(self.places), 'FOV')} done, {self.done} of "
            f"{count_text(self.total, 'output')} finished; the time left is not known"
        )


class DiskWatch:
    """Follows a run by the marks in its output folder.

    Args:
        run: The run.
        record: Its recording and configuration.

    Raises:
        PyamaError: What the configuration names cannot be read.
    """

    def __init__(self, run: KnownRun, record: Record) -> None:
        self._fovs = run.recorded_fovs(record.metadata.n_fovs)
        config = with_own_params(record.config)
        self._contexts = FovContexts(record.metadata, config, run.output)
        self._finished: dict[int, int] = {}

    def progress(self) -> DiskProgress:
        """Look at the marks; those of finished fields of view are not read again.

        Raises:
            PyamaError: They cannot be read.
        """
        done = total = 0
        places: dict[int, str] = {}
        for fov in self._fovs:
            if fov in self._finished:
                n_done = n = self._finished[fov]
                places[fov] = "finished"
            else:
                steps = plan_fov(self._contexts, fov, with_files=False)
                n = sum(len(step.outputs) for step in steps)
                n_done = n - sum(len(step.pending) for step in steps)
                places[fov] = place_of(steps, n_done)
                if n_done == n:
                    self._finished[fov] = n
            done, total = done + n_done, total + n
        return DiskProgress(done, total, places)


def place_of(steps: tuple[PlannedStep, ...], n_done: int) -> str:
    """Return the first unfinished step of a field of view, `finished` or `waiting`."""
    pending = [step.step for step in steps if step.pending]
    if not pending:
        return "finished"
    return pending[0] if n_done else "waiting"


def log_tail(output_dir: Path, n_lines: int) -> list[str]:
    """Return the last lines of the log of the last run; none if there is no log.

    Raises:
        NotReadyError: It is a link that leads out, see `refuse_link_out`.
    """
    path = output_dir / layout.LOG_FILE
    refuse_link_out(path)
    try:
        with path.open("rb") as file:
            size = file.seek(0, 2)
            file.seek(max(0, size - MAX_LOG_BYTES))
            text = file.read(MAX_LOG_BYTES).decode("utf-8", errors="replace")
    except OSError:
        return []
    lines = text.splitlines()
    begins = [number for number, line in enumerate(lines) if _begins_run(line)]
    return lines[begins[-1] if begins else 0 :][-n_lines:]


def _begins_run(line: str) -> bool:
    return f" INFO {active_run.__name__}: pyama " in line
