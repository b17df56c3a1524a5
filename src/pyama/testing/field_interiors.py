"""Phase delay inside cells: bodies, textures, nuclei and granules."""

import numpy as np
from numpy.typing import NDArray

from pyama.testing.field_debris import noise_bank, scale_index
from pyama.testing.field_kernels import Image, distance_to_rim
from pyama.testing.field_layout import Layout
from pyama.testing.interior_kernels import add_specks, fill_cells


def cell_delays(layout: Layout, width: float, rng: np.random.Generator) -> Image:
    """Return the phase delay of all cells in radians."""
    bodies, labels = layout.bodies, layout.labels
    delay = np.zeros(labels.shape, np.float32)
    bank = noise_bank()
    fine = bank[scale_index(width * rng.uniform(0.01, 0.03))]
    skew = rng.uniform(0, 0.7)
    textures = np.stack(
        [
            (fine + skew * (fine * fine - 1)) / np.float32(np.hypot(1, 1.41 * skew)),
            bank[scale_index(width * rng.uniform(0.04, 0.1))],
        ]
    )
    distance = distance_to_rim(labels)
    fill_cells(
        labels,
        layout.depth,
        distance,
        bodies.optics,
        layout.places,
        bodies.offsets,
        textures,
        delay,
    )
    add_specks(_organelles(layout, width, rng), labels, delay)
    return np.maximum(delay, 0, out=delay)


def _organelles(layout: Layout, width: float, rng: np.random.Generator) -> NDArray[np.float64]:
    """Return nuclei, nucleoli and granules in the form of `add_specks`."""
    bodies = layout.bodies
    n = len(layout.places)
    radii = bodies.radii
    nuclei = np.zeros((n, 9))
    slim = bodies.outlines.min(axis=1).astype(np.float64)
    size = np.minimum(bodies.nucleus[:, 3] * radii, 0.9 * slim)
    shift = rng.normal(0, 0.15, (n, 2)) * slim[:, None]
    nuclei[:, :2] = layout.places + shift
    nuclei[:, 2] = size * rng.uniform(1, 1.4, n)
    nuclei[:, 3] = size * rng.uniform(0.8, 1, n)
    nuclei[:, 4] = layout.angles
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
    return np.concatenate([nuclei, nucleoli, _granules(layout, width, rng)])


def _granules(layout: Layout, width: float, rng: np.random.Generator) -> NDArray[np.float64]:
    bodies = layout.bodies
    of = np.repeat(np.arange(len(layout.places)), bodies.n_granules)
    n = len(of)
    granules = np.zeros((n, 9))
    angle = rng.uniform(0, 2 * np.pi, n)
    column = (angle / (2 * np.pi) * bodies.outlines.shape[1]).astype(int)
    away = bodies.outlines[of, column] * rng.beta(2, 2, n)
    along, across = away * np.cos(angle), away * np.sin(angle)
    across += bodies.bends[of] * along**2
    cosine, sine = np.cos(layout.angles[of]), np.sin(layout.angles[of])
    granules[:, 0] = layout.places[of, 0] + sine * along + cosine * across
    granules[:, 1] = layout.places[of, 1] + cosine * along - sine * across
    granules[:, 2] = np.maximum(width * rng.uniform(0.008, 0.02), 0.7)
    granules[:, 2] *= rng.lognormal(0, 0.3, n)
    granules[:, 3] = granules[:, 2] * rng.uniform(0.6, 1, n)
    granules[:, 4] = rng.uniform(0, np.pi, n)
    granules[:, 5] = bodies.granule[of] * rng.choice([-0.6, 1, 1, 1, 1], n)
    granules[:, 5] *= rng.uniform(0.4, 1, n)
    granules[:, 6] = 1
    granules[:, 8] = of + 1
    return granules
