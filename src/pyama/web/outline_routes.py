"""Outlines of cells, tracked or as segmentation found them."""

from enum import StrEnum
from functools import lru_cache
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Query, Response
from fastapi import Path as InPath
from pydantic_core import to_json

from pyama import layout
from pyama.pictures.outlines import polygons
from pyama.web.folders import Fov, FovOutputDir, Frame
from pyama.web.frame_routes import KEPT, check_frame, open_stack

router = APIRouter(tags=["images"])


class LabelKind(StrEnum):
    """Labels that keep their number through time, or are numbered frame by frame."""

    TRACKED = "tracked"
    LABELED = "labeled"


GROUPS = {LabelKind.TRACKED: layout.tracked, LabelKind.LABELED: layout.labeled}


@router.get("/api/fovs/{fov}/outlines/{channel}/{frame}")
def outlines(
    output_dir: FovOutputDir,
    fov: Fov,
    channel: Annotated[int, InPath(ge=0, le=10**6)],
    frame: Frame,
    kind: LabelKind = LabelKind.TRACKED,
    spacing: Annotated[int, Query(ge=0, le=64, description="In px.")] = 0,
    version: Annotated[str, Query(max_length=64)] = "",
) -> Response:
    """Outlines of all cells in a frame: `{label: [[x, y, x, y, ...], ...]}` in px.

    They follow the edges of the pixels; `kind=labeled` gives those before tracking. With
    `spacing`, corners of long outlines that are closer than this to the previous corner are
    left out: less to send and to draw, and no difference where a pixel of the image is smaller
    than a pixel of the screen.
    """
    group = GROUPS[kind](channel)
    stack, stamp = open_stack(output_dir, fov, group, layout.FULL)
    check_frame(stack, frame)
    text = _outlines(output_dir, fov, group, frame, spacing, stamp)
    headers = {"Cache-Control": KEPT if version else "no-store"}
    return Response(text, headers=headers, media_type="application/json")


@lru_cache(maxsize=1024)
def _outlines(
    output_dir: Path, fov: int, group: str, frame: int, spacing: int, stamp: str
) -> bytes:
    stack, _ = open_stack(output_dir, fov, group, layout.FULL)
    return to_json(polygons(stack[frame], spacing))
