"""Phase delay inside cells: bodies, textures, nuclei and granules."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pyama.testing.field_bodies import Bodies
from pyama.testing.field_debris import noise_bank, scale_index
from pyama.testing.field_kernels import Image, distance_to_rim
from pyama.testing.field_layout import Layout
from pyama.testing.interior_kernels import add_specks, fill_cells


@dataclass(frozen=True)
class Interiors:
    """What is inside cells, and moves with them.

    Attributes:
        textures: Fine and coarse noise, shape (2, S, S).
        specks: Organelles in the form of `add_specks`, (y, x) from the centres of the cells.
        angles: Directions of the cells for which `specks` are given, shape (N,).
    """

    textures: Image
    specks: NDArray[np.float64]
    angles: NDArray[np.float64]


def draw_interiors(
    bodies: Bodies, angles: NDArray[np.float64], width: float, rng: np.random.Generator
) -> Interiors:
    """Draw random textures, nuclei and granules for cells with given directions."""
    bank = noise_bank()
    fine = bank[scale_index(width * rng.uniform(0.01, 0.03))]
    skew = rng.uniform(0, 0.7)
    skewed = (fine + skew * (fine * fine - 1)) / np.float32(np.hypot(1, 1.41 * skew))
    coarse = bank[scale_index(width * rng.uniform(0.04, 0.1))]
    nuclei = _nuclei(bodies, angles, rng)
    granules = _granules(bodies, angles, width, rng)
    return Interiors(np.stack([skewed, coarse]), np.concatenate([nuclei, granules]), angles)


def cell_delays(layout: Layout, interiors: Interiors) -> Image:
    """Return the phase delay of all cells in radians, shape (H, W)."""
    labels, places = layout.labels, layout.places
    delay = np.zeros(labels.shape, np.float32)
    fill_cells(
        labels,
        layout.depth,
        distance_to_rim(labels),
        layout.bodies.optics,
        places,
        layout.bodies.offsets,
        interiors.textures,
        delay,
    )
    specks = interiors.specks.copy()
    of = specks[:, 8].astype(int) - 1
    turn = (layout.angles - interiors.angles)[of]
    y, x = interiors.specks[:, :2].T
    specks[:, 0] = places[of, 0] + np.cos(turn) * y + np.sin(turn) * x
    specks[:, 1] = places[of, 1] + np.cos(turn) * x - np.sin(turn) * y
    specks[:, 4] += turn
    add_specks(specks, labels, delay)
    return np.maximum(delay, 0, out=delay)


def _nuclei(
    bodies: Bodies, angles: NDArray[np.float64], rng: np.random.Generator
) -> NDArray[np.float64]:
    """Return nuclei and nucleoli, relative to the centres of the cells."""
    n = len(angles)
    radii = bodies.radii
    nuclei = np.zeros((n, 9))
    slim = bodies.outlines.min(axis=1).astype(np.float64)
    size = np.minimum(bodies.nucleus[:, 3] * radii, 0.9 * slim)
    shift = rng.normal(0, 0.15, (n, 2)) * slim[:, None]
    nuclei[:, :2] = shift
    nuclei[:, 2] = size * rng.uniform(1, 1.4, n)
    nuclei[:, 3] = size * rng.uniform(0.8, 1, n)
    nuclei[:, 4] = angles
    nuclei[:, 5] = bodies.nucleus[:, 0]
    nuclei[:, 6] = 4
    nuclei[:, 7] = bodies.nucleus[:, 1]
    nuclei[:, 8] = np.arange(n) + 1
    nuclei = nuclei[bodies.nucleus[:, 2] > 0]
    of = np.repeat(np.arange(len(nuclei)), rng.integers(1, 6, len(nuclei)))
    nucleoli = nuclei[of]
    nucleoli[:, :2] += rng.normal(0, 0.35, (len(of), 2)) * nucleoli[:, 3:4]
    nucleoli[:, 2:4] = nucleoli[:, 3:4] * rng.uniform(0.1, 0.25, (len(of), 1))
    nucleoli[:, 5] = bodies.nucleus[nucleoli[:, 8].astype(int) - 1, 2]
    nucleoli[:, 6:8] = 1.5, 0
    return np.concatenate([nuclei, nucleoli])


def _granules(
    bodies: Bodies, angles: NDArray[np.float64], width: float, rng: np.random.Generator
) -> NDArray[np.float64]:
    """Return granules, relative to the centres of the cells."""
    of = np.repeat(np.arange(len(angles)), bodies.n_granules)
    n = len(of)
    granules = np.zeros((n, 9))
    angle = rng.uniform(0, 2 * np.pi, n)
    column = (angle / (2 * np.pi) * bodies.outlines.shape[1]).astype(int)
    away = bodies.outlines[of, column] * rng.beta(2, 2, n)
    along, across = away * np.cos(angle), away * np.sin(angle)
    across += bodies.bends[of] * along**2
    cosine, sine = np.cos(angles[of]), np.sin(angles[of])
    granules[:, 0] = sine * along + cosine * across
    granules[:, 1] = cosine * along - sine * across
    granules[:, 2] = np.maximum(width * rng.uniform(0.008, 0.02), 0.7)
    granules[:, 2] *= rng.lognormal(0, 0.3, n)
    granules[:, 3] = granules[:, 2] * rng.uniform(0.6, 1, n)
    granules[:, 4] = rng.uniform(0, np.pi, n)
    granules[:, 5] = bodies.granule[of] * rng.choice([-0.6, 1, 1, 1, 1], n)
    granules[:, 5] *= rng.uniform(0.4, 1, n)
    granules[:, 6] = 1
    granules[:, 8] = of + 1
    return granules
