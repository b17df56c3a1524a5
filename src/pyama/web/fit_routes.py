"""Fits, to be drawn over the traces."""

from typing import Annotated

import numpy as np
from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel

from pyama.analysis.fitting.fitted_curves import FitTable, curves, fit_tables
from pyama.traces.trace_recording import run_times
from pyama.web.folders import Dir, Fov, Root, root_of
from pyama.web.trace_routes import Column

router = APIRouter(tags=["traces"])


class FittedCell(BaseModel):
    """The fit of one cell."""

    cell: int
    model: str
    r_squared: float
    values: list[float | None]
    """At every frame of the field of view."""


class FittedColumn(BaseModel):
    """The fits of one column."""

    models: list[str]
    """What it was fitted with, the last fit first; none if it was not."""
    model: str | None
    """The one that follows; null if there is none."""
    is_current: bool
    """Whether the traces are still those that were fitted."""
    cells: list[FittedCell]


@router.get("/api/fovs/{fov}/fits/{column}")
def fitted(
    root: Annotated[Root, Depends(root_of)],
    fov: Fov,
    column: Column,
    directory: Dir = ".",
    model: Annotated[
        str | None, Query(max_length=64, description="Without it, that of the last fit.")
    ] = None,
) -> FittedColumn:
    """Fits of all cells to one column, as curves over the frames."""
    output_dir = root.fov(directory, fov)
    tables = [table for table in fit_tables(output_dir, fov) if table.column == column]
    models = list(dict.fromkeys(table.model for table in tables))
    chosen = model if model in models else next(iter(models), None)
    own = [table for table in tables if table.model == chosen][:1]
    return FittedColumn(
        models=models,
        model=chosen,
        is_current=all(table.is_current for table in own),
        cells=_cells(own, fov, np.array(run_times(output_dir, fov)) / 60),
    )


def _cells(tables: list[FitTable], fov: int, times_h: np.ndarray) -> list[FittedCell]:
    return [
        FittedCell(
            cell=curve.cell,
            model=curve.model,
            r_squared=curve.r_squared,
            values=[value if np.isfinite(value) else None for value in curve.values.tolist()],
        )
        for table in tables
        for curve in curves(table, fov, times_h)
    ]
