"""Random frames of phase contrast with true labels, of several kinds of cells.

The cells are drawn as maps of the phase delay of light (thickness times refractive index). A
phase ring delays and attenuates the light that the specimen does not diffract; it also covers
light that is diffracted by small angles. The image is the square of

    |u - g * u + t * exp(-i pi / 2) * (g * u)|,   u = exp(i delay)

where g is a low pass filter of the width of the ring, * a convolution and t the attenuation.
Halo, shade-off and the bright interior of thick round cells follow from it.

Zernike (1942), https://doi.org/10.1016/S0031-8914(42)80035-X; Yin, Kanade and Chen (2012),
https://doi.org/10.1016/j.media.2012.04.006.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pyama.errors import ConfigError
from pyama.testing.field_debris import add_debris, add_rings, expose, uneven_light
from pyama.testing.field_interiors import cell_delays, draw_interiors
from pyama.testing.field_kernels import Image
from pyama.testing.field_layout import KINDS, lay_out, number_cells


def draw_field(
    kind: str, shape: tuple[int, int], width: float, rng: np.random.Generator
) -> tuple[NDArray[np.uint16], NDArray[np.uint16]]:
    """Draw one frame of positive phase contrast with random properties.

    Args:
        kind: One of `KINDS`.
        shape: (H, W) in px.
        width: Median width of whole cells in px, 2 * sqrt(area / pi); 5 to 300.
        rng: Source of all random numbers.

    Returns:
        Counts and labels, both of the given shape. Labels are 1, 2, ..., each is connected;
        where cells overlap, the pixels are divided among them. Debris has no label.

    Raises:
        ConfigError: There is no such kind, or the width is out of bounds.
    """
    if kind not in KINDS or not 5 <= width <= 300:
        raise ConfigError(
            f"draw_field() got kind {kind!r} and width {width}; expected one of "
            f"{', '.join(KINDS)} and a width of 5 to 300 px."
        )
    ring = draw_ring(width, rng)
    pad = ring_reach(ring)
    size = (shape[0] + 2 * pad, shape[1] + 2 * pad)
    layout = lay_out(kind, size, width, rng)
    interiors = draw_interiors(layout.bodies, layout.angles, width, rng)
    delay = cell_delays(layout, interiors)
    add_debris(delay, layout.labels, width, rng)
    inner = (slice(pad, pad + shape[0]), slice(pad, pad + shape[1]))
    image = phase_image(delay, draw_lens(ring, width, rng))
    image = np.ascontiguousarray(image[inner]) * uneven_light(shape, rng)
    add_rings(image, width, rng)
    labels = number_cells(layout.labels[inner], width)
    white = max(1.5, rng.uniform(0.9, 2) * float(np.quantile(image, 0.99)))
    frame = expose(image, white, _contrast(image, labels), rng)
    return frame, labels


@dataclass(frozen=True)
class Lens:
    """Properties of a phase contrast microscope.

    Attributes:
        ring: Width of the halo in px: the standard deviation of the low pass filter.
        attenuation: Amplitude of the light that passes the ring, between 0 and 1.
        blur: Standard deviation of the image of a point in px.
        defocus: Distance from the focus, in px² (0 in focus).
    """

    ring: float
    attenuation: float
    blur: float
    defocus: float


def draw_ring(width: float, rng: np.random.Generator) -> float:
    """Return a random width of the halo in px, in proportion to the cells."""
    share = np.exp(rng.uniform(np.log(0.025), np.log(0.35)))
    return float(np.clip(width * share, 1.2, 40))


def ring_reach(ring: float) -> int:
    """Return how many px around a frame are drawn for the halo of cells outside of it."""
    return int(min(2 * ring, 48)) + 4


def draw_lens(ring: float, width: float, rng: np.random.Generator) -> Lens:
    """Return a random microscope."""
    attenuation = rng.uniform(0.3, 0.8)
    blur = float(rng.uniform(0.4, np.clip(0.025 * width, 0.8, 1.6)))
    defocus = float(rng.normal(0, rng.choice([0.2, 1.0, 3.0])) * min(1.0, ring / 6))
    return Lens(ring, attenuation, blur, defocus)


def phase_image(delay: Image, lens: Lens) -> Image:
    """Return the light in a phase contrast microscope, 1 where there is no cell.

    Args:
        delay: Phase delay in radians, periodic in both directions.
        lens: The microscope.
    """
    from scipy import fft

    square = [(2 * np.pi * fft.fftfreq(n).astype(np.float32)) ** 2 for n in delay.shape]
    low, point = (_gaussian(square, sigma) for sigma in (lens.ring, lens.blur))
    point *= 1 - low
    twist = np.float32(0.5 * lens.defocus) * (square[0][:, None] + square[1])
    transfer = np.empty(delay.shape, np.complex64)
    transfer.real = point * np.cos(twist)
    transfer.imag = point * np.sin(twist) - np.float32(lens.attenuation) * low
    light = np.empty(delay.shape, np.complex64)
    light.real, light.imag = np.cos(delay), np.sin(delay)
    wave = fft.ifft2(fft.fft2(light) * transfer)
    image: Image = (wave.real**2 + wave.imag**2) / np.float32(lens.attenuation**2)
    return image


def _gaussian(square: Sequence[Image], sigma: float) -> Image:
    """Return a Gaussian filter of the given squared frequencies in y and x."""
    y, x = (np.exp(np.float32(-0.5 * sigma**2) * axis) for axis in square)
    return np.asarray(y[:, None] * x, np.float32)


def _contrast(image: Image, labels: NDArray[np.uint16]) -> float:
    """Return how much cells differ from their surroundings, 0.1 without any."""
    cells = image[labels > 0]
    return max(float(np.abs(cells - 1).mean()), 0.01) if cells.size else 0.1
