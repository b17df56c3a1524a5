"""Tracking of fast cells: the position of every cell is predicted before the matching.

Every cell has a Kalman filter (Kalman, 1960, https://doi.org/10.1115/1.3662552) with position
and velocity as its state: the velocity is constant up to a random acceleration. Objects are
matched with the cells that are most probably there: the sum of log-likelihoods is maximised as
in Reid (1979), https://doi.org/10.1109/TAC.1979.1102177, for one frame at a time.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np
import scipy
from numpy.typing import NDArray

from pyama.algorithms.kernels.array_types import Labels
from pyama.algorithms.kernels.assignment import ALONE, Pairs, heaviest_matching
from pyama.algorithms.kernels.labels import Regions, label_runs, regions_of, renumber
from pyama.algorithms.params import KalmanParams
from pyama.algorithms.trackers.numbering import cell_numbers, diameters, within_limits
from pyama.registry import parameters

SEEN_WITHIN = 0.1
"""Standard deviation of the centre of a box from the position of its cell, in diameters."""
LIKE_IN_SIZE = 0.4
"""Standard deviation of the change of the logarithm of the area of a cell."""
GATE = 4.0
"""Largest distance of a cell from its prediction, in standard deviations."""

Floats = NDArray[np.float64]
T = TypeVar("T")


@dataclass(frozen=True)
class _Moving:
    """Cells that may be found again, by ascending id. Lengths in px, times in frames.

    Both axes have the same covariance of position and velocity, shape (N, 2, 2).
    """

    ids: NDArray[np.int64]
    places: Floats
    speeds: Floats
    spread: Floats
    areas: Floats
    missed: NDArray[np.int64]

    def __getitem__(self, chosen: NDArray[np.bool_] | NDArray[np.intp]) -> "_Moving":
        return _Moving(*(getattr(self, name)[chosen] for name in self.__dataclass_fields__))


@parameters(KalmanParams)
def track(frames: Iterable[Labels], params: KalmanParams) -> Iterator[Labels]:
    """Renumber labels so that a cell keeps its number through time, also if it moves fast.

    No overlap is needed: a cell is searched for at its predicted position. The velocity is not
    known in the first frames of a cell; then the nearest objects of its size up to `max_step`
    diameters away are candidates. A cell that is missing for up to `max_gap` frames keeps its
    velocity; after that its number is not used again.

    Args:
        frames: Labels of successive frames, each (H, W), numbered frame by frame, at equal
            intervals of time.
        params: See `KalmanParams`. Objects outside `min_size` and `max_size` become 0.

    Yields:
        Labels of the same frames: 0 is background, 1..N are cells. New cells are numbered
        in the order of their labels; a number is never used again. uint16, and uint32 from
        the frame on in which the first number above 65535 appears.

    Raises:
        ArrayError: A frame is not two-dimensional, or neither uint16 nor uint32.
    """
    known, newest = _no_cells(), 0
    split = (label_runs(labels, "track") for labels in frames)
    measured = ((runs, within_limits(regions_of(runs), params)) for runs in split)
    for (runs, found), after in _with_next(measured):
        here = _seen(found)
        ahead = _no_objects() if after is None else _seen(after[1])
        expected = _moved(known, params.acceleration)
        partner = _partners(expected, here, ahead, params)
        ids, newest = cell_numbers(known.ids, partner, newest)
        known = _remembered(expected, here, partner, ids, params)
        yield renumber(runs, found.ids, ids, newest)


def _with_next(items: Iterable[T]) -> Iterator[tuple[T, T | None]]:
    """Yield each item with the next one; None after the last."""
    before: T | None = None
    for item in items:
        if before is not None:
            yield before, item
        before = item
    if before is not None:
        yield before, None


def _no_cells() -> _Moving:
    none, no_place = np.empty(0, np.int64), np.empty((0, 2))
    return _Moving(none, no_place, no_place, np.empty((0, 2, 2)), np.empty(0), none)


@dataclass(frozen=True)
class _Seen:
    """Objects of one frame."""

    places: Floats
    areas: Floats

    def __getitem__(self, chosen: NDArray[np.bool_] | NDArray[np.intp]) -> "_Seen":
        return _Seen(self.places[chosen], self.areas[chosen])

    @property
    def noise(self) -> Floats:
        """Variance of the position along one axis, px²."""
        return np.asarray((SEEN_WITHIN * diameters(self.areas)) ** 2)


def _seen(found: Regions) -> _Seen:
    boxes = found.boxes.astype(np.float64)
    return _Seen((boxes[:, :2] + boxes[:, 2:]) / 2, found.areas.astype(np.float64))


def _no_objects() -> _Seen:
    return _Seen(np.empty((0, 2)), np.empty(0))


def _moved(known: _Moving, acceleration: float) -> _Moving:
    """Return the cells one frame later: most probable positions and their covariances."""
    step = np.array([[1.0, 1.0], [0.0, 1.0]])
    push = np.array([[0.25, 0.5], [0.5, 1.0]])  # of an acceleration that lasts one frame
    force = (acceleration * diameters(known.areas)) ** 2
    spread = step @ known.spread @ step.T + force[:, None, None] * push
    return replace(known, places=known.places + known.speeds, spread=spread)


def _partners(
    expected: _Moving, here: _Seen, ahead: _Seen, params: KalmanParams
) -> NDArray[np.int64]:
    """Return the index of each object among the expected cells, or `ALONE`, shape (M,)."""
    partner = np.full(len(here.areas), ALONE, np.int64)
    rows, columns, weights = _candidates(expected, here, ahead, params)
    matched = heaviest_matching(
        Pairs(rows, columns, weights), len(expected.ids), len(here.areas)
    )
    taken = np.flatnonzero(matched != ALONE)
    partner[matched[taken]] = taken
    return partner


def _candidates(
    expected: _Moving, here: _Seen, ahead: _Seen, params: KalmanParams
) -> tuple[NDArray[np.int64], NDArray[np.int64], Floats]:
    """Return pairs of a cell and an object that may be the same, weighted by likelihood."""
    reach = params.max_step * diameters(expected.areas) * (1 + expected.missed)
    rows, columns = _within_reach(expected.places, reach, here.places)
    squares = ((here.places[columns] - expected.places[rows]) ** 2).sum(axis=1)
    variance = expected.spread[rows, 0, 0] + here.noise[columns]
    near = squares <= GATE**2 * variance
    if not near.any():
        return rows[near], columns[near], squares[near]
    rows, columns, squares, variance = rows[near], columns[near], squares[near], variance[near]
    costs = squares / variance + 2 * np.log(variance)
    costs += (np.log(here.areas[columns] / expected.areas[rows]) / LIKE_IN_SIZE) ** 2
    linked = _corrected(expected[rows], here[columns])
    costs += _misses(_moved(linked, params.acceleration), ahead)
    # A pair has a larger weight than any difference between pairs: as many cells as possible
    # are matched, and among these matchings the most probable one is taken.
    return rows, columns, 1 + np.ptp(costs) - (costs - costs.min())


def _within_reach(
    places: Floats, reach: Floats, others: Floats
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the indices of all pairs of positions within reach, in order."""
    if not len(places) or not len(others):
        return np.empty(0, np.int64), np.empty(0, np.int64)
    found = scipy.spatial.KDTree(others).query_ball_point(places, reach, return_sorted=True)
    rows = np.repeat(np.arange(len(places)), [len(near) for near in found])
    return rows, np.array([index for near in found for index in near], np.int64)


def _misses(expected: _Moving, ahead: _Seen) -> Floats:
    """Return the distance of each prediction from the nearest object of the next frame.

    In variances. A velocity from a wrong pair predicts a position without an object.
    """
    if not len(ahead.areas):
        return np.zeros(len(expected.ids))
    distances, nearest = scipy.spatial.KDTree(ahead.places).query(expected.places)
    variance = expected.spread[:, 0, 0] + ahead.noise[nearest]
    return np.minimum(distances**2 / variance, GATE**2)


def _remembered(
    expected: _Moving,
    here: _Seen,
    partner: NDArray[np.int64],
    ids: NDArray[np.int64],
    params: KalmanParams,
) -> _Moving:
    """Return the updated cells of this frame, and missing cells that may be found again."""
    waits = (expected.missed < params.max_gap) & ~np.isin(expected.ids, ids)
    absent = expected[waits]
    old, new = partner != ALONE, partner == ALONE
    parts = [
        replace(absent, missed=absent.missed + 1),
        _corrected(expected[partner[old]], here[old]),
        _first_seen(here[new], ids[new], params.max_step),
    ]
    fields = _Moving.__dataclass_fields__
    every = _Moving(*(np.concatenate([getattr(p, name) for p in parts]) for name in fields))
    return every[np.argsort(every.ids)]


def _corrected(expected: _Moving, here: _Seen) -> _Moving:
    """Return the predictions, updated with the measured positions."""
    gain = expected.spread[:, :, 0] / (expected.spread[:, 0, 0] + here.noise)[:, None]
    off = here.places - expected.places
    return replace(
        expected,
        places=expected.places + gain[:, :1] * off,
        speeds=expected.speeds + gain[:, 1:] * off,
        spread=expected.spread - gain[:, :, None] * expected.spread[:, None, 0],
        areas=here.areas,
        missed=np.zeros_like(expected.missed),
    )


def _first_seen(here: _Seen, ids: NDArray[np.int64], max_step: float) -> _Moving:
    """Return new cells, with velocities up to `max_step` in any direction."""
    spread = np.zeros((len(ids), 2, 2))
    spread[:, 0, 0] = here.noise
    spread[:, 1, 1] = (max_step * diameters(here.areas) / 2) ** 2
    return _Moving(
        ids, here.places, np.zeros_like(here.places), spread, here.areas, np.zeros_like(ids)
    )
