"""Reports whether results are unchanged since a run wrote them."""

from pathlib import Path

from pyama.analysis.removed_outputs import removed_remarks
from pyama.cli.terminal import FAILED, note, result, result_json
from pyama.fov_ranges import fovs_text
from pyama.processing.verify import VerifyReport, verify
from pyama.runs.folder_status import folder_status, status_lines
from pyama.sentences import count_text

MAX_LINES = 50
"""Largest number of files that are listed; --json lists all."""


def show(folder: Path, *, quick: bool, complete: bool, as_json: bool) -> int:
    """Verify an output folder and print what is damaged.

    Args:
        folder: The output folder.
        quick: Compare presence and size of files only.
        complete: Also require that every field of view of the recording is finished.
        as_json: Print JSON.

    Returns:
        The exit code: 0 if nothing is missing or damaged, 1 otherwise.
    """
    report = verify(folder, quick=quick)
    status = folder_status(folder) if complete else None
    is_complete = status is None or status.is_complete
    if as_json:
        completeness = {"complete": is_complete} if complete else {}
        result_json("verify", report.entries() | completeness)
    else:
        for line in verify_lines(report):
            result(line)
        for text in removed_remarks(report.removed):
            result(text)
        for text in report.remarks:
            result(f"Warning: {text}")
        for left in report.leftovers[:MAX_LINES]:
            note(f"Note: {left}")
        if status is not None and not is_complete:
            result("\n".join(status_lines(status)))
    return 0 if report.is_intact and is_complete else FAILED


def verify_lines(report: VerifyReport) -> list[str]:
    """Return one line per damaged file, and a conclusion."""
    lines = [str(damage) for damage in report.damages[:MAX_LINES]]
    if len(report.damages) > MAX_LINES:
        lines.append(f"and {len(report.damages) - MAX_LINES} more")
    how = "present and of the right size" if report.quick else "as they were written"
    checked = f"{count_text(report.files, 'file')} of {count_text(report.outputs, 'output')}"
    if report.is_intact:
        fovs = fovs_text(list(report.fovs)) or "-"
        return [f"No damage found: {checked} in FOV {fovs} are {how}."]
    n = len(report.damages)
    return [
        *lines,
        f"{count_text(n, 'problem')} in {checked}. `pyama run` with the same "
        "options makes again what is damaged, and nothing else.",
    ]
