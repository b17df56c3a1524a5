"""Planes that were never written are never silently black."""

import numpy as np
import pandas as pd
import pytest
import zarr

from pyama.metadata import MissingPlanes
from pyama.processing.workflow import process
from pyama.store import FovStore
from small_movie import CENTRES, N_FRAMES, make_config, recording_of


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
