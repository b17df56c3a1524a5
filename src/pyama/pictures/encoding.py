"""Encoding of images for a browser: raw pixels, PNG and JPEG."""

import base64
import io
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pyama.algorithms.preview import intensity_to_uint8
from pyama.pictures.contrast import Contrast, contrast_of_frame

JPEG_QUALITY = 85


class ImageFormat(StrEnum):
    """How pixels are sent."""

    RAW = "raw"
    PNG = "png"
    JPEG = "jpeg"


def encode_image(
    pixels: NDArray[Any], form: ImageFormat, contrast: Contrast | None = None
) -> bytes:
    """Encode one image.

    Args:
        pixels: Grey, shape (H, W), or uint8 RGB, shape (H, W, 3).
        form: `raw` is row after row, little-endian; `png` holds the same values, rounded to
            uint16 if they are not uint8; `jpeg` has 8 bits.
        contrast: Of a JPEG of pixels that are not uint8; without it, that of the pixels.
    """
    if form is ImageFormat.RAW:
        return pixels.astype(pixels.dtype.newbyteorder("<"), copy=False).tobytes()
    from PIL import Image

    file = io.BytesIO()
    if form is ImageFormat.JPEG:
        image = Image.fromarray(_in_8_bits(pixels, contrast))
        image.save(file, "JPEG", quality=JPEG_QUALITY)
    else:
        Image.fromarray(_in_16_bits(pixels)).save(file, "PNG", compress_level=1)
    return file.getvalue()


def jpeg_url(pixels: NDArray[np.uint8]) -> str:
    """Return an image as a JPEG in a data URL.

    Args:
        pixels: Grey, shape (H, W), or RGB, shape (H, W, 3).
    """
    return (
        "data:image/jpeg;base64,"
        + base64.b64encode(encode_image(pixels, ImageFormat.JPEG)).decode()
    )


def _in_8_bits(pixels: NDArray[Any], contrast: Contrast | None) -> NDArray[np.uint8]:
    if pixels.dtype == np.uint8:
        return pixels
    return intensity_to_uint8(pixels, *(contrast or contrast_of_frame(pixels)))


def _in_16_bits(pixels: NDArray[Any]) -> NDArray[np.uint8] | NDArray[np.uint16]:
    if pixels.dtype == np.uint8:
        return pixels
    return np.clip(np.rint(pixels), 0, 65535).astype(np.uint16)
