"""From traces to answers: samples, merged tables, fits."""

from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from fastapi import APIRouter, Depends, HTTPException
from pydantic import BaseModel, Field

from pyama import layout
from pyama.analysis.fitting.fit_files import fit_file
from pyama.analysis.fitting.models import MODELS
from pyama.analysis.merge import MERGED, write_merged
from pyama.analysis.report.html_page import REPORT
from pyama.analysis.sample_tables import load_fitted
from pyama.analysis.samples import samples_by_position
from pyama.analysis.table_columns import measured_columns
from pyama.analysis.table_files import read_header, read_table
from pyama.errors import ConfigError
from pyama.traces.trace_files import find_traces
from pyama.web.folders import Dir, Root, record_of, root_of

router = APIRouter(tags=["answers"])
Name = Annotated[str, Field(min_length=1, max_length=255)]


class Samples(BaseModel):
    """Fields of view by sample."""

    samples: dict[Name, str]
    """Such as `{"control": "0-5, 7"}`; ranges include their end."""


class Files(BaseModel):
    """Tables in an output folder."""

    merged: list[str]
    fitted: list[str]
    report: bool
    """Whether there is a report."""


class FitOrder(BaseModel):
    """What is to be fitted."""

    table: Name
    """A merged table of the output folder."""
    model: Annotated[str, Field(max_length=64)] = "maturation"
    column: Annotated[str, Field(max_length=256)] | None = None
    """Without it, the only `intensity_total`."""


class Fits(BaseModel):
    """A table of fits."""

    table: str
    sample: str
    cells: list[tuple[int, int]]
    """FOV and cell."""
    values: dict[str, list[float | None]]
    """Parameters and R² of every cell; null where the fit did not succeed."""
    units: dict[str, str]


class Merged(BaseModel):
    """What is in a merged table."""

    table: str
    sample: str
    columns: list[str]
    cells: int
    rows: int


def _output_dir(root: Annotated[Root, Depends(root_of)], directory: Dir = ".") -> Path:
    return root.output_dir(directory)


OutputDir = Annotated[Path, Depends(_output_dir)]


@router.get("/api/models")
def models() -> list[str]:
    """Names of the models that can be fitted."""
    return ["auto", *MODELS]


@router.get("/api/samples")
def proposed_samples(output_dir: OutputDir) -> Samples:
    """Samples as they were merged, else by the names of the positions, else one of all."""
    merged = _merged_before(output_dir)
    if merged:
        return Samples(samples=merged)
    fovs = [fov for fov, _ in find_traces(output_dir)]
    names = record_of(output_dir).metadata.position_names
    try:
        found = samples_by_position(names, fovs)
    except ConfigError:
        found = {"all": fovs} if fovs else {}
    return Samples(samples={name: ", ".join(map(str, own)) for name, own in found.items()})


def _merged_before(output_dir: Path) -> dict[str, str]:
    headers = [read_header(output_dir / name) for name in tables(output_dir).merged]
    named = [(header.get("sample"), header.get("fovs")) for header in headers]
    return {
        name: ", ".join(map(str, fovs))
        for name, fovs in named
        if isinstance(name, str) and isinstance(fovs, list)
    }


@router.post("/api/merge")
def merge(output_dir: OutputDir, wish: Samples) -> Files:
    """Write one merged table per sample into the output folder; bad cells are left out."""
    if not wish.samples:
        raise ConfigError("Name at least one sample.")
    write_merged(output_dir, wish.samples)
    return tables(output_dir)


@router.get("/api/tables")
def tables(output_dir: OutputDir) -> Files:
    """Merged and fitted tables of the output folder."""
    names = sorted(path.name for path in output_dir.glob("*.csv") if path.is_file())
    return Files(
        merged=[name for name in names if name.endswith(MERGED)],
        fitted=[name for name in names if f"{MERGED.removesuffix('.csv')}_fitted_" in name],
        report=(output_dir / REPORT).is_file(),
    )


@router.get("/api/merged")
def merged(output_dir: OutputDir, table: str) -> Merged:
    """What is in a merged table."""
    frame, header = read_table(_table(output_dir, table))
    return Merged(
        table=table,
        sample=str(header.get("sample", table)),
        columns=measured_columns(frame),
        cells=len(frame.groupby(["fov", "cell"])) if {"fov", "cell"} <= set(frame) else 0,
        rows=len(frame),
    )


@router.post("/api/fits")
def fit(output_dir: OutputDir, order: FitOrder) -> Fits:
    """Fit a model to every cell of a merged table."""
    if order.model not in models():
        raise ConfigError(f"There is no model {order.model!r}: {', '.join(models())}.")
    found = fit_file(_table(output_dir, order.table), order.model, order.column)
    return fits(output_dir, found.paths[0].name)


@router.get("/api/fits")
def fits(output_dir: OutputDir, table: str) -> Fits:
    """Parameters of every cell of a table of fits."""
    path = _table(output_dir, table)
    changed = path.stat()
    return _fits(path, changed.st_mtime_ns, changed.st_size)


@lru_cache(maxsize=16)
def _fits(path: Path, changed_ns: int, size: int) -> Fits:
    frame, header = load_fitted(path), read_header(path)
    names = [n for n in frame.select_dtypes("number") if n not in ("fov", "cell")]
    return Fits(
        table=path.name,
        sample=str(frame["sample"].iloc[0]) if len(frame) else str(header.get("sample", "")),
        cells=list(zip(frame["fov"].tolist(), frame["cell"].tolist(), strict=True)),
        values={str(name): _plain(frame[name]) for name in names},
        units={str(k): str(v) for k, v in dict(header.get("units", {})).items()},
    )


def _plain(column: Any) -> list[float | None]:
    values = column.to_numpy(np.float64)
    return [value if np.isfinite(value) else None for value in values.tolist()]


def _table(output_dir: Path, name: str) -> Path:
    """Return a table of the output folder by its name.

    Raises:
        HTTPException: There is none, or a link leads out (404).
    """
    path = output_dir / layout.safe_name(name)
    if path.name != name or path.suffix != ".csv" or path.is_symlink() or not path.is_file():
        raise HTTPException(404, "There is no such table.")
    return path
