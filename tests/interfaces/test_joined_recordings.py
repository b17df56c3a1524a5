"""Recordings that were stopped and restarted: joined in time, with their cells."""

import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from experiments import experiment, traces_of, write_traces
from pyama.analysis.experiments.continued_cells import (
    CONTINUED,
    LABEL,
    Match,
    carry_bad_marks,
    continue_cells,
    match_masks,
    moved,
)
from pyama.analysis.merge import merge
from pyama.analysis.outdated_tables import outdated_notes
from pyama.analysis.sample_tables import load_merged
from pyama.analysis.settings_by_fov import FovSettings
from pyama.processing.workflow.run import process
from pyama.traces.corrections import MarkCell
from pyama.traces.inspection import Inspection
from small_movie import MOVIE, make_config, n_cells, recording_of, times_of

N_CELLS = n_cells(0, 1)
FILE = """\
experiment: e
recordings:
  - {{name: day, folder: first, replicate: 1}}
  - {{name: restarted, folder: second, continues: day, {options}}}
samples:
  - {{name: s, fovs: 0-1}}
"""


@pytest.fixture(scope="module")
def halves(tmp_path_factory):
    """Frames 0 to 2 of the small movie, and frames 3 to 5 with the positions exchanged."""
    folder = tmp_path_factory.mktemp("halves")
    first = recording_of(MOVIE[:2, :3])
    first.metadata = first.metadata.replace(position_names=("a", "b"))
    second = recording_of(MOVIE[1::-1, 3:], basename="again")
    second.metadata = second.metadata.replace(position_names=("B", "A"))
    assert process(first, make_config(), folder / "first").succeeded
    assert process(second, make_config(min_iou=0.3), folder / "second").succeeded
    return folder


def written(folder, options):
    file = folder / "experiment.yaml"
    file.write_text(FILE.format(options=options))
    return file


def test_cells_go_on_after_a_restart(pyama, halves):
    file = written(halves, "gap: 0.25")
    checked = pyama("experiment", "check", file)
    assert "continues day after 15 min" in checked.stdout
    assert "continue" not in checked.stderr
    done = pyama("merge", file)
    assert done.exit_code == 0, done.output
    assert (
        "restarted continues day after 15 min; cells are continued by the overlap of their "
        f"masks. Continued: {N_CELLS}; new: 0; lost: 0; ambiguous, and not continued: 0."
        in done.stderr
    )
    path = halves / "experiment_merged/s_merged.csv"
    table = load_merged(path)
    assert outdated_notes(path) == []
    own = times_of(2, 3)
    for (fov, _), cell in table.groupby(["fov", "cell"]):
        assert cell["frame"].tolist() == [0, 1, 2, 3, 4, 5]
        assert cell["part"].tolist() == ["day"] * 3 + ["restarted"] * 3
        # Positions are exchanged; the gap begins at the last frame of FOV 0.
        times = [*own[fov], *(own[0, -1] + 15 + own[1 - fov])]
        np.testing.assert_allclose(60 * cell["time"], times)
        # The cells of the movie move 2 px per frame; masks are exact to a pixel.
        np.testing.assert_allclose(np.diff(cell["position_x"]), 2, atol=1.5)
        assert np.ptp(cell["position_y"]) <= 2
    pd.testing.assert_frame_equal(table, merge(file), check_exact=False)
    for own, name, fov in ((0, "first", 0), (1, "second", 0)):
        traces = pd.read_csv(next((halves / name / f"fov_00{own}").glob("*_traces.csv")))
        rows = table[
            (table["part"] == ("restarted" if own else "day")) & (table["fov"] == fov)
        ]
        column = "intensity_total_ch_1"
        assert sorted(rows[column]) == sorted(traces[column])
    fitted = pyama("fit", path, "--model", "constant", "--json")
    assert json.loads(fitted.stdout)["fits"][0]["cells"] == N_CELLS


def test_cells_are_new_after_a_long_gap_or_by_choice(pyama, halves, tmp_path):
    for options in ("gap: 2", "gap: 0.25, cells: new"):
        file = written(halves, options)
        done = pyama("merge", file, "-o", tmp_path / options[5:6])
        assert f"Continued: 0; new: {N_CELLS}; lost: {N_CELLS};" in done.stderr
        assert "cells are new" in done.stderr
        assert ("because this is more than two intervals" in done.stderr) == (
            options[5] == "2"
        )
        table = merge(file)
        assert table.groupby(["fov", "cell"])["part"].nunique().eq(1).all()
        assert table.groupby(["fov", "cell"]).ngroups == 2 * N_CELLS
    cells = pd.read_csv(tmp_path / "2/joined_cells.csv", comment="#")
    assert cells["result"].value_counts().to_dict() == {"lost": N_CELLS, "new": N_CELLS}
    far = merge(written(halves, "gap: 2, cells: continue, drift: true"))
    assert far.groupby(["fov", "cell"]).ngroups == N_CELLS


def test_a_cell_that_was_bad_before_the_restart_stays_bad(pyama, halves, tmp_path):
    for name, fov in (("first", 0), ("second", 0)):
        inspection = Inspection(halves / name, fov)
        inspection.add(MarkCell(cell=1, good=False), "a test")
    done = pyama("merge", written(halves, "gap: 0.25"), "-o", tmp_path)
    assert "left out, because they were marked as bad before it: 1." in done.stderr
    table = load_merged(tmp_path / "s_merged.csv")
    # FOV 0 of the second recording is position B, FOV 1 of the first.
    counts = table.groupby(["fov", "part"])["cell"].nunique()
    assert counts.to_dict() == {
        (0, "day"): n_cells(0) - 1,
        (0, "restarted"): n_cells(0) - 1,
        (1, "day"): n_cells(1),
        (1, "restarted"): n_cells(1) - 1,
    }
    for name in ("first", "second"):
        Inspection(halves / name, 0).undo("a test")


def test_positions_without_a_partner_are_named(pyama, tmp_path):
    for name, positions in (("first", ("a", "b", "c")), ("second", ("d", "c", "b"))):
        experiment(tmp_path / name, 3, identity=name, position_names=positions)
    said = pyama("experiment", "check", written(tmp_path, "gap: 9")).stderr
    for text in (
        "Not continued in the recording 'restarted': FOV 0 of 'day', whose traces end",
        "Left out: FOV 0 of the recording 'restarted', without a partner in 'day'.",
    ):
        assert text in said


def test_what_cannot_be_joined_is_refused(pyama, halves, tmp_path):
    refused = pyama("merge", written(halves, "cells: continue"))
    assert (
        "recording 'day': the time between the last frame of 'day' and the first one of "
        "'restarted' is not known. Add to 'restarted' the hours, such as gap: 0.5"
    ) in refused.stderr
    lines = "recordings: [{name: a, folder: a}, {name: b, folder: b, "
    end = "}]\nsamples: [{name: s, fovs: 0}]"
    file = tmp_path / "experiment.yaml"
    for text, message in (
        ("continues: c, gap: 1", "'b' continues 'c', which does not precede it"),
        ("gap: 1", "'b' continues none, so that it has no gap"),
        ("continues: a, day: 2", "'b' continues another recording, so that it has no day"),
        (
            "continues: a}, {name: c, folder: c, continues: a",
            "several recordings continue 'a'",
        ),
        ("continues: a, gap: 0", "recordings.1.gap: 0 is not a gap; expected hours"),
    ):
        file.write_text(lines + text + end)
        assert message in pyama("experiment", "check", file).stderr
    experiment(tmp_path / "a", 2, identity="a")
    file.write_text(f"{lines}continues: a, gap: 1{end}")
    for facts, message in (
        ({"shapes": ((64, 32),) * 2}, "'b' has images of another size than 'a'"),
        ({"n_fovs": 1}, "'b' has 1 and 'a' 2 positions, and no names tell which are the same"),
    ):
        experiment(tmp_path / "b", **{"n_fovs": 2, "identity": "b", **facts})
        assert message in pyama("experiment", "check", file).stderr


def test_parts_of_one_file_need_no_gap(pyama, tmp_path):
    n = 40
    for name, frames in (("a", range(n)), ("b", range(n, 2 * n))):
        times = [tuple(15.0 * frame for frame in frames)]
        facts = {"selected_frames": tuple(frames), "n_recorded_frames": 2 * n}
        experiment(tmp_path / name, 1, identity="same", times_min=times, **facts)
        write_traces(tmp_path / name, traces_of(0), 0)
    file = tmp_path / "e.yaml"
    file.write_text(
        "recordings: [{name: a, folder: a}, {name: b, folder: b, continues: a, cells: new}]\n"
        "samples: [{name: s, fovs: 0}]"
    )
    table = merge(file)
    times = table.groupby("frame")["time"].first()
    np.testing.assert_allclose(times, np.arange(2 * n) / 4)
    for gap, is_other in (("0.25", False), ("3", True)):
        file.write_text(file.read_text().replace("cells: new", f"cells: new, gap: {gap}"))
        said = pyama("experiment", "check", file).stderr
        assert ("but 15 min by the times of the recording" in said) == is_other
        file.write_text(file.read_text().replace(f", gap: {gap}", ""))
    assert pyama("merge", file).exit_code == pyama("report", file).exit_code == 0
    page = (tmp_path / "e_merged/report.html").read_text("utf-8")
    assert "<dt>recordings</dt><dd>1<small>with 1 restart</small>" in page
    of_part = FovSettings([0], {"frames": "0-39", "min_iou": 0.3}).without("frames")
    assert of_part.settings == {"min_iou": 0.3}


masks = st.lists(st.integers(0, 3), min_size=30, max_size=30)


@given(masks, masks, st.floats(0.05, 1))
def test_a_cell_has_at_most_one_partner(old, new, min_iou):
    old, new = (np.array(values).reshape(5, 6) for values in (old, new))
    matches = match_masks(old, new, min_iou)
    for cells in ([m.before for m in matches], [m.after for m in matches]):
        assert len(cells) == len(set(cells))
        assert 0 not in cells
    assert all(min_iou <= match.overlap <= 1 for match in matches)
    same = {m.before: m.after for m in match_masks(old, old, min_iou)}
    assert same == {cell: cell for cell in np.unique(old[old > 0]).tolist()}
    turned = match_masks(new, old, min_iou)
    assert {(m.after, m.before, m.is_clear) for m in turned} == {
        (m.before, m.after, m.is_clear) for m in matches
    }


def rows_of(cells):
    """Rows of cells with their first and last frame."""
    rows = [(cell, frame) for cell, (a, b) in cells.items() for frame in range(a, b + 1)]
    table = pd.DataFrame(rows, columns=["cell", "frame"], dtype="int64")
    return table.assign(
        good=True, part="x", value=np.arange(len(rows)), **{LABEL: table["cell"]}
    )


lives = st.dictionaries(
    st.integers(1, 9), st.tuples(st.integers(0, 2), st.integers(3, 4)), max_size=5
)


@given(lives, lives, st.permutations(range(1, 10)), st.integers(0, 9), st.booleans())
def test_joining_keeps_every_row_and_confuses_no_cells(first, second, order, n, is_clear):
    old, new = rows_of(first), rows_of(second)
    matches = [
        Match(a, b, 0.5, is_clear) for a, b in zip(range(1, n + 1), order, strict=False)
    ]
    joined = continue_cells(old, new, matches, 5)
    both = pd.concat([old.assign(part="a"), joined.rows.assign(part="b")])
    assert not both.duplicated(["cell", "frame"]).any()
    assert joined.rows["value"].tolist() == new["value"].tolist()
    assert (joined.rows["frame"] == new["frame"] + 5).all()
    pairs = zip(joined.rows["cell"], new["cell"], strict=True)
    assert len(set(pairs)) == new["cell"].nunique() == joined.rows["cell"].nunique()
    continued = joined.cells[joined.cells["result"] == CONTINUED]
    several = both.groupby("cell")["part"].nunique()
    assert set(several.index[several > 1]) == set(continued["cell"])
    assert is_clear or continued.empty
    # Every cell of the last frame before, and every cell after, is accounted for.
    assert set(old["cell"][old["frame"] == 4]) <= set(joined.cells["cell"])
    counted = joined.cells[joined.cells["result"].isin(["continued", "new"])]
    assert sorted(counted["part_cell"]) == sorted(new["cell"].unique())
    is_good = np.random.default_rng(n).random(len(both)) < 0.7
    marked = both.assign(good=is_good).reset_index(drop=True)
    carried, _ = carry_bad_marks(marked)
    assert (carried["good"] <= marked["good"]).all()
    before = marked["part"] == "a"
    assert (carried["good"] == marked["good"])[before].all()
    last = marked[before].groupby("cell")["good"].last()
    for cell, rows in marked[~before].groupby("cell"):
        if last.get(cell, True):
            assert (carried["good"][rows.index] == rows["good"]).all()
        else:
            assert not carried["good"][rows.index].any()


@given(st.integers(-9, 9), st.integers(-9, 9))
def test_labels_move_with_the_drift(dy, dx):
    labels = np.arange(1, 31).reshape(5, 6)
    result = moved(labels, dy, dx)
    for y, x in np.ndindex(labels.shape):
        inside = 0 <= y - dy < 5 and 0 <= x - dx < 6
        assert result[y, x] == (labels[y - dy, x - dx] if inside else 0)
