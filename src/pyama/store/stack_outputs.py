"""Stacks in `images.zarr`: level 0 and level 1 of a group, written frame by frame."""

import math
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
from pyama.store.array_spec import SHARD_FRAMES, frames_spec, shards_spec, tiled_spec
from pyama.store.chunks import Shuffle
from pyama.store.files import Ledger, remove_tree
from pyama.store.ome import Scale, stack_group
from pyama.store.outputs import Output, Write, check_count
from pyama.store.zarr_arrays import DOCUMENT, FrameWriter, StoredArray

LARGEST_UINT16 = 65535
SHARDED = frozenset({"seg_labeled", "seg_tracked", "fl_background"})
"""Kinds of groups with several frames per file. Raw frames have a file each."""
SHUFFLES: dict[str, Shuffle] = {
    "pc": "bitshuffle",
    "seg_labeled": "noshuffle",
    "seg_tracked": "noshuffle",
}
"""Shuffle by kind of group, if not by bytes: the texture of phase contrast fills the upper
bytes, and runs of equal labels are compressed well as they are. Compared with bitshuffle for
all groups, this halves the time."""


def stack_files(name: str, n_frames: int) -> int:
    """Return the number of files that the frames of an output take; 0 without frames.

    Args:
        name: Of the output, such as `pc_ch_0/0`.
        n_frames: Number of frames of the recording.
    """
    group, _, level = name.partition("/")
    kind, _ = layout.parse_group(group) or ("", 0)
    if not kind or layout.is_light(group):
        return 1 if kind else 0
    is_sharded = kind in SHARDED or level == layout.PREVIEW
    return math.ceil(n_frames / SHARD_FRAMES) if is_sharded else n_frames


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
        make_spec = shards_spec if kind in SHARDED else frames_spec
        self.make_spec = partial(make_spec, shuffle=self.shuffle)

    @contextmanager
    def _open(self, ledger: Ledger, place: Path) -> Iterator[Write]:
        writer = FrameWriter(ledger, self.path, self.make_spec(self.shape, self.dtype))
        ledger.write(f"{self.path}/{DOCUMENT}", writer.spec.document({}))

        def append(frame: NDArray[Any]) -> None:
            nonlocal writer
            _check_shape(self.name, writer.done, frame, self.shape)
            if writer.spec.dtype == "uint16" and self._is_too_large(frame):
                writer = self._widen(ledger, place, writer)
            if self.takes_labels and frame.dtype.kind == "u":
                frame = frame.astype(writer.spec.dtype, copy=False)
            writer.append(frame)

        yield append
        writer.flush()  # not after a failure: a step that was given up must write nothing more
        check_count(self.name, writer.done, self.shape[0])

    def _describe(self, ledger: Ledger, notes: Mapping[str, Any]) -> None:
        ledger.write(f"{self.group}/{DOCUMENT}", self.describe(notes))

    def _is_too_large(self, frame: NDArray[Any]) -> bool:
        is_wide = self.takes_labels and frame.dtype != np.uint16
        return is_wide and int(frame.max(initial=0)) > LARGEST_UINT16

    def _widen(self, ledger: Ledger, place: Path, narrow: FrameWriter) -> FrameWriter:
        narrow.flush()
        stored = StoredArray(place / self.path)
        wide = FrameWriter(ledger, self.path, replace(narrow.spec, dtype="uint32"))
        for number in range(narrow.done):  # read before their file is replaced
            wide.append(stored.frame(number).astype(np.uint32))
        ledger.write(f"{self.path}/{DOCUMENT}", wide.spec.document({}))
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
    def _open(self, ledger: Ledger, place: Path) -> Iterator[Write]:
        writer = FrameWriter(ledger, self.path, tiled_spec(self.shape, "uint8"))

        def append(frame: NDArray[Any]) -> None:
            _check_shape(self.name, writer.done, frame, self.shape)
            writer.append(frame)

        yield append
        writer.flush()  # not after a failure: a step that was given up must write nothing more
        check_count(self.name, writer.done, self.shape[0])
        ledger.write(
            f"{self.path}/{DOCUMENT}", writer.spec.document({"pyama": dict(self.attributes)})
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
