"""Every number of a result is the same on the page, the terminal, in the report and in pandas.

The samples have odd and even numbers of cells, poor and failed fits, and an order that is not
that of their names.
"""

import base64
import io
import json
import re

import numpy as np
import pandas as pd
import pytest
import scipy
from fastapi.testclient import TestClient

from experiments import experiment, recorded_hours, traces_of, write_traces
from page_fits import fit_on_page
from pyama.analysis.report.html_page import build
from pyama.analysis.report.report_data import collect
from pyama.web.application import create_app

COLUMN = "intensity_total_ch_1"
ORDER = ["zero", "drug", "middle"]
FOVS = {"zero": "0-2", "drug": "3-4", "middle": "5"}
PARAMETERS = ["t0", "ktl", "delta", "offset"]
TRACE_NUMBERS = ["mean", "maximum", "auc", "onset"]
LEVELS = {"q05": 0.05, "q25": 0.25, "median": 0.5, "q75": 0.75, "q95": 0.95}


def ending_early(fov, n):
    """Traces that are as low as at the beginning in the last `n` frames."""
    table = traces_of(fov, 3)
    values = table[COLUMN].to_numpy().reshape(3, -1).copy()
    values[:, -n:] = values[:, :1]
    return table.assign(**{COLUMN: values.ravel()})


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = experiment(tmp_path_factory.mktemp("numbers") / "results", 6, n_cells=3)
    write_traces(folder, ending_early(3, 1), 3)  # fair
    poor = ending_early(4, 5)
    poor.loc[poor["cell"] == 1, COLUMN] = np.nan  # cannot be fitted
    write_traces(folder, poor, 4)
    return folder


@pytest.fixture(scope="module")
def client(folder):
    headers = {"Authorization": "Bearer secret"}
    app = create_app(folder, "secret")
    return TestClient(app, base_url="http://localhost", headers=headers)


@pytest.fixture(scope="module")
def tables(client):
    """Names of the tables of the page, merged and fitted there."""
    samples = [{"name": name, "fovs": FOVS[name]} for name in ORDER]
    merged = client.post("/api/merge", json={"samples": samples}).json()["merged"]
    fit = fit_on_page(client, tables=merged, column=COLUMN, starts=1)
    assert fit["cells"] == 18
    return client.get("/api/tables").json()


@pytest.fixture(scope="module")
def fits(folder, tables):
    """Tables of fits by sample, read by pandas alone."""
    read = [pd.read_csv(folder / name, comment="#") for name in tables["fitted"]]
    return {name: table.assign(sample=name) for name, table in zip(ORDER, read, strict=True)}


@pytest.fixture(scope="module")
def report(folder, tables):
    return build(collect(folder), "/* plotly */")


def saved(report, name):
    """A table of the report, as its link saves it."""
    link = re.search(rf'download="{name}" href=".*?,(.*?)"', report)
    return pd.read_csv(io.BytesIO(base64.b64decode(link[1])))


def sent(pyama, *words):
    """What a command prints as JSON, as a table."""
    done = pyama(*words, "--json")
    assert done.exit_code == 0, done.output
    return pd.DataFrame(json.loads(done.stdout)["rows"]).astype({"feature": str})


def trace_numbers(folder, tables):
    """Mean, maximum and area of every trace, by pandas and scipy."""
    rows = []
    for sample, name in zip(ORDER, tables["merged"], strict=True):
        table = pd.read_csv(folder / name, comment="#").dropna(subset=[COLUMN])
        for (fov, cell), trace in table.groupby(["fov", "cell"]):
            y, hours = trace[COLUMN], recorded_hours(trace)
            row = {
                "mean": y.mean(),
                "maximum": y.max(),
                "auc": scipy.integrate.trapezoid(y, hours),
            }
            rows.append({"sample": sample, "fov": fov, "cell": cell, **row})
    return pd.DataFrame(rows)


def described(values):
    values = values[np.isfinite(values)]
    levels = {name: np.quantile(values, level) for name, level in LEVELS.items()}
    return {"n": len(values), "mean": values.mean(), "sd": values.std(ddof=1), **levels}


def test_samples_have_one_order_everywhere(client, folder, tables, report, pyama):
    assert tables["merged"] == [f"{name}_merged.csv" for name in ORDER]
    assert [name.partition("_")[0] for name in tables["fitted"]] == ORDER
    assert list(client.get("/api/samples").json()["samples"]) == ORDER
    paths = [folder / name for name in sorted(tables["fitted"])]  # as a shell gives them
    body = {"tables": [path.name for path in paths], "name": "t0"}
    shown = client.post("/api/distribution", json=body).json()["samples"]
    assert [entry["sample"] for entry in shown] == ORDER
    assert list(dict.fromkeys(sent(pyama, "summarize", *paths)["sample"])) == ORDER
    compared = sent(pyama, "compare", *paths)
    assert set(zip(compared["a"], compared["b"], strict=True)) == {
        ("zero", "drug"),
        ("zero", "middle"),
    }
    note = pyama("compare", *paths).stderr
    assert "The samples are compared with zero, which is the first one." in note
    assert saved(report, "samples.csv")["sample"].tolist() == ORDER
    summary = saved(report, f"maturation_{COLUMN}_summary.csv")
    assert summary["sample"].tolist()[:3] == ORDER


def test_counts_and_classes_are_those_of_pandas(client, tables, fits, report):
    figures = re.findall(r'<script type="application/json">(.*?)</script>', report, re.DOTALL)
    bars = {
        bar["name"]: bar
        for figure in map(json.loads, figures)
        for bar in figure.get("data", [])
        if bar.get("orientation") == "h"
    }
    seen = set()
    for i, (sample, name) in enumerate(zip(ORDER, tables["fitted"], strict=True)):
        table = fits[sample]
        r_squared = table["r_squared"].to_numpy()
        with np.errstate(invalid="ignore"):
            expected = {
                "good": int((r_squared > 0.9).sum()),
                "fair": int(((r_squared > 0.7) & (r_squared <= 0.9)).sum()),
                "poor": int((r_squared <= 0.7).sum()),
                "failed": int(np.isnan(r_squared).sum()),
            }
        page = client.get("/api/fits", params={"table": name}).json()
        assert page["cells"] == len(table) == sum(expected.values())
        assert page["classes"] == {key: n for key, n in expected.items() if n}
        seen |= page["classes"].keys()
        for key, n in expected.items():
            assert bars[key]["text"][i] == (str(n) if n else "")
            assert bars[key]["x"][i] == pytest.approx(100 * n / len(table), rel=1e-3)
        assert page["median_r_squared"] == np.nanmedian(r_squared)
        assert {entry["name"] for entry in page["parameters"]} >= set(PARAMETERS)
        for entry in page["parameters"]:
            shown = ("n", "q25", "median", "q75")
            numbers = described(table[entry["name"]].to_numpy(float))
            assert [entry[k] for k in shown] == pytest.approx([numbers[k] for k in shown])
    assert seen == {"good", "fair", "poor", "failed"}
    sizes = saved(report, "samples.csv")
    assert sizes["cells"].tolist() == [9, 6, 3]
    merged = [client.get("/api/merged", params={"table": n}).json() for n in tables["merged"]]
    assert [entry["cells"] for entry in merged] == sizes["cells"].tolist()
    assert sizes["fovs"].tolist() == [3, 2, 1]


@pytest.mark.parametrize("kind", ["fits", "traces"])
def test_summaries_are_those_of_pandas(folder, tables, fits, report, pyama, kind):
    is_fit = kind == "fits"
    names = tables["fitted" if is_fit else "merged"]
    features = PARAMETERS if is_fit else TRACE_NUMBERS[:3]
    cells = pd.concat(fits.values()) if is_fit else trace_numbers(folder, tables)
    title = f"maturation_{COLUMN}" if is_fit else COLUMN
    of_report = saved(report, f"{title}_summary.csv").set_index(["feature", "sample"])
    printed = sent(pyama, "summarize", *(folder / name for name in names))
    printed = printed.set_index(["feature", "sample"])
    for feature in features:
        for sample in ORDER:
            rows = cells[cells["sample"] == sample]
            expected = described(rows[feature].to_numpy(float))
            for table in (of_report, printed):
                shown = table.loc[feature, sample][list(expected)].astype(float)
                np.testing.assert_allclose(shown, list(expected.values()), rtol=1e-9)


def holm(p):
    """p values corrected after Holm, by their definition."""
    order = np.argsort(p)
    steps = [(len(p) - i) * p[k] for i, k in enumerate(order)]
    out = np.empty(len(p))
    out[order] = np.minimum(np.maximum.accumulate(steps), 1)
    return out


@pytest.mark.parametrize("kind", ["fits", "traces"])
def test_comparisons_are_those_of_scipy(folder, tables, fits, report, pyama, kind):
    is_fit = kind == "fits"
    names = tables["fitted" if is_fit else "merged"]
    cells = pd.concat(fits.values()) if is_fit else trace_numbers(folder, tables)
    title = f"maturation_{COLUMN}" if is_fit else COLUMN
    of_report = saved(report, f"{title}_comparison.csv")
    printed = sent(pyama, "compare", *(folder / name for name in names))
    assert list(printed.columns) == list(of_report.columns.drop("unit"))
    printed = printed.where(printed.notna(), np.nan)
    pd.testing.assert_frame_equal(
        printed.infer_objects(), of_report.drop(columns="unit"), check_dtype=False
    )
    known = printed["p"].notna()
    p = printed["p"][known].to_numpy(float)
    np.testing.assert_allclose(printed["p_adjusted"][known].astype(float), holm(p))
    assert printed.loc[printed["b"] == "middle", "p"].isna().all(), "one field of view"
    for row in printed.to_dict("records"):
        if row["feature"] not in cells:  # such as onset
            continue
        finite = cells.dropna(subset=[row["feature"]])
        both = [finite[finite["sample"] == row[side]] for side in ("a", "b")]
        a, b = (table[row["feature"]] for table in both)
        assert (row["n_a"], row["n_b"]) == (len(a), len(b))
        assert [row["median_a"], row["median_b"]] == pytest.approx([a.median(), b.median()])
        test = scipy.stats.mannwhitneyu(b, a)
        assert row["p_cells"] == pytest.approx(test.pvalue)
        pairs = len(a) * len(b)
        assert row["effect"] == pytest.approx(2 * test.statistic / pairs - 1)
        shift = np.median(np.subtract.outer(b.to_numpy(), a.to_numpy()))
        assert row["shift"] == pytest.approx(shift)
        units = [table.groupby("fov")[row["feature"]].median().to_numpy() for table in both]
        assert [row["mean_a"], row["mean_b"]] == pytest.approx([part.mean() for part in units])
        if not np.isnan(row["p"] or np.nan):
            equal = len(units[0]) == len(units[1])
            test = scipy.stats.ttest_ind(units[1], units[0], equal_var=equal)
            assert row["p"] == pytest.approx(test.pvalue)
            interval = test.confidence_interval()
            assert [row["low"], row["high"]] == pytest.approx([interval.low, interval.high])


def test_bins_and_shares_are_those_of_numpy(client, tables, fits):
    for name in PARAMETERS:
        body = {"tables": tables["fitted"], "name": name}
        page = client.post("/api/distribution", json=body).json()
        edges = np.array(page["edges"])
        outside = 0
        for entry, sample in zip(page["samples"], ORDER, strict=True):
            values = fits[sample][name].dropna().to_numpy()
            counts = np.histogram(values, edges)[0]
            np.testing.assert_allclose(entry["shares"], 100 * counts / len(values))
            outside += len(values) - counts.sum()
            assert entry["n"] == len(values)
        total = sum(entry["n"] for entry in page["samples"])
        assert page["not_shown"] == (
            f"{outside} of {total} far out, not drawn" if outside else ""
        )
