"""What the total intensity of a cell is made of."""

from typing import Annotated, Any

import numpy as np
from fastapi import APIRouter, Depends, HTTPException
from fastapi import Path as InPath
from numpy.typing import NDArray
from pydantic import BaseModel

from pyama import layout
from pyama.algorithms.crops import SCALE
from pyama.processing.light_sources import stored_light
from pyama.store import FovStore
from pyama.web.folders import Dir, Fov, Root, record_of, root_of

router = APIRouter(tags=["traces"])
Number = Annotated[int, InPath(ge=0, le=2**31 - 1)]


class Parts(BaseModel):
    """Sums over the mask of one cell, in counts."""

    label: int
    """Its number in the labels."""
    frames: list[int]
    """Frames in which it is present."""
    raw: list[float]
    """Where the run has a flat field or a dark frame, corrected with it."""
    background: list[float]
    """Corrected in the same way."""
    corrected: list[float]
    """Raw less the weighted background."""


@router.get("/api/fovs/{fov}/cells/{label}/parts/{channel}")
def parts(
    root: Annotated[Root, Depends(root_of)],
    fov: Fov,
    label: Number,
    channel: Number,
    directory: Dir = ".",
) -> Parts:
    """Raw, background and corrected intensity of one cell, over time."""
    output_dir = root.fov(directory, fov)
    record = record_of(output_dir)
    config, params = record.config, record.config.params
    pc, weight = config.channels.pc, params.background_weight
    if pc is None or channel not in {entry.channel for entry in config.channels.fl}:
        raise HTTPException(404, "This channel was not measured.")
    store = FovStore(output_dir, fov)
    cells = store.cells()
    rows = np.flatnonzero(cells.roster.ids == label)
    if not rows.size:
        raise HTTPException(404, f"There is no cell {label}.")
    mask = cells.crop(layout.tracked(pc.channel), label)
    present = np.flatnonzero(cells.roster.valid_frames[rows[0]])
    groups = (layout.fluorescence(channel), layout.background(channel))
    crops = [cells.crop(group, label) for group in groups]
    if params.corrects(channel):
        light = stored_light(store.stack, params, channel, record.metadata.shapes[fov])
        crops = [light.corrected(crop, cells.roster.bboxes[rows[0]]) for crop in crops]
    raw, background = (_sums(crop, mask)[present] for crop in crops)
    return Parts(
        label=label,
        frames=present.tolist(),
        raw=raw.tolist(),
        background=background.tolist(),
        corrected=(raw - weight * background).tolist(),
    )


def _sums(crop: NDArray[Any], mask: NDArray[np.uint8]) -> NDArray[np.float64]:
    sums: NDArray[np.float64] = np.einsum("thw,thw->t", crop, mask, dtype=np.float64)
    return sums * SCALE
