"""Zarr arrays on disk, written and read chunk by chunk.

They are written without a Zarr library, because a chunk then costs one system call and no
event loop, and because a missing chunk must be an error and not a black frame.
"""

import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pyama.errors import StoreError
from pyama.store.array_spec import ArraySpec, parse_document, table_spec
from pyama.store.chunks import shard_index
from pyama.store.file_reading import open_file, read_file
from pyama.store.files import Ledger
from pyama.store.stored_files import DOCUMENT as DOCUMENT

REPAIR = "Run `pyama verify` to see what else is damaged; `pyama run` makes it again."
DAMAGED = ValueError, LookupError, TypeError, AttributeError, RecursionError
"""Exceptions raised by a document that is damaged or not a Zarr document."""
ReadFile = Callable[[Path, str], bytes]


def write_array(
    ledger: Ledger, path: str, array: NDArray[Any], names: tuple[str, ...]
) -> None:
    """Write a small array in one chunk."""
    spec = table_spec(array, names)
    ledger.write(f"{path}/{DOCUMENT}", spec.document({}))
    if array.size:
        write_chunk(ledger, path, spec, (0,) * array.ndim, array)


def write_chunk(
    ledger: Ledger, path: str, spec: ArraySpec, index: Sequence[int], chunk: NDArray[Any]
) -> None:
    """Write one chunk of the array in the folder `path`; see `ArraySpec.encode`."""
    is_sealed = spec.inner is None  # otherwise only the index of the tiles is
    ledger.write(f"{path}/{spec.key(index)}", spec.encode(chunk), is_sealed=is_sealed)


class FrameWriter:
    """Writes frames (H, W) in order; those of an unfinished file are kept packed.

    Args:
        ledger: Takes the files.
        path: Folder of the array.
        spec: How the array is stored.

    Attributes:
        done: Number of frames so far.
    """

    def __init__(self, ledger: Ledger, path: str, spec: ArraySpec) -> None:
        self.spec = spec
        self.done = 0
        self._ledger = ledger
        self._path = path
        self._tiles: list[bytes] = []

    def append(self, frame: NDArray[Any]) -> None:
        """Write one frame, or keep it until its file is full.

        Raises:
            StoreError: It does not fit into the array, or cannot be written.
        """
        if self.spec.inner is None:
            write_chunk(self._ledger, self._path, self.spec, (self.done, 0, 0), frame[None])
        else:
            self._tiles += self.spec.pack(frame[None])
        self.done += 1
        if self.done % self.spec.chunk[0] == 0:
            self.flush()

    def flush(self) -> None:
        """Write the frames that are kept; called after the last one."""
        if self._tiles:
            index = ((self.done - 1) // self.spec.chunk[0], 0, 0)
            tiles, self._tiles = self._tiles, []
            places = shard_index(tiles, self.spec.n_tiles)
            self._ledger.write(f"{self._path}/{self.spec.key(index)}", *tiles, places)


class StoredArray:
    """One array on disk, open for reading.

    Args:
        path: Folder of the array.
        spec: Shape and chunks, if known; the document is then not read.
        read: Reads one of its files, see `read_file`.

    Raises:
        StoreError: The array is missing, its document is damaged, or it is stored in
            another way than pyama does.
    """

    def __init__(
        self, path: Path, spec: ArraySpec | None = None, read: ReadFile = read_file
    ) -> None:
        self.path = path
        self._read = read
        self.attributes: Mapping[str, Any] = {}
        if spec is not None:
            self.spec = spec
            return
        document = read(path / DOCUMENT, REPAIR)
        try:
            self.spec, self.attributes = parse_document(json.loads(document))
        except DAMAGED as error:
            raise StoreError(f"{path / DOCUMENT} is damaged: {error!r}. {REPAIR}") from error

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the array."""
        return self.spec.shape

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of its elements."""
        return np.dtype(self.spec.dtype)

    @property
    def n_chunks(self) -> int:
        """Number of chunks along the first axis."""
        return math.ceil(self.shape[0] / self.spec.chunk[0])

    def chunk(self, index: int) -> NDArray[Any]:
        """Read one chunk along the first axis, cropped to the shape of the array.

        Args:
            index: Of the chunk, which is a file of its own.

        Raises:
            StoreError: The chunk is missing or damaged.
        """
        spec, path = self.spec, self._file(index)
        data = self._read(path, REPAIR)
        with self._path_in_damage(path):
            whole = spec.decode(data)
        left = spec.shape[0] - index * spec.chunk[0]
        cut: NDArray[Any] = whole[(slice(left), *map(slice, spec.shape[1:]))]
        return np.ascontiguousarray(cut)

    def frame(self, number: int) -> NDArray[Any]:
        """Read one frame (H, W); of a file with several, only that frame is unpacked.

        Raises:
            StoreError: Its file is missing or damaged.
        """
        spec = self.spec
        index, inside = divmod(number, spec.chunk[0])
        if spec.inner is None:
            return self.chunk(index)[inside]
        path = self._file(index)
        with self._path_in_damage(path), open_file(path, REPAIR) as file:
            whole = spec.read_frame(file, inside)
        return np.ascontiguousarray(whole[tuple(map(slice, spec.shape[1:]))])

    def _file(self, index: int) -> Path:
        return self.path / self.spec.key((index, *[0] * (len(self.shape) - 1)))

    @staticmethod
    @contextmanager
    def _path_in_damage(path: Path) -> Iterator[None]:
        try:
            yield
        except (ValueError, RuntimeError) as error:
            raise StoreError(f"{path} is damaged: {error}. {REPAIR}") from error

    def read(self) -> NDArray[Any]:
        """Read the whole array."""
        if 0 in self.shape:
            return np.zeros(self.shape, self.dtype)
        if self.spec.inner is not None:
            return np.stack([self.frame(number) for number in range(self.shape[0])])
        if self.n_chunks == 1:
            return self.chunk(0)
        return np.concatenate([self.chunk(i) for i in range(self.n_chunks)])
