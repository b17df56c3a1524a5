"""A literal implementation of the printed reference, with which the speed is compared.

Written from the text of the reference alone, with scipy, scikit-image, loops in Python and
the defaults of zarr-python. Where the reference has no code, the plainest reading is taken;
where its code cannot run, the least is changed and a comment says so. Nothing here is fast,
and some of it is not right: `docs/deviations.md` says what pyama does otherwise, and why.
"""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import zarr
from numpy.typing import NDArray
from scipy import ndimage
from scipy.interpolate import RectBivariateSpline
from scipy.optimize import linear_sum_assignment
from skimage.measure import regionprops, regionprops_table
from skimage.morphology import disk, remove_small_objects
from zarr.codecs import BloscCodec

Box = tuple[int, int, int, int]
"""Half-open box [y0, x0, y1, x1)."""
BINS = 200
"""Bins of the histogram of log-STD values; the reference has no number."""


# --- step 2 ---------------------------------------------------------------------------------


def log_std(image: NDArray[np.uint16], window: int) -> NDArray[np.float64]:
    """Logarithm of the local standard deviation, shape (H, W).

    The reference squares uint16, which wraps around; here it is done in float64, and the
    variance is kept above 0, of which there is no logarithm.
    """
    values = image.astype(np.float64)
    mean = ndimage.uniform_filter(values, size=window)
    variance = ndimage.uniform_filter(values**2, size=window) - mean**2
    return 0.5 * np.log(np.maximum(variance, 1e-12))


def valley(values: NDArray[np.float64]) -> float:
    """Threshold between background and cell mode; three spreads above a mode that is alone."""
    counts, edges = np.histogram(values, BINS)
    smooth = ndimage.gaussian_filter1d(counts.astype(float), 2)
    centres = (edges[:-1] + edges[1:]) / 2
    inner = smooth[1:-1]
    peaks = 1 + np.flatnonzero((inner > smooth[:-2]) & (inner >= smooth[2:]))
    if len(peaks) >= 2:
        first, second = np.sort(peaks[np.argsort(smooth[peaks])[-2:]])
        return float(centres[first + smooth[first : second + 1].argmin()])
    mode = centres[smooth.argmax()]
    below = values[values <= mode]
    return float(mode + 3 * np.sqrt(np.mean((below - mode) ** 2)))


def clean(
    mask: NDArray[np.bool_], radius: int = 7, iterations: int = 3, min_size: int = 50
) -> NDArray[np.bool_]:
    """Close, remove small objects, fill holes, open."""
    element = disk(radius)
    mask = ndimage.binary_closing(mask, structure=element, iterations=iterations)
    mask = remove_small_objects(mask, max_size=min_size - 1)
    mask = ndimage.binary_fill_holes(mask)
    return ndimage.binary_opening(mask, structure=element, iterations=iterations)


def segment(image: NDArray[np.uint16], window: int = 3) -> NDArray[np.uint16]:
    """Labels of one frame, shape (H, W)."""
    values = log_std(image, window)
    return limit_sizes(clean(values > valley(values)))


def limit_sizes(
    mask: NDArray[np.bool_], smallest: int = 50, largest: int = 10_000
) -> NDArray[np.uint16]:
    """Label a mask and drop what is too small or too large."""
    labels, n = ndimage.label(mask)
    areas = np.bincount(labels.ravel(), minlength=n + 1)
    kept = (areas >= smallest) & (areas <= largest)
    kept[0] = False
    return np.where(kept, np.cumsum(kept), 0).astype(np.uint16)[labels]


# --- step 3 ---------------------------------------------------------------------------------


def calculate_iou(a: Box, b: Box) -> float:
    """Intersection over union of two boxes."""
    height = min(a[2], b[2]) - max(a[0], b[0])
    width = min(a[3], b[3]) - max(a[1], b[1])
    if height <= 0 or width <= 0:
        return 0.0
    shared = height * width
    areas = (a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1])
    return shared / (areas - shared)


def track(
    frames: Iterable[NDArray[np.uint16]], min_iou: float = 0.1
) -> Iterator[NDArray[np.uint16]]:
    """Give every cell one number through time."""
    previous: list[Box] = []
    previous_ids: list[int] = []
    newest = 0
    for labels in frames:
        props = regionprops_table(labels, properties=["label", "area", "bbox"])
        boxes: list[Box] = list(
            zip(*(props[f"bbox-{i}"].tolist() for i in range(4)), strict=True)
        )
        cost = np.zeros((len(boxes), len(previous)))
        for i, current in enumerate(boxes):
            for j, before in enumerate(previous):
                cost[i, j] = 1.0 - calculate_iou(current, before)
        ids = [0] * len(boxes)
        for r, c in zip(*linear_sum_assignment(cost), strict=True):
            if 1.0 - cost[r, c] >= min_iou:
                ids[r] = previous_ids[c]
        for i, number in enumerate(ids):
            if number == 0:
                newest += 1
                ids[i] = newest
        lookup = np.zeros(int(labels.max(initial=0)) + 1, np.uint16)
        lookup[props["label"]] = ids
        yield lookup[labels]
        previous, previous_ids = boxes, ids


# --- step 4 ---------------------------------------------------------------------------------


def background(
    image: NDArray[np.uint16],
    labels: NDArray[np.uint16],
    tile: int = 100,
    overlap: float = 0.5,
) -> NDArray[np.float32]:
    """Background of one frame, shape (H, W)."""
    dilated = ndimage.binary_dilation(labels > 0, disk(10))
    masked = np.where(dilated, np.nan, image)
    rows, columns = (_tiles(n, tile, overlap) for n in image.shape)
    medians = np.full((len(rows), len(columns)), np.nan)
    for i, y in enumerate(rows):
        for j, x in enumerate(columns):
            part = masked[y : y + tile, x : x + tile]
            if np.isfinite(part).sum() >= part.size / 10:
                medians[i, j] = np.nanmedian(part)
    medians = _filled(medians)
    # The reference hands over flattened grids, which RectBivariateSpline refuses.
    centres = [np.array(starts) + (tile - 1) / 2 for starts in (rows, columns)]
    order = [min(3, len(starts) - 1) for starts in (rows, columns)]
    spline = RectBivariateSpline(*centres, medians, kx=order[0], ky=order[1])
    return spline(np.arange(image.shape[0]), np.arange(image.shape[1])).astype(np.float32)


def _tiles(length: int, tile: int, overlap: float) -> list[int]:
    return list(range(0, max(1, length - tile + 1), round(tile * (1 - overlap))))


def _filled(medians: NDArray[np.float64]) -> NDArray[np.float64]:
    """Give tiles without background the value of the nearest one that has some."""
    absent = np.isnan(medians)
    nearest = ndimage.distance_transform_edt(
        absent, return_distances=False, return_indices=True
    )
    return medians[tuple(nearest)]


# --- steps 5 and 6 --------------------------------------------------------------------------


def find_boxes(tracked: Sequence[NDArray[np.uint16]]) -> dict[int, dict[int, Box]]:
    """Boxes of every cell by frame."""
    boxes: dict[int, dict[int, Box]] = {}
    for t, labels in enumerate(tracked):
        for region in regionprops(labels):
            boxes.setdefault(int(region.label), {})[t] = region.bbox
    return boxes


def write_crops(
    group: zarr.Group,
    frames: Sequence[NDArray[Any]],
    boxes: dict[int, dict[int, Box]],
    mask: bool = False,
) -> None:
    """Write level 0 of every cell in one channel; chunks and compression are the defaults."""
    for cell, found in boxes.items():
        height = max(box[2] - box[0] for box in found.values())
        width = max(box[3] - box[1] for box in found.values())
        array = group.create_array(
            f"{cell}/0",
            shape=(len(frames), height, width),
            dtype="uint8" if mask else "float32",
            chunks=(1, height, width),
        )
        for t, (y0, x0, y1, x1) in found.items():
            crop = frames[t][y0:y1, x0:x1]
            array[t, : y1 - y0, : x1 - x0] = crop == cell if mask else crop / 65536


def features(
    mask: NDArray[np.uint8], image: NDArray[np.float32], behind: NDArray[np.float32]
) -> tuple[int, float, float, float]:
    """Area, aspect ratio, total and mean intensity of one cell in one frame."""
    inside = mask > 0
    area = int(np.sum(inside))
    ellipse = regionprops(inside.astype(int))[0]
    short = ellipse.axis_minor_length
    ratio = ellipse.axis_major_length / short if short else float("nan")
    total = 65536 * (np.sum(image[inside], dtype=float) - np.sum(behind[inside], dtype=float))
    return area, ratio, total, total / area


def trace_rows(
    cells: zarr.Group, channels: tuple[str, str, str], boxes: dict[int, dict[int, Box]]
) -> Iterator[tuple[int, int, int, float, float, float]]:
    """Yield cell, frame and its features, read frame by frame from the crops."""
    for cell, found in boxes.items():
        arrays = [cells[f"{channel}/{cell}/0"] for channel in channels]
        for t in found:
            yield cell, t, *features(*(array[t] for array in arrays))


# --- step 7 ---------------------------------------------------------------------------------


def preview(stack: NDArray[Any], is_labels: bool) -> NDArray[np.uint8]:
    """Level 1 of a whole stack, shape (T, H // 2, W // 2)."""
    if is_labels:
        scaled = stack / max(1, stack.max()) * 255
        return scaled[:, ::2, ::2][:, : stack.shape[1] // 2, : stack.shape[2] // 2].astype(
            np.uint8
        )
    low, high = np.percentile(stack, [1, 99])
    scaled = np.clip((stack - low) / max(high - low, 1e-12) * 255, 0, 255).astype(np.uint8)
    return generate_half_resolution(scaled)


def generate_half_resolution(stack: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Mean of 2 x 2 pixels."""
    t, height, width = stack.shape[0], stack.shape[1] // 2, stack.shape[2] // 2
    even = stack[:, : 2 * height, : 2 * width]
    return even.reshape(t, height, 2, width, 2).mean(axis=(2, 4)).astype(np.uint8)


def write_stack(
    group: zarr.Group, name: str, stack: Iterable[NDArray[Any]], n: int
) -> zarr.Array[Any]:
    """Write level 0 of one channel with one chunk per frame."""
    array: zarr.Array[Any] | None = None
    for t, frame in enumerate(stack):
        if array is None:
            array = group.create_array(
                f"{name}/0",
                shape=(n, *frame.shape),
                dtype=frame.dtype,
                chunks=(1, *frame.shape),
            )
        array[t] = frame
    assert array is not None
    return array


def write_preview(group: zarr.Group, name: str, stack: NDArray[np.uint8]) -> None:
    """Write level 1 of one channel."""
    _, height, width = stack.shape
    array = group.create_array(
        f"{name}/1",
        shape=stack.shape,
        dtype="uint8",
        chunks=(1, max(1, min(256, height)), max(1, min(256, width))),
        compressors=BloscCodec(cname="lz4"),
    )
    array[:] = stack


def open_store(path: Path) -> zarr.Group:
    """Create an empty Zarr group."""
    return zarr.open_group(path, mode="w")
