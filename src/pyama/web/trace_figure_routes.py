"""Figure of the traces of a field of view as a file."""

from collections.abc import Mapping
from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import Response

from pyama.analysis.figures.cell_figures import CellLine, Style, cell_traces
from pyama.analysis.table_columns import unit_of, with_unit
from pyama.web.dataset_routes import details
from pyama.web.figure_routes import Kind, Part, as_file
from pyama.web.fit_routes import fitted
from pyama.web.folders import Fov, FovOutputDir
from pyama.web.trace_routes import Column, Inspected, traces, tracks

router = APIRouter(tags=["traces"])
IN_HOURS_FROM_MIN = 120
"""Time from which on a recording has an axis in hours, as on the page."""
Cells = Annotated[
    str, Query(max_length=65536, pattern=r"^\d{1,9}(,\d{1,9})*$", description="Such as `1,4`.")
]

Model = Annotated[str | None, Query(max_length=64, description="Whose fits are shown.")]


@router.get("/api/fovs/{fov}/figures/{column}", response_class=Response)
def trace_figure(
    output_dir: FovOutputDir,
    fov: Fov,
    inspection: Inspected,
    column: Column,
    cells: Cells,
    selected: int | None = None,
    model: Annotated[
        str | None, Query(max_length=64, description="Whose fits are shown.")
    ] = None,
    log: bool = False,
    kind: Kind = "svg",
    part: Part = None,
) -> Response:
    """Traces of some cells after the inspection, without what is bad, as a file."""
    minutes = details(output_dir, fov).times_min
    in_hours = minutes[-1] >= IN_HOURS_FROM_MIN
    times = [time / 60 if in_hours else time for time in minutes]
    chosen = {int(cell) for cell in cells.split(",")}
    every = _good_values(inspection, column)
    shown = {cell: values for cell, values in every.items() if cell in chosen}
    lines = [_line(cell, times, values, "plain") for cell, values in shown.items()]
    if selected in shown:
        lines.append(_line(selected, times, shown[selected], "selected"))
    if model is not None:
        fits = {fit.cell: fit.values for fit in fitted(output_dir, fov, column, model).cells}
        lines += [
            _line(cell, times, {t: fits[cell][t] for t in values}, "fit")
            for cell, values in shown.items()
            if cell in fits
        ]
    labels = f"time ({'h' if in_hours else 'min'})", with_unit(column, unit_of(column))
    title = _title(inspection, len(shown), len(every))
    return as_file(cell_traces(lines, labels, title=title, is_log=log), kind, part)


def _good_values(inspection: Inspected, column: str) -> dict[int, dict[int, float | None]]:
    """Return the values of a column by cell and frame, without what is marked as bad."""
    bad = {track.cell: track.bad for track in tracks(inspection).tracks}
    values = {
        trace.cell: {
            t: value
            for t, value in zip(trace.frames, trace.values, strict=True)
            if not any(first <= t <= last for first, last in bad[trace.cell])
        }
        for trace in traces(inspection, column).traces
    }
    return {cell: points for cell, points in values.items() if points}


def _title(inspection: Inspected, shown: int, n: int) -> str:
    """Return the title of a figure with some of the cells of a field of view."""
    marked = any(track.bad for track in tracks(inspection).tracks)
    parts = f"{shown} of {n} cells", "rows marked as bad are left out" if marked else ""
    return "; ".join(filter(None, parts))


def _line(
    cell: int, times: list[float], values: Mapping[int, float | None], style: Style
) -> CellLine:
    """Return a line with a gap in every frame without a value."""
    return CellLine(cell, times, [values.get(frame) for frame in range(len(times))], style)
