"""Figures of fits as files, drawn by the functions of `pyama plot`."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from fastapi import APIRouter, Query
from fastapi.responses import Response

from pyama.analysis.current_tables import current_fits
from pyama.analysis.figures import plots
from pyama.analysis.figures.scatter import Scale
from pyama.analysis.joined_tables import axis_labels, fits_above
from pyama.web.experiment_folders import TablesDir

if TYPE_CHECKING:
    from matplotlib.figure import Figure

router = APIRouter(tags=["analysis"])
MEDIA_TYPES = {"png": "image/png", "svg": "image/svg+xml"}
WIDTH_MM = 120
Kind = Literal["png", "svg"]
Number = Annotated[str, Query(max_length=256, description="Column of the tables of fits.")]
Model = Annotated[str, Query(max_length=64, description="Model that was fitted.")]
FittedColumn = Annotated[str, Query(max_length=256, description="Column that was fitted.")]
Part = Annotated[
    str | None,
    Query(max_length=256, description="Limits of the axes, `x0,x1,y0,y1`; else of all."),
]
MinRSquared = Annotated[
    float | None, Query(allow_inf_nan=False, description="Cells up to this R² are left out.")
]


@router.get("/api/figures/histogram", response_class=Response)
def histogram(
    output_dir: TablesDir,
    model: Model,
    column: FittedColumn,
    name: Number,
    kind: Kind = "svg",
    part: Part = None,
    min_r_squared: MinRSquared = None,
) -> Response:
    """Histogram of a fitted number in the current samples, as `pyama plot parameters`."""
    table, labels = _fits(output_dir, model, column, [name], min_r_squared)
    return as_file(plots.histograms(table, [name], [labels[name]], WIDTH_MM), kind, part)


@router.get("/api/figures/scatter", response_class=Response)
def scatter(
    output_dir: TablesDir,
    model: Model,
    column: FittedColumn,
    x: Number,
    y: Number,
    kind: Kind = "svg",
    part: Part = None,
    x_scale: Scale = "linear",
    y_scale: Scale = "linear",
    min_r_squared: MinRSquared = None,
) -> Response:
    """Two fitted numbers of every cell of the current samples, as `pyama plot scatter`."""
    table, labels = _fits(output_dir, model, column, [x, y], min_r_squared)
    is_log = x_scale == "log", y_scale == "log"
    figure = plots.scatter(table, x, y, (labels[x], labels[y]), WIDTH_MM, is_log)
    return as_file(figure, kind, part)


def _fits(
    output_dir: Path, model: str, column: str, names: Sequence[str], limit: float | None
) -> tuple[Any, dict[str, str]]:
    table, units = current_fits(output_dir, model, column)
    return fits_above(table, limit), axis_labels(table, units, names)


def as_file(figure: "Figure", kind: Kind, part: str | None = None) -> Response:
    """Return a figure, or a part of it, as a file that a browser saves and never shows.

    Raises:
        ConfigError: There is no such part.
    """
    if part is not None:
        plots.show_part(figure, part)
    headers = {"Content-Disposition": "attachment", "Cache-Control": "no-store"}
    return Response(
        plots.to_bytes(figure, kind), headers=headers, media_type=MEDIA_TYPES[kind]
    )
