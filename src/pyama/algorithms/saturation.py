"""Saturated pixels: those at the largest count that a camera can give."""

from typing import Any

from pyama.algorithms.kernels.histogram import Histogram

_CAMERAS = tuple(2**bits - 1 for bits in (8, 10, 11, 12, 14, 16))
FULL_SCALES = tuple(
    sorted(
        {
            scale
            for largest in _CAMERAS
            for scale in (largest, 4 * largest, largest << 16 - largest.bit_length())
            if scale < 2**16
        }
    )
)
"""Largest counts of cameras with 8 to 16 bits: as they are, summed over 2 x 2 pixels, and
shifted to the highest of 16 bits."""
MIN_SATURATED = 10
"""Fewest pixels at a full scale for which a frame counts as saturated."""
SHARE = 1e-4
"""Smallest share of saturated pixels of a frame that is noted; fewer are hot pixels."""


class SaturationCount:
    """Saturated pixels of every frame of a stack, from its growing histogram."""

    def __init__(self) -> None:
        self._before = dict.fromkeys(FULL_SCALES, 0)
        self._shares: list[tuple[int, dict[int, float]]] = []

    def add(self, frame: int, pixels: int, histogram: Histogram) -> None:
        """Count one frame after it was added to the histogram.

        Args:
            frame: Its 0-based index.
            pixels: Number of its pixels.
            histogram: Of all frames so far.
        """
        counts = {level: histogram.number_at(level) for level in FULL_SCALES}
        new = {level: count - self._before[level] for level, count in counts.items()}
        self._before = counts
        fewest = max(MIN_SATURATED, SHARE * pixels)
        shares = {level: n / pixels for level, n in new.items() if n >= fewest}
        if shares:
            self._shares.append((frame, shares))

    def notes(self, histogram: Histogram) -> dict[str, Any]:
        """Return `saturated` with `level`, `frames` and the largest `share`, or nothing.

        Args:
            histogram: Of all frames. A full scale is one only if no pixel is above it.
        """
        level = max((scale for scale in FULL_SCALES if self._before[scale]), default=None)
        if level is None or histogram.largest() != level:
            return {}
        found = [(frame, shares[level]) for frame, shares in self._shares if level in shares]
        if not found:
            return {}
        worst = round(max(share for _, share in found), 6)
        frames = [frame for frame, _ in found]
        return {"saturated": {"level": level, "frames": frames, "share": worst}}
