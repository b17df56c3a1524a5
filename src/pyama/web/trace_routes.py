"""Traces of cells, and the actions of an inspection."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from typing import Annotated

from fastapi import APIRouter, Depends, HTTPException, Request
from fastapi import Path as InPath
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, Field

from pyama import layout
from pyama.analysis.left_out_counts import GROUPS, why_absent
from pyama.analysis.table_columns import meaning_of, measured_columns, unit_of
from pyama.errors import PyamaError
from pyama.store import TRACES_MARK, FovStore
from pyama.traces import inspected_tracks
from pyama.traces.correction_log import Entry
from pyama.traces.corrections import Action, cells_of, text_of
from pyama.traces.inspected_tracks import Absent, CellValues, Track, Values
from pyama.traces.inspection import Inspection, State
from pyama.traces.page_actions import Click
from pyama.traces.trace_files import is_to_be_carried, unused_inspections
from pyama.web.event_streams import EventStream
from pyama.web.folders import Fov, FovOutputDir, shorten_paths
from pyama.web.inspected_tables import InspectedTables
from pyama.web.json_numbers import finite_or_null

router = APIRouter(tags=["traces"])
LOOKS_PER_SECOND = 2
By = Annotated[str, Field(min_length=1, max_length=64)]
"""Who acts; undo and redo apply to the actions of the same person."""
Column = Annotated[str, InPath(max_length=256, description="Such as `area_ch_0`.")]


class UndoRequest(BaseModel):
    """Whose last action is undone or repeated."""

    by: By
    id: Annotated[str, Field(pattern="^[0-9a-f]{32}$")] | None = None
    """Of this click; a click that arrives again, with the same id, changes nothing."""
    traces: Annotated[str, Field(pattern="^[0-9a-f]{64}$")] | None = None
    """`digest` of the traces that were shown; if they are other ones now, it is refused."""

    @property
    def click(self) -> Click:
        """What the page knew."""
        return Click(self.id or "", self.traces or "")


class ActionRequest(UndoRequest):
    """An action and who asks for it."""

    action: Action


class PreviewRequest(BaseModel):
    """An action, and the column in which its effect is shown."""

    action: Action
    column: Annotated[str, Field(max_length=256)]


class MeasuredColumn(BaseModel):
    """One column of measured values."""

    name: str
    unit: str
    meaning: str
    """What to know before values are compared; empty if nothing special."""


class LogEntry(BaseModel):
    """One action in the log of an inspection."""

    id: str
    time: str
    by: str
    text: str
    """The action in words."""
    cells: list[int]
    """The cells that it changes."""
    active: bool
    """False if it was undone."""
    problem: str
    """Why it has no effect now; empty if it has one."""


class AbsentCell(BaseModel):
    """A cell of the labels that has no trace, or not in all of its frames."""

    cell: int
    """Its number in the labels."""
    group: str
    """Why, in a few words that many cells share."""
    first: int
    """First frame in which it has no trace."""
    n: int
    """Number of such frames."""


class Tracks(BaseModel):
    """All cells of a field of view after its inspection."""

    digest: str
    """SHA-256 of the traces that the run wrote."""
    left_out_digest: str
    """SHA-256 of the table of cells without a trace, for the action `keep`; empty if none."""
    columns: list[MeasuredColumn]
    tracks: list[Track]
    left_out: list[AbsentCell]
    """Cells without a trace, see `left_out/{cell}`."""
    log: list[LogEntry]
    set_aside: list[str]
    """Inspections that are not applied, and why, in sentences."""
    is_carried: bool
    """Whether a run will carry their corrections over to the traces that it makes."""
    version: str
    """Another text whenever traces or corrections are other ones, see `events`."""


class Trace(BaseModel):
    """Values of one cell."""

    cell: int
    frames: list[int]
    values: list[float | None]


class AbsentTrace(BaseModel):
    """Why a cell has no trace, and its values all the same."""

    cell: int
    why: str
    """In a sentence, with the numbers."""
    trace: Trace
    """Values are null in columns of plugins, which are measured in traces only."""


class ColumnTraces(BaseModel):
    """One column of all cells after the inspection."""

    column: str
    unit: str
    traces: list[Trace]


class Effect(BaseModel):
    """Traces of the cells that an action touches, before and after."""

    before: list[Trace]
    after: list[Trace]


def _inspection(request: Request, output_dir: FovOutputDir, fov: Fov) -> Inspection:
    tables: InspectedTables = request.app.state.inspected_tables
    return Inspection(output_dir, fov, tables.write_later)


Inspected = Annotated[Inspection, Depends(_inspection)]


@router.get("/api/fovs/{fov}/tracks")
def tracks(inspection: Inspected) -> Tracks:
    """Cells with their segments and marks, columns, and the log of the inspection."""
    return _tracks(inspection, inspection.state())


@router.get("/api/fovs/{fov}/traces/{column}")
def traces(inspection: Inspected, column: Column) -> ColumnTraces:
    """One column of all cells."""
    values = _values(inspection, column)
    return ColumnTraces(
        column=column,
        unit=unit_of(column),
        traces=_traces(inspected_tracks.cell_values(inspection.state().table, values)),
    )


@router.get("/api/fovs/{fov}/left_out/{cell}/{column}")
def left_out(inspection: Inspected, fov: Fov, cell: int, column: Column) -> AbsentTrace:
    """Why a cell has no trace, and one column of it. The action `keep` gives it a trace."""
    values, table = _values(inspection, column), inspection.state().table
    found = [each for each in inspected_tracks.absent_cells(table) if each.cell == cell]
    if not found:
        raise HTTPException(404, f"There is no cell {cell} without a trace.")
    mark = FovStore(inspection.traces.parent.parent, fov).mark(TRACES_MARK)
    limits = mark.notes.get("limits", {}) if mark else {}
    (trace,) = _traces([inspected_tracks.absent_values(table, values, cell)])
    return AbsentTrace(cell=cell, why=why_absent(found[0], limits), trace=trace)


@router.get("/api/fovs/{fov}/events", response_class=StreamingResponse)
def events(request: Request, inspection: Inspected) -> EventStream:
    """The `version` of the cells, as server-sent events, whenever somebody changes them."""
    return EventStream(request, _versions(inspection))


async def _versions(inspection: Inspection) -> AsyncIterator[object]:
    sent = None
    while True:
        version = await asyncio.to_thread(_version, inspection)
        yield {"version": version} if version != sent else None
        sent = version
        await asyncio.sleep(1 / LOOKS_PER_SECOND)


def _version(inspection: Inspection) -> str:
    try:
        return inspection.state().version
    except PyamaError:  # a run is making the traces again
        return ""


@router.post("/api/fovs/{fov}/inspection")
def act(inspection: Inspected, request: ActionRequest) -> Tracks:
    """Mark, delete, cut, join, swap or keep; saved immediately."""
    return _tracks(inspection, inspection.add(request.action, request.by, request.click))


@router.post("/api/fovs/{fov}/inspection/undo")
def undo(inspection: Inspected, request: UndoRequest) -> Tracks:
    """Undo the last action of the same person."""
    return _tracks(inspection, inspection.undo(request.by, request.click))


@router.post("/api/fovs/{fov}/inspection/redo")
def redo(inspection: Inspected, request: UndoRequest) -> Tracks:
    """Repeat the action that the same person undid last."""
    return _tracks(inspection, inspection.redo(request.by, request.click))


@router.post("/api/fovs/{fov}/inspection/preview")
def preview(inspection: Inspected, request: PreviewRequest) -> Effect:
    """Show the effect of an action on the traces; nothing is saved."""
    values = _values(inspection, request.column)
    state, table = inspection.preview(request.action)
    cells = inspected_tracks.changed_cells(state.table, table)
    before = inspected_tracks.cell_values(state.table, values, cells)
    after = inspected_tracks.cell_values(table, values, cells)
    return Effect(before=_traces(before), after=_traces(after))


def _tracks(inspection: Inspection, state: State) -> Tracks:
    output_dir = inspection.traces.parent.parent
    fov = layout.parse_fov(inspection.traces.parent.name) or 0
    names = measured_columns(inspected_tracks.read_traces(inspection.traces))
    return Tracks(
        digest=state.digest,
        left_out_digest=state.table.left_out_digest,
        columns=[
            MeasuredColumn(name=name, unit=unit_of(name), meaning=meaning_of(name))
            for name in names
        ],
        tracks=inspected_tracks.tracks(state.table),
        left_out=[_absent(cell) for cell in inspected_tracks.absent_cells(state.table)],
        log=[_log_entry(entry) for entry in state.entries],
        is_carried=is_to_be_carried(output_dir, fov),
        set_aside=shorten_paths(unused_inspections(output_dir, [fov]), output_dir),
        version=state.version,
    )


def _absent(cell: Absent) -> AbsentCell:
    group = GROUPS.get(cell.why.reason if cell.why else "", "left out")
    return AbsentCell(cell=cell.cell, group=group, first=cell.first, n=cell.n)


def _log_entry(entry: Entry) -> LogEntry:
    return LogEntry(
        id=entry.id,
        time=entry.time,
        by=entry.by,
        text=text_of(entry.action),
        cells=cells_of(entry.action),
        active=entry.active,
        problem=entry.problem,
    )


def _traces(cells: Sequence[CellValues]) -> list[Trace]:
    return [
        Trace(cell=part.cell, frames=part.frames, values=finite_or_null(part.values))
        for part in cells
    ]


def _values(inspection: Inspection, column: str) -> Values:
    """Return one measured column.

    Raises:
        HTTPException: There is none of this name (404).
    """
    if column not in layout.BASE_COLUMNS:
        with suppress(KeyError):
            return inspected_tracks.column_of(inspection.traces, inspection.left_out, column)
    raise HTTPException(404, f"There is no column {column!r}.")
