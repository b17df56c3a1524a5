"""Tracks as graphs in the Graph Exchange File Format (GEFF), https://liveimagetrackingtools.org/geff."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from pyama.analysis.table_columns import measured_columns
from pyama.exports.codebook import described
from pyama.exports.export_source import Exported, ExportSource, Selection, numbers_of
from pyama.exports.needed_package import require
from pyama.exports.new_outputs import new_folder
from pyama.exports.track_graph import measured_positions, track_graph
from pyama.metadata import typical_interval
from pyama.traces.trace_recording import run_times


def export_geff(output_dir: Path, output: Path, selection: Selection) -> Exported:
    """Write a graph `*_fov_000.geff` per field of view: a node per cell and frame.

    Nodes have the frame (`t`), the centroid (`y`, `x`) and the area of the mask in px, the
    number of the cell, its time in hours, the ids of tracklet (part between divisions) and
    lineage, and all features; the axes have the interval between frames and the size of a
    pixel as scale. Edges lead to the next frame of a cell, and from mothers to daughters.

    Args:
        output_dir: The output folder of a run.
        output: A folder that does not exist or is empty.
        selection: What is exported.

    Raises:
        ConfigError: geff is not installed, there is something in the folder, or the selection
            is wrong.
        StoreError: Nothing can be exported, or the folder cannot be written.
    """
    geff = require("geff.core_io", "geff")
    source = ExportSource(output_dir, selection)
    with new_folder(output) as folder:

        def write(fov: int, table: pd.DataFrame) -> Path:
            name = f"{source.metadata.basename}_fov_{fov:03d}.geff"
            labels = source.labels(fov, numbers_of(table))
            places = measured_positions(labels, table)
            graph = track_graph(table)
            columns = _columns(table, places)
            columns |= {"tracklet": graph.tracklet, "lineage": graph.lineage}
            geff.write_arrays(
                folder / name,
                np.arange(len(table), dtype=np.uint64),
                {key: _property(values) for key, values in columns.items()},
                graph.edges.astype(np.uint64),
                {},
                _metadata(source, fov, columns),
                zarr_format=3,
            )
            return output / name

        return source.export_each(write)


def _columns(table: pd.DataFrame, places: pd.DataFrame) -> dict[str, np.ndarray]:
    """Return the properties of the nodes by their names."""
    columns = {"t": table["frame"].to_numpy(np.int64)}
    columns |= {name: places[name].to_numpy(np.float64) for name in ("y", "x", "area")}
    columns |= {"cell": table["cell"].to_numpy(), "time_h": table["time"].to_numpy()}
    if not table["good"].all():
        columns["good"] = table["good"].to_numpy()
    return columns | {name: table[name].to_numpy() for name in measured_columns(table)}


def _property(values: np.ndarray) -> dict[str, Any]:
    lost = np.isnan(values) if values.dtype.kind == "f" else np.zeros(len(values), bool)
    return {"values": np.where(lost, 0, values), "missing": lost if lost.any() else None}


def _metadata(source: ExportSource, fov: int, columns: dict[str, np.ndarray]) -> Any:
    spec = require("geff_spec", "geff")
    minutes = typical_interval(run_times(source.folder, fov))
    scales = {"t": minutes and minutes * 60, "y": source.pixel_size_um}
    axes = []
    for name, kind, unit, scaled in (
        ("t", "time", "frame", "second"),
        ("y", "space", "pixel", "micrometer"),
        ("x", "space", "pixel", "micrometer"),
    ):
        scale = scales[name if name == "t" else "y"]
        known = {} if scale is None else {"scale": scale, "scaled_unit": scaled}
        ends = columns[name]
        if len(ends):
            known |= {"min": float(ends.min()), "max": float(ends.max())}
        axes.append(spec.Axis(name=name, type=kind, unit=unit, **known))
    properties = {name: _described(spec, source, name, columns[name]) for name in columns}
    return spec.GeffMetadata(
        directed=True,
        axes=axes,
        node_props_metadata=properties,
        edge_props_metadata={},
        track_node_props={"tracklet": "tracklet", "lineage": "lineage"},
    )


def _described(spec: Any, source: ExportSource, name: str, values: np.ndarray) -> Any:
    unit, _, meaning = _OWN.get(name) or described(name, source.metadata, source.pixel_size_um)
    return spec.PropMetadata(
        identifier=name,
        dtype=str(values.dtype),
        unit=unit or None,
        description=meaning or None,
    )


_OWN = {
    "t": ("frame", "", "Frame, numbered from 0."),
    "y": ("pixel", "", "Row of the centroid of the mask."),
    "x": ("pixel", "", "Column of the centroid of the mask."),
    "area": ("pixel", "", "Number of pixels of the mask."),
    "tracklet": ("", "", "Part of a track between divisions, from 1."),
    "lineage": ("", "", "Cells that descend from one cell, from 1."),
}
