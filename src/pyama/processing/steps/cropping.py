"""Cropping: cells cut out of frames, without holding a movie or its cells in memory.

Frames are read in the order of time, and crops are written cell by cell. Each group therefore
has a temporary file, the spool. The boxes of each frame are appended to it, and the boxes of
several cells, as many as `BATCH_BYTES` allows, are read at a time. The boxes of a frame are
contiguous, so that few and large reads are enough.
"""

import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial
from io import FileIO
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pyama import layout
from pyama.algorithms.crops import SCALE, box_shapes, gather, gather_masks, place
from pyama.algorithms.kernels.labels import Regions, regions
from pyama.errors import StoreError
from pyama.processing.fov import FovContext, FovFacts, crop_groups, full_output
from pyama.processing.runner import Job, Part
from pyama.processing.steps.previews import (
    CellPreviews,
    Preview,
    cell_previews_of,
    cell_previews_part,
    preview_part,
)
from pyama.processing.steps.registration import shifts_input
from pyama.processing.steps.step import RecipeParts, Step, without_phase_contrast
from pyama.store import (
    CELLS_MARK,
    CellList,
    CellsOutput,
    Crop,
    Stack,
    crop_dtype,
    crop_spec,
    path_in_errors,
)

INTENSITY_ATTRIBUTES = {"pyama": {"divisor": SCALE}}
"""Counts are the crop's values times this."""
BATCH_BYTES = 8 * 2**20
"""Size of what is read from a spool at a time."""


def cut_cells(
    labels: Stack,
    mask_group: str,
    stacks: Mapping[str, Stack],
    folder: Path,
    drift: NDArray[np.float64] | None = None,
) -> Iterator["Seen | CellList | Crop"]:
    """Cut every cell out of every stack.

    Args:
        labels: Tracked labels (T, H, W).
        mask_group: Name of the group that gets the cells' masks.
        stacks: Raw frames and backgrounds (T, H, W) in counts, by the name of their group.
        folder: Folder of the spools, which are removed when the iterator ends.
        drift: See `CellList`. It changes no crop, because boxes follow the cells.

    Yields:
        Every frame after it was spooled, then the list of cells, then the crops of all cells,
        group by group. The blocks of a crop must be read before the next crop is requested.
    """
    with ExitStack() as files:
        spools = [
            _Spool(
                group,
                np.dtype(dtype),
                files.enter_context(_temporary(folder)),
                folder / f"spool of {group}",
            )
            for group, dtype in [(mask_group, "uint8")]
            + [(group, str(stack.dtype)) for group, stack in stacks.items()]
        ]
        frames: list[Regions] = []
        for t, frame in enumerate(labels):
            cells = regions(frame)
            frames.append(cells)
            spools[0].append(gather_masks(frame, cells.ids, cells.boxes))
            yield Seen(mask_group, frame)
            for spool, stack in zip(spools[1:], stacks.values(), strict=True):
                frame = stack[t]
                spool.append(gather(frame, cells.boxes))
                yield Seen(spool.group, frame)
        cell_list = _cell_list(frames)
        if drift is not None:
            cell_list = replace(cell_list, drift=drift.astype(np.float32))
        yield cell_list
        for spool in sorted(spools, key=lambda spool: spool.group):  # as in an archive
            yield from _crops(spool, cell_list)


@dataclass(frozen=True)
class Seen:
    """A frame that cells were cut out of.

    Attributes:
        group: Name of its group.
        frame: Its pixels, shape (H, W).
    """

    group: str
    frame: NDArray[Any]


@dataclass(frozen=True)
class _Spool:
    group: str
    dtype: np.dtype[Any]
    file: FileIO
    place: Path

    def append(self, pixels: NDArray[Any]) -> None:
        left = pixels.view(np.uint8).data
        with path_in_errors(self.place):
            while left:  # on a nearly full disk only a part is written at once
                left = left[self.file.write(left) :]

    def read(
        self, starts: NDArray[np.int64], areas: NDArray[np.int64]
    ) -> tuple[NDArray[Any], NDArray[np.int64]]:
        """Read the boxes of successive cells.

        Args:
            starts: Where each box lies in the spool, in pixels, shape (n, t).
            areas: How many pixels it has, shape (n, t).

        Returns:
            Their pixels, and where each box lies among them, shape (n, t).
        """
        sizes = areas.sum(axis=0)
        ends = np.cumsum(sizes)
        pixels = np.empty(int(ends[-1]), self.dtype)
        begins = ends - sizes
        places = starts[0].tolist(), begins.tolist(), ends.tolist()
        for start, begin, end in zip(*places, strict=True):
            self._read_into(start, pixels[begin:end])
        return pixels, starts - starts[0] + begins

    def _read_into(self, pixel: int, out: NDArray[Any]) -> None:
        left = out.view(np.uint8).data
        if left:
            self.file.seek(pixel * self.dtype.itemsize)
        while left:
            n = self.file.readinto(left)
            if not n:
                raise StoreError(f"{self.place} ends too early. Run again.")
            left = left[n:]


class _Batch:
    """Boxes of successive cells in a spool.

    Boxes of several cells are read at once. Those of a single cell are read in parts, as they
    may not fit into memory.
    """

    def __init__(
        self, spool: _Spool, starts: NDArray[np.int64], areas: NDArray[np.int64]
    ) -> None:
        self.spool = spool
        self._starts, self._areas = starts, areas
        self._whole = spool.read(starts, areas) if len(starts) > 1 else None

    def boxes(self, index: int, frames: slice) -> tuple[NDArray[Any], NDArray[np.int64]]:
        """Return pixels, and where the boxes of one cell lie among them, shape (t,)."""
        if self._whole is not None:
            pixels, starts = self._whole
            return pixels, starts[index, frames]
        pixels, starts = self.spool.read(self._starts[:, frames], self._areas[:, frames])
        return pixels, starts[0]

    def clear(self) -> None:
        """Release the pixels: no crop of this batch can be read any more."""
        self._whole, self._starts = None, self._starts[:0]


def _temporary(folder: Path) -> FileIO:
    return tempfile.TemporaryFile(dir=folder, buffering=0, suffix=".tmp")


def _cell_list(frames: list[Regions]) -> CellList:
    every = [cells.ids for cells in frames]
    ids = np.unique(np.concatenate(every)) if every else np.empty(0, np.int64)
    bboxes = np.zeros((len(ids), len(frames), 4), np.int32)
    valid = np.zeros((len(ids), len(frames)), np.bool_)
    for t, cells in enumerate(frames):
        rows = np.searchsorted(ids, cells.ids)
        bboxes[rows, t] = cells.boxes
        valid[rows, t] = True
    return CellList(ids.astype(np.int32), bboxes, valid)


def _crops(spool: _Spool, cell_list: CellList) -> Iterator[Crop]:
    shapes = box_shapes(cell_list.bboxes)
    slots = shapes.max(axis=1, initial=0).tolist()
    ids = cell_list.ids.tolist()
    areas = shapes.prod(axis=-1)
    by_frame = areas.T.ravel()  # as they were spooled
    starts = (np.cumsum(by_frame) - by_frame).reshape(areas.T.shape).T
    for rows in _batches(areas.sum(axis=1) * spool.dtype.itemsize):
        batch = _Batch(spool, starts[rows.start : rows.stop], areas[rows.start : rows.stop])
        for i, row in enumerate(rows):
            yield _crop(batch, i, ids[row], shapes[row], slots[row])
        batch.clear()  # else a reference to its last crop keeps it in memory


def _crop(
    batch: _Batch, index: int, cell: int, shapes: NDArray[np.int64], slot: list[int]
) -> Crop:
    group = batch.spool.group
    is_mask = layout.is_labels(group)
    height, width = slot
    dtype, factor = crop_dtype(group), 1.0 if is_mask else 1 / SCALE
    spec = crop_spec((len(shapes), height, width), dtype)
    frames = spec.chunk[0]

    def blocks() -> Iterator[NDArray[Any]]:
        for start in range(0, len(shapes), frames):
            part = slice(start, start + frames)
            pixels, starts = batch.boxes(index, part)
            block = np.empty((len(shapes[part]), height, width), dtype)
            place(pixels, shapes[part], block, starts=starts, factor=factor)
            yield block

    attributes = {} if is_mask else INTENSITY_ATTRIBUTES
    if frames < len(shapes):
        return Crop(group, cell, spec, blocks(), attributes)
    (whole,) = blocks()
    return Crop(group, cell, spec, [whole], attributes, whole)


def _batches(sizes: NDArray[np.int64]) -> Iterator[range]:
    """Successive rows that have at most `BATCH_BYTES` together, or a single one."""
    start, total = 0, 0
    for row, size in enumerate(sizes.tolist()):
        if row > start and total + size > BATCH_BYTES:
            yield range(start, row)
            start, total = row, 0
        total += size
    if start < len(sizes):
        yield range(start, len(sizes))


def _recipes(facts: FovFacts) -> Iterator[tuple[str, RecipeParts]]:
    inputs = [full_output(group) for group in crop_groups(facts.config)]
    yield CELLS_MARK, RecipeParts([*inputs, *shifts_input(facts.config)])


def _jobs(context: FovContext) -> Iterator[Job]:
    groups = crop_groups(context.config)
    lost = {group: context.store.not_recorded(group, context.metadata) for group in groups}
    crops = CellsOutput(context.store.path, groups, lost, context.config.params.cells)
    previews = {group: preview_part(context, group) for group in groups}
    extras = *(made for made, _ in previews.values()), cell_previews_part(context, crops)
    makers = {group: maker for group, (_, maker) in previews.items()}
    items, parts = partial(_items, context, makers), (context.part(crops),)
    yield Job(parts, items, framewise=False, extras=extras)


def _items(
    context: FovContext, makers: Mapping[str, Callable[[], Preview]], pending: tuple[Part, ...]
) -> Iterator[tuple[Any, ...]]:
    """The cells or a crop; previews of frames, in the order of `makers`; that of the crop."""
    mask_group, folder = layout.tracked(context.pc), context.store.path
    stacks = {group: context.stack(group) for group in makers}
    labels, makes = stacks.pop(mask_group), {group: maker() for group, maker in makers.items()}
    previews: CellPreviews | None = None
    for item in cut_cells(labels, mask_group, stacks, folder, context.drift()):
        if isinstance(item, Seen):
            make = partial(makes[item.group], item.frame)
            yield (None, *(make if group == item.group else None for group in makes))
        elif isinstance(item, CellList):
            previews = cell_previews_of(context, item)
            yield (item,)
        else:
            assert previews is not None  # noqa: S101 (the list of cells comes before the crops)
            yield (item, *[None] * len(makes), partial(previews.make_early, item))
        del item  # else it would stay in memory with the next one


STEP = Step(
    name="cropping",
    title="Crop cells",
    version=2,
    recipes=_recipes,
    jobs=_jobs,
    weight=10.0,
    bytes_per_pixel=0.5,
    skipped=without_phase_contrast,
)
