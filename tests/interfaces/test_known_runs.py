"""The list of runs lies in the output folders: whoever started them, and after a restart."""

import json
import os
import shutil
import socket
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from fastapi.testclient import TestClient

from pyama import layout
from pyama.processing.record import read_record
from pyama.runs import known_runs
from pyama.runs.disk_progress import DiskWatch
from pyama.runs.earlier_results import earlier_results
from pyama.runs.recorded_summary import recorded_summary
from pyama.runs.request import PreparedRun
from pyama.store import LOCK_FILE, TRACES_MARK, FovStore, MarkFile, read_run, seal
from pyama.store.lock import DEAD_AFTER_SECONDS
from pyama.testing.nd2_writer import write_nd2
from pyama.web.application import create_app
from pyama.web.run_routes import RunRequest, stop_all
from results import results_in
from small_movie import MOVIE, contents

HERE = socket.gethostname()


@pytest.fixture
def folder(tmp_path):
    return results_in(tmp_path)


@pytest.fixture
def client(folder):
    app = create_app(folder.parent, "secret")
    headers = {"Authorization": "Bearer secret"}
    with TestClient(app, base_url="http://localhost", headers=headers) as client:
        yield client
    stop_all(app)


@pytest.fixture(scope="module")
def dead():
    """The id of a process that is gone."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def test_progress_on_disk_follows_whatever_becomes_of_the_outputs(folder):
    run, record = known_runs.known_run(folder), read_record(folder)
    watch = DiskWatch(run, record)
    mark = MarkFile(FovStore(folder, 1).path, TRACES_MARK).path
    kept = mark.read_bytes()
    mark.unlink()
    for _ in range(2):
        seen = watch.progress()
        assert seen == DiskWatch(run, record).progress()
        assert seen.done == seen.total - 1
        assert seen.places == {0: "finished", 1: "extraction"}
    mark.write_bytes(kept)
    seen = watch.progress()
    assert seen == DiskWatch(run, record).progress()
    assert seen.done == seen.total


@pytest.mark.parametrize("n_fovs", [0, 1, 3, 9])
def test_folders_of_others_are_no_fields_of_view_of_a_run(folder, n_fovs):
    run = replace(known_runs.known_run(folder), fovs=(4, 0, 3, 8))
    expected = [fov for fov in (0, 3, 4, 8) if fov in range(n_fovs)]
    assert run.recorded_fovs(n_fovs) == expected


def only(client):
    (entry,) = client.get("/api/known-runs").json()
    return entry


def state_of(client, entry):
    return client.get(f"/api/known-runs/{entry['id']}").json()


def lock(folder, pid, host, seconds_ago=0.0, fov=1):
    path = folder / layout.fov_dir(fov) / LOCK_FILE
    path.write_text(json.dumps({"pid": pid, "host": host}))
    then = path.stat().st_mtime - seconds_ago
    os.utime(path, (then, then))


OLD = 2 * DEAD_AFTER_SECONDS
LOCKS = [
    ("alive", HERE, 0, "running"),
    ("alive", HERE, OLD, "unknown"),
    ("dead", HERE, 0, "interrupted"),
    ("dead", HERE, OLD, "interrupted"),
    ("dead", "elsewhere", 0, "running"),
    ("alive", "elsewhere", OLD, "interrupted"),
]


@pytest.mark.skipif(os.name == "nt", reason="processes cannot be looked up")
@pytest.mark.parametrize(("process", "host", "seconds_ago", "status"), LOCKS)
def test_a_lock_tells_who_is_at_work(client, folder, dead, process, host, seconds_ago, status):
    pid = dead if process == "dead" else os.getpid()
    lock(folder, pid, host, seconds_ago)
    before = contents(folder)
    entry = only(client)
    assert entry["status"] == status
    assert entry["owner"] == f"process {pid} on {host}"
    state = state_of(client, entry)
    assert state["request"]["fovs"] == [1]
    assert list(state["fovs"].values()) == ["finished"]  # all its outputs are there
    assert (state["cannot_resume"] == "") == (status != "running")
    assert contents(folder) == before


@pytest.mark.parametrize("status", ["finished", "cancelled", "failed", "unfinished"])
def test_the_record_tells_how_a_run_ended(client, folder, status):
    entries = read_run(folder) | {"status": status}
    (folder / layout.RUN_FILE).write_bytes(seal(entries))
    entry = only(client)
    assert (entry["status"], entry["owner"]) == (status, "")
    assert entry["started"] == entries["started"]
    assert entry["seconds"] == entries["seconds"]


@pytest.mark.parametrize("content", [b"", b"{}", b"\0", b'{"status": 1'])
def test_a_damaged_record_is_said(client, folder, content):
    (folder / layout.RUN_FILE).write_bytes(content)
    entry = only(client)
    assert (entry["status"], entry["recording"]) == ("unfinished", "movie")
    assert "does not say how this run ended" in entry["message"]


def notes_of(entries, *names):
    for name in names:
        entries = entries[name]
    return entries


WRONG = {
    "a list of fields of view": ((), "fovs", [1, 2]),
    "a huge field of view": (("fovs",), "9" * 20, {}),
    "no notes": (("fovs", "0", "extraction", "outputs"), "traces", None),
    "a text for a number": (("fovs", "0", "extraction", "outputs", "traces"), "cells", "5"),
    "a text for a list": (("fovs", "0", "extraction", "outputs", "traces"), "removed", "abc"),
    "a number for counts": (
        *[("fovs", "0", "extraction", "outputs", "traces")],
        *["left", {"tracking": 5}],
    ),
    "the first year": ((), "started", "0001-01-01T00:00:00+14:00"),
    "the last year": ((), "started", "9999-12-31T23:59:59-14:00"),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_a_record_of_another_program_breaks_neither_list_nor_report(client, folder, wrong):
    place, name, value = WRONG[wrong]
    entries = read_run(folder)
    notes_of(entries, *place)[name] = value
    (folder / "run.json").write_bytes(seal(entries))
    (run,) = client.get("/api/known-runs").json()
    assert client.get(f"/api/known-runs/{run['id']}").status_code == 200
    output = run["output"]
    assert earlier_results([folder], read_record(folder).metadata)[0].output_dir == folder
    if wrong == "a text for a list":  # the others are read no further either
        assert client.post(f"/api/report?dir={output}").status_code == 200


def test_the_begin_of_a_run_is_a_moment_in_every_time_zone(folder):
    run = read_run(folder)
    run["started"] = "2026-03-01T01:30:00+02:00"
    (folder / layout.RUN_FILE).write_bytes(seal(run))
    (found,) = earlier_results([folder], read_record(folder).metadata)
    assert found.time == datetime(2026, 2, 28, 23, 30, tzinfo=UTC)
    assert found.time == known_runs.known_run(folder).started


@pytest.mark.parametrize("content", [b"{", b"[]", b'{"pid": "x"}', b"\xff\xfe"])
def test_a_lock_that_cannot_be_read_is_not_guessed_at(client, folder, content):
    (folder / "fov_000" / LOCK_FILE).write_bytes(content)
    entry = only(client)
    assert (entry["status"], entry["owner"]) == ("unknown", "another process")


def test_a_folder_of_no_field_of_view_of_the_recording_is_left_alone(client, folder, dead):
    (folder / "fov_900").mkdir()
    for fov in (1, 900):
        lock(folder, dead, HERE, fov=fov)
    state = state_of(client, only(client))
    assert (state["status"], state["request"]["fovs"]) == ("interrupted", [1])
    assert state["fovs"] == {"1": "finished"}


def test_an_interrupted_run_is_resumed_with_its_own_settings(client, folder, dead):
    write_nd2(folder.parent / "long.nd2", MOVIE[:2, :, None], channel_names=["Phase", "GFP"])
    channels = {"pc": {"channel": 0}, "fl": [{"channel": 1}]}
    params = {"min_frames": 3, "border_margin": 2, "n_workers": 1}
    order = {"file": "long.nd2", "output": "out", "channels": channels, "params": params}
    run = client.post("/api/runs", json=order | {"fovs": [1]}).json()
    client.app.state.runs.get(run["id"]).current.wait()
    lock(folder.parent / "out", dead, HERE)
    fresh = create_app(folder.parent, "secret")
    with TestClient(fresh, base_url="http://localhost", headers=client.headers) as again:
        entries = {entry["output"]: entry for entry in again.get("/api/known-runs").json()}
        assert entries["out"]["started_run"] is None
        state = state_of(again, entries["out"])
        assert (state["status"], state["cannot_resume"]) == ("interrupted", "")
        assert state["command"] == run["command"]
        assert any("INFO" in line for line in state["log"])
        resumed = again.post("/api/runs", json=state["request"]).json()
        assert resumed["command"] == run["command"]
        fresh.state.runs.get(resumed["id"]).current.wait()
        ended = again.get(f"/api/runs/{resumed['id']}").json()
        assert ended["status"] == "finished"
        state = state_of(again, entries["out"])
        # The first line has the seconds; what only concerned that start is not recorded.
        expected = [line for line in ended["summary"][1:] if "still locked" not in line]
        assert state["summary"][1:] == expected
        assert len(state["summary"]) > 5
        log = (folder.parent / "out" / layout.LOG_FILE).read_text().splitlines()
        begins = [line for line in log if "active_run: pyama " in line]
        assert len(begins) == 2
        assert state["log"][0] == begins[1]  # of the last run only
    stop_all(fresh)


@pytest.mark.skipif(os.name == "nt", reason="processes cannot be looked up")
def test_a_run_cannot_go_on_without_recording_and_copies(client, folder, dead):
    lock(folder, dead, HERE)
    assert state_of(client, only(client))["cannot_resume"] == ""  # all was copied
    shutil.rmtree(folder / "fov_001")
    (folder / "fov_001").mkdir()
    lock(folder, dead, HERE)
    state = state_of(client, only(client))
    assert "movie is not there, and nothing was copied from it" in state["cannot_resume"]
    (folder.parent / "movie").touch()
    assert state_of(client, only(client))["cannot_resume"] == ""


def test_a_recording_outside_of_the_root_is_not_read(client, folder, tmp_path_factory):
    elsewhere = tmp_path_factory.mktemp("elsewhere") / "movie.nd2"
    config = (folder / layout.CONFIG_FILE).read_text()
    config = config.replace("path: movie", f"path: {elsewhere}")
    assert str(elsewhere) in config
    (folder / layout.CONFIG_FILE).write_text(config)
    (folder / layout.RUN_FILE).unlink()
    state = state_of(client, only(client))
    assert "does not lie below the root" in state["cannot_resume"]
    assert str(elsewhere.parent) not in state["request"]["file"]


def test_hundred_folders_are_looked_at_once_for_all_pages(client, folder, monkeypatch):
    for number in range(99):
        place = folder.parent / f"run_{number:02d}"
        (place / "fov_000").mkdir(parents=True)
        for name in (layout.CONFIG_FILE, layout.RUN_FILE):
            shutil.copy(folder / name, place)
    for number, year in ((30, 2001), (60, 2099)):
        entries = read_run(folder) | {"started": f"{year}-01-01T00:00:00+00:00"}
        (folder.parent / f"run_{number:02d}" / layout.RUN_FILE).write_bytes(seal(entries))
    looked = []
    real = known_runs.known_run

    def look(path):
        looked.append(path)
        return real(path)

    monkeypatch.setattr(known_runs, "known_run", look)
    for _ in range(5):
        outputs = [entry["output"] for entry in client.get("/api/known-runs").json()]
        assert (len(outputs), outputs[0], outputs[-1]) == (100, "run_60", "run_30")
    assert len(looked) == 100


@pytest.mark.skipif(os.name == "nt", reason="links need rights on Windows")
@pytest.mark.parametrize("name", [layout.RUN_FILE, "fov_001/.lock", layout.LOG_FILE])
def test_no_link_leads_out(client, folder, tmp_path_factory, name):
    secret = tmp_path_factory.mktemp("outside") / "secret"
    secret.write_text("secret")
    (folder / name).unlink(missing_ok=True)
    (folder / name).symlink_to(secret)
    listed = client.get("/api/known-runs")
    states = [client.get(f"/api/known-runs/{entry['id']}") for entry in listed.json()]
    assert all("secret" not in answer.text for answer in [listed, *states])
    assert {answer.status_code for answer in states} <= {404}


def test_there_is_no_other_run(client):
    assert client.get("/api/known-runs/none").status_code == 404
    assert client.get("/api/known-runs/none/events").status_code == 404


@pytest.mark.skipif(os.name == "nt", reason="processes cannot be looked up")
def test_a_run_at_work_is_named_before_one_without_a_sign_of_life(client, folder):
    lock(folder, os.getpid(), HERE, OLD, fov=0)
    lock(folder, os.getpid(), HERE, 0, fov=1)
    assert only(client)["status"] == "running"


@pytest.mark.skipif(os.name == "nt", reason="processes cannot be looked up")
@pytest.mark.parametrize(
    ("process", "ages"), [("dead", (0, 300)), ("alive", (OLD + 300, OLD))]
)
def test_the_last_sign_of_life_is_that_of_the_latest_lock(folder, dead, process, ages):
    pid = dead if process == "dead" else os.getpid()
    for fov, age in enumerate(ages):
        lock(folder, pid, HERE, age, fov)
    latest = max(place.stat().st_mtime for place in folder.glob(f"fov_*/{LOCK_FILE}"))
    run = known_runs.known_run(folder)
    shown = datetime.fromtimestamp(latest, UTC).astimezone()
    assert f"{shown:%Y-%m-%d %H:%M:%S}" in run.message
    assert (run.owner, run.fovs) == (f"process {pid} on {HERE}", (0, 1))


def test_a_run_that_failed_before_its_record_is_told_by_the_server(client, folder):
    record = read_record(folder)
    prepared = PreparedRun(folder / "gone.nd2", folder, record.metadata, record.config, [0])
    ended = (folder / layout.RUN_FILE).read_bytes()
    (folder / layout.RUN_FILE).unlink()
    request = RunRequest(file="gone.nd2", output="results")
    run = client.app.state.runs.start(request, prepared)
    assert run.current.wait(60)
    entry = only(client)
    assert (entry["status"], entry["started_run"]) == ("failed", run.id)
    assert "gone.nd2" in entry["message"]
    (folder / layout.RUN_FILE).write_bytes(ended)  # what is recorded, is told by the folder
    client.app.state.known_runs._next_look = 0.0
    entry = only(client)
    assert (entry["status"], entry["started_run"], entry["message"]) == ("finished", None, "")


def test_a_run_that_failed_was_not_cancelled(folder):
    record = read_record(folder)
    for status in ("failed", "cancelled"):
        (folder / layout.RUN_FILE).write_bytes(seal(read_run(folder) | {"status": status}))
        counts = recorded_summary(folder, record)
        assert (counts["status"] == "cancelled") == (status == "cancelled")
