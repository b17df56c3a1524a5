"""One run at a time on a field of view, and no lock outlives its process."""

import errno
import json
import multiprocessing
import os
import signal
import socket
import sys
import threading
import time

import pytest

from pyama.errors import LockedError
from pyama.store import lock, lock_fovs, locks_joined, owned_token, remove_temporaries
from pyama.store.temporaries import temporary_beside

SPAWN = multiprocessing.get_context("spawn")


def hold(folder, fovs, line):
    """Hold locks in another process until told."""
    with lock_fovs(folder, fovs):
        line.send("held")
        line.poll(60)


def work(folder, fovs, line):
    """Take part in a run in another process until told."""
    with locks_joined(folder, fovs):
        line.send("joined")
        line.poll(60)


@pytest.fixture
def other(tmp_path):
    """Another process that holds FOV 3."""
    yield from started(hold, tmp_path)


@pytest.fixture
def worker(other, tmp_path):
    """A process that works for the other one."""
    yield from started(work, tmp_path)


def started(target, folder):
    line, far_end = SPAWN.Pipe()
    process = SPAWN.Process(target=target, args=(folder, [3], far_end), daemon=True)
    process.start()
    assert line.poll(60)
    process.let_go = lambda: line.send("let go")
    yield process
    line.close()
    far_end.close()
    process.terminate()
    process.join(60)


def owner(folder, fov=3):
    return (folder / f"fov_{fov:03d}" / ".lock").read_text()


def test_two_processes_cannot_hold_one_fov(tmp_path, other):
    said = rf"fov_003 is in use by process {other.pid} on .*\. Wait until it has ended"
    with pytest.raises(LockedError, match=said), lock_fovs(tmp_path, [1, 3, 5]):
        pass
    with lock_fovs(tmp_path, [1, 5]) as taken_over:
        assert taken_over == []


def test_the_lock_is_free_when_its_process_ends(tmp_path, other):
    other.let_go()
    other.join(60)
    assert owner(tmp_path) == ""
    with lock_fovs(tmp_path, [3]) as taken_over:
        assert taken_over == []


def test_the_lock_of_a_killed_process_is_taken_over_with_a_sentence(tmp_path, other):
    os.kill(other.pid, getattr(signal, "SIGKILL", signal.SIGTERM))
    other.join(60)
    with lock_fovs(tmp_path, [2, 3]) as taken_over:
        assert taken_over == [
            f"fov_003 was still locked by process {other.pid} on {socket.gethostname()}, "
            "which was killed. What it has not finished is made again."
        ]
        assert json.loads(owner(tmp_path))["pid"] == os.getpid()
    with lock_fovs(tmp_path, [3]) as taken_over:
        assert taken_over == []


def killed(process):
    os.kill(process.pid, getattr(signal, "SIGKILL", signal.SIGTERM))
    process.join(60)


def test_a_worker_keeps_the_lock_of_a_run_that_was_killed(
    tmp_path, other, worker, monkeypatch
):
    monkeypatch.setattr(lock, "WAIT_SECONDS", 0.05)
    killed(other)
    said = f"in use by process {other.pid}"
    with pytest.raises(LockedError, match=said), lock_fovs(tmp_path, [3]):
        pass
    killed(worker)
    with lock_fovs(tmp_path, [3]) as taken_over:
        assert len(taken_over) == 1


def test_a_run_waits_for_the_worker_of_a_run_that_was_killed(tmp_path, other, worker):
    killed(other)
    timer = threading.Timer(0.2, worker.let_go)
    timer.start()
    with lock_fovs(tmp_path, [3]):
        timer.join()
        assert not timer.is_alive()


def test_a_run_with_workers_that_lives_is_not_waited_for(tmp_path, other, worker, monkeypatch):
    monkeypatch.setattr(lock, "WAIT_SECONDS", 3600)
    with pytest.raises(LockedError), lock_fovs(tmp_path, [3]):
        pass


def test_a_worker_cannot_join_what_another_run_has_taken_over(tmp_path):
    (tmp_path / "fov_003").mkdir()
    with (tmp_path / "fov_003/.lock").open("ab", 0) as file:
        assert lock.attempt(lock.take, file)
        with pytest.raises(LockedError), locks_joined(tmp_path, [3]):
            pass


def test_one_process_cannot_hold_a_fov_twice(tmp_path):
    with lock_fovs(tmp_path, [3]):
        said = f"fov_003 is in use by process {os.getpid()}"
        with pytest.raises(LockedError, match=said), lock_fovs(tmp_path, [3]):
            pass
    with lock_fovs(tmp_path, [3, 3]):
        pass


def test_a_lock_is_let_go_whatever_happens(tmp_path):
    with pytest.raises(KeyboardInterrupt), lock_fovs(tmp_path, [3]):
        raise KeyboardInterrupt
    with lock_fovs(tmp_path, [3]) as taken_over:
        assert taken_over == []


def left_by(folder, host, age):
    """Leave a lock as a process on a host would, `age` seconds ago."""
    path = folder / "fov_003" / ".lock"
    path.parent.mkdir()
    path.write_text(json.dumps({"pid": 42, "host": host}))
    os.utime(path, (time.time() - age,) * 2)


def test_a_lock_of_another_host_with_a_fresh_heartbeat_holds(tmp_path):
    left_by(tmp_path, "elsewhere", 5)
    said = r"in use by process 42 on elsewhere\."
    with pytest.raises(LockedError, match=said), lock_fovs(tmp_path, [3]):
        pass
    assert json.loads(owner(tmp_path)) == {"pid": 42, "host": "elsewhere"}


def test_a_heartbeat_is_compared_with_the_clock_of_the_folder(tmp_path, monkeypatch):
    left_by(tmp_path, "elsewhere", 5)
    monkeypatch.setattr(time, "time", lambda: 0.0)
    with pytest.raises(LockedError), lock_fovs(tmp_path, [3]):
        pass


@pytest.mark.parametrize("age", [3600, -3600], ids=["old", "from before a clock was set back"])
def test_a_lock_of_another_host_with_an_old_heartbeat_is_taken_over(tmp_path, age):
    left_by(tmp_path, "elsewhere", age)
    with lock_fovs(tmp_path, [3]) as taken_over:
        assert taken_over == [
            "fov_003 was still locked by process 42 on elsewhere, which was killed. What it "
            "has not finished is made again."
        ]


def test_a_run_waits_until_another_host_gives_a_sign_of_life_or_is_dead(
    tmp_path, monkeypatch, caplog
):
    monkeypatch.setattr(lock, "POLL_SECONDS", 0.01)
    left_by(tmp_path, "elsewhere", 5)
    path = tmp_path / "fov_003" / ".lock"
    asked = []

    def beat():
        asked.append(1)
        if len(asked) == 3:
            os.utime(path)
        return False

    with pytest.raises(LockedError), lock_fovs(tmp_path, [3], beat):
        pytest.fail("it is alive")
    assert len(asked) >= 3
    said = "Waiting for process 42 on elsewhere, which has locked fov_003"
    assert caplog.text.count(said) == 1
    with pytest.raises(LockedError), lock_fovs(tmp_path, [3], lambda: True):
        pytest.fail("Ctrl-C ends the waiting")
    monkeypatch.setattr(lock, "DEAD_AFTER_SECONDS", 0.5)
    with lock_fovs(tmp_path, [3], lambda: False) as taken_over:
        assert len(taken_over) == 1


def test_a_lock_of_this_host_that_nobody_holds_is_taken_over_at_once(tmp_path):
    left_by(tmp_path, socket.gethostname(), 0)
    with lock_fovs(tmp_path, [3]) as taken_over:
        assert len(taken_over) == 1


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "\x00\xff"])
def test_a_lock_that_names_nobody_is_nobodys(tmp_path, text):
    (tmp_path / "fov_003").mkdir()
    (tmp_path / "fov_003" / ".lock").write_text(text, encoding="latin-1")
    with lock_fovs(tmp_path, [3]) as taken_over:
        assert taken_over == []


@pytest.mark.parametrize(("age", "is_free"), [(5, False), (3600, True)])
def test_without_locks_in_the_file_system_the_heartbeat_tells(
    tmp_path, monkeypatch, age, is_free
):
    def no_locks(file):
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr(lock, "take", no_locks)
    left_by(tmp_path, socket.gethostname(), age)
    if is_free:
        with lock_fovs(tmp_path, [3]) as taken_over:
            assert len(taken_over) == 1
    else:
        with pytest.raises(LockedError), lock_fovs(tmp_path, [3]):
            pass


def test_the_heartbeat_beats_and_survives_a_folder_that_is_gone(tmp_path, monkeypatch):
    monkeypatch.setattr(lock, "HEARTBEAT_SECONDS", 0.01)
    path = tmp_path / "fov_003" / ".lock"
    with lock_fovs(tmp_path, [3, 4]):
        os.utime(path, (1, 1))
        until = time.monotonic() + 30
        while path.stat().st_mtime < 10 and time.monotonic() < until:
            time.sleep(0.01)
        assert path.stat().st_mtime > 10
        if sys.platform != "win32":
            path.unlink()
            time.sleep(0.05)
            os.utime(tmp_path / "fov_004" / ".lock", (1, 1))
            while (tmp_path / "fov_004" / ".lock").stat().st_mtime < 10:
                assert time.monotonic() < until
                time.sleep(0.01)


def test_on_a_full_disk_a_lock_that_the_system_holds_is_enough(tmp_path, monkeypatch):
    usual = lock._write

    def full(file, text):
        if text:
            raise OSError(errno.ENOSPC, "No space left on device")
        usual(file, text)

    monkeypatch.setattr(lock, "_write", full)
    with lock_fovs(tmp_path, [3]):
        pass
    monkeypatch.setattr(lock, "attempt", lambda lock, file: None)  # no locks in this system
    with pytest.raises(OSError, match="No space left"), lock_fovs(tmp_path, [3]):
        pass


def test_a_lock_says_since_when_it_is_held(tmp_path, other):
    since = rf"{other.pid} on .* since \d{{4}}-\d\d-\d\d \d\d:\d\d:\d\d\. Wait"
    with pytest.raises(LockedError, match=since), lock_fovs(tmp_path, [3]):
        pass


def test_a_lock_that_a_file_server_keeps_for_a_crashed_computer_is_waited_for(
    tmp_path, monkeypatch
):
    """The system says that it is held, and its owner gives no sign of life."""
    monkeypatch.setattr(lock, "POLL_SECONDS", 0.01)
    left_by(tmp_path, "elsewhere", 3600)
    looks = []

    def released():
        looks.append(1)
        if len(looks) == 3:
            monkeypatch.undo()  # the server lets it go
        return False

    monkeypatch.setattr(lock, "attempt", lambda take, file: False)
    with lock_fovs(tmp_path, [3], released) as taken_over:
        assert "process 42 on elsewhere" in taken_over[0]
    assert len(looks) >= 3


def tmp_files(folder):
    return sorted(path.name for path in folder.glob("*.tmp"))


def write_and_end(folder):
    (folder / "fov_003").mkdir(exist_ok=True)
    temporary_beside(folder / "run.json").touch()
    (folder / f"dask-{owned_token()}-stop.tmp").touch()


@pytest.mark.skipif(sys.platform == "win32", reason="processes are not asked for there")
def test_files_of_a_process_that_has_ended_are_removed_at_once(tmp_path, monkeypatch):
    process = SPAWN.Process(target=write_and_end, args=(tmp_path,))
    process.start()
    process.join(60)
    own = temporary_beside(tmp_path / "run.json")
    (tmp_path / "notes.tmp").touch()
    own.touch()
    assert len(tmp_files(tmp_path)) == 4
    with monkeypatch.context() as elsewhere:
        elsewhere.setattr(socket, "gethostname", lambda: "elsewhere")
        remove_temporaries(tmp_path, 60)
    assert len(tmp_files(tmp_path)) == 4, "another computer does not know the process"
    remove_temporaries(tmp_path, 60)
    assert tmp_files(tmp_path) == ["notes.tmp", own.name]
    os.utime(own, (1, 1))
    remove_temporaries(tmp_path, 60)
    assert tmp_files(tmp_path) == ["notes.tmp"], "it is none of ours"
