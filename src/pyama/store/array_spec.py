"""Shape, chunks and codecs of a Zarr array, and the documents that describe them.

Documents and chunks follow the Zarr specification 3.0 (https://zarr-specs.readthedocs.io)
and can be read with any Zarr library.
"""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from pyama.errors import StoreError
from pyama.store.chunks import (
    SHUFFLES,
    Shuffle,
    chunk_codecs,
    compress,
    decompress,
    pack,
    read_frame,
    shard_codecs,
    shard_index,
)

DTYPES = frozenset({"bool", "uint8", "uint16", "uint32", "int32", "float32"})
"""Types of elements. Files with others, such as Python objects, are refused."""
MAX_LENGTH = 2**31
"""Upper limit of the length of an axis."""


@dataclass(frozen=True)
class ArraySpec:
    """Shape and chunks of one array.

    Attributes:
        shape: Shape of the array.
        dtype: NumPy name of the type of its elements.
        chunk: Shape of a chunk, which is one file.
        inner: Shape of the tiles inside a file, each of one frame; None for one chunk per
            file.
        separator: Character between the indices in a file name. Earlier versions wrote `/`,
            which creates folders.
        names: Names of the dimensions.
        shuffle: How values are rearranged before compression.
    """

    shape: tuple[int, ...]
    dtype: str
    chunk: tuple[int, ...]
    inner: tuple[int, ...] | None = None
    separator: str = "."
    names: tuple[str, ...] = ()
    shuffle: Shuffle = "shuffle"

    def document(self, attributes: Mapping[str, Any]) -> bytes:
        """Return the array's `zarr.json`."""
        before, after = _around_attributes(self)
        return before + json.dumps(attributes).encode() + after

    def key(self, index: Sequence[int]) -> str:
        """Return the file name of a chunk, relative to the array."""
        return self.separator.join(("c", *map(str, index)))

    @property
    def n_tiles(self) -> int:
        """Number of tiles in a file."""
        sides = zip(self.chunk, self.inner or self.chunk, strict=True)
        return math.prod(n // size for n, size in sides)

    def encode(self, chunk: NDArray[Any]) -> bytes:
        """Return the file content of one chunk.

        Args:
            chunk: Elements of the array's dtype. A chunk that is smaller than `self.chunk`,
                at the end of an axis, is padded with zeros; of tiles, absent frames are left
                out.

        Raises:
            StoreError: The dtype differs, or the chunk is larger than `self.chunk`.
        """
        if self.inner is not None:
            tiles = self.pack(chunk)
            return b"".join([*tiles, shard_index(tiles, self.n_tiles)])
        self._check(chunk)
        return compress(_padded(chunk, self.chunk), self.shuffle)

    def pack(self, frames: NDArray[Any]) -> list[bytes]:
        """Return the packed tiles of frames (t, H, W) of an array in tiles; see `encode`."""
        self._check(frames)
        whole = _padded(frames, (len(frames), *self.chunk[1:]))
        return pack(whole, self.inner or self.chunk, self.shuffle)

    def decode(self, data: bytes) -> NDArray[Any]:
        """Return the elements of one chunk that is a file of its own, shape `self.chunk`.

        Raises:
            ValueError: The content is damaged.
        """
        return decompress(data, self.chunk, np.dtype(self.dtype))

    def read_frame(self, file: BinaryIO, frame: int) -> NDArray[Any]:
        """Return one frame of a file of frames in tiles, shape `self.chunk[1:]`.

        Raises:
            ValueError: The content is damaged.
        """
        inner = self.inner or self.chunk
        return read_frame(file, frame, self.chunk, inner, np.dtype(self.dtype))

    def _check(self, chunk: NDArray[Any]) -> None:
        fits = all(n <= most for n, most in zip(chunk.shape, self.chunk, strict=True))
        if chunk.dtype != self.dtype or not fits:
            raise StoreError(
                f"A chunk of shape {chunk.shape} and type {chunk.dtype} does not fit into an "
                f"array of {self.dtype} with chunks of {self.chunk}."
            )


@lru_cache(maxsize=2048)  # most crops share their size with others
def _around_attributes(spec: ArraySpec) -> tuple[bytes, bytes]:
    """Return the parts of a document before and after the attributes."""
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
    # Without indents: with them, thousands of crops take more time here than for pixels.
    return json.dumps(entries).encode() + b"\n"


def group_document(attributes: Mapping[str, Any] | None = None) -> bytes:
    """Return the `zarr.json` of a group."""
    return to_json({"zarr_format": 3, "node_type": "group", "attributes": attributes or {}})


def frames_spec(
    shape: tuple[int, int, int], dtype: str, shuffle: Shuffle = "shuffle"
) -> ArraySpec:
    """Return the spec of a stack (T, H, W) with one file per frame."""
    return ArraySpec(shape, dtype, (1, *shape[1:]), names=("t", "y", "x"), shuffle=shuffle)


SHARD_FRAMES = 16
"""Number of frames in a file of labels, backgrounds and previews."""


def shards_spec(
    shape: tuple[int, int, int], dtype: str, shuffle: Shuffle = "shuffle"
) -> ArraySpec:
    """Return the spec of a stack (T, H, W) with several frames per file, each a chunk."""
    chunk, inner = (_frames_per_shard(shape), *shape[1:]), (1, *shape[1:])
    return ArraySpec(shape, dtype, chunk, inner, names=("t", "y", "x"), shuffle=shuffle)


TILE = 256
"""Largest side of the tiles of a preview, in px."""


def tiled_spec(shape: tuple[int, int, int], dtype: str) -> ArraySpec:
    """Return the spec of a stack (T, H, W) with several frames per file, in tiles."""
    inner = min(TILE, shape[1]), min(TILE, shape[2])
    whole = [math.ceil(n / tile) * tile for n, tile in zip(shape[1:], inner, strict=True)]
    chunk = _frames_per_shard(shape), *whole
    return ArraySpec(shape, dtype, chunk, (1, *inner), names=("t", "y", "x"))


def _frames_per_shard(shape: tuple[int, int, int]) -> int:
    return max(1, min(SHARD_FRAMES, shape[0]))


BLOCK_BYTES = 64 * 2**20
"""Largest chunk of a crop. Nearly all crops are far smaller and have one chunk."""


def crop_spec(shape: tuple[int, int, int], dtype: str) -> ArraySpec:
    """Return the spec of a stack (T, H, W) in one chunk, or in blocks of frames if huge."""
    frame_bytes = shape[1] * shape[2] * np.dtype(dtype).itemsize
    frames = max(1, min(shape[0], BLOCK_BYTES // frame_bytes))
    chunk = (frames, shape[1], shape[2])
    return ArraySpec(shape, dtype, chunk, names=("t", "y", "x"))


def table_spec(array: NDArray[Any], names: tuple[str, ...]) -> ArraySpec:
    """Return the spec of an array in one chunk; an empty array has none."""
    chunk = tuple(max(1, n) for n in array.shape)
    return ArraySpec(array.shape, array.dtype.name, chunk, names=names)


def _padded(chunk: NDArray[Any], shape: tuple[int, ...]) -> NDArray[Any]:
    if chunk.shape == shape:
        return chunk
    whole = np.zeros(shape, chunk.dtype)
    whole[tuple(map(slice, chunk.shape))] = chunk
    return whole


def parse_document(document: Mapping[str, Any]) -> tuple[ArraySpec, Mapping[str, Any]]:
    """Read a `zarr.json`: spec and attributes of the array.

    Raises:
        ValueError: The array is not stored as pyama does.
        LookupError: An entry is missing.
        TypeError: An entry is of another type.
    """
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
    settings = {codec["name"]: codec.get("configuration", {}) for codec in codecs}
    shuffle: Shuffle = settings["blosc"]["shuffle"]
    return shuffle


def _sizes(values: Sequence[Any], least: int = 1) -> tuple[int, ...]:
    if not all(type(n) is int and least <= n < MAX_LENGTH for n in values):
        raise ValueError(f"{values} are not sizes")
    return tuple(values)


def _check_layout(spec: ArraySpec, codecs: list[str]) -> None:
    same_rank = len(spec.shape) == len(spec.chunk) == len(spec.inner or spec.chunk)
    one_row = all(n <= chunk for n, chunk in zip(spec.shape[1:], spec.chunk[1:], strict=False))
    whole_tiles = spec.inner is None or (
        spec.inner[:1] == (1,) and not any(np.remainder(spec.chunk, spec.inner))
    )
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
