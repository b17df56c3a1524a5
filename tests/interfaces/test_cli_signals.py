"""Ctrl-C and SIGTERM, in a process of their own."""

import json
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from pyama.testing.nd2_writer import write_nd2
from small_movie import MOVIE, contents

pytestmark = pytest.mark.skipif(
    sys.platform == "win32", reason="signals to another process end it on Windows"
)
OPTIONS = ["--workers", "1", "--set", "min_frames=2", "--set", "border_margin=2"]


@pytest.fixture(scope="module")
def long_file(tmp_path_factory):
    path = tmp_path_factory.mktemp("recording") / "long.nd2"
    there_and_back = np.concatenate([MOVIE[:2], MOVIE[:2, ::-1]], axis=1)
    images = np.tile(there_and_back, (1, 3, 1, 1, 1))
    write_nd2(path, images[:, :, None], channel_names=["Phase", "GFP"])
    return path


@pytest.fixture(scope="module")
def uninterrupted(pyama, long_file, tmp_path_factory):
    output = tmp_path_factory.mktemp("uninterrupted")
    assert pyama("run", long_file, "-o", output, *OPTIONS).exit_code == 0
    return contents(output)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_the_run_and_the_same_command_goes_on(
    pyama, long_file, uninterrupted, tmp_path, number
):
    copied = tmp_path / "fov_000" / ".marks" / "pc_ch_0.0.json"
    arguments = [sys.executable, "-m", "pyama", "run", str(long_file), "-o", str(tmp_path)]
    process = subprocess.Popen(
        [*arguments, *OPTIONS], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    while not copied.exists() and process.poll() is None:
        time.sleep(0.01)
    process.send_signal(number)
    stdout, stderr = process.communicate(timeout=120)
    assert process.returncode == 130, stderr
    assert "Stopping within a frame" in stderr
    assert "the same command continues it" in stdout
    assert "Traceback" not in stderr
    assert contents(tmp_path) != uninterrupted

    assert pyama("run", long_file, "-o", tmp_path, *OPTIONS).exit_code == 0
    assert contents(tmp_path) == uninterrupted


SLOW = """
import sys, time
from pyama.cli import main
from pyama.processing.methods import SEGMENTERS

@SEGMENTERS.register("slow")
def slow(frame, params):
    print("in the middle of a frame", file=sys.stderr, flush=True)
    time.sleep(600)

main()
"""


def test_a_second_signal_stops_at_once(movie_file, tmp_path):
    arguments = ["run", str(movie_file), "-o", str(tmp_path)]
    process = subprocess.Popen(
        [sys.executable, "-c", SLOW, *arguments, "--set", "segmentation_method=slow"],
        stderr=subprocess.PIPE,
        text=True,
    )
    for expected in ("in the middle of a frame", "Stopping within a frame"):
        while expected not in process.stderr.readline():
            assert process.poll() is None
        process.send_signal(signal.SIGINT)
    _, stderr = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Stopped at once." in stderr


def test_waiting_for_a_lock_can_be_ended(movie_file, tmp_path):
    path = tmp_path / "fov_000/.lock"
    path.parent.mkdir()
    path.write_text(json.dumps({"pid": 42, "host": "elsewhere", "since": 1e9}))
    process = subprocess.Popen(
        [sys.executable, "-m", "pyama", "run", str(movie_file), "-o", str(tmp_path)],
        stderr=subprocess.PIPE,
        text=True,
    )
    while "Waiting for process 42 on elsewhere since 2001" not in process.stderr.readline():
        assert process.poll() is None
    process.send_signal(signal.SIGINT)
    _, stderr = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Stopped. " in stderr
    assert "in use by process 42 on elsewhere" in stderr
