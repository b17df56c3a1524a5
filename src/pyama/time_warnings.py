"""Sentences about times of a recording that are improbable."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from itertools import pairwise
from statistics import median

from pyama.algorithms.params import TimeParams
from pyama.algorithms.scale_params import ScaleParams
from pyama.fov_ranges import fovs_text
from pyama.metadata import MicroscopyMetadata, frame_times, pixel_size_hints
from pyama.units import duration_text

LONGEST_WEEKS = 3
"""A longer time lapse, or one below a second, is probably a unit that was mistaken."""


def span_problem(minutes: float) -> str:
    """Return what is improbable about the time between the first and the last frame."""
    if minutes > LONGEST_WEEKS * 7 * 24 * 60:
        return f"{duration_text(minutes)}, which is more than {LONGEST_WEEKS} weeks"
    if minutes < 1 / 60:
        return f"{duration_text(minutes)}, which is less than a second"
    return ""


def settings_to_check(metadata: MicroscopyMetadata) -> list[str]:
    """Return what should be set or checked before a run, where nothing is set yet."""
    return [*time_warnings(metadata, TimeParams()), *pixel_size_hints(metadata, ScaleParams())]


def time_warnings(metadata: MicroscopyMetadata, params: TimeParams) -> list[str]:
    """Return a sentence if the times of a recording are a guess or improbable.

    Raises:
        ConfigError: See `frame_times`.
    """
    times, source = frame_times(metadata, params, 0)
    if source.startswith("default") and len(times) > 1:
        return [
            f"The file has no usable time stamps: {params.frame_interval:g} min per frame is "
            "assumed. Set the interval in minutes: --set frame_interval=5"
        ]
    is_stamped = metadata.times_min is not None and source == metadata.stamps_source
    rows = (metadata.times_min if is_stamped else None) or [times] * metadata.n_fovs
    remarks = [*pause_warnings(rows), *_different_intervals(rows)]
    problem = span_problem(times[-1] - times[0]) if len(times) > 1 else ""
    if not problem:
        return remarks
    is_set = params.time_mapping is not None or "frame_interval" in params.model_fields_set
    advice = (
        "Check this setting: it is in minutes."
        if is_set
        else "If this is not true, set the interval in minutes: --set frame_interval=5"
    )
    return [f"All frames lie within {problem} ({source}). {advice}", *remarks]


def _different_intervals(rows: Sequence[Sequence[float]]) -> list[str]:
    """Return a sentence if fields of view have frames at clearly different intervals."""
    usual = {
        fov: median(after - before for before, after in pairwise(times))
        for fov, times in enumerate(rows)
        if len(times) > 1
    }
    if not usual:
        return []
    slow, fast = max(usual, key=usual.__getitem__), min(usual, key=usual.__getitem__)
    if usual[slow] <= DIFFERENT * usual[fast]:
        return []
    return [
        f"Fields of view have different intervals: a frame every {duration_text(usual[fast])} "
        f"in FOV {fast}, every {duration_text(usual[slow])} in FOV {slow}."
    ]


DIFFERENT = 1.2
"""Ratio of the intervals of two fields of view from which on it is remarked."""
PAUSE, MOST_PAUSES = 3, 3
"""How many times longer than usual an interval is that counts as a pause, and how many there
may be; where more are, frames follow another plan."""


def pause_warnings(times_min: Iterable[Sequence[float]]) -> list[str]:
    """Return a sentence for every pause between two frames.

    Args:
        times_min: Times in minutes, per field of view.
    """
    fovs_of: dict[str, list[int]] = defaultdict(list)
    for fov, times in enumerate(times_min):
        steps = [after - before for before, after in pairwise(times)]
        usual = median(steps) if steps else 0.0
        long = [t for t, step in enumerate(steps) if step > PAUSE * usual > 0]
        if len(steps) > 2 and len(long) <= MOST_PAUSES:
            for t in long:
                fovs_of[
                    f"{duration_text(steps[t])} lie between frames {t} and {t + 1}, otherwise "
                    f"{duration_text(usual)}: a trace may be made of two cells there."
                ].append(fov)
    return [f"FOV {fovs_text(fovs)}: {text}" for text, fovs in fovs_of.items()]
