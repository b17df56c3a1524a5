"""Parts of traces and their corrections, one at a time."""

import json
from bisect import bisect_left

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyama import layout
from pyama.config import ProcessingParams
from pyama.fov_ranges import ALL_FRAMES
from pyama.store import CellList, NotRecorded
from pyama.traces.carried_corrections import carry_over, matched_labels
from pyama.traces.carried_frames import SelectedFrames, in_other_frames
from pyama.traces.corrected_table import Table, apply_correction
from pyama.traces.correction_log import Entry, LogRecords, read_records
from pyama.traces.corrections import Cut, Delete, Join, MarkCell, Swap, text_of
from pyama.traces.inspected_tracks import cell_values, changed_cells, tracks
from pyama.traces.table_dialects import with_commas_and_points
from pyama.traces.trace_files import left_corrections
from pyama.traces.trace_filters import Verdicts, filter_cells
from pyama.traces.trace_rows import MAX_EXACT_INTEGER, cell_rows

SELECTIONS = st.lists(st.integers(0, 30), min_size=1, unique=True).map(sorted).map(tuple)


@given(SELECTIONS, st.integers(0, 35))
def test_frames_of_a_selection_and_of_the_recording_belong_to_each_other(numbers, number):
    selected = SelectedFrames(numbers)
    assert [selected.number(t) for t in range(len(numbers))] == list(numbers)
    assert selected.number(len(numbers)) == numbers[-1] + 1
    assert selected.frame(number) == (numbers.index(number) if number in numbers else -1)
    assert selected.first_from(number) == bisect_left(numbers, number)
    every = SelectedFrames.parse(ALL_FRAMES)
    assert every.number(number) == every.frame(number) == every.first_from(number) == number
    assert SelectedFrames.parse("1-3,7").numbers == (1, 2, 3, 7)


def table_of(*rows, corrected=False):
    """A table with rows (cell, frame) or (cell, frame, good), in this order."""
    cells = np.array([row[0] for row in rows], np.int64)
    frames = np.array([row[1] for row in rows], np.int64)
    good = np.array([(*row, True)[2] for row in rows], bool)
    texts = tuple(f"{cell}x{t}" for cell, t in zip(cells, frames, strict=True))
    return Table("h", texts, ("0",) * len(rows), cells, cells, frames, good, corrected)


def entry(action, **facts):
    return Entry("id", "2026", "me", action, **facts)


def test_rows_and_corrections_move_to_the_frames_that_are_still_selected():
    table = table_of((1, 0), (1, 1), (1, 2), (2, 2))
    then, now = SelectedFrames((2, 4, 6)), SelectedFrames((4, 5, 6, 8))
    entries = [entry(Cut(cell=1, frame=1)), entry(Delete(cell=2)), entry(Cut(cell=1, frame=0))]
    moved, others = in_other_frames(table, entries, then, now)
    assert moved.cells.tolist() == [1, 1, 2]
    assert moved.frames.tolist() == [0, 2, 2]
    assert moved.lines == ("1x1", "1x2", "2x2")
    assert [getattr(e.action, "frame", None) for e in others] == [0, None, 0]
    assert in_other_frames(table, entries, then, then) == (table, entries)


@pytest.mark.parametrize(("shared", "is_same"), [(4, False), (5, False), (6, True), (9, True)])
def test_masks_are_of_the_same_cell_if_they_share_more_than_half_of_the_smaller_one(
    shared, is_same
):
    old, new = np.zeros((1, 40), np.uint16), np.zeros((1, 40), np.uint16)
    old[0, :20] = 3
    new[0, 20 - shared : 30 - shared] = 8  # 10 px, the smaller one
    assert matched_labels(old, new) == ({3: 8} if is_same else {})
    assert matched_labels(new, old) == ({8: 3} if is_same else {})


def test_undone_corrections_are_not_carried_over():
    table = table_of((1, 0), (2, 0))
    entries = [entry(Delete(cell=1), active=False), entry(Delete(cell=2))]
    (carried,) = carry_over(entries, table, table, np.arange(2))
    assert carried.actions == [Delete(cell=2)]


@pytest.mark.parametrize("frame", [0, 1, 2, 3, 4, 5])
def test_a_cell_is_cut_before_a_frame_after_its_first_and_up_to_its_last(frame):
    table = table_of((1, 1), (1, 2), (1, 4), (2, 0))
    cut, problem = apply_correction(table, Cut(cell=1, frame=frame, new=9))
    if 1 < frame <= 4:
        assert cut.cells.tolist() == [9 if t >= frame else 1 for t in (1, 2, 4)] + [2]
        assert cut.corrected
        assert not problem
    else:
        assert cut is table
        assert problem == (
            f"Cell 1 is present from frame 1 to 4; it cannot be cut before frame {frame}."
        )


@pytest.mark.parametrize(
    ("action", "problem"),
    [
        (Cut(cell=1, frame=2, new=2), "Cell 2 exists already."),
        (Join(cell=1, other=1), "A cell cannot be joined with itself."),
        (Swap(cell=1, other=1, frame=0), "A cell cannot be swapped with itself."),
        (Join(cell=1, other=7), "There is no cell 7."),
        (Swap(cell=7, other=1, frame=0), "There is no cell 7."),
        (MarkCell(cell=1, good=False, frame=5), "Cell 1 has no frame from 5 on."),
        (Swap(cell=1, other=2, frame=5), "Neither cell is present from frame 5 on."),
        (
            Join(cell=1, other=3),
            "Cells 1 and 3 are both present in 2 frames, first in frame 2. Cut one of them "
            "first.",
        ),
    ],
)
def test_what_cannot_be_corrected_is_said(action, problem):
    table = table_of((1, 1), (1, 2), (1, 4), (2, 0), (3, 2), (3, 3), (3, 4))
    assert apply_correction(table, action) == (table, problem)


def test_a_swap_needs_one_of_the_cells_only():
    table = table_of((1, 1), (1, 2), (2, 0))
    swapped, problem = apply_correction(table, Swap(cell=1, other=2, frame=2))
    assert not problem
    assert swapped.cells.tolist() == [1, 2, 2]


def test_a_corrected_table_is_ordered_and_names_its_sources():
    table = table_of((3, 1), (1, 2), (1, 0), (2, 5, False))
    assert table.text() == (
        "h\n0,3,1,True,3x1\n0,1,2,True,1x2\n0,1,0,True,1x0\n0,2,5,False,2x5\n"
    )
    joined = apply_correction(table, Join(cell=2, other=3))[0]
    deleted = apply_correction(joined, Delete(cell=1))[0]
    assert joined.text() == (
        "h,source_cell\n0,1,0,True,1x0,1\n0,1,2,True,1x2,1\n0,2,1,True,3x1,3\n"
        "0,2,5,False,2x5,2\n"
    )
    assert deleted.text() == "h,source_cell\n0,2,1,True,3x1,3\n0,2,5,False,2x5,2\n"


def test_tracks_have_their_parts_and_what_is_bad():
    table = table_of((1, 0), (1, 1, False), (1, 2, False), (1, 5), (1, 6, False), (2, 0))
    joined = apply_correction(table, Cut(cell=1, frame=5, new=4))[0]
    joined = apply_correction(joined, Join(cell=2, other=4))[0]
    first, second = tracks(joined)
    assert (first.cell, first.segments, first.bad, first.n) == (1, [(1, 0, 2)], [(1, 2)], 3)
    assert second.segments == [(2, 0, 0), (1, 5, 6)]
    assert (second.bad, second.n) == ([(6, 6)], 3)
    assert tracks(table_of()) == []
    values = np.arange(6.0)
    (only,) = cell_values(joined, values, [2])
    assert (only.cell, only.frames, only.values) == (2, [0, 5, 6], [5, 3, 4])


def test_cells_that_an_action_changes_are_named_before_and_after_it():
    table = table_of((1, 0), (1, 1), (2, 3), (3, 0))
    for action, cells in [
        (MarkCell(cell=1, good=False, frame=1), {1}),
        (MarkCell(cell=1, good=True), set()),
        (Cut(cell=1, frame=1, new=9), {1, 9}),
        (Join(cell=1, other=2), {1, 2}),
        (Delete(cell=2), {0, 2}),
    ]:
        assert changed_cells(table, apply_correction(table, action)[0]) == cells


@pytest.mark.parametrize(
    ("action", "text"),
    [
        (MarkCell(cell=4, good=False), "cell 4 bad"),
        (MarkCell(cell=4, good=True, frame=1), "cell 4 good from frame 1"),
        (Delete(cell=4), "delete 4"),
        (Cut(cell=4, frame=2, new=7), "cut 4 at frame 2 (new: 7)"),
        (Join(cell=4, other=5), "join 5 to 4"),
        (Swap(cell=4, other=5, frame=2), "swap 4 and 5 from frame 2"),
    ],
)
def test_a_correction_in_words(action, text):
    assert text_of(action) == text


def test_a_table_is_up_to_date_if_nothing_came_after_it():
    records = LogRecords()
    mark = b'{"id": "a", "time": "", "by": "ann", "action": {"kind": "delete", "cell": 1}}'
    records.read([b'{"traces": "x"}', mark, b'{"table": "t", "records": 1}'])
    assert (records.table, records.tables, records.n_records) == ("t", {"t"}, 1)
    assert records.has_corrections
    records.read([b'{"id": "b", "time": "", "by": "ann", "undo": "a"}'])
    assert (records.table, records.n_records) == ("", 2)
    assert not records.has_corrections
    records.read([b'{"table": "u", "records": 1}'])  # written before the last record
    assert (records.table, records.tables) == ("", {"t", "u"})
    records.read([b'{"id": "c", "time": "", "by": "bob", "redo": "a"}'])  # not his
    assert records.n_records == 2


def test_undo_takes_what_applies_before_what_was_left_and_then_no_remark_stays(tmp_path):
    log = tmp_path / "fov_000" / layout.inspection_log("movie", 0)
    log.parent.mkdir()
    head = {"time": "", "by": "ann"}
    bad = [MarkCell(cell=cell, good=False).model_dump() for cell in (3, 1, 2)]
    left = {"reason": "gone", "settled": False}
    lines = [
        {"traces": "x"},
        {"id": "a", **head, "action": bad[0]},
        {"id": "b", **head, "left": bad[1], **left},
        {"id": "c", **head, "left": bad[2], **left, "settled": True},
    ]
    for done in ([], ["a"], ["a", "b"]):
        steps = [{"id": f"undo {name}", **head, "undo": name} for name in done]
        log.write_text("".join(f"{json.dumps(line)}\n" for line in (*lines, *steps)))
        records = read_records(log)
        assert (records.stacks["ann"].undo[-1] == "a") == (not done)
        assert records.has_corrections == (not done)
        remarks = left_corrections(tmp_path)
        assert len(remarks) == ("b" not in done)
        for remark in remarks:
            assert "1 correction of the inspection could not be carried over" in remark
            assert "cell 1 bad (gone)" in remark


SHAPE = (50, 60)
EVERYTHING = NotRecorded()


def cells_at(*boxes, valid=None):
    """Cells that are at the same place in 4 frames."""
    bboxes = np.array([[box] * 4 for box in boxes], np.int32)
    valid = np.ones((len(boxes), 4), bool) if valid is None else np.array(valid, bool)
    return CellList(np.arange(1, len(boxes) + 1, dtype=np.int32), bboxes, valid)


def filtered(cells, lost=EVERYTHING, shape=SHAPE, **params):
    notes = {}
    limits = ProcessingParams(**{"min_frames": 3, "border_margin": 5} | params)
    return filter_cells(cells, 0, shape, lost, limits, notes), notes


def test_cells_are_left_out_with_every_reason():
    cells = cells_at(
        *([10, 10, 20, 20], [10, 4, 20, 20], [10, 10, 20, 20], [0, 10, 20, 20]),
        valid=[[1, 1, 1, 0], [1, 1, 1, 1], [1, 1, 0, 0], [1, 0, 0, 0]],
    )
    verdicts, notes = filtered(cells)
    assert list(verdicts.each()) == [
        "",
        "border_margin,4,4",
        "min_frames,2,10",
        "min_frames and border_margin,1,0",
    ]
    assert notes["removed"] == {"min_frames": [3, 4], "border_margin": [2, 4]}
    assert notes["limits"] == {"min_frames": 3, "border_margin": 5}
    assert notes["warnings"] == []
    counts = verdicts.counts(np.array([100, 200, 300, 400]))
    assert (counts["cells"], counts["traces"], counts["rows"]) == (4, 1, 3)
    assert counts["left"] == {
        "tracking": {"area": 1000, "objects": 10, "cells": 4},
        "min_frames": {"area": 300, "objects": 7, "cells": 2},
        "border_margin": {"area": 100, "objects": 3, "cells": 1},
    }


def test_min_frames_is_lowered_to_the_frames_in_which_a_cell_can_be():
    cells = cells_at([10, 10, 20, 20], valid=[[1, 0, 0, 1]])
    _, notes = filtered(cells, min_frames=4)
    assert notes["limits"]["min_frames"] == 2
    (warning,) = notes["warnings"]
    assert "only 4 frames are valid, 2 of them without any cell: 2 is used." in warning
    _, notes = filtered(cells, NotRecorded(frozenset({1})), min_frames=4)
    assert (
        "only 3 frames are valid, 1 of them without any cell: 2 is used."
        in notes["warnings"][0]
    )
    _, notes = filtered(cells_at([10, 10, 20, 20]), min_frames=4)
    assert notes["warnings"] == []


def test_cells_beside_pixels_that_were_not_recorded_have_no_distance():
    cells = cells_at([20, 20, 30, 30])
    lost = NotRecorded(boxes={2: ((20, 30, 25, 40),)})
    verdicts, _ = filtered(cells, lost)
    assert list(verdicts.each()) == ["border_margin,4,0"]
    assert list(filtered(cells, lost, border_margin=0)[0].each()) == [""]


def test_a_margin_that_leaves_no_room_is_said():
    _, notes = filtered(cells_at([10, 10, 20, 20]), border_margin=25)
    assert (
        "border_margin is 25 px, which leaves no area in frames of 60 x 50 px"
        in (notes["warnings"][0])
    )
    assert filtered(cells_at([24, 24, 26, 26]), border_margin=24)[1]["warnings"] == []


def test_no_cells_have_no_verdicts():
    empty = np.zeros(0, bool)
    assert list(Verdicts(empty, empty, np.zeros(0, int), np.zeros(0, int)).each()) == []


@pytest.mark.parametrize(
    ("column", "value", "text"),
    [
        ("area_ch_0", 12.0, "12"),
        ("area_ch_0", MAX_EXACT_INTEGER - 1, "9007199254740991"),
        ("area_ch_0", MAX_EXACT_INTEGER, "9007199254740992.0"),
        ("area_ch_0", -3.0, "-3"),
        ("area_ch_0", 1.5, "1.5"),
        ("parent", 4.0, "4"),
        ("neighbours_ch_0", 2.0, "2"),
        ("particle_num_ch_1", 2.0, "2"),
        ("intensity_total_ch_1", 12.0, "12.0"),
        ("intensity_total_ch_1", float("nan"), ""),
    ],
)
def test_whole_numbers_are_written_as_such(column, value, text):
    rows = cell_rows(
        1, 7, np.array([3]), np.array([[1, 2, 6, 9]]), {column: np.array([value])}
    )
    assert rows == f"1,7,3,True,5.5,3.5,2,1,9,6,{text}\n"


@pytest.mark.parametrize(
    ("text", "separator", "expected"),
    [
        ("a,b\n1,2\n", ",", "a,b\n1,2\n"),
        ("a;b\n1,5;2\n", ";", "a,b\n1.5,2\n"),
        ("a\tb\n1.5\t2\n", "\t", "a,b\n1.5,2\n"),
        ("a;b\nx,y;2,5\n", ";", 'a,b\n"x,y",2.5\n'),
        ("a;b;\n1,5;2;\n", ";", "a,b\n1.5,2\n"),
        ('a,b\n"1,5",2\n', ",", "a,b\n1.5,2\n"),
    ],
)
def test_tables_have_commas_between_fields_and_points_in_decimals(text, separator, expected):
    columns, found = with_commas_and_points(text, separator, 0)
    assert found == expected
    assert columns == ("a", "b")


@pytest.mark.parametrize(
    ("text", "separator", "problem"),
    [
        ("a,b\n1,2\n1,2,3\n", ",", "line 8 has 3 fields, but there are names for 2 columns"),
        ("a,b\n1\n", ",", "line 7 has 1 field,"),
        ("a,b,a\n1,2,3\n", ",", "two columns named 'a'"),
        (
            "a;b\n1,5;2.5\n",
            ";",
            r"some decimals have a comma \(1,5\) and some a point \(2.5\)",
        ),
        ('a,b\n"1,234","5,678"\n', ",", "may be that of a decimal or of thousands"),
    ],
)
def test_a_table_that_can_be_meant_in_two_ways_is_refused(text, separator, problem):
    with pytest.raises(ValueError, match=problem):
        with_commas_and_points(text, separator, 5)
