"""Labels that were corrected in a layer of napari, saved into the results."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pyama import layout
from pyama.errors import ConfigError
from pyama.fov_ranges import frames_text
from pyama.napari_plugin.editable_labels import EditableLabels
from pyama.napari_plugin.result_layers import KEY
from pyama.sentences import count_text
from pyama.traces.corrected_labels import save_corrected_labels


def save_layer(layer: Any, by: str = "") -> list[str]:
    """Save the frames of a layer of labels in which something was drawn.

    Args:
        layer: A layer that this plugin has opened.
        by: Who has corrected them; by default the name of the user.

    Returns:
        What was saved and what to do now, in sentences.

    Raises:
        ConfigError: It is another layer.
        PyamaError: See `save_corrected_labels`.
    """
    origin = origin_of(layer)
    if origin is None:
        raise ConfigError(
            f"The layer {layer.name!r} does not show labels of results. Choose a layer that "
            "pyama has opened, such as 'cells of Phase FOV 0'."
        )
    folder, fov = Path(origin["folder"]), int(origin["fov"])
    saved = save_corrected_labels(
        folder, fov, _edited(layer.data), by=by, opened_from=origin["group"]
    )
    if not saved.frames:
        return ["No frame has other cells than before; nothing was saved."]
    frames = count_text(len(saved.frames), "frame")
    return [
        f"Saved {frames} of FOV {fov}: {frames_text(saved.frames)}.",
        *saved.notes,
        "Run pyama again with the same arguments to measure the corrected cells; "
        "pyama plan shows what would be made again.",
    ]


def save_selected_layer(viewer: Any) -> None:
    """Save the active layer of a viewer, and show what was done.

    Raises:
        PyamaError: See `save_layer`.
    """
    from napari.utils.notifications import show_info

    layer = viewer.layers.selection.active
    if layer is None:
        raise ConfigError("No layer is selected. Select the labels that you have corrected.")
    for sentence in save_layer(layer):
        show_info(sentence)


def origin_of(layer: Any) -> Mapping[str, Any] | None:
    """Return folder, field of view and group of labels of results; None for other layers."""
    origin = layer.metadata.get(KEY)
    is_labels = origin is not None and layout.is_labels(origin["group"])
    return origin if is_labels else None


def _edited(data: Any) -> Mapping[int, NDArray[Any]]:
    """Return the frames that may have been changed, by their index."""
    if isinstance(data, EditableLabels):
        return data.edited
    return dict(enumerate(np.asarray(data)))  # replaced by another plugin
