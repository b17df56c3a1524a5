"""The log of corrections: a file with one line of JSON per correction, undo and redo.

Further lines note which tables were written from the log. Lines are only appended, so that two
people who correct the same traces do not overwrite each other's work.
"""

import json
import os
import uuid
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from pyama.errors import StoreError
from pyama.symlinks import refuse_link_out
from pyama.traces.corrections import Action, Keep

_ACTION: TypeAdapter[Action] = TypeAdapter(Action)
_INVALID = ValueError, KeyError, TypeError, ValidationError, RecursionError
"""What a line raises that is no record."""


@dataclass(frozen=True)
class Entry:
    """One correction in the log.

    Attributes:
        id: Identifier of the entry.
        time: ISO 8601, UTC.
        by: Who made it.
        action: The correction.
        active: False if it was undone.
        problem: Why it has no effect on the table; empty if it has one.
        left: Whether it is one of earlier traces and could not be carried over to these.
        settled: Whether nothing is left to do for it.
    """

    id: str
    time: str
    by: str
    action: Action
    active: bool = True
    problem: str = ""
    left: bool = False
    settled: bool = False


@dataclass(frozen=True)
class Stacks:
    """Identifiers of the entries that one person can undo and redo, the next one last."""

    undo: list[str]
    redo: list[str]


class LogRecords:
    """What the lines of a log say; more lines can be read at any time.

    Attributes:
        entries: Corrections by their ids, oldest first.
        stacks: What each person can undo and redo.
        n_records: Number of corrections, undos and redos.
        ids: Their identifiers.
        tables: Digests of all tables that were written from this log.
        table: Digest of the table that was written after the last record; empty if none was.
    """

    def __init__(self) -> None:
        self.entries: dict[str, Entry] = {}
        self.stacks: dict[str, Stacks] = defaultdict(lambda: Stacks([], []))
        self.n_records = 0
        self.ids: set[str] = set()
        self.tables: set[str] = set()
        self.table = ""

    def all(self) -> list[Entry]:
        """Return the corrections, oldest first."""
        return list(self.entries.values())

    @property
    def has_corrections(self) -> bool:
        """Whether any correction applies to the traces."""
        return any(entry.active and not entry.left for entry in self.entries.values())

    @property
    def keeps_cells(self) -> bool:
        """Whether cells are kept, whose rows are in the table of left-out cells."""
        entries = self.entries.values()
        return any(isinstance(e.action, Keep) and e.active and not e.left for e in entries)

    def keeps_others(self, left_out: str) -> bool:
        """Whether cells are kept that are not of a table of left-out cells, by its digest."""
        kept = [e.action for e in self.entries.values() if not e.left]
        return any(isinstance(a, Keep) and a.left_out not in {None, left_out} for a in kept)

    def read(self, lines: Iterable[bytes]) -> None:
        """Read more lines; incomplete ones are left out."""
        for line in lines:
            # A line that a crash cut off, or the first line of the log.
            with suppress(*_INVALID):
                self._read(json.loads(line))

    def _read(self, record: dict[str, Any]) -> None:
        if "table" in record:
            self.tables.add(record["table"])
            self.table = record["table"] if record["records"] == self.n_records else ""
            return
        stack = self.stacks[str(record["by"])]
        if "left" in record:
            self._read_left(record, stack)
        elif "action" in record:
            action = _ACTION.validate_python(record["action"])
            entry = Entry(record["id"], str(record["time"]), str(record["by"]), action)
            self.entries[entry.id] = entry
            stack.undo.append(entry.id)
            stack.redo.clear()
        else:
            self._read_step(record, stack)
        self.ids.add(str(record.get("id")))
        self.n_records += 1
        self.table = ""

    def _read_left(self, record: dict[str, Any], stack: Stacks) -> None:
        action = _ACTION.validate_python(record["left"])
        head = record["id"], str(record["time"]), str(record["by"]), action
        settled = bool(record.get("settled"))
        self.entries[record["id"]] = Entry(*head, True, str(record["reason"]), True, settled)
        stack.undo.insert(0, record["id"])

    def _read_step(self, record: dict[str, Any], stack: Stacks) -> None:
        is_undo = "undo" in record
        entry_id = record["undo" if is_undo else "redo"]
        source, target = (stack.undo, stack.redo) if is_undo else (stack.redo, stack.undo)
        source.remove(entry_id)
        target.append(entry_id)
        self.entries[entry_id] = replace(self.entries[entry_id], active=not is_undo)


def read_bytes(log: Path) -> bytes:
    """Return the content of a log; a missing log is an empty one.

    Raises:
        StoreError: The log cannot be read.
    """
    refuse_link_out(log)
    try:
        return log.read_bytes()
    except FileNotFoundError:
        return b""
    except OSError as error:
        raise StoreError(f"{log} cannot be read: {error.strerror}.") from error


def read_records(log: Path) -> LogRecords:
    """Read all lines of a log.

    Raises:
        StoreError: The log cannot be read.
    """
    records = LogRecords()
    records.read(read_bytes(log).splitlines())
    return records


def append_record(
    log: Path, digest: str, by: str, record: Mapping[str, Any], record_id: str = ""
) -> None:
    """Append one record; the first line of a new log holds the digest of the traces.

    Args:
        log: The log file.
        digest: Digest of the traces that are corrected.
        by: Who makes the correction.
        record: `action`, `undo` or `redo` with its value.
        record_id: Its identifier; without it, a new one.
    """
    time = datetime.now(UTC).isoformat(timespec="seconds")
    head = {"id": record_id or uuid.uuid4().hex, "time": time, "by": by}
    _append(log, {**head, **record}, _line({"traces": digest}))


def append_table(log: Path, digest: str, n_records: int) -> None:
    """Note in a log which table is written from it, before it is.

    So a table of ours is told from one that somebody edited, and one that is behind the log
    from one that is up to date.

    Args:
        log: The log file; it is not made if it is gone.
        digest: SHA-256 of the table.
        n_records: Number of records that it contains, see `LogRecords`.
    """
    _append(log, {"table": digest, "records": n_records}, opener=_existing)


def _append(
    log: Path,
    record: Mapping[str, Any],
    first: bytes = b"",
    opener: Callable[[str, int], int] | None = None,
) -> None:
    refuse_link_out(log)
    with open(log, "ab", opener=opener) as file:
        start = b"" if file.tell() else first
        if file.tell() and _last_byte(log) != b"\n":  # a crash has cut the last line off
            start = b"\n"
        # A single write: lines of two programs are not mixed.
        file.write(start + _line(record))


def _last_byte(log: Path) -> bytes:
    with log.open("rb") as file:
        file.seek(-1, os.SEEK_END)
        return file.read(1)


def _line(record: Mapping[str, Any]) -> bytes:
    return (json.dumps(record) + "\n").encode()


def _existing(path: str, flags: int) -> int:
    return os.open(path, flags & ~os.O_CREAT)
