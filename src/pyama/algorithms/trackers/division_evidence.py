"""How probable it is that two cells are the daughters of a third one.

Everything is measured in sizes of the cells, so that neither the magnification nor the size of
a pixel matters.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import scipy
from numpy.typing import NDArray

from pyama.algorithms.kernels.array_types import Boxes, Labels
from pyama.algorithms.kernels.labels import regions_of
from pyama.algorithms.kernels.run_lengths import LabelRuns
from pyama.algorithms.trackers.numbering import diameters

Floats = NDArray[np.float64]

WEIGHTS: Mapping[str, float] = {
    "off_centre": -10.2,
    "unlike": -3.6,
    "large": -4.0,
    "goes_on": -4.1,
    "other_gone": -3.2,
    "seen_there": -2.3,
}
"""Weights of the measures in the logarithm of the odds of a division; see `measures`.

Fitted by logistic regression (Cox, 1958, https://doi.org/10.1111/j.2517-6161.1958.tb00292.x)
to frames 0 to 22 of annotated nuclei and to drawn recordings of three sizes of cells:
`python -m benchmarks.divisions FOLDER --frames 0-22 --fit`."""
INTERCEPT = 3.9
"""Logarithm of the odds of a division where all measures are 0."""
ALONE = 3.0
"""Distance, in diameters of a daughter, from which on a cell that is gone is not her."""


@dataclass(frozen=True)
class Cells:
    """Cells of one frame by ascending id; row i of each array is one cell."""

    labels: Labels
    ids: NDArray[np.int64]
    boxes: Boxes
    areas: NDArray[np.int64]
    centres: Floats
    """Centres of mass of the masks (y, x), shape (N, 2)."""
    typical_area: float
    """Median of the areas; 1 without cells."""


def measure_cells(labels: Labels, runs: LabelRuns) -> Cells:
    """Return the cells of one frame, with a copy of its labels."""
    found = regions_of(runs)
    lengths = np.diff(runs.spans, axis=1)[:, 0].astype(np.float64)
    sums = [
        np.bincount(runs.places, weights * lengths, len(runs.ids))
        for weights in (runs.rows, (runs.spans.sum(axis=1) - 1) / 2)
    ]
    rows = np.searchsorted(runs.ids, found.ids)
    centres = np.stack(sums, axis=1)[rows] / found.areas[:, None]
    typical = float(np.median(found.areas)) if len(found.ids) else 1.0
    return Cells(labels.copy(), found.ids, found.boxes, found.areas, centres, typical)


def shared_pixels(before: Cells, m: int, now: Cells, others: NDArray[np.int64]) -> Floats:
    """Return the number of pixels that a cell of one frame and cells of the next share.

    Args:
        before: The frame of the cell.
        m: Its index.
        now: The next frame, of the same shape.
        others: Indices of its cells, shape (N,).

    Returns:
        Numbers of pixels, shape (N,).
    """
    y0, x0, y1, x1 = before.boxes[m]
    inside = before.labels[y0:y1, x0:x1] == before.ids[m]
    below = now.labels[y0:y1, x0:x1][inside]
    return np.array([np.count_nonzero(below == now.ids[i]) for i in others], np.float64)


def measures(
    before: Cells, m: int, now: Cells, pair: tuple[int, int], gone: Floats, seen_there: float
) -> dict[str, float]:
    """Return what tells whether a cell has divided into two.

    Args:
        before: The frame before the division.
        m: Index of the mother.
        now: The frame after it.
        pair: Indices of the daughters; the second one is new.
        gone: Centres of the other cells of `before` that are not in `now`, shape (N, 2).
        seen_there: Intersection over union of the box of the new daughter with that of a cell
            that was missing in `before`, if the tracker takes her for that cell; else 0.

    Returns:
        `off_centre`, squared distance of the mother from the midpoint of the daughters, in
        diameters of a disk as large as the mother or both daughters; `unlike`, absolute
        logarithm of the ratio of the areas of the daughters; `large`, logarithm of their mean
        area relative to half of a typical cell, 0 if they are smaller; `goes_on`,
        intersection over union of the mother and the daughter that is more like her, as far as
        it is above 0.4; `other_gone`, how near to the new daughter another cell is gone, from
        0 (`ALONE` diameters) to 1; and `seen_there`.
    """
    areas, places = now.areas[list(pair)], now.centres[list(pair)]
    whole = float(diameters(np.maximum(before.areas[m], areas.sum())))
    off = np.linalg.norm(places.mean(axis=0) - before.centres[m]) / whole
    shared = shared_pixels(before, m, now, np.array(pair))
    alike = float((shared / (areas + before.areas[m] - shared)).max())
    apart = np.linalg.norm(gone - places[1], axis=1) / diameters(areas.mean())
    return {
        "off_centre": float(off) ** 2,
        "unlike": float(abs(np.log(areas[0] / areas[1]))),
        "large": max(float(np.log(2 * areas.mean() / before.typical_area)), 0.0),
        "goes_on": max(alike - 0.4, 0.0),
        "other_gone": 1 - min(float(apart.min(initial=ALONE)) / ALONE, 1.0),
        "seen_there": seen_there,
    }


def probability(measured: Mapping[str, float]) -> float:
    """Return the probability of a division from its `measures`."""
    odds = INTERCEPT + sum(WEIGHTS[name] * value for name, value in measured.items())
    return float(scipy.special.expit(odds))
