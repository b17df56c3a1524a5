"""Features of traces that were seen for different times."""

import warnings

import numpy as np
import pandas as pd
import pytest

from pyama.analysis.common_window import parse_window
from pyama.analysis.comparing import compare, comparison
from pyama.analysis.expression import expression_sentence
from pyama.analysis.statistics import features_and_notes, summarize, trace_features
from pyama.errors import ConfigError

COLUMN = "intensity_total_ch_1"


def traces(sample, last, n=30, first=0.0, begins=(), silent=0):
    """Cells with equal kinetics, seen from `first` (h) on; those of `begins` later."""
    rng = np.random.default_rng(len(sample))
    parts = []
    for cell in range(n):
        t = np.arange(first, last, 0.25)
        t = t[t >= (begins[cell] if cell < len(begins) else first)]
        rise = 300 * np.maximum(t - rng.uniform(2, 3), 0) * (cell < n - silent)
        y = 100 + rise + rng.normal(0, 10, len(t))
        parts.append(pd.DataFrame({"fov": cell % 3, "cell": cell, "time": t, COLUMN: y}))
    return pd.concat(parts).assign(sample=sample)


def test_equal_kinetics_over_different_times_do_not_differ():
    table = pd.concat([traces("a", 15), traces("bb", 10)])
    features, notes = features_and_notes(table, COLUMN)
    assert features[["window_start", "window_end"]].drop_duplicates().to_numpy().tolist() == [
        [0, 9.75]
    ]
    assert set(features["n_points"]) == {40}
    rows = comparison(features).set_index("feature")
    assert (rows.loc[["mean", "maximum", "auc", "onset"], "p_cells"] > 0.01).all()
    assert notes == [
        "The traces cover different times: a from 0 to 14.8 h, bb from 0 to 9.75 h. Features "
        "of the traces are computed over the window 0 to 9.75 h; later and earlier frames do "
        "not count."
    ]
    shuffled = trace_features(table.sample(frac=1, random_state=0))
    pd.testing.assert_frame_equal(shuffled, features)


def test_features_of_different_windows_are_warned_of():
    parts = [traces("a", 15), traces("bb", 10)]
    with pytest.warns(UserWarning, match=r"different windows: a 0 to 14.8 h, bb 0 to 9.75 h"):
        compare(pd.concat(map(trace_features, parts)))
    same = pd.concat(trace_features(part, window=(0, 9.75)) for part in parts)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        compare(same)


def test_cells_first_seen_late_have_neither_areas_nor_onsets():
    table = traces("a", 15, begins=[5.0] * 6 + [1.0] * 2, silent=4)
    features, notes = features_and_notes(table, COLUMN)
    assert features["mean"].isna().sum() == 8, "1 h of 15 h is more than a twentieth"
    assert features["auc"].notna().equals(features["mean"].notna())
    late = features.sort_values("cell").iloc[:6]
    assert late["onset"].isna().all()
    assert late["onset_censored"].all()
    assert features["onset"].notna().sum() == 20, "a baseline of 1 h is enough for an onset"
    assert features["expressing"].value_counts().to_dict() == {1: 18, 0: 4}
    assert summarize(features, ["expressing"])["mean"][0] == pytest.approx(18 / 22)
    assert expression_sentence(features, ["a"]).endswith("judged: a 18 of 22, 82 %.")
    assert notes[0].startswith("Mean, maximum and area under the curve are those of cells")
    assert "0 to 14.8 h: 22 of 30 of a." in notes[0]
    assert notes[1].endswith("no onset: 6 of 30 of a.")
    assert features_and_notes(table, COLUMN, features=["mean"])[1] == notes[:1]


def test_shares_of_replicates_are_compared():
    table = pd.concat([traces("a", 15, silent=3), traces("bb", 15, silent=12)])
    row = comparison(trace_features(table), ["expressing"]).iloc[0]
    assert (row["mean_a"], row["mean_b"]) == pytest.approx((0.9, 0.6))
    assert row["units_a"] == 3
    assert row[["shift", "median_a"]].isna().all(), "of 0 and 1, they say nothing"


def test_a_window_can_be_chosen():
    table = pd.concat([traces("a", 15), traces("bb", 10)])
    features = trace_features(table, window=(4, 8))
    assert set(features["n_points"]) == {17}
    assert features["onset_censored"].all()
    longer, notes = features_and_notes(table, COLUMN, window=(0, np.inf))
    assert longer["window_end"].unique().tolist() == [14.75]
    assert longer.groupby("sample")["auc"].count().to_dict() == {"a": 30, "bb": 0}
    assert any("30 of 30 of a, 0 of 30 of bb" in note for note in notes)
    cut = "The window 0 to 20 h is longer than the traces: it was cut to 0 to 14.8 h."
    assert cut in features_and_notes(table, COLUMN, window=(0, 20))[1]
    with pytest.raises(ConfigError, match="expected an end after the start"):
        trace_features(table, window=(8, 4))
    with pytest.raises(ConfigError, match="100 to 200 h, but traces were seen from 0 to 14"):
        trace_features(table, window=(100, 200))
    empty = table.assign(**{COLUMN: np.nan})
    assert features_and_notes(empty, COLUMN)[1] == []
    assert parse_window("0.5-8") == (0.5, 8)
    with pytest.raises(ConfigError, match="expected hours such as 0-8"):
        parse_window("8")


def test_samples_without_a_common_time_have_no_features():
    table = pd.concat([traces("a", 5), traces("bb", 15, first=10)])
    features, notes = features_and_notes(table, COLUMN)
    assert set(features["n_points"]) == {0}
    numbers = ["mean", "maximum", "auc", "onset", "expressing"]
    assert features[numbers].isna().all(axis=None)
    assert "They have no time in common" in notes[0]


def test_fields_of_view_a_little_late_are_seen_throughout():
    parts = [traces("a", 15, first=fov / 60).assign(fov=fov) for fov in range(4)]
    parts.append(traces("bb", 15, first=4 / 60).assign(fov=4))
    features, notes = features_and_notes(pd.concat(parts), COLUMN)
    assert set(features["n_points"]) == {60}
    assert features["mean"].notna().all()
    assert not notes
