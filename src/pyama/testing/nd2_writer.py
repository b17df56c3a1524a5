"""Writer of ND2 files (version 3.0) with any loop order and with missing frames."""

import struct
import zlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pyama.errors import ArrayError
from pyama.testing.nd2_chunk_writer import Chunks, encode_tree
from pyama.testing.scenes import (
    Scenes,
    check_channel_names,
    check_missing,
    check_names,
    check_scenes,
    check_times,
)

LoopOrder = Literal["TP", "PT"]


def write_nd2(
    path: Path | str,
    scenes: Scenes,
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

    Axes of length 1 have no loop in the file, as in files of NIS-Elements. All channels of a
    frame are interleaved, so they are missing together.

    Args:
        path: The file; overwritten.
        scenes: An array (P, T, Z, C, H, W) of uint8 or uint16 counts, or one (T, Z, C, H, W)
            per position. Only `scenes[p][t, z]` is asked for, one frame at a time.
        order: `TP` visits all positions in every frame, `PT` records one position after the
            other.
        channel_names: One per channel; `Channel 0`, `Channel 1`, ... by default.
        position_names: One per position; none by default.
        pixel_size_um: Side of a pixel in micrometres.
        times_ms: Milliseconds since the start, shape (T,) or (P, T); by default 10 minutes
            per frame and one second per position.
        with_times: False leaves out everything about times.
        missing: Frames (p, t, z) that are declared and not written.
        compress: Pixels as zlib streams.

    Raises:
        ArrayError: The positions differ in size, the pixels are not uint8 or uint16, or
            names, times or missing frames do not fit them.
    """
    sizes = set(check_scenes(scenes, "write_nd2"))
    if len(sizes) > 1:
        raise ArrayError(f"An ND2 file has positions of one size, got {sorted(sizes)}.")
    p, (t, z, c, height, width) = len(scenes), scenes[0].shape
    recording = _Recording(
        sizes={"P": p, "T": t, "Z": z},
        order=(*order, "Z"),
        frame=(height, width, c),
        bits=8 * np.dtype(scenes[0].dtype).itemsize,
        channels=check_channel_names(channel_names, scenes),
        positions=check_names(position_names, p, "position") or [""] * p,
        pixel_size_um=pixel_size_um,
        times_ms=check_times(times_ms, p, t) * with_times,
        compress=compress,
    )
    left_out = check_missing(missing, (p, t, z), "p, t, z")
    with Path(path).open("wb") as file:
        chunks = Chunks(file)
        for name, content in recording.head():
            chunks.add(name, content)
        for i, ((p, t, z), time_ms) in enumerate(recording.stamped()):
            if (p, t, z) not in left_out:
                pixels = np.moveaxis(scenes[p][t, z], 0, -1)
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
