"""One size for everything: what follows from `cell_diameter`, and what is set beside it."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pyama.algorithms.diameter_params import DERIVABLE, TUNED_DIAMETER, sizes_for
from pyama.algorithms.segmenters import watershed
from pyama.algorithms.segmenters.resizing import resized, resized_labels
from pyama.config import ProcessingParams, dump_config, parse_config
from pyama.derived_sizes import (
    assumed_diameter,
    derived_notes,
    with_derived,
    without_written_defaults,
)
from pyama.errors import ConfigError
from pyama.processing.recipes import recipes
from small_movie import MOVIE, make_config, recording_of

METADATA = recording_of(MOVIE).metadata
DIAMETERS = st.floats(3, 3000)


def derived(**params):
    return with_derived(parse_config("The file", {"params": params}), METADATA)


@given(DIAMETERS, DIAMETERS)
def test_what_follows_grows_with_the_diameter(one, other):
    small, large = (sizes_for(each) for each in sorted((one, other)))
    for name in set(DERIVABLE) - {"frame_scale"}:
        assert small[name] <= large[name]
    assert (small["frame_scale"] or 1) >= (large["frame_scale"] or 1)


def test_at_the_width_of_the_defaults_only_the_depth_of_cuts_is_new():
    standard = ProcessingParams()
    sizes = sizes_for(TUNED_DIAMETER)
    changed = {n for n, value in sizes.items() if value != getattr(standard, n)}
    assert (set(sizes), changed) == (set(DERIVABLE), {"split_h"})


@settings(max_examples=25)
@given(DIAMETERS, st.sets(st.sampled_from(DERIVABLE)))
def test_what_is_set_stays_and_the_written_configuration_gives_the_same(diameter, names):
    given = {name: getattr(ProcessingParams(), name) for name in names}
    given = {name: value for name, value in given.items() if "object_size" not in name}
    config = derived(cell_diameter=diameter, segmentation_method="cellpose", **given)
    read = {*DERIVABLE, "cellpose.diameter"} - {"frame_scale", "split_h"}
    assert config.derived.keys() == read - given.keys()
    assert {name: getattr(config.params, name) for name in given} == given
    written = dump_config(config)
    assert not written["params"].keys() & config.derived.keys()
    again = parse_config("The file", written)
    assert again == config == with_derived(again, METADATA)


def test_another_diameter_replaces_what_was_derived():
    first = derived(cell_diameter=35, min_object_size=7)
    entries = dump_config(first)
    entries["params"]["cell_diameter"] = 140
    second = with_derived(parse_config("The file", entries), METADATA)
    assert second == derived(cell_diameter=140, min_object_size=7)
    entries["params"]["cell_diameter"] = None
    assert not with_derived(parse_config("The file", entries), METADATA).derived


def test_recipes_hold_derived_values_only():
    config = with_derived(
        make_config(cell_diameter=35, segmentation_method="watershed"), METADATA
    )
    typed = make_config(segmentation_method="watershed", **config.derived)
    assert recipes(METADATA, config, 0) == recipes(METADATA, typed, 0)
    assert with_derived(make_config(), METADATA) == make_config()


def test_sizes_that_a_run_has_written_do_not_keep_new_ones_from_following():
    written = dump_config(make_config(split_h=3.5)) | {"metadata": {}}
    entries = without_written_defaults(written)
    entries["params"]["cell_diameter"] = 35
    config = with_derived(parse_config("The file", entries), METADATA)
    # small_movie sets a margin
    assert config.derived.keys() == set(DERIVABLE) - {"split_h", "border_margin"}
    assert without_written_defaults({"params": {"min_object_size": 50}}) == {
        "params": {"min_object_size": 50}
    }


def test_micrometres_need_the_size_of_a_pixel():
    assert derived(cell_diameter="22.75 µm").derived == derived(cell_diameter=35).derived
    unknown = recording_of(MOVIE, pixel_size_um=None).metadata
    config = make_config(cell_diameter="30um")
    with pytest.raises(ConfigError, match=r"= 30 um: the file does not say.*pixel_size_um="):
        with_derived(config, unknown)
    set_here = config.replace(params=config.params.replace(pixel_size_um=1))
    assert assumed_diameter(with_derived(set_here, unknown), unknown) == 30
    with pytest.raises(ConfigError, match=r"are 0.154 px of 0.65 µm; expected 3 to 3000 px"):
        derived(cell_diameter="0.1 um")


@pytest.mark.parametrize("value", [True, "wide", "-3 um", [70], "nan", "0 um", "30 mm"])
def test_nonsense_is_refused_with_what_helps(value):
    with pytest.raises(ConfigError, match=r"cell_diameter = .*such as 70.*'30 um'"):
        derived(cell_diameter=value)


def test_a_conflict_with_what_is_set_is_explained():
    with pytest.raises(
        ConfigError, match=r"cell_diameter = 35.0 does not fit.*5000 px².*2500"
    ):
        derived(cell_diameter=35, min_object_size=5000)


def test_notes_name_what_was_derived_and_what_was_set():
    notes = list(derived_notes(derived(cell_diameter="22.75 um", split_h=2), METADATA))
    assert notes == [
        "Derived from cell_diameter = 22.75 um (35 px): frame_scale = 2, min_object_size = "
        "12, max_object_size = 2500, border_margin = 25.",
        "Set beside cell_diameter = 22.75 um (35 px), and therefore not derived from it: "
        "split_h.",
    ]
    assert list(derived_notes(make_config(), METADATA)) == []


@settings(max_examples=30)
@given(
    st.integers(1, 12), st.integers(1, 12), st.integers(1, 30), st.integers(1, 30), st.data()
)
def test_labels_of_another_shape_are_those_of_the_nearest_pixels(h, w, height, width, data):
    rng = np.random.default_rng(data.draw(st.integers(0, 99)))
    labels = rng.integers(0, 4, (h, w)).astype(np.uint16)
    out = resized_labels(labels, (height, width))
    assert (out.shape, out.dtype) == ((height, width), labels.dtype)
    assert np.isin(out, labels).all()
    assert np.array_equal(resized_labels(labels, (h, w)), labels)


def test_outlines_are_smooth_after_enlarging():
    y, x = np.mgrid[:40, :40]
    disk = ((y - 20) ** 2 + (x - 20) ** 2 <= 12**2).astype(np.uint16)
    y, x = (np.mgrid[:160, :160] + 0.5) / 4 - 0.5
    true = (y - 20) ** 2 + (x - 20) ** 2 <= 12**2
    wrong = np.count_nonzero(resized_labels(disk, (160, 160)) != true)
    nearest = np.count_nonzero(disk.repeat(4, 0).repeat(4, 1) != true)
    assert wrong < 0.8 * nearest


@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (7, 2)])
@pytest.mark.parametrize("scale", [0.03, 3])
def test_frames_of_any_size_can_be_resized(shape, scale):
    params = ProcessingParams(frame_scale=scale)
    frame = np.full(shape, 65535, np.uint16)
    assert resized(frame, scale).min() == 65535
    gaps = np.zeros(shape, bool)
    gaps[0, 0] = True
    assert not watershed.segment(frame, params, gaps=gaps).any()
