"""Uneven light, from the configuration to the traces."""

import json

import numpy as np
import pandas as pd
import pytest
import tifffile
import zarr

import pyama
from pyama.algorithms.flat_field import from_image
from pyama.analysis.report.html_page import build
from pyama.analysis.report.report_data import collect
from pyama.config import Channels
from pyama.errors import ConfigError
from pyama.metadata import MissingPlanes
from pyama.processing.methods import SEGMENTERS
from pyama.processing.recipes import FovContexts, recipes
from pyama.processing.step_reports import Status
from pyama.processing.steps.illumination import sources
from pyama.processing.verify import verify
from pyama.processing.workflow import process
from pyama.processing.workflow.planned_steps import plan_fov
from pyama.readers.array import ArrayReader
from pyama.runs.summary import summary
from pyama.store import FovStore
from small_movie import (
    HEIGHT,
    MOVIE,
    N_FOVS,
    SHAPE,
    WIDTH,
    StopAfter,
    contents,
    make_config,
    recording_of,
)

OFFSET = 100
N_PX = HEIGHT * WIDTH


def beam(shape):
    """Light that falls off to half, from a place off the centre."""
    y, x = (axis / n for axis, n in zip(np.indices(shape), shape, strict=True))
    light = 0.5 ** (((y - 0.45) ** 2 + (x - 0.6) ** 2) / 0.6)
    return (light / light.mean()).astype(np.float32)


LIGHT = beam(SHAPE)
LIT = MOVIE.copy()
LIT[:, :, 1] = np.rint(MOVIE[:, :, 1] * LIGHT + OFFSET)


@pytest.fixture
def files(tmp_path):
    folder = tmp_path / "light"
    folder.mkdir()
    tifffile.imwrite(folder / "flat.tif", LIGHT)
    tifffile.imwrite(folder / "counts.tif", np.rint(OFFSET + 9000 * LIGHT).astype(np.uint16))
    tifffile.imwrite(folder / "dark.tif", np.full(SHAPE, OFFSET, np.uint16))
    return folder


def run(folder, fovs=(0,), channels=None, **params):
    report = process(recording_of(LIT), make_config(channels, **params), folder, list(fovs))
    assert report.succeeded, report.failures
    return report


def statuses(report):
    return {entry.step: entry.status for entry in report.steps}


def traces(folder, fov=0):
    return pd.read_csv(folder / f"fov_{fov:03d}" / f"movie_fov_{fov:03d}_traces.csv")


def test_like_cells_are_equally_bright_wherever_they_are(tmp_path):
    size, rng = 512, np.random.default_rng(0)
    light, (y, x) = beam((size, size)), np.mgrid[:size, :size]
    mask = np.zeros((size, size), bool)
    for cy, cx in np.ndindex(3, 3):
        mask |= (y - 90 - 165 * cy) ** 2 + (x - 90 - 165 * cx) ** 2 <= 15**2
    images = np.empty((1, 3, 2, size, size), np.uint16)
    for t in range(3):
        images[0, t, 0] = 2000 + rng.normal(0, np.where(mask, 120, 8))
        images[0, t, 1] = rng.poisson((600 + 400 * mask) * light) + OFFSET
    recording = ArrayReader(images, ["Phase", "GFP"], basename="movie")
    tifffile.imwrite(tmp_path / "flat.tif", light)
    ways = {
        "off": {},
        "image": {"flat_field": str(tmp_path / "flat.tif")},
        "estimate": {"flat_field": "estimate", "dark_frame": OFFSET},
    }
    bias = {}
    for way, params in ways.items():
        assert process(recording, make_config(**params), tmp_path / way).succeeded
        means = traces(tmp_path / way).groupby("cell")["intensity_mean_ch_1"].mean()
        assert len(means) == 9
        bias[way] = means.max() / means.min() - 1
    np.testing.assert_allclose(means, 400, rtol=0.02)
    assert bias["off"] > 0.4, bias
    assert max(bias["image"], bias["estimate"]) < 0.02, bias


@pytest.mark.parametrize("weight", [1, 0.5, 0])
def test_traces_can_be_recomputed_from_what_is_on_disk(files, tmp_path, weight):
    sources = {"flat_field": {1: str(files / "counts.tif")}, "dark_frame": OFFSET}
    run(tmp_path / "out", background_weight=weight, **sources)
    images = zarr.open_group(tmp_path / "out" / "fov_000" / "images.zarr", mode="r")
    flat, dark = images["fl_flat_ch_1/0"][0], images["fl_dark_ch_1/0"][0]
    assert (flat.dtype, flat.shape) == (np.float32, SHAPE)
    np.testing.assert_allclose(flat, LIGHT, rtol=3e-4)
    np.testing.assert_array_equal(dark, OFFSET)
    np.testing.assert_array_equal(images["fl_ch_1/0"][:], LIT[0, :, 1], "raw data stay raw")
    for row in traces(tmp_path / "out").itertuples():
        mask = images["seg_tracked_ch_0/0"][row.frame] == row.cell
        raw, haze = (
            images[f"{name}_ch_1/0"][row.frame].astype(float)
            for name in ("fl", "fl_background")
        )
        pixels = (raw - dark - weight * (haze - dark)) / flat
        np.testing.assert_allclose(row.intensity_total_ch_1, pixels[mask].sum(), rtol=1e-12)
        np.testing.assert_allclose(row.intensity_mean_ch_1, pixels[mask].mean(), rtol=1e-12)


def test_every_feature_sees_corrected_pixels(files, tmp_path):
    names = ("intensity_max", "intensity_std", "texture", "intensity_rim", "seen", "seen_haze")
    features = pyama.FLUORESCENCE_FEATURES
    features["seen"] = lambda image, mask, context: image[mask].mean()
    features["seen_haze"] = lambda image, mask, context: context.background[mask].mean()
    try:
        channels = Channels(pc=0, fl=[(1, names)])
        sources = {"flat_field": str(files / "flat.tif"), "dark_frame": OFFSET}
        run(tmp_path / "out", channels=channels, **sources)
    finally:
        del features["seen"], features["seen_haze"]
    images = zarr.open_group(tmp_path / "out" / "fov_000" / "images.zarr", mode="r")
    row = next(traces(tmp_path / "out").itertuples())
    mask = images["seg_tracked_ch_0/0"][row.frame] == row.cell
    raw, haze = (
        (images[f"{name}_ch_1/0"][row.frame].astype(float) - OFFSET)
        / images["fl_flat_ch_1/0"][0]
        for name in ("fl", "fl_background")
    )
    np.testing.assert_allclose(row.intensity_max_ch_1, (raw - haze)[mask].max(), rtol=1e-9)
    np.testing.assert_allclose(row.intensity_std_ch_1, (raw - haze)[mask].std(), rtol=1e-9)
    np.testing.assert_allclose(row.seen_ch_1, raw[mask].mean(), rtol=1e-9)
    np.testing.assert_allclose(row.seen_haze_ch_1, haze[mask].mean(), rtol=1e-9)
    assert row.texture_ch_1 > 0


def test_switched_off_nothing_is_known_of_it():
    config = make_config(channels=Channels(pc=0, fl=[(1, ["intensity_total", "custom"])]))
    pyama.FLUORESCENCE_FEATURES["custom"] = lambda image, mask, context: 1
    try:
        found = recipes(recording_of(MOVIE).metadata, config, 0)
    finally:
        del pyama.FLUORESCENCE_FEATURES["custom"]
    assert not [name for name in found if name.startswith(("fl_flat", "fl_dark"))]
    assert found["traces"].inputs.keys() == {"cells/0"}
    assert not {"flat_field", "dark_frame"} & found["traces"].params["context"].keys()


def test_a_change_of_the_light_redoes_extraction_only(files, tmp_path):
    folder, flat = tmp_path / "out", files / "flat.tif"
    before = run(folder)
    assert set(statuses(before).values()) == {Status.DONE}
    untouched = contents(folder)
    changes = [
        {"flat_field": str(flat)},
        {"flat_field": str(flat), "dark_frame": OFFSET},
        {"flat_field": str(flat), "dark_frame": OFFSET + 1},
        {"flat_field": "estimate", "dark_frame": OFFSET + 1},
        {"flat_field": "estimate", "dark_frame": str(files / "dark.tif")},
    ]
    for params in changes:
        done = [
            step
            for step, status in statuses(run(folder, **params)).items()
            if status is Status.DONE
        ]
        assert done == ["extraction"], params
        assert set(statuses(run(folder, **params)).values()) == {Status.UNCHANGED}
        assert verify(folder).is_intact
    tifffile.imwrite(flat, LIGHT[::-1])
    assert statuses(run(folder, flat_field=str(flat)))["extraction"] is Status.DONE
    flat.rename(files / "renamed.tif")
    again = run(folder, flat_field={1: str(files / "renamed.tif")})
    assert set(statuses(again).values()) == {Status.UNCHANGED}
    run(folder)
    now = contents(folder)
    assert {path: now[path] for path in untouched} == untouched


def test_a_plan_says_why(files, tmp_path):
    run(tmp_path / "out", flat_field="estimate", dark_frame=OFFSET)
    config = make_config(flat_field="estimate", dark_frame=90)
    plan = plan_fov(FovContexts(recording_of(LIT).metadata, config, tmp_path / "out"), 0)
    (step,) = [step for step in plan if step.pending]
    assert step.pending == ["fl_dark_ch_1/0", "fl_flat_ch_1/0", "traces"]
    assert step.reasons[0] == "dark_frame changed 100 counts -> 90 counts"


def test_a_flat_field_that_is_gone_is_made_again(files, tmp_path):
    folder, params = tmp_path / "out", {"flat_field": "estimate", "dark_frame": OFFSET}
    run(folder, **params)
    before = contents(folder)
    (folder / "fov_000/images.zarr/fl_flat_ch_1/0/c.0.0.0").unlink()
    assert not verify(folder).is_intact
    assert statuses(run(folder, **params))["extraction"] is Status.DONE
    assert contents(folder) == before


def test_bytes_depend_neither_on_workers_nor_on_order_nor_on_stops(tmp_path):
    params = {"flat_field": "estimate", "dark_frame": OFFSET}
    run(tmp_path / "one", range(N_FOVS), **params)
    run(tmp_path / "two", range(N_FOVS), n_workers=2, **params)
    for fov in (2, 0, 1):
        config = make_config(**params)
        for looks in (40, 90):
            event = StopAfter(looks)
            process(recording_of(LIT), config, tmp_path / "three", [fov], cancel_event=event)
        run(tmp_path / "three", [fov], **params)
    expected = contents(tmp_path / "one")
    assert contents(tmp_path / "two") == expected
    assert contents(tmp_path / "three") == expected


def test_flat_field_and_dark_frame_are_valid_ome_zarr(tmp_path):
    run(tmp_path, flat_field="estimate", dark_frame=OFFSET)
    for group in ("fl_flat_ch_1", "fl_dark_ch_1"):
        opened = zarr.open_group(tmp_path / "fov_000" / "images.zarr" / group, mode="r")
        models = pytest.importorskip("ome_zarr_models")
        model = models.open_ome_zarr(opened)
        assert model.ome_attributes.multiscales[0].name == f"GFP {group[3:7]}" + (
            " field" if "flat" in group else " frame"
        )
        assert opened["0"].shape == (1, *SHAPE)
        assert FovStore(tmp_path, 0).mark(f"{group}/0") is not None


def test_without_a_dark_frame_the_user_is_told(tmp_path):
    report = run(tmp_path, flat_field="estimate")
    told = summary(report, make_config(flat_field="estimate"), 1.0)
    assert any("has no dark frame: the camera's offset" in text for text in told["warnings"])
    page = build(collect(tmp_path), "/* plotly */")
    assert "<h3>Uneven light</h3>" in page
    assert "has no dark frame" in page


@pytest.mark.parametrize("dark", [None, OFFSET])
@pytest.mark.parametrize("flat", ["estimate", "counts.tif", "flat.tif"])
def test_only_light_in_counts_needs_a_dark_frame(files, monkeypatch, flat, dark):
    monkeypatch.chdir(files)
    source = sources(make_config(flat_field=flat, dark_frame=dark), 0, SHAPE)[1]
    found = list(source.warnings(from_image(LIGHT, None)))
    assert ["no dark frame" in text for text in found] == (
        [True] if dark is None and flat != "flat.tif" else []
    )


BAD = {
    "missing": (
        {"flat_field": "absent.tif"},
        "FOV 0, channel 1: flat_field: there is no file",
    ),
    "no channel": ({"flat_field": {0: "estimate"}}, r"names channel 0, .*\(1\)"),
    "no dark channel": ({"dark_frame": {7: 100}}, r"names channel 7, .*\(1\)"),
    "another size": (
        {"dark_frame": "small.tif"},
        rf"channel 1: dark_frame: .*\({HEIGHT // 2}, {WIDTH}\)",
    ),
    "dark lamp": (
        {"flat_field": "dark.tif", "dark_frame": 100},
        f"{N_PX} of its {N_PX} pixels",
    ),
    "black": ({"flat_field": "black.tif"}, f"{N_PX} of its {N_PX} pixels are not above 0"),
}


@pytest.mark.parametrize("case", BAD)
def test_what_cannot_be_used_is_refused_before_any_work(files, tmp_path, monkeypatch, case):
    params, message = BAD[case]
    monkeypatch.chdir(files)
    tifffile.imwrite("small.tif", LIGHT[::2])
    tifffile.imwrite("black.tif", np.zeros(SHAPE, np.uint8))
    with pytest.raises(ConfigError, match=message) as caught:
        run(tmp_path / "out", **params)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("dark", [690, 5000])
def test_where_there_is_no_light_nothing_is_estimated(tmp_path, dark):
    config = make_config(flat_field="estimate", dark_frame=dark)
    report = process(recording_of(LIT), config, tmp_path, [0])
    (failure,) = report.failures
    assert failure.step == "extraction"
    assert "channel 1: the flat field cannot be estimated" in failure.message
    assert "--set 'flat_field={1: FILE.tif}'" in failure.message


def test_frames_without_background_do_not_count_for_the_estimate(tmp_path, monkeypatch):
    images = LIT[:1, :3].copy()
    images[0, 1, 0] = 60_000  # a frame full of cells
    monkeypatch.setitem(SEGMENTERS.data, "all_or_none", all_or_none)
    config = make_config(
        flat_field="estimate",
        dark_frame=OFFSET,
        segmentation_method="all_or_none",
        max_object_size=None,
    )
    fields = []
    for name, frames in (("all", [0, 1, 2]), ("rest", [0, 2])):
        report = process(recording_of(images[:, frames]), config, tmp_path / name)
        assert report.succeeded, report.failures
        fields.append(FovStore(tmp_path / name, 0).stack("fl_flat_ch_1")[0])
    np.testing.assert_array_equal(*fields)
    assert np.ptp(fields[0]) > 0.1


def all_or_none(frame, params):
    return np.full(frame.shape, frame[0, 0] == 60_000, np.uint16)


def test_a_channel_that_was_never_recorded_has_no_light_and_no_numbers(tmp_path):
    reader = recording_of(LIT)
    lost = MissingPlanes(fov=0, channel=1, frames=tuple(range(LIT.shape[1])))
    reader.metadata = reader.metadata.replace(missing=(lost,))
    config = make_config(flat_field="estimate", dark_frame=OFFSET)
    report = process(reader, config, tmp_path, [0])
    assert report.succeeded, report.failures
    assert traces(tmp_path)["intensity_total_ch_1"].isna().all()


def test_the_configuration_that_a_run_writes_is_one(files, tmp_path):
    params = {"flat_field": {1: str(files / "flat.tif")}, "dark_frame": {1: 99.5}}
    run(tmp_path / "out", **params)
    found = pyama.load_config(tmp_path / "out" / "processing_config.yaml")
    assert found.params.flat_field == params["flat_field"]
    assert found.params.dark_frame == params["dark_frame"]
    assert json.loads((tmp_path / "out" / "run.json").read_text())["status"] == "finished"
