"""`cells.zarr`: the list of cells and their crops, written and read in any form."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pyama import layout
from pyama.errors import StoreError
from pyama.store.array_spec import ArraySpec, crop_spec, group_document
from pyama.store.cell_places import new_cells, new_previews, remove_cells, remove_previews
from pyama.store.files import FileSink, Ledger
from pyama.store.not_recorded import NotRecorded
from pyama.store.outputs import Output, Write, check_count
from pyama.store.stored_files import DOCUMENT, Form, StoredFiles
from pyama.store.zarr_arrays import StoredArray, write_array, write_chunk

CELLS_MARK = "cells/0"
CELL_PREVIEWS_MARK = "cells/1"


@dataclass(frozen=True)
class Crop:
    """The crop of one cell in one channel.

    Attributes:
        group: Name of the channel's group.
        cell: Number of the cell.
        spec: Its shape (T, H, W), its dtype and how it is stored, see `crop_spec`.
        blocks: Successive parts (t, H, W) along the first axis, each of `spec.chunk[0]`
            frames, the last one possibly shorter.
        attributes: The meaning of the values.
        whole: The whole crop, if it is a single block that fits into memory.
    """

    group: str
    cell: int
    spec: ArraySpec
    blocks: Iterable[NDArray[Any]]
    attributes: Mapping[str, Any]
    whole: NDArray[Any] | None = None


@dataclass(frozen=True)
class CellList:
    """The cells of a field of view and their bounding boxes.

    Attributes:
        ids: Numbers of the cells, int32 (N,), ascending.
        bboxes: Half-open boxes [y0, x0, y1, x1), int32 (N, T, 4), zeros where invalid.
        valid_frames: Whether the cell is present, bool (N, T).
        drift: Motion of the picture since the first frame, (y, x) in px, positive down and
            to the right, float32 (T, 2); None if it was not measured. Boxes minus the drift
            are the boxes on a stage at rest.
    """

    ids: NDArray[np.int32]
    bboxes: NDArray[np.int32]
    valid_frames: NDArray[np.bool_]
    drift: NDArray[np.float32] | None = None


class Cells:
    """The complete `cells.zarr` of a field of view.

    Args:
        files: Its files.

    Attributes:
        cell_list: The cells and their bounding boxes.
    """

    def __init__(self, files: StoredFiles) -> None:
        self._files = files
        self._path = files.cells
        metadata = self._path / layout.CELLS_METADATA

        def table(name: str) -> NDArray[Any]:
            return StoredArray(metadata / name, read=files.read).read()

        self.cell_list = CellList(
            table("cell_ids"),
            table("bboxes"),
            table("valid_frames"),
            table("drift") if files.has_folder(metadata / "drift") else None,
        )
        boxes = self.cell_list.bboxes
        self._rows = {cell: row for row, cell in enumerate(self.cell_list.ids.tolist())}
        # Height and width of the largest box are those of the crop.
        self._sizes = (boxes[..., 2:] - boxes[..., :2]).max(axis=1, initial=0).tolist()

    def crop(self, group: str, cell: int) -> NDArray[Any]:
        """Read the crop of one cell in one group, shape (T, H, W).

        Raises:
            StoreError: It does not exist, or is damaged.
        """
        row = self._rows.get(cell)
        if row is None:
            raise StoreError(f"There is no cell {cell} in {self._path}.")
        shape = (self.cell_list.bboxes.shape[1], *self._sizes[row])
        spec = crop_spec(shape, crop_dtype(group))
        path = self._path / group / str(cell) / layout.FULL
        return StoredArray(path, spec, self._files.read).read()


def crop_files(name: str, n_crops: int, form: Form) -> int:
    """Return the number of files and folders that an output needs for crops.

    Args:
        name: Of the output.
        n_crops: Number of cells times number of groups.
        form: How the cells are kept.
    """
    per_crop = {CELLS_MARK: 5, CELL_PREVIEWS_MARK: 3}.get(name, 0)
    return per_crop * n_crops if form == "folder" else 0


def crop_dtype(group: str) -> str:
    """Return the NumPy name of the type of the pixels of every crop in a group."""
    return "uint8" if layout.is_labels(group) else "float32"


class CellsOutput(Output):
    """`cells.zarr` with level 0 of every crop; takes the list of cells, then every crop.

    Args:
        fov_path: Folder of the field of view.
        groups: Names of the groups of the crops.
        lost: What was not recorded in them; for their attributes.
        form: How to keep them.

    Attributes:
        files: What takes the files while they are written, else None.
    """

    files: FileSink | None = None

    def __init__(
        self,
        fov_path: Path,
        groups: Sequence[str],
        lost: Mapping[str, NotRecorded] = MappingProxyType({}),
        form: Form = "folder",
    ) -> None:
        super().__init__(fov_path, CELLS_MARK)
        self.groups = groups
        self.lost = lost
        self.form: Form = form

    @contextmanager
    def _files(self, place: Path) -> Iterator[FileSink]:
        with new_cells(place, self.form) as self.files:
            try:
                yield self.files
            finally:
                self.files = None

    @contextmanager
    def _open(self, ledger: Ledger, place: Path) -> Iterator[Write]:
        group = group_document()
        ledger.write(f"{layout.CELLS}/{DOCUMENT}", group)
        for name in sorted([layout.CELLS_METADATA, *self.groups]):
            notes = self.lost[name].notes() if name in self.lost else {}
            document = group_document({"pyama": notes} if notes else {})
            ledger.write(f"{layout.CELLS}/{name}/{DOCUMENT}", document)
        awaited: set[tuple[str, int]] = set()
        cell_list: CellList | None = None

        def write(item: CellList | Crop) -> None:
            nonlocal cell_list
            if isinstance(item, CellList):
                cell_list = item
                _write_cell_list(ledger, item)
                awaited.update(
                    (name, cell) for name in self.groups for cell in item.ids.tolist()
                )
                return
            if (item.group, item.cell) not in awaited:
                raise StoreError(
                    f"A crop of cell {item.cell} in {item.group} was not expected."
                )
            awaited.remove((item.group, item.cell))
            path = f"{layout.CELLS}/{item.group}/{item.cell}"
            ledger.write(f"{path}/{DOCUMENT}", group)
            _write_crop(ledger, f"{path}/{layout.FULL}", item)

        yield write
        if cell_list is None or awaited:
            raise StoreError(f"{self.name} lacks {len(awaited) or 'all'} of its crops.")

    def _remove(self) -> None:
        CellPreviewsOutput(self.fov_path).mark_file.remove()
        remove_cells(self.fov_path)


class CellPreviewsOutput(Output):
    """Level 1 of every crop in `cells.zarr`; takes crops.

    Args:
        fov_path: Folder of the field of view.
        crops: The output of the crops, if it is written at the same time.
    """

    def __init__(self, fov_path: Path, crops: CellsOutput | None = None) -> None:
        super().__init__(fov_path, CELL_PREVIEWS_MARK)
        self.crops = crops

    @contextmanager
    def _files(self, place: Path) -> Iterator[FileSink]:
        files = None if self.crops is None else self.crops.files
        if files is not None:  # they are complete when the crops are
            yield files
            return
        with new_previews(self.fov_path, place) as files:
            yield files

    @contextmanager
    def _open(self, ledger: Ledger, place: Path) -> Iterator[Write]:
        def write(crop: Crop) -> None:
            path = f"{layout.CELLS}/{crop.group}/{crop.cell}/{layout.PREVIEW}"
            _write_crop(ledger, path, crop)

        yield write

    def _remove(self) -> None:
        remove_previews(self.fov_path)


def _write_cell_list(ledger: Ledger, cell_list: CellList) -> None:
    path = f"{layout.CELLS}/{layout.CELLS_METADATA}"
    write_array(ledger, f"{path}/bboxes", cell_list.bboxes, ("cell", "t", "edge"))
    write_array(ledger, f"{path}/cell_ids", cell_list.ids, ("cell",))
    if cell_list.drift is not None:
        write_array(ledger, f"{path}/drift", cell_list.drift, ("t", "axis"))
    write_array(ledger, f"{path}/valid_frames", cell_list.valid_frames, ("cell", "t"))


def _write_crop(ledger: Ledger, path: str, crop: Crop) -> None:
    spec = crop.spec
    ledger.write(f"{path}/{DOCUMENT}", spec.document(crop.attributes))
    frames = spec.chunk[0]
    done = 0
    for index, block in enumerate(crop.blocks):
        if len(block) != min(frames, spec.shape[0] - done):
            raise StoreError(
                f"Block {index} of {path} has {len(block)} frames; expected blocks of "
                f"{frames} frames, {spec.shape[0]} in all."
            )
        write_chunk(ledger, path, spec, (index, 0, 0), block)
        done += len(block)
    check_count(path, done, spec.shape[0])
