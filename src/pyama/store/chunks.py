"""The bytes of one chunk: Blosc LZ4 with a shuffle and CRC-32C, alone or tile by tile.

Several tiles in one file are stored as shards of Zarr version 3,
https://zarr-specs.readthedocs.io/en/latest/v3/codecs/sharding-indexed/index.html.
"""

import math
from typing import Any, Literal

import numpy as np
from numcodecs import blosc
from numpy.typing import NDArray

from pyama.store.files import SEALED, checksum

blosc.use_threads = False  # one core per worker, and the same bytes for any number of threads

COMPRESSION_LEVEL = 5
CRC_BYTES = 4
PLACE_BYTES = 16
"""Offset and size of one tile in the index of a shard."""
MAX_COMPRESSED = 1000
"""Upper limit of the compression factor of LZ4."""

Shuffle = Literal["noshuffle", "shuffle", "bitshuffle"]
"""How Blosc rearranges values before compression: not at all, by bytes or by bits."""
SHUFFLES: dict[Shuffle, int] = {
    "noshuffle": blosc.NOSHUFFLE,
    "shuffle": blosc.SHUFFLE,
    "bitshuffle": blosc.BITSHUFFLE,
}


def chunk_codecs(itemsize: int, shuffle: Shuffle) -> list[dict[str, Any]]:
    """Return the codecs of a chunk for a Zarr document."""
    blosc_codec = {
        "typesize": itemsize,
        "cname": "lz4",
        "clevel": COMPRESSION_LEVEL,
        "shuffle": shuffle,
        "blocksize": 0,
    }
    return [
        {"name": "bytes", "configuration": {"endian": "little"}},
        {"name": "blosc", "configuration": blosc_codec},
        {"name": "crc32c"},
    ]


def shard_codecs(
    inner: tuple[int, ...], itemsize: int, shuffle: Shuffle
) -> list[dict[str, Any]]:
    """Return the codecs of a chunk that is divided into tiles of shape `inner`."""
    index_codecs = [
        {"name": "bytes", "configuration": {"endian": "little"}},
        {"name": "crc32c"},
    ]
    configuration = {
        "chunk_shape": inner,
        "codecs": chunk_codecs(itemsize, shuffle),
        "index_codecs": index_codecs,
        "index_location": "end",
    }
    return [{"name": "sharding_indexed", "configuration": configuration}]


def compress(chunk: NDArray[Any], shuffle: Shuffle) -> bytes:
    """Return the file content of one chunk."""
    little = np.ascontiguousarray(chunk, chunk.dtype.newbyteorder("<"))
    packed: bytes = blosc.compress(little, b"lz4", COMPRESSION_LEVEL, SHUFFLES[shuffle])
    return packed + _crc(packed)


def decompress(data: bytes, shape: tuple[int, ...], dtype: np.dtype[Any]) -> NDArray[Any]:
    """Return the elements of a chunk.

    Raises:
        ValueError: `data` is damaged or of another size; no memory is allocated then.
    """
    body = _checked(data)
    # With wrong sizes in its header, Blosc would read beyond the end of the data.
    content, packed = (int.from_bytes(body[i : i + 4], "little") for i in (4, 12))
    expected = math.prod(shape) * dtype.itemsize
    if (content, packed) != (expected, len(body)):
        raise ValueError(f"it holds {content} bytes instead of {expected}")
    chunk = np.empty(shape, dtype.newbyteorder("<"))
    blosc.decompress(body, chunk)
    return chunk.astype(dtype, copy=False)


def shard(chunk: NDArray[Any], inner: tuple[int, ...], shuffle: Shuffle) -> bytes:
    """Return the file content of one chunk that is a whole number of tiles."""
    packed = [compress(chunk[tile], shuffle) for tile in _tiles(chunk.shape, inner)]
    sizes = np.array([len(data) for data in packed], "<u8")
    index = np.stack([np.cumsum(sizes) - sizes, sizes], axis=1).astype("<u8").tobytes()
    return b"".join([*packed, index, _crc(index)])


def unshard(
    data: bytes, shape: tuple[int, ...], inner: tuple[int, ...], dtype: np.dtype[Any]
) -> NDArray[Any]:
    """Return the elements of a chunk in tiles.

    Raises:
        ValueError: `data` is damaged, of another size, or lacks a tile.
    """
    n_tiles = math.prod(n // size for n, size in zip(shape, inner, strict=True))
    index_bytes = PLACE_BYTES * n_tiles + CRC_BYTES
    if len(data) < index_bytes:
        raise ValueError(f"it has no room for an index of {n_tiles} tiles")
    places = np.frombuffer(_checked(data[-index_bytes:]), "<u8").reshape(-1, 2)
    if math.prod(shape) * dtype.itemsize > len(data) * MAX_COMPRESSED:
        raise ValueError(f"it has no room for {n_tiles} tiles")
    whole = np.empty(shape, dtype)
    for tile, (start, size) in zip(_tiles(shape, inner), places.tolist(), strict=True):
        whole[tile] = decompress(data[start : start + size], inner, dtype)
    return whole


def _crc(data: bytes) -> bytes:
    return checksum(data).to_bytes(CRC_BYTES, "little")


def _checked(data: bytes) -> memoryview:
    if len(data) < CRC_BYTES or checksum(data) != SEALED:
        raise ValueError("its checksum differs")
    return memoryview(data)[:-CRC_BYTES]


def _tiles(shape: tuple[int, ...], inner: tuple[int, ...]) -> list[tuple[slice, ...]]:
    counts = [n // size for n, size in zip(shape, inner, strict=True)]
    return [
        tuple(slice(i * n, (i + 1) * n) for i, n in zip(index, inner, strict=True))
        for index in np.ndindex(*counts)
    ]
