import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from pyama.analysis.statistics import (
    summarize,
    trace_features,
)
from pyama.analysis.trace_shape import noise, onsets, points_first, smooth

NAN = float("nan")
T = np.arange(0, 20, 0.25)


def trace(y, t=T, **columns):
    frames = pd.DataFrame({"fov": 0, "cell": 1, "time": t, "intensity_total_ch_1": y})
    return frames.assign(**columns)


def test_features_of_a_trace_are_those_of_its_values():
    y = np.where(T < 5, 10.0, 10 + 4 * (T - 5))
    y[3] = NAN
    row = trace_features(trace(y, cell=7)).iloc[0]
    known = np.isfinite(y)
    assert (row["fov"], row["cell"], row["n_points"]) == (0, 7, len(T) - 1)
    assert row["mean"] == pytest.approx(np.nanmean(y))
    assert row["maximum"] == np.nanmax(y)
    assert row["auc"] == pytest.approx(np.trapezoid(y[known], T[known]))
    assert row["onset"] == pytest.approx(5, abs=0.25)


ODD = [
    pytest.param([NAN, NAN, NAN], (0, NAN, NAN, NAN, NAN), id="nothing"),
    pytest.param([NAN, 3, NAN], (1, 3, 3, NAN, NAN), id="one point"),
    pytest.param([2, NAN, 4], (2, 3, 4, 6, NAN), id="a gap"),
    pytest.param([5, 5, 5], (3, 5, 5, 10, NAN), id="constant"),
    pytest.param([9, 5, 1], (3, 5, 9, 10, NAN), id="falling"),
]


@pytest.mark.parametrize(("y", "expected"), ODD)
def test_odd_traces_have_features_or_nan(y, expected):
    row = trace_features(trace(np.array(y, float), [0, 1, 2])).iloc[0]
    np.testing.assert_array_equal(
        row[["n_points", "mean", "maximum", "auc", "onset"]].astype(float), expected
    )


def test_features_keep_the_sample_and_leave_out_what_is_not_good():
    table = pd.concat(
        [
            trace(T, sample="b", good=True),
            trace(T, sample="a", fov=1, good=True),
            trace(T, sample="a", fov=2, good=False),
        ]
    )
    features = trace_features(table)
    assert features[["sample", "fov"]].to_numpy().tolist() == [["a", 1], ["b", 0]]


def test_a_table_without_rows_gives_tables_without_rows():
    features = trace_features(trace(T, sample="a")[:0])
    assert features.empty
    assert summarize(features).empty


ONSETS = [
    pytest.param(lambda t: 3 * np.maximum(t - 4, 0), 4, id="ramp"),
    pytest.param(lambda t: 500 + 30 * np.maximum(t - 11.1, 0), 11.1, id="between frames"),
    pytest.param(lambda t: 2 + t, 0, id="from the start"),
    pytest.param(lambda t: np.where(t < 9, 0, 50), 9, id="step"),
    pytest.param(lambda t: np.maximum(0, 40 * (t - 3)) * np.exp(-t / 3), 3, id="up and down"),
]


@pytest.mark.parametrize(("curve", "expected"), ONSETS)
@pytest.mark.parametrize("level", [0, 0.01])
def test_an_onset_is_where_a_trace_leaves_its_baseline(curve, expected, level):
    y = curve(T) + level * np.ptp(curve(T)) * np.random.default_rng(0).normal(size=(9, len(T)))
    assert np.median(onsets(T, y)) == pytest.approx(expected, abs=0.35)


def test_noise_and_falling_traces_have_no_onset():
    noisy = np.random.default_rng(0).normal(size=(500, 100))
    assert np.isfinite(onsets(np.arange(100), noisy)).mean() < 0.01
    assert np.isnan(onsets(T, [np.exp(-T), -T, np.ones_like(T)])).all()


@given(
    npst.arrays(float, (2, 12), elements=st.floats(-1e5, 1e5) | st.just(NAN)),
    st.floats(1, 50),
)
def test_onsets_do_not_depend_on_gaps_units_or_the_clock(y, unit):
    t = np.arange(12.0)
    found = onsets(t, y)
    assert ((found >= 0) & (found <= 11) | np.isnan(found)).all()
    packed_t, packed_y, _ = points_first(t, y)
    np.testing.assert_array_equal(onsets(packed_t, packed_y), found)
    np.testing.assert_array_equal(np.isnan(onsets(unit * t, y)), np.isnan(found))


def test_noise_is_that_which_was_added():
    y = 100 * np.sin(T / 5) + np.random.default_rng(0).normal(0, 3, (200, len(T)))
    assert np.median(noise(y)) == pytest.approx(3, rel=0.05)
    assert noise(np.array([[1, 2, NAN]])).tolist() == [0]


def test_a_running_mean_leaves_out_what_is_missing():
    y = np.array([[1, NAN, 3, 5, 8, 9.0]])
    expected = [[2, 3, 17 / 4, 25 / 4, 25 / 4, 22 / 3]]
    np.testing.assert_allclose(smooth(y), expected)
    assert np.isnan(smooth(np.full((1, 4), NAN))).all()


CELLS = pd.DataFrame(
    {
        "sample": list("aaaabbb"),
        "cell": range(7),
        "auc": [1.0, 2, 3, 4, -1, NAN, np.inf],
        "mean": [5.0, 5, 5, 5, NAN, NAN, NAN],
        "class": ["good"] * 7,
    }
)


def test_a_summary_describes_finite_values_per_sample_and_feature():
    rows = summarize(CELLS).set_index(["sample", "feature"])
    assert list(rows.index) == [("a", "auc"), ("a", "mean"), ("b", "auc"), ("b", "mean")]
    a = rows.loc[("a", "auc")]
    sd = np.std([1, 2, 3, 4], ddof=1)
    expected = [4, 2.5, sd, sd / 2.5, 1.15, 1.75, 2.5, 3.25, 3.85]
    np.testing.assert_allclose(a.astype(float), expected)
    assert rows.loc[("a", "mean"), "cv"] == 0
    b = rows.loc[("b", "auc")]
    assert (b["n"], b["median"], b["q95"]) == (1, -1, -1)
    assert np.isnan([b["sd"], b["cv"]]).all()
    empty = rows.loc[("b", "mean")]
    assert empty["n"] == 0
    assert empty.drop("n").isna().all()
