"""Tracks cut into parts without gaps."""

import numpy as np
import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from pyama.exports.tracklets import tracklets


def _table(tracks, parents=None):
    rows = [(0, cell, t, float(t)) for cell, frames in tracks.items() for t in frames]
    table = pd.DataFrame(rows, columns=["fov", "cell", "frame", "time"])
    if parents is not None:
        table["parent"] = table["cell"].map(parents).fillna(0).astype(int)
    return table


def _spans(table):
    columns = ["label", "cell", "first", "last", "parent"]
    return [tuple(row) for row in tracklets(table).spans[columns].to_numpy().tolist()]


def test_a_cell_has_a_new_label_after_a_gap():
    spans = _spans(_table({3: [0, 1, 4, 5, 7], 9: [2]}))
    assert spans == [(3, 3, 0, 1, 0), (10, 3, 4, 5, 3), (11, 3, 7, 7, 10), (9, 9, 2, 2, 0)]


def test_daughters_have_the_mother_as_parent():
    table = _table({1: [0, 1, 2], 2: [3, 4], 3: [3, 4]}, {2: 1, 3: 1})
    assert _spans(table) == [(1, 1, 0, 2, 0), (2, 2, 3, 4, 1), (3, 3, 3, 4, 1)]


def test_a_mother_that_goes_on_is_cut_where_her_daughter_begins():
    table = _table({1: [0, 1, 2, 3], 2: [2, 3]}, {2: 1})
    assert _spans(table) == [(1, 1, 0, 1, 0), (3, 1, 2, 3, 1), (2, 2, 2, 3, 1)]


def test_a_mother_without_rows_or_from_the_same_frame_on_is_no_parent():
    assert _spans(_table({2: [3], 5: [3]}, {2: 1, 5: 2})) == [(2, 2, 3, 3, 0), (5, 5, 3, 3, 0)]


def test_corrected_tracks_have_the_corrected_mother():
    table = _table({1: [0, 1], 7: [2, 3], 9: [2, 3]}, {7: 4, 9: 4})
    table["source_cell"] = table["cell"].map({1: 4, 7: 7, 9: 2})
    assert [span[-1] for span in _spans(table)] == [0, 1, 1]


def test_labels_stay_below_65536_where_they_can():
    spans = _spans(_table({70_000: [0, 2], 80_000: [0]}))
    assert [span[0] for span in spans] == [1, 2, 3]


def test_nothing_gives_nothing():
    assert tracklets(_table({})).spans.empty


@given(
    st.dictionaries(
        st.integers(1, 9), st.sets(st.integers(0, 12), min_size=1).map(sorted), max_size=6
    ),
    st.dictionaries(st.integers(1, 9), st.integers(0, 9)),
)
def test_parts_are_complete_and_parents_end_before_they_begin(tracks, parents):
    table = _table(tracks, {c: p for c, p in parents.items() if c != p})
    parts = tracklets(table)
    spans = parts.spans.set_index("label")
    assert spans.index.is_unique
    assert (0 not in spans.index) or spans.empty
    rows = parts.rows.assign(cell=table["cell"])
    for label, span in spans.iterrows():
        own = rows[rows["label"] == label]
        assert own["frame"].tolist() == list(range(span["first"], span["last"] + 1))
        assert own["cell"].unique().tolist() == [span["cell"]]
        if span["parent"]:
            assert spans.loc[span["parent"], "last"] < span["first"]
    assert len(rows) == int(np.sum(spans["last"] - spans["first"] + 1))
