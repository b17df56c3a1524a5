"""Where the stage has drifted, as a table."""

import logging
from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from typing import Any

from pyama.algorithms.drift import drifts
from pyama.store import Stack
from pyama.traces.shifts_table import shifts_row

logger = logging.getLogger(__name__)


def shift_lines(
    frames: Stack, missing: AbstractSet[int], notes: dict[str, Any], fov: int
) -> Iterator[str]:
    """Yield the text of a table of shifts, frame by frame.

    Args:
        frames: Phase contrast in counts, (T, H, W).
        missing: Frames that were never written.
        notes: Gets the frames that could not be compared with those before, but not those
            that are missing.
        fov: 0-based index of the field of view.
    """
    present = (None if t in missing else frames[t] for t in range(len(frames)))
    before = (0.0, 0.0)
    unknown: list[int] = []
    for t, drift in enumerate(drifts(present)):
        if not drift.is_known and t not in missing:
            unknown.append(t)
        yield shifts_row(t, (drift.y, drift.x), before)
        before = drift.y, drift.x
    notes["frames_not_registered"] = unknown
    if unknown:
        logger.warning(
            "FOV %d: %d frames (the first is %d) show nothing of what was there before; they "
            "are taken not to have moved",
            *(fov, len(unknown), unknown[0]),
        )
