"""Frames at another scale, for methods whose constants in px fit cells of one width."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from pyama.algorithms.kernels.array_types import Frame, Labels, Mask, kernel
from pyama.algorithms.segmenters.clean_up import Areas, add

Find = Callable[[Frame, Areas, Mask | None], Labels]
"""Labels the cells of a frame; gets the areas that every stage leaves, and the gaps."""


def segment_at_scale(
    find: Find, frame: Frame, scale: float | None, areas: Areas | None, gaps: Mask | None
) -> Labels:
    """Find the cells of a frame that is made larger or smaller first.

    Args:
        find: The method.
        frame: Intensities in counts, shape (H, W), uint16.
        scale: Factor of both sides; None leaves the frame as it is.
        areas: Gets the pixels that every stage leaves, in px² of `frame`.
        gaps: True where nothing was recorded, shape (H, W); None if everything was.

    Returns:
        Labels, shape (H, W); numbers of objects that vanish at the scale of the frame do not
        occur.
    """
    if scale is None or frame.ndim != 2 or frame.dtype != np.uint16:
        return find(frame, {} if areas is None else areas, gaps)
    image = resized(frame, scale)
    counted: Areas = {}
    labels = find(image, counted, None if gaps is None else _resized_mask(gaps, image.shape))
    for stage, pixels in counted.items():
        add(areas, stage, round(pixels * frame.size / image.size))
    return resized_labels(labels, frame.shape)


def resized(frame: Frame, scale: float) -> Frame:
    """Return a frame with `scale` times as many rows and columns, at least one, uint16.

    Made larger, it is interpolated by cubic splines; made smaller, it is smoothed first.
    """
    from skimage.transform import resize

    height, width = (max(1, round(side * scale)) for side in frame.shape)
    image = resize(
        frame.astype(np.float32),
        (height, width),
        order=3 if scale > 1 else 1,
        mode="edge",
        anti_aliasing=scale < 1,
        preserve_range=True,
    )
    return np.asarray(image).round().clip(0, np.iinfo(np.uint16).max).astype(np.uint16)


def _resized_mask(mask: Mask, shape: tuple[int, ...]) -> Mask:
    """Return a mask of another shape that has every marked pixel."""
    rows, columns = (
        [np.arange(side) * old // side, -(-(np.arange(side) + 1) * old // side) - 1]
        for side, old in zip(shape, mask.shape, strict=True)
    )
    return np.logical_or.reduce([mask[np.ix_(y, x)] for y in rows for x in columns])


def resized_labels(labels: Labels, shape: tuple[int, int]) -> Labels:
    """Return labels of another shape, with smooth outlines.

    Every pixel gets the number with the largest weight among the nine labels around its
    place, with the weights of a quadratic B-spline.

    Args:
        labels: Labels, shape (h, w), uint16 or uint32: 0 is background.
        shape: The new one, (H, W).
    """
    out = np.empty(shape, labels.dtype)
    rows, columns = (_places(old, new) for old, new in zip(labels.shape, shape, strict=True))
    _vote(labels, _inside(labels), *rows, *columns, out)
    return out


def _inside(labels: Labels) -> Mask:
    """Return the pixels with the same number all around them; none at the edge."""
    inside = np.zeros(labels.shape, np.bool_)
    middle, inner = labels[1:-1, 1:-1], inside[1:-1, 1:-1]
    inner[:] = True
    for y, x in np.ndindex(3, 3):
        inner &= labels[y:, x:][: inner.shape[0], : inner.shape[1]] == middle
    return inside


def _places(old: int, new: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return the pixels around each new one, and their weights, both of shape (new, 3)."""
    places = ((np.arange(new) + 0.5) * old / new - 0.5).clip(0, old - 1)
    nearest = np.floor(places + 0.5).astype(np.int64)
    beside = places - nearest
    around = (nearest[:, None] + np.arange(-1, 2)).clip(0, old - 1)
    weights = [(0.5 - beside) ** 2 / 2, 0.75 - beside**2, (0.5 + beside) ** 2 / 2]
    return around, np.stack(weights, axis=1)


@kernel
def _vote(
    labels: Labels,
    inside: Mask,
    rows: NDArray[np.int64],
    down: NDArray[np.float64],
    columns: NDArray[np.int64],
    right: NDArray[np.float64],
    out: Labels,
) -> None:
    for y in range(len(rows)):
        for x in range(len(columns)):
            best, most = labels[rows[y, 1], columns[x, 1]], 0.0
            out[y, x] = best
            if inside[rows[y, 1], columns[x, 1]]:
                continue
            for place in range(9):
                number = labels[rows[y, place // 3], columns[x, place % 3]]
                if most > 0 and number == best:
                    continue
                weight = 0.0
                for other in range(9):
                    v, u = other // 3, other % 3
                    if labels[rows[y, v], columns[x, u]] == number:
                        weight += down[y, v] * right[x, u]
                if weight > most:
                    best, most = number, weight
            out[y, x] = best
