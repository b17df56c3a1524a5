"""What the segmentation network sees of a frame: cells of one size, even light, one contrast.

Everything that depends on the magnification, the lamp and the camera is taken out here, in
training and in use by the same function.
"""

import math
from typing import Any

import numpy as np
import scipy
from numpy.typing import NDArray

from pyama.algorithms.kernels.array_types import Mask

WIDTH = 25.0
"""Median width of cells in the input of the network, in its pixels: 2 sqrt(area / pi)."""
BACKGROUND_SIGMA = 14.0
"""Standard deviation (pixels of the network) of the Gaussian that is subtracted."""
LARGEST = 12.0
"""Larger values of the input, of either sign, are cut off."""
VARIANCE_FLOOR = 1 / 12
"""Variance (counts²) of rounding to one grey level; the contrast is never below it."""
_COARSE = 4
"""The Gaussian is computed on every fourth pixel and interpolated."""

_LEAST_SEEN = np.float32(1e-3)
"""Smallest recorded share of a pixel by which sums are divided."""


def network_input(
    frame: NDArray[Any], diameter: float, gaps: Mask | None = None
) -> NDArray[np.float32]:
    """Return a frame as the network sees it, shape (round(H s), round(W s)).

    The frame is resized by `s = WIDTH / diameter`, by averages of areas to a smaller size and
    linearly to a larger one. A Gaussian average is subtracted, and the rest divided by its
    contrast, between the robust and the usual standard deviation.

    Args:
        frame: Intensities in counts, shape (H, W), of any type of number.
        diameter: Median width of the cells in px of the frame.
        gaps: True where nothing was recorded, shape (H, W); None if everything was.

    Returns:
        Contrast, between -`LARGEST` and `LARGEST`; 0 where nothing was recorded, and
        everywhere in a frame without contrast. Each side is at least one pixel long.
    """
    shape = network_shape(frame.shape, diameter)
    if gaps is None or not gaps.any():
        level = np.float32(np.median(frame[::4, ::4]))
        return _contrast(resized(frame.astype(np.float32) - level, shape), None)
    seen = resized((~gaps).astype(np.float32), shape)
    level = np.float32(np.median(frame[~gaps])) if not gaps.all() else np.float32(0)
    counts = np.where(gaps, np.float32(0), frame.astype(np.float32) - level)
    return _contrast(resized(counts, shape), seen)


def network_shape(shape: tuple[int, ...], diameter: float) -> tuple[int, int]:
    """Return the shape of `network_input` of a frame of shape (H, W)."""
    scale = WIDTH / diameter
    height, width = (max(1, round(side * scale)) for side in shape)
    return height, width


def resized(image: NDArray[np.float32], shape: tuple[int, int]) -> NDArray[np.float32]:
    """Resize an image, shape (H, W): averages of areas if smaller, linear if larger."""
    rows = _weights(image.shape[0], shape[0])
    columns = _weights(image.shape[1], shape[1])
    return np.ascontiguousarray((columns @ (rows @ image).T).T)


def _contrast(
    image: NDArray[np.float32], seen: NDArray[np.float32] | None
) -> NDArray[np.float32]:
    """Subtract the background and divide by the contrast, of pixels that were `seen`."""
    background = _smooth(image)
    inside = np.ones(image.shape, np.bool_)
    if seen is not None:
        inside = seen > np.float32(0.5)
        background /= np.maximum(_smooth(seen), _LEAST_SEEN)
        image = np.divide(image, np.maximum(seen, _LEAST_SEEN), dtype=np.float32)
    if not inside.any():
        return np.zeros(image.shape, np.float32)
    rest = image - background
    values = rest[inside]
    spread = 1.4826 * float(np.median(np.abs(values - np.median(values))))
    variance = spread**2 + 0.25 * float(values.var(dtype=np.float64))
    rest /= np.float32(math.sqrt(variance + VARIANCE_FLOOR))
    rest[~inside] = 0
    return np.clip(rest, -LARGEST, LARGEST, out=rest)


def _smooth(image: NDArray[np.float32]) -> NDArray[np.float32]:
    height, width = (math.ceil(side / _COARSE) for side in image.shape)
    coarse = resized(image, (height, width))
    smooth = scipy.ndimage.gaussian_filter(coarse, BACKGROUND_SIGMA / _COARSE, mode="reflect")
    height, width = image.shape
    return resized(smooth, (height, width))


def _weights(n_from: int, n_to: int) -> scipy.sparse.csr_array:
    """Return the weights of `n_from` pixels in `n_to` pixels, shape (n_to, n_from)."""
    step = n_from / n_to
    if n_to < n_from:
        edges = np.arange(n_to + 1) * step
        first, last = edges[:-1].astype(int), np.ceil(edges[1:] - 1e-9).astype(int)
        taps = np.arange(int((last - first).max()))
        source = first[:, None] + taps
        weights = np.minimum(edges[1:, None], source + 1) - np.maximum(
            edges[:-1, None], source
        )
        weights = np.maximum(weights, 0) / step
    else:
        centre = np.clip((np.arange(n_to) + 0.5) * step - 0.5, 0, n_from - 1)
        first = np.minimum(centre.astype(int), max(0, n_from - 2))
        source = first[:, None] + np.arange(2)
        share = centre - first
        weights = np.stack([1 - share, share], axis=1)
    source = np.minimum(source, n_from - 1)
    target = np.broadcast_to(np.arange(n_to)[:, None], source.shape)
    entries = (weights.astype(np.float32).ravel(), (target.ravel(), source.ravel()))
    return scipy.sparse.csr_array(entries, shape=(n_to, n_from))
