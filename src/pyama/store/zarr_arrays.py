"""Zarr arrays on disk, written and read chunk by chunk.

They are written without a Zarr library, because a chunk then costs one system call and no
event loop, and because a missing chunk must be an error and not a black frame.
"""

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pyama.errors import StoreError
from pyama.store.array_spec import ArraySpec, parse_document, table_spec
from pyama.store.files import Ledger, read_file

DOCUMENT = "zarr.json"
REPAIR = "Run `pyama verify` to see what else is damaged; `pyama run` makes it again."
DAMAGED = ValueError, LookupError, TypeError, AttributeError, RecursionError
"""Exceptions raised by a document that is damaged or not a Zarr document."""


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


class StoredArray:
    """One array on disk, open for reading.

    Args:
        path: Folder of the array.
        spec: Shape and chunks, if known; the document is then not read.

    Raises:
        StoreError: The array is missing, its document is damaged, or it is stored in
            another way than pyama does.
    """

    def __init__(self, path: Path, spec: ArraySpec | None = None) -> None:
        self.path = path
        self.attributes: Mapping[str, Any] = {}
        if spec is not None:
            self.spec = spec
            return
        document = read_file(path / DOCUMENT, REPAIR)
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

        Raises:
            StoreError: The chunk is missing or damaged.
        """
        spec = self.spec
        key = spec.key((index, *[0] * (len(spec.shape) - 1)))
        data = read_file(self.path / key, REPAIR)
        try:
            whole = spec.decode(data)
        except (ValueError, RuntimeError) as error:
            raise StoreError(f"{self.path / key} is damaged: {error}. {REPAIR}") from error
        left = spec.shape[0] - index * spec.chunk[0]
        cut: NDArray[Any] = whole[(slice(left), *map(slice, spec.shape[1:]))]
        return np.ascontiguousarray(cut)

    def read(self) -> NDArray[Any]:
        """Read the whole array."""
        if 0 in self.shape:
            return np.zeros(self.shape, self.dtype)
        if self.n_chunks == 1:
            return self.chunk(0)
        return np.concatenate([self.chunk(i) for i in range(self.n_chunks)])
