"""Whatever is done to a file of a finished output is named, and made good."""

import json
import os
import random
import shutil
from itertools import cycle
from pathlib import Path

import pytest
import yaml

import child_runs
from example_counts import CHAOS, drawn
from pyama import layout
from pyama.errors import StoreError
from pyama.processing.step_reports import Status
from pyama.processing.verify import verify
from pyama.processing.workflow import process
from pyama.store import CELLS_MARK, MarkFile, lock_fovs
from small_movie import StopAfter, contents, make_config, recording_of

dice = random.Random(5)  # noqa: S311
UNWATCHED = {layout.LOG_FILE, ".lock"}
"""Files that a run writes and nobody reads: their damage changes nothing."""


def make_recording():
    return recording_of(child_runs.MOVIE[:2, :3])


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    folder = tmp_path_factory.mktemp("finished")
    assert process(make_recording(), make_config(), folder).succeeded
    return folder


@pytest.fixture
def results(finished, tmp_path):
    """A copy with its dates, which a test may damage."""
    return Path(shutil.copytree(finished, tmp_path / "results"))


def files_of(folder):
    return sorted(
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.is_file() and path.name not in UNWATCHED
    )


def kind(name):
    """Files of one kind are written alike, so that a sample takes one of each."""
    parts = [part for part in Path(name).parts if not part.isdecimal()]
    return "/".join(parts[1:] or parts), Path(name).suffix


def sample(folder):
    kinds = {}
    for name in files_of(folder):
        kinds.setdefault(kind(name), []).append(name)
    every = [dice.choice(names) for names in kinds.values()]
    whole_folder = [name for name in every if "/" not in name]
    return whole_folder + dice.sample(every, 22)


def delete(path):
    path.unlink()


def truncate(path):
    os.truncate(path, dice.randrange(path.stat().st_size))


def flip(path):
    data = bytearray(path.read_bytes())
    data[dice.randrange(len(data))] ^= 1 << dice.randrange(8)
    path.write_bytes(data)


def flip_in_secret(path):
    """As a failing disk does: without a new date."""
    before = path.stat()
    flip(path)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


DAMAGES = {
    "deleted": delete,
    "truncated": truncate,
    "flipped": flip,
    "rotten": flip_in_secret,
}


def steps_redone(report):
    redone = [entry for entry in report.steps if entry.status is Status.DONE]
    return {(entry.fov, entry.step) for entry in redone}


def owners(folder, name):
    """Field of view and outputs that vouch for a file."""
    fov = layout.parse_fov(Path(name).parts[0])
    if fov is None:
        return None, []
    path, own = folder / Path(name).parts[0], Path(*Path(name).parts[1:]).as_posix()
    marks = [MarkFile(path, name) for name in mark_names(path)]
    return fov, [mark.read().recipe.step for mark in marks if own in mark.files()]


def mark_names(path):
    return [mark.stem.replace(".", "/") for mark in (path / ".marks").glob("*.json")]


def check(finished, folder, name, damage):
    fov, steps = owners(finished, name)
    DAMAGES[damage](folder / name)
    report = verify(folder)
    named = {found.path for found in report.damages}
    assert name in named, f"{name} was {damage}"
    assert verify(folder).damages == report.damages, "looking again finds the same"
    again = process(make_recording(), make_config(), folder)
    assert again.succeeded, [str(failure) for failure in again.failures]
    assert contents(folder) == contents(finished)
    assert verify(folder).is_intact
    redone = steps_redone(again)
    allowed = {(fov, step) for step in steps}
    if "cropping" in steps:  # previews of crops lie in the same folders
        allowed.add((fov, "caching"))
    assert redone <= allowed
    assert bool(redone) == (fov is not None)


@pytest.mark.timeout(7200 if CHAOS else 300)
def test_any_damaged_file_is_named_and_made_again(finished, results):
    cases = [(name, damage) for name in files_of(finished) for damage in DAMAGES]
    chosen = list(zip(sample(finished), cycle(DAMAGES), strict=False))
    if CHAOS:
        chosen = drawn(dice, cases, len(chosen))
    for name, damage in chosen:
        check(finished, results, name, damage)
    print(f"{len(chosen)} of {len(cases)} damages")  # noqa: T201


def test_a_sound_folder_is_sound_and_stays_as_it_is(finished):
    before = contents(finished)
    report = verify(finished)
    assert report.is_intact
    assert report.leftovers == ()
    assert report.fovs == (0, 1)
    assert report.files >= len(files_of(finished)) - 2
    assert contents(finished) == before


def test_a_quick_look_sees_what_is_missing_but_not_what_is_rotten(results):
    chunk = results / "fov_001/images.zarr/fl_ch_1/0/c.2.0.0"
    flip_in_secret(chunk)
    assert verify(results, quick=True).is_intact
    assert [found.path for found in verify(results).damages] == [
        "fov_001/images.zarr/fl_ch_1/0/c.2.0.0"
    ]
    delete(chunk)
    (found,) = verify(results, quick=True).damages
    assert (found.problem, found.fov, found.output) == ("missing", 1, "fl_ch_1/0")


def test_only_the_fields_of_view_asked_for_are_looked_at(results):
    delete(results / "fov_001/images.zarr/fl_ch_1/0/c.2.0.0")
    assert verify(results, [0]).is_intact
    assert not verify(results, [1]).is_intact


def test_a_missing_field_of_view_is_named(results):
    shutil.rmtree(results / "fov_001")
    assert [str(found) for found in verify(results).damages] == ["fov_001: missing"]


def test_a_missing_output_with_its_mark_is_named(results):
    MarkFile(results / "fov_000", CELLS_MARK).remove()
    shutil.rmtree(results / "fov_000/cells.zarr")
    assert {found.output for found in verify(results).damages} == {"cells/0", "cells/1"}


def test_a_run_that_has_not_ended_is_not_sound(tmp_path):
    process(make_recording(), make_config(), tmp_path, cancel_event=StopAfter(12))
    report = verify(tmp_path)
    assert report.is_intact, "what was finished before the cancel is"
    (tmp_path / "run.json").unlink()
    assert [found.path for found in verify(tmp_path).damages] == ["run.json"]


def test_strays_and_leftovers_are_named_and_harmless(results):
    (results / "fov_000/images.zarr/pc_ch_0/0/c.9.0.0").write_bytes(b"x")
    (results / "fov_000/.marks/traces.json.123.tmp").write_bytes(b"x")
    (results / "run.json.123.tmp").write_bytes(b"x")
    report = verify(results)
    assert report.is_intact
    assert {str(found) for found in report.leftovers} == {
        "fov_000/images.zarr/pc_ch_0/0/c.9.0.0: belongs to no output",
        "fov_000/.marks/traces.json.123.tmp: left over from an interrupted run",
        "run.json.123.tmp: left over from an interrupted run",
    }


def test_leftovers_of_a_killed_run_are_removed_by_the_next(results):
    old, young = results / "run.json.123.tmp", results / "run.json.124.tmp"
    for path in (old, young, results / "fov_000/x.csv.5.tmp"):
        path.write_bytes(b"x")
    os.utime(old, (1, 1))
    assert process(make_recording(), make_config(), results).succeeded
    assert [found.path for found in verify(results).leftovers] == [young.name]


def test_a_field_of_view_at_work_is_not_looked_at(results):
    with lock_fovs(results, [0]):
        (found,) = verify(results).damages
    assert found.path == "fov_000"
    assert found.problem.startswith("not verified: ")
    assert "is in use by process" in found.problem


@pytest.mark.parametrize("name", ["", "nothing here"])
def test_a_folder_without_results_is_an_error(tmp_path, name):
    with pytest.raises(StoreError, match="holds no results"):
        verify(tmp_path / name)


def test_a_configuration_edited_by_hand_is_named_and_written_anew(finished, results):
    path = results / layout.CONFIG_FILE
    path.write_text(path.read_text().replace("min_iou: 0.1", "min_iou: 0.4"))
    assert [str(found) for found in verify(results).damages] == [
        f"{layout.CONFIG_FILE}: changed: its checksum differs"
    ]
    report = process(make_recording(), make_config(), results)
    assert steps_redone(report) == set()
    before = yaml.safe_load((finished / layout.CONFIG_FILE).read_text())
    assert yaml.safe_load(path.read_text()) == before


def test_run_json_of_another_recording_is_named(finished, results, tmp_path):
    process(recording_of(child_runs.MOVIE[:1, :2]), make_config(), tmp_path / "other")
    shutil.copy(tmp_path / "other/run.json", results / "run.json")
    damages = verify(results, []).damages
    assert [found.path for found in damages] == ["run.json"]
    assert "another recording" in damages[0].problem


def test_a_damaged_folder_of_a_recording_that_is_gone_is_repaired_from_what_is_there(
    finished, results, tmp_path
):
    delete(results / layout.CONFIG_FILE)
    delete(results / "fov_001/images.zarr/seg_tracked_ch_0/0/c.0.0.0")
    report = process(tmp_path / "gone" / "movie", make_config(), results)
    assert report.succeeded
    assert contents(results) == contents(finished)
    assert verify(results).is_intact


def test_a_step_that_meets_a_damaged_input_fails_and_says_how_to_go_on(results):
    flip_in_secret(results / "fov_001/images.zarr/fl_ch_1/0/c.2.0.0")
    changed = make_config(tile_size=60)
    report = process(make_recording(), changed, results)
    (failure,) = report.failures
    assert (failure.fov, failure.step, failure.frame) == (1, "background", 2)
    assert "pyama verify" in failure.message
    verify(results)
    assert process(make_recording(), changed, results).succeeded


def test_the_report_is_plain_json(results):
    delete(results / "fov_001/images.zarr/fl_ch_1/0/c.2.0.0")
    entries = json.loads(json.dumps(verify(results).entries()))
    assert entries["intact"] is False
    assert entries["damages"][0]["path"] == "fov_001/images.zarr/fl_ch_1/0/c.2.0.0"
