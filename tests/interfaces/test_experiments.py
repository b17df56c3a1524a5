"""Experiments of several recordings: `experiment.yaml` from its proposal to the comparison."""

import json
import shutil

import numpy as np
import pandas as pd
import pytest
from fastapi.testclient import TestClient

from experiments import cells_in, experiment, recorded_hours, traces_of, write_traces
from page_fits import fit_on_page
from pyama import layout
from pyama.analysis.current_tables import tables_in
from pyama.analysis.experiments.experiment_checks import repeated_replicates
from pyama.analysis.experiments.experiment_file import load_experiment
from pyama.analysis.experiments.experiment_proposal import proposed_experiment
from pyama.analysis.figures.colours import color
from pyama.analysis.fitting.fit import fit_traces
from pyama.analysis.growth import growth_and_motion
from pyama.analysis.merge import merge
from pyama.analysis.outdated_tables import outdated_notes
from pyama.analysis.report.experiment_report import collect_experiment
from pyama.analysis.sample_tables import load_fitted, load_merged
from pyama.analysis.statistics import TRACE_FEATURES, trace_features
from pyama.errors import ConfigError
from pyama.web.application import create_app

DAYS = ("monday", "tuesday", "wednesday")
POSITIONS = ("control", "control", "drug", "drug")


def _seed(name, fov):
    return 10 * len(name) + fov


def n_cells(names, fovs):
    """Number of cells in some fields of view of some days."""
    return sum(cells_in(_seed(name, fov)) for name in names for fov in fovs)


def day(folder, name, shift=0.0, **facts):
    """Results of one day; FOV 2 and 3 are brighter, and cell numbers repeat every day."""
    known = {"identity": name, "path": f"{name}.nd2", "position_names": POSITIONS}
    experiment(folder, 4, **{**known, **facts})
    for fov in range(4):
        table = traces_of(_seed(name, fov))
        table["fov"] = fov
        table["intensity_total_ch_1"] += shift + 5000 * (fov > 1)
        write_traces(folder, table, fov)
    return folder


@pytest.fixture
def days(tmp_path):
    return [day(tmp_path / name / "results", name, 300 * i) for i, name in enumerate(DAYS)]


def texts(done):
    return f"{done.stdout}{done.stderr}"


def test_three_days_from_folders_to_a_comparison_of_replicates(pyama, days, tmp_path):
    file = tmp_path / "plan.yaml"
    assert pyama("experiment", "init", *days, "-o", file).exit_code == 0
    assert "folder: tuesday/results, replicate: 2" in file.read_text()
    assert "{name: drug, fovs: 2-3}" in file.read_text()
    wrong = pyama("experiment", "init", *days, "-o", tmp_path / "plan.txt")
    assert "plan.txt is not the name of a YAML file" in wrong.stderr
    assert "is not overwritten" in texts(pyama("experiment", "init", *days, "-o", file))
    moved = tmp_path / "moved"
    moved.mkdir()
    for path in [file, *(folder.parent for folder in days)]:
        shutil.move(path, moved / path.name)
    file = moved / "plan.yaml"
    checked = pyama("experiment", "check", file)
    assert "sample drug: 6 FOVs, 3 recordings, 3 replicates" in checked.stdout
    assert "Warning" not in checked.stderr
    sent = json.loads(pyama("experiment", "check", file, "--json").stdout)
    assert [sample["replicates"] for sample in sent["samples"]] == [3, 3]
    done = pyama("merge", file, "--tidy")
    assert done.exit_code == 0, done.output
    tables = [moved / "plan_merged" / f"{name}_merged.csv" for name in ("control", "drug")]
    assert tables_in(tables[0].parent).merged == tables
    merged = pd.concat(map(load_merged, tables), ignore_index=True)
    pd.testing.assert_frame_equal(merged, merge(file))
    assert list(merged)[:6] == [
        "sample",
        "experiment",
        "replicate",
        "recording",
        "fov",
        "cell",
    ]
    for name in DAYS:  # every row of every day, unchanged, once
        rows = merged[merged["recording"] == name]
        traces = pd.concat(
            pd.read_csv(path) for path in sorted((moved / name).rglob("*_traces.csv"))
        )
        assert len(rows) == len(traces)
        np.testing.assert_array_equal(
            rows.sort_values(["fov", "cell", "frame"])["intensity_total_ch_1"],
            traces["intensity_total_ch_1"],
        )
        np.testing.assert_allclose(rows["time"], recorded_hours(rows))
    tidy = pd.read_csv(moved / "plan_merged/drug_intensity_total_ch_1.csv")
    assert not tidy.duplicated(["time", "recording", "fov", "cell"]).any()
    assert "has no fits" in pyama("plot", "samples", file, "--name", "a", "-o", "a.png").stderr
    assert pyama("fit", file, "--model", "constant").exit_code == 0
    fits = [path.with_name(f"{path.stem}_fitted_constant.csv") for path in tables]
    assert len(load_fitted(fits[1])) == n_cells(DAYS, (2, 3))
    compared = pyama("compare", file, "--json")
    assert compared.stdout == pyama("compare", *fits, "--json").stdout
    assert "Warning" not in compared.stderr
    assert json.loads(compared.stdout)["rows"][0]["units_a"] == 3
    fit = fits[1].rename(tmp_path / "fit.csv")
    refused = pyama("compare", file)
    assert "drug_merged.csv has no fits, but other samples have" in refused.stderr
    fit.rename(fits[1])
    picture = tmp_path / "plot.png"
    assert pyama("plot", "traces", file, "--output", picture).exit_code == 0
    assert pyama("report", file).exit_code == 0
    page = (moved / "plan_merged/report.html").read_text("utf-8")
    for text in ("<h1>plan</h1>", "Replicates are compared", ">tuesday</td>", "constant"):
        assert text in page
    assert any(f"{name}, FOV" in page for name in DAYS)
    refused = pyama("compare", file, "--column", "area_ch_0").stderr
    assert "A column (--column) applies to traces" in refused.replace("`", "")
    assert "has fits of 2 samples" in pyama("plot", "fits", file, "-o", picture).stderr
    whole = file.read_text()
    for old, new in ((" 2-3}", " '3'}"), ("replicate: 2", "replicate: 1"), ("drug", "new")):
        file.write_text(whole.replace(old, new))
        refused = pyama("compare", file)
        assert "was changed after the tables in" in refused.stderr
        assert ("the list of samples" if new == "new" else "drug") in refused.stderr
    write_traces(moved / "tuesday/results", traces_of(2)[:40], 2)
    assert outdated_notes(tables[0]) == []
    assert "is older than the traces in" in outdated_notes(fits[1])[0]
    assert "tuesday" in outdated_notes(fits[1])[0]


def test_the_page_lists_checks_and_merges_experiments_below_its_folder(days, tmp_path):
    file = tmp_path / "plans/e.yaml"
    file.parent.mkdir()
    recording = "{name: a, folder: ../monday/results, replicate: 1}"
    text = f"recordings: [{recording}]\nsamples: [{{name: s, fovs: 0-1}}]"
    file.write_text(text, encoding="utf-8-sig")  # as some editors save it
    (tmp_path / "plans/other.yaml").write_text("samples: []")
    headers = {"Authorization": "Bearer secret"}
    app = create_app(tmp_path, "secret")
    client = TestClient(app, base_url="http://localhost", headers=headers)
    assert client.get("/api/experiments").json() == {"files": ["plans/e.yaml"]}
    query = {"file": "plans/e.yaml"}
    summary = client.get("/api/experiment", params=query).json()
    assert summary["samples"][0]["replicates"] == 1
    assert summary["columns"] == ["replicate"]
    done = client.post("/api/experiment/merge", params=query, json={}).json()
    assert done == {"folder": "plans/e_merged", "tables": ["s_merged.csv"], "notes": []}
    assert len(load_merged(tmp_path / "plans/e_merged/s_merged.csv")) == 40 * n_cells(
        DAYS[:1], (0, 1)
    )
    outside = TestClient(create_app(file.parent, "secret"), base_url="http://localhost")
    for name in ("e.yaml", "../plans/e.yaml", "e_merged", "other.txt"):
        for path in ("/api/experiment", "/api/tables", "/api/report"):
            query = {"file": name, "dir": name}
            assert outside.get(path, params=query, headers=headers).status_code == 404


def test_the_page_analyses_an_experiment_as_it_does_results(pyama, days, tmp_path):
    file = tmp_path / "plan.yaml"
    pyama("experiment", "init", *days, "-o", file)
    headers = {"Authorization": "Bearer secret"}
    query = {"dir": "plan.yaml"}
    app = create_app(tmp_path, "secret")
    client = TestClient(app, base_url="http://localhost", headers=headers)
    client.params = query
    refused = client.get("/api/tables")
    assert refused.status_code == 422
    assert "`pyama merge plan.yaml` writes them" in refused.json()["detail"]
    client.post("/api/experiment/merge", params={"file": "plan.yaml"})
    tables = ["control_merged.csv", "drug_merged.csv"]
    assert client.get("/api/tables").json()["merged"] == tables
    assert client.get("/api/merged", params={"table": tables[0]}).json()["cells"] == n_cells(
        DAYS, (0, 1)
    )
    column = "intensity_total_ch_1"
    fit_on_page(client, tables=tables, model="constant", column=column)
    found = client.get("/api/tables").json()
    assert found["earlier"] == found["remarks"] == []
    names = found["fitted"]
    assert names == [f"{sample}_merged_fitted_constant.csv" for sample in ("control", "drug")]
    fits = client.get("/api/fits", params={"table": names[1]}).json()
    assert (fits["sample"], fits["cells"]) == ("drug", n_cells(DAYS, (2, 3)))
    wish = {"tables": names, "name": "offset"}
    samples = client.post("/api/distribution", json=wish).json()["samples"]
    table = pd.concat(load_fitted(tmp_path / "plan_merged" / name) for name in names)
    medians = table.groupby("sample")["offset"].median()
    assert {sample["sample"]: sample["median"] for sample in samples} == medians.to_dict()
    shown = {"model": "constant", "column": column, "x": "offset", "y": "r_squared"}
    drawn = client.get("/api/scatter", params=shown).json()["samples"][0]
    assert sorted(set(drawn["recordings"])) == sorted(DAYS)
    assert len(drawn["recordings"]) == len(drawn["cells"]) == n_cells(DAYS, (0, 1))
    kind = {"model": "constant", "column": column}
    compared = client.get("/api/comparison", params=kind).json()
    assert compared["samples"][1] == {
        "sample": "drug",
        "cells": n_cells(DAYS, (2, 3)),
        "fovs": 6,
        "recordings": 3,
        "replicates": 3,
    }
    terminal = json.loads(pyama("compare", file, "--json").stdout)["rows"]
    level = {"level": compared["level"], "unit": "counts"}
    assert [pair | level for pair in compared["pairs"]] == [row | level for row in terminal]
    assert level["level"] == terminal[0]["level"] == "replicate"
    assert compared["warnings"] == []
    assert any("paired" in text for text in compared["notes"])
    of_traces = client.get("/api/comparison", params={"reference": "drug"}).json()
    assert [pair["feature"] for pair in of_traces["pairs"]] == list(TRACE_FEATURES)
    assert {pair["b"] for pair in of_traces["pairs"]} == {"control"}
    for wrong in ({**kind, "model": "logistic"}, {**kind, "reference": "other"}):
        assert client.get("/api/comparison", params=wrong).status_code == 422
    fit = tmp_path / "plan_merged" / names[0]
    fit.rename(tmp_path / "kept.csv")
    compared = client.get("/api/comparison", params=kind).json()
    assert "Samples without such fits, not compared: control." in compared["notes"]
    reported = collect_experiment(load_experiment(file), fit.parent).samples
    wish = {"tables": names[1:], "name": "offset"}
    for answer in (
        client.post("/api/distribution", json=wish),
        client.get("/api/scatter", params=shown),
    ):
        found = {entry["sample"]: entry["color"] for entry in answer.json()["samples"]}
        assert found == {name: color(i) for i, name in enumerate(reported)}
    assert (tmp_path / "kept.csv").rename(fit) == fit
    for figure in ("scatter", "histogram"):
        answer = client.get(f"/api/figures/{figure}", params={**shown, "name": "offset"})
        assert answer.status_code == 200
    assert client.get("/api/report").status_code == 404
    assert client.post("/api/report").json()["name"] == "report.html"
    page = client.get("/api/report").text
    assert "<h1>plan</h1>" in page
    assert "Replicates are compared" in page
    assert "plan_merged" in client.get("/api/results/zip").headers["content-disposition"]
    listed = {entry["name"] for entry in client.get("/api/results").json()["files"]}
    assert listed == {"report.html", *tables, *names}
    (days[2] / layout.CONFIG_FILE).unlink()
    assert client.get("/api/tables").status_code == 404


def test_a_replicate_may_be_that_of_a_sample_and_a_day_may_lack_some(pyama, days, tmp_path):
    file = tmp_path / "e.yaml"
    file.write_text(
        "experiment: e1\n"
        "recordings:\n"
        "- {name: 1, folder: monday/results, day: 2024-05-01}\n"
        "- {name: 2, folder: tuesday/results, plate: b}\n"
        "samples:\n"
        "- {name: drug, fovs: {1: 2, 2: 2}, replicate: A, condition: high}\n"
        "- {name: drug, fovs: {1: [3]}, replicate: B}\n"
        "- {name: control, fovs: 0-1, replicate: A}\n"
    )
    table = merge(file)
    assert table["sample"].unique().tolist() == ["drug", "control"]
    groups = table.groupby(["sample", "recording", "fov"], sort=False)
    found = groups[["replicate", "day", "plate", "condition"]].first().reset_index()
    assert found.to_numpy().tolist()[:3] == [
        ["drug", "1", 2, "A", "2024-05-01", "", "high"],
        ["drug", "2", 2, "A", "", "b", "high"],
        ["drug", "1", 3, "B", "2024-05-01", "", ""],
    ]
    assert found.to_numpy().tolist()[-1] == ["control", "2", 1, "A", "", "b", ""]
    names = [*layout.CONDITION_COLUMNS, "fov", "cell"]
    for rows in (
        fit_traces(table, "constant"),
        trace_features(table),
        growth_and_motion(table),
    ):
        assert list(rows)[:4] == ["experiment", "replicate", "recording", "sample"]
        assert list(rows)[4:9] == names
        (row,) = rows.query("sample == 'drug' and recording == '2' and cell == 1")[
            names
        ].to_numpy()
        assert row.tolist() == ["", "b", "high", 2, 1]
    assert pyama("merge", file, "--tidy").exit_code == 0
    paths = sorted((tmp_path / "e_merged").glob("*_merged.csv"))
    read = pd.concat(map(load_merged, reversed(paths)), ignore_index=True)
    pd.testing.assert_frame_equal(read, table)
    assert pyama("fit", file, "--model", "constant").exit_code == 0
    fits = load_fitted(paths[1].with_name("drug_merged_fitted_constant.csv"))
    assert list(fits)[:9] == ["sample", "experiment", "replicate", "recording", *names]
    assert fits["plate"].unique().tolist() == ["", "b"]
    values = pd.read_csv(tmp_path / "e_merged/drug_area_ch_0.csv", comment="#")
    assert list(values)[4:9] == names
    table["day"] = table["frame"]  # not of the cell
    assert list(fit_traces(table, "constant"))[4:6] == ["plate", "condition"]


def test_names_that_differ_by_a_number_are_proposed_as_one_sample(tmp_path):
    names = ("control_1", "control_2", "drug 10 nM", "low-1")
    folders = [
        experiment(tmp_path / name, 4, position_names=positions)
        for name, positions in (("a", names), ("b", (*names[:3], "control_7")))
    ]
    text = proposed_experiment(folders, tmp_path / "e.yaml")
    assert "such as control_1 and control_2, are one sample" in text
    (tmp_path / "e.yaml").write_text(text)
    found = load_experiment(tmp_path / "e.yaml").samples
    assert list(found) == ["control", "drug 10 nM", "low-1"]
    assert [(part.recording, part.fovs) for part in found["control"]] == [
        ("a", (0, 1)),
        ("b", (0, 1, 3)),
    ]


def test_replicates_of_several_days_are_warned_of(tmp_path):
    lines = "recordings: [{name: a, folder: a, day: 1}, {name: b, folder: b, day: 2}]\n"
    (tmp_path / "e.yaml").write_text(
        f"{lines}samples: [{{name: s, fovs: 0, replicate: 3}}, "
        "{name: t, fovs: {a: 1}, replicate: 1}, {name: t, fovs: {b: 1}, replicate: 2}]"
    )
    (text,) = repeated_replicates(load_experiment(tmp_path / "e.yaml"))
    assert "on several days (1, 2) count once each: 3." in text


WRONG = {
    "samples: []": "has no lists of recordings and samples",
    "recordings: []\nsamples: {s: 0}": (
        "has 2 wrong entries:\n"
        "  recordings: expected a list with at least one entry\n"
        "  samples: expected a list with at least one entry"
    ),
    "recordings: [{name: a, folder: x}]\nsamples: [{fovs: 0}]": (
        "has 1 wrong entry:\n  samples.0.name: a value is missing"
    ),
    "recordings: [{name: a, folder: x}]\nsamples: [{name: s, fovs: {}}]": (
        "'s': the list of fields of view is empty"
    ),
    "recordings: [{name: a, folder: x}]\nsamples: [{name: s, fovs: {a: 0, a: 1}}]": (
        "'a' occurs 2 times in the entry that begins in line 2"
    ),
    "recordings: [{name: 010, folder: x}]\nsamples: [{name: s, fovs: 0}]": (
        "010 in line 1 would be read as a number in another notation"
    ),
    "recordings: [{name: a, folder: x}]\nsamples: [{name: 1:20, fovs: 0}]": (
        "1:20 in line 2 would be read as a number in another notation"
    ),
    "recordings: [{name: a, folder: a, dose: 3}]\nsamples: [{name: s, fovs: 0}]": (
        "recordings.0.dose: unknown name; expected one of replicate, day, plate"
    ),
    "recordings: [{name: a, folder: x}]\nsamples: [{name: s, fovs: 0, replicate: 0.5}]": (
        "samples.0.replicate: 0.5 is neither text nor a whole number"
    ),
    "recordings: [{name: a, folder: x}]\nsamples: [{name: s, fovs: {b: 0}}]": (
        "'s': there is no recording 'b'; there are a"
    ),
    "recordings: [{name: a, folder: x}, {name: A, folder: y}]\n"
    "samples: [{name: s, fovs: 0}]": ("the recording 'a' occurs 2 times"),
    "recordings: [{name: a, folder: x}]\n"
    "samples: [{name: s/t, fovs: 0}, {name: s, fovs: z}]": ("has 2 wrong entries"),
    "recordings: [{name: a, folder: x}]\n"
    "samples: [{name: s, fovs: 0, replicate: 1}, {name: t, fovs: 1}]": (
        "'t' has no replicate in 'a', but others have one"
    ),
    "recordings: [{name: a, folder: x, day: 1}]\nsamples: [{name: s, fovs: 0, day: 1}]": (
        "day is set here and in the recording 'a'"
    ),
}


@pytest.mark.parametrize("text", WRONG)
def test_a_wrong_file_is_refused_with_all_that_is_wrong(tmp_path, text):
    file = tmp_path / "experiment.yaml"
    file.write_text(text)
    with pytest.raises(ConfigError) as error:
        load_experiment(file)
    assert WRONG[text] in str(error.value)


def test_wrong_folders_and_differences_are_named(pyama, tmp_path):
    day(tmp_path / "a", "a")
    day(tmp_path / "b", "a")
    file = tmp_path / "experiment.yaml"
    lines = "recordings: [{name: a, folder: a}, {name: b, folder: b}, {name: c, folder: c}]\n"
    file.write_text(f"{lines}samples: [{{name: s, fovs: 0-9}}, {{name: t, fovs: {{b: 9}}}}]")
    refused = pyama("merge", file)
    assert refused.exit_code == 2
    for text in (
        "recording 'c': " + str(tmp_path / "c") + " does not exist. Check the path.",
        "recording 'a': 's': FOV 4, 5, 6, 7, 8, 9 has no traces",
        "recording 'b': FOV 9 is in 's' and 't'",
        "'a' and 'b' are results of the same recording, movie",
    ):
        assert text in refused.stderr
    assert not (tmp_path / "experiment_merged").exists()
    minutes = [tuple(range(0, 200, 5))] * 4
    names = ("Phase", "RFP")
    day(tmp_path / "b", "b", times_min=minutes, channel_names=names, pixel_size_um=0.5)
    file.write_text(
        "recordings: [{name: a, folder: a}, {name: b, folder: b}]\n"
        "samples: [{name: s, fovs: 0}, {name: t, fovs: 1}]"
    )
    said = pyama("experiment", "check", file).stderr
    for text in (
        "Channels or features differ: a 0 Phase (area, aspect_ratio); 1 GFP (intensity_total, "
        "intensity_mean), b 0 Phase",
        "The interval of the frames differs: a 15 min, b 5 min",
        "The duration differs: a 9.75 h, b 3.25 h",
        "The size of a pixel differs: a 0.65 \N{MICRO SIGN}m, b 0.5 \N{MICRO SIGN}m",
        "FOV 2-3 of the recording 'a' are in no sample",
        "too few: s (2), t (2)",
    ):
        assert text in said
    done = pyama("merge", file)
    assert "The size of a pixel differs" in done.stderr
    assert "The file of the experiment has the samples" in texts(
        pyama("merge", file, "--by-position-name")
    )
