"""Segmentation of phase contrast by the local variation of intensity (LOG-STD).

Cells are rough and the background is smooth: the logarithm of the standard deviation around
each pixel is thresholded, and the mask is cleaned. Wu, Gauthier and Levine (1995),
https://doi.org/10.1109/10.362924, separate cells from the background by this texture.
"""

from functools import partial

import numpy as np
import scipy
from numpy.typing import NDArray

from pyama.algorithms.kernels.array_types import Frame, Labels, Mask, kernel
from pyama.algorithms.kernels.bits import Bits, pack_above
from pyama.algorithms.kernels.labels import label_bits
from pyama.algorithms.kernels.local_variance import local_variance
from pyama.algorithms.kernels.morphology import dilate
from pyama.algorithms.params import LogStdParams
from pyama.algorithms.segmenters.clean_up import Areas, add, area, clean_up_stages
from pyama.algorithms.segmenters.resizing import segment_at_scale

VARIANCE_FLOOR = 1 / 12
"""Variance (counts²) of rounding to one grey level; smaller values are not texture."""
FLICKER = 1 / 4
"""Largest variance (counts²) of pixels with one of two neighbouring grey levels."""
BINS = 256
"""Bins of the profile of the logarithm."""
SMOOTHING = 4.0
"""Standard deviation (bins) of the Gaussian that smooths the profile."""
TAIL = 0.001
"""Fraction of the pixels beyond each end of the profile."""
SMALLEST_RISE = 0.01
"""Smallest height of a second mode above the valley, relative to the first mode."""
SPREADS = 3
"""Distance of the threshold from a mode without a valley, in spreads of its lower half."""
SPREADS_TO_VALLEY = 2
"""Smallest distance of a valley from the first mode, in the same spreads."""
BACKGROUND = 1 / 4
"""Smallest fraction of a frame that is background although most pixels are rougher."""
SMALLEST_RATIO = 2
"""Smallest ratio of the standard deviations of cells and such a background."""
_SHIFT = 12
"""Bits removed from a float32 to bin it: bins of width 0.0003 in ln(variance) / 2."""


def segment(
    frame: Frame,
    params: LogStdParams,
    areas: Areas | None = None,
    *,
    gaps: Mask | None = None,
) -> Labels:
    """Label the cells of one phase contrast frame.

    The mask of rough pixels is closed, objects below `min_object_size` are removed, holes are
    filled, and the mask is opened and eroded. The size limits are not applied to the result:
    `labels.limit_sizes` does so, and counts, after every method.

    Args:
        frame: Intensities in counts, shape (H, W), uint16.
        params: See `LogStdParams`. `max_object_size` is not used here.
        areas: Gets the pixels that every stage leaves, added to what is there.
        gaps: True where nothing was recorded, shape (H, W); None if everything was.

    Returns:
        Labels, shape (H, W): 0 is background, 1..N are 4-connected objects. The same
        number in another frame is another cell. A frame without texture has no objects.

    Raises:
        ArrayError: `frame` is not two-dimensional or not uint16.
    """
    scale = params.frame_scale
    if scale is not None:
        limit = round(params.min_object_size * scale**2)
        params = params.replace(min_object_size=limit, max_object_size=None)
    return segment_at_scale(partial(_segment, params), frame, scale, areas, gaps)


def _segment(params: LogStdParams, frame: Frame, areas: Areas, gaps: Mask | None) -> Labels:
    rough = high_variance_mask(frame, params.logstd_window_size, gaps)
    for stage, left in clean_up_stages(rough, params):
        add(areas, stage, area(left))
    return label_bits(left)


def high_variance_mask(frame: Frame, window: int, gaps: Mask | None = None) -> Bits:
    """Return the mask of the pixels with more local variation than the background.

    Pixels in and beside `gaps`, where nothing was recorded, are neither in the mask nor in the
    threshold. Other arguments and errors as in `local_variance`.
    """
    variance = local_variance(frame, window)
    recorded, n_lost = frame, 0
    if gaps is not None:
        recorded, beside = frame[~gaps], dilate(gaps, window // 2 + 1)
        variance[beside], n_lost = 0, int(np.count_nonzero(beside))
    n_brightest = int(np.count_nonzero(recorded == recorded.max(initial=0)))
    threshold = variance_threshold(variance, window, n_brightest, n_lost)
    return pack_above(variance, np.float32(threshold))


def variance_threshold(
    variance: NDArray[np.float32], window: int = 3, n_brightest: int = 0, n_lost: int = 0
) -> float:
    """Return the variance (counts²) above which a pixel is rough.

    It is the valley between the two modes of the histogram of L = ln(variance) / 2, after
    Prewitt and Mendelsohn (1966), https://doi.org/10.1111/j.1749-6632.1965.tb11715.x. Without
    a second mode, as in most frames, it is three spreads above the first mode. The spread is
    the root mean square distance from the mode of the values below it.

    Cells may cover more of the frame than the background. The first mode is therefore the one
    of the smoothest quarter of the frame, if it is separate from the highest mode.

    Args:
        variance: Local variance in counts², shape (H, W). Pixels at or below `VARIANCE_FLOOR`,
            such as black or saturated ones, are not in the histogram. They are the background
            if they are the majority, or if they are a quarter of the frame and all others have
            a single mode. The threshold is `FLICKER` then.
        window: Width (px) of the window that was used.
        n_brightest: Number of pixels that may be saturated; they do not count for the quarter.
        n_lost: Number of pixels that were not recorded; their variance is 0.

    Returns:
        The threshold; infinite if all pixels above the floor have the same variance.
    """
    values, counts = _distribution(variance)
    n, size = counts.sum(), variance.size - n_lost
    if 2 * n <= size:
        return FLICKER
    if n == counts.max():
        return float("inf")
    profile, centres = _profile(values, counts)
    needed = BACKGROUND * size
    n_uniform = size - profile.sum()
    mode = _background_mode(profile, centres, needed - n_uniform)
    if n_uniform - n_brightest >= needed and _is_single(profile, centres, variance, window):
        return FLICKER
    valley, alternative = _split(profile, centres, mode)
    return float(np.exp(2 * (alternative if valley is None else valley)))


def _profile(
    values: NDArray[np.float64], counts: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the smoothed histogram without its ends, and the centres of its bins."""
    n = counts.sum()
    low, high = values[np.searchsorted(np.cumsum(counts), [TAIL * n, (1 - TAIL) * n])]
    profile, edges = np.histogram(values, BINS, (low, high), weights=counts)
    # With few grey levels, much of the background has the same lowest variance.
    profile[0] = profile[1]
    smooth = scipy.ndimage.gaussian_filter1d(profile.astype(np.float64), SMOOTHING)
    return smooth, (edges[:-1] + edges[1:]) / 2


def _background_mode(
    profile: NDArray[np.float64], centres: NDArray[np.float64], needed: float
) -> int:
    """Return the index of the mode of the background.

    It is the highest mode, or one below it that is separate and belongs to at least `needed`
    pixels.
    """
    highest = int(profile.argmax())
    before = profile[highest::-1]
    rise = before - np.minimum.accumulate(before)
    mode = highest - int(rise.argmax())
    valley = mode + int(profile[mode : highest + 1].argmin())
    is_background = (
        profile[valley] <= 2 / 3 * profile[mode]
        and centres[highest] - centres[mode] >= np.log(SMALLEST_RATIO)
        and profile[:valley].sum() >= needed
    )
    return mode if is_background else highest


def _is_single(
    profile: NDArray[np.float64],
    centres: NDArray[np.float64],
    variance: NDArray[np.float32],
    window: int,
) -> bool:
    """Whether all pixels but the constant ones have one mode, far from constant ones."""
    mode = int(profile.argmax())
    if centres[mode] - centres[0] < np.log(SMALLEST_RATIO):
        return False
    if profile[:mode].min() > profile[mode] / 2:
        return False
    # Windows that reach into a constant region can have a mode of their own.
    is_near = scipy.ndimage.maximum_filter(variance <= VARIANCE_FLOOR, 2 * window - 1)
    values, counts = _distribution(variance[~is_near][None])
    if len(counts) < 2:
        return True
    inner, levels = _profile(values, counts)
    return _split(inner, levels, int(inner.argmax()))[0] is None


def _distribution(
    variance: NDArray[np.float32],
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return the values of L that occur, in fine steps, and their numbers of pixels."""
    floor = np.float32(VARIANCE_FLOOR)
    counts = _count(variance.view(np.uint32), floor.view(np.uint32), _SHIFT)
    steps = np.flatnonzero(counts)
    first = int(floor.view(np.uint32)) >> _SHIFT
    centres = ((steps + first) << _SHIFT) + (1 << (_SHIFT - 1))
    values = np.log(centres.astype(np.uint32).view(np.float32).astype(np.float64)) / 2
    return values, counts[steps]


def _split(
    profile: NDArray[np.float64], centres: NDArray[np.float64], mode: int
) -> tuple[float | None, float]:
    """Return the valley above a mode, None if there is none, and `SPREADS` above the mode."""
    below = slice(0, mode + 1)
    distance = centres[below] - centres[mode]
    spread = np.sqrt(np.average(distance**2, weights=profile[below]))
    after = profile[mode:]
    rise = after - np.minimum.accumulate(after)
    peak = int(rise.argmax())
    valley = centres[mode + after[: peak + 1].argmin()]
    # With few grey levels the mode of the background is a comb; its gaps are not valleys.
    is_far = valley - centres[mode] >= SPREADS_TO_VALLEY * spread
    is_deep = rise[peak] >= SMALLEST_RISE * profile[mode]
    return (valley if is_far and is_deep else None), centres[mode] + SPREADS * spread


@kernel
def _count(bits: NDArray[np.uint32], floor: np.uint32, shift: int) -> NDArray[np.int64]:
    """Count floats above `floor` by their upper bits, which have the order of the floats."""
    first = np.int64(floor) >> shift
    # No variance of 16-bit values exceeds 2**30, whose exponent is 30 + 127.
    counts = np.zeros((((30 + 127) << 23) >> shift) - first + 1, np.int64)
    height, width = bits.shape
    for y in range(height):
        for x in range(width):
            if bits[y, x] > floor:
                counts[(np.int64(bits[y, x]) >> shift) - first] += 1
    return counts
