"""Places of the cells in one frame, and their labels."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from pyama.testing.field_bodies import SHAPES, Bodies, draw_bodies
from pyama.testing.field_debris import noise
from pyama.testing.field_kernels import (
    Ids,
    Image,
    keep_largest_parts,
    paint_cells,
    spread_apart,
    touch,
)

KINDS = {
    "round": {"round": 1.0},
    "spread": {"spread": 0.95, "round": 0.05},
    "elongated": {"elongated": 0.95, "round": 0.05},
    "dense": {"packed": 1.0},
    "rods": {"rod": 1.0},
    "large": {"large": 1.0},
    "mixed": {"spread": 0.5, "elongated": 0.3, "round": 0.2},
}
"""Kinds of frames, with the fraction of each shape of cell."""


@dataclass(frozen=True)
class Layout:
    """Cells with their places, drawn on a frame.

    Attributes:
        bodies: The cells.
        places: Centres (y, x) in px, shape (N, 2).
        angles: Directions of the long axes in radians, shape (N,).
        warp: Displacement (y, x) of every pixel in px, shape (2, H, W).
        labels: Index of the cell + 1, 0 for background, shape (H, W).
        depth: 0 in the centre of a cell, 1 on its outline and outside, shape (H, W).
    """

    bodies: Bodies
    places: NDArray[np.float64]
    angles: NDArray[np.float64]
    warp: Image
    labels: Ids
    depth: Image


def lay_out(
    kind: str,
    size: tuple[int, int],
    width: float,
    rng: np.random.Generator,
    density: float | None = None,
) -> Layout:
    """Place random cells of a kind on an empty frame and draw their labels.

    Args:
        kind: One of `KINDS`.
        size: (H, W) in px.
        width: Median of the cells' 2 * sqrt(area / pi) in px.
        rng: Source of the random numbers.
        density: Number of cells per px, before those without a place are left out; random
            by default. Dense cells fill the frame or colonies in any case.
    """
    shares = KINDS[kind]
    cell = np.pi / 4 * width**2
    margin = 0.6 * width
    room = (size[0] + 2 * margin) * (size[1] + 2 * margin) / cell
    packed = kind == "dense"
    if packed:
        n = int(room / rng.uniform(0.95, 1.25)) + 1
    else:
        wanted = rng.choice([0.12, 0.3, 0.6, 1.2, 2.0]) if density is None else density * cell
        n = int(rng.poisson(room * wanted))
    names = [SHAPES.index(name) for name in shares]
    shapes = rng.choice(names, n, p=list(shares.values()))
    aligned = packed and rng.random() < 0.3
    if aligned:
        shapes[:] = SHAPES.index("aligned")
    bodies = draw_bodies(shapes, width, rng)
    places = rng.random((n, 2)) * (np.array(size) + 2 * margin) - margin
    spread = 0.3 if aligned else 2 * np.pi
    angles = rng.uniform(0, 2 * np.pi) + rng.uniform(0, spread, n)
    overlap = float(rng.choice([0.0, 0.04, 0.15, 0.25]))
    if packed:
        bodies, places, angles = _pack(bodies, places, angles, 6 if aligned else 25, size, rng)
        overlap = 1.0
    else:
        _put_beside(bodies, places, angles, kind == "rods", rng)
    stiff = kind in ("round", "rods", "dense")
    warp = _warp(size, width, 0.025 if stiff else 0.07, rng)
    return paint(bodies, places, angles, warp, overlap)


def paint(
    bodies: Bodies,
    places: NDArray[np.float64],
    angles: NDArray[np.float64],
    warp: Image,
    overlap: float = 1.0,
) -> Layout:
    """Draw cells at given places; see `Layout` and `paint_cells`."""
    labels = np.zeros(warp.shape[1:], np.int32)
    depth = np.full(warp.shape[1:], 1, np.float32)
    paint_cells(bodies.outlines, bodies.bends, angles, places, warp, overlap, labels, depth)
    keep_largest_parts(labels, len(places))
    return Layout(bodies, places, angles, warp, labels, depth)


def _warp(
    size: tuple[int, int], width: float, largest: float, rng: np.random.Generator
) -> Image:
    """Return displacements (y, x) that make outlines irregular."""
    warp = np.empty((2, *size), np.float32)
    for axis in warp:
        axis[:] = noise(size, width * rng.uniform(0.15, 0.4), rng)
    warp *= np.float32(width * rng.uniform(0, largest))
    return warp


def _put_beside(
    bodies: Bodies,
    places: NDArray[np.float64],
    angles: NDArray[np.float64],
    aligned: bool,
    rng: np.random.Generator,
) -> None:
    """Move some of the cells next to others, so that they touch."""
    n = len(places)
    earlier = (rng.random(n) * np.arange(n)).astype(int)
    partners = np.where(rng.random(n) < rng.choice([0.0, 0.2, 0.6]), earlier, -1)
    partners[:1] = -1
    rays = rng.uniform(0, 2 * np.pi, n)
    if aligned:
        for i in np.flatnonzero(partners >= 0):
            angles[i] = angles[partners[i]] + rng.normal(0, 0.1)
            rays[i] = angles[i] + np.pi / 2 * rng.integers(0, 4)
    touch(bodies.outlines, angles, partners, rays, rng.choice([-1.0, 0.0, 1.0]), places)


def _pack(
    bodies: Bodies,
    places: NDArray[np.float64],
    angles: NDArray[np.float64],
    rounds: int,
    size: tuple[int, int],
    rng: np.random.Generator,
) -> tuple[Bodies, NDArray[np.float64], NDArray[np.float64]]:
    """Return cells side by side, over the whole frame or in colonies."""
    gapless = rng.random() < 0.5
    spread_apart(places, bodies.radii * 1.02, rounds)
    if gapless:
        bodies = replace(bodies, outlines=bodies.outlines * np.float32(1.5))
    if rng.random() < 0.6:
        field = noise(size, rng.choice([23.0, 32.0]), rng)
        y, x = (np.clip(p, 0, n - 1).astype(int) for p, n in zip(places.T, size, strict=True))
        kept = field[y, x] > rng.uniform(-1, 0.6)
        bodies, places, angles = bodies.select(kept), places[kept], angles[kept]
    return bodies, places, angles


def number_cells(labels: Ids, width: float) -> NDArray[np.uint16]:
    """Return labels numbered from 1, without what the edge has cut to slivers."""
    labels = np.ascontiguousarray(labels)
    keep_largest_parts(labels, int(labels.max(initial=0)))
    areas = np.bincount(labels.ravel())
    wide = areas >= max(4.0, 0.01 * width**2)
    wide[0] = False
    numbers = np.where(wide, np.cumsum(wide), 0)
    return numbers[labels].astype(np.uint16)
