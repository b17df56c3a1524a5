"""Check whether the tiles of a background estimate can be trusted."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from pyama.algorithms.background_planes import TILES_ACROSS
from pyama.algorithms.background_surface import HALO, Estimate, estimate
from pyama.algorithms.kernels.array_types import Frame, Mask
from pyama.algorithms.kernels.morphology import dilate
from pyama.algorithms.params import BackgroundParams

MIN_COUNTS, MIN_SHARE = 5.0, 0.005
"""Smallest difference in counts, and as a share of the background, that is worth a remark."""
MIN_ERRORS = 3.0
"""Smallest difference in standard errors of the estimate by planes."""
CROWDED = 0.3
"""Largest visible share of a frame that counts as crowded."""

Cause = Literal["crowded", "small", "steep"]


@dataclass(frozen=True)
class Doubt:
    """Why the tiles of a frame cannot be trusted."""

    counts: float
    """RMS difference to the estimate by planes in counts."""
    cause: Cause
    """`crowded`: few pixels are visible; `small`: the frame has few tiles; `steep`: the light
    changes within a tile."""


def tiles_doubt(
    frame: Frame,
    foreground: Mask,
    params: BackgroundParams,
    gaps: Mask | None,
    found: Estimate,
) -> Doubt | None:
    """Compare the estimate by tiles with the one by planes.

    Args:
        frame: Intensities in counts, shape (H, W), uint16.
        foreground: True inside cells, shape (H, W).
        params: Of the run.
        gaps: True where nothing was recorded, shape (H, W); None if everything was.
        found: The estimate by tiles.

    Returns:
        None if both agree, or the estimate by planes is missing or uncertain.
    """
    values = {name: getattr(params, name) for name in BackgroundParams.model_fields}
    planes = BackgroundParams(**{**values, "background_method": "planes"})
    other = estimate(frame, foreground, planes, gaps)
    if other.is_fallback:
        return None
    difference = found.background.astype(np.float64) - other.background
    recorded = np.ones(frame.shape, np.bool_) if gaps is None else ~gaps
    counts = float(np.sqrt(np.mean(np.square(difference[recorded]))))
    level = float(np.median(other.background[recorded]))
    if counts <= max(MIN_COUNTS, MIN_SHARE * level, MIN_ERRORS * other.error):
        return None
    visible = recorded & ~dilate(foreground, HALO)
    cause: Cause = "steep"
    if visible.sum() < CROWDED * recorded.sum():
        cause = "crowded"
    elif min(frame.shape) < TILES_ACROSS * params.tile_size:
        cause = "small"
    return Doubt(counts, cause)
