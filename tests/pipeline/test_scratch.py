"""Outputs are made in a fast folder first, and no bytes differ."""

import errno
import random

import pytest

import child_runs
from pyama import layout
from pyama.errors import ConfigError
from pyama.processing.verify import verify
from pyama.processing.workflow import process
from pyama.store import files
from pyama.store.scratch import PREFIX
from small_movie import MOVIE, StopAfter, contents, make_config, recording_of

dice = random.Random(22)  # noqa: S311
RECORDING = recording_of(MOVIE[:1, :3, :, :90, :90])
CONFIG = make_config(n_workers=2)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    folder = tmp_path_factory.mktemp("whole")
    assert process(RECORDING, CONFIG, folder).succeeded
    return contents(folder)


@pytest.fixture
def scratch(tmp_path):
    folder = tmp_path / "scratch"
    folder.mkdir()
    (folder / "mine.tmp").touch()
    (folder / f"{PREFIX}.results.tmp").mkdir()
    return folder


def names(folder):
    return {path.name for path in folder.iterdir()}


OWN = {"mine.tmp", f"{PREFIX}.results.tmp"}


def test_the_bytes_are_the_same_and_nothing_stays(whole, scratch, tmp_path, monkeypatch):
    used, usual = set(), files.write_file

    def write(path, *data):
        used.add(str(scratch) in path)
        usual(path, *data)

    monkeypatch.setattr(files, "write_file", write)
    out = tmp_path / "out"
    report = process(RECORDING, CONFIG, out, scratch=scratch)
    assert report.succeeded, [str(failure) for failure in report.failures]
    assert used == {True}, "no output is written in its place"
    assert contents(out) == whole
    assert verify(out).is_intact
    assert names(scratch) == OWN


def test_cells_in_one_archive_are_moved_as_well(scratch, tmp_path):
    config = make_config(cells="zip")
    for name, place in (("beside", None), ("moved", scratch)):
        assert process(RECORDING, config, tmp_path / name, scratch=place).succeeded
    assert (tmp_path / "moved/fov_000" / layout.CELLS_ARCHIVE).is_file()
    assert contents(tmp_path / "moved") == contents(tmp_path / "beside")
    assert names(scratch) == OWN


def test_a_full_scratch_disk_is_one_line_and_loses_nothing(
    whole, scratch, tmp_path, monkeypatch
):
    usual, left = files.write_file, [20]

    def write(path, *data):
        left[0] -= 1
        if left[0] < 0:
            raise OSError(errno.ENOSPC, "No space left on device")
        usual(path, *data)

    out = tmp_path / "out"
    with monkeypatch.context() as full:
        full.setattr(files, "write_file", write)
        report = process(RECORDING, CONFIG, out, scratch=scratch)
    (failure,) = report.failures
    assert f"{scratch}/{PREFIX}" in failure.message
    assert "cannot be written: No space left on device" in failure.message
    assert names(scratch) == OWN
    assert process(RECORDING, CONFIG, out).succeeded
    assert contents(out) == whole


def test_a_cancelled_run_leaves_no_scratch(whole, scratch, tmp_path):
    event, out = StopAfter(12), tmp_path / "out"
    assert process(RECORDING, CONFIG, out, cancel_event=event, scratch=scratch).cancelled
    assert names(scratch) == OWN
    assert process(RECORDING, CONFIG, out, scratch=scratch).succeeded
    assert contents(out) == whole


@pytest.mark.skipif(not child_runs.FORKS, reason="needs children that can be killed")
def test_what_a_killed_run_has_left_is_removed_by_the_next(whole, scratch, tmp_path):
    left = 0
    for last in dice.sample(range(10, 200), 3):
        out = tmp_path / str(last)
        arguments = RECORDING, out, {}, last, False, scratch
        child = child_runs.start(child_runs.run_and_end, *arguments)
        child.join()
        assert child.exitcode == 9
        left += len(names(scratch) - OWN)
        report = process(RECORDING, CONFIG, out, scratch=scratch)
        assert report.succeeded, [str(failure) for failure in report.failures]
        assert contents(out) == whole, f"ended before change {last}"
        assert names(scratch) == OWN
    assert left > 0, "some were ended while an output was in scratch"


def test_a_scratch_folder_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(ConfigError, match=r"The scratch folder .* does not exist"):
        process(RECORDING, CONFIG, tmp_path / "out", scratch=tmp_path / "none")
