"""The trace of the cell that is selected in napari, from the features of its tracks."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pyama import layout
from pyama.exports.export_source import SOURCE
from pyama.napari_plugin.result_layers import KEY
from pyama.napari_plugin.saved_layers import origin_of

PLACES = ("time", "frame", "cell", SOURCE, "good", *layout.BASE_COLUMNS, "parent")
"""Columns of traces that are no values over time."""


@dataclass(frozen=True)
class CellTrace:
    """One value of one cell over time.

    Attributes:
        cell: Number of the cell in the traces.
        hours: Time of every row, shape (n,), ascending.
        values: Values, shape (n,); NaN where there is none.
    """

    cell: int
    hours: NDArray[np.float64]
    values: NDArray[np.float64]


def tracks_beside(layers: Iterable[Any], labels: Any) -> Any:
    """Return the layer of tracks of the same field of view as a layer of labels, or None."""
    origin = origin_of(labels)
    if origin is None:
        return None
    wanted = {**origin, "group": "traces"}
    return next((layer for layer in layers if layer.metadata.get(KEY) == wanted), None)


def is_tracked(labels: Any) -> bool:
    """Whether the numbers in a layer of labels are those of tracked cells."""
    origin = origin_of(labels)
    kind, _ = layout.parse_group(origin["group"] if origin else "") or ("", 0)
    return kind == "seg_tracked"


def value_columns(tracks: Any) -> list[str]:
    """Return the columns of traces that are drawn over time."""
    columns = [name for name in tracks.features.columns if name not in PLACES]
    return [name for name in columns if name != "track_id"]


def cell_of(tracks: Any, label: int, frame: int) -> int | None:
    """Return the cell in the traces that a number in tracked labels belongs to.

    Args:
        tracks: The layer of tracks.
        label: Number in `seg_tracked`. An inspection may have joined, cut or swapped tracks.
        frame: The frame that is shown.

    Returns:
        None if it has no trace.
    """
    table = tracks.features
    source = table[SOURCE] if SOURCE in table else table["cell"]
    rows = table[source == label]
    here = rows[rows["frame"] == frame]
    for found in (here, rows):
        if len(found):
            return int(found["cell"].iloc[0])
    return None


def trace_of(tracks: Any, cell: int, column: str) -> CellTrace:
    """Return one value of a cell over time."""
    table: pd.DataFrame = tracks.features
    rows = table[table["cell"] == cell]
    hours, values = (rows[name].to_numpy(np.float64) for name in ("time", column))
    return CellTrace(cell, hours, values)


def default_column(columns: Sequence[str]) -> str:
    """Return the column that is drawn first: the total intensity if there is one."""
    totals = [name for name in columns if name.startswith("intensity_total")]
    return next(iter([*totals, *columns]), "")
