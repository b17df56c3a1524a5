"""Raw, background and corrected intensity of one cell over time."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pyama import layout
from pyama.algorithms.crops import SCALE
from pyama.processing.record import Record
from pyama.processing.steps.illumination import stored_light
from pyama.store import FovStore

Values = NDArray[np.float64]


@dataclass(frozen=True)
class IntensityParts:
    """Sums over the mask of one cell, in counts, shape (n,).

    Attributes:
        frames: 0-based frames in which the cell is present, ascending.
        raw: Corrected for uneven light if the run has a flat field or a dark frame.
        background: Corrected in the same way.
        corrected: `raw` minus the weighted background, as in the traces.
    """

    frames: NDArray[np.int64]
    raw: Values
    background: Values
    corrected: Values


def intensity_parts(
    output_dir: Path, record: Record, fov: int, label: int, channel: int
) -> IntensityParts | None:
    """Sum up the crops of one cell.

    Args:
        output_dir: The output folder.
        record: Recording and configuration of its last run.
        fov: 0-based index of the field of view.
        label: Number of the cell in the label images.
        channel: 0-based index of a fluorescence channel.

    Returns:
        The sums; None if the channel was not measured or there is no such cell.

    Raises:
        NotReadyError: The cells were not cropped yet.
    """
    config, params = record.config, record.config.params
    if config.channels.pc is None or channel not in {fl.channel for fl in config.channels.fl}:
        return None
    store = FovStore(output_dir, fov)
    cells = store.cells()
    rows = np.flatnonzero(cells.cell_list.ids == label)
    if not rows.size:
        return None
    mask = cells.crop(layout.tracked(config.channels.pc.channel), label)
    frames = np.flatnonzero(cells.cell_list.valid_frames[rows[0]])
    groups = (layout.fluorescence(channel), layout.background(channel))
    crops = [cells.crop(group, label) for group in groups]
    if params.corrects(channel):
        light = stored_light(store.stack, params, channel, record.metadata.shapes[fov])
        crops = [light.corrected(crop, cells.cell_list.bboxes[rows[0]]) for crop in crops]
    raw, background = (_sums(crop, mask)[frames] for crop in crops)
    return IntensityParts(frames, raw, background, raw - params.background_weight * background)


def _sums(crop: NDArray[np.float32], mask: NDArray[np.uint8]) -> Values:
    sums: Values = np.einsum("thw,thw->t", crop, mask, dtype=np.float64)
    return sums * SCALE
