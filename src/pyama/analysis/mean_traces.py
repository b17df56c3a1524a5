"""Mean and quartiles of the cells of a sample over time."""

import math
from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pyama.analysis.table_columns import cell_keys
from pyama.analysis.trace_shape import Values

FEWEST_CELLS = 3
SMALLEST_SHARE = 0.2
"""A mean is not drawn where fewer cells are left than `FEWEST_CELLS`, or than this share of
the largest number at any time: the cells that are left are others than those before."""
MAX_INTERVALS = 2.0
"""A longer interval, relative to those beside it, is a gap, in which no mean is drawn."""
DENSE = 4
"""Largest number of common times, relative to the points of the longest trace."""


def mean_over_time(table: pd.DataFrame, column: str) -> pd.DataFrame:
    """Describe the cells of a sample over time.

    Fields of view are imaged one after the other, and recordings with other intervals. Every
    cell is therefore interpolated to times that are common to all, but neither across missing
    frames nor, by more than half an interval, beyond its first and last point.

    Args:
        table: Traces of one sample with the columns fov, cell and `time` in hours.
        column: Column of the traces; rows without a finite value are left out.

    Returns:
        One row per common time at which any cell has a value: time (h), mean, count (cells),
        low and high (quartiles). Where all cells were imaged at the same times, these are the
        common times.
    """
    cells = list(_cells(table, column))
    times = _common_times([t for t, _ in cells])
    y = np.full((len(cells), len(times)), np.nan)
    steps = _steps(times)
    for row, (t, values) in zip(y, cells, strict=True):
        row[:] = values if np.array_equal(t, times) else _at(times, steps, t, values)
    y = np.sort(y, axis=0)  # NaN last
    count = np.isfinite(y).sum(axis=0)
    some = count > 0
    y, times, count = y[:, some], times[some], count[some]
    mean = np.nansum(y, axis=0) / count
    low, high = (_quantile(y, count, share) for share in (0.25, 0.75))
    return pd.DataFrame(
        {"time": times, "mean": mean, "count": count, "low": low, "high": high}
    )


def _quantile(y: Values, count: NDArray[np.intp], share: float) -> Values:
    """Return a quantile of every column of sorted values, whose first `count` are finite."""
    place = share * (count - 1)
    below = place.astype(int)
    columns = np.arange(y.shape[1])
    low, high = y[below, columns], y[np.minimum(below + 1, count - 1), columns]
    return low + (place - below) * (high - low)


def drawn_mean(table: pd.DataFrame, column: str) -> tuple[pd.DataFrame, str]:
    """Return the part of a mean over time that figures show.

    Returns:
        The rows of `mean_over_time` without those in which few cells are left, with a row
        without values and cells in every gap, which interrupts the line; and a sentence that
        says that few cells are left, empty if all are shown.
    """
    means = mean_over_time(table, column)
    most = int(means["count"].max()) if len(means) else 0
    least = min(most, max(FEWEST_CELLS, math.ceil(SMALLEST_SHARE * most)))
    drawn = means[means["count"] >= least]
    is_cut = len(drawn) < len(means)
    return _interrupted(drawn), f"mean where at least {least} cells are left" if is_cut else ""


def _interrupted(means: pd.DataFrame) -> pd.DataFrame:
    """Add a row without values in the middle of every gap.

    A gap is an interval of more than twice those before and after it.
    """
    time = means["time"].to_numpy(float)
    steps = np.diff(time)
    if len(steps) < 2:
        return means
    beside = np.maximum(np.append(0.0, steps[:-1]), np.append(steps[1:], 0.0))
    gaps = np.flatnonzero(steps > MAX_INTERVALS * (1 + 1e-6) * beside)
    if not len(gaps):
        return means
    middle = pd.DataFrame({"time": time[gaps] + steps[gaps] / 2, "count": 0})
    return pd.concat([means, middle]).sort_values("time", ignore_index=True)


def _cells(table: pd.DataFrame, column: str) -> Iterator[tuple[Values, Values]]:
    """Yield times and values of every cell, in order of time."""
    numbers = table[["time", column]].to_numpy(float)
    kept = np.isfinite(numbers).all(axis=1)
    which = table.groupby(cell_keys(table)).ngroup().to_numpy()
    kept &= which >= 0
    (t, y), which = numbers[kept].T, which[kept]
    order = np.lexsort((t, which))
    begins = np.flatnonzero(np.diff(which[order])) + 1
    parts = zip(np.split(t[order], begins), np.split(y[order], begins), strict=True)
    yield from parts if len(order) else ()


def _common_times(cells: Sequence[Values]) -> Values:
    """Return the times to which cells are interpolated.

    Times that differ by less than the smallest interval between frames are one.
    """
    if not cells:
        return np.empty(0)
    steps = np.concatenate([np.diff(t) for t in cells])
    steps = steps[steps > 0]
    times = np.unique(np.concatenate(cells))
    grid = _merged(times, steps.min() if len(steps) else 0.0)
    if len(grid) > DENSE * max(map(len, cells)):  # such as after a pause of a few seconds
        grid = _merged(times, float(np.median(steps)) if len(steps) else 0.0)
    return grid


def _merged(times: Values, width: float) -> Values:
    """Return the means of times that lie closer together than a width."""
    begins, last = [0], times[0]
    for i, time in enumerate(times):
        if time - last > (1 - 1e-6) * width and i:
            begins.append(i)
            last = time
    counts = np.diff([*begins, len(times)])
    return np.where(counts > 1, np.add.reduceat(times, begins) / counts, times[begins])


def _steps(grid: Values) -> tuple[Values, Values]:
    """Return the shorter and the longer of the intervals beside each time."""
    if len(grid) < 2:
        return np.zeros(len(grid)), np.zeros(len(grid))
    steps = np.diff(grid)
    left, right = np.append(steps[0], steps), np.append(steps, steps[-1])
    return np.minimum(left, right), np.maximum(left, right)


def _at(grid: Values, steps: tuple[Values, Values], t: Values, y: Values) -> Values:
    """Return a trace at common times; NaN where it has no value."""
    after = np.searchsorted(t, grid)
    before = t[np.maximum(after - 1, 0)]
    behind = t[np.minimum(after, len(t) - 1)]
    shorter, longer = steps
    usual = np.sort(t[1:] - t[:-1])[(len(t) - 1) // 2] if len(t) > 1 else 0.0
    is_near = np.minimum(abs(grid - before), abs(grid - behind)) <= shorter / 2
    is_inside = (t[0] <= grid) & (grid <= t[-1])
    is_joined = behind - before <= 1.5 * np.maximum(longer, usual)
    return np.where(is_near | (is_inside & is_joined), np.interp(grid, t, y), np.nan)
