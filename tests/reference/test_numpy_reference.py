"""Everything a run leaves on disk, computed again from the recording with NumPy and SciPy."""

from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from tempfile import mkdtemp

import numpy as np
import pandas as pd
import pytest
import zarr

import numpy_reference
from pyama.config import Channels, dump_config, load_config
from pyama.metadata import MissingPlanes
from pyama.processing.workflow import process
from pyama.readers.array import ArrayReader
from small_movie import MOVIE, make_config


def drawn(n_frames, n_fl, shape, discs, *, levels=(-250, 250), noise=6, gone=()):
    """Rough discs (y, x, radius) that move to the right, (T, C, H, W).

    `gone` names frames and discs that are not there.
    """
    rng = np.random.default_rng(0)
    y, x = np.indices(shape)
    images = np.empty((n_frames, 1 + n_fl, *shape))
    for t in range(n_frames):
        inside = np.zeros(shape, bool)
        for cy, cx, radius in (d for i, d in enumerate(discs) if (t, i) not in gone):
            inside |= (y - cy) ** 2 + (x - cx - 3 * t) ** 2 < radius**2
        texture = np.where(inside, rng.uniform(*levels, shape), rng.normal(0, noise, shape))
        images[t, 0] = 2000 + texture
        for channel in range(1, 1 + n_fl):
            images[t, channel] = rng.poisson(500 + x * 0.7 + 300 * channel * inside)
    return images.round().clip(0, 65535).astype(np.uint16)


@dataclass(frozen=True)
class Case:
    """One field of view and how it is processed; `missing` is by channel."""

    images: np.ndarray
    params: dict = field(default_factory=dict)
    missing: dict = field(default_factory=dict)


DISCS = [(38, 35, 15), (40, 71, 18), (95, 50, 14), (88, 12, 13)]
ODD = {
    "logstd_window_size": 4,
    "morph_size": 6,
    "closing_size": 5,
    "closing_iterations": 2,
    "erosion_size": 2,
    "max_gap": 1,
    "min_iou": 0.3,
    "background_weight": 0.37,
    "tile_size": 40,
    "tile_overlap": 0.25,
    "border_margin": 0,
}
CASES = {
    "plain": Case(MOVIE[0]),
    "odd parameters": Case(drawn(5, 1, (121, 150), DISCS), ODD),
    "gaps": Case(drawn(5, 1, (121, 150), DISCS, gone={(2, 0), (1, 2), (2, 2)}), ODD),
    "no second mode": Case(drawn(2, 1, (330, 340), DISCS[:1], noise=40)),
    "missing planes": Case(
        drawn(6, 2, (121, 151), DISCS), ODD, {0: (0, 3), 1: (2, 5), 2: tuple(range(6))}
    ),
    "cut by the edge": Case(drawn(4, 1, (120, 99), [(5, 8, 17), (60, 88, 20)]), ODD),
    "one frame": Case(drawn(1, 1, (90, 91), DISCS[:2])),
    "no cell": Case(drawn(3, 1, (64, 70), [])),
    "no background": Case(drawn(2, 1, (40, 42), [(20, 19, 14)]), {"border_margin": 0}),
    "one giant cell of extremes": Case(
        drawn(2, 1, (150, 420), [(75, 200, 70)], levels=(-70_000, 70_000)),
        {"max_object_size": None, "border_margin": 0},
    ),
    "without texture": Case(np.full((2, 2, 40, 50), 65535, np.uint16)),
}


class Run:
    """A case, processed, and what is on disk of it."""

    def __init__(self, case):
        self.images = case.images.copy()
        for channel, frames in case.missing.items():
            self.images[list(frames), channel] = 0
        self.missing = {c: case.missing.get(c, ()) for c in range(self.images.shape[1])}
        self.fl = list(range(1, self.images.shape[1]))
        self.config = make_config(Channels(pc=0, fl=self.fl), **case.params)
        self.params = self.config.params
        self.folder = Path(mkdtemp(prefix="pyama_spelled_out_"))
        reader = ArrayReader(self.images[None], basename="movie")
        planes = [
            MissingPlanes(fov=0, channel=c, frames=f) for c, f in self.missing.items() if f
        ]
        reader.metadata = reader.metadata.replace(missing=tuple(planes))
        assert process(reader, self.config, self.folder).succeeded
        self.stacks = zarr.open_group(self.folder / "fov_000/images.zarr", mode="r")
        self.cells = zarr.open_group(self.folder / "fov_000/cells.zarr", mode="r")

    def stack(self, group, level="0"):
        return self.stacks[f"{group}/{level}"][:]

    def recorded(self, channel):
        """Frames in which the channel was written, as a mask."""
        return np.isin(np.arange(len(self.images)), self.missing[channel], invert=True)


run_of = cache(lambda name: Run(CASES[name]))


@pytest.fixture(params=CASES)
def run(request):
    return run_of(request.param)


def assert_same_grey(found, expected):
    """Equal but for the last bit of what lies exactly between two grey levels."""
    assert found.dtype == np.uint8
    assert np.abs(found - expected).max(initial=0) <= 1


def test_frames_are_copied_as_they_are(run):
    np.testing.assert_array_equal(run.stack("pc_ch_0"), run.images[:, 0])
    for c in run.fl:
        np.testing.assert_array_equal(run.stack(f"fl_ch_{c}"), run.images[:, c])


def test_cells_are_found_as_spelled_out(run):
    for t, found in enumerate(run.stack("seg_labeled_ch_0")):
        expected = np.zeros_like(found)
        if t not in run.missing[0]:
            expected = numpy_reference.labels(run.images[t, 0], run.params)
        # The threshold comes from a finer histogram: a pixel of the edge may change sides.
        assert found.max() == expected.max()
        assert np.count_nonzero(found != expected) <= 0.002 * np.count_nonzero(expected)


def test_cells_are_tracked_as_spelled_out(run):
    labels, found = run.stack("seg_labeled_ch_0"), run.stack("seg_tracked_ch_0")
    seen = run.recorded(0)
    expected = numpy_reference.tracked(labels[seen], run.params)
    np.testing.assert_array_equal(found[seen], expected)
    assert not found[~seen].any()


def test_backgrounds_are_as_spelled_out(run):
    labels = run.stack("seg_labeled_ch_0")
    for c in run.fl:
        stack = run.stack(f"fl_background_ch_{c}")
        assert not (stack * 16 % 1).any()
        for t, found in enumerate(stack):
            expected = np.zeros(found.shape)
            if t not in run.missing[c]:
                expected = numpy_reference.background(
                    run.images[t, c], labels[t] > 0, run.params
                )
            assert np.abs(found - expected).max() <= 1 / 16


def test_cells_are_cut_out_as_spelled_out(run):
    tracked = run.stack("seg_tracked_ch_0")
    ids = [i for i in np.unique(tracked) if i]
    cell_list = {name: array[:] for name, array in run.cells["metadata"].arrays()}
    assert cell_list["cell_ids"].tolist() == ids
    raw = ["pc_ch_0", *(f"{kind}_ch_{c}" for c in run.fl for kind in ("fl", "fl_background"))]
    sources = {group: run.stack(group) / np.float32(65536) for group in raw}
    for row, i in enumerate(ids):
        valid = (tracked == i).any(axis=(1, 2))
        assert cell_list["valid_frames"][row].tolist() == valid.tolist()
        boxes = np.zeros((len(tracked), 4), int)
        for t in np.flatnonzero(valid):
            boxes[t] = numpy_reference.box(tracked[t] == i)
        assert cell_list["bboxes"][row].tolist() == boxes.tolist()
        size = (boxes[:, 2:] - boxes[:, :2]).max(axis=0)
        for group, source in {**sources, "seg_tracked_ch_0": tracked == i}.items():
            expected = np.zeros((len(tracked), *size), np.float32)
            for t, (y0, x0, y1, x1) in enumerate(boxes):
                expected[t, : y1 - y0, : x1 - x0] = source[t, y0:y1, x0:x1]
            np.testing.assert_array_equal(run.cells[f"{group}/{i}/0"][:], expected)


def test_previews_are_as_spelled_out(run):
    for group in ("seg_labeled_ch_0", "seg_tracked_ch_0"):
        expected = numpy_reference.preview_of_labels(run.stack(group))
        np.testing.assert_array_equal(run.stack(group, "1"), expected)
    groups = {"pc_ch_0": 0} | {
        f"{kind}_ch_{c}": c for c in run.fl for kind in ("fl", "fl_background")
    }
    for group, channel in groups.items():
        expected = numpy_reference.preview(run.stack(group), run.recorded(channel))
        assert_same_grey(run.stack(group, "1"), expected)


def test_previews_of_cells_are_as_spelled_out(run):
    boxes = run.cells["metadata/bboxes"][:]
    for group, crops in run.cells.groups():
        if group == "metadata":
            continue
        for box, (cell, crop) in zip(boxes, sorted_cells(crops), strict=True):
            stack, found = crop["0"][:], crop["1"][:]
            if group == "seg_tracked_ch_0":
                expected = numpy_reference.preview_of_labels(stack)
            else:
                expected = numpy_reference.preview(stack, inside(run, box, stack.shape, group))
            assert_same_grey(found, expected)
            assert cell


def sorted_cells(crops):
    return sorted(crops.groups(), key=lambda entry: int(entry[0]))


def inside(run, boxes, shape, group):
    """Pixels of a crop that lie in its boxes and were recorded."""
    valid = np.zeros(shape, bool)
    for t, (y0, x0, y1, x1) in enumerate(boxes):
        valid[t, : y1 - y0, : x1 - x0] = run.recorded(int(group.rpartition("_")[2]))[t]
    return valid


def stays(run, tracked, cell):
    """Whether neither filter removes a cell."""
    valid, margin = (tracked == cell).any(axis=(1, 2)), run.params.border_margin
    if valid.sum() < min(run.params.min_frames, run.recorded(0).sum()):
        return False
    edge = np.ones(tracked.shape[1:], bool)
    edge[margin : edge.shape[0] - margin, margin : edge.shape[1] - margin] = False
    return not (edge & (tracked == cell)).any()


def test_traces_are_as_spelled_out(run):
    table = pd.read_csv(run.folder / "fov_000/movie_fov_000_traces.csv")
    tracked = run.stack("seg_tracked_ch_0")
    cells = [i for i in np.unique(tracked) if i and stays(run, tracked, i)]
    rows = [(i, t) for i in cells for t in np.flatnonzero((tracked == i).any(axis=(1, 2)))]
    assert list(zip(table["cell"], table["frame"], strict=True)) == rows
    assert table["good"].all()
    for row, (cell, t) in zip(table.itertuples(), rows, strict=True):
        mask = tracked[t] == cell
        y0, x0, y1, x1 = numpy_reference.box(mask)
        assert (row.bbox_y0, row.bbox_x0, row.bbox_y1, row.bbox_x1) == (y0, x0, y1, x1)
        assert (row.position_x, row.position_y) == ((x0 + x1) / 2, (y0 + y1) / 2)
        assert row.area_ch_0 == mask.sum()
        for c in run.fl:
            level = run.stack(f"fl_background_ch_{c}")[t][mask].astype(float)
            total = (run.images[t, c][mask] - run.params.background_weight * level).sum()
            if t in run.missing[c]:
                total = np.nan
            found = [getattr(row, f"intensity_{kind}_ch_{c}") for kind in ("total", "mean")]
            assert found == pytest.approx([total, total / mask.sum()], rel=1e-9, nan_ok=True)


def test_the_configuration_of_a_run_is_one_for_the_next(run):
    written = load_config(run.folder / "processing_config.yaml")
    assert dump_config(written) == dump_config(run.config)


def test_the_cases_are_what_they_are_called():
    found = {name: run_of(name).stack("seg_tracked_ch_0") for name in CASES}
    assert found["plain"].max() >= 4
    assert found["odd parameters"].max() >= 3
    assert found["gaps"].max() == found["odd parameters"].max() + 1
    assert found["no second mode"].max() == 1
    assert found["one giant cell of extremes"].max() == 1
    assert np.count_nonzero(found["one giant cell of extremes"][0]) > 10_000
    assert not found["no cell"].any()
    assert not found["without texture"].any()
    assert found["no background"].max() == 1
    assert np.unique(run_of("no background").stack("fl_background_ch_1")[0]).size == 1
