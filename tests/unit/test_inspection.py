"""Clicks are appended, replayed onto the traces, and never lost or misapplied."""

import json
import os
import threading

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pyama import layout
from pyama.errors import ConfigError, NotReadyError, StoreError
from pyama.traces.carried_corrections import Carried
from pyama.traces.correction_log import append_record
from pyama.traces.corrections import Cut, Delete, Join, MarkCell, Swap
from pyama.traces.inspection import Inspection
from pyama.traces.trace_files import count_inspected, find_traces
from pyama.traces.trace_reading import load_traces

COLUMNS = [*layout.BASE_COLUMNS, "area_ch_0"]
CELLS = {1: range(4), 2: range(2, 6), 3: range(4, 6)}
"""Frames of each cell: 3 goes on where 1 ends."""


def write_traces(folder, cells=CELLS, area=100.5):
    rows = [
        f"0,{cell},{t},True,1.5,2.0,0,1,2,3,{area + cell + t / 7!r}\n"
        for cell, frames in cells.items()
        for t in frames
    ]
    place = folder / "fov_000"
    place.mkdir(exist_ok=True)
    path = place / layout.traces_file("movie", 0)
    path.write_text(",".join(COLUMNS) + "\n" + "".join(rows))
    return path


@pytest.fixture
def folder(tmp_path):
    write_traces(tmp_path)
    return tmp_path


def inspected(folder):
    return pd.read_csv(folder / "fov_000" / layout.inspected_file("movie", 0))


def rows(table):
    return {
        cell: (part["frame"].tolist(), part["good"].tolist())
        for cell, part in table.groupby("cell")
    }


@pytest.mark.parametrize(("true", "false"), [("TRUE", "FALSE"), ("WAHR", "FALSCH")])
def test_traces_that_a_spreadsheet_has_saved_are_good_where_they_were(folder, true, false):
    path = write_traces(folder)
    text = path.read_text().replace(",True,", f",{true},")
    path.write_text(text.replace(f"0,2,3,{true}", f"0,2,3,{false}"))
    table = Inspection(folder, 0).state().table
    bad = zip(table.cells[~table.good], table.frames[~table.good], strict=True)
    assert [(int(cell), int(frame)) for cell, frame in bad] == [(2, 3)]


CHANGES = [
    pytest.param(
        [MarkCell(cell=1, good=False)],
        {
            1: ([0, 1, 2, 3], [False] * 4),
            2: ([2, 3, 4, 5], [True] * 4),
            3: ([4, 5], [True] * 2),
        },
        id="a bad cell stays in the table, not good",
    ),
    pytest.param(
        [MarkCell(cell=1, good=False, frame=2), MarkCell(cell=1, good=True, frame=3)],
        {
            1: ([0, 1, 2, 3], [True, True, False, True]),
            2: ([2, 3, 4, 5], [True] * 4),
            3: ([4, 5], [True] * 2),
        },
        id="from a frame on",
    ),
    pytest.param(
        [Join(cell=1, other=3)],
        {1: ([0, 1, 2, 3, 4, 5], [True] * 6), 2: ([2, 3, 4, 5], [True] * 4)},
        id="two tracks become one",
    ),
    pytest.param(
        [Cut(cell=2, frame=4), Delete(cell=1)],
        {2: ([2, 3], [True] * 2), 3: ([4, 5], [True] * 2), 4: ([4, 5], [True] * 2)},
        id="cut gives a new number, delete takes the rows away",
    ),
    pytest.param(
        [Swap(cell=1, other=2, frame=3)],
        {
            1: ([0, 1, 2, 3, 4, 5], [True] * 6),
            2: ([2, 3], [True] * 2),
            3: ([4, 5], [True] * 2),
        },
        id="numbers are exchanged from a frame on",
    ),
    pytest.param(
        [Swap(cell=1, other=2, frame=4)],
        {
            1: ([0, 1, 2, 3, 4, 5], [True] * 6),
            2: ([2, 3], [True] * 2),
            3: ([4, 5], [True] * 2),
        },
        id="one of the two has ended before",
    ),
    pytest.param(
        [Swap(cell=1, other=2, frame=0)],
        {
            1: ([2, 3, 4, 5], [True] * 4),
            2: ([0, 1, 2, 3], [True] * 4),
            3: ([4, 5], [True] * 2),
        },
        id="numbers are exchanged in all frames",
    ),
]


@pytest.mark.parametrize(("actions", "expected"), CHANGES)
def test_actions_change_the_inspected_table(folder, actions, expected):
    for action in actions:
        Inspection(folder, 0).add(action, "me")
    table = inspected(folder)
    assert rows(table) == expected
    corrected = any(not isinstance(action, MarkCell) for action in actions)
    assert ("source_cell" in table) is corrected
    assert table[["cell", "frame"]].equals(
        table.sort_values(["cell", "frame"])[["cell", "frame"]]
    )


def test_the_traces_stay_and_numbers_keep_their_digits(folder):
    path = folder / "fov_000" / layout.traces_file("movie", 0)
    before = path.read_bytes()
    Inspection(folder, 0).add(Join(cell=1, other=3), "me")
    assert path.read_bytes() == before
    table, raw = inspected(folder), pd.read_csv(path)
    merged = table.merge(raw, left_on=["source_cell", "frame"], right_on=["cell", "frame"])
    np.testing.assert_array_equal(merged["area_ch_0_x"], merged["area_ch_0_y"])
    assert len(merged) == len(raw)


REFUSED = [
    pytest.param(MarkCell(cell=9, good=False), r"There is no cell 9\.", id="unknown cell"),
    pytest.param(
        MarkCell(cell=1, good=False, frame=4), "no frame from 4 on", id="after its end"
    ),
    pytest.param(Join(cell=1, other=1), "with itself", id="itself"),
    pytest.param(Join(cell=1, other=2), "in 2 frames, first in frame 2", id="overlap"),
    pytest.param(Cut(cell=1, frame=0), "0 to 3; it cannot be cut", id="at its start"),
    pytest.param(Cut(cell=1, frame=2, new=2), "Cell 2 exists already", id="number in use"),
    pytest.param(Swap(cell=1, other=1, frame=1), "with itself", id="swap with itself"),
    pytest.param(Swap(cell=1, other=3, frame=6), "Neither cell", id="swap after the end"),
]


@pytest.mark.parametrize(("action", "message"), REFUSED)
def test_what_is_impossible_is_refused_and_leaves_nothing(folder, action, message):
    with pytest.raises(ConfigError, match=message):
        Inspection(folder, 0).add(action, "me")
    assert [path.name for path in (folder / "fov_000").iterdir()] == [
        layout.traces_file("movie", 0)
    ]


def test_cells_are_counted_as_an_inspection_has_left_them(folder):
    assert count_inspected(folder, 0) is None
    inspection = Inspection(folder, 0)
    inspection.add(Join(cell=1, other=3), "me")
    assert count_inspected(folder, 0) == 2
    inspection.inspected.write_text("changed by somebody else")
    assert count_inspected(folder, 0) is None


def test_everybody_undoes_their_own_last_action(folder):
    inspection = Inspection(folder, 0)
    inspection.add(MarkCell(cell=1, good=False), "ann")
    inspection.add(MarkCell(cell=2, good=False), "bob")
    inspection.undo("ann")
    assert inspected(folder).groupby("cell")["good"].all().to_dict() == {
        1: True,
        2: False,
        3: True,
    }
    inspection.redo("ann")
    assert inspected(folder).groupby("cell")["good"].all().to_dict() == {
        1: False,
        2: False,
        3: True,
    }
    for who in ("ann", "bob"):
        inspection.undo(who)
    assert not inspection.inspected.exists()
    assert [entry.active for entry in inspection.undo("ann").entries] == [False, False]


def test_a_new_action_ends_what_can_be_redone(folder):
    inspection = Inspection(folder, 0)
    inspection.add(MarkCell(cell=1, good=False), "me")
    inspection.undo("me")
    inspection.add(MarkCell(cell=2, good=False), "me")
    active = [entry.active for entry in inspection.redo("me").entries]
    assert active == [False, True]


def test_an_entry_whose_ground_was_undone_is_told_and_skipped(folder):
    inspection = Inspection(folder, 0)
    inspection.add(Cut(cell=2, frame=4), "ann")
    inspection.add(MarkCell(cell=4, good=False), "bob")
    state = inspection.undo("ann")
    assert [entry.problem for entry in state.entries] == ["", "There is no cell 4."]
    assert inspected(folder)["good"].all()


def test_a_number_is_never_used_again(folder):
    inspection = Inspection(folder, 0)
    inspection.add(Cut(cell=2, frame=4), "me")
    inspection.undo("me")
    inspection.add(Cut(cell=1, frame=2), "me")
    assert sorted(rows(inspected(folder))) == [1, 2, 3, 5]


def test_an_inspection_of_other_traces_is_set_aside_and_kept(folder):
    inspection = Inspection(folder, 0)
    inspection.add(MarkCell(cell=1, good=False), "me")
    assert dict(find_traces(folder))[0] == inspection.inspected
    write_traces(folder, area=200.0)
    aside = "made on the traces of an earlier run .* is not used"
    with pytest.warns(UserWarning, match=aside):
        assert dict(find_traces(folder))[0] == inspection.traces
    with pytest.raises(StoreError, match=r"earlier run.*Use movie_fov_000_traces\.csv"):
        load_traces(inspection.inspected)
    state = Inspection(folder, 0).state()
    assert state.set_aside
    assert state.table.good.all()
    Inspection(folder, 0).add(MarkCell(cell=2, good=False), "me")
    assert inspected(folder).groupby("cell")["good"].all().to_dict() == {
        1: True,
        2: False,
        3: True,
    }
    names = sorted(path.name for path in (folder / "fov_000").iterdir())
    assert len([name for name in names if "inspect" in name]) == 4


def test_traces_made_again_with_the_same_bytes_keep_their_inspection(folder):
    Inspection(folder, 0).add(MarkCell(cell=1, good=False), "me")
    path = write_traces(folder)
    assert dict(find_traces(folder))[0] != path
    assert not Inspection(folder, 0).state().table.good.all()


def test_an_inspected_table_that_was_edited_is_kept(folder):
    inspection = Inspection(folder, 0)
    inspection.add(MarkCell(cell=1, good=False), "me")
    edited = inspection.inspected.read_text().replace("0,2,2,True", "0,2,2,False")
    inspection.inspected.write_text(edited)
    inspection.add(MarkCell(cell=3, good=False), "me")
    kept = inspection.inspected.with_name(f"{inspection.inspected.stem}_edited.csv")
    assert kept.read_text() == edited
    assert inspected(folder).groupby("cell")["good"].all().to_dict() == {
        1: False,
        2: True,
        3: False,
    }
    for number, change in ((2, inspection.undo), (3, inspection.redo)):
        inspection.inspected.write_text(f"{edited}{number}\n")
        change("me")
        again = kept.with_name(f"{kept.stem}_{number}.csv")
        assert again.read_text() == f"{edited}{number}\n"
        assert kept.read_text() == edited
    assert len(list(kept.parent.glob("*_edited*.csv"))) == 3


def test_a_correction_that_becomes_several_is_kept_whole(folder):
    inspection = Inspection(folder, 0)
    (entry,) = inspection.add(MarkCell(cell=1, good=False), "me").entries
    write_traces(folder, area=200.0)
    parts = [MarkCell(cell=cell, good=False) for cell in (1, 3)]
    inspection.replace_log([Carried(entry, parts)])
    expected = {1: False, 2: True, 3: False}
    assert inspected(folder).groupby("cell")["good"].all().to_dict() == expected
    assert len(Inspection(folder, 0).state().entries) == len(parts)


def test_of_several_logs_of_the_same_traces_the_last_one_is_continued(folder):
    inspection = Inspection(folder, 0)
    for area, cell in enumerate((1, 2)):  # corrections of the same traces, twice set aside
        write_traces(folder)
        inspection.log.unlink(missing_ok=True)
        inspection.add(MarkCell(cell=cell, good=False), "me")
        write_traces(folder, area=200.0 + area)
        inspection.replace_log([])
    logs = sorted(inspection.log.parent.glob("*_inspection_*.jsonl"), key=os.path.getmtime)
    for time, log in enumerate(logs):
        os.utime(log, (time, time))
    write_traces(folder)
    inspection.replace_log([])
    (entry,) = inspection.state().entries
    assert entry.action.cell == 2


def test_an_inspected_table_of_somebody_else_is_kept(folder):
    inspection = Inspection(folder, 0)
    inspection.inspected.write_text("mine")
    inspection.add(MarkCell(cell=1, good=False), "me")
    kept = inspection.inspected.with_name(f"{inspection.inspected.stem}_unknown.csv")
    assert kept.read_text() == "mine"


@pytest.mark.parametrize("torn", [b'{"id": "x", "by"', b"\xff\xfe", b"[]\n", b"null"])
def test_a_line_that_was_cut_off_costs_only_itself(folder, torn):
    inspection = Inspection(folder, 0)
    inspection.add(MarkCell(cell=1, good=False), "me")
    with inspection.log.open("ab") as log:
        log.write(torn)
    inspection.add(MarkCell(cell=2, good=False), "me")
    state = Inspection(folder, 0).state()
    assert [entry.action.cell for entry in state.entries] == [1, 2]


@pytest.mark.parametrize("first", [b"", b"\xff\xfe\n", b"[]\n", b"{}\n", b'{"traces": 1}\n'])
def test_a_log_that_does_not_name_its_traces_is_set_aside(folder, first):
    inspection = Inspection(folder, 0)
    inspection.add(MarkCell(cell=1, good=False), "me")
    damaged = first + inspection.log.read_bytes().partition(b"\n")[2]
    inspection.log.write_bytes(damaged)
    assert Inspection(folder, 0).state().table.good.all()
    state = Inspection(folder, 0).add(MarkCell(cell=2, good=False), "me")
    assert [entry.action.cell for entry in state.entries] == [2]
    aside = inspection.log.with_name(f"{inspection.log.stem}_unknown.jsonl")
    assert aside.read_bytes() == damaged


def test_two_people_at_once_do_not_erase_each_other(folder):
    def click(who):
        for good in [False, True] * 10:
            Inspection(folder, 0).add(MarkCell(cell=2, good=good), who)

    people = [threading.Thread(target=click, args=(who,)) for who in ("ann", "bob")]
    for person in people:
        person.start()
    for person in people:
        person.join()
    log = (folder / "fov_000" / layout.inspection_log("movie", 0)).read_text().splitlines()
    assert len([line for line in log if "action" in json.loads(line)]) == 40
    assert len(Inspection(folder, 0).state().entries) == 40


def test_cuts_at_the_same_time_get_different_numbers(folder, monkeypatch):
    """Somebody else cuts between the choice of a number and its line in the log."""
    others = []

    def append(*arguments):
        if not others:
            others.append(threading.Thread(target=add, args=(Cut(cell=1, frame=2), "bob")))
            others[0].start()
            others[0].join(0.5)  # waits until this line is written
        append_record(*arguments)

    def add(action, who):
        Inspection(folder, 0).add(action, who)

    monkeypatch.setattr("pyama.traces.inspection.append_record", append)
    add(Cut(cell=2, frame=4), "ann")
    others[0].join()
    entries = Inspection(folder, 0).state().entries
    assert [(entry.by, entry.action.new, entry.problem) for entry in entries] == [
        ("ann", 4, ""),
        ("bob", 5, ""),
    ]


@pytest.mark.parametrize("broken", ["", "fov,cell\n1,x\n", "fov,cell\n1\n"])
def test_no_traces_and_damaged_traces_are_told(tmp_path, broken):
    (tmp_path / "fov_000").mkdir()
    with pytest.raises(NotReadyError, match="has no traces"):
        Inspection(tmp_path, 0)
    (tmp_path / "fov_000" / layout.traces_file("movie", 0)).write_text(broken)
    with pytest.raises(StoreError, match="cannot be read"):
        Inspection(tmp_path, 0).state()


def test_empty_traces_have_no_cells(tmp_path):
    write_traces(tmp_path, cells={})
    assert len(Inspection(tmp_path, 0).state().table.order()) == 0


numbers, times = st.integers(1, 6), st.integers(0, 6)
clicks = st.one_of(
    st.builds(MarkCell, cell=numbers, good=st.booleans(), frame=times),
    st.builds(Delete, cell=numbers),
    st.builds(Cut, cell=numbers, frame=times),
    st.builds(Join, cell=numbers, other=numbers),
    st.builds(Swap, cell=numbers, other=numbers, frame=times),
    st.sampled_from(["undo", "redo"]),
)


@settings(max_examples=40)
@given(st.lists(clicks, max_size=8))
def test_no_sequence_of_clicks_doubles_a_row_or_loses_its_source(tmp_path_factory, sequence):
    folder = tmp_path_factory.mktemp("clicks")
    path = write_traces(folder)
    raw = pd.read_csv(path).set_index(["cell", "frame"])["area_ch_0"]
    inspection = Inspection(folder, 0)
    for click in sequence:
        try:
            if isinstance(click, str):
                getattr(inspection, click)("me")
            else:
                inspection.add(click, "me")
        except ConfigError:
            continue
    table = inspection.state().table
    order = table.order()
    assert len(set(zip(table.cells[order], table.frames[order], strict=True))) == len(order)
    for row in order.tolist():
        value = float(table.lines[row].rsplit(",", 1)[1])
        assert raw[table.source[row], table.frames[row]] == value
    active = [entry for entry in inspection.state().entries if entry.active]
    assert inspection.inspected.exists() is bool(active)
    if active:
        assert len(inspected(folder)) == len(order)
