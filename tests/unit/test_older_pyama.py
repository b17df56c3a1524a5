"""Files of the older PyAMA are taken, or named for what they are; none is replaced."""

import re
import sys
import warnings

import numpy as np
import pandas as pd
import pytest
import yaml

from pyama import older_pyama
from pyama.algorithms.features import FLUORESCENCE_FEATURES, PHASE_FEATURES, FeatureContext
from pyama.analysis.fitting.fit_files import fit_file
from pyama.analysis.joined_tables import parameters_to_show
from pyama.analysis.merge import write_merged
from pyama.analysis.report import write_report
from pyama.analysis.sample_tables import load_timed
from pyama.analysis.samples import load_samples
from pyama.config import Channels, load_config
from pyama.errors import ConfigError, StoreError
from pyama.plugins import loading
from pyama.plugins.loading import load_file, load_folder
from pyama.processing.plugin_targets import TARGETS
from pyama.processing.verify import verify
from pyama.processing.workflow import CopyingService, process, run_batch, run_single_worker
from pyama.store import FovStore
from pyama.testing.checks import check_feature
from small_movie import MOVIE, make_config, recording_of

TRACES = "a_fov_000_traces.csv"
INSPECTED = "a_fov_000_traces_inspected.csv"


def traces(times, *, boxes=True, bad=()):
    """Traces of two cells as the older PyAMA writes them."""
    rows = [
        {
            "fov": 0,
            "cell": cell,
            "frame": frame,
            "time": time,
            "good": cell not in bad,
            "position_x": 5.5,
            "position_y": 6.5,
            **(
                dict.fromkeys(["bbox_x0", "bbox_y0", "bbox_x1", "bbox_y1"], 4.0)
                if boxes
                else {}
            ),
            "area_ch_0": 100.0,
            "intensity_total_ch_1": 10.0 * cell + frame,
        }
        for cell in (1, 2)
        for frame, time in enumerate(times)
    ]
    return pd.DataFrame(rows)


def older_folder(folder, *, unit="min", table=None, record=True):
    """A folder as the older PyAMA leaves it."""
    place = folder / "fov_000"
    place.mkdir(parents=True)
    table = traces([0, 10, 20]) if table is None else table
    table.to_csv(place / TRACES, index=False, float_format="%.6f")
    if record:
        entries = {
            "output_dir": str(folder),
            "channels": {"pc": [0, ["area"]], "fl": [[1, ["intensity_total"]]]},
            "results": {"0": {"pc": [0, "a_fov_000_pc_ch_0.npy"], "traces": TRACES}},
            "params": {"background_weight": 0.0},
            "time_units": unit,
        }
        (folder / older_pyama.RECORD).write_text(yaml.safe_dump(entries, sort_keys=False))
    return folder


def contents(folder):
    return {p.relative_to(folder): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


# Folders


@pytest.fixture(params=["record", "traces", "npy", "early npy"])
def folder(request, tmp_path):
    folder = older_folder(tmp_path / "old", record=request.param == "record")
    if "npy" in request.param:
        (folder / "fov_000" / TRACES).unlink()
        name = "a_fov000_pc.npy" if request.param == "early npy" else "a_fov_000_pc_ch_0.npy"
        np.save(folder / "fov_000" / name, np.zeros((2, 3, 3), np.uint16))
    return folder


def test_a_folder_is_never_written_into(folder):
    before = contents(folder)
    recording, config = recording_of(MOVIE), make_config()
    args = recording.metadata, config, folder
    for overwrite in (False, True):
        with pytest.raises(ConfigError, match=r"of the older PyAMA .* never replaced"):
            process(recording, config, folder, overwrite=overwrite)
    for call in (
        lambda: run_batch([0], config, 1, recording.metadata, folder, None),
        lambda: CopyingService(reader=lambda: recording).process_all_fovs(*args, 0, 0),
    ):
        with pytest.raises(ConfigError, match="Choose another output folder"):
            call()
    assert run_single_worker([0], *args)[1:3] == (0, 1)
    assert contents(folder) == before


@pytest.mark.parametrize("read", [write_merged, write_report, verify])
def test_commands_that_read_results_say_what_the_folder_is(folder, read):
    before = contents(folder)
    with pytest.raises(StoreError, match=r"older PyAMA .*: run the recording.*pyama fit"):
        read(folder)
    assert contents(folder) == before


def test_a_folder_of_this_program_is_none_of_the_older(tmp_path):
    report = process(recording_of(MOVIE), make_config(), tmp_path / "out")
    assert report.succeeded
    assert older_pyama.results_in(tmp_path / "out") == ""
    assert older_pyama.results_in(tmp_path) == older_pyama.results_in(tmp_path / "none") == ""
    (tmp_path / "out" / older_pyama.RECORD).write_text("{}")
    assert process(recording_of(MOVIE), make_config(), tmp_path / "out").succeeded
    assert FovStore(tmp_path / "out", 0).unfinished() == []


# Traces


@pytest.mark.parametrize(("unit", "hours"), [("min", 1 / 60), ("h", 1), ("s", 1 / 3600)])
@pytest.mark.parametrize("boxes", [True, False])
def test_traces_are_read_in_the_unit_of_their_record(tmp_path, unit, hours, boxes):
    folder = older_folder(tmp_path / "old", unit=unit, table=traces([0, 10, 20], boxes=boxes))
    table, _ = load_timed(folder / "fov_000" / TRACES)
    np.testing.assert_allclose(table["time"], np.tile([0, 10, 20], 2) * hours)
    assert table["intensity_total_ch_1"].tolist() == [10, 11, 12, 20, 21, 22]


def test_without_a_record_times_are_minutes(tmp_path):
    folder = older_folder(tmp_path / "old", record=False)
    assert load_timed(folder / "fov_000" / TRACES)[0]["time"].max() == pytest.approx(1 / 3)


def test_cells_that_were_marked_as_bad_are_left_out(tmp_path):
    folder = older_folder(tmp_path / "old")
    path = folder / "fov_000" / INSPECTED
    traces([0, 10, 20], bad=[2]).to_csv(path, index=False)
    fitted = fit_file(path, "constant", destination=tmp_path)
    assert fitted.table["cell"].tolist() == [1]
    assert fitted.table["offset"].tolist() == pytest.approx([11])


def test_times_that_stand_still_are_not_used(tmp_path):
    path = older_folder(tmp_path / "old", table=traces([0, 0, 0])) / "fov_000" / TRACES
    with pytest.raises(ConfigError, match=r"same time in all rows .*--frame-interval"):
        load_timed(path)
    assert load_timed(path, frame_interval=30)[0]["time"].tolist() == [0, 0.5, 1] * 2


def test_early_traces_name_the_cell_otherwise(tmp_path):
    path = tmp_path / "early.csv"
    traces([0, 1, 2]).rename(columns={"cell": "cell_id"}).to_csv(path, index=False)
    assert load_timed(path)[0]["cell"].tolist() == [1, 1, 1, 2, 2, 2]


def test_fits_without_standard_errors_have_parameters(tmp_path):
    columns = ["fov", "cell", "model_type", "success", "r_squared", "t0", "ktl"]
    table = pd.DataFrame([(0, 1, "maturation", True, 0.9, 0.5, 1000)], columns=columns)
    assert parameters_to_show(table) == ["t0", "ktl"]
    with pytest.raises(ConfigError, match=r"No parameter was fitted .* r_squared, t0, ktl"):
        parameters_to_show(table.assign(t0_se=np.nan))


# Samples and configurations


def test_samples_with_further_keys_are_read(tmp_path):
    path = tmp_path / "samples.yaml"
    path.write_text(
        "channels: {fl: [1]}\nsamples:\n- {name: a, fovs: '0-1', color: red}\n"
        "- {name: b, fovs: [2]}\n"
    )
    with pytest.warns(UserWarning, match=r"not used: channels, samples\[0\]\.color\."):
        assert load_samples(path, range(3)) == {"a": [0, 1], "b": [2]}
    path.write_text("samples: [{name: a, fov: 0}]")
    with pytest.raises(ConfigError, match="needs 'name' and 'fovs'"):
        load_samples(path, range(3))


def test_a_record_is_a_configuration(tmp_path):
    folder = older_folder(tmp_path / "old")
    with pytest.warns(UserWarning, match="is of the older PyAMA. Its channels, features"):
        config = load_config(folder / older_pyama.RECORD)
    assert config.channels == Channels(pc=[0, ["area"]], fl=[[1, ["intensity_total"]]])
    assert config.params.model_fields_set == {"background_weight"}


def test_other_parameters_are_left_out_and_named(tmp_path):
    path = tmp_path / "old.yaml"
    path.write_text(
        "channels: {pc: 0, fl: [1, 2], pc_features: [area], fl_features: {1: [spots]}}\n"
        "params: {mask_margin: 3, erosion_size: 5, background_weight: 0.5}\n"
    )
    with pytest.warns(
        UserWarning, match="Left out: mask_margin, erosion_size. .*square.*radius"
    ):
        config = load_config(path)
    assert config.channels == Channels(pc=[0, ["area"]], fl=[[1, ["spots"]], 2])
    assert config.params.erosion_size is None
    assert config.params.background_weight == 0.5


def test_a_configuration_of_this_program_is_read_as_it_is(tmp_path):
    path = tmp_path / "own.yaml"
    path.write_text("channels: {pc: 0, fl: [1]}\nparams: {erosion_size: 2}\n")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert load_config(path).params.erosion_size == 2


def test_mistakes_in_a_record_are_named(tmp_path):
    path = tmp_path / older_pyama.RECORD
    path.write_text("output_dir: x\nchannels: {pc: [a, b]}\nparams: {nonsense: 1}\n")
    with (
        pytest.warns(UserWarning, match="of the older PyAMA"),
        pytest.raises(ConfigError, match=r"(?s)wrong entries.*channels.*nonsense = 1"),
    ):
        load_config(path)


# Features

FEATURE = """
import numpy as np
from scipy import ndimage
from pyama_core.types.processing import ExtractionContext

PLUGIN_NAME = "rim_pixels"
PLUGIN_TYPE = "feature"
PLUGIN_VERSION = "1.0.0"
PLUGIN_FEATURE_TYPE = "phase"


def extract_rim_pixels(ctx: ExtractionContext) -> np.float32:
    \"\"\"Pixels around the cell.\"\"\"
    mask = ctx.mask.astype(bool, copy=False)
    return np.float32((ndimage.binary_dilation(mask) & ~mask).sum())
"""


@pytest.fixture
def plugins(tmp_path, monkeypatch):
    """A folder for plugins; registries are as before after the test."""
    for name in ("_FILES", "_INSTALLED", "_ORIGINS"):
        monkeypatch.setattr(loading, name, {})
    for registry in (PHASE_FEATURES, FLUORESCENCE_FEATURES):
        monkeypatch.setattr(registry, "data", dict(registry.data))
    (tmp_path / "plugins").mkdir()
    yield tmp_path / "plugins"
    for name in [name for name in sys.modules if name.startswith("pyama_plugin_")]:
        del sys.modules[name]


def context(mask):
    return FeatureContext(
        0, 1, 0, 0, (0, 0, *mask.shape), None, 0.0, np.zeros(mask.shape), 1.0,
        np.random.default_rng(0), None,
    )  # fmt: skip


def test_a_feature_measures_what_it_measured_in_the_whole_frame(plugins):
    path = plugins / "rim_pixels.py"
    path.write_text(FEATURE)
    assert load_file(path, TARGETS).entries == (("features", "rim_pixels"),)
    feature = PHASE_FEATURES["rim_pixels"]
    assert feature.__doc__ == "Pixels around the cell."
    mask = np.ones((4, 5), bool)  # touches its box on all sides
    assert feature(np.ones(mask.shape), mask, context(mask)) == 18
    check_feature(feature, "rim_pixels")


def test_a_feature_in_fluorescence_and_in_the_early_form(plugins):
    early = FEATURE.replace('PLUGIN_TYPE = "feature"\n', "").replace(
        "PLUGIN_FEATURE_TYPE", "FEATURE_TYPE"
    )
    early = early.replace("PLUGIN_NAME", "FEATURE_NAME").replace('"phase"', '"fluorescence"')
    path = plugins / "rim.py"
    path.write_text(early)
    assert not load_file(path, TARGETS).problem
    assert "rim_pixels" in FLUORESCENCE_FEATURES


def test_pixels_far_from_the_cell_are_not_known(plugins):
    path = plugins / "around.py"
    text = FEATURE.replace("rim_pixels", "around").partition("    mask =")[0]
    path.write_text(text + "    return ctx.image[~ctx.mask].mean()\n")
    assert not load_file(path, TARGETS).problem
    mask = np.ones((4, 5), bool)
    assert np.isnan(PHASE_FEATURES["around"](np.ones(mask.shape), mask, context(mask)))


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        (
            'TYPE = "feature"',
            'TYPE = "model"',
            "plugin of the older PyAMA of the type 'model'",
        ),
        ('"phase"', '"x"', "found 'x'.*a function extract_rim_pixels"),
        ("def extract_rim_pixels", "def extract_other", "a function extract_rim_pixels"),
        ('"rim_pixels"', '"area"', "extract_area"),
        ("types.processing", "nonsense", "pyama_core.nonsense"),
    ],
)
def test_what_is_no_feature_is_named(plugins, old, new, problem):
    path = plugins / "bad.py"
    path.write_text(FEATURE.replace(old, new))
    loaded = load_file(path, TARGETS)
    assert not loaded.entries
    assert re.search(problem, loaded.problem)


def test_a_folder_with_deeper_folders_says_which_to_name(plugins):
    deep = plugins / "features" / "phase_contrast"
    deep.mkdir(parents=True)
    (deep / "deep_rim.py").write_text(FEATURE)
    (loaded,) = load_folder(plugins, TARGETS)
    assert "features/phase_contrast" in loaded.problem.replace("\\", "/")
    assert load_folder(deep, TARGETS)[0].entries
