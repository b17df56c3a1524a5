"""GEFF, AnnData and movies, read back by the programs they are for."""

import json

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from pyama.exports.track_graph import track_graph
from pyama.pictures.movie_frames import bar_length
from pyama.store import FovStore
from pyama.traces.corrections import Cut, Delete, MarkCell
from pyama.traces.inspection import Inspection
from pyama.traces.trace_reading import load_traces
from results import made_once, results_in
from small_movie import HEIGHT, N_FRAMES, WIDTH

SIZE_IN_MOVIE = 2 * WIDTH, 2 * HEIGHT
TRACES = "fov_000/movie_fov_000_traces.csv"


@pytest.fixture(scope="module")
def inspected(tmp_path_factory):
    folder = results_in(tmp_path_factory.mktemp("inspected"))
    a, b, c, _ = load_traces(folder / TRACES)["cell"].unique().tolist()
    inspection = Inspection(folder, 0)
    for action in (
        Delete(cell=a),
        Cut(cell=b, frame=2),
        MarkCell(cell=c, frame=3, good=False),
    ):
        inspection.add(action, "somebody")
    return folder


def good_rows(folder):
    table = load_traces(folder / "fov_000/movie_fov_000_traces_inspected.csv")
    return table[table["good"]].sort_values(["cell", "frame"]).reset_index(drop=True)


def _table(tracks, parents):
    rows = [(0, cell, t, float(t)) for cell, frames in tracks.items() for t in frames]
    table = pd.DataFrame(rows, columns=["fov", "cell", "frame", "time"])
    return table.assign(parent=table["cell"].map(parents).fillna(0).astype(int))


def test_edges_skip_gaps_and_lead_to_daughters():
    table = _table({1: [0, 1, 4], 2: [5, 6], 3: [5], 8: [2]}, {2: 1, 3: 1})
    graph = track_graph(table)
    assert graph.edges.tolist() == [[0, 1], [1, 2], [2, 3], [3, 4], [2, 5]]
    assert graph.tracklet[[0, 1, 2]].tolist() == [graph.tracklet[0]] * 3
    assert len(set(graph.tracklet[[0, 3, 5, 6]].tolist())) == 4
    assert graph.tracklet[3] == graph.tracklet[4]
    assert len(set(graph.lineage[:6].tolist())) == 1
    assert graph.lineage[6] != graph.lineage[0]


def test_a_mother_with_one_daughter_is_one_tracklet_with_her():
    graph = track_graph(_table({1: [0, 1], 2: [2]}, {2: 1}))
    assert graph.tracklet.tolist() == [1, 1, 1]


def test_no_rows_are_no_graph():
    assert track_graph(_table({}, {})).edges.shape == (0, 2)


def test_graphs_are_valid_and_hold_what_the_traces_hold(pyama, inspected, tmp_path):
    geff = pytest.importorskip("geff", reason="geff is not installed")
    from geff.validate.data import ValidationConfig, validate_data

    done = pyama("export", "geff", inspected, "-o", tmp_path / "out", "--json")
    path = json.loads(done.stdout)["files"][0]
    geff.validate_structure(path)
    reader = geff.GeffReader(path)
    reader.read_node_props()
    graph = reader.build()
    validate_data(graph, ValidationConfig(graph=True, lineage=True, tracklet=True))
    axes = [(axis.name, axis.unit, axis.scale) for axis in graph["metadata"].axes]
    assert axes == [("t", "frame", 600), ("y", "pixel", 0.65), ("x", "pixel", 0.65)]
    rows = good_rows(inspected)
    values = {name: entry["values"] for name, entry in graph["node_props"].items()}
    for name, column in {"t": "frame", "cell": "cell", "area": "area_ch_0"}.items():
        np.testing.assert_array_equal(values[name], rows[column])
    masks = FovStore(inspected, 0).stack("seg_tracked_ch_0")
    ys, xs = np.nonzero(masks[rows["frame"][0]] == rows["source_cell"][0])
    assert (values["y"][0], values["x"][0]) == pytest.approx((ys.mean(), xs.mean()))
    assert len(graph["edge_ids"]) == len(rows) - rows["cell"].nunique()


def test_scanpy_reads_cells_features_and_samples(pyama, inspected, tmp_path):
    pytest.importorskip("h5py", reason="h5py is not installed")
    scanpy = pytest.importorskip("scanpy", reason="scanpy is not installed")
    samples = tmp_path / "samples.yaml"
    samples.write_text("samples: [{name: control, fovs: 0}, {name: drug, fovs: 1}]")
    out = tmp_path / "cells.h5ad"
    done = pyama("export", "anndata", inspected, "-o", out, "--samples", samples)
    assert done.exit_code == 0
    data = scanpy.read_h5ad(out)
    assert set(data.obs["sample"]) == {"control", "drug"}
    rows = good_rows(inspected)
    mine = data[data.obs["fov"] == 0]
    means = rows.groupby("cell")[data.var_names.tolist()].mean()
    np.testing.assert_allclose(mine.X, means.to_numpy())
    assert mine.obs["cell"].tolist() == means.index.tolist()
    at_3 = rows[rows["frame"] == 3].set_index("cell").reindex(means.index)
    np.testing.assert_array_equal(mine.layers["frame_003"], at_3[data.var_names.tolist()])
    np.testing.assert_allclose(data.obsm["time_h"][0], np.arange(6) / 6)
    assert data.var.loc["area_ch_0", ["unit", "channel"]].tolist() == ["px²", "Phase"]


@pytest.mark.parametrize("suffix", ["gif", "mp4"])
def test_a_movie_shows_every_frame(pyama, inspected, tmp_path, suffix):
    ffmpeg = None
    if suffix == "mp4":
        ffmpeg = pytest.importorskip("imageio_ffmpeg", reason="imageio-ffmpeg is missing")
    out = tmp_path / f"cells.{suffix}"
    done = pyama("export", "movie", inspected, "-o", out, "--channel", "GFP", "--fps", "5")
    assert done.exit_code == 0
    if ffmpeg is None:
        with Image.open(out) as movie:
            assert (movie.n_frames, movie.size) == (N_FRAMES, SIZE_IN_MOVIE)
            assert movie.info["duration"] == 200
    else:
        reader = ffmpeg.read_frames(str(out))
        facts = next(reader)
        assert (facts["size"], facts["fps"], facts["codec"]) == (SIZE_IN_MOVIE, 5, "h264")
        assert len(list(reader)) == N_FRAMES


def test_outlines_follow_the_corrections(inspected):
    from pyama.exports.export_source import ExportSource, Selection
    from pyama.exports.movie_export import _frames

    first = next(_frames(ExportSource(inspected, Selection("0")), None, lambda *_: None))
    plain = next(_frames(ExportSource(made_once(), Selection("0")), None, lambda *_: None))
    table = load_traces(inspected / TRACES)
    deleted = table[(table["cell"] == table["cell"].min()) & (table["frame"] == 0)].iloc[0]
    y0, y1, x0, x1 = (2 * int(deleted[f"bbox_{k}"]) for k in ("y0", "y1", "x0", "x1"))
    is_coloured = [(np.ptp(f[y0:y1, x0:x1], axis=-1) > 60).any() for f in (first, plain)]
    assert is_coloured == [False, True]


@pytest.mark.parametrize(
    ("width", "length"), [(300, 50), (80, 20), (7.9, 1), (4.1, 1), (0.3, 0.05)]
)
def test_scale_bars_have_round_lengths(width, length):
    assert bar_length(width) == pytest.approx(length)


@pytest.mark.parametrize(
    ("command", "name", "said"),
    [
        ("movie", "cells.avi", "no name of a movie"),
        ("movie", "there.gif", "An export replaces nothing"),
        ("anndata", "cells.csv", ".h5ad"),
    ],
)
def test_wrong_outputs_are_refused(pyama, tmp_path, command, name, said):
    (tmp_path / "there.gif").write_text("mine")
    done = pyama("export", command, made_once(), "-o", tmp_path / name)
    assert done.exit_code == 2
    assert said in done.stderr or "not installed" in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["there.gif"]
