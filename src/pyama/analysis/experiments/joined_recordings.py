"""Recordings that were stopped and restarted, joined in time."""

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import pandas as pd

from pyama import layout
from pyama.algorithms.drift import drifts
from pyama.analysis.experiments.continued_cells import (
    AMBIGUOUS,
    CONTINUED,
    LABEL,
    LOST,
    NEW,
    Match,
    carry_bad_marks,
    continue_cells,
    match_masks,
    moved,
)
from pyama.analysis.experiments.experiment_file import Continued
from pyama.analysis.experiments.restarts import Piece, placed
from pyama.analysis.trace_sources import TraceSource, stacked
from pyama.fov_ranges import fovs_text
from pyama.store import FovStore
from pyama.traces.trace_reading import load_traces
from pyama.traces.trace_recording import run_times
from pyama.units import duration_text

CELL_COLUMNS = [
    *("recording", "fov", "cell", "part", "part_fov", "part_cell"),
    *("result", "overlap"),
]
"""Columns of the table that says what became of cells at a restart."""


class JoinedSource(TraceSource):
    """Recordings of the same positions, one after the other, as one recording.

    Fields of view and frames are numbered as in the first recording and on from it.

    Args:
        name: Name of the first recording in the file of the experiment.
        first: Its results.
        following: Those that continue it, in their order.

    Attributes:
        cells: What became of the cells at every restart, one row per cell; filled by `table`.

    Raises:
        ConfigError: Positions, images or times do not go together.
        StoreError: A folder has no traces.
    """

    def __init__(self, name: str, first: TraceSource, following: Sequence[Continued]) -> None:
        self.folder, self.metadata, self.config = first.folder, first.metadata, first.config
        self.is_part = True
        self.files = first.files
        self.pieces = [Piece(name, first, {fov: fov for fov in first.files})]
        for continued in following:
            self.pieces.append(placed(self.pieces, continued))
        for piece in self.pieces:
            piece.source.is_part = True
        self.cells = pd.DataFrame(columns=CELL_COLUMNS)
        self._bad = 0

    def named_pieces(self, name: str) -> dict[str, TraceSource]:
        """Return the recordings that are joined, by their names in the file."""
        return {piece.name: piece.source for piece in self.pieces}

    def times(self, fovs: Sequence[int]) -> dict[str, tuple[float, ...]]:
        """Return the time of every frame in minutes; see `TraceSource.times`."""
        return {
            str(fov): tuple(
                time + piece.offset_min
                for piece in self.pieces
                if fov in piece.fovs
                for time in run_times(piece.source.folder, piece.fovs[fov])
            )
            for fov in fovs
        }

    def entries(self, name: str, fovs: Sequence[int], folder: Path) -> dict[str, Any]:
        """Return what a merged table in `folder` says of every recording."""
        found = {}
        for piece in self.pieces:
            numbers = {fov: piece.fovs[fov] for fov in fovs if fov in piece.fovs}
            stop = piece.first_frame + piece.source.metadata.n_frames
            found[piece.name] = {
                **piece.source.entry(list(numbers.values()), folder),
                "joined_to": name,
                "fovs": {str(fov): own for fov, own in numbers.items()},
                "part_of_frames": [piece.first_frame, stop],
                "offset_min": piece.offset_min,
            }
        return found

    def made_with(self, name: str, fovs: Sequence[int]) -> list[dict[str, Any]]:
        """Return what the fields of view of every recording were made with."""
        return [
            entry
            for piece in self.pieces
            for own in [[piece.fovs[fov] for fov in fovs if fov in piece.fovs]]
            for entry in piece.source.made_with(piece.name, own)
        ]

    def table(self, fovs: Sequence[int]) -> pd.DataFrame:
        """Return the good rows with the column `part`, the recording that each row is from."""
        tables = []
        for fov in fovs:
            rows, cells = self._joined(fov)
            rows, n_bad = carry_bad_marks(rows)
            self._bad += n_bad
            known = [part for part in (self.cells, cells) if len(part)]
            self.cells = pd.concat(known, ignore_index=True) if known else cells
            rows = rows[rows["good"]].drop(columns=LABEL)
            tables.append(rows.sort_values(["cell", "frame"], kind="stable"))
        return stacked(tables)

    def _joined(self, fov: int) -> tuple[pd.DataFrame, pd.DataFrame]:
        first, *following = [piece for piece in self.pieces if fov in piece.fovs]
        rows, before, found = _rows(first, fov), first, []
        for piece in following:
            later = _rows(piece, fov)
            matches, highest = _matches(before, piece, fov)
            latest = rows[rows["part"] == before.name]
            continuation = continue_cells(
                latest, later, matches, piece.first_frame, highest=max(highest, _top(rows))
            )
            found.append(
                continuation.cells.assign(
                    recording=first.name, fov=fov, part=piece.name, part_fov=piece.fovs[fov]
                )
            )
            rows, before = stacked([rows, continuation.rows]), piece
        cells = pd.concat(found, ignore_index=True) if found else self.cells[:0]
        return rows, cells[CELL_COLUMNS]

    def joins(self) -> dict[str, str]:
        """Return in words how each recording continues the one before, by its name."""
        found = {}
        for before, piece in pairwise(self.pieces):
            how = "continued by the overlap of their masks" if piece.is_matched else "new"
            if not piece.is_matched and not piece.is_chosen:
                how += (
                    ", because this is more than two intervals; `cells: continue` continues "
                    "them"
                )
            gap = duration_text(piece.gap_min)
            found[piece.name] = f"continues {before.name} after {gap}; cells are {how}"
        return found

    def unpaired(self) -> Iterator[str]:
        """Yield which fields of view have no partner where a recording is continued."""
        for before, piece in pairwise(self.pieces):
            ends = [own for fov, own in before.fovs.items() if fov not in piece.fovs]
            if ends:
                yield (
                    f"Not continued in the recording {piece.name!r}: FOV {fovs_text(ends)} of "
                    f"{before.name!r}, whose traces end before it."
                )
            if left := piece.source.files.keys() - set(piece.fovs.values()):
                yield (
                    f"Left out: FOV {fovs_text(left)} of the recording {piece.name!r}, "
                    f"without a partner in {before.name!r}."
                )

    def sentences(self) -> Iterator[str]:
        """Yield how the recordings were joined and what became of the cells, after `table`."""
        for name, text in self.joins().items():
            counts = Counter(self.cells.loc[self.cells["part"] == name, "result"])
            yield (
                f"{name} {text}. Continued: {counts[CONTINUED]}; new: {counts[NEW]}; lost: "
                f"{counts[LOST]}; ambiguous, and not continued: {counts[AMBIGUOUS]}."
            )
        if self._bad:
            yield (
                "Continued cells whose rows after a restart are left out, because they were "
                f"marked as bad before it: {self._bad}."
            )


def _top(rows: pd.DataFrame) -> int:
    return int(rows["cell"].max()) if len(rows) else 0


def _rows(piece: Piece, fov: int) -> pd.DataFrame:
    """Return all rows of a field of view with part, label, and time since the very start."""
    own = piece.fovs[fov]
    table = load_traces(piece.source.files[own])
    label = table["source_cell"] if "source_cell" in table else table["cell"]
    table = table.assign(
        fov=fov, time=table["time"] + piece.offset_min / 60, **{LABEL: label.astype("int64")}
    )
    table.insert(2, "part", piece.name)
    return table


def _matches(before: Piece, piece: Piece, fov: int) -> tuple[list[Match], int]:
    """Return the cells that are the same across a restart, and the highest number before."""
    if not piece.is_matched:
        return [], 0
    old, new = (
        _tracked(part.source, part.fovs[fov], last)
        for part, last in ((before, True), (piece, False))
    )
    highest = int(old.max())
    if piece.drift:
        frames = (
            _phase(part.source, part.fovs[fov], last)
            for part, last in ((before, True), (piece, False))
        )
        *_, drift = drifts(frames)
        old = moved(old, drift.y, drift.x)
    return match_masks(old, new, piece.source.config.params.min_iou), highest


def _tracked(source: TraceSource, fov: int, last: bool) -> Any:
    return _frame(source, fov, layout.tracked(_pc(source)), last)


def _phase(source: TraceSource, fov: int, last: bool) -> Any:
    return _frame(source, fov, layout.phase(_pc(source)), last)


def _pc(source: TraceSource) -> int:
    pc = source.config.channels.pc
    return 0 if pc is None else pc.channel


def _frame(source: TraceSource, fov: int, group: str, last: bool) -> Any:
    return FovStore(source.folder, fov).stack(group)[
        source.metadata.n_frames - 1 if last else 0
    ]
