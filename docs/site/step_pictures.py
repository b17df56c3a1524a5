"""Pictures of what each step makes of a drawn recording, for the page on how steps work."""

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np
from matplotlib import pyplot as plt
from numpy.typing import NDArray
from scipy import ndimage
from skimage.segmentation import find_boundaries

from pyama.algorithms.background_surface import HALO, estimate
from pyama.algorithms.contracts import ImageIndex
from pyama.algorithms.kernels.bits import unpack
from pyama.algorithms.kernels.local_variance import local_variance
from pyama.algorithms.kernels.morphology import dilate
from pyama.algorithms.params import BackgroundParams, LogStdParams, TrackingParams
from pyama.algorithms.segmenters.clean_up import clean_up_stages
from pyama.algorithms.segmenters.logstd import high_variance_mask, variance_threshold
from pyama.algorithms.segmenters.watershed import HALO as HALO_DEVIATIONS
from pyama.algorithms.trackers.iou import track
from pyama.config import ProcessingConfig, ProcessingParams
from pyama.runs.trial import find_cells
from pyama.testing.synthetic import SyntheticRecording

STAGES = {
    "threshold": "rough pixels",
    "closing": "gaps closed",
    "small": "specks removed",
    "holes": "holes filled",
    "opening": "thin parts removed",
    "erosion": "rim removed",
}
TILE = 100
Image = NDArray[Any]


class Example:
    """A drawn recording of spread cells, some of which touch, and its labels."""

    def __init__(self) -> None:
        self.recording = SyntheticRecording(
            n_frames=12, shape=(400, 400), n_cells=10, kind="round", width_px=64.0, seed=3
        )

    @cached_property
    def frames(self) -> list[Image]:
        """All frames, each (C, H, W)."""
        return [self.recording.frame(0, t) for t in range(self.recording.params.n_frames)]

    @property
    def phase(self) -> Image:
        """The first frame of phase contrast."""
        return self.frames[0][0]

    def labels(self, t: int = 0, **settings: Any) -> Image:
        """Return the labels that a run finds in a frame."""
        params = ProcessingParams(**{"max_object_size": None, **settings})
        config = ProcessingConfig(channels={"pc": 0}, params=params)
        return find_cells(self.frames[t][0], config, ImageIndex(0, t))

    @cached_property
    def tracked(self) -> list[Image]:
        """Labels of all frames, in which a cell keeps its number."""
        found = [
            self.labels(t, segmentation_method="watershed") for t in range(len(self.frames))
        ]
        return list(track(found, TrackingParams()))


def texture(example: Example) -> None:
    """Draw a frame, its local variation, and the histogram with the threshold."""
    variance = local_variance(example.phase, 3)
    rough = np.log(np.maximum(variance, 1 / 12)) / 2
    left, middle, right = _row(3, ("frame", "ln of the local standard deviation", "histogram"))
    left.imshow(example.phase, cmap="gray")
    middle.imshow(rough, cmap="magma")
    right.hist(rough.ravel(), 200, color="0.6")
    right.axvline(np.log(variance_threshold(variance)) / 2, color="C3", label="threshold")
    right.set(xlabel="ln(standard deviation / counts)", ylabel="pixels", xticks=range(1, 8, 2))
    right.legend()


def clean_up(example: Example) -> None:
    """Draw the mask after every stage of the clean-up."""
    stages = clean_up_stages(high_variance_mask(example.phase, 3), LogStdParams())
    masks = {STAGES[name]: unpack(mask) for name, mask in stages}
    for axis, mask in zip(_row(6, masks), masks.values(), strict=True):
        axis.imshow(mask, cmap="gray", interpolation="nearest")


def halo_cut(example: Example) -> None:
    """Draw the bright halo that lies between touching cells, and the cells cut there."""
    joined, cut = example.labels(), example.labels(segmentation_method="watershed")
    smooth = ndimage.gaussian_filter(example.phase.astype(float), 1.5)
    outside = smooth[joined == 0]
    middle = np.median(outside)
    deviation = 1.4826 * np.median(np.abs(outside - middle))
    halo = (smooth > middle + HALO_DEVIATIONS * deviation) & (joined > 0)
    titles = ("one mask (logstd)", "halo inside the mask", "cut at the halo (watershed)")
    one, two, three = _row(3, titles)
    _outlined(one, example.phase, joined)
    two.imshow(example.phase, cmap="gray")
    two.imshow(np.ma.masked_equal(halo, False), cmap="autumn", alpha=0.8)
    _outlined(three, example.phase, cut)


def background(example: Example) -> None:
    """Draw fluorescence, what counts as background, the tiles and the surface."""
    light = example.frames[-1][1]
    cells = example.tracked[-1] > 0
    surface = estimate(light, cells, BackgroundParams(tile_size=TILE)).background
    covered = dilate(cells, HALO)
    titles = ("fluorescence", "pixels that are used, tiles", "background", "difference")
    axes = _row(4, titles)
    low, high = np.percentile(light, (1, 99))
    axes[0].imshow(light, cmap="gray", vmin=low, vmax=high)
    axes[1].imshow(np.where(covered, np.nan, light), cmap="gray", vmin=low, vmax=high)
    for edge in range(0, light.shape[0] + 1, TILE):
        axes[1].axhline(edge - 0.5, color="C0", linewidth=0.6)
        axes[1].axvline(edge - 0.5, color="C0", linewidth=0.6)
    axes[2].imshow(surface, cmap="gray", vmin=low, vmax=high)
    axes[3].imshow(light - surface, cmap="RdBu_r", vmin=low - high, vmax=high - low)


def tracks(example: Example) -> None:
    """Draw cells of two frames over each other, and the paths of all cells."""
    first, second = example.tracked[:2]
    one, two, three = _row(3, ("frames 0 and 1", "overlap of boxes", "paths in 12 frames"))
    _outlined(one, example.phase, first, "autumn")
    _outlined(one, None, second, "winter")
    two.imshow(np.where(second > 0, second, np.nan), cmap="tab20", interpolation="nearest")
    for labels, colour in ((first, "C3"), (second, "C0")):
        _boxes(two, labels, colour)
    three.imshow(example.frames[-1][0], cmap="gray")
    for cell in np.unique(example.tracked[0])[1:]:
        middle = [
            ndimage.center_of_mass(labels == cell)
            for labels in example.tracked
            if (labels == cell).any()
        ]
        y, x = np.transpose(middle)
        three.plot(x, y, color="C1")
        three.plot(x[-1], y[-1], "o", color="C1", markersize=4)


def total(example: Example) -> None:
    """Draw one cell with its mask, and its total intensity over time."""
    cell = _longest(example.tracked)
    box = ndimage.find_objects(example.tracked[-1])[cell - 1]
    left, right = plt.subplots(1, 2, figsize=(7, 2.6), layout="constrained")[1]
    light = example.frames[-1][1]
    left.imshow(light[box], cmap="gray")
    left.contour(example.tracked[-1][box] == cell, [0.5], colors="C1")
    left.set(title=f"cell {cell} in its box", xticks=[], yticks=[])
    sums = []
    for frame, labels in zip(example.frames, example.tracked, strict=True):
        surface = estimate(frame[1], labels > 0, BackgroundParams()).background
        sums.append((frame[1] - surface)[labels == cell].sum())
    right.plot(np.arange(len(sums)) / 6, np.divide(sums, 1000), ".-", color="C1")
    right.set(xlabel="time (h)", ylabel="1000 counts", title="intensity_total")


def values_of(example: Example, name: str, values: Sequence[Any], **settings: Any) -> None:
    """Draw the cells that are found with several values of a parameter."""
    found = {
        f"{name}={value}".replace("None", "null"): example.labels(**settings, **{name: value})
        for value in values
    }
    for axis, labels in zip(_row(len(found), found), found.values(), strict=True):
        _outlined(axis, example.phase, labels)


def _row(n: int, titles: Sequence[str] | Mapping[str, Any]) -> list[Any]:
    """Return axes beside each other, three or four in a row, with titles."""
    columns = n if n <= 4 else 3
    rows = -(-n // columns)
    size = (9, rows * 9.6 / columns)
    _, axes = plt.subplots(rows, columns, figsize=size, layout="constrained", squeeze=False)
    for axis, title in zip(axes.flat, titles, strict=True):
        axis.set_title(title, fontsize=9)
        axis.set(xticks=[], yticks=[])
    return list(axes.flat)


def _outlined(axis: Any, frame: Image | None, labels: Image, colours: str = "autumn") -> None:
    if frame is not None:
        axis.imshow(frame, cmap="gray")
    edges = np.ma.masked_equal(find_boundaries(labels, mode="thick"), False)
    axis.imshow(edges, cmap=colours, interpolation="nearest")


def _boxes(axis: Any, labels: Image, colour: str) -> None:
    for rows, columns in filter(None, ndimage.find_objects(labels)):
        x, y = (columns.start, columns.stop), (rows.start, rows.stop)
        axis.plot(
            [x[0], x[1], x[1], x[0], x[0]],
            [y[0], y[0], y[1], y[1], y[0]],
            color=colour,
            linewidth=1,
        )


def _longest(tracked: list[Image]) -> int:
    """Return the number of a cell that is in the most frames and touches no edge."""
    last = tracked[-1]
    edge = np.concatenate([last[0], last[-1], last[:, 0], last[:, -1]])
    inside = [cell for cell in np.unique(last)[1:] if cell not in edge]
    return max(inside, key=lambda cell: sum((labels == cell).any() for labels in tracked))
