"""A traces table in memory, and the corrections applied to it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel

from pyama import layout
from pyama.errors import StoreError
from pyama.file_cache import cached_while_unchanged
from pyama.traces.corrections import Action, Cut, Delete, Join, Keep, MarkCell, Swap
from pyama.traces.digests import digest_if_there, traces_digest
from pyama.traces.left_out_cells import LeftOut, left_out_rows
from pyama.traces.table_text import TRUE, read_table_text


@dataclass(frozen=True)
class Table:
    """Traces with corrections applied.

    The rows of the cells that a filter left out follow those of the traces. They have no
    corrected number until somebody keeps them.

    Attributes:
        header: First line of the traces file, without its line break.
        lines: Text of each row from the fifth column on, so that floats keep their digits.
        fovs: First column.
        source: Number of the cell in the labels, by row, int64 (n,).
        cells: Corrected number of the cell, int64 (n,); 0 if the row is in no trace, because
            its track was deleted or left out.
        frames: 0-based, int64 (n,).
        good: bool (n,).
        corrected: Whether tracks were changed.
        left_out: Why cells were left out, by their numbers in the labels.
        left_out_digest: SHA-256 of the table of these cells; empty without one.
    """

    header: str
    lines: tuple[str, ...]
    fovs: tuple[str, ...]
    source: NDArray[np.int64]
    cells: NDArray[np.int64]
    frames: NDArray[np.int64]
    good: NDArray[np.bool_]
    corrected: bool = False
    left_out: Mapping[int, LeftOut] = field(default_factory=dict)
    left_out_digest: str = ""

    def order(self) -> NDArray[np.int64]:
        """Return the indices of the rows that are in a trace, by cell and then frame."""
        # One key, because rows are almost in this order already; two keys take longer.
        places = self.cells * (int(self.frames.max(initial=0)) + 1) + self.frames
        rows = np.argsort(places, kind="stable")
        return rows[self.cells[rows] > 0]

    def text(self) -> str:
        """Return the table as CSV.

        Returns:
            The columns of the traces. If tracks were changed, `source_cell` follows, and if
            it contains cells that a filter had left out, `left_out_by` with its name.
        """
        rows = self.order() if self.corrected else np.flatnonzero(self.cells)
        names, last = self._last_columns(rows.tolist())
        cells, frames, good = self.cells.tolist(), self.frames.tolist(), self.good.tolist()
        body = "".join(
            f"{self.fovs[i]},{cells[i]},{frames[i]},{good[i]},{self.lines[i]}{text}\n"
            for i, text in zip(rows.tolist(), last, strict=True)
        )
        return f"{','.join([self.header, *names])}\n{body}"

    def _last_columns(self, rows: Sequence[int]) -> tuple[list[str], list[str]]:
        """Return the names of the columns that corrections add, and their texts by row."""
        if not self.corrected:
            return [], [""] * len(rows)
        source = self.source[rows].tolist()
        last = [f",{label}" for label in source]
        by = {label: f",{why.reason}" for label, why in self.left_out.items()}
        if by.keys().isdisjoint(source):
            return ["source_cell"], last
        both = [text + by.get(label, ",") for text, label in zip(last, source, strict=True)]
        return ["source_cell", layout.LEFT_OUT_BY], both


def read_uncorrected(path: Path, left_out: Path | None = None) -> tuple[str, Table]:
    """Read a traces file and the table of the cells that were left out of it.

    Args:
        path: The traces.
        left_out: The other table; results of earlier versions have none.

    Returns:
        Digest of the traces, and the rows of both tables.

    Raises:
        StoreError: A file cannot be read, or is not such a table.
    """
    if left_out is None or not left_out.exists():
        return _read_traces(path)
    status = left_out.stat()
    return _read_both(path, left_out, status.st_mtime_ns, status.st_size)


@cached_while_unchanged(16)
def _read_both(
    path: Path, left_out: Path, _changed_ns: int, _n_bytes: int
) -> tuple[str, Table]:
    digest, table = _read_traces(path)
    rows = list(left_out_rows(left_out, table.header.split(",")))
    source = np.array([row.cell for row in rows], np.int64)
    frames = np.array([row.frame for row in rows], np.int64)
    return digest, replace(
        table,
        lines=(*table.lines, *(row.line for row in rows)),
        fovs=(*table.fovs, *(row.fov for row in rows)),
        source=np.concatenate([table.source, source]),
        cells=np.concatenate([table.cells, np.zeros_like(source)]),
        frames=np.concatenate([table.frames, frames]),
        good=np.concatenate([table.good, np.ones(len(rows), np.bool_)]),
        left_out=dict(zip(source.tolist(), (row.why for row in rows), strict=True)),
        left_out_digest=digest_if_there(left_out),
    )


@cached_while_unchanged(16)
def _read_traces(path: Path) -> tuple[str, Table]:
    content = read_table_text(path)
    header, *lines = content.text.splitlines()
    if content.columns[:5] != layout.BASE_COLUMNS[:5]:
        raise StoreError(
            f"{path} cannot be read as a table of traces: its first columns are "
            f"{', '.join(content.columns[:5])}; expected "
            f"{', '.join(layout.BASE_COLUMNS[:5])}. `pyama run` makes the file again."
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
    numbers = table.source if isinstance(action, Keep) else table.cells
    absent = [cell for cell in named if not (numbers == cell).any()]
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


def has_trace(table: Table, action: Action) -> bool:
    """Whether a correction keeps a cell all of whose rows are in traces in any case."""
    rows = table.source == action.cell
    return isinstance(action, Keep) and bool(rows.any() and table.cells[rows].all())


def _keep(table: Table, action: Keep) -> Table | str:
    if has_trace(table, action):
        return f"Cell {action.cell} has a trace already."
    is_other = action.left_out not in {None, table.left_out_digest}
    if is_other and action.cell in table.left_out:
        return (
            f"The table of cells without a trace is another one than that with cell "
            f"{action.cell} in this line."
        )
    if (table.cells == action.new).any():
        return f"Cell {action.new} exists already."
    rows = (table.source == action.cell) & (table.cells == 0)
    return _renumbered(table, rows, action.new or action.cell)


def _renumbered(table: Table, rows: NDArray[np.bool_], cell: int) -> Table:
    return replace(table, cells=np.where(rows, cell, table.cells), corrected=True)


_CHANGES: dict[type[BaseModel], Callable[[Table, Any], Table | str]] = {
    MarkCell: _mark,
    Delete: _delete,
    Cut: _cut,
    Join: _join,
    Swap: _swap,
    Keep: _keep,
}
