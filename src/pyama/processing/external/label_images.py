"""Cells that were found elsewhere: label images from TIFF files or Zarr."""

import hashlib
import re
import string
from collections.abc import Iterator
from functools import lru_cache
from glob import escape, glob
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import tifffile
from numpy.typing import NDArray
from pydantic import AfterValidator, Field

from pyama.algorithms.contracts import Place
from pyama.algorithms.kernels.array_types import Frame
from pyama.algorithms.params import Params
from pyama.errors import ConfigError, StoreError
from pyama.readers.planes import DAMAGE
from pyama.registry import parameters
from pyama.store.foreign import ForeignStack, is_zarr

SUFFIXES = (".tif", ".tiff")
PLANES = tifffile.PLANARCONFIG.SEPARATE
PLACES = {"fov": 0, "frame": 0}
FIRST = Place(0, 0)
TAKEN_WHOLE = 1 << 20
"""Files up to this many bytes are looked at as a whole, larger ones at both ends."""


def _with_known_places(path: str) -> str:
    try:
        names = {name for _, name, _, _ in string.Formatter().parse(path) if name is not None}
        path.format(**PLACES)
    except (ValueError, KeyError, IndexError) as error:
        raise ValueError(
            f"only {{fov}} and {{frame}} may stand in braces, such as {{frame:03d}} ({error})"
        ) from error
    if not names <= PLACES.keys():
        raise ValueError("only {fov} and {frame} may stand in braces, such as {frame:03d}")
    return path


class LabelParams(Params):
    """Where label images are."""

    path: Annotated[str, Field(min_length=1), AfterValidator(_with_known_places)]
    """A TIFF file of all frames, a folder of one TIFF file per frame in the order of their
    names, or a Zarr array or OME-Zarr image. `{fov}` and `{frame}` stand for the 0-based
    indices: `masks/fov{fov}/mask{frame:03d}.tif`. Objects are limited in size
    as with any method."""
    first_frame: Annotated[int, Field(ge=0, json_schema_extra={"unit": "frames"})] = 0
    """What is added to the index of a frame where `{frame}` stands in the path."""


@parameters(LabelParams)
def segment(frame: Frame, params: LabelParams, place: Place = FIRST) -> NDArray[Any]:
    """Return the labels of a frame as they stand in the files.

    Args:
        frame: Intensities in counts, shape (H, W); only their shape is looked at.
        params: See `LabelParams`.
        place: Which frame it is.

    Returns:
        Labels, shape (H, W): 0 is background. A mask (True and False, or float) is refused.

    Raises:
        ConfigError: There is no such file, it has too few frames, or another shape.
        StoreError: It cannot be read.
    """
    labels = _read(params, place)
    if labels.shape != frame.shape:
        raise ConfigError(
            f"The label image of FOV {place.fov}, frame {place.frame} has the shape "
            f"{labels.shape}, but the recording {frame.shape}. Were they cropped or scaled?"
        )
    return labels


def identity(params: LabelParams, fov: int) -> str:
    """Return a digest of the files of a field of view; neither names nor dates take part.

    Raises:
        ConfigError: There are none.
    """
    files = sorted(_files(params, fov), key=_natural)
    if not files:
        raise ConfigError(_absent(params, fov))
    digest = hashlib.sha256()
    for file in files:
        stat = file.stat()
        digest.update(_file_digest(file, stat.st_size, stat.st_mtime_ns))
    return digest.hexdigest()[:16]


segment.identity = identity  # type: ignore[attr-defined]


def _read(params: LabelParams, place: Place) -> NDArray[Any]:
    if "{frame" in params.path:
        path = Path(params.path.format(fov=place.fov, frame=place.frame + params.first_frame))
        return _tiff(path, 0, params, place.fov)
    path = Path(params.path.format(fov=place.fov))
    if path.is_dir() and is_zarr(path):
        stack = ForeignStack(path)
        if place.frame >= len(stack):
            raise ConfigError(_too_few(path, len(stack), place.frame))
        return stack[place.frame]
    if path.is_dir():
        files = _series(path)
        if place.frame >= len(files):
            raise ConfigError(_too_few(path, len(files), place.frame))
        return _tiff(files[place.frame], 0, params, place.fov)
    return _tiff(path, place.frame, params, place.fov)


def _tiff(path: Path, page: int, params: LabelParams, fov: int) -> NDArray[Any]:
    try:
        with tifffile.TiffFile(path) as file:
            n, image = len(file.pages), None
            first = file.pages.first
            if n == 1 and first.ndim == 3 and first.planarconfig == PLANES:
                # Three or four frames look like the planes of a colour image to writers.
                n = first.shape[0]
                image = np.asarray(first.asarray())[page] if page < n else None
            elif page < n:
                image = np.asarray(file.pages[page].asarray())
    except FileNotFoundError as error:
        raise ConfigError(f"{path} is missing. {_absent(params, fov)}") from error
    except (tifffile.TiffFileError, *DAMAGE) as error:
        raise StoreError(f"The label image {path} cannot be read: {error}") from error
    if image is None:
        raise ConfigError(_too_few(path, n, page))
    return image


def _too_few(path: Path, n: int, frame: int) -> str:
    return f"{path} holds {n} label images; frame {frame} has none."


def _files(params: LabelParams, fov: int) -> Iterator[Path]:
    """All files that hold labels of a field of view."""
    if "{frame" in params.path:
        parts = re.split(r"\{frame[^}]*\}", params.path)
        yield from map(Path, glob("*".join(escape(part.format(fov=fov)) for part in parts)))
        return
    path = Path(params.path.format(fov=fov))
    if path.is_dir() and is_zarr(path):
        yield from (file for file in path.rglob("*") if file.is_file())
    elif path.is_dir():
        yield from _series(path)
    elif path.exists():
        yield path


def _series(folder: Path) -> list[Path]:
    files = (file for file in folder.iterdir() if file.suffix.lower() in SUFFIXES)
    return sorted(files, key=_natural)


def _natural(path: Path) -> list[int | str]:
    """Order in which t10 comes behind t9: words and numbers take turns."""
    parts = re.split(r"(\d+)", str(path))
    return [int(part) if i % 2 else part for i, part in enumerate(parts)]


@lru_cache(maxsize=100_000)
def _file_digest(path: Path, size: int, changed: int) -> bytes:
    digest = hashlib.sha256(size.to_bytes(8, "little"))
    with path.open("rb") as file:
        digest.update(file.read(TAKEN_WHOLE))
        if size > TAKEN_WHOLE:
            file.seek(max(TAKEN_WHOLE, size - TAKEN_WHOLE))
            digest.update(file.read())
    return digest.digest()


def _absent(params: LabelParams, fov: int) -> str:
    return (
        f"There are no label images of FOV {fov} at {params.path}. Set "
        "params.plugins.labels.path to a TIFF file, a folder of TIFF files or a Zarr folder."
    )
