"""Local variance of a frame with exact integer sums."""

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from pyama.algorithms.kernels.array_types import Frame, check_frame, kernel
from pyama.errors import ArrayError

S = TypeVar("S", bound=np.integer)


def local_variance(frame: Frame, window: int) -> NDArray[np.float32]:
    """Return the variance of the intensities in the square around each pixel.

    The sums are exact integers for any offset of the frame; the result is rounded once.

    Args:
        frame: Intensities in counts, shape (H, W), uint16.
        window: Side of the square in px, 1 to 255; an even square extends one pixel further
            up and left. The frame is mirrored at its edges.

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
    # The variance is at most a quarter of the range squared. If this times the number of
    # pixels squared is below 2**31, sums of 32 bits give the right result although they wrap.
    reach = window**2 * (int(frame.max()) - int(frame.min()))
    dtype = np.uint32 if reach**2 < 2**33 else np.int64
    room = np.empty((6, len(columns)), dtype)
    _local_variance(np.ascontiguousarray(frame), rows, columns, window, room, out)
    return out


@kernel
def _local_variance(
    frame: Frame,
    rows: NDArray[np.int64],
    columns: NDArray[np.int64],
    window: int,
    room: NDArray[S],
    out: NDArray[np.float32],
) -> None:
    """Move sums over `window` rows down the frame, and write the variance of every row.

    `rows` and `columns` are the indices of the mirrored frame. `room` has space for six rows
    with their mirrored margins, shape (6, W + window - 1). Its type is that of all sums, which
    may wrap around.
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
        # Both products may wrap around for large windows, but their difference does not.
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
    """Write the sums of `window` successive values, from sums of 1, 2, 4 ... values."""
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


# One simple loop in each function, so that the compiler vectorises it.
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
