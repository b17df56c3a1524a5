"""Planes that were not recorded are never silently black."""

import json

import numpy as np
import pandas as pd
import pytest
import zarr

from pyama.analysis.merge import merge
from pyama.analysis.report.html_page import write_report
from pyama.metadata import MissingPlanes
from pyama.processing.verify import verify
from pyama.processing.workflow import process
from pyama.runs.summary import summary, summary_lines
from pyama.store import FovStore, NotRecorded
from pyama.testing.czi_writer import write_czi
from pyama.testing.nd2_writer import write_nd2
from pyama.testing.ometiff_writer import write_ome_tiff
from small_movie import CENTRES, MOVIE, N_FRAMES, contents, make_config, recording_of


class Aborted:
    """A recording with planes that the file declares but does not hold."""

    def __init__(self, images, *missing):
        images = images.copy()
        for planes in missing:
            images[planes.fov, list(planes.frames), planes.channel] = 0
        self.reader = recording_of(images)
        self.metadata = self.reader.metadata.replace(missing=missing)

    def read(self, fov, frame, channels):
        return self.reader.read(fov, frame, channels)


@pytest.fixture
def run(images, tmp_path):
    def process_aborted(*missing, **params):
        report = process(Aborted(images, *missing), make_config(**params), tmp_path, [0])
        assert report.succeeded
        return pd.read_csv(next(tmp_path.rglob("*_traces.csv"))), report

    return process_aborted


def notes(report, step, output):
    return next(entry.notes[output] for entry in report.steps if entry.step == step)


def test_a_missing_fluorescence_plane_gives_nan_in_its_columns_only(run, tmp_path):
    table, report = run(MissingPlanes(fov=0, channel=1, frames=(2,)))
    gap = table[table["frame"] == 2]
    assert len(gap) == len(CENTRES)
    assert gap[["intensity_total_ch_1", "intensity_mean_ch_1"]].isna().all(axis=None)
    assert gap["area_ch_0"].notna().all()
    assert table[table["frame"] != 2].notna().all(axis=None)
    assert notes(report, "copying", "fl_ch_1/0")["missing_frames"] == [2]
    low = FovStore(tmp_path, 0).stack("fl_ch_1", "1").attributes["pyama"]["low"]
    assert low > 400, "the black plane does not count for the preview"


def test_a_missing_plane_changes_the_previews_of_its_channel_only(run, images, tmp_path):
    run(MissingPlanes(fov=0, channel=1, frames=(2,)))
    process(recording_of(images), make_config(), tmp_path / "whole", [0])
    gap, whole = (
        zarr.open_group(folder / "fov_000/cells.zarr", mode="r")
        for folder in (tmp_path, tmp_path / "whole")
    )
    for cell in gap["pc_ch_0"]:
        found, expected = gap[f"pc_ch_0/{cell}/1"], whole[f"pc_ch_0/{cell}/1"]
        assert dict(found.attrs) == dict(expected.attrs)
        np.testing.assert_array_equal(found[:], expected[:])


def test_a_missing_phase_plane_invalidates_the_frame_and_tracks_go_on(run, tmp_path):
    table, _ = run(MissingPlanes(fov=0, channel=0, frames=(0, 3)))
    assert sorted(table["frame"].unique()) == [1, 2, 4, 5]
    assert sorted(table["cell"].unique()) == [1, 2, 3, 4]
    assert table.groupby("cell").size().eq(4).all()
    assert not FovStore(tmp_path, 0).stack("seg_tracked_ch_0")[3].any()


def test_min_frames_counts_against_valid_frames(run):
    missing = MissingPlanes(fov=0, channel=0, frames=(1, 2))
    table, report = run(missing, min_frames=N_FRAMES)
    assert table["cell"].nunique() == len(CENTRES)
    assert notes(report, "extraction", "traces")["warnings"] == [
        "min_frames is 6, but only 4 frames are valid: 4 is used."
    ]


def test_a_recording_without_any_plane_has_no_cells_and_no_warning(run):
    every = tuple(range(N_FRAMES))
    table, report = run(
        MissingPlanes(fov=0, channel=0, frames=every),
        MissingPlanes(fov=0, channel=1, frames=every),
    )
    assert len(table) == 0
    assert np.isfinite(notes(report, "background", "fl_background_ch_1/0")["low"])


ZEROS = [
    pytest.param({1: [1, 3, 5]}, id="fluorescence in every second frame"),
    pytest.param({0: [0, 3]}, id="phase contrast now and then"),
    pytest.param({0: [2, 5], 1: [1, 2]}, id="both"),
    pytest.param({1: range(N_FRAMES)}, id="a channel that was never recorded"),
]


@pytest.mark.parametrize("zeros", ZEROS)
def test_zeros_that_no_camera_gives_are_the_same_as_planes_never_written(zeros, tmp_path):
    planes = [MissingPlanes(fov=0, channel=c, frames=tuple(t)) for c, t in zeros.items()]
    never = Aborted(MOVIE, *planes)
    config = make_config()
    process(never, config, tmp_path / "never", [0])
    report = process(never.reader, config, tmp_path / "zeros", [0])
    as_zeros, as_never = contents(tmp_path / "zeros"), contents(tmp_path / "never")
    of_results = {path for path in as_never if "/.marks/" not in path}
    assert all(as_zeros[path] == as_never[path] for path in of_results)
    counts = summary(report, config, 1)
    found = {gap["channel"]: (gap["frames"], gap["zeros"]) for gap in counts["not_recorded"]}
    assert found == {c: (list(t), list(t)) for c, t in zeros.items()}
    name = ("Phase", "GFP")[min(zeros)]
    n = len(zeros[min(zeros)])
    said = f"Note: FOV 0, {name}: every pixel is 0 in {n} of 6 frames ("
    assert any(line.startswith(said) for line in summary_lines(counts))


def test_zeros_among_dark_images_are_processed_and_pointed_out(tmp_path):
    images = MOVIE.copy()
    images[0, 2, 1] = 0
    images[0, 4, 1, 0, 0] = 0  # such a pixel is possible, so an image of zeros may be one
    config = make_config()
    report = process(recording_of(images), config, tmp_path, [0])
    table = pd.read_csv(next(tmp_path.rglob("*_traces.csv")))
    assert (table.loc[table["frame"] == 2, "intensity_total_ch_1"] == 0).all()
    counts = summary(report, config, 1)
    assert counts["not_recorded"] == []
    (said,) = (text for text in counts["warnings"] if "every pixel" in text)
    assert said.endswith("--set zero_planes=missing")
    process(recording_of(images), make_config(zero_planes="missing"), tmp_path, [0])
    table = pd.read_csv(next(tmp_path.rglob("*_traces.csv")))
    assert table.loc[table["frame"] == 2, "intensity_total_ch_1"].isna().all()
    assert FovStore(tmp_path, 0).mark("fl_ch_1/0").recipe.params["zero_planes"] == "missing"


def test_groups_say_what_was_not_recorded(tmp_path):
    images = MOVIE.copy()
    images[0, [1, 4], 1] = 0
    recording = recording_of(images)
    process(recording, make_config(), tmp_path, [0])
    store = FovStore(tmp_path, 0)
    for group in ("fl_ch_1", "fl_background_ch_1"):
        assert store.not_recorded(group, recording.metadata).frames == {1, 4}
        assert not store.stack(group)[4].any()
        for container in ("images.zarr", "cells.zarr"):
            document = json.loads((store.path / container / group / "zarr.json").read_bytes())
            entry = document["attributes"]["pyama"]["not_recorded"]
            assert entry == {"frames": [1, 4], "pixels": []}
    for group in ("pc_ch_0", "seg_labeled_ch_0", "seg_tracked_ch_0"):
        assert store.not_recorded(group, recording.metadata) == NotRecorded()


@pytest.mark.parametrize("kind", ["never reached", "stored as zeros"])
def test_a_field_of_view_without_a_recorded_frame_fails_nothing(kind, tmp_path):
    path, out = tmp_path / "movie.nd2", tmp_path / "out"
    images = MOVIE[:2].copy()
    missing = [(1, t, 0) for t in range(N_FRAMES)] if kind == "never reached" else []
    images[1] = 0
    write_nd2(path, images[:, :, None], channel_names=["Phase", "GFP"], missing=missing)
    config = make_config()
    report = process(path, config, out)
    assert report.succeeded, [str(failure) for failure in report.failures]
    assert not [text for text in summary(report, config, 1)["warnings"] if "frames" in text]
    lines = summary_lines(summary(report, config, 1))
    assert lines.count("Note: FOV 1: nothing was recorded.") == 1
    assert len(pd.read_csv(next((out / "fov_001").glob("*_traces.csv")))) == 0
    assert FovStore(out, 1).stack("seg_tracked_ch_0", "1")[0].max() == 0
    assert verify(out).is_intact
    assert set(merge(out, {"all": [0, 1]})["fov"]) == {0}
    assert process(path, config, out).steps.with_status("unchanged")
    assert "FOV 1: nothing was recorded." in write_report(out).read_text(encoding="utf-8")


def test_a_channel_without_a_stack_is_copied_from_its_only_plane(tmp_path):
    """Phase contrast as a stack with one plane less in one frame, GFP in one plane."""
    stack = np.repeat(MOVIE[:1, :, None], 3, axis=2)
    stack[:, :, [0, 2], 0] //= 2
    lost = [(0, t, z, 1) for t in range(N_FRAMES) for z in (0, 2)] + [(0, 3, 1, 0)]
    path = tmp_path / "movie.ome.tif"
    write_ome_tiff(path, stack, channel_names=["Phase", "GFP"], missing=lost)
    report = process(path, make_config(z={0: "max"}), tmp_path / "out")
    assert report.succeeded, [str(failure) for failure in report.failures]
    store = FovStore(tmp_path / "out", 0)
    for t in range(N_FRAMES):
        phase = MOVIE[0, t, 0] // 2 if t == 3 else MOVIE[0, t, 0]
        np.testing.assert_array_equal(store.stack("pc_ch_0")[t], phase)
        np.testing.assert_array_equal(store.stack("fl_ch_1")[t], MOVIE[0, t, 1])
    notes = summary(report, make_config(), 1)["notes"]
    assert "Channel 1 (GFP) has z plane 1 of 3 only; 1 is used." in notes
    assert any("lack some of their z planes: 1 of 6 in FOV 0" in note for note in notes)


WRITERS = {"nd2": write_nd2, "czi": write_czi, "ome.tif": write_ome_tiff}
FORMATS = [*WRITERS, "array"]


def source_of(kind, images, folder, never=()):
    """A recording in a format; `never` are frames (fov, frame) that were never written."""
    if kind == "array":
        recorded = np.ones(images.shape[:3], bool)
        for fov, t in never:
            recorded[fov, t] = False
        return recording_of(images, recorded=recorded)
    planes = [(p, t, 0) for p, t in never]
    if kind != "nd2":
        planes = [(*place, c) for place in planes for c in range(2)]
    path = folder / f"movie.{kind}"
    WRITERS[kind](path, images[:, :, None], channel_names=["Phase", "GFP"], missing=planes)
    return path


def rows(folder):
    return [pd.read_csv(path) for path in sorted(folder.rglob("*_traces.csv"))]


@pytest.mark.parametrize("kind", FORMATS)
def test_planes_of_zeros_are_not_recorded_in_any_format(kind, tmp_path):
    images = MOVIE[:1].copy()
    images[0, 1::2, 1] = 0
    config, out = make_config(), tmp_path / "out"
    report = process(source_of(kind, images, tmp_path), config, out)
    assert report.succeeded, [str(failure) for failure in report.failures]
    (table,) = rows(out)
    empty = table["intensity_total_ch_1"].isna()
    assert (empty == table["frame"].isin([1, 3, 5])).all()
    assert table["area_ch_0"].notna().all()
    said = "Note: FOV 0, GFP: every pixel is 0 in 3 of 6 frames (1, 3, 5). They count as not"
    assert any(line.startswith(said) for line in summary_lines(summary(report, config, 1)))
    assert "every pixel is 0 in 3 of 6" in write_report(out).read_text(encoding="utf-8")


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize("why", ["never reached", "zeros"])
def test_a_field_of_view_that_was_not_reached_fails_nothing_in_any_format(kind, why, tmp_path):
    images = MOVIE[:3].copy()
    images[1] = 0
    never = [(1, t) for t in range(N_FRAMES)] if why == "never reached" else []
    config, out = make_config(), tmp_path / "out"
    report = process(source_of(kind, images, tmp_path, never), config, out)
    assert report.succeeded, [str(failure) for failure in report.failures]
    is_scene = kind == "czi" and bool(never)  # no tile, no scene: the file does not declare it
    assert [len(table) for table in rows(out)] == ([24, 24] if is_scene else [24, 0, 24])
    lines = summary_lines(summary(report, config, 1))
    said = "Scene 1 holds no image: FOV 1 is scene 2." if is_scene else ""
    assert lines.count(f"Note: {said or 'FOV 1: nothing was recorded.'}") == 1
    assert not [line for line in lines if line.startswith("Warning")]
    assert verify(out).is_intact
