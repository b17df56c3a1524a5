"""Inspections survive what makes traces again."""

import json
import shutil

import numpy as np
import pandas as pd
import pytest

from pyama.analysis.merge import merge
from pyama.analysis.result_notes import folder_remarks
from pyama.fov_ranges import parse_frames
from pyama.processing.methods import TRACKERS
from pyama.processing.step_reports import Status
from pyama.processing.workflow.run import process
from pyama.traces.corrections import Cut, Delete, MarkCell
from pyama.traces.inspection import Inspection
from results import results_in
from small_movie import MOVIE, StopAfter, contents, make_config, recording_of


@pytest.fixture
def folder(tmp_path):
    return results_in(tmp_path)


@pytest.fixture
def backwards():
    """A tracker that numbers the cells of the small movie from the last to the first."""
    usual = TRACKERS["iou"]

    def track(frames, params):
        for labels in usual(frames, params):
            yield (labels > 0) * (5 - labels)

    TRACKERS["backwards"] = track
    yield
    del TRACKERS["backwards"]


def run(folder, fovs=(0,), **params):
    return process(recording_of(MOVIE[:2]), make_config(**params), folder, fovs, redo=True)


def inspected(folder):
    return pd.read_csv(folder / "fov_000/movie_fov_000_traces_inspected.csv")


def bad_cells(folder):
    table = inspected(folder)
    return sorted(table.loc[~table["good"], "cell"].unique().tolist())


def test_marks_stay_when_only_numbers_in_the_table_change(folder):
    Inspection(folder, 0).add(MarkCell(cell=2, good=False, frame=3), "ann")
    before = inspected(folder)
    assert run(folder, background_weight=0.5).succeeded
    after = inspected(folder)
    pd.testing.assert_series_equal(after["good"], before["good"])
    assert not after.equals(before)
    (entry,) = Inspection(folder, 0).state().entries
    assert (entry.by, entry.action.frame) == ("ann", 3)
    assert set(merge(folder, {"s": [0]}).query("cell == 2")["frame"]) == {0, 1, 2}
    assert not (folder / "fov_000/.earlier").exists()


def test_marks_follow_the_masks_when_tracks_get_other_numbers(folder, backwards):
    inspection = Inspection(folder, 0)
    inspection.add(MarkCell(cell=1, good=False), "ann")
    inspection.add(Delete(cell=3), "bob")
    first = inspected(folder)
    place = first.query("cell == 1")[["position_x", "position_y"]].to_numpy()
    assert run(folder, tracking_method="backwards").succeeded
    assert bad_cells(folder) == [4]
    assert sorted(inspected(folder)["cell"].unique()) == [1, 3, 4]
    found = inspected(folder).query("cell == 4")[["position_x", "position_y"]].to_numpy()
    assert found.tolist() == place.tolist()
    assert [e.by for e in Inspection(folder, 0).state().entries] == ["ann", "bob"]
    assert folder_remarks(folder) != []  # FOV 1 has another tracking method
    Inspection(folder, 0).undo("bob")
    assert sorted(inspected(folder)["cell"].unique()) == [1, 2, 3, 4]


def test_going_back_gives_the_same_inspection(folder, backwards):
    Inspection(folder, 0).add(MarkCell(cell=1, good=False), "ann")
    before = inspected(folder)
    run(folder, tracking_method="backwards")
    Inspection(folder, 0).add(MarkCell(cell=1, good=False), "bob")
    run(folder)
    pd.testing.assert_frame_equal(
        inspected(folder).query("cell != 4"), before.query("cell != 4")
    )
    assert bad_cells(folder) == [1, 4]
    Inspection(folder, 0).undo("bob")
    pd.testing.assert_frame_equal(inspected(folder), before)


def test_what_was_undone_stays_undone(folder, backwards):
    Inspection(folder, 0).add(MarkCell(cell=1, good=False), "ann")
    run(folder, tracking_method="backwards")
    Inspection(folder, 0).undo("ann")
    run(folder)
    assert not any(entry.active for entry in Inspection(folder, 0).state().entries)


def test_what_cannot_be_carried_over_is_listed_and_stays(pyama, folder, caplog):
    log = Inspection(folder, 0).log
    Inspection(folder, 0).add(MarkCell(cell=1, good=False), "ann")
    Inspection(folder, 0).add(MarkCell(cell=3, good=False), "ann")
    with caplog.at_level("INFO", "pyama"):
        report = run(folder, border_margin=28)
    assert "FOV 0: 1 of 2 corrections of the inspection were carried over" in caplog.text
    assert set(pd.read_csv(Inspection(folder, 0).traces)["cell"]) == {3}
    assert bad_cells(folder) == [3]
    entries = Inspection(folder, 0).state().entries
    assert [entry.action.cell for entry in entries] == [1, 3]
    assert [entry.left for entry in entries] == [True, False]
    assert "no new trace is clearly that of cell 1" in entries[0].problem
    said = (
        "correction of the inspection could not be carried over to the new tracks: cell 1 bad"
    )
    for text in (str(folder_remarks(folder)), pyama("verify", folder).stdout):
        assert said in text
    assert report.succeeded
    assert list(log.parent.glob("*_traces_inspection_*.jsonl"))
    run(folder, border_margin=28, background_weight=0.5)  # a second change
    assert Inspection(folder, 0).state().entries[0].left
    run(folder)  # back again: the cell is there, and what was said of it
    assert bad_cells(folder) == [1, 3]
    assert said not in str(folder_remarks(folder))


@pytest.mark.parametrize("frames", ["1-3", "0-:2", "4-", "0,1,5"])
def test_corrections_follow_their_moment_to_other_frames(folder, backwards, frames):
    """Cell 1 is bad from frame 2 of the recording on; going back gives what was there."""
    Inspection(folder, 0).add(MarkCell(cell=1, good=False, frame=2), "ann")
    before = inspected(folder)
    assert run(folder, frames=frames, tracking_method="backwards").succeeded
    numbers = np.array(parse_frames(frames, 6))
    bad = inspected(folder).query("not good")
    assert bad["cell"].nunique() == 1
    assert sorted(numbers[bad["frame"]]) == [t for t in numbers if t >= 2]
    there = before.query("cell == 1").set_index("frame").loc[numbers[bad["frame"]]]
    for name in ("position_x", "position_y"):
        np.testing.assert_array_equal(bad[name], there[name])
    assert folder_remarks(folder) != []  # FOV 1 has other frames
    assert run(folder).succeeded
    pd.testing.assert_frame_equal(inspected(folder), before)


def test_masks_are_compared_in_the_same_moment_of_the_recording(tmp_path, backwards):
    """From frame 3 on, the cells lie where others have been: the image is turned over."""
    images = MOVIE[:1].copy()
    images[:, 3:] = images[:, 3:, :, ::-1]
    usual = TRACKERS["iou"]

    def turned(frames, params):
        rows = [labels[::-1] if t >= 3 else labels for t, labels in enumerate(frames)]
        for t, labels in enumerate(usual(rows, params)):
            yield labels[::-1] if t >= 3 else labels

    TRACKERS["turned"] = turned
    try:
        config = make_config(tracking_method="turned")
        assert process(recording_of(images), config, tmp_path).succeeded
    finally:
        del TRACKERS["turned"]
    before = pd.read_csv(Inspection(tmp_path, 0).traces).query("cell == 1 and frame >= 3")
    Inspection(tmp_path, 0).add(MarkCell(cell=1, good=False), "ann")
    config = make_config(tracking_method="backwards", frames="3-")
    assert process(recording_of(images), config, tmp_path, redo=True).succeeded
    bad = inspected(tmp_path).query("not good")
    assert bad["position_y"].tolist() == before["position_y"].tolist()


def test_a_correction_that_the_new_tracks_contain_counts_as_carried_over(folder, caplog):
    def cut(frames, params):
        for t, labels in enumerate(TRACKERS["iou"](frames, params)):
            yield np.where((labels == 2) & (t >= 3), 9, labels).astype(labels.dtype)

    Inspection(folder, 0).add(Cut(cell=2, frame=3), "ann")
    TRACKERS["cutting"] = cut
    try:
        with caplog.at_level("INFO", "pyama"):
            assert run(folder, tracking_method="cutting").succeeded
    finally:
        del TRACKERS["cutting"]
    assert "FOV 0: 1 of 1 corrections of the inspection were carried over" in caplog.text
    (entry,) = Inspection(folder, 0).state().entries
    assert entry.settled


def test_a_cut_moves_to_the_next_frame_that_is_selected(folder):
    Inspection(folder, 0).add(Cut(cell=2, frame=3), "ann")
    assert run(folder, frames="0-:2").succeeded
    table = inspected(folder)
    assert sorted(table.groupby("cell")["frame"].unique().map(list)) == [
        *([0, 1], [0, 1, 2], [0, 1, 2], [0, 1, 2]),
        [2],
    ]
    Inspection(folder, 0).add(Cut(cell=3, frame=1), "ann")
    assert run(folder, frames="4-").succeeded
    left = [entry for entry in Inspection(folder, 0).state().entries if entry.left]
    assert [entry.action.cell for entry in left] == [2, 3]  # both cut before frame 4


@pytest.mark.parametrize("looks", [3, 9, 14, 30, 42])
@pytest.mark.parametrize("method", ["backwards", "kalman"])  # the same tracks, and others
def test_a_stop_at_any_time_loses_no_correction(folder, backwards, looks, method):
    Inspection(folder, 0).add(MarkCell(cell=1, good=False), "ann")
    config = make_config(tracking_method="backwards")
    other = make_config(tracking_method=method, background_weight=0.5)
    for each in (config, other):
        stop = StopAfter(looks)
        report = process(
            recording_of(MOVIE[:2]), each, folder, [0], cancel_event=stop, redo=True
        )
        assert not report.failures
    assert run(folder, tracking_method="backwards").succeeded
    assert bad_cells(folder) == [4]


def test_overwriting_carries_over_as_well(folder, backwards):
    Inspection(folder, 0).add(MarkCell(cell=1, good=False), "ann")
    config = make_config(tracking_method="backwards")
    again = {"overwrite": True, "redo": True}
    assert process(recording_of(MOVIE[:2]), config, folder, [0], **again).succeeded
    assert bad_cells(folder) == [4]
    other = recording_of(MOVIE[:2, :, :, ::-1].copy())
    assert process(other, config, folder, **again).succeeded
    with pytest.warns(UserWarning, match="was made on the traces of an earlier run"):
        assert merge(folder, {"s": [0]})["good"].all()


def test_tracks_made_again_alike_keep_the_inspection_as_it_is(folder):
    inspection = Inspection(folder, 0)
    inspection.add(MarkCell(cell=1, good=False), "ann")
    before = contents(folder)
    shutil.rmtree(folder / "fov_000/images.zarr/seg_tracked_ch_0")
    report = run(folder)
    assert any(r.step == "tracking" and r.status == Status.DONE for r in report.steps)
    assert contents(folder) == before


def test_the_log_tells_where_carried_corrections_come_from(folder, backwards):
    Inspection(folder, 0).add(MarkCell(cell=1, good=False), "ann")
    first = Inspection(folder, 0).state().entries[0]
    run(folder, tracking_method="backwards")
    lines = Inspection(folder, 0).log.read_text(encoding="utf-8").splitlines()
    record = json.loads(lines[1])
    assert (record["id"], record["time"], record["by"]) == (first.id, first.time, "ann")
    assert record["action"]["cell"] == 4
