"""Results in the formats of other programs, read back by these programs."""

import json
import shutil
import sys

import numpy as np
import pandas as pd
import pytest
import tifffile

from pyama.store import FovStore
from pyama.traces.corrections import Cut, Delete, MarkCell
from pyama.traces.inspection import Inspection
from pyama.traces.trace_reading import load_traces
from results import made_once, results_in

TRACES = "fov_000/movie_fov_000_traces.csv"


@pytest.fixture(scope="module")
def plain():
    return made_once()


@pytest.fixture(scope="module")
def inspected(tmp_path_factory):
    """Cell a is deleted, b is cut before frame 2, c is bad from frame 3 on."""
    folder = results_in(tmp_path_factory.mktemp("inspected"))
    a, b, c, _ = cells_of(folder)
    inspection = Inspection(folder, 0)
    for action in (
        Delete(cell=a),
        Cut(cell=b, frame=2),
        MarkCell(cell=c, frame=3, good=False),
    ):
        inspection.add(action, "somebody")
    return folder


def cells_of(folder):
    return load_traces(folder / TRACES)["cell"].unique().tolist()


def labels_of(folder, fov=0):
    stack = FovStore(folder, fov).stack("seg_tracked_ch_0")
    return np.stack([stack[t] for t in range(len(stack))])


def test_tables_are_tidy_and_every_column_is_in_the_codebook(pyama, plain, tmp_path):
    samples = tmp_path / "samples.yaml"
    samples.write_text("samples: [{name: =drug, fovs: [1]}]")
    done = pyama("export", "tables", plain, "-o", tmp_path / "out", "--samples", samples)
    assert done.exit_code == 0
    assert "Note: FOV 0 is in no sample" in done.output
    tables = {
        name: pd.read_csv(tmp_path / f"out/{name}.csv", keep_default_na=False)
        for name in ("traces", "cells", "codebook")
    }
    traces = tables["traces"]
    assert [*traces][:5] == ["sample", "fov", "cell", "frame", "time_h"]
    assert traces["sample"].unique().tolist() == ["", "'=drug"], "no formula"
    first = load_traces(plain / TRACES).rename(columns={"time": "time_h"})
    pd.testing.assert_frame_equal(
        traces[traces["fov"] == 0].drop(columns="sample")[[*first]], first, check_exact=True
    )
    assert "TRUE" in (tmp_path / "out/traces.csv").read_text().splitlines()[1].split(",")
    book = tables["codebook"]
    for name in ("traces", "cells"):
        assert book.loc[book["table"] == name, "column"].tolist() == [*tables[name]]
    assert (book["meaning"] != "").all()
    assert book.set_index("column").loc["area_ch_0", ["unit", "channel"]].tolist() == [
        "px²",
        "Phase",
    ]
    assert tables["cells"]["n_frames"].sum() == len(traces)


def test_what_is_bad_or_left_out_is_exported_on_demand_only(pyama, inspected, tmp_path):
    a, b, c, d = cells_of(inspected)
    rows = {}
    for name, options in {"plain": [], "bad": ["--with-bad"]}.items():
        out = tmp_path / name
        assert pyama("export", "tables", inspected, "--fovs", "0", "-o", out, *options)
        rows[name] = pd.read_csv(out / "traces.csv").groupby("cell")["frame"].agg(list)
    assert a not in rows["bad"].index
    assert rows["plain"][c] == [0, 1, 2]
    assert rows["bad"][c] == list(range(6))
    assert (rows["plain"][b], rows["plain"][d]) == ([0, 1], list(range(6)))


def test_left_out_cells_say_why(pyama, tmp_path, monkeypatch):
    folder = results_in(tmp_path)
    left_out = folder / "fov_000/movie_fov_000_left_out.csv"
    traces = folder / TRACES
    lines = traces.read_text().splitlines()
    moved = [line for line in lines[1:] if line.split(",")[1] == lines[1].split(",")[1]]
    left_out.write_text(
        "\n".join(
            [f"{lines[0]},reason,frames_seen,edge_distance"]
            + [f"{line},min_frames,6,3" for line in moved]
        )
        + "\n"
    )
    traces.write_text("\n".join(line for line in lines if line not in moved) + "\n")
    monkeypatch.setattr(FovStore, "damages", lambda *_, **__: [])  # both were changed
    assert pyama("export", "tables", folder, "-o", tmp_path / "a").exit_code == 0
    done = pyama("export", "tables", folder, "-o", tmp_path / "b", "--with-left-out")
    assert done.exit_code == 0
    without, both = (pd.read_csv(tmp_path / f"{name}/traces.csv") for name in "ab")
    assert len(both) == len(without) + len(moved)
    why = both.groupby(["fov", "cell"])["left_out_by"].first().dropna()
    assert why.to_dict() == {(0, int(lines[1].split(",")[1])): "min_frames"}
    assert "left_out_by" in pd.read_csv(tmp_path / "b/cells.csv")


def test_labels_are_a_hyperstack_with_its_scale(pyama, inspected, tmp_path):
    done = pyama("export", "labels", inspected, "-o", tmp_path / "out", "--json")
    told = json.loads(done.stdout)
    assert told["fovs"] == [0, 1]
    a, b, c, _ = cells_of(inspected)
    with tifffile.TiffFile(told["files"][0]) as file:
        assert (file.series[0].axes, file.is_imagej) == ("TYX", True)
        facts = file.imagej_metadata
        assert (facts["finterval"], facts["unit"]) == (600, "um")
        x = file.pages[0].tags["XResolution"].value
        assert x[1] / x[0] == pytest.approx(0.65)
        found = file.asarray()
    expected = labels_of(inspected)
    assert found.shape == expected.shape
    new = sorted(set(np.unique(found).tolist()) - set(np.unique(expected).tolist()))
    assert len(new) == 1, "the part that was cut off"
    expected = expected.copy()
    expected[2:][expected[2:] == b] = new[0]
    expected[expected == a] = 0
    expected[3:][expected[3:] == c] = 0
    np.testing.assert_array_equal(found, expected)
    np.testing.assert_array_equal(tifffile.imread(told["files"][1]), labels_of(inspected, 1))


def test_masks_and_tracks_are_valid_for_the_challenge(pyama, inspected, tmp_path):
    from ctc_metrics.scripts.validate import validate_sequence

    assert pyama("export", "ctc", inspected, "-o", tmp_path / "out").exit_code == 0
    sequence = tmp_path / "out/000_RES"
    assert validate_sequence(str(sequence))["Valid"]
    masks = [tifffile.imread(path) for path in sorted(sequence.glob("mask*.tif"))]
    assert len(masks) == 6
    assert masks[0].dtype == np.uint16
    tracks = np.loadtxt(sequence / "res_track.txt", dtype=int)
    for label, first, last, _ in tracks.tolist():
        present = [t for t, mask in enumerate(masks) if (mask == label).any()]
        assert present == list(range(first, last + 1))
    assert set(np.unique(masks)) == {0, *tracks[:, 0]}
    assert pd.read_csv(tmp_path / "out/cells.csv")["fov"].unique().tolist() == [0, 1]


def test_traccuracy_reads_the_tracks(pyama, inspected, tmp_path):
    loaders = pytest.importorskip("traccuracy.loaders", reason="traccuracy is not installed")
    pyama("export", "ctc", inspected, "-o", tmp_path / "out")
    graph = loaders.load_ctc_data(
        str(tmp_path / "out/000_RES"), str(tmp_path / "out/000_RES/res_track.txt")
    )
    good = pd.read_csv(inspected / "fov_000/movie_fov_000_traces_inspected.csv")["good"].sum()
    assert graph.graph.number_of_nodes() == good


def test_a_damaged_field_of_view_is_named_and_the_others_are_exported(pyama, tmp_path):
    folder = results_in(tmp_path)
    next((folder / "fov_000/images.zarr/seg_tracked_ch_0/0").glob("c.*")).write_bytes(b"")
    traces = folder / "fov_001/movie_fov_001_traces.csv"
    done = pyama("export", "labels", folder, "-o", tmp_path / "labels", "--json")
    assert done.exit_code == 1
    assert json.loads(done.stdout)["fovs"] == [1]
    assert "FOV 0 is not exported" in done.stderr
    assert [path.name for path in (tmp_path / "labels").iterdir()] == [
        "movie_fov_001_labels.tif"
    ]
    traces.write_text(traces.read_text().replace("True", "False", 1))
    done = pyama("export", "tables", folder, "-o", tmp_path / "tables")
    assert done.exit_code == 1
    assert "FOV 1 is not exported" in done.stderr
    assert pd.read_csv(tmp_path / "tables/traces.csv")["fov"].unique().tolist() == [0]


def test_unfinished_fields_of_view_are_named(pyama, tmp_path):
    folder = results_in(tmp_path)
    shutil.rmtree(folder / "fov_001/.marks")
    done = pyama("export", "ctc", folder, "-o", tmp_path / "out")
    assert done.exit_code == 0
    assert "Note: FOV 1 has no finished traces and is not exported." in done.output
    done = pyama("export", "ctc", folder, "-o", tmp_path / "more", "--fovs", "0-1")
    assert done.exit_code == 2
    assert "FOV 1 of" in done.stderr


def test_nothing_that_exists_is_replaced(pyama, plain, tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    (out / "mine.txt").write_text("mine")
    for command in ("tables", "labels", "ctc"):
        done = pyama("export", command, plain, "-o", out)
        assert done.exit_code == 2
        assert "exists. An export replaces nothing" in done.stderr
    assert [path.name for path in out.iterdir()] == ["mine.txt"]
    assert [path.name for path in tmp_path.iterdir()] == ["out"], "no temporary folder"


def test_a_workbook_has_three_sheets_and_no_formulas(pyama, plain, tmp_path):
    pytest.importorskip("openpyxl", reason="openpyxl is not installed")
    samples = tmp_path / "samples.yaml"
    samples.write_text("samples: [{name: =drug, fovs: 0-1}]")
    out = tmp_path / "tables.xlsx"
    options = ("-o", out, "--format", "xlsx", "--samples", samples)
    assert pyama("export", "tables", plain, *options).exit_code == 0
    book = pd.read_excel(out, sheet_name=None)
    assert [*book] == ["traces", "cells", "codebook"]
    expected = load_traces(plain / TRACES)
    found = book["traces"].query("fov == 0")["intensity_total_ch_1"]
    np.testing.assert_array_equal(found, expected["intensity_total_ch_1"])
    assert book["traces"]["sample"].unique().tolist() == ["'=drug"]


def test_parquet_has_the_same_values_as_csv(pyama, plain, tmp_path):
    pyama("export", "tables", plain, "-o", tmp_path / "a", "--format", "parquet")
    pyama("export", "tables", plain, "-o", tmp_path / "b")
    a, b = (
        pd.read_parquet(tmp_path / "a/traces.parquet"),
        pd.read_csv(tmp_path / "b/traces.csv"),
    )
    pd.testing.assert_frame_equal(a, b, check_exact=True)


def test_a_missing_package_is_named_with_its_extra(pyama, plain, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "openpyxl", None)
    done = pyama("export", "tables", plain, "-o", tmp_path / "a.xlsx", "--format", "xlsx")
    assert done.exit_code == 2
    assert "pip install 'pyama-traces[xlsx]'" in done.stderr
