"""What steps write: each output is finished or it does not exist."""

import shutil
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pyama import layout
from pyama.errors import StoreError
from pyama.store.arrays import (
    DOCUMENT,
    ArraySpec,
    StoredArray,
    crop_spec,
    frames_spec,
    group_document,
    tiled_spec,
    write_array,
)
from pyama.store.marks import (
    Ledger,
    Mark,
    MarkFile,
    Recipe,
    Write,
    checksum,
    naming,
    replacing,
)
from pyama.store.ome import Scale, Series, root_documents, stack_group

ROOT_MARK = "images"
CELLS_MARK = "cells/0"
CELL_PREVIEWS_MARK = "cells/1"
TRACES_MARK = "traces"
LARGEST_UINT16 = 65535


class Output(ABC):
    """Files of one step, with the mark that vouches for them.

    Args:
        fov_path: Folder of the field of view.
        name: Name of the output; it is also the name of its mark.
    """

    def __init__(self, fov_path: Path, name: str) -> None:
        self.fov_path = fov_path
        self.name = name
        self.mark_file = MarkFile(fov_path, name)

    def mark(self) -> Mark | None:
        """Return the mark of the finished output; None if it is not finished."""
        return self.mark_file.read()

    def is_done(self, recipe: Recipe) -> bool:
        """Whether the output is finished, made from `recipe`, and its files are there."""
        mark = self.mark()
        if mark is None or mark.recipe.digest != recipe.digest:
            return False
        return not self.mark_file.damages(thorough=False)

    def discard(self) -> None:
        """Remove the output, its mark first."""
        self.mark_file.remove()
        self._remove()

    @contextmanager
    def writing(self, recipe: Recipe, notes: Mapping[str, Any]) -> Iterator[Write]:
        """Give a function that takes the items of the output one by one.

        The output is finished only if the block ends without an exception. What was written
        until then stays for inspection and is replaced by the next run.

        Args:
            recipe: What the output is made from.
            notes: What its making counts; read at the end of the block.
        """
        self.discard()
        ledger = Ledger(self.fov_path)
        with self._open(ledger) as write:
            yield write
        self.mark_file.write(recipe, notes, ledger)

    @abstractmethod
    def _open(self, ledger: Ledger) -> Any:
        """Return a context that gives the function which takes the items."""

    @abstractmethod
    def _remove(self) -> None:
        """Remove the files."""


class RootOutput(Output):
    """The documents at the root of `images.zarr`; takes no items."""

    def __init__(self, fov_path: Path, series: Sequence[Series], scale: Scale) -> None:
        super().__init__(fov_path, ROOT_MARK)
        self.documents = root_documents(series, scale)

    @contextmanager
    def _open(self, ledger: Ledger) -> Iterator[Write]:
        def refuse(item: object) -> None:
            raise StoreError(f"{self.name} takes no items, got {item!r}.")

        for path, document in self.documents.items():
            ledger.write(f"{layout.IMAGES}/{path}", document)
        yield refuse

    def _remove(self) -> None:
        for path in self.documents:
            (self.fov_path / layout.IMAGES / path).unlink(missing_ok=True)


class StackOutput(Output):
    """Level 0 of one group in `images.zarr`; takes frames (H, W) in order.

    Labels are written as uint16. When a larger number turns up, what is there is written
    again as uint32.
    """

    def __init__(
        self,
        fov_path: Path,
        group: str,
        shape: tuple[int, int, int],
        dtype: str,
        *,
        title: str = "",
        scale: Scale | None = None,
    ) -> None:
        super().__init__(fov_path, f"{group}/{layout.FULL}")
        self.group = f"{layout.IMAGES}/{group}"
        self.path = f"{self.group}/{layout.FULL}"
        self.shape = shape
        self.dtype = dtype
        self.document = stack_group(group, title or group, scale or Scale())
        self.widens = layout.is_labels(group)

    @contextmanager
    def _open(self, ledger: Ledger) -> Iterator[Write]:
        ledger.write(f"{self.group}/{DOCUMENT}", self.document)
        spec = frames_spec(self.shape, self.dtype)
        ledger.write(f"{self.path}/{DOCUMENT}", spec.document({}))
        done = 0

        def append(frame: NDArray[Any]) -> None:
            nonlocal spec, done
            _check_frame(self.name, done, frame, self.shape)
            if (
                self.widens
                and spec.dtype == "uint16"
                and frame.max(initial=0) > LARGEST_UINT16
            ):
                spec = self._widen(ledger, spec, done)
            chunk = frame.astype(spec.dtype, copy=False)[np.newaxis]
            ledger.write(f"{self.path}/{spec.key((done, 0, 0))}", spec.encode(chunk))
            done += 1

        yield append
        _check_count(self.name, done, self.shape[0])

    def _widen(self, ledger: Ledger, narrow: ArraySpec, done: int) -> ArraySpec:
        stored = StoredArray(self.fov_path / self.path)
        wide = replace(narrow, dtype="uint32")
        for t in range(done):
            chunk = stored.chunk(t).astype(np.uint32)
            ledger.write(f"{self.path}/{wide.key((t, 0, 0))}", wide.encode(chunk))
        ledger.write(f"{self.path}/{DOCUMENT}", wide.document({}))
        return wide

    def _remove(self) -> None:
        group = self.fov_path / self.group
        _remove_tree(self.fov_path / self.path)
        (group / DOCUMENT).unlink(missing_ok=True)
        if group.is_dir() and not any(group.iterdir()):
            group.rmdir()


class PreviewOutput(Output):
    """Level 1 of one group in `images.zarr`; takes uint8 frames of half the size in order.

    Args:
        fov_path: Folder of the field of view.
        group: Name of the group.
        shape: (T, H // 2, W // 2), no side below 1.
        attributes: What the grey levels mean; read when the first frame is written.
    """

    def __init__(
        self,
        fov_path: Path,
        group: str,
        shape: tuple[int, int, int],
        attributes: Mapping[str, Any],
    ) -> None:
        super().__init__(fov_path, f"{group}/{layout.PREVIEW}")
        self.path = f"{layout.IMAGES}/{group}/{layout.PREVIEW}"
        self.shape = shape
        self.attributes = attributes

    @contextmanager
    def _open(self, ledger: Ledger) -> Iterator[Write]:
        spec = tiled_spec(self.shape, "uint8")
        done = 0

        def append(frame: NDArray[Any]) -> None:
            nonlocal done
            _check_frame(self.name, done, frame, self.shape)
            key = spec.key((done, 0, 0))
            ledger.write(f"{self.path}/{key}", spec.encode(frame[np.newaxis]))
            done += 1

        yield append
        _check_count(self.name, done, self.shape[0])
        ledger.write(
            f"{self.path}/{DOCUMENT}", spec.document({"pyama": dict(self.attributes)})
        )

    def _remove(self) -> None:
        _remove_tree(self.fov_path / self.path)


@dataclass(frozen=True)
class Crop:
    """One cell in one channel.

    Attributes:
        group: Name of the channel's group.
        cell: Number of the cell.
        shape: (T, H, W) of the whole crop.
        dtype: NumPy name of the type of its pixels.
        blocks: Successive parts (t, H, W) along the first axis, each of `crop_spec(shape,
            dtype).chunk[0]` frames, the last one possibly shorter.
        attributes: What the values mean.
    """

    group: str
    cell: int
    shape: tuple[int, int, int]
    dtype: str
    blocks: Iterable[NDArray[Any]]
    attributes: Mapping[str, Any]


@dataclass(frozen=True)
class Roster:
    """Which cells there are, and where.

    Attributes:
        ids: Numbers of the cells, int32 (N,), ascending.
        bboxes: Half-open boxes [y0, x0, y1, x1), int32 (N, T, 4), zeros where invalid.
        valid_frames: Whether the cell is present, bool (N, T).
    """

    ids: NDArray[np.int32]
    bboxes: NDArray[np.int32]
    valid_frames: NDArray[np.bool_]


class CellsOutput(Output):
    """`cells.zarr` with level 0 of every crop; takes the roster, then crops.

    Args:
        fov_path: Folder of the field of view.
        groups: Names of the groups that crops belong to.
    """

    def __init__(self, fov_path: Path, groups: Sequence[str]) -> None:
        super().__init__(fov_path, CELLS_MARK)
        self.groups = groups

    @contextmanager
    def _open(self, ledger: Ledger) -> Iterator[Write]:
        for group in ("", f"/{layout.CELLS_METADATA}", *(f"/{name}" for name in self.groups)):
            ledger.write(f"{layout.CELLS}{group}/{DOCUMENT}", group_document())

        def write(item: Roster | Crop) -> None:
            if isinstance(item, Roster):
                _write_roster(ledger, item)
                return
            path = f"{layout.CELLS}/{item.group}/{item.cell}"
            ledger.write(f"{path}/{DOCUMENT}", group_document())
            _write_crop(ledger, f"{path}/{layout.FULL}", item)

        yield write

    def _remove(self) -> None:
        CellPreviewsOutput(self.fov_path).mark_file.remove()
        _remove_tree(self.fov_path / layout.CELLS)


class CellPreviewsOutput(Output):
    """Level 1 of every crop in `cells.zarr`; takes crops."""

    def __init__(self, fov_path: Path) -> None:
        super().__init__(fov_path, CELL_PREVIEWS_MARK)

    @contextmanager
    def _open(self, ledger: Ledger) -> Iterator[Write]:
        def write(crop: Crop) -> None:
            path = f"{layout.CELLS}/{crop.group}/{crop.cell}/{layout.PREVIEW}"
            _write_crop(ledger, path, crop)

        yield write

    def _remove(self) -> None:
        for level in (self.fov_path / layout.CELLS).glob(f"*/*/{layout.PREVIEW}"):
            _remove_tree(level)


class TableOutput(Output):
    """One CSV file; takes pieces of its text."""

    def __init__(self, fov_path: Path, file_name: str) -> None:
        super().__init__(fov_path, TRACES_MARK)
        self.file_name = file_name

    @contextmanager
    def _open(self, ledger: Ledger) -> Iterator[Write]:
        path = self.fov_path / self.file_name
        with naming(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            with replacing(path) as temporary:
                with temporary.open("w", encoding="utf-8", newline="") as file:
                    yield file.write
                data = temporary.read_bytes()
        ledger.vouch(self.file_name, len(data), checksum(data))

    def _remove(self) -> None:
        (self.fov_path / self.file_name).unlink(missing_ok=True)


def _write_roster(ledger: Ledger, roster: Roster) -> None:
    path = f"{layout.CELLS}/{layout.CELLS_METADATA}"
    write_array(ledger, f"{path}/cell_ids", roster.ids, ("cell",))
    write_array(ledger, f"{path}/bboxes", roster.bboxes, ("cell", "t", "edge"))
    write_array(ledger, f"{path}/valid_frames", roster.valid_frames, ("cell", "t"))


def _write_crop(ledger: Ledger, path: str, crop: Crop) -> None:
    spec = crop_spec(crop.shape, crop.dtype)
    ledger.write(f"{path}/{DOCUMENT}", spec.document(crop.attributes))
    done = 0
    for index, block in enumerate(crop.blocks):
        ledger.write(f"{path}/{spec.key((index, 0, 0))}", spec.encode(block))
        done += len(block)
    _check_count(path, done, crop.shape[0])


def _check_frame(
    name: str, done: int, frame: NDArray[Any], shape: tuple[int, int, int]
) -> None:
    if frame.shape != shape[1:]:
        raise StoreError(
            f"Frame {done} of {name} has shape {frame.shape}, expected {shape[1:]}."
        )


def _check_count(name: str, done: int, expected: int) -> None:
    if done != expected:
        raise StoreError(f"{name} got {done} frames, expected {expected}.")


def _remove_tree(path: Path) -> None:
    if path.exists():
        shutil.rmtree(path)
