"""Traces read as tables, with the time of every frame."""

from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np

from pyama import layout
from pyama.errors import StoreError, reason
from pyama.traces.trace_files import check_inspection
from pyama.traces.trace_recording import run_times

if TYPE_CHECKING:
    import pandas as pd  # takes long to load, and most commands read no table

_BASE_DTYPES = {
    name: "bool" if name == "good" else "float64" if name.startswith("position") else "int64"
    for name in layout.BASE_COLUMNS
}


def load_traces(path: Path | str, unit: Literal["min", "h"] = "min") -> "pd.DataFrame":
    """Read the traces of one field of view and add the column `time`.

    Args:
        path: A `*_traces.csv` or `*_traces_inspected.csv` inside its output folder.
        unit: Unit of the column `time`: minutes or hours since the first frame of the
            recording.

    Returns:
        The columns of the file, with `time` after `frame`.

    Raises:
        StoreError: The file is missing or is not a traces file, it is an inspection of other
            traces than the current ones, it contains frames that the recording does not
            have, or the configuration of its run is missing.
    """
    import pandas as pd

    path = Path(path)
    check_inspection(path)
    try:
        table = pd.read_csv(path, dtype=_BASE_DTYPES)
    except (OSError, ValueError) as error:
        raise StoreError(f"{path} cannot be read as a table: {reason(error)}.") from error
    absent = [name for name in layout.BASE_COLUMNS if name not in table.columns]
    if absent:
        raise StoreError(
            f"{path} has no column {', '.join(absent)}; expected a traces file of pyama."
        )
    minutes = np.zeros(len(table))
    for fov in table["fov"].unique().tolist():
        frames = table.loc[table["fov"] == fov, "frame"]
        times = np.array(run_times(path.parent.parent, fov), np.float64)
        if not frames.between(0, len(times) - 1).all():
            raise StoreError(
                f"{path} contains frames {frames.min()} to {frames.max()} of FOV {fov}, but "
                f"the recording has {len(times)} frames. `pyama run` makes the file again."
            )
        minutes[frames.index] = times[frames]
    table.insert(3, "time", minutes / (60 if unit == "h" else 1))
    return table
