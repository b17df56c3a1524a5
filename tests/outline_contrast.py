"""How well outlines can be seen, by people with and without normal colour vision."""

import numpy as np
from scipy import ndimage

DEUTERANOPIA = np.array(
    [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ]
)
"""Linear RGB as it is seen without the green cones.

After Machado, Oliveira and Fernandes (2009), https://doi.org/10.1109/TVCG.2009.113, with
severity 1.
"""
WEIGHTS = np.array([0.2126, 0.7152, 0.0722])
SEEN_BY = ("normal vision", "deuteranopia", "greyscale")
NEAR = 2
"""How far from a point of an outline, in px, its light or dark line is looked for."""


def luminance(rgb, seen_by):
    """Relative luminance after WCAG 2.2 of an image (H, W, 3) in 8 bits."""
    parts = np.asarray(rgb, float) / 255
    if seen_by == "greyscale":
        parts = np.repeat(parts @ [[0.299], [0.587], [0.114]], 3, axis=-1)
    linear = np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
    if seen_by == "deuteranopia":
        linear = np.clip(linear @ DEUTERANOPIA.T, 0, 1)
    return linear @ WEIGHTS


def contrast_along(drawn, plain, points, seen_by):
    """Contrast of an outline with the image around it, at points along it.

    Args:
        drawn: Image with outlines, (H, W, 3).
        plain: The same without.
        points: Along outlines, (N, 2), x and y in px; those outside are left out.
        seen_by: One of `SEEN_BY`.
    """
    size = 2 * NEAR + 1
    before, after = luminance(plain, seen_by), luminance(drawn, seen_by)
    around = ndimage.uniform_filter(before, 2 * size + 1)
    is_line = (drawn != plain).any(axis=2)
    light = ndimage.maximum_filter(np.where(is_line, after, 0), size)
    dark = ndimage.minimum_filter(np.where(is_line, after, 1), size)
    found = np.maximum((light + 0.05) / (around + 0.05), (around + 0.05) / (dark + 0.05))
    drawn_there = ndimage.maximum_filter(is_line, size)
    x, y = np.floor(points).astype(int).T
    inside = (x >= 0) & (y >= 0) & (x < before.shape[1]) & (y < before.shape[0])
    x, y = x[inside], y[inside]
    return np.where(drawn_there[y, x], found[y, x], 1)


def points_along(rings, scale, shift):
    """Points every half px of the picture along closed outlines x, y, x, y, ..."""
    found = []
    for ring in rings:
        corners = np.array(ring, float).reshape(-1, 2) * scale + shift
        for start, end in zip(corners, np.roll(corners, -1, axis=0), strict=True):
            n = max(1, int(2 * np.abs(end - start).max()))
            found.append(start + (end - start) * np.arange(n)[:, np.newaxis] / n)
    return np.concatenate(found)


def share_visible(drawn, plain, points):
    """The part of an outline with a contrast of at least 3, for the worst of all observers."""
    return min(
        (contrast_along(drawn, plain, points, seen_by) >= 3).mean() for seen_by in SEEN_BY
    )
