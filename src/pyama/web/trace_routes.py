"""Traces, and what people say about them."""

from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import pandas as pd
from fastapi import APIRouter, Depends, HTTPException
from fastapi import Path as InPath
from numpy.typing import NDArray
from pydantic import BaseModel, Field

from pyama import layout
from pyama.analysis.table_columns import measured_columns, unit_of
from pyama.traces.corrected_table import Table
from pyama.traces.correction_log import Entry
from pyama.traces.corrections import Action
from pyama.traces.inspection import Inspection, State
from pyama.web.folders import Dir, Fov, Root, root_of

router = APIRouter(tags=["traces"])
By = Annotated[str, Field(min_length=1, max_length=64)]
"""Whose action it is: undo takes back one's own."""
Column = Annotated[str, InPath(max_length=256, description="Such as `area_ch_0`.")]


class Person(BaseModel):
    """Who undoes."""

    by: By


class Request(BaseModel):
    """An action and whose it is."""

    by: By
    action: Action


class Wish(BaseModel):
    """An action and the column in which its effect is looked at."""

    action: Action
    column: Annotated[str, Field(max_length=256)]


class Column_(BaseModel):
    """One column of measured values."""

    name: str
    unit: str


class Track(BaseModel):
    """One cell."""

    cell: int
    """Its number."""
    segments: list[tuple[int, int, int]]
    """Number in the labels, first and last frame."""
    bad: list[tuple[int, int]]
    """First and last frame of what is not used."""
    n: int
    """Frames in which it is present."""


class Click(BaseModel):
    """One entry of the log."""

    id: str
    time: str
    by: str
    text: str
    active: bool
    problem: str


class Tracks(BaseModel):
    """All cells of a field of view, inspection applied."""

    digest: str
    """Of the traces that the run wrote."""
    columns: list[Column_]
    tracks: list[Track]
    log: list[Click]
    set_aside: bool
    """Whether there is an inspection of other traces than these, which is not applied."""


class Trace(BaseModel):
    """Values of one cell."""

    cell: int
    frames: list[int]
    values: list[float | None]


class Traces(BaseModel):
    """One column of all cells, inspection applied."""

    column: str
    unit: str
    traces: list[Trace]


class Effect(BaseModel):
    """Traces of the cells that an action touches, before and after."""

    before: list[Trace]
    after: list[Trace]


def _inspection(
    root: Annotated[Root, Depends(root_of)], fov: Fov, directory: Dir = "."
) -> Inspection:
    return Inspection(root.fov(directory, fov), fov)


Inspected = Annotated[Inspection, Depends(_inspection)]


@router.get("/api/fovs/{fov}/tracks")
def tracks(inspection: Inspected) -> Tracks:
    """Cells with their segments and marks, columns, and the log of the inspection."""
    return _tracks(inspection, inspection.state())


@router.get("/api/fovs/{fov}/traces/{column}")
def traces(inspection: Inspected, column: Column) -> Traces:
    """One column of all cells."""
    values = _values(inspection, column)
    return Traces(
        column=column,
        unit=unit_of(column),
        traces=_traces(inspection.state().table, values, None),
    )


@router.post("/api/fovs/{fov}/inspection")
def act(inspection: Inspected, request: Request) -> Tracks:
    """Mark, delete, cut, join or swap; saved at once."""
    return _tracks(inspection, inspection.add(request.action, request.by))


@router.post("/api/fovs/{fov}/inspection/undo")
def undo(inspection: Inspected, request: Person) -> Tracks:
    """Take back one's own last action."""
    return _tracks(inspection, inspection.undo(request.by))


@router.post("/api/fovs/{fov}/inspection/redo")
def redo(inspection: Inspected, request: Person) -> Tracks:
    """Do again what was taken back last."""
    return _tracks(inspection, inspection.redo(request.by))


@router.post("/api/fovs/{fov}/inspection/preview")
def preview(inspection: Inspected, wish: Wish) -> Effect:
    """Show what an action would do to the traces; nothing is saved."""
    values = _values(inspection, wish.column)
    state, table = inspection.preview(wish.action)
    touched = (state.table.cells != table.cells) | (state.table.good != table.good)
    rows = np.isin(state.table.source, state.table.source[touched])
    cells = set(state.table.cells[rows].tolist()) | set(table.cells[rows].tolist())
    return Effect(
        before=_traces(state.table, values, cells), after=_traces(table, values, cells)
    )


def _tracks(inspection: Inspection, state: State) -> Tracks:
    table = state.table
    rows = table.order()
    cells, first = np.unique(table.cells[rows], return_index=True)
    found = [
        _track(int(cell), table, own)
        for cell, own in zip(cells, np.split(rows, first[1:]), strict=False)
    ]
    names = measured_columns(_frame(inspection))
    return Tracks(
        digest=state.digest,
        columns=[Column_(name=name, unit=unit_of(name)) for name in names],
        tracks=found,
        log=[_click(entry) for entry in state.entries],
        set_aside=state.set_aside,
    )


def _track(cell: int, table: Table, rows: NDArray[np.int64]) -> Track:
    frames, source = table.frames[rows], table.source[rows]
    bad = ~table.good[rows]
    return Track(
        cell=cell,
        segments=[(int(source[a]), int(frames[a]), int(frames[b])) for a, b in _runs(source)],
        bad=[(int(frames[a]), int(frames[b])) for a, b in _runs(bad) if bad[a]],
        n=len(rows),
    )


def _runs(values: NDArray[Any]) -> list[tuple[int, int]]:
    """Return first and last index of every run of equal values."""
    breaks = np.flatnonzero(values[1:] != values[:-1]).tolist()
    return list(zip([0, *(i + 1 for i in breaks)], [*breaks, len(values) - 1], strict=True))


def _click(entry: Entry) -> Click:
    action = entry.action
    match action.kind:
        case "mark":
            start = f" from frame {action.frame}" if action.frame else ""
            text = f"cell {action.cell} {'good' if action.good else 'bad'}{start}"
        case "delete":
            text = f"delete {action.cell}"
        case "cut":
            text = f"cut {action.cell} at frame {action.frame} (new: {action.new})"
        case "join":
            text = f"join {action.other} to {action.cell}"
        case "swap":
            text = f"swap {action.cell} and {action.other} from frame {action.frame}"
    return Click(
        id=entry.id,
        time=entry.time,
        by=entry.by,
        text=text,
        active=entry.active,
        problem=entry.problem,
    )


def _traces(table: Table, values: NDArray[np.float64], only: set[int] | None) -> list[Trace]:
    rows = table.order()
    cells, first = np.unique(table.cells[rows], return_index=True)
    return [
        Trace(
            cell=int(cell),
            frames=table.frames[own].tolist(),
            values=[v if v == v else None for v in values[own].tolist()],
        )
        for cell, own in zip(cells, np.split(rows, first[1:]), strict=False)
        if only is None or int(cell) in only
    ]


def _values(inspection: Inspection, column: str) -> NDArray[np.float64]:
    table = _frame(inspection)
    if column not in table or column in layout.BASE_COLUMNS:
        raise HTTPException(404, f"There is no column {column!r}.")
    numbers = pd.to_numeric(table[column], errors="coerce").to_numpy(np.float64)
    return np.where(np.isfinite(numbers), numbers, np.nan)


def _frame(inspection: Inspection) -> pd.DataFrame:
    found = inspection.traces.stat()
    return _read(inspection.traces, found.st_mtime_ns, found.st_size)


@lru_cache(maxsize=16)
def _read(path: Path, changed_ns: int, size: int) -> pd.DataFrame:
    return pd.read_csv(path)
