"""The same bytes, however the work is shared out."""

import functools
import logging
import os
import signal
import sys
import threading
import time
from pathlib import Path
from types import ModuleType

import pytest

import child_runs
from example_counts import amount
from pyama.algorithms.features import FLUORESCENCE_FEATURES, PHASE_FEATURES
from pyama.config import Channels
from pyama.errors import LockedError, PluginError
from pyama.processing.cancelling import FlagFile
from pyama.processing.executors.messages import DIED
from pyama.processing.methods import PREPROCESSORS, SEGMENTERS
from pyama.processing.step_reports import Status
from pyama.processing.workflow import process
from pyama.store import FovStore, files, lock
from small_movie import MOVIE, contents, make_config, recording_of

PLUGINS = """
import os

def brightness(image, mask, context):
    return float(image[mask].max())

def ending(frame, params):
    os._exit(9)

class Learning:
    def __init__(self):
        self.top = None

    def process(self, image):
        if self.top is None:
            self.top = int(image.max())
        return self.top - image

class Inverting:
    def __init__(self, top):
        self.top = top

    def process(self, image):
        return self.top - image
"""


def make_recording():
    return recording_of(MOVIE[:3, :3])


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    folder = tmp_path_factory.mktemp("whole")
    assert process(make_recording(), make_config(), folder).succeeded
    return contents(folder)


@pytest.fixture
def plugins(tmp_path_factory, monkeypatch):
    """A module that any process can import, and registries as they were afterwards."""
    folder = tmp_path_factory.mktemp("plugins")
    (folder / "my_plugins.py").write_text(PLUGINS)
    monkeypatch.syspath_prepend(folder)
    monkeypatch.delitem(sys.modules, "my_plugins", raising=False)
    registries = PHASE_FEATURES, FLUORESCENCE_FEATURES, SEGMENTERS
    before = [dict(registry) for registry in registries]
    import my_plugins

    yield my_plugins
    for registry, entries in zip(registries, before, strict=True):
        registry.data = entries
    PREPROCESSORS.clear()


WAYS = [
    pytest.param("threads", {"n_workers": 1, "batch_size": 1}, id="one thread"),
    pytest.param("threads", {"n_workers": 2, "batch_size": 5}, id="two threads"),
    pytest.param("threads", {"n_workers": 4, "batch_size": 1}, id="four threads"),
    pytest.param("processes", {"n_workers": 2, "batch_size": 1}, id="two processes"),
]
EVERY_WAY = [
    pytest.param(
        executor,
        {"n_workers": n, "batch_size": size},
        id=f"{n} {executor}, batch size {size}",
    )
    for executor in ("threads", "processes")
    for n in (1, 2, 4)
    for size in (1, 5)
]


@pytest.mark.parametrize(("executor", "params"), amount(WAYS, EVERY_WAY))
def test_bytes_do_not_depend_on_the_workers(whole, tmp_path, executor, params):
    seen = []
    report = process(
        make_recording(),
        make_config(**params),
        tmp_path,
        executor=executor,
        watch=seen.append,
        update=lambda successful, failed, message: seen.append((successful, failed)),
    )
    assert report.succeeded, [str(failure) for failure in report.failures]
    assert contents(tmp_path) == whole
    ended = [entry for entry in seen if isinstance(entry, tuple)]
    assert sum(successful for successful, _ in ended) == 3
    steps = {entry.step for entry in seen if not isinstance(entry, tuple)}
    assert steps == {entry.step for entry in report.steps}


def test_with_several_workers_a_frame_is_read_while_the_one_before_is_written(
    whole, tmp_path, monkeypatch
):
    recording = make_recording()
    asked = threading.Event()
    read, write_file = recording.read, files.write_file

    def reading(fov, frame, channels):
        if frame == 1:
            asked.set()
        return read(fov, frame, channels)

    def writing(path, *data):
        if Path(path).name == "c.0.0.0":
            assert asked.wait(60), "the second frame is read only after the first is written"
        write_file(path, *data)

    monkeypatch.setattr(recording, "read", reading)
    monkeypatch.setattr(files, "write_file", writing)
    assert process(recording, make_config(n_workers=2), tmp_path).succeeded
    assert contents(tmp_path) == whole


@pytest.mark.parametrize(("n_workers", "batch_size"), [(1, 2), (2, 1), (2, 2)])
def test_no_field_of_view_waits_for_others(tmp_path, monkeypatch, n_workers, batch_size):
    """The first one stops in its second step until the last one has its last preview."""
    recording = recording_of(MOVIE[[0, 1, 2, 0, 1], :2])
    read, last, all_but_one_ended = (
        recording.read,
        recording.metadata.n_fovs - 1,
        threading.Event(),
    )
    ended = []

    def reading(fov, frame, channels):
        ahead = fov - len(ended)
        assert ahead < n_workers + (batch_size if n_workers > 1 else 0), "copied too early"
        return read(fov, frame, channels)

    def watch(progress):
        place = progress.step, progress.fov
        if place == ("caching", last):
            all_but_one_ended.set()
        elif place == ("segmentation", 0) and n_workers > 1:
            assert all_but_one_ended.wait(60), "other fields of view wait for this one"

    monkeypatch.setattr(recording, "read", reading)
    config = make_config(n_workers=n_workers, batch_size=batch_size)
    report = process(
        recording, config, tmp_path, watch=watch, update=lambda *result: ended.append(result)
    )
    assert report.succeeded, [str(failure) for failure in report.failures]
    assert ended == [(1, 0, "Completed")] * 5
    assert [entry.fov for entry in report.steps] == sorted(entry.fov for entry in report.steps)


def test_bytes_do_not_depend_on_fovs_being_run_together(whole, tmp_path):
    for fov in (2, 0, 1):
        assert process(make_recording(), make_config(), tmp_path, [fov]).succeeded
    assert contents(tmp_path) == whole


def test_processes_are_cancelled_within_a_frame_and_go_on(whole, tmp_path):
    event = threading.Event()

    def watch(progress):
        if progress.step == "segmentation":
            event.set()

    config = make_config(n_workers=1)
    report = process(
        make_recording(),
        config,
        tmp_path,
        executor="processes",
        cancel_event=event,
        watch=watch,
    )
    assert report.cancelled
    assert [FovStore(tmp_path, fov).unfinished() for fov in range(3)] == [[], [], []]
    assert process(make_recording(), config, tmp_path).succeeded
    assert contents(tmp_path) == whole


def test_a_flag_file_is_set_for_everyone_who_looks(tmp_path):
    flag = FlagFile(tmp_path / "stop")
    assert not flag.is_set()
    FlagFile(tmp_path / "stop").set()
    assert flag.is_set()


def test_plugins_that_can_be_imported_travel_and_logs_come_back(plugins, tmp_path, caplog):
    PHASE_FEATURES["local"] = lambda image, mask, context: 1.0  # not used: may stay
    PHASE_FEATURES["brightness"] = plugins.brightness
    FLUORESCENCE_FEATURES["brightness"] = plugins.brightness
    PREPROCESSORS.append(plugins.Inverting(60_000))
    names = ["brightness"]
    config = make_config(Channels(pc=[0, names], fl=[[1, names]]), min_frames=30)
    recording = recording_of(MOVIE[:1, :3])
    assert process(recording, config, tmp_path / "threads").succeeded
    caplog.clear()
    with caplog.at_level(logging.WARNING, "pyama"):
        report = process(recording, config, tmp_path / "processes", executor="processes")
    assert report.succeeded, [str(failure) for failure in report.failures]
    found = [r for r in caplog.records if "min_frames is 30" in r.getMessage()]
    assert found
    assert all(record.process != os.getpid() for record in found)
    assert contents(tmp_path / "processes") == contents(tmp_path / "threads")


@pytest.mark.parametrize("executor", ["threads", "processes"])
def test_a_preprocessor_may_change_itself_while_it_works(plugins, tmp_path, executor):
    learning = plugins.Learning()
    PREPROCESSORS.append(learning)
    recording = recording_of(MOVIE[:2, :3])
    report = process(recording, make_config(n_workers=2), tmp_path, executor=executor)
    assert [str(entry) for entry in report.steps.with_status(Status.FAILED)] == []
    PREPROCESSORS[:] = [plugins.Learning()]
    again = process(recording, make_config(), tmp_path)
    assert {entry.status for entry in again.steps} == {Status.UNCHANGED}


def test_plugins_that_cannot_be_imported_are_refused_by_name(plugins, tmp_path, monkeypatch):
    class Local:
        def process(self, image):
            return image

    file = ModuleType("from_a_file")
    monkeypatch.setitem(sys.modules, "from_a_file", file)
    exec("def feature(number, i, m, c): return number", vars(file))  # noqa: S102
    PHASE_FEATURES["inside"] = functools.partial(file.feature, 1)
    PHASE_FEATURES["local"] = lambda image, mask, context: 1.0
    PREPROCESSORS.append(Local())
    FLUORESCENCE_FEATURES["brightness"] = plugins.brightness
    config = make_config(Channels(pc=[0, ["local", "inside"]], fl=[[1, ["brightness"]]]))
    with pytest.raises(PluginError, match="cannot import") as caught:
        process(recording_of(MOVIE[:1, :3]), config, tmp_path, executor="processes")
    message = str(caught.value)
    assert "phase feature 'local'" in message
    assert "phase feature 'inside' (its module from_a_file is not found" in message
    assert "preprocessor 'Local'" in message
    assert "brightness" not in message
    assert "use threads" in message
    assert not list(tmp_path.glob("fov_*/images.zarr")), "before any work"


def test_a_process_that_dies_is_reported_and_the_next_run_goes_on(plugins, whole, tmp_path):
    SEGMENTERS["ending"] = plugins.ending
    config = make_config(segmentation_method="ending", n_workers=1, batch_size=2)
    told = []
    report = process(
        make_recording(),
        config,
        tmp_path,
        executor="processes",
        update=lambda successful, failed, message: told.append((successful, failed, message)),
    )
    assert report.failed_fovs == [0, 1, 2], "a fresh process for every field of view"
    assert {failure.message for failure in report.failures} == {DIED}
    assert told == [(0, 1, f"FOV {fov}, start: {DIED}") for fov in range(3)]
    assert process(make_recording(), make_config(), tmp_path).succeeded
    assert contents(tmp_path) == whole


@pytest.mark.skipif(not child_runs.FORKS, reason="needs a parent to be killed")
def test_processes_end_with_the_run_that_started_them(tmp_path):
    movie = child_runs.write_movie(tmp_path / "movie.nd2", 1, 6)
    pids = tmp_path / "pids"
    child = child_runs.start(child_runs.run_and_tell, movie, tmp_path / "out", pids)
    while not (pids.exists() and pids.read_text().endswith("\n")):
        time.sleep(0.01)
        assert child.is_alive()
    worker = int(pids.read_text())
    child.kill()
    child.join()
    for _ in range(1000):
        if not is_alive(worker):
            return
        time.sleep(0.01)
    pytest.fail("the worker lives on")


@pytest.mark.skipif(not child_runs.FORKS, reason="needs a process to be halted")
def test_a_run_waits_for_the_processes_of_one_that_was_killed(tmp_path, monkeypatch):
    movie = child_runs.write_movie(tmp_path / "movie.nd2", 1, 6)
    out, pids = tmp_path / "out", tmp_path / "pids"
    child = child_runs.start(child_runs.run_and_tell, movie, out, pids)
    while not (pids.exists() and pids.read_text().endswith("\n")):
        time.sleep(0.01)
        assert child.is_alive()
    worker = int(pids.read_text())
    os.kill(worker, signal.SIGSTOP)
    child.kill()
    child.join()
    monkeypatch.setattr(lock, "WAIT_SECONDS", 0.05)
    before = contents(out)
    with pytest.raises(LockedError, match=f"in use by process {child.pid}"):
        process(movie, make_config(), out)
    assert contents(out) == before
    monkeypatch.undo()
    os.kill(worker, signal.SIGCONT)
    report = process(movie, make_config(), out)
    assert report.succeeded, [str(failure) for failure in report.failures]
    assert any("which was killed" in message for message in report.messages)
    assert process(movie, make_config(), tmp_path / "whole").succeeded
    assert contents(out) == contents(tmp_path / "whole")


def is_alive(pid):
    stat = Path(f"/proc/{pid}/stat")  # of a process that has ended, until somebody asks
    if stat.exists() and stat.read_text().rpartition(")")[2].split()[0] == "Z":
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
