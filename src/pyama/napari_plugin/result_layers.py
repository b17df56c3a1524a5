"""Results as layers of napari: channels, labels, and tracks with their traces."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from pyama import layout
from pyama.errors import NotReadyError
from pyama.exports.lazy_stack import LazyStack
from pyama.exports.opened_results import FieldOfView, Results, open_results
from pyama.exports.tracklets import births
from pyama.pictures.contrast import contrast_of_data_set

LayerData = tuple[Any, dict[str, Any], str]
"""Data, settings and kind of a layer, as napari takes them."""
Reader = Callable[[str | Sequence[str]], list[LayerData]]
COLOURS = ("green", "magenta", "cyan", "yellow", "blue")
"""Of fluorescence channels, in their order; phase contrast is grey."""
KEY = "pyama"
"""Entry of the metadata of a layer that says which results it shows."""


@dataclass(frozen=True)
class Place:
    """Which results a path leads to.

    Attributes:
        folder: The output folder.
        fov: Field of view; None is the first one with results.
    """

    folder: Path
    fov: int | None


def place_of(path: Path | str) -> Place | None:
    """Return which results a path leads to; None if it is of something else.

    Args:
        path: An output folder, the folder of a field of view, or its `images.zarr`.
    """
    folder = Path(path).absolute()
    if folder.name == layout.IMAGES:
        folder = folder.parent
    fov = layout.parse_fov(folder.name)
    if fov is not None:
        folder = folder.parent
    is_known = (folder / layout.CONFIG_FILE).is_file()
    return Place(folder, fov) if is_known else None


def reader_of(path: str | Sequence[str]) -> Reader | None:
    """Return what opens a path in napari; None if it is not of results of pyama."""
    paths = [path] if isinstance(path, str) else path
    return read_layers if all(map(place_of, paths)) else None


def read_layers(path: str | Sequence[str]) -> list[LayerData]:
    """Return the layers of one or several paths.

    Raises:
        PyamaError: There are no results, or they cannot be read.
    """
    paths = [path] if isinstance(path, str) else path
    places = filter(None, map(place_of, paths))
    return [layer for place in places for layer in layers_of(place.folder, place.fov)]


def layers_of(folder: Path, fov: int | None = None) -> list[LayerData]:
    """Return the layers of a field of view.

    Args:
        folder: Output folder of a run.
        fov: Field of view; None is the first one with results.

    Raises:
        NotReadyError: There are no results.
        PyamaError: They cannot be read.
    """
    results = open_results(folder)
    if not results.fovs:
        raise NotReadyError(f"{folder} has no results yet. `pyama run` writes them.")
    field = results[results.fovs[0] if fov is None else fov]
    layers = [*_image_layers(results, field), *_label_layers(results, field)]
    if not layers:
        raise NotReadyError(f"FOV {field.fov} of {folder} has no complete images yet.")
    return [*layers, *_track_layers(results, field)]


def _image_layers(results: Results, field: FieldOfView) -> Iterator[LayerData]:
    channels, stacks = results.config.channels, field.stacks
    pc = None if channels.pc is None else channels.pc.channel
    fl = [channel for channel in channels.ids if channel != pc]
    for channel in channels.ids:
        group = layout.raw(channel, pc)
        if group not in stacks:
            continue
        settings = {
            **_settings(results, field, stacks[group], _channel_name(results, channel)),
            "colormap": "gray" if channel == pc else COLOURS[fl.index(channel) % len(COLOURS)],
            "blending": "additive",
        }
        contrast = contrast_of_data_set(results.folder, group, results.fovs)
        if contrast is not None and contrast.high > contrast.low:
            settings["contrast_limits"] = tuple(contrast)
        yield stacks[group].to_dask(), settings, "image"


def _label_layers(results: Results, field: FieldOfView) -> Iterator[LayerData]:
    from pyama.napari_plugin.editable_labels import EditableLabels

    pc, stacks = results.config.channels.pc, field.stacks
    if pc is None:
        return
    name = _channel_name(results, pc.channel)
    titles = {layout.labeled(pc.channel): "labels", layout.tracked(pc.channel): "cells"}
    for group, title in titles.items():
        if group in stacks:
            settings = _settings(results, field, stacks[group], f"{title} of {name}")
            settings |= {"visible": layout.tracked(pc.channel) == group, "opacity": 0.4}
            yield EditableLabels(stacks[group]), settings, "labels"


def _track_layers(results: Results, field: FieldOfView) -> Iterator[LayerData]:
    try:
        table = field.traces
    except NotReadyError:
        return
    table = table.sort_values(["cell", "frame"], kind="stable", ignore_index=True)
    table = table[table[["position_y", "position_x"]].notna().all(axis=1)]
    if table.empty:
        return
    columns = ["cell", "frame", "position_y", "position_x"]
    born = births(table)
    settings = {
        "name": f"tracks FOV {field.fov}",
        **_space(results, field),
        "features": _features(table),
        "graph": {
            int(cell): [int(mother)]
            for cell, mother in born[["cell", "mother"]].itertuples(index=False)
        },
        "metadata": {KEY: _origin(results, field, "traces")},
    }
    yield table[columns].to_numpy(np.float64), settings, "tracks"


def _features(table: pd.DataFrame) -> pd.DataFrame:
    """Return the columns of numbers, which napari colours tracks by."""
    numbers = table.select_dtypes(include=["number", "bool"]).drop(columns="fov")
    return numbers.astype(np.float64).reset_index(drop=True)


def _settings(
    results: Results, field: FieldOfView, stack: LazyStack, title: str
) -> dict[str, Any]:
    return {
        "name": f"{title} FOV {field.fov}",
        **_space(results, field),
        "metadata": {KEY: _origin(results, field, stack.name)},
    }


def _space(results: Results, field: FieldOfView) -> dict[str, Any]:
    """Return size and unit of a step along t, y and x."""
    times = results.times_min(field.fov)
    seconds = float(np.median(np.diff(times))) * 60 if len(times) > 1 else 0.0
    side = results.pixel_size_um
    time_unit = "s" if seconds > 0 else "pixel"
    space_unit = "pixel" if side is None else "um"
    return {
        "scale": (seconds if seconds > 0 else 1.0, side or 1.0, side or 1.0),
        "units": (time_unit, space_unit, space_unit),
        "axis_labels": ("t", "y", "x"),
    }


def _origin(results: Results, field: FieldOfView, group: str) -> dict[str, Any]:
    return {"folder": str(results.folder), "fov": field.fov, "group": group}


def _channel_name(results: Results, channel: int) -> str:
    return results.metadata.channel_names[channel]
