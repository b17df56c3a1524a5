"""What a person said about earlier tracks is said about the new ones, or listed."""

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pyama.traces.carried_corrections import (
    carry_over,
    log_lines,
    matched_labels,
    partners,
)
from pyama.traces.corrected_table import Table, apply_correction
from pyama.traces.correction_log import Entry, LogRecords
from pyama.traces.corrections import Cut, Delete, Join, Keep, MarkCell, Swap
from pyama.traces.given_numbers import numbered
from pyama.traces.left_out_cells import LeftOut

CELLS = {1: range(10), 2: range(6), 3: range(6, 10), 4: range(2, 8)}
T = 10


WHY = LeftOut("min_frames", 3, 20)


def table_of(cells, left_out=()):
    pairs = [(cell, t) for cell, frames in sorted(cells.items()) for t in frames]
    numbers = np.array([cell for cell, _ in pairs], np.int64)
    shown = np.where(np.isin(numbers, list(left_out)), 0, numbers)
    frames = np.array([t for _, t in pairs], np.int64)
    texts = ("",) * len(pairs)
    table = Table("", texts, texts, numbers, shown, frames, np.ones(len(pairs), bool))
    return replace(table, left_out=dict.fromkeys(left_out, WHY), left_out_digest=f"{left_out}")


def entry(action, **facts):
    return Entry(f"{action!r}", "2026", "me", action, **facts)


def carried(actions, old, new, matches):
    """Actions in new numbers, or the reason; one list for all actions."""
    before, after = table_of(old), table_of(new)
    partner = partners(before, after, matches)
    results = carry_over([entry(action) for action in actions], before, after, partner)
    return [list(result.actions) or result.reason for result in results]


def always(numbers):
    return [numbers] * T


UNCLEAR = "no new trace is clearly that of cell {}"
ALREADY = "the new tracks are like this without it"
RENUMBERED = {5: range(10), 6: range(6), 7: range(6, 10), 8: range(2, 8)}
NUMBERS = {1: 5, 2: 6, 3: 7, 4: 8}
CASES = [
    pytest.param(
        [MarkCell(cell=1, good=False), MarkCell(cell=4, good=False, frame=5), Delete(cell=2)],
        RENUMBERED,
        always(NUMBERS),
        [
            [MarkCell(cell=5, good=False)],
            [MarkCell(cell=8, good=False, frame=5)],
            [Delete(cell=6)],
        ],
        id="other numbers",
    ),
    pytest.param(
        [Join(cell=2, other=3), Swap(cell=1, other=4, frame=4), Cut(cell=1, frame=6, new=5)],
        RENUMBERED,
        always(NUMBERS),
        [
            [Join(cell=6, other=7)],
            [Swap(cell=5, other=8, frame=4)],
            [Cut(cell=5, frame=6, new=9)],
        ],
        id="corrected tracks",
    ),
    pytest.param(
        [MarkCell(cell=1, good=False)],
        {1: range(5), 9: range(5, 10)},
        [{1: 1}] * 5 + [{1: 9}] * 5,
        [[MarkCell(cell=1, good=False), MarkCell(cell=9, good=False)]],
        id="a bad cell in two parts is bad in both",
    ),
    pytest.param(
        [MarkCell(cell=2, good=False), MarkCell(cell=1, good=False)],
        {2: range(10)},
        always({3: 2}),
        [UNCLEAR.format(2), UNCLEAR.format(1)],
        id="a bad cell that is gone",
    ),
    pytest.param(
        [Cut(cell=1, frame=5, new=9), Join(cell=3, other=2), Swap(cell=1, other=4, frame=4)],
        {7: range(6, 10)},
        always({3: 7}),
        [UNCLEAR.format(1), UNCLEAR.format(2), UNCLEAR.format(1)],
        id="corrected tracks that are gone",
    ),
    pytest.param(
        [Join(cell=2, other=3)],
        {7: range(6, 10)},
        always({3: 7}),
        [UNCLEAR.format(2)],
        id="a cell that is gone was joined with one that is there",
    ),
    pytest.param(
        [MarkCell(cell=3, good=False)],
        {2: range(10)},
        always({2: 2, 3: 2}),
        [UNCLEAR.format(3)],
        id="a bad part of a cell that is good otherwise",
    ),
    pytest.param(
        [Join(cell=2, other=3), MarkCell(cell=2, good=False)],
        {2: range(10)},
        always({2: 2, 3: 2}),
        [ALREADY, [MarkCell(cell=2, good=False)]],
        id="joined already, and the joined cell is bad",
    ),
    pytest.param(
        [Cut(cell=1, frame=5, new=9), MarkCell(cell=9, good=False)],
        {1: range(5), 2: range(5, 10)},
        [{1: 1}] * 5 + [{1: 2}] * 5,
        [ALREADY, [MarkCell(cell=2, good=False)]],
        id="cut already, and the second part is bad",
    ),
    pytest.param(
        [Swap(cell=1, other=4, frame=6)],
        {1: range(8), 4: range(2, 10)},
        [{1: 1, 4: 4}] * 6 + [{1: 4, 4: 1}] * 4,
        [ALREADY],
        id="swapped already",
    ),
    pytest.param(
        [Swap(cell=1, other=4, frame=6), MarkCell(cell=4, good=False, frame=6)],
        {1: range(6), 2: range(6, 8), 4: range(2, 6)},
        [{1: 1, 4: 4}] * 6 + [{4: 2}] * 4,
        [UNCLEAR.format(1), UNCLEAR.format(4)],
        id="a swap whose second part is gone",
    ),
    pytest.param(
        [MarkCell(cell=99, good=False)],
        RENUMBERED,
        always(NUMBERS),
        ["There is no cell 99."],
        id="no effect before",
    ),
]


@pytest.mark.parametrize(("actions", "new", "matches", "expected"), CASES)
def test_corrections_are_carried_over_or_have_a_reason(actions, new, matches, expected):
    assert carried(actions, CELLS, new, matches) == expected


@pytest.mark.parametrize(("actions", "new", "matches", "expected"), CASES)
def test_a_log_holds_all_that_was_carried_over(actions, new, matches, expected):
    before, after = table_of(CELLS), table_of(new)
    partner = partners(before, after, matches)
    results = carry_over([entry(action) for action in actions], before, after, partner)
    records = LogRecords()
    records.read(line.encode() for line in log_lines(results))
    made = [action for result in results for action in result.actions]
    assert [each.action for each in records.all() if not each.left] == made
    left = [each.entry.action for each in results if not each.actions]
    assert [each.action for each in records.all() if each.left] == left
    for _ in made:  # one by one
        (undone,) = [each.undo[-1] for each in records.stacks.values()]
        records.read(
            [json.dumps({"id": "u", "time": "", "by": "me", "undo": undone}).encode()]
        )
    assert not records.has_corrections


def test_the_same_numbers_need_no_masks():
    old, new = table_of(CELLS), table_of({1: range(10), 4: range(2, 8)})
    partner = partners(old, new, None)
    marks = [entry(MarkCell(cell=cell, good=False)) for cell in (1, 2)]
    first, second = carry_over(marks, old, new, partner)
    assert (first.actions, second.reason) == (
        [MarkCell(cell=1, good=False)],
        UNCLEAR.format(2),
    )


@pytest.mark.parametrize("n_new", [T, 3 * T])
def test_frames_that_the_earlier_traces_lack_count_for_nothing(n_new):
    """As where a run of some frames is followed by one of all frames."""
    before = table_of({1: range(T), 2: range(T)})
    after = table_of({5: range(n_new), 6: range(n_new)})
    partner = partners(before, after, always({1: 5, 2: 6}))
    actions = [MarkCell(cell=1, good=False, frame=2), Delete(cell=2)]
    results = carry_over(
        [entry(action) for action in actions], before, after, partner, after.frames < T
    )
    assert [list(result.actions) for result in results] == [
        [MarkCell(cell=5, good=False, frame=2)],
        [Delete(cell=6)],
    ]


def test_what_was_undone_is_left_out_and_what_was_left_before_stays():
    old = table_of(CELLS)
    entries = [
        entry(Delete(cell=1), active=False),
        entry(Delete(cell=7), left=True, problem="why", settled=True),
    ]
    (result,) = carry_over(entries, old, old, partners(old, old, None))
    assert (result.reason, result.settled) == ("why", True)


KEPT = [
    pytest.param({8}, NUMBERS, 8, id="left out again"),
    pytest.param(set(), NUMBERS, 8, id="has a trace"),
    pytest.param({8}, {}, None, id="gone"),
    pytest.param({6, 8}, {4: 5}, 5, id="a part of a cell that has a trace"),
    pytest.param({5, 8}, {4: 5}, 5, id="a part of a cell that is left out"),
]


@pytest.mark.parametrize(("left_out", "matches", "kept"), KEPT)
def test_a_kept_cell_stays_one(left_out, matches, kept):
    """Cell 4 has no trace at first; a bad mark on it goes with it, also to a third run."""
    old, new = table_of(CELLS, {4}), table_of(RENUMBERED, left_out)
    entries = [entry(Keep(cell=4, new=4, left_out="{4}")), entry(MarkCell(cell=4, good=False))]
    first, second = carry_over(entries, old, new, partners(old, new, always(matches)))
    if kept is None:
        assert [first.reason, second.reason] == [UNCLEAR.format(4)] * 2
        return
    assert first.actions == [Keep(cell=kept, new=kept, left_out=f"{left_out}")]
    for action in [*first.actions, *second.actions]:
        new, problem = apply_correction(new, action)
        assert problem in {"", f"Cell {kept} has a trace already."}
    assert (new.cells[new.source == kept] == kept).all()
    third = table_of(RENUMBERED, {kept})
    again = [entry(action) for action in [*first.actions, *second.actions]]
    uncorrected = table_of(RENUMBERED, left_out)
    for result in carry_over(again, uncorrected, third, partners(uncorrected, third, None)):
        for action in result.actions:
            third, problem = apply_correction(third, action)
            assert problem == ""
    rows = third.source == kept
    assert (third.cells[rows] == kept).all()


numbers, times = st.integers(1, 6), st.integers(0, 9)
actions = st.one_of(
    st.builds(MarkCell, cell=numbers, good=st.booleans(), frame=times),
    st.builds(Delete, cell=numbers),
    st.builds(Cut, cell=numbers, frame=times, new=st.integers(5, 8)),
    st.builds(Join, cell=numbers, other=numbers),
    st.builds(Swap, cell=numbers, other=numbers, frame=times),
    st.builds(Keep, cell=st.integers(1, 4), new=st.integers(1, 6)),
)


@settings(max_examples=80)
@given(
    wanted=st.lists(actions, max_size=6),
    order=st.permutations([11, 12, 13, 14]),
    left_out=st.sets(st.integers(1, 4), max_size=2),
)
def test_other_numbers_give_the_same_corrected_tracks(wanted, order, left_out):
    to_new = dict(zip(CELLS, order, strict=True))
    old = table_of(CELLS, left_out)
    new = table_of({to_new[c]: f for c, f in CELLS.items()}, {to_new[c] for c in left_out})
    partner = partners(old, new, always(to_new))
    results = carry_over([entry(action) for action in wanted], old, new, partner)
    for action in wanted:
        old, _ = apply_correction(old, action)
    for result in results:
        for action in result.actions:
            new, problem = apply_correction(new, action)
            assert problem == "" or problem.endswith("has a trace already.")
    groups = {}
    for i, j in enumerate(partner.tolist()):
        assert old.good[i] == new.good[j] or old.cells[i] == 0
        groups.setdefault(int(old.cells[i]), set()).add(int(new.cells[j]))
    assert all(len(cells) == 1 for cells in groups.values())
    assert len({*map(tuple, groups.values())}) == len(groups)


def disks(*cells, shape=(60, 80)):
    y, x = np.mgrid[: shape[0], : shape[1]]
    frame = np.zeros(shape, np.uint16)
    for number, cy, cx, radius in cells:
        frame[(y - cy) ** 2 + (x - cx) ** 2 <= radius**2] = number
    return frame


A, B = (1, 20, 20, 9), (2, 40, 60, 9)
MASKS = [
    pytest.param([A, B], [A, B], {1: 1, 2: 2}, id="the same"),
    pytest.param([A, B], [(7, *A[1:]), (1, *B[1:])], {1: 7, 2: 1}, id="renumbered"),
    pytest.param([A, B], [(1, 20, 22, 5), (2, 40, 60, 14)], {1: 1, 2: 2}, id="other sizes"),
    pytest.param([A], [(1, 20, 34, 9)], {}, id="moved away"),
    pytest.param([A, B], [], {}, id="gone"),
    pytest.param([(1, 20, 20, 9), (2, 20, 36, 6)], [(5, 20, 26, 16)], {1: 5}, id="merged"),
    pytest.param([(1, 20, 26, 16)], [(5, 20, 20, 9), (6, 20, 38, 4)], {1: 5}, id="split"),
]


@pytest.mark.parametrize(("old", "new", "expected"), MASKS)
def test_masks_are_matched(old, new, expected):
    assert matched_labels(disks(*old), disks(*new)) == expected


def test_frames_of_another_size_match_nothing():
    assert matched_labels(disks(A), disks(A, shape=(60, 81))) == {}


PARTS = st.one_of(
    st.builds(Cut, cell=st.integers(1, 12), frame=st.integers(1, 9)),
    st.builds(Delete, cell=st.integers(1, 12)),
    st.builds(Keep, cell=st.integers(1, 4)),
    st.builds(Join, cell=st.integers(1, 12), other=st.integers(1, 12)),
)


@settings(max_examples=60, deadline=None)
@given(st.lists(PARTS, max_size=8), st.booleans())
def test_no_number_is_given_twice(actions, is_continued):
    before, after = table_of(CELLS), table_of(RENUMBERED)
    entries, table = [], before
    for action in actions:
        action = numbered(action, table, [e.action for e in entries])
        changed, problem = apply_correction(table, action)
        if not problem:
            table = changed
            entries.append(entry(action))
    used = [Cut(cell=1, frame=1, new=9)] if is_continued else []
    partner = partners(before, after, always(NUMBERS))
    results = carry_over(entries, before, after, partner, used=used)
    made = [a for result in results for a in [*result.actions] if isinstance(a, Cut | Keep)]
    given_numbers = [a.new for a in [*used, *made] if isinstance(a, Cut) or a.new != a.cell]
    assert len(given_numbers) == len({*given_numbers} - set(RENUMBERED))


def test_a_number_of_a_deleted_part_is_not_given_again():
    actions = [Cut(cell=1, frame=6, new=5), Delete(cell=5), Cut(cell=2, frame=3, new=6)]
    (first,), _, (second,) = carried(actions, CELLS, RENUMBERED, always(NUMBERS))
    assert (first.new, second.new) == (9, 10)
