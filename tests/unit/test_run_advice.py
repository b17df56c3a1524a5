"""Advice after a run: what was found, and the options that help."""

import pytest

from pyama.analysis.advice.crowding_advice import crowding_advice
from pyama.analysis.advice.mask_advice import mask_advice
from pyama.analysis.advice.setting_advice import options
from pyama.config import ProcessingParams

AREAS = {
    "pixels": 10_000,
    "threshold": 1000,
    "closing": 1100,
    "small": 1090,
    "holes": 1200,
    "opening": 1150,
    "erosion": 1050,
}
OBJECTS = {"small": 0, "large": 0, "small_area": 0, "large_area": 0, "kept_area": 1050}
GENTLER = {"morph_size": 5, "morph_iterations": 1}


def noted(gentler=None, objects=OBJECTS, **areas):
    return {"areas": AREAS | areas, "objects": objects, "gentler": gentler or {}}


def test_ordinary_fields_and_results_of_earlier_versions_give_no_advice():
    assert mask_advice({0: noted(), 1: {"objects": OBJECTS}, 2: {}}, ProcessingParams()) == []


def test_an_opening_that_takes_the_cells_names_itself_and_a_narrower_one():
    fovs = {0: noted(), 1: noted(GENTLER, opening=120), 2: noted(opening=300)}
    (line,) = mask_advice(fovs, ProcessingParams())
    assert line == (
        "FOV 1-2: the opening (morph_size=7, morph_iterations=3) took 75 to 90 % of the mask: "
        "the cells are smaller than it expects. "
        "Try --set morph_size=5 --set morph_iterations=1"
    )
    assert line.settings == (GENTLER,)


def test_less_may_be_dirt_so_that_the_images_decide():
    (line,) = mask_advice({0: noted(GENTLER, opening=800)}, ProcessingParams())
    assert "took 33 % of the mask, which may be debris, rims and thin parts; weaker" in line
    assert "If cells are missing in the images, try --set" in line


def test_watershed_has_no_such_settings_and_its_halo_is_no_loss():
    params = ProcessingParams(segmentation_method="watershed")
    areas = {"halo": 700, "debris": 690}
    assert mask_advice({0: noted(**areas)}, params) == []
    (line,) = mask_advice({0: noted(GENTLER, small=200, **areas)}, params)
    assert line.startswith("FOV 0: the limit of size of watershed took 82 % of the mask: ")
    assert line.endswith(
        "Try --set segmentation_method=logstd --set morph_size=5 --set morph_iterations=1"
    )
    assert line.settings == ({"segmentation_method": "logstd"} | GENTLER,)


def test_alternatives_are_separate_settings():
    objects = OBJECTS | {"large_area": 1050}
    line = crowding_advice(objects, ProcessingParams())
    watershed, unet, limit = line.settings
    assert line.endswith(f"Try {options(watershed)}, or {options(unet)}, or {options(limit)}")
    for method in (watershed, unet):
        again = crowding_advice(objects, ProcessingParams(**method))
        assert again.settings == (limit,)


@pytest.mark.parametrize("small_area", [100, 3000])
def test_a_limit_that_takes_much_of_the_objects_of_any_method_is_named(small_area):
    objects = OBJECTS | {"small": 100, "small_area": small_area}
    found = mask_advice({3: {"objects": objects}}, ProcessingParams(min_object_size=60))
    if small_area == 100:
        assert found == []
    else:
        (line,) = found
        assert "74 % of the area of all objects was dropped as smaller than 60 px²" in line
        assert line.endswith("Try --set min_object_size=15")
