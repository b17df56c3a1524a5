"""Writer of CZI files with scenes of any size, missing planes and time stamps."""

import struct
from collections.abc import Callable, Collection, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pyama.testing.scenes import (
    Scenes,
    check_channel_names,
    check_missing,
    check_scenes,
    check_times,
)

Tiles = Callable[[int, int, int, int], Sequence[tuple[int, int, int, int]]]
GAP_PX = 100
"""Distance in px between scenes, which are adjacent on the stage."""
FILE_HEADER = 32
"""Bytes before the content of a segment: its name and two sizes."""
ATTACHMENT_DIRECTORY_PLACE = FILE_HEADER + 72
"""Place in the file header of the place of the list of attachments."""
ATTACHMENT_GUID = bytes.fromhex("3d2c1f0e5a4b4c4d8e9f0a1b2c3d4e5f")


def write_czi(
    path: Path | str,
    scenes: Scenes,
    *,
    channel_names: Sequence[str] | None = None,
    pixel_size_um: float = 0.65,
    times_ms: ArrayLike | None = None,
    with_times: bool = True,
    missing: Collection[tuple[int, int, int, int]] = (),
    tiles: Tiles | None = None,
    compress: bool = False,
) -> None:
    """Write a recording as a CZI file, one scene per field of view.

    Args:
        path: The file; overwritten.
        scenes: One (T, Z, C, H, W) of uint8 or uint16 counts per field of view, or an array
            (P, T, Z, C, H, W). Only `scenes[p][t, z]` is asked for, one frame at a time.
        channel_names: One per channel; `Channel 0`, `Channel 1`, ... by default.
        pixel_size_um: Side of a pixel in micrometres.
        times_ms: Milliseconds since the start, shape (T,) or (P, T); by default 10 minutes
            per frame. The file has one stamp per frame: that of its first scene.
        with_times: False leaves out the time stamps.
        missing: Planes (p, t, z, c) that are left out. A plane that is the last of its axis
            everywhere shortens that axis.
        tiles: Called with (p, t, z, c), gives the half-open rectangles [y0, x0, y1, x1) that
            are stored of a plane; by default all of it. A scene is as large as its tiles.
        compress: Pixels as zstd streams.

    Raises:
        ArrayError: The pixels are not uint8 or uint16, or names, times or missing planes do
            not fit them.
    """
    from pylibCZIrw import czi

    sizes = check_scenes(scenes, "write_czi")
    p, (t, z, c) = len(scenes), scenes[0].shape[:3]
    names = check_channel_names(channel_names, scenes)
    times = check_times(times_ms, p, t)
    left_out = check_missing(missing, (p, t, z, c), "p, t, z, c")
    starts = np.cumsum([0, *(width + GAP_PX for _, width in sizes)])
    option = "zstd1:ExplicitLevel=1" if compress else "uncompressed:"
    with czi.create_czi(str(path), exist_ok=True, compression_options=option) as file:
        for fov, frame, level in np.ndindex(p, t, z):
            for channel, plane in enumerate(scenes[fov][frame, level]):
                if (fov, frame, level, channel) in left_out:
                    continue
                boxes = tiles(fov, frame, level, channel) if tiles else [(0, 0, *plane.shape)]
                for y0, x0, y1, x1 in boxes:
                    file.write(
                        np.ascontiguousarray(plane[y0:y1, x0:x1]),
                        location=(int(starts[fov]) + x0, y0),
                        plane={"T": frame, "Z": level, "C": channel},
                        scene=fov,
                    )
        file.write_metadata(
            channel_names=dict(enumerate(names)),
            scale_x=pixel_size_um * 1e-6,  # metres
            scale_y=pixel_size_um * 1e-6,
        )
    if with_times:
        _append_time_stamps(Path(path), times[0] / 1000)


def _append_time_stamps(path: Path, seconds: NDArray[np.float64]) -> None:
    """Append what pylibCZIrw does not write: an attachment, and the list of attachments."""
    stamps = struct.pack("<ii", 8 + 8 * len(seconds), len(seconds)) + seconds.tobytes()
    with path.open("r+b") as file:
        attachment = file.seek(0, 2)
        entry = struct.pack(
            "<2s10xqi16s8s80s",
            b"A1",
            attachment,
            0,
            ATTACHMENT_GUID,
            b"CZTIMS",
            b"TimeStamps",
        )
        file.write(
            _segment(
                b"ZISRAWATTACH", _at_256(struct.pack("<q8x", len(stamps)) + entry, stamps)
            )
        )
        directory = file.tell()
        file.write(_segment(b"ZISRAWATTDIR", _at_256(struct.pack("<i", 1), entry)))
        file.seek(ATTACHMENT_DIRECTORY_PLACE)
        file.write(struct.pack("<q", directory))


def _at_256(head: bytes, content: bytes) -> bytes:
    return head.ljust(256, b"\0") + content


def _segment(name: bytes, content: bytes) -> bytes:
    allocated = len(content) + -len(content) % 32
    return struct.pack("<16sqq", name, allocated, len(content)) + content.ljust(
        allocated, b"\0"
    )
