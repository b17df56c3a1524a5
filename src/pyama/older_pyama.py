"""Files of the older PyAMA (2025): what they are, and what of them can be used.

That program writes a folder with `processing_results.yaml`, images as `.npy` files and traces
with a column `time`, and no marks. Names, units and keys below are those of its files.
"""

import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pyama import layout
from pyama.errors import ConfigError
from pyama.yaml_files import load_yaml

RECORD = "processing_results.yaml"
"""Record of a run: channels, parameters, unit of time, and the files of every FOV."""
RECORD_KEYS = frozenset(
    ("output_dir", "results", "results_paths", "time_units", "project_path", "n_fov")
)
"""Keys of a record that are no settings."""
FEATURE_KEYS = ("pc_features", "fl_features")
"""Keys of `channels` in an early form, beside plain channel numbers."""
OTHER_PARAMS = frozenset({"mask_margin", "crop_padding", "crop_min_frames", "erosion_size"})
"""Parameters that do not exist here, or mean something else."""
NAMES = {"cell_id": "cell"}
"""Columns that had another name."""


def results_in(folder: Path) -> str:
    """Return the file that shows that a folder holds results of the older PyAMA, or nothing.

    A folder into which this program has written as well counts as its own.
    """
    if (folder / layout.RUN_FILE).exists() or _is_own(folder / layout.CONFIG_FILE):
        return ""
    if (folder / RECORD).is_file():
        return RECORD
    found = (path for place in sorted(folder.glob("fov_*")) for path in _older_files(place))
    first = next(found, None)
    return "" if first is None else first.relative_to(folder).as_posix()


def _is_own(config: Path) -> bool:
    try:
        return b"\nmetadata:" in config.read_bytes()
    except OSError:
        return False


def _older_files(place: Path) -> Iterator[Path]:
    """Yield files of one field of view that only the older PyAMA writes."""
    if not (place / ".marks").exists():
        yield from place.glob(f"*_{place.name}_*.npy")
        yield from place.glob(f"*_{place.name.replace('_', '')}_*.npy")
        yield from (path for path in place.glob("*_traces*.csv") if _is_older_traces(path))


def _is_older_traces(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            names = file.readline(4096).strip().split(b",")
    except OSError:
        return False
    return b"frame" in names and (b"time" in names or b"bbox_x0" not in names)


def refuse_results(folder: Path) -> None:
    """Raise an error if a folder that is to be written holds results of the older PyAMA.

    Raises:
        ConfigError: It does.
    """
    if found := results_in(folder):
        raise ConfigError(
            f"{folder} holds results of the older PyAMA ({found}), which are never replaced. "
            "Choose another output folder."
        )


def what_to_do(folder: Path) -> str:
    """Return what a folder of the older PyAMA is good for; empty for other folders.

    Args:
        folder: The folder, or the record in it.
    """
    folder = folder.parent if folder.name == RECORD else folder
    found = results_in(folder)
    if not found:
        return ""
    return (
        f"{folder} holds results of the older PyAMA ({found}): run the recording again into "
        "another folder; tables in this one, inspected traces too, can be fitted and plotted "
        "one by one (`pyama fit CSV`, `pyama plot traces CSV`)."
    )


def configuration(source: str, entries: object) -> object:
    """Return the entries of a configuration, those of the older PyAMA in the present form.

    What cannot be taken over is named in a warning.

    Args:
        source: Name of the file.
        entries: Content of a YAML file.
    """
    if not isinstance(entries, dict) or not _is_older(entries):
        return entries
    params = _section(entries, "params")
    left = [name for name in params if name in OTHER_PARAMS]
    taken: dict[str, Any] = {
        "channels": _channels(_section(entries, "channels")),
        "params": {name: value for name, value in params.items() if name not in left},
    }
    dropped = f" Left out: {', '.join(left)}." if left else ""
    eroded = (
        " erosion_size was there the side of a square by which the mask was eroded for "
        "intensity_total alone; here it is the radius by which the segmentation erodes every "
        "mask, for all features."
        if "erosion_size" in left
        else ""
    )
    warnings.warn(
        f"{source} is of the older PyAMA. Its channels, features and parameters are used; all "
        f"others have the defaults of this program.{dropped}{eroded}",
        UserWarning,
        stacklevel=3,
    )
    return taken


def _is_older(entries: Mapping[Any, Any]) -> bool:
    if "metadata" in entries:
        return False
    channels, params = _section(entries, "channels"), _section(entries, "params")
    return bool(
        RECORD_KEYS & entries.keys()
        or (OTHER_PARAMS - {"erosion_size"}) & params.keys()
        or set(FEATURE_KEYS) & channels.keys()
    )


def _section(entries: Mapping[Any, Any], name: str) -> dict[str, Any]:
    section = entries.get(name)
    return dict(section) if isinstance(section, dict) else {}


def _channels(channels: dict[str, Any]) -> dict[str, Any]:
    """Return channels with their features, which an early form keeps apart."""
    phase, by_channel = (channels.pop(key, None) for key in FEATURE_KEYS)
    if phase is not None and isinstance(channels.get("pc"), int):
        channels["pc"] = [channels["pc"], phase]
    if isinstance(by_channel, dict):
        listed = [entry for entry in channels.get("fl") or [] if isinstance(entry, int)]
        channels["fl"] = [[entry, by_channel.get(entry)] for entry in listed]
    return {name: value for name, value in channels.items() if value is not None}


def time_unit(path: Path) -> str:
    """Return the unit of `time` in a traces file: minutes unless its record has another."""
    record = path.parent.parent / RECORD
    try:
        entries = load_yaml(record) if record.is_file() else {}
    except ConfigError:
        return "min"
    unit = entries.get("time_units") if isinstance(entries, dict) else None
    return unit if isinstance(unit, str) else "min"
