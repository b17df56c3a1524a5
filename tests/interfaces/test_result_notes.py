"""What is to be known about results is said by every command and on the page, alike."""

import json

import pytest
from fastapi.testclient import TestClient

from experiments import experiment, traces_of, write_traces
from pyama.analysis.fitting.fit_files import fit_file
from pyama.analysis.merge import write_merged
from pyama.analysis.outdated_tables import outdated_notes
from pyama.analysis.report import write_report
from pyama.analysis.result_notes import folder_remarks, table_remarks
from pyama.analysis.settings_by_fov import difference_sentences
from pyama.analysis.table_files import read_header
from pyama.processing.verify import verify
from pyama.processing.workflow.run import process
from pyama.runs.summary import summary
from pyama.traces.corrections import MarkCell
from pyama.traces.inspection import Inspection
from pyama.web.application import create_app
from results import results_in
from small_movie import MOVIE, make_config, recording_of

MIXED = (
    "Not everything was made in the same way: FOV 0 with border_margin = 2, min_iou = 0.1; "
    "FOV 1 with border_margin = 3, min_iou = 0.3."
)


@pytest.fixture(scope="module")
def mixed(tmp_path_factory):
    """Two fields of view, the second of which was made again with other settings."""
    folder = results_in(tmp_path_factory.mktemp("mixed"))
    config = make_config(border_margin=3, min_iou=0.3)
    report = process(recording_of(MOVIE[:2]), config, folder, [1])
    (folder / "samples.yaml").write_text(
        "samples: [{name: control, fovs: [0]}, {name: drug, fovs: [1]}]"
    )
    return folder, summary(report, config, 1.0)


def page(folder):
    headers = {"Authorization": "Bearer secret"}
    return TestClient(
        create_app(folder, "secret"), base_url="http://localhost", headers=headers
    )


def test_every_command_names_fields_of_view_that_were_made_differently(pyama, mixed, tmp_path):
    folder, counts = mixed
    assert any(MIXED in text for text in counts["warnings"])
    done = pyama("merge", folder, "--samples", folder / "samples.yaml", "-o", tmp_path)
    tables = [tmp_path / f"{name}_merged.csv" for name in ("control", "drug")]
    said = [done.stderr]
    said.append(pyama("fit", *tables, "--model", "constant").stderr)
    fits = [table.with_name(f"{table.stem}_fitted_constant.csv") for table in tables]
    for name, files, options in (
        ("traces", tables, ["--column", "area_ch_0"]),
        ("samples", fits, ["--name", "offset"]),
        ("parameters", fits, []),
    ):
        figure = tmp_path / "figure.svg"
        said.append(pyama("plot", name, *files, "-o", figure, *options).stderr)
    said.append(pyama("verify", folder).stdout)
    pyama("report", folder, "--tables", tmp_path, "-o", tmp_path / "r.html")
    said.append((tmp_path / "r.html").read_text(encoding="utf-8"))
    client = page(folder)
    said.append(str(client.get("/api/dataset").json()["remarks"]))
    said.append(str(client.get("/api/tables").json()["remarks"]))
    assert [MIXED in " ".join(text.split()) for text in said] == [True] * len(said)
    assert "Settings that are not the same for all fields of view" in said[-3]
    assert json.loads(pyama("verify", folder, "--json").stdout)["intact"] is True


def test_one_table_of_both_and_of_one_of_them(mixed, tmp_path):
    both = write_merged(mixed[0], {"both": "0-1"}, tmp_path)["both"][0]
    one = write_merged(mixed[0], {"one": [1]}, tmp_path / "one")["one"][0]
    assert [group["fovs"] for group in read_header(both)["made_with"]] == [[0], [1]]
    assert MIXED in table_remarks([both])[0]
    assert table_remarks([one]) == []
    traces = [mixed[0] / f"fov_00{fov}/movie_fov_00{fov}_traces.csv" for fov in (0, 1)]
    assert MIXED in table_remarks(traces)[0]
    fits = [fit_file(path, "constant", "area_ch_0", tmp_path).paths[0] for path in traces]
    assert MIXED in table_remarks(fits)[0]


def test_versions_and_methods_are_compared():
    groups = [
        ("FOV 0", {"version of tracking": 1, "method of tracking": "iou: version 1"}),
        ("FOV 1", {"version of tracking": 2, "method of tracking": "mine: file 1"}),
        ("FOV 2", {"version of tracking": 2, "method of tracking": "mine: file 1"}),
    ]
    (text,) = difference_sentences(groups)
    assert "FOV 0 with method of tracking = iou: version 1, version of tracking = 1;" in text
    assert difference_sentences(groups[1:]) == []
    many = [("a", {f"p{i}": 1 for i in range(9)}), ("b", {})]
    assert "and 3 more" in difference_sentences(many)[0]


@pytest.fixture
def folder(tmp_path):
    return experiment(tmp_path / "results")


@pytest.fixture
def merged(folder):
    return write_merged(folder, {"s": "0-1"}, folder.parent / "tables")["s"][0]


def test_a_table_that_is_older_than_the_traces_is_named_everywhere(pyama, folder):
    table = write_merged(folder, {"s": "0-1"})["s"][0]
    fits = fit_file(table, "constant").paths[0]
    assert folder_remarks(folder) == []
    write_traces(folder, traces_of(1, n_cells=2), 1)
    older = f"{table} is older than the traces"
    for arguments in (
        ["fit", table, "--model", "constant"],
        ["plot", "traces", table, "-o", folder / "a.svg", "--column", "area_ch_0"],
        ["plot", "fits", fits, "-o", folder / "a.svg"],
        ["plot", "samples", fits, "-o", folder / "a.svg", "--name", "offset"],
        ["verify", folder],
    ):
        done = pyama(*arguments)
        assert older in done.stdout + done.stderr, arguments
    assert "is older than the traces" in write_report(folder).read_text(encoding="utf-8")
    for place in ("dataset", "tables"):
        remarks = page(folder).get(f"/api/{place}").json()["remarks"]
        assert any(text.startswith("s_merged.csv is older than") for text in remarks)
        assert not any(str(folder) in text for text in remarks)


def test_fits_that_are_older_than_their_table_are_named(folder, merged):
    fits = fit_file(merged, "constant").paths[0]
    assert table_remarks([fits]) == []
    write_merged(folder, {"s": [0]}, merged.parent)
    assert table_remarks([fits]) == [f"{fits} is older than s_merged.csv. Fit again."]


def test_a_new_inspection_makes_tables_outdated(folder, merged):
    assert outdated_notes(merged) == []
    Inspection(folder, 1).add(MarkCell(cell=2, good=False), "me")
    assert "is older than the traces" in outdated_notes(merged)[0]
    Inspection(folder, 1).undo("me")
    assert outdated_notes(merged) == []


def test_other_times_make_tables_outdated(folder, merged):
    experiment(folder, times_min=None)  # the same traces, at other times
    assert "holds other times than the last run" in outdated_notes(merged)[0]


def test_nothing_is_said_where_nothing_can_be_compared(folder, merged, tmp_path):
    moved = merged.rename(tmp_path / "s_merged.csv")
    assert outdated_notes(moved) == []
    plain = tmp_path / "mine.csv"
    plain.write_text("cell,time,value\n1,0,2\n")
    assert table_remarks([plain, tmp_path / "nothing.csv"]) == []


def test_empty_samples_are_said(pyama, folder):
    write_traces(folder, traces_of(2)[:0], 2)
    (folder / "samples.yaml").write_text(
        "samples: [{name: full, fovs: 0-1}, {name: none, fovs: [2]}]"
    )
    done = pyama("merge", folder, "--samples", folder / "samples.yaml")
    assert done.stderr.count("Warning") == 1
    assert "The sample 'none' is empty: FOV 2 has no good trace" in done.stderr
    empty = folder / "none_merged.csv"
    done = pyama("fit", empty, "--model", "constant")
    assert (done.exit_code, "The sample 'none' is empty" in done.stderr) == (0, True)
    assert table_remarks([folder / "none_merged_fitted_constant.csv"])
    assert "The sample &#x27;none&#x27; is empty" in write_report(folder).read_text("utf-8")
    part = write_merged(folder, {"part": "1-2"})["part"][0]
    assert table_remarks([part]) == ["FOV 2 of the sample 'part' has no good trace."]


def test_a_sound_folder_has_no_remarks(tmp_path):
    folder = results_in(tmp_path)
    assert verify(folder, quick=True).remarks == ()
    assert folder_remarks(tmp_path / "nothing") == []
