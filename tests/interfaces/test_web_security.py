"""Who may not ask gets nothing, and nothing outside the root is reached."""

import os
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import quote

import pytest
from fastapi.testclient import TestClient
from hypothesis import given, settings
from hypothesis import strategies as st

from pyama.web.application import create_app
from results import made_once, results_in

TOKEN = "secret-token"  # noqa: S105
BEARER = {"Authorization": f"Bearer {TOKEN}"}


@pytest.fixture(scope="module")
def app():
    return create_app(made_once(), TOKEN, frozenset({"lab-server"}))


def ask(app, address="/api/dataset", method="GET", base="http://localhost:8000", **headers):
    client = TestClient(app, base_url=base, follow_redirects=False)
    return client.request(
        method, address, headers={k.replace("_", "-"): v for k, v in headers.items()}
    )


ROUTES = [
    "/",
    "/api/dataset",
    "/static/main.js",
    "/openapi.json",
    "/docs",
    "/favicon.ico",
    "/x",
]


@pytest.mark.parametrize("address", ROUTES)
@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": "Bearer wrong"},
        {"Authorization": f"Basic {TOKEN}"},
        {"Cookie": "pyama_token=wrong"},
        {"Cookie": f"other={TOKEN}"},
        {"Cookie": "pyama_token=\u00e9"},
    ],
    ids=["nothing", "wrong", "basic", "wrong cookie", "other cookie", "odd cookie"],
)
def test_without_the_token_nothing_is_told(app, address, headers):
    encoded = {name: value.encode("latin-1") for name, value in headers.items()}
    answer = TestClient(app, base_url="http://localhost").get(address, headers=encoded)
    assert answer.status_code == 401
    assert "pyama view" in answer.text


def test_the_token_of_the_address_becomes_a_cookie(app):
    client = TestClient(app, base_url="http://localhost:8000", follow_redirects=False)
    answer = client.get(f"/?token={TOKEN}&dir=results")
    assert (answer.status_code, answer.headers["location"]) == (303, "/?dir=results")
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    assert client.get("/api/dataset").status_code == 200


def test_servers_on_two_ports_of_a_host_do_not_take_each_others_cookie(app):
    client = TestClient(app, base_url="http://localhost:8000", follow_redirects=False)
    cookie = client.get(f"/?token={TOKEN}").headers["set-cookie"].partition(";")[0]
    assert cookie == f"pyama_token_8000={TOKEN}"
    other = TestClient(app, base_url="http://localhost:8001")
    assert other.get("/api/dataset", headers={"Cookie": cookie}).status_code == 401


OWN = ["http://localhost:8000", "http://127.0.0.1", "http://[::1]:9", "http://lab-server:1"]
FOREIGN = [
    "http://evil.example",
    "http://localhost.evil.example",
    "http://127.0.0.1.nip.io:80",
]


@pytest.mark.parametrize(
    ("base", "status"), [(b, 200) for b in OWN] + [(b, 403) for b in FOREIGN]
)
def test_only_the_own_names_of_the_server_are_answered(app, base, status):
    assert ask(app, base=base, **BEARER).status_code == status


@pytest.mark.parametrize(
    "origin", ["http://evil.example", "null", "http://localhost:8001", "http://["]
)
def test_requests_of_other_sites_are_refused(app, origin):
    for method in ("GET", "POST", "OPTIONS"):
        answer = ask(app, "/api/fovs/0/inspection/undo", method, Origin=origin, **BEARER)
        assert answer.status_code == 403
        assert "access-control-allow-origin" not in answer.headers


def test_the_own_page_may_ask(app):
    assert ask(app, Origin="http://localhost:8000", **BEARER).status_code == 200


@pytest.mark.parametrize("address", [*ROUTES, "/api/fovs/99", "/api/dataset?dir=../.."])
def test_every_answer_forbids_what_the_page_does_not_need(app, address):
    for headers in ({}, BEARER):
        answer = ask(app, address, **headers)
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert answer.headers["x-content-type-options"] == "nosniff"


OUTSIDE = [
    "..",
    "../elsewhere",
    "/etc",
    "/",
    "a/../../..",
    "..\\..",
    "\0",
    "x" * 4000,
    "%2e%2e",
    "~",
]


@pytest.mark.parametrize("name", OUTSIDE)
def test_nothing_outside_the_root_is_reached(app, name):
    for address in ("/api/dataset", "/api/fovs/0", "/api/fovs/0/tracks"):
        client = TestClient(app, base_url="http://localhost", headers=BEARER)
        answer = client.get(address, params={"dir": name})
        assert answer.status_code == 404
        assert str(made_once()) not in answer.text


@pytest.mark.parametrize(
    "path", ["/static/../app.py", "/static/%2e%2e/app.py", "/static/..%2fapp.py"]
)
def test_only_the_files_of_the_page_are_served(app, path):
    assert ask(app, path, **BEARER).status_code == 404


@pytest.mark.skipif(os.name == "nt", reason="links need rights on Windows")
def test_links_out_of_the_root_are_not_followed(tmp_path):
    results = results_in(tmp_path)
    root = tmp_path / "root"
    root.mkdir()
    (root / "link").symlink_to(results)
    inner = root / "inner"
    inner.mkdir()
    (inner / "processing_config.yaml").write_bytes(
        (results / "processing_config.yaml").read_bytes()
    )
    (inner / "fov_000").symlink_to(results / "fov_000")
    app = create_app(root, TOKEN)
    assert ask(app, "/api/dataset?dir=link", **BEARER).status_code == 404
    for address in ("/api/fovs/0/tracks", "/api/dataset", "/api/samples", "/api/report"):
        answer = ask(app, f"{address}?dir=inner", **BEARER)
        assert (answer.status_code, answer.text) == (
            404,
            '{"detail":"fov_000 leads out of the root."}',
        )


@pytest.mark.skipif(os.name == "nt", reason="links need rights on Windows")
@pytest.mark.parametrize(
    "name", ["fov_000/images.zarr", "fov_000/.marks", "fov_000/movie_fov_000_traces.csv"]
)
def test_links_inside_a_field_of_view_are_not_followed(tmp_path, name):
    root = tmp_path / "root"
    root.mkdir()
    results = results_in(root)
    moved = (results / name).rename(tmp_path / "elsewhere")
    (results / name).symlink_to(moved)
    app = create_app(root, TOKEN)
    for address in ("tracks", "frames/pc_ch_0/0", "outlines/0/0"):
        answer = ask(app, f"/api/fovs/0/{address}?dir=results", **BEARER)
        assert (answer.status_code, "leads out" in answer.text) == (404, True)
    assert ask(app, "/api/fovs/1/tracks?dir=results", **BEARER).status_code == 200


DEEP = [
    ("images.zarr/pc_ch_0", "frames/pc_ch_0/0?level=0"),
    ("images.zarr/pc_ch_0/0", "frames/pc_ch_0/0?level=0"),
    ("images.zarr/pc_ch_0/0/zarr.json", "frames/pc_ch_0/0?level=0"),
    ("images.zarr/pc_ch_0/0/c.0.0.0", "frames/pc_ch_0/0?level=0"),
    ("images.zarr/pc_ch_0/1/c.0.0.0", "frames/pc_ch_0/0?level=1&format=png"),
    ("images.zarr/seg_tracked_ch_0", "outlines/0/0?"),
    ("images.zarr/seg_tracked_ch_0/0/c.0.0.0", "outlines/0/0?"),
    (".marks/pc_ch_0.0.json", "frames/pc_ch_0/0?level=0"),
]


@pytest.mark.skipif(os.name == "nt", reason="links need rights on Windows")
@pytest.mark.parametrize(("name", "address"), DEEP, ids=[name for name, _ in DEEP])
def test_links_at_any_depth_of_a_field_of_view_are_not_followed(tmp_path, name, address):
    root = tmp_path / "root"
    root.mkdir()
    results = results_in(root)
    path = results / "fov_000" / name
    moved = path.rename(tmp_path / "elsewhere")
    path.symlink_to(moved)
    app = create_app(root, TOKEN)
    answer = ask(app, f"/api/fovs/0/{address}&dir=results", **BEARER)
    assert (answer.status_code, "leads out" in answer.text) == (404, True)
    there = f"/api/fovs/1/{address}&dir=results"
    assert ask(app, there, **BEARER).status_code == 200


@pytest.mark.skipif(os.name == "nt", reason="links need rights on Windows")
def test_a_link_inside_the_root_is_followed(tmp_path):
    results = results_in(tmp_path)
    path = results / "fov_000/images.zarr/pc_ch_0/0"
    path.symlink_to(path.rename(tmp_path / "beside"))
    app = create_app(tmp_path, TOKEN)
    address = "/api/fovs/0/frames/pc_ch_0/0?level=0&dir=results"
    assert ask(app, address, **BEARER).status_code == 200


@pytest.mark.skipif(os.name == "nt", reason="links need rights on Windows")
@pytest.mark.parametrize("address", ["samples", "report"])
def test_traces_that_are_a_link_are_not_merged(tmp_path, address):
    root = tmp_path / "root"
    root.mkdir()
    results = results_in(root)
    path = results / "fov_001" / "movie_fov_001_traces.csv"
    path.symlink_to(path.rename(tmp_path / "elsewhere.csv"))
    answer = ask(create_app(root, TOKEN), f"/api/{address}?dir=results", **BEARER)
    assert (answer.status_code, "leads out" in answer.text) == (404, True)


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "TRACE"])
@pytest.mark.parametrize("address", ["/api/dataset", "/api/fovs/0/inspection", "/"])
def test_other_methods_are_refused(app, address, method):
    assert ask(app, address, method, **BEARER).status_code == 405


def test_a_fault_of_ours_shows_no_internals(app, monkeypatch):
    monkeypatch.setattr("pyama.web.dataset_routes.record_of", lambda _: 1 / 0)
    client = TestClient(
        app, base_url="http://localhost", headers=BEARER, raise_server_exceptions=False
    )
    answer = client.get("/api/dataset")
    assert (answer.status_code, answer.text) == (500, "Internal Server Error")


def test_many_at_once_are_served(app):
    client = TestClient(app, base_url="http://localhost", headers=BEARER)

    def frame(i):
        return client.get(f"/api/fovs/{i % 2}/frames/pc_ch_0/{i % 6}").status_code

    with client, ThreadPoolExecutor(32) as pool:
        assert set(pool.map(frame, range(300))) == {200}


NAMES = st.one_of(
    st.text(max_size=30),
    st.sampled_from([".", "..", "pc_ch_0", "area_ch_0", "seg_tracked_ch_0"]),
)
NUMBERS = st.one_of(st.integers(-2, 10**12), st.just(0), st.text(max_size=4))


@settings(max_examples=60)
@given(st.sampled_from(["frames", "outlines", "traces"]), NUMBERS, NAMES, NUMBERS, NAMES)
def test_no_request_for_images_or_traces_breaks_the_server(app, kind, fov, name, frame, text):
    client = TestClient(app, base_url="http://localhost", headers=BEARER)
    parts = [str(part).replace("/", "").replace("?", "") for part in (fov, kind, name, frame)]
    query = {"dir": text, "level": text, "format": text, "version": text}
    for params in ({}, query, {"dir": text}):
        address = "/api/fovs/" + "/".join(
            quote(part, safe="", errors="replace") for part in parts
        )
        assert client.get(address, params=params).status_code < 500
