import numpy as np
import pandas as pd
import pytest

from pyama.analysis.statistics import (
    summarize,
    trace_features,
)
from pyama.analysis.trace_shape import noise, smooth

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
    weights = np.ones(len(T))
    weights[[2, 4]] = 1.5  # the values beside the missing one stand for its time as well
    assert row["mean"] == pytest.approx(np.average(y[known], weights=weights[known]))
    assert row["maximum"] == np.nanmax(y)
    assert row["auc"] == pytest.approx(np.trapezoid(y[known], T[known]))
    assert row["onset"] == pytest.approx(5, abs=0.25)
    assert not row["onset_censored"]


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
