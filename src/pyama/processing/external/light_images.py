"""Flat fields and dark frames from TIFF files."""

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pyama.errors import ConfigError, ReaderError
from pyama.file_cache import cached_while_unchanged
from pyama.readers.tiff_images import open_tiff_images
from pyama.sentences import count_text

EXPECTED = "Expected a TIFF file of one plane"


@dataclass(frozen=True, eq=False)
class LightImage:
    """A flat field or dark frame.

    Attributes:
        pixels: Finite, shape (H, W); read-only.
        digest: Digest of shape and pixels; name, date and compression do not matter.
    """

    pixels: NDArray[np.float32]
    digest: str


def read_image(path: str, shape: tuple[int, int], place: str) -> LightImage:
    """Read an image once for all fields of view.

    Args:
        path: The file.
        shape: Required shape (H, W).
        place: Parameter and field of view, for messages.

    Raises:
        ConfigError: The file is missing, damaged, or not one plane of finite numbers of that
            shape.
    """
    file = Path(path).expanduser()
    if not os.path.isfile(file):  # False, too, if the name has a null character or is too long
        raise ConfigError(f"{place}: there is no file {path!r}. {EXPECTED}.")
    try:
        return _read(file, shape)
    except ConfigError as error:
        raise ConfigError(f"{place}: {error}") from error


@cached_while_unchanged(16)
def _read(path: Path, shape: tuple[int, int]) -> LightImage:
    try:
        with open_tiff_images(path) as images:
            # Checked first, because an image of another size may not fit into memory.
            problem = _problem(images.n_pages, images.shape, images.dtype, shape)
            if problem:
                raise ConfigError(f"{path} {problem}")
            image = images.read()
    except (ReaderError, FileNotFoundError) as error:
        raise ConfigError(f"{path} cannot be read: {error}. {EXPECTED}.") from error
    with np.errstate(over="ignore"):
        pixels = np.ascontiguousarray(image, np.float32)
    odd = int(np.count_nonzero(~np.isfinite(pixels)))
    if odd:
        raise ConfigError(
            f"{path} has {count_text(odd, 'pixel')} without a finite value. Use the mean of "
            "the neighbours there."
        )
    pixels.flags.writeable = False
    digest = hashlib.sha256(repr(pixels.shape).encode() + pixels.tobytes())
    return LightImage(pixels, digest.hexdigest()[:16])


def _problem(
    n_planes: int,
    found: tuple[int, ...],
    dtype: np.dtype[np.generic] | None,
    shape: tuple[int, int],
) -> str:
    """Return what is wrong with an image before it is read; empty if nothing is."""
    if n_planes != 1:
        return f"contains {n_planes} planes; expected one. Average them and save the result."
    if dtype is None or np.dtype(dtype).kind not in "uif":
        return f"has pixels of type {dtype}; expected integers or floating-point numbers."
    if tuple(found) != shape:
        return (
            f"has the shape {tuple(found)}, but the frames {shape}. Record it with the same "
            "camera settings, in grey levels, without cropping or binning."
        )
    return ""
