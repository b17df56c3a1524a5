"""A run that is killed at any moment goes on to the same bytes."""

import random
import shutil
import signal
import sys
import time
from collections import Counter

import numpy as np
import pytest
import tifffile

import child_runs
from example_counts import CHAOS, amount, drawn
from pyama.errors import StoreError
from pyama.processing.verify import verify
from pyama.processing.workflow import process
from pyama.store import FovStore
from small_movie import StopAfter, contents, make_config, recording_of

dice = random.Random(20)  # noqa: S311


@pytest.fixture(scope="module")
def movie(tmp_path_factory):
    return child_runs.write_movie(tmp_path_factory.mktemp("movie") / "movie.nd2")


@pytest.fixture(scope="module")
def whole(movie, tmp_path_factory):
    folder = tmp_path_factory.mktemp("whole")
    assert process(movie, make_config(), folder).succeeded
    return contents(folder)


def begun(marker, movie, folder, params, executor):
    """Start a run and wait until it has begun, or has ended."""
    child = child_runs.start(child_runs.run_and_mark, movie, folder, params, executor, marker)
    while child.is_alive() and not marker.exists():
        time.sleep(0.01)
    return child


def seconds(movie, folder, params, executor):
    """How long a run takes, from its beginning, that nobody disturbs."""
    times = []
    for i in range(2 if executor == "threads" else 1):
        child = begun(folder / f"marker {i}", movie, folder / str(i), params, executor)
        started = time.monotonic()
        child.join()
        assert child.exitcode == 0
        times.append(time.monotonic() - started)
    return min(times)


def results(folder):
    """All files but temporary ones beside the FOVs: a later run removes them."""
    files = contents(folder)
    return {n: data for n, data in files.items() if "/" in n or not n.endswith(".tmp")}


def last_output(folder, n_fovs=2):
    """What was being written: the first output that is there without a mark."""
    for fov in range(n_fovs):
        # Worker processes may go on for a moment, so that the next look can find less.
        for name in FovStore(folder, fov).unfinished()[:1]:
            return name.rpartition("_ch_")[0] or name
    return "between outputs"


KINDS = [
    pytest.param("threads", {"n_workers": 2}, amount(6, 180), id="threads"),
    pytest.param("processes", {"n_workers": amount(1, 2)}, amount(1, 40), id="processes"),
    pytest.param("threads", {"registration": "phase_correlation"}, amount(2, 40), id="drift"),
]


@pytest.mark.timeout(3600 if CHAOS else 300)
@pytest.mark.parametrize(("executor", "params", "kills"), KINDS)
def test_a_killed_run_goes_on_to_the_same_bytes(
    movie, whole, tmp_path, executor, params, kills
):
    span = seconds(movie, tmp_path, params, executor)
    struck, tries = Counter(), 0
    while sum(struck.values()) < kills:
        tries += 1
        assert tries < 3 * kills + 20, "the runs end before they are killed"
        folder = tmp_path / f"killed {tries}"
        child = begun(tmp_path / f"begun {tries}", movie, folder, params, executor)
        time.sleep(dice.uniform(0, span))  # the first is ended at once
        child.kill()
        child.join()
        if child.exitcode == 0:
            continue
        assert child.exitcode == -signal.SIGKILL
        struck[last_output(folder)] += 1
        report = process(movie, make_config(), folder)
        assert report.succeeded, [str(failure) for failure in report.failures]
        assert results(folder) == whole
        assert verify(folder).is_intact
    print(f"{executor}: {sum(struck.values())} kills, struck {dict(struck)}")  # noqa: T201


DAMAGED = "changed", "truncated"
OTHERS = {"min_object_size": 60, "tile_size": 40}
STARTS = [
    pytest.param({}, None, id="new folder"),
    pytest.param(OTHERS, {}, id="old results"),
    pytest.param({"cells": "zip"}, None, id="zip"),
]


@pytest.mark.timeout(7200 if CHAOS else 300)
@pytest.mark.parametrize(("params", "earlier"), STARTS)
def test_a_run_that_ends_before_any_change_of_the_disk_goes_on(tmp_path, params, earlier):
    recording = recording_of(child_runs.MOVIE[:1, :2, :, :90, :90])
    before, expected = tmp_path / "before", tmp_path / "expected"
    before.mkdir()
    if earlier is not None:
        assert process(recording, make_config(**earlier), before).succeeded
    assert process(recording, make_config(**params), expected).succeeded
    whole = contents(expected)
    counted = shutil.copytree(before, tmp_path / "counted")
    total = child_runs.answer(child_runs.changes_of_a_run, recording, counted, params)
    chosen = drawn(dice, range(total), 6)
    for last in chosen:
        folder = shutil.copytree(before, tmp_path / str(last))
        for end in (last, dice.randrange(last + 1)):  # the run that goes on ends as well
            arguments = recording, folder, params, end, dice.random() < 0.5
            child = child_runs.start(child_runs.run_and_end, *arguments)
            child.join()
            assert child.exitcode in {0, 9}
            wrong = [found for found in damages(folder) if found.problem.startswith(DAMAGED)]
            assert wrong == [], f"ended before change {last}"
        report = process(recording, make_config(**params), folder)
        assert report.succeeded, [str(failure) for failure in report.failures]
        assert results(folder) == whole, f"ended before change {last}"
        assert verify(folder).is_intact
        shutil.rmtree(folder)
    print(f"ended before {len(chosen)} of {total} changes, and once more")  # noqa: T201


def masks_that_flicker(path):
    """Write masks of two cells that are one object in frame 2, and return the parameters."""
    y, x = np.mgrid[:90, :90]
    one, two = ((y - 45) ** 2 + (x - c) ** 2 <= 100 for c in (35, 56))
    apart = one.astype(np.uint16) + 2 * two
    joined = np.minimum(apart, 1)
    tifffile.imwrite(path, np.stack([apart, apart, joined, apart, apart]))
    plugins = {"labels": {"path": str(path)}}
    return {"segmentation_method": "labels", "plugins": plugins, "repair_flicker": True}


@pytest.mark.timeout(3600 if CHAOS else 300)
def test_a_killed_run_that_repairs_flicker_goes_on_to_the_same_bytes(tmp_path):
    params = masks_that_flicker(tmp_path / "masks.tif")
    recording = recording_of(child_runs.MOVIE[:1, :5, :, :90, :90])
    expected = process(recording, make_config(**params), tmp_path / "expected")
    (tracked,) = [entry for entry in expected.steps if entry.step == "tracking"]
    assert tracked.notes["seg_tracked_ch_0/0"]["flicker"]["split"] == 1
    whole = contents(tmp_path / "expected")
    counted = tmp_path / "counted"
    total = child_runs.answer(child_runs.changes_of_a_run, recording, counted, params)
    for last in drawn(dice, range(total), 3):
        folder = tmp_path / str(last)
        child = child_runs.start(
            child_runs.run_and_end, recording, folder, params, last, dice.random() < 0.5
        )
        child.join()
        assert child.exitcode in {0, 9}
        assert process(recording, make_config(**params), folder).succeeded
        assert results(folder) == whole, f"ended before change {last}"
        assert verify(folder).is_intact


def damages(folder):
    try:
        return verify(folder).damages
    except StoreError:  # nothing is there yet
        return ()


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGTERM on Windows")
@pytest.mark.timeout(3600 if CHAOS else 300)
def test_a_terminated_command_goes_on_to_the_same_bytes(movie, whole, tmp_path):
    settings = "min_frames=2", "border_margin=2"
    options = [word for setting in settings for word in ("--set", setting)]
    options += ["--pc", "0", "--fl", "1"]
    span, ended = 0.0, Counter()
    for i in range(amount(3, 40)):
        folder = tmp_path / str(i)
        arguments = "run", str(movie), "-o", str(folder), "-j", "1", *options
        child = child_runs.start(child_runs.command_line, *arguments)
        while child.is_alive() and not (folder / "fov_000").exists():
            time.sleep(0.01)  # else it is still starting, and the system ends it
        begun = time.monotonic()
        if i == 1:  # this one tells how long a run takes
            child.join()
            span = time.monotonic() - begun
        time.sleep(dice.uniform(0, span))  # the first is ended at once
        child.terminate()
        child.join(60)
        # Before the command listens to signals, the system ends it.
        assert child.exitcode in {0, 130, -signal.SIGTERM}
        ended[child.exitcode] += 1
        assert process(movie, make_config(), folder).succeeded
        assert results(folder) == whole
    assert ended[130] > 0, "some were asked to stop, and did"
    print(f"terminated: {dict(ended)}")  # noqa: T201


def looks_of_a_whole_run(recording, config, folder):
    class Counting(StopAfter):
        def is_set(self):
            super().is_set()
            return False

    event = Counting(10**9)
    process(recording, config, folder, cancel_event=event)
    return 10**9 - event.left


@pytest.mark.timeout(3600 if CHAOS else 300)
def test_a_run_cancelled_at_any_look_goes_on_to_the_same_bytes(tmp_path):
    recording = recording_of(child_runs.MOVIE[:1, :3])
    config = make_config()
    looks = looks_of_a_whole_run(recording, config, tmp_path / "whole")
    whole = contents(tmp_path / "whole")
    for look in drawn(dice, range(looks), 8):
        folder = tmp_path / str(look)
        report = process(recording, config, folder, cancel_event=StopAfter(look))
        assert report.cancelled
        assert FovStore(folder, 0).unfinished() == []
        assert process(recording, config, folder).succeeded
        assert contents(folder) == whole
    print(f"cancelled at {looks} looks")  # noqa: T201
