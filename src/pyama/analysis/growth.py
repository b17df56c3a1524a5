"""Growth rate, speed and path of each cell, computed from its whole trace."""

import numpy as np
import pandas as pd

from pyama.analysis.lineages import parts_between_divisions, with_parent
from pyama.analysis.table_columns import (
    cell_keys,
    require_columns,
    with_conditions,
    with_text_names,
)
from pyama.analysis.time_checks import check_hours, refuse_doubled_times
from pyama.analysis.trace_shape import good_rows, noise
from pyama.traces.trace_rows import DRIFT

PLACE = ("position_x", "position_y")
MOTION = ("speed", "path", "jitter", "distance", "straightness")
NUMBERS = ("n_points", "growth_rate", "n_positions", *MOTION)
_PART = "between divisions"


def growth_and_motion(
    table: pd.DataFrame,
    column: str = "area_ch_0",
    *,
    pixel_size_um: float = 1.0,
    place: tuple[str, str] = PLACE,
) -> pd.DataFrame:
    """Compute growth and motion of every cell.

    Args:
        table: One row per cell and frame with the columns fov, cell, time (hours),
            `column` and `place`. Other columns of `pyama.analysis.table_columns.IDENTITY` are
            kept. Rows whose `good` is False are left out.
        column: Column that grows exponentially, such as an area or an intensity. Values that
            are not positive are left out.
        pixel_size_um: Side of a pixel in micrometres; with 1, lengths are in pixels.
        place: Columns of x and y in pixels; `centroid_x_ch_0` and `centroid_y_ch_0` are more
            accurate for cells that change their shape. The drift of the stage is subtracted
            if the table has it, in the columns `drift_x` and `drift_y`.

    Returns:
        One row per cell: (columns of `IDENTITY`,) fov, cell, parent, day, plate and condition
        if the table has them, and

        * n_points: values that count for the growth rate
        * growth_rate: slope of the logarithm by least squares, 1/h; NaN below three points.
          A cell that divides and goes on has one slope, and a level of its own after each
          division. A division is known from the column parent only
        * n_positions: positions that count for the motion
        * speed: length of the path divided by the time, µm/h; NaN below two points
        * path: length of the path, µm. Speed and path contain the error of the positions, and
          the more so the shorter the interval of the frames: with an error of s in x and in
          y, a cell that does not move has a path of 1.77 s per frame (Rayleigh distribution).
          Compare them between recordings with equal intervals only
        * jitter: standard deviation of the positions around a smooth path, µm, in x and in y;
          what is irregular in the motion counts as well; NaN below five points. A speed
          that is not much above 1.77 jitter / interval is that of the error. Distances are
          hardly affected by it
        * distance: from the first to the last position, µm
        * straightness: distance divided by path, 0 to 1; NaN for a cell that never moved

    Raises:
        ConfigError: A column is missing, the times are not in hours, a cell has the same
            time twice, or `good` holds other values than True and False.
    """
    keys = cell_keys(table)
    require_columns(table, [*keys, "time", column, *place])
    check_hours(table, "time")
    table = with_text_names(good_rows(table))
    refuse_doubled_times(table, "time")
    rows = []
    every = table
    table = table.assign(**{_PART: parts_between_divisions(table)})
    for key, cell in table.sort_values("time", kind="stable").groupby(keys, sort=True):
        t = cell["time"].to_numpy(float)
        numbers = {
            **_growth(t, cell[column].to_numpy(float), cell[_PART].to_numpy()),
            **_motion(t, _positions_at_rest(cell, place) * pixel_size_um),
        }
        rows.append(dict(zip(keys, key, strict=True)) | numbers)
    found = pd.DataFrame(rows, columns=[*keys, *NUMBERS])
    cells = with_conditions(with_parent(found[keys], every), every)
    return cells.join(found[list(NUMBERS)])


def _positions_at_rest(cell: pd.DataFrame, place: tuple[str, str]) -> np.ndarray:
    """Positions (x, y) in px as they would be on a stage at rest, shape (n, 2)."""
    places = cell[list(place)].to_numpy(float)
    if set(DRIFT) <= set(cell):
        places = places - cell[list(DRIFT)].to_numpy(float)
    return places


def _growth(t: np.ndarray, y: np.ndarray, part: np.ndarray) -> dict[str, float]:
    """Return the slope of the logarithm that all parts of a trace have in common."""
    usable = np.isfinite(y) & (y > 0) & np.isfinite(t)
    t, logarithm = t[usable], np.log(y[usable])
    _, part = np.unique(part[usable], return_inverse=True)
    size = np.maximum(np.bincount(part), 1)
    off = t - (np.bincount(part, t) / size)[part]
    squares = float((off**2).sum())
    is_known = len(t) >= 3 and squares > 0
    return {
        "n_points": len(t),
        "growth_rate": float((off * logarithm).sum()) / squares if is_known else np.nan,
    }


def _motion(t: np.ndarray, places: np.ndarray) -> dict[str, float]:
    usable = np.isfinite(places).all(axis=1) & np.isfinite(t)
    t, places = t[usable], places[usable]
    if len(t) < 2:
        return {"n_positions": len(t), **dict.fromkeys(MOTION, np.nan)}
    path = float(np.hypot(*np.diff(places, axis=0).T).sum())
    distance = float(np.hypot(*(places[-1] - places[0])))
    hours = float(t[-1] - t[0])
    return {
        "n_positions": len(t),
        "speed": path / hours if hours > 0 else np.nan,
        "path": path,
        "jitter": _jitter(places),
        "distance": distance,
        "straightness": min(distance / path, 1.0) if path > 0 else np.nan,
    }


def _jitter(places: np.ndarray) -> float:
    """Return the deviation around a smooth path, from second differences; NaN for few."""
    if len(places) < 5:
        return np.nan
    return float(np.sqrt((noise(places.T) ** 2).mean()))
