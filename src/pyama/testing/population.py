"""Places of the cells in a synthetic recording: they move, divide, die, enter and leave."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from pyama.errors import ConfigError
from pyama.testing.synthetic_cells import (
    TEXTURE_PX,
    SyntheticCell,
    cut_patch,
    draw_expression,
    outline,
)
from pyama.testing.synthetic_params import SyntheticParams

MARGIN_PX = 80.0
"""Cells exist up to this distance outside the frame, so that some enter and some leave."""
GAP_PX = 15.0
"""Smallest distance between the rims of cells that do not touch."""
CONTACT_PX = 2.0
"""Distance between the rims of cells that touch."""
MIN_VISIBLE_PX2 = 200
"""A cell with a smaller area inside the frame is drawn, but is not in the ground truth."""
PERSISTENCE = 0.7
"""Fraction of the velocity that is kept from frame to frame."""
TURN_RAD = 0.03
"""Standard deviation of the rotation from frame to frame."""
TRIES = 2000


@dataclass(frozen=True)
class Population:
    """All cells of one field of view.

    Attributes:
        cells: The cells.
        position: Centre (y, x) in px, shape (N, T, 2); NaN where the cell is absent.
        angle: Direction of the long axis in radians, shape (N, T).
        in_truth: Whether enough of the cell is inside the frame, shape (N, T).
        n_fl: Number of fluorescence channels.
    """

    cells: Sequence[SyntheticCell]
    position: NDArray[np.float64]
    angle: NDArray[np.float64]
    in_truth: NDArray[np.bool_]
    n_fl: int


def populate(params: SyntheticParams, rng: np.random.Generator) -> Population:
    """Generate all cells of one field of view and simulate their motion.

    Raises:
        ConfigError: The cells do not fit into the frame.
    """
    if params.world_px:
        return _seen_from_stage(populate(params.world, rng), params)
    crowd = _Crowd(params, rng)
    crowd.place_cells()
    history = [crowd.record()]
    for _ in range(1, params.n_frames):
        crowd.step()
        history.append(crowd.record())
    n, t = len(crowd.cells), params.n_frames
    position, angle = np.full((n, t, 2), np.nan), np.full((n, t), np.nan)
    in_truth = np.zeros((n, t), bool)
    for frame, (there, seen, places, angles) in enumerate(history):
        position[there, frame], angle[there, frame] = places[there], angles[there]
        in_truth[there, frame] = seen[there]
    return Population(tuple(crowd.cells), position, angle, in_truth, params.n_fl)


def _seen_from_stage(population: Population, params: SyntheticParams) -> Population:
    """Return the cells in the coordinates of a camera that shows a part of their world."""
    offsets = np.array([params.offset(t) for t in range(params.n_frames)])
    position = population.position + offsets
    in_truth = population.in_truth.copy()
    for i, t in zip(*np.nonzero(in_truth), strict=True):
        in_truth[i, t] = is_visible(
            population.cells[i], position[i, t], float(population.angle[i, t]), params.shape
        )
    return replace(population, position=position, in_truth=in_truth)


def is_visible(
    body: SyntheticCell, place: NDArray[np.float64], angle: float, shape: tuple[int, int]
) -> bool:
    """Whether enough of a cell is inside the frame for the ground truth."""
    size = np.array(shape, float)
    if (place > body.outer + 1).all() and (place < size - body.outer - 1).all():
        return True
    patch = cut_patch(body, place, angle, shape, 0)
    return patch is not None and int((patch.depth < 1).sum()) >= MIN_VISIBLE_PX2


_Record = tuple[NDArray[np.intp], NDArray[np.bool_], NDArray[np.float64], NDArray[np.float64]]


class _Crowd:
    """The cells at one time."""

    def __init__(self, params: SyntheticParams, rng: np.random.Generator) -> None:
        self.params = params
        self.rng = rng
        self.size = np.array(params.shape, float)
        self.drift = np.array(params.drift_px, float)
        self.margin = MARGIN_PX + np.abs(self.drift) * params.n_frames
        self.cells: list[SyntheticCell] = []
        self.place = np.empty((0, 2))
        self.velocity = np.empty((0, 2))
        self.angle = np.empty(0)
        self.outer = np.empty(0)
        self.alive = np.empty(0, bool)
        self.was_seen = np.empty(0, bool)
        self.contacts: dict[tuple[int, int], float] = {}

    def place_cells(self) -> None:
        """Place the cells of the first frame, inside and around it."""
        n = self.params.cells_per_fov
        touching = 2 * round(self.params.touching_fraction * n / 2)
        while len(self.cells) < n:
            first = self._place_anywhere(self._draw_body(), inside=True)
            if first is None:
                raise ConfigError(
                    f"{n} cells of {self.params.radius_px} px radius do not fit into a "
                    f"frame of {self.params.shape} px. Use fewer or a larger frame."
                )
            if len(self.cells) < touching:
                self._place_beside(first)
        area = np.prod(self.size + 2 * self.margin) / np.prod(self.size)
        for _ in range(round(n * (area - 1))):
            self._place_anywhere(self._draw_body(), inside=False)

    def step(self) -> None:
        """Simulate the time between two frames."""
        self._move()
        for i in np.flatnonzero(self.alive):
            chance = self.rng.random()
            if chance < self.params.turnover_rate:
                self.alive[i] = False
                self._place_anywhere(self._draw_body(), inside=True)
            elif chance > 1 - self.params.division_rate:
                self._divide(int(i))

    def record(self) -> _Record:
        """Return present cells, visible cells, places and angles; cells that left die."""
        seen = np.array([self._is_seen(i) for i in range(len(self.cells))], bool)
        self.alive &= seen | ~self.was_seen
        self.was_seen |= seen & self.alive
        there = np.flatnonzero(self.alive)
        return there, seen, self.place.copy(), self.angle.copy()

    def _is_seen(self, i: int) -> bool:
        if not self.alive[i]:
            return False
        return is_visible(self.cells[i], self.place[i], self.angle[i], self.params.shape)

    def _draw_body(self) -> SyntheticCell:
        rng = self.rng
        radius = rng.uniform(*self.params.radius_px)
        phases = np.exp(2j * np.pi * rng.random(2))
        third, fourth = rng.uniform(0, 0.07, 2) * phases
        return SyntheticCell(
            radius=radius,
            aspect=rng.uniform(1, 1.5),
            bumps=(complex(third), complex(fourth)),
            texture=self._draw_texture(),
            expressions=tuple(
                draw_expression(self.params, np.pi * radius**2, rng)
                for _ in range(self.params.n_fl)
            ),
        )

    def _draw_texture(self) -> tuple[int, int]:
        y, x = self.rng.integers(0, TEXTURE_PX, 2)
        return int(y), int(x)

    def _add(self, body: SyntheticCell, place: NDArray[np.float64], angle: float) -> int:
        speed = self.params.speed_px / math.sqrt(2)
        self.cells.append(body)
        self.place = np.vstack([self.place, place])
        self.velocity = np.vstack([self.velocity, self.rng.normal(0, speed, 2)])
        self.angle = np.append(self.angle, angle)
        self.outer = np.append(self.outer, body.outer)
        self.alive = np.append(self.alive, True)
        self.was_seen = np.append(self.was_seen, False)
        return len(self.cells) - 1

    def _is_free(
        self, body: SyntheticCell, place: NDArray[np.float64], without: int = -1
    ) -> bool:
        far = self.outer + body.outer + GAP_PX
        clear = np.hypot(*(self.place - place).T) >= far
        clear |= ~self.alive
        if without >= 0:
            clear[without] = True
        return bool(clear.all())

    def _place_anywhere(self, body: SyntheticCell, inside: bool) -> int | None:
        """Add a cell in a free place with its centre inside or outside the frame."""
        for _ in range(TRIES):
            place = self.rng.uniform(-self.margin, self.size + self.margin)
            if bool(((place >= 0) & (place < self.size)).all()) != inside:
                continue
            if self._is_free(body, place):
                return self._add(body, place, self.rng.uniform(0, np.pi))
        return None

    def _place_beside(self, first: int) -> None:
        """Add a cell that touches another one, if there is room."""
        for _ in range(TRIES // 100):
            body, angle = self._draw_body(), self.rng.uniform(0, np.pi)
            ray = self.rng.uniform(0, 2 * np.pi)
            near = float(
                outline(self.cells[first], ray - self.angle[first])
                + outline(body, ray + np.pi - angle)
                + CONTACT_PX
            )
            place = self.place[first] + near * np.array([math.sin(ray), math.cos(ray)])
            inside = ((place >= 0) & (place < self.size)).all()
            if inside and self._is_free(body, place, without=first):
                self.contacts[first, self._add(body, place, angle)] = near
                return

    def _divide(self, mother: int) -> None:
        """Replace a cell by two of half its area, if they are large enough and have room."""
        body = self.cells[mother]
        radius = body.radius / math.sqrt(2)
        if radius < self.params.radius_px[0] or not self.was_seen[mother]:
            return
        halves = tuple(expression.after_division() for expression in body.expressions)
        daughters = [
            SyntheticCell(
                radius, body.aspect, body.bumps, self._draw_texture(), halves, mother
            )
            for _ in range(2)
        ]
        apart = (daughters[0].outer + daughters[1].outer + GAP_PX) / 2
        ray = self.rng.uniform(0, 2 * np.pi)
        step = apart * np.array([math.sin(ray), math.cos(ray)])
        places = [self.place[mother] + step, self.place[mother] - step]
        if all(
            self._is_free(daughter, place, without=mother)
            for daughter, place in zip(daughters, places, strict=True)
        ):
            self.alive[mother] = False
            for daughter, place in zip(daughters, places, strict=True):
                self._add(daughter, place, self.angle[mother])

    def _move(self) -> None:
        """Move all cells; a cell that would come too close to another stays and turns."""
        kick = self.params.speed_px / math.sqrt(2) * math.sqrt(1 - PERSISTENCE**2)
        self.velocity = PERSISTENCE * self.velocity + self.rng.normal(
            0, kick, self.place.shape
        )
        self.angle = self.angle + self.rng.normal(0, TURN_RAD, len(self.angle))
        target = self.place + self.velocity
        limit = self.outer[:, None] + self.outer[None, :] + GAP_PX
        for (i, j), near in self.contacts.items():
            limit[i, j] = limit[j, i] = near
        apart = np.hypot(*(self.place[:, None] - self.place[None, :]).transpose(2, 0, 1))
        limit = np.minimum(limit, apart)  # who is closer already may stay so
        np.fill_diagonal(limit, 0)
        limit[~self.alive] = limit[:, ~self.alive] = 0
        stays = np.zeros(len(target), bool)
        while True:
            target[stays] = self.place[stays]
            between = np.hypot(*(target[:, None] - target[None, :]).transpose(2, 0, 1))
            close = (between < limit).any(axis=1) & ~stays
            if not close.any():
                break
            stays |= close
        self.velocity[stays] *= -1
        self.place = target + self.drift
