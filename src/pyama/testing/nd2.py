"""Write small ND2 files (version 3.0) with any loop order, and with frames that are missing.

A file is a row of chunks on pages of 4096 bytes, closed by a map of their names and places.
A chunk holds the pixels of one frame, or a tree of named values (see `encode_tree`).
"""

import struct
import zlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate, product
from pathlib import Path
from typing import Any, BinaryIO, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pyama.errors import ArrayError
from pyama.testing.images import Images, check_images, check_names, check_times

PAGE = 4096
MAGIC = 0x0ABECEDA
FILE_NAME = b"ND2 FILE SIGNATURE CHUNK NAME01!"
MAP_NAME = b"ND2 FILEMAP SIGNATURE NAME 0001!"
MAP_END = b"ND2 CHUNK MAP SIGNATURE 0000001!"
IMAGE_NAME_BYTES = 4072
"""Pixels are looked for at a fixed distance from the start of their chunk."""
NAME_RESERVE = 20

LoopOrder = Literal["TP", "PT"]


def write_nd2(
    path: Path | str,
    images: Images,
    *,
    order: LoopOrder = "TP",
    channel_names: Sequence[str] | None = None,
    position_names: Sequence[str] | None = None,
    pixel_size_um: float = 0.65,
    times_ms: ArrayLike | None = None,
    with_times: bool = True,
    missing: Collection[tuple[int, int, int]] = (),
    compress: bool = False,
) -> None:
    """Write a recording as an ND2 file.

    Axes of length 1 leave no loop in the file, as with the microscope's own program. All
    channels of a frame are interleaved, so a missing frame misses all of them.

    Args:
        path: The file; overwritten.
        images: Shape (P, T, Z, C, H, W), uint8 or uint16 counts; `images[p, t, z]` is asked
            for one frame at a time, so anything with `shape`, `dtype` and that index will do.
        order: `TP` visits all positions in every frame, `PT` records one position after the
            other.
        channel_names: One per channel; `Channel 0`, `Channel 1`, ... by default.
        position_names: One per position; none by default.
        pixel_size_um: Side of a pixel in micrometres.
        times_ms: Milliseconds since the start, shape (T,) or (P, T); by default 10 minutes
            per frame and one second per position.
        with_times: False leaves out the time stamps.
        missing: Frames (p, t, z) that are declared and not written.
        compress: Pixels as zlib streams.

    Raises:
        ArrayError: The images are not six-dimensional uint8 or uint16, or names or times do
            not fit them.
    """
    p, t, z, c, height, width = check_images(images, "write_nd2")
    recording = _Recording(
        sizes={"P": p, "T": t, "Z": z},
        order=(*order, "Z"),
        frame=(height, width, c),
        bits=8 * np.dtype(images.dtype).itemsize,
        channels=check_names(channel_names, c, "channel")
        or [f"Channel {i}" for i in range(c)],
        positions=check_names(position_names, p, "position") or [""] * p,
        pixel_size_um=pixel_size_um,
        times_ms=check_times(times_ms, p, t),
        compress=compress,
    )
    left_out = set(missing)
    unknown = left_out - set(recording.frames())
    if unknown:
        raise ArrayError(
            f"missing names the frame {min(unknown)}, but the images have (P, T, Z) = "
            f"{(p, t, z)}. Name frames as 0-based (p, t, z)."
        )
    with Path(path).open("wb") as file:
        chunks = _Chunks(file)
        for name, content in recording.head():
            chunks.add(name, content)
        for i, (where, time_ms) in enumerate(recording.stamped()):
            if where not in left_out:
                pixels = np.moveaxis(images[where], 0, -1)
                chunks.add(b"ImageDataSeq|%d!" % i, recording.encode(pixels, time_ms))
        for name, content in recording.tail(with_times):
            chunks.add(name, content)
        chunks.close()


@dataclass(frozen=True)
class _Recording:
    sizes: dict[str, int]
    order: tuple[str, ...]  # of the loops, outermost first
    frame: tuple[int, int, int]  # H, W, C
    bits: int
    channels: Sequence[str]
    positions: Sequence[str]
    pixel_size_um: float
    times_ms: NDArray[np.float64]
    compress: bool

    def frames(self) -> list[tuple[int, int, int]]:
        """Return (p, t, z) of every frame in the order of the file."""
        places = product(*(range(self.sizes[axis]) for axis in self.order))
        at = [self.order.index(axis) for axis in "PTZ"]
        return [(place[at[0]], place[at[1]], place[at[2]]) for place in places]

    def stamped(self) -> list[tuple[tuple[int, int, int], float]]:
        return [((p, t, z), float(self.times_ms[p, t])) for p, t, z in self.frames()]

    def encode(self, pixels: NDArray[Any], time_ms: float) -> bytes:
        if pixels.shape != self.frame:
            height, width, c = self.frame
            raise ArrayError(
                f"A frame has (H, W, C) = {pixels.shape}, expected {(height, width, c)}."
            )
        dtype = np.dtype(f"<u{self.bits // 8}")
        content = np.ascontiguousarray(pixels, dtype).tobytes()
        return struct.pack("<d", time_ms) + (
            zlib.compress(content) if self.compress else content
        )

    def head(self) -> list[tuple[bytes, bytes]]:
        chunks = [
            (b"ImageCalibrationLV|0!", {"SLxCalibration": self._calibration()}),
            (b"ImageMetadataSeqLV|0!", {"SLxPictureMetadata": self._picture()}),
        ]
        loops = self._experiment()
        if loops is not None:
            chunks.insert(0, (b"ImageMetadataLV!", {"SLxExperiment": loops}))
        return [(name, encode_tree(tree)) for name, tree in chunks]

    def tail(self, with_times: bool) -> list[tuple[bytes, bytes]]:
        stamps = np.array([time_ms for _, time_ms in self.stamped()], "<f8")
        x = np.array([_stage_um(p) for (p, _, _), _ in self.stamped()], "<f8")
        chunks = [
            (b"ImageTextInfoLV!", encode_tree({"SLxImageTextInfo": self._text()})),
            (b"CustomData|X!", x.tobytes()),
            (b"CustomData|Y!", (0 * x).tobytes()),
            (b"ImageAttributesLV!", encode_tree({"SLxImageAttributes": self._attributes()})),
        ]
        if with_times:
            chunks.insert(1, (b"CustomData|AcqTimesCache!", stamps.tobytes()))
        return chunks

    def _calibration(self) -> dict[str, Any]:
        return {"dCalibration": self.pixel_size_um, "dAspect": 1.0, "bValid": True}

    def _picture(self) -> dict[str, Any]:
        spectrum = {"uiCount": 0, "pPoint": {}, "bPoints": False}
        planes = {
            f"a{i}": {
                "uiCompCount": 1,
                "uiSampleIndex": i,
                "uiModalityMask": 257,  # fluorescence, camera
                "pFluorescentProbe": {
                    "m_sName": "",
                    "m_uiColor": 0xFFFFFF,
                    "m_ExcitationSpectrum": spectrum,
                    "m_EmissionSpectrum": spectrum,
                },
                "uiColor": 0xFFFFFF,
                "sDescription": name,
            }
            for i, name in enumerate(self.channels)
        }
        return {
            "dTimeMSec": float(self.times_ms[0, 0]),
            "dTimeAbsolute": 2460000.5,  # Julian day
            "dXPos": 0.0,
            "dYPos": 0.0,
            "dZPos": 0.0,
            "bCalibrated": True,
            "dCalibration": self.pixel_size_um,
            "sPicturePlanes": {
                "uiCount": len(planes),
                "uiCompCount": len(planes),
                "sPlaneNew": planes,
            },
        }

    def _experiment(self) -> dict[str, Any] | None:
        """Nest the loops, the innermost first."""
        tree: dict[str, Any] | None = None
        for axis in reversed(self.order):
            if self.sizes[axis] == 1:
                continue
            outer = self._loop(axis)
            outer["uiNextLevelCount"] = int(tree is not None)
            if tree is not None:
                outer["ppNextLevelEx"] = [tree]
            tree = outer
        return tree

    def _loop(self, axis: str) -> dict[str, Any]:
        n = self.sizes[axis]
        if axis == "T":
            span = float(self.times_ms[0, -1] - self.times_ms[0, 0])
            period = {"dStart": 0.0, "dPeriod": span / (n - 1), "dDuration": span}
            return {"eType": 1, "uLoopPars": {"uiCount": n, **period}}
        if axis == "Z":
            stack = {"dZLow": 0.0, "dZHigh": n - 1.0, "dZStep": 1.0, "dZHome": 0.0}
            return {"eType": 4, "uLoopPars": {"uiCount": n, **stack, "bZInverted": False}}
        points = [
            {"dPosX": _stage_um(i), "dPosY": 0.0, "dPosZ": 0.0, "dPosName": name}
            for i, name in enumerate(self.positions)
        ]
        pars = {"uiCount": n, "bUseZ": False, "bRelativeXY": False, "Points": points}
        return {"eType": 2, "uLoopPars": pars, "pItemValid": bytes([1] * n)}

    def _text(self) -> dict[str, Any]:
        names = {"P": "XY", "T": "T", "Z": "Z"}
        axes = [f"{names[a]}({self.sizes[a]})" for a in self.order if self.sizes[a] > 1]
        if len(self.channels) > 1:
            axes.insert(2, f"λ({len(self.channels)})")
        items = {f"TextInfoItem_{i}": "" for i in range(14)}
        items["TextInfoItem_5"] = f"Metadata:\r\nDimensions: {' x '.join(axes)}\r\n"
        return items

    def _attributes(self) -> dict[str, Any]:
        height, width, n_channels = self.frame
        return {
            "uiWidth": width,
            "uiWidthBytes": width * n_channels * self.bits // 8,
            "uiHeight": height,
            "uiComp": n_channels,
            "uiBpcInMemory": self.bits,
            "uiBpcSignificant": self.bits,
            "uiSequenceCount": len(self.frames()),
            "uiTileWidth": width,
            "uiTileHeight": height,
            "eCompression": 0 if self.compress else 2,
            "dCompressionParam": 0.0,
            "ePixelType": 1,
            "uiVirtualComponents": n_channels,
        }


def _stage_um(position: int) -> float:
    return 1000.0 * position


@dataclass
class _Chunks:
    file: BinaryIO
    places: list[tuple[bytes, int, int]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.file.write(struct.pack("<IIQ32s64s", MAGIC, 32, 64, FILE_NAME, b"Ver3.0"))

    def add(self, name: bytes, content: bytes) -> None:
        start = self._next_page()
        least = len(name) + NAME_RESERVE
        reserved = (
            IMAGE_NAME_BYTES
            if name.startswith(b"ImageDataSeq")
            else least + -(16 + least + len(content)) % PAGE
        )
        self.places.append((name, start, len(content)))
        self._write(name, reserved, content)

    def close(self) -> None:
        start = self._next_page()
        entries = [(FILE_NAME, 0, 64), *self.places]
        content = b"".join(name + struct.pack("<QQ", *place) for name, *place in entries)
        self._write(MAP_NAME, len(MAP_NAME), content + MAP_END + struct.pack("<Q", start))

    def _next_page(self) -> int:
        self.file.write(bytes(-self.file.tell() % PAGE))
        return self.file.tell()

    def _write(self, name: bytes, reserved: int, content: bytes) -> None:
        self.file.write(struct.pack("<IIQ", MAGIC, reserved, len(content)))
        self.file.write(name.ljust(reserved, b"\0"))
        self.file.write(content)


def encode_tree(tree: Mapping[str, Any]) -> bytes:
    """Encode named values as ND2 keeps them.

    Args:
        tree: Values are bool, int (unsigned where the name starts with `ui`), float, str,
            bytes, a mapping, or a list of mappings without names.
    """
    return b"".join(_encode(name, value) for name, value in tree.items())


def _encode(name: str, value: Any) -> bytes:
    match value:
        case bool():
            return _head(1, name) + struct.pack("<?", value)
        case int():
            unsigned = name.removeprefix("m_").startswith("ui")
            return _head(3 if unsigned else 2, name) + struct.pack("<I", value)
        case float():
            return _head(6, name) + struct.pack("<d", value)
        case str():
            return _head(8, name) + (value + "\0").encode("utf-16-le")
        case bytes():
            return _head(9, name) + struct.pack("<Q", len(value)) + value
        case Mapping():
            return _encode_level(name, list(value.items()))
        case _:
            return _encode_level(name, [("", item) for item in value])


def _encode_level(name: str, items: list[tuple[str, Any]]) -> bytes:
    head = _head(11, name)
    children = [_encode(child, value) for child, value in items]
    start = len(head) + struct.calcsize("<IQ")
    starts = list(accumulate(map(len, children), initial=start))
    by_name = sorted(range(len(items)), key=lambda i: items[i][0])
    table = struct.pack(f"<{len(items)}Q", *(starts[i] for i in by_name))
    return head + struct.pack("<IQ", len(items), starts[-1]) + b"".join(children) + table


def _head(kind: int, name: str) -> bytes:
    return bytes([kind, len(name) + 1]) + (name + "\0").encode("utf-16-le")
