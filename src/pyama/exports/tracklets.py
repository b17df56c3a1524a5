"""Tracks without gaps, as formats need them that know a first and a last frame only."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from pyama.analysis.lineages import mothers
from pyama.exports.export_source import numbers_of
from pyama.traces.trace_rows import PARENT


@dataclass(frozen=True)
class Tracklets:
    """Parts of tracks: a cell has one, and one more after every gap and division.

    Attributes:
        rows: Columns frame, source_cell and label, for `ExportSource.labels`.
        spans: One row per part: label, cell, first, last and parent, the label before it: the
            mother, or the same cell before a gap; 0 for none. Parents end before their
            children begin.
    """

    rows: pd.DataFrame
    spans: pd.DataFrame


def tracklets(table: pd.DataFrame) -> Tracklets:
    """Cut the tracks of one field of view where a cell is absent, or goes on as a mother.

    The first part keeps the number of the cell; others get the next free numbers.

    Args:
        table: Traces of one field of view, sorted by cell and frame.
    """
    cells, frames = table["cell"].to_numpy(), table["frame"].to_numpy()
    born = births(table)
    is_new = np.ones(len(table), np.bool_)
    is_new[1:] = (np.diff(cells) != 0) | (np.diff(frames) != 1)
    is_new |= pd.MultiIndex.from_arrays([cells, frames]).isin(
        list(zip(born["mother"], born["frame"], strict=True))
    )
    first = np.flatnonzero(is_new)
    last = np.append(first[1:], len(table))[: len(first)] - 1
    spans = pd.DataFrame({"cell": cells[first], "first": frames[first], "last": frames[last]})
    spans.insert(0, "label", _labels(spans))
    spans["parent"] = _parents(spans, born)
    rows = numbers_of(table)
    rows["label"] = np.repeat(spans["label"].to_numpy(), last - first + 1)
    return Tracklets(rows, spans)


def births(table: pd.DataFrame) -> pd.DataFrame:
    """Return daughters of cells in the table: cell, mother, and their first frame."""
    if PARENT not in table:
        return pd.DataFrame({"cell": [], "mother": [], "frame": []}, dtype=np.int64)
    found = mothers(table).rename(columns={PARENT: "mother"})
    found["frame"] = found["cell"].map(table.groupby("cell")["frame"].min())
    known = found["mother"].isin(table["cell"])
    return found.loc[known, ["cell", "mother", "frame"]].astype(np.int64)


def _labels(spans: pd.DataFrame) -> np.ndarray:
    labels = spans["cell"].to_numpy(np.int64).copy()
    later = np.flatnonzero(spans["cell"].duplicated())
    labels[later] = labels.max(initial=0) + 1 + np.arange(len(later))
    if labels.max(initial=0) > np.iinfo(np.uint16).max:
        return np.arange(1, len(labels) + 1)
    return labels


def _parents(spans: pd.DataFrame, born: pd.DataFrame) -> list[int]:
    mother_of = dict(zip(born["cell"], born["mother"], strict=True))
    parts = dict(iter(spans.groupby("cell")))
    parents, before = [], (0, 0)
    for label, cell, first in spans[["label", "cell", "first"]].itertuples(index=False):
        if before[0] == cell:
            parents.append(before[1])
        else:
            mother = parts.get(mother_of.get(cell, 0), spans[:0])
            earlier = mother.loc[mother["last"] < first, "label"]
            parents.append(int(earlier.iloc[-1]) if len(earlier) else 0)
        before = (cell, label)
    return parents
