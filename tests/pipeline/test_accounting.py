"""Every marked pixel and every cell is accounted for."""

import itertools
import json
import math

import numpy as np
import pandas as pd
import pytest

from pyama import layout
from pyama.algorithms.features import FLUORESCENCE_FEATURES
from pyama.analysis.advice.accounting import stages
from pyama.analysis.advice.crowding_advice import too_large_share
from pyama.config import Channels
from pyama.processing.workflow.run import process
from pyama.runs.summary import summary, summary_lines
from pyama.store import TRACES_MARK, FovStore
from small_movie import CENTRES, HEIGHT, N_FRAMES, SHAPE, WIDTH, make_config, recording_of


@pytest.fixture
def gone(images):
    """One cell is there in three of six frames, one comes close to the right edge."""
    images[0, 3:, 0, 85:, :80] = 2000
    return recording_of(images)


def notes_of(report, step):
    (entry,) = [entry for entry in report.steps if entry.step == step]
    return next(part for name, part in entry.notes.items() if not name.startswith("fl_"))


def tables_in(folder, fov=0):
    place = folder / layout.fov_dir(fov)
    names = layout.traces_file("movie", fov), layout.left_out_file("movie", fov)
    return [pd.read_csv(place / name) for name in names]


def test_every_cell_is_in_one_of_the_two_tables(gone, tmp_path):
    config = make_config(min_frames=5, border_margin=20)
    report = process(gone, config, tmp_path, [0])
    traces, left_out = tables_in(tmp_path)
    extra = list(layout.LEFT_OUT_COLUMNS)
    assert list(left_out) == [*traces, *extra]
    notes = notes_of(report, "extraction")
    removed = {name: set(cells) for name, cells in notes["removed"].items()}
    cells = set(left_out["cell"])
    assert cells == removed["min_frames"] | removed["border_margin"]
    assert cells | set(traces["cell"]) == set(range(1, len(CENTRES) + 1))
    assert not cells & set(traces["cell"])
    for cell, rows in left_out.groupby("cell"):
        names = [name for name in ("min_frames", "border_margin") if cell in removed[name]]
        assert set(rows["reason"]) == {" and ".join(names)}
        assert set(rows["frames_seen"]) == {len(rows)}
        ends = np.array([WIDTH, HEIGHT]) - rows[["bbox_x1", "bbox_y1"]]
        nearest = min(rows[["bbox_x0", "bbox_y0"]].min().min(), ends.min().min())
        assert set(rows["edge_distance"]) == {nearest}


def test_the_values_of_a_cell_do_not_depend_on_the_table_it_is_in(recording, tmp_path):
    process(recording, make_config(), tmp_path / "all", [0])
    process(recording, make_config(border_margin=500), tmp_path / "none", [0])
    everything, nothing = tables_in(tmp_path / "all")
    assert not len(nothing)
    traces, left_out = tables_in(tmp_path / "none")
    assert not len(traces)
    pd.testing.assert_frame_equal(
        left_out.drop(columns=list(layout.LEFT_OUT_COLUMNS)), everything
    )


def test_plugins_do_not_measure_what_is_left_out(gone, tmp_path):
    seen = set()

    def brightest(image, mask, context):
        seen.add(context.cell)
        return image[mask].max()

    FLUORESCENCE_FEATURES["brightest"] = brightest
    try:
        features = ["brightest", "intensity_total"]
        config = make_config(Channels(pc=0, fl=[[1, features]]), min_frames=5)
        process(gone, config, tmp_path, [0])
    finally:
        del FLUORESCENCE_FEATURES["brightest"]
    traces, left_out = tables_in(tmp_path)
    assert seen == set(traces["cell"])
    assert left_out["brightest_ch_1"].isna().all()
    assert left_out["intensity_total_ch_1"].notna().all()


def test_the_stages_add_up(gone, tmp_path):
    config = make_config(min_frames=5, border_margin=20)
    report = process(gone, config, tmp_path, [0])
    found = stages(notes_of(report, "segmentation"), notes_of(report, "extraction"))
    by_name = {stage.name: stage for stage in found}
    assert next(iter(by_name)) == "threshold"
    assert list(by_name)[-5:] == [
        *("min_object_size", "max_object_size"),
        *("tracking", "min_frames", "border_margin"),
    ]
    for before, after in itertools.pairwise(found):
        assert after.taken == before.area - after.area
    store = FovStore(tmp_path, 0)
    labels = np.stack(list(store.stack("seg_labeled_ch_0")))
    assert by_name["max_object_size"].area == np.count_nonzero(labels)
    assert by_name["max_object_size"].objects == sum(frame.max() for frame in labels)
    tracked = np.stack(list(store.stack("seg_tracked_ch_0")))
    assert by_name["tracking"].area == np.count_nonzero(tracked)
    traces, left_out = tables_in(tmp_path)
    assert by_name["tracking"].objects == len(traces) + len(left_out)
    last = by_name["border_margin"]
    assert (last.objects, last.cells) == (len(traces), traces["cell"].nunique())
    assert last.area == traces["area_ch_0"].sum()


def test_summary_and_json_have_the_account_of_every_fov(recording, tmp_path):
    config = make_config(min_frames=30)
    report = process(recording, config, tmp_path)
    counts = json.loads(json.dumps(summary(report, config, 1)))
    account = counts["accounting"]
    assert account["fovs"].keys() == {"0", "1", "2"}
    assert account["pixels"] == 3 * N_FRAMES * math.prod(SHAPE)
    assert counts["too_large_share"] == too_large_share(counts["objects"]) is not None
    for stage in account["stages"]:
        parts = [
            entry
            for fov in account["fovs"].values()
            for entry in fov["stages"]
            if entry["name"] == stage["name"]
        ]
        assert stage["area"] == sum(part["area"] for part in parts)
    assert {fov["limits"]["min_frames"] for fov in account["fovs"].values()} == {N_FRAMES}
    lines = [" ".join(line.split()) for line in summary_lines(counts)]
    assert any("of all pixels; changes of the mask:" in line for line in lines)
    assert sum(line.startswith("FOV ") for line in lines) == 3


def test_the_limit_that_was_used_is_shown(gone, tmp_path):
    config = make_config(min_frames=30)
    report = process(gone, config, tmp_path, [0])
    counts = summary(report, config, 1)
    assert counts["limits"]["min_frames"] == N_FRAMES
    assert f"1 in fewer than {N_FRAMES} frames (min_frames)" in "\n".join(
        summary_lines(counts)
    )


def test_the_line_of_a_fov_tells_what_each_limit_took(gone, tmp_path):
    config = make_config(min_frames=5, border_margin=20)
    counts = summary(process(gone, config, tmp_path, [0, 1]), config, 1)
    lines = [line for line in summary_lines(counts) if line.startswith("  FOV ")]
    for fov, line in enumerate(lines):
        traces, left_out = tables_in(tmp_path, fov)
        reasons = left_out.groupby("cell")["reason"].first()
        n, short = traces["cell"].nunique(), reasons.str.startswith("min_frames").sum()
        took = f"min_frames -{short}, border_margin -{len(reasons) - short}"
        assert line.endswith(f"{n + len(reasons)} cells; {took}; {n} traces")
    assert len(lines) == 2


def test_limits_that_leave_nothing_lead_to_limits_that_do(recording, tmp_path):
    config = make_config(border_margin=70)
    report = process(recording, config, tmp_path, [0])
    (advice,) = [text for text in summary(report, config, 1)["warnings"] if "--set" in text]
    assert f"which leaves {WIDTH - 140} x {HEIGHT - 140} of {WIDTH} x {HEIGHT} px" in advice
    assert "min_frames" not in advice
    margin = int(advice.rpartition("--set border_margin=")[2])
    again = process(recording, make_config(border_margin=margin), tmp_path, [0])
    assert notes_of(again, "extraction")["traces"] >= len(CENTRES) // 2


def test_the_second_table_is_checked_and_removed_with_the_first(recording, config, tmp_path):
    process(recording, config, tmp_path, [0])
    store = FovStore(tmp_path, 0)
    path = store.path / layout.left_out_file("movie", 0)
    before = path.read_bytes()
    path.write_bytes(before + b"x")
    assert [damage.path for damage in store.damages(TRACES_MARK, thorough=True)] == [path.name]
    process(recording, config, tmp_path, [0])
    assert path.read_bytes() == before
    (store.path / ".marks" / f"{TRACES_MARK}.json").unlink()
    assert store.clean_up() == [TRACES_MARK]
    assert not path.exists()
