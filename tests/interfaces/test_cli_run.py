"""`pyama run` and `pyama plan`."""

import json
import re
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import yaml

from pyama.cli import demo_command
from pyama.processing.methods import SEGMENTERS
from pyama.testing.nd2_writer import write_nd2
from pyama.testing.synthetic import SyntheticRecording
from small_movie import MOVIE, N_FRAMES, contents, n_cells

N_CELLS = n_cells(0, 1, 2)
SMALL = ["--set", "min_frames=2", "--set", "border_margin=2"]


@pytest.fixture(scope="module")
def finished(pyama, movie_file, tmp_path_factory):
    """An output folder, and what was printed."""
    output = tmp_path_factory.mktemp("finished") / "results"
    return output, pyama("run", movie_file, "--output", output, "--batch-size", 1, *SMALL)


def test_a_run_chooses_channels_and_sums_up(finished):
    output, done = finished
    assert done.exit_code == 0
    assert "Phase contrast: 0 Phase. Fluorescence: 1 GFP." in done.stderr
    assert "Channels were chosen by their names" in done.stderr
    assert "Finished 3 fields of view" in done.stdout
    lines = [" ".join(line.split()) for line in done.stdout.splitlines()]
    assert f"cells {N_CELLS}" in lines
    assert f"traces {N_CELLS} with {N_CELLS * N_FRAMES} rows" in lines
    assert "time time stamps of the file" in lines
    assert "frames 6, a frame every 10 min, 50 min in all" in lines
    span = "There is a frame every 10 min, 50 min in all; time stamps of the file."
    assert f"Note: {span}" in done.stderr
    table = pd.read_csv(output / "fov_002" / "movie_fov_002_traces.csv")
    assert {"area_ch_0", "intensity_total_ch_1"} <= set(table.columns)
    log = (output / "run.log").read_text(encoding="utf-8")
    assert "Finished 3 fields of view" in log


def test_the_same_run_again_changes_nothing(pyama, movie_file, finished):
    output, _ = finished
    before = contents(output)
    done = pyama("run", movie_file, "-o", output, *SMALL, "--json")
    found = json.loads(done.stdout)
    assert found["status"] == "finished"
    assert found["steps"]["segmentation"] == {"unchanged": 3}
    assert (found["cells"], found["traces"], found["rows"]) == (
        N_CELLS,
        N_CELLS,
        N_CELLS * N_FRAMES,
    )
    assert found["removed"] == {"min_frames": 0, "border_margin": 0}
    assert found["failures"] == []
    names = [f"fov_{fov:03d}/movie_fov_{fov:03d}_traces.csv" for fov in range(3)]
    assert found["files"] == names
    assert contents(output) == before


def test_a_renamed_recording_is_the_same(pyama, movie_file, tmp_path):
    first, second, output = (tmp_path / name for name in ("a.nd2", "b.nd2", "out"))
    first.write_bytes(movie_file.read_bytes())
    run = ["-o", output, "--fovs", "0", *SMALL]
    pyama("run", first, *run)
    before = contents(output)
    first.rename(second)
    assert "a run would change nothing" in pyama("plan", second, *run).stdout
    assert pyama("run", second, *run).exit_code == 0
    assert contents(output) == before


def test_cells_left_out_for_two_reasons_are_told_as_such(pyama, tmp_path):
    frames = MOVIE[:1, :, None].copy()
    frames[:, 3:, :, 0] = frames[:, 3:, :, 0].min()  # nothing to be seen in these
    write_nd2(tmp_path / "short.nd2", frames, channel_names=["Phase", "GFP"])
    limits = ["--set", "min_frames=5", "--set", "border_margin=500"]
    done = pyama("run", tmp_path / "short.nd2", "-o", tmp_path / "results", *limits)
    lines = [line.strip() for line in done.stdout.splitlines()]
    assert lines[2] == "left out  4 in fewer than 5 frames (min_frames),"
    inside = "0 % of the frame is further away"
    assert lines[3] == f"4 within 500 px of the edge (border_margin); {inside},"
    assert lines[4] == "4 of them for both reasons"


def test_times_that_are_a_guess_are_a_warning(pyama, tmp_path):
    file = tmp_path / "untimed.nd2"
    names = ["Phase", "GFP"]
    write_nd2(file, MOVIE[:1, :, None], channel_names=names, with_times=False)
    run = ["run", file, "-o", tmp_path / "results", *SMALL]
    assert "Warning: The file has no usable time stamps" in pyama(*run).stdout
    told = pyama(*run, "--set", "frame_interval=5").stdout
    assert "no usable time stamps" not in told
    assert "frame_interval 5 min" in told


def test_a_run_without_phase_contrast_says_what_that_means(pyama, movie_file, tmp_path):
    done = pyama("run", movie_file, "-o", tmp_path, "--fovs", "0", "--fl", "1")
    assert done.exit_code == 0
    assert "no cells are found and no traces written" in done.stderr
    assert "The background is estimated without a mask" in done.stderr
    copied = pyama("run", movie_file, "-o", tmp_path / "raw", "--fl", "1", "--copy-only")
    assert "background" not in copied.stderr


def test_the_plan_says_what_would_run_and_why(pyama, movie_file, finished):
    output, _ = finished
    before = contents(output)
    plan = ["plan", movie_file, "-o", output, *SMALL]
    assert pyama(*plan).stdout.splitlines() == [
        "FOV 0-2",
        "  all steps: finished",
        "Everything is finished: a run would change nothing.",
    ]
    lines = pyama(*plan, "--set", "min_iou=0.3").stdout.splitlines()
    assert lines[0] == "FOV 0-2"
    assert "  tracking: runs, min_iou changed 0.1 -> 0.3" in lines
    assert "  cropping: runs, seg_tracked_ch_0/0 changes" in lines
    assert "  copying, segmentation, background: finished" in lines
    five = [
        "morph_size",
        "closing_size",
        "erosion_size",
        "logstd_window_size",
        "min_object_size",
    ]
    many = [word for name in five for word in ("--set", f"{name}=9")]
    (line,) = (
        text for text in pyama(*plan, *many).stdout.splitlines() if "segmentation" in text
    )
    assert line.count("changed") == 4
    assert line.endswith("; and 1 more")
    lines = pyama(*plan, "--set", "registration=phase_correlation").stdout.splitlines()
    assert "  registration: runs, not done yet" in lines
    assert "  tracking: runs, shifts changes" in lines
    wrong = pyama(*plan, "--set", "registration=on_ground").stderr
    assert "'on_ground': expected 'none' or 'phase_correlation'" in wrong
    new = pyama(*plan, "--overwrite", "--fovs", "1").stdout
    assert "FOV 1\n  all steps: runs, not done yet\nThe field" in new
    assert contents(output) == before


def test_the_plan_as_json_has_an_entry_per_output(pyama, movie_file, finished):
    output, _ = finished
    done = pyama(
        "plan", movie_file, "-o", output, *SMALL, "--set", "min_object_size=60", "--json"
    )
    groups = json.loads(done.stdout)["plan"]
    assert [group["fovs"] for group in groups] == [[0, 1, 2]]
    steps = {step["step"]: step for step in groups[0]["steps"]}
    assert steps["copying"]["action"] == "keep"
    assert steps["segmentation"]["outputs"] == {
        "seg_labeled_ch_0/0": ["min_object_size changed 50 -> 60"]
    }


def test_the_plan_of_a_new_folder_makes_no_folder(pyama, movie_file, tmp_path, monkeypatch):
    command = "plan", movie_file, "-o", tmp_path / "new", "--pc", "phase", "--copy-only"
    done = pyama(*command)
    assert done.exit_code == 0
    assert "  copying: runs, not done yet" in done.stdout
    assert "caching: skipped (copy_only)" in done.stdout
    size = r"A run would write about [\d.]+ MB and \d+ files and folders\."
    assert re.fullmatch(size, done.stdout.splitlines()[-1])
    monkeypatch.setattr("shutil.disk_usage", lambda path: SimpleNamespace(free=1000))
    full = pyama(*command).stdout.splitlines()
    assert re.fullmatch(size, full[-2])
    assert "has room for 1 kB, and the run needs about" in full[-1]
    assert list(tmp_path.iterdir()) == []


def test_the_plan_sees_missing_files(pyama, movie_file, tmp_path):
    pyama("run", movie_file, "-o", tmp_path, "--fovs", "0,2", *SMALL)
    (tmp_path / "fov_002" / "movie_fov_002_traces.csv").unlink()
    done = pyama("plan", movie_file, "-o", tmp_path, *SMALL)
    assert "FOV 0\n  all steps: finished" in done.stdout
    assert "FOV 1\n  all steps: runs, not done yet" in done.stdout
    assert "extraction: runs, movie_fov_002_traces.csv is missing" in done.stdout
    assert "2 of 3 fields of view have something to do." in done.stdout


def test_other_settings_of_the_last_run_are_mentioned(pyama, movie_file, finished):
    output, _ = finished
    note = "had other settings (min_frames = 2)"
    plan = ["plan", movie_file, "-o", output, "--set", "border_margin=3"]
    assert note in pyama(*plan).stderr
    recorded = ["--config", output / "processing_config.yaml"]
    assert "other settings" not in pyama(*plan, *recorded).stderr


def test_options_override_settings_override_the_file(pyama, movie_file, tmp_path):
    config = tmp_path / "mine.yaml"
    config.write_text(
        "channels: {pc: 1, fl: [0]}\n"
        "params: {min_frames: 7, min_iou: 0.2, n_workers: 3, border_margin: 4}\n"
    )
    output = tmp_path / "out"
    done = pyama("run", movie_file, "-o", output, "-c", config, "--set", "min_iou=0.4",
                 "--set", "n_workers=5", "--workers", "1", "--batch-size", "3", "--pc", "0",
                 "--fovs", "1", "--pc-features", "area,solidity")  # fmt: skip
    assert done.exit_code == 0
    written = yaml.safe_load((output / "processing_config.yaml").read_text(encoding="utf-8"))
    params = written["params"]
    assert (params["min_frames"], params["min_iou"], params["n_workers"]) == (7, 0.4, 1)
    assert params["batch_size"] == 3
    assert written["channels"] == {
        "pc": {"channel": 0, "features": ["area", "solidity"]},
        "fl": [],
    }
    assert [path.name for path in output.glob("fov_*")] == ["fov_001"]


@pytest.mark.parametrize(
    ("arguments", "messages"),
    [
        (["--fovs", "0-9"], ["FOV 9 does not exist"]),
        (["--fovs", "x"], ["'x' is not a field of view"]),
        (["--pc", "DIC"], ["--pc DIC is not a channel", "0  Phase", "1  GFP"]),
        (["--pc", "0", "--fl", "0"], ["channel 0 is listed twice"]),
        (["--fl-features", "mood"], ["mood", "intensity_total"]),
        (["--pc", "0", "--fl-features", "area"], ["--fl-features needs"]),
        (["--fl", "1", "--pc-features", "area"], ["--pc-features needs"]),
        (
            ["--set", "min_iuo=1", "--set", "min_frames=x"],
            ["did you mean min_iou", "min_frames"],
        ),
        (["--set", "segmentation_method=otsu"], ["Unknown segmentation method 'otsu'"]),
        (["--config", "absent.yaml"], ["absent.yaml cannot be read"]),
    ],
)
@pytest.mark.parametrize("command", ["run", "plan"])
def test_wrong_options_are_exit_code_2_before_any_work(
    pyama, movie_file, tmp_path, command, arguments, messages
):
    done = pyama(command, movie_file, "-o", tmp_path / "out", *arguments)
    assert (done.exit_code, done.stdout) == (2, "")
    for message in messages:
        assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_file_is_no_output_folder(pyama, movie_file, tmp_path):
    path = tmp_path / "results"
    path.write_text("")
    done = pyama("run", movie_file, "-o", path)
    assert (done.exit_code, done.stdout) == (2, "")
    assert f"{path} is a file. Name a folder for the output." in done.stderr


def test_names_that_leave_doubt_lead_to_a_question(pyama, unnamed_file, tmp_path):
    done = pyama("run", unnamed_file, "-o", tmp_path / "out")
    assert done.exit_code == 2
    for expected in (
        "0  Camera 1",
        "1  Camera 2",
        f"--output {tmp_path / 'out'} --pc 0 --fl 1",
    ):
        assert expected in done.stderr


def test_fluorescence_alone_says_that_there_will_be_no_traces(pyama, movie_file, tmp_path):
    done = pyama("run", movie_file, "-o", tmp_path, "--fl", "gfp", "--fovs", "0", "--json")
    assert done.exit_code == 0
    assert "Without a phase contrast channel" in done.stderr
    found = json.loads(done.stdout)
    assert found["files"] == []
    assert any("no phase contrast channel" in text for text in found["notes"])
    assert any("without a mask" in text for text in found["warnings"])


def test_another_recording_in_the_folder_is_refused(pyama, movie_file, unnamed_file, tmp_path):
    pyama("run", movie_file, "-o", tmp_path, "--fovs", "0", "--copy-only")
    other = ["run", unnamed_file, "-o", tmp_path, "--pc", "0", "--copy-only"]
    done = pyama(*other)
    assert done.exit_code == 2
    assert "belongs to another recording" in done.stderr
    assert "--overwrite" in done.stderr
    assert pyama(*other, "--overwrite").exit_code == 0


def test_a_recording_that_is_gone_can_be_processed_further(pyama, movie_file, tmp_path):
    copy = tmp_path / "copy.nd2"
    copy.write_bytes(movie_file.read_bytes())
    output = tmp_path / "out"
    pyama("run", copy, "-o", output, "--fovs", "0", *SMALL)
    copy.unlink()
    planned = pyama("plan", copy, "-o", output, "--fovs", "1", *SMALL)
    assert "does not exist: only what was copied before" in " ".join(planned.output.split())
    done = pyama("run", copy, "-o", output, "--fovs", "0", *SMALL, "--set", "min_iou=0.2")
    assert done.exit_code == 0
    assert "does not exist: only what was copied before" in done.stdout


def test_a_failure_is_exit_code_1_and_spares_the_others(pyama, movie_file, tmp_path):
    (tmp_path / "fov_001").mkdir()
    (tmp_path / "fov_001" / "images.zarr").write_text("in the way")
    done = pyama("run", movie_file, "-o", tmp_path, *SMALL)
    assert done.exit_code == 1
    assert "1 of 3 fields of view failed." in done.stdout
    assert "Failed: FOV 1, copying" in done.stdout
    assert "Traceback" not in done.stdout + done.stderr
    assert "Traceback" in (tmp_path / "run.log").read_text(encoding="utf-8")
    assert (tmp_path / "fov_002" / "movie_fov_002_traces.csv").exists()


def test_python_warnings_are_one_line(pyama, movie_file, tmp_path):
    setting = ["--set", "background_weight=1.5"]
    done = pyama("plan", movie_file, "-o", tmp_path, *setting)
    told = [line for line in done.stderr.splitlines() if "background_weight" in line]
    assert told == ["Warning: background_weight is 1.5; expected 0 to 1. 1.0 is used."]


def test_limits_that_remove_every_cell_are_explained(pyama, movie_file, tmp_path):
    done = pyama(
        "run", movie_file, "-o", tmp_path, "--fovs", "0-1", "--set", "border_margin=70"
    )
    assert done.exit_code == 0
    assert "FOV 0-1: min_frames is 30, but only 6 frames are valid: 6 is used." in done.stdout
    assert "within 70 px of the edge (border_margin)" in done.stdout
    assert "No trace is left" in done.stdout


def test_touching_cells_lead_to_advice(pyama, movie_file, tmp_path):
    run = ["run", movie_file, "-o", tmp_path, "--fovs", "0", *SMALL]
    done = pyama(*run, "--set", "max_object_size=300")
    assert done.exit_code == 0
    assert "of the foreground was dropped as larger than 300 px²" in done.stdout
    assert "--set segmentation_method=watershed" in done.stdout


def test_frames_without_background_are_named(pyama, tmp_path):
    path = tmp_path / "full.nd2"
    images = np.random.default_rng(0).integers(0, 60_000, (1, 3, 1, 2, 64, 64), np.uint16)
    write_nd2(path, images, channel_names=["BF", "GFP"])
    setting = ["--set", "segmentation_method=all_of_it", "--set", "max_object_size=null"]
    SEGMENTERS["all_of_it"] = lambda frame, params: np.ones(frame.shape, np.uint16)
    try:
        done = pyama("run", path, "-o", tmp_path / "out", *SMALL, *setting)
    finally:
        del SEGMENTERS["all_of_it"]
    assert "in GFP, no background is visible in frame 0-2" in done.stdout


def test_a_recording_without_cells_is_no_failure(pyama, tmp_path):
    path = tmp_path / "flat.nd2"
    write_nd2(path, np.full((1, 3, 1, 2, 64, 64), 500, np.uint16), channel_names=["BF", "GFP"])
    done = pyama("run", path, "-o", tmp_path / "out", *SMALL)
    assert done.exit_code == 0
    assert "No cell was found in any frame." in done.stdout


def test_verbose_shows_the_log(pyama, movie_file, tmp_path):
    done = pyama("run", movie_file, "-o", tmp_path, "--fovs", "0", "--verbose")
    assert "warning: FOV 0: min_frames is 30" in done.stderr


@pytest.mark.parametrize("kind", ["czi", "nd2"])
def test_the_demo_runs_through(pyama, tmp_path, kind, monkeypatch):
    drawn = ["--fovs", "1", "--frames", "2", "--format", kind]
    arguments = ["--no-browser", "--output", tmp_path, *drawn]
    done = pyama("demo", *arguments)
    assert done.exit_code == 0
    assert "Finished 1 field of view" in done.stdout
    assert (tmp_path / "results" / "fov_000" / "synthetic_fov_000_traces.csv").exists()
    assert f"pyama info {tmp_path / f'synthetic.{kind}'}" in done.stderr
    served = []
    monkeypatch.setattr(
        demo_command, "serve", lambda *a, **options: served.append((a, options))
    )
    assert pyama("demo", *arguments[1:]).exit_code == 0
    assert served == []  # nobody is at a terminal
    monkeypatch.setattr(demo_command, "is_attended", lambda: True)
    again = pyama("demo", *arguments[1:])
    assert again.exit_code == 0, again.output
    (((folder, *_), options),) = served
    assert (folder, options["browser"]) == (tmp_path / "results", True)


def test_the_demo_takes_a_recording_of_the_user(pyama, tmp_path):
    file = SyntheticRecording(n_fovs=2, n_frames=3, shape=(128, 128), n_cells=3).write(
        tmp_path / "mine.nd2", "nd2"
    )
    arguments = ["--real", file, "--frames", "2", "--pc", "Phase", "--no-browser"]
    done = pyama("demo", "--output", tmp_path / "demo", *arguments)
    assert done.exit_code == 0, done.output
    assert "channels  0 Phase, 1 GFP" in done.stderr
    assert f"pyama run {file} --output {tmp_path / 'demo/results'} --pc Phase" in done.stderr
    (fov,) = (tmp_path / "demo/results").glob("fov_*")
    assert (fov / "mine_fov_000_traces.csv").exists()
    assert "2 frames each" in done.stderr
