"""Samples, merged tables, fits, and how fitted numbers are distributed."""

from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, HTTPException
from pydantic import BaseModel, Field

from pyama import layout
from pyama.analysis.colours import color
from pyama.analysis.current_tables import tables_in
from pyama.analysis.fitting.fit_files import fit_file
from pyama.analysis.fitting.models import MODELS
from pyama.analysis.histograms import SampleHistogram, sample_histogram
from pyama.analysis.joined_tables import fitted_numbers, join_fits
from pyama.analysis.merge import write_merged
from pyama.analysis.remarks import folder_remarks, table_remarks
from pyama.analysis.report.html_page import REPORT
from pyama.analysis.sample_sets import with_companions
from pyama.analysis.samples import samples_by_position
from pyama.analysis.table_columns import measured_columns
from pyama.analysis.table_files import read_header, read_table
from pyama.errors import ConfigError
from pyama.file_cache import cached_while_unchanged
from pyama.store import set_aside
from pyama.traces.trace_files import find_traces
from pyama.web.folders import OutputDir, record_of, shorten_paths
from pyama.web.json_numbers import finite_or_null

router = APIRouter(tags=["analysis"])
Name = Annotated[str, Field(min_length=1, max_length=255)]


class Samples(BaseModel):
    """Fields of view by sample."""

    samples: dict[Name, str]
    """Such as `{"control": "0-5, 7"}`; ranges include their end."""


class Files(BaseModel):
    """Tables in an output folder."""

    merged: list[str]
    """Tables of the samples of the last merge."""
    fitted: list[str]
    """Fits of these tables."""
    earlier: list[str]
    """Merged tables and fits of earlier samples, which take part in nothing."""
    report: bool
    """Whether there is a report."""
    remarks: list[str]
    """What is to be known about tables and traces, such as tables that are outdated."""


class FitRequest(BaseModel):
    """A table to fit, and the model."""

    table: Name
    """A merged table of the output folder."""
    model: Annotated[str, Field(max_length=64)] = "maturation"
    column: Annotated[str, Field(max_length=256)] | None = None
    """Without it, the only `intensity_total` of the table."""


class FittedTable(BaseModel):
    """A table of fits."""

    table: str
    model: str
    column: str
    cells: int
    """Number of cells, also those whose fit did not succeed."""
    units: dict[str, str]
    """Units of the parameters and of other numbers; empty for those without a unit."""


class DistributionRequest(BaseModel):
    """A number, and the tables of fits whose cells are compared."""

    tables: Annotated[list[Name], Field(min_length=1, max_length=500)]
    """Tables of fits in the output folder, one sample each."""
    name: Annotated[str, Field(max_length=256)]
    """Column of the tables, such as `t0` or `r_squared`."""


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


@router.get("/api/models")
def models() -> list[str]:
    """Names of the models that can be fitted."""
    return ["auto", *MODELS]


@router.get("/api/samples")
def proposed_samples(output_dir: OutputDir) -> Samples:
    """Samples of the merged tables; else by names of positions; else one sample with all."""
    merged = _merged_before(output_dir)
    if merged:
        return Samples(samples=merged)
    fovs = [fov for fov, _ in find_traces(output_dir)]
    names = record_of(output_dir).metadata.position_names
    try:
        samples = samples_by_position(names, fovs)
    except ConfigError:
        samples = {"all": fovs} if fovs else {}
    return Samples(samples={name: ", ".join(map(str, part)) for name, part in samples.items()})


def _merged_before(output_dir: Path) -> dict[str, str]:
    headers = [read_header(output_dir / name) for name in tables(output_dir).merged]
    named = [(header.get("sample"), header.get("fovs")) for header in headers]
    return {
        name: ", ".join(map(str, fovs))
        for name, fovs in named
        if isinstance(name, str) and isinstance(fovs, list)
    }


@router.post("/api/merge")
def merge(output_dir: OutputDir, request: Samples) -> Files:
    """Write one merged table per sample into the output folder; bad cells are left out."""
    if not request.samples:
        raise ConfigError("Name at least one sample.")
    write_merged(output_dir, request.samples)
    return tables(output_dir)


@router.get("/api/tables")
def tables(output_dir: OutputDir) -> Files:
    """Merged and fitted tables of the output folder."""
    found = tables_in(output_dir)
    current = [*found.merged, *found.fitted]
    return Files(
        merged=[path.name for path in found.merged],
        fitted=[path.name for path in found.fitted],
        earlier=[path.name for path in found.earlier],
        report=(output_dir / REPORT).is_file(),
        remarks=shorten_paths(
            [*folder_remarks(output_dir), *table_remarks(current)], output_dir
        ),
    )


@router.post("/api/tables/set-aside")
def set_earlier_tables_aside(output_dir: OutputDir) -> Files:
    """Move the tables of earlier samples into the folder `superseded`."""
    set_aside(output_dir, list(with_companions(tables_in(output_dir).earlier)))
    return tables(output_dir)


@router.get("/api/merged")
def merged(output_dir: OutputDir, table: str) -> Merged:
    """Sample, columns and size of a merged table."""
    frame, header = read_table(_table(output_dir, table))
    return Merged(
        table=table,
        sample=str(header.get("sample", table)),
        columns=measured_columns(frame),
        cells=len(frame.groupby(["fov", "cell"])) if {"fov", "cell"} <= set(frame) else 0,
        rows=len(frame),
    )


@router.post("/api/fits")
def fit(output_dir: OutputDir, request: FitRequest) -> FittedTable:
    """Fit a model to every cell of a merged table."""
    if request.model not in models():
        raise ConfigError(f"There is no model {request.model!r}: {', '.join(models())}.")
    fitted = fit_file(_table(output_dir, request.table), request.model, request.column)
    return fits(output_dir, fitted.paths[0].name)


@router.get("/api/fits")
def fits(output_dir: OutputDir, table: str) -> FittedTable:
    """Size, parameters and units of a table of fits."""
    return _fitted_table(_table(output_dir, table))


@router.post("/api/distribution")
def distribution(output_dir: OutputDir, request: DistributionRequest) -> Distribution:
    """Histogram, median and quartiles of a fitted number in each sample."""
    paths = [_table(output_dir, name) for name in request.tables]
    table, units = join_fits(paths)
    if request.name not in fitted_numbers(table):
        raise ConfigError(
            f"The tables have no column {request.name!r} of numbers. They have: "
            f"{', '.join(fitted_numbers(table))}."
        )
    samples = table["sample"].unique().tolist()
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


@cached_while_unchanged(16)
def _fitted_table(path: Path) -> FittedTable:
    frame, units = join_fits([path])
    header = read_header(path)
    return FittedTable(
        table=path.name,
        model=str(header.get("model", "")),
        column=str(header.get("column", "")),
        cells=len(frame),
        units={name: str(units.get(name, "")) for name in fitted_numbers(frame)},
    )


def _table(output_dir: Path, name: str) -> Path:
    """Return a table of the output folder by its name.

    Raises:
        HTTPException: There is none, or a link leads out (404).
    """
    path = output_dir / layout.safe_name(name)
    if path.name != name or path.suffix != ".csv" or path.is_symlink() or not path.is_file():
        raise HTTPException(404, "There is no such table.")
    return path
