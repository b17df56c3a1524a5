"""Writer of OME-TIFF: one file, or one file per field of view that describes all of them."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_URL, uuid5
from xml.etree.ElementTree import Element, SubElement, tostring

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pyama.testing.scenes import (
    Scenes,
    check_channel_names,
    check_missing,
    check_names,
    check_scenes,
    check_times,
)

NAMESPACE = "http://www.openmicroscopy.org/Schemas/OME/2016-06"
STAGE_STEP_UM = 1000.0

PlaneIndex = tuple[int, int, int, int]


def write_ome_tiff(
    path: Path | str,
    scenes: Scenes,
    *,
    one_file_per_scene: bool = False,
    channel_names: Sequence[str] | None = None,
    position_names: Sequence[str] | None = None,
    pixel_size_um: float = 0.65,
    times_ms: ArrayLike | None = None,
    with_times: bool = True,
    missing: Collection[PlaneIndex] = (),
    compress: bool = False,
) -> list[Path]:
    """Write a recording as OME-TIFF.

    Args:
        path: The file, `NAME.ome.tif`; overwritten. With one file per field of view they are
            `NAME_s0.ome.tif`, `NAME_s1.ome.tif`, ... beside it.
        scenes: One (T, Z, C, H, W) of uint8 or uint16 counts per field of view, or an array
            (P, T, Z, C, H, W). Only `scenes[p][t, z]` is asked for, one frame at a time.
        one_file_per_scene: Whether every field of view has a file of its own.
        channel_names: One per channel; `Channel 0`, `Channel 1`, ... by default.
        position_names: One per field of view; `Position 0`, `Position 1`, ... by default.
        pixel_size_um: Side of a pixel in micrometres.
        times_ms: Milliseconds since the start, shape (T,) or (P, T); by default 10 minutes
            per frame and one second per field of view.
        with_times: False leaves out the time stamps.
        missing: Planes (p, t, z, c) that are declared and not stored.
        compress: Pixels as zlib streams.

    Returns:
        The files.

    Raises:
        ArrayError: The pixels are not uint8 or uint16, or names, times or missing planes do
            not fit them.
    """
    sizes = check_scenes(scenes, "write_ome_tiff")
    p, (t, z, c) = len(scenes), scenes[0].shape[:3]
    left_out = check_missing(missing, (p, t, z, c), "p, t, z, c")
    places = [place for place in np.ndindex(p, t, z, c) if place not in left_out]
    first = Path(path)
    stem = first.name.removesuffix(".tif").removesuffix(".ome")
    per_scene = [first.with_name(f"{stem}_s{i}.ome.tif") for i in range(p)]
    recording = _Recording(
        sizes=sizes,
        axes=(t, z, c),
        dtype=np.dtype(scenes[0].dtype),
        channels=check_channel_names(channel_names, scenes),
        positions=check_names(position_names, p, "position")
        or [f"Position {i}" for i in range(p)],
        pixel_size_um=pixel_size_um,
        times_ms=check_times(times_ms, p, t) if with_times else None,
        files=per_scene if one_file_per_scene else [first] * p,
        places=places,
    )
    files = list(dict.fromkeys(recording.files))
    for file in files:
        _write_file(file, scenes, recording, compress)
    return files


@dataclass(frozen=True)
class _Recording:
    sizes: list[tuple[int, int]]
    axes: tuple[int, int, int]  # T, Z, C
    dtype: np.dtype[Any]
    channels: Sequence[str]
    positions: Sequence[str]
    pixel_size_um: float
    times_ms: NDArray[np.float64] | None
    files: list[Path]  # of every field of view
    places: list[PlaneIndex]  # of the planes that are stored, in the order of the files

    def pages(self) -> Iterator[tuple[PlaneIndex, Path, int]]:
        """Yield every plane with its file and its page in that file."""
        used = dict.fromkeys(self.files, 0)
        for place in self.places:
            file = self.files[place[0]]
            yield place, file, used[file]
            used[file] += 1

    def n_bytes(self, file: Path) -> int:
        pixels = (
            self.sizes[place[0]][0] * self.sizes[place[0]][1]
            for place in self.places
            if self.files[place[0]] == file
        )
        return sum(pixels) * self.dtype.itemsize


def _write_file(file: Path, scenes: Scenes, recording: _Recording, compress: bool) -> None:
    import tifffile

    description: bytes | None = _describe(recording, file)
    stored = [place for place in recording.places if recording.files[place[0]] == file]
    with tifffile.TiffWriter(file, bigtiff=recording.n_bytes(file) > 2**31) as tif:
        for (p, t, z), planes in groupby(stored, lambda place: place[:3]):
            frame = scenes[p][t, z]
            for *_, c in planes:
                tif.write(
                    frame[c],
                    photometric="minisblack",
                    compression="zlib" if compress else None,
                    description=description,
                    metadata=None,
                    software=False,
                )
                description = None


def _describe(recording: _Recording, file: Path) -> bytes:
    """Return the OME-XML, which differs between files only in the identifier of the file."""
    root = Element("OME", xmlns=NAMESPACE, UUID=_uuid(file))
    pixels = [_add_image(root, recording, p) for p in range(len(recording.sizes))]
    for (p, t, z, c), of, page in recording.pages():
        where = {"FirstT": str(t), "FirstZ": str(z), "FirstC": str(c)}
        data = SubElement(pixels[p], "TiffData", where, IFD=str(page), PlaneCount="1")
        SubElement(data, "UUID", FileName=of.name).text = _uuid(of)
    for (p, t, z, c), _, _ in recording.pages():
        plane = SubElement(pixels[p], "Plane", TheT=str(t), TheZ=str(z), TheC=str(c))
        if recording.times_ms is not None:
            plane.set("DeltaT", repr(float(recording.times_ms[p, t] / 1000)))
        plane.set("PositionX", repr(STAGE_STEP_UM * p))
        plane.set("PositionXUnit", "µm")
    head = b'<?xml version="1.0" encoding="UTF-8"?>\n'
    return head + tostring(root, encoding="unicode").encode()


def _add_image(root: Element, recording: _Recording, p: int) -> Element:
    (height, width), (t, z, c) = recording.sizes[p], recording.axes
    image = SubElement(root, "Image", ID=f"Image:{p}", Name=recording.positions[p])
    pixels = SubElement(
        image,
        "Pixels",
        ID=f"Pixels:{p}",
        DimensionOrder="XYCZT",
        Type=str(recording.dtype),
        SizeX=str(width),
        SizeY=str(height),
        SizeC=str(c),
        SizeZ=str(z),
        SizeT=str(t),
        PhysicalSizeX=repr(recording.pixel_size_um),
        PhysicalSizeY=repr(recording.pixel_size_um),
    )
    for i, name in enumerate(recording.channels):
        SubElement(pixels, "Channel", ID=f"Channel:{p}:{i}", Name=name, SamplesPerPixel="1")
    return pixels


def _uuid(file: Path) -> str:
    return f"urn:uuid:{uuid5(NAMESPACE_URL, file.name)}"
