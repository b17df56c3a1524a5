"""Where a recording that was restarted belongs: positions, frames and times."""

from collections.abc import Sequence
from dataclasses import dataclass

from pyama.analysis.experiments.experiment_file import Continued
from pyama.analysis.trace_sources import TraceSource
from pyama.errors import ConfigError
from pyama.metadata import typical_interval
from pyama.traces.trace_recording import run_times

MAX_INTERVALS = 2.0
"""Cells are continued by default if the gap is at most this number of intervals. This is one
missing frame, in which cells hardly move more than from frame to frame."""


@dataclass(frozen=True)
class Piece:
    """One of the recordings that are joined.

    Attributes:
        name: Its name in the file.
        source: Its results.
        fovs: Its field of view by that of the first recording.
        first_frame: Number of its first frame in the joined recording.
        offset_min: What is added to its times.
        gap_min: Time since the last frame before; 0 for the first recording.
        is_matched: Whether its cells continue those before, by the overlap of masks.
        drift: Whether the drift since the frame before is measured for that.
        is_chosen: Whether the file of the experiment says whether cells continue.
        file_gap_min: For parts of one file, the gap by its own times; else None.
    """

    name: str
    source: TraceSource
    fovs: dict[int, int]
    first_frame: int = 0
    offset_min: float = 0.0
    gap_min: float = 0.0
    is_matched: bool = False
    drift: bool = False
    is_chosen: bool = True
    file_gap_min: float | None = None


def placed(pieces: Sequence[Piece], continued: Continued) -> Piece:
    """Return where a recording lies in time after those before it.

    Raises:
        ConfigError: Positions, images or times do not go together.
    """
    first, before = pieces[0], pieces[-1]
    source = TraceSource(continued.folder)
    positions = _same_positions(first, continued.name, source)
    fovs = {fov: own for fov, own in positions.items() if fov in before.fovs}
    if not fovs:
        raise ConfigError(f"{continued.name!r} has no position of {before.name!r}")
    sizes = {
        (first.source.metadata.shapes[a], source.metadata.shapes[b]) for a, b in fovs.items()
    }
    if any(old != new for old, new in sizes):
        raise ConfigError(f"{continued.name!r} has images of another size than {first.name!r}")
    fov = min(fovs)
    ends = run_times(before.source.folder, before.fovs[fov])[-1] + before.offset_min
    begins = run_times(source.folder, fovs[fov])[0]
    is_same_file = source.metadata.identity == before.source.metadata.identity
    file_gap = begins + before.offset_min - ends
    if continued.gap is not None:
        offset = ends + 60 * continued.gap - begins
    elif is_same_file:
        offset = before.offset_min  # parts of one file, whose times count from its start
    else:
        raise ConfigError(
            f"the time between the last frame of {before.name!r} and the first one of "
            f"{continued.name!r} is not known. Add to {continued.name!r} the hours, such as "
            "gap: 0.5"
        )
    gap = begins + offset - ends
    if gap <= 0:
        raise ConfigError(
            f"the first frame of {continued.name!r} is not later than the last one of "
            f"{before.name!r}"
        )
    interval = typical_interval(run_times(before.source.folder, before.fovs[fov])) or 0.0
    is_short = gap <= MAX_INTERVALS * interval
    return Piece(
        continued.name,
        source,
        fovs,
        before.first_frame + before.source.metadata.n_frames,
        offset,
        gap,
        continued.cells == "continue" or (continued.cells is None and is_short),
        continued.drift,
        continued.cells is not None,
        file_gap if is_same_file else None,
    )


def _same_positions(piece: Piece, name: str, later: TraceSource) -> dict[int, int]:
    """Return the field of view of a later recording by that of the first one.

    Positions have the same name; without names that tell them apart, the same number.

    Raises:
        ConfigError: There are neither names nor the same number of positions.
    """
    first = piece.source
    names, others = (
        [position.strip().casefold() for position in source.metadata.position_names]
        for source in (first, later)
    )
    if _are_different(names) and _are_different(others) and set(names) & set(others):
        pairs = {names.index(n): others.index(n) for n in names if n in others}
    elif first.metadata.n_fovs == later.metadata.n_fovs:
        pairs = {fov: fov for fov in range(first.metadata.n_fovs)}
    else:
        raise ConfigError(
            f"{name!r} has {later.metadata.n_fovs} and {piece.name!r} "
            f"{first.metadata.n_fovs} positions, and no names tell which are the same"
        )
    return {a: b for a, b in pairs.items() if a in first.files and b in later.files}


def _are_different(names: Sequence[str]) -> bool:
    return bool(names) and all(names) and len(set(names)) == len(names)
