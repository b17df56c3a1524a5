"""Objects around maxima, and labels of a higher resolution."""

import numpy as np
from numpy.typing import NDArray

from pyama.algorithms.kernels.array_types import Labels, kernel
from pyama.algorithms.kernels.labels import label, regions

Weights = NDArray[np.float32]


def separate_basins(
    heights: NDArray[np.float32], depth: float, smallest: float
) -> NDArray[np.int32]:
    """Number the objects around maxima between which `heights` descends deep enough.

    The pixels are visited from the highest down, and each joins the neighbours that were
    visited. Two objects that meet are one, unless the lower maximum is at least `depth` above
    the pixel at which they meet; this pixel then goes to the neighbour that is the highest.
    It is the watershed of Vincent and Soille (1991), https://doi.org/10.1109/34.87344, with
    the dynamics of Grimaud (1992), https://doi.org/10.1117/12.60650, in one pass.

    Args:
        heights: Shape (H, W); pixels at or below 0 belong to no object.
        depth: See above.
        smallest: Objects whose maximum is lower are dropped.

    Returns:
        0 outside, 1..N inside, shape (H, W); the objects are 4-connected.
    """
    pixels = np.flatnonzero(heights > 0)
    order = pixels[np.argsort(-heights.ravel()[pixels], kind="stable")]
    parents = np.full(heights.size, -1, np.int32)
    out = np.zeros(heights.shape, np.int32)
    _join_pixels(heights.ravel(), order, heights.shape[1], np.float32(depth), parents)
    _number_roots(heights.ravel(), order, np.float32(smallest), parents, out.ravel())
    return out


def fill_holes_in_objects(labels: NDArray[np.int32], max_area: int) -> NDArray[np.int32]:
    """Return labels without the small holes that a single object encloses.

    Args:
        labels: 0 outside, 1..N inside, shape (H, W).
        max_area: Larger holes (px²) are not filled. Neither is what is between objects, or
            touches the edge of the frame.
    """
    holes = label(labels == 0)
    found = regions(holes)
    owners = np.full(int(holes.max(initial=0)) + 1, -1, np.int32)
    owners[found.ids[found.areas <= max_area]] = 0
    _find_owners(labels, holes, owners)
    numbers = np.maximum(owners, 0)
    numbers[0] = 0
    return np.where(labels > 0, labels, numbers[holes])


def enlarge_labels(
    labels: NDArray[np.int32], inside: NDArray[np.float32], shape: tuple[int, int]
) -> Labels:
    """Return labels of another resolution with smooth outlines.

    The outline of an object follows `inside` between the pixels, and the border between two
    touching objects a smoothed vote of the nine pixels around (quadratic B-spline).

    Args:
        labels: 0 outside, 1..N inside, shape (h, w).
        inside: Probability that a pixel is in an object, shape (h, w). Where it contradicts
            `labels`, because an object was dropped or a hole was filled, it counts as 0 or 1.
        shape: Of the result (H, W), not empty.

    Returns:
        Labels, shape (H, W), uint16 or uint32: 1..N without gaps. Objects that have no pixel
        of the new resolution are left out.
    """
    is_wide = labels.max(initial=0) > np.iinfo(np.uint16).max
    out: Labels = np.zeros(shape, np.uint32) if is_wide else np.zeros(shape, np.uint16)
    rows, row_weights = _nearest(labels.shape[0], shape[0])
    columns, column_weights = _nearest(labels.shape[1], shape[1])
    uniform = np.zeros(labels.shape, np.bool_)
    _mark_uniform(labels, uniform)
    present = np.zeros(int(labels.max(initial=0)) + 1, np.bool_)
    _vote(labels, inside, uniform, rows, row_weights, columns, column_weights, present, out)
    present[0] = False
    if present[1:].all():
        return out
    numbers = np.where(present, np.cumsum(present), 0).astype(out.dtype)
    return np.asarray(numbers[out])


def _nearest(n: int, n_new: int) -> tuple[NDArray[np.int32], Weights]:
    """Return the nearest old pixel of every new one, and the weights of it and its neighbours.

    Returns:
        Indices, shape (n_new,), and weights of the pixel before, the nearest and the next,
        shape (n_new, 3).
    """
    position = (np.arange(n_new) + 0.5) * n / n_new - 0.5
    nearest = np.rint(position).clip(0, n - 1).astype(np.int32)
    offset = (position - nearest).clip(-0.5, 0.5)
    before, after = (0.5 - offset) ** 2 / 2, (0.5 + offset) ** 2 / 2
    return nearest, np.stack([before, 1 - before - after, after], 1).astype(np.float32)


@kernel
def _root(parents: NDArray[np.int32], pixel: int) -> int:
    while parents[pixel] != pixel:
        parents[pixel] = parents[parents[pixel]]
        pixel = parents[pixel]
    return pixel


@kernel
def _join_pixels(
    heights: NDArray[np.float32],
    order: NDArray[np.int64],
    width: int,
    depth: np.float32,
    parents: NDArray[np.int32],
) -> None:
    """Let every pixel point to another of its object; the maximum points to itself."""
    for pixel in order:
        x = pixel % width
        highest = pixel
        near = (
            pixel - width,
            pixel - 1 if x > 0 else -1,
            pixel + 1 if x < width - 1 else -1,
            pixel + width if pixel + width < heights.size else -1,
        )
        for other in near:
            if other < 0 or parents[other] < 0:
                continue
            if highest == pixel or heights[other] > heights[highest]:
                highest = other
        parents[pixel] = highest
        for other in near:
            if other < 0 or parents[other] < 0:
                continue
            a, b = _root(parents, pixel), _root(parents, other)
            low, high = (a, b) if heights[a] <= heights[b] else (b, a)
            if low != high and heights[low] - heights[pixel] < depth:
                parents[low] = high


@kernel
def _number_roots(
    heights: NDArray[np.float32],
    order: NDArray[np.int64],
    smallest: np.float32,
    parents: NDArray[np.int32],
    out: NDArray[np.int32],
) -> None:
    n = 0
    for pixel in order:  # a maximum comes before the other pixels of its object
        root = _root(parents, pixel)
        if root == pixel and heights[root] >= smallest:
            n += 1
            out[pixel] = n
        else:
            out[pixel] = out[root]


@kernel
def _find_owners(labels: NDArray[np.int32], holes: Labels, owners: NDArray[np.int32]) -> None:
    """Find the owner of every hole: -1 if it is not to be filled."""
    height, width = labels.shape
    for y in range(height):
        for x in range(width):
            hole = holes[y, x]
            if hole == 0 or owners[hole] < 0:
                continue
            if y == 0 or x == 0 or y == height - 1 or x == width - 1:
                owners[hole] = -1
                continue
            near = labels[y - 1, x], labels[y + 1, x], labels[y, x - 1], labels[y, x + 1]
            for other in near:
                if other > 0 and owners[hole] == 0:
                    owners[hole] = other
                elif other > 0 and owners[hole] != other:
                    owners[hole] = -1


@kernel
def _mark_uniform(labels: NDArray[np.int32], uniform: NDArray[np.bool_]) -> None:
    """Mark the pixels whose eight neighbours have the same label."""
    height, width = labels.shape
    for y in range(height):
        for x in range(width):
            same = True
            for v in range(max(y - 1, 0), min(y + 2, height)):
                for u in range(max(x - 1, 0), min(x + 2, width)):
                    same &= labels[v, u] == labels[y, x]
            uniform[y, x] = same


@kernel
def _vote(
    labels: NDArray[np.int32],
    inside: NDArray[np.float32],
    uniform: NDArray[np.bool_],
    rows: NDArray[np.int32],
    row_weights: Weights,
    columns: NDArray[np.int32],
    column_weights: Weights,
    present: NDArray[np.bool_],
    out: Labels,
) -> None:
    width = labels.shape[1]
    numbers = np.zeros(9, np.int32)
    weights = np.zeros(9, np.float32)
    first = np.searchsorted(columns, np.arange(width + 1))
    for i in range(len(rows)):
        y = rows[i]
        for x in range(width):
            if first[x] == first[x + 1]:
                continue
            if uniform[y, x]:
                present[labels[y, x]] = True
                if labels[y, x] > 0:
                    out[i, first[x] : first[x + 1]] = labels[y, x]
                continue
            for j in range(first[x], first[x + 1]):
                for k in range(9):
                    weights[k] = row_weights[i, k // 3] * column_weights[j, k % 3]
                if _share_inside(labels, inside, y, x, weights, numbers) > 0.5:
                    number = _most_voted(numbers, weights)
                    out[i, j] = number
                    present[number] = True


@kernel
def _share_inside(
    labels: NDArray[np.int32],
    inside: NDArray[np.float32],
    y: int,
    x: int,
    weights: Weights,
    numbers: NDArray[np.int32],
) -> float:
    """Return the weighted probability around a pixel, and list the labels there."""
    height, width = labels.shape
    total = np.float32(0)
    for k in range(9):
        v = min(max(y + k // 3 - 1, 0), height - 1)
        u = min(max(x + k % 3 - 1, 0), width - 1)
        numbers[k] = labels[v, u]
        if (numbers[k] > 0) == (inside[v, u] > 0.5):
            total += weights[k] * inside[v, u]
        elif numbers[k] > 0:
            total += weights[k]
    return float(total)


@kernel
def _most_voted(numbers: NDArray[np.int32], weights: Weights) -> int:
    best, most = 0, np.float32(0)
    for k in range(9):
        votes = np.float32(0)
        for m in range(9):
            if numbers[m] == numbers[k]:
                votes += weights[m]
        if numbers[k] > 0 and votes > most:
            best, most = numbers[k], votes
    return best
