"""Mother links and tracks of the trackers with divisions on annotated cells, beside LapTrack.

usage: python -m benchmarks.divisions FOLDER [--frames A-B] [--every N] [--fit]

FOLDER holds `mask000.tif`, `mask001.tif`, … with consistent ids and `res_track.txt` (lines
`id first last parent`). The ids are shuffled in every frame, tracked, and compared with the
annotation:

* recall, precision: of the pairs of a mother and a daughter, of all divisions with two
  annotated daughters
* kept, lost: annotated cells that have one number in all their frames; how many of those that
  the tracker alone keeps have two
* LNK, TRA: Matula et al. (2015), https://doi.org/10.1371/journal.pone.0144959, if the package
  py-ctcmetrics is installed

`--fit` prints the weights of the rule that finds divisions, see `benchmarks.division_weights`.
"""

import argparse
import contextlib
import io
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import tifffile

from benchmarks.division_weights import Frames, fit, numbers_in
from benchmarks.tracking_hela import shuffled, table, write
from pyama.algorithms.kernels.array_types import Labels
from pyama.algorithms.params import KalmanParams, TrackingParams
from pyama.algorithms.trackers.divisions import renumber_daughters
from pyama.algorithms.trackers.iou import track, track_masks
from pyama.algorithms.trackers.kalman import track as track_by_prediction
from pyama.processing.external.linking import Link, number_cells, observe, typical_diameter

Found = list[tuple[Labels, dict[int, int]]]
"""Labels of every frame, and the mothers of the daughters that are new in it."""
METHODS: dict[str, tuple[Callable[..., Iterator[Labels]], TrackingParams]] = {
    "iou": (track, TrackingParams()),
    "iou, max_gap 2": (track, TrackingParams(max_gap=2)),
    "mask_iou": (track_masks, TrackingParams()),
    "kalman": (track_by_prediction, KalmanParams()),
    "kalman, max_gap 2": (track_by_prediction, KalmanParams(max_gap=2)),
}


def annotation(folder: Path) -> tuple[list[Labels], dict[int, int]]:
    """Return the labels of all frames, and the mothers of all cells that have one."""
    frames = [tifffile.imread(path) for path in sorted(folder.glob("mask*.tif"))]
    lines = np.loadtxt(folder / "res_track.txt", int, ndmin=2)
    return frames, {int(i): int(parent) for i, _, _, parent in lines if parent}


def scores(truth: Frames, parents: Mapping[int, int], found: Found, alone: Frames) -> str:
    """Return one line of the table.

    Args:
        truth: Annotated labels.
        parents: Mothers by their daughters.
        found: What is judged.
        alone: What the tracker gives without divisions.
    """
    links = _annotated_links(truth, parents)
    got = _found_links(truth, found)
    hits = len(links & got)
    kept = _kept([labels for labels, _ in found], truth)
    lost = len(_kept(alone, truth) - kept)
    shares = f"{hits / max(len(links), 1):7.3f}{hits / max(len(got), 1):11.3f}"
    return f"{shares}{len(kept):6}{lost:6}" + _challenge(truth, parents, found)


def _annotated_links(
    truth: Frames, parents: Mapping[int, int]
) -> set[tuple[int, int | None, int | None]]:
    """Return (first frame of the daughter, mother, daughter) of all complete divisions."""
    first = {i: start for i, start, _, _ in table(list(truth), {})}
    daughters = defaultdict(list)
    for daughter, mother in parents.items():
        daughters[mother].append(daughter)
    return {
        (first[d], mother, d)
        for mother, own in daughters.items()
        for d in own
        if len(own) > 1 and mother in first and first.get(d, 0) > 0
    }


def _found_links(truth: Frames, found: Found) -> set[tuple[int, int | None, int | None]]:
    """Return the same of what was found, by annotated ids."""
    last_seen: dict[int, int] = {}
    links = set()
    for t, (frame, (labels, mothers)) in enumerate(zip(truth, found, strict=True)):
        ids = numbers_in(labels, frame)
        links |= {(t, last_seen.get(m), ids.get(d)) for d, m in mothers.items()}
        last_seen |= ids
    return links


def _kept(labels: Frames, truth: Frames) -> set[int]:
    """Return the annotated cells with one number in all their frames."""
    numbers = defaultdict(set)
    for frame, found in zip(truth, labels, strict=True):
        for cell, number in numbers_in(frame, found).items():
            numbers[cell].add(number)
    return {cell for cell, own in numbers.items() if len(own) == 1}


def _challenge(truth: Frames, parents: Mapping[int, int], found: Found) -> str:
    """Return LNK and TRA; empty without the package that computes them."""
    try:
        from ctc_metrics.scripts.evaluate import evaluate_sequence
    except ImportError:
        return ""
    labels, mothers = _without_gaps(found)
    present = {i for i, *_ in table(list(truth), {})}
    known = {d: m for d, m in parents.items() if {d, m} <= present}
    with TemporaryDirectory() as name, contextlib.redirect_stdout(io.StringIO()):
        write(Path(name) / "gt" / "TRA", "man_track", truth, known)
        write(Path(name) / "res", "mask", labels, mothers)
        rated = evaluate_sequence(
            f"{name}/res", f"{name}/gt", metrics=["TRA", "LNK"], threads=1
        )
    return f"{rated['LNK']:9.5f}{rated['TRA']:9.5f}"


def _without_gaps(found: Found) -> tuple[list[Labels], dict[int, int]]:
    """Return labels and mothers with a new number after every gap, whose mother is the old.

    The challenge describes tracks with gaps in this way.
    """
    mothers: dict[int, int] = {}
    now: dict[int, int] = {}
    last: dict[int, int] = {}
    newest, frames = 0, []
    for t, (labels, new) in enumerate(found):
        lookup = np.zeros(int(labels.max(initial=0)) + 1, np.uint16)
        for cell in np.unique(labels[labels > 0]).tolist():
            if last.get(cell, -1) < t - 1 or cell not in now:
                newest += 1
                earlier = now.get(cell) or now.get(new.get(cell, 0))
                mothers |= {newest: earlier} if earlier else {}
                now[cell] = newest
            last[cell], lookup[cell] = t, now[cell]
        frames.append(lookup[labels])
    return frames, mothers


def compare(truth: Frames, parents: Mapping[int, int]) -> None:
    """Print the scores of all trackers with divisions, and of LapTrack."""
    print(f"{'':28}{'recall':>7}{'precision':>11}{'kept':>6}{'lost':>6}{'LNK':>9}{'TRA':>9}")
    rng = np.random.default_rng(0)
    given = [shuffled(frame, rng) for frame in truth]
    for name, (tracker, params) in METHODS.items():
        alone = list(tracker(given, params))
        print(f"{name:28}{scores(truth, parents, list(renumber_daughters(alone)), alone)}")
    for reach in (1.0, 1.5):
        for gap in (0, 2):
            found = tracked_by_laptrack(given, reach, gap)
            alone = [labels for labels, _ in found]
            title = f"laptrack, {reach} diameters, gap {gap}"
            print(f"{title:28}{scores(truth, parents, found, alone)}")


def tracked_by_laptrack(given: Frames, reach: float, max_gap: int) -> Found:
    """Track with LapTrack and its own search for divisions.

    Args:
        given: Labels of all frames.
        reach: Largest distance of a cell from where it was, and of daughters from their
            mother, in diameters of a typical cell.
        max_gap: Largest number of frames in which a cell may be missing.
    """
    from laptrack import LapTrack

    objects, centres = observe(given, TrackingParams())
    cutoff = (reach * typical_diameter(objects)) ** 2
    tracker = LapTrack(
        cutoff=cutoff,
        gap_closing_cutoff=cutoff if max_gap else False,
        gap_closing_max_frame_count=1 + max_gap,
        splitting_cutoff=cutoff,
        merging_cutoff=False,
    )
    later = defaultdict(list)
    for (a, b), (c, d) in tracker.predict(list(centres)).edges:
        later[int(a), int(b)].append((int(c), int(d)))
    links: list[Link] = [(a, own[0]) for a, own in later.items() if len(own) == 1]
    labels = list(number_cells(given, objects, links))
    numbers = [numbers_in(frame, found) for frame, found in zip(given, labels, strict=True)]
    mothers: list[dict[int, int]] = [{} for _ in labels]
    for (t, i), own in later.items():
        for u, k in own if len(own) > 1 else ():
            mother = numbers[t][int(objects[t].ids[i])]
            mothers[u][numbers[u][int(objects[u].ids[k])]] = mother
    return list(zip(labels, mothers, strict=True))


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the scores, or fit the weights."""
    parser = argparse.ArgumentParser(description="Divisions on annotated cells.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--frames", default="0-", help="first and last frame, such as 0-22")
    parser.add_argument("--every", type=int, default=1, help="only every Nth frame")
    parser.add_argument("--fit", action="store_true", help="fit the weights")
    given = parser.parse_args(arguments)
    frames, parents = annotation(given.folder)
    first, _, last = given.frames.partition("-")
    chosen = frames[int(first) : int(last) + 1 if last else None : given.every]
    print(f"{len(chosen)} frames")
    (fit if given.fit else compare)(chosen, parents)


if __name__ == "__main__":
    main()
