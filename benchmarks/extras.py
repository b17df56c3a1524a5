"""Measurements besides the grid: threads, memory growth, start-up, planning, limits."""

import math
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks.measuring import children_cpu
from benchmarks.report import Line
from benchmarks.tasks import ROOT, run_task


def extras(folder: Path, *, quick: bool, long: bool) -> list[Line]:
    """Run all measurements that are not in the grid."""
    size = 512 if quick else 2048
    lines = [
        *_workers(folder, size, 6 if quick else 60),
        *_memory(folder, quick=quick),
        *(_cells(folder) if long else []),
        _crowded(),
        *_methods(),
        _help(),
        _plan(folder, 10 if quick else 100),
        _compile(folder),
    ]
    return lines + _roofline(folder, size)


def _workers(folder: Path, size: int, frames: int) -> list[Line]:
    path, out = str(folder / "two.nd2"), str(folder)
    run_task("draw", path=path, size=size, cells=50 * size // 512, frames=frames, fovs=2)
    one, two = (
        min(
            (run_task("run", path=path, folder=out, workers=n) for _ in range(2)),
            key=lambda found: found["wall"],
        )
        for n in (1, 2)
    )
    Path(path).unlink()
    gain, busy = one["wall"] / two["wall"], two["cpu"] / two["wall"]
    what = f"two workers on two FOVs of {size} px against one, throughput"
    return [
        Line(what, f"{gain:.2f} times ({busy:.2f} cores busy)", "at least 1.6 times"),
        Line("the same, CPU time", f"{two['cpu'] / one['cpu']:.2f} times", ""),
    ]


def _memory(folder: Path, *, quick: bool) -> list[Line]:
    size, lengths = (256, (10, 40)) if quick else (1024, (60, 240))
    path, out = str(folder / "long.nd2"), str(folder)
    peaks = []
    for frames in lengths:
        run_task("draw", path=path, size=size, cells=75 * size // 1024, frames=frames)
        peaks.append(run_task("run", path=path, folder=out)["peak"])
        Path(path).unlink()
    if None in peaks:
        return []
    what = f"peak memory at {size} px, {lengths[1]} frames against {lengths[0]}"
    text = f"{peaks[1]:.0f} MB against {peaks[0]:.0f} MB: {peaks[1] / peaks[0] - 1:+.1%}"
    return [Line(what, text, "at most +10 %")]


def _cells(folder: Path) -> list[Line]:
    path = str(folder / "lasting.nd2")
    run_task("draw", path=path, size=2048, cells=300, frames=180, lasting=True)
    found, archived = (
        run_task("write_cells", path=path, folder=str(folder), form=form)
        for form in ("folder", "zip")
    )
    Path(path).unlink()
    what = f"cells.zarr of 300 cells, {found['tracks']} tracks, T = 180, with previews"
    return [
        Line(what, f"{found['cpu']:.1f} s", "at most 10 s"),
        Line("the same as cells.zarr.zip", f"{archived['cpu']:.1f} s", "not more"),
        *(
            Line(
                f"{title}, folder and zip",
                f"{found[key]:.0f} and {archived[key]:.0f}{unit}",
                "",
            )
            for key, title, unit in (
                ("write_us", "cutting, packing and writing a crop and its preview", " µs"),
                ("read_us", "reading a crop", " µs"),
                ("inodes", "files and folders of the field of view", ""),
            )
        ),
    ]


def _crowded() -> Line:
    seconds = run_task("track_many", cells=5000)
    return Line("tracking 5000 cells per frame", f"{1000 * seconds:.1f} ms", "at most 20 ms")


def _methods() -> list[Line]:
    asked = {"logstd": "", "watershed": "", "unet": "at most 0.15 s where watershed takes 0.2"}
    return [
        Line(
            f"segmentation by {method}, CPU time per megapixel",
            f"{run_task('segment_by', method=method, cells=75):.3f} s",
            limit,
        )
        for method, limit in asked.items()
    ]


def _help() -> Line:
    seconds = _cheapest(lambda: _pyama("--help"))
    return Line("pyama --help", f"{seconds:.2f} s", "at most 0.35 s")


def _plan(folder: Path, fovs: int) -> Line:
    path, out = str(folder / "many.nd2"), str(folder / "many")
    run_task("finish_many", path=path, folder=out, fovs=fovs)
    config = str(Path(out) / "processing_config.yaml")
    seconds = _cheapest(lambda: _pyama("plan", path, "--output", out, "--config", config))
    return Line(f"pyama plan on {fovs} finished FOVs", f"{seconds:.2f} s", "at most 2 s")


def _compile(folder: Path) -> Line:
    env = {"NUMBA_CACHE_DIR": str(folder / "numba")}
    cold, warm = (run_task("first_run", env=env)["cpu"] for _ in range(2))
    text = f"{cold - warm:.1f} s; with the cache {warm:.1f} s from start to end of a tiny run"
    return Line("compiling at the first run ever", text, "")


def _roofline(folder: Path, size: int) -> list[Line]:
    path, out = str(folder / "frame.nd2"), str(folder)
    frames = 4
    run_task("draw", path=path, size=size, cells=50 * size // 512, frames=frames)
    rates = run_task("roofline", path=path, folder=out)
    found = run_task("compare", path=path, folder=out, repeats=2, literal_frames=0)["pyama"]
    steps = {name: cost for name, cost in found.items() if name != "cropping"}
    written = sum(cost["bytes"] for cost in steps.values()) / frames
    spent = sum(cost["cpu"] for cost in steps.values()) / frames
    packing = rates["packing"] + rates["unpacking"]
    copying = (written + 2 * 2 * size**2) / rates["copy"]  # both channels are read
    kernels = run_task("compute", path=path, frames=frames, repeats=5, literal_frames=1)
    computing = sum(
        seconds for name, seconds in kernels["pyama"].items() if name != "cropping"
    )
    floor = packing + copying + computing
    mb = 1 / 2**20
    return [
        Line("copying memory, read and written", f"{rates['copy'] * mb:.0f} MB/s", ""),
        Line("compressing a frame", f"{rates['compress'] * mb:.0f} MB/s", ""),
        Line("decompressing a frame", f"{rates['decompress'] * mb:.0f} MB/s", ""),
        Line("writing a file, flushed", f"{rates['write'] * mb:.0f} MB/s", ""),
        Line(
            f"floor at {size} px without crops: compute + compression + copies, per frame",
            f"{1000 * computing:.0f} + {1000 * packing:.0f} + {1000 * copying:.0f} ms",
            "",
        ),
        Line(
            "share of the floor that is reached",
            f"{floor / spent:.0%} ({1000 * spent:.0f} ms per frame)",
            "",
        ),
    ]


def _pyama(*arguments: str) -> None:
    command = [sys.executable, "-m", "pyama", *arguments]
    # Modules are compiled once and not at every start, as in normal use.
    env = {key: text for key, text in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    subprocess.run(  # noqa: S603 (our own program)
        command, cwd=ROOT, env=env, stdout=subprocess.DEVNULL, check=True
    )


def _cheapest(work: Callable[[], None]) -> float:
    """Return the smallest CPU time of a child process, or wall time if it is unknown."""
    best = math.inf
    for _ in range(5):
        cpu, wall = children_cpu(), time.perf_counter()
        work()
        after = children_cpu()
        spent = time.perf_counter() - wall if after is None or cpu is None else after - cpu
        best = min(best, spent)
    return best
