"""Patches of labelled frames: cut, turned, mirrored and resized at random."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import scipy
import torch
from numpy.typing import NDArray
from torch import Tensor

from pyama.algorithms.kernels.array_types import Frame, Labels, Mask
from pyama.algorithms.segmenters.network_input import network_input
from pyama.training.targets import targets

LEVELS = (-0.9, -0.45, 0.0, 0.45, 0.9)
"""Every frame is prepared for these powers of two of its diameter: a diameter that is wrong by
a factor of two should do no great harm."""
_LEVEL_SHARES = (0.1, 0.22, 0.36, 0.22, 0.1)
_NEAR = (0.3, 0.45, 0.25)
"""Shares of the patches that are centred anywhere, near a cell, and near a lure: contrast
where no cell is, such as debris or the wall of a chamber."""
_LURE = 1.5
"""Smallest contrast of a lure."""
_FAR = 8
"""Smallest distance of a lure from a cell in px; halos are nearer."""
_PLACES = 3000
"""Number of places that are kept per frame."""
_ZOOM = 0.225
"""Between two levels patches are resized by up to this power of two."""


@dataclass(frozen=True)
class LabelledFrame:
    """A frame with the cells in it."""

    frame: Frame
    """Intensities in counts, shape (H, W)."""
    labels: Labels
    """Labels, shape (H, W)."""
    diameter: float | None = None
    """Median width of the cells in px; by default that of `labels`."""
    weight: float = 1.0
    """How often it is shown, relative to others."""


def median_width(labels: Labels) -> float:
    """Return the median width 2 sqrt(area / pi) of the cells in px; NaN without cells."""
    areas = np.bincount(labels.ravel())[1:]
    if not areas.any():
        return math.nan
    return 2 * math.sqrt(float(np.median(areas[areas > 0])) / math.pi)


@dataclass(frozen=True)
class DrawnFrames:
    """Frames that are drawn during the training, beside those that are given."""

    draw: Callable[[np.random.Generator], LabelledFrame]
    """Return a new frame."""
    share: float = 0.4
    """Share of the patches that are cut from drawn frames."""
    kept: int = 128
    """Number of drawn frames to choose from."""
    renewed: float = 0.25
    """Number of frames that are replaced by new ones per batch; at most 1."""


@dataclass(frozen=True)
class _Level:
    """A frame for one diameter."""

    both: Tensor
    """Input and targets, shape (1, 4, h, w)."""
    cells: NDArray[np.int64]
    """Places (x, y) in cells, shape (N, 2)."""
    lures: NDArray[np.int64]
    """Places (x, y) with contrast, far from cells, shape (M, 2)."""


class Patches:
    """Random patches of prepared frames.

    Args:
        frames: At least one frame.
        size: Side of a patch in pixels of the network.
        rng: Source of the random numbers.
        drawn: Frames to draw, or None.
    """

    def __init__(
        self,
        frames: Sequence[LabelledFrame],
        size: int,
        rng: np.random.Generator,
        drawn: DrawnFrames | None = None,
    ) -> None:
        self._given = [[_level(one, 2**power) for power in LEVELS] for one in frames]
        weights = np.array([one.weight for one in frames])
        self._shares = weights / weights.sum()
        self._size, self._rng, self._drawn = size, rng, drawn
        self._pool = [self._new() for _ in range(drawn.kept)] if drawn else []

    def batch(self, n: int) -> tuple[Tensor, Tensor]:
        """Return inputs, shape (n, 1, size, size), and targets, shape (n, 3, size, size)."""
        if self._drawn and self._rng.random() < self._drawn.renewed:
            self._pool[self._rng.integers(len(self._pool))] = self._new()
        patches = torch.cat([self._patch() for _ in range(n)])
        return patches[:, :1], patches[:, 1:]

    def _new(self) -> _Level:
        assert self._drawn  # noqa: S101 (for mypy)
        power = self._rng.choice(LEVELS, p=_LEVEL_SHARES)
        return _level(self._drawn.draw(self._rng), 2**power)

    def _any(self) -> _Level:
        rng = self._rng
        if self._drawn and rng.random() < self._drawn.share:
            return self._pool[rng.integers(len(self._pool))]
        levels = self._given[rng.choice(len(self._given), p=self._shares)]
        return levels[rng.choice(len(levels), p=_LEVEL_SHARES)]

    def _centre(self, level: _Level) -> NDArray[np.float64]:
        """Return (x, y) of the centre of a patch: near a cell, a lure, or anywhere."""
        rng, sides = self._rng, np.array(level.both.shape[:1:-1])
        centre = rng.uniform(0, 1, 2) * sides
        places = rng.choice(3, p=_NEAR)
        near = [np.empty((0, 2)), level.cells, level.lures][places]
        if len(near):
            centre = near[rng.integers(len(near))] + rng.normal(0, self._size / 4, 2)
        margin = np.minimum(0.4 * self._size, sides / 2)
        return np.clip(centre, margin, sides - margin)

    def _patch(self) -> Tensor:
        level = self._any()
        height, width = level.both.shape[2:]
        turn, centre = self._turn(), self._centre(level)
        if turn is None:  # as sharp as the frame
            turn, centre = _rotation(self._rng.integers(4) * math.pi / 2), np.round(centre)
        turn[:, 0] *= self._rng.choice([-1, 1])
        # From -1 to 1 across the patch to -1 to 1 across the frame.
        affine = np.empty((1, 2, 3), np.float32)
        affine[0, :, :2] = turn * self._size / np.array([[width], [height]])
        affine[0, :, 2] = 2 * centre / (width, height) - 1
        shape = [1, 4, self._size, self._size]
        place = torch.nn.functional.affine_grid(
            torch.from_numpy(affine), shape, align_corners=False
        )
        return torch.nn.functional.grid_sample(
            level.both, place, padding_mode="reflection", align_corners=False
        )

    def _turn(self) -> NDArray[np.float64] | None:
        """Return a random rotation and zoom, or None for a multiple of 90 degrees."""
        rng = self._rng
        if rng.random() < 0.5:
            return None
        return _rotation(rng.uniform(0, 2 * math.pi)) * 2 ** rng.uniform(-_ZOOM, _ZOOM)


def _rotation(angle: float) -> NDArray[np.float64]:
    sine, cosine = math.sin(angle), math.cos(angle)
    return np.array([[cosine, -sine], [sine, cosine]])


def _level(one: LabelledFrame, factor: float) -> _Level:
    """Prepare a frame for a diameter that is wrong by a factor."""
    diameter = median_width(one.labels) if one.diameter is None else one.diameter
    seen = network_input(one.frame, diameter * factor)
    wanted = targets(one.labels, seen.shape)
    inside = wanted[0] > 0
    around = scipy.ndimage.maximum_filter(inside, 2 * _FAR + 1)
    both = torch.from_numpy(np.concatenate([seen[None], wanted]))[None]
    return _Level(both, _some(inside), _some((np.abs(seen) > _LURE) & ~around))


def _some(mask: Mask) -> NDArray[np.int64]:
    """Return (x, y) of evenly chosen pixels of a mask, shape (N, 2)."""
    places = np.argwhere(mask)[:, ::-1]
    return places[:: max(1, len(places) // _PLACES)]
