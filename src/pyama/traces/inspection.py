"""What people find when they look: good and bad cells, tracks to join, cut, swap or delete.

Every click is one line at the end of a log. The traces stay as the run wrote them; the
inspected table is the log replayed onto them. Nobody's line is ever rewritten, so that two
people at one dataset do not erase each other.
"""

import json
import threading
import uuid
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from pyama import layout
from pyama.errors import ConfigError, NotReadyError, StoreError
from pyama.store import FovStore, write_atomically
from pyama.traces.trace_tables import inspected_digest, traces_digest

Cell = Annotated[int, Field(ge=1, le=2**31 - 1)]
FrameIndex = Annotated[int, Field(ge=0, le=2**31 - 1)]


class _Action(BaseModel):
    model_config = ConfigDict(
        frozen=True, extra="forbid", strict=True, use_attribute_docstrings=True
    )


class Mark(_Action):
    """Call a cell good or bad, from a frame on."""

    kind: Literal["mark"] = "mark"
    cell: Cell
    """Number of the cell."""
    good: bool
    """Whether its rows are used."""
    frame: FrameIndex = 0
    """First frame that is meant."""


class Delete(_Action):
    """Leave a track out of the table."""

    kind: Literal["delete"] = "delete"
    cell: Cell
    """Number of the cell."""


class Cut(_Action):
    """Give a track a new number from a frame on."""

    kind: Literal["cut"] = "cut"
    cell: Cell
    """Number of the cell."""
    frame: FrameIndex
    """First frame of the second part."""
    new: Cell | None = None
    """Number of the second part; chosen when the entry is made."""


class Join(_Action):
    """Make two tracks one; they must not share a frame."""

    kind: Literal["join"] = "join"
    cell: Cell
    """Number that stays."""
    other: Cell
    """Number that goes."""


class Swap(_Action):
    """Exchange the numbers of two tracks from a frame on, after they crossed."""

    kind: Literal["swap"] = "swap"
    cell: Cell
    """One number."""
    other: Cell
    """The other."""
    frame: FrameIndex
    """First frame that is exchanged."""


Action = Annotated[Mark | Delete | Cut | Join | Swap, Field(discriminator="kind")]
_ACTION: TypeAdapter[Mark | Delete | Cut | Join | Swap] = TypeAdapter(Action)


@dataclass(frozen=True)
class Entry:
    """One click.

    Attributes:
        id: Of this entry.
        time: ISO 8601, UTC.
        by: Whose.
        action: What.
        active: Whether it was not undone.
        problem: Why it has no effect now; empty if it has.
    """

    id: str
    time: str
    by: str
    action: Mark | Delete | Cut | Join | Swap
    active: bool = True
    problem: str = ""


@dataclass(frozen=True)
class Table:
    """Traces with the inspection applied.

    Attributes:
        header: First line of the traces file, without its end.
        lines: The rows as text from the fifth column on; floats keep their digits.
        fovs: First column.
        source: Number that each row has in the labels, int64 (n,).
        cells: Number of the cell, int64 (n,); 0 where the track was deleted.
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
        """Return the rows that are there, sorted by cell, then frame."""
        rows = np.lexsort((self.frames, self.cells))
        return rows[self.cells[rows] > 0]

    def text(self) -> str:
        """Return the table as CSV, with `source_cell` if tracks were changed."""
        rows = self.order().tolist() if self.corrected else range(len(self.lines))
        cells, frames = self.cells.tolist(), self.frames.tolist()
        good, source = self.good.tolist(), self.source.tolist()
        last = [f",{cell}" for cell in source] if self.corrected else [""] * len(source)
        body = "".join(
            f"{self.fovs[i]},{cells[i]},{frames[i]},{good[i]},{self.lines[i]}{last[i]}\n"
            for i in rows
        )
        return f"{self.header}{',source_cell' if self.corrected else ''}\n{body}"


@dataclass(frozen=True)
class State:
    """An inspection as it stands.

    Attributes:
        table: Traces with all active entries applied.
        entries: Everything that was clicked, oldest first.
        set_aside: Whether there is an inspection of other traces, which is not applied.
        digest: Of the traces.
    """

    table: Table
    entries: tuple[Entry, ...]
    set_aside: bool
    digest: str


_locks: dict[Path, threading.Lock] = defaultdict(threading.Lock)


class Inspection:
    """The inspection of one field of view.

    Args:
        output_dir: The output folder.
        fov: 0-based index of the field of view.

    Raises:
        NotReadyError: There are no finished traces.
    """

    def __init__(self, output_dir: Path, fov: int) -> None:
        folder = FovStore(output_dir, fov).path
        parsed = [layout.parse_traces(path.name) for path in sorted(folder.glob("*.csv"))]
        names = [found[0] for found in parsed if found and found[1] == fov and not found[2]]
        if not names:
            raise NotReadyError(
                f"{folder} has no traces. They are written by a run that has ended."
            )
        self.traces = folder / layout.traces_file(names[0], fov)
        self.inspected = folder / layout.inspected_file(names[0], fov)
        self.log = folder / layout.inspection_log(names[0], fov)

    def state(self) -> State:
        """Replay the log onto the traces.

        Raises:
            StoreError: The traces or the log cannot be read.
        """
        digest, table = self._table()
        made_on = inspected_digest(self.log)
        if made_on != digest:
            return State(table, (), made_on is not None, digest)
        entries, _ = self._read()
        applied = []
        for entry in entries:
            problem = ""
            if entry.active:
                table, problem = _applied(table, entry.action)
            applied.append(replace(entry, problem=problem))
        return State(table, tuple(applied), set_aside=False, digest=digest)

    def preview(self, action: Action) -> tuple[State, Table]:
        """Return the inspection as it stands, and the table as it would be.

        Raises:
            ConfigError: The action is not possible.
        """
        state = self.state()
        action = _numbered(action, state)
        table, problem = _applied(state.table, action)
        if problem:
            raise ConfigError(problem)
        return state, table

    def add(self, action: Action, by: str) -> State:
        """Write an action down and the inspected table anew.

        Raises:
            ConfigError: The action is not possible.
            StoreError: The traces or the log cannot be read.
        """
        with _locks[self.log]:
            action = _numbered(action, self.preview(action)[0])
            self._append(by, {"action": action.model_dump()})
            return self._derived()

    def undo(self, by: str) -> State:
        """Take the last action of somebody back; nothing if there is none."""
        return self._turn(by, "undo", 0)

    def redo(self, by: str) -> State:
        """Do again what somebody took back last; nothing if there is none."""
        return self._turn(by, "redo", 1)

    def _turn(self, by: str, what: str, stack: int) -> State:
        with _locks[self.log]:
            if not self.state().set_aside:
                found = self._read()[1][by][stack]
                if found:
                    self._append(by, {what: found[-1]})
            return self._derived()

    def _derived(self) -> State:
        state = self.state()
        if any(entry.active for entry in state.entries):
            write_atomically(self.inspected, state.table.text().encode())
        elif state.entries:
            self.inspected.unlink(missing_ok=True)
        return state

    def _table(self) -> tuple[str, Table]:
        try:
            found = self.traces.stat()
            return _parsed(self.traces, found.st_mtime_ns, found.st_size)
        except (OSError, ValueError, LookupError) as error:
            raise StoreError(
                f"{self.traces} cannot be read: {error}. `pyama run` makes it again."
            ) from error

    def _append(self, by: str, what: Mapping[str, Any]) -> None:
        digest = self._table()[0]
        made_on = inspected_digest(self.log)
        if made_on != digest:
            for path in (self.log, self.inspected):
                if path.exists():
                    path.rename(_free(path, (made_on or "unknown")[:8]))
        time = datetime.now(UTC).isoformat(timespec="seconds")
        line = json.dumps({"id": uuid.uuid4().hex, "time": time, "by": by, **what}) + "\n"
        first = json.dumps({"traces": digest}) + "\n"
        with self.log.open("ab") as file:
            start = "" if file.tell() else first
            torn = file.tell() and not self.log.read_bytes().endswith(b"\n")
            # One write: lines of two programs stay whole.
            file.write(f"{start}{chr(10) if torn else ''}{line}".encode())

    def _read(self) -> tuple[list[Entry], dict[str, tuple[list[str], list[str]]]]:
        """Return all actions, and what everybody can undo and redo.

        Lines that were cut off are left out.
        """
        entries: dict[str, Entry] = {}
        stacks: dict[str, tuple[list[str], list[str]]] = defaultdict(lambda: ([], []))
        try:
            lines = self.log.read_bytes().splitlines()
        except FileNotFoundError:
            lines = []
        except OSError as error:
            raise StoreError(f"{self.log} cannot be read: {error.strerror}.") from error
        for line in lines:
            _replay(line, entries, stacks)
        return list(entries.values()), stacks


def _replay(
    line: bytes, entries: dict[str, Entry], stacks: dict[str, tuple[list[str], list[str]]]
) -> None:
    try:
        found = json.loads(line)
        by = str(found["by"])
        done, undone = stacks[by]
        if "action" in found:
            action = _ACTION.validate_python(found["action"])
            entries[found["id"]] = Entry(found["id"], str(found["time"]), by, action)
            done.append(found["id"])
            undone.clear()
            return
        what = "undo" if "undo" in found else "redo"
        source, target = (done, undone) if what == "undo" else (undone, done)
        source.remove(found[what])
        target.append(found[what])
        entries[found[what]] = replace(entries[found[what]], active=what == "redo")
    except (ValueError, KeyError, TypeError, ValidationError):
        return  # torn by a crash, or the first line


def _free(path: Path, mark: str) -> Path:
    target = path.with_name(f"{path.stem}_{mark}{path.suffix}")
    number = 2
    while target.exists():
        target = path.with_name(f"{path.stem}_{mark}_{number}{path.suffix}")
        number += 1
    return target


@lru_cache(maxsize=16)
def _parsed(path: Path, changed_ns: int, size: int) -> tuple[str, Table]:
    header, *lines = path.read_text(encoding="utf-8").splitlines()
    split = [line.split(",", 4) for line in lines]
    cells = np.array([row[1] for row in split], np.int64)
    table = Table(
        header,
        tuple(row[4] for row in split),
        tuple(row[0] for row in split),
        cells,
        cells,
        np.array([row[2] for row in split], np.int64),
        np.array([row[3] == "True" for row in split], np.bool_),
    )
    return traces_digest(path), table


def _numbered(action: Action, state: State) -> Action:
    """Give the second part of a cut a number that was never used."""
    if not isinstance(action, Cut) or action.new is not None:
        return action
    used = [e.action.new or 0 for e in state.entries if isinstance(e.action, Cut)]
    largest = max([0, *used, int(state.table.source.max(initial=0))])
    return action.model_copy(update={"new": largest + 1})


def _applied(table: Table, action: Action) -> tuple[Table, str]:
    """Return the table after an action, or as it was and why the action is not possible."""
    named = [action.cell, getattr(action, "other", action.cell)]
    absent = [cell for cell in named if not (table.cells == cell).any()]
    if absent:
        return table, f"There is no cell {absent[0]}."
    change: Callable[[Table, Any], Table | str] = _CHANGES[type(action)]
    found = change(table, action)
    return (table, found) if isinstance(found, str) else (found, "")


def _mark(table: Table, action: Mark) -> Table | str:
    rows = (table.cells == action.cell) & (table.frames >= action.frame)
    if not rows.any():
        return f"Cell {action.cell} has no frame from {action.frame} on."
    return replace(table, good=np.where(rows, action.good, table.good))


def _delete(table: Table, action: Delete) -> Table | str:
    return _renumbered(table, table.cells == action.cell, 0)


def _cut(table: Table, action: Cut) -> Table | str:
    own = table.cells == action.cell
    later = own & (table.frames >= action.frame)
    if not later.any() or later.sum() == own.sum():
        first, last = table.frames[own].min(), table.frames[own].max()
        return (
            f"Cell {action.cell} is there from frame {first} to {last}; it cannot be cut "
            f"before frame {action.frame}."
        )
    if (table.cells == action.new).any():
        return f"There is a cell {action.new} already."
    return _renumbered(table, later, action.new or 0)


def _join(table: Table, action: Join) -> Table | str:
    if action.cell == action.other:
        return "A cell cannot be joined with itself."
    own, other = (table.cells == cell for cell in (action.cell, action.other))
    shared = np.intersect1d(table.frames[own], table.frames[other])
    if shared.size:
        return (
            f"Cells {action.cell} and {action.other} are both there in {shared.size} frames, "
            f"first in frame {shared[0]}. Cut one of them before."
        )
    return _renumbered(table, other, action.cell)


def _swap(table: Table, action: Swap) -> Table | str:
    if action.cell == action.other:
        return "A cell cannot be swapped with itself."
    later = table.frames >= action.frame
    own, other = (later & (table.cells == cell) for cell in (action.cell, action.other))
    if not (own.any() or other.any()):
        return f"Neither cell is there from frame {action.frame} on."
    cells = np.where(own, action.other, np.where(other, action.cell, table.cells))
    return replace(table, cells=cells, corrected=True)


def _renumbered(table: Table, rows: NDArray[np.bool_], cell: int) -> Table:
    return replace(table, cells=np.where(rows, cell, table.cells), corrected=True)


_CHANGES: dict[type[_Action], Callable[[Table, Any], Table | str]] = {
    Mark: _mark,
    Delete: _delete,
    Cut: _cut,
    Join: _join,
    Swap: _swap,
}
