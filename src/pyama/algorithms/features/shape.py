"""Features of the mask of a cell: size, shape, position and neighbours."""

import math

import numpy as np

from pyama.algorithms.features.cell_stack import CellStack, ratio
from pyama.algorithms.features.context import FeatureContext, Floats
from pyama.algorithms.kernels.array_types import Mask
from pyama.algorithms.params import Params, Pixels
from pyama.registry import parameters


class NeighbourParams(Params):
    """Parameters of `neighbours`."""

    distance: Pixels = 10
    """Largest distance between the box of the cell and the box of a neighbour."""


def area(stack: CellStack) -> Floats:
    """Area of the mask in px², which depends on how generous the segmentation is."""
    return stack.n_pixels


def area_um2(stack: CellStack) -> Floats:
    """Area of the cell in µm²; NaN if the pixel size is not known."""
    side = math.nan if stack.pixel_size_um is None else stack.pixel_size_um
    return stack.n_pixels * side**2


def centroid_y(stack: CellStack) -> Floats:
    """Mean row of the cell's pixels in the frame, in px."""
    return stack.boxes[:, 0] + ratio(stack.sums[1], stack.n_pixels)


def centroid_x(stack: CellStack) -> Floats:
    """Mean column of the cell's pixels in the frame, in px."""
    return stack.boxes[:, 1] + ratio(stack.sums[2], stack.n_pixels)


def aspect_ratio(stack: CellStack) -> Floats:
    """Ratio of major to minor axis of the ellipse with the mask's second moments, at least 1.

    NaN if all pixels lie on a line. The axes are those of scikit-image.
    """
    major, _, product = stack.spread
    return ratio(major, np.sqrt(product))


def eccentricity(stack: CellStack) -> Floats:
    """Eccentricity of the ellipse with the mask's second moments: circle 0, line 1.

    0 for a single pixel, as in scikit-image.
    """
    major, difference, _ = stack.spread
    return np.where(stack.n_pixels == 1, 0.0, np.sqrt(ratio(difference, major)))


def perimeter(image: Floats, mask: Mask, context: FeatureContext) -> float:
    """Length of the outline through the centres of the border pixels, in px.

    As in scikit-image (neighbourhood 4), after Benkrid and Crookes (2000), "Design and FPGA
    implementation of a perimeter estimator".
    """
    from skimage.measure import perimeter as length

    return float(length(mask, neighborhood=4))


def solidity(image: Floats, mask: Mask, context: FeatureContext) -> float:
    """Ratio of the area of the cell to that of its convex hull, 0 to 1, as in scikit-image."""
    from skimage.morphology import convex_hull_image

    return float(np.count_nonzero(mask) / np.count_nonzero(convex_hull_image(mask)))


def border_contact(image: Floats, mask: Mask, context: FeatureContext) -> float:
    """Number of the cell's pixels in the first and last rows and columns of the frame.

    0 if the frame does not cut the cell. NaN if the size of the frame is not known.
    """
    if context.frame_shape is None:
        return np.nan
    y0, x0, y1, x1 = context.bbox
    height, width = context.frame_shape
    edge = np.zeros(mask.shape, np.bool_)
    edge[: int(y0 == 0)] = edge[mask.shape[0] - int(y1 == height) :] = True
    edge[:, : int(x0 == 0)] = edge[:, mask.shape[1] - int(x1 == width) :] = True
    return float(np.count_nonzero(edge & mask))


@parameters(NeighbourParams)
def neighbours(image: Floats, mask: Mask, context: FeatureContext) -> float:
    """Number of other cells whose boxes are within `distance` of the box of the cell.

    NaN if the other cells are not known.
    """
    if context.others is None:
        return np.nan
    reach = context.params.distance
    y0, x0, y1, x1 = context.bbox
    near = (context.others[:, :2] < (y1 + reach, x1 + reach)).all(axis=1)
    near &= (context.others[:, 2:] > (y0 - reach, x0 - reach)).all(axis=1)
    return float(np.count_nonzero(near))
