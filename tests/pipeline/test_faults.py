"""Machines fail: disks fill, files go away, plugins break. A run says so and goes on."""

import builtins
import errno
import os
import random
import re
import shutil
import subprocess
import sys
import threading
import time
from collections import namedtuple
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

import child_runs
from example_counts import CHAOS, drawn
from pyama.algorithms.features import FLUORESCENCE_FEATURES, PHASE_FEATURES
from pyama.algorithms.segmenters import logstd
from pyama.algorithms.trackers import iou
from pyama.config import Channels
from pyama.errors import PyamaError, ReaderError, StoreError
from pyama.processing.methods import PREPROCESSORS, SEGMENTERS, TRACKERS
from pyama.processing.recipes import recipes
from pyama.processing.steps import cropping
from pyama.processing.verify import verify
from pyama.processing.workflow import process
from pyama.processing.workflow.disk_space import needed_space
from pyama.readers import open_reader
from pyama.runs.summary import summary, summary_lines
from pyama.store import files
from pyama.testing.nd2_writer import write_nd2
from small_movie import MOVIE, SHAPE, contents, make_config, recording_of

dice = random.Random(11)  # noqa: S311


def make_recording():
    return recording_of(MOVIE[:2, :2, :, :90, :90])


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    folder = tmp_path_factory.mktemp("whole")
    assert process(make_recording(), make_config(), folder).succeeded
    return contents(folder)


class Disk:
    """Counts what is written, and fails at one of the writes."""

    KINDS = (errno.ENOSPC, errno.EIO, errno.EACCES, errno.EMFILE)

    def __init__(self, monkeypatch, bad=-1, *, stays_bad=False):
        self.count, self.bad, self.stays_bad = 0, bad, stays_bad
        self.place = None
        self.opened = {}
        for owner, name in (
            (Path, "write_bytes"),
            (files, "write_file"),
            (Path, "mkdir"),
            (files, "make_folder"),
            (Path, "replace"),
            (os, "fsync"),
        ):
            monkeypatch.setattr(owner, name, self._wrapped(getattr(owner, name)))
        spool = cropping._temporary
        monkeypatch.setattr(cropping, "_temporary", lambda place: Spool(self, spool(place)))
        opened = Path.open
        monkeypatch.setattr(Path, "open", self._opened(opened))

    def _wrapped(self, real):
        def call(subject, *arguments, **options):
            self._tick(subject, real.__name__, *arguments)
            return real(subject, *arguments, **options)

        return call

    def _opened(self, real):
        def call(path, mode="r", *arguments, **options):
            if "w" in mode and path.name.endswith(".tmp"):
                self._tick(path, "open")
            file = real(path, mode, *arguments, **options)
            self.opened[file.fileno()] = path
            return file

        return call

    def _tick(self, subject, name, *arguments):
        self.count += 1
        over = self.stays_bad and self.count > self.bad >= 0
        if self.count - 1 != self.bad and not over:
            return
        self.place = f"{name} of {self.opened.get(subject, subject)}"
        code = self.KINDS[self.bad % len(self.KINDS)]
        is_write = name in {"write_bytes", "write_file"}
        if is_write and code == errno.ENOSPC:  # takes what there is room for
            with builtins.open(subject, "wb") as file:
                file.write(arguments[0][: len(arguments[0]) // 2])
        # A full disk does not say which file it was.
        raise OSError(code, os.strerror(code))


class Spool:
    """A temporary file on that disk."""

    def __init__(self, disk, file):
        self.disk, self.file = disk, file

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.file.close()

    def __getattr__(self, name):
        return getattr(self.file, name)

    def write(self, data):
        half = data[: (len(data) + 1) // 2]
        self.disk._tick("a spool", "write")
        return self.file.write(half)  # the system may take a part only


IN_PASSING = re.compile(r"(_ch_\d|cells\.zarr/\w+/\d+)/1($|/)|\.marks($|/\w+\.1\.)")
"""Places of previews, and of their marks."""


def writes_of_a_run(folder):
    with pytest.MonkeyPatch.context() as patch:
        disk = Disk(patch)
        assert process(make_recording(), make_config(), folder).succeeded
    return disk.count


def check_failure_at(bad, whole, folder):
    """Fail at one write; return where."""
    messages = []
    with pytest.MonkeyPatch.context() as patch:
        disk = Disk(patch, bad)
        try:
            report = process(make_recording(), make_config(), folder)
            messages = [str(entry) for entry in report.steps.with_status("failed")]
            fovs = {entry.fov for entry in report.steps.with_status("failed")}
            if not messages:  # made in passing, so that its own step had another try
                assert report.succeeded, disk.place
                assert IN_PASSING.search(disk.place), disk.place
                assert contents(folder) == whole, disk.place
                return disk.place
            assert len(fovs) == 1, f"{disk.place}: others go on"
            done = {e.step for e in report.steps if e.fov not in fovs and e.status == "done"}
            assert len(done) == 7
        except PyamaError as error:
            messages = [str(error)]
    assert messages, disk.place
    for message in messages:
        assert "\n" not in message, disk.place
        assert str(folder) in message, f"{disk.place}: {message} names no file"
    damaged = (
        [found.problem for found in verify(folder).damages]
        if any(folder.glob("fov_*/.marks"))
        else []
    )
    assert not any(problem.startswith(("changed", "truncated")) for problem in damaged)
    again = process(make_recording(), make_config(), folder)
    assert again.succeeded, [str(failure) for failure in again.failures]
    assert contents(folder) == whole, disk.place
    assert verify(folder).is_intact
    return disk.place


@pytest.mark.timeout(7200 if CHAOS else 300)
def test_a_failing_write_is_one_line_and_the_next_run_makes_it_good(whole, tmp_path):
    total = writes_of_a_run(tmp_path / "counted")
    chosen = drawn(dice, range(total), 10)
    for bad in chosen:
        check_failure_at(bad, whole, tmp_path / str(bad))
        shutil.rmtree(tmp_path / str(bad))
    print(f"failed at {len(chosen)} of {total} writes")  # noqa: T201


def test_a_disk_that_stays_full_is_one_line_per_fov_with_file_and_step(whole, tmp_path):
    with pytest.MonkeyPatch.context() as patch:
        Disk(patch, 100, stays_bad=True)
        report = process(make_recording(), make_config(), tmp_path)
    assert report.failed_fovs == [0, 1]
    for failure in report.failures:
        assert str(tmp_path / f"fov_{failure.fov:03d}") in failure.message
        assert failure.step in str(failure)
    assert any("run.json cannot be written" in message for message in report.messages)
    assert process(make_recording(), make_config(), tmp_path).succeeded
    assert contents(tmp_path) == whole


@pytest.mark.parametrize("frame", [0, 1], ids=["the first", "the last"])
@pytest.mark.parametrize("n_workers", [1, 2], ids=["one after the other", "at once"])
def test_a_frame_that_cannot_be_copied_is_named(monkeypatch, tmp_path, n_workers, frame):
    real = files.write_file

    def write_file(path, *data):
        if Path(path).parts[-3:] == ("fl_ch_1", "0", f"c.{frame}.0.0"):
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        real(path, *data)

    monkeypatch.setattr(files, "write_file", write_file)
    report = process(make_recording(), make_config(n_workers=n_workers), tmp_path)
    assert [(bad.step, bad.fov, bad.frame) for bad in report.failures] == [
        ("copying", 0, frame),
        ("copying", 1, frame),
    ]
    counts = summary(report, make_config(), 1)
    lines = summary_lines(counts)
    assert [line.partition(":")[2].partition(":")[0] for line in lines[-2:]] == [
        f" FOV {fov}, copying, frame {frame}" for fov in (0, 1)
    ]
    many = summary_lines(counts | {"failures": counts["failures"] * 6})
    assert sum(line.startswith("Failed: ") for line in many) == 10
    assert many[-1].strip() == "and 2 more, see run.log"
    assert not list(tmp_path.glob("fov_*/.marks/*_ch_*")), "half a stack is vouched for"


@pytest.mark.skipif(sys.platform == "win32", reason="says something else there")
def test_a_name_that_is_too_long_is_one_line(tmp_path):
    with pytest.raises(StoreError, match=r"cannot be written: .*too long"):
        process(make_recording(), make_config(), tmp_path / ("x" * 300))


needs_forks = pytest.mark.skipif(
    not child_runs.FORKS or sys.platform != "linux", reason="needs the limits of Linux"
)


def open_to_all(folder):
    """Let another user reach a temporary folder, which is private."""
    for path in (folder, *folder.parents):
        if path.stat().st_mode & 0o005 != 0o005:
            path.chmod(0o755)
    return folder


@pytest.fixture(scope="module")
def movie(tmp_path_factory):
    folder = open_to_all(tmp_path_factory.mktemp("movie"))
    return child_runs.write_movie(folder / "movie.nd2")


LIMITS = [
    pytest.param(child_runs.few_files, "Too many open files", id="too many open files"),
    pytest.param(child_runs.small_files, "File too large", id="files cannot grow"),
]


@needs_forks
@pytest.mark.parametrize(("limit", "reason"), LIMITS)
def test_a_machine_without_means_is_one_line(movie, tmp_path, limit, reason):
    failures = child_runs.answer(child_runs.run_without, limit, movie, tmp_path / "out")
    assert failures
    for failure in failures:
        assert reason in failure
        assert "\n" not in failure
    expected = tmp_path / "expected"
    assert process(movie, make_config(), expected).succeeded
    assert process(movie, make_config(), tmp_path / "out").succeeded
    assert contents(tmp_path / "out") == contents(expected)


@needs_forks
def test_a_folder_that_may_not_be_written_is_one_line(movie, tmp_path):
    open_to_all(tmp_path)
    out = tmp_path / "out"
    (failure,) = child_runs.answer(child_runs.run_without, child_runs.another_user, movie, out)
    assert failure.startswith(f"raised: {out} cannot be written: Permission denied.")
    assert process(movie, make_config(), out).succeeded
    before = contents(out)
    (failure,) = child_runs.answer(child_runs.run_without, child_runs.another_user, movie, out)
    assert "Permission denied" in failure
    assert contents(out) == before


@needs_forks
def test_a_folder_that_may_not_be_written_can_be_verified(movie, tmp_path):
    out = tmp_path / "out"
    assert process(movie, make_config(), out).succeeded
    chunk = out / "fov_001/images.zarr/fl_ch_1/0/c.2.0.0"
    chunk.unlink()
    open_to_all(tmp_path)
    damaged = child_runs.answer(child_runs.verify_as_another, out)
    assert damaged == ["fov_001/images.zarr/fl_ch_1/0/c.2.0.0: missing"]


Usage = namedtuple("Usage", "total used free")


def need_of(recording, fovs):
    metadata, config = recording.metadata, make_config()
    return needed_space(metadata, config, {f: recipes(metadata, config, f) for f in fovs})


def test_a_disk_with_far_too_little_room_is_refused_before_any_work(monkeypatch, tmp_path):
    monkeypatch.setattr(shutil, "disk_usage", lambda path: Usage(10**9, 10**9, 1000))
    with pytest.raises(StoreError, match="has room for 1 kB, and the run needs about"):
        process(make_recording(), make_config(), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_disk_with_a_little_too_little_room_is_a_warning(monkeypatch, tmp_path):
    need = need_of(make_recording(), [0, 1]).size
    monkeypatch.setattr(shutil, "disk_usage", lambda path: Usage(0, 0, need // 2))
    report = process(make_recording(), make_config(), tmp_path)
    assert report.succeeded
    assert "it may stop before the end" in report.messages[0]


def leave_files(monkeypatch, number):
    """Let a file system have room for a number of files."""
    size = {"f_frsize": 4096, "f_blocks": 2**30, "f_bfree": 2**29, "f_bavail": 2**29}
    found = SimpleNamespace(f_files=number + 10, f_favail=number, **size)
    monkeypatch.setattr(os, "statvfs", lambda path: found, raising=False)


def test_far_too_few_files_are_refused_before_any_work(monkeypatch, tmp_path):
    leave_files(monkeypatch, 50)
    words = r"has room for 50 more files and folders, and the run needs about \d+\. Remove"
    with pytest.raises(StoreError, match=words):
        process(make_recording(), make_config(), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_too_few_files_for_the_cells_are_a_warning(monkeypatch, tmp_path):
    need = need_of(make_recording(), [0, 1])
    leave_files(monkeypatch, need.files - need.cells)
    report = process(make_recording(), make_config(), tmp_path)
    assert report.succeeded
    assert f"about {need.files}: it may stop before the end" in report.messages[0]
    leave_files(monkeypatch, 0)
    assert process(make_recording(), make_config(), tmp_path).succeeded, "nothing is written"


def test_the_number_of_files_is_of_the_right_order(tmp_path):
    recording = make_recording()
    need = need_of(recording, [0, 1])
    assert process(recording, make_config(), tmp_path).succeeded
    found = len(list(tmp_path.rglob("*")))
    n_crops = len(list(tmp_path.glob("fov_*/cells.zarr/*_ch_*/*/")))
    fixed = found - 8 * n_crops
    assert (need.files - need.cells) / 2 < fixed < 1.2 * (need.files - need.cells)


def test_the_files_of_a_long_recording_are_those_of_the_promise():
    metadata = make_recording().metadata
    update = {"n_frames": 180, "shapes": ((2048, 2048),), "times_min": None}
    metadata = metadata.model_copy(update=update)
    config = make_config()
    need = needed_space(metadata, config, {0: recipes(metadata, config, 0)})
    assert need.cells == 32 * 839
    assert need.files - need.cells + 32 * 876 <= 28_700


def test_what_is_finished_needs_no_more_room(monkeypatch, tmp_path):
    assert process(make_recording(), make_config(), tmp_path).succeeded
    monkeypatch.setattr(shutil, "disk_usage", lambda path: Usage(0, 0, 0))
    assert process(make_recording(), make_config(), tmp_path).succeeded


def test_the_room_that_is_needed_is_of_the_right_order(tmp_path):
    rng = np.random.default_rng(0)
    images = rng.poisson(1000, (1, 3, 2, 512, 512)).astype(np.uint16)
    images[:, :, 0] = rng.normal(2000, 10, (1, 3, 512, 512))
    texture = rng.integers(0, 300, (3, 50, 50), np.uint16)
    for y in range(100, 450, 80):
        for x in range(100, 450, 80):
            images[0, :, 0, y : y + 50, x : x + 50] += texture
    recording = recording_of(images)
    need = need_of(recording, [0]).size
    assert process(recording, make_config(), tmp_path).succeeded
    found = sum(path.stat().st_size for path in tmp_path.rglob("*") if path.is_file())
    assert need / 4 < found < 2 * need


class Meddling:
    """Does something to the file after the first frame was copied."""

    def __init__(self, meddle):
        self.meddle, self.done = meddle, False

    def __call__(self, progress):
        if not self.done and progress.step == "copying":
            self.done = True
            self.meddle()


def grow(path):
    with path.open("ab") as file:
        file.write(b"more")


def cut(path):
    os.truncate(path, path.stat().st_size // 2)


def replace(path):
    other = path.with_name("other.nd2")
    write_nd2(other, MOVIE[1:3, :4, None] + 1, channel_names=["Phase", "GFP"])
    other.replace(path)


MEDDLING = [
    pytest.param(Path.unlink, "was removed while it was copied", id="removed"),
    pytest.param(grow, "", id="grows"),
    pytest.param(cut, "", id="cut off"),
    pytest.param(replace, "has changed while it was copied", id="replaced"),
]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows keeps an open file as it is")
@pytest.mark.parametrize(("meddle", "reason"), MEDDLING)
def test_an_input_that_changes_while_it_is_copied_is_one_line(movie, tmp_path, meddle, reason):
    path = Path(shutil.copy(movie, tmp_path / "movie.nd2"))
    watch = Meddling(lambda: meddle(path))
    report = process(path, make_config(), tmp_path / "out", watch=watch)
    assert [failure.step for failure in report.failures] == ["copying", "copying"]
    for failure in report.failures:
        assert str(path) in failure.message
        assert reason in failure.message
        assert "\n" not in failure.message
    shutil.copy(movie, path)
    assert process(path, make_config(), tmp_path / "out").succeeded
    assert process(movie, make_config(), tmp_path / "expected").succeeded
    assert contents(tmp_path / "out") == contents(tmp_path / "expected")


@pytest.mark.skipif(sys.platform == "win32", reason="dates of open files")
def test_a_new_date_alone_does_not_disturb_copying(movie, tmp_path):
    path = Path(shutil.copy(movie, tmp_path / "movie.nd2"))
    watch = Meddling(lambda: os.utime(path, ns=(1, time.time_ns())))
    assert process(path, make_config(), tmp_path / "out", watch=watch).succeeded


def test_a_step_refuses_another_recording_than_the_one_described(movie, tmp_path):
    path = Path(shutil.copy(movie, tmp_path / "movie.nd2"))
    with open_reader(path) as reader:
        metadata = reader.metadata
    replace(path)
    from pyama.processing.workflow.run import CopyingService

    report = CopyingService().process_all_fovs(metadata, make_config(), tmp_path / "out", 0, 0)
    assert "another recording has taken its place" in report.fovs[0].message


@pytest.fixture
def registries():
    before = [dict(r) for r in (PHASE_FEATURES, FLUORESCENCE_FEATURES, SEGMENTERS, TRACKERS)]
    preprocessors = list(PREPROCESSORS)
    yield
    for registry, entries in zip(
        (PHASE_FEATURES, FLUORESCENCE_FEATURES, SEGMENTERS, TRACKERS), before, strict=True
    ):
        registry.data = entries
    PREPROCESSORS[:] = preprocessors


def raising(error):
    def plugin(*arguments):
        raise error

    return plugin


def endless():
    return endless()


def giving(value):
    return lambda *arguments: value


def tracking(value):
    def plugin(frames, params):
        for _ in frames:
            yield value

    return plugin


ENDINGS = {
    "leaves the interpreter": raising(SystemExit(3)),
    "presses Ctrl-C": raising(KeyboardInterrupt()),
    "calls itself for ever": lambda *arguments: endless(),
}
LABELS = {
    "raises": raising(ValueError("broken")),
    "raises a KeyError": raising(KeyError("x")),
    **ENDINGS,
    "gives nothing": giving(None),
    "gives another shape": giving(np.zeros((2, 2), np.uint16)),
    "gives floats": giving(np.zeros(SHAPE)),
    "gives NaN": giving(np.full(SHAPE, np.nan)),
    "gives negative numbers": giving(np.full(SHAPE, -1)),
    "gives a mask": giving(np.zeros(SHAPE, bool)),
    "gives text": giving("labels"),
}
FRAMES = {
    "ends too early": lambda frames, params: iter(()),
    "is no iterator": giving(3),
    "gives another shape": tracking(np.zeros((2, 2), np.uint16)),
    "gives NaN": tracking(np.full(SHAPE, np.nan)),
}
IMAGES = {
    "raises": raising(RuntimeError("broken")),
    **ENDINGS,
    "gives nothing": giving(None),
    "gives another shape": giving(np.zeros((2, 2), np.uint16)),
    "gives NaN": giving(np.full(SHAPE, np.nan)),
    "gives text": giving("image"),
}
NUMBERS = {
    "raises": raising(ZeroDivisionError("broken")),
    **ENDINGS,
    "gives nothing": giving(None),
    "gives infinity": giving(float("inf")),
    "gives two numbers": giving(np.zeros(2)),
    "gives text": giving("1"),
}


class Preprocessor:
    def __init__(self, process):
        self.function = process

    def process(self, image):
        return self.function(image)


def with_segmenter(plugin):
    SEGMENTERS["mine"] = lambda frame, params: plugin(frame, params)
    return make_config(segmentation_method="mine")


def with_tracker(plugin):
    TRACKERS["mine"] = lambda frames, params: plugin(frames, params)
    return make_config(tracking_method="mine")


def with_preprocessor(plugin):
    PREPROCESSORS.append(Preprocessor(plugin))
    return make_config()


def with_phase_feature(plugin):
    PHASE_FEATURES["mine"] = lambda image, mask, context: plugin(image, mask, context)
    return make_config(Channels(pc=[0, ["mine"]], fl=[1]))


def with_fluorescence_feature(plugin):
    FLUORESCENCE_FEATURES["mine"] = lambda image, mask, context: plugin(image, mask, context)
    return make_config(Channels(pc=0, fl=[[1, ["mine"]]]))


WAYS = [
    (with_segmenter, "segmentation", "segmentation method 'mine'", LABELS),
    (with_tracker, "tracking", "tracking method 'mine'", FRAMES | LABELS),
    (with_preprocessor, "segmentation", "preprocessor Preprocessor", IMAGES),
    (with_phase_feature, "extraction", "Feature 'mine'", NUMBERS),
    (with_fluorescence_feature, "extraction", "Feature 'mine'", NUMBERS),
]
PLUGINS = [
    pytest.param(use, step, name, plugin, id=f"{use.__name__[5:]} that {fault}")
    for use, step, name, plugins in WAYS
    for fault, plugin in plugins.items()
]


@pytest.mark.usefixtures("registries")
@pytest.mark.parametrize(("use", "step", "name", "plugin"), PLUGINS)
def test_a_faulty_plugin_fails_its_step_by_name_and_nothing_else(
    tmp_path, use, step, name, plugin
):
    recording = recording_of(MOVIE[:1, :2])
    report = process(recording, use(plugin), tmp_path)
    (failure,) = report.failures
    assert failure.step == step
    assert name in failure.message
    assert "\n" not in failure.message
    statuses = {entry.step: entry.status for entry in report.steps}
    assert statuses["copying"] == "done"


@pytest.mark.usefixtures("registries")
def test_a_feature_may_be_undefined(tmp_path):
    config = with_phase_feature(giving(float("nan")))
    assert process(recording_of(MOVIE[:1, :2]), config, tmp_path).succeeded
    assert ",,," not in next(tmp_path.rglob("*_traces.csv")).read_text()


@pytest.mark.usefixtures("registries")
def test_a_plugin_that_fails_in_one_fov_leaves_the_others_alone(whole, tmp_path):
    def plugin(image, mask, context):
        if context.fov == 1:
            raise ValueError("not here")
        return 1.0

    PHASE_FEATURES["mine"] = plugin
    config = make_config(Channels(pc=[0, ["mine"]], fl=[1]))
    report = process(make_recording(), config, tmp_path)
    assert report.failed_fovs == [1]
    assert len(list(tmp_path.rglob("*_traces.csv"))) == 1


class Door(threading.Event):
    """What a plugin waits behind; counts how many have come through."""

    def __init__(self):
        super().__init__()
        self.through = threading.Semaphore(0)

    def __call__(self, *arguments):
        self.wait()
        self.through.release()

    def frames(self, frames, params):
        yield next(iter(frames))
        self()


def finished(folder):
    return {name: data for name, data in contents(folder).items() if not name.endswith(".tmp")}


HANGS = [
    pytest.param(with_segmenter, "segmentation", Door.__call__, id="segmenter"),
    pytest.param(with_tracker, "tracking", Door.__call__, id="tracker"),
    pytest.param(with_tracker, "tracking", Door.frames, id="tracker after a frame"),
    pytest.param(with_preprocessor, "segmentation", Door.__call__, id="preprocessor"),
    pytest.param(with_phase_feature, "extraction", Door.__call__, id="phase feature"),
    pytest.param(with_fluorescence_feature, "extraction", Door.__call__, id="feature"),
]


@pytest.mark.usefixtures("registries")
@pytest.mark.parametrize(("use", "step", "hang"), HANGS)
def test_a_plugin_that_hangs_fails_its_step_by_name_and_nothing_else(
    tmp_path, use, step, hang
):
    door = Door()
    config = use(lambda *arguments: hang(door, *arguments))
    config = config.replace(params=config.params.replace(plugin_timeout=0.2))
    others = threading.enumerate()  # such as those that an earlier test has left to sleep
    report = process(recording_of(MOVIE[:1, :2]), config, tmp_path)
    try:
        (failure,) = report.failures
        assert failure.step == step
        assert "'mine'" in failure.message or "preprocessor Preprocessor" in failure.message
        assert "has not answered for 0.2 s" in failure.message
        before = finished(tmp_path)
    finally:
        door.set()
    assert door.through.acquire(timeout=60)
    for thread in threading.enumerate():
        if thread.name == "pyama step" and thread not in others:
            thread.join(60)
    assert finished(tmp_path) == before, "what answers too late writes nothing"
    PREPROCESSORS.clear()
    assert process(recording_of(MOVIE[:1, :2]), make_config(), tmp_path).succeeded


@pytest.mark.usefixtures("registries")
def test_a_slow_tracker_that_gets_on_does_not_hang(tmp_path):
    def slow(frames, params):
        seen = []
        for frame in frames:
            time.sleep(0.15)
            seen.append(frame)
        yield from seen

    TRACKERS["mine"] = slow
    config = make_config(tracking_method="mine", plugin_timeout=0.4)
    report = process(recording_of(MOVIE[:1, :4]), config, tmp_path)
    assert report.succeeded, [str(failure) for failure in report.failures]


@pytest.mark.usefixtures("registries")
def test_what_a_plugin_does_to_its_input_stays_there(tmp_path):
    def segmenter(frame, params):
        labels = logstd.segment(frame.copy(), params)
        frame[...] = 0
        return labels

    def tracker(frames, params):
        once = [frame.copy() for frame in frames]
        for frame, labels in zip(frames, iou.track(once, params), strict=True):
            frame[...] = 0
            buffer = labels.copy()
            yield buffer
            buffer[...] = 0

    SEGMENTERS["mine"], TRACKERS["mine"] = segmenter, tracker
    recording = recording_of(MOVIE[:1, :3])
    own = make_config(segmentation_method="mine", tracking_method="mine")
    for name, config in ("plugins", own), ("expected", make_config()):
        assert process(recording, config, tmp_path / name).succeeded
    found, expected = contents(tmp_path / "plugins"), contents(tmp_path / "expected")
    for name in (name for name in expected if "/.marks/" not in name):
        assert found[name] == expected[name], name


def spoiling(image, mask, context):
    for array in (image, mask, context.background):
        with pytest.raises(ValueError, match="read-only"):
            array[...] = 0
    return 1.0


@pytest.mark.usefixtures("registries")
def test_a_feature_cannot_change_what_the_next_one_sees(tmp_path):
    config = with_fluorescence_feature(spoiling)
    assert process(recording_of(MOVIE[:1, :2]), config, tmp_path).succeeded


HANGING = """
import sys, time
from pyama.processing.methods import SEGMENTERS

def hang(frame, params):
    print("hanging", flush=True)
    time.sleep(1000)

SEGMENTERS["hang"] = hang
from pyama.cli import main
sys.argv = ["pyama", "run", sys.argv[1], "-o", sys.argv[2], "--pc", "0", "--fl", "1",
            "--set", "segmentation_method=hang"]
main()
"""


@pytest.mark.skipif(sys.platform == "win32", reason="signals differ on Windows")
def test_a_hanging_plugin_is_left_with_a_second_ctrl_c(movie, tmp_path):
    import signal

    command = [sys.executable, "-c", HANGING, str(movie), str(tmp_path / "out")]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as child:
        try:
            assert child.stdout.readline().startswith("hanging")
            child.send_signal(signal.SIGINT)
            with pytest.raises(subprocess.TimeoutExpired):
                child.wait(1)
            child.send_signal(signal.SIGINT)
            assert child.wait(30) == 130
            assert "Traceback" not in child.stderr.read()
        finally:
            child.kill()
    assert process(movie, make_config(), tmp_path / "out").succeeded


def test_a_reader_that_is_not_there_is_one_line(tmp_path):
    with pytest.raises(ReaderError, match="does not exist") as caught:
        process(tmp_path / "gone.nd2", make_config(), tmp_path / "out")
    assert "\n" not in str(caught.value)
