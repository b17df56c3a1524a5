"""Variations of patches: other microscopes, other light, dirt, and nothing at all."""

import math

import numpy as np
import scipy
import torch
from numpy.typing import NDArray
from torch import Tensor

from pyama.algorithms.segmenters.network_input import LARGEST

_REACH = 5
"""Radius of the Gaussian filters in px."""
_EMPTY = 0.05
"""Share of the patches without any cell."""
_WALL = 0.04
"""Share of the patches with the wall of a chamber."""
_RING = 0.1
"""Share of the patches with a ring of diffracted light."""


def vary(x: Tensor, y: Tensor, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
    """Return varied inputs, shape (N, 1, h, w), and their targets, shape (N, 3, h, w)."""
    x, y = _with_wall(_with_debris(x, y[:, 0], rng), y, rng)
    x = _with_contrast(x, rng)
    x = _with_focus(x, rng)
    x = _with_light(x, rng)
    x = _with_noise(x, rng)
    x, y = _with_empty(x, y, rng)
    return _saturated(x, rng).clamp(-LARGEST, LARGEST), y


def _chosen(rng: np.random.Generator, share: float, values: NDArray[np.float64]) -> Tensor:
    """Return `values`, shape (N,), of a random share of the patches, else 0: (N, 1, 1, 1)."""
    kept = np.where(rng.random(values.shape) < share, values, 0)
    return torch.from_numpy(kept.astype(np.float32))[:, None, None, None]


def _with_contrast(x: Tensor, rng: np.random.Generator) -> Tensor:
    n = len(x)
    bright, dark, power = (
        torch.exp(_chosen(rng, share, rng.normal(0, spread, n)))
        for share, spread in ((0.7, 0.3), (0.7, 0.3), (0.4, 0.15))
    )
    x = torch.where(x > 0, x * bright, x * dark)
    return x.sign() * x.abs() ** power * torch.exp(_chosen(rng, 1, rng.normal(0, 0.3, n)))


def _with_focus(x: Tensor, rng: np.random.Generator) -> Tensor:
    """Blur some patches and sharpen others."""
    n = len(x)
    choice = rng.random(n)
    sigma = np.where(choice < 0.45, rng.uniform(0.3, 1.6, n), 1.5)
    smooth = blurred(x, sigma)
    share = np.where(choice < 0.45, 1, np.where(choice < 0.7, -rng.uniform(0.2, 0.8, n), 0))
    weight = torch.from_numpy(share.astype(np.float32))[:, None, None, None]
    return x + weight * (smooth - x)


def blurred(x: Tensor, sigma: NDArray[np.float64]) -> Tensor:
    """Return x, shape (N, 1, h, w), after a Gaussian filter of `sigma` px, shape (N,)."""
    offsets = np.arange(-_REACH, _REACH + 1)
    weights = np.exp(-0.5 * (offsets / np.maximum(sigma, 0.05)[:, None]) ** 2)
    weights /= weights.sum(axis=1, keepdims=True)
    line = torch.from_numpy(weights.astype(np.float32))[:, None, None]
    n = len(x)
    x = torch.nn.functional.pad(x, (_REACH,) * 4, mode="reflect").transpose(0, 1)
    x = torch.nn.functional.conv2d(x, line, groups=n)
    return torch.nn.functional.conv2d(x, line.transpose(2, 3), groups=n).transpose(0, 1)


def _with_light(x: Tensor, rng: np.random.Generator) -> Tensor:
    """Add a smooth surface to some patches."""
    n, _, height, width = x.shape
    coarse = rng.normal(0, 1, (n, 1, 4, 4)).astype(np.float32)
    surface = torch.nn.functional.interpolate(
        torch.from_numpy(coarse), (height, width), mode="bicubic", align_corners=True
    )
    return x + surface * _chosen(rng, 0.4, rng.uniform(0.1, 0.7, n))


def _with_noise(x: Tensor, rng: np.random.Generator) -> Tensor:
    n = len(x)
    noise = torch.from_numpy(rng.standard_normal(x.shape, np.float32))
    strength = _chosen(rng, 0.7, np.exp(rng.uniform(math.log(0.02), math.log(0.4), n)))
    return x + noise * strength


def _with_empty(x: Tensor, y: Tensor, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
    """Replace a few patches by noise, gradients or nothing, which hold no cell."""
    n = len(x)
    empty = torch.from_numpy(rng.random(n) < _EMPTY)[:, None, None, None]
    if not empty.any():
        return x, y
    noise = torch.from_numpy(rng.standard_normal(x.shape, np.float32))
    noise = blurred(noise, np.where(rng.random(n) < 0.5, 0, rng.uniform(0.3, 1.5, n)))
    strength = _chosen(rng, 0.8, rng.uniform(0.1, 1.2, n))
    noise = noise / noise.std((2, 3), keepdim=True) * strength
    slope = np.linspace(-1, 1, x.shape[3], dtype=np.float32)
    gradient = torch.from_numpy(slope) * _chosen(rng, 0.4, rng.normal(0, 1.5, n))
    return torch.where(empty, noise + gradient, x), torch.where(empty, 0.0, y)


def _saturated(x: Tensor, rng: np.random.Generator) -> Tensor:
    """Cut off the bright parts of some patches, as a saturated camera does."""
    limit = rng.uniform(1.5, 6, len(x))
    limit[rng.random(len(x)) > 0.1] = LARGEST
    return torch.minimum(x, torch.from_numpy(limit.astype(np.float32))[:, None, None, None])


def _with_wall(x: Tensor, y: Tensor, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
    """Cover a side of some patches with the wall of a chamber, and put rings onto others."""
    x, y = x.clone(), y.clone()
    for patch, shown in zip(x[:, 0], y, strict=True):
        if rng.random() < _RING:
            patch += torch.from_numpy(_ring(patch.shape, rng))
        if rng.random() < _WALL:
            depth, wall = _wall(patch.shape, rng)
            patch[depth > 0] = torch.from_numpy(wall[depth > 0])
            shown[:, depth > 0] = 0
    return x, y


def _ring(shape: tuple[int, ...], rng: np.random.Generator) -> NDArray[np.float32]:
    rows, columns = (np.arange(n) - rng.uniform(0, n) for n in shape)
    distance = np.hypot(rows[:, None], columns)
    radius, width = rng.uniform(2, 40), rng.uniform(1.5, 5)
    envelope = np.exp(-(((distance - radius) / width / 2) ** 2))
    wave = np.cos((distance - radius) / width * rng.uniform(1, 3))
    return (rng.uniform(0.1, 1) * envelope * wave).astype(np.float32)


def _wall(
    shape: tuple[int, ...], rng: np.random.Generator
) -> tuple[NDArray[np.float64], NDArray[np.float32]]:
    """Return how deep in the wall every pixel is, and what it looks like."""
    angle = rng.uniform(0, 2 * math.pi)
    rows, columns = (np.linspace(-1, 1, n) for n in shape)
    depth = rows[:, None] * math.sin(angle) + columns * math.cos(angle) - rng.uniform(-0.3, 1)
    depth = depth + 0.03 * scipy.ndimage.gaussian_filter1d(rng.normal(0, 3, shape[1]), 3)
    noise = scipy.ndimage.gaussian_filter(rng.normal(0, 1, shape), rng.uniform(0.7, 3))
    bands = np.cos(depth * rng.uniform(3, 25) + rng.uniform(0, 2 * math.pi))
    look = rng.uniform(1, 8) * bands + rng.uniform(1, 6) * noise / noise.std()
    return depth, look.astype(np.float32)


def _with_debris(x: Tensor, inside: Tensor, rng: np.random.Generator) -> Tensor:
    """Put specks, rings and small dead cells onto the background of some patches."""
    x = x.clone()
    for patch, cells in zip(x[:, 0], inside, strict=True):
        if rng.random() < 0.4:
            for _ in range(rng.integers(1, 12)):
                _add_speck(patch, cells, rng)
    return x


def _add_speck(patch: Tensor, cells: Tensor, rng: np.random.Generator) -> None:
    reach = 10
    height, width = patch.shape
    y, x = rng.integers(reach, height - reach), rng.integers(reach, width - reach)
    if cells[y - 4 : y + 5, x - 4 : x + 5].any():
        return
    radius = math.exp(rng.uniform(math.log(0.8), math.log(4)))
    line = np.arange(-reach, reach + 1, dtype=np.float32)
    angle, ratio = rng.uniform(0, math.pi), rng.uniform(0.6, 1.6)
    along = np.add.outer(line * math.sin(angle), line * math.cos(angle))
    across = np.add.outer(line * math.cos(angle), -line * math.sin(angle)) * ratio
    distance = np.hypot(along, across)
    sign = rng.choice([-1, 1], p=[0.25, 0.75])
    speck = sign * rng.uniform(1, 8) * np.exp(-((distance / radius) ** rng.choice([2, 4])))
    speck -= rng.uniform(0, 3) * np.exp(-(((distance - 1.6 * radius) / 1.2) ** 2))
    window = patch[y - reach : y + reach + 1, x - reach : x + reach + 1]
    window += torch.from_numpy(speck.astype(np.float32))
