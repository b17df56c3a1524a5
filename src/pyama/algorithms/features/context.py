"""What a feature gets besides image and mask."""

from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from pyama.algorithms.kernels.array_types import Boxes

Floats: TypeAlias = NDArray[np.float64]


@dataclass(frozen=True)
class FeatureContext:
    """Inputs of a feature besides the pixels.

    Attributes:
        fov: 0-based index of the field of view.
        cell: Number of the cell, from 1.
        frame: 0-based index of the frame.
        channel: 0-based index of the channel.
        bbox: Half-open box (y0, x0, y1, x1) of the cell in the frame.
        pixel_size_um: Side of a pixel in micrometres; None if it is not known.
        time_min: Minutes since the first frame of the recording.
        background: Estimated background in counts, shape of the image; zeros if there is
            none.
        background_weight: Fraction of the background to subtract, 0 to 1.
        rng: Random generator. Its numbers depend only on the seed of the run, field of view,
            cell, channel, frame and name of the feature, not on the order of measurements or
            on other features.
        params: Parameters of the feature, see `pyama.registry.parameters`; those of the run if
            the feature has none.
        frame_shape: (H, W) of the frame in px; None if it is not known.
        others: Boxes of all other cells in the frame, shape (N, 4); None if they are
            not known.
    """

    fov: int
    cell: int
    frame: int
    channel: int
    bbox: tuple[int, int, int, int]
    pixel_size_um: float | None
    time_min: float
    background: Floats
    background_weight: float
    rng: np.random.Generator
    params: Any
    frame_shape: tuple[int, int] | None = None
    others: Boxes | None = None


def subtract_background(image: Floats, context: FeatureContext) -> Floats:
    """Return the image minus the weighted background, in counts."""
    return image - context.background_weight * context.background
