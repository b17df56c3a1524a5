"""Differences between samples."""

import re

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from scipy import stats

from pyama.analysis import rank_shift
from pyama.analysis.comparing import adjust, compare, comparison
from pyama.analysis.comparison_text import comparison_lines, summary_lines
from pyama.analysis.histograms import far_out_note
from pyama.analysis.rank_shift import mann_whitney
from pyama.analysis.replicates import (
    level_of,
    replicate_warning,
    sample_sizes,
    samples_in_order,
)
from pyama.analysis.statistics import summarize
from pyama.errors import ConfigError

NAN = float("nan")
few = pytest.mark.filterwarnings("ignore:A test needs at least 3 replicates")


def cells(numbers, samples="ab", n_cells=20, seed=0, spread=0.5):
    """Cells in fields of view; `numbers` of these per sample."""
    rng = np.random.default_rng(seed)
    rows = []
    for s, (sample, n) in enumerate(zip(samples, numbers, strict=True)):
        for fov in range(n):
            values = s + rng.normal(0, spread) + rng.normal(0, 1, n_cells)
            rows += [(sample, 10 * s + fov, cell, x) for cell, x in enumerate(values)]
    return pd.DataFrame(rows, columns=["sample", "fov", "cell", "auc"])


@pytest.mark.parametrize("numbers", [(3, 3), (4, 3), (2, 6)])
@few
def test_the_test_is_that_of_scipy_on_medians_of_fields_of_view(numbers):
    table = cells(numbers)
    medians = table.groupby(["sample", "fov"])["auc"].median()
    a, b = medians["a"], medians["b"]
    expected = stats.ttest_ind(b, a, equal_var=len(a) == len(b))
    interval = expected.confidence_interval(0.9)
    row = compare(table, confidence=0.9).iloc[0]
    assert (row["level"], row["units_a"], row["units_b"]) == ("field of view", *numbers)
    assert row["difference"] == pytest.approx(b.mean() - a.mean())
    assert (row["low"], row["high"]) == pytest.approx((interval.low, interval.high))
    assert row["p"] == row["p_adjusted"] == pytest.approx(expected.pvalue)


def test_beside_it_stands_the_comparison_of_all_cells():
    table = cells((3, 3))
    a, b = (table["auc"][table["sample"] == name].to_numpy() for name in "ab")
    row = compare(table).iloc[0]
    assert row["p_cells"] == pytest.approx(stats.mannwhitneyu(a, b).pvalue)
    assert row["effect"] == pytest.approx(np.sign(b[:, None] - a).mean())
    assert row["shift"] == pytest.approx(np.median(b[:, None] - a))
    assert (row["n_a"], row["median_a"]) == (60, np.median(a))
    assert row["shift_low"] < row["shift"] < row["shift_high"]


@pytest.mark.parametrize(("n_a", "n_b"), [(5, 7), (8, 8), (8, 40), (20, 30)])
def test_the_interval_of_the_shift_belongs_to_the_test(n_a, n_b):
    """Shifted by a limit, the samples are just not different."""
    rng = np.random.default_rng(n_a)
    a, b = rng.normal(0, 1, n_a), rng.normal(0.5, 1, n_b)
    found = mann_whitney(a, b, 0.95)
    for limit, outwards in ((found.low, -1), (found.high, 1)):
        outside, inside = (
            mann_whitney(a, b - limit - sign * outwards * 1e-9, 0.95).p for sign in (1, -1)
        )
        assert outside <= 0.05 < inside
        assert inside < 0.08


def test_a_sample_too_small_for_an_interval_has_none():
    found = mann_whitney(np.array([1.0]), np.array([2.0, 3, 4]), 0.95)
    assert np.isnan([found.low, found.high]).all()
    assert found.shift == 2


@settings(max_examples=30)
@given(
    npst.arrays(float, st.integers(1, 12), elements=st.floats(-9, 9)),
    npst.arrays(float, st.integers(1, 12), elements=st.floats(-9, 9)),
    st.data(),
)
def test_a_difference_of_any_rank_is_found_without_listing_all(a, b, data):
    rank = data.draw(st.integers(1, len(a) * len(b)))
    expected = np.sort(np.subtract.outer(b, a), axis=None)[rank - 1]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rank_shift, "MOST_PAIRS", 0)
        found = rank_shift._difference(np.sort(a), np.sort(b), rank)
    assert found == pytest.approx(expected, abs=1e-12)


def test_few_cells_are_compared_with_very_many():
    rng = np.random.default_rng(3)
    found = mann_whitney(rng.normal(0, 1, 5), rng.normal(1, 1, 10_000), 0.95)
    assert found.low < 1 < found.high


def test_false_positives_and_coverage_are_as_promised():
    """Three fields of view with 50 cells each, of which a fifth of the variance is shared."""
    rng = np.random.default_rng(5)
    n, wrong, covered, cellwise = 400, 0, 0, 0
    for _ in range(n):
        fovs = rng.normal(0, np.sqrt(0.2), 6).repeat(50)
        table = pd.DataFrame(
            {"sample": np.repeat(["a", "b"], 150), "fov": np.arange(6).repeat(50)}
        ).assign(cell=range(300), x=fovs + rng.normal(0, np.sqrt(0.8), 300))
        row = compare(table).iloc[0]
        wrong += row["p"] < 0.05
        covered += row["low"] <= 0 <= row["high"]
        cellwise += row["p_cells"] < 0.05
    assert 0.02 * n <= wrong <= 0.08 * n
    assert 0.92 * n <= covered <= 0.98 * n
    assert cellwise > 0.4 * n


@few
@settings(max_examples=20, deadline=None)
@given(st.randoms(use_true_random=False))
def test_the_order_of_rows_does_not_matter(dice):
    table = cells((3, 2, 3), "abc")
    order = dice.sample(range(len(table)), len(table))
    pd.testing.assert_frame_equal(comparison(table.iloc[order]), comparison(table))


@few
def test_swapped_samples_give_the_opposite_difference():
    table = cells((3, 4))
    there, back = (compare(table, reference=name).iloc[0] for name in "ab")
    assert (back["a"], back["b"]) == ("b", "a")
    for name in ("difference", "effect", "shift"):
        assert back[name] == pytest.approx(-there[name])
    for name in ("p", "p_cells"):
        assert back[name] == pytest.approx(there[name])
    assert (back["low"], back["shift_low"]) == pytest.approx(
        (-there["high"], -there["shift_high"])
    )


@few
def test_pairs_and_their_order_are_those_that_were_asked_for():
    table = pd.DataFrame({"sample": list("cabb"), "auc": [1.0, 2, 3, 4], "onset": 1.0})
    pairs = [["a", "b"], ["a", "c"], ["b", "c"]]
    assert compare(table, "auc")[["a", "b"]].to_numpy().tolist() == pairs
    pairs = compare(table, ["auc"], reference="b")[["a", "b"]].to_numpy().tolist()
    assert pairs == [["b", "a"], ["b", "c"]]
    assert len(compare(table)) == 6
    own = table.assign(sample=pd.Categorical(table["sample"], ["c", "b", "a"]))
    for found in (compare(own, "auc"), compare(table, "auc", order=["c", "b", "z", "a"])):
        assert found[["a", "b"]].to_numpy().tolist() == [["c", "b"], ["c", "a"], ["b", "a"]]
    with pytest.raises(ConfigError, match=r"order of the samples is c; it lacks a, b\."):
        samples_in_order(table["sample"], ["c"])


def test_replicates_are_what_the_table_names():
    table = cells((4, 4)).assign(recording=lambda t: t["fov"] % 2)
    assert level_of(cells((4, 4))).name == "field of view"
    assert level_of(table.assign(recording="one")).name == "field of view"
    assert level_of(table).name == "recording"
    named = table.assign(replicate=lambda t: t["fov"] % 3)
    assert level_of(named).name == "replicate"
    row = compare(named).iloc[0]
    assert (row["units_a"], row["units_b"]) == (3, 3)
    a = named[named["sample"] == "a"].groupby("replicate")["auc"].median()
    assert row["mean_a"] == pytest.approx(a.mean())
    sizes = sample_sizes(named).to_dict("records")
    # 4 fields of view in 2 recordings; a field of view is identified with its recording
    assert sizes[0] == {
        "sample": "a",
        "cells": 80,
        "fovs": 4,
        "recordings": 2,
        "replicates": 3,
    }


def test_fewer_than_three_replicates_are_warned_of():
    table = cells((2, 3))
    with pytest.warns(
        UserWarning, match=r"Each field of view counts as one; too few: a \(2\)\."
    ):
        row = compare(table).iloc[0]
    assert row["p"] > 0
    with pytest.warns(UserWarning, match=r"too few: a \(1\), b \(1\)\."):
        row = compare(cells((1, 1))).iloc[0]
    assert np.isnan([row["p"], row["low"], row["p_adjusted"]]).all()
    assert row["p_cells"] > 0
    assert not replicate_warning(cells((3, 3)), "sample", level_of(table))
    assert not replicate_warning(cells((1,), "a"), "sample", level_of(table))


def test_of_fits_only_fitted_parameters_are_compared():
    table = cells((3, 3)).assign(r_squared=0.9, rmse=1.0, n_points=9, km=1.28)
    fits = table.rename(columns={"auc": "t0"}).assign(t0_se=0.1, km_se=NAN)
    assert compare(fits)["feature"].tolist() == ["t0"]
    assert compare(fits, ["r_squared"])["feature"].tolist() == ["r_squared"]
    assert compare(table)["feature"].tolist() == ["auc", "km"]


@few
def test_equal_values_do_not_differ_and_missing_ones_say_nothing():
    table = pd.DataFrame(
        {"sample": list("aabb"), "fov": range(4), "cell": 1, "x": 1.0, "y": [1, 2, NAN, NAN]}
    ).assign(z=[1.0, 1, 2, 2])
    same, missing, steady = compare(table).to_dict("records")
    assert (same["p"], same["effect"], same["low"], same["high"]) == (1, 0, 0, 0)
    assert (missing["n_b"], missing["units_b"]) == (0, 0)
    unknown = ("p", "p_adjusted", "effect", "low", "shift", "mean_b", "median_b", "p_cells")
    assert np.isnan([missing[name] for name in unknown]).all()
    assert same["p_adjusted"] == 1
    assert np.isnan(steady["p"]), "no spread, so that nothing can be said"


@few
def test_a_table_without_rows_or_pairs_gives_none():
    assert compare(cells((3, 3))[:0]).empty
    assert compare(cells((3,), "a")).empty


def test_a_cell_with_several_rows_is_refused():
    table = pd.concat([cells((3, 3))] * 2)
    with pytest.raises(ConfigError, match="2 rows of cell 0 in FOV 0; expected one row"):
        compare(table)


@few
def test_a_comparison_in_words_begins_with_the_test_on_replicates():
    lines = comparison_lines(comparison(cells((3, 3), n_cells=50)), {"auc": "counts h"})
    assert lines[0] == "auc (counts h)"
    number = r"-?[\d.]+"
    assert re.fullmatch(rf"  b - a: {number}, 95 % interval {number} to {number}", lines[1])
    assert re.match(r"    p = [\d.e-]+, corrected ", lines[2])
    assert lines[2].endswith("(medians of 3 and 3 fields of view)")
    assert "150 and 150 cells as if independent: shift " in lines[3]
    assert lines[-3] == "p: Student's t test of replicates."
    assert lines[-2].startswith("corrected: after Holm, for the ")
    assert lines[-1].startswith("Samples are compared as independent")
    assert "p: Welch's t" in comparison_lines(comparison(cells((2, 3))), {})[-3]
    lines = comparison_lines(comparison(cells((1, 3))), {})
    assert re.fullmatch(f"  b - a: {number}", lines[1])
    assert lines[2] == "    no test possible with 1 and 3 fields of view"
    assert "nothing to compare" in comparison_lines(comparison(cells((3,), "a")), {})[0]


def shared(n=4, common=5.0, seed=0):
    """Two samples in `n` replicates that differ by `common`, and b exceeds a by 1."""
    rng = np.random.default_rng(seed)
    replicates = common * rng.normal(size=n)
    rows = [
        {"sample": name, "replicate": str(k), "fov": i, "cell": cell, "auc": value}
        for i, name in enumerate("ab")
        for k in range(n)
        for cell, value in enumerate(rng.normal(replicates[k] + i, 0.3, 20))
    ]
    return pd.DataFrame(rows)


def test_samples_of_the_same_replicates_are_compared_within_them():
    table = shared()
    row = comparison(table).iloc[0]
    a, b = (table[table["sample"] == n].groupby("replicate")["auc"].median() for n in "ab")
    expected = stats.ttest_rel(b, a)
    interval = expected.confidence_interval()
    assert (row["test"], row["units_a"], row["units_b"]) == ("paired", 4, 4)
    assert (row["p"], row["low"]) == pytest.approx((expected.pvalue, interval.low))
    assert row["difference"] == pytest.approx(1, abs=0.4)
    assert row["p"] < 0.05
    lines = comparison_lines(comparison(table), {})
    assert lines[-3] == "p: paired t test of replicates."
    assert lines[-1].startswith("Samples are compared within each replicate (paired), because")
    partly = table.assign(
        auc=table["auc"].where(table["fov"].eq(0) | table["replicate"].ne("2"))
    )
    row = comparison(partly).iloc[0]
    assert (row["test"], row["units_a"], row["units_b"]) == ("paired", 3, 3)
    assert row["mean_a"] == pytest.approx(a.drop("2").mean())
    one_less = table[(table["sample"] == "a") | (table["replicate"] != "2")]
    row = comparison(one_less).iloc[0]
    assert (row["test"], row["units_a"], row["units_b"]) == ("Welch", 4, 3)
    assert "not every replicate holds both" in comparison_lines(comparison(one_less), {})[-1]
    third = table[table["sample"] == "a"].assign(
        sample="c", replicate=lambda t: t["replicate"] + "c"
    )
    rows = comparison(pd.concat([table, third]), reference="a")
    assert rows["test"].tolist() == ["paired", "Student"]
    assert "holds both samples: b - a. Other samples" in comparison_lines(rows, {})[-1]
    same = table.assign(auc=table["replicate"].astype(int))
    assert comparison(same).iloc[0]["p"] == 1


def test_features_with_values_in_few_replicates_are_named():
    table = cells((3, 3))
    table.loc[(table["sample"] == "b") & (table["fov"] != table["fov"].max()), "auc"] = NAN
    with pytest.warns(
        UserWarning, match=r"with a value counts as one; too few: auc of b \(1\)"
    ):
        compare(table)


def test_cells_far_out_are_counted():
    table = cells((3, 3))
    table["expressing"] = 1.0
    table.loc[0, ["auc", "expressing"]] = 1e6, 0
    assert "interquartile ranges: auc 1 of 120." in far_out_note(table, ["auc", "expressing"])
    assert not far_out_note(table, ["expressing"])


def test_a_summary_in_words_fits_a_narrow_terminal():
    table = cells((2, 2, 1), ("a", "drug 10 nM in DMSO, 24 h", "none"))
    table["auc"] *= 1e5
    table.loc[table["sample"] == "none", "auc"] = NAN
    lines = summary_lines(summarize(table, ["auc"]), {"auc": "counts h"})
    assert lines[0] == "auc (counts h)"
    assert lines[1].split() == ["n", "mean", "sd", "cv", "q05", "q25", "median", "q75", "q95"]
    assert lines[2].split()[:2] == ["a", "40"]
    assert lines[3] == "  drug 10 nM in DMSO, 24 h"
    assert lines[5].split() == ["none", "0", *["-"] * 8]
    assert max(map(len, lines)) <= 80
    assert len({len(line) for line in lines if "." in line or "mean" in line}) == 1
    assert summary_lines(summarize(table.iloc[:0], ["auc"]), {}) == []


@few
@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"correction": "none"}, "Unknown correction 'none'. Available: holm, benjamini"),
        ({"confidence": 95}, "confidence is 95; expected a number between 0 and 1"),
        ({"reference": "z"}, "No sample 'z'. Samples: a, b"),
        ({"features": ["z"]}, "no column 'z' of numbers. It has: sample, fov, cell, auc"),
        ({"features": ["sample"]}, "The column 'sample' holds 'a'; expected numbers"),
        ({"by": "z"}, "no column 'z'"),
    ],
)
def test_wrong_options_are_refused(options, message):
    with pytest.raises(ConfigError, match=message):
        compare(cells((2, 2)), **options)


@settings(max_examples=50)
@given(npst.arrays(float, st.integers(0, 8), elements=st.floats(0, 1) | st.just(NAN)))
def test_corrections_keep_the_order_and_only_raise(p):
    known = np.isfinite(p)
    holm, share = adjust(p, "holm"), adjust(p, "benjamini_hochberg")
    np.testing.assert_array_equal(np.isfinite(holm), known)
    np.testing.assert_array_equal(np.isfinite(share), known)
    order = np.argsort(p[known])
    for corrected in (holm[known], share[known]):
        assert (corrected >= p[known]).all()
        assert (corrected <= 1).all()
        assert (np.diff(corrected[order]) >= 0).all()
    assert (holm[known] >= share[known] - 1e-15).all()


def test_corrections_of_a_textbook_example():
    p = [0.01, 0.04, 0.03, 0.005]
    np.testing.assert_allclose(adjust(p, "holm"), [0.03, 0.06, 0.06, 0.02])
    np.testing.assert_allclose(adjust(p, "benjamini_hochberg"), [0.02, 0.04, 0.04, 0.02])
