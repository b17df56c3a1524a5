"""The comparison of samples with what has to be known of it, for terminal and page."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd

from pyama.analysis.cell_numbers import CellNumbers, read_cell_numbers
from pyama.analysis.comparing import comparison
from pyama.analysis.current_tables import fits_of, merged_samples, tables_in
from pyama.analysis.replicates import (
    Level,
    feature_warning,
    level_of,
    replicate_warning,
    sample_sizes,
)
from pyama.errors import ConfigError


@dataclass(frozen=True)
class SampleComparison:
    """Samples that are compared with one of them.

    Attributes:
        table: See `pyama.analysis.comparing.compare`.
        sizes: See `pyama.analysis.replicates.sample_sizes`.
        units: Units of the features, where they have one.
        level: What counts as a replicate.
        notes: What has to be known, in sentences.
        warnings: Samples and features with few replicates, in sentences.
    """

    table: pd.DataFrame
    sizes: pd.DataFrame
    units: dict[str, str]
    level: Level
    notes: tuple[str, ...]
    warnings: tuple[str, ...]


def compare_samples(
    cells: CellNumbers, names: Sequence[str] = (), reference: str | None = None
) -> SampleComparison:
    """Compare samples with one of them.

    Args:
        cells: Numbers of the cells of all samples.
        names: Features to compare, by default all.
        reference: Sample that the others are compared with, by default the first one.

    Raises:
        ConfigError: There is no such sample or feature.
    """
    order, level = cells.samples, level_of(cells.table)
    first = reference or next(iter(order), None)
    table = comparison(cells.table, names or cells.features, reference=first, order=order)
    few = replicate_warning(cells.table, "sample", level, order)
    sparse = feature_warning(table, cells.table, "sample", level)
    return SampleComparison(
        table,
        sample_sizes(cells.table, order=order),
        cells.units,
        level,
        cells.notes,
        tuple(filter(None, (few, sparse))),
    )


def compare_current(
    folder: Path, model: str | None, column: str | None, reference: str | None = None
) -> SampleComparison:
    """Compare the samples of the last merge into a folder.

    Args:
        folder: Of merged tables and their fits.
        model: Model whose fits are compared; None for features of the traces.
        column: Column that was fitted, or whose traces are described.
        reference: As for `compare_samples`.

    Raises:
        ConfigError: There are no such tables, or there is no such sample.
    """
    merged = tables_in(folder).merged
    if model is not None and column is not None:
        cells = read_cell_numbers(fits_of(folder, model, column))
    elif merged:
        cells = read_cell_numbers(merged, column)
    else:
        raise ConfigError("There are no merged tables. Merge the samples first.")
    found = compare_samples(cells, reference=reference)
    absent = [name for name in merged_samples(merged) if name not in cells.samples]
    if not absent:
        return found
    text = f"Samples without such fits, not compared: {', '.join(absent)}."
    return replace(found, notes=(*found.notes, text))
