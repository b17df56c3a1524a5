"""Two fitted numbers of every cell against each other."""

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel

from pyama.analysis.current_tables import current_fits
from pyama.analysis.figures.colours import color, drawn_text
from pyama.analysis.figures.scatter import Scale, Scatter, scatter_of, thinned
from pyama.analysis.joined_tables import axis_labels, fits_above
from pyama.web.experiment_folders import TablesDir

router = APIRouter(tags=["analysis"])
MAX_POINTS = 20_000
"""Largest number of cells that are sent; of more, some are taken at random."""
Number = Annotated[str, Query(max_length=256, description="Column of the tables of fits.")]


class ScatterAxis(BaseModel):
    """One axis."""

    name: str
    label: str
    """Name with its unit."""
    scale: Scale
    limits: tuple[float, float]
    """Around the values that are not far out."""


class ScatterSample(BaseModel):
    """The cells of one sample; lists with entries have the same length."""

    sample: str
    color: str
    """Colour of the sample, as in the report and in figures."""
    n: int
    """Cells with both numbers, also those that are not sent."""
    recordings: list[str]
    """Empty if the tables are not those of an experiment."""
    fovs: list[int]
    cells: list[int]
    x: list[float]
    y: list[float]


class ScatterPlot(BaseModel):
    """Two numbers of every cell, as in `pyama plot scatter`."""

    x: ScatterAxis
    y: ScatterAxis
    not_shown: str
    """Number of cells outside of the limits, and of those that are sent if not all are, in
    words; else empty."""
    samples: list[ScatterSample]


@router.get("/api/scatter")
def scatter(
    output_dir: TablesDir,
    model: Annotated[str, Query(max_length=64, description="Model that was fitted.")],
    column: Annotated[str, Query(max_length=256, description="Column that was fitted.")],
    x: Number,
    y: Number,
    x_scale: Scale = "linear",
    y_scale: Scale = "linear",
    min_r_squared: Annotated[
        float | None,
        Query(allow_inf_nan=False, description="Cells up to this R² are left out."),
    ] = None,
) -> ScatterPlot:
    """Two numbers of every cell in the fits of the current samples."""
    table, units = current_fits(output_dir, model, column)
    labels = axis_labels(table, units, (x, y))
    found = scatter_of(fits_above(table, min_r_squared), x, y, x_scale, y_scale)
    samples = _samples(found, x, y)
    sent = drawn_text(sum(len(s.cells) for s in samples), sum(s.n for s in samples))
    return ScatterPlot(
        x=ScatterAxis(name=x, label=labels[x], scale=x_scale, limits=found.x_limits),
        y=ScatterAxis(name=y, label=labels[y], scale=y_scale, limits=found.y_limits),
        not_shown="; ".join(filter(None, (found.not_shown, sent))),
        samples=samples,
    )


def _samples(found: Scatter, x: str, y: str) -> list[ScatterSample]:
    return [
        ScatterSample(
            sample=name,
            color=color(i),
            n=len(found.cells[name]),
            recordings=cells["recording"].astype(str).tolist() if "recording" in cells else [],
            fovs=cells["fov"].tolist(),
            cells=cells["cell"].tolist(),
            x=cells[x].tolist(),
            y=cells[y].tolist(),
        )
        for i, (name, cells) in enumerate(thinned(found.cells, MAX_POINTS).items())
    ]
