"""Error and time of the two estimates of the background, on drawn frames.

Run with `python -m benchmarks.background [--seeds 3] [SCENE ...]`; all scenes take a minute.
Prints for the methods `tiles` and `planes` the RMS error in counts without and in the outer
100 px (a quarter of smaller frames), and the mean error under the cells; for `planes` the
standard error that traces get, and the actual one of the frame; the errors of corrected
totals in synthetic recordings; and the CPU time for frames of 2048 x 2048 px.
"""

import argparse
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from pyama.algorithms.background_surface import estimate
from pyama.algorithms.params import BackgroundParams
from pyama.testing.synthetic import SyntheticRecording

Image = NDArray[np.float32]
Light = Callable[[Image, Image], Image]
METHODS = {
    "tiles": BackgroundParams(),
    "planes": BackgroundParams(background_method="planes"),
}
RIM = 100
"""Width in px of the outer part of a frame."""


@dataclass(frozen=True)
class Scene:
    """Cells on uneven light.

    Attributes:
        light: Background in counts at (y, x), which are 0 to 1 across the frame.
        covered: Share of the frame that cells cover.
        size: Height and width in px.
        missed: Share of the cells that are not in the mask.
        debris: Number of bright spots that are not in the mask.
        haze: Share of the light of the cells that spreads over 25 px.
    """

    light: Light
    covered: float = 0.1
    size: int = 1024
    missed: float = 0.0
    debris: int = 0
    haze: float = 0.0


@dataclass(frozen=True)
class Drawn:
    """One frame of a scene: counts, mask, background, and the true cells."""

    frame: NDArray[np.uint16]
    mask: NDArray[np.bool_]
    background: Image
    cells: NDArray[np.bool_]


def mild(y: Image, x: Image) -> Image:
    """Rise from 500 to 650 counts."""
    return 500 + 100 * x + 50 * y


def steep(y: Image, x: Image) -> Image:
    """Rise from 300 to 1500 counts."""
    return 300 + 1200 * x


def vignetting(y: Image, x: Image) -> Image:
    """Decrease from 1200 counts in the middle to 400 in the corners."""
    return 200 + 1000 * np.cos(np.hypot(y - 0.5, x - 0.5) * 1.35) ** 4


def bump(y: Image, x: Image) -> Image:
    """Rise by 600 counts within an eighth of the frame."""
    return 400 + 600 * np.exp(-((y - 0.4) ** 2 + (x - 0.6) ** 2) / (2 * 0.12**2))


SCENES = {
    "mild gradient": Scene(mild),
    "steep gradient": Scene(steep),
    "vignetting": Scene(vignetting),
    "bump": Scene(bump),
    "50 % covered": Scene(mild, covered=0.5),
    "80 % covered": Scene(mild, covered=0.8),
    "80 % covered, steep": Scene(steep, covered=0.8),
    "95 % covered": Scene(mild, covered=0.95),
    "64 px, steep": Scene(steep, size=64),
    "128 px, steep": Scene(steep, size=128),
    "256 px, steep": Scene(steep, size=256),
    "512 px, steep": Scene(steep, size=512),
    "60 spots of debris": Scene(mild, debris=60),
    "300 spots of debris": Scene(mild, debris=300),
    "haze": Scene(mild, haze=0.1),
    "haze, 30 % covered": Scene(mild, covered=0.3, haze=0.1),
    "20 % of the cells missed": Scene(mild, missed=0.2),
    "30 % covered, half missed": Scene(mild, covered=0.3, missed=0.5),
}


RECORDINGS = {
    "mild: 600 ± 60 counts": {},
    "steep: 900 ± 600 counts": {"background": 900, "background_swing": 600},
    "steep, 130 cells instead of 75": {
        "background": 900,
        "background_swing": 600,
        "n_cells": 130,
    },
}
"""Parameters of synthetic recordings of 1024 x 1024 px."""


def draw(scene: Scene, seed: int = 0) -> Drawn:
    """Draw one frame of a scene, with the noise of photons and of the camera."""
    rng = np.random.default_rng(seed)
    n = scene.size
    y, x = np.mgrid[:n, :n].astype(np.float32)
    cells, mask = np.zeros((2, n, n), np.bool_)
    light = np.zeros((n, n), np.float32)
    while cells.mean() < scene.covered:
        (cy, cx), radius = rng.uniform(0, n, 2), rng.uniform(15, 24)
        at = _around(cy, cx, 25)
        disk = np.hypot(y[at] - cy, x[at] - cx) < radius
        if scene.covered < 0.4 and (disk & cells[at]).any():
            continue
        cells[at] |= disk
        light[at][disk] = 400 * rng.lognormal(0, 0.5)
        if rng.random() >= scene.missed:
            mask[at] |= disk
    light = ndimage.gaussian_filter(light, 2)
    if scene.haze:
        light += scene.haze * (ndimage.gaussian_filter(light, 25) - light)
    for _ in range(scene.debris):
        (cy, cx), width = rng.uniform(0, n, 2), rng.uniform(2, 8)
        at = _around(cy, cx, 50)
        distance = np.hypot(y[at] - cy, x[at] - cx) / width
        light[at] += rng.uniform(300, 3000) * np.exp(-(distance**2) / 2)
    background = scene.light(y / n, x / n)
    counts = background + light
    counts += rng.normal(0, 1, (n, n)) * np.sqrt(0.8 * counts + 25)
    return Drawn(np.clip(counts + 0.5, 0, 65535).astype(np.uint16), mask, background, cells)


def _around(y: float, x: float, reach: int) -> tuple[slice, slice]:
    rows, columns = (slice(max(0, int(c) - reach), int(c) + reach + 1) for c in (y, x))
    return rows, columns


def errors(drawn: Drawn, method: str) -> tuple[float, ...]:
    """Return errors in counts.

    Returns:
        RMS errors inside and in the rim, the mean error under cells, the standard error
        according to the estimate, and the RMS error of the whole frame.
    """
    found = estimate(drawn.frame, drawn.mask, METHODS[method])
    difference = found.background.astype(np.float64) - drawn.background
    width = min(RIM, len(difference) // 4)
    inside = np.zeros(difference.shape, np.bool_)
    inside[width:-width, width:-width] = True
    rms = [float(np.sqrt(np.mean(difference[part] ** 2))) for part in (inside, ~inside)]
    under = float(difference[drawn.cells].mean())
    return rms[0], rms[1], under, found.error, float(np.sqrt(np.mean(difference**2)))


def total_errors(method: str, **params: float) -> NDArray[np.float64]:
    """Return the errors of the corrected totals of all cells, as shares of their true totals.

    Args:
        method: Of the estimate.
        params: Of the synthetic recording; the true masks are used.
    """
    recording = SyntheticRecording(seed=1, shape=(1024, 1024), n_frames=3, **params)
    truth = recording.truth(0)
    found = []
    for t, labels in enumerate(truth.labels):
        frame = recording.frame(0, t)[1]
        background = estimate(frame, labels > 0, METHODS[method]).background
        totals = np.bincount(labels.ravel(), (frame - background.astype(float)).ravel())
        present = truth.present[:, t] & (truth.totals[:, t, 0] > 0)
        cells = np.flatnonzero(present)
        found.append(totals[1:][cells] / truth.totals[cells, t, 0] - 1)
    return np.concatenate(found)


def milliseconds(method: str, drawn: Drawn) -> float:
    """Return the least CPU time of several estimates."""
    times = []
    for _ in range(12):
        start = time.thread_time()
        estimate(drawn.frame, drawn.mask, METHODS[method])
        times.append(time.thread_time() - start)
    return 1000 * min(times)


def main() -> None:
    """Print a line per scene and recording, and the times."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("scenes", nargs="*", metavar="SCENE", help=", ".join(SCENES))
    parser.add_argument("--seeds", type=int, default=3, help="frames per scene")
    options = parser.parse_args()
    print_scenes(options.scenes or SCENES, options.seeds)
    print("| recording | tiles median | tiles 95 % | planes median | planes 95 % |")
    print("|---|---|---|---|---|")
    for name, params in RECORDINGS.items():
        sizes = [100 * np.abs(total_errors(method, **params)) for method in METHODS]
        texts = [f"{np.median(s):.1f} % | {np.percentile(s, 95):.1f} %" for s in sizes]
        print(f"| {name} | {' | '.join(texts)} |", flush=True)
    for light in (mild, steep):
        drawn = draw(Scene(light, size=2048))
        texts = [f"{method} {milliseconds(method, drawn):.1f} ms" for method in METHODS]
        print(f"2048 x 2048 px, {light.__name__}: {', '.join(texts)}")


def print_scenes(names: Iterable[str], seeds: int) -> None:
    """Print a line per scene."""
    parts = ("inside", "edge", "cells")
    columns = [f"{method} {part}" for method in METHODS for part in parts]
    columns += ["standard error", "actual"]
    print(f"| scene | {' | '.join(columns)} |\n|---|{'---|' * len(columns)}")
    for name in names:
        frames = [draw(SCENES[name], seed) for seed in range(seeds)]
        means = [np.mean([errors(f, method) for f in frames], axis=0) for method in METHODS]
        texts = [
            f"{inside:.1f} | {edge:.1f} | {cells:+.1f}" for inside, edge, cells, *_ in means
        ]
        texts += [f"{value:.1f}" for value in means[-1][3:]]
        print(f"| {name} | {' | '.join(texts)} |", flush=True)


if __name__ == "__main__":
    main()
