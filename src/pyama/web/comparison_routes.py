"""The comparison of samples."""

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel

from pyama.analysis.comparison_text import explanations
from pyama.analysis.sample_comparison import SampleComparison, compare_current
from pyama.web.experiment_folders import TablesDir
from pyama.web.json_numbers import finite_entries

router = APIRouter(tags=["analysis"])


class SampleSize(BaseModel):
    """What a sample consists of."""

    sample: str
    cells: int
    fovs: int | None = None
    recordings: int | None = None
    """Null if the tables do not name recordings."""
    replicates: int | None = None
    """Null if the tables do not name replicates."""


class ComparedPair(BaseModel):
    """A feature in two samples, see `pyama.analysis.comparing.compare`.

    Null in place of a number: there is no such value.
    """

    feature: str
    unit: str
    a: str
    b: str
    test: str
    difference: float | None
    low: float | None
    high: float | None
    p: float | None
    p_adjusted: float | None
    units_a: int
    units_b: int
    mean_a: float | None
    mean_b: float | None
    n_a: int
    n_b: int
    median_a: float | None
    median_b: float | None
    shift: float | None
    shift_low: float | None
    shift_high: float | None
    effect: float | None
    p_cells: float | None


class Comparison(BaseModel):
    """Samples that are compared with one of them, as by `pyama compare`."""

    samples: list[SampleSize]
    level: str
    """What counts as a replicate: replicate, recording or field of view."""
    pairs: list[ComparedPair]
    notes: list[str]
    """What was tested and what has to be known, in sentences."""
    warnings: list[str]
    """Samples and features with few replicates, in sentences."""


@router.get("/api/comparison")
def compared(
    output_dir: TablesDir,
    model: Annotated[
        str | None,
        Query(max_length=64, description="Whose fits are compared; without it, traces are."),
    ] = None,
    column: Annotated[
        str | None, Query(max_length=256, description="Column that was fitted, or of traces.")
    ] = None,
    reference: Annotated[
        str | None,
        Query(max_length=256, description="Sample to compare with; by default the first."),
    ] = None,
) -> Comparison:
    """Differences between the samples of the last merge, with intervals and p values."""
    found = compare_current(output_dir, model, column, reference)
    return Comparison(
        samples=[SampleSize(**finite_entries(row)) for row in found.sizes.to_dict("records")],
        level=found.level.name,
        pairs=_pairs(found),
        notes=[*explanations(found.table), found.level.reason, *found.notes],
        warnings=list(found.warnings),
    )


def _pairs(found: SampleComparison) -> list[ComparedPair]:
    rows = found.table.to_dict("records")
    return [
        ComparedPair(unit=found.units.get(row["feature"], ""), **finite_entries(row))
        for row in rows
    ]
