"""Scheduler, workers and the run are killed at random moments; the same command goes on.

`python dev.py chaos -m long tests/long/test_dask_chaos.py` plays forty rounds of each.
"""

import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from contextlib import contextmanager
from functools import partial

import pytest

import child_runs
from example_counts import amount
from pyama.processing.verify import verify
from pyama.processing.workflow import process
from pyama.store import read_run
from small_movie import MOVIE, contents, make_config

pytest.importorskip("distributed", reason="Dask is not installed")
pytestmark = [
    pytest.mark.long,
    pytest.mark.timeout(3 * 3600),
    pytest.mark.skipif(not child_runs.FORKS, reason="needs children that can be killed"),
]
N_FOVS, N_WORKERS = 16, 2
ROUNDS = amount(2, 40)
OPTIONS = ["--pc", "0", "--fl", "1", "--workers", "2"]
OPTIONS += ["--set", "min_frames=2", "--set", "border_margin=2"]
PATIENCE = 300
"""Nothing takes so long on any computer, except what never ends."""
dice = random.Random(21)  # noqa: S311


@pytest.fixture(scope="module")
def movie(tmp_path_factory):
    path = tmp_path_factory.mktemp("movie") / "movie.nd2"
    images = MOVIE[[fov % 3 for fov in range(N_FOVS)]][:, :3, None]
    child_runs.write_nd2(path, images, channel_names=["Phase", "GFP"])
    return path


@pytest.fixture(scope="module")
def whole(movie, tmp_path_factory):
    folder = tmp_path_factory.mktemp("whole")
    assert process(movie, make_config(), folder).succeeded
    return contents(folder)


class OwnCluster:
    """A scheduler and workers, each a process that can be killed."""

    def __init__(self, folder):
        self.folder, self.scheduler, self.workers = folder, None, []

    def complete(self):
        """Start what is not running, and return the address of the scheduler."""
        if self.scheduler is None or self.scheduler.poll() is not None:
            self.stop()
            place = self.folder / "scheduler.json"
            place.unlink(missing_ok=True)
            words = "--host", "127.0.0.1", "--port", "0", "--no-dashboard"
            self.scheduler = self._start("scheduler", *words, "--scheduler-file", place)
            wait_until(lambda: place.exists() and place.read_text().endswith("}"))
            self.address = json.loads(place.read_text())["address"]
        self.workers = [worker for worker in self.workers if worker.poll() is None]
        while len(self.workers) < N_WORKERS:
            words = self.address, "--no-nanny", "--nthreads", "1", "--no-dashboard"
            words += "--local-directory", self.folder
            self.workers.append(self._start("worker", *words, "--host", "127.0.0.1"))
        return self.address

    def _start(self, *words):
        command = [sys.executable, "-m", "dask", *map(str, words)]
        with (self.folder / f"{words[0]}.log").open("a") as log:
            return subprocess.Popen(command, stdout=log, stderr=log)

    def stop(self):
        for part in filter(None, [self.scheduler, *self.workers]):
            part.kill()
            part.wait()


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    cluster = OwnCluster(tmp_path_factory.mktemp("cluster"))
    yield cluster
    cluster.stop()


def wait_until(condition):
    until = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.01)


class Command:
    """`pyama run` in a child, with what it says."""

    def __init__(self, movie, folder, address):
        self.folder, self.out = folder, folder.with_suffix(".out")
        arguments = "run", str(movie), "-o", str(folder), "--executor", address, *OPTIONS
        self.child = child_runs.start(child_runs.command_line_into, self.out, *arguments)

    def wait(self):
        """Return the exit code, and how many seconds it took."""
        begun = time.monotonic()
        self.child.join(PATIENCE)
        assert self.child.exitcode is not None, self.said()
        return self.child.exitcode, time.monotonic() - begun

    def said(self):
        return self.out.read_text()

    def n_finished(self):
        return len(list(self.folder.glob("fov_*/.marks/traces.json")))


def kill_scheduler(cluster, command):
    cluster.scheduler.kill()


def kill_worker(cluster, command):
    dice.choice(cluster.workers).kill()


def kill_all_workers(cluster, command):
    for worker in cluster.workers:
        worker.kill()


def kill_client(cluster, command):
    command.child.kill()


KILLS = {
    "scheduler": (kill_scheduler, {1}),
    "one worker": (kill_worker, {0}),
    "all workers": (kill_all_workers, {0}),
    "client": (kill_client, {-signal.SIGKILL}),
}


@contextmanager
def begun(cluster, movie, folder):
    """Start a command, and wait for a random number of finished fields of view."""
    address = cluster.complete()
    command = Command(movie, folder, address)
    last = dice.randrange(1, N_FOVS * 3 // 4)
    wait_until(lambda: command.n_finished() >= last or not command.child.is_alive())
    time.sleep(dice.uniform(0, 0.3))
    try:
        yield command
    finally:
        command.child.kill()


def check_failures(command):
    """One line for every field of view that is not finished, and not more."""
    said = set(re.findall(r"^Failed: FOV (\d+), .*scheduler was lost", command.said(), re.M))
    failed = {
        fov
        for fov, steps in read_run(command.folder)["fovs"].items()
        if any(step["status"] == "failed" for step in steps.values())
    }
    assert said == failed
    assert read_run(command.folder)["status"] == "failed"


def check_the_same_command_goes_on(cluster, movie, whole, folder):
    again = Command(movie, folder, cluster.complete())
    code, _ = again.wait()
    assert code == 0, again.said()
    assert contents(folder) == whole
    assert verify(folder).is_intact


@pytest.mark.parametrize("kind", KILLS)
def test_whatever_is_killed_the_command_ends_and_the_same_goes_on(
    cluster, movie, whole, tmp_path, kind
):
    kill, codes = KILLS[kind]
    seen, slowest = Counter(), 0.0
    while sum(seen.values()) - seen["ended before"] < ROUNDS:
        assert seen["ended before"] < 3 * ROUNDS + 5, "the runs end before they are killed"
        folder = tmp_path / str(sum(seen.values()))
        with begun(cluster, movie, folder) as command:
            n_left = N_FOVS - command.n_finished()
            if n_left < 2 or not command.child.is_alive():
                seen["ended before"] += 1
                continue
            kill(cluster, command)
            if kind == "all workers":
                wait_until(partial(waits_or_has_ended, command))
                cluster.complete()
            code, seconds = command.wait()
            slowest = max(slowest, seconds)
            assert code in codes, command.said()
            if code == 1:
                check_failures(command)
            seen[f"exit code {code}"] += 1
        check_the_same_command_goes_on(cluster, movie, whole, folder)
        shutil.rmtree(folder)
        print(f"{kind}: {dict(seen)}, the slowest after {slowest:.1f} s")  # noqa: T201


def waits_or_has_ended(command):
    return "has no workers" in command.said() or not command.child.is_alive()


@pytest.mark.parametrize("kind", ["nothing", "scheduler", "one worker", "all workers"])
def test_ctrl_c_ends_the_command_in_each_of_these_states(
    cluster, movie, whole, tmp_path, kind
):
    seen, slowest = Counter(), 0.0
    for number in range(amount(1, 10)):
        folder = tmp_path / str(number)
        with begun(cluster, movie, folder) as command:
            if kind in KILLS:
                KILLS[kind][0](cluster, command)
            time.sleep(dice.uniform(0, 3))
            if command.child.is_alive():
                os.kill(command.child.pid, signal.SIGINT)
            code, seconds = command.wait()
            slowest = max(slowest, seconds)
            assert code in {0, 1, 130}, command.said()
            seen[f"exit code {code}"] += 1
        check_the_same_command_goes_on(cluster, movie, whole, folder)
        shutil.rmtree(folder)
        ended = f"{dict(seen)}, the slowest after {slowest:.1f} s"
        print(f"Ctrl-C, {kind} killed: {ended}")  # noqa: T201
