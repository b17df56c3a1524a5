"""Connected objects: where they are, how large they are, which of them stay."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pyama.algorithms.arrays import Boxes, Labels, check_frame, kernel
from pyama.errors import ArrayError


@dataclass(frozen=True)
class Regions:
    """Where the objects of one frame are; row i of each array is one object."""

    ids: NDArray[np.int64]
    """Numbers of the objects, ascending, shape (N,)."""
    boxes: Boxes
    """Tight half-open boxes [y0, x0, y1, x1), shape (N, 4)."""
    areas: NDArray[np.int64]
    """Sizes in px², shape (N,)."""


def regions(labels: Labels) -> Regions:
    """Find number, box and size of every object.

    Args:
        labels: Labels, shape (H, W), uint16 or uint32: 0 is background. Numbers may be
            large and have gaps; an object need not be connected.

    Raises:
        ArrayError: `labels` is not two-dimensional or has another dtype.
    """
    check_labels(labels, "regions")
    dense, ids = _numbers(labels)
    areas, boxes = _measure(dense, len(ids))
    present = np.flatnonzero(areas)
    return Regions(ids[present], boxes[present], areas[present])


def check_labels(labels: NDArray[Any], caller: str) -> None:
    """Refuse what is not one frame of labels.

    Raises:
        ArrayError: `labels` is not two-dimensional, or neither uint16 nor uint32.
    """
    check_frame(labels, caller)
    if labels.dtype not in (np.uint16, np.uint32):
        raise ArrayError(
            f"{caller}() takes labels of dtype uint16 or uint32, got {labels.dtype}."
        )


def _numbers(labels: Labels) -> tuple[NDArray[np.unsignedinteger], NDArray[np.int64]]:
    """Labels that fit into a table as long as the second array, and what they stand for."""
    largest = int(labels.max(initial=0))
    if largest <= labels.size:
        return np.ascontiguousarray(labels), np.arange(largest + 1)
    ids = np.union1d(labels, np.zeros(1, labels.dtype))
    return np.searchsorted(ids, labels).astype(np.uint32), ids.astype(np.int64)


@kernel
def _measure(
    labels: NDArray[np.unsignedinteger], n: int
) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    height, width = labels.shape
    areas = np.zeros(n, np.int64)
    boxes = np.zeros((n, 4), np.int32)
    boxes[:, 1] = width
    for y in range(height):
        x = 0
        while x < width:
            value = labels[y, x]
            start = x
            while x < width and labels[y, x] == value:
                x += 1
            if value == 0:
                continue
            box = boxes[value]
            if areas[value] == 0:
                box[0] = y
            areas[value] += x - start
            box[1] = min(box[1], start)
            box[2] = y + 1
            box[3] = max(box[3], x)
    return areas, boxes
