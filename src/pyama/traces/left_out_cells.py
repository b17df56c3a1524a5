"""The table of cells that are left out of the traces, and which cells have no trace now."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from pyama import layout
from pyama.errors import StoreError
from pyama.traces.table_text import read_table_text


@dataclass(frozen=True)
class LeftOut:
    """Why a filter leaves a cell out.

    Attributes:
        reason: The parameter that leaves it out, as in `layout.LEFT_OUT_COLUMNS`.
        frames_seen: Number of frames in which it is present.
        edge_distance: How close it comes to the edge, in px.
    """

    reason: str
    frames_seen: int
    edge_distance: int


@dataclass(frozen=True)
class LeftOutRow:
    """One row of the table.

    Attributes:
        fov: First column, as text.
        cell: Number of the cell.
        frame: 0-based.
        line: Text of the columns of the traces from the fifth on.
        why: Why the cell is left out.
    """

    fov: str
    cell: int
    frame: int
    line: str
    why: LeftOut


def left_out_rows(path: Path, columns: Sequence[str]) -> Iterator[LeftOutRow]:
    """Yield the rows of a table of left-out cells.

    Args:
        path: The file.
        columns: Names of the columns of the traces, which come first here, too: a row that is
            kept becomes one of theirs.

    Raises:
        StoreError: The file cannot be read, or is not such a table.
    """
    try:
        content = read_table_text(path)
    except StoreError as error:
        raise StoreError(f"{error} `pyama run` makes the file again.") from error
    n = len(layout.LEFT_OUT_COLUMNS)
    if tuple(content.columns[-n:]) != layout.LEFT_OUT_COLUMNS:
        raise StoreError(_unreadable(path))
    if content.columns[:-n] != tuple(columns):
        raise StoreError(
            f"{path} has other columns than the traces: {', '.join(content.columns[:-n])}; "
            f"expected {', '.join(columns)}. `pyama run` makes the file again."
        )
    for row in content.text.splitlines()[1:]:
        try:
            text, reason, frames, distance = row.rsplit(",", n)
            fov, cell, frame, _, line = text.split(",", 4)
            why = LeftOut(reason, int(frames), int(distance))
            yield LeftOutRow(fov, int(cell), int(frame), line, why)
        except ValueError as error:
            raise StoreError(_unreadable(path)) from error


def _unreadable(path: Path) -> str:
    return (
        f"{path} cannot be read as a table of cells without a trace: its last columns are not "
        f"{', '.join(layout.LEFT_OUT_COLUMNS)}. `pyama run` makes the file again."
    )
