"""A Dask cluster gives the same bytes, loses no worker silently, and stops when asked."""

import contextlib
import logging
import sys
import threading
import time
from concurrent.futures import BrokenExecutor
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path

import pytest

import child_runs
from pyama.algorithms.features import FLUORESCENCE_FEATURES, PHASE_FEATURES
from pyama.config import Channels
from pyama.errors import ConfigError, LockedError, PluginError
from pyama.processing.executors import dask_worker
from pyama.processing.executors.dask import GONE, _Cluster
from pyama.processing.executors.dask_worker import Run, _Slot
from pyama.processing.executors.messages import DIED
from pyama.processing.executors.pickled_plugins import pack_plugins
from pyama.processing.methods import PREPROCESSORS, SEGMENTERS
from pyama.processing.verify import verify
from pyama.processing.workflow import process
from pyama.store import FovStore, lock_fovs
from small_movie import MOVIE, contents, make_config, recording_of

distributed = pytest.importorskip("distributed", reason="Dask is not installed")
dask = pytest.importorskip("dask")

PLUGINS = """
import os
import time
from pathlib import Path

from pyama.algorithms.segmenters import logstd

HERE = Path(__file__).parent

def brightness(image, mask, context):
    return float(image[mask].max())

def deadly(frame, params):
    if frame.mean() > 30_000:
        with (HERE / "killed").open("a") as file:
            file.write("x")
        os._exit(9)
    return logstd.segment(frame, params)

def waiting(frame, params):
    with (HERE / "begun").open("a") as file:
        file.write("x")
    while not (HERE / "go").exists():
        time.sleep(0.01)
    return logstd.segment(frame, params)

class Inverting:
    def __init__(self, top):
        self.top = top

    def process(self, image):
        return self.top - image
"""


@pytest.fixture(scope="module")
def plugins(tmp_path_factory):
    """A module that workers can import too."""
    folder = tmp_path_factory.mktemp("plugins")
    (folder / "cluster_plugins.py").write_text(PLUGINS)
    sys.path.insert(0, str(folder))
    yield import_module("cluster_plugins")
    sys.path.remove(str(folder))
    del sys.modules["cluster_plugins"]


@contextlib.contextmanager
def cluster_of(n):
    options = {"dashboard_address": "127.0.0.1:0", "scheduler_kwargs": {"dashboard": False}}
    dask.config.set({"distributed.deploy.lost-worker-timeout": "1 day"})  # as in a real one
    with distributed.LocalCluster(
        n_workers=n,
        threads_per_worker=1,
        host="127.0.0.1",
        memory_limit=0,
        silence_logs=logging.CRITICAL,
        **options,
    ) as cluster:
        yield cluster


@pytest.fixture(scope="module")
def cluster(plugins):
    with cluster_of(1) as cluster:
        yield cluster


@pytest.fixture(scope="module")
def scheduler(cluster):
    """An address, as if the scheduler had been started by somebody else."""
    return cluster.scheduler_address


@pytest.fixture(autouse=True)
def registries():
    kept = PHASE_FEATURES, FLUORESCENCE_FEATURES, SEGMENTERS
    before = [dict(registry) for registry in kept]
    yield
    for registry, entries in zip(kept, before, strict=True):
        registry.data = entries
    PREPROCESSORS.clear()


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    folder = tmp_path_factory.mktemp("whole")
    assert process(recording_of(MOVIE[:3, :3]), make_config(), folder).succeeded
    return contents(folder)


def test_a_cluster_gives_the_same_bytes_and_tells_how_far_it_is(whole, scheduler, tmp_path):
    seen = []
    report = process(
        recording_of(MOVIE[:3, :3]),
        make_config(n_workers=2, batch_size=1),
        tmp_path,
        executor=scheduler,
        watch=seen.append,
    )
    assert report.succeeded, [str(failure) for failure in report.failures]
    assert contents(tmp_path) == whole, "and nothing else"
    assert {entry.step for entry in seen} == {entry.step for entry in report.steps}
    assert len([entry for entry in seen if entry.step == "segmentation"]) == 9
    assert verify(tmp_path).is_intact


def test_workers_need_not_stand_in_the_same_folder(
    cluster, whole, scheduler, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    report = process(recording_of(MOVIE[:3, :3]), make_config(), "out", executor=scheduler)
    assert report.succeeded, [str(failure) for failure in report.failures]
    assert contents(tmp_path / "out") == whole


def test_a_cluster_is_cancelled_within_a_frame_and_goes_on(whole, scheduler, tmp_path):
    event = threading.Event()

    def watch(progress):
        if progress.step == "segmentation":
            event.set()

    recording, config = recording_of(MOVIE[:3, :3]), make_config(n_workers=3)
    report = process(
        recording, config, tmp_path, executor=scheduler, cancel_event=event, watch=watch
    )
    assert report.cancelled
    assert not report.failures, "not even those that no worker has begun"
    assert [FovStore(tmp_path, fov).unfinished() for fov in range(3)] == [[], [], []]
    assert not list(tmp_path.glob("*.tmp"))
    assert process(recording, config, tmp_path, executor=scheduler).succeeded
    assert contents(tmp_path) == whole


def patience(seconds):
    """How long Dask tries to reach a scheduler."""
    return dask.config.set({"distributed.comm.timeouts.connect": f"{seconds}s"})


@contextlib.contextmanager
def calling_when_it_waits(then):
    """Call `then` when a run says that there are no workers."""

    class Handler(logging.Handler):
        def emit(self, record):
            if "has no workers" in record.getMessage():
                then()

    log, handler = logging.getLogger("pyama.processing.executors.dask"), Handler()
    log.addHandler(handler)
    try:
        yield
    finally:
        log.removeHandler(handler)


def test_a_cluster_without_workers_is_said_and_can_be_left(tmp_path):
    event = threading.Event()
    with cluster_of(0) as empty, calling_when_it_waits(event.set):
        report = process(
            recording_of(MOVIE[:1, :3]),
            make_config(),
            tmp_path,
            executor=empty.scheduler_address,
            cancel_event=event,
        )
    assert report.cancelled
    assert not report.failures


class ClosedClient:
    """What Dask makes of a client whose scheduler was killed."""

    def submit(self, *arguments, **options):
        raise distributed.client.ClosedClientError("closed")


def test_a_call_that_comes_too_late_fails_and_is_not_waited_for(tmp_path):
    never = threading.Event()
    open_calls = _Cluster(ClosedClient(), run_in(tmp_path), None, never)
    given = open_calls.submit(len, Context(tmp_path))
    open_calls.wait()
    assert str(given.exception()) == GONE
    ended = threading.Event()
    ended.set()
    lost = _Cluster(SilentClient(), run_in(tmp_path), None, never)
    lost.attend(ended)
    given = lost.submit(len, Context(tmp_path))
    lost.wait()
    assert str(given.exception()) == GONE


class SilentClient:
    def submit(self, *arguments, **options):
        return None


@dataclass(frozen=True)
class Context:
    output_dir: Path


def test_a_scheduler_that_goes_away_fails_what_was_left(whole, tmp_path):
    recording, config = recording_of(MOVIE[:3, :3]), make_config(n_workers=2)
    with (
        patience(2),
        cluster_of(0) as lost,
        calling_when_it_waits(threading.Thread(target=lost.close).start),
    ):
        report = process(recording, config, tmp_path, executor=lost.scheduler_address)
    assert report.failed_fovs == [0, 1, 2]
    assert {failure.message for failure in report.failures} == {GONE}
    assert process(recording, config, tmp_path).succeeded
    assert contents(tmp_path) == whole


def test_plugins_travel_logs_come_back_and_nothing_stays(
    plugins, whole, scheduler, tmp_path, caplog
):
    PHASE_FEATURES["brightness"] = plugins.brightness
    FLUORESCENCE_FEATURES["brightness"] = plugins.brightness
    PREPROCESSORS.append(plugins.Inverting(60_000))
    names = ["brightness"]
    config = make_config(Channels(pc=[0, names], fl=[[1, names]]), min_frames=30)
    recording = recording_of(MOVIE[:1, :3])
    assert process(recording, config, tmp_path / "threads").succeeded
    caplog.clear()
    with caplog.at_level(logging.WARNING, "pyama"):
        report = process(recording, config, tmp_path / "dask", executor=scheduler)
    assert report.succeeded, [str(failure) for failure in report.failures]
    assert [r for r in caplog.records if "min_frames is 30" in r.getMessage()]
    assert contents(tmp_path / "dask") == contents(tmp_path / "threads")
    PREPROCESSORS.clear()
    other = process(
        recording_of(MOVIE[:3, :3]), make_config(), tmp_path / "other", executor=scheduler
    )
    assert other.succeeded
    assert contents(tmp_path / "other") == whole


def test_a_plugin_that_cannot_travel_is_refused_by_name(tmp_path):
    PHASE_FEATURES["local"] = lambda image, mask, context: 1.0
    config = make_config(Channels(pc=[0, ["local"]], fl=[]))
    with pytest.raises(PluginError, match="phase feature 'local'"):
        process(recording_of(MOVIE[:1, :3]), config, tmp_path, executor="dask")
    assert not list(tmp_path.glob("fov_*/images.zarr")), "before any work"


def test_a_fov_that_kills_two_workers_fails_and_others_go_on(plugins, scheduler, tmp_path):
    SEGMENTERS["deadly"] = plugins.deadly
    images = MOVIE[:3, :3].copy()
    images[1, :, 0] += 30_000
    config = make_config(segmentation_method="deadly", n_workers=3)
    report = process(recording_of(images), config, tmp_path, executor=scheduler)
    assert report.failed_fovs == [1]
    assert [failure.message for failure in report.failures] == [DIED]
    assert (plugins.HERE / "killed").read_text() == "xx", "one other worker tries"
    assert not list(tmp_path.glob("*.tmp"))


@pytest.mark.skipif(not child_runs.FORKS, reason="needs a caller to be killed")
def test_a_worker_stops_when_the_run_that_asked_is_killed(
    plugins, cluster, scheduler, tmp_path, monkeypatch
):
    monkeypatch.setattr("pyama.store.lock.WAIT_SECONDS", 0.0)
    movie = child_runs.write_movie(tmp_path / "movie.nd2", 1, 6)
    folder = str(plugins.HERE)
    child = child_runs.start(
        child_runs.run_waiting_on_a_cluster, movie, tmp_path / "out", scheduler, folder
    )
    begun = plugins.HERE / "begun"
    while not begun.exists():
        time.sleep(0.01)
        assert child.is_alive()
    child.kill()
    child.join()
    with distributed.Client(scheduler, set_as_default=False) as client:
        while "executing" in _states(client):
            time.sleep(0.01)
        with pytest.raises(LockedError), lock_fovs(tmp_path / "out", [0]):
            pytest.fail("the worker may still write")
        (plugins.HERE / "go").touch()
        while _states(client):
            time.sleep(0.01)
    assert begun.read_text() == "x", "the first frame was the last"
    assert FovStore(tmp_path / "out", 0).unfinished() != []


def _states(client):
    """Of the calls that the worker knows."""

    def states(dask_worker):
        return [task.state for task in dask_worker.state.tasks.values()]

    return [state for found in client.run(states).values() for state in found]


def test_a_scheduler_that_is_not_there_is_one_line(tmp_path):
    with (
        patience(1),
        pytest.raises(ConfigError, match=r"No Dask scheduler answers at tcp://127\.0\.0\.1:9"),
    ):
        process(
            recording_of(MOVIE[:1, :3]),
            make_config(),
            tmp_path,
            executor="tcp://127.0.0.1:9",
        )


def run_in(folder):
    run = Run("mine", folder, [], logging.INFO, dask_worker.own_versions())
    run.flag.path.touch()
    return run


def test_a_worker_that_does_not_see_the_folder_or_has_other_versions_says_so(tmp_path):
    run = run_in(tmp_path)
    run.check()
    with pytest.raises(RuntimeError, match="same path"):
        replace(run, folder=tmp_path / "elsewhere").check()
    for name, found in run.versions.items():
        other = replace(run, versions=run.versions | {name: "99.0"})
        with pytest.raises(RuntimeError, match=rf"has {name} {found}, and this run {name} 99"):
            other.check()


class Unset:
    was_set = False

    def is_set(self):
        return True


def test_a_call_is_begun_by_two_workers_at_most_and_leaves_nothing(tmp_path):
    run, never = run_in(tmp_path), Unset()
    with contextlib.suppress(KeyboardInterrupt), run.begun(3, never, never) as has_died:
        assert not has_died
        with pytest.raises(BrokenExecutor), run.begun(3, never, never):
            pytest.fail("a worker that is alive may write")
        assert not run.withdraw(3)
        raise KeyboardInterrupt  # as if it was killed
    with run.begun(3, never, never) as has_died:
        assert has_died
    assert run.withdraw(4)
    with pytest.raises(BrokenExecutor), run.begun(4, never, never):
        pytest.fail("it was withdrawn")
    run.keep()
    run.clean_up()
    assert not list(tmp_path.iterdir())


class SilentWorker:
    def log_event(self, topic, message):
        pass


def test_a_process_serves_one_run_at_a_time(plugins, tmp_path):
    """Two threads of one worker, and runs with different preprocessors."""
    versions = dask_worker.own_versions()
    runs = []
    for top in (1, 2):
        PREPROCESSORS[:] = [plugins.Inverting(top)]
        runs.append(
            Run(str(top), tmp_path, pack_plugins(make_config()), logging.INFO, versions)
        )
    PREPROCESSORS.clear()
    place, seen, second_came = _Slot(), [], threading.Event()

    def visit():
        second_came.set()
        with place.taken(runs[1], SilentWorker()):
            seen.append([entry.top for entry in PREPROCESSORS])

    thread = threading.Thread(target=visit)
    with place.taken(runs[0], SilentWorker()):
        thread.start()
        second_came.wait()
        with place.taken(runs[0], SilentWorker()):
            seen.append([entry.top for entry in PREPROCESSORS])
    thread.join()
    assert seen == [[1], [2]]
    assert PREPROCESSORS == []
