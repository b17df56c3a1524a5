"""Samples on the page: proposed, read, written and checked as on the terminal."""

import pytest
from fastapi.testclient import TestClient
from hypothesis import given
from hypothesis import strategies as st

from experiments import experiment
from pyama import layout
from pyama.analysis.samples import read_samples, samples_text
from pyama.analysis.table_files import read_header
from pyama.web.application import create_app

NAMES = ("A1_1", "A1_2", "A2_1", "A2_2")


@pytest.fixture
def folder(tmp_path):
    return experiment(tmp_path / "results", 4, n_cells=2, position_names=NAMES)


@pytest.fixture
def client(folder):
    headers = {"Authorization": "Bearer secret"}
    app = create_app(folder, "secret")
    return TestClient(app, base_url="http://localhost", headers=headers)


def test_samples_are_proposed_by_names_also_after_another_merge(pyama, client, folder):
    proposed = client.get("/api/samples").json()
    assert proposed["samples"] == {"A1": "0-1", "A2": "2-3"}
    assert "names of the positions" in proposed["origin"]
    assert pyama("merge", folder, "--by-position-name").exit_code == 0
    client.post("/api/merge", json={"samples": {"x": "0-3"}})
    assert client.get("/api/samples").json()["samples"] == {"x": "0-3"}
    again = client.get("/api/samples", params={"by_position_name": True}).json()
    assert again == proposed


def test_a_file_that_the_page_writes_is_merged_alike_on_the_terminal(pyama, client, folder):
    typed = [{"name": "control", "fovs": "0, 2-3"}, {"name": "0.50", "fovs": "1"}]
    text = client.post("/api/samples/write", json={"samples": typed}).json()["text"]
    read = client.post("/api/samples/read", json={"text": text}).json()
    assert read == {"samples": {"control": "0,2-3", "0.50": "1"}, "warnings": []}
    client.post("/api/merge", json={"samples": typed})
    names = [f"{entry['name']}_merged.csv" for entry in typed]
    of_page = [(folder / name).read_bytes() for name in names]
    path = folder.parent / "samples.yaml"
    path.write_text(text, encoding="utf-8")
    assert pyama("merge", folder, "--samples", path).exit_code == 0
    assert [(folder / name).read_bytes() for name in names] == of_page


WRONG = {
    "twice": [("a", "0"), ("A", "1")],
    "overlap": [("a", "0-2"), ("b", "2-3")],
    "unknown": [("a", "0-9")],
    "no name": [("", "0")],
    "no list": [("a", ""), ("b", "1")],
    "a path": [("../a", "0")],
    "everything": [("a", "0-1"), ("a", "1, 7"), ("b/c", "x")],
}


@pytest.mark.parametrize("typed", WRONG.values(), ids=WRONG)
def test_wrong_samples_are_refused_with_the_words_of_the_terminal(
    pyama, client, folder, typed
):
    entries = {"samples": [{"name": name, "fovs": fovs} for name, fovs in typed]}
    answers = [client.post(f"/api/{way}", json=entries) for way in ("merge", "samples/write")]
    (folder / "samples.yaml").write_text(samples_text(typed), encoding="utf-8")
    done = pyama("merge", folder, "--samples", folder / "samples.yaml")
    said = done.stderr.replace(f"Error: {folder / 'samples.yaml'} has", "samples has")
    for answer in answers:
        assert answer.status_code == 422
        assert said == answer.json()["detail"] + "\n"
    assert not list(folder.glob("*_merged.csv"))
    text = client.post("/api/samples/read", json={"text": samples_text(typed)})
    assert (text.status_code, text.json()["detail"].partition(" has ")[0]) == (422, "The file")


def test_entries_of_a_file_that_are_not_used_are_named(client):
    text = 'samples: [{name: a, fovs: "0", colour: red}]\nplate: 3\n'
    read = client.post("/api/samples/read", json={"text": text}).json()
    assert read["samples"] == {"a": "0"}
    (said,) = read["warnings"]
    assert "plate, samples[0].colour" in said
    assert client.post("/api/samples/read", json={"text": "[" * 999}).status_code == 422


def test_renamed_samples_set_their_tables_apart(client, folder):
    for name in ("control", "ctrl"):
        tables = client.post("/api/merge", json={"samples": {name: "0-3"}}).json()
    assert (tables["merged"], tables["earlier"]) == (
        ["ctrl_merged.csv"],
        ["control_merged.csv"],
    )
    kinds = {f["name"]: f["kind"] for f in client.get("/api/results").json()["files"]}
    assert kinds["control_merged.csv"] == "earlier samples"
    assert client.post("/api/tables/set-aside").json()["earlier"] == []
    assert (folder / "superseded" / "control_merged.csv").is_file()
    assert read_header(folder / "ctrl_merged.csv")["sample_set"] == 2


names = st.text(min_size=1, max_size=30).filter(lambda name: layout.safe_name(name) == name)


@given(st.lists(names, min_size=1, max_size=5, unique_by=str.casefold))
def test_any_names_survive_a_file(chosen):
    typed = [(name, str(fov)) for fov, name in enumerate(chosen)]
    read, warnings = read_samples(samples_text(typed), "x", range(len(chosen)))
    assert read == {name: [fov] for fov, name in enumerate(chosen)}
    assert warnings == []
