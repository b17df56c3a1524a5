"""Checks of finished tracks: what cells do together points to the microscope.

The whole picture may jump or drift, cells may vanish in frames that are out of focus, and
tracks may be interrupted. All checks take the boxes of tracked cells, not pixels.
"""

from collections import Counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pyama.algorithms.common_motion import MIN_CELLS, common_steps, drift_of, jumps
from pyama.algorithms.recorded_tracks import Floats, Tracks, ends_of

NEIGHBOURS = 5
"""Number of frames whose typical number of cells another frame is compared with."""
LONGEST_GAP = 8
"""Largest number of frames after which a new track may continue an old one."""
OVERLAP = 0.3
"""Smallest intersection over union of the boxes of a track and its continuation."""


def track_checks(tracks: Tracks) -> dict[str, Any]:
    """Find what is odd about tracks; empty if nothing is.

    Returns:
        Plain values, each only if there is something: `lost`, ranges `[first, last]` of frames
        in which most cells vanish, with `longest_lost`, the number of frames in the longest,
        `still_there`, that of all other frames, and `recovers`, whether the cells come back
        after the last one; `jumps` as `[before, after, dy, dx]`; `drift` as `[dy, dx]` in px;
        `gaps`, how many tracks continue others after how many frames, with `tracks`, the
        number of all tracks.
    """
    lost = lost_frames(tracks)
    is_lost = np.zeros(len(tracks.frames), np.bool_)
    for first, last in lost:
        is_lost[first : last + 1] = True
    steps = common_steps(tracks, is_lost)
    moved = jumps(tracks, steps)
    at_jumps = {(a, b) for a, b, _, _ in moved}
    found: dict[str, Any] = {
        "lost": [tracks.frames[[first, last]].tolist() for first, last in lost],
        "jumps": [
            [*tracks.frames[[a, b]].tolist(), round(dy, 1), round(dx, 1)]
            for a, b, dy, dx in moved
        ],
        "drift": drift_of(tracks, [step for step in steps if step.pair not in at_jumps]),
        "gaps": gaps(tracks, is_lost),
    }
    found = {name: value for name, value in found.items() if value}
    if lost:
        found["longest_lost"] = max(last - first + 1 for first, last in lost)
        found["still_there"] = int(np.count_nonzero(~is_lost))
        found["recovers"] = not is_lost[-1]
    if "gaps" in found:
        found["tracks"] = len(tracks.valid)
    return found


def lost_frames(tracks: Tracks) -> list[tuple[int, int]]:
    """Return first and last index of frames in which most cells suddenly vanish.

    A frame is lost if it has less than half of the cells of the frames before it; frames at
    the beginning, of those after them. A number that changes slowly is not an event.
    """
    numbers = np.count_nonzero(tracks.valid, axis=0)
    found = _drops(numbers)
    early = [run for run in _drops(numbers[::-1]) if run[1] == len(numbers) - 1]
    for first, last in early:
        begin = len(numbers) - 1 - last, len(numbers) - 1 - first
        if not any(a <= begin[1] for a, _ in found):
            found.insert(0, begin)
    return found


def _drops(numbers: NDArray[np.int64]) -> list[tuple[int, int]]:
    usual: list[int] = []
    found: list[tuple[int, int]] = []
    first = None
    for i, n in enumerate(numbers.tolist()):
        level = float(np.median(usual[-NEIGHBOURS:])) if usual else 0.0
        is_sudden = first is not None or (usual and 2 * n < usual[-1])
        if level >= MIN_CELLS and 2 * n < level and is_sudden:
            first = i if first is None else first
            continue
        if first is not None:
            found.append((first, i - 1))
            first = None
        usual.append(n)
    if first is not None:
        found.append((first, len(numbers) - 1))
    return found


def gaps(tracks: Tracks, is_lost: NDArray[np.bool_]) -> dict[str, int]:
    """Count tracks that begin where another one has ended a few frames before.

    Frames in which most cells vanish are left out: they are an event of their own. So are
    cells at the edge of the frame, which leave it and come back.

    Returns:
        Numbers of tracks by the number of frames in between.
    """
    valid = tracks.valid[:, ~is_lost]
    boxes = tracks.boxes[:, ~is_lost]
    if valid.size == 0:
        return {}
    first, last = ends_of(valid)
    rows, counts = np.arange(len(valid)), Counter[int]()
    begins, ends = boxes[rows, first], boxes[rows, last]
    is_cut = tracks.is_cut[:, ~is_lost]
    taken = is_cut[rows, first]
    for row in np.argsort(last, kind="stable").tolist():
        if is_cut[row, last[row]]:
            continue
        wait = first - last[row] - 1
        later = np.flatnonzero((wait >= 1) & (wait <= LONGEST_GAP) & ~taken)
        overlaps = _overlaps(ends[row], begins[later])
        if len(later) and overlaps.max() >= OVERLAP:
            chosen = later[overlaps.argmax()]
            taken[chosen] = True
            counts[int(wait[chosen])] += 1
    return {str(gap): counts[gap] for gap in sorted(counts)}


def _overlaps(box: Floats, others: Floats) -> Floats:
    low = np.maximum(box[:2], others[:, :2])
    high = np.minimum(box[2:], others[:, 2:])
    common = np.clip(high - low, 0, None).prod(axis=1)
    areas = (others[:, 2:] - others[:, :2]).prod(axis=1) + (box[2:] - box[:2]).prod()
    return np.asarray(common / np.maximum(areas - common, 1), np.float64)
