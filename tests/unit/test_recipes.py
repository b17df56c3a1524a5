"""What outputs depend on: exactly what a method looks at, and nothing that it cannot see."""

import numpy as np
import pytest

from pyama.algorithms.background_surface import estimate
from pyama.algorithms.params import BackgroundParams, own_params
from pyama.config import ProcessingParams
from pyama.errors import PluginError
from pyama.processing.methods import (
    NAMED_PREPROCESSORS,
    SEGMENTER_PARAMS,
    SEGMENTERS,
    TRACKER_PARAMS,
    TRACKERS,
)
from pyama.processing.recipes import LIMITS, full, recipes
from pyama.processing.steps.segmentation import segmented, tracked
from pyama.registry import parameters
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
    places = SEGMENTERS, TRACKERS, NAMED_PREPROCESSORS
    before = [dict(place) for place in places]
    yield
    for place, entries in zip(places, before, strict=True):
        place.data = entries


def recipe_of(group, **params):
    return recipes(recording_of(MOVIE).metadata, make_config(**params), 0)[full(group)]


@pytest.mark.parametrize("name", ["logstd", "watershed"])
def test_the_recipe_of_labels_is_what_the_method_looks_at(name):
    seen = Watched(own_params(name, SEGMENTERS[name], ProcessingParams(), SEGMENTER_PARAMS))
    for frame in FRAMES:
        SEGMENTERS[name](frame, seen)
    recipe = recipe_of("seg_labeled_ch_0", segmentation_method=name)
    assert set(recipe.params) == seen.seen | set(LIMITS)


@pytest.mark.parametrize("name", ["iou", "mask_iou", "kalman"])
def test_the_recipe_of_tracks_is_what_the_method_looks_at(name):
    seen = Watched(own_params(name, TRACKERS[name], ProcessingParams(), TRACKER_PARAMS))
    list(TRACKERS[name](LABELS, seen))
    recipe = recipe_of("seg_tracked_ch_0", tracking_method=name)
    assert set(recipe.params) == seen.seen | {"divisions"}


def test_the_recipe_of_a_background_is_what_the_estimate_looks_at():
    seen = Watched(BackgroundParams())
    estimate(MOVIE[0, 0, 1], cell_mask(0), seen)
    assert set(recipe_of("fl_background_ch_1").params) == seen.seen


STEPS = [
    pytest.param(
        lambda method, params: list(segmented(FRAMES, (), method, (), params, {}, 0)),
        lambda found: lambda frame, params: found(params, np.zeros(frame.shape, int)),
        "split_h",
        "segmentation method 'it'",
        id="segmenter",
    ),
    pytest.param(
        lambda method, params: list(tracked(np.array(LABELS), (), method, params, {})),
        lambda found: lambda frames, params: found(params, frames),
        "min_iou",
        "tracking method 'it'",
        id="tracker",
    ),
]


@pytest.mark.parametrize(("run", "method", "own", "title"), STEPS)
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
