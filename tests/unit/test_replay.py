"""A log that is replayed as it grows gives what replaying it from its start gives."""

import json
from contextlib import suppress

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pyama import layout
from pyama.errors import ConfigError
from pyama.traces.corrected_table import read_uncorrected
from pyama.traces.correction_log import append_record
from pyama.traces.corrections import Cut, Delete, Join, MarkCell, Swap
from pyama.traces.inspection import Inspection
from pyama.traces.replay import Replay
from pyama.traces.trace_files import find_traces, traces_of
from pyama.traces.trace_reading import load_traces

COLUMNS = [*layout.BASE_COLUMNS, "area_ch_0"]
CELLS = {1: range(4), 2: range(2, 6), 3: range(4, 6), 4: range(6)}


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
    return folder


def late(folder):
    """An inspection whose table is written only when somebody reads it."""
    return Inspection(folder, 0, lambda _: None)


def from_the_start(inspection):
    """What the log gives if nothing is remembered."""
    digest, table = read_uncorrected(inspection.traces)
    return Replay(digest, table).read(inspection.log)


def assert_same(inspection):
    now, expected = inspection.state(), from_the_start(inspection)
    np.testing.assert_array_equal(now.table.cells, expected.table.cells)
    np.testing.assert_array_equal(now.table.good, expected.table.good)
    assert now.table.corrected == expected.table.corrected
    assert now.entries == expected.entries
    assert now.table.text() == expected.table.text()


numbers, times = st.integers(1, 7), st.integers(0, 6)
actions = st.one_of(
    st.builds(MarkCell, cell=numbers, good=st.booleans(), frame=times),
    st.builds(Delete, cell=numbers),
    st.builds(Cut, cell=numbers, frame=times),
    st.builds(Join, cell=numbers, other=numbers),
    st.builds(Swap, cell=numbers, other=numbers, frame=times),
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


@settings(max_examples=60)
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
