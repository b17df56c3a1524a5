"""Labels as TIFF files that Fiji and napari open with their scale."""

from pathlib import Path
from typing import Any

import tifffile

from pyama.exports.export_source import (
    Exported,
    ExportSource,
    LabelFrames,
    Selection,
    numbers_of,
)
from pyama.exports.new_outputs import new_file, new_folder
from pyama.metadata import typical_interval
from pyama.traces.trace_recording import run_times

LARGEST_IMAGEJ = 2**32 - 2**20
"""Bytes of a file beyond which ImageJ's own format ends."""
UM = "\N{MICRO SIGN}m"


def export_labels(output_dir: Path, output: Path, selection: Selection) -> Exported:
    """Write one TIFF file (T, Y, X) of labels per field of view.

    0 is background; every other number is that of a cell in the traces, after an inspection
    the corrected one. The files are ImageJ hyperstacks with the size of a pixel and the
    interval between frames; labels that these cannot hold, beyond 65535 or 4 GB, are OME-TIFF.

    Args:
        output_dir: The output folder of a run.
        output: A folder that does not exist or is empty.
        selection: What is exported.

    Raises:
        ConfigError: There is something in the folder, or the selection is wrong.
        StoreError: Nothing can be exported, or the folder cannot be written.
    """
    source = ExportSource(output_dir, selection)
    with new_folder(output) as folder:

        def write(fov: int, table: Any) -> Path:
            labels = source.labels(fov, numbers_of(table))
            return output / _write(folder, source, fov, labels)

        return source.export_each(write)


def _write(folder: Path, source: ExportSource, fov: int, labels: LabelFrames) -> str:
    n_bytes = labels.dtype.itemsize
    for n in labels.shape:
        n_bytes *= n
    is_imagej = labels.dtype.itemsize == 2 and n_bytes < LARGEST_IMAGEJ
    name = f"{source.metadata.basename}_fov_{fov:03d}_labels{'' if is_imagej else '.ome'}.tif"
    minutes = typical_interval(run_times(source.folder, fov))
    side = source.pixel_size_um
    facts = _imagej(minutes, side) if is_imagej else _ome(minutes, side)
    with new_file(folder / name) as path:
        tifffile.imwrite(
            path,
            iter(labels),
            shape=labels.shape,
            dtype=labels.dtype,
            photometric="minisblack",
            **facts,
        )
    return name


def _imagej(minutes: float | None, side: float | None) -> dict[str, Any]:
    metadata: dict[str, Any] = {"axes": "TYX", "loop": False}
    if minutes is not None:
        metadata |= {"finterval": minutes * 60, "tunit": "s"}
    if side is None:
        return {"imagej": True, "metadata": metadata}
    metadata["unit"] = "um"
    return {"imagej": True, "metadata": metadata, "resolution": (1 / side, 1 / side)}


def _ome(minutes: float | None, side: float | None) -> dict[str, Any]:
    metadata: dict[str, Any] = {"axes": "TYX"}
    if minutes is not None:
        metadata |= {"TimeIncrement": minutes * 60, "TimeIncrementUnit": "s"}
    for axis in "XY" if side is not None else "":
        metadata |= {f"PhysicalSize{axis}": side, f"PhysicalSize{axis}Unit": UM}
    return {"ome": True, "bigtiff": True, "metadata": metadata}
