"""Readers of microscope files: `open_reader(path)` opens a file of any supported format."""

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Literal, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from pyama.errors import ConfigError, ReaderError
from pyama.fov_ranges import ALL_FRAMES
from pyama.metadata import MicroscopyMetadata
from pyama.plugins.loading import Attempt
from pyama.readers.signatures import kind_of
from pyama.registry import Registry

ZPlane = int | Literal["middle", "max"]
"""A plane of the z stack by its 0-based index, the middle plane, or the maximum of all."""
ZPlanes = ZPlane | Mapping[int, ZPlane]
"""One for all channels, or by channel; `middle` for channels that are not named."""
ZSelection = ZPlanes | Literal["time"]
"""The same, or `time` if the planes are the frames of a time lapse."""
Z_IS_TIME: Literal["time"] = "time"


class Reader(Protocol):
    """One open recording.

    A reader may be used by one thread at a time.

    Attributes:
        metadata: Description of the recording, including the planes that are missing.
    """

    metadata: MicroscopyMetadata

    def read(self, fov: int, frame: int, channels: Sequence[int]) -> list[NDArray[np.uint16]]:
        """Read one frame.

        Args:
            fov: 0-based index of the field of view.
            frame: 0-based index of the frame.
            channels: 0-based indices of the channels.

        Returns:
            One C-contiguous array (H, W) in counts per channel, in the order of `channels`;
            zeros for an image that is missing in the file (see `metadata.missing`).

        Raises:
            ReaderError: The frame cannot be read.
        """

    def close(self) -> None:
        """Close the file. Closing twice is fine."""

    def __enter__(self) -> Self:
        """Return the reader itself."""

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the file."""


READERS: Registry[Callable[[Path, ZSelection], Reader | None]] = Registry(
    "reader", ("path", "z")
)
"""Readers of other formats: `f(path, z) -> Reader`, or None for a file of another format. For
files and folders that are not ND2, CZI or OME-TIFF, they are called in the order of their
registration."""


ZARR_FILES = ("zarr.json", ".zgroup", ".zattrs", ".zarray")
"""Files of which one is in the folder of every Zarr group or array."""
PROPOSED = "proposed"
"""Takes what the names of files or the number of planes suggest, for a look at a recording."""


def open_reader(
    path: Path | str, z: ZSelection = "middle", frames: str = ALL_FRAMES, axes: str = ""
) -> Reader:
    """Open a recording; the format is recognised by the first bytes, not by the suffix.

    Args:
        path: An ND2, CZI or TIFF file, or a file of a format in `READERS`; any file of an
            OME-TIFF set.
        z: Which planes of a z stack are read.
        frames: Frames that are read, as frames 0, 1, ...: a list such as `0-59`, `60-` for
            all from frame 60 on, or `0-178:3` for every third one. Their times count from
            the first frame of the recording.
        axes: Which plane is which, for files that do not say it; see the parameter `axes`.
            `proposed` takes a proposal, and `metadata.question` says what to confirm.

    Raises:
        ReaderError: The file is missing, damaged or of an unknown format, contains pixels
            that are not grey values of 8 or 16 bits, or has no plane `z`.
        ConfigError: There are no such frames.

    Examples:
        >>> with pyama.open_reader("recording.nd2") as reader:
        ...     frame = reader.read(0, 0, [0])[0]
        >>> frame.shape
        (172, 160)
    """
    reader = _opened(Path(path), z, axes)
    if frames == ALL_FRAMES:
        return reader
    from pyama.readers.frame_selection import with_frames

    try:
        return with_frames(reader, frames)
    except ConfigError:
        reader.close()
        raise


def _opened(path: Path, z: ZSelection, axes: str) -> Reader:
    if path.is_dir():
        return _opened_folder(path, z, axes)
    try:
        kind = kind_of(path)
    except ReaderError:
        reader = _other_reader(path, z) or _with_bioio(path, z)
        if reader is None:
            raise
        return reader
    if kind != "tiff" and axes not in ("", PROPOSED):
        raise ReaderError(f"{path} says itself which plane is which. Remove axes.")
    match kind:
        case "nd2":
            from pyama.readers.nd2 import Nd2Reader

            return Nd2Reader(path, z)
        case "czi":
            from pyama.readers.czi import CziReader

            return CziReader(path, z)
        case "tiff":
            from pyama.readers.tiff_formats import open_tiff_recording

            return open_tiff_recording(path, z, axes)
        case "ome-xml":
            from pyama.readers.ometiff import OmeTiffReader

            return OmeTiffReader(path, z)


def _opened_folder(path: Path, z: ZSelection, axes: str) -> Reader:
    reader = _other_reader(path, z)
    if reader is not None:
        return reader
    if any((path / name).is_file() for name in ZARR_FILES):
        from pyama.readers.ome_zarr import open_zarr

        return open_zarr(path, z, "" if axes == PROPOSED else axes)
    from pyama.readers.tiff_folder import open_folder

    return open_folder(path, z, axes)


def _other_reader(path: Path, z: ZSelection) -> Reader | None:
    for name, open_other in READERS.items() if path.exists() else ():
        attempt = Attempt()
        with attempt:
            reader = open_other(path, "middle" if z == Z_IS_TIME else z)
            if reader is not None and z != Z_IS_TIME:
                return reader
        if not attempt.problem and reader is not None:
            reader.close()
            raise ReaderError(
                f"{path} is read by the plugin {name!r}, which has no z_is_time. Remove it."
            )
        if attempt.problem:
            raise ReaderError(f"Reader {name!r} cannot open {path}: {attempt.problem}")
    return None


def _with_bioio(path: Path, z: ZSelection) -> Reader | None:
    from pyama.readers.bioio_files import open_bioio
    from pyama.readers.signatures import PLUGINS

    if not path.is_file() or not path.stat().st_size:
        return None
    return open_bioio(path, z, PLUGINS.get(path.suffix.lower(), ""))


SAMPLES = 16
SAMPLE_BYTES = 65536


def file_identity(paths: Iterable[Path], n_samples: int = SAMPLES) -> str:
    """Return a digest of the size and of samples of each file, taken at fixed places.

    It does not depend on path and date: a copied or renamed file is the same recording.
    """
    digest = hashlib.sha256()
    for path in paths:
        size = path.stat().st_size
        digest.update(size.to_bytes(8, "little"))
        last = max(0, size - SAMPLE_BYTES)
        with path.open("rb") as file:
            for place in sorted({last * i // (n_samples - 1) for i in range(n_samples)}):
                file.seek(place)
                digest.update(file.read(SAMPLE_BYTES))
    return digest.hexdigest()
