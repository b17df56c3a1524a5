"""Statistics and fits computed a second time with statsmodels.

Not in `tests/unit`, which `python dev.py lowest` runs without statsmodels.
"""

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.nonparametric import rank_compare_2indep
from statsmodels.stats.weightstats import CompareMeans, DescrStatsW
from statsmodels.tsa.statespace.sarimax import SARIMAX

from pyama.analysis.comparing import adjust, comparison
from pyama.analysis.fitting.fit import fit_arrays
from pyama.analysis.fitting.residual_noise import CORRELATIONS, residual_noise
from pyama.analysis.growth import growth_and_motion
from pyama.analysis.statistics import summarize

RNG = np.random.default_rng(11)


def cells(*numbers, shift=1.0):
    """Samples a, b, ... with `numbers` of replicates of 5 to 9 cells; b differs by `shift`."""
    rows = [
        {"sample": name, "replicate": f"{name}{k}", "fov": 0, "cell": cell, "x": value}
        for i, (name, n) in enumerate(zip("abc", numbers, strict=False))
        for k in range(n)
        for cell, value in enumerate(RNG.normal(shift * (i == 1), 1, 5 + k % 5))
    ]
    return pd.DataFrame(rows)


def medians(table, sample):
    rows = table[table["sample"] == sample]
    return rows.groupby("replicate")["x"].median().to_numpy()


@pytest.mark.parametrize("numbers", [(3, 3), (6, 6), (2, 7), (9, 4)])
def test_the_test_on_replicates(numbers):
    table = cells(*numbers)
    row = comparison(table, ["x"]).iloc[0]
    a, b = medians(table, "a"), medians(table, "b")
    kind = "pooled" if len(a) == len(b) else "unequal"
    both = CompareMeans(DescrStatsW(b), DescrStatsW(a))
    assert row["p"] == pytest.approx(both.ttest_ind(usevar=kind)[1])
    assert (row["low"], row["high"]) == pytest.approx(both.tconfint_diff(usevar=kind))
    if kind == "pooled":
        line = sm.OLS(np.r_[a, b], sm.add_constant(np.repeat([0.0, 1], len(a)))).fit()
        assert (row["difference"], row["p"]) == pytest.approx(
            (line.params[1], line.pvalues[1])
        )
        assert (row["low"], row["high"]) == pytest.approx(line.conf_int()[1])
    values = [table.loc[table["sample"] == name, "x"].to_numpy() for name in "ba"]
    assert row["effect"] == pytest.approx(2 * rank_compare_2indep(*values).prob1 - 1)


@pytest.mark.parametrize(
    ("ours", "theirs"), [("holm", "holm"), ("benjamini_hochberg", "fdr_bh")]
)
def test_corrections_for_several_tests(ours, theirs):
    p = np.round(RNG.uniform(0, 0.2, 12) ** 2, 3)  # with ties
    np.testing.assert_allclose(adjust(p, ours), multipletests(p, method=theirs)[1])
    table = cells(4, 4, 4)
    rows = comparison(table.assign(y=table["x"] ** 2), ["x", "y"], correction=ours)
    np.testing.assert_allclose(rows["p_adjusted"], multipletests(rows["p"], method=theirs)[1])


def test_a_summary():
    table = cells(3, 5)
    numbers = summarize(table, ["x"]).set_index("sample")
    for name in "ab":
        values = DescrStatsW(table.loc[table["sample"] == name, "x"], ddof=1)
        assert numbers.loc[name, "mean"] == pytest.approx(values.mean)
        assert numbers.loc[name, "sd"] == pytest.approx(values.std)


def test_growth_of_a_cell_that_divides():
    t = np.arange(12) / 4
    half = np.where(t < 1.5, 0, np.log(2))
    y = np.exp(5 + 0.3 * t - half + RNG.normal(0, 0.02, 12))
    rows = {"fov": 0, "cell": 1, "time": t, "area_ch_0": y, "parent": 0}
    place = {"position_x": 0.0, "position_y": 0.0}
    mother = pd.DataFrame(rows | place)
    daughter = mother[t >= 1.5].assign(cell=2, parent=1)
    found = growth_and_motion(pd.concat([mother, daughter]))
    after = (t >= 1.5).astype(float)
    line = sm.OLS(np.log(y), np.column_stack([np.ones(12), after, t])).fit()
    assert found["growth_rate"].iloc[0] == pytest.approx(line.params[2])


@pytest.mark.parametrize("n", [7, 11])  # noise of few points is taken for white
def test_a_fit_that_is_linear(n):
    t = np.arange(n) / 2
    y = 100 + 30 * np.maximum(t - 1, 0) + RNG.normal(0, 4, n)
    row = fit_arrays(t, y[np.newaxis], "linear_onset", fix={"t0": 1}).iloc[0]
    line = sm.OLS(y, sm.add_constant(np.maximum(t - 1, 0))).fit()
    names = ["offset", "slope"]
    assert row[names].tolist() == pytest.approx(line.params.tolist(), rel=1e-5)
    errors = row[[f"{name}_se" for name in names]].tolist()
    assert errors == pytest.approx(line.bse.tolist(), rel=1e-4)
    assert row["r_squared"] == pytest.approx(line.rsquared)
    of_noise = 2 - n * (1 + np.log(2 * np.pi))  # a parameter more, and a constant
    assert row["aic"] == pytest.approx(line.aic + of_noise)


@pytest.mark.parametrize("correlation", [0.0, 0.6, 0.9])
def test_the_likelihood_of_correlated_residuals(correlation):
    n = 80
    noise = RNG.normal(size=n)
    for k in range(1, n):
        noise[k] = correlation * noise[k - 1] + np.sqrt(1 - correlation**2) * noise[k]
    known = SARIMAX(noise, order=(1, 0, 0), concentrate_scale=True)
    constant = n * (1 + np.log(2 * np.pi))
    deviances = [-2 * known.loglike([r]) - constant + 2 * (r > 0) for r in CORRELATIONS]
    t, number = np.arange(n)[np.newaxis] / 4, np.array([n])
    level, slopes = np.zeros((1, n)), np.zeros((1, n, 1))
    found = residual_noise(noise[np.newaxis], slopes, t, level, number)
    assert found.deviance[0] == pytest.approx(min(deviances))
