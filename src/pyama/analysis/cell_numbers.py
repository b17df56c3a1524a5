"""Numbers of every cell, read from tables of fits or computed from traces."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from pyama.analysis.expression import flat_fits_note
from pyama.analysis.joined_tables import join_fits, join_traces, parameters_to_show
from pyama.analysis.outdated_tables import is_fitted
from pyama.analysis.statistics import (
    TRACE_FEATURES,
    features_and_notes,
    trace_feature_units,
)
from pyama.analysis.table_columns import chosen_column
from pyama.analysis.table_files import read_header
from pyama.analysis.table_times import TableTime
from pyama.errors import ConfigError


@dataclass(frozen=True)
class CellNumbers:
    """Numbers of the cells of several samples.

    Attributes:
        table: One row per cell with the column `sample`.
        features: Columns that describe a cell.
        units: Their units, where they have one.
        samples: Names of the samples, in their order.
        notes: What has to be known to compare them, in sentences.
    """

    table: pd.DataFrame
    features: list[str]
    units: dict[str, str]
    samples: list[str]
    notes: tuple[str, ...] = ()


def read_cell_numbers(
    paths: Sequence[Path],
    column: str | None = None,
    times: TableTime | None = None,
    window: tuple[float, float] | None = None,
    *,
    names: Sequence[str] = (),
    lineages: bool = False,
) -> CellNumbers:
    """Read tables of fits, or compute the features of traces.

    Args:
        paths: Tables of fits, or tables of traces.
        column: Column of the traces whose features are computed; by default the only
            `intensity_total`.
        times: What the user says of the times of traces.
        window: Time in hours over which features of traces are computed; by default the time
            that all tables have in common.
        names: Features that are used, by default all; notes are on these.
        lineages: Whether to add up the cells of each lineage.

    Returns:
        Fitted parameters, or the features of `trace_features`.

    Raises:
        ConfigError: A table cannot be read, some are fits and some are traces, or fits are
            given with a column or a window.
    """
    fits = [path for path in paths if is_fitted(read_header(path))]
    if fits and lineages:
        raise ConfigError(
            f"{fits[0]} is a table of fits. Lineages are added up in traces: give --lineages "
            "to `pyama fit`."
        )
    if fits and len(fits) < len(paths):
        traces = next(path for path in paths if path not in fits)
        raise ConfigError(
            f"{fits[0]} is a table of fits, {traces} is not. Give tables of one kind."
        )
    if fits and (window is not None or column is not None):
        option = "A column (`--column`)" if window is None else "A window (`--window`)"
        raise ConfigError(
            f"{option} applies to traces; the tables are fits. For traces, give the merged "
            f"tables, such as {paths[0].parent / '*_merged.csv'}."
        )
    if fits:
        table, units = join_fits(paths)
        samples = _samples(table)
        notes = tuple(flat_fits_note(table, samples))
        return CellNumbers(table, parameters_to_show(table), units, samples, notes)
    joined = join_traces(paths, times, lineages=lineages)
    column = chosen_column(joined, column)
    used = names or list(TRACE_FEATURES)
    table, sentences = features_and_notes(joined, column, window=window, features=used)
    units = trace_feature_units(column)
    samples = _samples(joined)
    return CellNumbers(table, list(TRACE_FEATURES), units, samples, tuple(sentences))


def _samples(table: pd.DataFrame) -> list[str]:
    return list(table["sample"].dropna().unique())
