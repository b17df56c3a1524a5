"""The measurements, each in a separate process so that memory and caches do not mix.

`run_task(name, **arguments)` starts this module as a program and returns what the function of
that name returned. Every run writes into a new folder and nothing is deleted before the end:
for minutes after thousands of files were deleted, ext4 takes ten times as long to make one,
since it passes by each of their numbers.
"""

import json
import math
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks.measuring import Cost, Costs, peak_mb

ROOT = Path(__file__).resolve().parents[1]
TASKS: dict[str, Callable[..., Any]] = {}
FILLED = 0.42
"""Largest fraction of a frame that cells with their gaps can cover."""
GAP_PX = 15.0
"""Distance between two cells in the drawing."""
SMALLEST_PX = 8.0
"""Cells of a smaller radius are removed by the opening."""


def task(function: Callable[..., Any]) -> Callable[..., Any]:
    """Make a function available to `run_task`."""
    TASKS[function.__name__] = function
    return function


def run_task(name: str, env: dict[str, str] | None = None, **arguments: Any) -> Any:
    """Run a task in a new process.

    Args:
        name: Of the function.
        env: Environment variables besides those of this process.
        arguments: Of the function; plain values.

    Raises:
        subprocess.CalledProcessError: It failed; its error is on the screen.
    """
    command = [sys.executable, "-m", "benchmarks.tasks", name, json.dumps(arguments)]
    done = subprocess.run(  # noqa: S603 (our own module)
        command,
        cwd=ROOT,
        env=os.environ | (env or {}),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return json.loads(done.stdout.splitlines()[-1])


def radius_px(size: int, cells: int) -> float | None:
    """Return the largest radius with which the cells fit; None if they would be too small."""
    radius = math.sqrt(FILLED * size**2 / cells / math.pi) - GAP_PX / 2
    return min(28.0, radius) if radius >= SMALLEST_PX else None


@task
def draw(
    path: str, size: int, cells: int, frames: int, fovs: int = 1, lasting: bool = False
) -> None:
    """Draw a recording with one phase contrast and one fluorescence channel.

    Cells that are `lasting` neither divide nor die; elsewhere there are several times as many
    tracks as cells in a frame.
    """
    from pyama.testing.synthetic import SyntheticRecording

    largest = radius_px(size, cells)
    assert largest is not None, "they do not fit"
    SyntheticRecording(
        n_frames=frames,
        n_fovs=fovs,
        shape=(size, size),
        n_cells=cells,
        radius_px=(max(SMALLEST_PX, 0.6 * largest), largest),
        **({"division_rate": 0, "turnover_rate": 0} if lasting else {}),
    ).write(path, "nd2")


def _config(**params: Any) -> Any:
    from pyama.config import Channels, ProcessingConfig, ProcessingParams

    return ProcessingConfig(
        channels=Channels(pc=0, fl=[1]), params=ProcessingParams(n_workers=1, **params)
    )


def warm_up() -> None:
    """Run the workflow on a tiny recording, so that nothing is compiled or imported later."""
    import numpy as np

    from pyama.processing.workflow import process
    from pyama.readers.array import ArrayReader

    y, x = np.mgrid[:96, :96]
    inside = (y - 48) ** 2 + (x - 48) ** 2 < 20**2
    noise = np.random.default_rng(0).normal(0, 1, (2, 3, 2, 96, 96))
    images = (1000 + noise * np.where(inside, 90, 5)).astype(np.uint16)
    with tempfile.TemporaryDirectory() as folder:
        config = _config(border_margin=2)
        assert process(ArrayReader(images), config, folder).succeeded


@task
def first_run() -> dict[str, float]:
    """Measure CPU and wall time from the start of Python to the end of a tiny run."""
    warm_up()
    return {"cpu": time.process_time()}


@task
def compare(path: str, folder: str, repeats: int, literal_frames: int) -> dict[str, Any]:
    """Run all steps of pyama, then the literal implementation on the same frames.

    Returns:
        Costs by step of both, peak memory of both, and the number of cells.
    """
    warm_up()
    steps: dict[str, Cost] = {}
    for _ in range(repeats):
        out = _new_folder(folder)
        found = _services(Path(path), out)
        steps = {name: cost.cheaper(steps.get(name)) for name, cost in found.items()}
    from pyama.store import FovStore

    result: dict[str, Any] = {
        "pyama": {name: asdict(cost) for name, cost in steps.items()},
        "cells": float(FovStore(out, 0).cells().cell_list.valid_frames.sum(0).mean()),
        "pyama_peak": peak_mb(),
    }
    if literal_frames:
        from benchmarks.literal_run import run_literally

        literal = run_literally(Path(path), _new_folder(folder), literal_frames)
        result["literal"] = {name: asdict(cost) for name, cost in literal.items()}
        result["literal_peak"] = peak_mb()
    return result


def _new_folder(folder: str) -> Path:
    return Path(tempfile.mkdtemp(prefix="run ", dir=folder))


def _services(path: Path, folder: Path) -> dict[str, Cost]:
    from pyama.processing import workflow
    from pyama.readers import open_reader

    with open_reader(path) as reader:
        metadata = reader.metadata
    costs = Costs(folder)
    for service in (
        workflow.CopyingService(),
        workflow.SegmentationService(),
        workflow.TrackingService(),
        workflow.BackgroundEstimationService(),
        workflow.CroppingService(),
        workflow.ExtractionService(),
        workflow.CachingService(),
    ):
        with costs.of(service.name):
            report = service.process_all_fovs(metadata, _config(), folder, 0, 0)
        assert not report.failed_fovs(), [str(entry) for entry in report]
    return costs.steps


@task
def run(path: str, folder: str, workers: int = 1) -> dict[str, Any]:
    """Run the whole workflow and return CPU, wall time and peak memory."""
    warm_up()
    from pyama.processing.workflow import process

    costs = Costs()
    with costs.of("run"):
        config = _config().params.replace(n_workers=workers)
        report = process(path, _config().replace(params=config), _new_folder(folder))
    assert report.succeeded
    return {**asdict(costs.steps["run"]), "peak": peak_mb()}


@task
def write_cells(path: str, folder: str, form: str = "folder") -> dict[str, float]:
    """Measure CPU time of cells with their previews but without those of frames.

    Args:
        path: The recording.
        folder: For the results.
        form: How the cells are kept: `folder` or `zip`.
    """
    warm_up()
    from pyama import layout
    from pyama.processing.workflow import CroppingService, process
    from pyama.readers import open_reader
    from pyama.store import CellsOutput, FovStore

    out, config = _new_folder(folder), _config()
    config = config.replace(params=config.params.replace(cells=form))
    assert process(path, config, out).succeeded
    fov = FovStore(out, 0)
    # Moved and not deleted, see above. Previews of frames exist and are not made again.
    name = layout.CELLS if form == "folder" else layout.CELLS_ARCHIVE
    (fov.path / name).rename(out / "first")
    CellsOutput(fov.path, ()).discard()
    with open_reader(path) as reader:
        metadata = reader.metadata
    costs = Costs()
    with costs.of("cropping"):
        report = CroppingService().process(metadata, config, out, [0])
    assert not report.failed_fovs()
    cells = fov.cells()
    tracks = cells.cell_list.ids.tolist()
    groups = [*map(layout.raw, (0, 1), (0, 0)), layout.tracked(0), layout.background(1)]
    with costs.of("reading"):
        cells = fov.cells()
        for group in groups:
            for cell in tracks:
                cells.crop(group, cell)
    crops = len(tracks) * len(groups)
    return {
        "cpu": costs.steps["cropping"].cpu,
        "tracks": len(tracks),
        "write_us": 1e6 * costs.steps["cropping"].cpu / crops,
        "read_us": 1e6 * costs.steps["reading"].cpu / crops,
        "inodes": sum(1 for _ in fov.path.rglob("*")),
    }


@task
def compute(path: str, frames: int, repeats: int, literal_frames: int) -> dict[str, Any]:
    """Run steps 2 to 6 on frames in memory, without files; return CPU seconds per frame."""
    from benchmarks.in_memory import compute_literally, compute_steps
    from pyama.readers import open_reader

    with open_reader(path) as reader:
        movie = [reader.read(0, t, [0, 1]) for t in range(frames)]
    compute_steps(movie[:2])
    steps: dict[str, Cost] = {}
    for _ in range(repeats):
        found = compute_steps(movie)
        steps = {name: cost.cheaper(steps.get(name)) for name, cost in found.items()}
    literal = compute_literally(movie[:literal_frames])
    return {
        "pyama": {name: cost.cpu / frames for name, cost in steps.items()},
        "literal": {name: cost.cpu / literal_frames for name, cost in literal.items()},
    }


@task
def track_many(cells: int, size: int = 2048, frames: int = 6, repeats: int = 5) -> float:
    """Return CPU seconds per frame for tracking many small cells."""
    from benchmarks.in_memory import crowd
    from pyama.algorithms.params import TrackingParams
    from pyama.algorithms.trackers.iou import track

    movie = crowd(cells, size, frames)
    best = math.inf
    for _ in range(repeats):
        costs = Costs()
        with costs.of("track"):
            tracked = list(track(movie, TrackingParams()))
        assert tracked[-1].max() >= cells
        best = min(best, costs.steps["track"].cpu / frames)
    return best


@task
def segment_by(method: str, cells: int, size: int = 1024, repeats: int = 5) -> float:
    """Return CPU seconds per megapixel for finding cells by a method."""
    from pyama.algorithms.params import own_params
    from pyama.config import ProcessingParams
    from pyama.processing.methods import SEGMENTERS
    from pyama.testing.synthetic import SyntheticRecording

    frame = SyntheticRecording(shape=(size, size), n_cells=cells).frame(0, 0)[0]
    own = own_params(method, SEGMENTERS[method], ProcessingParams())
    best = math.inf
    for _ in range(repeats):
        costs = Costs()
        with costs.of("segment"):
            SEGMENTERS[method](frame, own)
        best = min(best, costs.steps["segment"].cpu / frame.size * 1e6)
    return best


@task
def finish_many(path: str, folder: str, fovs: int) -> None:
    """Process many small fields of view, for `pyama plan`."""
    from pyama.processing.workflow import process
    from pyama.testing.synthetic import SyntheticRecording

    recording = SyntheticRecording(n_frames=3, n_fovs=fovs, shape=(96, 96), n_cells=1)
    recording.write(path, "nd2")
    assert process(path, _config(), folder).succeeded


@task
def roofline(path: str, folder: str) -> dict[str, float]:
    """Return the speed of memory, compression and disk in bytes per second."""
    from benchmarks.in_memory import limits

    return limits(Path(path), Path(folder))


if __name__ == "__main__":
    print(json.dumps(TASKS[sys.argv[1]](**json.loads(sys.argv[2]))))
