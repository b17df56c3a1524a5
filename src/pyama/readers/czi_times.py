"""The times of a CZI file: from its time stamps, its XML, or its tiles.

Time stamps and offsets are in seconds. Usually there is one per frame. Some programs write one
per channel or plane; `stamps_by_frame` finds out from the stamps themselves how they are
arranged, and gives up if this is not certain.
"""

import math
import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import combinations
from pathlib import Path
from typing import BinaryIO
from xml.etree.ElementTree import Element

import numpy as np
from numpy.typing import NDArray

from pyama.metadata import FILE_STAMPS
from pyama.readers.czi_directory import AXIS, ENTRY, SEGMENT, Subblocks
from pyama.readers.planes import shorten
from pyama.readers.stamp_sources import Source, earliest
from pyama.sentences import count_text

POSITIONS = "./Metadata/Information/Image/Dimensions/T/Positions"
ACQUIRED = re.compile(rb"<AcquisitionTime>\s*([^<]*?)\s*</AcquisitionTime>")
ENTRY_PLACE = 16
"""Bytes of a tile's segment before its directory entry: three sizes."""
MAX_AXES, MAX_XML = 64, 2**20
"""Larger sizes in the segment of a tile count as damaged."""
MAX_TILES = 10_000
"""In a recording of more tiles, only one tile of every frame is asked for its time."""


@dataclass
class Extent:
    """Sizes of a recording.

    Attributes:
        n_fovs: Fields of view.
        n_frames: Frames.
        first_frame: Number of the first frame in the file; not 0 in a part of a recording.
        n_planned: Frames according to the XML; 0 if it does not say.
        inner: Number of channels, z planes and tiles of a frame.
    """

    n_fovs: int
    n_frames: int
    first_frame: int
    n_planned: int
    inner: tuple[int, ...]


def czi_times(
    path: Path,
    stamps_s: NDArray[np.float64] | None,
    root: Element,
    tiles: Subblocks,
    places: tuple[NDArray[np.int64], NDArray[np.int64]],
    extent: Extent,
    remarks: list[str],
) -> Iterator[Source]:
    """Yield the times of a file, the best first.

    Args:
        path: The file.
        stamps_s: Content of the attachment `TimeStamps`, if the file has one.
        root: The XML of the file.
        tiles: The tiles.
        places: 0-based field of view and frame of each tile.
        extent: Sizes of the recording.
        remarks: Takes sentences about times that are not used.
    """
    if stamps_s is not None and len(stamps_s):
        yield FILE_STAMPS, _of_all_fovs(_attached(stamps_s, extent, remarks), extent)
    positions = root.find(POSITIONS)
    if positions is not None:
        offsets = _offsets(positions, extent, remarks)
        yield "offsets in the XML of the file", _of_all_fovs(offsets, extent)
        interval = _interval(positions, extent, remarks)
        yield "interval in the XML of the file", _of_all_fovs(interval, extent)
    acquired = _acquired(path, tiles, places, extent)
    yield "acquisition times of the images in the file", acquired


def _of_all_fovs(
    seconds: NDArray[np.float64] | None, extent: Extent
) -> NDArray[np.float64] | None:
    return None if seconds is None else np.tile(seconds / 60, (extent.n_fovs, 1))


def _attached(
    stamps: NDArray[np.float64], extent: Extent, remarks: list[str]
) -> NDArray[np.float64] | None:
    seconds = stamps_by_frame(stamps, extent)
    if len(stamps) != extent.n_frames:
        use = "" if seconds is not None else " It is not certain which is of which frame."
        fovs = "" if extent.n_fovs == 1 else f" in {extent.n_fovs} fields of view"
        remarks.append(
            f"The file has {count_text(len(stamps), 'time stamp')} for "
            f"{count_text(extent.n_frames, 'frame')}{fovs}.{use}"
        )
    return seconds


def stamps_by_frame(stamps: NDArray[np.float64], extent: Extent) -> NDArray[np.float64] | None:
    """Return the time of every frame from stamps of frames or planes.

    Args:
        stamps: Any number of times.
        extent: Sizes of the recording.

    Returns:
        One time per frame, shape (T,), NaN for frames without a stamp; None if it is not
        certain which stamp belongs to which frame.
    """
    n, n_frames = len(stamps), extent.n_frames
    if n == n_frames:
        return stamps
    if n < n_frames:
        return np.append(stamps, np.full(n_frames - n, np.nan))
    repeats, rest = divmod(n, n_frames)
    per_plane = {math.prod(some) for r in range(4) for some in combinations(extent.inner, r)}
    per_scene = {extent.n_fovs * count for count in per_plane}
    is_single = math.prod(extent.inner) * extent.n_fovs == 1 and rest > 0
    part = stamps[extent.first_frame :][:n_frames]
    # A part of a recording may keep all stamps of the recording.
    is_part = is_single or extent.first_frame > 0 or n == extent.n_planned
    is_per_plane = rest == 0 and repeats in per_plane
    is_per_scene = rest == 0 and repeats in per_scene and extent.n_fovs > 1
    if is_part and not is_per_plane and not is_per_scene and len(part) == n_frames:
        return part
    if is_per_plane and not is_part and not is_per_scene:
        return _grouped(stamps, n_frames)
    return None


def _grouped(stamps: NDArray[np.float64], n_frames: int) -> NDArray[np.float64] | None:
    """Return the first stamp of every frame, if one order of the planes is possible.

    All stamps of a frame lie before those of the next frame. Only one place of the frames
    among the other axes gives this.
    """
    repeats = len(stamps) // n_frames
    found = []
    for outer in range(1, repeats + 1):
        if repeats % outer:
            continue
        arranged = stamps.reshape(outer, n_frames, repeats // outer)
        first, last = arranged.min(axis=(0, 2)), arranged.max(axis=(0, 2))
        if np.all(last[:-1] < first[1:]):
            found.append(first)
    return found[0] if len(found) == 1 else None


def _offsets(
    positions: Element, extent: Extent, remarks: list[str]
) -> NDArray[np.float64] | None:
    text = (positions.findtext("./List/Offsets") or "").strip()
    if not text:
        return None
    numbers = [_number(part) for part in re.split(r"[\s,;]+", text)]
    if None in numbers:
        remarks.append(f"Offsets of the frames in the XML are not numbers: {shorten(text)}.")
        return None
    offsets = np.array(numbers, np.float64)
    seconds = stamps_by_frame(offsets, extent)
    if len(offsets) != extent.n_frames:
        remarks.append(
            f"The XML has {count_text(len(offsets), 'offset')} for "
            f"{count_text(extent.n_frames, 'frame')}."
        )
    return seconds


def _interval(
    positions: Element, extent: Extent, remarks: list[str]
) -> NDArray[np.float64] | None:
    text = (positions.findtext("./Interval/Increment") or "").strip()
    if not text:
        return None
    increment = _number(text)
    if increment is None or increment <= 0:
        if extent.n_frames > 1:
            remarks.append(
                f"The interval of the frames in the XML is {shorten(text)}; expected a "
                "positive number of seconds."
            )
        return None
    return np.arange(extent.n_frames, dtype=np.float64) * increment


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _acquired(
    path: Path,
    tiles: Subblocks,
    places: tuple[NDArray[np.int64], NDArray[np.int64]],
    extent: Extent,
) -> NDArray[np.float64]:
    """Return the earliest acquisition time of the tiles of every frame in minutes."""
    fovs, frames = places
    chosen = np.arange(len(fovs))
    if len(chosen) > MAX_TILES:
        order = np.lexsort((tiles.index("Z"), tiles.index("C"), frames, fovs))
        is_first = np.diff(fovs[order] * extent.n_frames + frames[order], prepend=-1) > 0
        chosen = order[is_first]
    with path.open("rb") as file:
        seconds = np.array([_acquisition_time(file, int(tiles.places[i])) for i in chosen])
    shape = (extent.n_fovs, extent.n_frames)
    return earliest(seconds / 60, fovs[chosen], frames[chosen], shape)


def _acquisition_time(file: BinaryIO, place: int) -> float:
    """Return when a tile was acquired, in seconds since 1970; NaN if it does not say."""
    file.seek(place + SEGMENT.size)
    head = file.read(ENTRY_PLACE + ENTRY)
    if len(head) < ENTRY_PLACE + ENTRY:
        return math.nan
    (length,) = struct.unpack_from("<i", head)
    (n_axes,) = struct.unpack_from("<i", head, ENTRY_PLACE + ENTRY - 4)
    start = max(256, ENTRY_PLACE + ENTRY + AXIS * n_axes)
    if not (0 < length <= MAX_XML and 0 <= n_axes <= MAX_AXES):
        return math.nan
    file.seek(place + SEGMENT.size + start)
    found = ACQUIRED.search(file.read(length))
    return _timestamp(found[1].decode("ascii", "replace")) if found else math.nan


def _timestamp(text: str) -> float:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return math.nan
    has_zone = moment.tzinfo is not None
    return (moment if has_zone else moment.replace(tzinfo=UTC)).timestamp()
