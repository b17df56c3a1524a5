"""Features of structures inside a cell, from intensities minus the weighted background."""

from typing import Annotated

import numpy as np
import scipy
from pydantic import Field

from pyama.algorithms.features.context import FeatureContext, Floats, subtract_background
from pyama.algorithms.kernels.array_types import Mask
from pyama.algorithms.params import Params
from pyama.registry import parameters

_PX = Field(json_schema_extra={"unit": "px"})


class ParticleParams(Params):
    """Parameters of `particle_num`."""

    radius: Annotated[float, Field(ge=0.5, le=50, allow_inf_nan=False), _PX] = 2.0
    """Radius of a particle."""
    contrast: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 6.0
    """Smallest contrast of a particle, in standard deviations of its surroundings."""


class GranularityParams(Params):
    """Parameters of `granularity`."""

    size: Annotated[int, Field(ge=3, le=255), _PX] = 5
    """Smallest width of a bright structure that does not count as a grain."""


@parameters(ParticleParams)
def particle_num(image: Floats, mask: Mask, context: FeatureContext) -> int:
    """Number of bright particles in the cell.

    Particles are maxima of the negative Laplacian of a Gaussian that fits their radius
    (Lindeberg, 1998, https://doi.org/10.1023/A:1008045108935) which exceed its median
    in the cell. Two particles closer than about their diameter count as one.
    """
    values = subtract_background(image, context)
    # The mean of the cell outside, so that its rim does not look like a particle.
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
def granularity(image: Floats, mask: Mask, context: FeatureContext) -> float:
    """Fraction of the intensity in bright structures narrower than `size`, 0 to 1.

    The part that an opening with a disk removes: first step of the pattern spectrum of Maragos
    (1989), https://doi.org/10.1109/34.192465. NaN if the intensity is not positive.
    """
    values = subtract_background(image, context)
    total = values[mask].sum()
    if total <= 0:
        return np.nan
    radius = context.params.size // 2
    y, x = np.ogrid[-radius : radius + 1, -radius : radius + 1]
    disk = y**2 + x**2 <= radius**2
    # The values outside the cell neither lower nor raise those inside.
    low, high = values[mask].min(), values[mask].max()
    padded = np.pad(np.where(mask, values, high), radius, constant_values=high)
    eroded = scipy.ndimage.grey_erosion(padded, footprint=disk, mode="nearest")
    reached = np.where(np.pad(mask, radius), eroded, low)
    opened = scipy.ndimage.grey_dilation(reached, footprint=disk, mode="nearest")
    inner = opened[radius : radius + mask.shape[0], radius : radius + mask.shape[1]]
    coarse = np.minimum(inner, values)[mask].sum()
    return float(np.clip(1 - coarse / total, 0, 1))


def texture(image: Floats, mask: Mask, context: FeatureContext) -> float:
    """Mean standard deviation in 3 x 3 px inside the cell, in counts.

    NaN if no such square lies inside.
    """
    if min(mask.shape) < 3:
        return np.nan
    inside = np.lib.stride_tricks.sliding_window_view(mask, (3, 3)).all(axis=(2, 3))
    if not inside.any():
        return np.nan
    values = subtract_background(image, context)
    squares = np.lib.stride_tricks.sliding_window_view(values, (3, 3))[inside]
    return float(squares.std(axis=(1, 2)).mean())
