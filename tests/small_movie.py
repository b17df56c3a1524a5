"""A small recording that takes a second to process, and what a run leaves on disk."""

import signal
import threading
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from pyama.config import Channels, ProcessingConfig, ProcessingParams
from pyama.readers.array import ArrayReader

# No two of these numbers are equal, so that a test notices which of them was used.
N_FOVS, N_FRAMES, HEIGHT, WIDTH, RADIUS = 3, 6, 172, 160, 15
SHAPE = (HEIGHT, WIDTH)
CENTRES = [(40, 40), (40, 110), (110, 45), (115, 115)]
"""(y, x) of the cells in frame 0; they move 2 px to the right in every frame."""
ONLY_IN_FOV_1 = (75, 77)
"""One more cell."""
BACKGROUND, SIGNAL = 600, 200
"""Counts in the fluorescence channel: everywhere, and on top of it inside cells."""
INTERVAL_MIN = 10.0
"""Minutes between frames of FOV 0; every further field of view has one minute more."""
PIXEL_SIZE_UM = 0.65


def centres(fov):
    """(y, x) of the cells of a field of view in frame 0."""
    known = [*CENTRES, ONLY_IN_FOV_1] if fov == 1 else CENTRES
    return [(y + fov, x) for y, x in known]


def n_cells(*fovs):
    """Number of cells in some fields of view."""
    return sum(len(centres(fov)) for fov in fovs)


def times_of(n_fovs, n_frames):
    """Minutes since the start, shape (n_fovs, n_frames)."""
    return np.arange(n_frames) * (INTERVAL_MIN + np.arange(n_fovs))[:, None]


def cell_mask(t, fov=0):
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    mask = np.zeros(SHAPE, bool)
    for cy, cx in centres(fov):
        mask |= (y - cy) ** 2 + (x - cx - 2 * t) ** 2 <= RADIUS**2
    return mask


def draw_movie():
    rng = np.random.default_rng(7)
    images = np.empty((N_FOVS, N_FRAMES, 2, *SHAPE), np.uint16)
    for fov, t in np.ndindex(N_FOVS, N_FRAMES):
        mask = cell_mask(t, fov)
        texture = rng.normal(0, np.where(mask, 120, 8))
        images[fov, t, 0] = 2000 + texture
        images[fov, t, 1] = rng.poisson(BACKGROUND + SIGNAL * mask)
    return images


MOVIE = draw_movie()


def recording_of(images, **facts):
    times = times_of(*images.shape[:2])
    settings = {"times": times, "pixel_size_um": PIXEL_SIZE_UM, "basename": "movie"} | facts
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
