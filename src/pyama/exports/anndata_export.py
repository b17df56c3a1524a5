"""Cells and features as an AnnData file, which scanpy reads.

The file is written with h5py as https://anndata.readthedocs.io/en/stable/fileformat-prose.html
describes it, because the library anndata does not work with the version of pandas in use.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from pyama.analysis.table_columns import measured_columns
from pyama.analysis.trace_sources import stacked
from pyama.errors import ConfigError
from pyama.exports.codebook import described
from pyama.exports.export_source import Exported, ExportSource, Selection
from pyama.exports.needed_package import require
from pyama.exports.new_outputs import new_file, refuse_existing
from pyama.exports.table_export import cells_of, named
from pyama.version import __version__

SUFFIX = ".h5ad"


def export_anndata(output_dir: Path, output: Path, selection: Selection) -> Exported:
    """Write one file with a row per cell (`obs`) and a column per feature (`var`).

    `X` holds the means over the frames of a cell, the layers `frame_000`, `frame_001`, ... the
    values in these frames, NaN where the cell is absent, and `obsm["time_h"]` their times.
    `obs` has sample, position, field of view, cell and its frames; `var` unit, channel and
    meaning.

    Args:
        output_dir: The output folder of a run.
        output: A file that does not exist; ends in `.h5ad`.
        selection: What is exported.

    Raises:
        ConfigError: h5py is not installed, the file exists or has another suffix, or the
            selection is wrong.
        StoreError: Nothing can be exported, or the file cannot be written.
    """
    h5py = require("h5py", "anndata")
    if output.suffix != SUFFIX:
        raise ConfigError(
            f"{output} is no name of an AnnData file; expected one that ends in {SUFFIX}."
        )
    refuse_existing(output)
    source = ExportSource(output_dir, selection)
    parts: list[pd.DataFrame] = []

    def take(fov: int, table: pd.DataFrame) -> Path:
        parts.append(table)
        return output

    done = source.export_each(take)
    traces = named(source, stacked(parts))
    with new_file(output) as path, h5py.File(path, "w") as file:
        _write(file, source, traces)
    done.files = [output]
    return done


def _write(file: Any, source: ExportSource, traces: pd.DataFrame) -> None:
    features = measured_columns(traces.drop(columns="time_h"))
    cells = cells_of(traces)
    index = cells["fov"].map("fov_{:03d}".format) + cells["cell"].map("_cell_{}".format)
    _encode(file, "anndata", "0.1.0")
    means = traces.groupby(["fov", "cell"], sort=False)[features].mean()
    _array(file, "X", means.to_numpy(np.float64))
    _frame(file, "obs", index, cells)
    facts = [described(name, source.metadata, source.pixel_size_um) for name in features]
    book = pd.DataFrame(facts, columns=["unit", "channel", "meaning"], dtype="str")
    _frame(file, "var", pd.Series(features, dtype="str"), book)
    layers = _group(file, "layers")
    row_of = pd.MultiIndex.from_frame(cells[["fov", "cell"]])
    rows = row_of.get_indexer(pd.MultiIndex.from_frame(traces[["fov", "cell"]]))
    values = traces[features].to_numpy(np.float64)
    at = traces.groupby("frame").indices
    for frame in range(source.metadata.n_frames):
        layer = np.full((len(cells), len(features)), np.nan)
        own = at.get(frame, np.zeros(0, np.intp))
        layer[rows[own]] = values[own]
        _array(layers, f"frame_{frame:03d}", layer)
    times = {fov: source.times_h(fov) for fov in cells["fov"].unique().tolist()}
    of_cells = [times[fov] for fov in cells["fov"].tolist()]
    shape = (len(cells), source.metadata.n_frames)
    _array(_group(file, "obsm"), "time_h", np.array(of_cells, np.float64).reshape(shape))
    for name in ("varm", "obsp", "varp"):
        _group(file, name)
    _facts(_group(file, "uns"), source)


def _facts(group: Any, source: ExportSource) -> None:
    facts = {"pyama_version": __version__, "recording": source.metadata.basename}
    for name, text in facts.items():
        group[name] = text
        _encode(group[name], "string", "0.2.0")
    if source.pixel_size_um is not None:
        group["pixel_size_um"] = source.pixel_size_um
        _encode(group["pixel_size_um"], "numeric-scalar", "0.2.0")


def _encode(item: Any, kind: str, version: str) -> None:
    item.attrs["encoding-type"], item.attrs["encoding-version"] = kind, version


def _group(parent: Any, name: str) -> Any:
    group = parent.create_group(name)
    _encode(group, "dict", "0.1.0")
    return group


def _array(parent: Any, name: str, values: np.ndarray) -> None:
    how: Mapping[str, Any] = {"compression": "gzip"} if values.size else {}
    _encode(parent.create_dataset(name, data=values, **how), "array", "0.2.0")


def _texts(parent: Any, name: str, values: pd.Series) -> None:
    h5py = require("h5py", "anndata")
    data = values.astype(object).to_numpy()
    item = parent.create_dataset(name, data=data, dtype=h5py.string_dtype())
    _encode(item, "string-array", "0.2.0")


def _frame(parent: Any, name: str, index: pd.Series, table: pd.DataFrame) -> None:
    group = parent.create_group(name)
    _encode(group, "dataframe", "0.2.0")
    group.attrs["_index"] = "_index"
    group.attrs["column-order"] = [str(column) for column in table]
    _texts(group, "_index", index)
    for column in table:
        if table[column].dtype.kind in "biuf":
            _array(group, str(column), table[column].to_numpy())
        else:
            _texts(group, str(column), table[column])
