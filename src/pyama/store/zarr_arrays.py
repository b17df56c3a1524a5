"""Zarr version 3 arrays, written and read chunk by chunk.

Documents and chunks follow the Zarr specification 3.0 (https://zarr-specs.readthedocs.io)
and are read by any Zarr library. They are written here without one, because a chunk then
costs one system call and no event loop, and because a missing chunk must be an error and
not a black frame.
"""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pyama.errors import StoreError
from pyama.store.chunks import (
    SHUFFLES,
    Shuffle,
    chunk_codecs,
    compress,
    decompress,
    shard,
    shard_codecs,
    unshard,
)
from pyama.store.files import Ledger, read_file

DOCUMENT = "zarr.json"
REPAIR = "Run `pyama verify` to see what else is damaged; `pyama run` makes it again."
DTYPES = frozenset({"bool", "uint8", "uint16", "uint32", "int32", "float32"})
"""Types of elements. Others, such as Python objects, are not taken from a file."""
LONGEST = 2**31
"""No axis of an array is longer."""
DAMAGED = ValueError, LookupError, TypeError, AttributeError, RecursionError
"""What comes of reading a document that is not what it should be."""


@dataclass(frozen=True)
class ArraySpec:
    """Shape and chunks of one array.

    Attributes:
        shape: Size of the array.
        dtype: NumPy name of the type of its elements.
        chunk: Size of a chunk, which is one file.
        inner: Size of the chunks inside a file, for arrays that are read in tiles; None
            for one chunk per file.
        separator: Between the indices in a file name: `/` makes folders, `.` does not.
        names: Names of the dimensions.
        shuffle: What comes before compression.
    """

    shape: tuple[int, ...]
    dtype: str
    chunk: tuple[int, ...]
    inner: tuple[int, ...] | None = None
    separator: str = "/"
    names: tuple[str, ...] = ()
    shuffle: Shuffle = "shuffle"

    def document(self, attributes: Mapping[str, Any]) -> bytes:
        """Return the array's `zarr.json`."""
        before, after = _around_attributes(self)
        return before + json.dumps(attributes).encode() + after

    def key(self, index: Sequence[int]) -> str:
        """Return the file name of a chunk, relative to the array."""
        return self.separator.join(("c", *map(str, index)))

    def encode(self, chunk: NDArray[Any]) -> bytes:
        """Return the file content of one chunk.

        Args:
            chunk: Elements of the array's dtype; smaller than `self.chunk` at the end of an
                axis, where the rest is filled with zeros.

        Raises:
            StoreError: The dtype is another one, or the chunk is larger than `self.chunk`.
        """
        fits = all(n <= most for n, most in zip(chunk.shape, self.chunk, strict=True))
        if chunk.dtype != self.dtype or not fits:
            raise StoreError(
                f"A chunk of shape {chunk.shape} and type {chunk.dtype} was to be written "
                f"into an array of {self.dtype} with chunks of {self.chunk}."
            )
        whole = _padded(chunk, self.chunk)
        if self.inner is None:
            return compress(whole, self.shuffle)
        return shard(whole, self.inner, self.shuffle)

    def decode(self, data: bytes) -> NDArray[Any]:
        """Return the elements of one chunk, shape `self.chunk`.

        Raises:
            ValueError: The content is damaged.
        """
        dtype = np.dtype(self.dtype)
        if self.inner is None:
            return decompress(data, self.chunk, dtype)
        return unshard(data, self.chunk, self.inner, dtype)


@lru_cache(maxsize=2048)  # most crops share their size with others
def _around_attributes(spec: ArraySpec) -> tuple[bytes, bytes]:
    """What comes before and after the attributes in a document."""
    itemsize = np.dtype(spec.dtype).itemsize
    fill: Any = False if spec.dtype == "bool" else 0
    entries = {
        "zarr_format": 3,
        "node_type": "array",
        "shape": spec.shape,
        "data_type": spec.dtype,
        "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": spec.chunk}},
        "chunk_key_encoding": {
            "name": "default",
            "configuration": {"separator": spec.separator},
        },
        "fill_value": 0.0 if spec.dtype.startswith("float") else fill,
        "codecs": (
            chunk_codecs(itemsize, spec.shuffle)
            if spec.inner is None
            else shard_codecs(spec.inner, itemsize, spec.shuffle)
        ),
        "attributes": None,
    }
    if spec.names:
        entries["dimension_names"] = spec.names
    before, after = to_json(entries).split(b"null")
    return before, after


def to_json(entries: Mapping[str, Any]) -> bytes:
    """Return a Zarr document: JSON, the same bytes for the same entries."""
    # Without indents: with them, thousands of crops spend more time here than on pixels.
    return json.dumps(entries).encode() + b"\n"


def group_document(attributes: Mapping[str, Any] | None = None) -> bytes:
    """Return the `zarr.json` of a group."""
    return to_json({"zarr_format": 3, "node_type": "group", "attributes": attributes or {}})


def frames_spec(
    shape: tuple[int, int, int], dtype: str, shuffle: Shuffle = "shuffle"
) -> ArraySpec:
    """Return a stack (T, H, W) with one file per frame."""
    return ArraySpec(shape, dtype, (1, *shape[1:]), names=("t", "y", "x"), shuffle=shuffle)


TILE = 256
"""Largest side of the tiles of a preview, in px."""


def tiled_spec(shape: tuple[int, int, int], dtype: str) -> ArraySpec:
    """Return a stack (T, H, W) with one file per frame, cut into tiles inside the file."""
    inner = min(TILE, shape[1]), min(TILE, shape[2])
    whole = [math.ceil(n / tile) * tile for n, tile in zip(shape[1:], inner, strict=True)]
    return ArraySpec(shape, dtype, (1, *whole), (1, *inner), names=("t", "y", "x"))


BLOCK_BYTES = 64 * 2**20
"""Largest chunk of a crop. Nearly all crops are far smaller and have one chunk."""


def crop_spec(shape: tuple[int, int, int], dtype: str) -> ArraySpec:
    """Return a stack (T, H, W) in one chunk, or in blocks of frames if it is huge."""
    frame_bytes = shape[1] * shape[2] * np.dtype(dtype).itemsize
    frames = max(1, min(shape[0], BLOCK_BYTES // frame_bytes))
    chunk = (frames, shape[1], shape[2])
    return ArraySpec(shape, dtype, chunk, separator=".", names=("t", "y", "x"))


def table_spec(array: NDArray[Any], names: tuple[str, ...]) -> ArraySpec:
    """Return an array in one chunk; an empty one has none."""
    chunk = tuple(max(1, n) for n in array.shape)
    return ArraySpec(array.shape, array.dtype.name, chunk, separator=".", names=names)


def write_array(
    ledger: Ledger, path: str, array: NDArray[Any], names: tuple[str, ...]
) -> None:
    """Write a small array as a whole."""
    spec = table_spec(array, names)
    ledger.write(f"{path}/{DOCUMENT}", spec.document({}))
    if array.size:
        write_chunk(ledger, path, spec, (0,) * array.ndim, array)


def write_chunk(
    ledger: Ledger, path: str, spec: ArraySpec, index: Sequence[int], chunk: NDArray[Any]
) -> None:
    """Write one chunk of the array in the folder `path`; see `ArraySpec.encode`."""
    is_sealed = spec.inner is None  # else only the index of its tiles is
    ledger.write(f"{path}/{spec.key(index)}", spec.encode(chunk), is_sealed=is_sealed)


class StoredArray:
    """One array on disk, open for reading.

    Args:
        path: Folder of the array.
        spec: Shape and chunks where they are known, which spares reading its document.

    Raises:
        StoreError: The array is missing, its document is damaged, or it is laid out in
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
            self.spec, self.attributes = _parse(json.loads(document))
        except DAMAGED as error:
            raise StoreError(f"{path / DOCUMENT} is damaged: {error!r}. {REPAIR}") from error

    @property
    def shape(self) -> tuple[int, ...]:
        """Size of the array."""
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
        """Read one chunk along the first axis, cut to the size of the array.

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
        """Read everything."""
        if 0 in self.shape:
            return np.zeros(self.shape, self.dtype)
        if self.n_chunks == 1:
            return self.chunk(0)
        return np.concatenate([self.chunk(i) for i in range(self.n_chunks)])


def _padded(chunk: NDArray[Any], shape: tuple[int, ...]) -> NDArray[Any]:
    if chunk.shape == shape:
        return chunk
    whole = np.zeros(shape, chunk.dtype)
    whole[tuple(map(slice, chunk.shape))] = chunk
    return whole


def _parse(document: Mapping[str, Any]) -> tuple[ArraySpec, Mapping[str, Any]]:
    codecs = document["codecs"]
    sharded = codecs[0]["name"] == "sharding_indexed"
    if sharded:
        tiles = codecs[0]["configuration"]
        inner, codecs = _sizes(tiles["chunk_shape"]), tiles["codecs"]
    spec = ArraySpec(
        shape=_sizes(document["shape"], least=0),
        dtype=str(document["data_type"]),
        chunk=_sizes(document["chunk_grid"]["configuration"]["chunk_shape"]),
        inner=inner if sharded else None,
        separator=document["chunk_key_encoding"]["configuration"]["separator"],
        names=tuple(document.get("dimension_names") or ()),
        shuffle=_shuffle(codecs),
    )
    endian = codecs[0].get("configuration", {}).get("endian", "little")
    _check_layout(spec, [endian, *(codec["name"] for codec in codecs)])
    return spec, document["attributes"]


def _shuffle(codecs: Sequence[Mapping[str, Any]]) -> Shuffle:
    found = {codec["name"]: codec.get("configuration", {}) for codec in codecs}
    shuffle: Shuffle = found["blosc"]["shuffle"]
    return shuffle


def _sizes(values: Sequence[Any], least: int = 1) -> tuple[int, ...]:
    if not all(type(n) is int and least <= n < LONGEST for n in values):
        raise ValueError(f"{values} are no sizes")
    return tuple(values)


def _check_layout(spec: ArraySpec, codecs: list[str]) -> None:
    same_rank = len(spec.shape) == len(spec.chunk) == len(spec.inner or spec.chunk)
    one_row = all(n <= chunk for n, chunk in zip(spec.shape[1:], spec.chunk[1:], strict=False))
    whole_tiles = spec.inner is None or not any(np.remainder(spec.chunk, spec.inner))
    if not (
        spec.dtype in DTYPES
        and codecs == ["little", "bytes", "blosc", "crc32c"]
        and spec.separator in {"/", "."}
        and spec.shuffle in SHUFFLES
        and spec.shape
        and same_rank
        and one_row
        and whole_tiles
    ):
        raise ValueError(f"{spec.dtype} in {codecs} and {spec} is not how pyama stores arrays")
