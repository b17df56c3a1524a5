"""Frames as raw pixels, PNG or JPEG."""

import io
from enum import StrEnum
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from fastapi import APIRouter, Depends, HTTPException, Query, Response
from fastapi import Path as InPath
from numpy.typing import NDArray

from pyama import layout
from pyama.store import FovStore, MarkFile, Stack
from pyama.web.folders import Dir, Fov, Frame, Root, root_of

router = APIRouter(tags=["images"])
JPEG_QUALITY = 85
KEPT = "private, max-age=86400, immutable"


class Format(StrEnum):
    """How pixels travel."""

    RAW = "raw"
    PNG = "png"
    JPEG = "jpeg"


MEDIA = {
    Format.RAW: "application/octet-stream",
    Format.PNG: "image/png",
    Format.JPEG: "image/jpeg",
}
Group = Annotated[str, InPath(max_length=64, description="Such as `pc_ch_0`.")]


class Level(StrEnum):
    """Full resolution, or the uint8 preview of half the size."""

    FULL = "0"
    PREVIEW = "1"


@router.get(
    "/api/fovs/{fov}/frames/{group}/{frame}",
    response_class=Response,
    responses={200: {"content": {media: {} for media in MEDIA.values()}}},
)
def frame(
    root: Annotated[Root, Depends(root_of)],
    fov: Fov,
    group: Group,
    frame: Frame,
    directory: Dir = ".",
    level: Level = Level.PREVIEW,
    form: Annotated[Format, Query(alias="format")] = Format.RAW,
    version: Annotated[str, Query(max_length=64, description="Lets a browser keep it.")] = "",
) -> Response:
    """One frame.

    `raw` is row after row, little-endian, with the headers `X-Height`, `X-Width`, `X-Dtype`;
    `png` holds the same values; `jpeg` has 8 bits, stretched where the stack has more.
    """
    stack = open_stack(root.fov(directory, fov), fov, group, level.value)[0]
    if frame >= len(stack):
        raise HTTPException(404, f"There is no frame {frame}; the last is {len(stack) - 1}.")
    pixels = stack[frame]
    headers = {
        "Cache-Control": KEPT if version else "no-store",
        "X-Height": str(pixels.shape[0]),
        "X-Width": str(pixels.shape[1]),
        "X-Dtype": pixels.dtype.name,
    }
    return Response(encoded(pixels, form), headers=headers, media_type=MEDIA[form])


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
        found = MarkFile(store.path, f"{group}/{level}").path.stat()
    except OSError:
        return store.stack(group, level), ""
    stamp = f"{found.st_mtime_ns:x}-{found.st_size:x}"
    return _stack(output_dir, fov, group, level, stamp), stamp


@lru_cache(maxsize=256)
def _stack(output_dir: Path, fov: int, group: str, level: str, stamp: str) -> Stack:
    return FovStore(output_dir, fov).stack(group, level)


def encoded(pixels: NDArray[Any], form: Format) -> bytes:
    """Return the pixels (H, W) of one frame in a format."""
    if form is Format.RAW:
        return pixels.astype(pixels.dtype.newbyteorder("<"), copy=False).tobytes()
    from PIL import Image

    if form is Format.JPEG:
        pixels = _stretched(pixels)
    elif pixels.dtype != np.uint8:
        pixels = np.clip(np.rint(pixels), 0, 65535).astype(np.uint16)
    file = io.BytesIO()
    options = {"quality": JPEG_QUALITY} if form is Format.JPEG else {"compress_level": 1}
    Image.fromarray(pixels).save(file, form.value, **options)
    return file.getvalue()


def _stretched(pixels: NDArray[Any]) -> NDArray[np.uint8]:
    if pixels.dtype == np.uint8:
        return pixels
    low, high = np.percentile(pixels, [1, 99])
    scaled = (pixels - low) * (255 / max(high - low, 1e-9))
    return np.clip(scaled, 0, 255).astype(np.uint8)
