"""Answers over HTTP: fits as curves over the traces, and the report."""

import numpy as np
import pandas as pd
import pytest
from fastapi.testclient import TestClient

from page_fits import fit_on_page
from pyama.analysis.figures.cell_figures import cell_traces
from pyama.analysis.fitting.fit_files import fit_file
from pyama.analysis.fitting.models import MODELS
from pyama.web.application import create_app
from results import results_in
from small_movie import N_FRAMES, contents, times_of

COLUMN = "intensity_total_ch_1"
FITS = f"/api/fovs/1/fits/{COLUMN}"


@pytest.fixture
def folder(tmp_path):
    return results_in(tmp_path)


@pytest.fixture
def client(folder):
    headers = {"Authorization": "Bearer secret"}
    app = create_app(folder, "secret")
    return TestClient(app, base_url="http://localhost", headers=headers)


def merge_and_fit(client, model="constant"):
    client.post("/api/merge", json={"samples": {"a": "0, 1"}})
    fit_on_page(client, tables=["a_merged.csv"], model=model, column=COLUMN)


def test_samples_are_proposed_as_they_were_merged(client, folder):
    assert client.get("/api/samples").json()["samples"] == {"all": "0-1"}
    wish = {"samples": {"drug": "1", "control": "0"}}
    client.post("/api/merge", json=wish)
    assert client.get("/api/samples").json()["samples"] == wish["samples"]
    for name, fovs in (("odd", "3"), ("nested", "[[1], 0]")):
        text = f'# sample: "{name}"\n# fovs: {fovs}\nfov\n'
        (folder / f"{name}_merged.csv").write_text(text, encoding="utf-8")
    assert client.get("/api/samples").json()["samples"] == wish["samples"]


def test_without_fits_there_are_no_curves(client):
    assert client.get(FITS).json() == {
        "models": [],
        "model": None,
        "is_current": True,
        "cells": [],
    }


def test_curves_are_the_model_at_the_times_of_the_frames(client, folder):
    merge_and_fit(client, "exponential_decay")
    found = client.get(FITS).json()
    table = pd.read_csv(folder / "a_merged_fitted_exponential_decay.csv", comment="#")
    own = table[(table["fov"] == 1) & table["success"]]
    assert [cell["cell"] for cell in found["cells"]] == own["cell"].tolist() != []
    model = MODELS["exponential_decay"]
    expected = model.evaluate(
        times_of(2, N_FRAMES)[1] / 60, own[list(model.names)].to_numpy().T
    )
    np.testing.assert_allclose([cell["values"] for cell in found["cells"]], expected)
    assert [cell["r_squared"] for cell in found["cells"]] == own["r_squared"].tolist()


def test_curves_and_figures_leave_out_what_is_bad(client, monkeypatch):
    merge_and_fit(client)
    first, second = (cell["cell"] for cell in client.get(FITS).json()["cells"][:2])
    for cell, frame in ((first, 4), (second, 0)):
        action = {"kind": "mark", "cell": cell, "good": False, "frame": frame}
        client.post("/api/fovs/1/inspection", json={"by": "me", "action": action})
    curves = {cell["cell"]: cell["values"] for cell in client.get(FITS).json()["cells"]}
    assert [value is None for value in curves[first]] == [False] * 4 + [True] * 2
    assert set(curves[second]) == {None}
    drawn = []

    def draw(lines, labels, **options):
        drawn.extend([*lines, options["title"]])
        return cell_traces(lines, labels, **options)

    monkeypatch.setattr("pyama.web.trace_figure_routes.cell_traces", draw)
    query = {"cells": f"{first},{second}", "model": "constant"}
    client.get(f"/api/fovs/1/figures/{COLUMN}", params=query)
    *lines, title = drawn
    assert [(line.cell, line.style) for line in lines] == [(first, "plain"), (first, "fit")]
    assert all(line.values[4:] == [None] * 2 for line in lines)
    assert title == f"1 of {len(curves) - 1} cells; rows marked as bad are left out"


def test_the_last_fit_comes_first_and_any_may_be_chosen(client):
    merge_and_fit(client, "constant")
    merge_and_fit(client, "auto")
    found = client.get(FITS).json()
    assert (found["models"], found["model"]) == (["auto", "constant"], "auto")
    chosen = client.get(FITS, params={"model": "constant"}).json()
    assert (chosen["model"], chosen["cells"][0]["model"]) == ("constant", "constant")
    assert client.get("/api/fovs/1/fits/area_ch_0").json()["models"] == []


def test_fits_of_one_field_of_view_are_found_too(client, folder):
    fit_file(folder / "fov_001/movie_fov_001_traces.csv", "constant", COLUMN)
    assert client.get(FITS).json()["models"] == ["constant"]
    assert client.get(FITS.replace("fovs/1", "fovs/0")).json()["models"] == []


def test_fits_of_earlier_traces_are_called_so(client):
    merge_and_fit(client)
    assert client.get(FITS).json()["is_current"]
    action = {"kind": "mark", "cell": 3, "good": False}
    client.post("/api/fovs/1/inspection", json={"by": "me", "action": action})
    assert not client.get(FITS).json()["is_current"]
    assert client.get(FITS.replace("fovs/1", "fovs/0")).json()["is_current"]
    merge_and_fit(client)
    assert client.get(FITS).json()["is_current"]
    client.post("/api/merge", json={"samples": {"a": "1"}})
    assert not client.get(FITS).json()["is_current"]


HEAD = f'# model: "constant"\n# column: "{COLUMN}"\n'
DAMAGED = [
    "",
    "# model: 5\n# source: []\n",
    f'{HEAD}# source: "../../x.csv"\n',
    f'{HEAD}# source: "a_merged.csv"\nfov\n0\n',
    f'{HEAD}# source: "a_merged.csv"\nfov,cell,model_type,success,r_squared,offset\n'
    "1,x,constant,True,y,z\n",
]


@pytest.mark.parametrize("text", DAMAGED)
def test_a_damaged_table_of_fits_breaks_nothing(client, folder, text):
    merge_and_fit(client)
    (folder / "a_merged_fitted_constant.csv").write_text(text, encoding="utf-8")
    assert client.get(FITS).status_code in (200, 409)


def test_a_report_is_written_and_shown_in_a_sandbox(client, folder):
    assert client.get("/api/report").status_code == 404
    assert not client.get("/api/tables").json()["report"]
    merge_and_fit(client)
    before = contents(folder)
    assert client.post("/api/report").json()["name"] == "report.html"
    assert contents(folder).keys() - before.keys() == {"report.html"}
    assert client.get("/api/tables").json()["report"]
    shown = client.get("/api/report")
    assert "pyama report" in shown.text
    policy = shown.headers["content-security-policy"]
    # Without `allow-same-origin`: it has no cookie, and what it asks for is refused.
    assert policy.startswith("sandbox allow-scripts allow-downloads;")
    assert "connect-src" not in policy
    assert "default-src 'none'" in policy


def test_a_report_elsewhere_is_not_shown(client, folder, tmp_path):
    (tmp_path / "secret.html").write_text("secret")
    try:
        (folder / "report.html").symlink_to(tmp_path / "secret.html")
    except OSError:
        pytest.skip("links need rights on Windows")
    assert client.get("/api/report").status_code == 404
