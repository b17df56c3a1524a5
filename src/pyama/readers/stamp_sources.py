"""The times of a recording where a file holds them in several places."""

from collections.abc import Iterable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from pyama.metadata import stamp_problems
from pyama.readers.recording_facts import Facts, minutes
from pyama.units import duration_text

Source = tuple[str, NDArray[np.float64] | None]
"""Name of a place in a file, and its minutes since any fixed time, shape (P, T); NaN where it
has none, None if it has none at all."""


def take_stamps(
    facts: Facts,
    sources: Iterable[Source],
    remarks: list[str],
    planned_min: float | None = None,
) -> None:
    """Add the first usable times to the facts of a recording.

    Times are usable if those of every field of view are finite and increase. If none are, the
    first ones are added, so that it can be said what is wrong with them.

    Args:
        facts: Of the recording.
        sources: In order of preference; those after the first usable one are not asked for.
        remarks: To which the sources add sentences about times that are not used.
        planned_min: Minutes per frame that were planned, if the file holds them.
    """
    written: NDArray[np.bool_] = np.any(facts.stored, axis=(2, 3))
    refused: list[str] = []
    for name, stamps in sources:
        times = minutes(stamps, written)
        if times is None:
            continue
        problems = stamp_problems(times)
        if not problems:
            facts.stamps_min, facts.stamps_source = stamps, name
            instead = [f"{sentence} Used instead: {name}." for sentence in refused]
            differs = _other_than_planned(times[0], name, planned_min)
            facts.time_remarks = [*remarks, *instead, *differs]
            return
        refused += problems
        if facts.stamps_min is None:
            facts.stamps_min, facts.stamps_source = stamps, name
    facts.time_remarks = remarks


MOST_LATE = 2
"""How many times as long as planned an interval may be, or as short, without a remark."""


def _other_than_planned(
    times: Sequence[float], name: str, planned_min: float | None
) -> Iterator[str]:
    if len(times) < 3 or not planned_min:
        return
    usual = float(np.median(np.diff(times)))
    if not planned_min / MOST_LATE <= usual <= planned_min * MOST_LATE:
        yield (
            f"There is a frame every {duration_text(usual)} by the {name}, but every "
            f"{duration_text(planned_min)} was planned. If the unit of the former is wrong, "
            f"set the interval in minutes: --set frame_interval={planned_min:g}"
        )


def earliest(
    times: NDArray[np.float64],
    fovs: NDArray[np.int64],
    frames: NDArray[np.int64],
    shape: tuple[int, int],
) -> NDArray[np.float64]:
    """Return the earliest of the times of planes, per field of view and frame.

    Args:
        times: Of planes, in any unit, shape (N,); NaN for none.
        fovs: 0-based field of view of each plane, shape (N,).
        frames: 0-based frame of each plane, shape (N,).
        shape: Fields of view and frames, (P, T).
    """
    first = np.full(shape, np.nan)
    np.fmin.at(first, (fovs, frames), times)
    return first
