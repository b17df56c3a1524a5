"""Replicates: what counts as one observation of a sample, and how many there are."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from pyama.analysis.table_columns import IDENTITY, with_text_names
from pyama.errors import ConfigError

MIN_REPLICATES = 3
"""Samples with fewer replicates are warned of."""
PLURALS = {
    "replicate": "replicates",
    "recording": "recordings",
    "field of view": "fields of view",
}
"""What counts as one observation, in the plural."""


@dataclass(frozen=True)
class Level:
    """What counts as one observation of a sample.

    Attributes:
        name: `replicate`, `recording` or `field of view`.
        columns: Columns that identify one; empty if nothing in the table does.
        reason: Why it was chosen, in sentences.
    """

    name: str
    columns: tuple[str, ...]
    reason: str


def level_of(table: pd.DataFrame, by: str = "sample") -> Level:
    """Return the level on which the samples of a table are compared.

    Args:
        table: One row per cell. A column `replicate` names biological replicates. Without it,
            recordings are compared if a sample has several, else fields of view.
        by: Column that names the sample.
    """
    if "replicate" in table:
        return Level(
            "replicate",
            _present(table, "experiment", "replicate"),
            "Replicates are compared, because the table names them.",
        )
    recordings = _present(table, "experiment", "recording")
    if recordings and table.groupby(by)[recordings[-1]].nunique().max() > 1:
        return Level(
            "recording",
            recordings,
            "Recordings are compared, because a sample has several and the table has no "
            "column replicate.",
        )
    several = bool(recordings) and count_units(table, recordings) > 1
    holds = (
        "experiments, and samples of different recordings differ for that reason alone: name "
        "replicates of every sample."
        if several
        else "experiments: the result holds for this recording."
    )
    return Level(
        "field of view",
        tuple(name for name in _present(table, *IDENTITY) if name not in (by, "cell")),
        "Fields of view are compared, because the table has neither a column replicate nor "
        "several recordings of a sample. Fields of view of one recording are not independent "
        f"{holds}",
    )


def _present(table: pd.DataFrame, *names: str) -> tuple[str, ...]:
    return tuple(name for name in names if name in table)


def count_units(table: pd.DataFrame, columns: Sequence[str]) -> int:
    """Return the number of different values in some columns of a table; 1 without columns."""
    return len(table[list(columns)].drop_duplicates()) if columns else min(1, len(table))


def samples_in_order(
    column: "pd.Series[Any]", order: Sequence[str] | None = None
) -> list[Any]:
    """Return the names of samples in a column.

    Args:
        column: One name per row; rows without a name are left out.
        order: Their order. Without it, that of a categorical column, else sorted.

    Raises:
        ConfigError: `order` does not name all samples.
    """
    column = with_text_names(column.to_frame("sample"))["sample"]
    found = column.dropna().unique().tolist()
    if order is None:
        known = getattr(column.dtype, "categories", None)
        return sorted(found, key=str) if known is None else [n for n in known if n in found]
    if absent := [str(name) for name in found if name not in order]:
        raise ConfigError(
            f"The order of the samples is {', '.join(order)}; it lacks {', '.join(absent)}."
        )
    return [name for name in order if name in found]


def sample_sizes(
    table: pd.DataFrame, by: str = "sample", order: Sequence[str] | None = None
) -> pd.DataFrame:
    """Count what each sample consists of.

    Args:
        table: One row per cell.
        by: Column that names the sample.
        order: See `samples_in_order`.

    Returns:
        One row per sample: its name, cells and, as far as the table has such columns, fovs,
        recordings and replicates.
    """
    table = with_text_names(table, by)
    kept = [name for name in _present(table, *IDENTITY) if name not in (by, "cell")]
    counted = {
        "fovs": kept if "fov" in kept else [],
        "recordings": [name for name in kept if name in ("experiment", "recording")],
        "replicates": [name for name in kept if name in ("experiment", "replicate")],
    }
    shown = [key for key in counted if key.removesuffix("s") in table]
    rows = []
    for name in samples_in_order(table[by], order):
        cells = table[table[by] == name]
        counts = {key: count_units(cells, counted[key]) for key in shown}
        rows.append({by: name, "cells": len(cells), **counts})
    return pd.DataFrame(rows, columns=[by, "cells", *shown])


def replicate_warning(
    table: pd.DataFrame, by: str, level: Level, order: Sequence[str] | None = None
) -> str:
    """Return a warning if samples have too few replicates for a conclusion, else nothing."""
    table = with_text_names(table, by)
    samples = samples_in_order(table[by], order)
    counts = _counts(table, by, level, samples)
    few = [f"{name} ({n})" for name, n in counts.items() if n < MIN_REPLICATES]
    if len(samples) < 2 or not few:
        return ""
    return (
        f"A test needs at least {MIN_REPLICATES} replicates of every sample. Each "
        f"{level.name} counts as one; too few: {', '.join(few)}. Repeat the experiment before "
        "you conclude that samples differ or are equal."
    )


def feature_warning(compared: pd.DataFrame, table: pd.DataFrame, by: str, level: Level) -> str:
    """Return which features have values in too few replicates of a sample that has enough.

    Args:
        compared: From `pyama.analysis.comparing.comparison`.
        table: One row per cell.
        by: Column that names the sample.
        level: What counts as a replicate.
    """
    table = with_text_names(table, by)
    counts = _counts(table, by, level, samples_in_order(table[by]))
    few: dict[str, None] = {}
    for row in compared.to_dict("records"):
        for name, units in ((row["a"], row["units_a"]), (row["b"], row["units_b"])):
            if units < MIN_REPLICATES <= counts[name]:
                few[f"{row['feature']} of {name} ({units})"] = None
    if not few:
        return ""
    return (
        f"A test needs at least {MIN_REPLICATES} replicates. Each {level.name} with a value "
        f"counts as one; too few: {', '.join(few)}. Do not conclude from these rows."
    )


def _counts(
    table: pd.DataFrame, by: str, level: Level, samples: Sequence[Any]
) -> dict[Any, int]:
    """Return the number of replicates of each sample."""
    return {name: count_units(table[table[by] == name], level.columns) for name in samples}
