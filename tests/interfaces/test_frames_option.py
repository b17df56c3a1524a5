"""`--frames`: a part of a recording, or every n-th frame, from the run to the report."""

import json

import numpy as np
import pandas as pd
import pytest
import yaml
from fastapi.testclient import TestClient

from pyama import load_traces
from pyama.testing.nd2_writer import write_nd2
from pyama.web.application import create_app
from small_movie import CENTRES, MOVIE

SMALL = ["--set", "min_frames=2", "--set", "border_margin=2"]
TRACES = "fov_000/movie_fov_000_traces.csv"
NOTE = (
    "Of the recording, frames 1-5:2 are selected, 3 of 6: they are frames 0 to 2 of the "
    "results. Times count from the first frame of the recording."
)


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    path = tmp_path_factory.mktemp("recording") / "movie.nd2"
    write_nd2(path, MOVIE[:2, :, None], channel_names=["Phase", "GFP"])
    return path


@pytest.fixture(scope="module")
def ran(pyama, file):
    """The output folder of every second frame, and what the run printed."""
    folder = file.parent / "odd"
    done = pyama("run", file, "-o", folder, *SMALL, "--frames", "1-:2")
    assert done.exit_code == 0, done.output
    return folder, done.stdout


def times_of(folder):
    """Times in minutes."""
    return sorted({round(60 * time, 9) for time in load_traces(folder / TRACES)["time"]})


def test_the_folder_says_which_frames_it_holds(ran):
    folder, said = ran
    assert f"Note: {NOTE}" in said
    assert "frames    3, a frame every 20 min, 40 min in all" in said
    assert json.loads((folder / "run.json").read_text())["input"]["frames"] == "1-5:2"
    recorded = yaml.safe_load((folder / "processing_config.yaml").read_text())
    assert recorded["params"]["frames"] == "1-:2"
    assert recorded["metadata"]["selected_frames"] == [1, 3, 5]
    group = folder / "fov_000/images.zarr/fl_ch_1/zarr.json"
    attributes = json.loads(group.read_text())["attributes"]
    assert attributes["pyama"]["frames"] == "1-5:2"
    (transform,) = attributes["ome"]["multiscales"][0]["datasets"][0][
        "coordinateTransformations"
    ]
    assert transform["scale"][0] == 1200  # s
    table = pd.read_csv(folder / TRACES)
    assert set(table["frame"]) == {0, 1, 2}
    assert times_of(folder) == [10, 30, 50]


def test_the_same_frames_in_other_words_leave_nothing_to_do(pyama, file, ran):
    folder, _ = ran
    for given in (["--frames", "5,1,3"], ["-c", folder / "processing_config.yaml"]):
        plan = pyama("plan", file, "-o", folder, *SMALL, *given).stdout
        assert "Everything is finished" in plan, plan


def test_other_frames_are_planned_with_their_reason(pyama, file, ran):
    plan = pyama("plan", file, "-o", ran[0], *SMALL, "--frames", "0-3")
    assert "copying: runs, frames changed 1-5:2 -> 0-3" in plan.stdout
    assert "Note: The last run in this folder selected other frames (1-5:2)." in plan.stderr
    assert pyama("plan", file, "-o", ran[0], *SMALL, "--json").exit_code == 0


def test_every_command_works_on_selected_frames(pyama, ran, tmp_path):
    folder, _ = ran
    assert pyama("verify", folder).exit_code == 0
    samples = tmp_path / "samples.yaml"
    samples.write_text('samples: [{name: all, fovs: "0-1"}]')
    done = pyama("merge", folder, "--samples", samples, "-o", tmp_path)
    assert done.exit_code == 0, done.output
    merged = tmp_path / "all_merged.csv"
    assert '"frames": "1-5:2"' in merged.read_text()
    done = pyama("fit", merged, "--model", "constant")
    assert "times 0.167 to 0.834 h, every 20 min" in done.output
    done = pyama("report", folder, "-o", tmp_path / "report.html")
    assert done.exit_code == 0, done.output
    assert NOTE in (tmp_path / "report.html").read_text(encoding="utf-8")


def test_info_shows_a_selection(pyama, file):
    shown = pyama("info", file, "--frames", "1-:2").stdout
    assert "a frame every 20 min, 40 min in all" in shown
    assert NOTE in shown
    known = json.loads(pyama("info", file, "--frames", "3", "--json").stdout)
    assert (known["n_frames"], known["minutes"]) == (1, [30])


@pytest.mark.parametrize(
    ("frames", "message"),
    [
        ("6", "Frame 6 does not exist. The recording has 6, numbered 0 to 5"),
        ("7-", "Frame 7 does not exist."),
        ("", "'' is not a frame or a range. Write numbers from 0 and ranges"),
        ("::3", "'::3' is not a frame or a range.*0-178:3 for every third"),
        ("4-2", "'4-2' is in descending order. Write 2-4."),
        ("0-5:0", "'0-5:0' has the step 0."),
    ],
)
def test_wrong_frames_are_one_sentence(pyama, file, tmp_path, frames, message):
    for command in (["plan", file, "-o", tmp_path / "out"], ["info", file]):
        done = pyama(*command, "--frames", frames)
        assert done.exit_code == 2
        assert pd.Series([done.stderr]).str.contains(message).all(), done.stderr
    assert not (tmp_path / "out").exists()


def test_times_that_are_set_are_those_of_the_recording(pyama, file, tmp_path):
    run = ["run", file, "-o", tmp_path / "out", *SMALL, "--fovs", "0", "--frames", "2-"]
    assert pyama(*run, "--set", "frame_interval=4").exit_code == 0
    assert times_of(tmp_path / "out") == [8, 12, 16, 20]
    mapping = {2: 1.5, 3: 2.5, 4: 7.0, 5: 8.0}
    done = pyama(*run, "--set", f"time_mapping={mapping}")
    assert done.exit_code == 0, done.output
    assert times_of(tmp_path / "out") == [1.5, 2.5, 7, 8]
    done = pyama(*run, "--set", "time_mapping={2: 1, 3: 2}")
    assert "names 2 frames, but 4 are used; missing are 4, 5. Add every frame" in done.stderr


def test_a_folder_that_holds_two_selections_mixes_no_times(pyama, file, tmp_path):
    out, samples = tmp_path / "out", tmp_path / "samples.yaml"
    samples.write_text('samples: [{name: all, fovs: "0-1"}]')
    assert pyama("run", file, "-o", out, *SMALL, "--frames", "1-3").exit_code == 0
    done = pyama("run", file, "-o", out, *SMALL, "--fovs", "0")
    assert "FOV 0 with frames = all; FOV 1 with frames = 1-3." in done.stdout
    assert times_of(out) == [0, 10, 20, 30, 40, 50]
    done = pyama("merge", out, "--samples", samples)
    assert done.exit_code == 1
    said = "fov_001 holds results of frames = 1-3, but the last run in its folder selected"
    assert said in done.stderr
    assert "frames = all. Run all fields of view with the same frames" in done.stderr
    assert "FOV 1 with frames = 1-3" in pyama("verify", out).output
    assert pyama("run", file, "-o", out, *SMALL).exit_code == 0
    assert pyama("merge", out, "--samples", samples).exit_code == 0


def test_a_recording_that_is_gone_leaves_the_frames_that_were_copied(pyama, tmp_path):
    path, out = tmp_path / "movie.nd2", tmp_path / "out"
    write_nd2(path, MOVIE[:1, :, None], channel_names=["Phase", "GFP"])
    run = ["run", path, "-o", out, *SMALL]
    assert pyama(*run, "--frames", "0-2", "--copy-only").exit_code == 0
    path.unlink()
    done = pyama(*run)
    assert done.exit_code == 2
    assert "no other frames can be copied than those of the last run" in done.stderr
    assert "--frames 0-2" in done.stderr
    assert pyama(*run, "--frames", "0-2").exit_code == 0
    assert len(pd.read_csv(out / TRACES)) == 3 * len(CENTRES)


def test_label_images_are_those_of_the_recording(pyama, file, tmp_path):
    import tifffile

    masks = tmp_path / "masks.tif"
    labels = np.zeros((6, *MOVIE.shape[-2:]), np.uint16)
    for t in range(6):
        labels[t, 40 : 60 + 2 * t, 40:60] = 1
    tifffile.imwrite(masks, labels)
    done = pyama(
        *("run", file, "-o", tmp_path / "out", *SMALL, "--fovs", "0", "--frames", "1-:2"),
        *("--set", "segmentation_method=labels", "--set", f"labels.path={masks}"),
    )
    assert done.exit_code == 0, done.output
    areas = pd.read_csv(tmp_path / "out" / TRACES)["area_ch_0"]
    assert areas.tolist() == [20 * 22, 20 * 26, 20 * 30]


def test_the_page_takes_and_shows_frames(file, ran):
    app = create_app(file.parent, "secret")
    headers = {"Authorization": "Bearer secret"}
    with TestClient(app, base_url="http://localhost", headers=headers) as client:
        shown = client.get("/api/fovs/0", params={"dir": "odd"}).json()
        assert (shown["shape"][0], shown["times_min"]) == (3, [10, 30, 50])
        assert shown["time"].endswith(NOTE)
        channels = {"pc": {"channel": 0}, "fl": [{"channel": 1}]}
        request = {"file": "movie.nd2", "output": "odd", "channels": channels}
        small = {"min_frames": 2, "border_margin": 2}
        for frames, expected in {
            "1,3,5": "Everything is finished",
            "0-2": "copying: runs, frames changed 1-5:2 -> 0-2",
        }.items():
            sent = request | {"params": small | {"frames": frames}}
            plan = client.post("/api/runs/plan", json=sent).json()
            assert expected in "\n".join(plan["lines"])
            assert f"--frames {frames}" in plan["command"]
        wrong = client.post("/api/runs/plan", json=request | {"params": {"frames": "9"}})
        assert wrong.status_code == 422
        assert "Frame 9 does not exist" in wrong.json()["detail"]
