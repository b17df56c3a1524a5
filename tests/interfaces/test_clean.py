"""`pyama clean`: what it removes is made again as it was, and everything else stays."""

import json
import os
import shutil
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from pyama import layout
from pyama.analysis.removed_outputs import KINDS, kind_of
from pyama.analysis.report import write_report
from pyama.analysis.result_notes import folder_remarks
from pyama.cli import clean_command
from pyama.errors import LockedError
from pyama.processing.methods import TRACKERS
from pyama.processing.step_reports import Status
from pyama.processing.verify import verify
from pyama.processing.workflow.run import process
from pyama.runs.cleaning import clean, list_removable
from pyama.store import FovStore, MarkFile, lock_fovs, removing
from pyama.testing.nd2_writer import write_nd2
from pyama.traces.corrections import MarkCell
from pyama.traces.inspection import Inspection
from pyama.web.application import create_app
from small_movie import MOVIE, StopAfter, contents, make_config

SMALL = ["--set", "min_frames=2", "--set", "border_margin=2", "-j", "1"]
CHUNK = "fov_000/images.zarr/fl_background_ch_1/0/c.0.0.0"


@pytest.fixture
def movie(short_experiment):
    return short_experiment / "movie.nd2"


@pytest.fixture
def results(short_experiment, tmp_path):
    """A copy that may be changed."""
    return Path(shutil.copytree(short_experiment / "results", tmp_path / "results"))


def made_again(report):
    return {entry.step for entry in report.steps if entry.status is Status.DONE}


def names_in(listing):
    return {
        kind: {name for outputs in group.outputs.values() for name in outputs}
        for kind, group in listing.found.groups.items()
        if group.outputs
    }


def test_without_yes_it_only_lists(pyama, results):
    before = contents(results)
    done = pyama("clean", results, "--also", "previews")
    assert done.exit_code == 0
    for kind in KINDS:
        assert f"\n  {kind} " in done.stdout
    assert "movie.nd2 is there" in done.stdout
    assert "Nothing was removed. --yes removes previews of FOV 0-1 (" in done.stdout
    asked = pyama("clean", results).stdout
    assert f"--also {','.join(KINDS)} removes finished outputs." in asked
    assert contents(results) == before


def test_all_is_removed_named_planned_and_made_again_as_it_was(
    pyama, movie, results, tmp_path
):
    before = contents(results)
    done = pyama("clean", results, "--also", "all", "--yes")
    assert "Removed previews, crops, backgrounds, labels, frames of FOV 0-1 (" in done.stdout
    left = {path for path in contents(results) if ".marks" not in path}
    assert not [path for path in left if "cells.zarr" in path or "/fl_" in path]
    assert {
        path for path in left if path.endswith(".csv") or "seg_tracked_ch_0/0" in path
    } == {
        path
        for path in before
        if path.endswith(".csv") or ("seg_tracked_ch_0/0" in path and ".marks" not in path)
    }
    checked = pyama("verify", results)
    assert checked.exit_code == 0
    assert (
        "Removed by `pyama clean`: previews, crops, backgrounds, labels, frames of FOV 0-1. "
        "`pyama run` with the same options makes them again."
    ) in checked.stdout
    (tmp_path / "samples.yaml").write_text("samples: [{name: a, fovs: [0, 1]}]")
    merged = pyama("merge", results, "--samples", tmp_path / "samples.yaml", "-o", tmp_path)
    assert (merged.exit_code, merged.stderr) == (0, "")
    planned = pyama("plan", movie, "-o", results, *SMALL).stdout
    assert "copying: runs for pc_ch_0/0, fl_ch_1/0, removed by pyama clean\n" in planned
    assert "background, cropping, caching: runs, removed by pyama clean\n" in planned
    assert "tracking, extraction: finished\n" in planned
    again = process(movie, make_config(), results)
    assert made_again(again) == {
        "copying",
        "segmentation",
        "background",
        "cropping",
        "caching",
    }
    assert contents(results) == before


@pytest.mark.parametrize("kind", KINDS)
def test_one_kind_is_removed_alone_and_made_again(movie, results, kind):
    before, marks = contents(results), FovStore(results, 0).marks()
    listing = clean(results, [kind])
    gone = set(before) - set(contents(results))
    files = {path for path in gone if ".marks" not in path}
    assert listing.size([kind]) == sum(len(before[path]) for path in files) > 0
    removed = marks.keys() - FovStore(results, 0).marks().keys()
    assert {kind_of(name) for name in removed} - {"previews"} == {kind} - {"previews"}
    assert verify(results).is_intact
    assert verify(results).leftovers == ()
    assert folder_remarks(results) == []
    report = process(movie, make_config(), results)
    assert "tracking" not in made_again(report)
    assert contents(results) == before
    assert verify(results).removed == {}


def test_left_overs_of_killed_runs_go_and_nothing_else(pyama, movie, results, tmp_path):
    whole = contents(results)
    aside = results / "superseded"
    aside.mkdir()
    (tmp_path / "samples.yaml").write_text("samples: [{name: a, fovs: [0, 1]}]")
    pyama("merge", results, "--samples", tmp_path / "samples.yaml", "-o", aside, "--tidy")
    own = [results / "notes.tmp", aside / "mine.csv", results / "fov_000/mine.csv"]
    temporary = results / "fov_000/.marks/traces.json.0123abcd.tmp"
    for path in (*own, temporary):
        path.write_text("a,b\n1,2\n")
    unfinished = MarkFile(results / "fov_001", "fl_background_ch_1/0")
    unfinished.path.unlink()
    unfinished.sums_path.unlink()
    Inspection(results, 0).add(MarkCell(cell=1, good=False), "ann")
    listing = list_removable(results)
    assert listing.left_overs.unfinished == {1: ("fl_background_ch_1/0",)}
    done = pyama("clean", results, "--yes")
    assert "unfinished outputs of killed runs in FOV 1; temporary files (1)" in done.stdout
    assert "Removed left-overs (" in done.stdout
    assert {"a_merged.csv", "mine.csv"} <= {path.name for path in aside.iterdir()}
    assert all(path.exists() for path in own)
    assert not temporary.exists()
    assert not (results / "fov_001/images.zarr/fl_background_ch_1/0").exists()
    left = contents(results)
    gone = {path for path in whole if path not in left and "/.marks/" not in path}
    group = "fov_001/images.zarr/fl_background_ch_1/"
    assert gone == {path for path in whole if path.startswith((f"{group}0/", f"{group}zarr"))}
    assert len(Inspection(results, 0).state().entries) == 1
    assert process(movie, make_config(), results).succeeded


def test_a_folder_copied_without_its_marks_is_left_alone(results):
    shutil.rmtree(results / "fov_000/.marks")
    before = contents(results)
    assert not list_removable(results).left_overs
    clean(results, ["previews"])
    left = contents(results)
    assert {path for path in before if path.startswith("fov_000")} <= left.keys()


def test_frames_stay_without_their_recording(pyama, results, short_experiment, tmp_path):
    config = results / layout.CONFIG_FILE
    moved = Path(shutil.copytree(short_experiment, tmp_path / "moved")) / "results"
    path = str(short_experiment / "movie.nd2")
    gone = str(tmp_path / "gone.nd2")
    config.write_text(config.read_text().replace(path, gone))
    (results / layout.RUN_FILE).unlink()
    found = list_removable(results)
    assert "frames" not in names_in(found)
    assert set(names_in(found)) == set(KINDS) - {"frames"}
    assert f"stay: the recording {gone} is not there" in pyama("clean", results).stdout
    write_nd2(tmp_path / "gone.nd2", MOVIE[1:2, :3, None], channel_names=["Phase", "GFP"])
    assert "gone.nd2 is another recording now" in pyama("clean", results).stdout
    shutil.copy(path, tmp_path / "gone.nd2")
    assert "frames" in names_in(list_removable(results))
    clean(results, ["frames"])
    (tmp_path / "gone.nd2").unlink()
    found = list_removable(results)
    assert "labels" not in names_in(found)
    assert any("labels" in line for line in found.found.kept_lines())
    assert "frames" in names_in(list_removable(moved))


def test_what_a_run_would_make_differently_stays(pyama, results):
    config = results / layout.CONFIG_FILE
    config.write_text(config.read_text().replace("min_iou: 0.1", "min_iou: 0.4"))
    (results / layout.RUN_FILE).unlink()
    found = list_removable(results)
    assert set(names_in(found)) == set(KINDS) - {"crops"}
    assert "cells/1" not in names_in(found)["previews"]
    (line,) = found.found.kept_lines()
    assert line.startswith("previews, crops of FOV 0-1 (")
    assert "a run does not make them as they are (min_iou changed 0.1 -> 0.4)" in line


@pytest.mark.parametrize("n", [0, 1, 7, 30])
def test_an_interrupted_removal_is_understood_and_continued(
    pyama, movie, results, monkeypatch, n
):
    before, left = contents(results), [n]

    def unlink(path):
        left[0] -= 1
        if left[0] < 0:
            raise KeyboardInterrupt
        os.remove(path)

    with monkeypatch.context() as patched:
        patched.setattr(removing.os, "unlink", unlink)
        with pytest.raises(KeyboardInterrupt):
            clean(results, ["crops", "backgrounds"])
    again = Path(shutil.copytree(results, results.with_name("again")))
    report = verify(results)
    assert report.is_intact
    assert report.leftovers
    assert all("interrupted `pyama clean`" in str(found) for found in report.leftovers)
    assert "removed by pyama clean" in pyama("plan", movie, "-o", results, *SMALL).stdout
    assert process(movie, make_config(), results).succeeded
    assert contents(results) == before
    assert clean(again).left_overs
    assert verify(again).leftovers == ()
    assert process(movie, make_config(), again).succeeded
    assert contents(again) == before


def test_a_run_that_is_cancelled_after_cleaning_goes_on(movie, results):
    before = contents(results)
    clean(results, list(KINDS))
    for looks in (3, 9, 20):
        process(movie, make_config(), results, cancel_event=StopAfter(looks))
        verify(results)
    assert process(movie, make_config(), results).succeeded
    assert contents(results) == before


def test_files_of_others_and_links_stay(results, tmp_path):
    mine = results / "fov_000/images.zarr/fl_background_ch_1/0/mine.txt"
    mine.write_text("x")
    frames = results / "fov_000/images.zarr/fl_ch_1/0"
    elsewhere = Path(shutil.move(frames, tmp_path / "elsewhere"))
    frames.symlink_to(elsewhere)
    linked = results / "fov_001" / Path(CHUNK).relative_to("fov_000")
    shutil.move(linked, tmp_path / "chunk")
    linked.symlink_to(tmp_path / "chunk")
    kept = len(list(elsewhere.rglob("*")))
    listing = clean(results, list(KINDS))
    assert any("stay: their folder is a link" in line for line in listing.found.kept_lines())
    assert mine.read_text() == "x"
    assert len(list(elsewhere.rglob("*"))) == kept
    assert (tmp_path / "chunk").exists()
    assert linked.is_symlink()
    clean(results)
    assert mine.exists()


def test_a_run_at_work_is_not_disturbed(pyama, results):
    before = contents(results)
    with lock_fovs(results, [1]):
        with pytest.raises(LockedError, match="in use by process"):
            clean(results, list(KINDS))
        done = pyama("clean", results, "--yes")
    assert done.exit_code == 1
    assert "is in use by process" in done.stderr
    assert contents(results) == before


def test_corrections_are_carried_over_although_crops_were_removed(movie, results):
    usual = TRACKERS["iou"]

    def backwards(frames, params):
        for labels in usual(frames, params):
            yield (labels > 0) * (5 - labels)

    Inspection(results, 0).add(MarkCell(cell=1, good=False), "ann")
    clean(results, list(KINDS))
    TRACKERS["backwards"] = backwards
    try:
        config = make_config(tracking_method="backwards")
        assert process(movie, config, results, redo=True).succeeded
    finally:
        del TRACKERS["backwards"]
    (entry,) = Inspection(results, 0).state().entries
    assert entry.action == MarkCell(cell=4, good=False)


def test_a_field_of_view_made_again_does_not_count_as_made_differently(movie, results):
    clean(results, ["backgrounds", "labels"])
    assert process(movie, make_config(), results, [0]).succeeded
    assert folder_remarks(results) == []
    assert verify(results).removed.keys() == {1}


def test_page_and_report_tell_what_lacks(results):
    clean(results, list(KINDS))
    headers = {"Authorization": "Bearer secret"}
    app = create_app(results, "secret")
    with TestClient(app, base_url="http://localhost", headers=headers) as client:
        (remark,) = client.get("/api/dataset").json()["remarks"]
        details = client.get("/api/fovs/0").json()
        frame = client.get("/api/fovs/0/frames/pc_ch_0/0")
        traces = client.get("/api/fovs/0/traces/area_ch_0")
    assert remark.startswith("Removed by `pyama clean`: previews, crops")
    assert [group["group"] for group in details["groups"]] == ["seg_tracked_ch_0"]
    assert frame.status_code == 404
    assert "was removed by `pyama clean`. `pyama run` with" in frame.json()["detail"]
    assert traces.status_code == 200
    page = write_report(results, results / "report.html").read_text(encoding="utf-8")
    assert "Removed by `pyama clean`: previews, crops" in page


@pytest.mark.parametrize("answer", [True, False])
def test_in_a_terminal_it_asks(pyama, results, monkeypatch, answer):
    asked = []

    def confirm(text, **_):
        asked.append(text)
        return answer

    class Terminal:
        stdin = type("Stdin", (), {"isatty": staticmethod(lambda: True)})

    monkeypatch.setattr(clean_command, "sys", Terminal)
    monkeypatch.setattr(clean_command.typer, "confirm", confirm)
    done = pyama("clean", results, "--also", "crops, previews")
    assert done.exit_code == 0
    assert asked[0].startswith("Remove previews, crops of FOV 0-1 (")
    assert (results / "fov_000/cells.zarr").exists() is not answer


def test_the_listing_as_json(pyama, results):
    listed = json.loads(pyama("clean", results, "--json").stdout)
    assert listed["freed"] == 0
    assert list(listed["groups"]) == list(KINDS)
    assert listed["groups"]["crops"]["fovs"] == [0, 1]
    done = json.loads(pyama("clean", results, "--also", "crops", "--yes", "--json").stdout)
    assert done["freed"] == listed["groups"]["crops"]["size"] > 0


@pytest.mark.parametrize(
    ("arguments", "code", "text"),
    [
        (["--also", "traces"], 2, "there is no such kind of outputs"),
        (["."], 1, "holds no results"),
    ],
)
def test_wrong_usage_is_one_line(pyama, results, tmp_path, arguments, code, text):
    folder = results if arguments[0].startswith("-") else tmp_path / "nothing"
    done = pyama("clean", folder, *[word for word in arguments if word != "."])
    assert done.exit_code == code
    assert text in done.stderr
