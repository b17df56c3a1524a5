"""The time over which traces of several samples are compared."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from pyama.analysis.table_columns import IDENTITY
from pyama.analysis.trace_shape import Values
from pyama.errors import ConfigError
from pyama.units import number_text

WHOLE = 0.05
"""Part of the window that may be missing at either end of a cell that is seen throughout."""
SAME = 0.01
"""Windows that differ by less, as a part of their length, are the same."""
SHOWN = 8
"""Largest number of groups that a note lists."""


@dataclass(frozen=True)
class Window:
    """The time over which features of traces are computed.

    Attributes:
        start: Hours; NaN without values.
        end: Hours; before `start` if the groups have no time in common.
        interval: Hours between two frames, the shortest of all groups; 0 if not known.
        seen: First and last time with a value of every group, in hours.
        wanted: Start and end that were asked for, in hours; None for the common time.
    """

    start: float
    end: float
    interval: float
    seen: Mapping[str, tuple[float, float]]
    wanted: tuple[float, float] | None = None

    def contains(self, t: Values) -> Any:
        """Return which times lie in the window, to half of an interval."""
        margin = self.interval / 2
        return (t >= self.start - margin) & (t <= self.end + margin)

    def covered_by(self, first: Values, last: Values) -> Any:
        """Return which cells are seen from the start to the end of the window.

        Args:
            first: First time with a value of each cell in the window; NaN without one.
            last: Last such time.
        """
        missing = max(1.5 * self.interval, WHOLE * (self.end - self.start))
        return (first - self.start <= missing) & (self.end - last <= missing)

    @property
    def text(self) -> str:
        """Such as `0 to 9.75 h`."""
        return _span(self.start, self.end)

    def notes(self) -> Iterator[str]:
        """Yield sentences if a wanted window was cut, or if groups differ in their times."""
        yield from self._cut()
        firsts, lasts = zip(*self.seen.values(), strict=True) if self.seen else ((), ())
        apart = max((np.ptp(firsts), np.ptp(lasts)), default=0) if self.seen else 0
        if apart <= max(self.interval, SAME * (self.end - self.start)):
            return
        seen = [f"{name} from {_span(*span)}" for name, span in self.seen.items()]
        many = f" and {len(seen) - SHOWN} more" if len(seen) > SHOWN else ""
        shown = ", ".join(seen[:SHOWN]) + many
        if self.start > self.end:
            yield (
                f"The traces cover different times: {shown}. They have no time in common, so "
                "that features of the traces are empty. Describe each sample by itself."
            )
        else:
            yield (
                f"The traces cover different times: {shown}. Features of the traces are "
                f"computed over the window {self.text}; later and earlier frames do not count."
            )

    def _cut(self) -> Iterator[str]:
        if self.wanted is None or not self.seen:
            return
        beyond = max(self.start - self.wanted[0], self.wanted[1] - self.end)
        if beyond > max(self.interval, SAME * (self.end - self.start)):
            yield (
                f"The window {_span(*self.wanted)} is longer than the traces: it was cut to "
                f"{self.text}."
            )


def window_of(
    t: Values, y: Values, ids: pd.DataFrame, wanted: tuple[float, float] | None = None
) -> Window:
    """Return the window of traces: the time that all groups have in common.

    A group is what has the same experiment, replicate, recording and sample, as far as there
    are such columns.

    Args:
        t: Hours, shape (n_cells, T), in order of time.
        y: Values, shape (n_cells, T); NaN where there is none.
        ids: One row per cell, see `pyama.analysis.trace_shape.trace_arrays`.
        wanted: Start and end of the window in hours, instead of the common time; it is cut to
            the time in which any cell was seen.

    Raises:
        ConfigError: `wanted` does not end after it begins, or no trace was seen then.
    """
    if wanted is not None and not wanted[0] < wanted[1]:
        raise ConfigError(
            f"The window is {wanted[0]:g} to {wanted[1]:g} h; expected an end after the start."
        )
    times = np.where(np.isfinite(y), t, np.nan)
    keys = [name for name in ids if name in IDENTITY and name not in ("fov", "cell")]
    seen, interval = _seen(times, ids, keys)
    if not seen:
        return Window(np.nan, np.nan, 0, {})
    firsts, lasts = np.array(list(seen.values())).T
    if wanted is not None:
        if wanted[0] > lasts.max() or wanted[1] < firsts.min():
            raise ConfigError(
                f"The window is {_span(*wanted)}, but traces were seen from "
                f"{_span(firsts.min(), lasts.max())}."
            )
        start, end = max(wanted[0], firsts.min()), min(wanted[1], lasts.max())
    else:
        start, end = firsts.max(), lasts.min()
    return Window(float(start), float(end), interval, seen, wanted)


def _seen(
    times: Values, ids: pd.DataFrame, keys: Sequence[str]
) -> tuple[dict[str, tuple[float, float]], float]:
    """Return first and last time of every group, and the shortest interval."""
    names = pd.Series([" / ".join(map(str, row)) for row in ids[list(keys)].to_numpy()])
    seen, intervals = {}, []
    for name, rows in names.groupby(names, sort=False).groups.items():
        own = times[np.asarray(rows)]
        if np.isfinite(own).any():
            seen[str(name)] = float(np.nanmin(own)), float(np.nanmax(own))
            steps = np.diff(own, axis=1)
            steps = steps[steps > 0]
            intervals += [float(np.median(steps))] if steps.size else []
    return seen, min(intervals, default=0.0)


def parse_window(text: str) -> tuple[float, float] | None:
    """Return start and end of a window such as `0-8`, in hours; None for no text.

    Raises:
        ConfigError: The text is not of this form.
    """
    if not text:
        return None
    start, _, end = text.partition("-")
    try:
        return float(start), float(end)
    except ValueError:
        raise ConfigError(f"The window is {text!r}; expected hours such as 0-8.") from None


def window_warning(table: pd.DataFrame, by: str) -> str:
    """Return a warning if features were computed over different windows, else nothing.

    Args:
        table: One row per cell, with window_start and window_end if it is from
            `pyama.analysis.statistics.trace_features`.
        by: Column that names the sample.
    """
    if not {"window_start", "window_end"} <= set(table):
        return ""
    bounds = table[["window_start", "window_end"]]
    windows = bounds.groupby(table[by], observed=True).agg(["min", "max"])
    apart = (bounds.max() - bounds.min()).max()
    if not apart > SAME * (bounds["window_end"] - bounds["window_start"]).max():
        return ""
    shown = [
        f"{name} {_span(row['window_start', 'min'], row['window_end', 'max'])}"
        for name, row in windows.iterrows()
    ]
    return (
        "The features of the traces were computed over different windows: "
        f"{', '.join(shown)}. They may differ for this reason alone. Compute them from one "
        "table of all samples, or with the same `window`."
    )


def _span(start: float, end: float) -> str:
    return f"{number_text(start)} to {number_text(end)} h"
