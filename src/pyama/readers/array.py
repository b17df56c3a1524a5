"""Recordings in memory, read like files."""

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pyama.errors import ReaderError
from pyama.readers.planes import PlaneReader, empty_images
from pyama.readers.recording_facts import Facts
from pyama.sentences import count_text


class ArrayReader(PlaneReader):
    """A recording in memory, for arrays from other sources and for tests.

    Args:
        images: One array (T, C, H, W) per field of view, or one array (P, T, C, H, W),
            uint8 or uint16 counts. They are not copied.
        channel_names: One per channel; `C0`, `C1`, ... by default.
        pixel_size_um: Side of a pixel in micrometres, if known.
        times: Minutes per frame, shape (T,), or per field of view and frame, shape (P, T).
        basename: Name of the recording, used in file names.
        recorded: Whether an image was recorded, shape (T, C) or (P, T, C); by default all
            were. The others are read as zeros.

    Raises:
        ReaderError: The arrays have another form.
    """

    def __init__(
        self,
        images: Sequence[NDArray[np.uint8 | np.uint16]] | NDArray[np.uint8 | np.uint16],
        channel_names: Sequence[str] | None = None,
        pixel_size_um: float | None = None,
        times: ArrayLike | None = None,
        basename: str = "array",
        recorded: ArrayLike | None = None,
    ) -> None:
        self._images = [np.asarray(image) for image in images]
        n_frames, n_channels = _check(self._images)
        names = list(channel_names) if channel_names is not None else [""] * n_channels
        if len(names) != n_channels:
            raise ReaderError(
                f"{count_text(len(names), 'channel name')} for "
                f"{count_text(n_channels, 'channel')}. Give one for each."
            )
        facts = Facts(
            Path(basename),
            "array",
            [(image.shape[2], image.shape[3]) for image in self._images],
            "uint8" if all(i.dtype == np.uint8 for i in self._images) else "uint16",
            names,
            _recorded(recorded, (len(self._images), n_frames, n_channels))[:, :, np.newaxis],
            _times(times, len(self._images), n_frames),
            pixel_size_um,
            identity=_identity(self._images),
        )
        super().__init__(facts, 0)
        self.metadata = self.metadata.replace(basename=basename)

    def _read(
        self, fov: int, frame: int, z: int, channels: Sequence[int]
    ) -> list[NDArray[np.uint16]]:
        images = empty_images(channels, self.metadata.shapes[fov])
        for target, channel in zip(images, channels, strict=True):
            target[:] = self._images[fov][frame, channel]
        return list(images)

    def _close(self) -> None:
        self._images.clear()


def _check(images: Sequence[NDArray[np.generic]]) -> tuple[int, int]:
    """Return the number of frames and of channels."""
    expected = "Expected arrays (T, C, H, W) of uint8 or uint16, one per field of view."
    if not images:
        raise ReaderError(f"There is no field of view. {expected}")
    for image in images:
        if image.ndim != 4 or 0 in image.shape or image.dtype not in (np.uint8, np.uint16):
            raise ReaderError(f"Found an array {image.shape} of {image.dtype}. {expected}")
    if len({image.shape[:2] for image in images}) > 1:
        shapes = ", ".join(str(image.shape) for image in images)
        raise ReaderError(f"Fields of view differ in frames or channels: {shapes}. {expected}")
    return images[0].shape[0], images[0].shape[1]


def _times(times: ArrayLike | None, n_fovs: int, n_frames: int) -> NDArray[np.float64] | None:
    if times is None:
        return None
    given = np.asarray(times, np.float64)
    if given.shape not in ((n_frames,), (n_fovs, n_frames)):
        raise ReaderError(
            f"times has the shape {given.shape}, expected {(n_frames,)} or "
            f"{(n_fovs, n_frames)}: minutes per frame."
        )
    return np.broadcast_to(given, (n_fovs, n_frames))


def _recorded(recorded: ArrayLike | None, shape: tuple[int, int, int]) -> NDArray[np.bool_]:
    given = np.asarray(True if recorded is None else recorded, bool)
    if given.shape not in ((), shape[1:], shape):
        raise ReaderError(
            f"recorded has the shape {given.shape}, expected {shape[1:]} or {shape}: one "
            "value per frame and channel."
        )
    return np.broadcast_to(given, shape)


def _identity(images: Sequence[NDArray[np.generic]]) -> str:
    digest = hashlib.sha256()
    for image in images:
        digest.update(f"{image.shape} {image.dtype}".encode())
        for frame in image:
            digest.update(np.asarray(frame, image.dtype.newbyteorder("<")).tobytes())
    return digest.hexdigest()
