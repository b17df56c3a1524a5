"""Plugins: what is loaded, what is refused, and the parameters they bring."""

import re
import sys
from importlib.metadata import EntryPoint, EntryPoints
from typing import Annotated

import numpy as np
import pytest
from pydantic import Field

from pyama.algorithms.features import FLUORESCENCE_FEATURES, PHASE_FEATURES
from pyama.algorithms.params import Params, TrackingParams, own_params
from pyama.config import ProcessingConfig, ProcessingParams, config_schema, parse_config
from pyama.errors import ConfigError, PluginError
from pyama.plugins import loading
from pyama.plugins.loading import load_file, load_folder, load_installed
from pyama.processing.fov import full_output
from pyama.processing.methods import (
    NAMED_PREPROCESSORS,
    PREPROCESSORS,
    SEGMENTERS,
    TRACKERS,
    with_own_params,
)
from pyama.processing.plugin_digest import fingerprint
from pyama.processing.plugin_targets import TARGETS, load_installed_plugins
from pyama.processing.recipes import recipes
from pyama.processing.workflow import CopyingService, run_batch, run_single_worker
from pyama.readers import READERS, open_reader
from pyama.readers.array import ArrayReader
from pyama.registry import Registry, parameters
from pyama.testing.checks import (
    check_feature,
    check_preprocessor,
    check_reader,
    check_segmenter,
    check_tracker,
)
from small_movie import MOVIE, make_config, recording_of

GOOD = """
from pyama.processing.methods import SEGMENTERS
@SEGMENTERS.register("nothing")
def nothing(frame, params):
    return frame * 0
"""


class SpotParams(Params):
    """Parameters of the test's plugin."""

    level: Annotated[float, Field(gt=0, le=5)] = 2.0
    """How bright a spot is."""
    name: str = "x"
    """What it is called."""


class StepParams(TrackingParams):
    """Parameters of the test's tracker, with those of every tracker."""

    step: Annotated[int, Field(ge=1)] = 7
    """How far."""


@parameters(SpotParams)
def spots(image, mask, context):
    return context.params.level


@parameters(StepParams)
def stepping(frames, params):
    yield from frames


@pytest.fixture(autouse=True)
def as_before(monkeypatch):
    """Everything that plugins are put into is as it was after the test."""
    monkeypatch.setattr(loading, "_FILES", {})
    monkeypatch.setattr(loading, "_INSTALLED", {})
    monkeypatch.setattr(loading, "_ORIGINS", {})
    modules = set(sys.modules)
    before = loading._contents(TARGETS)
    yield
    loading._restore(before, TARGETS)
    for name in set(sys.modules) - modules:
        if name.startswith("pyama_plugin_"):
            del sys.modules[name]


@pytest.fixture
def write(tmp_path):
    def write_file(text, name="one.py"):
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return path

    return write_file


def parsed(**params):
    return parse_config("x.yaml", {"params": params})


def test_own_parameters_are_checked_with_all_others_at_once():
    PHASE_FEATURES["spots"] = spots
    with pytest.raises(ConfigError) as caught:
        parsed(plugins={"spots": {"level": 9, "xyzzy": 1}}, min_iou=3)
    assert str(caught.value).splitlines() == [
        "x.yaml has 3 wrong entries:",
        "  plugins.spots.level = 9: expected at most 5",
        "  plugins.spots.xyzzy = 1: unknown name",
        "  min_iou = 3: expected at most 1",
    ]


def test_a_plugin_gets_its_own_parameters_and_the_shared_ones_of_its_model():
    TRACKERS["stepping"] = stepping
    config = parsed(plugins={"stepping": {"step": 3}}, max_gap=2)
    assert own_params("stepping", stepping, config.params) == StepParams(step=3, max_gap=2)
    assert own_params("iou", TRACKERS["iou"], config.params) is config.params


def test_a_shared_parameter_is_not_written_under_the_plugin():
    TRACKERS["stepping"] = stepping
    with pytest.raises(
        ConfigError, match=r"stepping\.max_gap is a parameter of the run: set params\.max_gap"
    ):
        parsed(plugins={"stepping": {"max_gap": 3}})


def test_parameters_of_a_plugin_that_is_not_loaded_wait_until_a_run():
    config = parsed(plugins={"absent": {"a": 1}})
    assert config.params.plugins == {"absent": {"a": 1}}
    with pytest.raises(ConfigError, match=r"absent: nothing of that name.*--plugins DIR"):
        with_own_params(config)


def test_what_was_loaded_later_is_checked_before_a_run():
    config = parsed(plugins={"spots": {"level": 9}}, features={"phase": ["spots"]})
    config = config.replace(channels={"pc": 0})
    PHASE_FEATURES["spots"] = spots
    with pytest.raises(ConfigError, match=r"'spots' are wrong. plugins.spots.level: exp"):
        with_own_params(config)


def test_a_run_writes_down_all_parameters_of_what_it_uses():
    PHASE_FEATURES["spots"] = spots
    config = parsed(tracking_method="kalman", features={"phase": ["spots"]})
    config = with_own_params(config.replace(channels={"pc": 0}))
    assert config.params.plugins == {
        "kalman": {"max_step": 2.0, "acceleration": 0.2},
        "spots": {"level": 2.0, "name": "x"},
    }
    assert with_own_params(config) == config


def test_the_schema_names_parameters_of_plugins():
    before = config_schema()
    TRACKERS["stepping"] = stepping
    section = config_schema()["$defs"]["ProcessingParams"]["properties"]["plugins"]
    assert list(section["properties"]["stepping"]["properties"]) == ["step"]
    assert section["properties"]["stepping"]["properties"]["step"]["minimum"] == 1
    del TRACKERS["stepping"]
    assert config_schema() == before


def test_parameters_must_be_a_model():
    with pytest.raises(PluginError, match=r"must be a subclass of pyama\.algorithms\.params"):
        TRACKERS["odd"] = parameters(dict)(lambda frames, params: frames)


def test_one_name_has_one_set_of_parameters():
    PHASE_FEATURES["spots"] = FLUORESCENCE_FEATURES["spots"] = spots
    with pytest.raises(PluginError, match="and so has another entry of that name"):
        TRACKERS["spots"] = stepping


def _of_a_run(config, group):
    metadata = recording_of(MOVIE).metadata
    return recipes(metadata, config, 0)[full_output(group)].digest


@pytest.mark.parametrize("changed", [{"step": 8}, {}], ids=["another value", "its default"])
def test_own_parameters_are_part_of_the_digest(changed):
    TRACKERS["stepping"] = stepping
    plain = make_config(tracking_method="stepping")
    written = make_config(tracking_method="stepping", plugins={"stepping": changed})
    same = _of_a_run(plain, "seg_tracked_ch_0") == _of_a_run(written, "seg_tracked_ch_0")
    assert same == (changed == {})
    assert _of_a_run(plain, "seg_labeled_ch_0") == _of_a_run(written, "seg_labeled_ch_0")


def test_what_a_method_says_it_depends_on_is_part_of_the_digest():
    def method(frame, params):
        return frame

    SEGMENTERS["method"] = method
    config = make_config(segmentation_method="method")
    digests = []
    for weights in ("a", "b"):
        method.identity = lambda params, fov, weights=weights: f"{weights}{fov}"
        digests.append(_of_a_run(config, "seg_labeled_ch_0"))
    assert digests[0] != digests[1]


def test_named_preprocessors_are_part_of_the_digest():
    NAMED_PREPROCESSORS["spots"] = parameters(SpotParams)(lambda image, params: image)
    found = {
        _of_a_run(make_config(**given), "seg_labeled_ch_0")
        for given in (
            {},
            {"preprocessors": ["spots"]},
            {"preprocessors": ["spots"], "plugins": {"spots": {"level": 3}}},
        )
    }
    assert len(found) == 3


def test_a_file_is_loaded_and_known_by_its_content(write):
    path = write(GOOD)
    loaded = load_file(path, TARGETS)
    assert (loaded.entries, loaded.problem) == ((("segmenters", "nothing"),), "")
    first = fingerprint(SEGMENTERS["nothing"])
    assert load_file(path, TARGETS) is loaded
    write(GOOD + "\nHELPER = 1\n")
    assert load_file(path, TARGETS).problem == ""
    assert fingerprint(SEGMENTERS["nothing"]) != first


BAD = [
    pytest.param("def f(:", "SyntaxError: invalid syntax", id="syntax"),
    pytest.param("import no_such_module", "line 1: ModuleNotFoundError", id="import"),
    pytest.param("x = 1\ny = 1 / 0", "line 2: ZeroDivisionError", id="error"),
    pytest.param("raise SystemExit(3)", "SystemExit: 3", id="exit"),
    pytest.param("x = 1", "it registers no plugin", id="nothing"),
    pytest.param(
        GOOD.replace('"nothing"', '"logstd"'),
        "segmentation method 'logstd' is built in",
        id="a name that is taken",
    ),
    pytest.param(
        GOOD.replace("frame, params", "frame"),
        r"cannot be called as nothing\(",
        id="arguments",
    ),
    pytest.param(GOOD + "1 / 0", "ZeroDivisionError", id="error after registering"),
    pytest.param(
        "from pyama.processing.workflow import register_preprocessor\n"
        "class Nothing:\n    def process(self, image): return image\n"
        "register_preprocessor(Nothing())\n1 / 0",
        "ZeroDivisionError",
        id="error after a preprocessor",
    ),
]


@pytest.mark.parametrize(("text", "problem"), BAD)
def test_a_bad_file_is_refused_with_the_reason_and_leaves_no_trace(write, text, problem):
    before = loading._contents(TARGETS)
    loaded = load_file(write(text), TARGETS)
    assert loaded.entries == ()
    assert re.search(problem, loaded.problem), loaded.problem
    assert loading._contents(TARGETS) == before
    assert not [name for name in sys.modules if name.startswith("pyama_plugin_")]


def test_a_folder_is_loaded_file_by_file_without_tests_and_private_files(tmp_path, write):
    write(GOOD, "b.py")
    write("1 / 0", "a.py")
    for name in ("_private.py", "test_b.py", "conftest.py", "notes.txt"):
        write("raise KeyboardInterrupt", name)
    reports = load_folder(tmp_path, TARGETS)
    assert [(report.source[-4:], bool(report.problem)) for report in reports] == [
        ("a.py", True),
        ("b.py", False),
    ]


def test_ctrl_c_is_no_fault_of_a_plugin(write):
    with pytest.raises(KeyboardInterrupt):
        load_file(write("raise KeyboardInterrupt"), TARGETS)


def test_a_folder_that_is_not_there_is_an_error(tmp_path):
    with pytest.raises(ConfigError, match="absent does not exist"):
        load_folder(tmp_path / "absent", TARGETS)


def test_two_files_of_one_name_are_not_confused(tmp_path, write):
    (tmp_path / "other").mkdir()
    load_file(write(GOOD), TARGETS)
    other = write(GOOD.replace('"nothing"', '"other"'), "other/one.py")
    assert "has the same name" in load_file(other, TARGETS).problem


def test_a_preprocessor_in_a_file_is_used_by_every_run(write):
    text = (
        "from pyama.processing.workflow import register_preprocessor\n"
        "class Nothing:\n    def process(self, image): return image\n"
        "register_preprocessor(Nothing())"
    )
    assert load_file(write(text), TARGETS).entries == (("preprocessors", "Nothing"),)
    assert type(PREPROCESSORS[-1]).__name__ == "Nothing"


@pytest.fixture
def installed(monkeypatch):
    def install(**groups):
        entries = EntryPoints(
            EntryPoint(name, value, f"pyama.{kind}")
            for kind, found in groups.items()
            for name, value in found.items()
        )
        monkeypatch.setattr(loading, "entry_points", lambda: entries)

    return install


def test_entry_points_are_loaded_under_their_names(installed):
    installed(trackers={"again": "pyama.algorithms.trackers.iou:track"})
    assert [report.entries for report in load_installed(TARGETS)] == [(("trackers", "again"),)]
    assert TRACKERS["again"] is TRACKERS["iou"]


def test_a_feature_entry_point_serves_phase_contrast_and_fluorescence(installed):
    installed(features={"spots": f"{__name__}:spots"})
    sys.modules.setdefault(__name__, sys.modules[spots.__module__])
    assert [report.problem for report in load_installed(TARGETS)] == [""]
    assert PHASE_FEATURES["spots"] is FLUORESCENCE_FEATURES["spots"]


def test_workers_and_batches_know_what_is_installed(installed, tmp_path):
    installed(segmenters={"again": "pyama.algorithms.segmenters.logstd:segment"})
    recording, config = recording_of(MOVIE[:1, :2]), make_config(segmentation_method="again")
    CopyingService(reader=lambda: recording).process(recording.metadata, config, tmp_path, [0])
    assert run_single_worker([0], recording.metadata, config, tmp_path)[3] == "Completed"
    SEGMENTERS.pop("again")
    loading._INSTALLED.clear()  # as on another machine
    report = run_batch([0, 0], config, 1, recording.metadata, tmp_path)
    assert {entry.status.value for entry in report} == {"unchanged", "done"}, "done: previews"
    assert len(report.fovs) == 7


def test_a_bad_entry_point_is_refused_and_logged(installed, caplog):
    installed(segmenters={"gone": "no_such_module:f", "logstd": "math:hypot"})
    load_installed_plugins()
    assert [record.getMessage() for record in caplog.records] == [
        "Plugin no_such_module was not loaded: segmenters gone: ModuleNotFoundError: No "
        "module named 'no_such_module'",
        "Plugin math was not loaded: segmenters logstd: the segmentation method 'logstd' "
        "exists already. Choose another name.",
    ]
    assert SEGMENTERS["logstd"].__module__ == "pyama.algorithms.segmenters.logstd"


def test_other_files_are_offered_to_other_readers(tmp_path):
    path = tmp_path / "movie.npy"
    np.save(path, MOVIE[:1])
    READERS["never"] = lambda path, z: None
    READERS["npy"] = lambda path, z: recording_of(np.load(path))
    with open_reader(path) as reader:
        assert reader.metadata.n_frames == MOVIE.shape[1]


def test_a_reader_that_fails_is_named(tmp_path):
    path = tmp_path / "movie.xyz"
    path.write_bytes(b"\x01" * 100)
    READERS["odd"] = lambda path, z: 1 / 0
    with pytest.raises(OSError, match=r"Reader 'odd' cannot open .*: ZeroDivisionError"):
        open_reader(path)


def writing(frame, params):
    frame[:] = 0
    return frame


BROKEN = [
    pytest.param(check_segmenter, lambda f, p: f > 0, "returned a mask", id="mask"),
    pytest.param(check_segmenter, lambda f, p: f[1:], "expected labels of shape", id="shape"),
    pytest.param(check_segmenter, lambda f, p: f / 1, "expected integer labels", id="floats"),
    pytest.param(check_segmenter, lambda f, p: 1 / 0, "failed: ZeroDivisionError", id="error"),
    pytest.param(check_segmenter, writing, "changed its input", id="writes"),
    pytest.param(
        check_segmenter,
        lambda f, p: np.random.default_rng().integers(0, 9, f.shape),
        "twice, found different cells",
        id="random",
    ),
    pytest.param(check_tracker, lambda f, p: f[:-1], "expected 5", id="too few frames"),
    pytest.param(
        check_tracker,
        lambda f, p: [frame + np.uint16(1) for frame in f],
        "where there was background",
        id="background",
    ),
    pytest.param(
        check_tracker,
        lambda f, p: [(frame > 0).astype(int) for frame in f],
        "two objects one number",
        id="joined",
    ),
    pytest.param(check_feature, lambda i, m, c: None, "expected one finite", id="None"),
    pytest.param(check_feature, lambda i, m, c: i.sum() / 0, "numpy|finite", id="inf"),
    pytest.param(check_feature, lambda i, m, c: 1 / (m.sum() - 1), "one pixel", id="pixel"),
    pytest.param(check_preprocessor, lambda i, p: i[::2], "an image of shape", id="half"),
    pytest.param(check_preprocessor, lambda i, p: i / 0.0, "finite", id="infinite"),
    pytest.param(check_reader, lambda p, z: 1, "a file of another kind", id="greedy"),
]


@pytest.mark.filterwarnings("ignore:.*encountered.*:RuntimeWarning")
@pytest.mark.parametrize(("check", "plugin", "message"), BROKEN)
def test_a_broken_contract_is_found(check, plugin, message):
    with pytest.raises(PluginError, match=message):
        check(plugin)


@pytest.mark.parametrize("name", ["logstd"])
def test_built_in_segmenters_keep_the_contract(name):
    check_segmenter(SEGMENTERS[name], name)


@pytest.mark.parametrize("name", ["iou", "mask_iou", "kalman"])
def test_built_in_trackers_keep_the_contract(name):
    check_tracker(TRACKERS[name], name)


@pytest.mark.parametrize("name", sorted(PHASE_FEATURES.keys() | FLUORESCENCE_FEATURES.keys()))
def test_built_in_features_keep_the_contract(name):
    check_feature(PHASE_FEATURES.get(name) or FLUORESCENCE_FEATURES[name], name)


class Turned(ArrayReader):
    """It ignores the order of the channels."""

    def read(self, fov, frame, channels):
        return super().read(fov, frame, sorted(channels))


class Floats(ArrayReader):
    def read(self, fov, frame, channels):
        return [image.astype(float) for image in super().read(fov, frame, channels)]


MOVIE_OF_TWO = np.arange(2 * 2 * 6 * 5, dtype=np.uint16).reshape(1, 2, 2, 6, 5)
READERS_THAT_ARE_WRONG = [
    pytest.param(lambda: 7, "returned int, which lacks read", id="number"),
    pytest.param(lambda: Turned(MOVIE_OF_TWO), "another image of channel 1", id="order"),
    pytest.param(lambda: Floats(MOVIE_OF_TWO), "float64; expected 2: ndarray", id="type"),
]


@pytest.mark.parametrize(("made", "message"), READERS_THAT_ARE_WRONG)
def test_a_reader_that_returns_the_wrong_thing_is_found(tmp_path, made, message):
    sample = tmp_path / "movie.two"
    sample.touch()
    with pytest.raises(PluginError, match=message):
        check_reader(lambda p, z: made() if p.suffix == ".two" else None, "it", sample)
    check_reader(
        lambda p, z: ArrayReader(MOVIE_OF_TWO) if p.suffix == ".two" else None, "it", sample
    )


def test_a_preprocessor_object_keeps_the_contract():
    class Half:
        def process(self, image):
            return image / 2

    check_preprocessor(Half())


def test_registries_that_are_gone_are_forgotten():
    registry = Registry("thing", ("a", "params"))
    registry["fleeting"] = parameters(SpotParams)(lambda a, params: None)
    assert (
        "fleeting"
        in config_schema()["$defs"]["ProcessingParams"]["properties"]["plugins"]["properties"]
    )
    del registry
    assert parsed(plugins={"fleeting": {"level": 99}}).params.plugins["fleeting"] == {
        "level": 99
    }


def test_defaults_name_no_plugin():
    assert ProcessingParams().plugins == {}
    assert with_own_params(ProcessingConfig()) == ProcessingConfig()
