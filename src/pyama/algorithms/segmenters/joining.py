"""Joining of parts of a cell that the watershed has separated."""

import numpy as np
import scipy
from numpy.typing import NDArray

from pyama.algorithms.kernels.array_types import Mask

Window = tuple[slice, ...]


def join_convex(labels: NDArray[np.int32], least: float) -> NDArray[np.int32]:
    """Join neighbours with a convex union; the union of two touching cells has a notch.

    Pairs, and triples of mutual neighbours, are tested in the order of decreasing convexity.
    Objects that are already joined count as one.

    Args:
        labels: 0 outside, 1..N inside, shape (H, W). Objects with adjacent pixels
            are neighbours.
        least: Smallest convexity of a union that is joined, 0 to 1, see `convexity`.

    Returns:
        Labels, shape (H, W), in which joined objects have the number of one of them.
    """
    groups = _groups(_neighbours(labels).tolist())
    if not groups:
        return labels.copy()
    windows: list[Window] = scipy.ndimage.find_objects(labels)
    alone = np.array([_together(labels, windows, np.array(group)) for group in groups])
    owner = np.arange(len(windows) + 1, dtype=np.int32)
    for i in np.argsort(-alone, kind="stable")[: np.count_nonzero(alone >= least)]:
        owners = owner[list(groups[i])]
        members = np.flatnonzero(np.isin(owner, owners))
        if _together(labels, windows, members) >= least:
            owner[members] = owners[0]
    return owner[labels]


def _groups(pairs: list[list[int]]) -> list[tuple[int, ...]]:
    """Return the pairs, and the triples of which every two are a pair."""
    higher: dict[int, set[int]] = {}
    for a, b in pairs:
        higher.setdefault(a, set()).add(b)
    groups: list[tuple[int, ...]] = [(a, b) for a, b in pairs]
    for a, b in pairs:
        groups += [(a, b, c) for c in sorted(higher[a] & higher.get(b, set()))]
    return groups


def convexity(mask: Mask) -> float:
    """Return the area of a mask, shape (H, W), not empty, relative to its convex hull.

    Pixels are squares; 1 is convex. Two equal disks that touch have 0.88.
    """
    from scipy.spatial import ConvexHull

    rows = np.flatnonzero(mask.any(axis=1))
    first = mask[rows].argmax(axis=1)
    end = mask.shape[1] - mask[rows, ::-1].argmax(axis=1)
    corners = [np.stack([x, y], axis=1) for x in (first, end) for y in (rows, rows + 1)]
    return float(np.count_nonzero(mask) / ConvexHull(np.concatenate(corners)).volume)


def _together(
    labels: NDArray[np.int32], windows: list[Window], numbers: NDArray[np.integer]
) -> float:
    own = [windows[number - 1] for number in numbers]
    y, x = (
        slice(min(w[axis].start for w in own), max(w[axis].stop for w in own))
        for axis in (0, 1)
    )
    return convexity(np.isin(labels[y, x], numbers))


def _neighbours(labels: NDArray[np.int32]) -> NDArray[np.int32]:
    """Return pairs of neighbours (lower, higher number), shape (N, 2)."""
    sides = (labels[:, :-1], labels[:, 1:]), (labels[:-1], labels[1:])
    pairs = np.concatenate([np.stack([a, b], axis=-1).reshape(-1, 2) for a, b in sides])
    apart = (pairs[:, 0] != pairs[:, 1]) & (pairs > 0).all(axis=1)
    return np.unique(np.sort(pairs[apart], axis=1), axis=0)
