"""Fits on the page: the same options, refusals and tables as on the terminal."""

import shlex
import shutil
import threading
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from fastapi.testclient import TestClient

from experiments import experiment
from page_fits import fit_on_page
from pyama.analysis.fitting.fit_files import fit_file
from pyama.analysis.fitting.fit_settings import FitSettings
from pyama.analysis.fitting.model import Model, Parameter
from pyama.analysis.fitting.models import MODELS
from pyama.analysis.merge import write_merged
from pyama.runs import active_fit
from pyama.runs.active_fit import ActiveFit
from pyama.web.application import create_app

COLUMN = "intensity_total_ch_1"
HEADERS = {"Authorization": "Bearer secret"}


def client_of(folder):
    return TestClient(
        create_app(folder, "secret"), base_url="http://localhost", headers=HEADERS
    )


@pytest.fixture(scope="module", params=[3, 4], ids=["odd", "even"])
def merged(request, tmp_path_factory):
    """Two samples whose numbers of cells are odd or even."""
    folder = tmp_path_factory.mktemp("fits") / "results"
    experiment(folder, 2, n_cells=request.param)
    write_merged(folder, {"a": "0", "b": "1"})
    return folder


@pytest.fixture
def folder(merged, tmp_path):
    return shutil.copytree(merged, tmp_path / "results")


CHOICES = {
    "defaults": {},
    "fixed": {"fix": ["t0=1.5", "km=1.1"]},
    "all options": {
        "free": "km",
        "fix": ["beta=0.01"],
        "bound": ["delta=0.01:2", "t0=-inf:inf"],
        "guess": ["t0=2.5"],
        "starts": 3,
        "loss": "soft_l1",
        "seed": 7,
    },
    "auto": {"model": "auto", "starts": 1, "free": "all"},
}


@pytest.mark.parametrize("options", CHOICES.values(), ids=CHOICES)
def test_page_and_terminal_write_the_same_bytes(pyama, merged, folder, tmp_path, options):
    request = {"tables": ["a_merged.csv", "b_merged.csv"], "column": COLUMN, **options}
    client = client_of(folder)
    state = fit_on_page(client, **request)
    assert (state["status"], state["fraction"], len(state["fitted"])) == ("finished", 1, 2)
    checked = client.post("/api/fits/check", json=request).json()
    assert checked == {"command": state["command"], "problem": ""}

    again = shutil.copytree(merged, tmp_path / "again")
    program, *words = shlex.split(state["command"].replace(str(folder), str(again)))
    assert program == "pyama"
    assert pyama(*words, "--workers", 1).exit_code == 0
    for name in state["fitted"]:
        assert (folder / name).read_bytes() == (again / name).read_bytes()


def test_the_page_has_the_defaults_of_the_terminal(pyama, folder):
    fit_on_page(client_of(folder), tables=["a_merged.csv"])
    path = folder / "a_merged_fitted_maturation.csv"
    of_page = path.read_bytes()
    assert pyama("fit", folder / "a_merged.csv").exit_code == 0
    assert path.read_bytes() == of_page
    assert pyama("fit", folder / "a_merged.csv", "--column", COLUMN).exit_code == 0
    assert path.read_bytes() == of_page


REFUSED = {
    "model": ({"model": "nonsense"}, ["--model", "nonsense"]),
    "no value": ({"fix": ["km"]}, ["--fix", "km"]),
    "no number": ({"fix": ["km=1,28"]}, ["--fix", "km=1,28"]),
    "twice": ({"bound": ["t0=0:1", "t0=0:2"]}, ["--bound", "t0=0:1", "--bound", "t0=0:2"]),
    "no range": ({"bound": ["t0=1"]}, ["--bound", "t0=1"]),
    "wrong order": ({"bound": ["t0=2:1"]}, ["--bound", "t0=2:1"]),
    "out of bounds": ({"fix": ["km=99"]}, ["--fix", "km=99"]),
    "starts outside": ({"guess": ["t0=-1"]}, ["--guess", "t0=-1"]),
    "starts where fixed": ({"guess": ["km=1"]}, ["--guess", "km=1"]),
    "unknown": ({"free": "nonsense"}, ["--free", "nonsense"]),
    "none left": (
        {"model": "constant", "fix": ["offset=1"]},
        ["--model", "constant", "--fix", "offset=1"],
    ),
    "of no model": (
        {"model": "auto", "guess": ["x=1"]},
        ["--model", "auto", "--guess", "x=1"],
    ),
}


@pytest.mark.parametrize(("request_", "words"), REFUSED.values(), ids=REFUSED)
def test_the_page_refuses_with_the_words_of_the_terminal(pyama, merged, request_, words):
    client, before = client_of(merged), sorted(merged.iterdir())
    order = {"tables": ["a_merged.csv"], "column": COLUMN, **request_}
    problem = client.post("/api/fits/check", json=order).json()["problem"]
    answer = client.post("/api/fits", json=order)
    assert (answer.status_code, answer.json()["detail"]) == (422, problem)
    done = pyama("fit", merged / "a_merged.csv", "--column", COLUMN, *words)
    assert done.exit_code == 2
    assert f"Error: {problem}\n" in done.stderr
    assert sorted(merged.iterdir()) == before


@pytest.mark.parametrize("wrong", [{"starts": 0}, {"loss": "x"}, {"seed": -1}], ids=str)
def test_numbers_that_make_no_fit_are_refused(merged, wrong):
    order = {"tables": ["a_merged.csv"], **wrong}
    client = client_of(merged)
    assert client.post("/api/fits", json=order).status_code == 422
    assert next(iter(wrong)) in client.post("/api/fits/check", json=order).json()["problem"]


def test_a_cancelled_fit_keeps_what_is_finished(folder, monkeypatch):
    clock = SimpleNamespace(now=0.0)
    monkeypatch.setattr(active_fit, "time", SimpleNamespace(monotonic=lambda: clock.now))
    fit = ActiveFit([folder / "a_merged.csv", folder / "b_merged.csv"], FitSettings(starts=1))
    work, parts, left = fit._watch, [], []

    def cancel_in_the_second(share):
        if fit.fitted and share:
            fit.cancel()
        work(share)
        clock.now = 40 * fit.fraction
        left.append((fit.seconds_left, 40 - fit.seconds if fit.fraction else None))
        parts.append((fit.fraction, len(fit.fitted), share))

    fit._watch = cancel_in_the_second
    fit.start()
    fit.wait()
    assert (fit.status, fit.message, len(fit.fitted)) == ("cancelled", "", 1)
    assert [shown for shown, _, _ in parts] == [(n + share) / 2 for _, n, share in parts]
    assert any(share > 0 and not n for _, n, share in parts), "it grows within a table, too"
    assert left[0] == (None, None)
    assert [shown for shown, _ in left[1:]] == pytest.approx([time for _, time in left[1:]])
    assert fit.seconds_left is None
    assert [path.name for path in folder.glob("*_fitted_*")] == [
        "a_merged_fitted_maturation.csv"
    ]


def test_one_fit_at_a_time_and_the_last_is_found_again(folder):
    client = client_of(folder)
    assert client.get("/api/fits/last").json() is None
    state = fit_on_page(client, tables=["a_merged.csv"], model="constant")
    assert client.get("/api/fits/last").json() == state
    shutil.copytree(folder, folder / "other")
    assert client.get("/api/fits/last?dir=other").json() is None
    assert f'"id": "{state["id"]}"' in client.get(f"/api/fits/{state['id']}/events").text
    assert client.post(f"/api/fits/{state['id']}/cancel").json() == state
    assert client.get("/api/fits/none").status_code == 404
    client.app.state.fits.last.current._future = None
    order = {"tables": ["a_merged.csv"], "model": "constant"}
    assert client.post("/api/fits", json=order).status_code == 409


def test_what_fails_while_fitting_is_told_without_the_folder(folder):
    (folder / "a_merged.csv").write_text("fov,cell\n0,1\n", encoding="utf-8")
    state = fit_on_page(client_of(folder), tables=["a_merged.csv"])
    assert (state["status"], state["fitted"]) == ("failed", [])
    assert "a_merged.csv" in state["message"]
    assert str(folder) not in state["message"]


def test_fixed_parameters_are_told_with_medians_of_the_others(folder):
    client = client_of(folder)
    fit_on_page(client, tables=["a_merged.csv"], fix=["t0=1.5"], free="beta", starts=1)
    path = folder / "a_merged_fitted_maturation.csv"
    shown = client.get(f"/api/fits?table={path.name}").json()
    table = pd.read_csv(path, comment="#")
    assert {p["name"]: p["fixed"] for p in shown["parameters"] if p["fixed"] is not None} == {
        "t0": 1.5,
        "km": 1.28,
    }
    assert [p["name"] for p in shown["parameters"]][-2:] == ["t0", "km"]
    for entry in shown["parameters"]:
        assert entry["median"] == table[entry["name"]].median()
        assert entry["q25"] == table[entry["name"]].quantile(0.25)
        assert entry["n"] == len(table)
    assert shown["parameters"][0]["unit"] == "counts/h"
    assert shown["classes"] == table["class"].value_counts().to_dict()
    assert shown["median_r_squared"] == table["r_squared"].median()

    text = path.read_text(encoding="utf-8")  # as tables of earlier versions are
    kept = [line for line in text.splitlines(True) if not line.startswith("# fixed")]
    path.write_text("".join(kept), encoding="utf-8")
    again = client.get(f"/api/fits?table={path.name}").json()
    assert again == shown


def test_terminal_and_page_list_the_same_models(pyama, folder):
    listed = client_of(folder).get("/api/models").json()
    said = pyama("models").stdout
    for model in listed:
        assert f"{model['name']}: {model['description']}" in said
    names = [p["name"] for p in listed[0]["parameters"]]
    fitted = fit_file(folder / "a_merged.csv", "maturation", starts=1).table
    assert [name for name in names if f"{name}_se" in fitted] == names
    assert "km: 1/h, fixed at 1.28, from 0 to 30, maturation of the protein" in said
    assert "auto" in pyama("models", "--json").stdout


@pytest.fixture
def plugin():
    """Registers a model that does something else once it is armed."""
    armed, names = threading.Event(), []

    def register(name, act):
        def line(t, level):
            return (act() if armed.is_set() else level) + 0 * t

        guess = lambda t, y: (y.mean(axis=1),)  # noqa: E731
        MODELS.add(Model(name, (Parameter("level"),), line, guess))
        names.append(name)
        armed.set()
        return name

    yield register
    for name in names:
        del MODELS[name]


def divide():
    return 1 / 0


@pytest.mark.parametrize("act", [divide, lambda: np.nan, lambda: np.ones((7, 7, 7))])
def test_a_model_of_a_plugin_that_fails_is_named(pyama, folder, plugin, act):
    client, name = client_of(folder), plugin("bad", act)
    state = fit_on_page(client, tables=["a_merged.csv"], model=name)
    if act is divide:
        text = "Model 'bad' raised ZeroDivisionError: division by zero."
        assert (state["status"], text in state["message"]) == ("failed", True)
        done = pyama("fit", folder / "a_merged.csv", "--model", name)
        assert (done.exit_code, text in done.stderr) == (1, True)
    elif state["status"] == "finished":
        (table,) = state["fitted"]
        found = client.get("/api/fits", params={"table": table}).json()
        assert found["classes"] == {"failed": found["cells"]}
    else:
        assert "Model 'bad' raised ValueError" in state["message"]


def test_a_model_of_a_plugin_that_hangs_is_given_up(folder, plugin, monkeypatch):
    monkeypatch.setattr(active_fit, "GIVE_UP_SECONDS", 0.2)
    release, begun = threading.Event(), threading.Event()

    def hang():
        begun.set()
        return 0.0 * release.wait(60)

    client, name = client_of(folder), plugin("slow", hang)
    known = client.app.state.fits
    started = client.post("/api/fits", json={"tables": ["a_merged.csv"], "model": name})
    assert begun.wait(60)
    assert client.post(f"/api/fits/{started.json()['id']}/cancel").is_success
    known.stop()  # as the server does when it stops
    state = client.get(f"/api/fits/{started.json()['id']}").json()
    assert (state["status"], known.is_given_up) == ("cancelled", True)
    assert "the model 'slow' may hang" in state["message"]
    assert fit_on_page(client, tables=["a_merged.csv"], model="constant")["cells"]
    assert known.is_given_up
    release.set()
    assert not (folder / f"a_merged_fitted_{name}.csv").exists()
