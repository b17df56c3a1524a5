"""Cells cut out of frames, without holding a movie or its cells in memory.

Frames come in the order of time, crops are written cell by cell. In between lies a spool per
group: a temporary file to which the boxes of each frame are appended, and from which the
boxes of each cell are read.
"""

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from io import FileIO
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pyama.algorithms.crops import SCALE, box_shapes, gather, gather_masks, normalise, place
from pyama.algorithms.labels import Regions, regions
from pyama.errors import StoreError
from pyama.store import Crop, Roster, Stack, crop_spec, naming

INTENSITY_ATTRIBUTES = {"pyama": {"divisor": SCALE}}
"""Counts are the crop's values times this."""


def cut_cells(
    labels: Stack, mask_group: str, stacks: Mapping[str, Stack], folder: Path
) -> Iterator[Roster | Crop | None]:
    """Cut every cell out of every stack.

    Args:
        labels: Tracked labels (T, H, W).
        mask_group: Name of the group that gets the cells' masks.
        stacks: Raw frames and backgrounds (T, H, W) in counts, by the name of their group.
        folder: Where the spools go; they are gone when the iterator ends.

    Yields:
        None after every frame that was spooled, then the roster, then the crops of all cells,
        group by group. The blocks of a crop must be read before the next one is drawn.
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
        found: list[Regions] = []
        for t, frame in enumerate(labels):
            cells = regions(frame)
            found.append(cells)
            spools[0].append(gather_masks(frame, cells.ids, cells.boxes))
            for spool, stack in zip(spools[1:], stacks.values(), strict=True):
                spool.append(gather(stack[t], cells.boxes))
            yield None
        roster = _roster(found)
        yield roster
        offsets = _offsets(roster)
        for spool in spools:
            for row in range(len(roster.ids)):
                yield _crop(spool, roster, row, offsets[row], is_mask=spool is spools[0])


@dataclass(frozen=True)
class _Spool:
    group: str
    dtype: np.dtype[Any]
    file: FileIO
    place: Path

    def append(self, pixels: NDArray[Any]) -> None:
        left = pixels.view(np.uint8).data
        with naming(self.place):
            while left:  # a disk that is nearly full takes a part and says so
                left = left[self.file.write(left) :]

    def read(self, pixel: int, out: NDArray[Any]) -> None:
        self.file.seek(pixel * self.dtype.itemsize)
        left = out.view(np.uint8).data
        while left:
            n = self.file.readinto(left)
            if not n:
                raise StoreError(f"{self.place} ends too early. Run again.")
            left = left[n:]


def _temporary(folder: Path) -> FileIO:
    return tempfile.TemporaryFile(dir=folder, buffering=0, suffix=".tmp")


def _roster(found: list[Regions]) -> Roster:
    every = [cells.ids for cells in found]
    ids = np.unique(np.concatenate(every)) if every else np.empty(0, np.int64)
    bboxes = np.zeros((len(ids), len(found), 4), np.int32)
    valid = np.zeros((len(ids), len(found)), np.bool_)
    for t, cells in enumerate(found):
        rows = np.searchsorted(ids, cells.ids)
        bboxes[rows, t] = cells.boxes
        valid[rows, t] = True
    return Roster(ids.astype(np.int32), bboxes, valid)


def _offsets(roster: Roster) -> NDArray[np.int64]:
    """Return where each box lies in a spool, in pixels, shape (N, T)."""
    sizes = box_shapes(roster.bboxes).prod(axis=-1).T  # spooled frame by frame
    ends = np.cumsum(sizes).reshape(sizes.shape)
    return np.ascontiguousarray((ends - sizes).T)


def _crop(
    spool: _Spool, roster: Roster, row: int, offsets: NDArray[np.int64], *, is_mask: bool
) -> Crop:
    shapes = box_shapes(roster.bboxes[row])
    height, width = (int(n) for n in shapes.max(axis=0))
    shape = (len(shapes), height, width)
    dtype = "uint8" if is_mask else "float32"
    frames = crop_spec(shape, dtype).chunk[0]

    def blocks() -> Iterator[NDArray[Any]]:
        for start in range(0, len(shapes), frames):
            part = slice(start, start + frames)
            block = _block(spool, offsets[part], shapes[part], (height, width))
            yield block if is_mask else normalise(block)

    attributes = {} if is_mask else INTENSITY_ATTRIBUTES
    return Crop(spool.group, int(roster.ids[row]), shape, dtype, blocks(), attributes)


def _block(
    spool: _Spool,
    offsets: NDArray[np.int64],
    shapes: NDArray[np.int64],
    size: tuple[int, int],
) -> NDArray[Any]:
    areas = shapes.prod(axis=1)
    ends = np.cumsum(areas)
    pieces = np.empty(int(ends[-1]), spool.dtype)
    for offset, area, end in zip(offsets.tolist(), areas.tolist(), ends.tolist(), strict=True):
        if area:
            spool.read(offset, pieces[end - area : end])
    block = np.empty((len(shapes), *size), spool.dtype)
    place(pieces, shapes, block)
    return block
