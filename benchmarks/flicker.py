"""Share of cells that keep one number, with and without the repair of flicker.

usage: python -m benchmarks.flicker MOVIE [--method watershed] [--frames 10]

MOVIE holds one phase contrast image per frame (`*.tif`), and labels of each with lasting ids
(`ids_*.png`). Printed are, for cells that the reference has in all frames, how many have one
number throughout (objects are the same from an intersection over union of 0.3 on), and the
numbers given in all.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import scipy
import tifffile
from numpy.typing import NDArray
from PIL import Image

from benchmarks.methods import segmented, tracked
from pyama.algorithms.trackers.flicker import Repairs, repair_flicker
from pyama.config import ProcessingParams

Frames = Sequence[NDArray[Any]]
SAME = 0.3
"""Smallest intersection over union of an object with the cell of the reference."""


def matched(reference: NDArray[Any], labels: NDArray[Any]) -> dict[int, int]:
    """Return the number of the object of every cell of the reference that was found."""
    cells, a = np.unique(reference, return_inverse=True)
    ids, b = np.unique(labels, return_inverse=True)
    shared = np.zeros((len(cells), len(ids)))
    np.add.at(shared, (a.ravel(), b.ravel()), 1)
    union = shared.sum(axis=1)[:, None] + shared.sum(axis=0) - shared
    iou = np.where((cells[:, None] > 0) & (ids > 0), shared / union, 0)
    iou[iou < SAME] = 0
    pairs = zip(*scipy.optimize.linear_sum_assignment(-iou), strict=True)
    return {int(cells[i]): int(ids[j]) for i, j in pairs if iou[i, j]}


def line(reference: Frames, labels: Frames) -> str:
    """Return the cells that keep one number, all cells, and the numbers given."""
    found = [matched(*pair) for pair in zip(reference, labels, strict=True)]
    present = set.intersection(*(set(np.unique(frame)) for frame in reference)) - {0}
    kept = [i for i in present if i in found[0] and len({f.get(i) for f in found}) == 1]
    numbers = set().union(*(np.unique(frame).tolist() for frame in labels)) - {0}
    return f"{len(kept)} of {len(present)} cells, {len(numbers)} tracks"


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the figures before and after the repair."""
    parser = argparse.ArgumentParser(description="Tracks with and without repair of flicker.")
    parser.add_argument("movie", type=Path)
    parser.add_argument("--method", default="watershed", help="segmentation method")
    parser.add_argument("--frames", type=int, default=10, help="the first N frames")
    given = parser.parse_args(arguments)
    files = sorted(given.movie.glob("*.tif"))
    params = ProcessingParams()
    labels = segmented([tifffile.imread(file) for file in files], given.method, params)
    ids = sorted(given.movie.glob("ids_*.png"))[: given.frames]
    reference = [np.asarray(Image.open(path)) for path in ids]
    repairs = Repairs()
    repaired = list(repair_flicker(labels, repairs))
    print(repairs)
    for tracker, gap in (("iou", 0), ("iou", 1), ("mask_iou", 0)):
        own = params.replace(max_gap=gap)
        for title, frames in (("before", labels), ("repaired", repaired)):
            found = tracked(frames, tracker, own)[: len(reference)]
            print(f"{tracker}, max_gap {gap}, {title}: {line(reference, found)}")


if __name__ == "__main__":
    main()
