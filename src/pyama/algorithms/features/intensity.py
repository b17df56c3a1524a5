"""Features of the intensity of a cell in counts, minus the weighted background."""

import numpy as np
import scipy

from pyama.algorithms.features.cell_stack import CellStack, ratio, sum_inside
from pyama.algorithms.features.context import FeatureContext, Floats, subtract_background
from pyama.algorithms.kernels.array_types import Mask

THIRDS = 3


def intensity_total(stack: CellStack) -> Floats:
    """Sum over the cell in counts minus `background_weight` times that of the background."""
    return stack.total


def intensity_mean(stack: CellStack) -> Floats:
    """`intensity_total` divided by `area`: mean over the mask in counts.

    A generous mask lowers it, since pixels beside the cell add about nothing to the sum.
    """
    return stack.mean


def intensity_max(stack: CellStack) -> Floats:
    """Largest value in the cell in counts, each pixel minus its weighted background."""
    inside = np.where(stack.mask, stack.corrected, -np.inf)
    return np.where(stack.n_pixels > 0, inside.max(axis=(1, 2), initial=-np.inf), np.nan)


def intensity_std(stack: CellStack) -> Floats:
    """Standard deviation over the cell in counts, each pixel minus its weighted background.

    The sum of squares is divided by the number of pixels, as in scikit-image. 0 for a single
    pixel.
    """
    deviation = stack.corrected - stack.mean[:, np.newaxis, np.newaxis]
    return np.sqrt(ratio(sum_inside(deviation**2, stack.mask), stack.n_pixels))


def intensity_core(image: Floats, mask: Mask, context: FeatureContext) -> float:
    """Mean in counts of the third of the cell's pixels that is farthest from its edge."""
    return _third(image, mask, context, 2)


def intensity_middle(image: Floats, mask: Mask, context: FeatureContext) -> float:
    """Mean in counts of the third of the cell's pixels between core and rim."""
    return _third(image, mask, context, 1)


def intensity_rim(image: Floats, mask: Mask, context: FeatureContext) -> float:
    """Mean in counts of the third of the cell's pixels that is nearest to its edge."""
    return _third(image, mask, context, 0)


def _third(image: Floats, mask: Mask, context: FeatureContext, which: int) -> float:
    """Mean of a third of the pixels by depth; NaN if the cell has fewer than three pixels."""
    depth = scipy.ndimage.distance_transform_edt(np.pad(mask, 1))[1:-1, 1:-1][mask]
    order = np.argsort(depth, kind="stable")
    n = len(order)
    chosen = order[n * which // THIRDS : n * (which + 1) // THIRDS]
    values = subtract_background(image, context)[mask][chosen]
    return float(values.mean()) if n >= THIRDS else np.nan
