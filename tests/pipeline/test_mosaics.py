"""Pixels of a mosaic that no tile covers count for nothing."""

import numpy as np
import pandas as pd
import pytest

from pyama.algorithms.drift import drifts
from pyama.algorithms.gaps import fill_gaps
from pyama.analysis.report.html_page import write_report
from pyama.processing.steps.registration import shift_lines
from pyama.processing.workflow import process
from pyama.runs.summary import summary
from pyama.store import FovStore, NotRecorded
from pyama.testing.czi_writer import write_czi
from small_movie import CENTRES, HEIGHT, MOVIE, N_FRAMES, WIDTH, make_config, n_cells

UPPER, LOWER = (0, 0, 66, WIDTH), (82, 0, HEIGHT, WIDTH)
"""Tiles with a gap between the cells."""
BOTH = [UPPER, LOWER]


@pytest.fixture
def run(tmp_path):
    def processed(name, images, tiles=None, **params):
        path = tmp_path / f"{name}.czi"
        write_czi(path, images[:, :, None], channel_names=["Phase", "GFP"], tiles=tiles)
        config = make_config(**params)
        report = process(path, config, tmp_path / name)
        assert report.succeeded, [str(failure) for failure in report.failures]
        table = pd.read_csv(next((tmp_path / name).rglob("*_traces.csv")))
        return table, report, FovStore(tmp_path / name, 0)

    return processed


@pytest.mark.parametrize("method", ["logstd", "watershed"])
def test_cells_and_numbers_are_as_without_the_gap(method, run):
    whole, _, before = run("whole", MOVIE[:1], segmentation_method=method)
    table, report, store = run(
        "gap", MOVIE[:1], lambda p, t, z, c: BOTH, segmentation_method=method
    )
    assert len(table) == len(whole) == len(CENTRES) * N_FRAMES
    places = ["cell", "frame", "position_x", "position_y"]
    pd.testing.assert_frame_equal(table[places], whole[places], atol=1)
    np.testing.assert_allclose(table["area_ch_0"], whole["area_ch_0"], rtol=0.05)
    means = [frame["intensity_mean_ch_1"] for frame in (table, whole)]
    np.testing.assert_allclose(*means, atol=8)
    for group in ("pc_ch_0", "fl_ch_1", "fl_background_ch_1"):
        pixels, all_pixels = store.stack(group)[3], before.stack(group)[3]
        assert not pixels[66:82].any()
        assert store.not_recorded(group).boxes[3] == ((66, 0, 82, WIDTH),)
        if "background" not in group:
            np.testing.assert_array_equal(pixels[:66], all_pixels[:66])
            np.testing.assert_array_equal(pixels[82:], all_pixels[82:])
        else:
            np.testing.assert_allclose(pixels[:66], all_pixels[:66], atol=12)
    seen = np.delete(MOVIE[0], range(66, 82), axis=2)
    for c, group in enumerate(("pc_ch_0", "fl_ch_1")):
        contrast = store.stack(group, "1").attributes["pyama"]
        expected = np.percentile(seen[:, c], [1, 99])
        np.testing.assert_allclose([contrast["low"], contrast["high"]], expected)
    levels = np.delete(
        np.stack(list(store.stack("fl_background_ch_1"))), range(66, 82), axis=1
    )
    contrast = store.stack("fl_background_ch_1", "1").attributes["pyama"]
    expected = np.percentile(levels, [1, 99])
    np.testing.assert_allclose([contrast["low"], contrast["high"]], expected, atol=0.1)
    covered = f"no tile covers {100 * 16 / HEIGHT:.2g} % of the pixels."
    assert f"FOV 0, GFP: {covered}" in report.metadata.problems
    (phase, gfp) = summary(report, make_config(), 1)["not_recorded"]
    assert phase["pixels"] == gfp["pixels"]
    assert "no tile covers" in write_report(store.path.parent).read_text(encoding="utf-8")


def test_a_frame_that_is_mostly_not_covered_is_thresholded_by_the_rest(run):
    images = np.zeros((1, N_FRAMES, 2, 4 * HEIGHT, WIDTH), np.uint16)
    images[0, :, :, :HEIGHT], images[0, :, :, 3 * HEIGHT :] = MOVIE[0], MOVIE[1]
    tiles = [(0, 0, HEIGHT, WIDTH), (3 * HEIGHT, 0, 4 * HEIGHT, WIDTH)]
    table, _, _ = run("far", images, lambda p, t, z, c: tiles)
    assert len(table) == n_cells(0, 1) * N_FRAMES
    assert table["intensity_mean_ch_1"].between(150, 250).all()


def test_a_tile_that_fluorescence_lacks_gives_empty_fields_in_its_cells(run):
    def tiles(p, t, z, c):
        return [UPPER] if (t, c) in {(2, 1), (3, 1)} else BOTH

    table, report, _ = run("lacking", MOVIE[:1], tiles)
    lost = table["frame"].isin([2, 3]) & (table["position_y"] > 82)
    assert lost.sum() == 4
    assert (table["intensity_total_ch_1"].isna() == lost).all()
    assert table["area_ch_0"].notna().all()
    assert report.metadata.missing == ()


def test_a_cell_that_a_gap_cuts_is_left_out_like_one_at_the_edge(run):
    tiles = [(0, 0, 50, WIDTH), (54, 0, HEIGHT, WIDTH)]  # through the upper two cells
    table, _, _ = run("cut", MOVIE[:1], lambda p, t, z, c: tiles)
    assert sorted(table["position_y"].round(-1).unique()) == [110, 120]
    table, _, _ = run("kept", MOVIE[:1], lambda p, t, z, c: tiles, border_margin=0)
    assert table["position_y"].min() < 60


def test_a_gap_does_not_move_with_the_stage():
    rng = np.random.default_rng(1)
    world = rng.normal(2000, 100, (260, 260)).astype(np.uint16)
    frames = np.array([world[5 * t : 5 * t + 200, 3 * t : 3 * t + 200] for t in range(4)])
    gaps = np.zeros((200, 200), bool)
    gaps[80:120], gaps[:, 150:160] = True, True
    frames[:, gaps] = 0
    lost = NotRecorded(boxes=dict.fromkeys(range(4), ((80, 0, 120, 200), (0, 150, 200, 160))))
    lines = list(shift_lines(frames, lost, {}, 0))
    assert len(lines) == 4
    found = [(d.y, d.x) for d in drifts(fill_gaps(frame, gaps) for frame in frames)]
    np.testing.assert_allclose(found, [(-5 * t, -3 * t) for t in range(4)], atol=0.3)


def test_cells_that_vanish_with_a_tile_are_not_taken_for_a_lost_focus(run):
    images = MOVIE[:1].copy()
    lower = (135, 0, HEIGHT, WIDTH)  # without any cell

    def tiles(p, t, z, c):
        return [(0, 0, HEIGHT, WIDTH)] if c == 1 or t not in (2, 3) else [lower]

    _, report, _ = run("lacking", images, tiles)
    warnings = summary(report, make_config(), 1)["warnings"]
    (lost,) = [text for text in warnings if "vanish" in text]
    assert "vanish in frame 2-3, where no tile covers a part of the phase contrast" in lost
