"""Which cells have no trace, and why: one wording for terminal, page and report."""

from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path

from pyama import layout
from pyama.fov_ranges import fovs_text
from pyama.sentences import count_text
from pyama.traces.inspected_tracks import Absent, read_traces

GROUPS = {
    "min_frames": "in too few frames (min_frames)",
    "border_margin": "too close to the edge (border_margin)",
    "min_frames and border_margin": "in too few frames and too close to the edge",
    "": "deleted in the inspection",
}
"""Why cells have no trace, by their `reason` in `*_left_out.csv`; empty if deleted."""


def count_left_out(removed: Mapping[str, Iterable[int]]) -> Counter[str]:
    """Count the cells that the filters of traces left out of a field of view.

    Args:
        removed: Numbers of the cells by the parameter of the filter, as extraction notes them.

    Returns:
        Number of cells by `min_frames` and `border_margin`, and by `both`; the last ones count
        in the other two, too.
    """
    cells = {name: set(removed.get(name, ())) for name in ("min_frames", "border_margin")}
    counts = Counter({name: len(numbers) for name, numbers in cells.items()})
    counts["both"] = len(set.intersection(*cells.values()))
    return counts


def filter_reasons(min_frames: int | str, border_margin: int) -> dict[str, str]:
    """Return why each filter leaves cells out, by its parameter; in words."""
    return {
        "min_frames": f"in fewer than {min_frames} frames",
        "border_margin": f"within {border_margin} px of the edge",
    }


def why_absent(cell: Absent, limits: Mapping[str, int]) -> str:
    """Return in a sentence why a cell has no trace.

    Args:
        cell: The cell.
        limits: The limits that were used, by parameter, as extraction notes them.
    """
    if cell.why is None:
        frames = f"{cell.first} to {cell.last}" if cell.n > 1 else f"{cell.first}"
        return f"Cell {cell.cell} was deleted in the inspection, in frame {frames}."
    parts = []
    if "min_frames" in cell.why.reason:
        parts.append(f"{_frames_text(cell)}{_limit('min_frames', limits)}")
    if "border_margin" in cell.why.reason:
        parts.append(f"{_edge_text(cell)}{_limit('border_margin', limits, ' px')}")
    return f"Cell {cell.cell} {'; it '.join(parts) or 'was left out'}."


def _frames_text(cell: Absent) -> str:
    if cell.n == 1:
        return f"was found in 1 frame, {cell.first}"
    missing = cell.last - cell.first + 1 - cell.n
    gaps = f", but not in {count_text(missing, 'frame')} between" if missing else ""
    return f"was found in {cell.n} frames, from {cell.first} to {cell.last}{gaps}"


def _edge_text(cell: Absent) -> str:
    distance = cell.why.edge_distance if cell.why else 0
    if distance <= 0:
        return "touches the edge of what was recorded"
    return f"comes within {distance} px of the edge"


def _limit(name: str, limits: Mapping[str, int], unit: str = "") -> str:
    return f", and {name} is {limits[name]}{unit}" if name in limits else ""


def dropped_by_size(objects: Mapping[str, int]) -> str:
    """Return in a sentence what the segmentation dropped; empty if it dropped nothing.

    Args:
        objects: Numbers of objects, as segmentation notes them.
    """
    names = {"small": "min_object_size", "large": "max_object_size"}
    parts = [
        f"{objects[k]} as too {k} ({name})" for k, name in names.items() if objects.get(k)
    ]
    if not parts:
        return ""
    return (
        f"Before tracking, {' and '.join(parts)} were dropped, counted in all frames "
        "together. These objects have no number and no trace."
    )


def kept_cells(path: Path) -> Counter[str]:
    """Count the cells in a table that a filter had left out and somebody keeps, by reason."""
    table = read_traces(path)
    if layout.LEFT_OUT_BY not in table:
        return Counter()
    kept = table.dropna(subset=[layout.LEFT_OUT_BY]).drop_duplicates("source_cell")
    return Counter(kept[layout.LEFT_OUT_BY].tolist())


def kept_sentences(files: Mapping[int, Path]) -> list[str]:
    """Return in a sentence how many left-out cells somebody keeps; nothing if there are none.

    Args:
        files: Traces by field of view, the inspected ones where they exist.
    """
    found = {fov: kept_cells(path).total() for fov, path in files.items() if _inspected(path)}
    fovs, n = [fov for fov, count in found.items() if count], sum(found.values())
    if not fovs:
        return []
    cells = (
        "1 cell that a filter left out is"
        if n == 1
        else f"{n} cells that a filter left out are"
    )
    return [
        f"FOV {fovs_text(fovs)}: {cells} kept by inspection. The inspected tables contain "
        f"{'it' if n == 1 else 'them'}; their column {layout.LEFT_OUT_BY} names the filter."
    ]


def _inspected(path: Path) -> bool:
    parsed = layout.parse_traces(path.name)
    return parsed is not None and parsed[2]
