"""How well found cells agree with those that a person has marked."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pyama.algorithms.kernels.array_types import Labels

SAME = 0.5
"""Smallest intersection over union of a found cell and a marked one that are the same."""
UNLABELLED = 0.1
"""Largest labelled share of an object that was found where nothing is labelled."""


@dataclass(frozen=True)
class Scores:
    """Cells of some frames.

    Attributes:
        n_marked: Number of marked cells.
        n_found: Number of found cells.
        n_same: Number of found cells that are a marked cell.
    """

    n_marked: int
    n_found: int
    n_same: int

    @property
    def f1(self) -> float:
        """Cells that are the same, relative to the mean of both numbers; 1 without any."""
        n = self.n_marked + self.n_found
        return 2 * self.n_same / n if n else 1.0


def score_frames(marked: Sequence[Labels], found: Sequence[Labels]) -> Scores:
    """Compare the cells of frames, shape (H, W) each, with marked ones."""
    counts = [_counts(*pair) for pair in zip(marked, found, strict=True)]
    return Scores(*(int(n) for n in np.sum(counts, axis=0)))


def unlabelled_objects(marked: Labels, found: Labels) -> int:
    """Return the number of found objects where nothing is marked."""
    common = _common(marked, found)[:, 1:]
    areas = common.sum(axis=0)
    return int(np.count_nonzero(common[0] > (1 - UNLABELLED) * areas))


def _counts(marked: Labels, found: Labels) -> tuple[int, int, int]:
    common = _common(marked, found)
    areas, found_areas = common.sum(axis=1)[1:], common.sum(axis=0)[1:]
    common = common[1:, 1:]
    union = areas[:, None] + found_areas - common
    n_same = int(np.count_nonzero(common > SAME * union))
    return int(np.count_nonzero(areas)), int(np.count_nonzero(found_areas)), n_same


def _common(marked: Labels, found: Labels) -> NDArray[np.int64]:
    """Return the number of common pixels of every two labels, shape (N + 1, M + 1)."""
    n = int(found.max()) + 1
    pairs = marked.astype(np.int64) * n + found
    both = np.bincount(pairs.ravel(), minlength=(int(marked.max()) + 1) * n)
    return both.reshape(-1, n)
