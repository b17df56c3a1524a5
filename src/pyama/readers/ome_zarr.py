"""OME-Zarr: images, series of images, plates, and the copies that pyama itself makes."""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pyama.errors import ReaderError
from pyama.metadata import Box
from pyama.readers import ZSelection, file_identity
from pyama.readers.ome_zarr_groups import Fov, read_fovs
from pyama.readers.planes import (
    PlaneReader,
    check_sizes,
    empty_images,
    translate_errors,
    unsupported_error,
)
from pyama.readers.recording_facts import INTERVAL, Facts, shape_remarks
from pyama.readers.stamp_sources import take_stamps
from pyama.readers.zarr_images import ZarrImage

SAMPLED = 64
"""Chunks of an image of which the content is sampled for the digest of a recording."""


class OmeZarrReader(PlaneReader):
    """An OME-Zarr of version 0.4 or 0.5. A field of view is an image.

    Args:
        path: The folder of an image, a series, a plate or a well.
        z: Which planes of a z stack are read.

    Raises:
        ReaderError: It is damaged, has no images, or contains unsupported ones.
    """

    def __init__(self, path: Path, z: ZSelection = "middle") -> None:
        with translate_errors(path):
            self._fovs, names = read_fovs(path)
            facts = _facts(path, self._fovs, names)
        super().__init__(facts, z)

    def _read(
        self, fov: int, frame: int, z: int, channels: Sequence[int]
    ) -> list[NDArray[np.uint16]]:
        of_fov = self._fovs[fov]
        images = empty_images(channels, of_fov[0].shape)
        for target, channel in zip(images, channels, strict=True):
            image, c = _channel(of_fov, channel)
            target[:] = image.read(frame, z, c)
        return list(images)

    def _close(self) -> None:
        self._fovs = []


def _channel(images: Fov, channel: int) -> tuple[ZarrImage, int]:
    """Return the image of a channel, and its number in it."""
    return (images[channel], 0) if len(images) > 1 else (images[0], channel)


def _facts(path: Path, fovs: list[Fov], names: list[str]) -> Facts:
    first = fovs[0][0]
    n_z, n_channels = first.size("z"), _n_channels(fovs[0])
    for images in fovs:
        _check_alike(path, images, n_z, n_channels, first.dtype)
    n_frames = max(images[0].size("t") for images in fovs)
    declared = len(fovs) * n_frames * n_z * n_channels
    for images in fovs:
        check_sizes(path, *images[0].shape, declared, declared)
    stored = np.zeros((len(fovs), n_frames, n_z, n_channels), bool)
    gaps: dict[tuple[int, int, int, int], tuple[Box, ...]] = {}
    digest = hashlib.sha256()
    for fov, images in enumerate(fovs):
        _find_stored(images, fov, stored, gaps, digest)
    width, height = first.pixel_size_um
    facts = Facts(
        path,
        "ome-zarr",
        [images[0].shape for images in fovs],
        first.dtype,
        _channel_names(fovs[0], n_channels),
        stored,
        pixel_size_um=width,
        position_names=names,
        remarks=shape_remarks(width, height),
        pixel_remarks=[
            f"The unit {unit!r} of an axis is not known." for unit in first.unknown
        ],
        gaps=gaps,
        identity=digest.hexdigest(),
    )
    increments = [images[0].increment_s or np.nan for images in fovs]
    facts.interval_min = None if first.increment_s is None else first.increment_s / 60
    times = np.outer(increments, np.arange(n_frames)) / 60
    take_stamps(facts, [(INTERVAL, times)], [], facts.interval_min)
    return facts


def _n_channels(images: Fov) -> int:
    return len(images) if len(images) > 1 else images[0].size("c")


def _channel_names(images: Fov, n_channels: int) -> list[str]:
    names = [name for image in images for name in image.channel_names]
    return [*names, *[""] * n_channels][:n_channels]


def _check_alike(path: Path, images: Fov, n_z: int, n_channels: int, dtype: str) -> None:
    sizes = {(image.shape, image.size("t")) for image in images}
    alike = all(image.size("z") == n_z and image.dtype == dtype for image in images)
    if not alike or len(sizes) > 1 or _n_channels(images) != n_channels:
        raise unsupported_error(path, "images that differ in channels, z planes or pixel type")


def _find_stored(
    images: Fov,
    fov: int,
    stored: NDArray[np.bool_],
    gaps: dict[tuple[int, int, int, int], tuple[Box, ...]],
    digest: Any,
) -> None:
    """Find the planes of a field of view that are stored, and those that lack chunks."""
    chunks = [image.chunks() for image in images]
    absent = [_not_recorded(image) for image in images]
    for t, z, c in np.ndindex(images[0].size("t"), *stored.shape[2:]):
        here = c if len(images) > 1 else 0
        is_stored, boxes = chunks[here].boxes(t, z, 0 if len(images) > 1 else c)
        stored[fov, t, z, c] = is_stored and t not in absent[here]
        if boxes and stored[fov, t, z, c]:
            gaps[fov, t, z, c] = boxes
    for image, found in zip(images, chunks, strict=True):
        digest.update(f"{image.description()} {found.sizes}".encode())
        files = found.files[:: max(1, len(found.files) // SAMPLED)]
        digest.update(file_identity(files, n_samples=2).encode())


def _not_recorded(image: ZarrImage) -> frozenset[int]:
    """Return the frames that pyama noted as not recorded when it copied them."""
    entry = image.notes.get("not_recorded")
    frames = entry.get("frames") if isinstance(entry, dict) else None
    return frozenset(frames) if isinstance(frames, list) else frozenset()


def open_zarr(path: Path, z: ZSelection, axes: str) -> OmeZarrReader:
    """Open an OME-Zarr.

    Raises:
        ReaderError: See `OmeZarrReader`; also if `axes` is given.
    """
    if axes:
        raise ReaderError(
            f"{path} is an OME-Zarr, which says itself which plane is which. Remove axes."
        )
    return OmeZarrReader(path, z)
