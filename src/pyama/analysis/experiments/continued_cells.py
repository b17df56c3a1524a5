"""Cells of a recording found again in the recording that continues it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pyama.traces.trace_rows import PARENT

CLEAR = 0.5
"""A match is ambiguous if another overlap of one of its cells is a larger part of its own."""
LABEL = "label"
"""Column with the number of the cell in the tracked labels of its own recording."""
CONTINUED, NEW, LOST, AMBIGUOUS = "continued", "new", "lost", "ambiguous"
"""What becomes of a cell where a recording is continued."""
ROUND = 1000
"""New cells are numbered from the next multiple on, so that their own numbers can be read."""


@dataclass(frozen=True)
class Match:
    """Two masks that belong to one cell.

    Attributes:
        before: Label in the last frame of the first recording.
        after: Label in the first frame of the second one.
        overlap: Intersection over union.
        is_clear: Whether no other overlap of either cell is more than half as large.
    """

    before: int
    after: int
    overlap: float
    is_clear: bool


def match_masks(before: NDArray[Any], after: NDArray[Any], min_iou: float) -> list[Match]:
    """Find the same cells in two frames by the overlap of their masks.

    Two masks match if each overlaps with no other more, and by at least `min_iou`.

    Args:
        before: Labels, shape (H, W); 0 is background.
        after: Labels of the same shape.
        min_iou: Smallest intersection over union, as in the tracking.
    """
    both = (before > 0) & (after > 0)
    found, shared = np.unique(
        np.stack([before[both], after[both]]).astype(np.int64), axis=1, return_counts=True
    )
    old, new = _sizes(before), _sizes(after)
    pairs = {
        (a, b): n / (old[a] + new[b] - n)
        for a, b, n in zip(*found.tolist(), shared.tolist(), strict=True)
    }
    pairs = {pair: iou for pair, iou in pairs.items() if iou >= min_iou}
    overlaps: dict[tuple[str, int], list[float]] = {}
    for (a, b), iou in pairs.items():
        overlaps.setdefault(("before", a), []).append(iou)
        overlaps.setdefault(("after", b), []).append(iou)
    matches = []
    for (a, b), iou in pairs.items():
        second = max(_other(overlaps[key], iou) for key in (("before", a), ("after", b)))
        if second < iou:
            matches.append(Match(a, b, iou, is_clear=second <= CLEAR * iou))
    return matches


def _other(overlaps: list[float], own: float) -> float:
    """Return the largest overlap of a cell besides one; 0 if there is no other."""
    others = list(overlaps)
    others.remove(own)
    return max(others, default=0.0)


def _sizes(labels: NDArray[Any]) -> dict[int, int]:
    numbers, counts = np.unique(labels, return_counts=True)
    return dict(zip(numbers.tolist(), counts.tolist(), strict=True))


def moved(labels: NDArray[Any], y: float, x: float) -> NDArray[Any]:
    """Return labels moved down and to the right by whole pixels; what enters is background."""
    dy, dx = round(y), round(x)
    height, width = labels.shape
    result = np.zeros_like(labels)
    if abs(dy) < height and abs(dx) < width:
        target = np.s_[max(dy, 0) : height + min(dy, 0), max(dx, 0) : width + min(dx, 0)]
        source = np.s_[max(-dy, 0) : height + min(-dy, 0), max(-dx, 0) : width + min(-dx, 0)]
        result[target] = labels[source]
    return result


@dataclass(frozen=True)
class Continuation:
    """Rows of the second recording in the numbers of the first, and what became of the cells.

    Attributes:
        rows: Of the second recording, with cells, mothers and frames numbered on.
        cells: One row per cell: cell (number in the joined table), part_cell (its own number
            in the second recording, 0 for none), overlap (NaN for none) and result.
    """

    rows: pd.DataFrame
    cells: pd.DataFrame


def continue_cells(
    first: pd.DataFrame,
    second: pd.DataFrame,
    matches: Sequence[Match],
    n_frames: int,
    *,
    highest: int = 0,
) -> Continuation:
    """Number the cells and frames of a recording on.

    Args:
        first: Rows of the first recording, good and bad ones, with the column `LABEL`.
        second: The same of the second one.
        matches: See `match_masks`.
        n_frames: Number of frames of the first recording.
        highest: Highest number that the first recording has given to any cell.
    """
    last = _by_label(first[first["frame"] == n_frames - 1])
    start = _by_label(second[second["frame"] == 0])
    base = -(-max(highest, int(first["cell"].max()) if len(first) else 0) // ROUND) * ROUND
    numbers = {int(cell): base + int(cell) for cell in second["cell"].unique()}
    entries: list[tuple[int, int, float, str]] = []
    for match in matches:
        a, b = last.get(match.before), start.get(match.after)
        if a is not None and b is not None and match.is_clear:
            numbers[b] = a
            entries.append((a, b, match.overlap, CONTINUED))
        elif a is not None and not match.is_clear:
            entries.append((a, b or 0, match.overlap, AMBIGUOUS))
    known = {entry[0] for entry in entries}
    entries += [(a, 0, np.nan, LOST) for a in last.values() if a not in known]
    continued = {entry[1] for entry in entries if entry[3] == CONTINUED}
    fresh = [cell for cell in numbers if cell not in continued]
    entries += [(numbers[cell], cell, np.nan, NEW) for cell in fresh]
    columns = ["cell", "part_cell", "overlap", "result"]
    return Continuation(
        _renumbered(second, numbers, n_frames), pd.DataFrame(entries, columns=columns)
    )


def _by_label(rows: pd.DataFrame) -> dict[int, int]:
    return dict(zip(rows[LABEL].tolist(), rows["cell"].tolist(), strict=True))


def _renumbered(rows: pd.DataFrame, numbers: Mapping[int, int], n_frames: int) -> pd.DataFrame:
    rows = rows.assign(cell=rows["cell"].map(numbers), frame=rows["frame"] + n_frames)
    if PARENT in rows:  # mothers without a trace have no number in the joined table
        mothers = rows[PARENT].map(lambda mother: numbers.get(int(mother), 0))
        rows = rows.assign(**{PARENT: mothers})
    return rows


def carry_bad_marks(rows: pd.DataFrame) -> tuple[pd.DataFrame, int]:
    """Mark cells bad after a restart that were bad in the last frame before it.

    Args:
        rows: Of one field of view, with the column `part`.

    Returns:
        The rows, and the number of cells of which rows are bad for this reason only.
    """
    ordered = rows.sort_values("frame", kind="stable")
    ends = ordered.groupby(["cell", "part"], sort=False)["good"].last().reset_index()
    still_good = ends.groupby("cell")["good"].cummin()
    ends["good"] = still_good.groupby(ends["cell"]).shift(fill_value=True).astype(bool)
    bad = pd.MultiIndex.from_frame(ends.loc[~ends["good"], ["cell", "part"]])
    is_bad = pd.MultiIndex.from_frame(rows[["cell", "part"]]).isin(bad)
    changed = rows.loc[is_bad & rows["good"], "cell"].nunique()
    return rows.assign(good=rows["good"] & ~is_bad), int(changed)
