"""Traces read as tables, with the time of every frame."""

import warnings
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np

from pyama import layout
from pyama.config import METADATA_KEY, ProcessingParams, parse_config
from pyama.documents import has_its_checksum, load_yaml
from pyama.errors import ConfigError, StoreError, reason
from pyama.metadata import MicroscopyMetadata, frame_times, parse_metadata
from pyama.traces.trace_files import refuse_stale_inspection

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
    refuse_stale_inspection(path)
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


def run_times(output_dir: Path, fov: int) -> tuple[float, ...]:
    """Return the time of every frame of a field of view in minutes, as used by its run.

    Raises:
        StoreError: The folder has no `processing_config.yaml` that describes a recording,
            or the recording has no such field of view.
    """
    path = Path(output_dir) / layout.CONFIG_FILE
    try:
        status = path.stat()
    except OSError as error:
        raise StoreError(
            f"{path} cannot be read: {error.strerror}. It holds the time of every frame."
        ) from error
    metadata, params = _recording(path, status.st_mtime_ns, status.st_size)
    if not 0 <= fov < metadata.n_fovs:
        raise StoreError(
            f"{path} describes {metadata.n_fovs} fields of view, numbered from 0; there is no "
            f"FOV {fov}."
        )
    return frame_times(metadata, params, fov)[0]


@lru_cache(maxsize=4)
def _recording(
    path: Path, changed_ns: int, size: int
) -> tuple[MicroscopyMetadata, ProcessingParams]:
    # Cached while the file stays the same: there is one for hundreds of tables.
    try:
        entries = load_yaml(path)
        if not has_its_checksum(path.read_bytes()):
            warnings.warn(
                f"{path} was changed since a run wrote it; its times are used as they are. "
                "`pyama verify` shows whether other files were changed.",
                UserWarning,
                stacklevel=4,
            )
    except ConfigError as error:
        raise StoreError(f"{error} It holds the time of every frame.") from error
    if not isinstance(entries, dict) or METADATA_KEY not in entries:
        raise StoreError(f"{path} does not describe a recording: no section 'metadata'.")
    return parse_metadata(entries[METADATA_KEY]), parse_config(str(path), entries).params
