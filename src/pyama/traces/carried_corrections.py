"""Corrections of earlier tracks expressed in the numbers of new ones.

A correction is carried over where the new tracks leave no doubt what it means. Everything else
is kept in the log with the reason.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pyama.traces.carried_inclusions import kept_labels
from pyama.traces.corrected_table import Table, apply_correction, has_trace
from pyama.traces.correction_log import Entry
from pyama.traces.corrections import Action, Cut, Delete, Join, Keep, MarkCell, Swap
from pyama.traces.given_numbers import numbered

Indices = NDArray[np.int64]
ALREADY = "the new tracks are like this without it"
LAST = 2**31


@dataclass(frozen=True)
class Carried:
    """What becomes of one correction.

    Attributes:
        entry: The correction of the earlier tracks.
        actions: The same in the numbers of the new tracks.
        reason: Why it was not carried over; empty if it was.
        settled: Whether nothing is left to do, because the new tracks need no correction.
    """

    entry: Entry
    actions: Sequence[Action] = ()
    reason: str = ""
    settled: bool = False


def matched_labels(old: NDArray[Any], new: NDArray[Any]) -> dict[int, int]:
    """Find the same cells in two label images of one frame by the overlap of their masks.

    Args:
        old: Earlier labels, shape (H, W); 0 is background.
        new: New labels, shape (H, W).

    Returns:
        New number by earlier number. Two masks belong to the same cell if each overlaps with
        no other more, and the overlap is more than half of the smaller one.
    """
    if old.shape != new.shape:
        return {}
    both = (old > 0) & (new > 0)
    pairs, shared = np.unique(np.stack([old[both], new[both]]), axis=1, return_counts=True)
    old_sizes, new_sizes = _sizes(old), _sizes(new)
    found = list(zip(*pairs.tolist(), shared.tolist(), strict=True))
    best_new = {a: (n, b) for a, b, n in sorted(found, key=lambda pair: pair[2])}
    best_old = {b: (n, a) for a, b, n in sorted(found, key=lambda pair: pair[2])}
    return {
        a: b
        for a, (n, b) in best_new.items()
        if best_old[b][1] == a and 2 * n > min(old_sizes[a], new_sizes[b])
    }


def _sizes(labels: NDArray[Any]) -> dict[int, int]:
    numbers, counts = np.unique(labels, return_counts=True)
    return dict(zip(numbers.tolist(), counts.tolist(), strict=True))


def partners(old: Table, new: Table, matches: Sequence[dict[int, int]] | None) -> Indices:
    """Return the row of the new table that holds the same cell and frame, for each old row.

    Args:
        old: Earlier traces, uncorrected.
        new: New traces, uncorrected.
        matches: New number by earlier number, for each frame; None if numbers are the same.

    Returns:
        Indices of rows, shape (n,); -1 where there is none.
    """
    rows = {
        key: i
        for i, key in enumerate(zip(new.source.tolist(), new.frames.tolist(), strict=True))
    }
    found = []
    for cell, frame in zip(old.source.tolist(), old.frames.tolist(), strict=True):
        number = cell
        if matches is not None:
            number = matches[frame].get(cell, 0) if frame < len(matches) else 0
        found.append(rows.get((number, frame), -1))
    return np.array(found, np.int64)


def carry_over(
    entries: Sequence[Entry],
    old: Table,
    new: Table,
    partner: Indices,
    counted: NDArray[np.bool_] | None = None,
    used: Iterable[Action] = (),
) -> list[Carried]:
    """Express corrections of earlier traces in the numbers of new ones.

    Args:
        entries: Corrections, oldest first; those that were undone are left out.
        old: The traces that they correct, uncorrected.
        new: The new traces, uncorrected.
        partner: See `partners`.
        counted: Rows of the new traces in frames that the earlier traces have, too; by default
            all of them.
        used: Corrections in the log that is continued; their numbers are not given again.
    """
    made = list(used)
    counted = np.ones(len(new.frames), np.bool_) if counted is None else counted
    carried = []
    for entry in entries:
        if not entry.active:
            continue
        if entry.left:
            carried.append(Carried(entry, (), entry.problem, entry.settled))
            continue
        before, (old, problem) = old, apply_correction(old, entry.action)
        if problem and not has_trace(before, entry.action):
            carried.append(Carried(entry, (), problem))
            continue
        result, new = _translated(entry, _Pair(before, new, partner, counted), made)
        made += result.actions
        carried.append(result)
    return carried


def _translated(entry: Entry, pair: "_Pair", made: Sequence[Action]) -> tuple[Carried, Table]:
    """Express one correction after those made before; return also the new table with it."""
    actions, reason = pair.translated(entry.action)
    table = pair.new
    carried: list[Action] = []
    for action in actions:
        action = numbered(action, table, [*made, *carried])
        table, problem = apply_correction(table, action)
        # A cell that has a trace is still one to keep, in case a later run leaves it out.
        if problem and not has_trace(table, action):
            return Carried(entry, (), problem), pair.new
        carried.append(action)
    settled = not actions and reason == ALREADY
    return Carried(entry, carried, reason, settled), table


@dataclass(frozen=True)
class _Pair:
    """Earlier and new traces, both with the corrections so far, and their common rows."""

    old: Table
    new: Table
    partner: Indices = field(repr=False)
    counted: NDArray[np.bool_] = field(repr=False)

    def translated(self, action: Action) -> tuple[list[Any], str]:
        """Return the action in new numbers, or no action and the reason."""
        actions: list[Any]
        match action:
            case MarkCell():
                cells = self._inside(action.cell, action.frame)
                actions = [action.model_copy(update={"cell": cell}) for cell in cells]
            case Delete():
                actions = [Delete(cell=cell) for cell in self._inside(action.cell, 0)]
            case Keep():
                both = self.old, self.new, self.partner, self.counted
                actions = [Keep(cell=cell) for cell in kept_labels(*both, action.cell)]
            case Cut():
                return self._cut(action)
            case Join():
                return self._join(action)
            case Swap():
                return self._swap(action)
        return actions, "" if actions else _unclear(action.cell)

    def _cut(self, action: Cut) -> tuple[list[Any], str]:
        first = self._main(action.cell, 0, action.frame)
        second = self._main(action.cell, action.frame, LAST)
        if not (first and second):
            return [], _unclear(action.cell)
        if first != second:
            return [], ALREADY
        return [Cut(cell=first, frame=action.frame)], ""

    def _join(self, action: Join) -> tuple[list[Any], str]:
        first, second = self._main(action.cell), self._main(action.other)
        if not (first and second):
            return [], _unclear(action.other if first else action.cell)
        return ([], ALREADY) if first == second else ([Join(cell=first, other=second)], "")

    def _swap(self, action: Swap) -> tuple[list[Any], str]:
        parts = {
            (cell, side): self._main(cell, *span)
            for cell in (action.cell, action.other)
            for side, span in enumerate(((0, action.frame), (action.frame, LAST)))
            if self._rows(cell, *span).any()
        }
        for cell in (action.cell, action.other):
            if not all(number for (other, _), number in parts.items() if other == cell):
                return [], _unclear(cell)
        both = action.cell, action.other
        kept = [{n for (c, _), n in parts.items() if c == cell} for cell in both]
        # After a swap, a cell has its own rows before the frame and later those of the other.
        crossed = [
            {n for (c, side), n in parts.items() if side == (c != cell)} for cell in both
        ]
        if all(len(numbers) == 1 for numbers in kept) and kept[0] != kept[1]:
            (first,), (second,) = kept
            return [Swap(cell=first, other=second, frame=action.frame)], ""
        if all(len(numbers) <= 1 for numbers in crossed):
            return [], ALREADY
        return [], _unclear(action.cell)

    def _inside(self, cell: int, frame: int) -> list[int]:
        """Return the new cells that lie inside a cell, if they make up most of it."""
        rows = self._rows(cell, frame, LAST)
        found = self._counts(rows)
        later = self.counted & (self.new.frames >= frame)
        inside = {
            number: n
            for number, n in found.items()
            if 2 * n > np.count_nonzero(later & (self.new.cells == number))
        }
        return sorted(inside) if 2 * sum(inside.values()) > rows.sum() else []

    def _main(self, cell: int, start: int = 0, stop: int = LAST) -> int:
        """Return the new cell that is the same in a range of frames; 0 if none is."""
        rows = self._rows(cell, start, stop)
        found = self._counts(rows)
        if not found:
            return 0
        number, n = max(found.items(), key=lambda pair: pair[1])
        frames = self.old.frames[rows]
        span = (self.new.frames >= frames.min()) & (self.new.frames <= frames.max())
        rivals = np.count_nonzero(self.counted & span & (self.new.cells == number))
        is_same = 2 * n > max(int(rows.sum()), int(rivals))
        return number if is_same else 0

    def _rows(self, cell: int, start: int, stop: int) -> NDArray[np.bool_]:
        old = self.old
        return (old.cells == cell) & (old.frames >= start) & (old.frames < stop)

    def _counts(self, rows: NDArray[np.bool_]) -> dict[int, int]:
        """Return how many rows of every new cell are the same as some rows."""
        partner = self.partner[rows]
        cells = self.new.cells[partner[partner >= 0]]
        numbers, counts = np.unique(cells[cells > 0], return_counts=True)
        return dict(zip(numbers.tolist(), counts.tolist(), strict=True))


def _unclear(cell: int) -> str:
    return f"no new trace is clearly that of cell {cell}"


def log_lines(results: Sequence[Carried]) -> list[str]:
    """Return lines of a log: carried corrections, and the others with their reasons."""
    records = []
    for result in results:
        entry = result.entry
        head = {"time": entry.time, "by": entry.by}
        if not result.actions:
            left = {"left": entry.action.model_dump(), "reason": result.reason}
            records.append({"id": entry.id, **head, **left, "settled": result.settled})
        for i, action in enumerate(result.actions):
            name = f"{entry.id}-{i}" if i else entry.id
            records.append({"id": name, **head, "action": action.model_dump()})
    return [json.dumps(record) for record in records]
