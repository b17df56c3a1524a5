"""Noise images, specks, dust and light of synthetic phase contrast."""

from functools import cache

import numpy as np
from numpy.typing import NDArray

from pyama.testing.field_kernels import Ids, Image
from pyama.testing.interior_kernels import add_specks

BANK_PX = 512
SCALES = (0.7, 1.0, 1.4, 2.0, 2.8, 4.0, 5.6, 8.0, 11.0, 16.0, 23.0, 32.0)
"""Standard deviations in px of the noise images of the bank."""


@cache
def noise_bank() -> Image:
    """Return periodic noise images of mean 0 and standard deviation 1, one per `SCALES`."""
    from scipy import fft

    rng = np.random.default_rng(20121)
    k = 2 * np.pi * fft.fftfreq(BANK_PX)
    square = (k[:, None] ** 2 + k[None, : BANK_PX // 2 + 1] ** 2).astype(np.float32)
    images = np.empty((len(SCALES), BANK_PX, BANK_PX), np.float32)
    for image, sigma in zip(images, SCALES, strict=True):
        noise = fft.rfft2(rng.standard_normal((BANK_PX, BANK_PX), np.float32))
        band = np.exp(-0.5 * square * sigma**2) - np.exp(-0.5 * square * (3 * sigma) ** 2)
        image[:] = fft.irfft2(noise * band, s=image.shape)
        image /= image.std()
    return images


def noise(shape: tuple[int, int], sigma: float, rng: np.random.Generator) -> Image:
    """Return smooth noise of mean 0 and standard deviation 1; repeats after 512 px."""
    image = noise_bank()[scale_index(sigma)]
    y, x = rng.integers(0, BANK_PX, 2)
    rows = (np.arange(shape[0]) + y) % BANK_PX
    columns = (np.arange(shape[1]) + x) % BANK_PX
    if rng.random() < 0.5:
        image = image.T
    return image[rows[:, None], columns]


def scale_index(sigma: float) -> int:
    """Return the index of the nearest entry of `SCALES`."""
    return int(np.abs(np.log(np.array(SCALES) / max(sigma, SCALES[0]))).argmin())


def add_debris(phase: Image, labels: Ids, width: float, rng: np.random.Generator) -> None:
    """Add specks, fragments and dead cells that are not in the labels.

    Args:
        phase: Phase delay in radians, drawn upon.
        labels: Ids of the cells.
        width: Width of cells in px.
        rng: Source of the random numbers.
    """
    unit = max(1.0, width * rng.uniform(0.015, 0.05))
    area = phase.size / (256 * max(1.0, width / 60)) ** 2
    n = rng.poisson(rng.choice([0.0, 4.0, 20.0, 60.0]) * area)
    specks = _specks(n, phase.shape, unit * rng.lognormal(0, 0.4, n), rng)
    strongest = rng.uniform(0.05, 0.9)
    specks[:, 5] = rng.choice([-0.4, 1.0, 1.0, 1.0], n) * strongest * rng.random(n)
    n_clumps = rng.poisson(rng.choice([0, 2]) * area)
    clumps = [_clump(phase.shape, unit, rng) for _ in range(n_clumps)]
    add_specks(np.concatenate([specks, *clumps]), labels, phase)
    cells = phase.size / width**2
    for _ in range(rng.poisson(min(rng.choice([0.0, 0.02, 0.06]) * cells, 40))):
        _add_residue(phase, labels, width, rng)
    if rng.random() < 0.3:
        grain = noise(phase.shape, unit * rng.uniform(0.4, 1.5), rng)
        phase += rng.uniform(0, 0.04) * np.maximum(grain - rng.uniform(0, 2), 0)
    phase += rng.uniform(0, 0.004) * noise(phase.shape, 1.0, rng)


def _add_residue(phase: Image, labels: Ids, width: float, rng: np.random.Generator) -> None:
    """Add a thin granular patch, such as cells leave on the substrate."""
    window, square = _disk(phase.shape, width * rng.uniform(0.25, 0.7), rng)
    shape = (square.shape[0], square.shape[1])
    outline = square + 0.6 * noise(shape, 0.12 * width, rng)
    inside = np.clip(4 * (0.7 - outline), 0, 1) * (labels[window] == 0)
    grain = np.maximum(noise(shape, width * rng.uniform(0.015, 0.04), rng) + 0.5, 0)
    phase[window] += (rng.uniform(0.02, 0.2) * inside * grain).astype(np.float32)


def _disk(
    shape: tuple[int, ...], radius: float, rng: np.random.Generator
) -> tuple[tuple[slice, slice], NDArray[np.float64]]:
    """Return a random window and the squared distance from its centre, 1 at the radius."""
    centre, half = rng.random(2) * shape, 2 * radius
    rows, columns = (
        slice(max(0, int(c - half)), min(n, int(c + half) + 1))
        for c, n in zip(centre, shape, strict=True)
    )
    y = np.arange(rows.start, rows.stop) - centre[0]
    x = np.arange(columns.start, columns.stop) - centre[1]
    return (rows, columns), (y[:, None] ** 2 + x[None, :] ** 2) / radius**2


def _specks(
    n: int, shape: tuple[int, ...], size: NDArray[np.float64], rng: np.random.Generator
) -> NDArray[np.float64]:
    specks = np.zeros((n, 9))
    specks[:, :2] = rng.random((n, 2)) * shape
    specks[:, 2] = size
    specks[:, 3] = size * rng.uniform(0.4, 1, n)
    specks[:, 4] = rng.uniform(0, np.pi, n)
    specks[:, 6] = 1
    specks[:, 8] = -1 if rng.random() < 0.7 else 0
    return specks


def _clump(
    shape: tuple[int, ...], unit: float, rng: np.random.Generator
) -> NDArray[np.float64]:
    """Return fragments in a heap, or the granules of a dead cell."""
    n = int(rng.integers(5, 40))
    specks = _specks(n, (1, 1), unit * rng.uniform(0.5, 1.2, n), rng)
    spread = unit * np.sqrt(n) * rng.uniform(0.5, 1.5, 2)
    specks[:, :2] = rng.random(2) * shape + rng.normal(0, 1, (n, 2)) * spread
    specks[:, 5] = rng.choice([0.3, 1.0, 2.0]) * rng.uniform(0.05, 0.6) * rng.random(n)
    specks[:, 8] = -1
    return specks


def add_rings(image: Image, width: float, rng: np.random.Generator) -> None:
    """Add what is out of focus, as rings of light, to an image of mean 1.

    Args:
        image: Drawn upon.
        width: Width of cells in px.
        rng: Source of the random numbers.
    """
    area = image.size / 256**2
    for _ in range(rng.poisson(rng.choice([0.0, 0.0, 3.0]) * area)):
        radius = float(np.exp(rng.uniform(np.log(4), np.log(60))))
        window, square = _disk(image.shape, radius, rng)
        wave = np.cos(rng.uniform(2, 9) * square) * np.exp(-1.5 * square)
        strength = rng.uniform(-0.3, 0.3) * min(1.0, 8 / radius)
        image[window] += (strength * wave).astype(np.float32)
    cells = image.size / width**2
    for _ in range(rng.poisson(min(rng.choice([0.0, 0.0, 0.05]) * cells, 40))):
        window, square = _disk(image.shape, width * rng.uniform(0.08, 0.3), rng)
        away = np.sqrt(square)
        wave = np.exp(-(((away - 0.85) / 0.15) ** 2)) - np.exp(-(((away - 1.15) / 0.15) ** 2))
        wave += rng.uniform(0, 2) * np.exp(-8 * square)
        image[window] += (rng.uniform(0.02, 0.3) * wave).astype(np.float32)


def uneven_light(shape: tuple[int, int], rng: np.random.Generator) -> Image:
    """Return the relative illumination: a slope, a vignette, slow waves and faint lines."""
    y = np.linspace(-1, 1, shape[0], dtype=np.float32)[:, None]
    x = np.linspace(-1, 1, shape[1], dtype=np.float32)[None, :]
    strength = rng.choice([0.02, 0.1, 0.3])
    slope, centre = rng.normal(0, 0.5 * strength, 2), rng.uniform(-0.4, 0.4, 2)
    vignette = rng.uniform(0, strength) * ((y - centre[0]) ** 2 + (x - centre[1]) ** 2)
    light = 1 + np.float32(slope[0]) * y + np.float32(slope[1]) * x - vignette
    if rng.random() < 0.5:
        light = light + rng.uniform(0, 0.03) * noise(shape, 32.0, rng)
    if rng.random() < 0.2:
        light = light + rng.uniform(0, 0.01) * rng.standard_normal((shape[0], 1))
    return np.maximum(light, 0.2).astype(np.float32)


def expose(
    image: Image, white: float, contrast: float, rng: np.random.Generator
) -> NDArray[np.uint16]:
    """Return counts with shot noise, read noise and offset of a camera.

    Args:
        image: Relative light, 1 where there is no cell.
        white: Light at which the camera is saturated.
        contrast: How much cells differ from 1; the noise is a fraction of it.
        rng: Source of the random numbers.
    """
    noise_level = contrast * np.exp(rng.uniform(np.log(0.015), np.log(0.6)))
    electrons = float(np.clip(2 / noise_level**2, 200, 1e5))
    read = rng.uniform(0, 0.7) * np.sqrt(electrons)
    gain = np.exp(rng.uniform(np.log(0.3), np.log(1))) * 60_000 / (electrons * white)
    offset = rng.uniform(0, 2000)
    light = np.clip(image, 0, white) * electrons
    grain = rng.standard_normal(image.shape, np.float32)
    counts = offset + gain * (light + grain * np.sqrt(light + read**2))
    return np.clip(np.rint(counts), 0, 65535).astype(np.uint16)
