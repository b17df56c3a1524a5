"""Which tables an output folder has: merged ones, their fits, and those of earlier samples."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import pandas as pd

from pyama.analysis.joined_tables import join_fits
from pyama.analysis.merged_files import MERGED
from pyama.analysis.sample_sets import in_sample_order, tables_of_earlier_sets
from pyama.analysis.table_columns import sample_names, with_text_names
from pyama.analysis.table_origins import known_entries
from pyama.errors import ConfigError
from pyama.file_cache import cached_while_unchanged

FITTED = f"{MERGED.removesuffix('.csv')}_fitted_"
"""Part of the names of tables with the fits of a merged table."""
# A page asks for the same files again and again.
_entries = cached_while_unchanged(256)(known_entries)


@dataclass(frozen=True)
class Tables:
    """Tables in an output folder, in the order of their samples.

    Attributes:
        merged: Tables of the samples of the last merge.
        fitted: Fits of these tables.
        earlier: Merged tables and fits of earlier samples, which take part in nothing.
    """

    merged: list[Path]
    fitted: list[Path]
    earlier: list[Path]


def tables_in(folder: Path) -> Tables:
    """Return the tables of an output folder."""
    paths = in_sample_order(sorted(path for path in folder.glob("*.csv") if path.is_file()))
    earlier = tables_of_earlier_sets(paths)
    current = [path for path in paths if path not in earlier]
    return Tables(
        merged=[path for path in current if path.name.endswith(MERGED)],
        fitted=[path for path in current if FITTED in path.name],
        earlier=earlier,
    )


def merged_samples(merged: Iterable[Path]) -> list[str]:
    """Return the samples of merged tables."""
    return [str(_entries(path).get("sample", path.stem)) for path in merged]


def fits_of(folder: Path, model: str, column: str) -> list[Path]:
    """Return the fits of a model to a column in the samples of the last merge.

    Raises:
        ConfigError: There are none.
    """
    wanted = {"model": model, "column": column}
    found = [
        path for path in tables_in(folder).fitted if wanted.items() <= _entries(path).items()
    ]
    if not found:
        raise ConfigError(f"No sample has fits of {model} to {column}. Fit the samples first.")
    return found


def current_fits(folder: Path, model: str, column: str) -> tuple[pd.DataFrame, dict[str, str]]:
    """Read the fits that `fits_of` returns.

    Returns:
        One row per cell with the column `sample`, see `with_all_samples`, and the units of the
        columns.

    Raises:
        ConfigError: There are none.
    """
    table, units = join_fits(fits_of(folder, model, column))
    return with_all_samples(table, folder), units


def with_all_samples(table: pd.DataFrame, folder: Path) -> pd.DataFrame:
    """Return fits with a categorical column `sample` that knows all samples of the last merge.

    A sample without fits then keeps its place, and the others their colours: those of the
    report. Samples without a cell have no place there, either.
    """
    filled = [path for path in tables_in(folder).merged if _has_cells(path)]
    names = dict.fromkeys([*merged_samples(filled), *sample_names(table)])
    table = with_text_names(table)
    return table.assign(sample=pd.Categorical(table["sample"], list(names)))


def _has_cells(path: Path) -> bool:
    with path.open(encoding="utf-8", errors="replace") as lines:
        data = (line for line in lines if not line.startswith("#"))
        return len(list(islice(data, 2))) == 2
