"""Runs over HTTP: tried, started, watched, cancelled, resumed; then merged and fitted."""

import io
import json
import shutil

import numpy as np
import pandas as pd
import pytest
import tifffile
from fastapi.testclient import TestClient

from page_fits import fit_on_page
from pyama.cli.app import app
from pyama.processing.methods import NAMED_PREPROCESSORS, SEGMENTERS
from pyama.store import FovStore
from pyama.testing.nd2_writer import write_nd2
from pyama.web.application import create_app
from results import results_in
from small_movie import HEIGHT, MOVIE, WIDTH, contents, n_cells

CHANNELS = {"pc": {"channel": 0}, "fl": [{"channel": 1}]}
SMALL = {"min_frames": 2, "border_margin": 2, "n_workers": 1}
ORDER = {"file": "movie.nd2", "output": "out", "channels": CHANNELS, "params": SMALL}
PATIENCE_S = 120


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    folder = tmp_path_factory.mktemp("root")
    write_nd2(folder / "movie.nd2", MOVIE[:2, :, None], channel_names=["Phase", "GFP"])
    (folder / "SCAN.CZI").write_text("damaged")  # a microscope's computer may write it so
    (folder / "notes.txt").write_text("no recording")
    (folder / "inner").mkdir()
    return folder


def test_recordings_are_found_and_described(client):
    found = client.get("/api/files").json()
    assert (found["folders"], found["files"]) == (["inner"], ["SCAN.CZI", "movie.nd2"])
    recording = client.get("/api/recording?file=movie.nd2").json()
    assert (recording["n_fovs"], recording["channels"]) == (2, ["Phase", "GFP"])
    look = client.get("/api/recording/frame?file=movie.nd2&channel=1")
    assert look.content[:2] == b"\xff\xd8"


def test_a_folder_of_images_and_an_ome_zarr_are_listed_as_recordings(client, root):
    folder = root / "inner/series"
    (folder / "a.ome.zarr").mkdir(parents=True)
    for t in range(3):
        tifffile.imwrite(folder / f"t{t}.tif", MOVIE[0, t, 0], metadata=None)
    found = client.get("/api/files?dir=inner/series").json()
    assert found["files"] == [".", "a.ome.zarr", "t0.tif", "t1.tif", "t2.tif"]
    assert found["folders"] == []
    (folder / "a.ome.zarr").rmdir()
    recording = client.get("/api/recording?file=inner/series").json()
    assert recording["n_frames"] == 3
    assert recording["problems"][-1].endswith("confirm it: --set 'axes=t{t}.tif'")
    shutil.rmtree(folder)


def test_the_first_look_has_the_contrast_of_the_pixels_that_were_recorded(client, root):
    from PIL import Image

    from pyama.testing.czi_writer import write_czi

    path = root / "inner/mosaic.czi"
    images = MOVIE[:1, :1, None]
    tiles = [(0, 0, 66, WIDTH), (82, 0, HEIGHT, WIDTH)]
    write_czi(path, images, channel_names=["Phase", "GFP"], tiles=lambda p, t, z, c: tiles)
    look = client.get("/api/recording/frame?file=inner/mosaic.czi&channel=1")
    path.unlink()
    seen = np.asarray(Image.open(io.BytesIO(look.content)), float)[:60]
    whole = client.get("/api/recording/frame?file=movie.nd2&channel=1")
    expected = np.asarray(Image.open(io.BytesIO(whole.content)), float)[:60]
    assert abs(seen - expected).mean() < 12
    assert seen.min() < 40


def test_a_trial_finds_the_cells_that_a_run_would_find(client, tmp_path):
    trial = {"file": "movie.nd2", "fov": 0, "frame": 0, "channels": CHANNELS, "params": SMALL}
    found = client.post("/api/recording/segmentation", json=trial).json()
    stored = FovStore(results_in(tmp_path), 0).stack("seg_labeled_ch_0")[0]
    assert found["cells"] == stored.max() == 4
    assert found["shape"] == list(stored.shape)


def test_a_trial_looks_at_the_plane_that_is_chosen(client, root):
    planes = np.stack([MOVIE[:1, :1], np.full_like(MOVIE[:1, :1], 2000)], axis=2)
    write_nd2(root / "planes.nd2", planes, channel_names=["Phase", "GFP"])
    trial = {"file": "planes.nd2", "fov": 0, "frame": 0, "channels": CHANNELS}
    for z, cells in enumerate([4, 0]):
        sent = trial | {"params": SMALL | {"z": z}}
        found = client.post("/api/recording/segmentation", json=sent).json()
        assert found["cells"] == cells


def test_a_trial_uses_preprocessors(client, monkeypatch):
    monkeypatch.setitem(NAMED_PREPROCESSORS.data, "empty", lambda image, _: image * 0)
    params = SMALL | {"preprocessors": ["empty"]}
    trial = {"file": "movie.nd2", "fov": 0, "frame": 0, "channels": CHANNELS}
    answer = client.post("/api/recording/segmentation", json=trial | {"params": params})
    assert answer.json()["cells"] == 0


def test_a_trial_of_a_file_that_is_gone_is_refused(client):
    trial = {"file": "gone.nd2", "fov": 0, "frame": 0, "channels": CHANNELS, "params": {}}
    answer = client.post("/api/recording/segmentation", json=trial)
    assert answer.status_code == 409
    assert "gone.nd2 does not exist. Check the path." in answer.json()["detail"]


def test_a_trial_is_of_the_frame_that_is_shown(client, monkeypatch):
    def by_frame(frame, params, place=None):
        labels = np.zeros(frame.shape, np.uint16)
        labels[: 10 * (place.fov + 1), : 10 * place.frame] = 1
        return labels

    monkeypatch.setitem(SEGMENTERS.data, "by_frame", by_frame)
    params = SMALL | {"segmentation_method": "by_frame"}
    trial = {"file": "movie.nd2", "fov": 1, "channels": CHANNELS, "params": params}
    for frame, cells in ((0, 0), (2, 1), (0, 0)):
        found = client.post("/api/recording/segmentation", json=trial | {"frame": frame})
        assert found.json()["cells"] == cells
    outside = client.post("/api/recording/segmentation", json=trial | {"frame": 99})
    assert outside.status_code == 404


def test_what_a_run_advises_can_be_applied(client, ended):
    wide = ORDER | {"output": "advised", "params": SMALL | {"border_margin": 70}}
    run = ended(client, client.post("/api/runs", json=wide).json())
    (advice,) = run["advice"]
    assert advice["line"] in run["summary"]
    (settings,) = advice["settings"]
    options = " ".join(f"--set {name}={value}" for name, value in settings.items())
    assert advice["line"].endswith(options)
    again = wide | {"params": wide["params"] | settings}
    plan = client.post("/api/runs/plan", json=again).json()
    assert plan["replaced"][0] == "FOV 0-1: 0 traces, not inspected"
    assert any("copying" in text for text in plan["kept"])
    run = ended(client, client.post("/api/runs", json=again).json())
    assert client.get("/api/dataset?dir=advised").json()["fovs"][0]["traces"] > 0


def test_a_run_is_started_watched_and_finished(client, root):
    run = client.post("/api/runs", json=ORDER)
    assert run.status_code == 201
    with client.stream("GET", f"/api/runs/{run.json()['id']}/events") as stream:
        assert stream.headers["content-type"].startswith("text/event-stream")
        states = [json.loads(line[5:]) for line in stream.iter_lines() if line]
    assert states[-1]["status"] == "finished"
    assert states[-1]["fraction"] == 1
    ended = client.app.state.runs.get(states[-1]["id"]).current
    assert ended.seconds == ended.seconds  # time does not go on
    assert sorted(states, key=lambda state: state["fraction"]) == states
    assert client.get("/api/dataset?dir=out").json()["fovs"][1]["traces"] == n_cells(1)
    assert (root / "out" / "run.log").exists()


def test_results_are_looked_at_and_inspected_while_a_run_writes_them(client, root, ended):
    run = client.post("/api/runs", json=ORDER | {"output": "watched"}).json()
    asked = [
        *("dataset", "fovs/0", "fovs/0/frames/pc_ch_0/0", "fovs/0/outlines/0/0"),
        *("fovs/0/tracks", "fovs/0/traces/area_ch_0", "samples", "tables"),
    ]
    seen = set()
    while run["status"] == "running":
        answers = [client.get(f"/api/{address}?dir=watched") for address in asked]
        seen |= {answer.status_code for answer in answers}
        run = client.get(f"/api/runs/{run['id']}").json()
    assert seen <= {200, 404}
    assert run["status"] == "finished"
    action = {"kind": "mark", "cell": 2, "good": False}
    clicked = {"by": "me", "action": action}
    assert client.post("/api/fovs/0/inspection?dir=watched", json=clicked).status_code == 200
    client.app.state.inspected_tables.write_all()
    before = contents(root / "watched")
    again = client.post("/api/runs", json=ORDER | {"output": "watched"}).json()
    client.post("/api/fovs/1/inspection?dir=watched", json=clicked)
    assert ended(client, again)["status"] == "finished"
    client.app.state.inspected_tables.write_all()
    tables = {
        name: data for name, data in contents(root / "watched").items() if "fov_" in name
    }
    assert {name for name in tables if tables[name] != before.get(name)} == {
        "fov_001/movie_fov_001_traces_inspected.csv",
        "fov_001/movie_fov_001_traces_inspection.jsonl",
    }


def test_the_command_does_the_same(client, root, tmp_path, ended):
    from typer.testing import CliRunner

    run = client.post("/api/runs", json=ORDER | {"output": "a b", "fovs": [1]}).json()
    assert ended(client, run)["status"] == "finished"
    made = contents(root / "a b")
    log = (root / "a b" / "run.log").read_bytes()
    words = run["command"].split(" ", 1)[1].replace("a b", "again")
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0, done.output
    assert contents(root / "again") == made
    assert (root / "a b" / "run.log").read_bytes() == log, "lines of another run"


def test_a_cancelled_run_is_resumed(client, root, ended):
    order = ORDER | {"output": "cancelled"}
    run = client.post("/api/runs", json=order).json()
    client.post(f"/api/runs/{run['id']}/cancel")
    assert ended(client, run)["status"] == "cancelled"
    again = client.post("/api/runs", json=order).json()
    assert ended(client, again)["status"] == "finished"
    assert len(client.get("/api/runs").json()) == 2


def test_a_second_run_at_the_same_time_is_refused(client, ended):
    run = client.post("/api/runs", json=ORDER | {"output": "first"}).json()
    second = client.post("/api/runs", json=ORDER | {"output": "second"})
    client.post(f"/api/runs/{run['id']}/cancel")
    ended(client, run)
    assert second.status_code == 409
    assert "under way" in second.json()["detail"]


WRONG = [
    ({"file": "none.nd2", "output": "fresh"}, 409, "none.nd2"),
    ({"file": "../movie.nd2"}, 404, "below the root"),
    ({"output": "../out"}, 404, "below the root"),
    ({"output": "."}, 422, "folder of its own"),
    ({"output": "notes.txt"}, 422, "is a file. Name a folder"),
    ({"channels": {}}, 422, "at least one channel"),
    ({"channels": {"pc": 7}}, 422, "Channel 7 does not exist"),
    ({"params": {"min_iou": 7}}, 422, "min_iou"),
    ({"params": {"plugins": {"x": {"path": "/etc"}}}}, 422, "outside the root"),
    ({"params": {"flat_field": {"1": "/etc/passwd"}}}, 422, "outside the root"),
    ({"params": {"dark_frame": "/etc/passwd"}}, 422, "outside the root"),
    ({"fovs": [9]}, 422, "9"),
    ({"fovs": [-1]}, 422, "fovs"),
]


def test_the_form_offers_light_without_files(client):
    schema = client.get("/api/schema").json()
    offered = schema["$defs"]["ProcessingParams"]["properties"]
    assert offered["flat_field"]["anyOf"] == [{"enum": ["estimate"]}, {"type": "null"}]
    assert [part["type"] for part in offered["dark_frame"]["anyOf"]] == ["number", "null"]


@pytest.mark.parametrize(("change", "status", "told"), WRONG)
def test_a_wrong_order_is_refused_and_writes_nothing(client, root, change, status, told):
    before = {path.name for path in root.iterdir()}
    answer = client.post("/api/runs", json=ORDER | change)
    assert answer.status_code == status
    assert told in answer.text
    assert str(root) not in answer.text
    assert {path.name for path in root.iterdir()} == before


ABSENT = [
    ("/api/files?dir=..", 404),
    ("/api/files?dir=notes.txt", 404),
    ("/api/recording?file=notes.txt", 409),
    ("/api/recording?file=../x", 404),
    ("/api/recording/frame?file=movie.nd2&fov=9", 404),
    ("/api/recording/frame?file=movie.nd2&channel=2", 404),
    ("/api/runs/none", 404),
    ("/api/runs/none/events", 404),
]


@pytest.mark.parametrize(("address", "status"), ABSENT)
def test_what_is_not_there_is_told(client, address, status):
    assert client.get(address).status_code == status


def test_a_trial_without_phase_contrast_is_refused(client):
    trial = {"file": "movie.nd2", "fov": 0, "frame": 0, "channels": {"fl": [1]}, "params": {}}
    answer = client.post("/api/recording/segmentation", json=trial)
    assert (answer.status_code, "phase contrast" in answer.text) == (422, True)


def test_samples_are_merged_and_fitted_without_bad_cells(tmp_path):
    folder = results_in(tmp_path)
    headers = {"Authorization": "Bearer secret"}
    client = TestClient(
        create_app(folder, "secret"), base_url="http://localhost", headers=headers
    )
    action = {"kind": "mark", "cell": 3, "good": False}
    client.post("/api/fovs/0/inspection", json={"by": "me", "action": action})
    assert client.get("/api/samples").json()["samples"] == {"all": "0-1"}
    wish = {"samples": {"a": "0", "b": "1"}}
    assert client.post("/api/merge", json=wish).json()["merged"] == [
        "a_merged.csv",
        "b_merged.csv",
    ]
    assert client.get("/api/merged?table=a_merged.csv").json()["cells"] == 3
    order = {"tables": ["a_merged.csv"], "column": "intensity_total_ch_1"}
    (name,) = fit_on_page(client, model="constant", **order)["fitted"]
    fits = client.get(f"/api/fits?table={name}").json()
    assert (fits["cells"], fits["units"]["r_squared"]) == (3, "")
    assert fits["units"]["offset"] == "counts"
    fitted = pd.read_csv(folder / fits["table"], comment="#")
    assert fitted[["fov", "cell"]].to_numpy().tolist() == [[0, 1], [0, 2], [0, 4]]
    assert client.get("/api/tables").json()["fitted"] == [fits["table"]]
    client.post("/api/merge", json={"samples": {"both": "0, 1"}})
    assert client.get("/api/merged?table=both_merged.csv").json()["cells"] == n_cells(0, 1) - 1


REFUSED = [
    ("/api/merge", {"samples": {}}, 422),
    ("/api/merge", {"samples": {"../a": "0"}}, 422),
    ("/api/merge", {"samples": {"a": "0", "b": "0"}}, 422),
    ("/api/fits", {"tables": ["../x.csv"]}, 404),
    ("/api/fits", {"tables": ["none_merged.csv"]}, 404),
    ("/api/fits", {"tables": []}, 422),
]


@pytest.mark.parametrize(("address", "body", "status"), REFUSED)
def test_wrong_samples_and_fits_are_refused(tmp_path, address, body, status):
    folder = results_in(tmp_path)
    before = contents(folder)
    headers = {"Authorization": "Bearer secret"}
    app = create_app(folder, "secret")
    client = TestClient(app, base_url="http://localhost", headers=headers)
    assert client.post(address, json=body).status_code == status
    assert contents(folder) == before
