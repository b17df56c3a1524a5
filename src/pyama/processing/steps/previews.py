"""Previews: what grey level a value becomes, for stacks and for crops."""

from collections.abc import Callable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pyama import layout
from pyama.algorithms.background_surface import GRID
from pyama.algorithms.crops import SCALE, box_shapes, lift
from pyama.algorithms.preview import Histogram, preview_of_intensities, preview_of_labels
from pyama.errors import StoreError
from pyama.pictures.contrast import contrast_of_histogram
from pyama.store import Cells, Crop, Roster, crop_spec

Preview = Callable[[NDArray[Any]], NDArray[np.uint8]]


def grey_levels(histogram: Histogram) -> dict[str, float]:
    """Return what becomes black and white; both 0 for a stack without valid pixels."""
    return contrast_of_histogram(histogram)._asdict()


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
        shapes = box_shapes(roster.bboxes)
        self._rows = {cell: row for row, cell in enumerate(roster.ids.tolist())}
        self._shapes = {group: _without(shapes, frames) for group, frames in missing.items()}
        # Most cells are there in a part of the frames only. One frame beside it on either
        # side stands for all others.
        there = shapes[..., 0] > 0
        starts = np.maximum(there.argmax(axis=1) - 1, 0).tolist()
        ends = (there.shape[1] - there[:, ::-1].argmax(axis=1) + 1).tolist()
        self._frames = [slice(start, end) for start, end in zip(starts, ends, strict=True)]

    def of(self, group: str, cell: int, stack: NDArray[Any]) -> Crop:
        """Return the preview of one crop, whose pixels are `stack`, shape (T, H, W)."""
        row = self._rows[cell]
        frames = self._frames[row]
        meaning = _meaning(group, stack, self._shapes[group][row])
        preview = preview_of(group, meaning)(stack[frames])
        if len(preview) < len(stack):
            found = preview
            preview = np.empty((len(stack), *found.shape[1:]), np.uint8)
            preview[: frames.start] = found[0]
            preview[frames] = found
            preview[frames.stop :] = found[-1]
        return _crop(group, cell, preview, meaning)

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
        for group in self._shapes:
            for cell in self._rows:
                yield self.of(group, cell, cells.crop(group, cell))


def _without(shapes: NDArray[np.int64], frames: AbstractSet[int]) -> NDArray[np.int64]:
    if frames:
        shapes = shapes.copy()
        shapes[:, sorted(frames)] = 0
    return shapes


def _meaning(group: str, stack: NDArray[Any], shapes: NDArray[np.int64]) -> dict[str, Any]:
    if layout.is_labels(group):
        return {"largest_label": 1}
    is_background = group.startswith("fl_background")
    histogram = Histogram(SCALE * GRID if is_background else SCALE)
    # Around the boxes and in missing frames a crop is 0, which is no intensity.
    histogram.update(lift(stack, shapes))
    return grey_levels(histogram)


def _crop(
    group: str, cell: int, preview: NDArray[np.uint8], meaning: Mapping[str, Any]
) -> Crop:
    spec = crop_spec(preview.shape, "uint8")
    frames = spec.chunk[0]
    blocks = (preview[t : t + frames] for t in range(0, len(preview), frames))
    return Crop(group, cell, spec, blocks, {"pyama": meaning})
