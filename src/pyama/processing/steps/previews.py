"""Previews: small uint8 images of stacks and crops, for display only.

Cropping makes the previews of everything that it reads; the step named caching
makes the others.
"""

from collections.abc import Callable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pyama import layout
from pyama.algorithms.background_surface import GRID
from pyama.algorithms.crops import SCALE, box_shapes, lift
from pyama.algorithms.gaps import overlap_rectangle
from pyama.algorithms.kernels.histogram import Histogram
from pyama.algorithms.preview import preview_of_intensities, preview_of_labels
from pyama.config import ProcessingConfig
from pyama.errors import StoreError
from pyama.pictures.contrast import contrast_of_histogram
from pyama.processing.fov import (
    FovContext,
    FovFacts,
    computed_groups,
    crop_groups,
    full_output,
    image_groups,
    preview_output,
)
from pyama.processing.runner import Job, Part
from pyama.processing.steps.step import RecipeParts, Step
from pyama.store import (
    CELL_PREVIEWS_MARK,
    CELLS_MARK,
    CellList,
    CellPreviewsOutput,
    Cells,
    CellsOutput,
    Crop,
    NotRecorded,
    PreviewOutput,
    crop_spec,
)

Preview = Callable[[NDArray[Any]], NDArray[np.uint8]]


def grey_levels(histogram: Histogram) -> dict[str, float]:
    """Return the counts shown as black and white; both 0 without valid pixels."""
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
        cell_list: Which cells there are, and where.
        lost: What was not recorded, by the name of every group.
    """

    def __init__(self, cell_list: CellList, lost: Mapping[str, NotRecorded]) -> None:
        shapes = box_shapes(cell_list.bboxes)
        self._rows = {cell: row for row, cell in enumerate(cell_list.ids.tolist())}
        self._shapes = {
            group: _recorded(shapes, cell_list.bboxes, entry) for group, entry in lost.items()
        }
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
        grey = preview_of(group, meaning)(stack[frames])
        if len(grey) < len(stack):
            inner = grey
            grey = np.empty((len(stack), *inner.shape[1:]), np.uint8)
            grey[: frames.start] = inner[0]
            grey[frames] = inner
            grey[frames.stop :] = inner[-1]
        return _crop(group, cell, grey, meaning)

    def make_early(self, crop: Crop) -> Crop:
        """Return the preview of a crop that is still in memory.

        Raises:
            StoreError: It is too large to be in memory as a whole.
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


def _recorded(
    shapes: NDArray[np.int64], boxes: NDArray[np.int32], lost: NotRecorded
) -> NDArray[np.int64]:
    """Return the shapes of the boxes, (N, T, 2), 0 where not all of a box was recorded."""
    if not lost:
        return shapes
    shapes = shapes.copy()
    shapes[:, sorted(lost.frames)] = 0
    whole = shapes.copy()
    for frame, rectangles in lost.boxes.items():
        for rectangle in rectangles:
            whole[overlap_rectangle(boxes[:, frame], rectangle), frame] = 0
    never = ~whole.any(axis=(1, 2))  # such a cell is shown, too
    whole[never] = shapes[never]
    return whole


def _meaning(group: str, stack: NDArray[Any], shapes: NDArray[np.int64]) -> dict[str, Any]:
    if layout.is_labels(group):
        return {"largest_label": 1}
    is_background = group.startswith("fl_background")
    histogram = Histogram(SCALE * GRID if is_background else SCALE)
    # Around the boxes and in missing frames a crop is 0, which is no intensity.
    histogram.update(lift(stack, shapes))
    return grey_levels(histogram)


def _crop(group: str, cell: int, grey: NDArray[np.uint8], meaning: Mapping[str, Any]) -> Crop:
    spec = crop_spec(grey.shape, "uint8")
    frames = spec.chunk[0]
    blocks = (grey[t : t + frames] for t in range(0, len(grey), frames))
    return Crop(group, cell, spec, blocks, {"pyama": meaning})


def preview_part(context: FovContext, group: str) -> tuple[Part, Callable[[], Preview]]:
    """Return the preview of a group, and what gives its maker once the stack is finished."""
    t, height, width = context.shape
    size = (t, max(1, height // 2), max(1, width // 2))
    meaning: dict[str, Any] = {}

    def maker() -> Preview:
        mark = context.store.mark(full_output(group))
        notes = mark.notes if mark else {}
        keys = ("low", "high", "largest_label")
        meaning.update({key: notes[key] for key in keys if key in notes})
        return preview_of(group, meaning)

    return context.part(PreviewOutput(context.store.path, group, size, meaning)), maker


def cell_previews_part(context: FovContext, crops: CellsOutput | None = None) -> Part:
    """Return the previews of all crops; `crops` are those that are written with them."""
    return context.part(CellPreviewsOutput(context.store.path, crops))


def cell_previews_of(context: FovContext, cell_list: CellList) -> CellPreviews:
    """Return what makes the previews of the crops of a field of view."""
    lost = {
        group: context.store.not_recorded(group, context.metadata)
        for group in crop_groups(context.config)
    }
    return CellPreviews(cell_list, lost)


def _skipped(config: ProcessingConfig) -> str | None:
    if config.params.copy_only:
        return "copy_only"
    return None if config.channels.ids else "no channel is configured"


def _recipes(facts: FovFacts) -> Iterator[tuple[str, RecipeParts]]:
    for group in [*image_groups(facts.config), *computed_groups(facts.config)]:
        yield preview_output(group), RecipeParts([full_output(group)])
    if facts.config.channels.pc is not None:
        yield CELL_PREVIEWS_MARK, RecipeParts([CELLS_MARK])


def _jobs(context: FovContext) -> Iterator[Job]:
    for group in [*image_groups(context.config), *computed_groups(context.config)]:
        part, maker = preview_part(context, group)
        yield Job((part,), partial(_frames, context, group, maker), context.shape[0])
    if CELLS_MARK in context.recipes:
        part = cell_previews_part(context)
        yield Job((part,), partial(_crops, context), framewise=False)


def _frames(
    context: FovContext, group: str, maker: Callable[[], Preview], pending: tuple[Part, ...]
) -> Iterator[tuple[NDArray[np.uint8]]]:
    stack = context.stack(group)
    make = maker()
    for frame in stack:
        yield (make(frame),)


def _crops(context: FovContext, pending: tuple[Part, ...]) -> Iterator[tuple[Any]]:
    cells = context.store.cells(digest=context.recipes[CELLS_MARK].digest)
    for crop in cell_previews_of(context, cells.cell_list).of_all(cells):
        yield (crop,)


def _made_earlier(config: ProcessingConfig) -> AbstractSet[str]:
    groups = crop_groups(config)
    return {preview_output(group) for group in groups} | (
        {CELL_PREVIEWS_MARK} if groups else set()
    )


STEP = Step(
    name="caching",
    title="Make previews",
    version=2,
    recipes=_recipes,
    jobs=_jobs,
    weight=0.5,
    bytes_per_pixel=0.25,
    skipped=_skipped,
    made_earlier=_made_earlier,
)
