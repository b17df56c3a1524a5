"""A dock widget of napari: the trace of the selected cell, and saving of corrected labels."""

from pathlib import Path
from typing import Any

from qtpy.QtWidgets import (
    QComboBox,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from pyama import layout
from pyama.errors import PyamaError, message_of
from pyama.napari_plugin.cell_values import (
    cell_of,
    default_column,
    is_tracked,
    trace_of,
    tracks_beside,
    value_columns,
)
from pyama.napari_plugin.editable_labels import EditableLabels
from pyama.napari_plugin.result_layers import KEY
from pyama.napari_plugin.saved_layers import origin_of, save_layer
from pyama.napari_plugin.trace_plot import TracePlot
from pyama.store import fovs_in
from pyama.traces.corrected_labels import user_name

NO_LAYER = "Select a layer of labels that pyama has opened, such as 'cells of Phase FOV 0'."
HELP = (
    "Choose a cell with the picker. Draw with the brush, erase with the eraser. New cell "
    "takes a number that no cell has in this frame."
)


class TraceDock(QWidget):
    """The trace of the cell that is selected in a layer of labels.

    Args:
        napari_viewer: The viewer; napari passes it by this name.
    """

    def __init__(self, napari_viewer: Any) -> None:
        super().__init__()
        self._viewer = napari_viewer
        self.plot, self.values, self.fovs = TracePlot(), QComboBox(), QComboBox()
        self.by, self.message = QLineEdit(user_name()), QLabel(HELP)
        self.message.setWordWrap(True)
        self.new_cell, self.save = QPushButton("New cell"), QPushButton("Save corrections")
        self._arrange()
        self.values.currentTextChanged.connect(self._draw)
        self.fovs.activated.connect(self._open_fov)
        self.new_cell.clicked.connect(self._take_new_number)
        self.save.clicked.connect(self._save)
        for layer in napari_viewer.layers:
            self._watch(layer)
        napari_viewer.layers.events.inserted.connect(self._on_inserted)
        napari_viewer.layers.selection.events.active.connect(self._show)
        napari_viewer.dims.events.current_step.connect(self._draw)
        self._show()

    def _arrange(self) -> None:
        form = QFormLayout()
        form.addRow("Field of view", self.fovs)
        form.addRow("Value", self.values)
        form.addRow("Corrected by", self.by)
        buttons = QHBoxLayout()
        buttons.addWidget(self.new_cell)
        buttons.addWidget(self.save)
        box = QVBoxLayout(self)
        box.addLayout(form)
        box.addWidget(self.plot, 1)
        box.addLayout(buttons)
        box.addWidget(self.message)

    def _on_inserted(self, event: Any) -> None:
        self._watch(event.value)

    def _watch(self, layer: Any) -> None:
        if hasattr(layer.events, "selected_label"):
            layer.events.selected_label.connect(self._draw)

    def _labels(self) -> Any:
        """Return the active layer if it shows labels of results, or None."""
        layer = self._viewer.layers.selection.active
        return layer if layer is not None and origin_of(layer) is not None else None

    def _show(self, event: Any = None) -> None:
        """Offer the values and fields of view of the active layer."""
        labels = self._labels()
        self.save.setEnabled(labels is not None)
        self.new_cell.setEnabled(labels is not None)
        if labels is None:
            self.message.setText(NO_LAYER)
            return
        self.message.setText(HELP)
        tracks = tracks_beside(self._viewer.layers, labels)
        columns = [] if tracks is None else value_columns(tracks)
        if columns != [self.values.itemText(i) for i in range(self.values.count())]:
            self.values.clear()
            self.values.addItems(columns)
            self.values.setCurrentText(default_column(columns))
        self._offer_fovs(labels.metadata[KEY])
        self._draw()

    def _offer_fovs(self, origin: dict[str, Any]) -> None:
        self.fovs.clear()
        for fov in fovs_in(Path(origin["folder"])):
            self.fovs.addItem(str(fov), fov)
        self.fovs.setCurrentText(str(origin["fov"]))

    def _draw(self, event: Any = None) -> None:
        """Draw the trace of the selected cell."""
        labels, frame = self._labels(), self._frame()
        tracks = None if labels is None else tracks_beside(self._viewer.layers, labels)
        column = self.values.currentText()
        self.plot.trace = None
        if tracks is not None and column and is_tracked(labels):
            cell = cell_of(tracks, int(labels.selected_label), frame)
            if cell is not None:
                self.plot.trace = trace_of(tracks, cell, column)
                self.plot.title = f"cell {cell}"
                self.plot.hours = frame * float(tracks.scale[0]) / 3600
        self.plot.update()

    def _frame(self) -> int:
        return int(self._viewer.dims.current_step[0])

    def _take_new_number(self) -> None:
        labels = self._labels()
        if labels is not None and isinstance(labels.data, EditableLabels):
            labels.selected_label = labels.data.next_label(self._frame())
            labels.mode = "paint"

    def _save(self) -> None:
        try:
            self.message.setText(" ".join(save_layer(self._labels(), self.by.text().strip())))
        except PyamaError as error:
            self.message.setText(message_of(error))

    def _open_fov(self) -> None:
        """Replace the layers of one field of view by those of another."""
        labels = self._labels()
        if labels is None:
            return
        origin, fov = labels.metadata[KEY], self.fovs.currentData()
        shown = [layer for layer in self._viewer.layers if _same_fov(layer, origin)]
        if fov == origin["fov"]:
            return
        if any(getattr(layer.data, "edited", None) for layer in shown):
            self.fovs.setCurrentText(str(origin["fov"]))
            self.message.setText(
                "Labels were drawn in. Save corrections, then drop the folder of the other "
                "field of view on napari."
            )
            return
        for layer in shown:
            self._viewer.layers.remove(layer)
        path = Path(origin["folder"]) / layout.fov_dir(fov)
        opened = self._viewer.open(str(path), plugin="pyama-traces")
        cells = [layer for layer in opened if origin_of(layer) is not None]
        self._viewer.layers.selection.active = cells[-1] if cells else None


def _same_fov(layer: Any, origin: dict[str, Any]) -> bool:
    other = layer.metadata.get(KEY, {})
    return all(other.get(name) == origin[name] for name in ("folder", "fov"))
