"""The result of a run, for its caller."""

from dataclasses import dataclass
from html import escape
from pathlib import Path

from pyama.metadata import MicroscopyMetadata
from pyama.processing.step_reports import FovStepReport, Status, StepReports
from pyama.processing.steps import previews
from pyama.sentences import count_text

MOST_FAILURES = 3
"""Largest number of failures that the short form of a report names."""


@dataclass(frozen=True)
class RunReport:
    """How a run ended.

    Attributes:
        output_dir: The output folder.
        fovs: 0-based indices of the requested fields of view.
        steps: One report per step and field of view.
        cancelled: Whether the run was stopped on request.
        messages: Further remarks for the user, in sentences.
        metadata: Of the recording.
        time_source: Where the time of every frame comes from.
    """

    output_dir: Path
    fovs: tuple[int, ...]
    steps: StepReports
    cancelled: bool
    messages: tuple[str, ...]
    metadata: MicroscopyMetadata
    time_source: str

    @property
    def failed_fovs(self) -> list[int]:
        """Fields of view in which a step other than caching failed."""
        return sorted({report.fov for report in self.failures})

    @property
    def failures(self) -> list[FovStepReport]:
        """Reports of failed steps, without caching, as nothing depends on previews."""
        failed = self.steps.with_status(Status.FAILED)
        return [report for report in failed if report.step != previews.STEP.name]

    @property
    def status(self) -> str:
        """`finished`, `failed` or `cancelled`."""
        if self.cancelled:
            return "cancelled"
        return "failed" if self.failures else "finished"

    @property
    def succeeded(self) -> bool:
        """Whether everything that was requested is finished."""
        return self.status == "finished"

    def __repr__(self) -> str:
        done = len(self.fovs) - len(self.failed_fovs)
        parts = [
            f"{done} of {count_text(len(self.fovs), 'field')} of view",
            str(self.output_dir),
        ]
        parts += [str(failure) for failure in self.failures[:MOST_FAILURES]]
        return f"<Run {self.status}: {'; '.join(parts)}>"

    def _repr_html_(self) -> str:
        return f"<p>{escape(repr(self)[1:-1])}</p>"
