"""Corrections of traces whose frames were selected differently from a recording."""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import compress

import numpy as np
from numpy.typing import NDArray

from pyama.fov_ranges import ALL_FRAMES, parse_frames
from pyama.traces.corrected_table import Table
from pyama.traces.correction_log import Entry

UNLIMITED = 10**18
"""More frames than any recording has."""


@dataclass(frozen=True)
class SelectedFrames:
    """Numbers in the recording of the frames of traces.

    Attributes:
        numbers: By frame, ascending; None if all frames are selected.
    """

    numbers: tuple[int, ...] | None = None

    @classmethod
    def parse(cls, text: str) -> "SelectedFrames":
        """Read a selection as recipes hold it, see `selection_text`."""
        return cls(None if text == ALL_FRAMES else parse_frames(text, UNLIMITED))

    def number(self, frame: int) -> int:
        """Return the number of a frame in the recording; after the last, that of the next."""
        if self.numbers is None:
            return frame
        return self.numbers[frame] if frame < len(self.numbers) else self.numbers[-1] + 1

    def first_from(self, number: int) -> int:
        """Return the first frame whose number in the recording is at least this one."""
        return number if self.numbers is None else bisect_left(self.numbers, number)

    def frame(self, number: int) -> int:
        """Return the frame that has a number in the recording; -1 if it is not selected."""
        frame = self.first_from(number)
        is_there = self.numbers is None or number in self.numbers[frame : frame + 1]
        return frame if is_there else -1


def in_other_frames(
    table: Table, entries: Sequence[Entry], then: SelectedFrames, now: SelectedFrames
) -> tuple[Table, list[Entry]]:
    """Express earlier traces and their corrections in the frames of new ones.

    Args:
        table: The earlier traces.
        entries: Their corrections.
        then: Frames of the earlier traces.
        now: Frames of the new ones.

    Returns:
        The rows whose frame is still selected, and the corrections; one that begins at a frame
        that is not selected begins at the next one.
    """
    if then == now:
        return table, list(entries)
    known = range(int(table.frames.max(initial=0)) + 1)
    frames = np.array([now.frame(then.number(t)) for t in known], np.int64)[table.frames]
    return _rows(table, frames), [_moved(entry, then, now) for entry in entries]


def _rows(table: Table, frames: NDArray[np.int64]) -> Table:
    kept = frames >= 0
    return replace(
        table,
        lines=tuple(compress(table.lines, kept)),
        fovs=tuple(compress(table.fovs, kept)),
        source=table.source[kept],
        cells=table.cells[kept],
        frames=frames[kept],
        good=table.good[kept],
    )


def _moved(entry: Entry, then: SelectedFrames, now: SelectedFrames) -> Entry:
    frame = getattr(entry.action, "frame", None)
    if frame is None:
        return entry
    moved = now.first_from(then.number(frame))
    return replace(entry, action=entry.action.model_copy(update={"frame": moved}))
