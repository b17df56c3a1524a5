"""The files of a merged table: the table, tables per feature, and Parquet."""

from pathlib import Path
from typing import Any

import pandas as pd

from pyama import layout
from pyama.analysis.area_jumps import area_jump_notes
from pyama.analysis.table_columns import IDENTITY, meanings_of, measured_columns, units_of
from pyama.analysis.table_files import write_table
from pyama.analysis.table_origins import known_entries, refuse_to_replace_merged
from pyama.version import __version__

MERGED = "_merged.csv"
"""End of the file name of a merged table."""


class MergedFiles:
    """The tables of one sample before they are written.

    Args:
        folder: Where they are written.
        name: The sample.
        table: Its good rows with `time` in hours.
        header: Entries before the header of the merged table.
        tidy: Whether to write tables per feature.
    """

    def __init__(
        self, folder: Path, name: str, table: pd.DataFrame, header: dict[str, Any], tidy: bool
    ) -> None:
        self.path = folder / f"{name}{MERGED}"
        self._table = table
        # Tables that an earlier merge wrote would be outdated if they were not written again.
        tidy = tidy or "tidy" in known_entries(self.path)
        self._columns = measured_columns(table) if tidy else []
        self._tidy_paths = [folder / f"{name}_{column}.csv" for column in self._columns]
        listed = {"tidy": [path.name for path in self._tidy_paths]} if tidy else {}
        remarks = [*header.get("remarks", []), *area_jump_notes(table, name)]
        self._header = header | if_any("remarks", remarks) | listed

    def refuse_to_replace_others(self) -> None:
        """Raise an error if a file is in the way that is not an earlier table of the same.

        Raises:
            ConfigError: There is such a file.
        """
        refuse_to_replace_merged(self.path, self._header, self._tidy_paths)

    def write(self, *, parquet: bool) -> list[Path]:
        """Write the tables; return the merged one first."""
        parquet = parquet or self.path.with_suffix(".parquet").exists()
        as_traces = self._table.drop(columns="time")
        paths = write_table(self.path, as_traces, self._header, parquet=parquet)
        order = (*layout.NAME_COLUMNS, *layout.CONDITION_COLUMNS, *IDENTITY)
        keys = [name for name in dict.fromkeys(order) if name in self._table]
        for path, column in zip(self._tidy_paths, self._columns, strict=True):
            part = self._table[["time", *keys, column]].rename(columns={column: "value"})
            paths += write_table(path, part, {}, parquet=parquet)
        return paths


def write_all(
    planned: dict[str, MergedFiles], *, parquet: bool = False
) -> dict[str, list[Path]]:
    """Write the tables of all samples, or nothing if a file of others is in the way.

    Args:
        planned: By sample.
        parquet: Also write a Parquet file beside every CSV.

    Returns:
        The files of each sample, the merged table first.

    Raises:
        ConfigError: A file of others is in the way.
    """
    for sample in planned.values():
        sample.refuse_to_replace_others()
    return {name: sample.write(parquet=parquet) for name, sample in planned.items()}


def described(table: pd.DataFrame) -> dict[str, Any]:
    """Return the entries of a merged table that describe its columns, and the version."""
    return {
        "units": {"times": "min", **units_of(table)},
        "meanings": meanings_of(table),
        "version": __version__,
    }


def if_any(key: str, values: list[Any]) -> dict[str, Any]:
    """Return an entry before a header, if there are values."""
    return {key: values} if values else {}
