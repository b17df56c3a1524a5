"""Earlier results of a recording: found, and their settings read as by the command line."""

import os
import shutil

import pytest

from pyama.testing.nd2_writer import write_nd2
from pyama.traces.corrections import MarkCell
from pyama.traces.inspection import Inspection
from small_movie import MOVIE, n_cells

SMALL = ["--set", "min_frames=2", "--set", "border_margin=2"]
OTHER = [
    *("--fovs", "1", "--frames", "0-:2", "--pc-features", "area", "--fl-features", ""),
    *("--set", "segmentation_method=watershed", "--set", "morph_size=9"),
    *("--set", "tracking_method=kalman", "--set", "kalman.max_step=3"),
    *("--set", "frame_interval=10", "--set", "dark_frame={1: 100}", "--set", "z=0"),
]


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    folder = tmp_path_factory.mktemp("root")
    for name in ("movie", "another"):
        movie = MOVIE[:2, :, None] + (name == "another")
        write_nd2(folder / f"{name}.nd2", movie, channel_names=["Phase", "GFP"])
    return folder


@pytest.fixture(scope="module")
def made(root, pyama):
    """Results in two folders, the second one newer; and one of another recording."""
    for file, output, options in (
        ("movie", "deep/in/here", SMALL),
        ("another", "others", ["--copy-only"]),
        ("movie", "out", [*SMALL, *OTHER]),
    ):
        words = ("run", root / f"{file}.nd2", "-o", root / output, "-j", 1, *options)
        done = pyama(*words)
        assert done.exit_code == 0, done.output
    inspection = Inspection(root / "deep/in/here", 1)
    inspection.add(MarkCell(cell=2, good=False), "me")
    damaged = root / "damaged"
    shutil.copytree(root / "out", damaged)
    (damaged / "processing_config.yaml").write_text("channels: [")
    (damaged / "run.json").unlink()
    os.symlink("/etc/hostname", damaged / "link")
    return root


def test_earlier_results_of_a_recording_are_found_newest_first(client, made):
    found = client.get("/api/recording/earlier?file=movie.nd2").json()
    assert [entry["dir"] for entry in found] == ["out", "deep/in/here"]
    assert [entry["time"] for entry in found] == sorted(
        (entry["time"] for entry in found), reverse=True
    )
    assert found[1]["text"] == f"finished, FOV 0-1, {n_cells(0, 1)} traces, FOV 1 inspected"
    others = client.get("/api/recording/earlier?file=another.nd2").json()
    assert [entry["dir"] for entry in others] == ["others"]
    assert client.get("/api/recording/earlier?file=../movie.nd2").status_code == 404


@pytest.mark.parametrize("folder", ["out", "deep/in/here", "others"])
def test_with_the_settings_of_earlier_results_nothing_is_left_to_do(client, made, folder):
    file = "another.nd2" if folder == "others" else "movie.nd2"
    filled = client.get(f"/api/recording/settings?dir={folder}").json()
    assert filled.pop("notes") == []
    filled["fovs"] = filled["fovs"] or None
    plan = client.post("/api/runs/plan", json=filled | {"file": file}).json()
    assert plan["lines"][-1] == "Everything is finished: a run would change nothing."
    assert (plan["replaced"], plan["inspected"], plan["question"]) == ([], [], "")


def test_the_form_gets_what_differs_from_the_defaults(client, made):
    filled = client.get("/api/recording/settings?dir=out").json()
    assert (filled["output"], filled["fovs"]) == ("out", "1")
    assert filled["channels"] == {"pc": {"channel": 0}, "fl": [{"channel": 1}]}
    assert filled["params"] == {
        "min_frames": 2,
        "border_margin": 2,
        "n_workers": 1,
        "frames": "0-:2",
        "segmentation_method": "watershed",
        "morph_size": 9,
        "tracking_method": "kalman",
        "frame_interval": 10.0,
        "dark_frame": {"1": 100.0},
        "z": 0,
        "features": {"phase": ["area"], "fluorescence": []},
        "plugins": {"kalman": {"max_step": 3.0}},
    }


def test_files_that_only_the_command_line_may_read_are_left_out(client, made, root):
    light = root / "light"
    shutil.copytree(root / "others", light)
    config = light / "processing_config.yaml"
    text = config.read_text().replace("flat_field: null", "flat_field: light.tif")
    config.write_text(text)
    filled = client.get("/api/recording/settings?dir=light").json()
    assert "flat_field" not in filled["params"]
    assert filled["notes"][0].startswith("flat_field is left out: it takes text")
    shutil.rmtree(light)
