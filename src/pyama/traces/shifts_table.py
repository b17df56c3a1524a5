"""The table of shifts: the motion of the picture in every frame, written and read."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pyama.errors import StoreError
from pyama.traces.table_text import read_table_text
from pyama.traces.trace_rows import header

SHIFTS_COLUMNS = ("frame", "shift_y", "shift_x", "drift_y", "drift_x")
"""Columns: the motion of the picture since the previous frame (shift) and since the first
frame (drift), in px, positive down and to the right."""
SHIFT_DECIMALS = 2
"""Shifts are written to 1/100 px."""
Offset = tuple[float, float]


def shifts_row(frame: int, drift: Offset, before: Offset) -> str:
    """Return the row of one frame as text; that of the first frame begins with the header.

    Args:
        frame: 0-based index.
        drift: Motion of the picture since the first frame, (y, x) in px, positive down and
            to the right.
        before: The same in the previous frame.
    """
    # Adding 0.0 turns -0.0 into 0.0.
    now, then = (
        [round(px, SHIFT_DECIMALS) + 0.0 for px in place] for place in (drift, before)
    )
    shift = [round(a - b, SHIFT_DECIMALS) + 0.0 for a, b in zip(now, then, strict=True)]
    row = ",".join(map(str, (frame, *shift, *now))) + "\n"
    return row if frame else header(SHIFTS_COLUMNS) + row


def load_shifts(path: Path) -> NDArray[np.float64]:
    """Read the drift of a field of view.

    Returns:
        Motion of the picture since the first frame, (y, x) in px, shape (T, 2).

    Raises:
        StoreError: The file is missing, or is not a table of shifts.
    """
    table = read_table_text(path).frame()
    if (
        tuple(table.columns) != SHIFTS_COLUMNS
        or any(kind.kind not in "if" for kind in table.dtypes)
        or not np.isfinite(table).all(axis=None)
    ):
        raise StoreError(
            f"{path} is not a table of shifts: expected numbers in the columns "
            f"{', '.join(SHIFTS_COLUMNS)}. `pyama run` makes it again."
        )
    return table[["drift_y", "drift_x"]].to_numpy(np.float64)
