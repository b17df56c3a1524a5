"""Statistics computed a second time, in other ways, on ties, gaps and unequal samples."""

import itertools
import math

import numpy as np
import pandas as pd
import pytest
from scipy import integrate, stats

from pyama.analysis.comparing import comparison
from pyama.analysis.growth import growth_and_motion
from pyama.analysis.statistics import summarize, trace_features

NAN = float("nan")
RNG = np.random.default_rng(5)


def cells(*samples, columns=("fov",)):
    """One row per cell; a sample is a list of replicates, each with its key and its values."""
    rows = [
        (name, *np.atleast_1d(key), cell, x)
        for name, replicates in zip("abcdef", samples, strict=False)
        for key, values in replicates
        for cell, x in enumerate(values)
    ]
    return pd.DataFrame(rows, columns=["sample", *columns, "cell", "x"])


def several(*numbers, centre=0.0, digits=8):
    """Replicates with `numbers` cells each."""
    return [(k, RNG.normal(centre, 2, n).round(digits)) for k, n in enumerate(numbers)]


TABLES = {
    "equal numbers": cells(several(20, 20, 20), several(20, 20, 20, centre=1)),
    "unequal numbers": cells(several(3, 40, 11), several(5, 9, centre=1)),
    "ties": cells(several(20, 20, 20, digits=0), several(15, 15, 15, centre=1, digits=0)),
    "one cell each": cells(several(1, 1, 1), several(1, 1, 1, 1, centre=1)),
    "one cell in one": cells(several(1), several(10, 10)),
    "constant": cells([(0, [2.0] * 4), (1, [2.0] * 3)], [(2, [2.0] * 5), (3, [2.0])]),
    "two constants": cells([(0, [2.0] * 4), (1, [2.0] * 3)], [(2, [3.0] * 5), (3, [3.0])]),
    "one varies": cells([(0, [2.0] * 4), (1, [2.0] * 3)], several(8, 9)),
    "negative": cells(several(12, 13, centre=-1e6), several(14, 15, centre=-1e6)),
    "gaps": cells(
        [(0, [1, NAN, 3, 4.5]), (1, [NAN, NAN]), (2, [2, 5, math.inf])],
        [(0, [7, 9, NAN]), (1, [8.5, 2.5, -math.inf, 4])],
    ),
    "nothing finite": cells([(0, [NAN, NAN])], several(5, 6)),
    "recordings": cells(
        [(("r1", 0), [1, 2, 9]), (("r1", 1), [4, 5]), (("r2", 0), [3, 8, 8.5])],
        [(("r1", 2), [2, 2.5]), (("r2", 2), [6, 7]), (("r3", 0), [10, 11, 12])],
        columns=("recording", "fov"),
    ),
    "replicates": cells(
        [
            (("day 1", "r", 0), [1, 2, 9]),
            (("day 1", "s", 0), [4]),
            (("day 2", "r", 9), [3, 8]),
        ],
        [(("day 1", "r", 1), [2, 2.5]), (("day 2", "r", 2), [6, 7]), (("day 3", "r", 2), [5])],
        columns=("replicate", "recording", "fov"),
    ),
}
LEVELS = {"recordings": ["recording"], "replicates": ["replicate"]}


def finite(table, sample):
    return table[(table["sample"] == sample) & np.isfinite(table["x"])]


@pytest.mark.parametrize("name", TABLES)
def test_the_test_on_replicates(name):
    table = TABLES[name]
    row = comparison(table, ["x"]).iloc[0]
    medians = []
    for sample in "ab":
        groups = {}
        keys = LEVELS.get(name, ["recording", "fov"] if name == "recordings" else ["fov"])
        for _, cell in finite(table, sample).iterrows():
            groups.setdefault(tuple(cell[keys]), []).append(cell["x"])
        medians.append(np.array([np.median(values) for values in groups.values()]))
    a, b = medians
    assert (row["units_a"], row["units_b"]) == (len(a), len(b))
    difference = b.mean() - a.mean() if len(a) and len(b) else NAN
    assert row["difference"] == pytest.approx(difference, nan_ok=True)
    expected = student_or_welch(a, b)
    assert tuple(row[["low", "high", "p"]]) == pytest.approx(expected, nan_ok=True)
    assert row["p_adjusted"] == pytest.approx(row["p"], nan_ok=True)


def student_or_welch(a, b):
    """Interval of the difference of means and p, from the formulas of the textbook."""
    n, m = len(a), len(b)
    if min(n, m) < 2:
        return NAN, NAN, NAN
    u, v = a.var(ddof=1), b.var(ddof=1)
    if u == v == 0:
        return (0, 0, 1) if a[0] == b[0] else (NAN, NAN, NAN)
    error, freedom = math.sqrt((u + v) / n), 2 * n - 2
    if n != m:
        error = math.sqrt(u / n + v / m)
        freedom = error**4 / ((u / n) ** 2 / (n - 1) + (v / m) ** 2 / (m - 1))
    difference, reach = b.mean() - a.mean(), stats.t.ppf(0.975, freedom) * error
    p = 2 * stats.t.sf(abs(difference) / error, freedom)
    return difference - reach, difference + reach, p


@pytest.mark.parametrize("name", TABLES)
def test_the_comparison_of_cells(name):
    table = TABLES[name]
    row = comparison(table, ["x"]).iloc[0]
    a, b = (finite(table, sample)["x"].to_numpy() for sample in "ab")
    assert (row["n_a"], row["n_b"]) == (len(a), len(b))
    if not len(a):
        assert row[["shift", "shift_low", "shift_high", "effect", "p_cells"]].isna().all()
        return
    differences = [y - x for x, y in itertools.product(a, b)]
    assert row["shift"] == pytest.approx(np.median(differences))
    assert row["effect"] == pytest.approx(np.mean(np.sign(differences)))
    assert (row["median_a"], row["median_b"]) == (np.median(a), np.median(b))
    assert not row["shift_low"] > row["shift"]
    assert not row["shift"] > row["shift_high"]
    assert row["p_cells"] == pytest.approx(rank_test(a, b))


def rank_test(a, b):
    """p of the Mann-Whitney test: of all arrangements if there are few, else normal."""
    pooled = np.concatenate([a, b])
    ranks, n, m = stats.rankdata(pooled), len(a), len(b)
    u = ranks[:n].sum() - n * (n + 1) / 2
    has_ties = len(np.unique(pooled)) < n + m
    if min(n, m) <= 8 and not has_ties:
        sums = [sum(ranks[list(rows)]) for rows in itertools.combinations(range(n + m), n)]
        far = np.abs(np.array(sums) - n * (n + m + 1) / 2) >= abs(u - n * m / 2) - 1e-9
        return far.mean()
    counts = np.unique(pooled, return_counts=True)[1]
    ties = (counts**3 - counts).sum() / ((n + m) * (n + m - 1))
    variance = n * m / 12 * (n + m + 1 - ties)
    if variance == 0:
        return 1.0
    return min(1, 2 * stats.norm.sf((abs(u - n * m / 2) - 0.5) / math.sqrt(variance)))


def test_p_of_several_pairs_and_features_is_corrected_after_holm():
    table = cells(*(several(9, 9, 9, centre=k / 2) for k in range(4)))
    table["y"] = -(table["x"] ** 2)
    table["constant"] = (table["sample"] == "a").astype(float)
    rows = comparison(table, ["x", "y", "constant"])
    known = rows.dropna(subset=["p"]).sort_values("p")
    assert len(rows) == 18
    assert len(known) == 15, "a differs from the others by a constant, which has no p"
    running, expected = 0.0, []
    for k, p in enumerate(known["p"]):
        running = max(running, p * (len(known) - k))
        expected.append(min(running, 1))
    assert known["p_adjusted"].tolist() == pytest.approx(expected)


@pytest.mark.parametrize("name", TABLES)
def test_a_summary(name):
    rows = summarize(TABLES[name], ["x"]).set_index("sample")
    for sample, row in rows.iterrows():
        x = sorted(finite(TABLES[name], sample)["x"])
        n = len(x)
        mean = math.fsum(x) / n if n else NAN
        sd = math.sqrt(math.fsum((v - mean) ** 2 for v in x) / (n - 1)) if n > 1 else NAN
        near_zero = n < 2 or abs(mean) <= 2 * sd / math.sqrt(n)
        expected = [n, mean, sd, NAN if near_zero else sd / abs(mean)]
        for level in (0.05, 0.25, 0.5, 0.75, 0.95):
            place = level * (n - 1)
            expected.append(
                np.interp(place, range(n), x) if n else NAN  # linear between order statistics
            )
        assert row.drop("feature").tolist() == pytest.approx(expected, nan_ok=True)


TIMES = np.array([0, 0.5, 1, 2, 3.5, 4, 5])
TRACES = {
    "rising": [1, 1, 1, 3, 6, 7, 9],
    "negative": [-5, -4, -4.5, -9, -1, -2, -3],
    "gaps": [NAN, 2, NAN, 4, math.inf, 3, NAN],
    "constant": [4, 4, 4, 4, 4, 4, 4],
    "one value": [NAN, NAN, 7, NAN, NAN, NAN, NAN],
    "none": [NAN] * 7,
}


@pytest.mark.parametrize("order", [slice(None), slice(None, None, -1)])
def test_features_of_traces(order):
    parts = [
        pd.DataFrame({"recording": r, "fov": 0, "cell": k, "time": TIMES, "y": y})
        for r in ("r1", "r2")
        for k, y in enumerate(TRACES.values())
    ]
    found = trace_features(pd.concat(parts).iloc[order], "y")
    assert len(found) == 2 * len(TRACES)
    for row in found.itertuples():
        y = np.array(list(TRACES.values())[row.cell], float)
        t, y = TIMES[np.isfinite(y)], y[np.isfinite(y)]
        area = integrate.trapezoid(y, t) if len(y) > 1 else NAN
        expected = [len(y), NAN, NAN, NAN]
        if len(y) and t[0] <= 1.5 and t[-1] >= 5 - 1.5:  # the median interval is 1 h
            edges = (t[1:] + t[:-1]) / 2  # of steps that change halfway between the points
            edges = [2 * t[0] - edges[0], *edges, 2 * t[-1] - edges[-1]]
            mean = np.average(y, weights=np.diff(edges))
            expected = [len(y), mean, y.max(), area]
        got = [row.n_points, row.mean, row.maximum, row.auc]
        assert got == pytest.approx(expected, nan_ok=True)
        if len(y) < 3 or np.ptp(y) == 0:
            assert math.isnan(row.onset)


def test_an_onset_is_the_kink_of_the_best_hinge():
    t = np.arange(0, 10, 0.25)
    y = 5 + 3 * np.maximum(t - 3.1, 0) + RNG.normal(0, 0.02, len(t))
    table = pd.DataFrame({"fov": 0, "cell": 1, "time": t, "y": y})
    used = t <= t[np.argmax(y >= (y.min() + y.max()) / 2)]

    def misfit(kink):
        design = np.column_stack([np.ones(used.sum()), np.maximum(t[used] - kink, 0)])
        return np.linalg.lstsq(design, y[used], rcond=None)[1].sum()

    kinks = np.linspace(2, 4, 2001)
    best = kinks[np.argmin([misfit(kink) for kink in kinks])]
    assert trace_features(table, "y")["onset"][0] == pytest.approx(best, abs=0.25 / 20)


def test_growth_and_motion():
    t = np.array([0, 0.5, 1, 2, 4])
    area = np.array([100, NAN, -3, 150, 260.0])
    x, y = np.array([3, 4, NAN, 9, 3.0]), np.array([1, 2, 5, -7, 1.0])
    cell = pd.DataFrame({"time": t, "area_ch_0": area, "position_x": x, "position_y": y})
    places = itertools.product("pq", (0, 1))
    parts = [cell.assign(recording=r, fov=f, cell=1) for r, f in places]
    still = cell.assign(recording="p", fov=0, cell=2, area_ch_0=50.0)
    still[["position_x", "position_y"]] = 0.0
    short = still.iloc[:1].assign(cell=3)
    table = pd.concat([*parts, still, short]).iloc[::-1]
    found = growth_and_motion(table, pixel_size_um=0.5)
    assert len(found) == 6
    usable = area > 0
    assert usable.sum() == 3
    rate = stats.linregress(t[usable], np.log(area[usable])).slope
    seen = np.isfinite(x)
    steps = 0.5 * np.hypot(np.diff(x[seen]), np.diff(y[seen]))
    assert found.loc[found["cell"] == 1, "n_points"].tolist() == [3] * 4
    assert found["n_positions"].tolist() == [4, 5, 1, 4, 4, 4]
    numbers = ["growth_rate", "speed", "path", "distance", "straightness"]
    for _, row in found[found["cell"] == 1].iterrows():
        expected = [rate, steps.sum() / 4, steps.sum(), 0, 0]
        assert row[numbers].tolist() == pytest.approx(expected)
    still = found[found["cell"] == 2].iloc[0]
    assert still[numbers].tolist() == pytest.approx([0, 0, 0, 0, NAN], nan_ok=True)
    assert found[found["cell"] == 3].iloc[0][numbers].isna().all()


def test_ten_thousand_cells():
    """Ties, gaps and other times in every cell; five cells against all others."""
    rng = np.random.default_rng(8)
    y = np.round(rng.normal(50, 20, (10_000, 12)))
    y[:, 1:-1][rng.random((len(y), 10)) < 0.2] = NAN
    times = rng.uniform(0, 0.1, (len(y), 1)) + np.cumsum(rng.choice([0.25, 0.5, 2], 12))
    table = pd.DataFrame(
        {"fov": np.repeat(np.arange(len(y)) % 7, 12), "cell": np.repeat(np.arange(len(y)), 12)}
        | {"time": times.ravel(), "y": y.ravel()}
    )
    found = trace_features(table.sample(frac=1, random_state=0), "y").sort_values("cell")
    assert found["n_points"].tolist() == np.isfinite(y).sum(axis=1).tolist()
    np.testing.assert_array_equal(found["maximum"], np.nanmax(y, axis=1))
    points = [(t[np.isfinite(x)], x[np.isfinite(x)]) for t, x in zip(times, y, strict=True)]
    area = [integrate.trapezoid(x, t) for t, x in points]
    np.testing.assert_allclose(found["auc"], area)
    found["sample"] = np.where(found["cell"] < 5, "few", "many")
    a, b = (found.loc[found["sample"] == name, "maximum"] for name in ("few", "many"))
    row = comparison(found, ["maximum"]).iloc[0]
    assert row["p_cells"] == pytest.approx(stats.mannwhitneyu(a, b).pvalue)
    assert row["shift"] == pytest.approx(
        np.median(np.subtract.outer(b.to_numpy(), a.to_numpy()))
    )
    rows = summarize(found, ["maximum"]).set_index("sample")
    expected = [len(b), b.mean(), b.std(), stats.variation(b, ddof=1), b.median()]
    got = rows.loc["many", ["n", "mean", "sd", "cv", "median"]].tolist()
    assert got == pytest.approx(expected)
