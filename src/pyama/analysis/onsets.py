"""Which traces rise above their noise and stay there, and when they begin to."""

from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from pyama.analysis.hinges import best_hinge
from pyama.analysis.trace_shape import MAD_TO_SIGMA, Values, points_first, smooth

Flags = NDArray[np.bool_]
Indices = NDArray[np.intp]

FEWEST_POINTS = 10
"""With fewer points, nothing is said about a trace."""
LASTING = 6
"""A level lasts if it is the median of this part of a trace: a sixth, 5 points or more."""
SHORTEST_LEVEL = 5
"""Its smallest number of points."""
SPACING = 7
"""Noise is measured over up to a seventh of a trace: a step spoils two of five differences."""
SPIKE = 6.0
"""A point that exceeds its four neighbours by so many times the noise is an outlier."""
UNSEEN = 3.0
"""The rising line, continued to the first frame, has to lie lower than the baseline there.

In units of the noise. Otherwise, the beginning of the rise was not seen.
"""
JUMP = 6.0
"""A step between frames that is so many times their spread off the usual one is a jump."""
ROWS = 500
"""Traces per block, which bounds the memory."""


@dataclass(frozen=True)
class Onsets:
    """Rises of traces, one entry per trace.

    Attributes:
        time: When the rise begins, in the unit of the times; NaN for traces that do not rise,
            and for those whose rise began before the second frame, so that it was not seen.
        kink: The same, and also a guess for the others: the best kink of a hinge; NaN with
            fewer than three points.
        rises: Whether a trace rises and stays up.
        seen: Whether the beginning of the rise was seen; False for traces that do not rise.
        known: Whether the others mean anything: False with fewer than `FEWEST_POINTS` points,
            and for traces that rise only if their jumps are taken out, such as those of a cell
            that was joined with its neighbour for some frames.
    """

    time: Values
    kink: Values
    rises: Flags
    seen: Flags
    known: Flags


@dataclass(frozen=True)
class _Levels:
    """Lasting levels of traces: the largest rise from one to a later one.

    Attributes:
        low: Level before the rise, shape (n_cells,).
        high: Level after it.
        first: Index of the first point of the lower level.
        half: Index of the first point that lies above the middle for a lasting time.
    """

    low: Values
    high: Values
    first: Indices
    half: Indices


def find_onsets(t: Values, y: Values) -> Onsets:
    """Find the traces that rise, and the times at which they leave their baseline.

    A trace rises if a later lasting level (the median of a sixth of the points) exceeds an
    earlier one by a multiple of the noise, see `lasting_noise` and `needed_rise`. A constant
    followed by a rising straight line is fitted up to the middle between both levels, without
    outliers (Hudson 1966, doi:10.1080/01621459.1966.10482198); the onset is the point where
    the two meet.

    Args:
        t: Times, shape (T,) or (n_cells, T), increasing.
        y: Traces, shape (n_cells, T); NaN where there is no value.
    """
    times, y, number = points_first(t, y)
    time, kink = np.full((2, len(y)), np.nan)
    rises, seen = np.zeros((2, len(y)), bool)
    out = Onsets(time, kink, rises, seen, number >= FEWEST_POINTS)
    for n in np.unique(number[number >= 3]):
        rows = np.flatnonzero(number == n)
        for begin in range(0, len(rows), ROWS):
            part = rows[begin : begin + ROWS]
            _fill(out, part, times[part, :n], y[part, :n])
    return out


def _fill(out: Onsets, rows: Indices, t: Values, y: Values) -> None:
    """Set the entries of some traces without gaps."""
    noise, levels = lasting_noise(y), _lasting_levels(y)
    rises = out.known[rows] & _exceeds(levels, noise, y.shape[1])
    hinge = best_hinge(t, np.where(_rising_part(y, levels) & ~spikes(y), y, np.nan))
    lower = hinge.slope * (hinge.kink - t[:, 0])
    seen = rises & (hinge.kink >= t[:, 1]) & (lower > UNSEEN * np.maximum(hinge.noise, noise))
    out.kink[rows], out.rises[rows], out.seen[rows] = hinge.kink, rises, seen
    rest = rows[~rises]
    steady = without_jumps(y[~rises])
    out.known[rest] &= ~_exceeds(_lasting_levels(steady), lasting_noise(steady), y.shape[1])
    out.time[rows] = np.where(seen, hinge.kink, np.nan)


def _exceeds(levels: _Levels, noise: Values, n: int) -> Flags:
    """Return whether traces of `n` points rise by more than their noise allows."""
    rise = levels.high - levels.low
    return (rise > needed_rise(n) * noise) & (rise > 0)


def needed_rise(n: int) -> float:
    """Return how many times the noise a trace of `n` points has to rise by.

    At most 5 % of flat traces with a correlation of up to 0.9 between successive frames
    exceed it, see `benchmarks/onsets.py`. The longer a level lasts, the less it varies.
    """
    return float(np.clip(7 * np.sqrt(32 / n), 4, 6.5))


def lasting_noise(y: Values) -> Values:
    """Estimate the standard deviation of the noise, also where it is correlated in time.

    Differences over several frames contain what differences of neighbours miss (Hall and
    Van Keilegom 2003, doi:10.1111/1467-9868.00395): the largest of the noises in second
    differences over 1, 2, 4, ... frames, up to a seventh of the trace. Their medians are
    robust to outliers and to steps. A curved trace makes the estimate larger.

    Args:
        y: Traces without gaps, shape (n_cells, T), T of at least 3.

    Returns:
        Shape (n_cells,), in the unit of `y`.
    """
    longest = max(1, round(y.shape[1] / SPACING))
    spacings = [*(2**k for k in range(16) if 2**k < longest), longest]
    bends = [y[:, 2 * s :] - 2 * y[:, s:-s] + y[:, : -2 * s] for s in spacings]
    medians = [np.median(np.abs(bend), axis=1) for bend in bends]
    return np.max(medians, axis=0) * MAD_TO_SIGMA / np.sqrt(6)


def spikes(y: Values) -> Flags:
    """Return which points are outliers: far beyond two points before and two after.

    After Hampel's filter (Pearson et al. 2016, doi:10.1186/s13634-016-0383-6), but a point
    between its neighbours is none, so that steps and slopes are kept. The first and last two
    points are kept.

    Args:
        y: Traces without gaps, shape (n_cells, T).
    """
    out = np.zeros(y.shape, bool)
    if y.shape[1] < SHORTEST_LEVEL:
        return out
    near = [y[:, k : y.shape[1] - 4 + k] for k in (0, 1, 3, 4)]
    far = SPIKE * lasting_noise(y)[:, np.newaxis]
    middle = y[:, 2:-2]
    above, below = middle - np.max(near, axis=0), np.min(near, axis=0) - middle
    out[:, 2:-2] = (above > far) | (below > far)
    return out


def without_jumps(y: Values) -> Values:
    """Return traces in which steps between frames that are far from the others are usual ones.

    Args:
        y: Traces without gaps, shape (n_cells, T), T of at least 2.
    """
    steps = np.diff(y, axis=1)
    usual = np.median(steps, axis=1, keepdims=True)
    spread = MAD_TO_SIGMA * np.median(np.abs(steps - usual), axis=1, keepdims=True)
    steps = np.where(np.abs(steps - usual) > JUMP * spread, usual, steps)
    return np.cumsum(np.hstack([y[:, :1], steps]), axis=1)


def _lasting_levels(y: Values) -> _Levels:
    n = y.shape[1]
    width = min(max(SHORTEST_LEVEL, n // LASTING), n // 2)
    step = max(1, width // 5)
    medians = np.median(sliding_window_view(y, width, axis=1)[:, ::step], axis=2)
    starts = np.arange(medians.shape[1]) * step
    apart = -(-width // step)
    lowest = np.minimum.accumulate(medians, axis=1)[:, :-apart]
    rows = np.arange(len(y))
    top = (medians[:, apart:] - lowest).argmax(axis=1)
    low, high = lowest[rows, top], medians[rows, top + apart]
    first = (medians <= low[:, np.newaxis]).argmax(axis=1)
    middle = ((low + high) / 2)[:, np.newaxis]
    later = starts >= starts[first][:, np.newaxis]
    half = starts[((medians >= middle) & later).argmax(axis=1)][:, np.newaxis]
    reached = (smooth(y) >= middle) & (np.arange(n) >= half)
    return _Levels(low, high, starts[first], np.maximum(reached.argmax(axis=1), 2))


def _rising_part(y: Values, levels: _Levels) -> Flags:
    """Return the points from the baseline up to half of the rise, at least three."""
    column = np.arange(y.shape[1])
    first, half = levels.first[:, np.newaxis], levels.half[:, np.newaxis]
    above = smooth(y) >= ((levels.low + levels.high) / 2)[:, np.newaxis]
    before = np.where(above & (column < first), column + 1, 0).max(axis=1)
    begin = np.minimum(before, np.maximum(levels.half - 2, 0))[:, np.newaxis]
    return (column >= begin) & (column <= half)
