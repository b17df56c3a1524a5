"""Traces whose area jumps, as if a cell had been joined with its neighbour."""

import re
from typing import TYPE_CHECKING, Any

from pyama.analysis.table_columns import cell_keys

if TYPE_CHECKING:
    import pandas as pd  # takes long to load

GROWTH = 4 / 3
"""No cell grows by this factor from one frame to the next."""
MAX_CELLS = 8
"""Largest number of cells that a sentence names."""
_AREA = re.compile(r"area(_um2)?_ch_\d+")


def area_jump_notes(table: "pd.DataFrame", sample: str) -> list[str]:
    """Return in a sentence which traces of a sample jump up in area, if any.

    A cell that divides halves its area, so that falls do not count.

    Args:
        table: One row per cell and frame. Without a column of areas, nothing is said.
        sample: Its name.
    """
    column = next((name for name in table if _AREA.fullmatch(str(name))), None)
    if column is None:
        return []
    keys = cell_keys(table)
    rows = table.sort_values([*keys, "frame"])
    before = rows.groupby(keys, sort=False, dropna=False)[["frame", column]].shift()
    grows = rows[column] >= GROWTH * before[column]
    jumps = rows[grows & (rows["frame"] == before["frame"] + 1) & (before[column] > 0)]
    cells = jumps.drop_duplicates(keys)
    if cells.empty:
        return []
    named = [_place(row) for row in cells[:MAX_CELLS].to_dict("records")]
    more = f" and {len(cells) - MAX_CELLS} more" if len(cells) > MAX_CELLS else ""
    n = len(rows.drop_duplicates(keys))
    return [
        f"{len(cells)} of {n} traces of the sample {sample!r} jump up in area by a third or "
        "more from one frame to the next: a cell was probably joined with its neighbour. Look "
        f"at these cells, or leave them out: {', '.join(named)}{more}."
    ]


def _place(row: dict[Any, Any]) -> str:
    recording = f"{row['recording']} " if "recording" in row else ""
    return f"{recording}FOV {row['fov']} cell {row['cell']}"
