"""Lineages: mothers of cells, divisions, and sums over all descendants of a cell."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pyama import layout
from pyama.analysis.table_columns import cell_keys, with_conditions
from pyama.errors import ConfigError
from pyama.traces.trace_rows import PARENT

SUMMED = ("area", "area_um2", "intensity_total", "particle_num")
"""Features of which a lineage has the sum; that of others, such as a mean, has no meaning."""
LINEAGES = "lineages"
"""Option of a fit to the sums of lineages, as recorded in its table."""
_SOURCE = "source_cell"


def mothers(table: pd.DataFrame) -> pd.DataFrame:
    """Return the mother of every cell.

    Args:
        table: Traces with the columns fov, cell, parent and `time` or `frame`. Where an
            inspection gave cells other numbers (column `source_cell`), parents get them, too.

    Returns:
        One row per cell: the columns of `IDENTITY` and parent, 0 for none. A mother without
        a trace keeps her number; after an inspection, she is 0.
    """
    keys = cell_keys(table)
    ordered = _in_time(table)
    found = ordered.drop_duplicates(keys)[[*keys, PARENT]].reset_index(drop=True)
    parents = found[PARENT].fillna(0).astype(np.int64)
    if _SOURCE in table:
        places = [name for name in keys if name != "cell"]
        renamed = ordered.drop_duplicates([*places, _SOURCE], keep="last")
        renamed = renamed[[*places, _SOURCE, "cell"]].rename(columns={"cell": "mother"})
        joined = found.assign(**{_SOURCE: parents}).merge(
            renamed, how="left", on=[*places, _SOURCE]
        )
        parents = joined["mother"].fillna(0).astype(np.int64)
    found[PARENT] = parents.where(parents != found["cell"], 0)
    return found


def with_parent(cells: pd.DataFrame, table: pd.DataFrame) -> pd.DataFrame:
    """Add the column parent to a table with one row per cell, if its traces have it.

    Args:
        cells: The columns of `IDENTITY`.
        table: The traces, see `mothers`.
    """
    if PARENT not in table:
        return cells
    return cells.merge(mothers(table), how="left", on=cell_keys(table))


def parts_between_divisions(table: pd.DataFrame) -> NDArray[np.int64]:
    """Return a number for every row that changes at the divisions of its cell.

    A cell divides where cells begin that name it as their mother; or where its own mother
    changes, as after an inspection has joined it with one.

    Args:
        table: As for `mothers`; without the column parent, the number is 0 everywhere.

    Returns:
        Shape (n,), in the order of the rows; 0 before the first division.
    """
    part = np.zeros(len(table), np.int64)
    if PARENT not in table or table.empty:
        return part
    keys, when = cell_keys(table), _when(table)
    rows = table[[*keys, when, PARENT]].reset_index(drop=True)
    ordered = rows.sort_values(when, kind="stable")
    cells = [ordered[key] for key in keys]
    changes = ordered.groupby(keys)[PARENT].diff().fillna(0) != 0
    part[ordered.index] = changes.groupby(cells).cumsum()
    begun = ordered.groupby(keys)[when].min().reset_index(name="birth")
    births = mothers(table).merge(begun, on=keys).drop(columns="cell")
    births = births.rename(columns={PARENT: "cell"}).drop_duplicates([*keys, "birth"])
    both = rows.reset_index().merge(births, on=keys)
    later = both.loc[both[when] >= both["birth"], "index"]
    return part + np.bincount(later, minlength=len(table))


def sum_lineages(table: pd.DataFrame) -> pd.DataFrame:
    """Add up the cells that descend from one cell.

    Args:
        table: Traces as from `load_merged`, with the column parent (`divisions` of a run).

    Returns:
        One trace per lineage with the number of its first cell: the columns of `IDENTITY`,
        frame, time, good, parent (0), position (the mean), and the sums of the features in
        `SUMMED`, NaN where a cell has no value; no other columns. A row where one of the
        cells is missing is left out, and rows end where a cell is lost: where it ends
        without two daughters, and others go on.

    Raises:
        ConfigError: The table has no column parent.
    """
    if PARENT not in table:
        raise ConfigError(
            "The table has no column parent, from which lineages are known. A run with --set "
            "divisions=true writes it."
        )
    keys, when = cell_keys(table), _when(table)
    names = [str(name) for name in table]
    sums = [name for name in names if name.rpartition("_ch_")[0] in SUMMED]
    means = [name for name in _PLACE if name in table]
    others = [name for name in ("frame", "time", "good") if name in table and name != when]
    cells = _with_founders(mothers(table))
    rows = table[[*keys, when, *others, *means, *sums]].merge(cells, on=keys)
    lineage = [*keys[:-1], "founder"]
    groups = rows.groupby([*lineage, when])
    out = groups[others].first().join(groups[means].mean())
    out = out.join(groups[sums].sum().where(groups[sums].count().eq(groups.size(), axis=0)))
    out = out.assign(n=groups.size(), **{PARENT: 0}).reset_index()
    out = out[out["n"].to_numpy() == _expected(out, _with_spans(cells, rows, when), when)]
    out = out.rename(columns={"founder": "cell"})
    if "sample" in out:  # in the order of the table
        places = {name: i for i, name in enumerate(table["sample"].unique())}
        out = out.sort_values("sample", key=lambda names: names.map(places), kind="stable")
    out = with_conditions(out.reset_index(drop=True), table)
    kept = {*layout.CONDITION_COLUMNS, *others, when, *means, *sums}
    out = out[[*keys, PARENT, *(name for name in names if name in kept and name in out)]]
    out = out.reset_index(drop=True)
    out.attrs = table.attrs
    return out


_PLACE = ("position_x", "position_y")


def is_of_lineages(header: Mapping[str, Any]) -> bool:
    """Whether a table of fits holds lineages, given the entries before its header."""
    options = header.get("options")
    return isinstance(options, dict) and bool(options.get(LINEAGES))


def _with_founders(cells: pd.DataFrame) -> pd.DataFrame:
    """Add the first cell of the lineage of every cell, as far as it has a trace."""
    keys = cell_keys(cells)
    mother = {tuple(row[:-1]): row[-1] for row in cells[[*keys, PARENT]].to_numpy(object)}
    founders = []
    for cell in mother:
        first, seen = cell, {cell}
        while mother[first] and (before := (*first[:-1], mother[first])) in mother:
            if before in seen:
                break
            first = before
            seen.add(first)
        founders.append(first[-1])
    return cells.assign(founder=founders)


def _with_spans(cells: pd.DataFrame, rows: pd.DataFrame, when: str) -> pd.DataFrame:
    """Add first and last time of every cell and of its mother, and when it is lost."""
    keys = cell_keys(cells)
    spans = rows.groupby(keys)[when].agg(first="min", last="max").reset_index()
    cells = cells.merge(spans, on=keys)
    cells[PARENT] = cells[PARENT].replace(0, -1)  # a cell may have the number 0
    of_mother = cells[[*keys, "last"]].rename(columns={"cell": PARENT, "last": "mother_last"})
    cells = cells.merge(of_mother, how="left", on=[*keys[:-1], PARENT])
    heirs = cells[cells["first"] > cells["mother_last"]]
    n = heirs.groupby([*keys[:-1], PARENT]).size().rename("heirs").reset_index()
    cells = cells.merge(n.rename(columns={PARENT: "cell"}), how="left", on=keys)
    return cells.assign(lost=cells["last"].where(cells.pop("heirs").fillna(0) < 2, np.inf))


def _expected(rows: pd.DataFrame, cells: pd.DataFrame, when: str) -> NDArray[np.int64]:
    """Return the number of cells that a lineage has in each row; -1 after one is lost."""
    lineage = [*cell_keys(cells)[:-1], "founder"]
    pairs = rows[[*lineage, when]].reset_index().merge(cells, on=lineage)
    time = pairs[when]
    begun = (time >= pairs["first"]) | (time > pairs["mother_last"])
    pairs["there"] = begun & (time <= pairs["last"])
    by_row = pairs.groupby("index")
    lost = rows[when].to_numpy() > by_row["lost"].min().to_numpy()
    return np.where(lost, -1, by_row["there"].sum().to_numpy())


def _when(table: pd.DataFrame) -> str:
    return "time" if "time" in table else "frame"


def _in_time(table: pd.DataFrame) -> pd.DataFrame:
    return table.sort_values(_when(table), kind="stable")
