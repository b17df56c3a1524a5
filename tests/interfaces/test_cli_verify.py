"""`pyama verify`, and `pyama run --executor`."""

import json

import pytest

from pyama.testing.nd2_writer import write_nd2
from small_movie import MOVIE, contents

SMALL = ["--set", "min_frames=2", "--set", "border_margin=2", "-j", "1"]
CHUNK = "fov_000/images.zarr/fl_ch_1/0/c.1.0.0"


@pytest.fixture(scope="module")
def movie(tmp_path_factory):
    path = tmp_path_factory.mktemp("movie") / "movie.nd2"
    write_nd2(path, MOVIE[:1, :2, None], channel_names=["Phase", "GFP"])
    return path


@pytest.fixture
def results(pyama, movie, tmp_path):
    assert pyama("run", movie, "-o", tmp_path / "out", *SMALL).exit_code == 0
    return tmp_path / "out"


def test_undamaged_results_are_reported_as_undamaged(pyama, results):
    done = pyama("verify", results)
    assert done.exit_code == 0
    assert done.stdout.startswith("No damage found: ")
    assert "in FOV 0 are as they were written" in done.stdout
    assert done.stderr == ""


def test_damage_is_named_planned_and_made_good(pyama, movie, results):
    before = contents(results)
    (results / CHUNK).write_bytes(b"x")
    done = pyama("verify", results)
    assert done.exit_code == 1
    assert done.stdout.startswith(f"{CHUNK}: truncated: 1 of ")
    assert "`pyama run` with the same options" in done.stdout
    plan = pyama("plan", movie, "-o", results, *SMALL).stdout
    assert "copying: runs, images.zarr/fl_ch_1/0/c.1.0.0 is truncated" in plan
    assert pyama("run", movie, "-o", results, *SMALL).exit_code == 0
    assert contents(results) == before
    assert pyama("verify", results, "--quick").exit_code == 0


def test_the_report_as_json(pyama, results):
    (results / CHUNK).unlink()
    (results / "run.json.1.tmp").write_bytes(b"")
    done = pyama("verify", results, "--json", "--quick")
    assert done.exit_code == 1
    found = json.loads(done.stdout)
    assert found["intact"] is False
    assert found["quick"] is True
    assert found["fovs"] == [0]
    assert found["damages"] == [
        {"path": CHUNK, "problem": "missing", "fov": 0, "output": "fl_ch_1/0"}
    ]
    assert [left["path"] for left in found["leftovers"]] == ["run.json.1.tmp"]


def test_a_folder_without_results_is_one_line(pyama, tmp_path):
    done = pyama("verify", tmp_path)
    assert done.exit_code == 1
    assert done.stderr.startswith("Error: ")
    assert "holds no results" in done.stderr


@pytest.mark.parametrize("executor", ["processes", "dask"])
def test_processes_give_the_same_results(pyama, movie, results, tmp_path, executor):
    if executor == "dask":
        pytest.importorskip("distributed", reason="Dask is not installed")
    done = pyama("run", movie, "-o", tmp_path / "2", *SMALL, "--executor", executor)
    assert done.exit_code == 0
    assert contents(tmp_path / "2") == contents(results)


def test_an_unknown_executor_is_wrong_usage(pyama, movie, tmp_path):
    done = pyama("run", movie, "-o", tmp_path / "2", "--executor", "magic")
    assert done.exit_code == 2
    assert "'threads', 'processes', 'dask'" in done.stderr
    assert not (tmp_path / "2").exists()


def test_dask_that_is_not_installed_is_one_line(pyama, movie, tmp_path, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    for executor in ("dask", "tcp://127.0.0.1:8786"):
        done = pyama("run", movie, "-o", tmp_path / "2", "--executor", executor)
        assert done.exit_code == 2
        assert "pip install 'pyama-traces[dask]'" in " ".join(done.stderr.split())
    assert not (tmp_path / "2").exists()
