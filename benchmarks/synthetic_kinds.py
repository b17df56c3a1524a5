"""Accuracy of segmentation methods on six kinds of cells that nothing was trained on.

usage: python -m benchmarks.synthetic_kinds [--fields N] [--methods a,b] [--pictures FOLDER]

Draws fields of `pyama.testing.phase_contrast`, segments them, and prints the F1 score of the
objects (intersection over union of a half or more) of all fields of a kind together. Every
method gets frames that were resized to cells of 70 px, for which its parameters are meant. All
random numbers come from seeds that begin with `SEED`: training takes others.
"""

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from numpy.typing import NDArray

from pyama.algorithms.kernels.labels import limit_sizes
from pyama.algorithms.params import own_params
from pyama.config import ProcessingParams
from pyama.processing.methods import SEGMENTERS
from pyama.testing.phase_contrast import draw_field

SEED = 18
"""First number of all seeds of the judged fields."""
JUDGED = {
    "round": 40.0,
    "spread": 70.0,
    "elongated": 60.0,
    "dense": 35.0,
    "rods": 20.0,
    "large": 200.0,
}
"""Kinds and their widths in px, as 2 * sqrt(area / pi): rods of 20 px are some 10 px thick."""
USUAL_PX = 70.0
"""Width of cells for which parameters in pixels are meant."""
MIN_IOU = 0.5

Labels = NDArray[np.integer[Any]]


def judged_fields(
    kind: str, n: int
) -> Iterator[tuple[NDArray[np.uint16], NDArray[np.uint16]]]:
    """Draw fields with at least three cells: frames and true labels."""
    width = JUDGED[kind]
    side = int(np.clip(8 * width, 320, 1000))
    number, drawn = 1 + list(JUDGED).index(kind), 0
    for i in range(1, 1 + 100 * n):
        rng = np.random.default_rng([SEED, number, i])
        frame, labels = draw_field(kind, (side, side), width, rng)
        if labels.max() >= 3:
            yield frame, labels
            drawn += 1
        if drawn == n:
            return


def segment(method: str, frame: NDArray[np.uint16], width: float) -> Labels:
    """Return the labels that a method finds in a frame with cells of a width in px."""
    params, scale = ProcessingParams(), USUAL_PX / width
    own = own_params(method, SEGMENTERS[method], params)
    found = SEGMENTERS[method](_resized(frame, scale), own)
    labels: Labels = limit_sizes(found, params.min_object_size, params.max_object_size)[0]
    rows, columns = (
        np.minimum(((np.arange(n) + 0.5) * scale).astype(int), m - 1)
        for n, m in zip(frame.shape, labels.shape, strict=True)
    )
    return labels[rows[:, None], columns]


def _resized(frame: NDArray[np.uint16], scale: float) -> NDArray[np.uint16]:
    from scipy import ndimage

    smooth = frame.astype(np.float32)
    if scale < 1:
        smooth = ndimage.gaussian_filter(smooth, 0.4 / scale)
    zoomed = ndimage.zoom(smooth, scale, order=1, grid_mode=True, mode="nearest")
    return np.clip(np.rint(zoomed), 0, 65535).astype(np.uint16)


def count_matches(found: Labels, reference: Labels) -> NDArray[np.int64]:
    """Return the numbers of matches, found objects and true objects."""
    pairs, shared = np.unique(
        np.stack([found.ravel(), reference.ravel()]), axis=1, return_counts=True
    )
    areas = [np.bincount(labels.ravel()) for labels in (found, reference)]
    union = areas[0][pairs[0]] + areas[1][pairs[1]] - shared
    inside = (pairs > 0).all(axis=0)
    matches = np.count_nonzero(inside & (shared > MIN_IOU * union))
    return np.array([matches, *(np.count_nonzero(area[1:]) for area in areas)])


def f1(counts: NDArray[np.int64]) -> float:
    """Return the F1 score of summed `count_matches`."""
    return float(2 * counts[0] / max(1, counts[1] + counts[2]))


def compare(methods: Sequence[str], n: int, pictures: Path | None) -> None:
    """Print one line per kind."""
    print(f"{'kind':12}{'width':>7}{'cells':>7}" + "".join(f"{m:>12}" for m in methods))
    for kind, width in JUDGED.items():
        totals = {method: np.zeros(3, np.int64) for method in methods}
        for i, (frame, labels) in enumerate(judged_fields(kind, n)):
            found = {method: segment(method, frame, width) for method in methods}
            for method in methods:
                totals[method] += count_matches(found[method], labels)
            if pictures:
                planes = [frame, labels, *(f.astype(np.uint16) for f in found.values())]
                tifffile.imwrite(pictures / f"{kind}_{i}.tif", np.stack(planes))
        cells = next(iter(totals.values()))[2]
        scores = "".join(f"{f1(total):12.3f}" for total in totals.values())
        print(f"{kind:12}{width:7.0f}{cells:7}{scores}", flush=True)


def main(arguments: Sequence[str] | None = None) -> None:
    """Draw the fields and print the table."""
    parser = argparse.ArgumentParser(description="Compare methods on six kinds of cells.")
    parser.add_argument("--fields", type=int, default=6, help="per kind")
    own = [name for name in ("logstd", "watershed", "unet") if name in SEGMENTERS]
    parser.add_argument("--methods", default=",".join(own))
    parser.add_argument(
        "--pictures", type=Path, help="folder for TIFFs of frame, truth, results"
    )
    given = parser.parse_args(arguments)
    compare(given.methods.split(","), given.fields, given.pictures)


if __name__ == "__main__":
    main()
