"""Random outlines and optical properties of cells of several kinds."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pyama.testing.field_kernels import Image

ANGLES = 192
"""Directions in which the distance of an outline is tabulated."""
OPTICS = ("peak", "round", "edge", "body", "body_at", "rays", "fine", "coarse", "ruffle")
"""Columns of `Bodies.optics`: phase delay of the body in radians; 1 for a sphere, 0 for a flat
cell; width of the edge of a flat cell in px; additional delay of the centre in radians; its
extent as a fraction of the outline; 1 where it reaches into the points of the outline, 0 where
it keeps away from the rim; standard deviations of the fine and of the coarse texture; delay of
ruffles along the edge."""
SHAPES = ("round", "spread", "elongated", "packed", "rod", "large", "aligned")


@dataclass(frozen=True)
class Bodies:
    """Cells without places: N of them.

    Attributes:
        outlines: Distance of the outlines from the centres in px at equal angles to the long
            axes, shape (N, `ANGLES`).
        bends: Curvature of the long axes in 1/px, shape (N,).
        optics: Shape (N, len(`OPTICS`)).
        nucleus: Contrast of the nucleus, of its rim and of its nucleoli in radians, and its
            radius as a fraction of the cell's, shape (N, 4).
        n_granules: Number of granules, shape (N,).
        granule: Delay of the granules in radians, shape (N,).
        offsets: Place (y, x) in the textures, shape (N, 2).
    """

    outlines: Image
    bends: NDArray[np.float64]
    optics: Image
    nucleus: NDArray[np.float64]
    n_granules: NDArray[np.int64]
    granule: NDArray[np.float64]
    offsets: NDArray[np.int64]

    @property
    def radii(self) -> NDArray[np.float64]:
        """Radius of the disk of the same area in px, shape (N,)."""
        return np.sqrt((self.outlines.astype(np.float64) ** 2).mean(axis=1))

    def select(self, members: NDArray[Any]) -> "Bodies":
        """Return the cells at some indices, or where a mask is true."""
        return Bodies(**{name: value[members] for name, value in vars(self).items()})


def draw_bodies(shapes: NDArray[np.intp], width: float, rng: np.random.Generator) -> Bodies:
    """Draw cells with random properties.

    Args:
        shapes: Index into `SHAPES` of every cell.
        width: Median of the cells' 2 * sqrt(area / pi) in px.
        rng: Source of the random numbers.
    """
    n = len(shapes)
    outlines = np.empty((n, ANGLES))
    optics, nucleus = np.empty((n, len(OPTICS))), np.empty((n, 4))
    bends, granule, n_granules = np.zeros(n), np.empty(n), np.empty(n, np.int64)
    for shape in np.unique(shapes):
        members = np.flatnonzero(shapes == shape)
        name = SHAPES[shape]
        outlines[members] = _OUTLINES[name](len(members), rng)
        optics[members] = _optics(name, len(members), width, rng)
        nucleus[members] = _nuclei(name, optics[members, 0] + optics[members, 3], rng)
        n_granules[members], granule[members] = _granules(name, len(members), width, rng)
        if name in ("elongated", "rod"):
            strength = rng.choice([0.0, 0.1, 0.2 if name == "rod" else 0.5]) / width
            bends[members] = rng.normal(0, strength, len(members))
    outlines *= _scales(shapes, outlines, width, rng)[:, None]
    return Bodies(
        outlines=outlines.astype(np.float32),
        bends=bends,
        optics=optics.astype(np.float32),
        nucleus=nucleus,
        n_granules=n_granules,
        granule=granule,
        offsets=rng.integers(0, 512, (n, 2)),
    )


def _scales(
    shapes: NDArray[np.intp],
    outlines: NDArray[np.float64],
    width: float,
    rng: np.random.Generator,
) -> NDArray[np.float64]:
    """Return the factors that give outlines the wanted width and its variation."""
    spread = rng.uniform(0.05, 0.3)
    radii = np.sqrt((outlines**2).mean(axis=1))
    scales = width / 2 * np.exp(np.clip(rng.normal(0, spread, len(radii)), -0.8, 0.8)) / radii
    rods = shapes == SHAPES.index("rod")
    if rods.any():  # of one culture, they differ in length and hardly in thickness
        thickness = rng.lognormal(0, 0.05, int(rods.sum()))
        scales[rods] = width / 2 * thickness / np.median(radii[rods])
    return scales


def _angles() -> NDArray[np.float64]:
    return 2 * np.pi * np.arange(ANGLES) / ANGLES


def _ellipse(aspect: NDArray[np.float64]) -> NDArray[np.float64]:
    a = aspect[:, None] ** 0.5
    cosine, sine = np.cos(_angles()), np.sin(_angles())
    return 1 / np.sqrt((cosine / a) ** 2 + (sine * a) ** 2)


def _wobble(
    n: int, rng: np.random.Generator, size: float, first: int = 2
) -> NDArray[np.float64]:
    """Return random periodic functions with harmonics from `first` on, about 0."""
    orders = np.arange(first, first + 7)
    turns = orders[:, None] * _angles()
    waves = np.concatenate([np.cos(turns), np.sin(turns)])
    sizes = size / (np.tile(orders, 2) / first) ** 1.3
    return np.einsum("nk,ka->na", rng.normal(0, sizes, (n, 14)), waves)


def _cusps(
    corners: NDArray[np.float64], lengths: NDArray[np.float64], hollow: float, power: float
) -> NDArray[np.float64]:
    """Return outlines with points at the corners and hollow arcs between them.

    Args:
        corners: Angles between 0 and 2 pi in rising order, shape (N, K).
        lengths: Distances of the points from the centre, shape (N, K).
        hollow: Depth of the arcs on a logarithmic scale.
        power: Sharpness of the points; smaller is sharper.
    """
    out = np.empty((len(corners), ANGLES))
    angles = _angles()
    for row, (corner, length) in enumerate(zip(corners, np.log(lengths), strict=True)):
        around = np.concatenate([[corner[-1] - 2 * np.pi], corner, [corner[0] + 2 * np.pi]])
        heights = np.concatenate([[length[-1]], length, [length[0]]])
        at = np.searchsorted(around, angles, side="right") - 1
        share = (angles - around[at]) / (around[at + 1] - around[at])
        gap = np.minimum((around[at + 1] - around[at]) / 1.5, 1)
        level = heights[at] * (1 - share) + heights[at + 1] * share
        out[row] = level - hollow * gap * (4 * share * (1 - share)) ** power
    return np.exp(out)


def _round(n: int, rng: np.random.Generator) -> NDArray[np.float64]:
    aspect = rng.uniform(1, float(rng.choice([1.1, 1.3, 1.5])), n)
    return _ellipse(aspect) * np.exp(_wobble(n, rng, rng.uniform(0, 0.03)))


def _spread(n: int, rng: np.random.Generator) -> NDArray[np.float64]:
    smooth = _ellipse(rng.uniform(1, 2, n)) * np.exp(_wobble(n, rng, rng.uniform(0.03, 0.12)))
    k = int(rng.integers(3, 8))
    corners = 2 * np.pi * (np.arange(k) + rng.uniform(0.1, 0.9, (n, k))) / k
    lengths = rng.lognormal(0, rng.uniform(0.1, 0.45), (n, k))
    lengths *= np.where(rng.random((n, k)) < rng.choice([0.0, 0.15, 0.3]), 1.8, 1)
    hollow = np.exp(rng.uniform(np.log(0.15), np.log(1.2)))
    pointed = _cusps(corners, lengths, hollow, rng.uniform(0.4, 0.9))
    fringe = np.exp(_wobble(n, rng, rng.uniform(0, 0.03), first=7))
    return np.where(rng.random((n, 1)) < 0.25, smooth, pointed) * fringe


def _elongated(n: int, rng: np.random.Generator) -> NDArray[np.float64]:
    aspect = rng.uniform(2, rng.uniform(2.5, 7), n)
    spindle = _ellipse(aspect)
    corners = np.array([0.02, np.pi]) + rng.uniform(0, 0.4, (n, 2))
    hollow, power = rng.uniform(0.5, 2.0), rng.uniform(0.25, 0.6)
    tails = _cusps(corners, rng.lognormal(0, 0.25, (n, 2)), hollow, power)
    tails *= _ellipse(np.sqrt(aspect))
    mixed = np.where(rng.random((n, 1)) < rng.random(), spindle, tails)
    return mixed * np.exp(_wobble(n, rng, rng.uniform(0, 0.06), first=3))


def _packed(n: int, rng: np.random.Generator) -> NDArray[np.float64]:
    aspect = rng.uniform(1, rng.uniform(1.1, 1.6), n)
    return _ellipse(aspect) * np.exp(_wobble(n, rng, rng.uniform(0, 0.04)))


def _aligned(n: int, rng: np.random.Generator) -> NDArray[np.float64]:
    aspect = rng.uniform(1.3, rng.uniform(1.6, 3.5), n)
    return _ellipse(aspect) * np.exp(_wobble(n, rng, rng.uniform(0, 0.06)))


def _rod(n: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Return disks of radius 1 stretched to rods with round ends."""
    shortest = rng.uniform(0.3, 2.0)
    half = rng.uniform(shortest, 2.5 * shortest + 0.5, (n, 1))
    cosine, sine = np.abs(np.cos(_angles())), np.abs(np.sin(_angles()))
    end = half * cosine + np.sqrt(np.maximum(1 - (half * sine) ** 2, 0))
    return np.where(cosine / np.maximum(sine, 1e-6) > half, end, 1 / np.maximum(sine, 1e-6))


def _large(n: int, rng: np.random.Generator) -> NDArray[np.float64]:
    if rng.random() < 0.5:
        return _spread(n, rng)
    return _ellipse(rng.uniform(1, 2, n)) * np.exp(_wobble(n, rng, rng.uniform(0.03, 0.15)))


_OUTLINES = {
    "round": _round,
    "spread": _spread,
    "elongated": _elongated,
    "packed": _packed,
    "rod": _rod,
    "large": _large,
    "aligned": _aligned,
}
_DELAYS = {
    "round": (0.5, 3.5),
    "spread": (0.06, 0.3),
    "elongated": (0.2, 1.0),
    "packed": (0.2, 2.0),
    "rod": (0.3, 1.5),
    "large": (0.06, 0.4),
    "aligned": (0.15, 1.0),
}
"""Range of the phase delay of the body in radians."""
_ROUNDNESS = {
    "round": (0.8, 1.0),
    "spread": (0.0, 0.3),
    "elongated": (0.2, 0.8),
    "packed": (0.0, 1.0),
    "rod": (0.7, 1.0),
    "large": (0.0, 0.3),
    "aligned": (0.0, 0.8),
}


def _log_uniform(
    rng: np.random.Generator, low: float, high: float, n: int, vary: float
) -> NDArray[np.float64]:
    """Return values about one that is drawn for the field, varied by a fraction."""
    return float(np.exp(rng.uniform(np.log(low), np.log(high)))) * rng.lognormal(0, vary, n)


def _optics(name: str, n: int, width: float, rng: np.random.Generator) -> NDArray[np.float64]:
    flat = name in ("spread", "large", "packed", "aligned")
    low, high = _DELAYS[name]
    if name in ("round", "packed"):
        high = min(high, 0.6 + 0.06 * width)
    peak = _log_uniform(rng, low, high, n, 0.25)
    round_ = np.clip(rng.uniform(*_ROUNDNESS[name]) + rng.normal(0, 0.08, n), 0, 1)
    if name == "packed" and rng.random() < 0.5:
        round_[:] = 1.0
    edge = np.maximum(width * rng.uniform(0.02, 0.1), 0.8) * rng.lognormal(0, 0.2, n)
    body = peak * _log_uniform(rng, 0.3, 4.0 if flat else 1.0, n, 0.3)
    texture = (peak + body) * _log_uniform(rng, 0.04, 1.0 if flat else 0.4, n, 0.3)
    share = 1 - rng.uniform(0, 1) ** 2
    ruffled = 0.0 if name in ("packed", "aligned") else rng.choice([0.0, 1.0])
    ruffle = ruffled * peak * rng.uniform(0, 1.5 if flat else 0.5, n)
    body_at = rng.uniform(0.35, 0.8, n)
    rays = np.full(n, rng.random())
    fine, coarse = texture * share, texture * (1 - share)
    return np.stack([peak, round_, edge, body, body_at, rays, fine, coarse, ruffle], axis=1)


def _nuclei(
    name: str, delay: NDArray[np.float64], rng: np.random.Generator
) -> NDArray[np.float64]:
    n = len(delay)
    if name == "rod":
        return np.zeros((n, 4))
    visible = rng.choice([0.0, 0.5, 1.0])
    strength = visible * delay * _log_uniform(rng, 0.08, 0.6, n, 0.3)
    fill = strength * rng.choice([-1.0, -0.5, 0.7])
    rim = strength * rng.uniform(0, 0.7)
    nucleoli = strength * rng.uniform(0.5, 2.5, n)
    return np.stack([fill, rim, nucleoli, rng.uniform(0.25, 0.5, n)], axis=1)


def _granules(
    name: str, n: int, width: float, rng: np.random.Generator
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    most = {"rod": 1.0, "round": 12.0, "packed": 12.0, "large": 120.0}.get(name, 40.0)
    mean = rng.choice([0.0, 0.3, 1.0]) * most * min(1.0, (width / 60) ** 1.5)
    return rng.poisson(mean * rng.lognormal(0, 0.5, n)), _log_uniform(rng, 0.1, 0.9, n, 0.3)
