"""`pyama info`."""

import json

import numpy as np
import pytest

from pyama.testing.czi_writer import write_czi
from pyama.testing.nd2_writer import write_nd2
from small_movie import HEIGHT, WIDTH


def test_info_tells_what_is_in_a_file(pyama, movie_file):
    done = pyama("info", movie_file)
    assert (done.exit_code, done.stderr) == (0, "")
    lines = [" ".join(line.split()) for line in done.stdout.splitlines()]
    for expected in (
        "format nd2, uint16 pixels",
        f"FOVs 3, {WIDTH} x {HEIGHT} px",
        "frames 6",
        "channels 0 Phase, 1 GFP",
        "pixel 0.65 µm",
        "time a frame every 10 min, 50 min in all; time stamps of the file",
        "options --pc 0 --fl 1, by the names of the channels",
    ):
        assert expected in lines


def test_info_names_what_is_odd(pyama, tmp_path):
    path = tmp_path / "odd.nd2"
    images = np.zeros((2, 4, 3, 2, 32, 40), np.uint8)
    write_nd2(path, images, channel_names=["A\x1b[31m", "B"], with_times=False,
              missing=[(1, 2, 1)])  # fmt: skip
    done = pyama("info", path)
    assert done.exit_code == 0
    assert "\x1b" not in done.stdout
    for expected in ("z planes  3; the middle one", "uint8", "ambiguous", "40 x 32 px",
                     "never written: 1 of 4 in FOV 1", "no time stamps"):  # fmt: skip
        assert expected in done.stdout


@pytest.mark.parametrize(
    ("ms", "words"),
    [
        (1e9, "a frame every 278 h, 833 h in all"),
        (1e-1, "a frame every 0.0001 s, 0.0003 s in"),
    ],
)
def test_times_that_are_improbable_are_warned_of(pyama, tmp_path, ms, words):
    path = tmp_path / "wrong_unit.nd2"
    write_nd2(path, np.zeros((1, 4, 1, 1, 8, 8), np.uint16), times_ms=ms * np.arange(4))
    done = pyama("info", path)
    assert words in done.stdout
    limit = "more than 3 weeks" if ms > 1 else "less than a second"
    assert f"Note: All frames lie within {words.split(', ')[1].split(' in')[0]}" in done.stdout
    assert f"which is {limit} (time stamps of the file). If this is not" in done.stdout
    assert len(json.loads(pyama("info", path, "--json").stdout)["warnings"]) == 1


def test_info_as_json_is_all_of_stdout(pyama, movie_file):
    done = pyama("info", movie_file, "--json")
    found = json.loads(done.stdout)
    assert (found["n_fovs"], found["n_frames"], found["channel_names"]) == (
        3,
        6,
        ["Phase", "GFP"],
    )
    assert found["minutes"] == [0, 10, 20, 30, 40, 50]
    assert found["proposed_channels"] == {"pc": 0, "fl": [1]}
    assert found["problems"] == []


def test_scenes_of_different_size_are_counted(pyama, tmp_path):
    path = tmp_path / "scenes.czi"
    sizes = [(40, 50), (40, 50), (60, 30)]
    write_czi(path, [np.ones((2, 1, 1, *size), np.uint16) for size in sizes])
    assert "3, 2 of 50 x 40 px, 1 of 30 x 60 px" in pyama("info", path).stdout


@pytest.mark.parametrize(
    ("content", "message"),
    [(b"", "is empty"), (b"\x00\x01nonsense" * 9, "unknown kind"), (None, "does not exist")],
)
def test_what_cannot_be_read_is_one_line_on_stderr(pyama, tmp_path, content, message):
    path = tmp_path / "bad.nd2"
    if content is not None:
        path.write_bytes(content)
    done = pyama("info", path)
    assert (done.exit_code, done.stdout) == (1, "")
    assert message in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert "Traceback" in pyama("info", path, "--debug").stderr
