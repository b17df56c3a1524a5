"""Names of all folders, groups, files and columns of an output folder, and their parsers."""

import re

CONFIG_FILE = "processing_config.yaml"
RUN_FILE = "run.json"
LOG_FILE = "run.log"
SUPERSEDED = "superseded"
"""Folder for tables and reports that are replaced by others or no longer true."""
EARLIER, EARLIER_FACTS = ".earlier", "facts.json"
"""Folder of earlier tracks in that of a field of view, until their corrections are carried
over, and the file that says which they are."""
IMAGES = "images.zarr"
CELLS = "cells.zarr"
CELLS_ARCHIVE = "cells.zarr.zip"
CONTAINERS = IMAGES, CELLS, CELLS_ARCHIVE
CELLS_METADATA = "metadata"
FULL, PREVIEW = "0", "1"
"""Levels of a stack: full resolution, and the uint8 preview of half the size."""

BASE_COLUMNS = (
    "fov",
    "cell",
    "frame",
    "good",
    "position_x",
    "position_y",
    "bbox_x0",
    "bbox_y0",
    "bbox_x1",
    "bbox_y1",
)
"""Columns of every traces file."""
NAME_COLUMNS = ("experiment", "replicate", "recording", "sample")
"""Columns of tables that hold names, which are text, also where they look like numbers."""
CONDITION_COLUMNS = ("day", "plate", "condition")
"""Further columns of an experiment, which describe recordings and samples; text as well."""
LEFT_OUT_COLUMNS = ("reason", "frames_seen", "edge_distance")
"""Last columns of a table of cells that are left out of the traces: the parameter that leaves
the cell out, the number of frames in which it is present, and how close it comes to the edge
of the frame in px."""
LEFT_OUT_BY = "left_out_by"
"""Column of inspected traces that contain cells which a filter had left out: its `reason`,
empty for all other cells."""

_KINDS = "pc|fl|seg_labeled|seg_tracked|fl_background|fl_flat|fl_dark"
_GROUP = re.compile(rf"({_KINDS})_ch_(0|[1-9][0-9]*)")
_NUMBER = r"([0-9]{3}|[1-9][0-9]{3,})"
_FOV = re.compile(rf"fov_{_NUMBER}")
_TRACES = re.compile(rf"(.+)_fov_{_NUMBER}_traces(_inspected)?\.csv", re.DOTALL)
_LEFT_OUT = re.compile(rf".+_fov_{_NUMBER}_left_out\.csv", re.DOTALL)
_SHIFTS = re.compile(rf".+_fov_{_NUMBER}_shifts\.csv", re.DOTALL)


def fov_dir(fov: int) -> str:
    """Return the folder of a field of view."""
    return f"fov_{fov:03d}"


def parse_fov(name: str) -> int | None:
    """Return the field of view of a folder name; None for other folders."""
    match = _FOV.fullmatch(name)
    return int(match[1]) if match else None


def phase(channel: int) -> str:
    """Return the group of the raw phase contrast frames."""
    return f"pc_ch_{channel}"


def fluorescence(channel: int) -> str:
    """Return the group of the raw fluorescence frames."""
    return f"fl_ch_{channel}"


def raw(channel: int, pc: int | None) -> str:
    """Return the group of the raw frames of a channel; `pc` is the phase contrast channel."""
    return phase(channel) if channel == pc else fluorescence(channel)


def labeled(channel: int) -> str:
    """Return the group of the labels that are numbered frame by frame."""
    return f"seg_labeled_ch_{channel}"


def tracked(channel: int) -> str:
    """Return the group of the labels in which a cell keeps its number through time."""
    return f"seg_tracked_ch_{channel}"


def corrected_dir(channel: int | str) -> str:
    """Return the folder of labels that a person has corrected, in that of a field of view."""
    return f"seg_corrected_ch_{channel}.zarr"


def background(channel: int) -> str:
    """Return the group of the estimated background."""
    return f"fl_background_ch_{channel}"


def flat_field(channel: int) -> str:
    """Return the group of the flat field, a single frame, that traces are corrected with."""
    return f"fl_flat_ch_{channel}"


def dark_frame(channel: int) -> str:
    """Return the group of the dark frame, a single frame, that traces are corrected with."""
    return f"fl_dark_ch_{channel}"


def parse_group(name: str) -> tuple[str, int] | None:
    """Return kind (`pc`, `fl`, `seg_labeled`, ...) and channel of a group; None for others."""
    match = _GROUP.fullmatch(name)
    return (match[1], int(match[2])) if match else None


def is_labels(group: str) -> bool:
    """Whether a group holds labels, whose values identify cells and are no intensities."""
    return group.startswith("seg_")


def is_light(group: str) -> bool:
    """Whether a group holds a flat field or a dark frame, which are single frames."""
    return group.startswith(("fl_flat_", "fl_dark_"))


def traces_file(basename: str, fov: int) -> str:
    """Return the file of the traces of a field of view."""
    return f"{basename}_fov_{fov:03d}_traces.csv"


def inspected_file(basename: str, fov: int) -> str:
    """Return the file of the corrected traces of a field of view."""
    return f"{basename}_fov_{fov:03d}_traces_inspected.csv"


def inspection_log(basename: str, fov: int) -> str:
    """Return the file of the log of corrections to the traces of a field of view."""
    return f"{basename}_fov_{fov:03d}_traces_inspection.jsonl"


def left_out_file(basename: str, fov: int) -> str:
    """Return the file of the cells that are left out of the traces of a field of view."""
    return f"{basename}_fov_{fov:03d}_left_out.csv"


def is_left_out(name: str) -> bool:
    """Whether a file holds the cells that are left out of the traces."""
    return _LEFT_OUT.fullmatch(name) is not None


def shifts_file(basename: str, fov: int) -> str:
    """Return the file of the shifts of a field of view."""
    return f"{basename}_fov_{fov:03d}_shifts.csv"


def is_shifts(name: str) -> bool:
    """Whether a file holds the shifts of a field of view."""
    return _SHIFTS.fullmatch(name) is not None


def parse_traces(name: str) -> tuple[str, int, bool] | None:
    """Return basename, field of view and whether corrected; None for other files."""
    match = _TRACES.fullmatch(name)
    return (match[1], int(match[2]), match[3] is not None) if match else None


def column(feature: str, channel: int) -> str:
    """Return the column of a feature in a channel."""
    return f"{feature}_ch_{channel}"


def safe_name(name: str) -> str:
    """Return a name that is valid as a file name on every system and contains no path.

    Separators, reserved characters and characters that cannot be printed become `_`; leading
    dots are removed, and the name is truncated to 180 bytes.
    """
    clean = "".join(c if c.isprintable() and c not in '/\\:*?"<>|' else "_" for c in name)
    short = clean.lstrip(". ").encode()[:180].decode(errors="ignore")
    return short or "recording"


def basename(file_name: str) -> str:
    """Return a file name without its suffix; `.ome.tif` and others are one suffix."""
    for suffix in (".ome.tif", ".ome.tiff", ".ome.zarr", ".companion.ome"):
        if file_name.lower().endswith(suffix) and len(file_name) > len(suffix):
            return file_name[: -len(suffix)]
    stem, dot, _ = file_name.rpartition(".")
    return stem if dot and stem else file_name
