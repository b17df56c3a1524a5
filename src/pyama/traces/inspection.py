"""The inspection of one field of view: its log of corrections and the table they give.

The traces that a run wrote are never changed. The log is the truth: the inspected table is the
traces with all corrections of the log applied. It may be written later than the log, and is
brought up to date by whoever reads it.
"""

import glob
import hashlib
import json
import threading
import uuid
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pyama import layout
from pyama.errors import ConfigError, NotReadyError, StoreError, reason
from pyama.store import FovStore, path_in_errors, write_atomically
from pyama.traces.carried_corrections import Carried, log_lines
from pyama.traces.corrected_table import Table, apply_correction, read_uncorrected
from pyama.traces.correction_log import Entry, append_record, append_table, read_records
from pyama.traces.corrections import Action
from pyama.traces.digests import digest_if_there, inspected_digest
from pyama.traces.given_numbers import numbered
from pyama.traces.page_actions import NEW, Click, is_repeated, refuse_other_table
from pyama.traces.replay import Replayed, replay_of


@dataclass(frozen=True)
class State:
    """The current state of an inspection.

    Attributes:
        table: Traces with all active corrections applied.
        entries: All corrections, oldest first.
        set_aside: Whether there is an inspection of other traces, which is not applied.
        digest: Digest of the traces.
        version: Another text whenever traces or corrections are other ones.
    """

    table: Table
    entries: tuple[Entry, ...]
    set_aside: bool
    digest: str
    version: str


_locks: dict[Path, threading.Lock] = defaultdict(threading.Lock)


class Inspection:
    """The inspection of one field of view.

    Args:
        output_dir: The output folder.
        fov: 0-based index of the field of view.
        write_later: Is called after a correction, and calls `write_table` some time later;
            without it, the table is written at once.

    Raises:
        NotReadyError: There are no finished traces.
    """

    def __init__(
        self,
        output_dir: Path,
        fov: int,
        write_later: Callable[["Inspection"], None] | None = None,
    ) -> None:
        folder = FovStore(output_dir, fov).path
        parsed = [layout.parse_traces(path.name) for path in sorted(folder.glob("*.csv"))]
        names = [match[0] for match in parsed if match and match[1] == fov and not match[2]]
        if not names:
            raise NotReadyError(
                f"{folder} has no traces. A run with phase contrast writes them when it "
                "has finished the field of view."
            )
        self.traces = folder / layout.traces_file(names[0], fov)
        self.left_out = folder / layout.left_out_file(names[0], fov)
        self.inspected = folder / layout.inspected_file(names[0], fov)
        self.log = folder / layout.inspection_log(names[0], fov)
        self._write_later = write_later

    def state(self) -> State:
        """Apply the log to the traces.

        Raises:
            StoreError: The traces or the log cannot be read.
        """
        replayed = self._replayed()
        if replayed is not None:
            digest = self._uncorrected()[0]
            both = f"{digest[:16]}{replayed.table.left_out_digest[:8]}"
            version = f"{both}-{replayed.n_records}"
            return State(replayed.table, replayed.entries, False, digest, version)
        digest, table = self._uncorrected()
        return State(table, (), inspected_digest(self.log) is not None, digest, digest[:16])

    def preview(self, action: Action) -> tuple[State, Table]:
        """Return the current state, and the table that a correction would give.

        Raises:
            ConfigError: The correction is not possible.
        """
        state = self.state()
        table, problem = apply_correction(state.table, _completed(action, state))
        if problem:
            raise ConfigError(problem)
        return state, table

    def add(self, action: Action, by: str, click: Click = NEW) -> State:
        """Append a correction to the log, unless it holds this click already.

        Raises:
            ConfigError: The correction is not possible, or meant other traces.
            StoreError: The traces or the log cannot be read.
        """
        with _locks[self.log]:
            if not self._has(click):
                before = self.state()
                refuse_other_table(action, before.table.left_out_digest)
                self.preview(action)
                self._append(by, {"action": _completed(action, before).model_dump()}, click)
        return self._corrected()

    def undo(self, by: str, click: Click = NEW) -> State:
        """Undo the last correction of a person, if there is one."""
        return self._step(by, "undo", click)

    def redo(self, by: str, click: Click = NEW) -> State:
        """Redo the correction that a person undid last, if there is one."""
        return self._step(by, "redo", click)

    def replace_log(self, results: Sequence[Carried]) -> State:
        """Begin a log for new traces with what was carried over; the earlier one is renamed.

        If there is a log of the same traces from before, it is continued.

        Args:
            results: What became of the corrections of the earlier traces.
        """
        with _locks[self.log]:
            digest = self._uncorrected()[0]
            undone = {entry.id for entry in read_records(self.log).all() if not entry.active}
            self._set_aside()
            base = self.earlier_log()
            lines = [json.dumps({"traces": digest})]
            lines = lines if base is None else base.read_text(encoding="utf-8").splitlines()
            known = read_records(base).entries if base else {}
            lines += log_lines([one for one in results if one.entry.id not in known])
            lines += [
                json.dumps({"id": uuid.uuid4().hex, "time": e.time, "by": e.by, "undo": e.id})
                for e in known.values()
                if e.active and e.id in undone
            ]
            write_atomically(self.log, "".join(f"{line}\n" for line in lines).encode())
            self._update(keeps_edited=True)
        return self.state()

    def write_table(self) -> None:
        """Write the inspected table if it is behind the log.

        A table that somebody has edited is renamed first.

        Raises:
            StoreError: It cannot be written.
        """
        with _locks[self.log]:
            self._update(keeps_edited=False)

    def table_to_read(self) -> Path:
        """Return the traces to read, after the inspected table was brought up to date.

        Returns:
            The inspected table, also one that somebody has edited; the traces of the run if
            there are no corrections.

        Raises:
            StoreError: The table is behind the log and cannot be written.
        """
        records = read_records(self.log)
        digest = digest_if_there(self.inspected)
        is_current = digest == records.table and bool(digest) == records.has_corrections
        if records.entries and (records.keeps_cells or not is_current):
            with _locks[self.log]:
                self._update(keeps_edited=True)
        return self.inspected if self.inspected.exists() else self.traces

    def earlier_log(self) -> Path | None:
        """Return the log of the same tables that was set aside last, if there is one."""
        digest, table = self._uncorrected()
        left_out = table.left_out_digest
        logs = self.log.parent.glob(f"{glob.escape(self.log.stem)}_*.jsonl")
        same = [path for path in logs if inspected_digest(path) == digest]
        found = [path for path in same if not read_records(path).keeps_others(left_out)]
        return max(found, key=lambda path: path.stat().st_mtime_ns, default=None)

    def _set_aside(self) -> None:
        suffix = (inspected_digest(self.log) or "unknown")[:8]
        for path in (self.log, self.inspected):
            if path.exists():
                path.rename(_unused_path(path, suffix))

    def _step(self, by: str, kind: Literal["undo", "redo"], click: Click) -> State:
        with _locks[self.log]:
            replayed = self._replayed()
            if not self._has(click) and replayed is not None:
                stacks = replayed.records.stacks[by]
                ids = stacks.undo if kind == "undo" else stacks.redo
                if ids:
                    self._append(by, {kind: ids[-1]}, click)
        return self._corrected()

    def _has(self, click: Click) -> bool:
        replayed = self._replayed()
        records = None if replayed is None else replayed.records
        return is_repeated(click, records, self._uncorrected()[0])

    def _corrected(self) -> State:
        """Have the table written, and return the state."""
        if self._write_later is None:
            self.write_table()
        else:
            self._write_later(self)
        return self.state()

    def _replayed(self) -> Replayed | None:
        """Return the traces after the log; None if it is one of other traces."""
        digest, table = self._uncorrected()
        if inspected_digest(self.log) != digest:
            return None
        return replay_of(self.log, digest, table).read(self.log)

    def _update(self, *, keeps_edited: bool) -> None:
        """Write the table until no correction was added meanwhile, see `write_table`."""
        while (replayed := self._replayed()) is not None:
            self._refuse_lost(replayed)
            records, n_records = replayed.records, replayed.n_records
            text = replayed.table.text().encode() if replayed.has_corrections else b""
            digest = hashlib.sha256(text).hexdigest() if text else ""
            on_disk = digest_if_there(self.inspected)
            if on_disk == digest and (keeps_edited or records.table == digest):
                return
            if on_disk not in {"", digest, *records.tables}:
                if keeps_edited:
                    return
                self.inspected.rename(_unused_path(self.inspected, "edited"))
            with path_in_errors(self.log):
                append_table(self.log, digest, n_records)
            if text:
                write_atomically(self.inspected, text)
            else:
                self.inspected.unlink(missing_ok=True)
            replayed = self._replayed()
            if replayed is None or replayed.n_records == n_records:
                return

    def _refuse_lost(self, replayed: Replayed) -> None:
        if lost := replayed.lost_cells():
            raise StoreError(
                f"{self.left_out} is missing or was changed: the rows of cell "
                f"{', '.join(map(str, lost))}, kept by inspection, were in it. `pyama run` "
                "makes the file again."
            )

    def _uncorrected(self) -> tuple[str, Table]:
        try:
            return read_uncorrected(self.traces, self.left_out)
        except StoreError:
            raise
        except OSError as error:  # the file is gone
            raise StoreError(
                f"{self.traces} cannot be read: {reason(error)}. `pyama run` makes it again."
            ) from error

    def _append(self, by: str, record: Mapping[str, Any], click: Click) -> None:
        replayed = self._replayed()
        if replayed is None:
            self._set_aside()
        elif not replayed.records.tables and self.inspected.exists():
            self._update(keeps_edited=False)  # notes whether this table is ours
        with path_in_errors(self.log):
            append_record(self.log, self._uncorrected()[0], by, record, click.id)


def _unused_path(path: Path, suffix: str) -> Path:
    """Return a path beside `path` that does not exist, with a suffix before its extension."""
    target = path.with_name(f"{path.stem}_{suffix}{path.suffix}")
    number = 2
    while target.exists():
        target = path.with_name(f"{path.stem}_{suffix}_{number}{path.suffix}")
        number += 1
    return target


def _completed(action: Action, state: State) -> Action:
    return numbered(action, state.table, [entry.action for entry in state.entries])
