"""How far a run is."""

import os
import shutil
import subprocess
import sys
import threading
from importlib.resources import files
from pathlib import Path

import pytest

from pyama.cli.progress_bar import SECONDS_BETWEEN_LINES, _Lines
from pyama.processing.runner import Progress
from pyama.processing.workflow import process
from pyama.runs.plan import pending_outputs, plan_run
from pyama.runs.progress import ProgressEstimator, duration
from pyama.runs.request import PreparedRun
from small_movie import MOVIE, make_config, recording_of

PACKAGE = Path(files("pyama"))
ALL = {
    "copying": ["images", "pc_ch_0/0"],
    "segmentation": ["seg_labeled_ch_0/0"],
    "tracking": ["seg_tracked_ch_0/0"],
    "cropping": ["cells/0"],
    "extraction": ["traces"],
    "caching": ["pc_ch_0/1", "cells/1"],
}
NOTHING = {step: [] for step in ALL}
FRAMES = 5


def play(estimator, fov, steps=tuple(ALL)):
    for step in steps:
        total = 0 if step in ("cropping", "extraction") else FRAMES
        for done in range(1, FRAMES + 1):
            estimator.watch(Progress(step, fov, done, total))


def test_a_field_of_view_is_done_when_all_its_steps_are():
    estimator = ProgressEstimator({0: ALL, 1: ALL}, FRAMES)
    assert estimator.snapshot().fovs_done == 0
    play(estimator, 0, list(ALL)[:-1])
    assert estimator.snapshot().fovs_done == 0
    play(estimator, 0, ["caching"])
    assert estimator.snapshot().fovs_done == 1
    assert 0.4 < estimator.snapshot().share < 0.6
    play(estimator, 1)
    assert estimator.snapshot().fovs_done == 2


def test_the_share_never_falls_and_ends_below_or_at_all():
    estimator = ProgressEstimator({0: ALL}, FRAMES, clock=lambda: 0.0)  # by the weights alone
    shares = [estimator.snapshot().share]
    for step in ALL:
        play(estimator, 0, [step])
        shares.append(estimator.snapshot().share)
    assert shares == sorted(shares)
    assert shares[0] == 0
    assert 0.9 < shares[-1] <= 1


def test_what_is_finished_already_counts_as_done():
    estimator = ProgressEstimator({0: NOTHING, 1: ALL}, FRAMES)
    assert estimator.snapshot().fovs_done == 1
    nothing = ProgressEstimator({0: NOTHING}, FRAMES).snapshot()
    assert (nothing.fovs_done, nothing.share, nothing.seconds_left) == (1, 1.0, None)


def test_it_tells_what_every_worker_is_doing():
    estimator = ProgressEstimator({0: ALL, 1: ALL}, FRAMES)
    barrier = threading.Barrier(2)

    def work(fov):
        barrier.wait()
        for done in range(1, 4):
            estimator.watch(Progress("segmentation", fov, done, FRAMES))
        barrier.wait()

    threads = [threading.Thread(target=work, args=(fov,)) for fov in (0, 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    now = estimator.snapshot().now
    assert sorted(now) == ["FOV 0 segmentation 3 of 5", "FOV 1 segmentation 3 of 5"]


def test_items_from_many_threads_are_all_counted():
    fovs = range(8)
    estimator = ProgressEstimator(
        {fov: {"segmentation": ["seg_labeled_ch_0/0"]} for fov in fovs}, 500
    )

    def work(fov):
        for done in range(1, 501):
            estimator.watch(Progress("segmentation", fov, done, 500))

    threads = [threading.Thread(target=work, args=(fov,)) for fov in fovs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = estimator.snapshot()
    assert (found.fovs_done, found.share) == (8, 1.0)


def test_one_thread_may_tell_of_several_workers():
    estimator = ProgressEstimator({0: ALL, 1: ALL}, FRAMES)
    for done in range(1, 3):
        for fov in (0, 1):
            estimator.watch(Progress("segmentation", fov, done, FRAMES))
    assert estimator.snapshot().share < 0.5
    assert len(estimator.snapshot().now) == 2


def test_what_is_said_is_said_once():
    estimator = ProgressEstimator({0: ALL}, FRAMES)
    estimator.update(3, 1, "FOV 2, tracking: no")
    estimator.update(4, 0, "Completed")  # the bar shows this
    estimator.update(0, 4, "Cancelled")
    assert estimator.snapshot().messages == ("Failed: FOV 2, tracking: no",)
    assert estimator.snapshot().messages == ()


def test_plain_lines_are_few(capsys, monkeypatch):
    seconds_compiling = [1.0]
    estimator = ProgressEstimator(
        {0: ALL}, FRAMES, compiling=lambda: (0.0, seconds_compiling[0])
    )
    now = [100.0]
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    show = _Lines()
    for _ in range(100):
        now[0] += 1
        show(estimator.snapshot())
    assert capsys.readouterr().err == ""  # the log says once that functions are compiled
    seconds_compiling[0] = 0.0
    for done in range(1, 301):
        estimator.watch(Progress("segmentation", 0, done, 1000))
        now[0] += 0.1
        show(estimator.snapshot())
    lines = capsys.readouterr().err.splitlines()
    assert 0 < len(lines) <= 300 * 0.1 / SECONDS_BETWEEN_LINES
    assert "0 of 1 FOV done" in lines[0]


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.4, "0 s"),
        (59, "59 s"),
        (61, "1 min 1 s"),
        (3661, "1 h 1 min"),
        (90000, "25 h 0 min"),
    ],
)
def test_lengths_of_time_are_written_for_people(seconds, text):
    assert duration(seconds) == text


def test_compiling_is_shown_when_it_happens_and_kept(tmp_path, movie_file, pyama):
    """Of one kernel; tests/long compiles all of them."""
    assert (
        pyama("run", movie_file, "--fovs", "0", "--output", tmp_path / "kept").exit_code == 0
    )
    package = shutil.copytree(PACKAGE, tmp_path / "package" / "pyama")
    for kept in package.rglob("preview.*.nbi"):
        kept.unlink()
    run = [sys.executable, "-m", "pyama", "run", movie_file, "--fovs", "0"]
    env = os.environ | {"PYTHONPATH": str(package.parent)}
    said = []
    for name in ("first", "second"):
        done = subprocess.run(
            [*run, "--output", tmp_path / name], env=env, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
        said.append("Compiling, once" in done.stderr)
    assert said == [True, False]
    assert list(package.rglob("preview.*.nbi"))


@pytest.mark.parametrize("before", [None, {"min_iou": 0.3}, {"tile_size": 50}])
def test_after_a_run_every_field_of_view_is_done(tmp_path, before):
    """Also where previews are made in passing, or most is there already."""
    recording = recording_of(MOVIE[:2, :4])
    if before is not None:
        process(recording, make_config(**before), tmp_path)
    file = Path("movie.nd2")
    run = PreparedRun(file, tmp_path, recording.metadata, make_config(), [0, 1])
    estimator = ProgressEstimator(
        pending_outputs(plan_run(run), run.config), recording.metadata.n_frames
    )
    assert estimator.snapshot().fovs_done == 0
    process(recording, make_config(), tmp_path, watch=estimator.watch, update=estimator.update)
    found = estimator.snapshot()
    assert found.fovs_done == 2
    assert 0.9 < found.share <= 1
