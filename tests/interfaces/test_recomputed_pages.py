"""Numbers of the report and of the page, computed a second time from the files of traces.

Cells begin late and end early, fields of view are imaged one after the other, values are
missing, equal or negative, samples differ in size, and one has a single cell.
"""

import base64
import csv
import io
import json
import math
import re

import numpy as np
import pandas as pd
import pytest
from fastapi.testclient import TestClient
from scipy import integrate, stats

from experiments import HOURS, experiment, traces_of, write_traces
from pyama.analysis.fitting.fit_files import fit_file
from pyama.analysis.merge import write_merged
from pyama.analysis.report.html_page import build
from pyama.analysis.report.report_data import collect
from pyama.web.application import create_app

COLUMN = "intensity_total_ch_1"
SAMPLES = {"control": "0-2", "drug": "3-5", "one": "6"}
FOVS = {"control": (0, 1, 2), "drug": (3, 4, 5), "one": (6,)}
FEATURES = ("mean", "maximum", "auc")


def rows_of(fov):
    """Traces of a field of view with everything that may go wrong."""
    table = traces_of(fov, n_cells=1 if fov == 6 else 5 + fov)
    y = table[COLUMN] - 15_000
    cell, frame = table["cell"], table["frame"]
    y = y.where(cell != 2, 1000.0)
    y = y.mask((cell == 3) & (frame % 4 == 1))
    table[COLUMN] = y.where(cell != 4, -y)
    late, early = (cell == 1) & (frame < 5), (cell == 5) & (frame >= 12 + fov)
    bad = (cell == 3) & (frame > 30)
    short = (fov > 2) & (frame >= 30)
    return table.assign(good=~bad)[~(late | early | short)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    times = [tuple(60 * HOURS + fov) for fov in range(7)]
    place = tmp_path_factory.mktemp("recomputed") / "results"
    folder = experiment(place, n_fovs=7, times_min=times)
    for fov in range(7):
        write_traces(folder, rows_of(fov), fov)
    for paths in write_merged(folder, SAMPLES).values():
        fit_file(paths[0], "constant", COLUMN, workers=1)
    return folder


@pytest.fixture(scope="module")
def cells(folder):
    """Hours and values of every cell by sample, field of view and number, without pandas."""
    found = {}
    for sample, fovs in FOVS.items():
        for fov in fovs:
            (path,) = folder.glob(f"fov_{fov:03d}/*_traces.csv")
            for row in csv.DictReader(path.read_text("utf-8").splitlines()):
                if row["good"] == "True" and row[COLUMN]:
                    hour = HOURS[int(row["frame"])] + fov / 60
                    points = found.setdefault((sample, fov, int(row["cell"])), [])
                    points.append((hour, float(row[COLUMN])))
    return {key: np.array(points).T for key, points in found.items()}


def common_time(cells):
    """The time in which all samples were seen; intervals are 0.25 h."""
    times = {name: [t for key, (t, _) in cells.items() if key[0] == name] for name in FOVS}
    ends = [(min(t[0] for t in own), max(t[-1] for t in own)) for own in times.values()]
    return max(first for first, _ in ends), min(last for _, last in ends)


@pytest.fixture(scope="module")
def numbers(cells):
    """Features of every cell."""
    found, window = {}, common_time(cells)
    for key, (t, y) in cells.items():
        found[key] = {"fitted": y.mean()}
        inside = (t >= window[0] - 0.125) & (t <= window[1] + 0.125)
        t, y = t[inside], y[inside]
        if t[0] - window[0] > 0.375 or window[1] - t[-1] > 0.375:
            continue  # it was not seen over the whole window
        edges = (t[1:] + t[:-1]) / 2
        edges = [2 * t[0] - edges[0], *edges, 2 * t[-1] - edges[-1]]
        mean = np.average(y, weights=np.diff(edges))
        found[key] |= {"mean": mean, "maximum": y.max(), "auc": integrate.trapezoid(y, t)}
    return pd.DataFrame(found).T.rename_axis(["sample", "fov", "cell"])


@pytest.fixture(scope="module")
def page(folder):
    return build(collect(folder), "/* plotly */")


def saved(page, name):
    link = re.search(rf'download="{name}" href=".*?,(.*?)"', page)
    return pd.read_csv(io.BytesIO(base64.b64decode(link[1])))


@pytest.mark.parametrize("feature", FEATURES)
def test_summaries_of_the_report(page, numbers, feature):
    table = saved(page, f"{COLUMN}_summary.csv")
    rows = table[table["feature"] == feature].set_index("sample")
    assert list(rows.index) == list(FOVS)
    for sample, row in rows.iterrows():
        x = numbers.loc[sample, feature].dropna().to_numpy()
        one = len(x) == 1
        sd = math.nan if one else stats.tstd(x)
        is_near_zero = one or abs(x.mean()) <= 2 * sd / math.sqrt(len(x))
        cv = math.nan if is_near_zero else sd / abs(x.mean())
        quantiles = stats.mstats.mquantiles(x, [0.05, 0.25, 0.5, 0.75, 0.95], 1, 1)
        expected = [len(x), x.mean(), sd, cv, *quantiles]
        got = row[["n", "mean", "sd", "cv", "q05", "q25", "median", "q75", "q95"]]
        assert got.tolist() == pytest.approx(expected, nan_ok=True)


@pytest.mark.parametrize("feature", FEATURES)
def test_comparisons_of_the_report(page, numbers, feature):
    table = saved(page, f"{COLUMN}_comparison.csv")
    row = table[(table["feature"] == feature) & (table["b"] == "drug")].iloc[0]
    a, b = (numbers.loc[name, feature].dropna() for name in ("control", "drug"))
    of_a, of_b = (x.groupby("fov").median().to_numpy() for x in (a, b))
    found = stats.ttest_ind(of_b, of_a)
    low, high = found.confidence_interval(0.95)
    difference = of_b.mean() - of_a.mean()
    assert row[["units_a", "units_b"]].tolist() == [3, 3]
    got = row[["difference", "low", "high", "p"]].tolist()
    assert got == pytest.approx([difference, low, high, found.pvalue])
    ranks = stats.mannwhitneyu(b, a)
    assert row["p_cells"] == pytest.approx(ranks.pvalue)
    assert row["effect"] == pytest.approx(2 * ranks.statistic / (len(a) * len(b)) - 1)
    shifts = np.subtract.outer(b.to_numpy(), a.to_numpy())
    assert row["shift"] == pytest.approx(np.median(shifts))
    assert table.loc[table["b"] == "one", "p"].isna().all()


def test_means_of_the_report_are_means_over_time(page, cells):
    figures = re.findall(r'<script type="application/json">(.*?)</script>', page, re.DOTALL)
    figure = next(
        part
        for part in map(json.loads, figures)
        if [line.get("mode") for line in part.get("data", [])] == ["lines"] * 6
        and "intensity total" in part["layout"]["yaxis"]["title"]["text"]
    )
    for band, line, sample in zip(
        figure["data"][::2], figure["data"][1::2], FOVS, strict=True
    ):
        own = [points for (name, _, _), points in cells.items() if name == sample]
        for time, mean, n in zip(line["x"], line["y"], line["customdata"], strict=True):
            there = [np.interp(time, t, y) for t, y in own if np.abs(t - time).min() < 0.125]
            assert n == len(there)
            if all(t[0] <= time <= t[-1] for t, _ in own):
                assert mean == pytest.approx(np.mean(there), rel=1e-3, abs=20)
        assert len(band["x"]) == 2 * len(line["x"])
        assert min(line["customdata"]) >= min(3, max(line["customdata"]))


def test_fits_on_the_page(folder, numbers):
    client = TestClient(
        create_app(folder, "secret"),
        base_url="http://localhost",
        headers={"Authorization": "Bearer secret"},
    )
    tables = [f"{sample}_merged_fitted_constant.csv" for sample in FOVS]
    found = client.post("/api/distribution", json={"tables": tables, "name": "offset"}).json()
    edges = found["edges"]
    for entry in found["samples"]:
        path = folder / f"{entry['sample']}_merged_fitted_constant.csv"
        fits = pd.read_csv(path, comment="#").set_index(["fov", "cell"])
        counted = fits["class"] != "failed"  # the model constant describes flat traces
        x = numbers.loc[entry["sample"], "fitted"][counted].to_numpy()
        assert 0 < len(x) < len(fits) or len(fits) == 1
        assert entry["n"] == len(x)
        quartiles = [entry[key] for key in ("q25", "median", "q75")]
        assert quartiles == pytest.approx(np.quantile(x, [0.25, 0.5, 0.75]), rel=1e-6)
        shares = 100 * np.histogram(x, edges)[0] / len(x)
        assert entry["shares"] == pytest.approx(shares)
