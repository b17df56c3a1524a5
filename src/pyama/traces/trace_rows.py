"""The traces table as text: its columns, its header and the rows of one cell."""

import math
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from pyama import layout

PARENT = "parent"
"""Column with the number of the mother cell, 0 for none; present if divisions were sought."""
DRIFT = ("drift_x", "drift_y")
"""Columns with the drift of the stage in px; present if `registration` was on. A position
minus the drift is the position on a stage at rest."""
BACKGROUND_ERROR = "background_error"
"""Column, by channel, with the standard error of the background in counts; present if the
backgrounds go through planes. Empty where no background was visible."""
MAX_EXACT_INTEGER = 2.0**53
"""Larger whole numbers are written as floats: readers take them for text otherwise."""
WHOLE_NUMBER_FEATURES = frozenset({"area", "particle_num", "neighbours"})
"""Features that are whole numbers and written as such."""


def traces_columns(
    phase: tuple[int, Sequence[str]] | None,
    fluorescence: Mapping[int, Sequence[str]],
    extra: Sequence[str] = (),
) -> list[str]:
    """Return the columns of a traces file in their order.

    Args:
        phase: Phase contrast channel and its features; None without one.
        fluorescence: Features of every fluorescence channel.
        extra: Columns between the base columns and the features.
    """
    channels = [] if phase is None else [phase]
    channels += list(fluorescence.items())
    measured = [layout.column(name, channel) for channel, names in channels for name in names]
    return [*layout.BASE_COLUMNS, *extra, *measured]


def header(columns: Sequence[str]) -> str:
    """Return the first line of a CSV file."""
    return ",".join(columns) + "\n"


def cell_rows(
    fov: int,
    cell: int,
    frames: NDArray[np.int64],
    boxes: NDArray[np.int32],
    features: Mapping[str, NDArray[np.float64]],
) -> str:
    """Return the rows of one cell as text.

    Args:
        fov: 0-based index of the field of view.
        cell: Number of the cell.
        frames: 0-based indices of the frames in which the cell is present, shape (n,).
        boxes: Half-open boxes [y0, x0, y1, x1) in those frames, shape (n, 4).
        features: Values in those frames, shape (n,), by column name, in the order of the
            columns. NaN is written as an empty field.
    """
    y0, x0, y1, x1 = boxes.T.tolist()
    columns: list[Sequence[object]] = [
        frames.tolist(),
        ["True"] * len(frames),
        [(a + b) / 2 for a, b in zip(x0, x1, strict=True)],
        [(a + b) / 2 for a, b in zip(y0, y1, strict=True)],
        *(x0, y0, x1, y1),
        *(_texts(column, values) for column, values in features.items()),
    ]
    start = f"{fov},{cell},"
    return "".join(f"{start}{','.join(map(str, row))}\n" for row in zip(*columns, strict=True))


def _texts(column: str, values: NDArray[np.float64]) -> list[str]:
    whole = column == PARENT or column.rpartition("_ch_")[0] in WHOLE_NUMBER_FEATURES
    return [
        ""
        if math.isnan(value)
        else str(int(value))
        if whole and value.is_integer() and abs(value) < MAX_EXACT_INTEGER
        else repr(value)
        for value in values.tolist()
    ]
