"""Recordings with faults: each has an outcome that is defined, and said."""

import numpy as np
import pandas as pd
import pytest

from pyama.algorithms.trackers.iou import track
from pyama.config import Channels
from pyama.errors import ConfigError, ReaderError
from pyama.metadata import MissingPlanes
from pyama.processing.methods import SEGMENTERS, TRACKERS
from pyama.processing.workflow import process
from pyama.processing.workflow.run import (
    CopyingService,
    SegmentationService,
    TrackingService,
)
from pyama.readers.array import ArrayReader
from pyama.runs.summary import summary
from pyama.store import FovStore
from pyama.testing.nd2_writer import write_nd2
from pyama.traces.trace_reading import load_traces
from small_movie import CENTRES, MOVIE, make_config, recording_of

N = len(CENTRES)


def only(images):
    """One field of view of three frames."""
    return images[:1, :3].copy()


def traces(folder, fov=0):
    return pd.read_csv(next((folder / f"fov_{fov:03d}").glob("*_traces.csv")))


EMPTY = {
    "constant": lambda images: np.full_like(images, 700),
    "saturated": lambda images: np.full_like(images, 65535),
    "zeros": lambda images: np.zeros_like(images),
    "noise only": lambda images: np.random.default_rng(3).poisson(900, images.shape),
    "one pixel wide": lambda images: images[..., :1],
    "one pixel high": lambda images: images[..., :1, :],
    "one pixel": lambda images: images[..., :1, :1],
}


@pytest.mark.parametrize("name", EMPTY)
def test_a_recording_without_cells_gives_a_header_and_finite_stacks(tmp_path, name):
    images = EMPTY[name](only(MOVIE)).astype(np.uint16)
    report = process(recording_of(images), make_config(border_margin=0), tmp_path)
    assert report.succeeded, [str(failure) for failure in report.failures]
    assert len(traces(tmp_path)) == 0
    store = FovStore(tmp_path, 0)
    assert store.stack("seg_tracked_ch_0")[0].max() == 0
    level = store.stack("fl_background_ch_1")[0]
    assert np.isfinite(level).all()
    assert int(images[0, 0, 1].min()) - 1 <= level.min()
    assert level.max() <= int(images[0, 0, 1].max()) + 1


def test_one_frame_is_enough(tmp_path):
    report = process(recording_of(MOVIE[:1, :1], times=[0.0]), make_config(), tmp_path)
    assert report.succeeded
    table = traces(tmp_path)
    assert len(table) == N
    assert set(table["frame"]) == {0}
    assert "There is only one frame: nothing can be tracked." in report.metadata.problems


def test_a_frame_of_zeros_has_no_cells_and_tracking_ends_there(tmp_path):
    images = only(MOVIE)
    images[..., 0, 0] = 0  # a dark pixel in a corner is no black frame
    images[0, 1] = 0
    config = make_config(min_frames=1, zero_planes="keep")
    report = process(recording_of(images), config, tmp_path)
    assert report.succeeded
    said = [text for text in summary(report, config, 1)["warnings"] if "every pixel" in text]
    assert said == [
        f"FOV 0: in {name}, every pixel is 0 in frame 1, as if nothing had been recorded. "
        "They are processed as they are."
        for name in report.metadata.channel_names
    ]
    table = traces(tmp_path)
    assert set(table["frame"]) == {0, 2}
    assert table["cell"].nunique() == 2 * N, "no id is used again"


def test_a_frame_of_zeros_can_be_bridged(tmp_path):
    images = only(MOVIE)
    images[0, 1] = 0
    config = make_config(min_frames=1, max_gap=1, zero_planes="keep")
    process(recording_of(images), config, tmp_path)
    assert traces(tmp_path)["cell"].nunique() == N


def test_an_aborted_recording_is_processed_as_far_as_it_goes(tmp_path):
    path = tmp_path / "aborted.nd2"
    missing = [(p, t, 0) for t in (4, 5) for p in (0, 1)] + [(1, 3, 0)]
    write_nd2(path, MOVIE[:2, :, None], channel_names=["Phase", "GFP"], missing=missing)
    report = process(path, make_config(min_frames=1), tmp_path / "out")
    assert report.succeeded
    assert traces(tmp_path / "out", 0)["frame"].max() == 3
    assert traces(tmp_path / "out", 1)["frame"].max() == 2
    named = {(entry.fov, entry.channel): entry.frames for entry in report.metadata.missing}
    assert named[1, 0] == (3, 4, 5)
    assert any("never written" in problem for problem in report.metadata.problems)


class Reshaped:
    """A recording that says other things of itself."""

    def __init__(self, reader, **facts):
        self.reader, self.metadata = reader, reader.metadata.replace(**facts)

    def read(self, fov, frame, channels):
        return self.reader.read(fov, frame, channels)


def test_a_missing_fluorescence_frame_is_empty_in_its_columns_only(tmp_path):
    missing = (MissingPlanes(fov=0, channel=1, frames=(1,)),)
    recording = Reshaped(recording_of(only(MOVIE)), missing=missing)
    report = process(recording, make_config(), tmp_path)
    assert report.succeeded
    assert not any("black_frames" in str(entry.notes) for entry in report.steps)
    table = traces(tmp_path)
    gone = table["frame"] == 1
    assert table.loc[gone, "intensity_mean_ch_1"].isna().all()
    assert table.loc[~gone, "intensity_mean_ch_1"].notna().all()
    assert table["area_ch_0"].notna().all()


STAMPS = {
    "repeated": [0.0, 10.0, 10.0],
    "reversed": [20.0, 10.0, 0.0],
    "NaN": [0.0, float("nan"), 20.0],
    "infinite": [0.0, float("inf"), 20.0],
}


@pytest.mark.parametrize("name", STAMPS)
def test_time_stamps_that_cannot_be_right_are_not_used(tmp_path, name):
    recording = recording_of(only(MOVIE), times=STAMPS[name])
    report = process(recording, make_config(), tmp_path)
    assert report.succeeded
    assert report.time_source == "default, 10 min per frame"
    assert any("Time stamps" in problem for problem in report.metadata.problems)
    table = load_traces(next(tmp_path.rglob("*_traces.csv")))
    assert sorted(table["time"].unique()) == [0, 10 / 60, 20 / 60]


def test_time_stamps_that_go_back_between_positions_only_are_used(tmp_path):
    times = [[0.0, 10.0, 20.0], [0.5, 10.5, 20.5]]
    report = process(recording_of(MOVIE[:2, :3], times=times), make_config(), tmp_path)
    assert report.time_source == "time stamps of the file"


def test_fields_of_view_of_different_sizes_are_all_processed(tmp_path):
    parts = [MOVIE[0, :3], MOVIE[1, :3, :, :120, :90], MOVIE[2, :3, :, :1, :1]]
    recording = ArrayReader(parts, ["Phase", "GFP"], basename="movie", times=[0, 10, 20])
    report = process(recording, make_config(), tmp_path)
    assert report.succeeded, [str(failure) for failure in report.failures]
    for fov, part in enumerate(parts):
        store = FovStore(tmp_path, fov)
        assert store.stack("pc_ch_0").shape == (3, *part.shape[2:])
        np.testing.assert_array_equal(store.stack("fl_ch_1")[2], part[2, 1])
    assert len(traces(tmp_path, 0)) == 3 * N
    assert 0 < len(traces(tmp_path, 1)) < 3 * N
    assert len(traces(tmp_path, 2)) == 0


WRONG = {
    "float": (np.zeros((1, 2, 2, 8, 8), np.float32), "array .* of float32"),
    "signed": (np.zeros((1, 2, 2, 8, 8), np.int16), "array .* of int16"),
    "wide": (np.zeros((1, 2, 2, 8, 8), np.uint32), "array .* of uint32"),
    "empty": (np.zeros((1, 0, 2, 8, 8), np.uint16), "array"),
    "colour": (np.zeros((1, 2, 2, 8, 8, 3), np.uint16), "array"),
}


@pytest.mark.parametrize("name", WRONG)
def test_pixels_of_another_kind_are_refused(name):
    images, message = WRONG[name]
    with pytest.raises(ReaderError, match=message):
        recording_of(images, times=None)


def test_a_channel_that_is_not_there_is_refused_before_any_work(tmp_path):
    with pytest.raises(ConfigError, match="Channel 1 does not exist"):
        process(ArrayReader(MOVIE[:1, :2, :1]), make_config(), tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.fixture
def methods():
    before = dict(SEGMENTERS), dict(TRACKERS)
    yield
    SEGMENTERS.data, TRACKERS.data = before


@pytest.mark.usefixtures("methods")
def test_numbers_beyond_uint16_stay_what_they_are(tmp_path):
    def spread(frames, params):
        for t, labels in enumerate(track(frames, params)):
            yield labels.astype(np.uint32) * (1 if t == 0 else 17_500)

    TRACKERS["spread"] = spread
    config = make_config(tracking_method="spread", min_frames=1)
    report = process(recording_of(only(MOVIE)), config, tmp_path)
    assert report.succeeded, [str(failure) for failure in report.failures]
    said = summary(report, config, seconds=1)["warnings"]
    assert (
        "FOV 0: seg_tracked_ch_0 has numbers of cells above 65535, so that it is written as "
        "uint32." in said
    )
    stack = FovStore(tmp_path, 0).stack("seg_tracked_ch_0")
    assert stack.dtype == np.uint32
    assert set(np.unique(stack[0])) == {0, 1, 2, 3, 4}
    assert set(np.unique(stack[2])) == {0, 17_500, 35_000, 52_500, 70_000}
    table = traces(tmp_path)
    assert set(table["cell"]) == {1, 2, 3, 4, 17_500, 35_000, 52_500, 70_000}
    assert (table.loc[table["cell"] == 70_000, "area_ch_0"] > 0).all()
    assert FovStore(tmp_path, 0).stack("seg_tracked_ch_0", "1")[2].max() == 255


@pytest.mark.usefixtures("methods")
def test_70_000_tracks_are_numbered_without_wrapping(tmp_path):
    side, n_frames = 40, 180
    grid = np.zeros((2, side, side), np.uint16)
    for phase in (0, 1):  # cells that are elsewhere in every frame are new every time
        grid[phase, phase::2, ::2] = np.arange(1, 401).reshape(20, 20)

    def elsewhere(frame, params, place=None):
        return grid[place.frame % 2]

    SEGMENTERS["grid"] = elsewhere
    config = make_config(
        Channels(pc=[0, []]), segmentation_method="grid", min_object_size=0, max_gap=0
    )
    recording = ArrayReader(np.ones((1, n_frames, 1, side, side), np.uint16), basename="m")
    copying = CopyingService(reader=lambda: recording)
    for service in (copying, SegmentationService(), TrackingService()):
        (entry,) = service.process_all_fovs(recording.metadata, config, tmp_path, 0, 0)
        assert entry.status == "done", entry.message
    stack = FovStore(tmp_path, 0).stack("seg_tracked_ch_0")
    assert stack.dtype == np.uint32
    seen = np.unique(np.concatenate([np.unique(frame) for frame in stack]))
    assert seen.tolist() == list(range(n_frames * 400 + 1))
