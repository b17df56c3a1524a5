"""Traces as CSV: their columns, their text, and how they are read back."""

import hashlib
import json
import math
import warnings
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from pyama import layout
from pyama.config import METADATA_KEY, ProcessingParams, parse_config
from pyama.documents import has_its_checksum, load_yaml
from pyama.errors import ConfigError, StoreError, reason
from pyama.metadata import MicroscopyMetadata, frame_times, parse_metadata

if TYPE_CHECKING:
    import pandas as pd  # takes long to load, and most commands read no table

PARENT = "parent"
"""Column with the number of the mother, 0 for none; there if divisions were looked for."""
DRIFT = ("drift_x", "drift_y")
"""Columns with the drift of the stage in px; there if `registration` was on. Positions less
these are those on a stage at rest."""
SHIFTS_COLUMNS = ("frame", "shift_y", "shift_x", "drift_y", "drift_x")
"""Of the table of shifts: how far down and to the right everything in the picture has moved
since the frame before, and since the first one, in px."""
SHIFT_DECIMALS = 2
"""They are written to 1/100 px."""
Place = tuple[float, float]
EXACT = 2.0**53
"""Larger whole numbers are written as floats: readers take them for text otherwise."""
COUNTS = frozenset({"area", "particle_num", "neighbours"})
"""Features that are whole numbers, and written as such."""

_STALE = "was made on other traces than those of the last run"
_BASE_DTYPES = {
    name: "bool" if name == "good" else "float64" if name.startswith("position") else "int64"
    for name in layout.BASE_COLUMNS
}


def traces_columns(
    phase: tuple[int, Sequence[str]] | None,
    fluorescence: Mapping[int, Sequence[str]],
    extra: Sequence[str] = (),
) -> list[str]:
    """Return the columns of a traces file in their order.

    Args:
        phase: Phase contrast channel and its features; None without one.
        fluorescence: Features of every fluorescence channel.
        extra: Columns between those of every traces file and the features.
    """
    channels = [] if phase is None else [phase]
    channels += list(fluorescence.items())
    measured = [layout.column(name, channel) for channel, names in channels for name in names]
    return [*layout.BASE_COLUMNS, *extra, *measured]


def header(columns: Sequence[str]) -> str:
    """Return the first line of a CSV file."""
    return ",".join(columns) + "\n"


def cell_rows(
    fov: int,
    cell: int,
    frames: NDArray[np.int64],
    boxes: NDArray[np.int32],
    features: Mapping[str, NDArray[np.float64]],
) -> str:
    """Return the lines of one cell.

    Args:
        fov: 0-based index of the field of view.
        cell: Number of the cell.
        frames: 0-based indices of the frames in which it is present, shape (n,).
        boxes: Half-open boxes [y0, x0, y1, x1) in those frames, shape (n, 4).
        features: Values in those frames, shape (n,), by column, in the order of columns.
            NaN becomes an empty field.
    """
    y0, x0, y1, x1 = boxes.T.tolist()
    columns: list[Sequence[object]] = [
        frames.tolist(),
        ["True"] * len(frames),
        [(a + b) / 2 for a, b in zip(x0, x1, strict=True)],
        [(a + b) / 2 for a, b in zip(y0, y1, strict=True)],
        *(x0, y0, x1, y1),
        *(_texts(column, values) for column, values in features.items()),
    ]
    start = f"{fov},{cell},"
    return "".join(f"{start}{','.join(map(str, row))}\n" for row in zip(*columns, strict=True))


def _texts(column: str, values: NDArray[np.float64]) -> list[str]:
    whole = column == PARENT or column.rpartition("_ch_")[0] in COUNTS
    return [
        ""
        if math.isnan(value)
        else str(int(value))
        if whole and value.is_integer() and abs(value) < EXACT
        else repr(value)
        for value in values.tolist()
    ]


def shifts_row(frame: int, drift: Place, before: Place) -> str:
    """Return the line of one frame, and before the first one the header.

    Args:
        frame: 0-based index.
        drift: How far down and to the right everything lies, compared with the first frame,
            (y, x) in px.
        before: The same in the frame before.
    """
    # Adding 0.0 makes 0.0 of -0.0.
    now, then = (
        [round(px, SHIFT_DECIMALS) + 0.0 for px in place] for place in (drift, before)
    )
    shift = [round(a - b, SHIFT_DECIMALS) + 0.0 for a, b in zip(now, then, strict=True)]
    row = ",".join(map(str, (frame, *shift, *now))) + "\n"
    return row if frame else header(SHIFTS_COLUMNS) + row


def load_shifts(path: Path) -> NDArray[np.float64]:
    """Read how far down and to the right everything lies in every frame.

    Returns:
        (y, x) in px compared with the first frame, shape (T, 2).

    Raises:
        StoreError: The file is missing, or is no table of shifts.
    """
    import pandas as pd

    try:
        table = pd.read_csv(path, dtype="float64")
    except (OSError, ValueError) as error:
        raise StoreError(f"{path} cannot be read as a table: {error}.") from error
    if tuple(table.columns) != SHIFTS_COLUMNS or not np.isfinite(table).all(axis=None):
        raise StoreError(
            f"{path} is no table of shifts: expected numbers in the columns "
            f"{', '.join(SHIFTS_COLUMNS)}. `pyama run` makes it again."
        )
    return table[["drift_y", "drift_x"]].to_numpy()


def find_traces(output_dir: Path) -> Iterator[tuple[int, Path]]:
    """Find the traces of every field of view; the inspected ones where there are any.

    An inspection that was made on other traces than those that are there now is left out,
    with a warning.

    Yields:
        Field of view and file, ascending.
    """
    folders = ((layout.parse_fov(path.name), path) for path in Path(output_dir).glob("fov_*"))
    for fov, folder in sorted((fov, path) for fov, path in folders if fov is not None):
        name, set_aside = _preferred(folder, fov)
        if set_aside:
            warnings.warn(
                f"{folder / set_aside} {_STALE} and is set aside. Inspect them again with "
                "`pyama view`.",
                UserWarning,
                stacklevel=2,
            )
        if name:
            yield fov, folder / name


def traces_of(output_dir: Path, fov: int) -> Path | None:
    """Return what `find_traces` finds of one field of view, without a warning."""
    folder = Path(output_dir) / layout.fov_dir(fov)
    name, _ = _preferred(folder, fov)
    return folder / name if name else None


def _preferred(folder: Path, fov: int) -> tuple[str, str]:
    """Return the name of the traces to be read, and of the inspection that is set aside."""
    names = {path.name for path in folder.glob("*.csv")}
    parsed = [entry for entry in map(layout.parse_traces, sorted(names)) if entry]
    own = [(basename, inspected) for basename, found, inspected in parsed if found == fov]
    # An inspection of traces that are no longer there is of another recording.
    current = [basename for basename, inspected in own if not inspected]
    for basename in current or [basename for basename, _ in own]:
        traces, inspection = (
            layout.traces_file(basename, fov),
            layout.inspected_file(basename, fov),
        )
        if inspection not in names:
            return traces, ""
        if _still_applies(folder, basename, fov):
            return inspection, ""
        return traces, inspection
    return "", ""


def _still_applies(folder: Path, basename: str, fov: int) -> bool:
    """Whether an inspection was made on the traces that are there; without a log it was."""
    made_on = inspected_digest(folder / layout.inspection_log(basename, fov))
    traces = folder / layout.traces_file(basename, fov)
    return made_on is None or not traces.exists() or made_on == traces_digest(traces)


def _refuse_a_stale_inspection(path: Path) -> None:
    basename, fov, inspected = layout.parse_traces(path.name) or ("", 0, False)
    if inspected and not _still_applies(path.parent, basename, fov):
        raise StoreError(
            f"{path} {_STALE}. Give {layout.traces_file(basename, fov)}, or inspect it again "
            "with `pyama view`."
        )


def traces_digest(path: Path) -> str:
    """Return the digest of a traces file, by which an inspection knows what it was made on."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def inspected_digest(log: Path) -> str | None:
    """Return the digest of the traces that an inspection was made on; None without one."""
    try:
        with log.open("rb") as lines:
            entry = json.loads(lines.readline(1000))
    except (OSError, ValueError):
        return None
    found = entry.get("traces") if isinstance(entry, dict) else None
    return found if isinstance(found, str) else None


def load_traces(path: Path | str, unit: Literal["min", "h"] = "min") -> "pd.DataFrame":
    """Read the traces of one field of view and add the column `time`.

    Args:
        path: A `*_traces.csv` or `*_traces_inspected.csv` inside its output folder.
        unit: Of the column `time`: minutes or hours since the first frame of the recording.

    Returns:
        The columns of the file, with `time` behind `frame`.

    Raises:
        StoreError: The file is missing or is no traces file, it is an inspection of other
            traces than those that are there, it names frames that the recording does not
            have, or the configuration of its run is missing.
    """
    import pandas as pd

    path = Path(path)
    _refuse_a_stale_inspection(path)
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
                f"{path} names frames from {frames.min()} to {frames.max()} of FOV {fov}, but "
                f"the recording has {len(times)} frames. `pyama run` makes the file again."
            )
        minutes[frames.index] = times[frames]
    table.insert(3, "time", minutes / (60 if unit == "h" else 1))
    return table


def run_times(output_dir: Path, fov: int) -> tuple[float, ...]:
    """Return the minutes of every frame of a field of view, as its run decided.

    Raises:
        StoreError: The folder has no `processing_config.yaml` that describes a recording,
            or the recording has no such field of view.
    """
    path = Path(output_dir) / layout.CONFIG_FILE
    try:
        found = path.stat()
    except OSError as error:
        raise StoreError(
            f"{path} cannot be read: {error.strerror}. It says what time it is in each frame."
        ) from error
    metadata, params = _recording(path, found.st_mtime_ns, found.st_size)
    if not 0 <= fov < metadata.n_fovs:
        raise StoreError(f"{path} describes {metadata.n_fovs} fields of view, but not {fov}.")
    return frame_times(metadata, params, fov)[0]


@lru_cache(maxsize=4)
def _recording(
    path: Path, changed_ns: int, size: int
) -> tuple[MicroscopyMetadata, ProcessingParams]:
    # Cached, since there is one such file for hundreds of tables, as long as it is the same.
    try:
        entries = load_yaml(path)
        if not has_its_checksum(path.read_bytes()):
            warnings.warn(
                f"{path} was changed since a run wrote it; the times are taken from it as it "
                "is. `pyama verify` tells whether anything else has changed.",
                UserWarning,
                stacklevel=4,
            )
    except ConfigError as error:
        raise StoreError(f"{error} It says what time it is in each frame.") from error
    if not isinstance(entries, dict) or METADATA_KEY not in entries:
        raise StoreError(f"{path} does not describe a recording: no section 'metadata'.")
    return parse_metadata(entries[METADATA_KEY]), parse_config(str(path), entries).params
