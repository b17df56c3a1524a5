"""A log that is replayed as it grows gives what replaying it from its start gives."""

import json
from contextlib import suppress

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pyama import layout
from pyama.errors import ConfigError, StoreError
from pyama.traces.corrected_table import read_uncorrected
from pyama.traces.correction_log import append_record
from pyama.traces.corrections import Cut, Delete, Join, Keep, MarkCell, Swap, text_of
from pyama.traces.inspection import Inspection
from pyama.traces.replay import Replay
from pyama.traces.trace_files import find_traces, traces_of
from pyama.traces.trace_reading import load_traces

COLUMNS = [*layout.BASE_COLUMNS, "area_ch_0"]
CELLS = {1: range(4), 2: range(2, 6), 3: range(4, 6), 4: range(6)}
LEFT_OUT = {5: range(2), 7: range(1, 6, 2)}
"""Cells that have no trace; 6 was none."""


@pytest.fixture
def folder(tmp_path):
    return write_traces(tmp_path)


def write_traces(folder):
    place = folder / "fov_000"
    place.mkdir()
    rows = [
        f"0,{cell},{t},True,1.5,2.0,0,1,2,3,{cell + t / 7!r}\n"
        for cell, frames in CELLS.items()
        for t in frames
    ]
    text = ",".join(COLUMNS) + "\n" + "".join(rows)
    (place / layout.traces_file("movie", 0)).write_text(text)
    columns = ",".join([*COLUMNS, *layout.LEFT_OUT_COLUMNS])
    rows = [
        f"0,{cell},{t},True,1.5,2.0,0,1,2,3,{cell + t / 7!r},min_frames,{len(frames)},20\n"
        for cell, frames in LEFT_OUT.items()
        for t in frames
    ]
    (place / layout.left_out_file("movie", 0)).write_text(columns + "\n" + "".join(rows))
    return folder


def late(folder):
    """An inspection whose table is written only when somebody reads it."""
    return Inspection(folder, 0, lambda _: None)


def from_the_start(inspection):
    """What the log gives if nothing is remembered."""
    digest, table = read_uncorrected(inspection.traces, inspection.left_out)
    return Replay(digest, table).read(inspection.log)


def assert_same(inspection):
    now, expected = inspection.state(), from_the_start(inspection)
    np.testing.assert_array_equal(now.table.cells, expected.table.cells)
    np.testing.assert_array_equal(now.table.good, expected.table.good)
    assert now.table.corrected == expected.table.corrected
    assert now.entries == expected.entries
    assert now.table.text() == expected.table.text()


numbers, times = st.integers(1, 9), st.integers(0, 6)
actions = st.one_of(
    st.builds(MarkCell, cell=numbers, good=st.booleans(), frame=times),
    st.builds(Delete, cell=numbers),
    st.builds(Cut, cell=numbers, frame=times),
    st.builds(Join, cell=numbers, other=numbers),
    st.builds(Swap, cell=numbers, other=numbers, frame=times),
    st.builds(Keep, cell=st.sampled_from([1, 4, 5, 5, 7, 7, 9])),
)
people = st.sampled_from(["ann", "bob"])
lines = st.one_of(
    st.tuples(st.just("click"), people, actions),
    st.tuples(st.sampled_from(["undo", "redo"]), people, st.none()),
    st.tuples(st.just("elsewhere"), people, actions),
    st.tuples(st.just("torn"), people, st.integers(1, 60)),
    st.tuples(st.just("written"), people, st.none()),
    st.tuples(st.just("shortened"), people, st.integers(0, 9)),
)


def do(inspection, kind, who, what):
    """Click, or do to the log what another program or a crash may do."""
    if kind == "click":
        with suppress(ConfigError):
            inspection.add(what, who)
    elif kind in ("undo", "redo"):
        getattr(inspection, kind)(who)
    elif kind == "written":
        inspection.write_table()
    elif not inspection.log.exists():
        return
    elif kind == "elsewhere":
        digest = inspection.state().digest
        append_record(inspection.log, digest, who, {"action": what.model_dump()})
    elif kind == "torn":
        line = json.dumps({"id": "x", "time": "", "by": who, "action": {"kind": "delete"}})
        with inspection.log.open("ab") as log:
            log.write(line.encode()[:what])
    else:
        content = inspection.log.read_bytes().splitlines(keepends=True)
        inspection.log.write_bytes(b"".join(content[: 1 + what]))


@settings(max_examples=80)
@given(st.lists(lines, max_size=14))
def test_any_log_is_replayed_as_from_its_start(tmp_path_factory, sequence):
    inspection = late(write_traces(tmp_path_factory.mktemp("clicks")))
    for kind, who, what in sequence:
        do(inspection, kind, who, what)
        assert_same(inspection)
    if any(kind == "shortened" for kind, _, _ in sequence):
        return  # a table of lines that are gone is taken for one that somebody edited
    read = dict(find_traces(inspection.log.parents[1]))[0]
    state = from_the_start(inspection)
    if any(entry.active for entry in state.entries):
        assert read.read_text() == state.table.text()
    else:
        assert read == inspection.traces


def test_a_log_of_hundreds_of_corrections_is_replayed_line_by_line(folder):
    inspection = late(folder)
    for i in range(200):
        inspection.add(MarkCell(cell=1 + i % 4, good=bool(i % 3), frame=i % 2), "ann")
        if i % 7 == 0:
            inspection.undo("ann")
        if i % 21 == 0:
            inspection.redo("ann")
    assert_same(inspection)
    for _ in range(200):
        inspection.undo("ann")
    assert_same(inspection)
    assert inspection.state().table.good.all()


def test_readers_find_the_table_as_the_log_says(folder):
    inspection = late(folder)
    inspection.add(MarkCell(cell=1, good=False), "me")
    assert not inspection.inspected.exists()
    assert traces_of(folder, 0) == inspection.inspected
    inspection.add(Join(cell=1, other=3), "me")
    assert "source_cell" not in inspection.inspected.read_text()
    (folder / "processing_config.yaml").write_text("")
    with suppress(Exception):  # without a record of the recording there are no times
        load_traces(inspection.inspected)
    assert "source_cell" in inspection.inspected.read_text()
    for _ in range(2):
        inspection.undo("me")
    assert dict(find_traces(folder)) == {0: inspection.traces}
    assert not inspection.inspected.exists()


def test_a_table_that_is_up_to_date_is_not_written_again(folder):
    inspection = Inspection(folder, 0)
    inspection.add(MarkCell(cell=1, good=False), "me")
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*")}
    assert traces_of(folder, 0) == inspection.inspected
    inspection.write_table()
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*")} == before


def test_an_edited_table_is_read_until_the_next_correction(folder):
    inspection = Inspection(folder, 0)
    inspection.add(MarkCell(cell=1, good=False), "me")
    edited = inspection.inspected.read_text().replace("0,2,2,True", "0,2,2,False")
    inspection.inspected.write_text(edited)
    assert traces_of(folder, 0).read_text() == edited
    late(folder).add(MarkCell(cell=3, good=False), "me")
    assert traces_of(folder, 0).read_text() == edited
    inspection.write_table()
    kept = inspection.inspected.with_name(f"{inspection.inspected.stem}_edited.csv")
    assert kept.read_text() == edited
    assert inspection.inspected.read_text() == inspection.state().table.text()


@pytest.mark.parametrize("is_edited", [False, True])
def test_a_log_that_does_not_name_its_table_is_continued(folder, is_edited):
    """Earlier versions wrote the table after each correction, and no line about it."""
    inspection = Inspection(folder, 0)
    inspection.add(MarkCell(cell=1, good=False), "me")
    lines = inspection.log.read_bytes().splitlines(keepends=True)
    inspection.log.write_bytes(b"".join(line for line in lines if b'"table"' not in line))
    if is_edited:
        inspection.inspected.write_bytes(inspection.inspected.read_bytes() + b"\n")
    before = inspection.inspected.read_bytes()
    assert traces_of(folder, 0).read_bytes() == before
    late(folder).add(MarkCell(cell=2, good=False), "me")
    inspection.write_table()
    kept = list(inspection.log.parent.glob("*_edited.csv"))
    assert [path.read_bytes() for path in kept] == ([before] if is_edited else [])
    assert inspection.inspected.read_text() == inspection.state().table.text()


def test_a_cell_that_was_left_out_is_kept_with_its_rows_and_its_reason(folder):
    inspection = Inspection(folder, 0)
    raw = pd.read_csv(inspection.left_out).query("cell == 7").reset_index(drop=True)
    inspection.add(Keep(cell=7), "me")
    table = pd.read_csv(inspection.inspected)
    kept = table.query("cell == 7").reset_index(drop=True)
    pd.testing.assert_frame_equal(kept[COLUMNS], raw[COLUMNS])
    assert set(kept["source_cell"]) == {7}
    assert table.groupby("cell")["left_out_by"].first().dropna().to_dict() == {7: "min_frames"}
    assert sorted(table["cell"].unique()) == [1, 2, 3, 4, 7]
    inspection.undo("me")
    assert not inspection.inspected.exists()
    inspection.redo("me")
    assert pd.read_csv(inspection.inspected).equals(table)
    inspection.add(MarkCell(cell=7, good=False), "me")
    inspection.add(Cut(cell=7, frame=3), "me")
    assert pd.read_csv(inspection.inspected).query("not good")["cell"].tolist() == [7, 8, 8]


def test_a_deleted_cell_is_kept_again_under_a_number_that_is_free(folder):
    inspection = Inspection(folder, 0)
    for action in (Cut(cell=4, frame=3), Delete(cell=8), Keep(cell=4), Delete(cell=2)):
        inspection.add(action, "me")
    state = inspection.add(Keep(cell=2), "me")
    table = pd.read_csv(inspection.inspected)
    assert sorted(table["cell"].unique()) == [1, 2, 3, 4, 9]
    assert table.query("cell == 9")[["source_cell", "frame"]].to_numpy().tolist() == [
        [4, 3],
        [4, 4],
        [4, 5],
    ]
    assert "left_out_by" not in table
    assert [text_of(entry.action) for entry in state.entries[2:]] == [
        "keep cell 4 as 9, which had no trace",
        "delete 2",
        "keep cell 2, which had no trace",
    ]


@pytest.mark.parametrize(
    ("cell", "message"),
    [(1, "Cell 1 has a trace already"), (6, "There is no cell 6")],
)
def test_what_cannot_be_kept_is_refused(folder, cell, message):
    with pytest.raises(ConfigError, match=message):
        Inspection(folder, 0).add(Keep(cell=cell), "me")
    assert not Inspection(folder, 0).log.exists()


@pytest.mark.parametrize("change", ["other", "gone"])
def test_a_kept_cell_is_not_taken_from_another_table(folder, change):
    """Only a run replaces the table, and carries over what refers to it."""
    inspection = Inspection(folder, 0)
    inspection.add(Keep(cell=7), "me")
    text = inspection.left_out.read_text()
    if change == "gone":
        inspection.left_out.unlink()
    else:
        inspection.left_out.write_text(text.replace("2.0,0", "2.5,0"))
    state = inspection.state()
    problem = {"gone": "There is no cell 7.", "other": "is another one than that with cell 7"}
    assert problem[change] in state.entries[0].problem
    assert 7 not in state.table.cells
    inspection.left_out.write_text(text)
    assert inspection.state().entries[0].problem == ""


def test_results_without_a_table_of_left_out_cells_are_inspected_as_before(folder):
    inspection = Inspection(folder, 0)
    inspection.left_out.unlink()
    inspection.add(Delete(cell=2), "me")
    inspection.add(Keep(cell=2), "me")
    assert sorted(pd.read_csv(inspection.inspected)["cell"].unique()) == [1, 2, 3, 4]


@pytest.mark.parametrize("text", ["", "fov,cell\n", "{header}\n0,5,x,True,1,a,1,2\n"])
def test_a_damaged_table_of_left_out_cells_is_told(folder, text):
    inspection = Inspection(folder, 0)
    header = ",".join([*COLUMNS, *layout.LEFT_OUT_COLUMNS])
    inspection.left_out.write_text(text.format(header=header))
    with pytest.raises(StoreError, match="_left_out"):
        inspection.state()


def test_a_last_line_without_its_end_is_read_and_may_still_change(folder):
    """Another program may be writing it: what follows is a part of that line."""
    inspection = late(folder)
    inspection.add(MarkCell(cell=1, good=False), "me")
    inspection.add(MarkCell(cell=2, good=False), "me")
    first, second = inspection.log.read_bytes().splitlines(keepends=True)[1:]
    head = inspection.log.read_bytes().splitlines(keepends=True)[0]
    other = second.replace(b'"cell": 2', b'"cell": 22')
    for end in (second[:-2], second[:-1], other[:-1], second):
        inspection.log.write_bytes(head + first + end)
        assert_same(inspection)
    inspection.log.write_bytes(head + first + second[:-1])
    assert len(inspection.state().entries) == 2
    with inspection.log.open("ab") as log:
        log.write(b"x\n")  # now it is no record
    assert_same(inspection)
    assert len(inspection.state().entries) == 1


def test_a_table_is_one_of_corrected_tracks_only_while_a_correction_says_so(folder):
    inspection = Inspection(folder, 0)
    inspection.add(MarkCell(cell=1, good=False), "ann")
    inspection.add(Cut(cell=4, frame=3), "bob")
    inspection.add(MarkCell(cell=2, good=False), "ann")
    assert "source_cell" in inspection.inspected.read_text()
    inspection.undo("bob")
    assert not inspection.state().table.corrected
    assert "source_cell" not in inspection.inspected.read_text()
    inspection.add(Cut(cell=4, frame=3), "bob")
    inspection.undo("ann")
    assert inspection.state().table.corrected
    assert_same(inspection)
