import numpy as np
import pandas as pd
import pytest

from experiments import cells_in, recorded_hours, traces_of
from pyama.analysis.figures import plots
from pyama.analysis.fitting.fit import fit_traces
from pyama.analysis.mean_traces import drawn_mean, mean_over_time
from pyama.errors import ConfigError

COLUMN = "intensity_total_ch_1"
SIGNATURES = {"png": b"\x89PNG", "svg": b"<?xml", "pdf": b"%PDF"}


@pytest.fixture(scope="module")
def traces():
    names = {0: "control", 1: "5 µM $drug$"}
    table = pd.concat([traces_of(fov).assign(sample=names[fov]) for fov in names])
    return table.assign(time=recorded_hours(table))


@pytest.fixture(scope="module")
def fitted(traces):
    parts = [
        fit_traces(part, starts=1, workers=1).assign(sample=name)
        for name, part in traces.groupby("sample")
    ]
    return pd.concat(parts, ignore_index=True)


@pytest.fixture(scope="module")
def figures(traces, fitted):
    return {
        "traces": plots.traces(traces, COLUMN, "GFP (counts)"),
        "fits": plots.fits(fitted, traces, COLUMN, "GFP (counts)"),
        "histograms": plots.histograms(fitted, ["t0", "ktl"], ["t0 (h)", "ktl"]),
        "scatter": plots.scatter(fitted, "t0", "ktl", ("t0 (h)", "ktl")),
        "samples": plots.samples(fitted, "ktl", "ktl (counts/h)"),
    }


KINDS = ["traces", "fits", "histograms", "scatter", "samples"]


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize("kind", plots.FORMATS)
def test_every_figure_is_written_in_every_format(figures, tmp_path, name, kind):
    path = plots.save(figures[name], tmp_path / "new" / f"{name}.{kind}", dpi=50)
    assert path.read_bytes().startswith(SIGNATURES[kind])


@pytest.mark.parametrize("kind", plots.FORMATS)
def test_the_same_data_gives_the_same_bytes(fitted, tmp_path, kind):
    paths = [
        plots.save(plots.samples(fitted, "ktl", "ktl"), tmp_path / f"{i}.{kind}", dpi=50)
        for i in (0, 1)
    ]
    assert paths[0].read_bytes() == paths[1].read_bytes()


def test_names_stand_in_the_figure_as_they_are(figures, tmp_path):
    text = plots.save(figures["traces"], tmp_path / "a.svg").read_text(encoding="utf-8")
    assert f"5 µM $drug$ (n = {cells_in(1)})" in text


def test_a_panel_per_sample_shows_its_cells_and_their_mean(figures, traces):
    panels = figures["traces"].axes
    assert [panel.get_title() for panel in panels] == [
        f"control (n = {cells_in(0)})",
        f"5 µM $drug$ (n = {cells_in(1)})",
    ]
    *cells, mean = panels[0].lines
    assert len(cells) == 4
    wide = traces[traces["sample"] == "control"].pivot_table(
        index="frame", columns="cell", values=COLUMN
    )
    np.testing.assert_allclose(mean.get_ydata(), wide.mean(axis=1))
    assert panels[0].get_ylim() == panels[1].get_ylim()


def test_a_panel_says_what_it_does_not_show(traces, monkeypatch):
    """One of four cells is drawn, and the mean ends where one is left."""
    monkeypatch.setattr(plots, "MAX_CELLS", 1)
    one = traces[(traces["sample"] == "control")]
    figure = plots.traces(one[(one["frame"] < 20) | (one["cell"] == 1)], COLUMN, "y")
    panel = figure.axes[0]
    assert figure.get_supxlabel().replace("\n", " ") == (
        "control: 1 of 4 cells drawn, chosen at random with seed 0; mean where at least 3 "
        "cells are left"
    )
    assert len(panel.lines) == 2
    assert len(panel.lines[1].get_xdata()) == 20


def test_cells_of_other_times_have_a_mean_over_time():
    """Offsets between fields of view, and a recording with other intervals and a gap."""
    clocks = [np.arange(0, 10, 0.25) + k / 60 for k in (0, 3, 14)] + [np.arange(0, 8, 0.4)]
    parts = [
        pd.DataFrame({"recording": "ab"[k // 3], "fov": k, "cell": 1, "time": t})
        for k, t in enumerate(clocks)
    ]
    table = pd.concat(parts, ignore_index=True).assign(y=lambda t: 3 * t["time"])
    means = mean_over_time(table, "y")
    np.testing.assert_allclose(means["mean"], 3 * means["time"], atol=3 * 0.25 / 2)
    np.testing.assert_allclose(means["mean"][1:30], 3 * means["time"][1:30], atol=1e-9)
    assert set(means["count"][means["time"].between(0.25, 7.6)]) == {4}
    drawn, text = drawn_mean(table[table["fov"] != 2], "y")
    assert set(drawn["count"]) == {3}
    assert text == "mean where at least 3 cells are left"
    lost = table[(table["fov"] == 0) & ~table["time"].between(4, 6)]
    assert not mean_over_time(lost, "y")["time"].between(4, 6).any()
    interrupted, _ = drawn_mean(lost, "y")
    assert interrupted.loc[interrupted["time"].between(4, 6), "mean"].isna().tolist() == [True]
    assert drawn_mean(table, "y")[0]["mean"].notna().all()


def test_fits_run_through_their_data(figures):
    for panel in figures["fits"].axes:
        points, curve = panel.lines
        on_curve = np.interp(points.get_xdata(), curve.get_xdata(), curve.get_ydata())
        np.testing.assert_allclose(on_curve, points.get_ydata(), atol=2000)


def test_medians_and_quartiles_are_marked(figures, fitted):
    panel = figures["samples"].axes[0]
    middle = panel.lines[1].get_ydata()[0]
    first = fitted.loc[fitted["sample"] == fitted["sample"].iloc[0], "ktl"]
    assert middle == pytest.approx(first.median())


def test_the_width_is_as_asked(fitted):
    figure = plots.scatter(fitted, "t0", "ktl", ("", ""), 120)
    assert figure.get_figwidth() * 25.4 == pytest.approx(120)


def test_far_values_are_counted_and_not_drawn(fitted):
    near = np.linspace(1, 2, len(fitted))
    even = fitted.assign(t0=near, ktl=2e4 * near)
    table = pd.concat([even, even[:1].assign(t0=1e6)])
    figure = plots.histograms(table, ["t0"], ["t0"])
    assert figure.axes[0].get_title() == f"1 of {len(table)} far out, not drawn"
    figure = plots.scatter(table, "t0", "ktl", ("", ""))
    assert figure.axes[0].get_title() == f"1 of {len(table)} far out, not drawn"
    assert figure.axes[0].get_xlim()[1] < 3
    figure = plots.samples(table, "t0", "t0")
    assert figure.axes[0].get_title() == f"1 of {len(table)} far out, not drawn"
    assert figure.axes[0].get_ylim()[1] < 3


def test_a_small_sample_that_differs_is_seen_whole(fitted):
    many = fitted.iloc[:8].assign(sample="control", t0=np.linspace(1, 2, 8), ktl=1.0)
    few = fitted.iloc[:2].assign(sample="drug", t0=[50.0, 51.0], ktl=2.0)
    table = pd.concat([many, few])
    for figure in (
        plots.samples(table, "t0", "t0"),
        plots.histograms(table, ["t0"], ["t0"]),
        plots.scatter(table, "t0", "ktl", ("", "")),
    ):
        assert figure.axes[0].get_title() == ""


def test_cells_without_a_value_do_not_count_in_a_sample(fitted):
    table = pd.concat([fitted, fitted[:1].assign(t0=np.nan)])
    axes = plots.samples(table, "t0", "t0").axes[0]
    counts = [int(label.get_text().rpartition("= ")[2]) for label in axes.get_xticklabels()]
    assert sum(counts) == len(fitted)


@pytest.mark.parametrize("n", [0, 1, 9])
def test_few_and_many_samples_are_drawn(traces, tmp_path, n):
    one = traces[traces["sample"] == "control"]
    table = pd.concat([one.assign(sample=f"s{i}") for i in range(n)] or [one[:0]])
    figure = plots.traces(table, COLUMN, "y")
    assert len(figure.axes) == max(1, n)
    plots.save(figure, tmp_path / "a.png", dpi=30)


@pytest.mark.parametrize("values", [[np.nan, np.nan], [3.0, 3.0], [np.inf, 1.0]])
def test_degenerate_numbers_are_drawn_without_complaint(values, tmp_path):
    table = pd.DataFrame({"sample": ["a", "b"], "x": values, "y": [1.0, 2.0]})
    for figure in (
        plots.histograms(table, ["x"], ["x"]),
        plots.scatter(table, "x", "y", ("", "")),
        plots.samples(table, "x", "x"),
    ):
        plots.save(figure, tmp_path / "a.png", dpi=30)


def test_nothing_fitted_is_said(fitted, traces):
    with pytest.raises(ConfigError, match="No cell has a fit"):
        plots.fits(fitted.assign(r_squared=np.nan), traces, COLUMN, "y")


@pytest.mark.parametrize("name", ["a.jpg", "a", "a.tar.gz"])
def test_another_format_is_refused(figures, tmp_path, name):
    with pytest.raises(ConfigError, match=r"figures are written as \.png, \.svg, \.pdf"):
        plots.save(figures["samples"], tmp_path / name)


def test_without_matplotlib_the_remedy_is_named(fitted, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "matplotlib", None)
    with pytest.raises(ConfigError, match=r"pip install 'pyama-traces\[plot\]'"):
        plots.samples(fitted, "ktl", "ktl")
