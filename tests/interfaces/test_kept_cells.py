"""Cells that a filter leaves out and somebody keeps: they count wherever traces are read."""

import hashlib
import json
import re

import pandas as pd
import pytest

from pyama.analysis.merge import merge, write_merged
from pyama.analysis.report import write_report
from pyama.errors import StoreError
from pyama.processing.methods import TRACKERS
from pyama.processing.workflow.run import process
from pyama.testing.nd2_writer import write_nd2
from pyama.traces.correction_log import append_table
from pyama.traces.corrections import Keep, MarkCell
from pyama.traces.inspection import Inspection
from pyama.traces.trace_reading import load_traces
from results import results_in
from small_movie import MOVIE, make_config, n_cells, recording_of

NARROW = 28
"""A margin in px that leaves only cell 3 of the small movie."""


@pytest.fixture
def folder(tmp_path):
    return results_in(tmp_path)


@pytest.fixture
def exchanged():
    """A tracker that exchanges the numbers of the cells 1 and 4 of the small movie."""
    usual = TRACKERS["iou"]

    def track(frames, params):
        for labels in usual(frames, params):
            first, last = labels == 1, labels == 4
            labels[first], labels[last] = 4, 1
            yield labels

    TRACKERS["exchanged"] = track
    yield
    del TRACKERS["exchanged"]


def run(folder, fovs=(0,), **params):
    config = make_config(**params)
    assert process(recording_of(MOVIE[:2]), config, folder, fovs, redo=True).succeeded


def keep(folder, cell):
    return Inspection(folder, 0).add(Keep(cell=cell), "ann")


def cells(folder):
    return sorted(load_traces(Inspection(folder, 0).table_to_read())["cell"].unique())


def place(folder, cell):
    table = load_traces(Inspection(folder, 0).table_to_read())
    return table.query("cell == @cell")[["position_x", "position_y"]].to_numpy().tolist()


def test_a_kept_cell_has_the_numbers_that_it_has_with_another_limit(folder):
    whole = pd.read_csv(Inspection(folder, 0).traces)
    run(folder, border_margin=NARROW)
    assert cells(folder) == [3]
    keep(folder, 1)
    table = pd.read_csv(Inspection(folder, 0).inspected)
    expected = whole[whole["cell"].isin([1, 3])].reset_index(drop=True)
    pd.testing.assert_frame_equal(table[whole.columns], expected)
    assert table.query("cell == 1")["left_out_by"].unique() == ["border_margin"]


def test_a_kept_cell_counts_in_every_summary(pyama, folder):
    run(folder, border_margin=NARROW)
    keep(folder, 1)
    keep(folder, 2)
    Inspection(folder, 0).add(MarkCell(cell=2, good=False), "ann")
    both = merge(folder, {"a": [0], "b": [1]})
    assert both.groupby("fov")["cell"].unique().map(list).to_dict() == {
        0: [1, 3],
        1: list(range(1, n_cells(1) + 1)),
    }
    assert both.query("fov == 1")["left_out_by"].eq("").all()
    write_merged(folder, {"a": [0], "b": [1]})
    merged = pd.read_csv(folder / "a_merged.csv", comment="#")
    assert merged.groupby("cell")["left_out_by"].first().dropna().to_dict() == {
        1: "border_margin"
    }
    said = "FOV 0: 2 cells that a filter left out are kept by inspection"
    text = write_report(folder).read_text(encoding="utf-8")
    assert said in text
    names = "with a trace", "within 28 px of the edge"
    bars = [re.search(rf'"{name}".*?"y": *(\[.*?\])', text)[1] for name in names]
    assert [json.loads(bar) for bar in bars] == [[3, n_cells(1)], [1, 0]]
    fitted = pyama("fit", folder / "a_merged.csv", "--model", "constant")
    assert fitted.exit_code == 0, fitted.output
    (path,) = folder.glob("a_merged_fitted_*.csv")
    assert sorted(pd.read_csv(path, comment="#")["cell"]) == [1, 3]


def test_a_run_says_what_is_kept_and_asks_before_it_replaces_it(pyama, tmp_path):
    file = tmp_path / "movie.nd2"
    write_nd2(file, MOVIE[:2, :, None], channel_names=["Phase", "GFP"])
    options = ["--pc", "0", "--fl", "1", "-o", tmp_path / "results", "--set", "min_frames=2"]
    command = ["run", file, *options]
    narrow = ["--set", f"border_margin={NARROW}"]
    assert pyama(*command, *narrow).exit_code == 0
    folder = tmp_path / "results"
    keep(folder, 1)
    again = pyama(*command, *narrow)
    assert "FOV 0: 1 cell that a filter left out is kept by inspection" in again.output
    refused = pyama(*command, "--set", "border_margin=2")
    assert refused.exit_code != 0
    assert "FOV 0 has been inspected" in refused.output
    assert pyama(*command, "--set", "border_margin=2", "--redo").exit_code == 0
    (entry,) = Inspection(folder, 0).state().entries
    assert (entry.active, entry.problem) == (True, "Cell 1 has a trace already.")


@pytest.mark.parametrize("between", [2, 20])
def test_later_runs_leave_a_kept_cell_in(folder, between):
    run(folder, border_margin=NARROW)
    keep(folder, 1)
    where = place(folder, 1)
    run(folder, border_margin=between)
    assert place(folder, 1) == where
    run(folder, border_margin=NARROW, background_weight=0.5)
    assert (cells(folder), place(folder, 1)) == ([1, 3], where)
    run(folder, border_margin=NARROW)
    assert (cells(folder), place(folder, 1)) == ([1, 3], where)
    Inspection(folder, 0).undo("ann")
    assert cells(folder) == [3]


def test_a_kept_cell_follows_its_mask_where_no_trace_changes(folder, exchanged):
    run(folder, border_margin=NARROW)
    keep(folder, 1)
    where = place(folder, 1)
    before = Inspection(folder, 0).traces.read_bytes()
    run(folder, border_margin=NARROW, tracking_method="exchanged")
    assert Inspection(folder, 0).traces.read_bytes() == before
    assert (cells(folder), place(folder, 4)) == ([3, 4], where)
    run(folder, border_margin=NARROW)
    assert (cells(folder), place(folder, 1)) == ([1, 3], where)


def renamed_column(text):
    return text.replace("area_ch_0", "area")


DAMAGES = {
    "missing": (lambda path: path.unlink(), "is missing or was changed: the rows of cell 1"),
    "empty": (lambda path: path.write_bytes(b""), "it is empty. `pyama run` makes"),
    "other columns": (
        lambda path: path.write_text(renamed_column(path.read_text())),
        "has other columns than the traces",
    ),
    "other rows": (
        lambda path: path.write_text(path.read_text().replace("0,1,", "0,9,")),
        "is missing or was changed: the rows of cell 1",
    ),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_kept_cell_is_not_lost_with_the_table_that_it_was_kept_from(folder, damage):
    run(folder, border_margin=NARROW)
    keep(folder, 1)
    inspection, (change, words) = Inspection(folder, 0), DAMAGES[damage]
    before, good = inspection.inspected.read_bytes(), inspection.left_out.read_bytes()
    change(inspection.left_out)
    with pytest.raises(StoreError, match=words):
        inspection.add(MarkCell(cell=3, good=False), "ann")
    with pytest.raises(StoreError, match=words):
        write_merged(folder, {"a": [0]})
    assert inspection.inspected.read_bytes() == before
    run(folder, border_margin=NARROW)
    assert inspection.left_out.read_bytes() == good
    assert cells(folder) == [1, 3]


def test_a_table_without_a_kept_cell_is_written_again_with_it(folder):
    run(folder, border_margin=NARROW)
    keep(folder, 1)
    inspection, left_out = Inspection(folder, 0), Inspection(folder, 0).left_out.read_bytes()
    lines = inspection.inspected.read_text().splitlines(keepends=True)
    less = "".join(line for line in lines if not line.startswith("0,1,")).encode()
    inspection.inspected.write_bytes(less)
    append_table(inspection.log, hashlib.sha256(less).hexdigest(), 1)
    assert inspection.left_out.read_bytes() == left_out
    assert cells(folder) == [1, 3]
