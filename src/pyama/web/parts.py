"""What the total intensity of a cell is made of."""

from typing import Annotated

import numpy as np
from fastapi import APIRouter, Depends, HTTPException
from fastapi import Path as InPath
from pydantic import BaseModel

from pyama import layout
from pyama.store import Cells, FovStore
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
    background: list[float]
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
    config = record_of(output_dir).config
    pc, weight = config.channels.pc, config.params.background_weight
    if pc is None or channel not in {entry.channel for entry in config.channels.fl}:
        raise HTTPException(404, "This channel was not measured.")
    cells = FovStore(output_dir, fov).cells()
    rows = np.flatnonzero(cells.roster.ids == label)
    if not rows.size:
        raise HTTPException(404, f"There is no cell {label}.")
    mask = cells.crop(layout.tracked(pc.channel), label).read()
    present = np.flatnonzero(cells.roster.valid_frames[rows[0]])
    raw = _sums(cells, layout.fluorescence(channel), label, mask)[present]
    background = _sums(cells, layout.background(channel), label, mask)[present]
    return Parts(
        label=label,
        frames=present.tolist(),
        raw=raw.tolist(),
        background=background.tolist(),
        corrected=(raw - weight * background).tolist(),
    )


def _sums(cells: Cells, group: str, label: int, mask: np.ndarray) -> np.ndarray:
    crop = cells.crop(group, label)
    scale = crop.attributes["pyama"]["divisor"]
    return np.einsum("thw,thw->t", crop.read(), mask, dtype=np.float64) * scale
