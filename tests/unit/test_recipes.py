"""What outputs depend on: exactly what a method looks at, and nothing that it cannot see."""

from functools import partial

import numpy as np
import pytest
import tifffile

from pyama.algorithms.background_surface import estimate
from pyama.algorithms.contracts import ImageIndex
from pyama.algorithms.copy_params import CopyParams
from pyama.algorithms.features import FLUORESCENCE_FEATURES, PHASE_FEATURES
from pyama.algorithms.params import (
    BackgroundParams,
    ExtractionParams,
    KalmanParams,
    Params,
    TrackingParams,
    WatershedParams,
    own_params,
)
from pyama.config import Channels, ProcessingParams
from pyama.errors import PluginError
from pyama.metadata import ChannelStack, MissingPixels, MissingPlanes
from pyama.processing import recipes as recipes_module
from pyama.processing.fov import full_output
from pyama.processing.methods import (
    NAMED_PREPROCESSORS,
    SEGMENTER_PARAMS,
    SEGMENTERS,
    TRACKER_PARAMS,
    TRACKERS,
)
from pyama.processing.recipes import recipes
from pyama.processing.steps import STEPS, segmentation, tracking
from pyama.processing.steps.segmentation import LIMITS, segment_frames
from pyama.processing.steps.step import default_values
from pyama.processing.steps.tracking import track_frames
from pyama.processing.workflow import process
from pyama.registry import parameters
from pyama.store import CORRECTED, TRACES_MARK, NotRecorded
from small_movie import MOVIE, cell_mask, make_config, recording_of

FRAMES = [MOVIE[0, t, 0] for t in range(3)]
LABELS = [cell_mask(t).astype(np.uint16) for t in range(3)]


class Watched:
    """Parameters that remember which of them were looked at."""

    def __init__(self, params):
        self._params, self.seen = params, set()

    def __getattr__(self, name):
        self.seen.add(name)
        return getattr(self._params, name)


@pytest.fixture
def registries():
    """Registries that are as they were after the test."""
    places = (
        *(SEGMENTERS, TRACKERS, NAMED_PREPROCESSORS),
        *(PHASE_FEATURES, FLUORESCENCE_FEATURES),
    )
    before = [dict(place) for place in places]
    yield
    for place, entries in zip(places, before, strict=True):
        place.data = entries


def read(recipe):
    """Names of the parameters that a recipe depends on, whatever their values are."""
    return {*recipe.params, *recipe.defaults}


def recipe_of(group, **params):
    return recipes(recording_of(MOVIE).metadata, make_config(**params), 0)[full_output(group)]


@pytest.mark.parametrize("name", ["logstd", "watershed"])
def test_the_recipe_of_labels_is_what_the_method_looks_at(name):
    seen = Watched(own_params(name, SEGMENTERS[name], ProcessingParams(), SEGMENTER_PARAMS))
    for frame in FRAMES:
        SEGMENTERS[name](frame, seen)
    recipe = recipe_of("seg_labeled_ch_0", segmentation_method=name)
    assert read(recipe) == seen.seen | LIMITS | {CORRECTED}


@pytest.mark.parametrize("name", ["iou", "mask_iou", "kalman"])
def test_the_recipe_of_tracks_is_what_the_method_looks_at(name):
    seen = Watched(own_params(name, TRACKERS[name], ProcessingParams(), TRACKER_PARAMS))
    list(TRACKERS[name](LABELS, seen))
    recipe = recipe_of("seg_tracked_ch_0", tracking_method=name)
    assert read(recipe) == seen.seen | {"divisions", "repair_flicker"}


def test_the_recipe_of_a_background_is_what_the_estimate_looks_at():
    seen = Watched(BackgroundParams())
    estimate(MOVIE[0, 0, 1], cell_mask(0), seen)
    assert read(recipe_of("fl_background_ch_1")) == seen.seen


ALL = NotRecorded()
PLACES = [ImageIndex(0, t) for t in range(len(FRAMES))]
METHODS = [
    pytest.param(
        lambda method, params: list(
            segment_frames(FRAMES, ALL, method, (), params, {}, PLACES)
        ),
        lambda found: lambda frame, params: found(params, np.zeros(frame.shape, int)),
        "split_h",
        "segmentation method 'it'",
        id="segmenter",
    ),
    pytest.param(
        lambda method, params: list(track_frames(np.array(LABELS), (), method, params, {})),
        lambda found: lambda frames, params: found(params, frames),
        "min_iou",
        "tracking method 'it'",
        id="tracker",
    ),
]


@pytest.mark.parametrize(("run", "method", "own", "title"), METHODS)
def test_a_method_sees_only_what_its_recipe_holds(run, method, own, title):
    config = make_config(**{own: 0.5})
    seen = []

    def good(params, result):
        seen.append(getattr(params, own))
        return result

    run(("it", method(good)), config.params)
    assert set(seen) == {0.5}
    bad = method(lambda params, result: params.seed)
    with pytest.raises(PluginError, match=rf"{title} raised AttributeError.*'seed'"):
        run(("it", bad), config.params)


def test_a_model_of_its_own_shows_a_method_any_parameter_of_the_run(registries):
    class WithSeed(SEGMENTER_PARAMS):
        seed: int = 0

    SEGMENTERS["drawing"] = parameters(WithSeed)(lambda frame, params: frame * params.seed)
    found = [
        recipe_of("seg_labeled_ch_0", segmentation_method="drawing", seed=s) for s in (1, 2)
    ]
    assert found[0].params["seed"] == 1
    assert found[0].digest != found[1].digest


def test_what_a_preprocessor_can_see_is_in_the_recipe(registries):
    NAMED_PREPROCESSORS["scaled"] = lambda image, params: image // params.logstd_window_size

    @SEGMENTERS.register("own")
    @parameters(TRACKER_PARAMS)
    def own(frame, params):
        return frame * 0

    common = {"segmentation_method": "own", "preprocessors": ["scaled"]}
    found = {
        recipe_of("seg_labeled_ch_0", logstd_window_size=size, **common).digest
        for size in (3, 5)
    }
    assert len(found) == 2


def test_defaults_of_a_preprocessor_are_left_out_and_its_identity_is_not(registries):
    scaled = NAMED_PREPROCESSORS["scaled"] = lambda image, params: image
    scaled.identity = lambda params, fov: f"weights {params.logstd_window_size} of FOV {fov}"
    found = recipe_of("seg_labeled_ch_0", preprocessors=["scaled"], morph_size=9)
    [[method, params]] = found.params["preprocessors"]
    assert method.startswith("scaled: ")
    assert params == {"morph_size": 9, "identity": "weights 3 of FOV 0"}


DEFAULTS = {
    ("copying", 2): {
        "frames": "all",
        "z": "middle",
        "zero_planes": "auto",
        "z_is_time": False,
        "axes": "",
    },
    ("registration", 2): {},
    ("segmentation", 4): {
        "logstd_window_size": 3,
        "morph_size": 7,
        "morph_iterations": 3,
        "closing_size": 3,
        "closing_iterations": 1,
        "erosion_size": None,
        "min_object_size": 50,
        "max_object_size": 10_000,
        "frame_scale": None,
        "split_h": None,
    },
    ("tracking", 2): {
        "min_iou": 0.1,
        "max_gap": 0,
        "min_size": None,
        "max_size": None,
        "divisions": False,
        "repair_flicker": False,
        "max_step": 2.0,
        "acceleration": 0.2,
    },
    ("background", 2): {
        "background_method": "tiles",
        "tile_size": 100,
        "tile_overlap": 0.5,
    },
    ("cropping", 2): {},
    ("extraction", 3): {"background_weight": 1.0, "min_frames": 30, "border_margin": 50},
    ("caching", 2): {},
}
"""Defaults of the parameters in recipes. A recipe leaves them out, so that one that changes
goes unnoticed: raise the version of its step, and write both here."""
MODELS = {
    "copying": [CopyParams],
    "segmentation": [WatershedParams],
    "tracking": [TrackingParams, KalmanParams],
    "background": [BackgroundParams],
    "extraction": [ExtractionParams],
}


def test_a_step_whose_defaults_change_has_a_new_version():
    found = {}
    for step in STEPS:
        values = found[step.name, step.version] = {}
        for model in MODELS.get(step.name, ()):
            values.update(default_values(model))
    assert found == DEFAULTS


@pytest.mark.parametrize("kind", ["phase", "fluorescence"])
def test_traces_depend_on_the_code_of_every_feature_and_not_on_the_computer(registries, kind):
    def mine(image, mask, context):
        return 1.0

    registry = {"phase": PHASE_FEATURES, "fluorescence": FLUORESCENCE_FEATURES}[kind]
    registry["mine"] = mine
    features = {"phase": ["area"], "fluorescence": ["intensity_total"]}
    features[kind].append("mine")

    def digest(version, **params):
        mine.version = version
        config = make_config(Channels(pc=0, fl=[1]), features=features, **params)
        return recipes(recording_of(MOVIE).metadata, config, 0)[TRACES_MARK].digest

    assert digest("1") == digest("1", n_workers=3, batch_size=1, plugin_timeout=9, cells="zip")
    assert digest("1") != digest("2")
    assert digest("1") != digest("1", min_iou=0.3)  # a feature may read it


def test_a_parameter_at_its_default_is_left_out_of_recipes():
    default, changed = (
        recipe_of("seg_tracked_ch_0"),
        recipe_of("seg_tracked_ch_0", min_iou=0.3),
    )
    assert default.params == {}
    assert changed.params == {"min_iou": 0.3}


def test_what_changed_is_told_with_both_values_where_one_is_the_default():
    default, changed = (
        recipe_of("seg_tracked_ch_0"),
        recipe_of("seg_tracked_ch_0", min_iou=0.3),
    )
    assert changed.changes_since(default) == ["min_iou changed 0.1 -> 0.3"]
    assert default.changes_since(changed) == ["min_iou changed 0.3 -> 0.1"]


def test_a_parameter_that_is_added_later_changes_no_recipe(monkeypatch):
    class Later(TrackingParams):
        added: int = 5

    before = recipe_of("seg_tracked_ch_0")
    monkeypatch.setattr(tracking, "TRACKER_PARAMS", Later)
    monkeypatch.setattr(ProcessingParams, "added", 5, raising=False)
    after = recipe_of("seg_tracked_ch_0")
    assert "added" in after.defaults
    assert after.digest == before.digest


@pytest.mark.parametrize("n_workers", [1, 2])
def test_the_recipes_of_a_field_of_view_are_computed_once(tmp_path, monkeypatch, n_workers):
    computed, real = [], recipes_module.recipes

    def counted(metadata, config, fov, corrected):
        computed.append(fov)
        return real(metadata, config, fov, corrected)

    monkeypatch.setattr(recipes_module, "recipes", counted)
    config = make_config(n_workers=n_workers)
    assert process(recording_of(MOVIE[:, :2]), config, tmp_path).succeeded
    assert sorted(computed) == list(range(len(MOVIE)))


def test_z_of_a_channel_is_in_the_recipe_of_that_channel_only():
    metadata = recording_of(MOVIE).metadata
    usual, of_one, of_all = (
        {
            name: recipes(metadata, make_config(z=z), 0)[name]
            for name in ("pc_ch_0/0", "fl_ch_1/0")
        }
        for z in ("middle", {1: "max"}, "max")
    )
    assert of_one["pc_ch_0/0"] == usual["pc_ch_0/0"]
    assert of_one["fl_ch_1/0"] == of_all["fl_ch_1/0"] != usual["fl_ch_1/0"]
    assert of_all["fl_ch_1/0"].params == {"fov": 0, "channel": 1, "z": "max"}


def test_only_recipes_of_incomplete_stacks_say_what_they_are_made_of():
    metadata = recording_of(MOVIE).metadata
    short = metadata.replace(
        stacks={1: ChannelStack(stored=(3,), used=(3,))},
        incomplete=(MissingPlanes(fov=1, channel=0, frames=(2,)),),
    )
    changed = [
        (fov, name)
        for fov in range(2)
        for name, recipe in recipes(short, make_config(), fov).items()
        if name.endswith("_0/0") and recipe != recipes(metadata, make_config(), fov)[name]
        if not name.startswith("seg_")
    ]
    assert changed == [(1, "pc_ch_0/0")]
    assert recipes(short, make_config(), 0)["fl_ch_1/0"].params["planes"] == [3]


INPUTS = {
    "pc_ch_0/0": [],
    "fl_ch_1/0": [],
    "seg_labeled_ch_0/0": ["pc_ch_0/0"],
    "seg_tracked_ch_0/0": ["seg_labeled_ch_0/0"],
    "fl_background_ch_1/0": ["fl_ch_1/0", "seg_labeled_ch_0/0"],
}


def test_every_output_depends_on_what_it_is_made_from():
    made = recipes(recording_of(MOVIE[:1]).metadata, make_config(), 0)
    found = {name: sorted(made.keys() & made[name].inputs.keys()) for name in INPUTS}
    assert found == INPUTS


METADATA = recording_of(MOVIE).metadata
REGISTERED = {"registration": "phase_correlation"}
DARK = {"dark_frame": 100}
HERE = 1
lost_pixels = partial(MissingPixels, channel=1, frames=(2,), boxes=((0, 0, 9, 9),))
STACKS = ["fl_ch_1/0", "pc_ch_0/0"]
LATER = tuple((5.0, *times[1:]) for times in METADATA.times_min)
CHANGES = {
    "another name": ({}, {"basename": "other"}, {}, ["traces"]),
    "another name of registered frames": (
        REGISTERED,
        {"basename": "other"},
        REGISTERED,
        ["shifts", "traces"],
    ),
    "size of a pixel": ({}, {"pixel_size_um": 0.5}, {}, ["traces"]),
    "other times, which no feature reads": ({}, {"times_min": LATER}, {}, []),
    "other frames": (
        {},
        {"selected_frames": tuple(range(6)), "n_recorded_frames": 9},
        {},
        [*STACKS, "images", "traces"],
    ),
    "pixels that were not recorded": (
        {},
        {"missing_pixels": (lost_pixels(fov=HERE),)},
        {},
        ["fl_ch_1/0"],
    ),
    "pixels that were not recorded elsewhere": (
        {},
        {"missing_pixels": (lost_pixels(fov=HERE - 1),)},
        {},
        [],
    ),
    "zeros": ({}, {}, {"zero_planes": "keep"}, ["fl_ch_1/0", "pc_ch_0/0"]),
    "divisions": ({}, {}, {"divisions": True}, ["seg_tracked_ch_0/0"]),
    "flicker": ({}, {}, {"repair_flicker": True}, ["seg_tracked_ch_0/0"]),
    "registration": ({}, {}, REGISTERED, ["cells/0", "seg_tracked_ch_0/0", "shifts"]),
    "tiles": ({}, {}, {"tile_size": 50}, ["fl_background_ch_1/0"]),
    "filters": ({}, {}, {"min_frames": 9}, ["traces"]),
    "dark frame": (DARK, {}, {"dark_frame": 101}, ["fl_dark_ch_1/0"]),
    "estimate": ({}, {}, {"flat_field": "estimate"}, ["fl_flat_ch_1/0", "traces"]),
    "dark frame of an estimate": (
        {"flat_field": "estimate"},
        {},
        {"flat_field": "estimate", **DARK},
        ["fl_dark_ch_1/0", "fl_flat_ch_1/0", "traces"],
    ),
}


def made_again(before, after):
    """Outputs that differ in more than the digests of their inputs."""
    old, new = (
        {name: (r.method, r.params, sorted(r.inputs)) for name, r in made.items()}
        for made in (before, after)
    )
    names = old.keys() | new.keys()
    return sorted(name for name in names if old.get(name) != new.get(name))


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_makes_again_what_depends_on_it(change):
    before, facts, params, expected = CHANGES[change]
    old = recipes(METADATA, make_config(**before), HERE)
    new = recipes(METADATA.replace(**facts), make_config(**params), HERE)
    assert made_again(old, new) == sorted(expected)


def test_another_image_of_the_light_makes_the_flat_field_again(tmp_path):
    slope = np.linspace(1, 2, MOVIE.shape[-1], dtype=np.float32)
    found = []
    for name, image in (("a", slope), ("b", slope[::-1]), ("copy of a", slope)):
        path = tmp_path / f"{name}.tif"
        tifffile.imwrite(path, np.tile(image, (MOVIE.shape[-2], 1)))
        found.append(recipes(METADATA, make_config(flat_field=str(path)), 0))
    assert made_again(found[0], found[1]) == ["fl_flat_ch_1/0"]
    assert found[0] == found[2]


def test_traces_of_a_feature_of_somebody_else_depend_on_what_it_may_read(registries, tmp_path):
    def mine(image, mask, context):
        return 1.0

    PHASE_FEATURES["mine"] = mine
    features = {"phase": ["mine"], "fluorescence": ["intensity_total"]}

    def made(metadata=METADATA, **params):
        return recipes(metadata, make_config(features=features, **params), 0)

    assert made_again(made(), made(METADATA.replace(times_min=LATER))) == ["traces"]
    assert made_again(made(), made(seed=9)) == ["traces"]
    image = np.tile(np.linspace(1, 2, MOVIE.shape[-1], dtype=np.float32), (MOVIE.shape[-2], 1))
    for name in ("a.tif", "b.tif"):
        tifffile.imwrite(tmp_path / name, image)
    a, b = (made(flat_field=str(tmp_path / name)) for name in ("a.tif", "b.tif"))
    assert made_again(a, b) == []  # the light is the same


def test_a_method_in_the_place_of_a_built_in_one_may_read_what_that_one_does_not(registries):
    SEGMENTERS.data["logstd"] = lambda frame, params: frame * int(params.split_h or 0)
    before, after = (recipe_of("seg_labeled_ch_0", split_h=h) for h in (None, 2.0))
    assert before.digest != after.digest


def test_traces_depend_on_the_parameters_of_their_features(registries):
    class Rim(Params):
        width: int = 3

    PHASE_FEATURES["rim"] = parameters(Rim)(lambda image, mask, context: 1.0)
    features = {"phase": ["rim"], "fluorescence": ["intensity_total"]}
    made = [
        recipes(METADATA, make_config(features=features, plugins={"rim": {"width": width}}), 0)
        for width in (3, 5)
    ]
    assert made_again(*made) == ["traces"]
    found = [each["traces"].params["plugins"] for each in made]
    assert found == [{"rim": {}}, {"rim": {"width": 5}}]  # the default is left out


def test_a_preprocessor_for_every_run_is_in_the_recipe_of_labels(monkeypatch):
    before = recipes(METADATA, make_config(), 0)
    monkeypatch.setattr(segmentation, "PREPROCESSORS", [lambda image: image])
    assert made_again(before, recipes(METADATA, make_config(), 0)) == ["seg_labeled_ch_0/0"]
