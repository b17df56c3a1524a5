"""Counts of a run: cells, what left them out, and what became of the marked pixels."""

from collections.abc import Iterator, Mapping
from typing import Any

from pyama.algorithms.filters import share_inside
from pyama.analysis.advice.accounting import (
    Outputs,
    accounts,
    changes,
    entries,
    frames_limit,
    of_step,
    total,
)
from pyama.analysis.advice.filter_advice import percent
from pyama.analysis.left_out_counts import filter_reasons
from pyama.config import ProcessingConfig
from pyama.processing.workflow.run import RunReport
from pyama.sentences import count_text

INDENT = len("  left out  ")
MAX_FOVS = 10
"""Largest number of fields of view that have a line of their own."""


def outputs_of(report: RunReport) -> Outputs:
    """Return what the steps of a run noted, by field of view, step and output."""
    outputs: dict[int, dict[str, Mapping[str, Any]]] = {fov: {} for fov in report.fovs}
    for entry in report.steps:
        outputs.setdefault(entry.fov, {})[entry.step] = entry.notes
    return outputs


def accounting(outputs: Outputs) -> dict[str, Any]:
    """Return what every stage left and took, of all fields of view and of each.

    Returns:
        `pixels`: number of pixels that were examined; `stages`: see
        `pyama.analysis.advice.accounting.Stage`; `fovs`: the same by field of view, the
        `limits` of the traces that were used there, and what the `checks` of the tracks have
        found.
    """
    segmentation, extraction = of_step(outputs, "segmentation"), of_step(outputs, "extraction")
    found = accounts(outputs)
    fovs = {
        str(fov): {
            "pixels": segmentation.get(fov, {}).get("areas", {}).get("pixels", 0),
            "stages": entries(stages),
            "limits": extraction.get(fov, {}).get("limits", {}),
            "checks": extraction.get(fov, {}).get("checks", {}),
        }
        for fov, stages in found.items()
    }
    pixels = sum(part["pixels"] for part in fovs.values())
    return {"pixels": pixels, "stages": entries(total(found.values())), "fovs": fovs}


def limits(report: RunReport, config: ProcessingConfig, outputs: Outputs) -> dict[str, Any]:
    """Return the limits of the traces that were used, and what the margin leaves.

    Returns:
        `min_frames`, or a text such as `10 to 12` if it differs between fields of view;
        `border_margin` in px; `share_inside` of the frame.
    """
    params, metadata = config.params, report.metadata
    used = of_step(outputs, "extraction").values()
    shapes = [metadata.shapes[fov] for fov in report.fovs]
    inside = [share_inside(shape, params.border_margin) for shape in shapes]
    frames = frames_limit(used, params.min_frames, metadata.n_frames)
    return {
        "min_frames": int(frames) if frames.isdecimal() else frames,
        "border_margin": params.border_margin,
        "share_inside": min(inside, default=1.0),
    }


def count_lines(counts: Mapping[str, Any]) -> list[str]:
    """Return the counts of a summary in lines."""
    lines = [
        f"  cells     {counts['cells']}",
        f"  left out  {_left_out(counts)}",
        f"  traces    {counts['traces']} with {count_text(counts['rows'], 'row')}",
        f"  time      {counts['time']}",
        f"  frames    {counts['frames']}, {counts['span']}",
    ]
    account, objects = counts["accounting"], counts["objects"]
    if marked := _marked(account):
        lines.append(f"  marked    {marked}")
    if objects:
        small, large = objects.get("small", 0), objects.get("large", 0)
        lines.append(
            f"  dropped   {count_text(small, 'object')} as too small, {large} as too large, "
            "all frames"
        )
    if 1 < len(account["fovs"]) <= MAX_FOVS:
        lines += _fovs(account["fovs"])
    return lines


def _marked(account: Mapping[str, Any]) -> str:
    areas = {stage["name"]: stage["area"] for stage in account["stages"]}
    if "threshold" not in areas or not account["pixels"]:
        return ""
    found = f"{percent(areas['threshold'] / account['pixels'])} of all pixels"
    parts = changes(account["stages"])
    return f"{found}; changes of the mask: {', '.join(parts)}" if parts else found


def _fovs(fovs: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    for fov, part in fovs.items():
        cells = {stage["name"]: stage.get("cells") for stage in part["stages"]}
        if cells.get("tracking") is not None:
            found, long, kept = (
                cells[name] for name in ("tracking", "min_frames", "border_margin")
            )
            marked = _marked(part).partition(";")[0]
            yield (
                f"  {f'FOV {fov}':<10}{f'{marked} marked, ' if marked else ''}"
                f"{count_text(found, 'cell')}; "
                f"min_frames -{found - long}, border_margin -{long - kept}; "
                f"{count_text(kept, 'trace')}"
            )


def _left_out(counts: Mapping[str, Any]) -> str:
    limits, parts = counts["limits"], []
    reasons = filter_reasons(limits["min_frames"], limits["border_margin"])
    for name, reason in reasons.items():
        if n := counts["removed"][name]:
            parts.append(f"{n} {reason} ({name})")
    if counts["removed"]["border_margin"]:
        parts[-1] += f"; {percent(limits['share_inside'])} of the frame is further away"
    if both := counts["removed_by_both"]:
        parts.append(f"{both} of them for both reasons")
    return f",\n{' ' * INDENT}".join(parts) or "none"
