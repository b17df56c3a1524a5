import math
from dataclasses import FrozenInstanceError, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from skimage.measure import regionprops

from pyama.algorithms.crops import (
    SCALE,
    box_shapes,
    gather,
    gather_masks,
    place,
)
from pyama.algorithms.features import (
    FLUORESCENCE_FEATURES,
    PHASE_FEATURES,
    CellTrack,
    FeatureContext,
    feature_rng,
    measure_stack,
    needs_image,
)
from pyama.algorithms.kernels.labels import regions
from pyama.algorithms.params import ExtractionParams
from pyama.errors import ArrayError, ConfigError, PluginError
from pyama.registry import Registry

ALL = Registry("feature", ("image", "mask", "context"))
ALL.update(PHASE_FEATURES)
ALL.update(FLUORESCENCE_FEATURES)
OPTIONAL = ["border_contact", "neighbours", "texture", "particle_num", "granularity"]
OPTIONAL += ["intensity_core", "intensity_middle", "intensity_rim"]
for name in OPTIONAL:  # tested in test_texture.py
    del ALL[name]
FORMULAS = sorted(set(ALL) - {"perimeter", "solidity"})


def tight_masks(max_side=12):
    shapes = npst.array_shapes(min_dims=2, max_dims=2, max_side=max_side)
    return npst.arrays(bool, shapes).filter(np.any).map(tight)


def tight(mask):
    rows, columns = (np.flatnonzero(mask.any(axis=axis)) for axis in (1, 0))
    return mask[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def stack_of(masks, seed=0, weight=1.0, pixel_size_um=0.5):
    """Stacks as the crop step stores them: counts, and a background on a grid of 1/16."""
    shape = (len(masks), max(len(m) for m in masks), max(m.shape[1] for m in masks))
    image, background = np.zeros(shape, np.float32), np.zeros(shape, np.float32)
    mask, boxes = np.zeros(shape, np.uint8), np.zeros((len(masks), 4), np.int32)
    rng = np.random.default_rng(seed)
    for t, inside in enumerate(masks):
        height, width = inside.shape
        image[t, :height, :width] = rng.integers(0, 65536, inside.shape) / SCALE
        background[t, :height, :width] = rng.integers(-16, 2**20, inside.shape) / SCALE / 16
        mask[t, :height, :width] = inside
        y, x = rng.integers(0, 2000, 2)
        boxes[t] = y, x, y + height, x + width
    params = ExtractionParams(background_weight=weight)
    times = [10.0 * t for t in range(len(masks))]
    valid = np.ones(len(masks), bool)
    track = CellTrack(2, 7, 1, boxes, valid, times, pixel_size_um, 0, params)
    return image, mask, background, track


def one_at_a_time(name, image, mask, background, track):
    """The same, through the function: wrapped, so that it is not known as built in."""
    function = ALL[name]
    wrapped = {name: lambda image, mask, context: function(image, mask, context)}
    return measure_stack([name], wrapped, image, mask, background, track)[name]


def context(shape, **changes):
    given = {
        "fov": 0,
        "cell": 1,
        "frame": 0,
        "channel": 1,
        "bbox": (0, 0, *shape),
        "pixel_size_um": None,
        "time_min": 0.0,
        "background": np.zeros(shape),
        "background_weight": 1.0,
        "rng": np.random.default_rng(0),
        "params": ExtractionParams(),
    }
    return FeatureContext(**{**given, **changes})


def test_the_defaults_of_the_configuration_exist():
    assert {"area", "aspect_ratio"} <= set(PHASE_FEATURES)
    assert {"intensity_total", "intensity_mean"} <= set(FLUORESCENCE_FEATURES)


@pytest.mark.parametrize("name", FORMULAS)
@settings(max_examples=30)
@given(masks=st.lists(tight_masks(), min_size=1, max_size=4), weight=st.floats(0, 1))
def test_a_whole_cell_gives_the_bits_of_its_frames_one_by_one(name, masks, weight):
    stacks = stack_of(masks, weight=weight)
    whole = measure_stack([name], ALL, *stacks)[name]
    np.testing.assert_array_equal(whole, one_at_a_time(name, *stacks))


@given(masks=st.lists(tight_masks(), min_size=1, max_size=4), weight=st.floats(0, 1))
def test_intensities_are_what_their_definitions_say(masks, weight):
    image, mask, background, track = stack_of(masks, weight=weight)
    names = [name for name in FORMULAS if name.startswith("intensity")]
    values = measure_stack(names, ALL, image, mask, background, track)
    for t, inside in enumerate(mask != 0):
        raw = image[t][inside].astype(float) * SCALE
        haze = background[t][inside].astype(float) * SCALE
        assert values["intensity_total"][t] == raw.sum() - weight * haze.sum()
        assert values["intensity_mean"][t] == values["intensity_total"][t] / inside.sum()
        assert values["intensity_max"][t] == (raw - weight * haze).max()
        spread = (raw - weight * haze).std()
        np.testing.assert_allclose(values["intensity_std"][t], spread, rtol=1e-9, atol=1e-9)


SCIKIT = {
    "area": lambda p: p.area,
    "perimeter": lambda p: p.perimeter,
    "eccentricity": lambda p: p.eccentricity,
    "solidity": lambda p: p.solidity,
    "centroid_y": lambda p: p.centroid[0],
    "centroid_x": lambda p: p.centroid[1],
    "aspect_ratio": lambda p: p.axis_major_length / p.axis_minor_length,
    "intensity_max": lambda p: p.intensity_max,
    "intensity_mean": lambda p: p.intensity_mean,
    "intensity_std": lambda p: p.intensity_std,
}


@pytest.mark.parametrize("name", sorted(SCIKIT))
def test_features_are_those_of_scikit_image(name):
    y, x = np.mgrid[-20:21, -20:21]
    rng = np.random.default_rng(1)
    for a, b, tilt in [(12, 7, 0.3), (19, 4, -0.8), (9, 9, 0.0), (20, 2, 0.1)]:
        u, v = y * np.cos(tilt) + x * np.sin(tilt), x * np.cos(tilt) - y * np.sin(tilt)
        mask = tight(((u / a) ** 2 + (v / b) ** 2 <= 1) & (rng.random(y.shape) < 0.95))
        image, stacked, _, track = stack_of([mask])
        track = replace(track, boxes=np.array([[0, 0, *mask.shape]], np.int32))
        counts = image[0].astype(float) * SCALE
        expected = SCIKIT[name](regionprops(mask.astype(int), counts)[0])
        value = measure_stack([name], ALL, image, stacked, None, track)[name][0]
        assert value == pytest.approx(expected, rel=1e-9, abs=1e-9)


@given(tight_masks(5))
def test_the_aspect_ratio_is_undefined_exactly_for_pixels_on_a_line(mask):
    y, x = np.nonzero(mask)
    on_a_line = np.linalg.matrix_rank(np.stack([y - y[0], x - x[0]])) < 2
    shape = measure_stack(["aspect_ratio", "eccentricity"], ALL, *stack_of([mask]))
    assert math.isnan(shape["aspect_ratio"][0]) == on_a_line
    assert math.isnan(shape["aspect_ratio"][0]) or shape["aspect_ratio"][0] >= 1
    assert (shape["eccentricity"][0] == 1) == (on_a_line and len(y) > 1)


def test_cells_cut_out_of_a_frame_measure_the_same_as_in_the_frame():
    rng = np.random.default_rng(3)
    frame = rng.integers(0, 65536, (60, 80), np.uint16)
    blocks = rng.integers(0, 6, (6, 8), np.uint16) * 30
    labels = np.kron(blocks, np.ones((10, 10), np.uint16))
    labels[rng.random(labels.shape) < 0.1] = 0
    found = regions(labels)
    shapes = box_shapes(found.boxes)
    slots = np.empty((len(shapes), *shapes.max(axis=0)), np.float32)
    masks = np.empty(slots.shape, np.uint8)
    place(gather(frame, found.boxes) / np.float32(SCALE), shapes, slots)
    place(gather_masks(labels, found.ids, found.boxes), shapes, masks)
    valid, times = np.ones(len(shapes), bool), [0.0] * len(shapes)
    track = CellTrack(0, 1, 0, found.boxes, valid, times, 0.5, 0, ExtractionParams())
    names = sorted(SCIKIT)
    values = measure_stack(names, ALL, slots, masks, None, track)
    for i, cell in enumerate(regionprops(labels, frame.astype(float))):
        assert found.ids[i] == cell.label
        for name in names:
            assert values[name][i] == pytest.approx(SCIKIT[name](cell), rel=1e-9), name


def test_a_frame_wide_cell_does_not_overflow():
    mask = np.ones((3000, 3000), bool)
    assert ALL["aspect_ratio"](np.zeros(mask.shape), mask, context(mask.shape)) == 1
    mask[0, 0] = False
    assert ALL["aspect_ratio"](np.zeros(mask.shape), mask, context(mask.shape)) >= 1


PIXEL = [
    ("area", 1.0),
    ("area_um2", 0.25),
    ("aspect_ratio", math.nan),
    ("eccentricity", 0.0),
    ("perimeter", 0.0),
    ("solidity", 1.0),
    ("centroid_y", 30.0),
    ("centroid_x", 40.0),
    ("intensity_total", 65535.0),
    ("intensity_mean", 65535.0),
    ("intensity_max", 65535.0),
    ("intensity_std", 0.0),
]


@pytest.mark.parametrize(("name", "expected"), PIXEL)
def test_a_single_saturated_pixel_has_features(name, expected):
    _, mask, _, track = stack_of([np.ones((1, 1), bool)])
    track = replace(track, boxes=np.array([[30, 40, 31, 41]], np.int32))
    image = np.full((1, 1, 1), 65535 / SCALE, np.float32)
    value = measure_stack([name], ALL, image, mask, None, track)[name]
    np.testing.assert_array_equal(value, [expected])


@pytest.mark.parametrize("name", sorted(ALL))
def test_frames_without_the_cell_are_nan(name):
    image, mask, background, track = stack_of([np.ones((3, 4), bool)] * 3)
    mask[1] = 0
    track.boxes[1] = 0
    track = replace(track, valid=np.array([True, False, True]))
    values = measure_stack([name], ALL, image, mask, background, track)[name]
    np.testing.assert_array_equal(np.isnan(values), [False, True, False])
    never = replace(track, valid=np.zeros(3, bool))
    assert np.isnan(measure_stack([name], ALL, image, mask, background, never)[name]).all()


def test_a_channel_not_recorded_in_a_frame_is_nan_there():
    image, mask, background, track = stack_of([np.ones((3, 4), bool)] * 2)
    track = replace(track, valid=np.array([True, False]))
    total = measure_stack(["intensity_total"], ALL, image, mask, background, track)
    np.testing.assert_array_equal(np.isnan(total["intensity_total"]), [False, True])


def test_without_a_pixel_size_there_is_no_area_in_micrometres():
    stacks = stack_of([np.ones((3, 4), bool)], pixel_size_um=None)
    assert np.isnan(measure_stack(["area_um2"], ALL, *stacks)["area_um2"]).all()


def test_shape_features_need_no_image_and_others_do():
    _, mask, background, track = stack_of([np.ones((3, 4), bool)])
    names = [name for name in PHASE_FEATURES if name not in OPTIONAL]
    assert not needs_image(names, PHASE_FEATURES)
    values = measure_stack(names, PHASE_FEATURES, None, mask, background, track)
    assert values["area"][0] == 12
    assert values["perimeter"][0] == 10
    assert needs_image(["area", "intensity_max"], ALL)
    with pytest.raises(ArrayError, match="needs the image for area, intensity_max"):
        measure_stack(["area", "intensity_max"], ALL, None, mask, background, track)


def test_a_custom_function_may_need_the_image():
    assert needs_image(["mine"], {"mine": lambda image, mask, context: 0})


def measure_custom(function, stacks=None):
    stacks = stacks or stack_of([np.eye(3, dtype=bool), np.ones((2, 4), bool)])
    return measure_stack(["mine"], {"mine": function}, *stacks)["mine"]


def test_a_custom_function_sees_counts_mask_and_context_of_the_tight_box():
    seen = []

    def mine(image, mask, context):
        seen.append((image, mask, context))
        return context.frame

    image, _, background, track = stacks = stack_of(
        [np.eye(3, dtype=bool), np.ones((2, 4), bool)], weight=0.5
    )
    np.testing.assert_array_equal(measure_custom(mine, stacks), [0, 1])
    counts, inside, context = seen[1]
    np.testing.assert_array_equal(counts, image[1, :2, :4].astype(float) * SCALE)
    np.testing.assert_array_equal(inside, np.ones((2, 4), bool))
    np.testing.assert_array_equal(
        context.background, background[1, :2, :4].astype(float) * SCALE
    )
    assert (counts.dtype, inside.dtype) == (np.float64, bool)
    assert (context.fov, context.cell, context.frame, context.channel) == (2, 7, 1, 1)
    assert context.bbox == tuple(track.boxes[1])
    assert (context.time_min, context.pixel_size_um) == (10.0, 0.5)
    assert (context.background_weight, context.params) == (0.5, track.params)
    with pytest.raises(FrozenInstanceError):
        context.cell = 8


def test_without_a_background_a_custom_function_sees_zeros():
    image, mask, _, track = stack_of([np.ones((3, 4), bool)])
    stacks = (image, mask, None, track)
    assert measure_custom(lambda image, mask, c: c.background.any(), stacks)[0] == 0


class Unhashable:
    __hash__ = None

    def __call__(self, image, mask, context):
        return 5


NUMBERS = [
    (3, 3.0),
    (2.5, 2.5),
    (math.nan, math.nan),
    (True, 1.0),
    (np.False_, 0.0),
    (np.float32(0.5), 0.5),
    (np.uint8(7), 7.0),
    (np.array(4), 4.0),
]


@pytest.mark.parametrize(("result", "expected"), NUMBERS)
def test_numbers_of_custom_functions_are_taken(result, expected):
    values = measure_custom(lambda image, mask, context: result)
    np.testing.assert_array_equal(values, [expected, expected])


def test_any_callable_may_be_a_feature():
    np.testing.assert_array_equal(measure_custom(Unhashable()), [5, 5])


@pytest.mark.parametrize(
    "result",
    [None, "3", 1j, [1.0], np.array([1.0]), np.ma.masked, math.inf, -np.inf, 10**400],
    ids=lambda value: repr(value)[:12],
)
def test_anything_but_a_number_is_an_error_that_names_feature_cell_and_frame(result):
    match = (
        r"^Feature 'mine' in cell 7, frame 0 returned .+; expected one finite number, or NaN"
    )
    with pytest.raises(PluginError, match=match):
        measure_custom(lambda image, mask, context: result)


def test_a_failing_function_is_named_and_its_error_kept():
    match = r"^Feature 'mine' in cell 7, frame 0 failed: ZeroDivisionError: division by zero$"
    with pytest.raises(PluginError, match=match) as caught:
        measure_custom(lambda image, mask, context: 1 / 0)
    assert isinstance(caught.value.__cause__, ZeroDivisionError)


@pytest.mark.parametrize("argument", ["image", "mask", "background"])
def test_a_function_cannot_change_what_the_next_one_sees(argument):
    def spoil(image, mask, context):
        arrays = {"image": image, "mask": mask, "background": context.background}
        arrays[argument][:] = 0
        return 0

    with pytest.raises(PluginError, match="read-only"):
        measure_custom(spoil)


def test_random_numbers_do_not_depend_on_what_else_is_measured():
    def draw(image, mask, context):
        return context.rng.random()

    stacks = stack_of([np.eye(3, dtype=bool)] * 3)
    both = {"first": draw, "mine": draw}
    together = measure_stack(["first", "mine"], both, *stacks)
    alone = measure_custom(draw, stacks)
    np.testing.assert_array_equal(together["mine"], alone)
    assert len({*alone, *together["first"]}) == 6
    image, mask, background, track = stacks
    later = replace(track, valid=np.array([False, False, True]))
    assert measure_custom(draw, (image, mask, background, later))[2] == alone[2]


def test_every_key_of_the_random_numbers_counts():
    keys = [
        (0, 0, 0, 0, 0, "a"),
        *((*np.eye(5, dtype=int)[i].tolist(), "a") for i in range(5)),
    ]
    draws = [feature_rng(*key).random() for key in [*keys, (0, 0, 0, 0, 0, "b")]]
    assert len(set(draws)) == len(draws)
    assert feature_rng(*keys[0]).random() == draws[0]


def test_a_built_in_function_takes_any_layout_of_its_arrays():
    mask = np.tri(6, 8, dtype=bool)[::2, ::-1]
    image = np.arange(24.0).reshape(8, 3).T
    total = ALL["intensity_total"](image, mask, context(mask.shape))
    assert total == image[mask].sum()


def test_an_unknown_feature_is_an_error():
    stacks = stack_of([np.ones((3, 4), bool)])
    with pytest.raises(ConfigError, match=r"Unknown feature 'volume'\. Available: area"):
        measure_stack(["volume"], PHASE_FEATURES, *stacks)


def test_arrays_must_fit_together():
    image, mask, background, track = stack_of([np.ones((3, 4), bool)] * 2)
    cases = [
        (image[:1], background, track, r"one shape, got image \(1, 3, 4\), mask \(2, 3, 4\)"),
        (image, background[:, :1], track, r"one shape, .* background \(2, 1, 4\)"),
        (image, background, replace(track, valid=track.valid[:1]), r"valid \(1,\)"),
        (image, background, replace(track, times_min=[0.0]), "1 times for a stack"),
        (image, background, replace(track, boxes=track.boxes * 2), r"a box of \(6, 8\) px"),
    ]
    for image, background, track, message in cases:
        with pytest.raises(ArrayError, match=message):
            measure_stack(["area"], ALL, image, mask, background, track)
    with pytest.raises(ArrayError, match=r"feature\(\) takes arrays of one shape"):
        ALL["area"](np.zeros((2, 2)), np.ones((3, 3), bool), context((3, 3)))
