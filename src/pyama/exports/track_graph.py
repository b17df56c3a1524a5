"""Tracks as a graph: a node per cell and frame, edges to the next frame and to daughters."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pyama.exports.export_source import LabelFrames
from pyama.exports.tracklets import births


@dataclass(frozen=True)
class TrackGraph:
    """The tracks of one field of view.

    Attributes:
        edges: Rows of the table from and to which an edge leads, int64 (m, 2).
        tracklet: Part between divisions that every row belongs to, from 1, int64 (n,).
        lineage: Lineage that every row belongs to, from 1, int64 (n,).
    """

    edges: NDArray[np.int64]
    tracklet: NDArray[np.int64]
    lineage: NDArray[np.int64]


def track_graph(table: pd.DataFrame) -> TrackGraph:
    """Connect the rows of every cell, and mothers with daughters.

    An edge may skip frames in which a cell is absent.

    Args:
        table: Traces of one field of view, sorted by cell and frame.
    """
    before = _rows_before(table)
    rows = np.flatnonzero(before >= 0)
    edges = np.stack([before[rows], rows], axis=1)
    out_degree = np.bincount(edges[:, 0], minlength=len(table))
    tracklet, lineage = np.zeros((2, len(table)), np.int64)
    for row in np.argsort(table["frame"].to_numpy(), kind="stable").tolist():
        source = before[row]
        lineage[row] = lineage[source] if source >= 0 else lineage.max() + 1
        goes_on = source >= 0 and out_degree[source] == 1
        tracklet[row] = tracklet[source] if goes_on else tracklet.max() + 1
    return TrackGraph(edges, tracklet, lineage)


def _rows_before(table: pd.DataFrame) -> NDArray[np.int64]:
    """Return the row before every row, of the same cell or its mother; -1 for none."""
    cells, frames = table["cell"].to_numpy(), table["frame"].to_numpy()
    before = np.arange(len(table)) - 1
    starts = np.flatnonzero(np.diff(cells, prepend=0) != 0)
    before[starts] = -1
    first = dict(zip(cells[starts].tolist(), starts.tolist(), strict=True))
    for cell, mother, birth in births(table).itertuples(index=False):
        earlier = np.flatnonzero((cells == mother) & (frames < birth))
        if len(earlier):
            before[first[cell]] = earlier[-1]
    return before


def measured_positions(labels: LabelFrames, table: pd.DataFrame) -> pd.DataFrame:
    """Measure the mask of every row of a table.

    Args:
        labels: With the numbers of the cells in the table.
        table: Traces of the same field of view.

    Returns:
        Columns y and x, the centroid, and area, in px, one row per row of the table.
    """
    found = np.zeros((len(table), 3))
    rows_of = table.groupby("frame").indices
    for t, frame in enumerate(labels):
        rows = rows_of.get(t, np.zeros(0, np.intp))
        cells = table["cell"].to_numpy()[rows]
        flat, n = frame.ravel(), int(cells.max(initial=0)) + 1
        places = [axis.ravel() for axis in np.indices(frame.shape)]
        area = np.bincount(flat, minlength=n)[cells]
        sums = [np.bincount(flat, weights=place, minlength=n)[cells] for place in places]
        found[rows] = np.stack(
            [*(total / np.maximum(area, 1) for total in sums), area], axis=1
        )
    return pd.DataFrame(found, table.index, ["y", "x", "area"])
