"""Output folders with traces of a known model, written without a recording."""

import json

import numpy as np
import pandas as pd

from pyama import layout
from pyama.analysis.fitting.models import MODELS
from pyama.config import Channels, ProcessingConfig
from pyama.metadata import MicroscopyMetadata
from pyama.processing.record import write_record
from pyama.traces.digests import traces_digest

HOURS = np.arange(40) / 4
"""Times of the frames of FOV 0."""
NAME = "movie"


# Fields of view differ in all their numbers, so that a test notices which one was used.
def hours_of(fov):
    """Hours of the frames: 15 minutes apart in FOV 0, a little more in every other."""
    return HOURS * (1 + fov % 10 / 500)


def recorded_hours(table):
    """Hours of the rows of a table, as `experiment` gives them to its recording."""
    rows = zip(table["fov"], table["frame"], strict=True)
    return [hours_of(fov)[frame] + fov / 60 for fov, frame in rows]


def cells_in(fov):
    """Number of cells: 4, 5 or 6."""
    return 4 + fov % 3


def truth(n, seed=0):
    """Parameters of `n` cells for the model of maturation, shape (6, n)."""
    rng = np.random.default_rng(seed)
    names = [p.name for p in MODELS["maturation"].parameters]
    drawn = {
        "t0": rng.uniform(1, 3, n),
        "ktl": rng.uniform(2e4, 4e4, n),
        "delta": rng.uniform(0.1, 0.2, n),
        "offset": rng.uniform(1e4, 2e4, n),
        "km": np.full(n, 1.28),
        "beta": np.full(n, 5.22e-3),
    }
    return np.array([drawn[name] for name in names])


def traces_of(fov, n_cells=None, noise=200.0):
    """Traces of one field of view; cell numbers from 1."""
    n_cells = cells_in(fov) if n_cells is None else n_cells
    y = MODELS["maturation"].evaluate(hours_of(fov), truth(n_cells, fov))
    y += np.random.default_rng(fov).normal(0, noise, y.shape)
    n = len(HOURS)
    cell, frame = np.repeat(np.arange(1, n_cells + 1), n), np.tile(np.arange(n), n_cells)
    left, top = 4 + cell, 9 + 3 * cell
    width, height = 11 + frame % 2, 16 - frame % 3
    table = {
        "fov": fov,
        "cell": cell,
        "frame": frame,
        "good": True,
        "position_x": left + width / 2,
        "position_y": top + height / 2,
        "bbox_x0": left,
        "bbox_y0": top,
        "bbox_x1": left + width,
        "bbox_y1": top + height,
        "area_ch_0": width * height,
        "intensity_total_ch_1": y.ravel(),
    }
    return pd.DataFrame(table)


def experiment(folder, n_fovs=3, *, n_cells=None, **facts):
    """An output folder as a run leaves it, as far as tables go.

    The frames of FOV f are f minutes late.
    """
    times = [tuple(60 * hours_of(fov) + fov) for fov in range(n_fovs)]
    known = {
        "path": folder / "movie.nd2",
        "format": "nd2",
        "basename": NAME,
        "identity": "abc",
        "n_frames": len(HOURS),
        "channel_names": ("Phase", "GFP"),
        "shapes": ((60, 72),) * n_fovs,
        "dtype": "uint16",
        "pixel_size_um": 0.65,
        "times_min": times,
    }
    metadata = MicroscopyMetadata(**known | facts)
    folder.mkdir(parents=True, exist_ok=True)
    write_record(folder, metadata, ProcessingConfig(channels=Channels(pc=0, fl=[1])))
    for fov in range(n_fovs):
        write_traces(folder, traces_of(fov, n_cells), fov)
    return folder


def write_traces(folder, table, fov, *, inspected=False):
    name = layout.inspected_file if inspected else layout.traces_file
    path = folder / layout.fov_dir(fov) / name(NAME, fov)
    path.parent.mkdir(exist_ok=True)
    table.to_csv(path, index=False)
    if inspected:
        digest = traces_digest(path.with_name(layout.traces_file(NAME, fov)))
        log = path.with_name(layout.inspection_log(NAME, fov))
        log.write_text(json.dumps({"traces": digest}) + "\n")
    return path
