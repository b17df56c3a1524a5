"""Motion of cells of one kind: they walk, turn, divide, die, and give way to each other."""

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from pyama.testing.field_bodies import Bodies
from pyama.testing.field_kernels import spread_apart
from pyama.testing.field_layout import Layout
from pyama.testing.population import PERSISTENCE, TURN_RAD
from pyama.testing.synthetic_params import SyntheticParams

DISKS = 3
"""Disks along the long axis that stand for a cell when it gives way to others."""
CLOSE = 0.9
"""Distance to which cells approach each other, as a fraction of the sum of their radii, where
they are not closer in the first frame."""
DIVIDING = 0.9
"""Smaller cells, as a fraction of the median radius, do not divide."""


@dataclass(frozen=True)
class Motion:
    """All cells of one field of view, with their places in every frame.

    Attributes:
        bodies: N cells.
        places: Centres (y, x) in px, shape (N, T, 2); NaN where the cell is absent.
        angles: Directions of the long axes in radians, shape (N, T); NaN where absent.
        parents: Index of the mother, -1 for none, shape (N,).
    """

    bodies: Bodies
    places: NDArray[np.float64]
    angles: NDArray[np.float64]
    parents: NDArray[np.int64]

    @property
    def first_angles(self) -> NDArray[np.float64]:
        """Direction of every cell when it appears, shape (N,)."""
        first = (~np.isnan(self.angles)).argmax(axis=1)
        return self.angles[np.arange(len(first)), first]


def simulate(layout: Layout, params: SyntheticParams, rng: np.random.Generator) -> Motion:
    """Move the cells that are drawn in a layout through all frames."""
    members = np.unique(layout.labels)
    herd = _Herd(layout, members[members > 0] - 1, params, rng)
    history = [herd.record()]
    for _ in range(1, params.n_frames):
        herd.step()
        history.append(herd.record())
    n, t = len(herd.of), params.n_frames
    places, angles = np.full((n, t, 2), np.nan), np.full((n, t), np.nan)
    for frame, (alive, place, angle) in enumerate(history):
        places[alive, frame], angles[alive, frame] = place[alive], angle[alive]
    return Motion(herd.bodies(), places, angles, np.array(herd.parents, np.int64))


class _Herd:
    """The cells at one time."""

    def __init__(
        self,
        layout: Layout,
        members: NDArray[np.integer],
        params: SyntheticParams,
        rng: np.random.Generator,
    ) -> None:
        self.params = params
        self.rng = rng
        self.size = np.array(layout.labels.shape, float)
        self.drawn = layout.bodies
        self.of = list(map(int, members))
        self.scale = [1.0] * len(members)
        self.parents = [-1] * len(members)
        self.place, self.angle = layout.places[members], layout.angles[members]
        self.velocity = rng.normal(0, self._speed, self.place.shape)
        self.alive = np.ones(len(members), bool)
        self.median = float(np.median(layout.bodies.radii)) if len(members) else 1.0
        self.close = min(CLOSE, _closeness(self.place, layout.bodies.select(members)))

    @property
    def _speed(self) -> float:
        return self.params.speed_px / math.sqrt(2)

    def record(self) -> tuple[NDArray[np.intp], NDArray[np.float64], NDArray[np.float64]]:
        """Return indices of the living cells, and places and angles of all."""
        return np.flatnonzero(self.alive), self.place.copy(), self.angle.copy()

    def bodies(self) -> Bodies:
        """Return all cells there have been, each with a texture of its own."""
        bodies = self.drawn.select(np.array(self.of, np.intp))
        outlines = bodies.outlines * np.array(self.scale, np.float32)[:, None]
        offsets = self.rng.integers(0, 512, bodies.offsets.shape)
        return replace(bodies, outlines=outlines, offsets=offsets)

    def step(self) -> None:
        """Simulate the time between two frames."""
        kick = self._speed * math.sqrt(1 - PERSISTENCE**2)
        self.velocity = PERSISTENCE * self.velocity
        self.velocity += self.rng.normal(0, kick, self.place.shape)
        self.angle = self.angle + self.rng.normal(0, TURN_RAD, len(self.angle))
        self.place = self.place + self.velocity
        for i in map(int, np.flatnonzero(self.alive)):
            chance = self.rng.random()
            if chance < self.params.turnover_rate:
                self.alive[i] = False
                self._add(i, self.rng.random(2) * self.size, self.scale[i], -1)
            elif chance > 1 - self.params.division_rate:
                self._divide(i)
        self._give_way()

    def _divide(self, mother: int) -> None:
        radius = self.scale[mother] * float(self.drawn.radii[self.of[mother]])
        if radius < DIVIDING * self.median:
            return
        self.alive[mother] = False
        along = np.array([math.sin(self.angle[mother]), math.cos(self.angle[mother])])
        for side in (-0.5, 0.5):
            place = self.place[mother] + side * radius * along
            self._add(mother, place, self.scale[mother] / math.sqrt(2), mother)

    def _add(self, like: int, place: NDArray[np.float64], scale: float, parent: int) -> None:
        self.of.append(self.of[like])
        self.scale.append(scale)
        self.parents.append(parent)
        self.place = np.vstack([self.place, place])
        self.angle = np.append(self.angle, self.angle[like])
        self.velocity = np.vstack([self.velocity, np.zeros(2)])
        self.alive = np.append(self.alive, True)

    def _give_way(self) -> None:
        """Push cells apart that overlap by more than cells in contact."""
        here = np.flatnonzero(self.alive)
        scale = np.array(self.scale)[here]
        outlines = self.drawn.outlines[np.array(self.of, np.intp)[here]]
        slim, long = scale * outlines.min(axis=1), scale * outlines.max(axis=1)
        angle = self.angle[here]
        along = np.stack([np.sin(angle), np.cos(angle)], axis=1) * (long - slim)[:, None]
        steps = np.linspace(-1, 1, DISKS)
        disks = (self.place[here, None] + along[:, None] * steps[:, None]).reshape(-1, 2)
        before = disks.copy()
        spread_apart(disks, np.repeat(self.close * slim, DISKS).astype(np.float64), 4)
        self.place[here] += (disks - before).reshape(-1, DISKS, 2).mean(axis=1)


def _closeness(places: NDArray[np.float64], bodies: Bodies) -> float:
    """Return the distance of neighbours, as a fraction of the sum of their radii."""
    from scipy import spatial

    if len(places) < 2:
        return 1.0
    distance, other = map(np.asarray, spatial.KDTree(places).query(places, 2))
    radii = bodies.outlines.min(axis=1)
    return float(np.percentile(distance[:, 1] / (radii + radii[other[:, 1]]), 10))
