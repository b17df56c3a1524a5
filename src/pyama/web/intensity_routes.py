"""Raw, background and corrected intensity of one cell."""

from typing import Annotated

from fastapi import APIRouter, HTTPException
from fastapi import Path as InPath
from pydantic import BaseModel

from pyama.analysis.intensity_parts import intensity_parts
from pyama.web.folders import Fov, FovOutputDir, record_of

router = APIRouter(tags=["traces"])
Number = Annotated[int, InPath(ge=0, le=2**31 - 1)]


class Parts(BaseModel):
    """Sums over the mask of one cell, in counts."""

    label: int
    """Its number in the labels."""
    frames: list[int]
    """Frames in which it is present."""
    raw: list[float]
    """Corrected for uneven light if the run has a flat field or a dark frame."""
    background: list[float]
    """Corrected in the same way."""
    corrected: list[float]
    """Raw minus the weighted background."""


@router.get("/api/fovs/{fov}/cells/{label}/parts/{channel}")
def parts(output_dir: FovOutputDir, fov: Fov, label: Number, channel: Number) -> Parts:
    """Raw, background and corrected intensity of one cell, over time."""
    sums = intensity_parts(output_dir, record_of(output_dir), fov, label, channel)
    if sums is None:
        raise HTTPException(404, f"Cell {label} was not measured in channel {channel}.")
    return Parts(
        label=label,
        frames=sums.frames.tolist(),
        raw=sums.raw.tolist(),
        background=sums.background.tolist(),
        corrected=sums.corrected.tolist(),
    )
