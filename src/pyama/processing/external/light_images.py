"""Flat fields and dark frames from TIFF files."""

import hashlib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import tifffile
from numpy.typing import NDArray

from pyama.errors import ConfigError
from pyama.readers.planes import DAMAGE

EXPECTED = "Expected a TIFF file of one plane"


@dataclass(frozen=True, eq=False)
class LightImage:
    """An image of one plane.

    Attributes:
        pixels: Finite, shape (H, W); read-only.
        digest: Of shape and pixels; neither name, date nor compression takes part.
    """

    pixels: NDArray[np.float32]
    digest: str


def read_image(path: str, shape: tuple[int, int], place: str) -> LightImage:
    """Read an image once for all fields of view.

    Args:
        path: The file.
        shape: (H, W) that it must have.
        place: What it is and for which field of view, for messages.

    Raises:
        ConfigError: It is missing, damaged, or not one plane of finite numbers of that shape.
    """
    file = Path(path).expanduser()
    try:
        is_file, stat = file.is_file(), file.stat()
    except (OSError, ValueError):  # ValueError: no system has such a name
        is_file, stat = False, None
    if stat is None or not is_file:
        raise ConfigError(f"{place}: there is no file {path!r}. {EXPECTED}.")
    try:
        return _read(file, shape, stat.st_size, stat.st_mtime_ns)
    except ConfigError as error:
        raise ConfigError(f"{place}: {error}") from error


@lru_cache(maxsize=16)
def _read(path: Path, shape: tuple[int, int], size: int, changed: int) -> LightImage:
    try:
        with tifffile.TiffFile(path) as file:
            n, first = len(file.pages), file.pages.first
            problem = _problem(n, first.shape, first.dtype, shape)
            # Only an image of the right size is taken from the file.
            image = None if problem else np.asarray(first.asarray())
    except (*DAMAGE, tifffile.TiffFileError) as error:
        reason = " ".join(str(error).split())[:200].rstrip(".") or type(error).__name__
        raise ConfigError(f"{path} cannot be read: {reason}. {EXPECTED}.") from error
    if image is None:
        raise ConfigError(f"{path} {problem}")
    with np.errstate(over="ignore"):
        pixels = np.ascontiguousarray(image, np.float32)
    odd = int(np.count_nonzero(~np.isfinite(pixels)))
    if odd:
        raise ConfigError(
            f"{path} has {odd} pixels that are no finite numbers. Replace them by the mean of "
            "their neighbours."
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
    """Say what is wrong with an image before it is read; nothing if it is fine."""
    if n_planes != 1:
        return f"holds {n_planes} planes; expected one. Average them, and save the result."
    if dtype is None or np.dtype(dtype).kind not in "uif":
        return f"holds pixels of type {dtype}; expected integers or floating-point numbers."
    if tuple(found) != shape:
        return (
            f"has the shape {tuple(found)}, but the frames {shape}. Take it with the same "
            "camera settings, in grey levels, and do not crop or bin it."
        )
    return ""
