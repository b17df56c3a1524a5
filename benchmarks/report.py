"""Tables of measurements in Markdown."""

import os
import platform
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

STEPS = (
    "copying", "segmentation", "tracking", "background", "cropping", "extraction", "caching",
)  # fmt: skip
BEGIN, END = "<!-- measured: begin -->", "<!-- measured: end -->"
PACKAGES = ("numpy", "scipy", "numba", "scikit-image", "zarr", "numcodecs", "nd2")


@dataclass(frozen=True)
class Line:
    """One figure besides the grid: its name, its value, and the required value."""

    what: str
    measured: str
    target: str


@dataclass(frozen=True)
class Entry:
    """One recording of the grid; without `found` its cells do not fit into the frame."""

    size: int
    cells: int
    frames: int
    found: dict[str, Any] = field(default_factory=dict)
    whole: dict[str, Any] = field(default_factory=dict)
    kernels: dict[str, Any] = field(default_factory=dict)
    literal_frames: int = 0


def render(entries: Sequence[Entry], lines: Sequence[Line]) -> str:
    """Return all tables."""
    parts = [
        f"Measured on {datetime.now(UTC):%Y-%m-%d}: {machine()}",
        "### Step by step and end to end\n\n"
        "Per frame; `-` is not measured. The literal implementation runs on the first frames "
        "of the same recording, in the same process, after pyama. Peak memory is that of the "
        "whole process, with Python, NumPy and the compiled kernels in it.",
        "\n".join(_grid_table(entries)),
    ]
    if any(entry.kernels for entry in entries):
        parts += [
            "### Compute of steps 2 to 6, without files\n\nCPU ms per frame.",
            "\n".join(_kernel_table(entries)),
        ]
    if lines:
        head = ["| what | measured | asked for |", "|---|---|---|"]
        rows = [f"| {line.what} | {line.measured} | {line.target} |" for line in lines]
        parts += ["### Other measurements", "\n".join(head + rows)]
    return "\n\n".join(parts) + "\n"


def machine() -> str:
    """Describe the machine and the versions."""
    cpu = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.is_file():
        found = dict(
            line.split(":", 1) for line in info.read_text().splitlines() if ":" in line
        )
        names = {key.strip(): value.strip() for key, value in found.items()}
        family, model = names.get("cpu family", "?"), names.get("model", "?")
        cpu = f"{names.get('model name', cpu)} (family {family}, model {model})"
    load = f"{os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else "unknown"
    packages = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
    return (
        f"{cpu}, {os.cpu_count()} cores, load {load} at the end, {platform.system()} "
        f"{platform.release()}, Python {platform.python_version()}, {packages}."
    )


def write_into(document: Path, text: str) -> None:
    """Replace the part of a document between two marks."""
    old = document.read_text(encoding="utf-8")
    before, _, rest = old.partition(BEGIN)
    _, _, after = rest.partition(END)
    document.write_text(f"{before}{BEGIN}\n\n{text}\n{END}{after}", encoding="utf-8")


def _grid_table(entries: Sequence[Entry]) -> list[str]:
    rows = [
        "| px | cells | T | step | CPU ms | literal | ratio | wall ms | literal "
        "| MB | literal | files | literal | peak MB | literal |",
        "|" + "---|" * 15,
    ]
    for entry in entries:
        where = f"| {entry.size} | {entry.cells} | {entry.frames} |"
        if not entry.found:
            rows.append(f"{where} so many cells do not fit |" + " - |" * 11)
            continue
        rows += [f"{where} {row}" for row in _entry_rows(entry)]
    return rows


def _entry_rows(entry: Entry) -> list[str]:
    ours, theirs = entry.found["pyama"], entry.found.get("literal")
    n = entry.literal_frames
    rows = []
    for step in STEPS:
        pair = _per_frame(ours[step], entry.frames), theirs and _per_frame(theirs[step], n)
        rows.append(f"{step} | {_cells(*pair)} - | - |")
    total = _total(ours, entry.frames), theirs and _total(theirs, n)
    peaks = (
        f"{_number(entry.found['pyama_peak'])} | {_number(entry.found.get('literal_peak'))} |"
    )
    rows.append(f"**all steps** | {_cells(*total)} {peaks}")
    whole = {"bytes": None, "files": None, **_per_frame(entry.whole, entry.frames)}
    whole["bytes"] = whole["files"] = None
    peak = _number(entry.whole["peak"])
    rows.append(f"**pyama run** | {_cells(whole, total[1])} {peak} | - |")
    return rows


def _per_frame(cost: dict[str, Any], frames: int) -> dict[str, Any]:
    return {
        "cpu": 1000 * cost["cpu"] / frames,
        "wall": 1000 * cost["wall"] / frames,
        "bytes": cost["bytes"] / 1e6 / frames,
        "files": cost["files"] / frames,
    }


def _total(costs: dict[str, dict[str, Any]], frames: int) -> dict[str, Any]:
    each = [_per_frame(cost, frames) for cost in costs.values()]
    return {key: sum(cost[key] for cost in each) for key in each[0]}


def _cells(ours: dict[str, Any], theirs: dict[str, Any] | None) -> str:
    other = theirs or dict.fromkeys(ours)
    ratio = f"{other['cpu'] / ours['cpu']:.0f}" if theirs else "-"
    cells = [_number(ours["cpu"]), _number(other["cpu"]), ratio]
    for key in ("wall", "bytes", "files"):
        cells += [_number(ours[key]), _number(other[key])]
    return " | ".join(cells) + " |"


def _number(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"


def _kernel_table(entries: Sequence[Entry]) -> list[str]:
    steps = [step for step in STEPS if step not in ("copying", "caching")]
    rows = [
        "| px | cells | by | " + " | ".join(steps) + " | sum |",
        "|" + "---|" * (len(steps) + 4),
    ]
    for entry in entries:
        if not entry.kernels:
            continue
        sums = {}
        for who, costs in entry.kernels.items():
            each = [1000 * costs[step] for step in steps]
            sums[who] = sum(each)
            numbers = " | ".join(map(_number, [*each, sums[who]]))
            rows.append(f"| {entry.size} | {entry.cells} | {who} | {numbers} |")
        ratio = sums["literal"] / sums["pyama"]
        rows.append(
            f"| {entry.size} | {entry.cells} | ratio |"
            + " |" * len(steps)
            + f" **{ratio:.0f}** |"
        )
    return rows
