"""Completeness of tracks for all segmentation and tracking methods on a real movie.

usage: python -m benchmarks.methods FOLDER [--frames N]

FOLDER holds one phase contrast image per frame, in the order of their names. Printed is, for
every pair of methods:

* objects: mean number of objects per frame
* ids: numbers given in the whole movie
* full: ids that are there in every frame
* fragments: ids by objects per frame; 1 is one id per cell, for cells that stay
* short: ids seen in at most two frames

No annotation is needed: a perfect pair has few ids, most of them full. Methods whose package,
weights or files are not there are named with the reason.
"""

import argparse
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from numpy.typing import NDArray

from pyama.algorithms.kernels.labels import limit_sizes
from pyama.algorithms.params import own_params
from pyama.algorithms.trackers.divisions import renumber_daughters
from pyama.algorithms.trackers.flicker import Repairs, repair_flicker
from pyama.config import ProcessingParams
from pyama.errors import PyamaError
from pyama.processing.methods import SEGMENTERS, TRACKERS

Frames = Sequence[NDArray[Any]]
VARIANTS = {
    "limit 10000 px2": {},
    "no limit": {"max_object_size": None},
}


def segmented(frames: Frames, method: str, params: ProcessingParams) -> list[NDArray[Any]]:
    """Return the labels of all frames, with limits of size as in a run."""
    own = own_params(method, SEGMENTERS[method], params)
    found = (SEGMENTERS[method](frame, own) for frame in frames)
    limits = params.min_object_size, params.max_object_size
    return [limit_sizes(labels, *limits)[0] for labels in found]


def tracked(labels: Frames, method: str, params: ProcessingParams) -> list[NDArray[Any]]:
    """Return tracked labels; divisions are detected if `params` select it."""
    own = own_params(method, TRACKERS[method], params)
    if params.repair_flicker:
        labels = list(repair_flicker(labels, Repairs()))
    found = TRACKERS[method](labels, own)
    return (
        [frame for frame, _ in renumber_daughters(found)] if params.divisions else list(found)
    )


def wholeness(frames: Frames) -> dict[str, float]:
    """Return the completeness of the tracks of a movie; see the top of this file."""
    present = [np.unique(frame[frame > 0]) for frame in frames]
    _, counts = np.unique(np.concatenate([np.empty(0), *present]), return_counts=True)
    objects = float(np.mean([len(ids) for ids in present])) if present else 0.0
    return {
        "objects": objects,
        "ids": len(counts),
        "full": int(np.count_nonzero(counts == len(frames))),
        "fragments": len(counts) / objects if objects else float("nan"),
        "short": int(np.count_nonzero(counts <= 2)),
    }


def compare(frames: Frames) -> None:
    """Print one line for every pair of methods."""
    head = f"{'segmentation':34}{'tracking':26}{'objects':>8}{'ids':>6}{'full':>6}"
    print(f"{head}{'fragments':>11}{'short':>7}{'ms/frame':>10}")
    for segmenter in SEGMENTERS:
        for limit, change in VARIANTS.items():
            params = ProcessingParams(**change)
            try:
                labels = segmented(frames, segmenter, params)
            except PyamaError as error:
                print(f"{segmenter}: not run. {error}")
                break
            for tracker in TRACKERS:
                _compare_tracking(f"{segmenter}, {limit}", labels, tracker, params)


def _compare_tracking(
    segmentation: str, labels: Frames, tracker: str, params: ProcessingParams
) -> None:
    for title, change in (
        ("", {}),
        (", gap 1", {"max_gap": 1}),
        (", divisions", {"divisions": True}),
        (", flicker repaired", {"repair_flicker": True}),
    ):
        started = time.perf_counter()
        try:
            found = wholeness(tracked(labels, tracker, params.replace(**change)))
        except PyamaError as error:
            print(f"{segmentation:34}{tracker}: not run. {error}")
            return
        spent = (time.perf_counter() - started) / len(labels) * 1000
        numbers = f"{found['objects']:8.1f}{found['ids']:6}{found['full']:6}"
        print(
            f"{segmentation:34}{tracker + title:26}{numbers}"
            f"{found['fragments']:11.2f}{found['short']:7}{spent:10.1f}"
        )


def main(arguments: Sequence[str] | None = None) -> None:
    """Read the movie and print the table."""
    parser = argparse.ArgumentParser(description="Compare methods on a movie.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--frames", type=int, default=None, help="only the first N frames")
    given = parser.parse_args(arguments)
    files = sorted(given.folder.glob("*.tif"))[: given.frames]
    compare([np.asarray(tifffile.imread(file)) for file in files])


if __name__ == "__main__":
    main()
