"""Segmentation of phase contrast that separates touching cells at the halo between them.

The mask is that of `logstd` with a weaker cleaning. The mask without the halo is the core of
the cells. Cells are separated by the distance from the edge of the core and extended to the
mask by a watershed, after Vincent and Soille (1991), https://doi.org/10.1109/34.87344. Coarse
texture can also divide a single cell. Parts that are convex together are therefore joined:
between two cells the outline has a notch.
"""

from collections.abc import Iterator
from functools import partial

import numpy as np
import scipy
from numpy.typing import NDArray

from pyama.algorithms.kernels.array_types import Frame, Labels, Mask, kernel
from pyama.algorithms.kernels.bits import Bits, pack, unpack
from pyama.algorithms.kernels.labels import (
    fill_mask_holes,
    label,
    label_runs,
    regions,
    regions_of,
    remove_small_objects,
    renumber,
)
from pyama.algorithms.kernels.morphology import close_bits, erode_bits, open_bits
from pyama.algorithms.params import WatershedParams
from pyama.algorithms.segmenters.clean_up import Areas, add, area
from pyama.algorithms.segmenters.joining import join_convex
from pyama.algorithms.segmenters.logstd import VARIANCE_FLOOR, high_variance_mask
from pyama.algorithms.segmenters.resizing import segment_at_scale

SMALLEST_CELL = 300
"""Smallest area (px²) of a cell that the edge of the frame does not cut."""
SMALLEST_SHARE = 0.15
"""Smallest area of a cell that the edge of the frame cuts, relative to the median cell."""
LARGEST_HOLE = 3000
"""Largest area (px²) of a hole inside a cell; larger holes are background."""
LARGEST_SPOT = 400
"""Largest bright area (px²) inside a cell; larger ones are halo. Also the largest hole that
the edge of the frame cuts; larger ones are background."""
CONVEX = 0.92
"""Smallest convexity of parts of one cell. Two touching disks have 0.88, or 0.91 in a cleaned
mask; neighbours in annotated images have up to 0.88, parts of simulated cells mostly 0.95."""
HALO = 5
"""Brightness of the halo above the background, in standard deviations of the background."""
BLOCK = 8
"""Side of the blocks (px) whose means give the background."""
DEPTH = 0.095
"""`split_h` relative to the diameter of a typical core (0.082 of that of a cell). Values from
0.09 to 0.105 give the best results on annotated images."""


def segment(
    frame: Frame,
    params: WatershedParams,
    areas: Areas | None = None,
    *,
    gaps: Mask | None = None,
) -> Labels:
    """Label the cells of one phase contrast frame, and separate touching cells.

    The sizes in pixels are for cells of 70 px in diameter in the frame or, with
    `frame_scale`, in the frame that is resized by it. The size limits are not
    applied to the result: `labels.limit_sizes` does so, and counts, after every method.

    Args:
        frame: Intensities in counts, shape (H, W), uint16.
        params: See `WatershedParams`; `logstd_window_size`, `split_h` and `frame_scale` are
            used.
        areas: Gets the pixels that every stage leaves, added to what is there.
        gaps: True where nothing was recorded, shape (H, W); None if everything was.

    Returns:
        Labels, shape (H, W): 0 is background, 1..N are cells of at least `SMALLEST_CELL` px²,
        at the edge of the frame of `SMALLEST_SHARE` of the median cell. The same
        number in another frame is another cell. A frame without texture has no cells.

    Raises:
        ArrayError: `frame` is not two-dimensional or not uint16.
    """
    scale, window, split_h = params.frame_scale, params.logstd_window_size, params.split_h
    depth = None if split_h is None else split_h * (scale or 1)
    return segment_at_scale(partial(_segment, window, depth), frame, scale, areas, gaps)


def _segment(
    window: int, split_h: float | None, frame: Frame, areas: Areas, gaps: Mask | None
) -> Labels:
    mask = _cells(high_variance_mask(frame, window, gaps), areas)
    if not mask.any():
        return np.zeros(frame.shape, np.uint16)
    core = _core(frame, mask, gaps)
    depth = _depth(core) if split_h is None else split_h
    return _without_debris(_cut(mask, core, depth))


def _cells(mask: Bits, areas: Areas) -> Mask:
    for stage, left in _cleaned(mask):
        add(areas, stage, area(left))
    return unpack(left)


def _cleaned(mask: Bits) -> Iterator[tuple[str, Bits]]:
    """Yield the mask after every stage of the clean-up, with the stage's name."""
    yield "threshold", mask
    mask = close_bits(mask, 2)
    yield "closing", mask
    mask = remove_small_objects(mask, SMALLEST_CELL, SMALLEST_CELL // 2)
    yield "small", mask
    mask = fill_mask_holes(mask, LARGEST_HOLE, LARGEST_SPOT)
    yield "holes", mask
    mask = open_bits(mask, 5)
    yield "opening", mask
    mask = erode_bits(mask, 4)  # the halo around a cell is rough as well
    yield "halo", mask
    yield "debris", remove_small_objects(mask, SMALLEST_CELL, SMALLEST_CELL // 2)


def _without_debris(labels: Labels) -> Labels:
    """Remove objects too small for a cell or the visible part of one, and renumber."""
    runs = label_runs(labels, "segment")
    found = regions_of(runs)
    large = found.areas >= SMALLEST_CELL
    if not large.any():
        return np.zeros(labels.shape, np.uint16)
    at_edge = (found.boxes[:, :2] == 0) | (found.boxes[:, 2:] == labels.shape)
    part = found.areas >= SMALLEST_SHARE * np.median(found.areas[large])
    kept = found.ids[np.where(at_edge.any(axis=1), part, large)]
    return renumber(runs, kept, np.arange(1, len(kept) + 1), len(kept))


def _core(frame: Frame, mask: Mask, gaps: Mask | None) -> Mask:
    """Return the part of the mask that is not halo."""
    bright = scipy.ndimage.gaussian_filter(frame.astype(np.float32), 1.5) - _background(frame)
    sample = (slice(None, None, 4), slice(None, None, 4))
    outside = bright[sample][~(mask if gaps is None else mask | gaps)[sample]]
    if outside.size == 0:
        return mask
    median = np.median(outside)
    deviation = 1.4826 * np.median(np.abs(outside - median))
    halo = bright > median + HALO * max(deviation, np.sqrt(VARIANCE_FLOOR))
    return unpack(open_bits(fill_mask_holes(pack(mask & ~halo), LARGEST_SPOT), 2))


def _background(frame: Frame) -> NDArray[np.float32]:
    """Return the intensities without structures smaller than a few blocks, shape (H, W)."""
    height, width = frame.shape
    whole = np.pad(frame, ((0, -height % BLOCK), (0, -width % BLOCK)), mode="edge")
    blocks = whole.reshape(whole.shape[0] // BLOCK, BLOCK, -1, BLOCK)
    small = scipy.ndimage.median_filter(blocks.mean((1, 3), dtype=np.float32), 5)
    smooth = scipy.ndimage.gaussian_filter(small, 2)
    across = np.ascontiguousarray(_between_centres(smooth.T, width).T)
    return _between_centres(across, height)


def _between_centres(rows: NDArray[np.float32], n: int) -> NDArray[np.float32]:
    """Interpolate linearly from one row per block to `n` rows."""
    position = ((np.arange(n) + 0.5) / BLOCK - 0.5).clip(0, len(rows) - 1)
    lower = position.astype(np.int64)
    upper = np.minimum(lower + 1, len(rows) - 1)
    share = (position - lower)[:, None].astype(np.float32)
    return rows[lower] * (1 - share) + rows[upper] * share


def _depth(core: Mask) -> float:
    areas = regions(label(core)).areas
    cells = areas[areas >= SMALLEST_CELL]
    if cells.size == 0:
        return float("inf")
    return float(DEPTH * np.sqrt(4 * np.median(cells) / np.pi))


def _cut(mask: Mask, core: Mask, depth: float) -> Labels:
    """Return the labels of the mask, separated between centres of the core `depth` px deep."""
    from skimage.segmentation import watershed

    half = np.ascontiguousarray(mask[::2, ::2])
    distance = scipy.ndimage.gaussian_filter(
        2 * scipy.ndimage.distance_transform_edt(core[::2, ::2]), 1
    )
    distance = np.where(half, distance, 0)
    pixels = np.flatnonzero(distance)
    order = pixels[np.argsort(-distance.ravel()[pixels], kind="stable")]
    centres = _deep_centres(distance, order, depth)
    basins = join_convex(watershed(-distance, centres, mask=half), CONVEX).astype(np.uint32)
    wide = basins.repeat(2, axis=0).repeat(2, axis=1)[: mask.shape[0], : mask.shape[1]] * mask
    # Objects without a centre stay whole; rims from halving the resolution are not cells.
    rest = label(mask & (wide == 0)).astype(np.uint32)
    is_whole = np.zeros(int(rest.max(initial=0)) + 1, np.bool_)
    is_whole[rest[::2, ::2]] = True
    rest[~is_whole[rest]] = 0
    rest[rest > 0] += basins.max()
    return wide + rest


@kernel
def _root(parents: NDArray[np.int64], pixel: int) -> int:
    while parents[pixel] != pixel:
        parents[pixel] = parents[parents[pixel]]
        pixel = parents[pixel]
    return pixel


@kernel
def _deep_centres(
    distance: NDArray[np.float64], order: NDArray[np.int64], depth: float
) -> NDArray[np.int32]:
    """Number the maxima from which every path to a higher one descends by `depth` or more.

    The pixels are visited in `order`, from the highest down. Each joins the maxima around it.
    Where two maxima meet, the pixel is the saddle of the lower one.
    """
    height, width = distance.shape
    heights = distance.ravel()
    out = np.zeros(heights.size, np.int32)
    parents = np.full(heights.size, -1, np.int64)
    n = 0
    for pixel in order:
        parents[pixel] = pixel
        y, x = pixel // width, pixel % width
        for v in range(max(y - 1, 0), min(y + 2, height)):
            for u in range(max(x - 1, 0), min(x + 2, width)):
                if parents[v * width + u] < 0:
                    continue
                a, b = _root(parents, pixel), _root(parents, v * width + u)
                low, high = (a, b) if heights[a] <= heights[b] else (b, a)
                if low != high:
                    parents[low] = high
                    if heights[low] - heights[pixel] >= depth:
                        n += 1
                        out[low] = n
    for pixel in order:
        if parents[pixel] == pixel and heights[pixel] >= depth:
            n += 1
            out[pixel] = n
    return out.reshape(height, width)
