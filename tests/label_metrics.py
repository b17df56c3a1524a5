"""Measures of the agreement of labels with a reference.

All functions take two frames of labels of the same shape (H, W), in which 0 is background. The
numbers of the objects may differ and have gaps.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pyama.algorithms.kernels.array_types import Labels, check_same_shape


@dataclass(frozen=True)
class _Overlaps:
    """Pairs of objects that share pixels; N pairs."""

    found: NDArray[np.int64]
    """Index of the found object, shape (N,)."""
    reference: NDArray[np.int64]
    """Index of the object of the reference, shape (N,)."""
    shared: NDArray[np.int64]
    """Pixels in both, shape (N,)."""
    found_areas: NDArray[np.int64]
    """Pixels of every found object."""
    reference_areas: NDArray[np.int64]
    """Pixels of every object of the reference."""

    @property
    def iou(self) -> NDArray[np.float64]:
        areas = self.found_areas[self.found] + self.reference_areas[self.reference]
        return self.shared / (areas - self.shared)


def foreground_iou(found: Labels, reference: Labels) -> float:
    """Compute the intersection over union of all labelled pixels; 1 if both are empty.

    Raises:
        ArrayError: The shapes differ.
    """
    check_same_shape("foreground_iou", found=found, reference=reference)
    union = np.count_nonzero((found > 0) | (reference > 0))
    return np.count_nonzero((found > 0) & (reference > 0)) / union if union else 1.0


def object_f1(found: Labels, reference: Labels, min_iou: float = 0.5) -> float:
    """Compute the F1 score of the objects; 1 if both frames are empty.

    Args:
        found: Labels, shape (H, W).
        reference: Labels, shape (H, W).
        min_iou: Two objects are the same from this intersection over union on, 0.5 or more.

    Raises:
        ArrayError: The shapes differ.
    """
    pairs = _overlaps("object_f1", found, reference)
    same = pairs.iou >= min_iou
    # At exactly one half, one object can match two others: it counts once.
    hits = min(len(set(pairs.found[same])), len(set(pairs.reference[same])))
    n = len(pairs.found_areas) + len(pairs.reference_areas)
    return 2 * hits / n if n else 1.0


def seg(found: Labels, reference: Labels) -> float:
    """Compute the SEG score of the Cell Tracking Challenge; NaN without reference objects.

    The mean over the objects of the reference of the intersection over union with the found
    object that covers more than half of it, or 0; Maška et al. (2014),
    https://doi.org/10.1093/bioinformatics/btu080.

    Raises:
        ArrayError: The shapes differ.
    """
    pairs = _overlaps("seg", found, reference)
    covered = 2 * pairs.shared > pairs.reference_areas[pairs.reference]
    n = len(pairs.reference_areas)
    return float(pairs.iou[covered].sum() / n) if n else float("nan")


def _overlaps(caller: str, found: Labels, reference: Labels) -> _Overlaps:
    check_same_shape(caller, found=found, reference=reference)
    i, found_areas = _indices(found)
    j, reference_areas = _indices(reference)
    both = (i >= 0) & (j >= 0)
    n = max(len(reference_areas), 1)
    pairs, shared = np.unique(i[both] * n + j[both], return_counts=True)
    return _Overlaps(pairs // n, pairs % n, shared, found_areas, reference_areas)


def _indices(labels: NDArray[Any]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the index of the object of each pixel, -1 in the background, and all areas."""
    ids, inverse, counts = np.unique(labels, return_inverse=True, return_counts=True)
    background = int(len(ids) > 0 and ids[0] == 0)
    return inverse.reshape(labels.shape).astype(np.int64) - background, counts[background:]
