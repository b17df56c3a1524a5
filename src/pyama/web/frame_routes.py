"""Frames as raw pixels, PNG or JPEG, and the contrast they are drawn with."""

from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Depends, HTTPException, Query, Response
from fastapi import Path as InPath
from pydantic import BaseModel

from pyama import layout
from pyama.pictures.contrast import Contrast, contrast_of_frame, contrast_of_stack, gaps_of
from pyama.pictures.encoding import ImageFormat, encode_image
from pyama.pictures.grey_frames import halve_frame
from pyama.store import FovStore, MarkFile, Stack
from pyama.web.folders import Fov, FovOutputDir, Frame

router = APIRouter(tags=["images"])
KEPT = "private, max-age=86400, immutable"
"""Caching of what the address names together with its version."""
MEDIA = {
    ImageFormat.RAW: "application/octet-stream",
    ImageFormat.PNG: "image/png",
    ImageFormat.JPEG: "image/jpeg",
}
Group = Annotated[str, InPath(max_length=64, description="Such as `pc_ch_0`.")]


class Level(StrEnum):
    """Full resolution, or the uint8 preview of half the size."""

    FULL = "0"
    PREVIEW = "1"


class FrameContrast(BaseModel):
    """What is drawn black and white when the contrast is that of one frame."""

    low: float
    """Counts that are black."""
    high: float
    """Counts that are white."""


@dataclass(frozen=True)
class StoredFrame:
    """One frame of a stack, as it is stored: an array (H, W) of pixels, and its place."""

    store: FovStore
    group: str
    level: Level
    frame: int
    pixels: Any


def _stored_frame(
    output_dir: FovOutputDir,
    fov: Fov,
    group: Group,
    frame: Frame,
    level: Level = Level.PREVIEW,
) -> StoredFrame:
    stack = open_stack(output_dir, fov, group, level.value)[0]
    check_frame(stack, frame)
    return StoredFrame(FovStore(output_dir, fov), group, level, frame, stack[frame])


Stored = Annotated[StoredFrame, Depends(_stored_frame)]


def _jpeg_contrast(
    low: Annotated[float | None, Query(description="Counts that are black in a JPEG.")] = None,
    high: Annotated[float | None, Query(description="Counts that are white.")] = None,
) -> Contrast | None:
    return None if low is None or high is None else Contrast(low, high)


@router.get(
    "/api/fovs/{fov}/frames/{group}/{frame}",
    response_class=Response,
    responses={200: {"content": {media: {} for media in MEDIA.values()}}},
)
def frame(
    stored: Stored,
    contrast: Annotated[Contrast | None, Depends(_jpeg_contrast)],
    form: Annotated[ImageFormat, Query(alias="format")] = ImageFormat.RAW,
    reduced: Annotated[
        bool, Query(description="Half the size, in counts also beyond what a preview holds.")
    ] = False,
    version: Annotated[str, Query(max_length=64, description="For the browser cache.")] = "",
) -> Response:
    """One frame.

    `raw` is row after row, little-endian, with the headers `X-Height`, `X-Width`, `X-Dtype`;
    `png` holds the same values; `jpeg` has 8 bits, with the contrast of the whole stack unless
    another is given.
    """
    is_full = stored.level is Level.FULL
    pixels = halve_frame(stored.pixels) if reduced and is_full else stored.pixels
    headers = {
        "Cache-Control": KEPT if version else "no-store",
        "X-Height": str(pixels.shape[0]),
        "X-Width": str(pixels.shape[1]),
        "X-Dtype": pixels.dtype.name,
    }
    if contrast is None and form is ImageFormat.JPEG and is_full:
        contrast = contrast_of_stack(stored.store, stored.group)
    return Response(
        encode_image(pixels, form, contrast), headers=headers, media_type=MEDIA[form]
    )


@router.get("/api/fovs/{fov}/frames/{group}/{frame}/contrast")
def frame_contrast(stored: Stored) -> FrameContrast:
    """Contrast of a single frame by the rule that gives the whole stack its contrast."""
    gaps = gaps_of(stored.store, stored.group, stored.frame)
    low, high = contrast_of_frame(stored.pixels, gaps)
    if stored.level is Level.PREVIEW:
        shown = contrast_of_stack(stored.store, stored.group)
        low, high = shown.to_counts(low), shown.to_counts(high)
    return FrameContrast(low=low, high=high)


def check_frame(stack: Stack, frame: int) -> None:
    """Refuse a frame that a stack does not have.

    Raises:
        HTTPException: There is no such frame (404).
    """
    if frame >= len(stack):
        raise HTTPException(404, f"There is no frame {frame}; the last is {len(stack) - 1}.")


def open_stack(output_dir: Path, fov: int, group: str, level: str) -> tuple[Stack, str]:
    """Open a finished stack, cached until it is made again.

    Returns:
        The stack, and a text that changes when it does.

    Raises:
        HTTPException: There is no such group (404).
        NotReadyError: It is not finished.
    """
    if layout.parse_group(group) is None:
        raise HTTPException(404, "There is no such group.")
    store = FovStore(output_dir, fov)
    try:
        status = MarkFile(store.path, f"{group}/{level}").path.stat()
    except OSError:
        return store.stack(group, level), ""
    stamp = f"{status.st_mtime_ns:x}-{status.st_size:x}"
    return _stack(output_dir, fov, group, level, stamp), stamp


@lru_cache(maxsize=256)
def _stack(output_dir: Path, fov: int, group: str, level: str, stamp: str) -> Stack:
    return FovStore(output_dir, fov).stack(group, level)
