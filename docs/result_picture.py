"""Draws `docs/images/result.png`, the picture of the README.

python docs/result_picture.py
"""

import tempfile
from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib import pyplot as plt
from skimage.segmentation import find_boundaries

import pyama
from pyama.testing.synthetic import SyntheticRecording

FRAME = 40


def main() -> None:
    """Process a synthetic recording and draw one frame and all traces."""
    mpl.use("Agg")
    with tempfile.TemporaryDirectory() as folder:
        file = SyntheticRecording(
            n_frames=72,
            shape=(512, 512),
            n_cells=18,
            touching_fraction=0,
            turnover_rate=0,
            division_rate=0,
            seed=11,
        ).write(Path(folder) / "recording.nd2", format="nd2")
        config = pyama.ProcessingConfig(
            channels=pyama.Channels(pc=0, fl=[1]),
            params=pyama.ProcessingParams(border_margin=5),
        )
        pyama.process(file, config, Path(folder) / "results")
        fov = pyama.FovStore(Path(folder) / "results", 0)
        phase = fov.stack("pc_ch_0")[FRAME].astype(float)
        cells = fov.stack("seg_tracked_ch_0")[FRAME]
        glow = fov.stack("fl_ch_1")[FRAME].astype(float)
        traces = pyama.load_traces(next(fov.path.glob("*_traces.csv")))
    draw(phase, cells, glow, traces).savefig(
        Path(__file__).parent / "images" / "result.png", dpi=90
    )


def draw(phase: np.ndarray, cells: np.ndarray, glow: np.ndarray, traces: object) -> plt.Figure:
    """Return the picture: outlined cells, fluorescence, traces in the same colours."""
    numbers = sorted(traces["cell"].unique())
    colours = {
        cell: mpl.colormaps["turbo"](i / len(numbers)) for i, cell in enumerate(numbers)
    }
    figure, (left, middle, right) = plt.subplots(
        1, 3, figsize=(12, 4), width_ratios=[1, 1, 1.25], layout="constrained"
    )
    picture = np.dstack([np.clip((phase - phase.min()) / np.ptp(phase), 0, 1)] * 3)
    edges = find_boundaries(cells, mode="thick")
    for cell in np.unique(cells[edges]):
        colour = colours.get(cell, (0.6, 0.6, 0.6, 1))
        picture[edges & (cells == cell)] = colour[:3]
    left.imshow(picture)
    left.set_title("phase contrast and cells")
    middle.imshow(glow, cmap="gray", vmin=glow.min(), vmax=np.percentile(glow, 99.8))
    middle.set_title("fluorescence")
    for axes in (left, middle):
        axes.set_axis_off()
    for cell, trace in traces.groupby("cell"):
        right.plot(
            trace["time"], trace["intensity_total_ch_1"] / 1e3, color=colours[cell], lw=1.2
        )
    right.set_title("traces")
    right.set_xlabel("time (h)")
    right.set_ylabel("total intensity (1000 counts)")
    right.spines[["top", "right"]].set_visible(False)
    return figure


if __name__ == "__main__":
    main()
