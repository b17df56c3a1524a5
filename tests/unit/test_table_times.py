"""The unit of the times of a table, and tables that have frames only."""

import warnings

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyama.analysis.fitting.fit_files import fit_file, load_fit_with_traces
from pyama.analysis.joined_tables import join_traces
from pyama.analysis.sample_tables import read_timed
from pyama.analysis.table_files import read_header
from pyama.analysis.table_times import TableTime, span_of
from pyama.errors import ConfigError

HOURS = np.arange(12) / 6
UNITS = {"s": 3600, "sec": 3600, "Seconds": 3600, "min": 60, "minutes": 60, "h": 1, "Hour": 1}


def table(times, name="time", **more):
    """Return two cells that leave 100 counts at 0.5 h by 30 counts per 10 min."""
    values = 100 + 180 * np.maximum(0, HOURS - 0.5)
    parts = [
        pd.DataFrame({"fov": 0, "cell": cell, name: times, "value": cell * values, **more})
        for cell in (1, 2)
    ]
    return pd.concat(parts, ignore_index=True)


@pytest.fixture
def saved(tmp_path):
    def save(frame, *lines, name="mine.csv"):
        path = tmp_path / name
        path.write_text("".join(f"{line}\n" for line in lines) + frame.to_csv(index=False))
        return path

    return save


def hours(path, **given):
    return read_timed(path, TableTime(**given)).table.groupby("cell")["time"].apply(list)[2]


LINES = ["# Time units: {}", "#Time unit: {}", "# time_units: {}", "# time unit:  {} "]


@pytest.mark.parametrize(("unit", "per_hour"), UNITS.items())
@pytest.mark.parametrize("line", LINES)
def test_the_line_of_the_older_program_gives_the_unit(saved, unit, per_hour, line):
    if line == "# time_units: {}":
        unit = f'"{unit}"'
    path = saved(table(HOURS * per_hour), line.format(unit))
    np.testing.assert_allclose(hours(path), HOURS)


@pytest.mark.parametrize(("unit", "per_hour"), UNITS.items())
def test_the_user_gives_the_unit(saved, unit, per_hour):
    np.testing.assert_allclose(hours(saved(table(HOURS * per_hour)), unit=unit), HOURS)


@pytest.mark.parametrize("name", ["time_min", "Time (min)", "time [min]", "TIME MINUTES"])
def test_the_name_of_the_column_gives_the_unit(saved, name):
    path = saved(table(HOURS * 60, name))
    np.testing.assert_allclose(hours(path), HOURS)
    with pytest.raises(ConfigError, match=r"(?i)in min\w* according to its column .* in h"):
        hours(path, unit="h")


def test_a_column_with_another_meaning_is_no_time(saved):
    path = saved(table(HOURS, time_point=3, timestamp=5).assign(times=4))
    np.testing.assert_allclose(hours(path), HOURS)


def test_without_a_unit_times_are_hours_and_this_is_said(saved):
    timed = read_timed(saved(table(HOURS)), TableTime())
    assert timed.span == ("0 to 1.83 h, every 10 min (the table names no unit: h is assumed)")
    for given_, line in (({"unit": "h"}, ()), ({}, ["# Time units: h"])):
        timed = read_timed(saved(table(HOURS), *line), TableTime(**given_))
        assert timed.span == "0 to 1.83 h, every 10 min"


REFUSED = [
    pytest.param(
        {"unit": "h"}, ["# Time units: min"], r"in min .* in h .*--time-unit", id="line"
    ),
    pytest.param({"unit": "ms"}, ["# Time units: s"], "in s according", id="milliseconds"),
    pytest.param({}, ["# Time units: furlong"], "'furlong'.*which is not known", id="unknown"),
    pytest.param({"frame_interval": 5}, [], "Leave out --frame-interval", id="interval"),
]


@pytest.mark.parametrize(("given_", "lines", "words"), REFUSED)
def test_user_and_table_must_agree(saved, given_, lines, words):
    with pytest.raises(ConfigError, match=words):
        hours(saved(table(HOURS), *lines), **given_)


def test_equal_units_agree_in_any_spelling(saved):
    path = saved(table(HOURS * 60), "# Time units: min")
    np.testing.assert_allclose(hours(path, unit="Minutes"), HOURS)
    unknown = saved(table(HOURS * 60), "# Time units: furlong", name="other.csv")
    np.testing.assert_allclose(hours(unknown, unit="min"), HOURS)


WRONG = [
    ({"unit": "furlong"}, "unit of time 'furlong' is not known"),
    ({"unit": ""}, "unit of time '' is not known"),
    ({"frame_interval": 0}, "interval of the frames is 0; expected a positive"),
    ({"frame_interval": -1}, "expected a positive"),
    ({"frame_interval": float("nan")}, "expected a positive"),
    ({"frame_interval": float("inf")}, "expected a positive"),
]


@pytest.mark.parametrize(("given_", "words"), WRONG)
def test_wrong_options_are_refused(given_, words):
    with pytest.raises(ConfigError, match=words):
        TableTime(**given_)


FRAMES = np.arange(12)


@pytest.mark.parametrize("constant", [False, True])
@pytest.mark.parametrize("name", ["frame", "Frame"])
def test_tables_of_frames_take_the_interval_in_minutes(saved, name, constant):
    more = {"time": 0.0} if constant else {}
    path = saved(table(FRAMES, name, **more))
    np.testing.assert_allclose(hours(path, frame_interval=10), HOURS)
    with pytest.raises(
        ConfigError, match=r"but frames\. Give the minutes .*--frame-interval 10"
    ):
        hours(path)
    with pytest.raises(ConfigError, match=r"--frame-interval is in minutes"):
        hours(path, frame_interval=10, unit="s")


def test_without_times_and_frames_columns_are_named(saved):
    path = saved(table(FRAMES, "index"))
    with pytest.raises(ConfigError, match=r"no column frame.*fov, cell, index, value"):
        hours(path, frame_interval=10)
    with pytest.raises(ConfigError, match="has no column of numbers named time"):
        hours(path)
    constant = saved(table(0.0))
    with pytest.raises(ConfigError, match=r"the same time in all rows \(time\)"):
        hours(constant)


@given(
    st.sampled_from(list(UNITS.items())),
    st.lists(st.floats(1e-3, 20), min_size=11, max_size=11),
    st.floats(-5, 5),
)
def test_any_unit_gives_the_same_hours(tmp_path_factory, unit, steps, start):
    name, per_hour = unit
    times = start + np.cumsum([0, *steps])
    path = tmp_path_factory.mktemp("tables") / "mine.csv"
    text = table(times * per_hour).to_csv(index=False)
    path.write_text(f"# Time units: {name}\n{text}")
    np.testing.assert_allclose(hours(path), times, atol=1e-9)


def test_improbable_spans_are_warned_of(saved):
    path = saved(table(HOURS * 3600))
    with pytest.warns(
        UserWarning, match=r"span 6600 h, which is more than 3 weeks\. They were"
    ):
        hours(path)
    with pytest.warns(UserWarning, match="read in h, because the table names no unit"):
        hours(path)
    with pytest.warns(UserWarning, match=r"span 0\.0066 s, which is less .* read in us"):
        hours(path, unit="us")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert hours(path, unit="s")[-1] == pytest.approx(11 / 6)


def test_the_span_of_a_table_is_that_of_all_rows_and_the_step_that_of_a_cell():
    frame = pd.concat([table(HOURS), table(HOURS + 0.01).assign(fov=1)])
    assert span_of(frame) == "0 to 1.84 h, every 10 min"
    assert span_of(frame[:1]) == "0 to 0 h"
    assert span_of(pd.DataFrame({"time": [0.000556, 6.83]})).startswith("0 to 6.83 h")
    assert span_of(frame[:0]) == "none"


@pytest.mark.parametrize("when", ["time", "frame"])
def test_two_rows_of_a_cell_at_one_time_are_refused(saved, when):
    """As where the tables of two experiments were put together."""
    frame = table(HOURS if when == "time" else FRAMES, when)
    given = {} if when == "time" else {"frame_interval": 10.0}
    other = frame[frame["cell"] == 2].assign(value=5.0)
    if when == "frame":
        frame["time"], other["time"] = frame["frame"] / 6, other["frame"] / 6 + 0.001
        given = {}
    path = saved(pd.concat([frame, other], ignore_index=True))
    said = r"more than one row of cell 2 in FOV 0 at (frame 0|0 h), .*\(12 such rows\)"
    for read in (read_timed, lambda path, _: fit_file(path, "constant", "value")):
        with pytest.raises(ConfigError, match=said):
            read(path, TableTime(**given))


def test_times_before_those_of_a_parameter_are_warned_of(saved):
    path = saved(table(HOURS - 1))
    with pytest.warns(UserWarning, match=r"begin at -1 h, but t0 is .* --bound t0=-1:0\.833"):
        fit_file(path, "linear_onset", workers=1)
    fitted = fit_file(path, "linear_onset", workers=1, bounds={"t0": (-1, 0.833)})
    np.testing.assert_allclose(fitted.table["t0"], -0.5, atol=1e-3)


def test_a_column_of_values_that_holds_a_text_is_named(saved):
    frame = table(HOURS).astype({"value": object})
    frame.loc[3, "value"] = "#DIV/0!"
    with pytest.raises(ConfigError, match=r"Its column 'value' holds '#DIV/0!'"):
        fit_file(saved(frame), "constant")


@pytest.mark.parametrize(
    ("frame", "given_", "recorded"),
    [
        (table(HOURS * 3600), {"time_unit": "s"}, {"time_unit": "s"}),
        (table(HOURS * 60, "time_min"), {}, {"time_unit": "min"}),
        (
            table(FRAMES, "frame"),
            {"frame_interval": 10.0},
            {"time_unit": "min", "frame_interval": 10.0},
        ),
        (table(HOURS), {}, {"time_unit": "h"}),
    ],
)
def test_fits_record_how_times_were_read_and_read_them_again(saved, frame, given_, recorded):
    fitted = fit_file(saved(frame), "linear_onset", workers=1, **given_)
    np.testing.assert_allclose(fitted.table["t0"], 0.5, atol=1e-3)
    options = read_header(fitted.paths[0])["options"]
    assert {name: options.get(name) for name in recorded} == recorded
    _, traces, _ = load_fit_with_traces(fitted.paths[0])
    np.testing.assert_allclose(traces["time"].unique(), HOURS, atol=1e-12)


def test_joined_tables_have_the_given_times(saved):
    path = saved(table(HOURS * 60))
    joined = join_traces([path], TableTime("min"))
    np.testing.assert_allclose(joined["time"].unique(), HOURS)
