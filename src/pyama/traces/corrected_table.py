"""A traces table in memory, and the corrections applied to it."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel

from pyama import layout
from pyama.errors import StoreError
from pyama.file_cache import cached_while_unchanged
from pyama.traces.corrections import Action, Cut, Delete, Join, MarkCell, Swap
from pyama.traces.digests import traces_digest
from pyama.traces.table_text import TRUE, read_table_text


@dataclass(frozen=True)
class Table:
    """Traces with corrections applied.

    Attributes:
        header: First line of the traces file, without its line break.
        lines: Text of each row from the fifth column on, so that floats keep their digits.
        fovs: First column.
        source: Number of the cell in the labels, by row, int64 (n,).
        cells: Corrected number of the cell, int64 (n,); 0 if the track was deleted.
        frames: 0-based, int64 (n,).
        good: bool (n,).
        corrected: Whether tracks were changed.
    """

    header: str
    lines: tuple[str, ...]
    fovs: tuple[str, ...]
    source: NDArray[np.int64]
    cells: NDArray[np.int64]
    frames: NDArray[np.int64]
    good: NDArray[np.bool_]
    corrected: bool = False

    def order(self) -> NDArray[np.int64]:
        """Return the indices of the rows that were not deleted, by cell and then frame."""
        # One key, because rows are almost in this order already; two keys take longer.
        places = self.cells * (int(self.frames.max(initial=0)) + 1) + self.frames
        rows = np.argsort(places, kind="stable")
        return rows[self.cells[rows] > 0]

    def text(self) -> str:
        """Return the table as CSV, with a column `source_cell` if tracks were changed."""
        rows = self.order().tolist() if self.corrected else range(len(self.lines))
        cells, frames = self.cells.tolist(), self.frames.tolist()
        good, source = self.good.tolist(), self.source.tolist()
        last = [f",{cell}" for cell in source] if self.corrected else [""] * len(source)
        body = "".join(
            f"{self.fovs[i]},{cells[i]},{frames[i]},{good[i]},{self.lines[i]}{last[i]}\n"
            for i in rows
        )
        return f"{self.header}{',source_cell' if self.corrected else ''}\n{body}"


@cached_while_unchanged(16)
def read_uncorrected(path: Path) -> tuple[str, Table]:
    """Read a traces file.

    Returns:
        Digest of the file, and its table.

    Raises:
        StoreError: The file cannot be read, or is not a traces file.
    """
    content = read_table_text(path)
    header, *lines = content.text.splitlines()
    if content.columns[:4] != layout.BASE_COLUMNS[:4]:
        raise StoreError(
            f"{path} cannot be read as a table of traces: its first columns are "
            f"{', '.join(content.columns[:4])}; expected "
            f"{', '.join(layout.BASE_COLUMNS[:4])}. `pyama run` makes the file again."
        )
    split = [line.split(",", 4) for line in lines]
    try:
        cells = np.array([row[1] for row in split], np.int64)
        frames = np.array([row[2] for row in split], np.int64)
    except ValueError as error:
        raise StoreError(
            f"{path} has rows without whole numbers in the columns cell and frame. "
            "`pyama run` makes the file again."
        ) from error
    table = Table(
        header,
        tuple(row[4] for row in split),
        tuple(row[0] for row in split),
        cells,
        cells,
        frames,
        np.array([row[3].casefold() in TRUE for row in split], np.bool_),
    )
    return traces_digest(path), table


def apply_correction(table: Table, action: Action) -> tuple[Table, str]:
    """Apply one correction.

    Returns:
        The corrected table and an empty string; or the table as it was and the reason why
        the correction is not possible.
    """
    named = [action.cell, getattr(action, "other", action.cell)]
    absent = [cell for cell in named if not (table.cells == cell).any()]
    if absent:
        return table, f"There is no cell {absent[0]}."
    change: Callable[[Table, Any], Table | str] = _CHANGES[type(action)]
    result = change(table, action)
    return (table, result) if isinstance(result, str) else (result, "")


def _mark(table: Table, action: MarkCell) -> Table | str:
    rows = (table.cells == action.cell) & (table.frames >= action.frame)
    if not rows.any():
        return f"Cell {action.cell} has no frame from {action.frame} on."
    return replace(table, good=np.where(rows, action.good, table.good))


def _delete(table: Table, action: Delete) -> Table | str:
    return _renumbered(table, table.cells == action.cell, 0)


def _cut(table: Table, action: Cut) -> Table | str:
    rows = table.cells == action.cell
    later = rows & (table.frames >= action.frame)
    if not later.any() or later.sum() == rows.sum():
        first, last = table.frames[rows].min(), table.frames[rows].max()
        return (
            f"Cell {action.cell} is present from frame {first} to {last}; it cannot be cut "
            f"before frame {action.frame}."
        )
    if (table.cells == action.new).any():
        return f"Cell {action.new} exists already."
    return _renumbered(table, later, action.new or 0)


def _join(table: Table, action: Join) -> Table | str:
    if action.cell == action.other:
        return "A cell cannot be joined with itself."
    first, second = (table.cells == cell for cell in (action.cell, action.other))
    shared = np.intersect1d(table.frames[first], table.frames[second])
    if shared.size:
        return (
            f"Cells {action.cell} and {action.other} are both present in {shared.size} "
            f"frames, first in frame {shared[0]}. Cut one of them first."
        )
    return _renumbered(table, second, action.cell)


def _swap(table: Table, action: Swap) -> Table | str:
    if action.cell == action.other:
        return "A cell cannot be swapped with itself."
    later = table.frames >= action.frame
    first, second = (later & (table.cells == cell) for cell in (action.cell, action.other))
    if not (first.any() or second.any()):
        return f"Neither cell is present from frame {action.frame} on."
    cells = np.where(first, action.other, np.where(second, action.cell, table.cells))
    return replace(table, cells=cells, corrected=True)


def _renumbered(table: Table, rows: NDArray[np.bool_], cell: int) -> Table:
    return replace(table, cells=np.where(rows, cell, table.cells), corrected=True)


_CHANGES: dict[type[BaseModel], Callable[[Table, Any], Table | str]] = {
    MarkCell: _mark,
    Delete: _delete,
    Cut: _cut,
    Join: _join,
    Swap: _swap,
}
