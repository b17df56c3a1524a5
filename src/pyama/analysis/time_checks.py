"""Checks of the times of traces, which are hours in every function that takes a table."""

import warnings
from numbers import Real
from typing import TYPE_CHECKING

import numpy as np

from pyama.analysis.table_columns import cell_keys
from pyama.errors import ConfigError
from pyama.time_warnings import span_problem
from pyama.units import seconds_in

if TYPE_CHECKING:
    import pandas as pd  # takes long to load, and models need none


def check_hours(table: "pd.DataFrame", time: str) -> None:
    """Check that the times of a table are in hours, and warn where that is improbable.

    Args:
        table: Traces of cells. What pyama has read says its unit in `attrs["units"]`; other
            tables are taken to be in hours.
        time: Column of the times.

    Raises:
        ConfigError: The table says that it is in another unit.
    """
    units = table.attrs.get("units")
    unit = units.get(time) if isinstance(units, dict) else None
    if unit is not None and seconds_in(str(unit)) != 3600:
        raise ConfigError(
            f"The column {time!r} is in {unit} according to attrs['units'] of the table; "
            "expected h. Convert the column and the entry."
        )
    times = table[time].to_numpy(float)
    times = times[np.isfinite(times)]
    if unit is not None or len(np.unique(times)) < 2:
        return
    problem = span_problem(60 * float(np.ptp(times)))
    if problem:
        text = (
            f"The column {time!r} spans {problem}. It was read in h, because the table names "
            "no unit. If this is wrong, convert it."
        )
        warnings.warn(text, UserWarning, stacklevel=4)


def refuse_doubled_times(table: "pd.DataFrame", when: str, where: str = "The table") -> None:
    """Check that no cell has two rows at the same time.

    Args:
        table: Traces of cells.
        when: Column of times (h), or `frame`. Rows without a value there are not checked.
        where: What the table is, for the message.

    Raises:
        ConfigError: Names the first cell that has.
    """
    rows = table[table[when].notna()]
    keys = cell_keys(table)
    doubled = rows[rows.duplicated([*keys, when])]
    if doubled.empty:
        return
    first = doubled.iloc[0]
    at = f"frame {first[when]:g}" if when == "frame" else f"{first[when]:.4g} h"
    names = {
        key: f"{first[key]:g}" if isinstance(first[key], Real) else first[key] for key in keys
    }
    named = [f" of {key} {name}" for key, name in names.items() if key not in ("fov", "cell")]
    raise ConfigError(
        f"{where} has more than one row of cell {names['cell']} in FOV {names['fov']}"
        f"{''.join(named)} at {at}, as if tables had been put together whose cells have the "
        f"same numbers ({len(doubled)} such rows). Name each table in a column such as sample "
        "or recording."
    )


def refuse_several_rows(table: "pd.DataFrame") -> None:
    """Check that a table has one row per cell.

    Raises:
        ConfigError: Names the first cell that has several.
    """
    if not {"fov", "cell"} <= set(table):
        return
    keys = cell_keys(table)
    doubled = table[table.duplicated(keys)]
    if len(doubled):
        first = doubled.iloc[0]
        n = (table[keys] == first[keys]).all(axis=1).sum()
        raise ConfigError(
            f"The table has {n} rows of cell {first['cell']} in FOV {first['fov']}; expected "
            "one row per cell. "
            "`trace_features` gives one row per cell of a table of traces."
        )
