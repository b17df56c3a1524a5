"""Accuracy of the results, measured on a synthetic recording with ground truth.

    python -m benchmarks.accuracy [--seeds 0,1] [--size 2048] [--frames 10]

Segments, tracks, estimates the background and measures, as a run does, and compares with the
truth. Prints one block per seed.
"""

import argparse
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pyama.algorithms.background_surface import estimate
from pyama.algorithms.kernels.labels import limit_sizes
from pyama.algorithms.segmenters.logstd import segment
from pyama.algorithms.trackers.iou import track
from pyama.config import ProcessingParams
from pyama.testing.synthetic import SyntheticRecording
from pyama.testing.synthetic_truth import Truth

MIN_IOU = 0.5
"""Smallest intersection over union of two objects that count as the same."""
RIM = 128
"""Width in px of the outer part of a frame, where the background is least accurate."""


@dataclass
class Accuracy:
    """Accuracy on one recording.

    Attributes:
        f1: Detection of cells that touch nobody, over all frames.
        ids_of_true_labels: Share of cells that keep one number when the truth is tracked.
        ids_of_own_labels: The same for our labels and cells that never touch.
        births_kept: Of those, how many of the cells that appear later keep one number.
        births: How many there are.
        total_error: Median signed error of corrected totals, as a share of the noise-free sum.
        area_bias: Median of found by true area, less 1.
        mean_bias: Median of found by true mean intensity, less 1.
        rms_inside: RMS error of the background in counts, without the outer 128 px.
        rms_rim: The same in the outer 128 px.
    """

    f1: float
    ids_of_true_labels: float
    ids_of_own_labels: float
    births_kept: int
    births: int
    total_error: float
    area_bias: float
    mean_bias: float
    rms_inside: float
    rms_rim: float


def measure(recording: SyntheticRecording) -> Accuracy:
    """Compare the results of the first field of view with its ground truth."""
    truth = recording.truth(0)
    params = ProcessingParams()
    found = [_labels(recording.frame(0, t)[0], params) for t in range(len(truth.labels))]
    partners = [_partners(truth, t, labels) for t, labels in enumerate(found)]
    errors, areas, means, inside, rim = [], [], [], [], []
    for t, labels in enumerate(found):
        counts = recording.frame(0, t)[1]
        level = estimate(counts, labels > 0, params).background.astype(np.float64)
        difference = level - truth.backgrounds[0]
        middle = np.zeros(difference.shape, bool)
        middle[RIM:-RIM, RIM:-RIM] = True
        inside.append(_rms(difference[middle]))
        rim.append(_rms(difference[~middle]))
        sums = np.bincount(labels.ravel(), (counts - level).ravel())
        sizes = np.bincount(labels.ravel())
        alone = truth.present[:, t] & ~truth.touching[:, t] & ~truth.at_border[:, t]
        for i in np.flatnonzero(alone & (partners[t] > 0)):
            number, total = partners[t][i], truth.totals[i, t, 0]
            area = truth.areas[i, t]
            errors.append(sums[number] / total - 1)
            areas.append(sizes[number] / area - 1)
            means.append(sums[number] / sizes[number] / (total / area) - 1)
    true_ids, _, _ = _ids(truth, truth.labels, params, np.ones(truth.n_cells, bool))
    own_ids, births_kept, births = _ids(truth, found, params, truth.never_touching)
    return Accuracy(
        f1=_f1(truth, found, partners),
        ids_of_true_labels=true_ids,
        ids_of_own_labels=own_ids,
        births_kept=births_kept,
        births=births,
        total_error=float(np.median(errors)),
        area_bias=float(np.median(areas)),
        mean_bias=float(np.median(means)),
        rms_inside=float(np.mean(inside)),
        rms_rim=float(np.mean(rim)),
    )


def _labels(frame: NDArray[np.uint16], params: ProcessingParams) -> NDArray[np.uint16]:
    limits = params.min_object_size, params.max_object_size
    return limit_sizes(segment(frame, params), *limits)[0]


def _partners(truth: Truth, t: int, labels: NDArray[np.uint16]) -> NDArray[np.int64]:
    """Return for every true cell the label that is the same object, 0 for none, shape (N,)."""
    n = int(labels.max()) + 1
    pairs = truth.labels[t].astype(np.int64) * n + labels
    shared = np.bincount(pairs.ravel(), minlength=(truth.n_cells + 1) * n).reshape(-1, n)
    true_areas, areas = shared.sum(axis=1), shared.sum(axis=0)
    iou = shared / np.maximum(1, true_areas[:, None] + areas - shared)
    iou[:, 0] = 0
    best = iou[1:].argmax(axis=1)
    return np.where(iou[1:].max(axis=1) >= MIN_IOU, best, 0)


def _f1(
    truth: Truth, found: list[NDArray[np.uint16]], partners: list[NDArray[np.int64]]
) -> float:
    """Compute F1 of cells that touch no other cell, without objects of touching cells."""
    hits = misses = extra = 0
    for t, labels in enumerate(found):
        alone = truth.present[:, t] & ~truth.touching[:, t]
        hits += int(np.count_nonzero(partners[t][alone]))
        misses += int(np.count_nonzero(partners[t][alone] == 0))
        touching = np.isin(truth.labels[t], np.flatnonzero(truth.touching[:, t]) + 1)
        numbers = set(np.unique(labels).tolist()) - {0}
        numbers -= set(np.unique(labels[touching]).tolist())
        extra += len(numbers - set(partners[t][alone].tolist()))
    return 2 * hits / max(1, 2 * hits + misses + extra)


def _ids(
    truth: Truth,
    labels: NDArray[np.uint16] | list[NDArray[np.uint16]],
    params: ProcessingParams,
    counted: NDArray[np.bool_],
) -> tuple[float, int, int]:
    """Return the fraction of cells with one number, births with one number, and births."""
    tracked = list(track(iter(labels), params))
    numbers = np.stack([_partners(truth, t, cells) for t, cells in enumerate(tracked)], axis=1)
    kept = [
        len(set(row[here].tolist())) == 1 and row[here].min() > 0
        for row, here in zip(numbers, truth.present, strict=True)
    ]
    long = counted & (truth.present.sum(axis=1) > 1)
    born = long & (truth.first_frames > 0)
    good = np.array(kept)
    return float(good[long].mean()), int(good[born].sum()), int(born.sum())


def _rms(values: NDArray[np.float64]) -> float:
    return float(np.sqrt(np.mean(values**2)))


def main() -> None:
    """Print the accuracy for every seed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", default="0,1")
    parser.add_argument("--size", type=int, default=2048)
    parser.add_argument("--frames", type=int, default=10)
    options = parser.parse_args()
    for seed in map(int, options.seeds.split(",")):
        shape = (options.size, options.size)
        result = measure(SyntheticRecording(seed=seed, shape=shape, n_frames=options.frames))
        print(f"seed {seed}, {options.frames} frames of {options.size} x {options.size} px")
        print(f"  detection F1, cells that touch nobody   {result.f1:.3f}")
        print(f"  one id kept, true labels                {result.ids_of_true_labels:.3f}")
        print(f"  one id kept, own labels, never touching {result.ids_of_own_labels:.3f}")
        print(
            f"  of these born later                     {result.births_kept}/{result.births}"
        )
        print(f"  median signed error of totals           {result.total_error:+.2%}")
        print(f"  area bias                               {result.area_bias:+.1%}")
        print(f"  bias of the mean                        {result.mean_bias:+.1%}")
        print(
            f"  background RMS, inside / outer 128 px   "
            f"{result.rms_inside:.2f} / {result.rms_rim:.2f} counts"
        )


if __name__ == "__main__":
    main()
