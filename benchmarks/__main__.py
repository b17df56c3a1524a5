"""Measure pyama and the literal implementation of its reference, and print the results.

usage: python dev.py bench [--quick] [--long] [--write] [--sizes 512,2048] [...]
       python dev.py bench accuracy [...], see `benchmarks.annotated_fields`

Everything runs on drawn recordings in a temporary folder. CPU times are minima of several
runs; wall times mean something only on a machine that does nothing else.
"""

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks import annotated_fields
from benchmarks.extras import extras
from benchmarks.report import STEPS, Entry, Line, machine, render, write_into
from benchmarks.tasks import radius_px, run_task

DOCUMENT = Path(__file__).resolve().parents[1] / "docs" / "performance.md"
LONG = {"size": 2048, "cells": 300, "frames": 180}
"""The recording in the tables of the reference."""


def main(arguments: list[str]) -> None:
    """Run the selected measurements, print the tables, and write them into the document."""
    if arguments[:1] == ["accuracy"]:
        annotated_fields.main(arguments[1:])
        return
    options = _options(arguments)
    with tempfile.TemporaryDirectory(prefix="pyama-bench-", dir=options.folder) as name:
        folder = Path(name)
        entries: list[Entry] = []
        lines: list[Line] = []
        try:
            for entry in _grid(options):
                measured = _measured(entry, folder, options)
                entries.append(measured)
            if not options.no_extras:
                lines += extras(folder, quick=options.quick, long=options.long)
        finally:  # results are kept if a later measurement fails
            # Before the folder is removed, which may take minutes.
            text = render(entries, lines)
            print(text, flush=True)
        if options.write:
            write_into(DOCUMENT, text)
            print(f"Written into {DOCUMENT}.", file=sys.stderr)


def _options(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python dev.py bench", description=__doc__)
    numbers = {"type": _numbers, "metavar": "N,N"}
    parser.add_argument("--quick", action="store_true", help="one small size, one minute")
    parser.add_argument(
        "--long", action="store_true", help="also 180 frames, and cells.zarr alone"
    )
    parser.add_argument("--sizes", **numbers, default=[512, 1024, 2048], help="px")
    parser.add_argument("--cells", **numbers, default=[50, 300, 2000], help="per frame")
    parser.add_argument("--frames", **numbers, default=[10, 60], help="per recording")
    parser.add_argument("--repeats", type=int, default=2, help="runs per minimum")
    parser.add_argument("--literal-frames", type=int, default=4, help="0: not at all")
    parser.add_argument("--no-extras", action="store_true", help="only the grid")
    parser.add_argument("--folder", help="where the temporary folder is made")
    parser.add_argument("--write", action="store_true", help=f"into docs/{DOCUMENT.name}")
    options = parser.parse_args(arguments)
    if options.quick:
        options.sizes, options.cells, options.frames = [512], [50], [10]
    return options


def _numbers(text: str) -> list[int]:
    return [int(part) for part in text.split(",")]


def _grid(options: argparse.Namespace) -> Iterator[dict[str, int]]:
    for size in options.sizes:
        for cells in options.cells:
            for frames in options.frames:
                yield {"size": size, "cells": cells, "frames": frames}
    if options.long:
        yield LONG


def _measured(entry: dict[str, int], folder: Path, options: argparse.Namespace) -> Entry:
    size, cells, frames = entry["size"], entry["cells"], entry["frames"]
    if radius_px(size, cells) is None:
        return Entry(size, cells, frames)
    print(f"{size} px, {cells} cells, {frames} frames ...", file=sys.stderr, flush=True)
    path, out = str(folder / "recording.nd2"), str(folder)
    run_task("draw", path=path, **entry)
    # The time of the literal implementation per frame hardly depends on their number.
    literal = options.literal_frames if frames == min(options.frames) else 0
    repeats = 1 if frames > max(options.frames) else options.repeats
    found: dict[str, Any] = run_task(
        "compare", path=path, folder=out, repeats=repeats, literal_frames=literal
    )
    whole = run_task("run", path=path, folder=out)
    kernels = {}
    if frames == min(options.frames) and literal:
        n = min(frames, 8)
        kernels = run_task("compute", path=path, frames=n, repeats=5, literal_frames=min(n, 2))
    Path(path).unlink()
    assert set(found["pyama"]) == set(STEPS)
    return Entry(size, cells, frames, found, whole, kernels, literal)


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except subprocess.CalledProcessError as error:
        sys.exit(f"{' '.join(map(str, error.cmd[:4]))} failed, see above.")
    print(machine(), file=sys.stderr)
