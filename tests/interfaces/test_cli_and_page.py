"""The same request, run and result on the terminal and on the page."""

import json
import os
import shlex
import sys
from pathlib import Path

import numpy as np
import pytest

from pyama.cli import run_command
from pyama.config import ProcessingConfig
from pyama.errors import ConfigError
from pyama.metadata import MicroscopyMetadata
from pyama.processing import recipes
from pyama.processing.record import write_record
from pyama.processing.workflow.run import process
from pyama.runs.command_line import command
from pyama.runs.request import PreparedRun, check_run, prepare
from pyama.testing.nd2_writer import write_nd2
from small_movie import MOVIE, contents, n_cells

CHANNELS = {"pc": {"channel": 0}, "fl": [{"channel": 1}]}
SMALL = {"min_frames": 2, "border_margin": 2, "n_workers": 1}
OPTIONS = ["--set", "min_frames=2", "--set", "border_margin=2", "-j", "1"]
ORDER = {"file": "movie.nd2", "output": "out", "channels": CHANNELS, "params": SMALL}
posix = pytest.mark.skipif(os.name == "nt", reason="links need rights on Windows")


@pytest.fixture
def root(tmp_path):
    folder = tmp_path / "root"
    folder.mkdir()
    write_nd2(folder / "movie.nd2", MOVIE[:2, :, None], channel_names=["Phase", "GFP"])
    write_nd2(folder / "other.nd2", MOVIE[:1, :2, None], channel_names=["Phase", "GFP"])
    return folder


@pytest.fixture
def finished(ended):
    return lambda client, order: ended(client, client.post("/api/runs", json=order).json())


@pytest.mark.parametrize(
    "names",
    [
        ["GFP", "TD"],
        ["GFP", "Dia"],
        ["GFP", "TL"],
        ["DAPI", "ESID"],
        ["GFP", "PC"],
        ["Calcium indicator", "BF"],
        ["Calcium indicator", "Camera 2"],
        ["Camera 1", "Camera 2"],
    ],
)
def test_channels_are_proposed_alike(client, root, pyama, names):
    file = root / "named.nd2"
    write_nd2(file, MOVIE[:1, :1, None], channel_names=names)
    shown = json.loads(pyama("info", file, "--json").stdout)["proposed_channels"]
    sent = client.get("/api/recording?file=named.nd2").json()
    assert sent["proposed"] == shown
    if shown is None:
        typed = pyama("plan", file, "-o", root / "new").stderr
        assert sent["question"]
        assert sent["question"] in typed
    else:
        assert shown == {"pc": 1, "fl": [0]}
        assert sent["question"] == ""


def test_times_are_described_alike(client, root, pyama):
    write_nd2(root / "late.nd2", MOVIE[:1, :3, None], times_ms=np.arange(3) * 1e9)
    shown = json.loads(pyama("info", root / "late.nd2", "--json").stdout)
    sent = client.get("/api/recording?file=late.nd2").json()
    assert sent["time"] == shown["time"]
    assert sent["time"].startswith("a frame every 278 h, 556 h in all; time stamps")
    assert sent["problems"] == [*shown["problems"], *shown["warnings"]]
    assert len(shown["warnings"]) == 1
    planned = pyama("plan", root / "late.nd2", "-o", root / "new", "--pc", "0")
    assert shown["warnings"][0] in planned.stderr
    options = ["--pc", "0", "--set", "border_margin=0"]
    run = json.loads(
        pyama("run", root / "late.nd2", "-o", root / "late", *options, "--json").stdout
    )
    assert shown["warnings"][0] in run["warnings"]
    details = client.get("/api/fovs/0?dir=late").json()
    assert details["time"] == shown["time"]


@pytest.mark.parametrize("address", ["runs", "runs/plan"])
def test_a_folder_of_another_recording_is_refused_first(client, root, pyama, address):
    pyama("run", root / "other.nd2", "-o", root / "out", "--copy-only")
    before = contents(root / "out")
    typed = pyama("run", root / "movie.nd2", "-o", root / "out")
    sent = client.post(f"/api/{address}", json=ORDER)
    assert (typed.exit_code, sent.status_code) == (2, 422)
    message = sent.json()["detail"]
    assert message.startswith("out belongs to another recording (other.nd2). Choose another")
    assert message in typed.stderr.replace(f"{root}/", "")
    assert client.get("/api/runs").json() == []
    with pytest.raises(ConfigError) as raised:
        process(root / "movie.nd2", ProcessingConfig(channels={"fl": [1]}), root / "out")
    assert str(raised.value).replace(f"{root}/", "") == message
    assert contents(root / "out") == before


WRONG = [
    (["--fovs", "0-9"], {"fovs": "0-9"}),
    (["--fovs", "x"], {"fovs": "x"}),
    (["--fovs", "1-0"], {"fovs": "1-0"}),
    (["--pc", "0", "--fl", "1", "--set", "z=7"], {"params": SMALL | {"z": 7}}),
]


@pytest.mark.parametrize(("options", "change"), WRONG)
def test_wrong_requests_are_refused_with_the_same_words(client, root, pyama, options, change):
    typed = pyama("run", root / "movie.nd2", "-o", root / "out", *options)
    sent = client.post("/api/runs", json=ORDER | change).json()["detail"]
    assert sent in typed.stderr.replace(f"{root}/", "")
    assert not (root / "out").exists()


def test_the_plan_is_the_same(client, root, pyama, finished):
    typed = ["plan", root / "movie.nd2", "-o", root / "out", *OPTIONS, "--fovs", "0-1"]
    sent = client.post("/api/runs/plan", json=ORDER | {"fovs": "0-1"}).json()
    assert sent["lines"] == pyama(*typed).stdout.splitlines()
    assert sent["replaced"] == []
    assert any("a frame every 10 min" in note for note in sent["notes"])
    assert {f"Note: {note}" for note in sent["notes"]} <= {*pyama(*typed).stderr.splitlines()}
    assert not (root / "out").exists()
    assert finished(client, ORDER)["status"] == "finished"
    change = ORDER | {"params": SMALL | {"min_iou": 0.3}}
    sent = client.post("/api/runs/plan", json=change).json()
    assert sent["lines"] == pyama(*typed, "--set", "min_iou=0.3").stdout.splitlines()
    assert sent["replaced"] == [
        f"FOV 0-1: {n_cells(0, 1)} traces, not inspected",
        "FOV 0-1: tracking, cropping, extraction, caching (made again)",
    ]
    assert "min_iou=0.3" in sent["command"]


def test_the_summary_is_the_same(client, root, pyama, finished):
    run = finished(client, ORDER)
    typed = pyama("run", root / "movie.nd2", "-o", root / "again", *OPTIONS).stdout
    lines = [line.replace(str(root / "out"), str(root / "again")) for line in run["summary"]]
    assert lines[1:] == typed.splitlines()[1:]
    assert lines[0].split(" in ")[0] == typed.split(" in ")[0] == "Finished 2 fields of view"
    log = (root / "out" / "run.log").read_text(encoding="utf-8")
    assert "\n".join(run["summary"]) in log


@posix
@pytest.mark.parametrize("front", ["terminal", "page"])
def test_a_log_that_is_a_link_is_replaced(client, root, pyama, tmp_path, front, finished):
    victim = tmp_path / "victim"
    victim.write_text("mine")
    (root / "out").mkdir()
    (root / "out/run.log").symlink_to(victim)
    if front == "page":
        assert finished(client, ORDER)["status"] == "finished"
    else:
        pyama("run", root / "movie.nd2", "-o", root / "out", *OPTIONS)
    assert victim.read_text() == "mine"
    assert "Finished 2 fields of view" in (root / "out/run.log").read_text(encoding="utf-8")


@posix
@pytest.mark.parametrize("name", ["processing_config.yaml", "run.json", "fov_000"])
def test_an_output_folder_with_a_link_out_is_refused(client, root, tmp_path, name, finished):
    finished(client, ORDER)
    moved = (root / "out" / name).rename(tmp_path / "elsewhere")
    (root / "out" / name).symlink_to(moved)
    answer = client.post("/api/runs", json=ORDER)
    assert (answer.status_code, "leads out" in answer.text) == (404, True)


METADATA = MicroscopyMetadata(
    path=Path("a b/movie.nd2"),
    basename="movie",
    format="nd2",
    channel_names=("Phase", "GFP", "RFP"),
    shapes=((64, 64),) * 5,
    n_frames=3,
    dtype="uint16",
    pixel_size_um=None,
    times_min=None,
    identity="x",
)
ENTRIES = [
    {"channels": {"pc": 0, "fl": [1, 2]}},
    {"channels": {"fl": [2]}, "params": {"copy_only": True, "n_workers": 3}},
    {"channels": {"pc": [0, ["area"]], "fl": [[1, ["intensity_total"]]]}},
    {"channels": {"pc": 0, "fl": [[1, ["intensity_total"]], [2, ["particle_num"]]]}},
    {
        "channels": {"pc": 1},
        "params": {
            "z": "max",
            "max_object_size": None,
            "time_mapping": {0: 0.0, 1: 12.5, 2: 20.0},
            "features": {"phase": ["area"], "fluorescence": []},
            "min_iou": 1e-05,
            "plugins": {"particle_num": {"radius": 3.5, "contrast": 4.0}},
        },
    },
]


@pytest.mark.skipif(sys.platform == "win32", reason="quoted for another shell")
@pytest.mark.parametrize("entries", ENTRIES)
@pytest.mark.parametrize("fovs", [range(5), [1, 2, 3], [4, 0]])
@pytest.mark.parametrize("overwrite", [False, True])
def test_a_run_survives_being_typed(pyama, monkeypatch, tmp_path, entries, fovs, overwrite):
    monkeypatch.setattr("pyama.runs.request._metadata", lambda *_, **__: (METADATA, []))
    fovs = list(fovs)
    run = check_run(Path("a b/movie.nd2"), tmp_path, entries, fovs, overwrite=overwrite)
    caught = []

    def keep(request, *_, **__):
        caught.append(prepare(request))
        return 0

    monkeypatch.setattr(run_command, "run", keep)
    write_record(tmp_path, METADATA, run.config)  # as the run does first
    done = pyama(*shlex.split(command(run))[1:])
    assert done.exit_code == 0, done.output
    assert caught == [run]
    assert isinstance(run, PreparedRun)
    assert isinstance(run.config, ProcessingConfig)


def test_recipes_are_computed_once_for_a_run(client, root, pyama, monkeypatch, finished):
    """Check, plan and processing share them."""
    computed, compute = [], recipes.recipes

    def counted(metadata, config, fov, *corrected):
        computed.append(fov)
        return compute(metadata, config, fov, *corrected)

    monkeypatch.setattr(recipes, "recipes", counted)
    pyama("run", root / "movie.nd2", "--output", root / "typed", *OPTIONS)
    assert sorted(computed) == [0, 1]
    computed.clear()
    assert finished(client, ORDER)["status"] == "finished"
    assert sorted(computed) == [0, 1]
