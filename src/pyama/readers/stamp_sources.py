"""The times of a recording where a file holds them in several places."""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from pyama.metadata import stamp_problems
from pyama.readers.recording_facts import Facts, minutes

Source = tuple[str, NDArray[np.float64] | None]
"""Name of a place in a file, and its minutes since any fixed time, shape (P, T); NaN where it
has none, None if it has none at all."""


def take_stamps(facts: Facts, sources: Iterable[Source], remarks: list[str]) -> None:
    """Add the first usable times to the facts of a recording.

    Times are usable if those of every field of view are finite and increase. If none are, the
    first ones are added, so that it can be said what is wrong with them.

    Args:
        facts: Of the recording.
        sources: In order of preference; those after the first usable one are not asked for.
        remarks: To which the sources add sentences about times that are not used.
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
            facts.time_remarks = [*remarks, *instead]
            return
        refused += problems
        if facts.stamps_min is None:
            facts.stamps_min, facts.stamps_source = stamps, name
    facts.time_remarks = remarks


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
