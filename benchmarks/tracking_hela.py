"""Scores of the trackers on annotated cells, with measures of the Cell Tracking Challenge.

usage: python benchmarks/tracking_hela.py FOLDER

FOLDER holds `mask000.tif`, `mask001.tif`, … with consistent ids and `res_track.txt` (lines
`id first last parent`). The ids are shuffled in every frame, tracked, and compared with the
annotation. Divisions are part of the annotation; the trackers do not look for them.

TRA and LNK: Matula et al. (2015), https://doi.org/10.1371/journal.pone.0144959.
"""

import contextlib
import io
import sys
from collections.abc import Iterable
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import tifffile
from ctc_metrics.scripts.evaluate import evaluate_sequence

from pyama.algorithms.kernels.array_types import Labels
from pyama.algorithms.params import TrackingParams
from pyama.algorithms.trackers.iou import track, track_masks

TRACKERS = {"iou": track, "mask_iou": track_masks}


def shuffled(frame: Labels, rng: np.random.Generator) -> Labels:
    """Number the objects of a frame at random."""
    ids = np.unique(frame[frame > 0])
    lookup = np.zeros(int(frame.max()) + 1, np.uint16)
    lookup[ids] = rng.permutation(len(ids)) + 1
    return lookup[frame]


def table(frames: list[Labels], parents: dict[int, int]) -> list[tuple[int, int, int, int]]:
    """Return the lines `id first last parent` of a movie."""
    present: dict[int, list[int]] = {}
    for t, frame in enumerate(frames):
        for i in np.unique(frame[frame > 0]):
            present.setdefault(int(i), []).append(t)
    return [(i, seen[0], seen[-1], parents.get(i, 0)) for i, seen in present.items()]


def write(folder: Path, kind: str, frames: Iterable[Labels], parents: dict[int, int]) -> None:
    """Write a movie in the layout of the challenge; `kind` is `man_track` or `mask`."""
    folder.mkdir(parents=True)
    movie = list(frames)
    for t, frame in enumerate(movie):
        tifffile.imwrite(folder / f"{kind}{t:03}.tif", frame.astype(np.uint16))
    name = "man_track.txt" if kind == "man_track" else "res_track.txt"
    lines = sorted(table(movie, parents))
    (folder / name).write_text("".join(f"{' '.join(map(str, line))}\n" for line in lines))


def scores(truth: list[Labels], parents: dict[int, int], method: str) -> dict[str, float]:
    """Return TRA and LNK of one tracker on shuffled labels."""
    rng = np.random.default_rng(0)
    tracked = TRACKERS[method]([shuffled(frame, rng) for frame in truth], TrackingParams())
    with TemporaryDirectory() as name, contextlib.redirect_stdout(io.StringIO()):
        write(Path(name) / "gt" / "TRA", "man_track", truth, parents)
        write(Path(name) / "res", "mask", tracked, {})
        found = evaluate_sequence(
            f"{name}/res", f"{name}/gt", metrics=["Valid", "TRA", "LNK"], threads=1
        )
    return {key: found[key] for key in ("Valid", "TRA", "LNK")}


def main(folder: Path) -> None:
    """Print the scores of all trackers."""
    truth = [tifffile.imread(path) for path in sorted(folder.glob("mask*.tif"))]
    lines = np.loadtxt(folder / "res_track.txt", int, ndmin=2)
    parents = {int(i): int(parent) for i, _, _, parent in lines if parent}
    print(f"{len(truth)} frames, {len(table(truth, {}))} tracks")
    for method in TRACKERS:
        found = scores(truth, parents, method)
        print(method, *(f"{key} {value:.5f}" for key, value in found.items()))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
