"""A small recording that takes a second to process, and what a run leaves on disk."""

import signal
import threading
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from pyama.config import Channels, ProcessingConfig, ProcessingParams
from pyama.readers.array import ArrayReader

N_FOVS, N_FRAMES, SIZE, RADIUS = 3, 6, 160, 15
CENTRES = [(40, 40), (40, 110), (110, 45), (115, 115)]
"""(y, x) of the cells in frame 0; they move 2 px to the right in every frame."""
BACKGROUND, SIGNAL = 600, 200
"""Counts in the fluorescence channel: everywhere, and on top of it inside cells."""


def cell_mask(t, fov=0):
    y, x = np.mgrid[:SIZE, :SIZE]
    mask = np.zeros((SIZE, SIZE), bool)
    for cy, cx in CENTRES:
        mask |= (y - cy - fov) ** 2 + (x - cx - 2 * t) ** 2 <= RADIUS**2
    return mask


def draw_movie():
    rng = np.random.default_rng(7)
    images = np.empty((N_FOVS, N_FRAMES, 2, SIZE, SIZE), np.uint16)
    for fov, t in np.ndindex(N_FOVS, N_FRAMES):
        mask = cell_mask(t, fov)
        texture = rng.normal(0, np.where(mask, 120, 8))
        images[fov, t, 0] = 2000 + texture
        images[fov, t, 1] = rng.poisson(BACKGROUND + SIGNAL * mask)
    return images


MOVIE = draw_movie()


def recording_of(images, **facts):
    times = np.arange(images.shape[1]) * 10.0
    settings = {"times": times, "pixel_size_um": 0.65, "basename": "movie"} | facts
    return ArrayReader(images, ["Phase", "GFP"], **settings)


def make_config(channels=None, **params):
    settings = {"min_frames": 2, "border_margin": 2, "n_workers": 1} | params
    if channels is None:
        channels = Channels(pc=0, fl=[1])
    return ProcessingConfig(channels=channels, params=ProcessingParams(**settings))


def contents(output_dir):
    """All files that must be the same however a run went, by path."""
    exempt = {"run.json", "run.log", "processing_config.yaml", ".lock"}
    return {
        path.relative_to(output_dir).as_posix(): path.read_bytes()
        for path in sorted(Path(output_dir).rglob("*"))
        if path.is_file() and path.name not in exempt
    }


class StopAfter(threading.Event):
    """Asks to stop when it was looked at `n` times."""

    def __init__(self, n):
        super().__init__()
        self.left = n

    def is_set(self):
        self.left -= 1
        if self.left < 0:
            self.set()
        return super().is_set()


@contextmanager
def interruptible():
    """Let SIGINT raise KeyboardInterrupt; it is ignored below a shell in the background."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
