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
from pathlib import Path
from typing import Any

import numpy as np
from numcodecs import blosc
from numpy.typing import NDArray

from pyama.errors import StoreError
from pyama.store.marks import Ledger, checksum, read_file

blosc.use_threads = False  # one worker is one core, and bytes do not depend on threads

DOCUMENT = "zarr.json"
COMPRESSION_LEVEL = 5
CRC_BYTES = 4
REPAIR = "Run `pyama verify` to see what else is damaged; `pyama run` makes it again."


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
    """

    shape: tuple[int, ...]
    dtype: str
    chunk: tuple[int, ...]
    inner: tuple[int, ...] | None = None
    separator: str = "/"
    names: tuple[str, ...] = ()

    def document(self, attributes: Mapping[str, Any]) -> bytes:
        """Return the array's `zarr.json`."""
        codecs = _chunk_codecs(np.dtype(self.dtype).itemsize)
        if self.inner is not None:
            codecs = [_sharding(self.inner, codecs)]
        fill: Any = False if self.dtype == "bool" else 0
        entries = {
            "zarr_format": 3,
            "node_type": "array",
            "shape": self.shape,
            "data_type": self.dtype,
            "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": self.chunk}},
            "chunk_key_encoding": {
                "name": "default",
                "configuration": {"separator": self.separator},
            },
            "fill_value": 0.0 if self.dtype.startswith("float") else fill,
            "codecs": codecs,
            "attributes": attributes,
        }
        if self.names:
            entries["dimension_names"] = self.names
        return to_json(entries)

    def key(self, index: Sequence[int]) -> str:
        """Return the file name of a chunk, relative to the array."""
        return self.separator.join(("c", *map(str, index)))

    def encode(self, chunk: NDArray[Any]) -> bytes:
        """Return the file content of one chunk.

        Args:
            chunk: Elements of the array's dtype; smaller than `self.chunk` at the end of an
                axis, where the rest is filled with zeros.
        """
        if self.inner is None:
            return _compress(_padded(chunk, self.chunk))
        return _shard(_padded(chunk, self.chunk), self.inner)

    def decode(self, data: bytes) -> NDArray[Any]:
        """Return the elements of one chunk, shape `self.chunk`.

        Raises:
            ValueError: The content is damaged.
        """
        dtype = np.dtype(self.dtype)
        if self.inner is None:
            return _decompress(data, self.chunk, dtype)
        return _unshard(data, self.chunk, self.inner, dtype)


def to_json(entries: Mapping[str, Any]) -> bytes:
    """Return a Zarr document: JSON, the same bytes for the same entries."""
    return json.dumps(entries, indent=1).encode() + b"\n"


def group_document(attributes: Mapping[str, Any] | None = None) -> bytes:
    """Return the `zarr.json` of a group."""
    return to_json({"zarr_format": 3, "node_type": "group", "attributes": attributes or {}})


def frames_spec(shape: tuple[int, int, int], dtype: str) -> ArraySpec:
    """Return a stack (T, H, W) with one file per frame."""
    return ArraySpec(shape, dtype, (1, *shape[1:]), names=("t", "y", "x"))


TILE = 256
"""Largest side of the tiles of a preview, in px."""


def tiled_spec(shape: tuple[int, int, int], dtype: str) -> ArraySpec:
    """Return a stack (T, H, W) with one file per frame, cut into tiles inside the file."""
    inner = min(TILE, shape[1]), min(TILE, shape[2])
    whole = [math.ceil(n / tile) * tile for n, tile in zip(shape[1:], inner, strict=True)]
    return ArraySpec(shape, dtype, (1, *whole), (1, *inner), names=("t", "y", "x"))


DTYPES = frozenset({"bool", "uint8", "uint16", "uint32", "int32", "float32"})
"""Types of elements there are; any other name in a document is damage, or worse."""
BLOCK_BYTES = 64 * 2**20
"""Largest chunk of a crop. Nearly all crops are far smaller and have one chunk."""


def crop_spec(shape: tuple[int, int, int], dtype: str) -> ArraySpec:
    """Return a stack (T, H, W) in one chunk, or in blocks of frames if it is huge."""
    frame_bytes = shape[1] * shape[2] * np.dtype(dtype).itemsize
    frames = max(1, min(shape[0], BLOCK_BYTES // max(1, frame_bytes)))
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
        ledger.write(f"{path}/{spec.key([0] * array.ndim)}", spec.encode(array))


class StoredArray:
    """One array on disk, open for reading.

    Args:
        path: Folder of the array.

    Raises:
        StoreError: The array is missing, or its document is damaged.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        document = read_file(path / DOCUMENT, REPAIR)
        try:
            self.spec, self.attributes = _parse(json.loads(document))
        except (ValueError, KeyError, TypeError, IndexError) as error:
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
        return whole[(slice(left), *map(slice, spec.shape[1:]))]

    def read(self) -> NDArray[Any]:
        """Read everything."""
        if 0 in self.shape:
            return np.zeros(self.shape, self.dtype)
        return np.concatenate([self.chunk(i) for i in range(self.n_chunks)])


def _chunk_codecs(itemsize: int) -> list[dict[str, Any]]:
    blosc_codec = {
        "typesize": itemsize,
        "cname": "lz4",
        "clevel": COMPRESSION_LEVEL,
        "shuffle": "bitshuffle",
        "blocksize": 0,
    }
    return [
        {"name": "bytes", "configuration": {"endian": "little"}},
        {"name": "blosc", "configuration": blosc_codec},
        {"name": "crc32c"},
    ]


def _sharding(inner: tuple[int, ...], codecs: list[dict[str, Any]]) -> dict[str, Any]:
    index_codecs = [
        {"name": "bytes", "configuration": {"endian": "little"}},
        {"name": "crc32c"},
    ]
    configuration = {
        "chunk_shape": inner,
        "codecs": codecs,
        "index_codecs": index_codecs,
        "index_location": "end",
    }
    return {"name": "sharding_indexed", "configuration": configuration}


def _padded(chunk: NDArray[Any], shape: tuple[int, ...]) -> NDArray[Any]:
    if chunk.shape == shape:
        return np.ascontiguousarray(chunk)
    whole = np.zeros(shape, chunk.dtype)
    whole[tuple(map(slice, chunk.shape))] = chunk
    return whole


def _compress(chunk: NDArray[Any]) -> bytes:
    little = np.ascontiguousarray(chunk, chunk.dtype.newbyteorder("<"))
    packed = blosc.compress(little, b"lz4", COMPRESSION_LEVEL, blosc.BITSHUFFLE)
    return bytes(packed) + checksum(packed).to_bytes(CRC_BYTES, "little")


def _decompress(data: bytes, shape: tuple[int, ...], dtype: np.dtype[Any]) -> NDArray[Any]:
    body = _checked(data)
    size = int.from_bytes(body[4:8], "little")  # of the content, in the header of blosc
    expected = math.prod(shape) * dtype.itemsize
    if size != expected:  # before memory is taken for it
        raise ValueError(f"it holds {size} bytes instead of {expected}")
    if int.from_bytes(body[12:16], "little") != len(body):
        raise ValueError(f"it is cut off: {len(body)} bytes")
    chunk = np.empty(shape, dtype.newbyteorder("<"))
    blosc.decompress(body, chunk)
    return chunk.astype(dtype, copy=False)


def _checked(data: bytes) -> bytes:
    body, crc = data[:-CRC_BYTES], data[-CRC_BYTES:]
    if checksum(body).to_bytes(CRC_BYTES, "little") != crc:
        raise ValueError("its checksum differs")
    return body


def _tiles(shape: tuple[int, ...], inner: tuple[int, ...]) -> list[tuple[slice, ...]]:
    counts = [n // size for n, size in zip(shape, inner, strict=True)]
    return [
        tuple(slice(i * n, (i + 1) * n) for i, n in zip(index, inner, strict=True))
        for index in np.ndindex(*counts)
    ]


def _shard(chunk: NDArray[Any], inner: tuple[int, ...]) -> bytes:
    packed = [_compress(chunk[tile]) for tile in _tiles(chunk.shape, inner)]
    sizes = np.array([len(data) for data in packed], "<u8")
    index = np.stack([np.cumsum(sizes) - sizes, sizes], axis=1).astype("<u8").tobytes()
    return b"".join([*packed, index, checksum(index).to_bytes(CRC_BYTES, "little")])


def _unshard(
    data: bytes, shape: tuple[int, ...], inner: tuple[int, ...], dtype: np.dtype[Any]
) -> NDArray[Any]:
    count = math.prod(n // size for n, size in zip(shape, inner, strict=True))
    if 16 * count > len(data):
        raise ValueError(f"it has no room for {count} tiles")
    index = _checked(data[-(16 * count + CRC_BYTES) :])
    tiles = _tiles(shape, inner)
    whole = np.empty(shape, dtype)
    places = np.frombuffer(index, "<u8").reshape(-1, 2)
    for tile, (start, size) in zip(tiles, places.tolist(), strict=True):
        whole[tile] = _decompress(data[start : start + size], inner, dtype)
    return whole


def _parse(document: Mapping[str, Any]) -> tuple[ArraySpec, Mapping[str, Any]]:
    first = document["codecs"][0]
    sharded = first["name"] == "sharding_indexed"
    spec = ArraySpec(
        shape=tuple(document["shape"]),
        dtype=str(document["data_type"]),
        chunk=tuple(document["chunk_grid"]["configuration"]["chunk_shape"]),
        inner=tuple(first["configuration"]["chunk_shape"]) if sharded else None,
        separator=document["chunk_key_encoding"]["configuration"]["separator"],
        names=tuple(document.get("dimension_names", ())),
    )
    lengths = (*spec.shape, *spec.chunk, *(spec.inner or ()))
    if spec.dtype not in DTYPES or not all(type(n) is int and n >= 0 for n in lengths):
        raise ValueError(f"{spec.dtype} of {spec.shape} in chunks of {spec.chunk}")
    if len(spec.shape) != len(spec.chunk) or 0 in (*spec.chunk, *(spec.inner or ())):
        raise ValueError(f"chunks of {spec.chunk} for {spec.shape}")
    return spec, document["attributes"]
