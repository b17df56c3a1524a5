"""The times of tables of traces: their unit, and tables that have only the number of a frame.

The unit stands in a line before the header such as `# Time units: min`, in the name of the
column such as `time (min)`, or is given by the user; without any of these, times are hours.
"""

import math
import re
import warnings
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from pyama.analysis.table_columns import IDENTITY
from pyama.errors import ConfigError
from pyama.time_warnings import span_problem
from pyama.units import duration_text, number_text, seconds_in

HOURS = "h"
_KEY = re.compile(r"time[ _]?units?", re.IGNORECASE)
_COLUMN = re.compile(r"\s*time(?:[ _(\[]+(?P<unit>[^\W\d_]+)[)\]]?)?\s*", re.IGNORECASE)


@dataclass(frozen=True)
class TableTime:
    """What a user says of the times of a table.

    Attributes:
        unit: Unit of the column `time` in any usual spelling, such as `min`.
        frame_interval: Minutes per frame, for a table without times.

    Raises:
        ConfigError: The unit is not known, or the interval is not positive.
    """

    unit: str | None = None
    frame_interval: float | None = None

    def __post_init__(self) -> None:
        if self.unit is not None and seconds_in(self.unit) is None:
            raise ConfigError(
                f"The unit of time {self.unit!r} is not known. Give one such as s, min or h."
            )
        interval = self.frame_interval
        if interval is not None and not 0 < interval < np.inf:
            raise ConfigError(
                f"The interval of the frames is {interval:g}; expected a positive number of "
                "minutes."
            )


def refuse_other_times(path: Path, given: TableTime) -> None:
    """Check what a user says of a table that has the time of every frame in minutes.

    Raises:
        ConfigError: The user says something else.
    """
    is_other = given.unit is not None and seconds_in(given.unit) != 60
    if is_other or given.frame_interval is not None:
        raise ConfigError(
            f"{path} has the time of every frame of its recording, in min. Leave out "
            f"{'--time-unit' if is_other else '--frame-interval'}."
        )


def with_hours(
    path: Path, table: pd.DataFrame, header: Mapping[str, Any], given: TableTime
) -> tuple[pd.DataFrame, str]:
    """Return a table with `time` in hours, and the unit in which it was.

    Args:
        path: The file, for messages.
        table: Any table. Without a column of times, and of frames, it is returned as it is.
        header: The entries before its header.
        given: What the user says.

    Returns:
        The table, and the unit that the table or the user names; empty if hours are assumed.

    Raises:
        ConfigError: User and table disagree, the unit is not known, or there are frames but
            no times and no interval.
    """
    column = _time_column(table)
    if column is None or _is_constant(table, column):
        return _by_frame(path, table, given, column), "min"
    if given.frame_interval is not None:
        raise ConfigError(
            f"{path} has times in its column {column!r}. Leave out --frame-interval."
        )
    unit = _agreed(path, _named_units(header, column), given.unit)
    hours = table[column] * ((seconds_in(unit or HOURS) or 0) / 3600)
    return table.assign(**{column: hours}).rename(columns={column: "time"}), unit


def _time_column(table: pd.DataFrame) -> str | None:
    """Return the name of the column of times; `time` goes before a name with a unit."""
    found = {str(name): match for name in table if (match := _COLUMN.fullmatch(str(name)))}
    usable = [
        name
        for name, match in found.items()
        if (match["unit"] is None or seconds_in(match["unit"]))
        and table[name].dtype.kind in "iuf"
    ]
    return min(usable, key=len, default=None)


def _is_constant(table: pd.DataFrame, column: str) -> bool:
    """Whether all rows have one time, although there are several rows per cell."""
    keys = [name for name in IDENTITY if name in table]
    n_cells = table.groupby(keys).ngroups if keys else 1
    return len(table) > n_cells and table[column].nunique() <= 1


def _by_frame(
    path: Path, table: pd.DataFrame, given: TableTime, constant: str | None
) -> pd.DataFrame:
    found = f"the same time in all rows ({constant})" if constant else "no column of times"
    column = next((name for name in table if str(name).strip().lower() == "frame"), None)
    if column is None or table[column].dtype.kind not in "iuf":
        if constant or given.frame_interval is not None:
            needed = (
                ", and no column frame for --frame-interval" if given.frame_interval else ""
            )
            raise ConfigError(
                f"{path} has {found}{needed}; its columns: {', '.join(map(str, table))}."
            )
        return table  # what it lacks is said where its other columns are read
    if given.frame_interval is None:
        raise ConfigError(
            f"{path} has {found}, but frames. Give the minutes per frame, such as "
            "--frame-interval 10"
        )
    if given.unit is not None and seconds_in(given.unit) != 60:
        raise ConfigError("--frame-interval is in minutes. Leave out --time-unit.")
    return table.assign(time=table[column] * (given.frame_interval / 60))


def _named_units(header: Mapping[str, Any], column: str) -> Iterator[tuple[str, str]]:
    """Yield the units that a table names, each with the place where it does."""
    for key, value in header.items():
        if _KEY.fullmatch(key):
            yield f"its line '# {key}: {value}'", str(value).strip()
    units = header.get("units")
    if isinstance(units, dict) and "time" in units:
        yield "its line '# units'", str(units["time"])
    match = _COLUMN.fullmatch(column)
    if match and match["unit"]:
        yield f"its column {column!r}", match["unit"]


def _agreed(path: Path, named: Iterable[tuple[str, str]], given: str | None) -> str:
    agreed, place = given or "", "--time-unit"
    for where, unit in named:
        seconds = seconds_in(unit)
        if seconds is None and given is None:
            raise ConfigError(
                f"{path} has times in {unit!r} according to {where}, which is not known. Give "
                "the unit with --time-unit."
            )
        if agreed and seconds is not None and seconds != seconds_in(agreed):
            raise ConfigError(
                f"{path} has times in {unit} according to {where}, but in {agreed} according "
                f"to {place}. Correct one of them."
            )
        if seconds is not None and not agreed:
            agreed, place = unit, where
    return agreed


def span_of(table: pd.DataFrame) -> str:
    """Return first and last time and the typical interval of a table with `time` in hours."""
    times = table["time"].to_numpy(float)
    if not np.isfinite(times).any():
        return "none"
    keys = [name for name in IDENTITY if name in table]
    ordered = table[[*keys, "time"]].sort_values([*keys, "time"])
    steps = ordered.groupby(keys)["time"].diff() if keys else ordered["time"].diff()
    steps = steps[steps > 0]
    every = f", every {duration_text(60 * steps.median())}" if len(steps) else ""
    times = times[np.isfinite(times)]
    first, last = float(times.min()), float(times.max())
    largest = max(abs(first), abs(last))
    digits = 2 - math.floor(math.log10(largest)) if largest else 2
    return f"{number_text(round(first, digits))} to {number_text(last)} h{every}"


def warn_of_span(path: Path, table: pd.DataFrame, unit: str | None, given: TableTime) -> None:
    """Warn of times that are improbable.

    Args:
        path: The file, for the message.
        table: With `time` in hours.
        unit: Unit that was named; empty if hours were assumed; None if the times come from
            the recording.
        given: What the user says.
    """
    times = table["time"].to_numpy(float)
    if len(np.unique(times[np.isfinite(times)])) < 2:
        return
    problem = span_problem(60 * float(np.nanmax(times) - np.nanmin(times)))
    if problem:
        message = f"The times of {path} span {problem}. {_span_advice(unit, given)}"
        warnings.warn(message, UserWarning, stacklevel=2)


def _span_advice(unit: str | None, given: TableTime) -> str:
    if unit is None:
        return "`pyama info` of the recording shows where they come from."
    if given.frame_interval is not None:
        return "Check --frame-interval: it is in minutes."
    if given.unit is not None:
        return f"Check --time-unit: they were read in {unit}."
    if unit:
        return f"The table says that they are in {unit}. If this is wrong, correct it there."
    return (
        "They were read in h, because the table names no unit. If this is wrong: "
        "--time-unit s (or min)"
    )
