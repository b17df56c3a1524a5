"""Forty jobs that write into one folder and end at the same moment."""

import re

import pytest

import child_runs
from pyama.processing.record import is_intact, read_record
from pyama.processing.verify import verify
from pyama.processing.workflow import process
from pyama.runs.folder_status import folder_status
from pyama.store import read_run
from small_movie import MOVIE, contents, make_config

N = 40


@pytest.mark.long
@pytest.mark.timeout(1200)
def test_forty_shards_that_end_at_the_same_moment_lose_nothing(tmp_path):
    movie, gate = tmp_path / "movie.nd2", tmp_path / "gate"
    images = MOVIE[[fov % 3 for fov in range(N)]][:, :2, None]
    child_runs.write_nd2(movie, images, channel_names=["Phase", "GFP"])
    gate.mkdir()
    folder, whole = tmp_path / "shards", tmp_path / "whole"
    arguments = [(movie, folder, fov, gate, N) for fov in range(N)]
    children = [child_runs.start(child_runs.run_shard, *each) for each in arguments]
    for child in children:
        child.join(600)
    assert {child.exitcode for child in children} == {0}

    run, log = read_run(folder), (folder / "run.log").read_text()
    assert list(run["fovs"]) == list(map(str, range(N)))
    assert len({str(sorted(steps)) for steps in run["fovs"].values()}) == 1
    assert run["status"] == "finished"
    assert read_record(folder).config == make_config()
    assert is_intact(folder / "processing_config.yaml")
    for fov in range(N):
        assert log.count(f"1 of {N} FOVs, 2 frames each, FOV {fov}\n") == 1
        assert log.count(f"end of FOV {fov}\n") == 1
    assert all(
        re.match(r"\d{4}-\d\d-\d\d .* (INFO|WARNING) pyama", line) for line in log.splitlines()
    )
    assert folder_status(folder).is_complete
    assert process(movie, make_config(), whole).succeeded
    assert contents(folder) == contents(whole)
    assert verify(folder).is_intact
