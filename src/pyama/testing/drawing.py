"""Images of one synthetic frame: phase contrast, fluorescence, masks and camera noise."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from pyama.testing.population import Population
from pyama.testing.synthetic_cells import TEXTURE_PX, Patch, SyntheticCell, cut_patch
from pyama.testing.synthetic_params import SyntheticParams

PHASE = 6000.0
"""Phase contrast without cells in counts."""
PHASE_SWING = 0.05
"""Largest deviation of it from its mean, as a fraction."""
TEXTURE = 0.08
"""Standard deviation inside a cell, as a fraction of `PHASE`."""
DARKENING = 0.08
"""Darkening of the centre of a cell, as a fraction of `PHASE`."""
HALO, HALO_AT_PX, HALO_WIDTH_PX = 0.2, 1.2, 0.9
"""Height as a fraction of `PHASE`, place and standard deviation of the halo."""
REACH_PX = 14.0
"""Distance from the rim up to which a cell is drawn and other cells count as near."""
LARGEST = 65535.0


@dataclass(frozen=True)
class Drawing:
    """One frame without noise.

    Attributes:
        phase: Phase contrast in counts, shape (H, W).
        signals: Fluorescence of the cells in counts, shape (n_fl, H, W).
        labels: True masks, shape (H, W).
        patches: The surroundings of the cells in the ground truth, by id.
    """

    phase: NDArray[np.float32]
    signals: NDArray[np.float32]
    labels: NDArray[np.uint16]
    patches: dict[int, Patch]


def draw(
    population: Population,
    ids: NDArray[np.uint16],
    t: int,
    hours: float,
    empty: NDArray[np.float32],
) -> Drawing:
    """Draw one frame.

    Args:
        population: The cells of the field of view.
        ids: Id of every cell, shape (N,).
        t: Index of the frame.
        hours: Time of the frame.
        empty: Phase contrast without cells; drawn upon.
    """
    height, width = empty.shape
    signals = np.zeros((population.n_fl, height, width), np.float32)
    labels = np.zeros((height, width), np.uint16)
    patches = {}
    for i in map(int, np.flatnonzero(~np.isnan(population.angle[:, t]))):
        body = population.cells[i]
        place, angle = population.position[i, t], float(population.angle[i, t])
        patch = cut_patch(body, place, angle, (height, width), REACH_PX)
        if patch is None:
            continue
        mask = (patch.depth < 1) & (labels[patch.window] == 0)
        empty[patch.window] += _phase(body, patch, mask)
        share = np.where(mask, _profile(patch.depth), 0) / _profile_sum(body, place, angle)
        for signal, expression in zip(signals, body.expressions, strict=True):
            signal[patch.window] += share * float(expression.total(hours))
        if population.in_truth[i, t]:
            labels[patch.window][mask] = ids[i]
            patches[int(ids[i])] = patch
    return Drawing(empty, signals, labels, patches)


def _profile(depth: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the fluorescence of a cell, 1 in the centre and 0 outside the rim."""
    return np.maximum(1 - depth**2, 0)


def _profile_sum(body: SyntheticCell, place: NDArray[np.float64], angle: float) -> float:
    """Return the sum of the profile over the whole cell, also outside the frame."""
    half = math.ceil(body.outer) + 2
    inside = place - np.floor(place) + half
    whole = cut_patch(body, inside, angle, (2 * half + 2, 2 * half + 2), 0)
    return 1.0 if whole is None else float(_profile(whole.depth).sum(dtype=np.float64))


def _phase(body: SyntheticCell, patch: Patch, mask: NDArray[np.bool_]) -> NDArray[np.float32]:
    rows, columns = (
        slice(at + start, at + start + n)
        for at, start, n in zip(body.texture, patch.origin, mask.shape, strict=True)
    )
    inside = TEXTURE * _texture()[rows, columns] - DARKENING * (1 - patch.depth**2)
    away = (patch.distance - HALO_AT_PX) / HALO_WIDTH_PX
    halo = HALO * np.exp(-0.5 * away**2)
    return PHASE * (np.where(mask, inside, 0) + halo)


@cache
def _texture() -> NDArray[np.float32]:
    """Return a noise image with standard deviation 1, repeated twice in y and x."""
    from scipy import ndimage

    noise = np.random.default_rng(0).standard_normal((TEXTURE_PX, TEXTURE_PX))
    scales = [ndimage.gaussian_filter(noise, sigma, mode="wrap") for sigma in (1, 2, 6)]
    grain = sum(image / image.std() for image in scales)
    return np.tile(grain / grain.std(), (2, 2)).astype(np.float32)


def uneven_image(shape: Sequence[int], rng: np.random.Generator) -> NDArray[np.float32]:
    """Return a smooth image between -1 and 1: a slope, a vignette and a slow wave."""
    y = np.linspace(-1, 1, shape[0], dtype=np.float32)[:, None]
    x = np.linspace(-1, 1, shape[1], dtype=np.float32)
    slope, phases = rng.uniform(-0.5, 0.5, 2), rng.uniform(0, 2 * np.pi, 2)
    along_y = np.float32(slope[0]) * y - 0.5 * y**2
    along_x = np.float32(slope[1]) * x - 0.5 * x**2
    wave = 0.25 * np.sin(np.pi * y + phases[0]) * np.sin(np.pi * x + phases[1])
    field = along_y + along_x + wave
    low, high = field.min(), field.max()
    return (2 * field - high - low) / (high - low)


def add_debris(
    image: NDArray[np.float32], params: SyntheticParams, t: int, rng: np.random.Generator
) -> None:
    """Draw out-of-focus specks on a phase contrast image; they move with the drift only."""
    world = params.world
    n, size = world.debris_per_fov, np.array(world.shape)
    places = rng.uniform(0, 1, (n, 2)) * size + t * np.array(params.drift_px)
    seen = places % size + params.offset(t)
    for place, sigma, height in zip(
        seen, rng.uniform(1.5, 3.5, n), rng.uniform(-0.25, 0.25, n), strict=True
    ):
        start = np.maximum(place.astype(int) - 16, 0)
        window = tuple(slice(a, a + 33) for a in start)
        y, x = (
            np.arange(s.start, min(s.stop, m))
            for s, m in zip(window, image.shape, strict=True)
        )
        square = ((y - place[0])[:, None] ** 2 + (x - place[1])[None, :] ** 2) / sigma**2
        image[window] += PHASE * height * (1 - square / 4) * np.exp(-square / 2)


def expose(
    image: NDArray[np.float32], read_noise: float, rng: np.random.Generator
) -> NDArray[np.uint16]:
    """Add noise. Shot noise of hundreds of electrons has a normal distribution."""
    noise = rng.standard_normal(image.shape, np.float32)
    noise *= np.sqrt(np.maximum(image, 0) + np.float32(read_noise**2))
    noise += image
    return np.clip(np.rint(noise, out=noise), 0, LARGEST, out=noise).astype(np.uint16)
