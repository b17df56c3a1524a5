"""Compiled functions that draw what is inside cells, and debris."""

import math

import numpy as np
from numpy.typing import NDArray

from pyama.algorithms.kernels.array_types import kernel
from pyama.testing.field_kernels import Ids, Image


@kernel
def fill_cells(
    labels: Ids,
    depth: Image,
    distance: Image,
    optics: Image,
    places: NDArray[np.float64],
    offsets: NDArray[np.int64],
    textures: Image,
    phase: Image,
) -> None:
    """Write the phase delay of cell bodies, without organelles, in radians.

    Args:
        labels: From `paint_cells`.
        depth: From `paint_cells`.
        distance: From `distance_to_rim`.
        optics: One row per cell: see `field_bodies.OPTICS`.
        places: Centres (y, x) in px.
        offsets: Place (y, x) of each cell in the textures.
        textures: Fine and coarse noise with standard deviation 1, shape (2, S, S), where S
            is a power of two.
        phase: Written, shape (H, W).
    """
    height, width = labels.shape
    wrap = textures.shape[1] - 1
    thickest = np.zeros(len(places) + 1, np.float32)
    for y in range(height):
        for x in range(width):
            thickest[labels[y, x]] = max(thickest[labels[y, x]], distance[y, x])
    for y in range(height):
        for x in range(width):
            i = labels[y, x] - 1
            if i < 0:
                continue
            peak, round_, edge, body, body_at, rays, fine, coarse, ruffle = optics[i]
            d, rho = distance[y, x], depth[y, x]
            s = min(d / max(thickest[i + 1], np.float32(1)), np.float32(1))
            sphere = math.sqrt(s * (2 - s))
            flat = 1 - math.exp(-d / edge)
            t = round_ * sphere + (1 - round_) * flat
            v = (y - int(places[i, 0]) + offsets[i, 0]) & wrap
            u = (x - int(places[i, 1]) + offsets[i, 1]) & wrap
            grain = fine * textures[0, v, u] + coarse * textures[1, v, u]
            away = rays * rho + (1 - rays) * (1 - s)
            centre = math.exp(-((away / body_at) ** 2))
            value = t * (peak + body * centre + grain * (0.3 + 0.7 * centre))
            rim = math.exp(-((d / (1.5 * edge)) ** 2))
            value += ruffle * rim * max(textures[1, u, v] - 0.3, 0.0)
            phase[y, x] = max(value, 0.0)


@kernel
def add_specks(specks: NDArray[np.float64], labels: Ids, image: Image) -> None:
    """Add ellipses to an image.

    Args:
        specks: One row each: y, x, half axes in px, angle, height, sharpness (1 is a
            Gaussian, 4 a plateau), height of the rim, id of the cell inside of which it is
            drawn (0: anywhere, -1: outside of cells).
        labels: Ids of the cells.
        image: Drawn upon.
    """
    height, width = image.shape
    for k in range(len(specks)):
        cy, cx, a, b, angle, peak, sharp, rim, cell = specks[k]
        cosine, sine = math.cos(angle), math.sin(angle)
        reach = max(a, b) * (2.2 if sharp < 2 else 1.5)
        for y in range(max(0, int(cy - reach)), min(height, int(cy + reach) + 2)):
            for x in range(max(0, int(cx - reach)), min(width, int(cx + reach) + 2)):
                if cell > 0 and labels[y, x] != cell:
                    continue
                if cell < 0 and labels[y, x] > 0:
                    continue
                along = (cosine * (x - cx) + sine * (y - cy)) / a
                across = (cosine * (y - cy) - sine * (x - cx)) / b
                square = along * along + across * across
                if square > 5:
                    continue
                value = peak * math.exp(-(square**sharp))
                if rim != 0:
                    value += rim * math.exp(-(((math.sqrt(square) - 1) / 0.16) ** 2))
                image[y, x] += value
