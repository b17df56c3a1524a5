"""Scores of found cells against annotated ones."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Labels = NDArray[np.integer[Any]]
MIN_IOU = 0.5
"""Smallest intersection over union of two objects that count as the same."""
MIN_IOU_OF_MOVIE = 0.3
"""The same where objects are followed through time."""


class Scores(NamedTuple):
    """How well the cells of a frame were found; 1 is perfect."""

    foreground: float
    """Intersection over union of all cells together."""
    f1: float
    """Found and annotated cells that match, relative to the mean of both numbers."""
    seg: float
    """Mean intersection over union of annotated cells; 0 if no object covers half of one."""
    count: float
    """Number of found cells, relative to the annotated ones."""
    area: float
    """Found area, relative to the annotated one."""


class Overlaps(NamedTuple):
    """Pairs of annotated and found cells with common pixels, each shape (N,)."""

    true: NDArray[np.int64]
    found: NDArray[np.int64]
    shared: NDArray[np.int64]
    """Common pixels."""
    iou: NDArray[np.float64]


def overlaps(true: Labels, found: Labels) -> Overlaps:
    """Return all pairs of cells of two label images, shape (H, W), that overlap."""
    n = int(found.max()) + 1
    keys, counts = np.unique(true.astype(np.int64) * n + found, return_counts=True)
    first, second = keys // n, keys % n
    inside = (first > 0) & (second > 0)
    areas = np.bincount(true.ravel())[first], np.bincount(found.ravel())[second]
    iou = counts / (areas[0] + areas[1] - counts)
    return Overlaps(first[inside], second[inside], counts[inside], iou[inside])


def score(true: Labels, found: Labels) -> Scores:
    """Compare two label images, shape (H, W)."""
    pairs = overlaps(true, found)
    areas = np.bincount(true.ravel())
    n_true = np.count_nonzero(areas[1:])
    n_found = np.count_nonzero(np.bincount(found.ravel())[1:])
    inside, marked = true > 0, found > 0
    half = pairs.shared > 0.5 * areas[pairs.true]
    return Scores(
        float((inside & marked).sum() / max(1, (inside | marked).sum())),
        2 * np.count_nonzero(pairs.iou > MIN_IOU) / max(1, n_true + n_found),
        float(pairs.iou[half].sum() / max(1, n_true)),
        n_found / max(1, n_true),
        float(marked.sum() / max(1, inside.sum())),
    )


def followed(true: list[Labels], tracks: list[Labels]) -> tuple[int, int, float]:
    """Return how many annotated cells of all frames keep one id, of how many, and detections.

    Args:
        true: Annotated cells with ids through time, (H, W) each.
        tracks: Found cells with ids through time.
    """
    partners = [_partners(*frames) for frames in zip(true, tracks, strict=True)]
    ids = set.intersection(*({*np.unique(frame).tolist()} - {0} for frame in true))
    kept = [i for i in ids if len({p.get(i, 0) for p in partners} | {0}) == 2]
    kept = [i for i in kept if all(i in p for p in partners)]
    found = np.mean([[i in p for p in partners] for i in ids])
    return len(kept), len(ids), float(found)


def _partners(true: Labels, found: Labels) -> dict[int, int]:
    pairs = overlaps(true, found)
    partners: dict[int, int] = {}
    for i in np.argsort(-pairs.iou):
        if pairs.iou[i] < MIN_IOU_OF_MOVIE:
            break
        one, other = int(pairs.true[i]), int(pairs.found[i])
        if one not in partners and other not in partners.values():
            partners[one] = other
    return partners
