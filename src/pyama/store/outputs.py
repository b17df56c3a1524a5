"""What steps write: each output is finished or it does not exist."""

import shutil
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pyama import layout
from pyama.errors import StoreError
from pyama.store.chunks import Shuffle
from pyama.store.files import Ledger, naming, replacing
from pyama.store.marks import Mark, MarkFile, Recipe
from pyama.store.ome import Scale, Series, root_documents, stack_group
from pyama.store.zarr_arrays import (
    DOCUMENT,
    ArraySpec,
    StoredArray,
    frames_spec,
    tiled_spec,
    write_chunk,
)

ROOT_MARK = "images"
TRACES_MARK = "traces"
SHIFTS_MARK = "shifts"
LARGEST_UINT16 = 65535
SHUFFLES: dict[str, Shuffle] = {
    "pc": "bitshuffle",
    "seg_labeled": "noshuffle",
    "seg_tracked": "noshuffle",
}
"""By kind of group, where it is not byte by byte: texture fills its upper bytes, and runs of
one label are short as they are. Against bit by bit for all, this halves the time."""
Write = Callable[[Any], object]
"""Takes the next item of an output."""


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
        return not self.mark_file.damages(thorough=False, mark=mark)

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
        self._describe(ledger, notes)
        self.mark_file.write(recipe, notes, ledger)

    @abstractmethod
    def _open(self, ledger: Ledger) -> Any:
        """Return a context that gives the function which takes the items."""

    def _describe(self, ledger: Ledger, notes: Mapping[str, Any]) -> None:  # noqa: B027
        """Write what is known only at the end."""

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

    Args:
        fov_path: Folder of the field of view.
        group: Name of the group.
        shape: (T, H, W).
        dtype: NumPy name of the type of the frames; for labels, of the narrowest.
        title: Name of the stack for people; without it, the name of the group.
        scale: Size of a pixel and a frame; without it, unknown.
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
        self.describe = partial(stack_group, group, title or group, scale or Scale())
        self.takes_labels = layout.is_labels(group)
        kind, _ = layout.parse_group(group) or ("", 0)
        self.shuffle = SHUFFLES.get(kind, "shuffle")

    @contextmanager
    def _open(self, ledger: Ledger) -> Iterator[Write]:
        spec = frames_spec(self.shape, self.dtype, self.shuffle)
        ledger.write(f"{self.path}/{DOCUMENT}", spec.document({}))
        done = 0

        def append(frame: NDArray[Any]) -> None:
            nonlocal spec, done
            _check_shape(self.name, done, frame, self.shape)
            if spec.dtype == "uint16" and self._is_too_large(frame):
                spec = self._widen(ledger, spec, done)
            if self.takes_labels and frame.dtype.kind == "u":
                frame = frame.astype(spec.dtype, copy=False)
            write_chunk(ledger, self.path, spec, (done, 0, 0), frame[np.newaxis])
            done += 1

        yield append
        check_count(self.name, done, self.shape[0])

    def _describe(self, ledger: Ledger, notes: Mapping[str, Any]) -> None:
        ledger.write(f"{self.group}/{DOCUMENT}", self.describe(notes))

    def _is_too_large(self, frame: NDArray[Any]) -> bool:
        is_wide = self.takes_labels and frame.dtype != np.uint16
        return is_wide and int(frame.max(initial=0)) > LARGEST_UINT16

    def _widen(self, ledger: Ledger, narrow: ArraySpec, done: int) -> ArraySpec:
        stored = StoredArray(self.fov_path / self.path)
        wide = replace(narrow, dtype="uint32")
        for t in range(done):
            chunk = stored.chunk(t).astype(np.uint32)
            write_chunk(ledger, self.path, wide, (t, 0, 0), chunk)
        ledger.write(f"{self.path}/{DOCUMENT}", wide.document({}))
        return wide

    def _remove(self) -> None:
        group = self.fov_path / self.group
        remove_tree(self.fov_path / self.path)
        (group / DOCUMENT).unlink(missing_ok=True)
        if group.is_dir() and not any(group.iterdir()):
            group.rmdir()


class PreviewOutput(Output):
    """Level 1 of one group in `images.zarr`; takes uint8 frames of half the size in order.

    Args:
        fov_path: Folder of the field of view.
        group: Name of the group.
        shape: (T, H // 2, W // 2), no side below 1.
        attributes: What the grey levels mean; read after the last frame.
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
            _check_shape(self.name, done, frame, self.shape)
            write_chunk(ledger, self.path, spec, (done, 0, 0), frame[np.newaxis])
            done += 1

        yield append
        check_count(self.name, done, self.shape[0])
        ledger.write(
            f"{self.path}/{DOCUMENT}", spec.document({"pyama": dict(self.attributes)})
        )

    def _remove(self) -> None:
        remove_tree(self.fov_path / self.path)


class TableOutput(Output):
    """One CSV file; takes pieces of its text.

    Args:
        fov_path: Folder of the field of view.
        file_name: Of the table.
        name: Which of the tables of a field of view it is.
    """

    def __init__(self, fov_path: Path, file_name: str, name: str = TRACES_MARK) -> None:
        super().__init__(fov_path, name)
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
        ledger.vouch(self.file_name, data)

    def _remove(self) -> None:
        # Whatever its base name: an input that was renamed leaves no second table behind.
        for name, path in tables(self.fov_path):
            if name == self.name:
                path.unlink()


def tables(fov_path: Path) -> list[tuple[str, Path]]:
    """Return the tables in the folder of a field of view that a step writes, and their names.

    Inspected traces are not among them.
    """
    found = []
    for path in sorted(fov_path.glob("*.csv")):
        parsed = layout.parse_traces(path.name)
        if parsed and not parsed[2]:
            found.append((TRACES_MARK, path))
        elif layout.is_shifts(path.name):
            found.append((SHIFTS_MARK, path))
    return found


def _check_shape(
    name: str, done: int, frame: NDArray[Any], shape: tuple[int, int, int]
) -> None:
    if frame.shape != shape[1:]:
        raise StoreError(
            f"Frame {done} of {name} has shape {frame.shape}, expected {shape[1:]}."
        )


def check_count(name: str, done: int, expected: int) -> None:
    """Refuse an output that got too many frames or too few.

    Raises:
        StoreError: The numbers differ.
    """
    if done != expected:
        raise StoreError(f"{name} got {done} frames, expected {expected}.")


def remove_tree(path: Path) -> None:
    """Remove a folder and all that is in it, if there is one."""
    if path.exists():
        shutil.rmtree(path)
