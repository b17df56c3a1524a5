"""The dock widget of the plugin for napari; skipped without a Qt binding."""

import os
import warnings

import numpy as np
import pytest

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
QtWidgets = pytest.importorskip(
    "qtpy.QtWidgets", reason="no Qt binding is installed", exc_type=ImportError
)

from pyama.napari_plugin.result_layers import layers_of  # noqa: E402
from pyama.napari_plugin.trace_dock import TraceDock  # noqa: E402
from results import results_in  # noqa: E402

CELLS = "cells of Phase FOV 0"


@pytest.fixture
def viewer(tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from napari.components import ViewerModel
        from napari.layers import Layer
    model = ViewerModel()
    for entry in layers_of(results_in(tmp_path), 0):
        model.add_layer(Layer.create(*entry))
    return model


@pytest.fixture
def dock(viewer):
    application = QtWidgets.QApplication.instance() or QtWidgets.QApplication([])
    widget = TraceDock(viewer)
    yield widget
    widget.close()
    application.processEvents()


def test_the_trace_of_the_selected_cell_is_drawn(viewer, dock):
    viewer.layers.selection.active = viewer.layers[CELLS]
    viewer.layers[CELLS].selected_label = 3
    assert dock.values.currentText() == "intensity_total_ch_1"
    assert dock.plot.trace.cell == 3
    viewer.dims.set_current_step(0, 4)
    assert dock.plot.hours == pytest.approx(4 / 6)
    empty = dock.plot.grab().toImage()
    viewer.layers[CELLS].selected_label = 99
    assert dock.plot.trace is None
    assert dock.plot.grab().toImage() != empty


def test_corrections_are_saved_with_the_name(viewer, dock, tmp_path):
    layer = viewer.layers[CELLS]
    viewer.layers.selection.active = layer
    viewer.dims.set_current_step(0, 2)
    dock.new_cell.click()
    assert (layer.selected_label, layer.mode) == (5, "paint")
    layer.paint((2, 80, 76), 5)
    dock.by.setText("Ana")
    dock.save.click()
    assert dock.message.text().startswith("Saved 1 frame of FOV 0: 2.")
    folder = tmp_path / "results/fov_000/seg_corrected_ch_0.zarr"
    assert '"by": "Ana"' in (folder / "zarr.json").read_text()
    dock.fovs.setCurrentText("1")
    dock._open_fov()
    assert dock.message.text().startswith("Labels were drawn in.")
    assert dock.fovs.currentText() == "0"


def test_without_labels_nothing_can_be_saved(viewer, dock):
    viewer.layers.selection.active = viewer.layers["Phase FOV 0"]
    assert not dock.save.isEnabled()
    assert dock.message.text().startswith("Select a layer of labels")
    assert np.isfinite(dock.plot.sizeHint().width())
