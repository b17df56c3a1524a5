"""The corrections of a log applied to traces, continued where the log grows.

What is kept in memory is exactly what reading the whole log again would give: a log that does
not begin with what was read before is read from its start, and corrections are taken back and
applied again from the first one that differs.
"""

import threading
from collections import OrderedDict
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pyama.traces.corrected_table import Table, apply_correction
from pyama.traces.correction_log import Entry, LogRecords, read_bytes
from pyama.traces.corrections import Keep

KEPT = 16
"""Number of logs whose corrections are kept in memory."""


@dataclass(frozen=True)
class Replayed:
    """Traces after the corrections of a log.

    Attributes:
        table: The traces with all active corrections applied.
        entries: All corrections, oldest first, with the reason of those without effect.
        n_records: Number of corrections, undos and redos.
        has_corrections: Whether any correction applies to the traces.
        records: What else the log says; it changes when the log is read again.
    """

    table: Table
    entries: tuple[Entry, ...]
    n_records: int
    has_corrections: bool
    records: LogRecords

    def lost_cells(self) -> list[int]:
        """Return the cells that somebody keeps, but of which there are no rows any more.

        They are not in the traces, and the table of cells without a trace is missing or
        another one than that from which they were kept.
        """
        table = self.table
        traced = set(table.source.tolist()) - table.left_out.keys()
        kept = [entry.action for entry in self.entries if entry.active and not entry.left]
        return [
            action.cell
            for action in kept
            if isinstance(action, Keep)
            and action.left_out not in {None, table.left_out_digest}
            and action.cell not in traced
        ]


@dataclass(frozen=True)
class _Change:
    """What a correction has replaced: rows (n,), and their cells and marks before."""

    rows: NDArray[np.int64]
    cells: NDArray[np.int64]
    good: NDArray[np.bool_]
    corrected: bool


class Replay:
    """The corrections of one log, applied one after the other.

    Args:
        digest: Digest of the traces.
        table: The traces, uncorrected.
    """

    _content: bytes
    _records: LogRecords
    _table: Table
    _entries: list[Entry]
    _results: list[Entry]
    _changes: list[_Change | None]

    def __init__(self, digest: str, table: Table) -> None:
        self.key = digest, table.left_out_digest
        self._lock = threading.Lock()
        self._uncorrected = table
        self._restart()

    def read(self, log: Path) -> Replayed:
        """Apply what has been added to the log.

        Raises:
            StoreError: The log cannot be read.
        """
        with self._lock:
            content = read_bytes(log)
            if not content.startswith(self._content):
                self._restart()
            self._records.read(content[len(self._content) :].splitlines())
            self._content = content
            self._apply(self._records.all())
            replayed = self._replayed()
            if not content.endswith(b"\n"):  # a line without its end can still change
                self._restart()
            return replayed

    def _replayed(self) -> Replayed:
        return Replayed(
            self._table,
            tuple(self._results),
            self._records.n_records,
            self._records.has_corrections,
            self._records,
        )

    def _restart(self) -> None:
        self._content = b""
        self._records = LogRecords()
        self._table = self._uncorrected
        self._entries, self._results, self._changes = [], [], []

    def _apply(self, entries: list[Entry]) -> None:
        pairs = zip(self._entries, entries, strict=False)
        same = next((i for i, (a, b) in enumerate(pairs) if a is not b), len(self._entries))
        self._take_back(same)
        for entry in entries[same:]:
            before, problem = self._table, entry.problem
            if entry.active and not entry.left:
                self._table, problem = apply_correction(before, entry.action)
            self._results.append(replace(entry, problem=problem))
            self._changes.append(_difference(before, self._table))
        self._entries = entries

    def _take_back(self, kept: int) -> None:
        """Restore the table that the first `kept` corrections give."""
        changes = [change for change in self._changes[kept:] if change is not None]
        if changes:
            cells, good = self._table.cells.copy(), self._table.good.copy()
            for change in reversed(changes):
                cells[change.rows], good[change.rows] = change.cells, change.good
            was_corrected = changes[0].corrected
            self._table = replace(self._table, cells=cells, good=good, corrected=was_corrected)
        del self._results[kept:], self._changes[kept:]


def _difference(before: Table, after: Table) -> _Change | None:
    if after is before:
        return None
    rows = np.flatnonzero((before.cells != after.cells) | (before.good != after.good))
    return _Change(rows, before.cells[rows], before.good[rows], before.corrected)


_replays: OrderedDict[Path, Replay] = OrderedDict()
_lock = threading.Lock()


def replay_of(log: Path, digest: str, table: Table) -> Replay:
    """Return the replay of a log on some traces; the last 16 are kept in memory."""
    with _lock:
        replay = _replays.pop(log, None)
        if replay is None or replay.key != (digest, table.left_out_digest):
            replay = Replay(digest, table)
        _replays[log] = replay
        while len(_replays) > KEPT:
            _replays.popitem(last=False)
        return replay
