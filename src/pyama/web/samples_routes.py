"""Samples: proposed, read from and written to a file, and merged."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from pyama.analysis.current_tables import tables_in
from pyama.analysis.merge import write_merged
from pyama.analysis.samples import (
    check_named_samples,
    read_samples,
    samples_by_position,
    samples_text,
)
from pyama.analysis.table_files import read_header
from pyama.errors import ConfigError
from pyama.fov_ranges import fovs_text
from pyama.traces.trace_files import find_traces
from pyama.web.analysis_routes import Files, tables
from pyama.web.folders import OutputDir, TableName, record_of

router = APIRouter(tags=["analysis"])
FovText = Annotated[str, Field(max_length=4096)]


class NamedFovs(BaseModel):
    """A sample as it was typed."""

    name: Annotated[str, Field(max_length=255)]
    fovs: FovText
    """Such as `0-5, 7`; ranges include their end."""


class SamplesRequest(BaseModel):
    """Fields of view by sample."""

    samples: dict[TableName, FovText] | Annotated[list[NamedFovs], Field(max_length=1000)]
    """Such as `{"control": "0-5, 7"}`; a list lets the server name what occurs twice."""


class Samples(BaseModel):
    """Fields of view by sample, as a proposal."""

    samples: dict[str, str]
    origin: str
    """Where they come from, in a sentence."""


class SamplesFile(BaseModel):
    """A file `samples.yaml`."""

    text: Annotated[str, Field(max_length=200_000)]


class SamplesInFile(BaseModel):
    """What a file `samples.yaml` says."""

    samples: dict[str, str]
    warnings: list[str]
    """Such as entries that are not used."""


@router.get("/api/samples")
def proposed_samples(
    output_dir: OutputDir,
    by_position_name: Annotated[
        bool, Query(description="Leave out the samples that were merged before.")
    ] = False,
) -> Samples:
    """Samples of the merged tables; else by names of positions; else one sample with all."""
    merged = {} if by_position_name else _merged_before(output_dir)
    if merged:
        return Samples(samples=merged, origin="These are the samples of the last merge.")
    fovs = _available(output_dir)
    names = record_of(output_dir).metadata.position_names
    try:
        samples = samples_by_position(names, fovs)
        origin = "Proposed from the names of the positions, as with --by-position-name."
    except ConfigError:
        samples = {"all": fovs} if fovs else {}
        origin = "The names of the positions tell no samples: all cells are one sample."
    return Samples(samples=_as_texts(samples), origin=origin)


def _as_texts(samples: Mapping[str, Sequence[int]]) -> dict[str, str]:
    return {name: fovs_text(fovs) for name, fovs in samples.items()}


def _merged_before(output_dir: Path) -> dict[str, str]:
    headers = [read_header(path) for path in tables_in(output_dir).merged]
    named = [(header.get("sample"), header.get("fovs")) for header in headers]
    return {
        name: fovs_text(fovs)
        for name, fovs in named
        if isinstance(name, str)
        and isinstance(fovs, list)
        and all(isinstance(fov, int) for fov in fovs)
    }


@router.post("/api/merge")
def merge(output_dir: OutputDir, request: SamplesRequest) -> Files:
    """Write one merged table per sample into the output folder; bad cells are left out."""
    write_merged(output_dir, _checked(output_dir, request))
    return tables(output_dir)


def _checked(output_dir: Path, request: SamplesRequest) -> dict[str, list[int]]:
    named = _named(request)
    if not named:
        raise ConfigError("Name at least one sample.")
    return check_named_samples(named, _available(output_dir))


def _named(request: SamplesRequest) -> list[tuple[str, str]]:
    given = request.samples
    if isinstance(given, dict):
        return list(given.items())
    return [(entry.name, entry.fovs) for entry in given]


def _available(output_dir: Path) -> list[int]:
    return [fov for fov, _ in find_traces(output_dir)]


@router.post("/api/samples/read")
def read(output_dir: OutputDir, request: SamplesFile) -> SamplesInFile:
    """Samples of a file, checked as by `pyama merge --samples`."""
    samples, warnings = read_samples(request.text, "The file", _available(output_dir))
    return SamplesInFile(samples=_as_texts(samples), warnings=warnings)


@router.post("/api/samples/write")
def write(output_dir: OutputDir, request: SamplesRequest) -> SamplesFile:
    """Samples as a file for `pyama merge --samples`; nothing is written on the server."""
    _checked(output_dir, request)
    return SamplesFile(text=samples_text(_named(request)))
