"""A stage that drifts: the same tracks as on a stage at rest, and what a run makes of it."""

import numpy as np
import pandas as pd
import pytest

from pyama import layout
from pyama.analysis.growth import growth_and_motion
from pyama.config import Channels
from pyama.metadata import MissingPlanes
from pyama.processing.recipes import FovContexts
from pyama.processing.verify import verify
from pyama.processing.workflow import process
from pyama.processing.workflow.planned_steps import plan_fov
from pyama.readers.array import ArrayReader
from pyama.store import FovStore
from pyama.testing.synthetic import SyntheticRecording
from pyama.traces.shifts_table import load_shifts
from pyama.traces.trace_reading import load_traces
from small_movie import StopAfter, contents, make_config

N, SHAPE = 8, (400, 400)
TRACKERS = ("iou", "mask_iou", "kalman")
LEAVES = ("shifts", "/drift/")
ON = {"registration": "phase_correlation"}


def random_walk(seed):
    """40 px per frame, each time in another direction."""
    angle = np.random.default_rng(seed).uniform(0, 2 * np.pi, N - 1)
    steps = np.rint(40 * np.stack([np.sin(angle), np.cos(angle)], axis=1))
    return np.vstack([np.zeros((1, 2)), np.cumsum(steps, axis=0)])


PATHS = {
    "random": random_walk(2),
    "steady": np.arange(N)[:, None] * np.array([-24.0, 32.0]),
}


def draw(stage, world_px, **options):
    return SyntheticRecording(
        **{"shape": SHAPE, "n_frames": N, "n_cells": 9, "n_fl": 0, "seed": 6, "n_debris": 60}
        | {"touching_fraction": 0.0, "turnover_rate": 0.0, "division_rate": 0.02}
        | options,
        world_px=world_px,
        stage_px=[tuple(place) for place in stage.tolist()],
    )


def reader(recording, **facts):
    frames = [recording.frame(0, t)[:1] for t in range(recording.params.n_frames)]
    times = np.arange(len(frames)) * 60.0
    return ArrayReader([np.stack(frames)], ["Phase"], basename="movie", times=times, **facts)


def run(recording, folder, *, cancel_event=None, **params):
    settings = {"min_frames": 1, "border_margin": 0} | params
    report = process(
        recording, make_config(Channels(pc=0), **settings), folder, cancel_event=cancel_event
    )
    assert cancel_event or report.succeeded, report.failures
    return report


def numbers(folder, recording):
    """Number of every body in every frame where most of it was found, by body and frame."""
    tracked = FovStore(folder, 0).stack(layout.tracked(0))
    ids = recording.ids(0)
    found = {}
    for t, labels in enumerate(tracked):
        true = recording.labels(0, t)
        for body in np.flatnonzero(ids):
            inside = labels[true == ids[body]]
            values, counts = np.unique(inside[inside > 0], return_counts=True)
            if len(values) and counts.max() > inside.size / 2:
                found[int(body), t] = int(values[counts.argmax()])
    return found


def in_view(recording):
    """Bodies and frames from the first to the last one of those that never touch the edge."""
    ids, truth = recording.ids(0), recording.truth(0)
    rows = {int(ids[body]) - 1: int(body) for body in np.flatnonzero(ids)}
    stays = truth.present & ~truth.at_border
    found = set()
    for row, body in rows.items():
        frames = np.flatnonzero(stays[row])
        if len(frames) > 1 and len(frames) == np.ptp(frames) + 1:
            found |= {(body, int(t)) for t in frames}
    return found


def partition(found, keys):
    """Numbers in the order of `keys`, each as the place where it is met first, or None."""
    listed = [found.get(key) for key in keys]
    return [None if number is None else listed.index(number) for number in listed]


@pytest.fixture(scope="module", params=PATHS)
def pair(request, tmp_path_factory):
    """A movie on a stage at rest and on one that drifts, and folders with their results."""
    path = PATHS[request.param]
    world_px = int(np.abs(path).max())
    movies = draw(np.zeros((N, 2)), world_px), draw(path, world_px)
    folder = tmp_path_factory.mktemp(request.param)
    return movies, [reader(movie) for movie in movies], folder, path


@pytest.mark.parametrize("tracker", TRACKERS)
def test_cells_in_view_have_the_tracks_that_they_have_without_drift(pair, tracker):
    (still, moving), (at_rest, drifting), folder, _ = pair
    run(at_rest, folder / "still", tracking_method=tracker)
    run(drifting, folder / "moving", tracking_method=tracker, **ON)
    keys = sorted(in_view(still) & in_view(moving))
    assert len({body for body, _ in keys}) >= 5
    expected = partition(numbers(folder / "still", still), keys)
    assert expected.count(None) == 0
    assert partition(numbers(folder / "moving", moving), keys) == expected
    if tracker != "kalman":  # which follows a steady drift by itself
        run(drifting, folder / "moving", tracking_method=tracker)
        assert partition(numbers(folder / "moving", moving), keys) != expected


def test_the_table_and_the_traces_tell_where_the_stage_was(pair):
    _, (_, drifting), folder, path = pair
    run(drifting, folder / "moving", **ON)
    store = FovStore(folder / "moving", 0)
    table = pd.read_csv(store.path / layout.shifts_file("movie", 0))
    assert list(table) == ["frame", "shift_y", "shift_x", "drift_y", "drift_x"]
    # What a few cells do together cannot be told from what the stage does.
    np.testing.assert_allclose(load_shifts(store.shifts()), path, atol=8)
    steps = table[["shift_y", "shift_x"]][1:]
    np.testing.assert_allclose(steps, np.diff(path, axis=0), atol=3)
    np.testing.assert_allclose(table["shift_x"].cumsum(), table["drift_x"], atol=1e-6)
    stored = table[["drift_y", "drift_x"]].to_numpy(np.float32)
    np.testing.assert_array_equal(store.cells().cell_list.drift, stored)
    traces = load_traces(next(store.path.glob("*_traces.csv")))
    drift = table.loc[traces["frame"], ["drift_x", "drift_y"]].reset_index(drop=True)
    pd.testing.assert_frame_equal(traces[["drift_x", "drift_y"]], drift)
    motion = growth_and_motion(traces)
    far = motion["n_points"] > 3
    assert far.any()
    assert motion.loc[far, "speed"].median() < 6
    seen = growth_and_motion(traces.drop(columns=["drift_x", "drift_y"]))
    assert seen.loc[far, "speed"].min() > 25
    assert verify(folder / "moving").is_intact


@pytest.fixture(scope="module")
def small():
    """A movie that takes a second to process, with a stage that drifts."""
    stage = np.array([(0, 0), (6, -9), (-14, 20), (-30, 11)], float)
    return reader(draw(stage, 30, shape=(200, 200), n_frames=4, n_cells=4))


def test_switching_it_on_redoes_tracking_but_not_segmentation(small, tmp_path):
    def why(**params):
        config = make_config(Channels(pc=0), min_frames=1, border_margin=0, **params)
        plan = plan_fov(FovContexts(small.metadata, config, tmp_path), 0)
        return {name: list(why) for s in plan for name, why in s.outputs.items() if why}

    run(small, tmp_path)
    labels = tmp_path / "fov_000" / "images.zarr" / layout.labeled(0) / "0"
    before = {path: path.stat().st_mtime_ns for path in labels.rglob("*")}
    assert why(**ON) == {
        "shifts": ["not done yet"],
        "seg_tracked_ch_0/0": ["shifts changes"],
        "cells/0": ["seg_tracked_ch_0/0 changes", "shifts changes"],
        "traces": ["cells/0 changes"],
        "seg_tracked_ch_0/1": ["seg_tracked_ch_0/0 changes"],
        "cells/1": ["cells/0 changes"],
    }
    run(small, tmp_path, **ON)
    assert {path: path.stat().st_mtime_ns for path in labels.rglob("*")} == before
    assert why(**ON) == {}
    table = next(tmp_path.rglob("*_shifts.csv"))
    table.write_text(table.read_text().replace(",0.0", ",0.5", 1))
    assert [damage.output for damage in verify(tmp_path).damages] == ["shifts"]
    assert list(why(**ON)) == ["shifts"]
    run(small, tmp_path, **ON)
    assert verify(tmp_path).is_intact


def test_without_it_nothing_of_it_is_there(small, tmp_path):
    run(small, tmp_path / "never")
    run(small, tmp_path / "back", **ON)
    assert any("shifts" in path for path in contents(tmp_path / "back"))
    run(small, tmp_path / "back")
    assert contents(tmp_path / "back") == contents(tmp_path / "never")
    assert not any(part in path for path in contents(tmp_path / "never") for part in LEAVES)


@pytest.mark.parametrize("looks", [6, 9, 12, 18])
def test_a_run_that_was_stopped_ends_with_the_same_bytes(small, tmp_path, looks):
    run(small, tmp_path / "whole", **ON)
    run(small, tmp_path / "stopped", cancel_event=StopAfter(looks), **ON)
    run(small, tmp_path / "stopped", **ON)
    assert contents(tmp_path / "stopped") == contents(tmp_path / "whole")


class Aborted:
    """The same recording, in which one phase contrast frame was never written."""

    def __init__(self, recording, frame):
        self.recording, self.frame = recording, frame
        missing = (MissingPlanes(fov=0, channel=0, frames=(frame,)),)
        self.metadata = recording.metadata.replace(missing=missing)

    def read(self, fov, frame, channels):
        images = self.recording.read(fov, frame, channels)
        return [0 * image for image in images] if frame == self.frame else images


def test_a_missing_frame_is_passed_over(small, tmp_path):
    run(small, tmp_path / "whole", **ON)
    run(Aborted(small, 2), tmp_path / "aborted", **ON)
    whole, aborted = (
        load_shifts(FovStore(tmp_path / name, 0).shifts()) for name in ("whole", "aborted")
    )
    np.testing.assert_array_equal(aborted[2], aborted[1])
    np.testing.assert_allclose(aborted[[0, 1, 3]], whole[[0, 1, 3]], atol=1)
    assert FovStore(tmp_path / "aborted", 0).mark("shifts").notes == {
        "frames_not_registered": []
    }
    cells = FovStore(tmp_path / "aborted", 0).cells().cell_list
    assert (cells.valid_frames[:, [1, 3]].all(axis=1)).any()


def test_frames_that_show_nothing_are_named(small, tmp_path, caplog):
    frames = np.full((3, 1, 100, 100), 700, np.uint16)
    frames[0] += np.random.default_rng(0).integers(0, 99, (100, 100)).astype(np.uint16)
    run(ArrayReader([frames], ["Phase"], basename="movie"), tmp_path, **ON)
    store = FovStore(tmp_path, 0)
    assert store.mark("shifts").notes == {"frames_not_registered": [1, 2]}
    assert not load_shifts(store.shifts()).any()
    assert "FOV 0: frame 1-2 is not similar to the frames before" in caplog.text
    assert "drift_x,drift_y" in next(store.path.glob("*_traces.csv")).read_text()


def test_a_single_frame_has_a_table_of_one_line(small, tmp_path):
    frame = np.stack(small.read(0, 0, [0]))[np.newaxis]
    run(ArrayReader([frame], ["Phase"], basename="movie"), tmp_path, **ON)
    table = FovStore(tmp_path, 0).shifts().read_text()
    assert table == "frame,shift_y,shift_x,drift_y,drift_x\n0,0.0,0.0,0.0,0.0\n"


def test_without_phase_contrast_nothing_is_registered(small, tmp_path):
    config = make_config(Channels(fl=[0]), **ON)
    assert process(small, config, tmp_path).succeeded
    assert not any("shifts" in path for path in contents(tmp_path))
