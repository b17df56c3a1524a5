"""Synthetic recordings keep what their truth promises."""

import subprocess
import sys

import nd2
import numpy as np
import pytest
import tifffile
from pylibCZIrw import czi
from scipy import ndimage
from scipy.integrate import solve_ivp

from pyama.algorithms.params import LogStdParams
from pyama.algorithms.segmenters.logstd import segment
from pyama.errors import ConfigError
from pyama.testing.synthetic import SyntheticRecording
from pyama.testing.synthetic_cells import Expression

LIVELY = {"shape": (384, 512), "n_cells": 16, "n_frames": 8, "n_fl": 2, "seed": 3}


@pytest.fixture(scope="module")
def lively():
    return SyntheticRecording(
        **LIVELY, division_rate=0.1, turnover_rate=0.05, touching_fraction=0.5
    )


@pytest.fixture(scope="module")
def truth(lively):
    return lively.truth(0)


def test_the_same_parameters_draw_the_same_pixels_in_any_order():
    first, second = (SyntheticRecording(**LIVELY, n_fovs=2) for _ in range(2))
    late = second.frame(1, 7)
    np.testing.assert_array_equal(first.frame(0, 0), second.frame(0, 0))
    np.testing.assert_array_equal(first.frame(1, 7), late)


def test_seeds_and_fields_of_view_differ():
    recording = SyntheticRecording(**LIVELY, n_fovs=2)
    other = SyntheticRecording(**{**LIVELY, "seed": 4})
    assert (recording.labels(0, 0) != recording.labels(1, 0)).any()
    assert (recording.labels(0, 0) != other.labels(0, 0)).any()


def test_ids_are_used_once_and_without_gaps_in_time(truth):
    assert truth.n_cells > LIVELY["n_cells"]
    assert set(np.unique(truth.labels)) == set(range(truth.n_cells + 1))
    for i, row in enumerate(truth.present):
        frames = np.flatnonzero(row)
        assert (frames[0], frames[-1]) == (truth.first_frames[i], truth.last_frames[i])
        assert len(frames) == frames[-1] - frames[0] + 1
    assert (np.diff(truth.first_frames) >= 0).all()


def test_cells_are_born_and_die(truth):
    last = LIVELY["n_frames"] - 1
    assert ((truth.first_frames > 0) & (truth.parents == 0)).any()
    assert (
        (truth.last_frames < last) & ~np.isin(np.arange(truth.n_cells) + 1, truth.parents)
    ).any()


def test_daughters_follow_their_mother_and_are_half_as_large(truth):
    daughters = np.flatnonzero(truth.parents)
    assert len(daughters) >= 2
    for d in daughters[~truth.at_border[daughters, truth.first_frames[daughters]]]:
        mother, frame = truth.parents[d] - 1, truth.first_frames[d]
        assert frame == truth.last_frames[mother] + 1
        if not truth.at_border[mother, frame - 1]:
            ratio = truth.areas[d, frame] / truth.areas[mother, frame - 1]
            assert ratio == pytest.approx(0.5, abs=0.05)


def test_areas_are_those_of_the_labels(truth):
    for t, labels in enumerate(truth.labels):
        counts = np.bincount(labels.ravel(), minlength=truth.n_cells + 1)
        np.testing.assert_array_equal(counts[1:], truth.areas[:, t])


def test_radii_are_those_asked_for():
    recording = SyntheticRecording(shape=(512, 512), n_cells=16, radius_px=(17, 28))
    truth = recording.truth(0)
    whole = truth.present & ~truth.at_border & ~truth.touching
    radius = np.sqrt(truth.areas[whole] / np.pi)
    assert radius.min() > 16.5
    assert radius.max() < 28.5


def test_totals_follow_the_known_curve_where_nothing_is_cut_off(truth):
    free = truth.present & ~truth.at_border & ~truth.touching
    hours = truth.times_min / 60
    curves = np.array([[e.total(hours) for e in cell] for cell in truth.expressions])
    np.testing.assert_allclose(truth.totals[free], curves.transpose(0, 2, 1)[free], rtol=1e-5)
    assert (truth.totals[truth.present] > 0).all()
    assert (truth.totals[~truth.present] == 0).all()


def test_the_picture_less_its_background_sums_up_to_the_totals(lively, truth):
    for t in (0, 7):
        frame = lively.frame(0, t).astype(float)
        for channel in range(2):
            signal = frame[1 + channel] - truth.backgrounds[channel]
            for i in np.flatnonzero(truth.present[:, t]):
                found = signal[truth.labels[t] == i + 1].sum()
                expected = truth.totals[i, t, channel]
                noise = np.sqrt(expected + 700 * truth.areas[i, t])
                assert abs(found - expected) < 5 * noise


def test_the_background_is_uneven_as_asked_for_and_its_noise_is_shot_and_read_noise():
    recording = SyntheticRecording(
        **LIVELY | {"n_cells": 0}, background_swing=50, read_noise=20
    )
    backgrounds = recording.backgrounds(0)
    assert backgrounds.min() == pytest.approx(550, abs=0.1)
    assert backgrounds.max() == pytest.approx(650, abs=0.1)
    noise = recording.frame(0, 0)[1:] - backgrounds
    assert noise.mean() == pytest.approx(0, abs=0.3)
    assert (noise**2 / (backgrounds + 400)).mean() == pytest.approx(1, abs=0.02)


def test_cells_that_do_not_touch_are_far_from_each_other(truth):
    for t in (0, 4, 7):
        labels = truth.labels[t]
        for i in np.flatnonzero(truth.present[:, t]):
            others = (labels > 0) & (labels != i + 1)
            away = ndimage.distance_transform_edt(~others)[labels == i + 1].min()
            # the distance along a ray exceeds the shortest one
            assert away > 10 if not truth.touching[i, t] else away < 16


def test_some_cells_touch_and_some_never_do(truth):
    assert truth.touching.any()
    assert 0 < truth.never_touching.sum() < truth.n_cells
    np.testing.assert_array_equal(truth.never_touching, ~truth.touching.any(axis=1))


def test_phase_contrast_is_textured_inside_smooth_outside_with_a_bright_rim(lively, truth):
    phase = lively.frame(0, 0)[0].astype(float)
    mean = ndimage.uniform_filter(phase, 3)
    spread = np.sqrt(np.maximum(ndimage.uniform_filter(phase**2, 3) - mean**2, 0))
    cells = truth.labels[0] > 0
    away = ndimage.distance_transform_edt(~cells)
    background = np.median(spread[away > 20])
    inside = ndimage.distance_transform_edt(cells) > 3
    assert np.median(spread[inside]) > 2.5 * background
    rim, far = np.median(phase[(away >= 1) & (away <= 2)]), np.median(phase[away > 20])
    assert np.median(phase[inside]) < far < rim - 500


def test_segmentation_finds_every_cell_that_stands_alone():
    recording = SyntheticRecording(shape=(512, 512), n_frames=1)
    truth = recording.truth(0)
    found = segment(recording.frame(0, 0)[0], LogStdParams())
    alone = truth.present[:, 0] & ~truth.touching[:, 0] & ~truth.at_border[:, 0]
    assert alone.sum() > 8
    for i in np.flatnonzero(alone):
        mask = truth.labels[0] == i + 1
        label = np.bincount(found[mask]).argmax()
        assert label > 0
        union = mask | (found == label)
        assert (mask & (found == label)).sum() / union.sum() > 0.5


def test_everything_drifts_together():
    options = {"shape": (256, 256), "n_cells": 4, "n_frames": 4, "speed_px": 0.0}
    quiet = {
        "turnover_rate": 0.0,
        "division_rate": 0.0,
        "touching_fraction": 0.0,
        "n_debris": 0,
    }
    recording = SyntheticRecording(**options, **quiet, drift_px=(2.0, -3.0))
    position = recording.population(0).position
    steps = np.diff(position, axis=1)
    there = ~np.isnan(steps)
    np.testing.assert_allclose(steps[there], np.broadcast_to([2, -3], steps.shape)[there])


def test_cells_enter_and_leave_through_the_edge():
    recording = SyntheticRecording(
        shape=(256, 256),
        n_cells=6,
        n_frames=12,
        drift_px=(0.0, 12.0),
        turnover_rate=0.0,
        seed=1,
    )
    truth = recording.truth(0)
    leaves = truth.last_frames < 11
    enters = truth.first_frames > 0
    assert leaves.any()
    assert enters.any()
    assert truth.at_border[leaves, truth.last_frames[leaves]].any()


CORNERS = [
    pytest.param({"n_cells": 0}, id="no cells"),
    pytest.param({"n_frames": 1}, id="one frame"),
    pytest.param({"n_fl": 0}, id="no fluorescence"),
    pytest.param({"n_fl": 4}, id="four fluorescence channels"),
    pytest.param({"n_debris": 0}, id="no debris"),
    pytest.param(
        {"radius_px": (20.0, 20.0), "touching_fraction": 1.0}, id="all alike and touching"
    ),
]


@pytest.mark.parametrize("options", CORNERS)
def test_corner_cases_are_drawn(options):
    recording = SyntheticRecording(
        **{"shape": (128, 150), "n_cells": 3, "n_frames": 3, **options}
    )
    params = recording.params
    frame = recording.frame(0, params.n_frames - 1)
    assert (frame.shape, frame.dtype) == ((1 + params.n_fl, 128, 150), np.uint16)
    truth = recording.truth(0)
    assert truth.labels.shape == (params.n_frames, 128, 150)
    assert truth.totals.shape == (truth.n_cells, params.n_frames, params.n_fl)
    assert recording.channel_names == ("Phase", "GFP", "RFP", "CFP", "YFP")[: 1 + params.n_fl]


def test_the_number_of_cells_follows_the_size_of_the_frame():
    assert SyntheticRecording().params.cells_per_fov == 300
    assert SyntheticRecording(shape=(1024, 1024)).params.cells_per_fov == 75


WRONG = [
    pytest.param({"n_frames": 0}, "n_frames", id="no frames"),
    pytest.param({"n_fl": 5}, "n_fl", id="too many channels"),
    pytest.param({"cells": 3}, "cells", id="unknown"),
    pytest.param({"radius_px": (20, 10)}, "smallest, largest", id="radii"),
    pytest.param({"shape": (10, 10)}, "shape", id="tiny frame"),
]


@pytest.mark.parametrize(("options", "message"), WRONG)
def test_wrong_parameters_are_refused(options, message):
    with pytest.raises(ConfigError, match=message):
        SyntheticRecording(**options)


def test_too_many_cells_are_refused():
    recording = SyntheticRecording(shape=(128, 128), n_cells=50)
    with pytest.raises(ConfigError, match=r"50 cells of .* do not fit .* Use fewer"):
        recording.frame(0, 0)


@pytest.mark.parametrize(("fov", "t"), [(2, 0), (-1, 0), (0, 8), (0, -1)])
def test_frames_that_do_not_exist_are_refused(lively, fov, t):
    with pytest.raises(IndexError, match="of a recording with"):
        lively.frame(fov, t)


def test_the_curve_solves_the_equations_of_the_maturation_model():
    e = Expression(offset=50, ktl_m0=1000, t0=1.5, delta=0.1, beta=0.03, km=1.3)

    def change(_, state):
        mrna, dark, bright = state
        return [
            -e.delta * mrna,
            e.ktl_m0 * mrna - (e.km + e.beta) * dark,
            e.km * dark - e.beta * bright,
        ]

    hours = np.linspace(1.5, 40, 30)
    solved = solve_ivp(change, (1.5, 40), [1, 0, 0], t_eval=hours, rtol=1e-10, atol=1e-9)
    np.testing.assert_allclose(e.total(hours), 50 + solved.y[2], rtol=1e-6)
    np.testing.assert_array_equal(e.total([0, 1.5]), [50, 50])
    np.testing.assert_allclose(2 * e.after_division().total(hours), e.total(hours))


def read_nd2(path):
    with nd2.ND2File(path) as file:
        assert [c.channel.name for c in file.metadata.channels] == ["Phase", "GFP"]
        return file.asarray().swapaxes(0, 1)


def read_czi(path):
    with czi.open_czi(str(path)) as file:
        return np.array(
            [
                [
                    [file.read(plane={"T": t, "C": c}, scene=p)[..., 0] for c in range(2)]
                    for t in range(3)
                ]
                for p in range(2)
            ]
        )


def read_ome_tiff(path):
    with tifffile.TiffFile(path) as tif:
        return np.array([series.asarray() for series in tif.series])


@pytest.mark.parametrize(
    ("kind", "read"), [("nd2", read_nd2), ("czi", read_czi), ("ome-tiff", read_ome_tiff)]
)
def test_a_recording_is_written_as_it_is_drawn(tmp_path, kind, read):
    recording = SyntheticRecording(shape=(96, 80), n_cells=1, n_frames=3, n_fovs=2)
    path = recording.write(tmp_path / "recording", kind)
    drawn = [[recording.frame(fov, t) for t in range(3)] for fov in range(2)]
    np.testing.assert_array_equal(read(path), drawn)


def test_importing_the_package_imports_nothing_heavy():
    heavy = "{'scipy', 'numba', 'tifffile', 'nd2', 'pylibCZIrw', 'zarr', 'pandas'}"
    code = (
        "import sys, pyama.testing.synthetic, pyama.testing.czi_writer\n"
        "import pyama.testing.nd2_writer\n"
        f"import pyama.testing.ometiff_writer; print(sorted({heavy} & set(sys.modules)))"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    assert result.stdout.decode().strip() == "[]"


QUIET = {"n_fl": 0, "turnover_rate": 0.0, "division_rate": 0.1, "seed": 3}


def test_the_stage_shows_another_part_of_the_same_world():
    world = {"shape": (200, 220), "n_cells": 8, "n_frames": 4, "world_px": 60, **QUIET}
    stage = ((0.0, 0.0), (12.0, -40.0), (-30.0, 25.0), (60.0, 7.0))
    still, moving = SyntheticRecording(**world), SyntheticRecording(**world, stage_px=stage)
    path = moving.population(0).position - still.population(0).position
    there = ~np.isnan(path)
    np.testing.assert_allclose(path[there], np.broadcast_to(stage, path.shape)[there])
    for t, (y, x) in enumerate(np.array(stage, int)):
        seen, whole = moving.labels(0, t) > 0, still.labels(0, t) > 0
        inner = np.zeros_like(seen)
        inner[60:-60, 60:-60] = True  # of which both show the whole cells
        moved = np.roll(whole, (y, x), axis=(0, 1))
        both = inner & np.roll(inner, (y, x), axis=(0, 1))
        assert (seen & both).sum() == (moved & both).sum() > 0
        assert (seen == moved)[both].all()


def test_specks_move_with_the_stage_and_light_does_not():
    options = {"shape": (128, 128), "n_cells": 0, "n_frames": 2, "world_px": 30, **QUIET}
    stage = {"stage_px": ((0.0, 0.0), (17.0, -21.0))}
    empty = SyntheticRecording(**options, **stage, n_debris=0).frame(0, 1)[0].astype(float)
    moved = SyntheticRecording(**options, **stage, n_debris=12).frame(0, 1)[0] - empty
    before = SyntheticRecording(**options, n_debris=12).frame(0, 1)[0] - empty
    assert np.abs(before[:-17, 21:]).max() > 400
    np.testing.assert_allclose(moved[17:, :-21], before[:-17, 21:], atol=60)


def test_a_stage_that_leaves_its_world_is_refused():
    with pytest.raises(ConfigError, match=r"goes 41.0 px away; world_px \(40\)"):
        SyntheticRecording(n_frames=1, stage_px=[(0.0, -41.0)], world_px=40)
    with pytest.raises(ConfigError, match="has 1 entries; expected one for each of 2 frames"):
        SyntheticRecording(n_frames=2, stage_px=[(0.0, 0.0)])


def test_uneven_light_dims_everything_but_the_offset_of_the_camera():
    facts = {"shape": (96, 128), "n_cells": 3, "n_frames": 1, "read_noise": 0, "seed": 5}
    even = SyntheticRecording(**facts)
    dim = SyntheticRecording(**facts, vignetting=0.6, camera_offset=200)
    light = dim.flat_field()
    np.testing.assert_allclose(light.mean(), 1, rtol=1e-5)
    np.testing.assert_allclose(light.min() / light.max(), 0.4, rtol=0.01)
    (phase, bright), (same, found) = even.frame(0, 0), dim.frame(0, 0)
    np.testing.assert_array_equal(same, phase)
    expected = 200 + light * (bright.astype(float) - 200)
    assert abs((found - expected).mean()) < 1
    np.testing.assert_array_equal(dim.truth(0).totals, even.truth(0).totals)
