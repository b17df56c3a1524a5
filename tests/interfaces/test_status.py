"""`pyama run --shard` and `--time-limit`, and what `pyama status` says at every moment."""

import json
import os
import socket
import subprocess
import sys

from pyama.store import LOCK_FILE, read_run, seal
from small_movie import contents

SMALL = ["--set", "min_frames=2", "--set", "border_margin=2", "-j", "1"]


def states(pyama, folder):
    done = pyama("status", folder, "--json")
    found = json.loads(done.stdout)
    assert done.exit_code == (0 if found["complete"] else 1)
    return [fov["state"] for fov in found["fovs"]]


def test_parts_of_an_array_give_the_results_of_one_run(
    pyama, movie_file, tmp_path, monkeypatch
):
    parts, whole = tmp_path / "parts", tmp_path / "whole"
    assert "holds no results" in pyama("status", parts).stderr
    assert pyama("run", movie_file, "-o", parts, *SMALL, "--shard", "2/2").exit_code == 0
    assert states(pyama, parts) == ["missing", "finished", "missing"]
    text = pyama("status", parts).stdout
    assert text.startswith("movie.nd2: 1 of 3 FOVs finished\n")
    assert "missing     FOV 0,2\n" in text
    incomplete = pyama("verify", parts, "--complete", "--quick")
    assert incomplete.exit_code == 1
    assert "1 of 3 FOVs finished" in incomplete.stdout
    monkeypatch.setenv("SLURM_ARRAY_TASK_ID", "1")
    done = pyama("run", movie_file, "-o", parts, *SMALL, "--shard", "auto/2")
    assert done.exit_code == 0
    assert states(pyama, parts) == ["finished"] * 3
    assert pyama("verify", parts, "--complete", "--quick").exit_code == 0
    assert pyama("run", movie_file, "-o", whole, *SMALL).exit_code == 0
    assert contents(parts) == contents(whole)
    nothing = pyama("run", movie_file, "-o", parts, *SMALL, "--shard", "4/9")
    assert nothing.exit_code == 0
    assert "Part 4/9 has no field of view" in nothing.stderr


def test_a_run_stops_at_its_limit_and_the_status_says_so(
    pyama, movie_file, tmp_path, monkeypatch
):
    monkeypatch.setattr("pyama.runs.time_limits.parse_time_limit", lambda text: 0)
    stopped = pyama("run", movie_file, "-o", tmp_path, *SMALL, "--time-limit", "1s")
    assert stopped.exit_code == 130
    assert "The time limit is reached. Stopping within a frame" in stopped.stderr
    assert set(states(pyama, tmp_path)) <= {"finished", "interrupted", "missing"}
    assert "interrupted" in states(pyama, tmp_path) or "missing" in states(pyama, tmp_path)


def test_owners_and_failures_are_named(pyama, movie_file, tmp_path):
    assert pyama("run", movie_file, "-o", tmp_path, *SMALL, "--fovs", "0").exit_code == 0
    run = read_run(tmp_path)
    run["fovs"]["1"] = {
        "copying": {"status": "failed", "message": "The disk is full."},
        "background": {"status": "failed", "message": "There are no frames."},
    }
    (tmp_path / "run.json").write_bytes(seal(run))
    assert states(pyama, tmp_path) == ["finished", "failed", "missing"]
    text = pyama("status", tmp_path).stdout
    assert "failed      FOV 1: copying: The disk is full." in text
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    owners = {1: os.getpid(), 2: dead.pid}
    for fov, pid in owners.items():
        path = tmp_path / f"fov_{fov:03d}" / LOCK_FILE
        path.parent.mkdir(exist_ok=True)
        owner = {"pid": pid, "host": socket.gethostname(), "since": 1_700_000_000}
        path.write_text(json.dumps(owner))
    assert states(pyama, tmp_path) == ["finished", "running", "interrupted"]
    text = pyama("status", tmp_path).stdout
    assert f"running     FOV 1: waiting: process {os.getpid()} on " in text
    assert "since 2023-11-1" in text
    assert f"killed process {owners[2]} on {socket.gethostname()} since 2023" in text
