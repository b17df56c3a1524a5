"""Patches of labelled frames: cut, turned, mirrored and resized at random."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from pyama.algorithms.kernels.array_types import Frame, Labels
from pyama.algorithms.segmenters.network_input import network_input
from pyama.training.targets import targets

LEVELS = (-0.9, -0.45, 0.0, 0.45, 0.9)
"""Every frame is prepared for these powers of two of its diameter: a diameter that is wrong by
a factor of two should do no great harm."""
_LEVEL_SHARES = (0.1, 0.22, 0.36, 0.22, 0.1)
_NEAR_CELLS = 0.5
"""Share of the patches that are centred near a cell; the others are anywhere."""
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

    def _new(self) -> Tensor:
        assert self._drawn  # noqa: S101 (for mypy)
        power = self._rng.choice(LEVELS, p=_LEVEL_SHARES)
        return _level(self._drawn.draw(self._rng), 2**power)

    def _any(self) -> Tensor:
        """Return a frame and its targets at one level, shape (1, 4, h, w)."""
        rng = self._rng
        if self._drawn and rng.random() < self._drawn.share:
            return self._pool[rng.integers(len(self._pool))]
        levels = self._given[rng.choice(len(self._given), p=self._shares)]
        return levels[rng.choice(len(levels), p=_LEVEL_SHARES)]

    def _centre(self, level: Tensor) -> NDArray[np.float64]:
        """Return (x, y) of the centre of a patch, in half of the cases near a cell."""
        rng, sides = self._rng, np.array(level.shape[:1:-1])
        centre = rng.uniform(0, 1, 2) * sides
        if rng.random() < _NEAR_CELLS:
            cells = torch.nonzero(level[0, 1])
            if len(cells):
                cell = cells[rng.integers(len(cells))].numpy()[::-1]
                centre = cell + rng.normal(0, self._size / 4, 2)
        margin = np.minimum(0.4 * self._size, sides / 2)
        return np.clip(centre, margin, sides - margin)

    def _patch(self) -> Tensor:
        level = self._any()
        height, width = level.shape[2:]
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
            level, place, padding_mode="reflection", align_corners=False
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


def _level(one: LabelledFrame, factor: float) -> Tensor:
    """Return input and targets, (1, 4, h, w), for a diameter that is wrong by a factor."""
    diameter = median_width(one.labels) if one.diameter is None else one.diameter
    seen = network_input(one.frame, diameter * factor)
    both = np.concatenate([seen[None], targets(one.labels, seen.shape)])
    return torch.from_numpy(both)[None]
