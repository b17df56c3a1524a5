"""Stacks in `images.zarr`: level 0 and level 1 of a group, written frame by frame."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pyama import layout
from pyama.errors import StoreError
from pyama.store.array_spec import ArraySpec, frames_spec, tiled_spec
from pyama.store.chunks import Shuffle
from pyama.store.files import Ledger
from pyama.store.ome import Scale, stack_group
from pyama.store.outputs import Output, Write, check_count, remove_tree
from pyama.store.zarr_arrays import DOCUMENT, StoredArray, write_chunk

LARGEST_UINT16 = 65535
SHUFFLES: dict[str, Shuffle] = {
    "pc": "bitshuffle",
    "seg_labeled": "noshuffle",
    "seg_tracked": "noshuffle",
}
"""Shuffle by kind of group, if not by bytes: the texture of phase contrast fills the upper
bytes, and runs of equal labels are compressed well as they are. Compared with bitshuffle for
all groups, this halves the time."""


class StackOutput(Output):
    """Level 0 of one group in `images.zarr`; takes frames (H, W) in order.

    Labels are written as uint16. At the first larger number, the frames written so far are
    converted to uint32.

    Args:
        fov_path: Folder of the field of view.
        group: Name of the group.
        shape: (T, H, W).
        dtype: NumPy name of the type of the frames; for labels, the smallest type.
        title: Name of the stack in viewers; by default the name of the group.
        scale: Size of a pixel and a frame; by default unknown.
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
        attributes: The meaning of the grey levels; read after the last frame.
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


def _check_shape(
    name: str, done: int, frame: NDArray[Any], shape: tuple[int, int, int]
) -> None:
    if frame.shape != shape[1:]:
        raise StoreError(
            f"Frame {done} of {name} has shape {frame.shape}, expected {shape[1:]}."
        )
