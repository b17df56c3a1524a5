"""The inspection of one field of view: its log of corrections and the table they give.

The traces that a run wrote are never changed. The inspected table is the traces with all
corrections of the log applied, and is written again after every correction.
"""

import glob
import json
import threading
import uuid
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from pyama import layout
from pyama.errors import ConfigError, NotReadyError, StoreError, reason
from pyama.store import FovStore, write_atomically
from pyama.traces.carrying import Carried, log_lines
from pyama.traces.corrected_table import Table, apply_correction, read_uncorrected
from pyama.traces.correction_log import Entry, append_record, read_entries
from pyama.traces.corrections import Action, Cut, text_of
from pyama.traces.trace_files import inspected_digest


@dataclass(frozen=True)
class State:
    """The current state of an inspection.

    Attributes:
        table: Traces with all active corrections applied.
        entries: All corrections, oldest first.
        set_aside: Whether there is an inspection of other traces, which is not applied.
        digest: Digest of the traces.
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
        names = [match[0] for match in parsed if match and match[1] == fov and not match[2]]
        if not names:
            raise NotReadyError(
                f"{folder} has no traces. A run writes them when it has finished the field "
                "of view."
            )
        self.traces = folder / layout.traces_file(names[0], fov)
        self.inspected = folder / layout.inspected_file(names[0], fov)
        self.log = folder / layout.inspection_log(names[0], fov)

    def state(self) -> State:
        """Apply the log to the traces.

        Raises:
            StoreError: The traces or the log cannot be read.
        """
        digest, table = self._uncorrected()
        log_digest = inspected_digest(self.log)
        if log_digest != digest:
            return State(table, (), log_digest is not None, digest)
        applied = []
        for entry in read_entries(self.log)[0]:
            problem = entry.problem
            if entry.active and not entry.left:
                table, problem = apply_correction(table, entry.action)
            applied.append(replace(entry, problem=problem))
        return State(table, tuple(applied), set_aside=False, digest=digest)

    def preview(self, action: Action) -> tuple[State, Table]:
        """Return the current state, and the table that a correction would give.

        Raises:
            ConfigError: The correction is not possible.
        """
        state = self.state()
        table, problem = apply_correction(state.table, _numbered(action, state))
        if problem:
            raise ConfigError(problem)
        return state, table

    def add(self, action: Action, by: str) -> State:
        """Append a correction to the log and write the inspected table.

        Raises:
            ConfigError: The correction is not possible.
            StoreError: The traces or the log cannot be read.
        """
        with _locks[self.log]:
            before = self.preview(action)[0]
            self._keep_edited(before)
            self._append(by, {"action": _numbered(action, before).model_dump()})
            return self._write_inspected()

    def undo(self, by: str) -> State:
        """Undo the last correction of a person, if there is one."""
        return self._step(by, "undo")

    def redo(self, by: str) -> State:
        """Redo the correction that a person undid last, if there is one."""
        return self._step(by, "redo")

    def replace_log(self, results: Sequence[Carried]) -> State:
        """Begin a log for new traces with what was carried over; the earlier one is renamed.

        If there is a log of the same traces from before, it is continued.

        Args:
            results: What became of the corrections of the earlier traces.
        """
        with _locks[self.log]:
            digest = self._uncorrected()[0]
            undone = {entry.id for entry in read_entries(self.log)[0] if not entry.active}
            self._set_aside()
            base = self._earlier_log(digest)
            lines = [json.dumps({"traces": digest})] if base is None else _lines_of(base)
            known = {entry.id: entry for entry in read_entries(base)[0]} if base else {}
            lines += log_lines([one for one in results if one.entry.id not in known])
            lines += [
                json.dumps({"id": uuid.uuid4().hex, "time": e.time, "by": e.by, "undo": e.id})
                for e in known.values()
                if e.active and e.id in undone
            ]
            write_atomically(self.log, "".join(f"{line}\n" for line in lines).encode())
            return self._write_inspected()

    def _earlier_log(self, digest: str) -> Path | None:
        """Return the log of the same traces that was set aside last, if there is one."""
        logs = self.log.parent.glob(f"{glob.escape(self.log.stem)}_*.jsonl")
        found = [path for path in logs if inspected_digest(path) == digest]
        return max(found, key=lambda path: path.stat().st_mtime_ns, default=None)

    def _set_aside(self) -> None:
        suffix = (inspected_digest(self.log) or "unknown")[:8]
        for path in (self.log, self.inspected):
            if path.exists():
                path.rename(_unused_path(path, suffix))

    def _step(self, by: str, kind: Literal["undo", "redo"]) -> State:
        with _locks[self.log]:
            before = self.state()
            if not before.set_aside:
                self._keep_edited(before)
                stacks = read_entries(self.log)[1][by]
                ids = stacks.undo if kind == "undo" else stacks.redo
                if ids:
                    self._append(by, {kind: ids[-1]})
            return self._write_inspected()

    def _keep_edited(self, before: State) -> None:
        """Rename the inspected table if it is not what the log gives: somebody edited it."""
        if not (before.entries and self.inspected.exists()):
            return
        if self.inspected.read_bytes() != before.table.text().encode():
            self.inspected.rename(_unused_path(self.inspected, "edited"))

    def _write_inspected(self) -> State:
        state = self.state()
        if any(entry.active and not entry.left for entry in state.entries):
            write_atomically(self.inspected, state.table.text().encode())
        elif state.entries:
            self.inspected.unlink(missing_ok=True)
        return state

    def _uncorrected(self) -> tuple[str, Table]:
        try:
            return read_uncorrected(self.traces)
        except StoreError:
            raise
        except OSError as error:  # the file is gone
            raise StoreError(
                f"{self.traces} cannot be read: {reason(error)}. `pyama run` makes it again."
            ) from error

    def _append(self, by: str, record: Mapping[str, Any]) -> None:
        digest = self._uncorrected()[0]
        if inspected_digest(self.log) != digest:
            self._set_aside()
        append_record(self.log, digest, by, record)


def _lines_of(log: Path) -> list[str]:
    return log.read_text(encoding="utf-8").splitlines()


def _unused_path(path: Path, suffix: str) -> Path:
    """Return a path beside `path` that does not exist, with a suffix before its extension."""
    target = path.with_name(f"{path.stem}_{suffix}{path.suffix}")
    number = 2
    while target.exists():
        target = path.with_name(f"{path.stem}_{suffix}_{number}{path.suffix}")
        number += 1
    return target


def _numbered(action: Action, state: State) -> Action:
    """Give the second part of a cut a number that was never used."""
    if not isinstance(action, Cut) or action.new is not None:
        return action
    used = [e.action.new or 0 for e in state.entries if isinstance(e.action, Cut)]
    largest = max([0, *used, int(state.table.source.max(initial=0))])
    return action.model_copy(update={"new": largest + 1})


def left_corrections(output_dir: Path) -> list[str]:
    """Return in sentences which corrections could not be carried over to new tracks."""
    texts = []
    for path in sorted(output_dir.glob("fov_*/*_traces_inspection.jsonl")):
        left = [e for e in read_entries(path)[0] if e.active and e.left and not e.settled]
        if left:
            listed = "; ".join(f"{text_of(e.action)} ({e.problem})" for e in left)
            n = "1 correction" if len(left) == 1 else f"{len(left)} corrections"
            texts.append(
                f"{path.parent.name}: {n} of the inspection could not be "
                f"carried over to the new tracks: {listed}. Inspect these cells again with "
                "`pyama view`; there, undo removes the entry."
            )
    return texts
