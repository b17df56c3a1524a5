"""Traces are written to the last digit and read with their time."""

import io
import json
import math
import warnings

import numpy as np
import pandas as pd
import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from pyama import layout
from pyama.config import ProcessingConfig, dump_config
from pyama.errors import StoreError
from pyama.metadata import MicroscopyMetadata, dump_metadata
from pyama.traces.shifts_table import load_shifts, shifts_row
from pyama.traces.trace_files import (
    find_traces,
    traces_digest,
    traces_of,
    unused_inspections,
)
from pyama.traces.trace_reading import load_traces
from pyama.traces.trace_recording import run_times
from pyama.traces.trace_rows import cell_rows, header, traces_columns
from pyama.yaml_files import with_checksum

REFERENCE = (
    "fov,cell,frame,good,position_x,position_y,bbox_x0,bbox_y0,bbox_x1,bbox_y1,"
    "area_ch_0,aspect_ratio_ch_0,intensity_total_ch_1"
)
COLUMNS = traces_columns((0, ["area", "aspect_ratio"]), {1: ["intensity_total"]})


def test_columns_stand_in_the_order_of_the_reference():
    assert header(COLUMNS) == REFERENCE + "\n"
    assert traces_columns(None, {}) == list(layout.BASE_COLUMNS)
    assert traces_columns((2, []), {}) == list(layout.BASE_COLUMNS)
    assert traces_columns((0, ["area"]), {3: ["a", "b"], 1: ["a"]})[10:] == [
        "area_ch_0",
        "a_ch_3",
        "b_ch_3",
        "a_ch_1",
    ]


def rows(fov=0, cell=3, frames=(0, 2), **features):
    boxes = np.array([[165, 85, 235, 115], [166, 86, 236, 117]], np.int32)[: len(frames)]
    values = {
        column: np.array(features.get(column, [450.0, 455.5]))[: len(frames)]
        for column in COLUMNS[10:]
    }
    return cell_rows(fov, cell, np.array(frames), boxes, values)


def test_a_line_is_a_cell_in_a_frame():
    text = rows(
        area_ch_0=[450.0, 451.0],
        aspect_ratio_ch_0=[1.234, np.nan],
        intensity_total_ch_1=[1234.5, -0.25],
    )
    assert text == (
        "0,3,0,True,100.0,200.0,85,165,115,235,450,1.234,1234.5\n"
        "0,3,2,True,101.5,201.0,86,166,117,236,451,,-0.25\n"
    )


def test_a_cell_without_frames_has_no_lines():
    empty = np.empty(0)
    boxes = np.empty((0, 4), np.int32)
    assert cell_rows(0, 1, np.empty(0, np.int64), boxes, {"area_ch_0": empty}) == ""


@given(st.lists(st.floats(allow_infinity=False), min_size=1, max_size=5))
@example([2.0**64, 0.5, math.nan])
def test_numbers_are_read_as_written(values):
    n = len(values)
    boxes = np.zeros((n, 4), np.int32)
    features = {"area_ch_0": np.array(values), "x_ch_0": np.array(values)}
    text = cell_rows(0, 1, np.arange(n), boxes, features)
    columns = [*layout.BASE_COLUMNS, *features]
    table = pd.read_csv(io.StringIO(header(columns) + text))
    for column in features:
        np.testing.assert_array_equal(table[column].to_numpy(np.float64), values)


def record(folder, text_of=with_checksum, **params):
    """Write the configuration of a run, with stamps of 0, 12 and 24 minutes."""
    metadata = MicroscopyMetadata(
        path="movie.nd2",
        format="nd2",
        basename="movie",
        identity="x",
        n_frames=3,
        channel_names=("Phase", "GFP"),
        shapes=((9, 9), (9, 9)),
        dtype="uint16",
        times_min=((0.0, 12.0, 24.0), (0.5, 12.5, 24.5)),
    )
    config = ProcessingConfig(params=params)
    entries = {**dump_config(config), "metadata": dump_metadata(metadata)}
    (folder / layout.CONFIG_FILE).write_bytes(text_of(yaml.safe_dump(entries)))


def put(folder, fov, name=None, text=None):
    path = folder / layout.fov_dir(fov) / (name or layout.traces_file("movie", fov))
    path.parent.mkdir(exist_ok=True)
    path.write_text(header(COLUMNS) + rows(fov) if text is None else text)
    return path


def test_traces_are_loaded_with_their_time(tmp_path):
    record(tmp_path)
    path = put(tmp_path, 1)
    table = load_traces(path)
    assert list(table.columns) == ["fov", "cell", "frame", "time", *COLUMNS[3:]]
    assert table["time"].tolist() == [0.5 / 60, 24.5 / 60]
    assert table.attrs["units"]["time"] == "h"
    assert load_traces(str(path)).equals(table)
    assert table["good"].dtype == bool
    assert table["position_x"].dtype == np.float64


def test_the_time_is_what_the_run_decided(tmp_path):
    path = put(tmp_path, 0)
    record(tmp_path)
    assert load_traces(path)["time"].tolist() == [0, 0.4]
    record(tmp_path, frame_interval=7.0)
    assert load_traces(path)["time"].tolist() == [0, 14 / 60], "no older run is remembered"
    assert run_times(tmp_path, 1) == (0, 7, 14)


def test_a_table_of_no_cells_has_its_types(tmp_path):
    record(tmp_path)
    table = load_traces(put(tmp_path, 0, text=header(COLUMNS)))
    assert len(table) == 0
    assert (table["frame"].dtype, table["good"].dtype) == (np.int64, bool)
    assert "time" in table.columns


BAD = [
    pytest.param("", "cannot be read as a table", id="empty"),
    pytest.param("a,b\n1,2\n", "has no column fov, cell, frame", id="other columns"),
    pytest.param(
        header(COLUMNS) + rows(0, frames=(0, 3)),
        "contains frames 0 to 3 of FOV 0",
        id="late",
    ),
    pytest.param(header(COLUMNS) + rows(0, frames=(-1, 0)), "frames -1 to 0", id="early"),
    pytest.param(header(COLUMNS) + rows(5), "2 fields of view, .*no FOV 5", id="unknown fov"),
    pytest.param(
        header(COLUMNS) + rows(0).replace("0,3,0", "0,3,x"), "cannot be read", id="text"
    ),
    pytest.param(header(COLUMNS) + "\x00\xff", "cannot be read as a table", id="garbage"),
]


@pytest.mark.parametrize(("text", "message"), BAD)
def test_what_is_no_table_of_this_recording_is_refused(tmp_path, text, message):
    record(tmp_path)
    with pytest.raises(StoreError, match=message):
        load_traces(put(tmp_path, 0, text=text))


def test_a_missing_table_is_named(tmp_path):
    with pytest.raises(StoreError, match=r"none\.csv cannot be read as a table"):
        load_traces(tmp_path / "none.csv")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "cannot be read: it does not exist.*holds the time of every frame"),
        ("params: {}\n", "no section 'metadata'"),
        ("- 1\n", "no section 'metadata'"),
        ("metadata: {}\n", "The section 'metadata' .* is damaged"),
        ("[", "is not valid YAML.*holds the time of every frame"),
    ],
)
def test_without_the_configuration_of_the_run_there_is_no_time(tmp_path, text, message):
    path = put(tmp_path, 0)
    if text is not None:
        (tmp_path / layout.CONFIG_FILE).write_bytes(with_checksum(text))
    with pytest.raises(StoreError, match=f"(?s){message}"):
        load_traces(path)


def test_a_changed_configuration_is_used_with_a_warning(tmp_path):
    record(tmp_path, text_of=str.encode)
    with pytest.warns(UserWarning, match="was changed since a run wrote it"):
        assert run_times(tmp_path, 0) == (0, 12, 24)


def test_the_configuration_is_read_once_for_many_tables(tmp_path, monkeypatch):
    record(tmp_path)
    reads = []
    monkeypatch.setattr(
        "pyama.traces.trace_recording.load_yaml",
        lambda path: reads.append(path) or yaml.safe_load(path.read_text()),
    )
    for fov in (0, 1, 0, 1):
        run_times(tmp_path, fov)
    assert len(reads) == 1


def test_traces_are_found_by_number_and_inspected_ones_first(tmp_path):
    for fov in (1000, 2, 10):
        put(tmp_path, fov)
    inspected = put(tmp_path, 10, layout.inspected_file("movie", 10))
    log = inspected.with_name(layout.inspection_log("movie", 10))
    digest = traces_digest(inspected.with_name(layout.traces_file("movie", 10)))
    log.write_text(json.dumps({"traces": digest}))
    put(tmp_path, 3, "movie_fov_004_traces.csv")  # of another field of view
    put(tmp_path, 4, "notes.csv")
    (tmp_path / "fov_5").mkdir()
    (tmp_path / "fov_006").write_text("no folder")
    found = list(find_traces(tmp_path))
    assert [fov for fov, _ in found] == [2, 10, 1000]
    assert found[1][1] == inspected
    assert found[0][1] == tmp_path / "fov_002" / "movie_fov_002_traces.csv"


def test_an_inspection_of_another_recording_is_not_preferred(tmp_path):
    traces = put(tmp_path, 0)
    put(tmp_path, 0, layout.inspected_file("old", 0))
    with pytest.warns(UserWarning, match="old_fov_000_traces_inspected.csv does not say"):
        assert list(find_traces(tmp_path)) == [(0, traces)]


def test_an_inspection_that_names_no_traces_is_not_used_without_a_word(tmp_path):
    traces = put(tmp_path, 0)
    inspected = put(tmp_path, 0, layout.inspected_file("movie", 0))
    record(tmp_path)
    with pytest.warns(UserWarning, match="does not say on which traces it was made and is"):
        assert list(find_traces(tmp_path)) == [(0, traces)]
    assert len(unused_inspections(tmp_path)) == 1
    assert traces_of(tmp_path, 0) == traces
    with pytest.warns(UserWarning, match="It is read because it was named"):
        load_traces(inspected)


def test_an_inspection_of_traces_that_are_gone_is_not_used_without_a_word(tmp_path):
    inspected = put(tmp_path, 0, layout.inspected_file("movie", 0))
    inspected.with_name(layout.inspection_log("movie", 0)).write_text('{"traces": "abc"}')
    with pytest.warns(UserWarning, match="made on traces that are no longer there"):
        assert list(find_traces(tmp_path)) == []


def test_an_empty_folder_has_no_traces(tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert list(find_traces(tmp_path)) == []
    assert list(find_traces(tmp_path / "none")) == []


PLACE = st.tuples(st.floats(-1e4, 1e4), st.floats(-1e4, 1e4))


@given(places=st.lists(PLACE, min_size=1, max_size=5))
def test_shifts_are_read_as_written(places, tmp_path_factory):
    before = [(0.0, 0.0), *places[:-1]]
    rows = [shifts_row(t, *both) for t, both in enumerate(zip(places, before, strict=True))]
    path = tmp_path_factory.mktemp("shifts") / "movie_fov_000_shifts.csv"
    path.write_text("".join(rows), encoding="utf-8")
    np.testing.assert_allclose(load_shifts(path), places, atol=0.005001)
    table = np.loadtxt(path, delimiter=",", skiprows=1, ndmin=2)
    assert table[:, 0].tolist() == list(range(len(places)))
    np.testing.assert_allclose(table[:, 1:3].cumsum(axis=0), table[:, 3:], atol=1e-6)


def test_no_shift_has_no_sign():
    assert shifts_row(3, (-0.0, -0.001), (0.0, 0.001)) == "3,0.0,0.0,0.0,0.0\n"
    assert shifts_row(0, (0.0, 0.0), (0.0, 0.0)).splitlines() == [
        "frame,shift_y,shift_x,drift_y,drift_x",
        "0,0.0,0.0,0.0,0.0",
    ]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "frame,a\n0,1\n",
        "frame,shift_y,shift_x,drift_y,drift_x\n0,,,,\n",
        "frame,shift_y,shift_x,drift_y,drift_x\n0,a,1,2,3\n",
    ],
)
def test_what_is_no_table_of_shifts_is_refused(tmp_path, text):
    (tmp_path / "x.csv").write_text(text, encoding="utf-8")
    with pytest.raises(StoreError, match=r"x.csv (cannot be read as|is not) a table"):
        load_shifts(tmp_path / "x.csv")
