"""The bytes of one chunk: Blosc LZ4 with a shuffle and CRC-32C, alone or tile by tile.

Several tiles in one file are stored as shards of Zarr version 3,
https://zarr-specs.readthedocs.io/en/latest/v3/codecs/sharding-indexed/index.html.
"""

import math
import os
from collections.abc import Sequence
from typing import Any, BinaryIO, Literal

import numpy as np
from numcodecs import blosc
from numpy.typing import NDArray

from pyama.store.files import SEALED, checksum

blosc.use_threads = False  # one core per worker, and the same bytes for any number of threads

COMPRESSION_LEVEL = 5
CRC_BYTES = 4
PLACE_BYTES = 16
"""Offset and size of one tile in the index of a shard."""
ABSENT = 2**64 - 1
"""Offset and size of a tile that the shard does not hold."""
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


def pack(chunk: NDArray[Any], inner: tuple[int, ...], shuffle: Shuffle) -> list[bytes]:
    """Return the packed tiles of an array that is a whole number of tiles, in C order."""
    return [compress(chunk[tile], shuffle) for tile in _tiles(chunk.shape, inner)]


def shard_index(packed: Sequence[bytes], n_tiles: int) -> bytes:
    """Return the index of a shard, which follows its tiles.

    Args:
        packed: Its first tiles.
        n_tiles: Number of its tiles; those that are not in `packed` are absent.
    """
    sizes = np.array([len(data) for data in packed], "<u8")
    index = np.full((n_tiles, 2), ABSENT, "<u8")
    index[: len(packed)] = np.stack([np.cumsum(sizes) - sizes, sizes], axis=1)
    places = index.tobytes()
    return places + _crc(places)


def read_frame(
    file: BinaryIO,
    frame: int,
    chunk: tuple[int, ...],
    inner: tuple[int, ...],
    dtype: np.dtype[Any],
) -> NDArray[Any]:
    """Read one frame of a shard: the index, and the tiles of that frame.

    Args:
        file: The shard.
        frame: Index of the frame in the shard.
        chunk: Shape (frames, H, W) of the shard.
        inner: Shape (1, h, w) of a tile.
        dtype: Type of the elements.

    Returns:
        The frame, shape (H, W).

    Raises:
        ValueError: What was read is damaged, of another size, or lacks a tile.
    """
    n_tiles = _n_tiles(chunk, inner)
    index_bytes = PLACE_BYTES * n_tiles + CRC_BYTES
    size = file.seek(0, os.SEEK_END)
    if size < index_bytes:
        raise ValueError(f"it has no room for an index of {n_tiles} tiles")
    index = _checked(_read(file, size - index_bytes, index_bytes))
    places = np.frombuffer(index, "<u8").reshape(chunk[0], -1, 2)[frame].tolist()
    if any(start + length > size for start, length in places):
        raise ValueError(f"it lacks tiles of frame {frame}")
    tiles = [_read(file, start, length) for start, length in places]
    shape = chunk[1:]
    if math.prod(shape) * dtype.itemsize > sum(map(len, tiles)) * MAX_COMPRESSED:
        raise ValueError(f"it has no room for {n_tiles} tiles")
    if len(tiles) == 1:
        return decompress(tiles[0], shape, dtype)
    whole = np.empty(shape, dtype)
    for where, tile in zip(_tiles(shape, inner[1:]), tiles, strict=True):
        whole[where] = decompress(tile, inner[1:], dtype)
    return whole


def _read(file: BinaryIO, start: int, length: int) -> bytes:
    file.seek(start)
    return file.read(length)


def _crc(data: bytes) -> bytes:
    return checksum(data).to_bytes(CRC_BYTES, "little")


def _checked(data: bytes) -> memoryview:
    if len(data) < CRC_BYTES or checksum(data) != SEALED:
        raise ValueError("its checksum differs")
    return memoryview(data)[:-CRC_BYTES]


def _n_tiles(shape: tuple[int, ...], inner: tuple[int, ...]) -> int:
    return math.prod(n // size for n, size in zip(shape, inner, strict=True))


def _tiles(shape: tuple[int, ...], inner: tuple[int, ...]) -> list[tuple[slice, ...]]:
    counts = [n // size for n, size in zip(shape, inner, strict=True)]
    return [
        tuple(slice(i * n, (i + 1) * n) for i, n in zip(index, inner, strict=True))
        for index in np.ndindex(*counts)
    ]
