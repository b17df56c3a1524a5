"""Cells that somebody keeps although a filter left them out, in numbers of new tracks."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pyama.traces.corrected_table import Table


def kept_labels(
    old: Table, new: Table, partner: NDArray[np.int64], counted: NDArray[np.bool_], label: int
) -> list[int]:
    """Return the cells of the new labels that are a cell of the earlier ones.

    A new cell counts if most of the shorter one of both is in the other, and only if such
    cells make up most of the earlier one.

    Args:
        old: Earlier traces with the cells that were left out.
        new: The same of the new run.
        partner: See `pyama.traces.carried_corrections.partners`.
        counted: Rows of `new` in frames that `old` has, too.
        label: Number in the earlier labels.
    """
    rows = old.source == label
    found = partner[rows]
    labels, counts = np.unique(new.source[found[found >= 0]], return_counts=True)
    n = int(rows.sum())
    same = {
        number: count
        for number, count in zip(labels.tolist(), counts.tolist(), strict=True)
        if 2 * count > min(n, _size(new, counted, number))
    }
    return sorted(same) if 2 * sum(same.values()) > n else []


def _size(new: Table, counted: NDArray[Any], label: int) -> int:
    return int(np.count_nonzero(counted & (new.source == label)))
