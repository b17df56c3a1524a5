"""Whatever fits the OpenAPI description, or does not, is never answered by a fault of ours."""

from contextlib import suppress

import pytest
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable

from example_counts import amount
from pyama.testing.nd2_writer import write_nd2
from pyama.web.application import create_app
from pyama.web.run_routes import stop_all
from results import made_once, results_in
from small_movie import MOVIE

schemathesis = pytest.importorskip("schemathesis", reason="schemathesis is not installed")

HEADERS = {"Authorization": "Bearer secret", "Host": "localhost"}
SCHEMA = schemathesis.openapi.from_asgi(
    "/openapi.json", create_app(made_once(), "secret"), headers=HEADERS
)
OPERATIONS = [found.ok() for found in SCHEMA.get_all_operations()]
MODES = list(schemathesis.GenerationMode)
SENSIBLE = {
    "dir": ["results", "results", "results", ".", "results/fov_000", "..", ""],
    "fov": [0, 0, 1, 2],
    "group": ["pc_ch_0", "fl_ch_1", "seg_tracked_ch_0", "pc_ch_9", "cells.zarr"],
    "frame": [0, 0, 5, 6],
    "channel": [0, 1, 2],
    "label": [1, 4, 5, 0],
    "column": ["intensity_total_ch_1", "area_ch_0", "cell"],
    "tables": [["a_merged_fitted_constant.csv"], ["a_merged.csv"], []],
    "name": ["offset", "r_squared", "cell", "none"],
    "table": ["a_merged.csv", "a_merged_fitted_constant.csv", "report.html"],
    "file": ["movie.nd2", "notes.nd2", "results", "results/processing_config.yaml"],
    "starts": [1, 2, 0],
    "x": ["offset", "none"],
    "y": ["r_squared", "none"],
    "output": ["out", "results", ".", "movie.nd2/x", "results/fov_000"],
    "model": ["constant", "auto", "none"],
    "samples": [{"a": "0, 1"}, {"a": "9"}, {"../a": "0"}, {"a": "1-0"}],
    "by": ["me", "you"],
    "kind": ["mark", "cut", "join", "swap", "delete"],
    "cell": [1, 2, 5],
    "other": [1, 2, 5],
    "fovs": [None, [0], []],
    "channels": [{"pc": {"channel": 0}, "fl": [1]}, {"pc": 0}, {}],
    "params": [{}, {"min_frames": 2, "border_margin": 0}, {"n_workers": 10**30}],
}
"""What lies near to an answer, by the name of what is asked for."""


@pytest.fixture(scope="module")
def app(tmp_path_factory):
    root = tmp_path_factory.mktemp("root")
    results_in(root)
    write_nd2(root / "movie.nd2", MOVIE[:1, :, None], channel_names=["Phase", "GFP"])
    (root / "notes.nd2").write_text("no recording", encoding="utf-8")
    app = create_app(root, "secret")
    app.state.event_streams.is_stopping = lambda: True  # streams end with their first event
    client = TestClient(app, base_url="http://localhost", headers=HEADERS)
    client.post("/api/merge?dir=results", json={"samples": {"a": "0"}})
    order = {"tables": ["a_merged.csv"], "model": "constant", "column": "area_ch_0"}
    assert client.post("/api/fits?dir=results", json=order).status_code == 201
    app.state.fits.last.current.wait()
    yield app
    stop_all(app)
    app.state.fits.stop()


def nearer(draw, value):
    """Put sensible values into a part of what was generated."""
    if not isinstance(value, dict):
        return value
    return {
        name: draw(st.sampled_from(SENSIBLE[name]))
        if name in SENSIBLE and draw(st.sampled_from([True, True, True, False]))
        else nearer(draw, entry)
        for name, entry in value.items()
    }


@pytest.mark.parametrize("mode", MODES, ids=lambda mode: mode.value)
@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda op: f"{op.method} {op.path}")
def test_no_request_breaks_the_server(app, operation, mode):
    @settings(
        max_examples=amount(8, 400),
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(operation.as_strategy(generation_mode=mode), st.data())
    def ask(case, data):
        case.path_parameters = nearer(data.draw, case.path_parameters)
        case.query = nearer(data.draw, {"dir": "results"} | dict(case.query or {}))
        case.body = nearer(data.draw, case.body)
        case.operation.app = app
        answer = case.call(headers=HEADERS)
        assert answer.status_code < 500, (case, answer.text)

    with suppress(Unsatisfiable):  # what takes any text, or nothing, cannot be asked wrongly
        ask()


POSTS = sorted({op.path for op in OPERATIONS if op.method == "post"})


@settings(max_examples=amount(60, 5000))
@given(
    st.sampled_from(POSTS),
    st.binary(max_size=60),
    st.sampled_from(["application/json", "text/plain", "multipart/form-data", "x"]),
)
@example("/api/runs", b"[" * 100_000, "application/json")
@example("/api/runs", b'{"file": "\\ud800", "output": "\\u0000"}', "application/json")
@example("/api/merge", b'{"samples": {"\\ud800": "0"}}', "application/json")
@example("/api/merge", b'{"samples": {"a": "0-99999999999999"}}', "application/json")
@example("/api/runs", b'{"file": "movie.nd2", "output": 1e999}', "application/json")
def test_no_body_breaks_the_server(app, path, body, kind):
    client = TestClient(app, base_url="http://localhost", headers=HEADERS)
    for name in ("fov", "run_id", "fit_id"):
        path = path.replace(f"{{{name}}}", "0")
    answer = client.post(f"{path}?dir=results", content=body, headers={"Content-Type": kind})
    # Some need no body at all.
    assert answer.status_code < 500, answer.text
