"""The summary of a run that has ended before, from its record."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pyama.errors import PyamaError
from pyama.processing.record import Record
from pyama.processing.step_reports import FovStepReport, Status, StepReports
from pyama.processing.workflow.run_report import RunReport
from pyama.runs.summary import summary
from pyama.store import read_run


def recorded_summary(output_dir: Path, record: Record) -> dict[str, Any] | None:
    """Count what a run has done, see `pyama.runs.summary.summary`.

    Args:
        output_dir: The output folder.
        record: Recording and configuration of the run.

    Returns:
        The counts; None if `run.json` is missing, damaged, or of another program.
    """
    entries = read_run(output_dir)
    if entries is None:
        return None
    try:
        report = _report(output_dir, record, entries)
        return summary(report, record.config, float(entries["seconds"]))
    except (KeyError, TypeError, ValueError, AttributeError, PyamaError):
        return None


def _report(output_dir: Path, record: Record, entries: dict[str, Any]) -> RunReport:
    return RunReport(
        output_dir,
        tuple(map(int, entries["fovs"])),
        StepReports(tuple(_steps(entries["fovs"]))),
        entries["status"] == "cancelled",
        (),
        record.metadata,
        str(entries["time"]),
    )


def _steps(fovs: dict[str, Any]) -> Iterator[FovStepReport]:
    for fov, steps in fovs.items():
        for name, entry in steps.items():
            yield FovStepReport(
                name,
                int(fov),
                Status(entry["status"]),
                entry["message"],
                entry["frame"],
                float(entry["seconds"]),
                entry["outputs"],
            )
