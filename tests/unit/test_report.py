import base64
import html
import io
import json
import re
import shutil
import warnings
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from scipy import ndimage

from experiments import cells_in, experiment, traces_of, write_traces
from pyama.analysis.comparing import comparison
from pyama.analysis.figures.colours import evenly_spaced
from pyama.analysis.fitting.fit_files import fit_file
from pyama.analysis.fitting.models import MODELS
from pyama.analysis.histograms import bin_edges, central_range, not_shown
from pyama.analysis.merge import write_merged
from pyama.analysis.report import contact_sheet, markup, write_report
from pyama.analysis.report.distributions import classes, histogram, scatter
from pyama.analysis.report.html_page import build
from pyama.analysis.report.plotly_figures import (
    NUMBERS,
    fit_examples,
    overview,
    round_numbers,
    single_traces,
    traces_to_draw,
)
from pyama.analysis.report.quality import assess
from pyama.analysis.report.recording_sections import quality_section
from pyama.analysis.report.report_data import collect
from pyama.analysis.report.result_sections import statistics_section
from pyama.errors import ConfigError, StoreError
from pyama.pictures import overlays
from pyama.store import seal, unseal
from results import results_in
from small_movie import BACKGROUND, N_FRAMES, n_cells, times_of

BAD = "<script>alert(1)</script>"
TITLES = ["Traces", "Statistics", "Fields of view", "Segmentation", "Quality", "Settings"]


def page_of(folder):
    return build(collect(folder), "/* plotly */")


def figures_in(page):
    found = re.findall(r'<script type="application/json">(.*?)</script>', page, re.DOTALL)
    return [json.loads(text) for text in found]


@pytest.fixture
def folder(tmp_path):
    return experiment(tmp_path / "results")


@pytest.fixture
def fitted(folder):
    for paths in write_merged(folder, {"control": "0", "drug": "1-2"}).values():
        fit_file(paths[0], starts=2, workers=1)
    return folder


@pytest.fixture
def run(tmp_path):
    return results_in(tmp_path)


def test_a_report_has_every_section(fitted):
    page = page_of(fitted)
    titles = re.findall(r'<a href="#\w+">(.*?)</a>', page)
    assert titles == ["Traces", "Fits: maturation", *TITLES[1:]]
    assert "Fitted: t0: onset of the rise; ktl: signal per hour" in page
    assert "Fixed, not fitted: km = 1.28 (1/h), beta = 0.00522 (1/h)." in page
    for key in re.findall(r'<a href="#(\w+)">', page):
        assert f'<section id="{key}">' in page


def test_a_report_loads_nothing_from_elsewhere(fitted):
    page = page_of(fitted)
    assert not re.findall(r"""(?:src|href)=["'](?!#|data:)""", page)
    assert "default-src 'none'" in page
    assert "@import" not in page
    assert "fetch(" not in page


def test_the_file_is_written_beside_the_results_with_plotly_inside(fitted):
    pytest.importorskip("plotly")
    path = write_report(fitted)
    assert path == fitted / "report.html"
    text = path.read_text(encoding="utf-8")
    assert "plotly.js v" in text
    assert len(text) < 6e6
    other = write_report(fitted, fitted / "new" / "other.html")
    assert other.read_text(encoding="utf-8") == text


def test_without_plotly_the_remedy_is_named(folder, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "plotly.offline", None)
    with pytest.raises(ConfigError, match=r"pip install 'pyama-traces\[plot\]'"):
        write_report(folder)


def test_a_folder_that_is_no_output_folder_is_refused(tmp_path):
    with pytest.raises(StoreError, match="not an output folder of pyama"):
        collect(tmp_path)


def test_names_from_files_cannot_become_code(tmp_path):
    folder = experiment(
        tmp_path,
        channel_names=(BAD, f'"><img src=x onerror=alert(1)>{BAD}'),
        problems=(BAD, "'\"--></style>"),
        position_names=(BAD, "b", "c"),
    )
    path = write_merged(folder, {"a": "0-2"})["a"][0]
    sample = BAD.replace("/", "\\/")
    text = path.read_text(encoding="utf-8").replace('# sample: "a"', f'# sample: "{sample}"')
    path.write_text(text, encoding="utf-8")
    fit_file(path, "constant")
    page = page_of(folder)
    assert "<script>alert" not in page
    assert "<img src=x" not in page
    assert "</style>" not in page.partition("</style>")[2]
    assert html.escape(BAD) in page
    shown = [text.replace("<br>", " ") for text in strings_in(figures_in(page))]
    assert all("<" not in text for text in shown if "alert" in text)


def strings_in(value):
    if isinstance(value, dict):
        value = [*value, *value.values()]
    if isinstance(value, list):
        return [text for part in value for text in strings_in(part)]
    return [value] if isinstance(value, str) else []


def test_without_merged_tables_all_cells_are_one_sample(folder):
    fit_file(next(folder.glob("fov_001/*_traces.csv")), "constant")
    report = collect(folder)
    assert report.samples == ["all cells"]
    assert len(report.traces) == sum(len(traces_of(fov)) for fov in range(3))
    (fits,) = report.fits
    assert (fits.model, len(fits.table)) == ("constant", cells_in(1))


def test_samples_come_in_the_order_of_their_fields_of_view(folder):
    write_merged(folder, {"z": "0", "a": "1-2"})
    assert collect(folder).samples == ["z", "a"]


def test_tables_may_lie_elsewhere(folder, tmp_path):
    write_merged(folder, {"a": "0"}, tmp_path / "tables")
    assert collect(folder, tmp_path / "tables").samples == ["a"]


def test_tables_of_another_recording_are_left_out_with_a_remark(folder, tmp_path):
    other = experiment(tmp_path / "other", identity="xyz")
    shutil.copy(write_merged(other, {"b": "0"})["b"][0], folder)
    report = collect(folder)
    assert report.samples == ["all cells"]
    assert "b_merged.csv is of another recording" in report.remarks[0]
    assert report.remarks[0] in page_of(folder)


def test_tables_older_than_their_traces_are_told(fitted):
    assert collect(fitted).remarks == ()
    write_traces(fitted, traces_of(1, n_cells=2), 1)
    assert collect(fitted).remarks == (
        f"{fitted / 'drug_merged.csv'} is older than the traces in {fitted}. "
        "Merge and fit again.",
    )
    write_merged(fitted, {"control": "0", "drug": "1-2"})
    assert collect(fitted).remarks == (
        f"{fitted / 'drug_merged_fitted_maturation.csv'} is older than drug_merged.csv. "
        "Fit again.",
    )


def test_fits_of_a_model_that_is_gone_are_left_out(fitted, monkeypatch):
    monkeypatch.delitem(MODELS.data, "maturation")
    report = collect(fitted)
    assert report.fits == ()
    assert "its model 'maturation' is not registered" in report.remarks[0]


def test_a_damaged_run_file_is_no_obstacle(folder):
    (folder / "run.json").write_text("{")
    assert collect(folder).run == {}
    assert "Settings and versions" in page_of(folder)


@pytest.mark.parametrize("keep", [0, 1, 3])
def test_hardly_any_data_is_reported_without_complaint(tmp_path, keep):
    folder = experiment(tmp_path, n_fovs=1, n_cells=1)
    write_traces(folder, traces_of(0)[:keep], 0)
    path = write_merged(folder, {"a": "0"})["a"][0]
    fit_file(path, "auto", workers=1)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        page = page_of(folder)
    assert ("There are no traces" in page) == (keep == 0)
    figures_in(page)


def test_fields_of_view_show_why_cells_were_left_out(run):
    path = run / "run.json"
    entries = unseal(path.read_bytes())
    notes = entries["fovs"]["1"]["extraction"]["outputs"]["traces"]
    notes["removed"] = {"min_frames": [5, 6], "border_margin": [6, 7, 8]}
    path.write_bytes(seal(entries))
    bars = next(f for f in figures_in(page_of(run)) if f.get("layout", {}).get("barmode"))
    assert {bar["name"]: bar["y"][1] for bar in bars["data"]} == {
        "with a trace": n_cells(1),
        "in fewer than 2 frames": 1,
        "within 2 px of the edge": 2,
        "both": 1,
    }


def test_crowded_fields_and_failures_are_told_at_the_top(run):
    path = run / "run.json"
    entries = unseal(path.read_bytes())
    for fov in entries["fovs"].values():
        part = fov["segmentation"]["outputs"]["seg_labeled_ch_0/0"]
        part["objects"]["large_area"] = part["objects"]["kept_area"]
    entries["fovs"]["0"]["tracking"] |= {"status": "failed", "message": "disk <full>"}
    path.write_bytes(seal(entries))
    page = page_of(run)
    assert "50 % of the foreground was dropped as larger than 10000 px\u00b2" in page
    assert "FOV 0, tracking: disk &lt;full&gt;" in page


def test_the_sheet_shows_cells_with_a_trace_and_others(run):
    shown = list(contact_sheet.pictures(collect(run)))
    assert [picture.caption for picture in shown[:3]] == [
        "FOV 0, frame 0, 0.0 h",
        "FOV 0, frame 2, 0.3 h",
        "FOV 0, frame 5, 0.8 h",
    ]
    assert len(shown) == 6
    assert all(picture.url.startswith("data:image/jpeg;base64,/9j/") for picture in shown)


@pytest.mark.parametrize("level", [(8, 8), (4, 4), (5, 7)])
def test_outlines_lie_inside_their_cells(level):
    labels = np.zeros((8, 8), np.uint16)
    labels[1:4, 1:4], labels[1:7, 5:8] = 3, 4
    rgb = overlays.draw_outlines(np.full(level, 9, np.uint8), labels, np.array([4]))
    kept, other = (
        (rgb == shade).all(axis=2) for shade in (overlays.WITH_TRACE, overlays.WITHOUT_TRACE)
    )
    rows, columns = (np.arange(n) * 8 // n for n in level)
    small = labels[np.ix_(rows, columns)]
    assert kept.any()
    assert other.any()
    assert (small[kept] == 4).all()
    assert (small[other] == 3).all()
    near = ndimage.binary_dilation(kept | other, np.ones((3, 3)))
    expected = np.where(near, 0, 9)  # a dark rim at both sides
    np.testing.assert_array_equal(rgb[~kept & ~other, 0], expected[~kept & ~other])


def test_quality_is_measured_from_the_images(run):
    quality = assess(collect(run))
    for fov in (0, 1):
        hours, moved = quality.drift[fov]
        np.testing.assert_allclose(hours, times_of(2, N_FRAMES)[fov] / 60)
        np.testing.assert_allclose(moved, 2 * np.arange(N_FRAMES), atol=1.0)
        _, levels = quality.background[1][fov]
        np.testing.assert_allclose(levels, BACKGROUND, atol=3)
        _, sharp = quality.focus[fov]
        np.testing.assert_allclose(sharp, 1, atol=0.1)


def test_drift_is_that_of_the_stage_where_the_run_has_looked_for_it(tmp_path):
    from pyama.processing.workflow.run import process
    from pyama.traces.shifts_table import load_shifts
    from small_movie import MOVIE, make_config, recording_of

    process(recording_of(MOVIE[:1]), make_config(registration="phase_correlation"), tmp_path)
    report = collect(tmp_path)
    drift = load_shifts(next(tmp_path.rglob("*_shifts.csv")))
    _, moved = assess(report).drift[0]
    np.testing.assert_allclose(moved, np.hypot(*drift.T), atol=1e-4)
    assert "Drift: of the stage" in quality_section(report)


def test_saturated_and_lost_frames_are_listed(tmp_path):
    from pyama.processing.workflow.run import process
    from small_movie import MOVIE, make_config, recording_of

    images = MOVIE[:1].copy()
    images[0, [1, 4], 1, :8, :10] = 4095  # few frames, between those that a sample would take
    process(recording_of(images), make_config(), tmp_path)
    section = quality_section(collect(tmp_path))
    assert ">1, 4</td>" in section
    assert "4095" in section
    folder = experiment(
        tmp_path / "lost", missing=({"fov": 1, "channel": 1, "frames": (3, 4)},)
    )
    assert '<td class="wrap">3, 4</td>' in page_of(folder)


def test_a_run_without_previews_or_images_is_reported_all_the_same(run):
    for preview in run.glob("fov_000/images.zarr/*/1"):
        shutil.rmtree(preview)
    shutil.rmtree(run / "fov_001" / "images.zarr")
    for mark in [*run.glob("fov_000/.marks/*.1.json"), *run.glob("fov_001/.marks/*.json")]:
        mark.unlink()
    page = page_of(run)
    assert page.count("<figure>") == 3
    assert "Quality of the recording" in page


def test_examples_are_the_best_the_median_and_the_worst(fitted):
    report = collect(fitted)
    fits = report.fits[0].table
    figures = fit_examples(fits, report.traces, "intensity_total_ch_1", 0, "y")
    ranked = fits.sort_values("r_squared", ascending=False).iloc[[0, len(fits) // 2, -1]]
    words = [figure["layout"]["title"]["text"] for figure in figures]
    assert [
        f"FOV {row.fov}, cell {row.cell}" in text
        for row, text in zip(ranked.itertuples(), words, strict=True)
    ] == [True] * 3
    for points, curve in (figure["data"] for figure in figures):
        on_curve = np.interp(points["x"], curve["x"], curve["y"])
        np.testing.assert_allclose(on_curve, points["y"], atol=2000)


def test_numbers_have_units_and_p_values_come_before_medians(fitted):
    page = page_of(fitted)
    labels = [f["layout"]["xaxis"]["title"]["text"] for f in figures_in(page) if "layout" in f]
    assert "area under the curve (counts h)" in [label.partition(";")[0] for label in labels]
    heads = [re.findall(r"<th.*?>(.*?)</th>", head) for head in page.split("<thead>")[1:]]
    tested, cells = next(
        (first, second) for first, second in pairwise(heads) if "p, Holm" in first
    )
    assert tested[:7] == [
        *("feature", "unit", "b \u2212 a", "difference", "95 % interval", "p", "p, Holm")
    ]
    assert tested[-1] == "fields of view, a and b"
    assert cells[3:6] == ["shift", "95 % interval", "p, cells"]


def test_what_a_comparison_saves_has_all_columns(fitted):
    name = "maturation_intensity_total_ch_1_comparison.csv"
    link = re.search(rf'download="{name}" href=".*?,(.*?)"', page_of(fitted))
    saved = pd.read_csv(io.BytesIO(base64.b64decode(link[1])))
    report = collect(fitted)
    names = report.fits[0].parameters
    order = report.samples
    expected = comparison(report.fits[0].table, names, reference=order[0], order=order)
    pd.testing.assert_frame_equal(saved.drop(columns="unit"), expected)


def test_samples_are_not_compared_by_how_good_their_fits_are(fitted):
    _, _, page = page_of(fitted).rpartition("Compared with")
    shown = page[: page.index("</table>")]
    assert ">t0<" in shown
    assert "r_squared" not in shown


def test_cells_far_out_and_rare_features_are_named(fitted):
    report = collect(fitted)
    table = report.fits[0].table
    number = table.groupby("sample").cumcount().mod(3).astype(str)
    table["replicate"] = table["sample"] + number
    table["ktl"] = table["ktl"].where((table["sample"] == "control") | number.eq("0"))
    table["t0"] = [*np.linspace(1, 2, len(table) - 1), 1e6]
    page = statistics_section(report)
    assert f"by more than 3 interquartile ranges: t0 1 of {len(table)}." in page
    assert "Each replicate with a value counts as one; too few: ktl of drug (1)." in page


def test_means_and_bands_are_those_of_the_cells():
    table = traces_of(0).assign(sample="a", time=lambda t: t["frame"] / 4)
    column = "intensity_total_ch_1"
    band, line = overview(table, column, ["a"], "y")["data"]
    wide = table.pivot_table(index="frame", columns="cell", values=column)
    np.testing.assert_allclose(line["y"], wide.mean(axis=1), rtol=1e-4)
    low, high = wide.quantile(0.25, axis=1), wide.quantile(0.75, axis=1)
    np.testing.assert_allclose(band["y"], [*low, *high[::-1]], rtol=1e-4)
    assert set(line["customdata"]) == {4}


@given(features=st.integers(1, 6), samples=st.integers(1, 96), frames=st.integers(1, 2000))
def test_single_traces_fit_into_the_budget(features, samples, frames):
    table = pd.DataFrame({"frame": np.arange(frames)})
    most = traces_to_draw(table, features, samples)
    drawn = most * features * samples * 2 * min(frames, 200)
    assert 3 <= most <= 60
    assert most == 3 or drawn <= NUMBERS


def test_long_traces_are_thinned_out():
    table = pd.concat([traces_of(0)] * 30, ignore_index=True)
    table["frame"] = table.groupby("cell").cumcount()
    table["time"] = table["frame"] / 4
    figure = single_traces(table, "intensity_total_ch_1", "a", 0, label="y", most=2)
    assert len(figure["data"][0]["x"]) <= 2 * 201


values = npst.arrays(float, st.integers(0, 40), elements=st.floats(width=32))


@given(values)
def test_the_central_range_holds_the_middle_half(found):
    low, high = central_range(found)
    assert low < high
    finite = found[np.isfinite(found)]
    if finite.size:
        q25, q75 = np.quantile(finite, [0.25, 0.75])
        inside = (finite >= low) & (finite <= high)
        assert inside[(finite >= q25) & (finite <= q75)].all()
        told = not_shown(found, low, high)
        outside = (~inside).sum()
        assert told == (f"{outside} of {len(finite)} far out, not drawn" if outside else "")
    assert (np.diff(bin_edges(found)) > 0).all()


@given(st.integers(0, 50), st.integers(1, 20))
def test_evenly_takes_first_and_last_and_not_more_than_asked(n, most):
    picked = evenly_spaced(n, most)
    assert len(picked) == min(n, most)
    assert picked == sorted(set(picked))
    if n and most > 1:
        assert (picked[0], picked[-1]) == (0, n - 1)


@given(values)
def test_figures_of_any_numbers_are_valid_json(found):
    table = pd.DataFrame(
        {"sample": "a", "fov": 0, "cell": range(len(found)), "x": found, "class": "good"}
    )
    for figure in (
        histogram(table, "x", ["a"], "x"),
        scatter(table, {"x": "x"}, ["a"]),
        classes(table, ["a", "b"]),
    ):
        json.dumps(figure, allow_nan=False)


def test_shares_of_a_histogram_add_up():
    table = pd.DataFrame({"sample": ["a"] * 50 + ["b"] * 10, "x": np.arange(60.0)})
    for bars in histogram(table, "x", ["a", "b"], "x")["data"]:
        assert sum(bars["y"]) == pytest.approx(100, abs=0.01)


def test_far_values_are_counted_below_the_histogram():
    table = pd.DataFrame({"sample": "a", "x": [*np.arange(50.0), 1e6]})
    figure = histogram(table, "x", ["a"], "x")
    assert figure["layout"]["xaxis"]["title"]["text"] == "x; 1 of 51 far out, not drawn"


def test_what_is_not_finite_becomes_null():
    assert round_numbers([1.23456789, np.nan, np.inf, -0.0]) == [1.2346, None, None, 0]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.123456, "0.1235"),
        (1234567.0, "1\u202f235\u202f000"),
        (np.nan, "\u2013"),
        ("<b>", "&lt;b&gt;"),
    ],
)
def test_cells_of_tables_are_for_people(value, text):
    frame = pd.DataFrame({"a": pd.Series([value], dtype=object)})
    assert f"<td>{text}</td>" in markup.table(frame)


def test_long_tables_are_cut_and_saved_whole():
    frame = pd.DataFrame({"a": range(1000)})
    shown = markup.table(frame, save="a.csv")
    assert shown.count("<tr>") == 401
    assert "and 600 more rows" in shown
    assert 'download="a.csv"' in shown


@given(st.text())
def test_no_text_ends_the_data_of_a_figure(text):
    drawn = markup.plot({"data": [], "layout": {"title": text}})
    body = drawn.partition('<script type="application/json">')[2]
    assert body.count("<") == 2
    assert json.loads(body.partition("</script>")[0])["layout"]["title"] == text
