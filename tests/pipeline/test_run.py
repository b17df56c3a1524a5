"""Whole runs: what they leave behind, however they went."""

import contextlib
import json
import signal
import sys
import threading

import numpy as np
import pandas as pd
import pytest

from pyama.algorithms.features import FLUORESCENCE_FEATURES
from pyama.config import Channels
from pyama.errors import ConfigError, LockedError, ReaderError
from pyama.processing import record
from pyama.processing.recipes import recipes
from pyama.processing.step_reports import Status
from pyama.processing.workflow import process, run_workflow
from pyama.readers import open_reader
from pyama.store import CORRECTED, FovStore, lock_fovs, read_run
from pyama.testing.nd2_writer import write_nd2
from small_movie import (
    BACKGROUND,
    CENTRES,
    MOVIE,
    N_FOVS,
    N_FRAMES,
    SIGNAL,
    StopAfter,
    centres,
    contents,
    interruptible,
    make_config,
    n_cells,
    recording_of,
    times_of,
)


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    folder = tmp_path_factory.mktemp("finished")
    assert run_workflow(recording_of(MOVIE), make_config(), folder)
    return folder


def statuses(report, fov=0):
    return {entry.step: entry.status for entry in report.steps if entry.fov == fov}


def test_every_cell_gets_a_trace_with_the_right_numbers(finished):
    for fov in range(N_FOVS):
        table = pd.read_csv(finished / f"fov_{fov:03d}" / f"movie_fov_{fov:03d}_traces.csv")
        assert len(table) == n_cells(fov) * N_FRAMES
        assert sorted(table["cell"].unique()) == list(range(1, n_cells(fov) + 1))
        assert table["good"].all()
        first = table[table["frame"] == 0].sort_values(["position_y", "position_x"])
        expected = sorted((y + 0.5, x + 0.5) for y, x in centres(fov))
        found = first[["position_y", "position_x"]].to_numpy()
        np.testing.assert_allclose(np.sort(found, axis=0), np.sort(expected, axis=0), atol=2)
        moved = table.groupby("cell")["position_x"].agg(lambda x: x.iloc[-1] - x.iloc[0])
        np.testing.assert_allclose(moved, 2 * (N_FRAMES - 1), atol=3)
        np.testing.assert_allclose(table["intensity_mean_ch_1"], SIGNAL, rtol=0.15)


def test_counts_are_written_as_whole_numbers(tmp_path):
    counts = ["area", "neighbours"]
    channels = Channels(pc=(0, counts), fl=[(1, ["particle_num"])])
    process(recording_of(MOVIE[:1, :2]), make_config(channels), tmp_path)
    table = pd.read_csv(tmp_path / "fov_000" / "movie_fov_000_traces.csv")
    assert table.columns[10:].tolist() == ["area_ch_0", "neighbours_ch_0", "particle_num_ch_1"]
    assert set(table.dtypes[10:].astype(str)) == {"int64"}


def test_a_feature_is_told_the_place_and_the_time_of_every_frame(tmp_path, monkeypatch):
    seen = {}

    def told(image, mask, context):
        seen[context.fov, context.cell, context.frame] = context.time_min
        return image.shape[0]

    monkeypatch.setitem(FLUORESCENCE_FEATURES.data, "told", told)
    config = make_config(Channels(pc=0, fl=[(1, ["told"])]))
    assert process(recording_of(MOVIE), config, tmp_path).succeeded
    times = times_of(N_FOVS, N_FRAMES)
    assert seen == {
        (fov, cell, frame): times[fov, frame]
        for fov in range(N_FOVS)
        for cell in range(1, n_cells(fov) + 1)
        for frame in range(N_FRAMES)
    }


def test_dropped_objects_are_counted_in_all_frames(tmp_path):
    config = make_config(max_object_size=300)
    report = process(recording_of(MOVIE[:1, :3]), config, tmp_path)
    (entry,) = (entry for entry in report.steps if entry.step == "segmentation")
    assert entry.notes["seg_labeled_ch_0/0"]["objects"]["large"] == 3 * len(CENTRES)


def test_rows_are_sorted_by_cell_then_frame(finished):
    table = pd.read_csv(finished / "fov_000" / "movie_fov_000_traces.csv")
    assert table[["cell", "frame"]].to_numpy().tolist() == sorted(
        table[["cell", "frame"]].to_numpy().tolist()
    )


@pytest.mark.parametrize(
    "params",
    [
        pytest.param({"n_workers": 2}, id="two workers"),
        pytest.param({"n_workers": 4, "batch_size": 5}, id="four workers, large batch"),
        pytest.param({"batch_size": 1}, id="batches of one"),
    ],
)
def test_bytes_do_not_depend_on_workers_and_batches(finished, recording, tmp_path, params):
    assert run_workflow(recording, make_config(**params), tmp_path)
    assert contents(tmp_path) == contents(finished)


def test_bytes_do_not_depend_on_the_order_of_fovs(finished, recording, config, tmp_path):
    for fov in (2, 0, 1):
        assert run_workflow(recording, config, tmp_path, [fov])
    assert contents(tmp_path) == contents(finished)


def test_a_second_run_changes_nothing(finished, recording, config):
    before = contents(finished)
    report = process(recording, config, finished)
    assert {entry.status for entry in report.steps} == {Status.UNCHANGED}
    assert contents(finished) == before


@pytest.mark.parametrize("looks", [0, 1, 5, 13, 20, 28, 36, 45, 60, 80, 110])
def test_a_cancelled_run_goes_on_to_the_same_bytes(
    finished, recording, config, tmp_path, looks
):
    report = process(recording, config, tmp_path, cancel_event=StopAfter(looks))
    assert report.cancelled
    assert not report.succeeded
    for fov in range(N_FOVS):
        store = FovStore(tmp_path, fov)
        assert store.clean_up() == [], "a cancelled run leaves nothing unfinished"
    assert run_workflow(recording, config, tmp_path)
    assert contents(tmp_path) == contents(finished)


def test_a_cancelled_workflow_returns_false(recording, config, tmp_path):
    event = threading.Event()
    event.set()
    assert run_workflow(recording, config, tmp_path, cancel_event=event) is False


CHANGES = [
    pytest.param({"min_iou": 0.3}, "tracking", id="min_iou"),
    pytest.param({"min_object_size": 60}, "segmentation", id="min_object_size"),
    pytest.param({"min_frames": 3}, "extraction", id="min_frames"),
    pytest.param({"background_weight": 0.5}, "extraction", id="background_weight"),
    pytest.param({"n_workers": 2}, None, id="n_workers"),
    pytest.param({"frame_interval": 5.0}, None, id="frame_interval"),
]
ORDER = [
    "copying",
    "segmentation",
    "tracking",
    "background",
    "cropping",
    "extraction",
    "caching",
]


READ = {
    "logstd": ["closing_iterations", "closing_size", "erosion_size", "frame_scale",
               "logstd_window_size", "max_object_size", "min_object_size", "morph_iterations",
               "morph_size"],
    "watershed": ["frame_scale", "logstd_window_size", "max_object_size", "min_object_size",
                  "split_h"],
}  # fmt: skip


@pytest.mark.parametrize("method", READ)
def test_a_segmentation_depends_on_what_its_method_reads(recording, method):
    config = make_config(segmentation_method=method)
    recipe = recipes(recording.metadata, config, 0)["seg_labeled_ch_0/0"]
    read = {*recipe.params, *recipe.defaults} - {CORRECTED}
    assert sorted(read) == READ[method]


@pytest.mark.parametrize(("change", "first"), CHANGES)
def test_only_what_depends_on_a_change_is_done_again(recording, tmp_path, change, first):
    process(recording, make_config(), tmp_path, [0])
    found = statuses(process(recording, make_config(**change), tmp_path, [0]))
    redone = {step for step, status in found.items() if status is Status.DONE}
    assert set(found) == set(ORDER)
    marks = FovStore(tmp_path, 0).marks()  # previews, too, whichever step made them
    expected = recipes(recording.metadata, make_config(**change), 0)
    assert {name: mark.recipe.digest for name, mark in marks.items()} == {
        name: recipe.digest for name, recipe in expected.items()
    }
    if first is None:
        assert redone == set()
        return
    assert first in redone
    assert not redone & set(ORDER[: ORDER.index(first)])
    if first == "tracking":
        assert "background" not in redone
        assert {"cropping", "extraction"} <= redone


def test_tile_size_redoes_the_background_but_not_the_tracks(recording, tmp_path):
    process(recording, make_config(), tmp_path, [0])
    found = statuses(process(recording, make_config(tile_size=50), tmp_path, [0]))
    assert found["tracking"] is Status.UNCHANGED
    assert found["background"] is Status.DONE


def test_a_damaged_chunk_is_made_again(finished, recording, config, tmp_path):
    process(recording, config, tmp_path)
    victim = tmp_path / "fov_001/images.zarr/seg_tracked_ch_0/0/c.0.0.0"
    data = bytearray(victim.read_bytes())
    data[len(data) // 2] ^= 1
    victim.write_bytes(data)
    report = process(recording, config, tmp_path)
    assert statuses(report, 1)["tracking"] is Status.DONE
    assert statuses(report, 1)["segmentation"] is Status.UNCHANGED
    assert set(statuses(report, 0).values()) == {Status.UNCHANGED}
    assert contents(tmp_path) == contents(finished)


def test_without_phase_contrast_there_is_background_but_no_table(recording, tmp_path):
    report = process(recording, make_config(Channels(fl=[1])), tmp_path, [0])
    found = statuses(report)
    assert report.succeeded
    assert found["background"] is Status.DONE
    skipped = {"segmentation", "tracking", "cropping", "extraction"}
    assert {step for step, status in found.items() if status is Status.SKIPPED} == skipped
    assert not list(tmp_path.rglob("*.csv"))
    level = FovStore(tmp_path, 0).stack("fl_background_ch_1")[0]
    assert abs(level.mean() - BACKGROUND) < SIGNAL


def test_without_fluorescence_only_shape_is_measured(recording, tmp_path):
    report = process(recording, make_config(Channels(pc=0)), tmp_path, [0])
    assert statuses(report)["background"] is Status.SKIPPED
    table = pd.read_csv(next(tmp_path.rglob("*_traces.csv")))
    assert list(table.columns[10:]) == ["area_ch_0", "aspect_ratio_ch_0"]
    assert len(table) == len(CENTRES) * N_FRAMES


def test_phase_contrast_without_features_gives_base_columns(recording, tmp_path):
    channels = Channels(pc={"channel": 0, "features": []}, fl=[[1, []]])
    process(recording, make_config(channels), tmp_path, [0])
    table = pd.read_csv(next(tmp_path.rglob("*_traces.csv")))
    assert list(table.columns)[-1] == "bbox_y1"
    assert len(table) == len(CENTRES) * N_FRAMES


def test_without_channels_the_table_has_a_header_only(recording, tmp_path):
    report = process(recording, make_config(Channels()), tmp_path, [0])
    assert report.succeeded
    text = next(tmp_path.rglob("*_traces.csv")).read_text()
    assert text.startswith("fov,cell,frame,good")
    assert text.count("\n") == 1


def test_without_cells_the_table_has_a_header_only(images, tmp_path):
    rng = np.random.default_rng(0)
    images[:, :, 0] = rng.normal(2000, 8, images[:, :, 0].shape)
    report = process(recording_of(images), make_config(), tmp_path, [0])
    assert report.succeeded
    text = next(tmp_path.rglob("*_traces.csv")).read_text()
    assert text.endswith("intensity_total_ch_1,intensity_mean_ch_1\n")
    assert text.count("\n") == 1
    assert len(FovStore(tmp_path, 0).cells().cell_list.ids) == 0


def test_copy_only_stops_after_copying(recording, tmp_path):
    report = process(recording, make_config(copy_only=True), tmp_path)
    assert {entry.step for entry in report.steps} == {"copying"}
    groups = {path.name for path in (tmp_path / "fov_000/images.zarr").iterdir()}
    assert groups == {"zarr.json", "OME", "pc_ch_0", "fl_ch_1"}


def test_filters_leave_cells_out_of_the_table_and_say_which(images, tmp_path):
    images[0, 3:, 0, 85:, :80] = 2000  # the third cell is gone from frame 3
    config = make_config(min_frames=5, border_margin=20)
    report = process(recording_of(images), config, tmp_path, [0])
    (notes,) = [entry.notes["traces"] for entry in report.steps if entry.step == "extraction"]
    table = pd.read_csv(next(tmp_path.rglob("*_traces.csv")))
    assert len(notes["removed"]["min_frames"]) == 1
    assert notes["cells"] == len(CENTRES)
    assert set(table["cell"]) == set(range(1, 5)) - {
        cell for cells in notes["removed"].values() for cell in cells
    }
    run = json.loads((tmp_path / "run.json").read_text())
    assert run["fovs"]["0"]["extraction"]["outputs"]["traces"] == json.loads(json.dumps(notes))
    assert len(FovStore(tmp_path, 0).cells().cell_list.ids) == len(CENTRES), "crops stay"


def test_min_frames_follows_a_shorter_movie_with_a_warning(recording, tmp_path):
    report = process(recording, make_config(min_frames=30), tmp_path, [0])
    notes = next(e.notes["traces"] for e in report.steps if e.step == "extraction")
    assert notes["traces"] == len(CENTRES)
    assert notes["warnings"] == [
        f"min_frames is 30, but only {N_FRAMES} frames are valid: {N_FRAMES} is used."
    ]


class Faulty:
    """A recording in which one field of view cannot be read."""

    def __init__(self, reader, bad):
        self.reader, self.bad, self.metadata = reader, bad, reader.metadata

    def read(self, fov, frame, channels):
        if (fov, frame) == self.bad:
            raise OSError(5, "Input/output error", "movie.nd2")
        return self.reader.read(fov, frame, channels)


def test_a_fov_that_fails_does_not_stop_its_neighbours(finished, recording, config, tmp_path):
    told = []
    report = process(
        Faulty(recording, (1, 3)), config, tmp_path, update=lambda *result: told.append(result)
    )
    assert report.failed_fovs == [1]
    (failure,) = report.failures
    done = (1, 0, "Completed")
    assert told == [done, (0, 1, str(failure)), done]
    assert (failure.step, failure.frame) == ("copying", 3)
    assert str(failure) == "FOV 1, copying, frame 3: Input/output error: movie.nd2"
    assert not report.succeeded
    whole = contents(finished)
    found = contents(tmp_path)
    assert {k: v for k, v in found.items() if not k.startswith("fov_001")} == {
        k: v for k, v in whole.items() if not k.startswith("fov_001")
    }
    assert run_workflow(recording, config, tmp_path), "the next run repairs it"
    assert contents(tmp_path) == whole


def test_another_recording_is_refused_without_overwrite(recording, images, config, tmp_path):
    process(recording, config, tmp_path)
    other = recording_of(images[:1] + 1)
    with pytest.raises(ConfigError, match="belongs to another recording"):
        process(other, config, tmp_path)
    assert process(other, config, tmp_path, overwrite=True).succeeded
    assert not (tmp_path / "fov_002/images.zarr").exists(), "the old results are gone"


def test_without_its_file_a_folder_is_processed_from_what_was_copied(
    finished, recording, config, tmp_path
):
    process(recording, make_config(copy_only=True), tmp_path)
    name = recording.metadata.path.name
    with pytest.raises(ReaderError, match=f"gone.nd2 does not exist, .* its own name, {name}"):
        process(tmp_path / "gone.nd2", config, tmp_path)
    report = process(tmp_path / "gone" / name, config, tmp_path)
    assert report.succeeded
    assert f"{name} does not exist" in report.messages[0]
    assert contents(tmp_path) == contents(finished)


def test_two_runs_on_one_fov_are_refused(recording, config, tmp_path):
    with lock_fovs(tmp_path, [1]), pytest.raises(LockedError, match="fov_001 is in use"):
        process(recording, config, tmp_path)
    with lock_fovs(tmp_path, [1]):
        assert process(recording, config, tmp_path, [0, 2]).succeeded


WRONG = [
    pytest.param({"channels": Channels(pc=5)}, "Channel 5 does not exist", id="channel"),
    pytest.param({"segmentation_method": "magic"}, "Available: .*logstd", id="segmenter"),
    pytest.param({"tracking_method": "magic"}, "Available: .*iou", id="tracker"),
    pytest.param({"channels": Channels(pc=[0, ["x"]])}, "Unknown feature 'x'", id="feature"),
    pytest.param({"time_mapping": {0: 0.0, 1: 5.0}}, "missing are 2, 3, 4, 5", id="times"),
]


@pytest.mark.parametrize(("settings", "message"), WRONG)
def test_what_does_not_fit_is_refused_before_any_work(recording, tmp_path, settings, message):
    with pytest.raises(ConfigError, match=message):
        process(recording, make_config(**settings), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_all_that_does_not_fit_is_named_at_once(recording, tmp_path):
    channels = Channels(pc=[5, ["x"]], fl=[1, (7, ["y"])])
    config = make_config(
        channels, segmentation_method="a", tracking_method="b", time_mapping={0: 0.0}
    )
    with pytest.raises(ConfigError) as caught:
        process(recording, config, tmp_path / "out", [0, 9])
    said = str(caught.value).splitlines()
    assert [line.partition(": ")[0] for line in said] == [
        "FOV 9 does not exist",
        "Channel 5, 7 does not exist",
        "params.segmentation_method",
        "params.tracking_method",
        "channels.pc.features",
        "channels.fl.1.features",
        "time_mapping names 1 frame, but the recording has 6; missing are 1, 2, 3, 4, 5. "
        "Add every frame.",
    ]
    assert not (tmp_path / "out").exists()


def test_an_open_recording_gives_the_z_plane_that_is_written_down(tmp_path):
    images = np.arange(3, dtype=np.uint16)[:, None, None, None] * np.full((2, 9, 9), 1000)
    write_nd2(tmp_path / "a.nd2", np.uint16(images + 500)[None, None])
    with open_reader(tmp_path / "a.nd2", 2) as reader:
        with pytest.raises(ConfigError, match=r"with z = 2, but params\.z is middle"):
            process(reader, make_config(), tmp_path / "out")
        assert not (tmp_path / "out").exists()
        assert process(reader, make_config(z=2), tmp_path / "out").succeeded
    assert FovStore(tmp_path / "out", 0).stack("fl_ch_1")[0].max() == 2500


def test_fovs_that_do_not_exist_are_refused(recording, config, tmp_path):
    with pytest.raises(ConfigError, match="FOV 3, 9 does not exist: movie has 3"):
        process(recording, config, tmp_path, [0, 3, 9])


def test_only_the_listed_fovs_are_processed(recording, config, tmp_path):
    copied = []

    def watch(progress):
        if progress.step == "copying" and progress.fov not in copied:
            copied.append(progress.fov)

    assert process(recording, config, tmp_path, [2, 0, 2], watch=watch).fovs == (2, 0)
    assert copied == [2, 0]
    assert sorted(path.name for path in tmp_path.glob("fov_*")) == ["fov_000", "fov_002"]


def test_frames_of_one_pixel_and_one_frame_run(config, tmp_path):
    for shape in [(1, 1, 2, 1, 1), (1, 1, 2, 1, 7), (1, 2, 2, 9, 1)]:
        folder = tmp_path / "x".join(map(str, shape))
        report = process(recording_of(np.zeros(shape, np.uint16)), config, folder)
        assert report.succeeded, [str(failure) for failure in report.failures]


def test_an_interrupt_in_a_script_cancels_and_is_raised(finished, recording, config, tmp_path):
    asked = threading.Event()

    def interrupt_once(progress):
        if progress.step == "segmentation" and not asked.is_set():
            asked.set()
            signal.raise_signal(signal.SIGINT)

    with interruptible(), pytest.raises(KeyboardInterrupt):
        process(recording, config, tmp_path, watch=interrupt_once)
    assert FovStore(tmp_path, 0).clean_up() == []
    assert FovStore(tmp_path, 2).marks() == {}, "the last field of view was not begun"
    assert run_workflow(recording, config, tmp_path)
    assert contents(tmp_path) == contents(finished)


@pytest.mark.skipif(sys.platform == "win32", reason="folders cannot be locked there")
def test_runs_that_end_at_the_same_time_keep_what_each_has_written_down(tmp_path, monkeypatch):
    together = threading.Barrier(2)
    read = record._earlier_fovs

    def slow(*arguments):
        found = read(*arguments)
        with contextlib.suppress(threading.BrokenBarrierError):
            together.wait(0.5)  # both have read, if they can
        return found

    monkeypatch.setattr(record, "_earlier_fovs", slow)
    runs = [
        threading.Thread(
            target=process,
            args=(recording_of(MOVIE[:2, :2, :, :90, :90]), make_config(), tmp_path, [fov]),
        )
        for fov in (0, 1)
    ]
    for thread in runs:
        thread.start()
    for thread in runs:
        thread.join()
    assert set(read_run(tmp_path)["fovs"]) == {"0", "1"}
