"""Formats that bioio reads with its plugins: Leica, Olympus, DeltaVision and others."""

import importlib.util
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pyama.errors import ReaderError
from pyama.readers import ZSelection
from pyama.readers.planes import (
    PlaneReader,
    check_sizes,
    translate_errors,
    unsupported_error,
)
from pyama.readers.recording_facts import INTERVAL, Facts, shape_remarks


def open_bioio(path: Path, z: ZSelection, plugin: str) -> PlaneReader | None:
    """Open a file with bioio; None if bioio or its plugin for the file is not installed.

    Args:
        path: The file.
        z: Which planes of a z stack are read.
        plugin: The plugin for the file, "" if unknown.

    Raises:
        ReaderError: It is damaged, or has images that are not supported.
    """
    if importlib.util.find_spec("bioio") is None:
        return None
    from bioio import BioImage
    from bioio_base.exceptions import UnsupportedFileFormatError

    try:
        with translate_errors(path):
            return BioioReader(BioImage(path), path, z)
    except UnsupportedFileFormatError as error:
        if plugin and importlib.util.find_spec(plugin.replace("-", "_")) is not None:
            raise ReaderError(
                f"{path} cannot be read by {plugin}. If it is damaged or incomplete, copy it "
                "again from the microscope's computer."
            ) from error
        return None


class BioioReader(PlaneReader):
    """A file that bioio has opened. A field of view is a scene.

    Args:
        image: A `bioio.BioImage`.
        path: The file.
        z: Which planes of a z stack are read.

    Raises:
        ReaderError: It contains images that are not supported.
    """

    def __init__(self, image: Any, path: Path, z: ZSelection = "middle") -> None:
        self._image = image
        super().__init__(_facts(image, path), z)

    def _read(
        self, fov: int, frame: int, z: int, channels: Sequence[int]
    ) -> list[NDArray[np.uint16]]:
        self._image.set_scene(fov)
        lazy = self._image.get_image_dask_data("CYX", T=frame, Z=z, C=list(channels))
        planes = np.asarray(lazy.compute(scheduler="synchronous"))
        return [np.ascontiguousarray(plane, np.uint16) for plane in planes]

    def _close(self) -> None:
        self._image = None


def _facts(image: Any, path: Path) -> Facts:
    shapes, sizes = [], set()
    for scene in range(len(image.scenes)):
        image.set_scene(scene)
        dims = image.dims
        shapes.append((int(dims.Y), int(dims.X)))
        dtype = np.dtype(image.dtype).name
        sizes.add((int(dims.T), int(dims.Z), int(dims.C), dtype))
        if "S" in dims.order or dtype not in ("uint8", "uint16"):
            raise unsupported_error(path, "colours" if "S" in dims.order else dtype)
    if len(sizes) > 1:
        raise unsupported_error(
            path, "scenes that differ in frames, z planes, channels or pixel type"
        )
    n_frames, n_z, n_channels, dtype = sizes.pop()
    n_planes = len(shapes) * n_frames * n_z * n_channels
    for height, width in shapes:
        check_sizes(path, height, width, n_planes, n_planes)
    image.set_scene(0)
    pixel, step = image.physical_pixel_sizes, image.time_interval
    minutes = step.total_seconds() / 60 if isinstance(step, timedelta) else None
    times = None if minutes is None else np.arange(n_frames) * minutes
    return Facts(
        path,
        "bioio",
        shapes,
        dtype,
        [str(name) for name in image.channel_names],
        np.ones((len(shapes), n_frames, n_z, n_channels), bool),
        None if times is None else np.broadcast_to(times, (len(shapes), n_frames)),
        pixel.X,
        position_names=[str(name) for name in image.scenes],
        remarks=shape_remarks(pixel.X, pixel.Y),
        stamps_source=INTERVAL,
        interval_min=minutes,
    )
