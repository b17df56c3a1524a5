"""Fitted curves to be drawn over the traces."""

from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel

from pyama.analysis.fitting.fitted_curves import FitTable, curves, fit_tables
from pyama.web.folders import Fov, FovOutputDir
from pyama.web.json_numbers import finite_or_null
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
    """Models that were fitted to it, the latest fit first."""
    model: str | None
    """Model of the curves in `cells`; null if nothing was fitted."""
    is_current: bool
    """Whether the traces are the same as when they were fitted."""
    cells: list[FittedCell]


@router.get("/api/fovs/{fov}/fits/{column}")
def fitted(
    output_dir: FovOutputDir,
    fov: Fov,
    column: Column,
    model: Annotated[
        str | None, Query(max_length=64, description="Without it, that of the latest fit.")
    ] = None,
) -> FittedColumn:
    """Fits of all cells to one column, as curves over the frames."""
    tables = [table for table in fit_tables(output_dir, fov) if table.column == column]
    models = list(dict.fromkeys(table.model for table in tables))
    chosen = model if model in models else next(iter(models), None)
    own = [table for table in tables if table.model == chosen][:1]
    return FittedColumn(
        models=models,
        model=chosen,
        is_current=all(table.is_current for table in own),
        cells=_cells(own, output_dir, fov),
    )


def _cells(tables: list[FitTable], output_dir: Path, fov: int) -> list[FittedCell]:
    return [
        FittedCell(
            cell=curve.cell,
            model=curve.model,
            r_squared=curve.r_squared,
            values=finite_or_null(curve.values.tolist()),
        )
        for table in tables
        for curve in curves(table, output_dir, fov)
    ]
