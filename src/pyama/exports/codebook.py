"""What every column of exported tables means, and its unit."""

import pandas as pd

from pyama import layout
from pyama.algorithms.features import FLUORESCENCE_FEATURES, PHASE_FEATURES
from pyama.analysis.table_columns import meaning_of, unit_of
from pyama.metadata import MicroscopyMetadata
from pyama.traces.trace_rows import PARENT

_PX = "px"
_H = "h"
COLUMNS = {
    "sample": ("", "Sample of the field of view, from the file of samples; empty for none."),
    "position": ("", "Name that the microscope gave to the field of view."),
    "fov": ("", "Field of view: position of the stage, numbered from 0."),
    "cell": ("", "Number of the cell in its field of view, the same in all frames."),
    "frame": ("", "Frame, numbered from 0, as in every array of the results."),
    "time_h": (_H, "Time since the first frame of the recording."),
    "good": ("", "FALSE where a person has marked the cell as bad."),
    "position_x": (_PX, "Middle of the bounding box, from the left edge of the frame."),
    "position_y": (_PX, "Middle of the bounding box, from the upper edge of the frame."),
    "bbox_x0": (_PX, "First column of the bounding box."),
    "bbox_y0": (_PX, "First row of the bounding box."),
    "bbox_x1": (_PX, "One past the last column of the bounding box."),
    "bbox_y1": (_PX, "One past the last row of the bounding box."),
    "drift_x": (_PX, "Drift of the stage since the first frame, to the right."),
    "drift_y": (_PX, "Drift of the stage since the first frame, downwards."),
    PARENT: ("", "Number of the mother cell; 0 if none was found."),
    "source_cell": ("", "Number of the cell in the labels, before a person corrected tracks."),
    layout.LEFT_OUT_BY: ("", "Parameter that leaves the cell out of the traces; else empty."),
    "first_frame": ("", "First frame in which the cell is in the table."),
    "last_frame": ("", "Last frame in which the cell is in the table."),
    "n_frames": ("", "Number of frames in which the cell is in the table."),
    "first_time_h": (_H, "Time of the first frame of the cell."),
    "last_time_h": (_H, "Time of the last frame of the cell."),
}
"""Unit and meaning of the columns that are no features."""


def codebook(
    tables: dict[str, pd.DataFrame], metadata: MicroscopyMetadata, side: float | None
) -> pd.DataFrame:
    """Return one row per column of every table: table, column, unit, channel, meaning.

    Args:
        tables: By their names.
        metadata: Of the recording.
        side: Side of a pixel in µm; None if unknown.
    """
    rows = [
        (name, str(column), *described(str(column), metadata, side))
        for name, table in tables.items()
        for column in table
    ]
    return pd.DataFrame(rows, columns=["table", "column", "unit", "channel", "meaning"])


def described(
    column: str, metadata: MicroscopyMetadata, side: float | None
) -> tuple[str, str, str]:
    """Return unit, name of the channel, and meaning of a column; see `codebook`."""
    if column in COLUMNS:
        unit, meaning = COLUMNS[column]
        return unit, "", f"{meaning}{_scale(side) if unit == _PX else ''}"
    feature, _, number = column.rpartition("_ch_")
    is_known = number.isdigit() and int(number) < len(metadata.channel_names)
    channel = metadata.channel_names[int(number)] if is_known else ""
    unit = unit_of(column)
    meaning = meaning_of(column) or _feature(feature)
    return unit, channel, f"{meaning}{_scale(side) if _PX in unit else ''}"


def _feature(name: str) -> str:
    function = PHASE_FEATURES.get(name) or FLUORESCENCE_FEATURES.get(name)
    first, *_ = (getattr(function, "__doc__", None) or "").strip().split("\n\n")
    return " ".join(first.replace("`", "").split())


def _scale(side: float | None) -> str:
    return "" if side is None else f" 1 px is {side:g} \N{MICRO SIGN}m."
