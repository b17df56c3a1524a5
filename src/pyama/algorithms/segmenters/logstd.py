"""Segmentation of phase contrast by the local variation of intensity (LOG-STD).

Cells are rough and the background is smooth: the logarithm of the standard deviation
around each pixel is thresholded and the mask is cleaned. That texture tells cells from
background is due to Wu, Gauthier and Levine (1995), https://doi.org/10.1109/10.362924.
"""

from typing import TypeVar

import numpy as np
import scipy
from numpy.typing import NDArray

from pyama.algorithms.kernels.array_types import Frame, Labels, check_frame, kernel
from pyama.algorithms.kernels.bits import Bits, pack_above
from pyama.algorithms.kernels.labels import filled, numbered, without_small
from pyama.algorithms.kernels.morphology import closed, opened, shrunk
from pyama.algorithms.params import LogStdParams
from pyama.errors import ArrayError

S = TypeVar("S", bound=np.integer)

VARIANCE_FLOOR = 1 / 12
"""Variance (counts²) of rounding to one grey level: anything below is no texture."""
FLICKER = 1 / 4
"""Largest variance (counts²) of pixels that have one of two neighbouring grey levels."""
BINS = 256
"""Bins of the profile of the logarithm."""
SMOOTHING = 4.0
"""Standard deviation (bins) of the Gaussian that smooths the profile."""
TAIL = 0.001
"""Share of pixels beyond either end of the profile."""
SMALLEST_RISE = 0.01
"""Least height of a second mode above the valley, as a share of the first mode's height."""
SPREADS = 3
"""Distance of the threshold from a mode without a valley, in spreads of its lower half."""
SPREADS_TO_VALLEY = 2
"""Least distance of a valley from the first mode, in the same spreads."""
_SHIFT = 12
"""Bits dropped from a float32 to bin it: bins 0.0003 wide in the logarithm's half."""


def segment(frame: Frame, params: LogStdParams) -> Labels:
    """Label the cells of one phase contrast frame.

    The mask of rough pixels is closed, freed of objects below `min_object_size`, filled,
    opened and eroded. The objects are not limited in size afterwards: that is done, and
    counted, by `labels.limit_sizes` after every method alike.

    Args:
        frame: Intensities in counts, shape (H, W), uint16.
        params: See `LogStdParams`. `max_object_size` is not used here.

    Returns:
        Labels, shape (H, W): 0 is background, 1..N are 4-connected objects. Their numbers
        mean nothing in other frames. A frame without texture has no objects.

    Raises:
        ArrayError: `frame` is not two-dimensional or not uint16.
    """
    mask = rough(frame, params.logstd_window_size)
    mask = closed(mask, params.closing_size // 2, params.closing_iterations)
    mask = without_small(mask, params.min_object_size)
    mask = filled(mask)
    mask = opened(mask, params.morph_size // 2, params.morph_iterations)
    erosion = params.erosion_size
    mask = shrunk(mask, params.logstd_window_size // 2 if erosion is None else erosion)
    return numbered(mask)


def rough(frame: Frame, window: int) -> Bits:
    """Mask of the pixels whose neighbourhood varies more than the background.

    Arguments and errors as in `local_variance`.
    """
    variance = local_variance(frame, window)
    return pack_above(variance, np.float32(variance_threshold(variance)))


def local_variance(frame: Frame, window: int) -> NDArray[np.float32]:
    """Variance of the intensities in the square around each pixel.

    The sums are exact integers whatever the frame's offset; the result is rounded once.

    Args:
        frame: Intensities in counts, shape (H, W), uint16.
        window: Side of the square in px, 1 to 255; an even square reaches one pixel further
            up and left. Beyond its edges the frame is mirrored.

    Returns:
        Variance in counts², shape (H, W).

    Raises:
        ArrayError: `frame` is not two-dimensional or not uint16.
    """
    check_frame(frame, "local_variance")
    if frame.dtype != np.uint16:
        raise ArrayError(
            f"local_variance() takes a frame of dtype uint16, got {frame.dtype}. "
            "Convert the counts first."
        )
    if frame.size == 0:
        return np.zeros(frame.shape, np.float32)
    before, after = window // 2, window - 1 - window // 2
    rows, columns = (
        np.pad(np.arange(n), (before, after), mode="symmetric") for n in frame.shape
    )
    out = np.empty(frame.shape, np.float32)
    # The variance is at most a quarter of the range squared. Where that times the number of
    # pixels squared is below 2**31, all sums may wrap around at 32 bits.
    reach = window**2 * (int(frame.max()) - int(frame.min()))
    dtype = np.uint32 if reach**2 < 2**33 else np.int64
    room = np.empty((6, len(columns)), dtype)
    _local_variance(np.ascontiguousarray(frame), rows, columns, window, room, out)
    return out


def variance_threshold(variance: NDArray[np.float32]) -> float:
    """Variance (counts²) above which a pixel is rough.

    It is the valley between the two modes of the histogram of L = ln(variance) / 2, after
    Prewitt and Mendelsohn (1966), https://doi.org/10.1111/j.1749-6632.1965.tb11715.x. Where
    there is no second mode, as in most frames, it is three spreads above the first: the
    spread is the root mean square distance from the mode of what lies below it.

    Args:
        variance: Local variance in counts², shape (H, W). Pixels at or below
            `VARIANCE_FLOOR`, such as saturated ones, are left out of the histogram. Where
            they are the majority they are the background: the threshold is `FLICKER`.

    Returns:
        The threshold; infinite if the pixels above the floor are all alike.
    """
    values, counts = _distribution(variance)
    n = counts.sum()
    if 2 * n <= variance.size:
        return FLICKER
    low, high = values[np.searchsorted(np.cumsum(counts), [TAIL * n, (1 - TAIL) * n])]
    if low == high:
        return float("inf")
    profile, edges = np.histogram(values, BINS, (low, high), weights=counts)
    # Rounded to few grey levels, much of the background has the one lowest variance.
    profile[0] = profile[1]
    smooth = scipy.ndimage.gaussian_filter1d(profile.astype(np.float64), SMOOTHING)
    return float(np.exp(2 * _split(smooth, (edges[:-1] + edges[1:]) / 2)))


def _distribution(
    variance: NDArray[np.float32],
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Values of L that occur, in fine steps, and in how many pixels each does."""
    floor = np.float32(VARIANCE_FLOOR)
    counts = _count(variance.view(np.uint32), floor.view(np.uint32), _SHIFT)
    steps = np.flatnonzero(counts)
    first = int(floor.view(np.uint32)) >> _SHIFT
    centres = ((steps + first) << _SHIFT) + (1 << (_SHIFT - 1))
    values = np.log(centres.astype(np.uint32).view(np.float32).astype(np.float64)) / 2
    return values, counts[steps]


def _split(profile: NDArray[np.float64], centres: NDArray[np.float64]) -> float:
    mode = int(profile.argmax())
    below = slice(0, mode + 1)
    distance = centres[below] - centres[mode]
    spread = np.sqrt(np.average(distance**2, weights=profile[below]))
    after = profile[mode:]
    rise = after - np.minimum.accumulate(after)
    peak = int(rise.argmax())
    valley = centres[mode + after[: peak + 1].argmin()]
    # Grey levels make a comb of the background's own mode: its gaps are no valley.
    beyond = valley - centres[mode] >= SPREADS_TO_VALLEY * spread
    if beyond and rise[peak] >= SMALLEST_RISE * profile[mode]:
        return float(valley)
    return float(centres[mode] + SPREADS * spread)


@kernel
def _count(bits: NDArray[np.uint32], floor: np.uint32, shift: int) -> NDArray[np.int64]:
    """Count floats above `floor` by the upper bits of their pattern, whose order is theirs."""
    first = np.int64(floor) >> shift
    # No variance of 16-bit values exceeds 2**30, whose exponent is 30 + 127.
    counts = np.zeros((((30 + 127) << 23) >> shift) - first + 1, np.int64)
    height, width = bits.shape
    for y in range(height):
        for x in range(width):
            if bits[y, x] > floor:
                counts[(np.int64(bits[y, x]) >> shift) - first] += 1
    return counts


@kernel
def _local_variance(
    frame: Frame,
    rows: NDArray[np.int64],
    columns: NDArray[np.int64],
    window: int,
    room: NDArray[S],
    out: NDArray[np.float32],
) -> None:
    """Slide sums over `window` rows down the frame; `rows` and `columns` hold the mirror.

    `room` is for six rows with their mirrors, shape (6, W + window - 1). Its type is that of
    all sums, which may wrap around.
    """
    height, width = frame.shape
    left = window // 2
    sums, squares = room[0], room[1]
    room[:2] = 0
    inner = slice(left, left + width)
    for row in rows[:window]:
        _slide(sums[inner], squares[inner], frame[row], np.zeros_like(frame[row]))
    for y in range(height):
        if y > 0:
            added, dropped = frame[rows[y + window - 1]], frame[rows[y - 1]]
            _slide(sums[inner], squares[inner], added, dropped)
        for margin in range(window - 1):
            x = margin if margin < left else margin + width
            sums[x] = sums[left + columns[x]]
            squares[x] = squares[left + columns[x]]
        if room.itemsize == 8:
            _row_variance(sums, squares, window, out[y])
        else:
            totals, total_squares = room[2, :width], room[3, :width]
            _box(sums, window, room[4:], totals)
            _box(squares, window, room[4:], total_squares)
            _narrow_variance(totals, total_squares, window * window, out[y])


@kernel
def _slide(sums: NDArray[S], squares: NDArray[S], added: Frame, dropped: Frame) -> None:
    kind = sums.dtype.type
    for x in range(len(added)):
        new, old = kind(added[x]), kind(dropped[x])
        sums[x] = kind(sums[x] + kind(new - old))
        squares[x] = kind(squares[x] + kind(kind(new * new) - kind(old * old)))


@kernel
def _row_variance(
    sums: NDArray[S], squares: NDArray[S], window: int, out: NDArray[np.float32]
) -> None:
    n = window * window
    scale = 1.0 / (n * n)
    total, total_squares = np.int64(0), np.int64(0)
    for x in range(window - 1):
        total += np.int64(sums[x])
        total_squares += np.int64(squares[x])
    for x in range(len(out)):
        total += np.int64(sums[x + window - 1])
        total_squares += np.int64(squares[x + window - 1])
        # Both products may wrap around for large windows; their difference never does.
        out[x] = (n * total_squares - total * total) * scale
        total -= np.int64(sums[x])
        total_squares -= np.int64(squares[x])


@kernel
def _narrow_variance(
    totals: NDArray[S], squares: NDArray[S], n: int, out: NDArray[np.float32]
) -> None:
    scale = 1.0 / (n * n)
    for x in range(len(out)):
        total, times = np.uint32(totals[x]), np.uint32(n)
        square = np.uint32(total * total)
        difference = np.uint32(np.uint32(times * np.uint32(squares[x])) - square)
        out[x] = np.int32(difference) * scale


@kernel
def _box(values: NDArray[S], window: int, room: NDArray[S], out: NDArray[S]) -> None:
    """Sums of `window` successive values, from sums of 1, 2, 4 ... of them."""
    source, target, spare = values, room[0], room[1]
    length, done = 1, 0
    while True:
        if window & length:
            if done == 0:
                _copy(source, out)
            else:
                _add(source[done:], out)
            done += length
        if done == window:
            return
        n = len(values) - 2 * length + 1
        _add_pairs(source, source[length:], target[:n])
        source, target, spare = target, spare, target
        length *= 2


# One simple loop each: only so are they compiled to vector instructions.
@kernel
def _copy(values: NDArray[S], out: NDArray[S]) -> None:
    for x in range(len(out)):
        out[x] = values[x]


@kernel
def _add(values: NDArray[S], out: NDArray[S]) -> None:
    for x in range(len(out)):
        out[x] += values[x]


@kernel
def _add_pairs(one: NDArray[S], other: NDArray[S], out: NDArray[S]) -> None:
    for x in range(len(out)):
        out[x] = one[x] + other[x]
