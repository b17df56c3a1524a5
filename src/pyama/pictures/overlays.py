"""Outlines of cells drawn onto grey images."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

WITH_TRACE, WITHOUT_TRACE = (90, 215, 255), (255, 170, 60)
"""RGB of the outlines of cells with and without a trace.

Both are so much brighter than their dark rim that on any grey either the line or the rim has a
contrast of at least 3, also in greyscale. Colour-blind readers can distinguish them.
"""
RIM = (0, 0, 0)


def reduce_image(image: NDArray[np.uint8], longest: int) -> NDArray[np.uint8]:
    """Average blocks of pixels so that no side is longer than `longest`.

    Args:
        image: Grey, shape (H, W).
        longest: In px.

    Returns:
        Shape (H // n, W // n) with the smallest whole n; rows and columns that do not fill a
        block are dropped.
    """
    step = max(1, -(-max(image.shape) // longest))
    h, w = (n // step * step for n in image.shape)
    blocks = image[:h, :w].reshape(h // step, step, w // step, step)
    return blocks.mean(axis=(1, 3)).astype(np.uint8)


def draw_outlines(
    image: NDArray[np.uint8], labels: NDArray[Any] | None, kept: NDArray[Any]
) -> NDArray[np.uint8]:
    """Draw the outlines of labels onto an image.

    Args:
        image: Grey, shape (h, w).
        labels: Of the same field of view in any size, 0 is background; None draws nothing.
        kept: Labels that have a trace.

    Returns:
        RGB, shape (h, w, 3). Outlines are the outermost pixels of the cells, with a dark rim
        at both sides.
    """
    rgb = np.repeat(image[..., np.newaxis], 3, axis=2)
    if labels is None:
        return rgb
    rows, columns = (
        np.arange(n) * whole // n for n, whole in zip(image.shape, labels.shape, strict=True)
    )
    small = labels[np.ix_(rows, columns)]
    edge = _edges(small)
    has_trace = np.isin(small, kept)
    rgb[_grown(edge)] = RIM
    rgb[edge & has_trace] = WITH_TRACE
    rgb[edge & ~has_trace] = WITHOUT_TRACE
    return rgb


def _edges(labels: NDArray[Any]) -> NDArray[np.bool_]:
    """Return the pixels of labels that touch a pixel of another label or of none."""
    edge = np.zeros(labels.shape, bool)
    edge[1:] |= labels[1:] != labels[:-1]
    edge[:-1] |= labels[1:] != labels[:-1]
    edge[:, 1:] |= labels[:, 1:] != labels[:, :-1]
    edge[:, :-1] |= labels[:, 1:] != labels[:, :-1]
    return edge & (labels > 0)


def _grown(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return a mask with the eight neighbours of all its pixels."""
    rows = mask.copy()
    rows[1:] |= mask[:-1]
    rows[:-1] |= mask[1:]
    grown = rows.copy()
    grown[:, 1:] |= rows[:, :-1]
    grown[:, :-1] |= rows[:, 1:]
    return grown
