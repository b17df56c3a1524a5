"""Prints how far the fields of view of an output folder are."""

from pathlib import Path

from pyama.cli.terminal import FAILED, result, result_json
from pyama.runs.folder_status import folder_status, status_lines


def show(folder: Path, *, as_json: bool) -> int:
    """Print the state of every field of view.

    Returns:
        The exit code: 0 if every field of view of the recording is finished, 1 otherwise.
    """
    status = folder_status(folder)
    if as_json:
        result_json("status", status.entries())
    else:
        result("\n".join(status_lines(status)))
    return 0 if status.is_complete else FAILED
