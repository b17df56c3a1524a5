import csv
import json
import os
import re

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from experiments import (
    cells_in,
    experiment,
    hours_of,
    recorded_hours,
    traces_of,
    truth,
    write_traces,
)
from pyama import layout
from pyama.algorithms.features import FLUORESCENCE_FEATURES, PHASE_FEATURES
from pyama.analysis.fitting.fit_files import fit_file, load_fit_with_traces
from pyama.analysis.merge import merge, write_merged
from pyama.analysis.result_notes import notes_of_table
from pyama.analysis.sample_tables import load_fitted, load_merged, load_timed
from pyama.analysis.samples import check_samples, load_samples, samples_by_position
from pyama.analysis.table_columns import chosen_column, measured_columns, unit_of
from pyama.analysis.table_files import FORMULA, read_header, read_table, write_table
from pyama.errors import ConfigError, StoreError
from pyama.traces import inspected_tracks
from pyama.traces.inspection import Inspection
from pyama.traces.trace_files import find_traces
from pyama.traces.trace_recording import read_recording

TWO = {"control": "0", "drug": [1, 2]}


@pytest.fixture
def folder(tmp_path):
    return experiment(tmp_path / "results")


def test_a_merged_table_has_the_columns_of_the_traces_and_says_where_it_is_from(folder):
    paths = write_merged(folder, TWO)
    assert paths == {name: [folder / f"{name}_merged.csv"] for name in ("control", "drug")}
    plain = pd.read_csv(paths["drug"][0], comment="#")
    pd.testing.assert_frame_equal(
        plain, pd.concat([traces_of(1), traces_of(2)], ignore_index=True)
    )
    header = read_header(paths["drug"][0])
    named = ["sample", "fovs", "sample_set", "samples", "source", "times", "units"]
    named += ["meanings", "version"]
    assert list(header) == named
    assert header["meanings"].keys() == {"area_ch_0", "intensity_total_ch_1"}
    assert "how generous the mask is" in header["meanings"]["area_ch_0"]
    assert (header["sample"], header["fovs"]) == ("drug", [1, 2])
    assert list(header["source"]["files"]) == [
        f"fov_00{fov}/movie_fov_00{fov}_traces.csv" for fov in (1, 2)
    ]
    assert header["times"]["2"] == pytest.approx(60 * hours_of(2) + 2)
    assert header["units"]["intensity_total_ch_1"] == "counts"
    assert header["source"]["pixel_size_um"] == 0.65


def test_every_field_of_view_keeps_its_own_times(folder):
    path = write_merged(folder, TWO)["drug"][0]
    table = load_merged(path)
    assert list(table)[:5] == ["sample", "fov", "cell", "frame", "time"]
    assert set(table["sample"]) == {"drug"}
    np.testing.assert_allclose(table["time"], recorded_hours(table))


def test_merge_gives_all_samples_in_one_table(folder):
    table = merge(folder, TWO)
    parts = [load_merged(paths[0]) for paths in write_merged(folder, TWO).values()]
    pd.testing.assert_frame_equal(table, pd.concat(parts, ignore_index=True))


def test_bad_rows_are_left_out_and_inspected_tables_preferred(folder):
    table = traces_of(1)
    table["good"] = table["cell"] != 2
    write_traces(folder, table, 1, inspected=True)
    merged = merge(folder, {"a": [1]})
    assert set(merged["cell"]) == set(range(1, cells_in(1) + 1)) - {2}
    assert merged["good"].all()
    header = read_header(write_merged(folder, {"a": [1]})["a"][0])
    assert list(header["source"]["files"]) == ["fov_001/movie_fov_001_traces_inspected.csv"]


def test_traces_of_cells_joined_with_a_neighbour_are_named(folder):
    table = traces_of(1)
    joined = (table["cell"] == 2) & table["frame"].between(9, 14)
    divided = (table["cell"] == 3) & (table["frame"] < 20)
    table.loc[joined | divided, "area_ch_0"] = 1800
    write_traces(folder, table, 1)
    path = write_merged(folder, {"a": "0-1"})["a"][0]
    (note,) = notes_of_table(path)
    assert note.startswith(
        f"1 of {cells_in(0) + cells_in(1)} traces of the sample 'a' jump up in area by a "
        "third or more"
    )
    assert note.endswith("leave them out: FOV 1 cell 2.")


def test_tables_with_and_without_corrected_tracks_go_together(folder):
    table = traces_of(1).assign(source_cell=9)
    write_traces(folder, table, 1, inspected=True)
    merged = merge(folder, {"a": "0-1"})
    own = merged[merged["fov"] == 0]
    assert (own["source_cell"] == own["cell"]).all()
    assert (merged.loc[merged["fov"] == 1, "source_cell"] == 9).all()
    assert merged["source_cell"].dtype.kind == "i"


def test_tables_with_and_without_drift_go_together(folder):
    table = traces_of(1).assign(drift_x=2.5, drift_y=-1.0)
    write_traces(folder, table, 1)
    merged = load_merged(write_merged(folder, {"a": "0-1"})["a"][0])
    assert merged.groupby("fov")["drift_x"].unique().tolist() == [[0], [2.5]]
    assert not {"drift_x", "drift_y"} & set(measured_columns(merged))


def test_tables_with_and_without_divisions_go_together(folder):
    table = traces_of(1)
    table.insert(10, "parent", 3)
    write_traces(folder, table, 1)
    path = write_merged(folder, {"a": "0-1"})["a"][0]
    merged = load_merged(path)
    assert merged.groupby("fov")["parent"].unique().tolist() == [[0], [3]]
    assert merged["parent"].dtype.kind == "i"
    assert list(merged).index("parent") < list(merged).index("area_ch_0")
    assert "parent" not in measured_columns(merged)


def test_a_field_of_view_without_cells_changes_no_type(folder):
    write_traces(folder, traces_of(0)[:0], 0)
    merged = merge(folder, {"a": "0-1"})
    assert merged["cell"].dtype.kind == "i"
    assert merged["good"].dtype == bool
    path = write_merged(folder, {"empty": [0]})["empty"][0]
    assert load_merged(path).empty
    assert fit_file(path).table.empty


def test_tidy_tables_have_time_in_hours_and_one_value(folder):
    paths = write_merged(folder, TWO, folder / "tables", tidy=True)["drug"]
    assert [path.name for path in paths[1:]] == [
        "drug_area_ch_0.csv",
        "drug_intensity_total_ch_1.csv",
    ]
    tidy = pd.read_csv(paths[2])
    assert list(tidy) == ["time", "fov", "cell", "value"]
    merged = load_merged(paths[0])
    np.testing.assert_array_equal(tidy["value"], merged["intensity_total_ch_1"])
    np.testing.assert_allclose(tidy["time"], merged["time"])


def test_parquet_holds_the_same(folder):
    pytest.importorskip("pyarrow")
    csv, parquet = write_merged(folder, TWO, parquet=True)["drug"]
    table = pd.read_parquet(parquet)
    assert table.attrs["sample"] == "drug"
    pd.testing.assert_frame_equal(table, read_table(csv)[0], check_like=False)


def test_without_pyarrow_nothing_is_written(folder, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "pyarrow", None)
    with pytest.raises(ConfigError, match=r"pip install 'pyama-traces\[parquet\]'"):
        write_merged(folder, TWO, parquet=True)
    assert not list(folder.glob("*_merged*"))


def test_merging_twice_gives_the_same_bytes(folder):
    first = write_merged(folder, TWO)["drug"][0].read_bytes()
    assert write_merged(folder, TWO)["drug"][0].read_bytes() == first


WRONG = [
    ({"a/b": [0]}, "'a/b' cannot be part of a file name"),
    ({"": [0]}, "'' cannot be part of a file name"),
    ({"..": [0]}, "'..' cannot be part of a file name"),
    ({"a": "2-1"}, "'2-1' is in descending order"),
    ({"a": "x"}, "'x' is not a field of view or a range"),
    ({"a": [-1]}, "'-1' is not a field of view or a range"),
    ({"a": [True]}, "'True' is not a field of view or a range"),
    ({"a": []}, "the list of fields of view is empty"),
    ({"a": [7, 8]}, "'a': FOV 7, 8 has no traces"),
    ({"a": "0-1", "b": [1]}, "FOV 1 is in 'a' and 'b'"),
    (dict.fromkeys("abcdefghijk", "1"), "and 'h' and 3 more"),
    ({"a": [0], "A": [1]}, "'a' occurs 2 times"),
    ({"a": None}, "'None' is not a field of view or a range"),
    ({"a": {"x": 1}}, "is not a field of view or a range"),
    ({"a": "0-99999999999"}, "'0-99999999999' has more than 100000 fields"),
    ({"a": "9" * 5000}, "is not a field of view or a range"),
    ({"a": "3-2000"}, "'a': FOV 3, 4, 5, 6, 7, 8, 9, 10 and 1990 more has no traces"),
    ({1: [0], "b": [7]}, "'b': FOV 7 has no traces"),
]


@pytest.mark.parametrize(("samples", "message"), WRONG)
def test_a_wrong_sample_is_named(samples, message):
    with pytest.raises(ConfigError) as caught:
        check_samples(samples, range(3))
    assert message in str(caught.value)
    assert "FOVs with traces: 0, 1, 2." in str(caught.value)


def test_all_mistakes_are_named_at_once(tmp_path):
    path = tmp_path / "samples.yaml"
    path.write_text(
        "samples: [{name: a/b, fovs: 0}, {name: c, fovs: 9}, {nam: d}, {name: yes, fovs: 1}]"
    )
    with pytest.raises(ConfigError) as caught:
        load_samples(path, range(3))
    lines = str(caught.value).splitlines()
    assert lines[0].endswith("has 4 wrong entries:")
    assert len(lines) == 6
    assert any("True is not text; put it in quotation marks" in line for line in lines)


@pytest.mark.parametrize("fovs", [np.arange(2), (0, np.int64(1)), range(2), {0, 1}, "0 - 1"])
def test_fovs_may_be_anything_that_lists_them(fovs):
    assert check_samples({1: fovs}, range(3)) == {"1": [0, 1]}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('samples: [{name: a, fovs: "0-2, 4"}]', {"a": [0, 1, 2, 4]}),
        (
            "samples: [{name: a, fovs: 3}, {name: 12, fovs: [0, 1-2]}]",
            {"a": [3], "12": [0, 1, 2]},
        ),
        ('samples: [{name: "5 µM", fovs: [1, 1, 0]}]', {"5 µM": [0, 1]}),
    ],
)
def test_samples_are_read_in_every_form(tmp_path, text, expected):
    path = tmp_path / "samples.yaml"
    path.write_text(text, encoding="utf-8")
    assert load_samples(path, range(5)) == expected


@pytest.mark.parametrize("text", ["", "[]", "samples: {}", "samples: []", "a: 1"])
def test_a_file_without_samples_is_refused(tmp_path, text):
    path = tmp_path / "samples.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError, match="has no list of samples"):
        load_samples(path, range(3))


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (("A1", "A1", "B2"), {"A1": [0, 1], "B2": [2]}),
        (("B03_0001", "B03_0002", "C03-x"), {"B03": [0, 1], "C03": [2]}),
        (("control", "Control", "a/b"), {"control": [0, 1], "a_b": [2]}),
        (("A1", "pos 2", "A1x"), {"A1": [0], "pos 2": [1], "A1x": [2]}),
    ],
)
def test_positions_become_samples(names, expected):
    assert samples_by_position(names, range(3)) == expected


def test_positions_that_differ_are_no_one_sample():
    with pytest.raises(ConfigError, match=r"'a/b' and 'A:b' differ only .* --samples FILE"):
        samples_by_position(("a/b", "c", "A:b"), range(3))


@pytest.mark.parametrize("names", [(), ("a", "", "c"), ("a", " ", "b")])
def test_positions_without_a_name_are_no_samples(names):
    with pytest.raises(ConfigError, match="no name for FOV"):
        samples_by_position(names, range(3))


def test_position_names_are_taken_from_the_recording(tmp_path):
    folder = experiment(tmp_path, position_names=("D6", "D6", "D7"))
    assert list(write_merged(folder)) == ["D6", "D7"]


def test_a_folder_without_traces_or_run_is_refused(tmp_path):
    with pytest.raises(StoreError, match="not an output folder of pyama"):
        merge(tmp_path, TWO)
    experiment(tmp_path, n_fovs=1)
    next(tmp_path.glob("fov_000/*.csv")).unlink()
    with pytest.raises(StoreError, match="has no traces"):
        merge(tmp_path, TWO)


def test_the_record_of_a_run_must_describe_a_recording(tmp_path):
    (tmp_path / layout.CONFIG_FILE).write_text("params: {}")
    with pytest.raises(StoreError, match="does not describe a recording"):
        read_recording(tmp_path)


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text()
    | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
floats = st.floats(allow_nan=False, allow_infinity=False)


@given(
    header=st.dictionaries(st.from_regex(r"[a-z_]+", fullmatch=True), json_values, max_size=4),
    values=st.lists(floats, min_size=1, max_size=5),
)
def test_what_is_written_is_read_back(tmp_path_factory, header, values):
    path = tmp_path_factory.mktemp("table") / "table.csv"
    table = pd.DataFrame({"fov": range(len(values)), "value": values})
    write_table(path, table, header)
    read, entries = read_table(path)
    assert entries == header == read_header(path)
    pd.testing.assert_frame_equal(read, table, check_exact=True)
    pd.testing.assert_frame_equal(pd.read_csv(path, comment="#"), table, check_exact=True)


def test_comments_of_others_are_passed_over(tmp_path):
    path = tmp_path / "table.csv"
    path.write_text("# made by hand\n# key: not json\n#\ncell,time,value\n1,0,2\n")
    table, header = read_table(path)
    assert header == {}
    assert table["value"].tolist() == [2]


@pytest.mark.parametrize(
    ("header", "why"),
    [
        ({}, r" \(no line # sample and # times\)"),
        ({"sample": "a", "times": {"0": [0]}}, ""),
        ({"sample": "a", "times": {"1": [0, 1]}}, ""),
        ({"sample": "a", "times": 3}, ""),
    ],
)
def test_a_merged_table_without_its_times_is_refused(tmp_path, header, why):
    path = tmp_path / "a_merged.csv"
    write_table(path, traces_of(0), header)
    with pytest.raises(StoreError, match=f"the time of every frame{why}. Expected"):
        load_merged(path)


@pytest.mark.parametrize("content", [None, b"\xff\xfe\x00", b""])
def test_what_is_no_table_is_refused(tmp_path, content):
    path = tmp_path / "table.csv"
    if content is not None:
        path.write_bytes(content)
    for read in (read_table, load_timed):
        with pytest.raises(StoreError, match="cannot be read as a table"):
            read(path)


def test_any_table_of_traces_is_read_with_hours(folder, tmp_path):
    traces, _ = load_timed(next(folder.glob("fov_002/*.csv")))
    merged, header = load_timed(write_merged(folder, {"a": [2]})["a"][0])
    np.testing.assert_allclose(traces["time"], merged["time"])
    np.testing.assert_allclose(traces["time"], recorded_hours(traces))
    assert header["sample"] == "a"
    plain = tmp_path / "plain.csv"
    plain.write_text("cell,time,value\n1,90,5\n1,120,6\n")
    assert load_timed(plain, "min")[0]["time"].tolist() == [1.5, 2]
    assert load_timed(plain, "h")[0]["time"].tolist() == [90, 120]
    assert load_timed(plain)[0]["fov"].tolist() == [0, 0]


def test_tables_saved_by_a_spreadsheet_are_read(tmp_path):
    path = tmp_path / "excel.csv"
    path.write_text('# sample: "a"\ncell,time,value\n1,0,5\n', encoding="utf-8-sig")
    table, header = load_timed(path)
    assert header == {"sample": "a"}
    assert table["cell"].tolist() == [1]


def test_columns_that_are_there_are_named_where_others_are_missing(tmp_path):
    path = tmp_path / "bars.csv"
    path.write_text("cell|time|value\n1|0.5|1\n")
    with pytest.raises(ConfigError, match=r"cell or time; its columns: cell\|time\|value\. E"):
        load_timed(path)


def test_traces_that_a_spreadsheet_saved_are_merged_and_inspected(folder):
    expected = merge(folder, TWO)
    before = [Inspection(folder, fov).state().table for fov in range(3)]
    for fov, path in find_traces(folder):
        table = pd.read_csv(path)
        words = table["good"].map({True: "WAHR", False: "FALSCH"})
        text = table.assign(good=words).to_csv(index=False, sep=";", decimal=",")
        path.write_bytes(
            "".join(f"{line};;\r\n" for line in text.splitlines()).encode("utf-16")
        )
        assert load_timed(path)[0]["good"].all()
        after = Inspection(folder, fov).state().table
        assert after.good.tolist() == before[fov].good.tolist()
        assert after.header == before[fov].header
        assert inspected_tracks.tracks(after) == inspected_tracks.tracks(before[fov])
    pd.testing.assert_frame_equal(merge(folder, TWO), expected)


@pytest.mark.parametrize("head", ["cell,value", "time,value", "a", "cell,time"])
def test_a_table_without_cells_or_times_is_refused(tmp_path, head):
    path = tmp_path / "plain.csv"
    path.write_text(head + "\n" + ",".join("x" for _ in head.split(",")) + "\n")
    with pytest.raises(ConfigError, match="has no column of numbers"):
        load_timed(path)


@pytest.mark.parametrize(
    ("columns", "wanted", "expected"),
    [
        (["intensity_total_ch_1", "area_ch_0"], None, "intensity_total_ch_1"),
        (["intensity_total_ch_1", "area_ch_0"], "area_ch_0", "area_ch_0"),
        (["value"], None, "value"),
        (["intensity_total_ch_1", "intensity_total_ch_2"], None, "several columns"),
        (["intensity_mean_ch_1", "area_ch_0"], None, "several columns"),
        (["value"], "cell", "No column 'cell'"),
        ([], None, "no column of numbers to work on"),
    ],
)
def test_the_column_is_chosen_where_there_is_no_doubt(columns, wanted, expected):
    table = pd.DataFrame({name: [1.0] for name in ["fov", "cell", "time", *columns]})
    if " " in expected:
        with pytest.raises(ConfigError, match=expected):
            chosen_column(table, wanted)
    else:
        assert chosen_column(table, wanted) == expected


def test_fits_find_the_truth_and_say_what_was_done(folder):
    path = write_merged(folder, {"a": "0-1"})["a"][0]
    fitted = fit_file(path, starts=2, bounds={"ktl": (0, float("inf"))}, workers=1)
    assert fitted.paths == [folder / "a_merged_fitted_maturation.csv"]
    t0 = np.concatenate([truth(cells_in(fov), fov)[0] + fov / 60 for fov in (0, 1)])
    np.testing.assert_allclose(fitted.table["t0"], t0, atol=0.05)
    plain = pd.read_csv(fitted.paths[0], comment="#")
    assert list(plain)[:6] == ["fov", "cell", "model_type", "success", "r_squared", "t0"]
    header = read_header(fitted.paths[0])
    assert (header["sample"], header["source"]) == ("a", "a_merged.csv")
    assert header["column"] == "intensity_total_ch_1"
    assert header["options"] == {"starts": 2, "bounds": {"ktl": "0:inf"}, "time_unit": "h"}
    assert header["units"]["ktl"] == "counts/h"
    assert header["literature"]["maturation"].startswith("doi:")


def test_the_number_of_workers_changes_no_byte(folder):
    path = write_merged(folder, {"a": "0-1"})["a"][0]
    first = fit_file(path, "logistic", workers=1).paths[0].read_bytes()
    assert fit_file(path, "logistic", workers=3).paths[0].read_bytes() == first


@pytest.mark.parametrize(
    ("column", "name"),
    [
        (None, "a_merged_fitted_constant.csv"),
        ("area_ch_0", "a_merged_fitted_constant_area_ch_0.csv"),
    ],
)
def test_the_file_of_fits_is_named_after_model_and_column(folder, column, name):
    path = write_merged(folder, {"a": [0]})["a"][0]
    assert fit_file(path, "constant", column).paths[0].name == name


def test_fits_find_their_traces_again(folder, tmp_path):
    path = next(folder.glob("fov_001/*.csv"))
    fitted = fit_file(path, "constant", destination=tmp_path / "elsewhere")
    table, traces, header = load_fit_with_traces(fitted.paths[0])
    assert set(table["sample"]) == {path.stem}
    assert len(traces) == len(traces_of(1))
    assert header["column"] == "intensity_total_ch_1"
    text = fitted.paths[0].read_text(encoding="utf-8")
    bare = tmp_path / "bare.csv"
    bare.write_text("".join(line for line in text.splitlines(True) if line[0] != "#"))
    with pytest.raises(StoreError, match="does not name the traces"):
        load_fit_with_traces(bare)


def test_fits_are_not_fitted_and_traces_are_no_fits(folder):
    path = write_merged(folder, {"a": [0]})["a"][0]
    fitted = fit_file(path, "constant").paths[0]
    with pytest.raises(ConfigError, match=r"is a table of fits.*a_merged\.csv"):
        fit_file(fitted)
    with pytest.raises(StoreError, match="is not a table of fits"):
        load_fitted(path)


def test_an_interrupted_write_leaves_the_old_table(tmp_path, monkeypatch):
    path = tmp_path / "table.csv"
    write_table(path, pd.DataFrame({"a": [1]}), {})
    monkeypatch.setattr(os, "replace", lambda *_: (_ for _ in ()).throw(OSError("full")))
    with pytest.raises(OSError, match="full"):
        write_table(path, pd.DataFrame({"a": [2]}), {})
    assert path.read_text() == "a\n1\n"


def test_entries_are_one_line_of_json_each(tmp_path):
    path = tmp_path / "table.csv"
    write_table(path, pd.DataFrame({"a": [1]}), {"sample": 'two\nlines, "quoted" # µ'})
    first, second, *_ = path.read_text(encoding="utf-8").splitlines()
    assert json.loads(first.removeprefix("# sample: ")) == 'two\nlines, "quoted" # µ'
    assert second == "a"


@pytest.mark.parametrize("registry", [PHASE_FEATURES, FLUORESCENCE_FEATURES])
def test_every_feature_has_the_unit_that_its_description_says(registry):
    for name, feature in registry.items():
        match = re.search(
            r"\bin (counts|px²|µm²|px)\b", feature.__doc__.replace("3 x 3 px", "")
        )
        assert unit_of(f"{name}_ch_1") == (match[1] if match else ""), name


def test_features_that_sound_like_base_columns_have_no_unit():
    assert unit_of("position_x") == unit_of("bbox_y1") == "px"
    assert unit_of("position_error_ch_1") == unit_of("bbox_filled_ch_0") == ""


FORMULAS = ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1"]


def test_no_text_is_a_formula_to_a_spreadsheet(tmp_path):
    path = tmp_path / "t.csv"
    names = [*FORMULAS, "drug", "a,=1+1,b", "a; @x"]
    header = {"sample": "a,=1+1,b;-2", "names": names, "times": [-1.5, -0.5]}
    write_table(path, pd.DataFrame({"a": names, "b": -1.0}), header)
    lines = path.read_bytes().decode().replace("\r", "\n").splitlines()
    cells = [cell for row in csv.reader(lines) for cell in row]
    # A spreadsheet knows no text inside of a field, and may split at semicolons.
    cells += [cell for line in lines if line[0] == "#" for cell in line.split(";")]
    texts = [cell.strip(" ") for cell in cells if not re.fullmatch(r" *-?[0-9.]+\]?", cell)]
    assert [text for text in texts if text.startswith(FORMULA)] == []
    table, found = read_table(path)
    assert found == header
    assert table["a"].tolist() == [
        *(f"'{name}" for name in FORMULAS[:-1]),
        "' =1",
        *names[-3:],
    ]
    assert (table["b"] == -1).all()
