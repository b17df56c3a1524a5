"""Tables of samples that a later merge has replaced take part in nothing."""

from shutil import rmtree

import pandas as pd
import pytest
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from experiments import experiment
from pyama.analysis.fitting.fit_files import fit_file
from pyama.analysis.merge import write_merged
from pyama.analysis.report.report_data import collect
from pyama.analysis.result_notes import folder_remarks, table_remarks
from pyama.analysis.sample_sets import tables_of_earlier_sets
from pyama.analysis.table_files import read_header
from pyama.web.application import create_app

FITTED = "_merged_fitted_constant.csv"


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """Traces of four fields of view."""
    return experiment(tmp_path_factory.mktemp("sets") / "results", 4)


@pytest.fixture
def folder(results):
    """The results without tables."""
    for path in results.glob("*.csv"):
        path.unlink()
    rmtree(results / "superseded", ignore_errors=True)
    return results


def merge_and_fit(folder, samples, **options):
    for paths in write_merged(folder, samples, **options).values():
        fit_file(paths[0], "constant", "intensity_total_ch_1")


def earlier(folder):
    paths = sorted(folder.glob("*.csv"))
    return [path.name for path in tables_of_earlier_sets(paths)]


def counted(folder):
    """Cells and samples of a report, in traces and in fits."""
    data = collect(folder)
    fits = pd.concat([fit.table for fit in data.fits]) if data.fits else pd.DataFrame()
    return [
        (len(table.groupby(["fov", "cell"])), len(table.groupby(["sample", "fov", "cell"])))
        for table in (data.traces, fits)
        if len(table)
    ]


@pytest.mark.parametrize(
    "later",
    [
        {"ctrl": "0-1", "drug": "2-3"},
        {"control": "0-1"},
        {"control": "0-2", "drug": "3"},
        {"all": "0-3"},
    ],
    ids=["renamed", "removed", "regrouped", "joined"],
)
def test_no_cell_counts_twice_after_another_merge(folder, later):
    merge_and_fit(folder, {"control": "0-1", "drug": "2-3"})
    merge_and_fit(folder, later)
    names = {f"{name}{end}" for name in later for end in ("_merged.csv", FITTED)}
    assert set(earlier(folder)).isdisjoint(names)
    assert set(earlier(folder)) | names == {path.name for path in folder.glob("*.csv")}
    assert all(cells == entries for cells, entries in counted(folder))


def test_fits_of_regrouped_samples_are_of_the_earlier_set_until_they_are_made_again(folder):
    merge_and_fit(folder, {"control": "0-1", "drug": "2-3"})
    write_merged(folder, {"control": "0-2", "drug": "3"})
    assert earlier(folder) == [f"control{FITTED}", f"drug{FITTED}"]
    assert len(collect(folder).fits) == 0
    fit_file(folder / "drug_merged.csv", "constant", "intensity_total_ch_1")
    assert earlier(folder) == [f"control{FITTED}"]


def test_the_same_samples_again_are_the_same_set(folder):
    for _ in range(2):
        merge_and_fit(folder, {"control": [0, 1], "drug": "2-3"})
    assert read_header(folder / "drug_merged.csv")["sample_set"] == 1
    assert read_header(folder / f"drug{FITTED}")["sample_set"] == 1
    assert earlier(folder) == []
    assert not any("earlier" in text for text in folder_remarks(folder))


def test_tables_of_another_recording_in_the_folder_are_a_set_of_their_own(folder, tmp_path):
    other = experiment(tmp_path / "other", 2, basename="other", identity="other")
    write_merged(other, {"x": "0"}, folder)
    write_merged(folder, {"control": "0-1"})
    write_merged(folder, {"ctrl": "0-1"})
    assert earlier(folder) == ["control_merged.csv"]


def test_fits_in_another_folder_follow_their_merged_table(folder, tmp_path):
    write_merged(folder, {"control": "0-1"})
    fit_file(folder / "control_merged.csv", "constant", "intensity_total_ch_1", tmp_path)
    write_merged(folder, {"ctrl": "0-1"})
    (fitted,) = tmp_path.glob("*.csv")
    assert tables_of_earlier_sets([fitted]) == [fitted]


def test_terminal_and_page_name_the_tables_of_earlier_samples(folder, pyama):
    merge_and_fit(folder, {"control": "0-1"})
    write_merged(folder, {"ctrl": "0-1"})
    (said,) = [text for text in folder_remarks(folder) if "The last merge" in text]
    assert f"control_merged.csv, control{FITTED}" in said
    assert said in " ".join(pyama("verify", folder).output.split())
    assert said in collect(folder).remarks
    (used,) = table_remarks([folder / "control_merged.csv"])
    assert "has samples of an earlier merge" in used


def test_the_page_moves_tables_of_earlier_samples_away(folder):
    headers = {"Authorization": "Bearer secret"}
    app = create_app(folder, "secret")
    client = TestClient(app, base_url="http://localhost", headers=headers)
    merge_and_fit(folder, {"control": "0-1"}, tidy=True)
    client.post("/api/merge", json={"samples": {"ctrl": "0-1"}})
    listed = client.get("/api/tables").json()
    assert (listed["merged"], listed["fitted"]) == (["ctrl_merged.csv"], [])
    assert listed["earlier"] == ["control_merged.csv", f"control{FITTED}"]
    assert client.get("/api/samples").json()["samples"] == {"ctrl": "0-1"}
    listed = client.post("/api/tables/set-aside").json()
    assert listed["earlier"] == []
    assert not [text for text in listed["remarks"] if "The last merge" in text]
    assert not list(folder.glob("control*"))
    moved = {path.name for path in (folder / "superseded").iterdir()}
    assert {"control_merged.csv", f"control{FITTED}", "control_area_ch_0.csv"} <= moved


partitions = st.dictionaries(
    st.sampled_from(["a", "b", "c"]),
    st.sets(st.integers(0, 3), min_size=1),
    min_size=1,
    max_size=3,
).filter(
    lambda samples: sum(map(len, samples.values())) == len(set().union(*samples.values()))
)


@settings(
    max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(sets=st.lists(partitions, min_size=1, max_size=4))
def test_after_any_merges_the_current_tables_are_those_of_the_last(folder, sets):
    for path in folder.glob("*.csv"):
        path.unlink()
    for samples in sets:
        write_merged(folder, {name: sorted(fovs) for name, fovs in samples.items()})
    current = {path.name for path in folder.glob("*.csv")} - set(earlier(folder))
    assert current == {f"{name}_merged.csv" for name in sets[-1]}
    assert all(cells == entries for cells, entries in counted(folder))
