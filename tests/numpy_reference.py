"""The steps spelled out with NumPy and SciPy: slow, short, and independent of the package."""

import numpy as np
from scipy import ndimage
from scipy.interpolate import make_interp_spline
from scipy.optimize import linear_sum_assignment
from skimage.morphology import disk


def threshold(level):
    """Where cells begin on the scale of log-STD: a valley, or three spreads above the mode."""
    counts, edges = np.histogram(level, 256, np.percentile(level, [0.1, 99.9]))
    counts[0] = counts[1]
    smooth = ndimage.gaussian_filter1d(counts.astype(float), 4)
    centre = (edges[1:] + edges[:-1]) / 2
    mode = smooth.argmax()
    below = slice(mode + 1)
    spread = np.sqrt(np.average((centre[below] - centre[mode]) ** 2, weights=smooth[below]))
    lowest = np.minimum.accumulate(smooth[mode:])
    peak = mode + (smooth[mode:] - lowest).argmax()
    valley = mode + smooth[mode : peak + 1].argmin()
    deep = smooth[peak] - smooth[valley] >= 0.01 * smooth[mode]
    if deep and centre[valley] - centre[mode] >= 2 * spread:
        return centre[valley]
    return centre[mode] + 3 * spread


def labels(frame, params):
    """Step 2, LOG-STD."""
    values = frame - frame.mean(dtype=float)
    window = params.logstd_window_size
    mean = ndimage.uniform_filter(values, window)
    variance = np.maximum(ndimage.uniform_filter(values**2, window) - mean**2, 1 / 12)
    rough = variance > 1 / 12 + 1e-6
    if 2 * rough.sum() <= rough.size:
        mask = variance > 1 / 4
    else:
        level = 0.5 * np.log(variance)
        mask = level > threshold(level[rough])
    closing, opening = disk(params.closing_size // 2), disk(params.morph_size // 2)
    mask = np.pad(mask, 20)
    for _ in range(params.closing_iterations):
        mask = ndimage.binary_dilation(mask, closing)
    for _ in range(params.closing_iterations):
        mask = ndimage.binary_erosion(mask, closing, border_value=1)
    mask = mask[20:-20, 20:-20]
    mask = limited(ndimage.label(mask)[0], params.min_object_size, None) > 0
    mask = ndimage.binary_fill_holes(mask)
    for _ in range(params.morph_iterations):
        mask = ndimage.binary_erosion(mask, opening, border_value=1)
    for _ in range(params.morph_iterations):
        mask = ndimage.binary_dilation(mask, opening)
    erosion = window // 2 if params.erosion_size is None else params.erosion_size
    mask = ndimage.binary_erosion(mask, disk(erosion), border_value=1)
    return limited(ndimage.label(mask)[0], params.min_object_size, params.max_object_size)


def limited(numbers, least, most):
    """Objects of `least` to `most` pixels, numbered anew."""
    sizes = np.bincount(numbers.ravel())
    kept = (sizes >= least) & (sizes <= (numbers.size if most is None else most))
    kept[0] = False
    return np.where(kept, np.cumsum(kept), 0)[numbers]


def box(mask):
    """Tight half-open box [y0, x0, y1, x1)."""
    y, x = np.nonzero(mask)
    return y.min(), x.min(), y.max() + 1, x.max() + 1


def overlap(a, b):
    """Intersection over union of two boxes."""
    height, width = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    shared = max(height, 0) * max(width, 0)
    areas = [(c[2] - c[0]) * (c[3] - c[1]) for c in (a, b)]
    return shared / (sum(areas) - shared)


def tracked(frames, params):
    """Step 3, by overlap of boxes; for frames without ties."""
    known, newest, found = {}, 0, []
    for frame in frames:
        ids = sorted(known)
        current = [i for i in np.unique(frame) if i]
        boxes = [box(frame == i) for i in current]
        cost = np.array([[1 - overlap(known[i][0], b) for b in boxes] for i in ids])
        pairs = zip(*linear_sum_assignment(cost), strict=True) if cost.size else ()
        names = {current[c]: ids[r] for r, c in pairs if 1 - cost[r, c] >= params.min_iou > 0}
        for i in current:
            if i not in names:
                newest += 1
                names[i] = newest
        waiting = {
            i: (last, missed + 1)
            for i, (last, missed) in known.items()
            if i not in names.values() and missed < params.max_gap
        }
        known = waiting | {names[i]: (b, 0) for i, b in zip(current, boxes, strict=True)}
        found.append(sum((np.where(frame == i, names[i], 0) for i in current), frame * 0))
    return found


def background(frame, foreground, params):
    """Step 4: medians of tiles, and a spline through them that ends straight."""
    grown = ndimage.binary_dilation(foreground, np.hypot(*np.mgrid[-10:11, -10:11]) <= 10)
    values = np.where(grown, np.nan, frame.astype(float))
    step = max(1, round(params.tile_size * (1 - params.tile_overlap)))
    rows, columns = (tiles(n, params.tile_size, step) for n in frame.shape)
    medians = np.full((len(rows), len(columns)), np.nan)
    for i, j in np.ndindex(medians.shape):
        tile = values[slice(*rows[i]), slice(*columns[j])]
        if 10 * np.isfinite(tile).sum() >= tile.size:
            medians[i, j] = np.nanmedian(tile)
    if np.isnan(medians).all():
        return np.full(frame.shape, np.floor(np.percentile(frame, 5) * 16 + 0.5) / 16)
    while np.isnan(medians).any():
        before = medians.copy()
        for i, j in np.argwhere(np.isnan(before)):
            ring = before[max(i - 1, 0) : i + 2, max(j - 1, 0) : j + 2]
            if np.isfinite(ring).any():
                medians[i, j] = np.nanmean(ring)
    apart = -(-params.tile_size // step)
    down = _through(medians, rows, frame.shape[0], apart)
    return np.floor(16 * _through(down.T, columns, frame.shape[1], apart).T + 0.5) / 16


def tiles(length, size, step):
    """First pixel and end of every tile along an axis, centred on it and cut by its ends."""
    n = 1
    while (n - 1) * step + size < length:
        n += 1
    spare = max(0, (n - 1) * step + size - length)
    starts = [k * step - spare // 2 for k in range(n)]
    return [(max(0, start), min(length, start + size)) for start in starts]


def _through(values, bounds, length, apart):
    """Interpolate rows at the centres of tiles to all rows."""
    if len(values) == 1:
        return values.repeat(length, axis=0)
    centres = np.array([(start + end - 1) / 2 for start, end in bounds])
    at = np.arange(length)
    spline = make_interp_spline(centres, values, k=min(3, len(values) - 1))
    out = spline(at.clip(centres[0], centres[-1]))
    k = min(apart, len(values) - 1)
    for outer, other in ((0, k), (-1, -1 - k)):
        slope = (values[other] - values[outer]) / (centres[other] - centres[outer])
        beyond = at - centres[outer]
        beyond = np.minimum(beyond, 0) if outer == 0 else np.maximum(beyond, 0)
        out += beyond[:, None] * slope
    return out


def preview(stack, valid):
    """Step 7 of intensities: 8 bits first, the mean of 2 x 2 pixels then, unrounded."""
    counted = stack[valid].astype(float)
    low, high = np.percentile(counted, [1, 99]) if counted.size else (0, 0)
    grey = np.zeros(stack.shape)
    if high > low:
        share = (stack.astype(float) - low).clip(0, high - low) / (high - low)
        grey = np.floor(255 * share + 0.5)
    y, x = (_pairs(n) for n in stack.shape[1:])
    return grey[:, y][..., x].mean(axis=(2, 4))


def preview_of_labels(stack):
    """Step 7 of labels: every second one, and no cell is 0."""
    y, x = (_pairs(n)[:, 0] for n in stack.shape[1:])
    return np.ceil(255 * stack[:, y][..., x].astype(float) / max(1, stack.max()))


def _pairs(n):
    return np.array([[2 * i, min(2 * i + 1, n - 1)] for i in range(max(1, n // 2))])
