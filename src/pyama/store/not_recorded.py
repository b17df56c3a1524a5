"""Planes and pixels that were not recorded, as the attributes of a group say it.

Copying collects them, from the reader and from the pixels, and writes them into the group of
the channel. Every later step, picture and report reads them from there, see
`FovStore.not_recorded`. In arrays these planes and pixels hold the fill value, 0.
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pyama.metadata import Box, MicroscopyMetadata

KEY = "not_recorded"
"""Name of the entry in the notes of an output and in the attributes of its group."""


@dataclass(frozen=True)
class NotRecorded:
    """What was not recorded of one channel in one field of view.

    Attributes:
        frames: Frames of which nothing was recorded.
        boxes: Rectangles of which nothing was recorded, by frame; only frames that have any.
    """

    frames: frozenset[int] = frozenset()
    boxes: Mapping[int, tuple[Box, ...]] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.frames or self.boxes)

    @classmethod
    def known_to(cls, metadata: MicroscopyMetadata, fov: int, channel: int) -> "NotRecorded":
        """Return what the index of the file tells."""
        boxes = {
            frame: pixels.boxes
            for pixels in metadata.missing_pixels
            if (pixels.fov, pixels.channel) == (fov, channel)
            for frame in pixels.frames
        }
        return cls(metadata.missing_frames(fov, channel), boxes)

    @classmethod
    def parse(cls, entry: Mapping[str, Any]) -> "NotRecorded":
        """Read the output of `entry`.

        Raises:
            LookupError, TypeError, ValueError: It has another form.
        """
        boxes = {
            int(frame): tuple((int(a), int(b), int(c), int(d)) for a, b, c, d in part["boxes"])
            for part in entry["pixels"]
            for frame in part["frames"]
        }
        return cls(frozenset(map(int, entry["frames"])), boxes)

    def entry(self) -> dict[str, Any]:
        """Return plain values for notes and attributes; frames with equal boxes together."""
        frames_of: dict[tuple[Box, ...], list[int]] = defaultdict(list)
        for frame, boxes in sorted(self.boxes.items()):
            frames_of[boxes].append(frame)
        pixels = [
            {"frames": frames, "boxes": [list(box) for box in boxes]}
            for boxes, frames in frames_of.items()
        ]
        return {"frames": sorted(self.frames), "pixels": pixels}

    def notes(self) -> dict[str, Any]:
        """Return the entry for the notes of an output; nothing if everything was recorded."""
        return {KEY: self.entry()} if self else {}

    def mask(self, frame: int, shape: tuple[int, ...]) -> NDArray[np.bool_] | None:
        """Return the pixels of a frame that were not recorded, shape (H, W).

        None if the frame has no rectangles and is not one of those without any pixel. The
        array is shared between frames: do not change it.
        """
        if frame in self.frames:
            return _mask(((0, 0, shape[0], shape[1]),), shape)
        return _mask(self.boxes[frame], shape) if frame in self.boxes else None


@lru_cache(maxsize=4)  # the frames of a mosaic have the same rectangles
def _mask(boxes: tuple[Box, ...], shape: tuple[int, ...]) -> NDArray[np.bool_]:
    mask = np.zeros(shape, np.bool_)
    for y0, x0, y1, x1 in boxes:
        mask[y0:y1, x0:x1] = True
    return mask
