"""Previews: what grey level a value becomes, for stacks and for crops."""

import math
from collections.abc import Callable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pyama import layout
from pyama.algorithms.background import GRID
from pyama.algorithms.crops import SCALE, box_shapes
from pyama.algorithms.preview import Histogram, preview_of_intensities, preview_of_labels
from pyama.errors import StoreError
from pyama.store import Cells, Crop, Roster, crop_spec

LOW, HIGH = 1, 99
"""Percentiles of a whole stack that become black and white."""

Preview = Callable[[NDArray[Any]], NDArray[np.uint8]]


def grey_levels(histogram: Histogram) -> dict[str, float]:
    """Return what becomes black and white; both 0 for a stack without valid pixels."""
    low, high = histogram.percentile(LOW, HIGH)
    return {"low": 0.0, "high": 0.0} if math.isnan(low) else {"low": low, "high": high}


def preview_of(group: str, meaning: Mapping[str, Any]) -> Preview:
    """Return the function that makes the preview of a stack of this group.

    Args:
        group: Name of the group.
        meaning: `low` and `high` of intensities, or `largest_label` of labels.
    """
    if layout.is_labels(group):
        return partial(preview_of_labels, largest=meaning["largest_label"])
    return partial(preview_of_intensities, low=meaning["low"], high=meaning["high"])


class CellPreviews:
    """Makes the previews of crops.

    Args:
        roster: Which cells there are, and where.
        missing: Frames that were never written, by the name of every group.
    """

    def __init__(self, roster: Roster, missing: Mapping[str, AbstractSet[int]]) -> None:
        areas = box_shapes(roster.bboxes).prod(axis=-1)
        ids = roster.ids.tolist()
        self._pixels: dict[str, dict[int, int]] = {}
        for group, frames in missing.items():
            written = np.delete(areas, sorted(frames), axis=1).sum(axis=1)
            self._pixels[group] = dict(zip(ids, written.tolist(), strict=True))

    def of(self, group: str, cell: int, stack: NDArray[Any]) -> Crop:
        """Return the preview of one crop, whose pixels are `stack`, shape (T, H, W)."""
        meaning = _meaning(group, stack, self._pixels[group][cell])
        return _crop(group, cell, preview_of(group, meaning)(stack), meaning)

    def in_passing(self, crop: Crop) -> Crop:
        """Return the preview of a crop that is still in memory.

        Raises:
            StoreError: It is too large to be there as a whole.
        """
        if crop.whole is None:
            place = f"Cell {crop.cell} in {crop.group}"
            raise StoreError(f"{place} is too large to be kept in memory.")
        return self.of(crop.group, crop.cell, crop.whole)

    def of_all(self, cells: Cells) -> Iterator[Crop]:
        """Make the preview of every crop from the finished crops."""
        for group, pixels in self._pixels.items():
            for cell in pixels:
                yield self.of(group, cell, cells.crop(group, cell))


def _meaning(group: str, stack: NDArray[Any], pixels: int) -> dict[str, Any]:
    if layout.is_labels(group):
        return {"largest_label": 1}
    is_background = group.startswith("fl_background")
    histogram = Histogram(SCALE * GRID if is_background else SCALE)
    histogram.update(stack)
    # Around the boxes and in missing frames a crop is 0.
    histogram.discount(0, stack.size - pixels)
    return grey_levels(histogram)


def _crop(
    group: str, cell: int, preview: NDArray[np.uint8], meaning: Mapping[str, Any]
) -> Crop:
    spec = crop_spec(preview.shape, "uint8")
    frames = spec.chunk[0]
    blocks = (preview[t : t + frames] for t in range(0, len(preview), frames))
    return Crop(group, cell, spec, blocks, {"pyama": meaning})
