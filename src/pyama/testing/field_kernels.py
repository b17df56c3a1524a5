"""Compiled functions that place cells and draw their labels."""

import math

import numpy as np
from numpy.typing import NDArray

from pyama.algorithms.kernels.array_types import kernel

Image = NDArray[np.float32]
Ids = NDArray[np.int32]


@kernel
def outline_at(outline: Image, angle: float) -> float:
    """Return the distance in px of an outline from its centre, at an angle in radians."""
    n = len(outline)
    at = angle / (2 * math.pi) * n
    low = math.floor(at)
    share = at - low
    return float(outline[int(low) % n] * (1 - share) + outline[int(low + 1) % n] * share)


@kernel
def _direction(y: float, x: float) -> float:
    """Return the angle of (y, x) between -pi and pi, within 0.005."""
    a, b = abs(x), abs(y)
    if a + b == 0:
        return 0.0
    slope = min(a, b) / max(a, b)
    angle = slope * (0.25 * math.pi + 0.273 * (1 - slope))
    if b > a:
        angle = 0.5 * math.pi - angle
    if x < 0:
        angle = math.pi - angle
    return -angle if y < 0 else angle


@kernel
def touch(
    outlines: Image,
    angles: NDArray[np.float64],
    partners: NDArray[np.int64],
    rays: NDArray[np.float64],
    gap: float,
    places: NDArray[np.float64],
) -> None:
    """Move every cell with a partner (not -1) to `gap` px beside it, along its ray."""
    for i in range(len(places)):
        j = partners[i]
        if j < 0:
            continue
        away = gap + outline_at(outlines[j], rays[i] - angles[j])
        away += outline_at(outlines[i], rays[i] + math.pi - angles[i])
        places[i, 0] = places[j, 0] + away * math.sin(rays[i])
        places[i, 1] = places[j, 1] + away * math.cos(rays[i])


@kernel
def spread_apart(places: NDArray[np.float64], radii: NDArray[np.float64], rounds: int) -> None:
    """Push disks that overlap away from each other."""
    largest = 2.5 * radii.max() if len(radii) else 0.0
    for _ in range(rounds):
        order = np.argsort(places[:, 0])
        for rank in range(len(order)):
            i = order[rank]
            for other in range(rank - 1, -1, -1):
                j = order[other]
                dy, dx = places[i, 0] - places[j, 0], places[i, 1] - places[j, 1]
                reach = radii[i] + radii[j]
                if dy > largest:
                    break
                square = dy * dy + dx * dx
                if square >= reach * reach or square == 0:
                    continue
                length = math.sqrt(square)
                push = 0.25 * (reach - length) / length
                places[i, 0] += push * dy
                places[i, 1] += push * dx
                places[j, 0] -= push * dy
                places[j, 1] -= push * dx


@kernel
def _window(
    pose: tuple[float, float, float, float], longest: float, shape: tuple[int, int]
) -> tuple[int, int, int, int]:
    """Return first and last row and column + 1 that a cell may reach."""
    y, x, _, bend = pose
    reach = longest + abs(bend) * longest * longest + 1
    y0, y1 = max(0, int(y - reach)), min(shape[0], int(y + reach) + 2)
    x0, x1 = max(0, int(x - reach)), min(shape[1], int(x + reach) + 2)
    return y0, y1, x0, x1


@kernel
def _find_depths(
    outline: Image,
    pose: tuple[float, float, float, float],
    warp: Image,
    start: tuple[int, int],
    out: Image,
) -> int:
    """Write the depth of a cell, 2 outside; return how many pixels are inside."""
    cy, cx, angle, bend = pose
    cosine, sine, longest = math.cos(angle), math.sin(angle), outline.max()
    inside = 0
    for y in range(out.shape[0]):
        for x in range(out.shape[1]):
            dy = y + start[0] + warp[0, y + start[0], x + start[1]] - cy
            dx = x + start[1] + warp[1, y + start[0], x + start[1]] - cx
            along = cosine * dx + sine * dy
            across = cosine * dy - sine * dx - bend * along * along
            away = math.sqrt(along * along + across * across)
            out[y, x] = 2
            if away < longest:
                rim = outline_at(outline, _direction(across, along))
                if away < rim:
                    out[y, x] = away / rim
                    inside += 1
    return inside


@kernel
def paint_cells(
    outlines: Image,
    bends: NDArray[np.float64],
    angles: NDArray[np.float64],
    places: NDArray[np.float64],
    warp: Image,
    overlap: float,
    labels: Ids,
    depth: Image,
) -> NDArray[np.bool_]:
    """Draw cells; pixels of several belong to the one in which they are least deep.

    Args:
        outlines: Distance of the outlines from the centres at equal angles, shape (N, M).
        bends: Curvature of the long axis in 1/px, shape (N,).
        angles: Direction of the long axes in radians, shape (N,).
        places: Centres (y, x) in px, shape (N, 2).
        warp: Displacement (y, x) of every pixel in px, shape (2, H, W).
        overlap: A cell is not drawn if a larger fraction of it lies on others.
        labels: Drawn upon: index of the cell + 1, shape (H, W).
        depth: Drawn upon: 0 in the centre, 1 on the outline, shape (H, W).

    Returns:
        Whether each cell was drawn, shape (N,).
    """
    drawn = np.zeros(len(places), np.bool_)
    slack = max(warp.max(), -warp.min())
    for i in range(len(places)):
        pose = (places[i, 0], places[i, 1], angles[i], bends[i])
        y0, y1, x0, x1 = _window(pose, outlines[i].max() + slack, labels.shape)
        if y1 <= y0 or x1 <= x0:
            continue
        found = np.empty((y1 - y0, x1 - x0), np.float32)
        inside = _find_depths(outlines[i], pose, warp, (y0, x0), found)
        taken = np.count_nonzero((found < 1) & (labels[y0:y1, x0:x1] > 0))
        if inside == 0 or taken > overlap * inside:
            continue
        drawn[i] = True
        for y in range(y0, y1):
            for x in range(x0, x1):
                if found[y - y0, x - x0] < depth[y, x]:
                    depth[y, x] = found[y - y0, x - x0]
                    labels[y, x] = i + 1
    return drawn


@kernel
def _step_from(labels: Ids, distance: Image, y: int, x: int, way: int) -> float:
    """Return the distance of a pixel over its neighbours above (way -1) or below (1)."""
    best = np.float32(1e6)
    for dy, dx, step in ((0, 1, 0.96), (1, 1, 1.36), (1, 0, 0.96), (1, -1, 1.36)):
        v, u = y + way * dy, x + way * dx
        if 0 <= v < labels.shape[0] and 0 <= u < labels.shape[1]:
            same = labels[v, u] == labels[y, x]
            before = distance[v, u] if same else np.float32(-0.46)
            best = min(best, before + np.float32(step))
    return float(best)


@kernel
def distance_to_rim(labels: Ids) -> Image:
    """Return the distance in px of every pixel of a cell from its rim (chamfer distance)."""
    height, width = labels.shape
    distance = np.zeros(labels.shape, np.float32)
    for y in range(height):
        for x in range(width):
            if labels[y, x]:
                distance[y, x] = _step_from(labels, distance, y, x, -1)
    for y in range(height - 1, -1, -1):
        for x in range(width - 1, -1, -1):
            if labels[y, x]:
                over = _step_from(labels, distance, y, x, 1)
                distance[y, x] = min(distance[y, x], over)
    return distance


@kernel
def _flood(labels: Ids, y: int, x: int, number: int, part: Ids, stack: Ids) -> int:
    """Number all pixels that are connected with one by sides; return how many."""
    part[y, x] = number
    stack[0, 0], stack[0, 1] = y, x
    top, area = 1, 0
    while top:
        top -= 1
        v, u = stack[top, 0], stack[top, 1]
        area += 1
        for dy, dx in ((0, 1), (0, -1), (1, 0), (-1, 0)):
            b, a = v + dy, u + dx
            if not (0 <= b < labels.shape[0] and 0 <= a < labels.shape[1]):
                continue
            if labels[b, a] == labels[y, x] and part[b, a] == 0:
                part[b, a] = number
                stack[top, 0], stack[top, 1] = b, a
                top += 1
    return area


@kernel
def keep_largest_parts(labels: Ids, n: int) -> None:
    """Set to 0 what is not connected (by sides) with the largest part of its cell."""
    height, width = labels.shape
    part = np.zeros(labels.shape, np.int32)
    stack = np.empty((labels.size, 2), np.int32)
    best, size = np.zeros(n + 1, np.int32), np.zeros(n + 1, np.int64)
    number = 0
    for y in range(height):
        for x in range(width):
            own = labels[y, x]
            if own and not part[y, x]:
                number += 1
                area = _flood(labels, y, x, number, part, stack)
                if area > size[own]:
                    size[own], best[own] = area, number
    for y in range(height):
        for x in range(width):
            if part[y, x] != best[labels[y, x]]:
                labels[y, x] = 0
