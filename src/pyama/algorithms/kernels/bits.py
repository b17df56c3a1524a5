"""Masks with one bit per pixel, so that one operation processes 64 pixels."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pyama.algorithms.kernels.array_types import Mask, kernel

WORD = 64
"""Number of bits of a word."""
_EIGHTH = WORD // 8
_GATHER = np.uint64(0x0102040810204080)
"""Factor for eight bytes of 0 or 1; the uppermost byte of the product has their bits."""
_BYTES = np.unpackbits(np.arange(256, dtype=np.uint8)[:, None], axis=1, bitorder="little")
_SCATTER = np.ascontiguousarray(_BYTES).view("<u8").astype(np.uint64).ravel()
"""The eight bits of every byte as eight bytes that are 0 or 1."""


class Bits(NamedTuple):
    """A mask, shape (H, W), with one bit per pixel."""

    words: NDArray[np.uint64]
    """Bit i of word k of a row is column 64 k + i, shape (H, ceil(W / 64)). Bits beyond the
    last column are 0."""
    width: int
    """Number of columns W."""


def pack(mask: Mask) -> Bits:
    """Return a mask, shape (H, W), as bits."""
    bits = _empty(mask.shape)
    _pack(np.ascontiguousarray(mask).view(np.uint8), bits.words)
    return bits


def pack_above(values: NDArray[Any], limit: np.generic) -> Bits:
    """Return the mask of values, shape (H, W), above a limit of their type."""
    bits = _empty(values.shape)
    _pack_above(values, limit, bits.words)
    return bits


def unpack(bits: Bits) -> Mask:
    """Return bits as a mask, shape (H, W)."""
    out = np.empty((len(bits.words), bits.width), np.bool_)
    _unpack(bits.words, out.view(np.uint8))
    return out


def invert(bits: Bits) -> Bits:
    """Return the complement of a mask."""
    return clear_padding(Bits(~bits.words, bits.width))


def clear_padding(bits: Bits) -> Bits:
    """Set bits beyond the last column to 0, in place, and return the same bits."""
    if bits.width % WORD:
        bits.words[:, -1] &= np.uint64((1 << bits.width % WORD) - 1)
    return bits


def _empty(shape: tuple[int, ...]) -> Bits:
    height, width = shape
    return Bits(np.empty((height, -(-width // WORD)), np.uint64), width)


@kernel
def _pack(mask: NDArray[np.uint8], words: NDArray[np.uint64]) -> None:
    for y in range(len(words)):
        _pack_row(mask[y], words[y])


@kernel
def _pack_above(values: NDArray[Any], limit: np.generic, words: NDArray[np.uint64]) -> None:
    row = np.empty(values.shape[1], np.uint8)
    for y in range(len(words)):
        _compare(values[y], limit, row)
        _pack_row(row, words[y])


# One simple loop over one row, so that the compiler vectorises it.
@kernel
def _compare(values: NDArray[Any], limit: np.generic, out: NDArray[np.uint8]) -> None:
    for x in range(len(out)):
        out[x] = values[x] > limit


@kernel
def _pack_row(row: NDArray[np.uint8], words: NDArray[np.uint64]) -> None:
    """Pack bytes that are 0 or 1."""
    whole = len(row) // WORD
    eights = row[: whole * WORD].view(np.uint64)
    for i in range(whole):
        word = np.uint64(0)
        for k in range(_EIGHTH):
            eight = (eights[_EIGHTH * i + k] * _GATHER) >> np.uint64(56)
            word |= eight << np.uint64(8 * k)
        words[i] = word
    if whole < len(words):
        word = np.uint64(0)
        for x in range(whole * WORD, len(row)):
            word |= np.uint64(row[x]) << np.uint64(x - whole * WORD)
        words[whole] = word


@kernel
def _unpack(words: NDArray[np.uint64], out: NDArray[np.uint8]) -> None:
    row = np.empty(words.shape[1] * WORD, np.uint8)
    eights = row.view(np.uint64)
    for y in range(len(words)):
        for i in range(words.shape[1]):
            for k in range(_EIGHTH):
                byte = (words[y, i] >> np.uint64(8 * k)) & np.uint64(255)
                eights[_EIGHTH * i + k] = _SCATTER[byte]
        target = out[y]
        for x in range(len(target)):  # assigning a slice takes eight times as long
            target[x] = row[x]
