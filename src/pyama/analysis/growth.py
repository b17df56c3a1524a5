"""Growth rate, speed and path of each cell, computed from its whole trace."""

import numpy as np
import pandas as pd

from pyama.analysis.table_columns import cell_keys, require_columns
from pyama.analysis.time_checks import check_hours, refuse_doubled_times
from pyama.analysis.trace_shape import good_rows
from pyama.traces.trace_rows import DRIFT

PLACE = ("position_x", "position_y")


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
        One row per cell: (columns of `IDENTITY`,) fov, cell, n_points, and

        * growth_rate: slope of the logarithm by least squares, 1/h; NaN below three points
        * speed: length of the path divided by the time, µm/h; NaN below two points
        * path: length of the path, µm
        * distance: from the first to the last position, µm
        * straightness: distance divided by path, 0 to 1; NaN for a cell that never moved

    Raises:
        ConfigError: A column is missing, the times are not in hours, a cell has the same
            time twice, or `good` holds other values than True and False.
    """
    keys = cell_keys(table)
    require_columns(table, [*keys, "time", column, *place])
    check_hours(table, "time")
    table = good_rows(table)
    refuse_doubled_times(table, "time")
    rows = []
    for key, cell in table.sort_values("time", kind="stable").groupby(keys, sort=True):
        t = cell["time"].to_numpy(float)
        numbers = {
            "n_points": len(t),
            "growth_rate": _growth_rate(t, cell[column].to_numpy(float)),
            **_motion(t, _positions_at_rest(cell, place) * pixel_size_um),
        }
        rows.append(dict(zip(keys, key, strict=True)) | numbers)
    names = ("n_points", "growth_rate", "speed", "path", "distance", "straightness")
    return pd.DataFrame(rows, columns=[*keys, *names])


def _positions_at_rest(cell: pd.DataFrame, place: tuple[str, str]) -> np.ndarray:
    """Positions (x, y) in px as they would be on a stage at rest, shape (n, 2)."""
    places = cell[list(place)].to_numpy(float)
    if set(DRIFT) <= set(cell):
        places = places - cell[list(DRIFT)].to_numpy(float)
    return places


def _growth_rate(t: np.ndarray, y: np.ndarray) -> float:
    usable = np.isfinite(y) & (y > 0) & np.isfinite(t)
    t, logarithm = t[usable], np.log(y[usable])
    if len(t) < 3 or np.ptp(t) == 0:
        return np.nan
    off = t - t.mean()
    return float((off * logarithm).sum() / (off**2).sum())


def _motion(t: np.ndarray, places: np.ndarray) -> dict[str, float]:
    usable = np.isfinite(places).all(axis=1) & np.isfinite(t)
    t, places = t[usable], places[usable]
    if len(t) < 2:
        return dict.fromkeys(("speed", "path", "distance", "straightness"), np.nan)
    path = float(np.hypot(*np.diff(places, axis=0).T).sum())
    distance = float(np.hypot(*(places[-1] - places[0])))
    hours = float(t[-1] - t[0])
    return {
        "speed": path / hours if hours > 0 else np.nan,
        "path": path,
        "distance": distance,
        "straightness": min(distance / path, 1.0) if path > 0 else np.nan,
    }
