"""Masks and tracks in the format of the Cell Tracking Challenge.

Maška et al. (2023), https://doi.org/10.1038/s41592-023-01879-y.
"""

from pathlib import Path

import numpy as np
import pandas as pd
import tifffile

from pyama.errors import StoreError
from pyama.exports.export_source import Exported, ExportSource, Selection
from pyama.exports.new_outputs import new_folder
from pyama.exports.tracklets import Tracklets, tracklets

TRACKS_FILE, CELLS_FILE = "res_track.txt", "cells.csv"


def export_ctc(output_dir: Path, output: Path, selection: Selection) -> Exported:
    """Write a folder `000_RES` of masks and tracks per field of view.

    `mask000.tif`, ... hold the labels of one frame each, uint16, and `res_track.txt` one line
    per label: label, first frame, last frame, parent. The format knows no gaps: a cell has a
    new label after a gap, and its former one as parent. A mother ends where her daughters
    begin. `cells.csv` tells which cell of the traces every label is.

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
        spans: list[pd.DataFrame] = []

        def write(fov: int, table: pd.DataFrame) -> Path:
            parts, name = tracklets(table), f"{fov:03d}_RES"
            with new_folder(folder / name) as fov_folder:
                _write(fov_folder, source, fov, parts)
            spans.append(parts.spans.assign(fov=fov)[["fov", *parts.spans]])
            return output / name

        done = source.export_each(write)
        pd.concat(spans).to_csv(folder / CELLS_FILE, index=False, lineterminator="\n")
        done.files.append(output / CELLS_FILE)
    return done


def _write(folder: Path, source: ExportSource, fov: int, parts: Tracklets) -> None:
    labels = source.labels(fov, parts.rows)
    if labels.dtype != np.uint16:
        raise StoreError(
            f"it has {len(parts.spans)} labels; the format holds at most 65535 of one sequence"
        )
    digits = max(3, len(str(labels.shape[0] - 1)))
    for t, frame in enumerate(labels):
        tifffile.imwrite(folder / f"mask{t:0{digits}d}.tif", frame, compression="zlib")
    lines = parts.spans[["label", "first", "last", "parent"]].sort_values("label")
    lines.to_csv(folder / TRACKS_FILE, sep=" ", header=False, index=False, lineterminator="\n")
