"""Result files as links, and all of them in a zip archive."""

import io
import os
import sys
import zipfile
from contextvars import copy_context
from datetime import UTC, datetime, timedelta

import pytest
from fastapi.testclient import TestClient

from page_fits import fit_on_page
from pyama.analysis.samples import read_samples
from pyama.runs.result_files import CHUNK, INCOMPLETE_FILE, result_zip
from pyama.symlinks import confine_reading
from pyama.web.application import create_app
from results import results_in

COLUMN = "intensity_total_ch_1"
TYPES = {
    "a_merged.csv": "text/csv; charset=utf-8",
    "a_merged_fitted_constant.csv": "text/csv; charset=utf-8",
    "fov_000/movie_fov_000_traces.csv": "text/csv; charset=utf-8",
    "fov_000/movie_fov_000_traces_inspection.jsonl": "application/x-ndjson",
    "figure.svg": "image/svg+xml",
    "report.html": "text/html; charset=utf-8",
    "processing_config.yaml": "application/yaml",
    "run.json": "application/json",
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = results_in(tmp_path_factory.mktemp("downloads"))
    (folder / "report.html").write_text("<p>report</p>", encoding="utf-8")
    (folder / "figure.svg").write_text("<svg/>", encoding="utf-8")
    (folder / ".hidden.csv").write_text("x", encoding="utf-8")
    (folder / "recording.nd2").write_text("x", encoding="utf-8")
    (folder.parent / "secret.csv").write_text("secret", encoding="utf-8")
    client = client_of(folder)
    action = {"kind": "mark", "cell": 3, "good": False}
    client.post("/api/fovs/0/inspection", json={"by": "me", "action": action})
    client.post("/api/merge", json={"samples": {"old": "0", "older": "1"}})
    client.post("/api/merge", json={"samples": {"a": "0, 1"}})
    fit_on_page(client, tables=["a_merged.csv"], model="constant", column=COLUMN)
    return folder


def client_of(folder):
    headers = {"Authorization": "Bearer secret"}
    app = create_app(folder, "secret")
    return TestClient(app, base_url="http://localhost", headers=headers)


@pytest.fixture
def client(folder):
    return client_of(folder)


def listed(client):
    return {file["name"]: file["kind"] for file in client.get("/api/results").json()["files"]}


def test_everything_but_the_pixels_is_listed_and_sent(client, folder):
    names = listed(client)
    assert TYPES.keys() <= names.keys()
    assert names["old_merged.csv"] == "earlier samples"
    assert not any("zarr" in name or name.startswith(".") for name in names)
    assert "recording.nd2" not in names
    for name in names:
        sent = client.get("/api/results/file", params={"name": name})
        assert sent.content == (folder / name).read_bytes()
        assert sent.headers["content-disposition"].startswith("attachment; filename")
        assert sent.headers["x-content-type-options"] == "nosniff"
        assert sent.headers["content-security-policy"].startswith("sandbox;")
        if name in TYPES:
            assert sent.headers["content-type"] == TYPES[name]


ABSENT = [
    *("../secret.csv", "fov_000/../../secret.csv", "/etc/passwd", ".hidden.csv", "none.csv"),
    *("recording.nd2", "fov_000", "", "fov_000/images.zarr/zarr.json", "\0"),
]


@pytest.mark.parametrize("name", ABSENT)
def test_other_files_are_not_sent(client, name):
    assert client.get("/api/results/file", params={"name": name}).status_code == 404


def test_links_are_not_followed(client, folder):
    link = folder / "link.csv"
    try:
        link.symlink_to(folder / "a_merged.csv")
    except OSError:
        pytest.skip("links need rights on Windows")
    try:
        assert "link.csv" not in listed(client)
        assert client.get("/api/results/file?name=link.csv").status_code == 404
        archive = zipfile.ZipFile(io.BytesIO(client.get("/api/results/zip").content))
        assert not any("link" in name for name in archive.namelist())
    finally:
        link.unlink()


def test_the_zip_holds_all_of_it_in_order_and_its_samples_can_be_merged(client, folder):
    sent = client.get("/api/results/zip")
    assert sent.headers["content-type"] == "application/zip"
    assert sent.headers["content-disposition"] == 'attachment; filename="results.zip"'
    assert client.get("/api/results/zip").content == sent.content
    archive = zipfile.ZipFile(io.BytesIO(sent.content))
    assert archive.testzip() is None
    first, *others = archive.namelist()
    expected = [name for name, kind in listed(client).items() if kind != "earlier samples"]
    assert first == "results/samples.yaml"
    assert others == [f"results/{name}" for name in sorted(expected)]
    for name in expected:
        assert archive.read(f"results/{name}") == (folder / name).read_bytes()
        changed = datetime.fromtimestamp((folder / name).stat().st_mtime, UTC)
        stored = datetime(*archive.getinfo(f"results/{name}").date_time, tzinfo=UTC)
        assert timedelta(0) <= changed - stored < timedelta(seconds=2)  # as a zip can hold
    # Programs that unpack it give files these rights.
    assert {entry.external_attr >> 16 for entry in archive.infolist()} == {0o644}
    text = archive.read(first).decode()
    assert read_samples(text, "x", [0, 1]) == ({"a": [0, 1]}, [])
    shown = client.get("/api/results").json()
    assert shown["zip_count"] == len(archive.namelist())
    assert shown["zip_size"].split()[1] in ("kB", "MB")


def test_a_large_file_goes_through_in_pieces_and_one_that_vanishes_is_left_out(tmp_path):
    folder = results_in(tmp_path)
    (folder / "large.csv").write_bytes(os.urandom(5 * CHUNK))
    (folder / "gone.csv").write_text("x", encoding="utf-8")
    (folder / "samples.yaml").write_text("mine", encoding="utf-8")
    content = result_zip(folder)
    assert content.size > 5 * CHUNK
    (folder / "gone.csv").unlink()
    pieces = list(content.chunks("x"))
    assert max(map(len, pieces)) < 2 * CHUNK
    archive = zipfile.ZipFile(io.BytesIO(b"".join(pieces)))
    assert "x/gone.csv" not in archive.namelist()
    assert archive.read("x/large.csv") == (folder / "large.csv").read_bytes()
    assert archive.read("x/samples.yaml") == b"mine"
    said = archive.read(f"x/{INCOMPLETE_FILE}").decode()
    assert said == "gone.csv: it does not exist; check the path\n"


def test_what_changes_while_the_zip_is_sent_breaks_neither_it_nor_the_server(tmp_path):
    folder = results_in(tmp_path)
    names = ["a.csv", "becomes_a_folder.csv", "leads_out.csv", "grows.csv"]
    for name in names:
        (folder / name).write_bytes(b"x")
    content = result_zip(folder)
    (folder / "grows.csv").write_bytes(os.urandom(3 * CHUNK))
    for name in names[1:3]:
        (folder / name).unlink()
    (folder / names[1]).mkdir()
    (folder / names[2]).symlink_to(os.devnull)

    def collect():
        confine_reading(folder)
        pieces = []
        for piece in content.chunks("x"):
            with (folder / "grows.csv").open("ab") as file:
                file.write(b"more")
            pieces.append(piece)
        return b"".join(pieces)

    archive = zipfile.ZipFile(io.BytesIO(copy_context().run(collect)))
    assert archive.testzip() is None
    assert archive.getinfo("x/grows.csv").file_size >= 3 * CHUNK
    said = archive.read(f"x/{INCOMPLETE_FILE}").decode().splitlines()
    assert [line.partition(":")[0] for line in said] == names[1:3]


def test_names_that_other_systems_take_for_paths_are_made_safe(tmp_path):
    if os.name == "nt":
        pytest.skip("such names cannot exist on Windows")
    folder = results_in(tmp_path)
    (folder / "a\\..\\evil.csv").write_text("x", encoding="utf-8")
    (folder / "fov_notes").write_text("a file, as that of a field of view is named")
    assert "a_.._evil.csv" in result_zip(folder).files


@pytest.mark.parametrize("fps", [5, 25])
def test_a_movie_is_that_of_the_command(folder, pyama, tmp_path, fps):
    client = client_of(folder)
    sent = client.get("/api/fovs/1/movie", params={"kind": "gif", "fps": fps})
    assert sent.headers["content-type"] == "image/gif"
    assert sent.headers["content-disposition"] == "attachment"
    words = ("export", "movie", folder, "--fov", "1", "--fps", fps, "-o", tmp_path / "a.gif")
    assert pyama(*words).exit_code == 0
    assert sent.content == (tmp_path / "a.gif").read_bytes()


def test_a_movie_that_cannot_be_made_says_why(folder, monkeypatch):
    client = client_of(folder)
    monkeypatch.setitem(sys.modules, "imageio_ffmpeg", None)
    sent = client.get("/api/fovs/1/movie?kind=mp4")
    assert sent.status_code == 422
    assert "pip install 'pyama-traces[movie]'" in sent.json()["detail"]
    assert client.get("/api/fovs/1/movie?kind=avi").status_code == 422
