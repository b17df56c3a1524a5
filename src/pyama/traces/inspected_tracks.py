"""Tracks and values of cells as they stand after an inspection."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pyama.file_cache import cached_while_unchanged
from pyama.traces.corrected_table import Table
from pyama.traces.left_out_cells import LeftOut
from pyama.traces.table_text import read_table_text

if TYPE_CHECKING:
    import pandas as pd  # takes long to load, and a run needs none

Values = NDArray[np.float64]


@cached_while_unchanged(16)
def read_traces(path: Path) -> "pd.DataFrame":
    """Read a traces file, cached as long as the file stays the same."""
    return read_table_text(path).frame()


@dataclass(frozen=True)
class Track:
    """One cell.

    Attributes:
        cell: Its number.
        segments: Number in the labels, first and last frame of every part of the track.
        bad: First and last frame of every part that is marked as bad.
        n: Number of frames in which it is present.
    """

    cell: int
    segments: list[tuple[int, int, int]]
    bad: list[tuple[int, int]]
    n: int


@dataclass(frozen=True)
class CellValues:
    """One column of one cell.

    Attributes:
        cell: Its number.
        frames: 0-based frames in which it is present, ascending.
        values: At these frames; NaN where there is no value.
    """

    cell: int
    frames: list[int]
    values: list[float]


def tracks(table: Table) -> list[Track]:
    """Return all cells of a table, by their numbers."""
    rows = table.order()
    cells, counts = np.unique(table.cells[rows], return_counts=True)
    found = {
        cell: Track(cell, [], [], n)
        for cell, n in zip(cells.tolist(), counts.tolist(), strict=True)
    }
    for cell, source, first, last in _constant_parts(table, rows, table.source):
        found[cell].segments.append((source, first, last))
    for cell, good, first, last in _constant_parts(table, rows, table.good):
        if not good:
            found[cell].bad.append((first, last))
    return list(found.values())


def cell_values(
    table: Table, values: Values, only: Collection[int] | None = None
) -> list[CellValues]:
    """Return the values of each cell, by their numbers.

    Args:
        table: The traces.
        values: One column, shape (n,), in the order of the table.
        only: Numbers of the cells; None takes all.
    """
    return [
        CellValues(cell, table.frames[rows].tolist(), values[rows].tolist())
        for cell, rows in _rows_by_cell(table)
        if only is None or cell in only
    ]


@dataclass(frozen=True)
class Absent:
    """One cell of the labels that has no trace, or not in all of its frames.

    Attributes:
        cell: Its number in the labels.
        first: First frame in which it has no trace.
        last: Last such frame.
        n: Number of such frames.
        why: Why a filter left it out; None if it was deleted.
    """

    cell: int
    first: int
    last: int
    n: int
    why: LeftOut | None


def absent_cells(table: Table) -> list[Absent]:
    """Return the cells of the labels that have no trace, by their numbers."""
    rows = np.flatnonzero(table.cells == 0)
    rows = rows[np.lexsort((table.frames[rows], table.source[rows]))]
    labels, start, counts = np.unique(
        table.source[rows], return_index=True, return_counts=True
    )
    frames = table.frames[rows].tolist()
    return [
        Absent(label, frames[i], frames[i + n - 1], n, table.left_out.get(label))
        for label, i, n in zip(labels.tolist(), start.tolist(), counts.tolist(), strict=True)
    ]


def absent_values(table: Table, values: Values, label: int) -> CellValues:
    """Return the values of one of `absent_cells`; the arguments are those of `cell_values`."""
    rows = np.flatnonzero((table.cells == 0) & (table.source == label))
    rows = rows[np.argsort(table.frames[rows], kind="stable")]
    return CellValues(label, table.frames[rows].tolist(), values[rows].tolist())


def changed_cells(before: Table, after: Table) -> set[int]:
    """Return the numbers of all cells that an action changes, before and after it."""
    changed = (before.cells != after.cells) | (before.good != after.good)
    rows = np.isin(before.source, before.source[changed])
    return set(before.cells[rows].tolist()) | set(after.cells[rows].tolist())


def column_of(traces: Path, left_out: Path, column: str) -> Values:
    """Return a column in the order of the rows of `read_uncorrected`, shape (n,).

    Args:
        traces: A traces file.
        left_out: The table of the cells that were left out of it; it may be missing.
        column: Name of the column.

    Returns:
        The values; NaN where there is no finite number.

    Raises:
        KeyError: A file has no such column.
    """
    import pandas as pd

    paths = [traces, left_out] if left_out.exists() else [traces]
    columns = [pd.to_numeric(read_traces(path)[column], errors="coerce") for path in paths]
    numbers = np.concatenate([values.to_numpy(np.float64) for values in columns])
    return np.where(np.isfinite(numbers), numbers, np.nan)


def _rows_by_cell(table: Table) -> Iterator[tuple[int, NDArray[np.int64]]]:
    """Yield the number and the rows of each cell, sorted by frame."""
    rows = table.order()
    cells, first = np.unique(table.cells[rows], return_index=True)
    yield from zip(cells.tolist(), np.split(rows, first[1:]), strict=False)


def _constant_parts(
    table: Table, rows: NDArray[np.int64], values: NDArray[Any]
) -> Iterator[tuple[int, int, int, int]]:
    """Yield cell, value, first and last frame of every run of equal values of a cell."""
    cells, frames, values = table.cells[rows], table.frames[rows], values[rows]
    is_new = (cells[1:] != cells[:-1]) | (values[1:] != values[:-1])
    first = np.flatnonzero(np.concatenate([[len(rows) > 0], is_new]))
    last = np.concatenate([first[1:], [len(rows)]])[: len(first)] - 1
    columns = cells[first], values[first], frames[first], frames[last]
    yield from zip(*(column.tolist() for column in columns), strict=True)
