"""Images and label images in TIFF and PNG files, one frame after the other."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from pyama.algorithms.contracts import MAX_UINT16
from pyama.algorithms.kernels.array_types import Frame
from pyama.errors import ConfigError, ReaderError
from pyama.readers.tiff_images import open_tiff_images

TIFF = (".tif", ".tiff")
SUFFIXES = (*TIFF, ".png")
"""Of the files that are read."""


class Images(Protocol):
    """Frames of an open file."""

    n_frames: int
    """Number of frames."""

    def read(self, frame: int = 0) -> NDArray[Any]:
        """Return a frame as it is stored."""
        ...


class _Png:
    n_frames = 1

    def __init__(self, pixels: NDArray[Any]) -> None:
        self._pixels = pixels

    def read(self, frame: int = 0) -> NDArray[Any]:
        return self._pixels


@contextmanager
def open_images(path: Path) -> Iterator[Images]:
    """Open a TIFF or PNG file for the length of the block.

    Raises:
        ConfigError: The file is damaged, or not what its name says.
    """
    try:
        if path.suffix.lower() not in TIFF:
            yield _Png(_read_png(path))
            return
        with open_tiff_images(path) as images:
            yield images
    except ReaderError as error:
        raise ConfigError(
            f"{path} cannot be read: {str(error).rstrip('.')}. Expected a TIFF or PNG file."
        ) from error


def _read_png(path: Path) -> NDArray[Any]:
    from PIL import Image

    try:
        with Image.open(path, formats=["PNG"]) as image:
            return np.asarray(image)  # of an image with a palette, the numbers of its colours
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise ReaderError(str(error)) from error


def as_frame(pixels: NDArray[Any], name: str) -> Frame:
    """Return an image as a frame, shape (H, W).

    Raises:
        ConfigError: It is a colour image, or not of whole numbers that fit uint16.
    """
    _check_grey(pixels, name)
    fits = pixels.dtype.kind in "ui" and pixels.min() >= 0 and pixels.max() <= MAX_UINT16
    if not fits:
        raise ConfigError(
            f"{name} has pixels of the type {pixels.dtype}; expected whole numbers from 0 to "
            f"{MAX_UINT16}, as the microscope has recorded them. Save it as 16 bit, unscaled."
        )
    return pixels.astype(np.uint16)


def as_labels(pixels: NDArray[Any], name: str) -> NDArray[np.int64]:
    """Return a label image with whole numbers, shape (H, W); 0 is background.

    Raises:
        ConfigError: It is a colour image, or has fractions or negative numbers.
    """
    _check_grey(pixels, name)
    if pixels.dtype.kind not in "uib" or pixels.min() < 0:
        found = f"pixels of the type {pixels.dtype}"
        if pixels.dtype.kind in "ui":
            found = f"the number {pixels.min()}"
        raise ConfigError(
            f"{name} has {found}; expected labels: 0 for background, and a whole number for "
            "every cell. Save it as labels, not as probabilities or colours."
        )
    return pixels.astype(np.int64)


def _check_grey(pixels: NDArray[Any], name: str) -> None:
    if pixels.ndim != 2 or not pixels.size:
        raise ConfigError(
            f"{name} has the shape {pixels.shape}; expected (H, W). A colour image or "
            "several channels cannot be used: save one channel as grey levels."
        )
