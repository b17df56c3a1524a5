"""Segmentation by label images that another program has written, as TIFF files or Zarr."""

import hashlib
import re
import string
from collections.abc import Iterator
from glob import escape, glob
from pathlib import Path
from typing import Annotated, Any

from numpy.typing import NDArray
from pydantic import AfterValidator, Field

from pyama.algorithms.contracts import ImageIndex
from pyama.algorithms.kernels.array_types import Frame
from pyama.algorithms.params import Params
from pyama.errors import ConfigError, ReaderError, StoreError
from pyama.file_cache import cached_while_unchanged
from pyama.readers.tiff_images import open_tiff_images
from pyama.registry import parameters
from pyama.store.external_zarr import ExternalStack, is_zarr

SUFFIXES = (".tif", ".tiff")
PLACEHOLDERS = {"fov": 0, "frame": 0}
FIRST = ImageIndex(0, 0)
HASHED_BYTES = 1 << 20
"""Number of bytes at the beginning and at the end of a file that its digest covers."""


def _known_placeholders(path: str) -> str:
    try:
        names = {name for _, name, _, _ in string.Formatter().parse(path) if name is not None}
        path.format(**PLACEHOLDERS)
    except (ValueError, KeyError, IndexError) as error:
        raise ValueError(
            f"only {{fov}} and {{frame}} can be in braces, such as {{frame:03d}} ({error})"
        ) from error
    if not names <= PLACEHOLDERS.keys():
        raise ValueError("only {fov} and {frame} can be in braces, such as {frame:03d}")
    return path


class LabelParams(Params):
    """Location of the label images."""

    path: Annotated[str, Field(min_length=1), AfterValidator(_known_placeholders)]
    """A TIFF file of all frames, a folder with one TIFF file per frame in the order of their
    names, or a Zarr array or OME-Zarr image. `{fov}` and `{frame}` are replaced by the 0-based
    indices in the recording, `masks/fov{fov}/mask{frame:03d}.tif`: label images are those of
    all frames, also where frames are selected. The size limits apply to the objects."""
    first_frame: Annotated[int, Field(ge=0, json_schema_extra={"unit": "frames"})] = 0
    """Number of the first frame where `{frame}` is in the path; added to the 0-based index."""
    first_fov: Annotated[int, Field(ge=0)] = 0
    """Number of the first field of view in the paths; added to the 0-based index."""
    tracks: Annotated[str, AfterValidator(_known_placeholders)] = ""
    """With `tracking_method: labels`, a file of tracks in the format of the Cell Tracking
    Challenge, such as `{fov:02d}_RES/res_track.txt`; empty if the label images say all."""


@parameters(LabelParams)
def segment(frame: Frame, params: LabelParams, place: ImageIndex = FIRST) -> NDArray[Any]:
    """Return the labels of a frame as they are stored in the files.

    Args:
        frame: Intensities in counts, shape (H, W); only its shape is used.
        params: See `LabelParams`.
        place: Indices of the field of view and the frame.

    Returns:
        Labels, shape (H, W): 0 is background. Masks (boolean or float) are refused
            later.

    Raises:
        ConfigError: There is no such file, it has too few frames, or another shape.
        StoreError: The file cannot be read.
    """
    labels = _read(params, place)
    if labels.shape != frame.shape:
        raise ConfigError(
            f"The label image of FOV {place.fov}, frame {place.frame} has the shape "
            f"{labels.shape}, but the recording {frame.shape}. Use label images "
            "that are neither cropped nor scaled."
        )
    return labels


def identity(params: LabelParams, fov: int) -> str:
    """Return a digest of the contents of the files of a field of view.

    Raises:
        ConfigError: There are no files.
    """
    files = sorted(_files(params, fov), key=_natural)
    if not files:
        raise ConfigError(_absent(params, fov))
    digest = hashlib.sha256()
    for file in files:
        digest.update(_file_digest(file))
    return digest.hexdigest()[:16]


segment.identity = identity  # type: ignore[attr-defined]


def _read(params: LabelParams, place: ImageIndex) -> NDArray[Any]:
    if "{frame" in params.path:
        fov, frame = place.fov + params.first_fov, place.frame + params.first_frame
        path = Path(params.path.format(fov=fov, frame=frame))
        return _tiff(path, 0, params, place.fov)
    path = Path(params.path.format(fov=place.fov + params.first_fov))
    if path.is_dir() and is_zarr(path):
        stack = ExternalStack(path)
        if place.frame >= len(stack):
            raise ConfigError(_too_few(path, len(stack), place.frame))
        return stack[place.frame]
    if path.is_dir():
        files = _series(path)
        if place.frame >= len(files):
            raise ConfigError(_too_few(path, len(files), place.frame))
        return _tiff(files[place.frame], 0, params, place.fov)
    return _tiff(path, place.frame, params, place.fov)


def _tiff(path: Path, frame: int, params: LabelParams, fov: int) -> NDArray[Any]:
    try:
        with open_tiff_images(path) as images:
            if frame >= images.n_frames:
                raise ConfigError(_too_few(path, images.n_frames, frame))
            return images.read(frame)
    except FileNotFoundError as error:
        raise ConfigError(f"{path} is missing. {_absent(params, fov)}") from error
    except ReaderError as error:
        raise StoreError(f"The label image {path} cannot be read: {error}.") from error


def _too_few(path: Path, n: int, frame: int) -> str:
    return f"{path} contains {n} label images, so that frame {frame} has none."


def _files(params: LabelParams, fov: int) -> Iterator[Path]:
    """Yield all files with labels of a field of view."""
    number = fov + params.first_fov
    if "{frame" in params.path:
        parts = re.split(r"\{frame[^}]*\}", params.path)
        yield from map(Path, glob("*".join(escape(part.format(fov=number)) for part in parts)))
        return
    path = Path(params.path.format(fov=number))
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
    """Return a key that sorts t10 after t9: texts and numbers alternate."""
    parts = re.split(r"(\d+)", str(path))
    return [int(part) if i % 2 else part for i, part in enumerate(parts)]


@cached_while_unchanged(100_000)
def _file_digest(path: Path) -> bytes:
    size = path.stat().st_size
    digest = hashlib.sha256(size.to_bytes(8, "little"))
    with path.open("rb") as file:
        digest.update(file.read(HASHED_BYTES))
        if size > HASHED_BYTES:
            file.seek(max(HASHED_BYTES, size - HASHED_BYTES))
            digest.update(file.read())
    return digest.digest()


def _absent(params: LabelParams, fov: int) -> str:
    return (
        f"There are no label images of FOV {fov} at {params.path}. Set "
        "params.plugins.labels.path to a TIFF file, a folder of TIFF files or a Zarr folder."
    )
