"""The summary of a run that has ended before, from its record."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pyama.errors import PyamaError
from pyama.processing.record import Record, read_run
from pyama.processing.step_reports import FovStepReport, Status, StepReports
from pyama.processing.workflow.run_report import RunReport
from pyama.runs.summary import summary, summary_lines


def recorded_summary(output_dir: Path, record: Record) -> list[str]:
    """Return what a run has done, in the lines that `pyama run` has printed.

    Args:
        output_dir: The output folder.
        record: Recording and configuration of the run.

    Returns:
        The lines; none if `run.json` is missing, damaged, or of another program.
    """
    entries = read_run(output_dir)
    if entries is None:
        return []
    try:
        report = _report(output_dir, record, entries)
        return summary_lines(summary(report, record.config, float(entries["seconds"])))
    except (KeyError, TypeError, ValueError, AttributeError, PyamaError):
        return []


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
