"""Tables of an output folder, and how fitted numbers are distributed."""

from typing import Annotated

from fastapi import APIRouter
from pydantic import BaseModel, Field

from pyama.analysis.current_tables import merged_samples, tables_in, with_all_samples
from pyama.analysis.experiments.experiment_merge import join_notes
from pyama.analysis.figures.colours import color
from pyama.analysis.histograms import SampleHistogram, sample_histogram
from pyama.analysis.joined_tables import fits_above, fitted_numbers, join_fits
from pyama.analysis.report.html_page import REPORT
from pyama.analysis.result_notes import folder_remarks, table_remarks
from pyama.analysis.sample_sets import with_companions
from pyama.analysis.table_columns import cell_keys, measured_columns, sample_names
from pyama.analysis.table_files import read_table
from pyama.errors import ConfigError
from pyama.store import set_aside
from pyama.web.experiment_folders import TablesDir
from pyama.web.folders import TableName, shorten_paths, table_in
from pyama.web.json_numbers import finite_or_null

router = APIRouter(tags=["analysis"])


class Files(BaseModel):
    """Tables in an output folder."""

    samples: list[str]
    """Samples of the last merge, in their order."""
    merged: list[str]
    """Their tables."""
    fitted: list[str]
    """Fits of these tables."""
    earlier: list[str]
    """Merged tables and fits of earlier samples, which take part in nothing."""
    report: bool
    """Whether there is a report."""
    remarks: list[str]
    """What is to be known about tables and traces, such as tables that are outdated."""


class DistributionRequest(BaseModel):
    """A number, and the tables of fits whose cells are compared."""

    tables: Annotated[list[TableName], Field(min_length=1, max_length=500)]
    """Tables of fits in the output folder, one sample each."""
    name: Annotated[str, Field(max_length=256)]
    """Column of the tables, such as `t0` or `r_squared`."""
    min_r_squared: Annotated[float, Field(allow_inf_nan=False)] | None = None
    """Cells up to this R² are left out; good fits are above 0.9."""


class SampleDistribution(BaseModel):
    """One sample."""

    sample: str
    """Name of the sample; name of the table if several tables have the same sample."""
    color: str
    """Colour of the sample, as in the report and in figures."""
    n: int
    """Cells with a value."""
    q25: float | None
    """Quartiles and median; null without cells."""
    median: float | None
    q75: float | None
    shares: list[float]
    """Percent of its cells in each bin."""


class Distribution(BaseModel):
    """How a number is distributed over the cells of each sample, as in the report."""

    name: str
    unit: str
    """Empty if there is none."""
    edges: list[float]
    """Of the bins: one more than there are bins."""
    not_shown: str
    """Number of values outside of the bins, in words; empty if there are none."""
    samples: list[SampleDistribution]


class Merged(BaseModel):
    """Sample, columns and size of a merged table."""

    table: str
    sample: str
    columns: list[str]
    cells: int
    rows: int


@router.get("/api/tables")
def tables(output_dir: TablesDir) -> Files:
    """Merged and fitted tables of the output folder."""
    found = tables_in(output_dir)
    current = [*found.merged, *found.fitted]
    return Files(
        samples=merged_samples(found.merged),
        merged=[path.name for path in found.merged],
        fitted=[path.name for path in found.fitted],
        earlier=[path.name for path in found.earlier],
        report=(output_dir / REPORT).is_file(),
        remarks=shorten_paths(
            [
                *folder_remarks(output_dir),
                *table_remarks(current),
                *join_notes(output_dir),
            ],
            output_dir,
        ),
    )


@router.post("/api/tables/set-aside")
def set_earlier_tables_aside(output_dir: TablesDir) -> Files:
    """Move the tables of earlier samples into the folder `superseded`."""
    set_aside(output_dir, list(with_companions(tables_in(output_dir).earlier)))
    return tables(output_dir)


@router.get("/api/merged")
def merged(output_dir: TablesDir, table: str) -> Merged:
    """Sample, columns and size of a merged table."""
    frame, header = read_table(table_in(output_dir, table))
    return Merged(
        table=table,
        sample=str(header.get("sample", table)),
        columns=measured_columns(frame),
        cells=frame.groupby(cell_keys(frame)).ngroups if {"fov", "cell"} <= set(frame) else 0,
        rows=len(frame),
    )


@router.post("/api/distribution")
def distribution(output_dir: TablesDir, request: DistributionRequest) -> Distribution:
    """Histogram, median and quartiles of a fitted number in each sample."""
    paths = [table_in(output_dir, name) for name in request.tables]
    table, units = join_fits(paths)
    if request.name not in fitted_numbers(table):
        raise ConfigError(
            f"The tables have no column {request.name!r} of numbers. They have: "
            f"{', '.join(fitted_numbers(table))}."
        )
    table = fits_above(with_all_samples(table, output_dir), request.min_r_squared)
    samples = sample_names(table)
    bins = sample_histogram(table, request.name, samples)
    return Distribution(
        name=request.name,
        unit=units.get(request.name, ""),
        edges=bins.edges.tolist(),
        not_shown=bins.not_shown,
        samples=[_sample(bins, name, i) for i, name in enumerate(samples)],
    )


def _sample(bins: SampleHistogram, name: str, i: int) -> SampleDistribution:
    summary = bins.summaries[name]
    q25, median, q75 = finite_or_null(summary[level] for level in ("q25", "median", "q75"))
    return SampleDistribution(
        sample=name,
        color=color(i),
        n=int(summary["n"]),
        q25=q25,
        median=median,
        q75=q75,
        shares=bins.shares[name].tolist(),
    )
