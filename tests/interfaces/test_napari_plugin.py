"""Results open in napari, without a window, and corrected labels come back."""

import subprocess
import sys
import warnings
from importlib.resources import files

import npe2
import numpy as np
import pytest

from pyama.errors import ConfigError, NotReadyError
from pyama.exports.opened_results import open_results
from pyama.napari_plugin.cell_values import (
    cell_of,
    default_column,
    is_tracked,
    trace_of,
    tracks_beside,
    value_columns,
)
from pyama.napari_plugin.editable_labels import EditableLabels
from pyama.napari_plugin.result_layers import layers_of, place_of, reader_of
from pyama.napari_plugin.saved_layers import save_layer, save_selected_layer
from pyama.pictures.contrast import contrast_of_data_set
from pyama.processing.workflow.run import process
from pyama.store import FovStore, canonical
from pyama.traces.corrections import Cut
from pyama.traces.inspection import Inspection
from pyama.traces.trace_files import traces_of
from pyama.traces.trace_reading import load_traces
from results import made_once, results_in
from small_movie import MOVIE, make_config, recording_of

MANIFEST = files("pyama.napari_plugin") / "napari.yaml"
CELLS = "cells of Phase FOV 0"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return results_in(tmp_path_factory.mktemp("napari"))


@pytest.fixture
def viewer():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from napari.components import ViewerModel
    return ViewerModel()


@pytest.fixture
def manager(monkeypatch):
    """A plugin manager that knows the plugin as an installation does."""
    known = npe2.PluginManager()
    known.register(npe2.PluginManifest.from_file(str(MANIFEST)))
    monkeypatch.setattr(npe2.PluginManager, "instance", lambda: known)
    return known


def opened(viewer, path):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        viewer.open(str(path), plugin="pyama-traces")
    return viewer.layers


def test_the_manifest_is_valid_and_all_it_names_exists():
    manifest = npe2.PluginManifest.from_file(str(MANIFEST))
    assert manifest.name == "pyama-traces"
    for command in manifest.contributions.commands:
        module, _, name = command.python_name.partition(":")
        source = files("pyama.napari_plugin") / f"{module.rpartition('.')[2]}.py"
        assert f" {name}(" in source.read_text("utf-8")


@pytest.mark.parametrize("part", ["", "fov_000", "fov_000/images.zarr", "fov_001"])
def test_a_folder_that_is_dropped_becomes_layers(viewer, manager, folder, part):
    layers = opened(viewer, folder / part)
    fov = 1 if part == "fov_001" else 0
    assert [(layer.name, type(layer).__name__) for layer in layers] == [
        (f"Phase FOV {fov}", "Image"),
        (f"GFP FOV {fov}", "Image"),
        (f"labels of Phase FOV {fov}", "Labels"),
        (f"cells of Phase FOV {fov}", "Labels"),
        (f"tracks FOV {fov}", "Tracks"),
    ]
    store = FovStore(folder, fov)
    for layer, group in zip(
        layers, ["pc_ch_0", "fl_ch_1", "seg_labeled_ch_0", "seg_tracked_ch_0"], strict=False
    ):
        assert layer.scale.tolist() == [600.0 + 60 * fov, 0.65, 0.65]
        assert [str(unit) for unit in layer.units] == ["second", "micrometer", "micrometer"]
        np.testing.assert_array_equal(np.asarray(layer.data[3]), store.stack(group)[3])
    assert [layer.colormap.name for layer in layers[:2]] == ["gray", "green"]
    for layer, group in zip(layers, ["pc_ch_0", "fl_ch_1"], strict=False):
        assert tuple(layer.contrast_limits) == contrast_of_data_set(folder, group, [0, 1])


def test_tracks_have_the_traces_as_features(viewer, manager, folder):
    tracks = opened(viewer, folder)["tracks FOV 0"]
    table = load_traces(traces_of(folder, 0))
    assert {*tracks.data[:, 0]} == {1, 2, 3, 4}
    for cell, frame, y, x in tracks.data:
        row = table[(table["cell"] == cell) & (table["frame"] == frame)].iloc[0]
        assert (row["position_y"], row["position_x"]) == (y, x)
    np.testing.assert_array_equal(
        tracks.features["intensity_total_ch_1"],
        table.sort_values(["cell", "frame"])["intensity_total_ch_1"],
    )
    assert tracks.scale.tolist() == [600.0, 0.65, 0.65]


def test_daughters_are_connected_with_their_mother(viewer, monkeypatch):
    folder = made_once()
    table = load_traces(traces_of(folder, 0)).assign(parent=0)
    table = table[(table["cell"] != 4) | (table["frame"] > 2)]
    table = table[(table["cell"] != 3) | (table["frame"] <= 2)]
    table.loc[table["cell"] == 4, "parent"] = 3
    monkeypatch.setattr("pyama.exports.opened_results.load_traces", lambda path: table)
    (data, settings, _) = layers_of(folder, 0)[-1]
    assert settings["graph"] == {4: [3]}
    layer = viewer.add_tracks(data, **settings)
    assert layer.graph == {4: [3]}


@pytest.mark.parametrize("part", ["fov_000/cells.zarr", "fov_000/images.zarr/pc_ch_0", "x"])
def test_what_is_not_of_pyama_is_left_to_other_readers(folder, tmp_path, part):
    assert reader_of(str(folder / part)) is None
    assert place_of(tmp_path) is None
    assert reader_of([str(folder), str(tmp_path)]) is None


def test_results_that_are_not_there_yet_are_refused(folder, tmp_path):
    empty = tmp_path / "empty"
    empty.mkdir()
    (empty / "processing_config.yaml").write_bytes(
        (folder / "processing_config.yaml").read_bytes()
    )
    with pytest.raises(NotReadyError, match="has no results yet"):
        layers_of(empty)
    (empty / "fov_000").mkdir()
    with pytest.raises(NotReadyError, match=r"FOV 0 of .* has no complete images yet"):
        layers_of(empty)


def test_a_recording_of_unknown_size_has_no_units(tmp_path):
    recording = recording_of(MOVIE[:1, :1], pixel_size_um=None, times=None)
    assert process(recording, make_config(copy_only=True), tmp_path / "out").succeeded
    (_, settings, kind), *_ = layers_of(tmp_path / "out")
    assert (kind, settings["scale"]) == ("image", (1.0, 1.0, 1.0))
    assert settings["units"] == ("pixel",) * 3


def test_what_is_drawn_with_the_brush_is_saved_and_used(viewer, manager, tmp_path):
    folder = results_in(tmp_path)
    layer = opened(viewer, folder)[CELLS]
    viewer.dims.set_current_step(0, 2)
    layer.selected_label, layer.brush_size = 0, 60
    where = np.argwhere(layer.data[2] == 1).mean(axis=0)
    layer.paint((2, *where), 0)
    layer.selected_label = layer.data.next_label(4)
    assert layer.selected_label == 5
    layer.brush_size = 12
    layer.paint((4, 80, 76), 5)
    assert sorted(layer.data.edited) == [2, 4]
    assert (layer.data[4] == 5).sum() > 100
    viewer.layers.selection.active = layer
    told = save_layer(layer, by="Ana")
    assert told[0] == "Saved 2 frames of FOV 0: 2, 4."
    assert told[-1].startswith("Run pyama again")
    assert process(
        recording_of(MOVIE[:2]), make_config(min_frames=1), folder, fovs=[0]
    ).succeeded
    after = FovStore(folder, 0).stack("seg_labeled_ch_0")
    np.testing.assert_array_equal(after[2], canonical(layer.data[2]))
    assert [int(after[t].max()) for t in range(6)] == [4, 4, 3, 4, 5, 4]


def test_undoing_what_was_drawn_saves_nothing(viewer, manager, tmp_path):
    layer = opened(viewer, results_in(tmp_path))[CELLS]
    before = np.asarray(layer.data[0]).copy()
    layer.brush_size = 12
    layer.paint((0, 5, 5), 9)
    assert (np.asarray(layer.data[0]) != before).any()
    layer.undo()
    np.testing.assert_array_equal(layer.data[0], before)
    assert save_layer(layer) == ["No frame has other cells than before; nothing was saved."]


def test_labels_that_another_plugin_has_replaced_are_compared(viewer, manager, tmp_path):
    layer = opened(viewer, results_in(tmp_path))[CELLS]
    stack = np.asarray(layer.data).copy()
    stack[3][stack[3] == 2] = 0
    layer.data = stack
    assert save_layer(layer)[0] == "Saved 1 frame of FOV 0: 3."


def test_other_layers_are_not_saved(viewer, manager, folder):
    layers = opened(viewer, folder)
    with pytest.raises(ConfigError, match="The layer 'Phase FOV 0' does not show labels"):
        save_layer(layers["Phase FOV 0"])
    with pytest.raises(ConfigError, match="does not show labels of results"):
        save_layer(viewer.add_labels(np.zeros((2, 2), int)))
    viewer.layers.selection.clear()
    with pytest.raises(ConfigError, match="No layer is selected"):
        save_selected_layer(viewer)


def test_the_command_saves_the_active_layer(viewer, manager, tmp_path):
    folder = results_in(tmp_path)
    layers = opened(viewer, folder)
    layers[CELLS].data[2] = 0
    layers.selection.active = layers[CELLS]
    save_selected_layer(viewer)
    assert (folder / "fov_000/seg_corrected_ch_0.zarr/0/c.2.0.0").exists()


class Frames:
    """A stack in memory, in place of one on disk."""

    def __init__(self, array):
        self.array, self.shape, self.dtype = array, array.shape, array.dtype

    def __getitem__(self, frame):
        return self.array[frame].copy()


KEYS = [
    1,
    -1,
    (2, slice(1, 3)),
    slice(None),
    slice(1, 3),
    slice(3, 3),
    (slice(0, 2), slice(None), 1),
    (1, Ellipsis),
    (Ellipsis, slice(0, 2)),
    (np.int64(2), np.array([0, 1]), np.array([2, 3])),
    (np.array([0, 2, 2]), np.array([1, 1, 0]), np.array([3, 0, 2])),
    (np.array([[0], [2]]), np.array([1]), np.array([3, 0, 2])),
]


@pytest.mark.parametrize("key", KEYS, ids=str)
def test_labels_are_read_and_drawn_in_like_an_array(key):
    plain = np.arange(3 * 4 * 5, dtype=np.uint16).reshape(3, 4, 5)
    stored = plain.copy()
    labels = EditableLabels(Frames(stored))
    np.testing.assert_array_equal(labels[key], plain[key])
    plain[key] = 99
    labels[key] = 99
    np.testing.assert_array_equal(np.asarray(labels), plain)
    values = np.arange(plain[key].size, dtype=np.uint16).reshape(plain[key].shape)
    plain[key] = values
    labels[key] = values
    np.testing.assert_array_equal(np.asarray(labels), plain)
    np.testing.assert_array_equal(stored, np.arange(60).reshape(3, 4, 5))
    labels.forget_edits()
    np.testing.assert_array_equal(np.asarray(labels), stored)


def test_the_trace_of_the_selected_cell_is_found(viewer, manager, folder):
    layers = opened(viewer, folder)
    tracks = tracks_beside(layers, layers[CELLS])
    assert tracks is layers["tracks FOV 0"]
    assert tracks_beside(layers, layers["Phase FOV 0"]) is None
    assert is_tracked(layers[CELLS])
    assert not is_tracked(layers["labels of Phase FOV 0"])
    columns = value_columns(tracks)
    assert default_column(columns) == "intensity_total_ch_1"
    assert default_column([]) == ""
    assert not {"cell", "frame", "time", "position_x", "track_id"} & {*columns}
    trace = trace_of(tracks, cell_of(tracks, 3, 0), "area_ch_0")
    rows = load_traces(traces_of(folder, 0)).query("cell == 3")
    assert trace.cell == 3
    np.testing.assert_array_equal(trace.hours, rows["time"])
    np.testing.assert_array_equal(trace.values, rows["area_ch_0"])
    assert cell_of(tracks, 77, 0) is None


def test_a_cell_that_was_cut_has_the_number_of_the_frame(viewer, manager, tmp_path):
    folder = results_in(tmp_path)
    Inspection(folder, 0).add(Cut(cell=2, frame=3), "Ana")
    tracks = opened(viewer, folder)["tracks FOV 0"]
    assert cell_of(tracks, 2, 0) == 2
    assert cell_of(tracks, 2, 4) == 5


def test_pyama_does_not_load_napari():
    program = (
        "import sys, pyama, pyama.cli.app; pyama.save_corrected_labels; "
        "print([m for m in sys.modules if m.split('.')[0] in {'napari', 'qtpy', 'npe2'}])"
    )
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    assert run.stdout.strip() == b"[]"


def test_layers_show_what_results_say(folder):
    results = open_results(folder)
    _, settings, _ = layers_of(folder)[0]
    assert settings["metadata"]["pyama"] == {
        "folder": str(folder),
        "fov": 0,
        "group": "pc_ch_0",
    }
    assert results.times_min(0) == (0, 10, 20, 30, 40, 50)
