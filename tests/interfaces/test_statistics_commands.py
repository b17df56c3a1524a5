"""`pyama compare` and `pyama summarize`."""

import json

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from experiments import experiment
from pyama.analysis.comparing import comparison
from pyama.analysis.fitting.fit_files import fit_file, load_fit_with_traces
from pyama.analysis.merge import write_merged
from pyama.analysis.sample_tables import load_fitted, load_merged
from pyama.analysis.statistics import summarize, trace_features
from pyama.cli.app import app


def pyama(*words):
    return CliRunner().invoke(app, [str(word) for word in words])


@pytest.fixture(scope="module")
def tables(tmp_path_factory):
    """Merged tables of two samples, and fits of them."""
    folder = experiment(tmp_path_factory.mktemp("samples") / "results")
    written = write_merged(folder, {"drug": "0", "control": "1-2"})
    merged = [paths[0] for paths in written.values()]
    return merged, [fit_file(path, "constant").paths[0] for path in merged]


def test_fits_are_compared_as_from_python(tables, tmp_path):
    fits = tables[1]
    done = pyama("compare", *fits, "--reference", "drug", "-o", tmp_path / "table.csv")
    assert done.exit_code == 0, done.output
    assert "too few: drug (1), control (2)." in done.stderr
    assert "Fields of view of one recording are not independent experiments" in done.stderr
    table = pd.concat([load_fitted(path) for path in fits])
    expected = comparison(table, reference="drug")
    pd.testing.assert_frame_equal(pd.read_csv(tmp_path / "table.csv"), expected)
    assert "  control - drug: " in done.stdout
    sent = json.loads(pyama("compare", *fits, "--reference", "drug", "--json").stdout)["rows"]
    assert sent[0]["n_a"] == expected["n_a"][0]
    assert sent[0]["p"] is None, "one field of view"
    assert sent[0]["shift"] == pytest.approx(expected["shift"][0])


def test_traces_are_compared_and_described_by_their_features(tables):
    merged = tables[0]
    table = trace_features(pd.concat([load_merged(path) for path in merged]))
    expected = comparison(table, "auc", reference="drug")
    sent = json.loads(pyama("compare", *merged, "--names", "auc", "--json").stdout)["rows"]
    assert [row["feature"] for row in sent] == ["auc"]
    assert sent[0]["difference"] == pytest.approx(expected["difference"][0])
    rows = json.loads(pyama("summarize", *merged, "--json").stdout)["rows"]
    names = ["mean", "maximum", "auc", "onset", "expressing"]
    expected = summarize(table, names, order=["drug", "control"])
    assert [row["mean"] for row in rows] == pytest.approx(expected["mean"].tolist())
    assert [row["median"] is None for row in rows] == [*[False] * 4, True] * 2
    assert {row["unit"] for row in rows if row["feature"] == "auc"} == {"counts h"}
    shown = pyama("summarize", *merged).stdout
    assert shown.startswith(" sample  cells  fovs\n")
    assert (
        "\nExpressing cells, of those that can be judged: drug 4 of 4, 100 %; control" in shown
    )
    short = pyama("summarize", *merged, "--window", "0-5")
    assert "onset" in short.stdout
    assert pyama("summarize", *tables[1], "--window", "0-5").exit_code == 2


def test_tables_of_two_kinds_are_refused(tables):
    (merged, _), (fits, _) = tables
    done = pyama("compare", merged, fits)
    assert done.exit_code == 2
    assert "is a table of fits" in done.stderr
    assert "Give tables of one kind." in done.stderr


def test_lineages_are_added_up_by_every_command_that_reads_traces(tmp_path):
    """A cell divides after frame 9; the other one does not."""
    t = np.arange(20) / 2
    rows = [
        pd.DataFrame({"cell": cell, "time": t[part], "parent": mother, "y": y})
        for cell, mother, part, y in (
            *((1, 0, slice(10), 4.0), (2, 1, slice(10, None), 1.0)),
            *((3, 1, slice(10, None), 3.0), (4, 0, slice(None), 7.0)),
        )
    ]
    table = pd.concat(rows).rename(columns={"y": "intensity_total_ch_1"})
    path = tmp_path / "mine.csv"
    table.to_csv(path, index=False)
    sent = {}
    for options in ((), ("--lineages",)):
        done = pyama("summarize", path, "--names", "mean", "--json", *options)
        sent[options] = json.loads(done.stdout)["rows"][0]
    assert (sent[()]["n"], sent[("--lineages",)]["n"]) == (1, 2), "seen over the whole window"
    assert sent[("--lineages",)]["mean"] == (4 + 7) / 2
    done = pyama("plot", "traces", path, "--lineages", "-o", tmp_path / "traces.svg")
    assert "mine (n = 2)" in (tmp_path / "traces.svg").read_text("utf-8"), done.output
    assert pyama("fit", path, "--model", "logistic", "--lineages").exit_code == 0
    fits = tmp_path / "mine_fitted_logistic.csv"
    fitted, traces, _ = load_fit_with_traces(fits)
    assert fitted[["cell", "parent"]].to_numpy().tolist() == [[1, 0], [4, 0]]
    assert traces.groupby("cell")["intensity_total_ch_1"].unique().map(list).to_dict() == {
        1: [4.0],
        4: [7.0],
    }
    done = pyama("compare", fits, "--lineages")
    assert "Lineages are added up in traces" in done.stderr
