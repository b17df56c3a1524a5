"""A cell that divides, from label images to the column `parent`."""

import numpy as np
import pandas as pd
import pytest
import tifffile
import zarr

from pyama.config import Channels
from pyama.processing.workflow import process
from pyama.readers.array import ArrayReader
from pyama.runs.summary import summary, summary_lines
from pyama.traces.trace_reading import load_traces
from small_movie import make_config

Y, X = np.mgrid[:80, :100]


def disk(number, y, x, radius):
    return np.where((Y - y) ** 2 + (X - x) ** 2 <= radius**2, number, 0).astype(np.uint16)


@pytest.fixture
def run(tmp_path):
    whole = [disk(2, 40, 50, 12) + disk(1, 15, 20, 8) for _ in range(3)]
    halves = [
        disk(2, 40, 50 - 9 - t, 8) + disk(3, 40, 50 + 9 + t, 8) + disk(1, 15, 20, 8)
        for t in range(3)
    ]
    tifffile.imwrite(tmp_path / "masks.tif", np.stack(whole + halves))
    images = np.full((6, 1, 80, 100), 500, np.uint16)
    images[:, :, ::2] += 9
    recording = ArrayReader([images], ["Phase"], basename="movie")

    def run_with(**params):
        config = make_config(
            Channels(pc=0),
            segmentation_method="labels",
            plugins={"labels": {"path": str(tmp_path / "masks.tif")}},
            **params,
        )
        report = process(recording, config, tmp_path / "out")
        assert report.succeeded, report.failures
        return next((tmp_path / "out" / "fov_000").glob("*_traces.csv"))

    return run_with


def test_daughters_have_the_number_of_their_mother(run):
    table = pd.read_csv(run(divisions=True))
    assert list(table.columns[9:12]) == ["bbox_y1", "parent", "area_ch_0"]
    assert table["parent"].dtype == np.int64
    parents = table.groupby("cell")["parent"].unique().map(list).to_dict()
    assert parents == {1: [0], 2: [0], 3: [2], 4: [2]}
    place = table.loc[table["cell"] == 2, ["position_y", "position_x"]].to_numpy()
    np.testing.assert_allclose(place, [[40, 50]] * 3, atol=1)
    lives = table.groupby("cell")["frame"].agg(["min", "max"]).to_numpy().tolist()
    assert sorted(lives) == [[0, 2], [0, 5], [3, 5], [3, 5]]


def test_without_divisions_there_is_no_such_column(run):
    table = pd.read_csv(run())
    assert "parent" not in table
    assert table["cell"].nunique() == 3


def test_switching_divisions_on_tracks_anew_and_back(run):
    first = run().read_bytes()
    with_parents = run(divisions=True)
    assert with_parents.read_bytes() != first
    assert set(pd.read_csv(with_parents)["cell"]) == {1, 2, 3, 4}
    assert run().read_bytes() == first


def test_flicker_is_repaired_and_counted(tmp_path):
    two = disk(1, 40, 40, 10) + disk(2, 40, 61, 10)
    one = np.where(two == 2, np.uint16(1), two)
    tifffile.imwrite(tmp_path / "masks.tif", np.stack([two, two, one, two, two]))
    images = np.full((5, 1, 80, 100), 500, np.uint16)
    images[:, :, ::2] += 9
    recording = ArrayReader([images], ["Phase"], basename="movie")
    config = make_config(
        Channels(pc=0),
        segmentation_method="labels",
        plugins={"labels": {"path": str(tmp_path / "masks.tif")}},
        repair_flicker=True,
    )
    out = tmp_path / "out"
    counts = summary(process(recording, config, out), config, 1.0)
    assert (
        "Note: Flicker was repaired in 1 frame: 1 object divided and 0 cells joined, as they "
        "are in the frames before and after."
    ) in summary_lines(counts)
    table = pd.read_csv(next((out / "fov_000").glob("*_traces.csv")))
    assert table.groupby("cell")["frame"].count().tolist() == [5, 5]
    images = zarr.open_group(out / "fov_000/images.zarr", mode="r")
    np.testing.assert_array_equal(images["seg_labeled_ch_0/0"][2], one)


def test_tables_with_parents_can_be_loaded(run):
    assert load_traces(run(divisions=True))["parent"].max() in (1, 2)


def test_mothers_and_drift_stand_below_their_own_names(run):
    table = pd.read_csv(run(divisions=True, registration="phase_correlation"))
    assert list(table.columns[9:13]) == ["bbox_y1", "parent", "drift_x", "drift_y"]
    assert table.groupby("cell")["parent"].unique().map(list).to_dict()[3] == [2]
    assert not table[["drift_x", "drift_y"]].any(axis=None)
