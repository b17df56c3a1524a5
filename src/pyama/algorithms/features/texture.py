"""What intensities look like inside a cell, and where the cell lies: optional features.

Each function is a feature of one cell in one frame, see `pyama.algorithms.features`. Where
intensities are measured, the weighted background is taken off first.
"""

from typing import TYPE_CHECKING, Annotated

import numpy as np
import scipy
from numpy.typing import NDArray
from pydantic import Field

from pyama.algorithms.kernels.array_types import Mask
from pyama.algorithms.params import Params, Pixels
from pyama.registry import parameters

if TYPE_CHECKING:
    from pyama.algorithms.features import FeatureContext

Floats = NDArray[np.float64]
THIRDS = 3
_PX = Field(json_schema_extra={"unit": "px"})


class ParticleParams(Params):
    """Parameters of `particle_num`."""

    radius: Annotated[float, Field(ge=0.5, le=50, allow_inf_nan=False), _PX] = 2.0
    """Radius of a particle."""
    contrast: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 6.0
    """How far a particle stands out, in standard deviations of what is around it."""


class GranularityParams(Params):
    """Parameters of `granularity`."""

    size: Annotated[int, Field(ge=3, le=255), _PX] = 5
    """Bright structures that are narrower than this are grains."""


class NeighbourParams(Params):
    """Parameters of `neighbours`."""

    distance: Pixels = 10
    """How far the box of a neighbour is away at most."""


@parameters(ParticleParams)
def particle_num(image: Floats, mask: Mask, context: "FeatureContext") -> int:
    """Count bright particles in the cell.

    Particles are maxima of the negative Laplacian of a Gaussian that fits their radius
    (Lindeberg, 1998, https://doi.org/10.1023/A:1008045108935) which stand out from its median
    in the cell. Two that are nearer than about their diameter count as one.
    """
    values = _corrected(image, context)
    # Outside, the mean of the cell: its rim must not look like a particle.
    filled = np.where(mask, values, values[mask].mean())
    response = -scipy.ndimage.gaussian_laplace(filled, context.params.radius / np.sqrt(2))
    inside = response[mask]
    middle = np.median(inside)
    noise = 1.4826 * np.median(np.abs(inside - middle))
    least = middle + context.params.contrast * noise
    tiny = 1e-9 * np.abs(values[mask]).max()
    peaks = (response == scipy.ndimage.maximum_filter(response, 3)) & mask
    peaks &= response > max(least, tiny)
    return int(scipy.ndimage.label(peaks, np.ones((3, 3)))[1])


@parameters(GranularityParams)
def granularity(image: Floats, mask: Mask, context: "FeatureContext") -> float:
    """Share of the cell's intensity in bright structures narrower than `size`, 0 to 1.

    What an opening with a disk takes away: first step of the pattern spectrum of Maragos
    (1989), https://doi.org/10.1109/34.192465. NaN where the intensity is not positive.
    """
    values = _corrected(image, context)
    total = values[mask].sum()
    if total <= 0:
        return np.nan
    radius = context.params.size // 2
    y, x = np.ogrid[-radius : radius + 1, -radius : radius + 1]
    disk = y**2 + x**2 <= radius**2
    # Outside the cell nothing is taken away from it, and nothing comes in.
    low, high = values[mask].min(), values[mask].max()
    padded = np.pad(np.where(mask, values, high), radius, constant_values=high)
    eroded = scipy.ndimage.grey_erosion(padded, footprint=disk, mode="nearest")
    reached = np.where(np.pad(mask, radius), eroded, low)
    opened = scipy.ndimage.grey_dilation(reached, footprint=disk, mode="nearest")
    inner = opened[radius : radius + mask.shape[0], radius : radius + mask.shape[1]]
    coarse = np.minimum(inner, values)[mask].sum()
    return float(np.clip(1 - coarse / total, 0, 1))


def texture(image: Floats, mask: Mask, context: "FeatureContext") -> float:
    """Mean standard deviation in 3 x 3 px inside the cell, in counts.

    NaN where no such square lies inside.
    """
    if min(mask.shape) < 3:
        return np.nan
    inside = np.lib.stride_tricks.sliding_window_view(mask, (3, 3)).all(axis=(2, 3))
    if not inside.any():
        return np.nan
    values = _corrected(image, context)
    squares = np.lib.stride_tricks.sliding_window_view(values, (3, 3))[inside]
    return float(squares.std(axis=(1, 2)).mean())


def intensity_core(image: Floats, mask: Mask, context: "FeatureContext") -> float:
    """Mean intensity of the third of the cell's pixels farthest from its edge, in counts."""
    return _third(image, mask, context, 2)


def intensity_middle(image: Floats, mask: Mask, context: "FeatureContext") -> float:
    """Mean intensity of the third of the cell's pixels between core and rim, in counts."""
    return _third(image, mask, context, 1)


def intensity_rim(image: Floats, mask: Mask, context: "FeatureContext") -> float:
    """Mean intensity of the third of the cell's pixels nearest to its edge, in counts."""
    return _third(image, mask, context, 0)


def border_contact(image: Floats, mask: Mask, context: "FeatureContext") -> float:
    """Number of the cell's pixels in the first and last rows and columns of the frame.

    0 is a cell that the frame does not cut. NaN where the frame is not known.
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
def neighbours(image: Floats, mask: Mask, context: "FeatureContext") -> float:
    """Count the other cells in the frame whose boxes come within `distance` of this one's.

    NaN where they are not known.
    """
    if context.others is None:
        return np.nan
    reach = context.params.distance
    y0, x0, y1, x1 = context.bbox
    near = (context.others[:, :2] < (y1 + reach, x1 + reach)).all(axis=1)
    near &= (context.others[:, 2:] > (y0 - reach, x0 - reach)).all(axis=1)
    return float(np.count_nonzero(near))


def _corrected(image: Floats, context: "FeatureContext") -> Floats:
    return image - context.background_weight * context.background


def _third(image: Floats, mask: Mask, context: "FeatureContext", which: int) -> float:
    """Mean of a third of the pixels by depth; NaN in a cell of fewer than three pixels."""
    depth = scipy.ndimage.distance_transform_edt(np.pad(mask, 1))[1:-1, 1:-1][mask]
    order = np.argsort(depth, kind="stable")
    n = len(order)
    chosen = order[n * which // THIRDS : n * (which + 1) // THIRDS]
    values = _corrected(image, context)[mask][chosen]
    return float(values.mean()) if n >= THIRDS else np.nan
