"""Reports of steps: what was done, skipped or failed, as values."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from pyama.sentences import failure


class Status(StrEnum):
    """How a step ended on a field of view."""

    DONE = "done"
    """Something was written."""
    UNCHANGED = "unchanged"
    """All outputs were complete before."""
    SKIPPED = "skipped"
    """The step does not apply, for instance without a phase contrast channel."""
    CANCELLED = "cancelled"
    """Stopped on request; the next run makes unfinished outputs again."""
    FAILED = "failed"
    """An error, which the message describes."""


UNFINISHED = Status.FAILED, Status.CANCELLED
"""After these, no later step of the field of view runs."""


@dataclass(frozen=True)
class FovStepReport:
    """How one step ended on one field of view.

    Attributes:
        step: Name of the step.
        fov: 0-based index of the field of view.
        status: See `Status`.
        message: Why it was skipped or failed; empty otherwise.
        frame: 0-based index of the frame that failed; None if the error is not of a frame.
        seconds: Wall time.
        notes: Counts and warnings of the step, by the name of the output.
    """

    step: str
    fov: int
    status: Status
    message: str = ""
    frame: int | None = None
    seconds: float = 0.0
    notes: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def __str__(self) -> str:
        return failure(self.step, self.fov, self.frame, self.message or self.status)


@dataclass(frozen=True)
class StepReports:
    """How one step, or a whole run, ended on several fields of view."""

    fovs: tuple[FovStepReport, ...]

    def __iter__(self) -> Iterator[FovStepReport]:
        return iter(self.fovs)

    def with_status(self, *statuses: Status) -> list[FovStepReport]:
        """Return the reports with one of `statuses`."""
        return [report for report in self.fovs if report.status in statuses]

    @property
    def cancelled(self) -> bool:
        """Whether any field of view was cancelled."""
        return bool(self.with_status(Status.CANCELLED))

    def failed_fovs(self) -> list[int]:
        """Return the fields of view in which something failed, ascending."""
        return sorted({report.fov for report in self.with_status(Status.FAILED)})


def join_reports(reports: Iterable[StepReports]) -> StepReports:
    """Return several reports as one, in order."""
    return StepReports(tuple(fov for report in reports for fov in report))
