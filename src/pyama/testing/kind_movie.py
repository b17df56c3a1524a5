"""Frames of a recording of one kind of cells, with the places of the cells in them."""

import math
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pyama.testing.drawing import PHASE, Drawing
from pyama.testing.field_debris import add_debris, add_rings, uneven_light
from pyama.testing.field_interiors import cell_delays, draw_interiors
from pyama.testing.field_kernels import Image
from pyama.testing.field_layout import Layout, lay_out, paint
from pyama.testing.kind_motion import Motion, simulate
from pyama.testing.phase_contrast import draw_lens, draw_ring, phase_image, ring_reach
from pyama.testing.population import Population
from pyama.testing.synthetic_cells import Patch, SyntheticCell, draw_expression
from pyama.testing.synthetic_params import Kind, SyntheticParams

NEAR_PX = 13
"""Surroundings of a cell in which others are searched for."""
SMALLEST = 0.05
"""A cell with less than this fraction of the median area inside the frame is drawn, but is not
in the ground truth."""
ABSENT = -1e6
"""Place of cells that are not drawn."""


class KindMovie:
    """One field of view of a recording of one kind of cells.

    Args:
        params: Parameters of the recording.
        kind: Kind of cells.
        seed: Of all random numbers.
    """

    def __init__(self, params: SyntheticParams, kind: Kind, seed: tuple[int, ...]) -> None:
        self._params, self._seed, self._width = params, seed, params.width_px
        rng = self._rng(0)
        ring = draw_ring(self._width, rng)
        self._lens = draw_lens(ring, self._width, rng)
        self._pad = ring_reach(ring)
        walk = params.n_frames * math.hypot(*params.drift_px) + params.world_px
        self._margin = self._pad + math.ceil(self._width + walk) + 1
        size = (params.shape[0] + 2 * self._margin, params.shape[1] + 2 * self._margin)
        height, width = params.shape
        density = None if params.n_cells is None else params.n_cells / (height * width)
        layout = lay_out(kind, size, self._width, rng, density)
        self._warp = layout.warp
        self._motion: Motion = simulate(layout, params, rng)
        bodies, angles = self._motion.bodies, self._motion.first_angles
        self._interiors = draw_interiors(bodies, angles, self._width, rng)

    @cached_property
    def population(self) -> Population:
        """All cells, with their places in the frames."""
        motion, params, rng = self._motion, self._params, self._rng(1)
        corners = np.array([self._corner(t) for t in range(params.n_frames)])
        cells: list[SyntheticCell] = []
        for radius, parent in zip(motion.bodies.radii, motion.parents, strict=True):
            curves = (
                tuple(curve.after_division() for curve in cells[parent].expressions)
                if parent >= 0
                else tuple(
                    draw_expression(params, np.pi * radius**2, rng) for _ in range(params.n_fl)
                )
            )
            cells.append(
                SyntheticCell(float(radius), 1.0, (0j, 0j), (0, 0), curves, int(parent))
            )
        places = motion.places - corners
        return Population(tuple(cells), places, motion.angles, self._seen(), params.n_fl)

    def draw(self, ids: NDArray[np.uint16], t: int, hours: float) -> Drawing:
        """Draw one frame without noise; see `pyama.testing.drawing.draw`."""
        layout = self._layout(t)
        delay = cell_delays(layout, self._interiors)
        y, x = self._start(t)
        height, width = delay.shape
        delay += self._debris[y : y + height, x : x + width] * (layout.labels == 0)
        light = self._inner(phase_image(delay, self._lens)) * self._light
        numbers = np.concatenate([[0], ids])
        shown = self._inner(layout.labels)
        labels = numbers[shown].astype(np.uint16)
        labels[~np.isin(shown, 1 + np.flatnonzero(self.population.in_truth[:, t]))] = 0
        signals = self._signals(layout, hours)
        return Drawing(np.float32(PHASE) * light, signals, labels, _patches(labels))

    def _signals(self, layout: Layout, hours: float) -> NDArray[np.float32]:
        """Return the fluorescence of the cells, shape (n_fl, H, W)."""
        labels, cells = layout.labels, self.population.cells
        profile = 1 - layout.depth**2
        sums = np.bincount(labels.ravel(), profile.ravel(), 1 + len(cells))
        edges = (labels[0], labels[-1], labels[:, 0], labels[:, -1])
        cut = np.unique(np.concatenate(edges))
        halves = np.pi / 2 * np.array([0.0, *(cell.radius**2 for cell in cells)])
        sums[cut] = halves[cut]  # the profile of a whole cell sums to half of its area
        totals = np.zeros((self._params.n_fl, 1 + len(cells)))
        for i, cell in enumerate(cells, 1):
            totals[:, i] = [float(curve.total(hours)) for curve in cell.expressions]
        heights = (totals / np.maximum(sums, 1)).astype(np.float32)
        return heights[:, self._inner(labels)] * self._inner(profile)

    def _layout(self, t: int) -> Layout:
        """Draw the labels of one frame and of the surroundings that its halos need."""
        y, x = self._start(t)
        height, width = (n + 2 * self._pad for n in self._params.shape)
        corner = self._corner(t) - self._pad
        places = np.nan_to_num(self._motion.places[:, t] - corner, nan=ABSENT)
        warp = np.ascontiguousarray(self._warp[:, y : y + height, x : x + width])
        angles = np.nan_to_num(self._motion.angles[:, t])
        return paint(self._motion.bodies, places, angles, warp)

    def _corner(self, t: int) -> NDArray[np.float64]:
        """Return the place of the frame's first pixel among the simulated cells."""
        params = self._params
        stage = np.array(params.stage_px[t] if params.stage_px else (0.0, 0.0))
        return self._margin - t * np.array(params.drift_px) - stage

    def _start(self, t: int) -> tuple[int, int]:
        y, x = np.floor(self._corner(t)).astype(int) - self._pad
        return int(y), int(x)

    def _seen(self) -> NDArray[np.bool_]:
        """Whether cells are in the ground truth: from when they appear to when they leave."""
        params, n = self._params, len(self._motion.parents)
        smallest = max(4.0, SMALLEST * np.pi / 4 * self._width**2)
        seen = np.zeros((n, params.n_frames), bool)
        for t in range(params.n_frames):
            labels = self._inner(self._layout(t).labels)
            seen[:, t] = np.bincount(labels.ravel(), minlength=n + 1)[1:] >= smallest
        left = np.cumsum(np.diff(seen.astype(np.int8), axis=1, prepend=0) == -1, axis=1) > 0
        return seen & ~left

    @cached_property
    def _debris(self) -> Image:
        """Phase delay of what lies between the cells, and does not move."""
        delay = np.zeros(self._warp.shape[1:], np.float32)
        add_debris(delay, np.zeros(delay.shape, np.int32), self._width, self._rng(2))
        return delay

    @cached_property
    def _light(self) -> Image:
        rng = self._rng(3)
        light = uneven_light(self._params.shape, rng)
        add_rings(light, self._width, rng)
        return light

    def _inner(self, image: NDArray[Any]) -> NDArray[Any]:
        """Return the part of an image that the camera records."""
        height, width = self._params.shape
        return image[self._pad : self._pad + height, self._pad : self._pad + width]

    def _rng(self, purpose: int) -> np.random.Generator:
        return np.random.default_rng([*self._seed, purpose])


def _patches(labels: NDArray[np.uint16]) -> dict[int, Patch]:
    """Return the surroundings of every cell."""
    from scipy import ndimage

    patches = {}
    for cell, found in enumerate(ndimage.find_objects(labels), 1):
        if found is None:
            continue
        starts = [max(0, axis.start - NEAR_PX) for axis in found]
        rows, columns = (
            slice(start, min(n, axis.stop + NEAR_PX))
            for start, n, axis in zip(starts, labels.shape, found, strict=True)
        )
        outside = labels[rows, columns] != cell
        distance = ndimage.distance_transform_edt(outside).astype(np.float32)
        origin = (starts[0], starts[1])
        patches[cell] = Patch((rows, columns), origin, outside.astype(np.float32), distance)
    return patches
