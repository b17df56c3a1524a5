"""Page, report, `pyama plot` and `summarize` give the same numbers for the same cells."""

import sys

import numpy as np
import pandas as pd
import pytest
from fastapi.testclient import TestClient
from matplotlib.colors import to_rgba

from experiments import experiment
from pyama.analysis.figures import plots
from pyama.analysis.figures.cell_figures import cell_traces
from pyama.analysis.figures.colours import color
from pyama.analysis.figures.scatter import thinned
from pyama.analysis.joined_tables import fits_above, join_fits
from pyama.analysis.report.distributions import histogram
from pyama.analysis.statistics import summarize
from pyama.web.application import create_app

NAN = float("nan")
CELLS = {
    "even": [1.5, 1.65, 1.6, 1.55],
    "odd": [2.0, 1.0, 4.0],
    "with NaN": [NAN, 1.0, 2.0, NAN, 5.0],
    "single": [3.0],
    "not fitted": [NAN, NAN],
    "far out": [*np.linspace(1, 2, 9), 1e6],
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return experiment(tmp_path_factory.mktemp("same") / "results", n_fovs=1)


@pytest.fixture(scope="module")
def client(folder):
    headers = {"Authorization": "Bearer secret"}
    return TestClient(
        create_app(folder, "secret"), base_url="http://localhost", headers=headers
    )


def write_fits(folder, sample, values):
    """Write a table of fits; gives its name."""
    path = folder / f"{sample}_merged_fitted_constant.csv"
    rows = {"fov": 0, "cell": range(len(values)), "model_type": "constant", "t0": values}
    table = pd.DataFrame(rows).assign(success=True, r_squared=0.9)
    head = f'# sample: "{sample}"\n# units: {{"t0": "h"}}\n'
    path.write_text(head + table.to_csv(index=False), encoding="utf-8")
    return path


def asked(client, paths, name="t0"):
    body = {"tables": [path.name for path in paths], "name": name}
    return client.post("/api/distribution", json=body)


CHOICES = [*([name] for name in CELLS), ["even", "odd", "single"], list(CELLS)]


@pytest.mark.parametrize("names", CHOICES, ids=", ".join)
def test_all_places_show_the_same_numbers(client, folder, names):
    paths = [write_fits(folder, name, CELLS[name]) for name in names]
    page = asked(client, paths).json()
    table, _ = join_fits(paths)
    assert [entry["sample"] for entry in page["samples"]] == names

    numbers = summarize(table, ["t0"]).set_index("sample")
    for entry in page["samples"]:
        row = numbers.loc[entry["sample"]]
        assert entry["n"] == row["n"]
        shown = [NAN if entry[key] is None else entry[key] for key in ("q25", "median", "q75")]
        np.testing.assert_array_equal(shown, row[["q25", "median", "q75"]].astype(float))

    figure = histogram(table, "t0", names, "t0")
    edges = np.array(page["edges"])
    for i, (bars, entry) in enumerate(zip(figure["data"], page["samples"], strict=True)):
        np.testing.assert_allclose(bars["y"], entry["shares"], rtol=1e-4)
        np.testing.assert_allclose(bars["x"], (edges[1:] + edges[:-1]) / 2, rtol=1e-4)
        assert bars["line"]["color"] == entry["color"] == color(i)
    title = figure["layout"]["xaxis"]["title"]["text"]
    assert title == "; ".join(filter(None, ["t0", page["not_shown"]]))

    panel = plots.histograms(table, ["t0"], ["t0"]).axes[0]
    for stairs, entry in zip(panel.patches, page["samples"], strict=True):
        drawn = stairs.get_data()
        np.testing.assert_array_equal(drawn.values, entry["shares"])
        np.testing.assert_array_equal(drawn.edges, edges)
    assert panel.get_title() == page["not_shown"]

    medians = [e["median"] for e in page["samples"] if e["median"] is not None]
    lines = plots.samples(table, "t0", "t0").axes[0].lines
    assert [line.get_ydata()[0] for line in lines if line.get_linewidth() == 1.5] == medians


def test_the_median_of_an_even_number_of_cells_lies_between_two(client, folder):
    found = asked(client, [write_fits(folder, "even", CELLS["even"])]).json()
    assert found["samples"][0]["median"] == pytest.approx(1.575)
    assert found["unit"] == "h"


def test_tables_of_one_sample_are_shown_under_their_own_names(client, folder):
    paths = [write_fits(folder, name, CELLS[name]) for name in ("even", "odd")]
    text = paths[1].read_text(encoding="utf-8").replace('"odd"', '"even"')
    paths[1].write_text(text, encoding="utf-8")
    found = asked(client, paths).json()["samples"]
    assert [entry["sample"] for entry in found] == [path.stem for path in paths]


WRONG = [
    ({"tables": ["even_merged_fitted_constant.csv"], "name": "model_type"}, 422),
    ({"tables": ["even_merged_fitted_constant.csv"], "name": "cell"}, 422),
    ({"tables": ["none.csv"], "name": "t0"}, 404),
    ({"tables": ["../even.csv"], "name": "t0"}, 404),
    ({"tables": [], "name": "t0"}, 422),
]


@pytest.mark.parametrize(("body", "status"), WRONG)
def test_what_is_no_number_of_a_table_is_refused(client, folder, body, status):
    write_fits(folder, "even", CELLS["even"])
    answer = client.post("/api/distribution", json=body)
    assert answer.status_code == status
    assert str(folder) not in answer.text


SCATTER = {"model": "constant", "column": "intensity_total_ch_1", "x": "t0", "y": "ktl"}


@pytest.fixture
def pairs(folder):
    """Fits of two samples with two numbers, some of them poor; gives their paths."""
    for path in folder.glob("*.csv"):
        path.unlink()
    paths = []
    for sample, x, y in (
        ("a", [1.0, 2.0, 3.0, NAN, 5e6], [10.0, 100.0, 1000.0, 5.0, 10.0]),
        ("b", [-1.0, 2.0, 2.5], [20.0, 30.0, 40.0]),
    ):
        path = write_fits(folder, sample, x)
        text = path.read_text(encoding="utf-8")
        head, _, _ = text.partition("fov,")
        table = pd.read_csv(path, comment="#").assign(ktl=y)
        table["r_squared"] = [0.95] * (len(y) - 1) + [0.5]
        named = f'# model: "constant"\n# column: "{SCATTER["column"]}"\n'
        path.write_text(head + named + table.to_csv(index=False), encoding="utf-8")
        paths.append(path)
    return paths


@pytest.mark.parametrize("scales", [("linear", "linear"), ("log", "linear"), ("log", "log")])
@pytest.mark.parametrize("limit", [None, 0.9])
def test_page_and_figure_show_the_same_points(client, pairs, scales, limit):
    chosen = {"x_scale": scales[0], "y_scale": scales[1]}
    chosen |= {} if limit is None else {"min_r_squared": limit}
    page = client.get("/api/scatter", params=SCATTER | chosen).json()
    table = fits_above(join_fits(pairs)[0], limit)
    is_log = scales[0] == "log", scales[1] == "log"
    panel = plots.scatter(table, "t0", "ktl", ("", ""), is_log=is_log).axes[0]
    assert [entry["n"] for entry in page["samples"]] == ([3, 2] if limit else [4, 3])
    for line, entry in zip(panel.lines, page["samples"], strict=True):
        np.testing.assert_array_equal(line.get_xdata(), entry["x"])
        np.testing.assert_array_equal(line.get_ydata(), entry["y"])
        assert line.get_color() == entry["color"]
    assert panel.get_xlim() == tuple(page["x"]["limits"])
    assert panel.get_ylim() == tuple(page["y"]["limits"])
    assert panel.get_title() == page["not_shown"]
    assert page["x"]["label"] == "t0 (h)"
    if scales[0] == "log":
        assert page["x"]["limits"][0] > 0
        assert page["not_shown"].startswith("1 of")  # -1 h


@pytest.mark.parametrize("limit", [None, 0.95, 0.5, 2.0])
def test_a_limit_leaves_out_the_same_cells_everywhere(client, pairs, limit):
    body = {"tables": [path.name for path in pairs], "name": "t0", "min_r_squared": limit}
    page = client.post("/api/distribution", json=body).json()
    table = join_fits(pairs)[0]
    kept = table if limit is None else table[table["r_squared"] > limit]
    assert {entry["sample"] for entry in page["samples"]} == set(table["sample"])
    assert [entry["color"] for entry in page["samples"]] == [color(0), color(1)]
    shown = [entry for entry in page["samples"] if entry["n"]]
    assert [(entry["sample"], entry["n"]) for entry in shown] == [
        (name, rows["t0"].notna().sum()) for name, rows in kept.groupby("sample", sort=False)
    ]
    medians = kept.groupby("sample", sort=False)["t0"].median()
    assert [entry["median"] for entry in shown] == medians.tolist()
    panel = plots.histograms(fits_above(table, limit), ["t0"], ["t0"]).axes[0]
    for stairs, entry in zip(panel.patches, page["samples"], strict=True):
        np.testing.assert_array_equal(stairs.get_data().edges, page["edges"])
        np.testing.assert_array_equal(stairs.get_data().values, entry["shares"])
    assert panel.get_title() == page["not_shown"]


def test_samples_keep_their_colours_if_the_first_has_no_counted_fit(client, folder, pairs):
    path = write_fits(folder, "first", [1.0, 2.0])
    lines = path.read_text("utf-8").splitlines(keepends=True)
    marks = [",class,ktl", ",not expressing,1", ",not expressing,2"]
    rows = [f"{line.rstrip()}{end}\n" for line, end in zip(lines[2:], marks, strict=True)]
    text = "".join([*lines[:2], '# column: "intensity_total_ch_1"\n', *rows])
    path.write_text(text.replace("constant,", "maturation,"), encoding="utf-8")
    paths = [path, *pairs]
    names, colours = ["first", "a", "b"], [color(0), color(1), color(2)]
    page = asked(client, paths).json()["samples"]
    assert [(entry["sample"], entry["color"]) for entry in page] == list(
        zip(names, colours, strict=True)
    )
    assert page[0]["n"] == 0
    table = fits_above(join_fits(paths)[0], None)
    report = histogram(table, "t0", names, "t0")["data"]
    assert [line["line"]["color"] for line in report] == colours
    for figure in (
        plots.histograms(table, ["t0"], ["t0"]),
        plots.scatter(table, "t0", "ktl", ("", "")),
    ):
        legend = figure.legends[0]
        assert [entry.get_text() for entry in legend.texts] == names
    drawn = plots.histograms(table, ["t0"], ["t0"]).axes[0].patches
    assert [stairs.get_edgecolor() for stairs in drawn] == [to_rgba(c) for c in colours]
    points = plots.scatter(table, "t0", "ktl", ("", "")).axes[0].lines
    assert [line.get_color() for line in points] == colours
    ticks = plots.samples(table, "t0", "t0").axes[0].get_xticklabels()
    assert [label.get_text().split("\n")[0] for label in ticks] == names


FIGURES = {
    "histogram": ({"name": "t0"}, ["parameters", "--names", "t0"]),
    "scatter": (
        {"x": "t0", "y": "ktl", "y_scale": "log"},
        ["scatter", "--x", "t0", "--y", "ktl", "--log-y"],
    ),
}


@pytest.mark.parametrize("figure", FIGURES)
@pytest.mark.parametrize("limit", [None, 0.9])
def test_figures_of_the_page_are_those_of_the_terminal(
    client, pairs, pyama, tmp_path, figure, limit
):
    query, options = FIGURES[figure]
    query = query | {"model": "constant", "column": SCATTER["column"]}
    if limit is not None:
        query |= {"min_r_squared": limit}
        options = [*options, "--min-r-squared", limit]
    for kind in ("svg", "png"):
        path = tmp_path / f"{figure}.{kind}"
        done = pyama("plot", *options, *pairs, "--output", path, "--width", 120)
        assert done.exit_code == 0, done.output
        answer = client.get(f"/api/figures/{figure}", params=query | {"kind": kind})
        assert answer.content == path.read_bytes()
        assert answer.headers["content-disposition"] == "attachment"
    assert "t0 (h)" in (text := (tmp_path / f"{figure}.svg").read_text("utf-8"))
    assert "$" not in text  # formulas would be shown as they are written


def test_a_figure_of_traces_has_the_values_of_the_page(client, monkeypatch):
    drawn = []

    def draw(lines, labels, **options):
        drawn.extend(lines)
        return cell_traces(lines, labels, **options)

    monkeypatch.setattr("pyama.web.trace_figure_routes.cell_traces", draw)
    found = client.get("/api/fovs/0/traces/area_ch_0").json()
    page = found["traces"]
    cells = [trace["cell"] for trace in page][:2]
    query = {"cells": ",".join(map(str, cells)), "selected": cells[1], "log": True}
    answer = client.get("/api/fovs/0/figures/area_ch_0", params=query)
    assert answer.headers["content-type"] == "image/svg+xml"
    for text in (f"area_ch_0 ({found['unit']})", "time (", f"cell {cells[1]}"):
        assert text in answer.text
    assert [(line.cell, line.style) for line in drawn] == [
        (cells[0], "plain"),
        (cells[1], "plain"),
        (cells[1], "selected"),
    ]
    for line, trace in zip(drawn, page, strict=False):
        known = [(t, value) for t, value in enumerate(line.values) if value is not None]
        assert known == list(zip(trace["frames"], trace["values"], strict=True))
    for wrong, status in (({"cells": "1;2"}, 422), ({"kind": "pdf"}, 422), ({}, 404)):
        column = "area_ch_0" if wrong else "none"
        answer = client.get(f"/api/fovs/0/figures/{column}", params=query | wrong)
        assert answer.status_code == status


def test_a_part_of_a_figure_has_the_limits_of_the_page(client, pairs, monkeypatch):
    drawn = []
    real = plots.to_bytes
    monkeypatch.setattr(
        plots, "to_bytes", lambda *given: drawn.append(given[0]) or real(*given)
    )
    fits = {"model": "constant", "column": SCATTER["column"]}
    part = {"part": "1.5,2.5,-3,40"}
    for path, query in (
        ("figures/histogram", fits | {"name": "t0"}),
        ("figures/scatter", SCATTER),
        ("fovs/0/figures/area_ch_0", {"cells": "1"}),
    ):
        assert client.get(f"/api/{path}", params=query | part).is_success
        panel = drawn.pop().axes[0]
        assert (panel.get_xlim(), panel.get_ylim()) == ((1.5, 2.5), (-3, 40))
        for wrong in ("1,2,3", "2,1,0,1", "0,1,0,nan", "0,inf,0,1", "a,b,c,d"):
            answer = client.get(f"/api/{path}", params=query | {"part": wrong})
            assert answer.status_code == 422
            assert "are not the limits of a part of the figure" in answer.json()["detail"]


def test_a_figure_without_matplotlib_says_what_to_install(client, pairs, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    query = {"name": "t0", "model": "constant", "column": SCATTER["column"]}
    answer = client.get("/api/figures/histogram", params=query)
    assert answer.status_code == 422
    assert "pip install 'pyama-traces[plot]'" in answer.json()["detail"]


def test_a_scatter_of_what_was_not_fitted_is_refused(client, pairs):
    for wrong in ({"model": "none"}, {"x": "model_type"}, {"y_scale": "x"}):
        answer = client.get("/api/scatter", params=SCATTER | wrong)
        assert answer.status_code == 422


def test_of_many_cells_every_sample_keeps_its_share():
    many = {"a": pd.DataFrame({"x": range(900)}), "b": pd.DataFrame({"x": range(3)})}
    kept = thinned(many, 100)
    assert [len(rows) for rows in kept.values()] == [99, 1]
    assert kept["a"]["x"].is_monotonic_increasing
    assert thinned(many, 10**6)["a"].equals(many["a"])
