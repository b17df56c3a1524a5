"""Properties of a trace that need no model: its valid points, noise and crossings."""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from pyama.analysis.lineages import with_parent
from pyama.analysis.table_columns import (
    cell_keys,
    require_columns,
    with_conditions,
    with_text_names,
)
from pyama.analysis.time_checks import check_hours, refuse_doubled_times
from pyama.errors import ConfigError

if TYPE_CHECKING:
    import pandas as pd  # takes long to load, and models need none

Values = NDArray[np.float64]

WINDOW = 5
"""Length in points of the running mean in which peaks and crossings are searched for."""
MAD_TO_SIGMA = 1.4826
"""Standard deviation of a normal distribution in units of its median absolute deviation."""


def good_rows(table: "pd.DataFrame") -> "pd.DataFrame":
    """Return the rows of a table whose `good` is True; all rows if there is no such column.

    Raises:
        ConfigError: The column holds other values than True and False (or 1 and 0). Words
            such as `no` would count as True.
    """
    if "good" not in table:
        return table
    odd = table["good"][~table["good"].isin([True, False])]
    if len(odd):
        value = "an empty field" if odd.isna().iloc[0] else repr(odd.iloc[0])
        raise ConfigError(f"The column 'good' holds {value}; expected True or False.")
    return table[table["good"].astype(bool)]


def trace_arrays(
    table: "pd.DataFrame", column: str, time: str
) -> tuple[Values, Values, "pd.DataFrame"]:
    """Return the traces of a table as arrays.

    Args:
        table: One row per cell and frame. Rows whose `good` is False, and rows without fov or
            cell, are left out.
        column: Column of the values.
        time: Column of the times, in hours.

    Returns:
        Times and values, both (n_cells, T), padded with NaN, and the columns that identify
        a trace, see `IDENTITY`, with parent, day, plate and condition if the table has them;
        one row per trace, sorted.

    Raises:
        ConfigError: A column is missing, times or values are not numbers, times are not in
            hours, a cell has the same time twice, the name of a sample is missing, or `good`
            holds other values than True and False.
    """
    keys = cell_keys(table)
    require_columns(table, keys, numbers=(time, column))
    check_hours(table, time)
    table = with_text_names(good_rows(table).dropna(subset=["fov", "cell"]))
    refuse_doubled_times(table, time)
    groups = table.groupby(keys, sort=True)
    row, place = groups.ngroup().to_numpy(), groups.cumcount().to_numpy()
    ids = table[keys].iloc[np.unique(row, return_index=True)[1]].reset_index(drop=True)
    shape = len(ids), int(place.max(initial=0)) + 1
    t, y = np.full(shape, np.nan), np.full(shape, np.nan)
    t[row, place], y[row, place] = table[time], table[column]
    return t, y, with_conditions(with_parent(ids, table), table)


def points_first(t: Values, y: Values) -> tuple[Values, Values, NDArray[np.intp]]:
    """Move the points that have a value to the front, in order of time.

    Args:
        t: Times, shape (T,) or (n_cells, T).
        y: Traces, shape (n_cells, T). A point counts if time and value are finite.

    Returns:
        Times and values, both (n_cells, T), at least one column wide, padded with the last
        time and with NaN; and the number of points, shape (n_cells,).
    """
    y = np.asarray(y, float)
    times = np.broadcast_to(np.asarray(t, float), y.shape)
    if not y.shape[1]:
        times = y = np.full((len(y), 1), np.nan)
    present = np.isfinite(y) & np.isfinite(times)
    order = np.argsort(np.where(present, times, np.inf), axis=1, kind="stable")
    number = present.sum(axis=1)
    column = np.arange(y.shape[1])
    last = np.maximum(number - 1, 0)[:, np.newaxis]
    values = np.where(column <= last, np.take_along_axis(y, order, axis=1), np.nan)
    order = np.take_along_axis(order, np.minimum(column, last), axis=1)
    times = np.take_along_axis(times, order, axis=1)
    values[number == 0] = np.nan
    return np.where(np.isfinite(times), times, 0.0), values, number


def noise(y: Values) -> Values:
    """Estimate the standard deviation of the noise around a slowly changing trace.

    Second differences remove the trend, and their median is robust to outliers. Missing
    values are removed, not interpolated.

    Args:
        y: Traces, shape (n_cells, T); NaN where there is no value.

    Returns:
        Shape (n_cells,), in the unit of `y`; 0 with fewer than three values.
    """
    out = np.zeros(len(y))
    for i, row in enumerate(y):
        bends = np.diff(row[np.isfinite(row)], 2)
        if bends.size:
            out[i] = MAD_TO_SIGMA / np.sqrt(6) * np.median(np.abs(bends))
    return out


def smooth(y: Values) -> Values:
    """Return the running mean over `WINDOW` points, fewer at the ends; NaN is missing.

    Shape (n_cells, T) as `y`; NaN where no point of the window has a value.
    """
    half = WINDOW // 2
    present = np.isfinite(y)
    padding = ((0, 0), (half + 1, half))
    total = np.cumsum(np.pad(np.where(present, y, 0.0), padding), axis=1)
    count = np.cumsum(np.pad(present, padding), axis=1)
    width = y.shape[1]
    number = (count[:, WINDOW:] - count[:, :width]).astype(float)
    number[number == 0] = np.nan
    return (total[:, WINDOW:] - total[:, :width]) / number


def first_crossing(y: Values, level: Values) -> NDArray[np.intp]:
    """Return the index of the first value on the other side of a level than the first one.

    Args:
        y: Traces, shape (n_cells, T); NaN is on neither side.
        level: Shape (n_cells,).

    Returns:
        Shape (n_cells,); the last index for traces that never cross the level.
    """
    side = np.sign(y - level[:, np.newaxis])
    crossed = side * side[:, :1] < 0
    return np.where(crossed.any(axis=1), crossed.argmax(axis=1), y.shape[1] - 1)
