"""Advice where the filters of the traces leave no cell."""

from collections.abc import Mapping
from typing import Any

from pyama.analysis.advice.accounting import frames_limit
from pyama.analysis.advice.setting_advice import Advice, options
from pyama.config import ProcessingParams
from pyama.fov_ranges import fovs_text
from pyama.metadata import MicroscopyMetadata

Notes = Mapping[str, Any]


def filter_advice(
    fovs: Mapping[int, Notes], params: ProcessingParams, metadata: MicroscopyMetadata
) -> list[str]:
    """Return what to change where there are cells, and all are left out of the traces.

    Args:
        fovs: What the extraction noted, by field of view.
        params: Of the run.
        metadata: Of the recording.
    """
    empty = {
        fov: notes for fov, notes in fovs.items() if notes.get("cells") and not notes["traces"]
    }
    if not empty:
        return []
    removed = [notes.get("removed", {}) for notes in empty.values()]
    short, near = (
        sum(len(cells.get(name, ())) for cells in removed)
        for name in ("min_frames", "border_margin")
    )
    limit = frames_limit(empty.values(), params.min_frames, metadata.n_frames)
    reasons = (
        [f"{short} {'is' if short == 1 else 'are'} in fewer than {limit} frames"]
        if short
        else []
    )
    if near:
        margin = params.border_margin
        shape = min(metadata.shapes[fov] for fov in empty)
        height, width = (max(0, side - 2 * margin) for side in shape)
        reasons.append(
            f"{near} {'comes' if near == 1 else 'come'} within {margin} px of the edge, which "
            f"leaves {width} x {height} of {shape[1]} x {shape[0]} px"
        )
    cells = sum(notes["cells"] for notes in empty.values())
    of_cells = "the only cell" if cells == 1 else f"{cells} cells"
    values = _remedy(empty)
    remedy = f" To keep about half of them: {options(values)}" if values else ""
    return [
        Advice(
            f"FOV {fovs_text(empty)}: No trace is left of {of_cells}: {'; '.join(reasons)}."
            f"{remedy}",
            values,
        )
    ]


def _remedy(empty: Mapping[int, Notes]) -> dict[str, int]:
    """Return the limits to set; `track_advice` knows better where most cells vanish."""
    values: dict[str, int] = {}
    for notes in empty.values():
        for name, value in notes.get("helps", {}).items():
            if name != "min_frames" or not notes.get("checks", {}).get("lost"):
                values[name] = min(value, values.get(name, value))
    return values


def percent(share: float) -> str:
    """Return a share as a percentage; small ones with two digits."""
    return f"{100 * share:.2g} %" if 0 < share < 0.1 else f"{100 * share:.0f} %"
