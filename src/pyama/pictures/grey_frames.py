"""Frames of half the size: from previews, or from full frames beyond what previews hold."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pyama import layout
from pyama.algorithms.kernels.array_types import kernel
from pyama.algorithms.preview import intensity_to_uint8
from pyama.errors import ArrayError, StoreError
from pyama.pictures.contrast import Contrast, contrast_of_preview
from pyama.store import FovStore


def halve_frame(frame: NDArray[Any]) -> NDArray[Any]:
    """Reduce a frame to the size of its preview, by the mean of 2 x 2 pixels.

    Args:
        frame: Counts, shape (H, W), unsigned integers or floats.

    Returns:
        Counts of the same type, shape (max(1, H // 2), max(1, W // 2)); whole numbers are
        rounded to the nearest, halves up. An odd last row or column is dropped.

    Raises:
        ArrayError: The frame is not of two dimensions, or empty.
    """
    if frame.ndim != 2 or frame.size == 0:
        raise ArrayError(f"halve_frame() takes one frame (H, W), got shape {frame.shape}.")
    height, width = frame.shape
    out = np.empty((max(1, height // 2), max(1, width // 2)), frame.dtype)
    half = 2 if frame.dtype.kind == "u" else 0
    _average(np.ascontiguousarray(frame), half, out)
    return out


@kernel
def _average(frame: NDArray[Any], half: int, out: NDArray[Any]) -> None:
    below, right = min(1, frame.shape[0] - 1), min(1, frame.shape[1] - 1)
    for y in range(out.shape[0]):
        upper, lower, row = frame[2 * y], frame[2 * y + below], out[y]
        for x in range(row.size):
            a, b = 2 * x, 2 * x + right
            total = float(upper[a]) + float(upper[b]) + float(lower[a]) + float(lower[b])
            row[x] = (total + half) / 4


def grey_frame(
    store: FovStore, group: str, frame: int, contrast: Contrast
) -> NDArray[np.uint8]:
    """Return one frame in 8 bits and half the size.

    Args:
        store: The field of view.
        group: Name of a group of intensities.
        frame: 0-based index.
        contrast: Counts that become 0 and 255.

    Returns:
        Made from the preview if that holds the contrast, else from the full frame. Without
        full frames, what is beyond the preview has its darkest or brightest grey level.

    Raises:
        StoreError: There is neither a preview nor a stack, or a file is damaged.
    """
    held = contrast_of_preview(store, group)
    if held is None or not held.can_show(contrast):
        try:
            return intensity_to_uint8(halve_frame(store.stack(group)[frame]), *contrast)
        except StoreError:
            if held is None:
                raise
    preview: NDArray[np.uint8] = store.stack(group, layout.PREVIEW)[frame]
    if not held.high > held.low:
        return preview
    return intensity_to_uint8(
        preview, held.to_greys(contrast.low), held.to_greys(contrast.high)
    )
