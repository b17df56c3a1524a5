"""Single synthetic cells: outline, brightness over time, and the pixels around them."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pyama.testing.synthetic_params import SyntheticParams

TEXTURE_PX = 512
"""Side in px of the noise image that all textures are cut out of."""


@dataclass(frozen=True)
class Expression:
    """Total fluorescence of a cell after transfection with mRNA, with maturation.

    mRNA decays with rate `delta`, is translated into dark protein, which matures with rate
    `km`; both proteins decay with rate `beta`. Model: Leonhardt et al. (2014),
    https://doi.org/10.1016/j.nano.2013.11.008.
    """

    offset: float
    """Counts before the onset, summed over the cell."""
    ktl_m0: float
    """Translation rate times the amount of mRNA at the onset, in counts per hour."""
    t0: float
    """Onset in hours."""
    delta: float
    """In 1/h."""
    beta: float
    """In 1/h; differs from `delta`."""
    km: float
    """In 1/h."""

    def total(self, time_h: ArrayLike) -> NDArray[np.float64]:
        """Return the counts at the given hours, summed over the cell."""
        since = np.maximum(np.asarray(time_h, np.float64) - self.t0, 0)
        mrna, protein = np.exp(-self.delta * since), np.exp(-self.beta * since)
        dark = np.exp(-(self.beta + self.km) * since)
        bright = (mrna - protein) / (self.beta - self.delta) + (dark - protein) / self.km
        return (
            self.offset + self.ktl_m0 * self.km / (self.beta + self.km - self.delta) * bright
        )

    def after_division(self) -> "Expression":
        """Return the expression of each daughter after a division."""
        return Expression(
            self.offset / 2, self.ktl_m0 / 2, self.t0, self.delta, self.beta, self.km
        )


def draw_expression(
    params: SyntheticParams, area: float, rng: np.random.Generator
) -> Expression:
    """Draw the fluorescence over time of a cell of an area in px²."""
    late = 0.3 * params.n_frames * params.minutes_per_frame / 60
    peak = area * params.fl_amplitude * rng.lognormal(0, 0.4)
    unscaled = Expression(
        offset=0,
        ktl_m0=1,
        t0=rng.uniform(0, min(late, 3)),
        delta=rng.uniform(0.06, 0.12),
        beta=rng.uniform(0.02, 0.05),
        km=rng.uniform(1, 2),
    )
    highest = float(unscaled.total(unscaled.t0 + np.linspace(0, 100, 400)).max())
    return Expression(
        offset=peak / 4,
        ktl_m0=peak / highest,
        t0=unscaled.t0,
        delta=unscaled.delta,
        beta=unscaled.beta,
        km=unscaled.km,
    )


@dataclass(frozen=True)
class SyntheticCell:
    """Constant properties of a cell.

    Attributes:
        radius: Radius of the disk of the same area, in px.
        aspect: Ratio of the axes of the ellipse.
        bumps: Complex amplitudes of the third and the fourth harmonic of the outline.
        texture: Place in the noise image of its texture, (y, x).
        expressions: One per fluorescence channel.
        parent: Index of the mother, -1 for none.
    """

    radius: float
    aspect: float
    bumps: tuple[complex, complex]
    texture: tuple[int, int]
    expressions: tuple[Expression, ...]
    parent: int = -1

    @property
    def outer(self) -> float:
        """Largest distance of the outline from the centre in px."""
        return self.radius * math.sqrt(self.aspect) * (1 + sum(map(abs, self.bumps)))


@dataclass(frozen=True)
class Patch:
    """The surroundings of one cell, clipped to the frame.

    Attributes:
        window: Rows and columns of the frame.
        origin: (y, x) of the first pixel in the coordinates of the cell's own texture.
        depth: 0 in the centre, 1 on the outline, more outside.
        distance: Distance from the outline in px along the ray, negative inside.
    """

    window: tuple[slice, slice]
    origin: tuple[int, int]
    depth: NDArray[np.float32]
    distance: NDArray[np.float32]


def outline(body: SyntheticCell, angle: ArrayLike) -> NDArray[np.float64]:
    """Return the distance of the outline from the centre in px at angles to the long axis."""
    unit = np.exp(1j * np.asarray(angle, np.float64))
    return np.asarray(_outline(body, unit), np.float64)


def _outline(body: SyntheticCell, unit: NDArray[np.complexfloating]) -> NDArray[np.floating]:
    squeeze = 1 - 1 / body.aspect**2
    ellipse = body.radius / math.sqrt(body.aspect) / np.sqrt(1 - squeeze * unit.real**2)
    cube = unit * unit * unit
    third, fourth = body.bumps
    return ellipse * (1 + (third * cube).real + (fourth * cube * unit).real)


def cut_patch(
    body: SyntheticCell,
    position: NDArray[np.float64],
    angle: float,
    shape: tuple[int, int],
    reach: float,
) -> Patch | None:
    """Return a cell and `reach` px around it; None where that lies outside the frame."""
    half = math.ceil(body.outer + reach)
    first = np.floor(position).astype(int) - half
    start = np.maximum(first, 0)
    stop = np.minimum(first + 2 * half + 1, shape)
    if (stop <= start).any():
        return None
    dy = np.arange(start[0], stop[0]) - position[0]
    dx = np.arange(start[1], stop[1]) - position[1]
    place = (dx[None, :] + 1j * dy[:, None]).astype(np.complex64)
    place *= np.complex64(np.exp(-1j * angle))
    length = np.maximum(np.abs(place), np.float32(1e-3))
    rim = _outline(body, place / length).astype(np.float32)
    return Patch(
        window=(slice(start[0], stop[0]), slice(start[1], stop[1])),
        origin=(int(start[0] - first[0]), int(start[1] - first[1])),
        depth=length / rim,
        distance=length - rim,
    )
