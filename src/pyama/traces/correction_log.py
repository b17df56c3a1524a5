"""The log of corrections: a file with one line of JSON per correction, undo and redo.

Lines are only appended, so that two people who correct the same traces do not overwrite each
other's work.
"""

import json
import uuid
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from pyama.errors import StoreError
from pyama.traces.corrections import Action

_ACTION: TypeAdapter[Action] = TypeAdapter(Action)


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


def read_entries(log: Path) -> tuple[list[Entry], dict[str, Stacks]]:
    """Read the corrections of a log, oldest first, and the stacks of each person.

    Incomplete lines are left out. A missing log is an empty one.

    Raises:
        StoreError: The log cannot be read.
    """
    entries: dict[str, Entry] = {}
    stacks: dict[str, Stacks] = defaultdict(lambda: Stacks([], []))
    try:
        lines = log.read_bytes().splitlines()
    except FileNotFoundError:
        lines = []
    except OSError as error:
        raise StoreError(f"{log} cannot be read: {error.strerror}.") from error
    for line in lines:
        _read_line(line, entries, stacks)
    return list(entries.values()), stacks


def _read_line(line: bytes, entries: dict[str, Entry], stacks: dict[str, Stacks]) -> None:
    try:
        record = json.loads(line)
        by = str(record["by"])
        stack = stacks[by]
        if "left" in record:
            action = _ACTION.validate_python(record["left"])
            head = record["id"], str(record["time"]), by, action
            settled = bool(record.get("settled"))
            entries[record["id"]] = Entry(*head, True, str(record["reason"]), True, settled)
            stack.undo.insert(0, record["id"])
            return
        if "action" in record:
            action = _ACTION.validate_python(record["action"])
            entries[record["id"]] = Entry(record["id"], str(record["time"]), by, action)
            stack.undo.append(record["id"])
            stack.redo.clear()
            return
        kind = "undo" if "undo" in record else "redo"
        is_undo = kind == "undo"
        source, target = (stack.undo, stack.redo) if is_undo else (stack.redo, stack.undo)
        source.remove(record[kind])
        target.append(record[kind])
        entries[record[kind]] = replace(entries[record[kind]], active=not is_undo)
    except (ValueError, KeyError, TypeError, ValidationError):
        return  # a line that a crash cut off, or the first line of the log


def append_record(log: Path, digest: str, by: str, record: Mapping[str, Any]) -> None:
    """Append one record; the first line of a new log holds the digest of the traces.

    Args:
        log: The log file.
        digest: Digest of the traces that are corrected.
        by: Who makes the correction.
        record: `action`, `undo` or `redo` with its value.
    """
    time = datetime.now(UTC).isoformat(timespec="seconds")
    line = json.dumps({"id": uuid.uuid4().hex, "time": time, "by": by, **record}) + "\n"
    first = json.dumps({"traces": digest}) + "\n"
    with log.open("ab") as file:
        start = "" if file.tell() else first
        incomplete = file.tell() and not log.read_bytes().endswith(b"\n")
        # A single write: lines of two programs are not mixed.
        file.write(f"{start}{chr(10) if incomplete else ''}{line}".encode())
