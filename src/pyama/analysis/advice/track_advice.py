"""Advice where tracks look as if something had happened to the microscope."""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from math import hypot
from typing import Any

from pyama.analysis.advice.setting_advice import Advice, of_fovs, options
from pyama.config import ProcessingParams
from pyama.fov_ranges import fovs_text

Checks = Mapping[str, Any]

LONGEST_BRIDGE = 10
"""Largest `max_gap` that is recommended for frames in which most cells vanish."""
FEWEST_BROKEN, BROKEN = 3, 0.2
"""Smallest number, and share of all tracks, of those that seem to continue another one."""
MIN_SHARE_BRIDGED = 0.8
"""Share of these that the recommended `max_gap` joins."""
MAX_JUMPS = 3
"""Largest number of jumps that are listed."""
REGISTRATION = {"registration": "phase_correlation"}


def track_advice(
    fovs: Mapping[int, Mapping[str, Any]],
    params: ProcessingParams,
    uncovered: Mapping[int, Collection[int]] | None = None,
) -> list[str]:
    """Return what was found in the tracks, one sentence each, with the options to add.

    Args:
        fovs: What the extraction noted, by field of view.
        params: Of the run.
        uncovered: Frames whose phase contrast lacks tiles that others have, by field of view.
    """
    lacking = uncovered or {}
    fovs_of: dict[Advice, list[int]] = defaultdict(list)
    for check in (_jumps, _lost, _gaps, _drift):
        for fov, notes in fovs.items():
            of_fov = {**notes, "uncovered": lacking.get(fov, ())}
            for text in check(notes.get("checks", {}), of_fov, params):
                fovs_of[text].append(fov)
    return [of_fovs(fovs_text(found), text) for text, found in fovs_of.items()]


def _jumps(checks: Checks, notes: Checks, params: ProcessingParams) -> Iterator[Advice]:
    jumps = checks.get("jumps", ())
    if not jumps:
        return
    shown = [
        f"by {hypot(dy, dx):.0f} px between frames {before} and {after}"
        for before, after, dy, dx in jumps[:MAX_JUMPS]
    ]
    if len(jumps) > MAX_JUMPS:
        shown.append(f"{len(jumps) - MAX_JUMPS} more times")
    yield _registered(
        f"The whole picture jumps {', '.join(shown)}: a trace may be made of two cells.",
        params,
    )


def _registered(text: str, params: ProcessingParams) -> Advice:
    if params.registration != "none":
        return Advice(text)
    return Advice(f"{text} Add {options(REGISTRATION)}", REGISTRATION)


def _lost(checks: Checks, notes: Checks, params: ProcessingParams) -> Iterator[Advice]:
    lost = checks.get("lost", ())
    if not lost:
        return
    frames = ",".join(f"{a}" if a == b else f"{a}-{b}" for a, b in lost)
    settings = {}
    longest, left = checks["longest_lost"], checks["still_there"]
    if params.max_gap < longest <= LONGEST_BRIDGE and _is_bridged(checks):
        settings["max_gap"] = longest
    if left < notes.get("limits", {}).get("min_frames", params.min_frames):
        settings["min_frames"] = left
    remedy = f" To keep them, add {options(settings)}" if settings else ""
    is_uncovered = any(a <= t <= b for t in notes["uncovered"] for a, b in lost)
    why = (
        "where no tile covers a part of the phase contrast"
        if is_uncovered
        else "as if the focus were lost"
    )
    yield Advice(f"Most cells vanish in frame {frames}, {why}.{remedy}", settings)


def _is_bridged(checks: Checks) -> bool:
    """Whether there are cells before and after frames without most of them."""
    return bool(checks["recovers"] or len(checks["lost"]) > 1) and checks["lost"][0][0] > 0


def _gaps(checks: Checks, notes: Checks, params: ProcessingParams) -> Iterator[Advice]:
    gaps = {int(gap): n for gap, n in checks.get("gaps", {}).items()}
    open_gaps = {gap: n for gap, n in sorted(gaps.items()) if gap > params.max_gap}
    broken = sum(open_gaps.values())
    if broken < max(FEWEST_BROKEN, BROKEN * checks.get("tracks", 0)):
        return
    longest = next(
        gap
        for gap in open_gaps
        if sum(n for g, n in open_gaps.items() if g <= gap) >= MIN_SHARE_BRIDGED * broken
    )
    settings = {"max_gap": longest}
    yield Advice(
        f"{broken} of {checks['tracks']} tracks {'begins' if broken == 1 else 'begin'} where "
        "another one has ended a few frames before. To join most of them, add "
        f"{options(settings)}",
        settings,
    )


def _drift(checks: Checks, notes: Checks, params: ProcessingParams) -> Iterator[Advice]:
    drift = checks.get("drift")
    if drift:
        yield _registered(
            f"All cells drift together by {hypot(*drift):.0f} px in the course of the "
            "recording.",
            params,
        )
