"""The weights of the rule that finds divisions, by logistic regression on annotated cells.

`python -m benchmarks.divisions FOLDER --fit` prints them; they stand in
`pyama.algorithms.trackers.division_evidence`.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import scipy
from numpy.typing import NDArray

from benchmarks.tracking_hela import shuffled, table
from pyama.algorithms.kernels.array_types import Labels
from pyama.algorithms.kernels.labels import label_runs
from pyama.algorithms.params import TrackingParams
from pyama.algorithms.trackers.division_evidence import WEIGHTS, measure_cells
from pyama.algorithms.trackers.divisions import Candidate, History, candidates, give_numbers
from pyama.algorithms.trackers.iou import track
from pyama.testing.synthetic import SyntheticRecording

Frames = Sequence[Labels]
PENALTY = 0.002
"""Weight of the squares of the weights, of measures in units of their deviations, relative to
the mean cost of an example."""


def numbers_in(frame: Labels, other: Labels) -> dict[int, int]:
    """Return the number in `other` of every object of `frame`."""
    inside = frame > 0
    return dict(zip(frame[inside].tolist(), other[inside].tolist(), strict=True))


def examples(
    truth: Frames, parents: Mapping[int, int], params: TrackingParams, orphans: bool
) -> Iterator[tuple[Candidate, bool]]:
    """Yield all candidates of a movie, and whether they are annotated as divisions.

    Args:
        truth: Annotated labels.
        parents: Mothers by their daughters.
        params: Of the tracker.
        orphans: Whether the annotation may lack the mothers of cells that appear. Candidates
            with such a cell are left out, unless one of the daughters is like the mother.
    """
    first = {i: start for i, start, _, _ in table(list(truth), {})}
    rng = np.random.default_rng(0)
    given = [shuffled(frame, rng) for frame in truth]
    history, before, ids_before = History(), None, dict[int, int]()
    for frame, labels in zip(truth, track(given, params), strict=True):
        now = measure_cells(labels, label_runs(labels, "examples"))
        ids = numbers_in(labels, frame)
        for candidate in candidates(before, now, history) if before else ():
            assert before is not None
            mother = ids_before[int(before.ids[candidate.mother])]
            pair = [ids[int(now.ids[i])] for i in candidate.daughters]
            divides = all(parents.get(cell) == mother for cell in pair)
            unknown = any(first[cell] > 0 and cell not in parents for cell in pair)
            if divides or not (orphans and unknown and candidate.measured["goes_on"] < 0.2):
                yield candidate, divides
        give_numbers(history, now, {})
        before, ids_before = now, ids


def fit(truth: Frames, parents: Mapping[int, int]) -> None:
    """Print the weights of the measures and the intercept.

    The examples are the annotated frames, also every second to fourth of them, with and
    without gaps, also with 5 % of the objects removed; and drawn recordings of three sizes of
    cells, which count as much in all.
    """
    rows = [(row, y, 1 / n) for n, row, y in _annotated_examples(truth, parents)]
    drawn = [(row, y, 1.0) for row, y in _drawn_examples()]
    balance = sum(w for *_, w in rows) / len(drawn)
    rows += [(row, y, balance) for row, y, _ in drawn]
    x, y, w = (np.array(column, np.float64) for column in zip(*rows, strict=True))
    scale = x.std(axis=0)
    z, w = x / scale, w / w.sum()

    def cost(b: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        odds = b[0] + z @ b[1:]
        off = w * (scipy.special.expit(odds) - y)
        value = float((w * (np.logaddexp(0, odds) - y * odds)).sum() + PENALTY * b[1:] @ b[1:])
        return value, np.array([off.sum(), *(z.T @ off + 2 * PENALTY * b[1:])])

    bounds = [(None, None), *[(None, 0)] * len(WEIGHTS)]  # no measure speaks for a division
    start = np.zeros(1 + len(WEIGHTS))
    best = scipy.optimize.minimize(cost, start, jac=True, bounds=bounds).x
    print(f"{len(rows)} examples, {int(y.sum())} of divisions")
    print(f"intercept {best[0]:.1f}")
    for name, weight in zip(WEIGHTS, best[1:] / scale, strict=True):
        print(f"{name} {weight:.1f}")


def _annotated_examples(
    truth: Frames, parents: Mapping[int, int]
) -> Iterator[tuple[int, list[float], bool]]:
    for every in (1, 2, 3, 4):
        for start in range(every):
            movie = truth[start::every]
            for frames, gap in ((movie, 0), (movie, 2), (_without_some(movie), 2)):
                params = TrackingParams(max_gap=gap)
                for candidate, divides in examples(frames, parents, params, orphans=True):
                    yield every, list(candidate.measured.values()), divides


def _without_some(frames: Frames, fraction: float = 0.05) -> list[Labels]:
    rng = np.random.default_rng(0)
    rest = [frames[0]]
    for frame in frames[1:]:
        ids = np.unique(frame)
        rest.append(np.where(np.isin(frame, ids[rng.random(len(ids)) < fraction]), 0, frame))
    return rest


def _drawn_examples() -> Iterator[tuple[list[float], bool]]:
    for radius, side, cells in ((8, 400, 40), (22, 800, 50), (46, 1200, 25)):
        for speed in (0.1, 0.4):
            options: dict[str, Any] = {
                "radius_px": (0.75 * radius, 1.25 * radius),
                "speed_px": speed * radius,
            }
            truth = SyntheticRecording(
                n_frames=20,
                seed=10,
                shape=(side, side),
                n_cells=cells,
                division_rate=0.04,
                turnover_rate=0.06,
                touching_fraction=0.3,
                n_fl=0,
                **options,
            ).truth(0)
            parents = {i + 1: int(mother) for i, mother in enumerate(truth.parents) if mother}
            for every in (1, 2):
                movie = list(truth.labels[::every])
                params = TrackingParams()
                for candidate, divides in examples(movie, parents, params, orphans=False):
                    yield list(candidate.measured.values()), divides
