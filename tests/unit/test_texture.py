"""Optional features: particles, grains, texture, depth, border and neighbours."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from scipy import ndimage

from pyama.algorithms.features import (
    FLUORESCENCE_FEATURES,
    PHASE_FEATURES,
    FeatureContext,
    intensity,
    shape,
    texture,
)
from pyama.algorithms.features.shape import NeighbourParams
from pyama.algorithms.features.texture import GranularityParams, ParticleParams

Y, X = np.mgrid[:41, :51]
CELL = ((Y - 20) / 20) ** 2 + ((X - 25) / 25) ** 2 <= 1


def context(image, params=None, **facts):
    settings = {
        "fov": 0,
        "cell": 1,
        "frame": 0,
        "channel": 1,
        "bbox": (0, 0, *image.shape),
        "pixel_size_um": None,
        "time_min": 0.0,
        "background": np.zeros(image.shape),
        "background_weight": 1.0,
        "rng": np.random.default_rng(0),
        "params": params,
    }
    return FeatureContext(**(settings | facts))


def with_spots(places, height=400.0, radius=2.0, noise=True):
    rng = np.random.default_rng(3)
    image = (
        rng.poisson(1000, CELL.shape).astype(float) if noise else np.full(CELL.shape, 1000.0)
    )
    for y, x in places:
        image += height * np.exp(-((Y - y) ** 2 + (X - x) ** 2) / (2 * (radius / 1.4) ** 2))
    return image


SPOTS = [(12, 20), (20, 35), (28, 22), (22, 12)]


@pytest.mark.parametrize("n", range(5))
@pytest.mark.parametrize("noise", [True, False])
def test_particles_are_counted(n, noise):
    image = with_spots(SPOTS[:n], noise=noise)
    found = texture.particle_num(image, CELL, context(image, ParticleParams()))
    assert found == n


def test_particles_outside_the_cell_and_a_bright_cell_do_not_count():
    image = with_spots([(1, 1), (39, 49), (20, 25)]) + 5000 * CELL
    assert texture.particle_num(image, CELL, context(image, ParticleParams())) == 1


def test_grains_are_structures_narrower_than_their_size():
    image = np.where(CELL, 100.0, 9e9)
    assert texture.granularity(image, CELL, context(image, GranularityParams())) == 0
    image[CELL & (X % 8 == 0)] += 100
    expected = 1 - 100 * CELL.sum() / image[CELL].sum()
    found = texture.granularity(image, CELL, context(image, GranularityParams()))
    assert found == pytest.approx(expected)
    wide = np.where(X // 8 % 2 == 0, 300.0, 100.0)
    assert texture.granularity(wide, CELL, context(wide, GranularityParams())) < 0.05


def test_granularity_is_not_defined_without_intensity():
    image = np.zeros(CELL.shape)
    assert np.isnan(texture.granularity(image, CELL, context(image, GranularityParams())))


def test_texture_is_the_local_standard_deviation():
    image = np.where((X + Y) % 2 == 0, 90.0, 110.0)
    inside = ndimage.minimum_filter(CELL.astype(np.uint8), 3, mode="constant") > 0
    windows = ndimage.generic_filter(image, np.std, 3)
    assert texture.texture(image, CELL, context(image)) == pytest.approx(
        windows[inside].mean()
    )
    line = np.ones((1, 9), bool)
    assert np.isnan(texture.texture(line * 5.0, line, context(line)))


def test_core_middle_and_rim_are_thirds_by_depth():
    depth = ndimage.distance_transform_edt(np.pad(CELL, 1))[1:-1, 1:-1]
    values = [f(depth, CELL, context(depth)) for f in _thirds()]
    ordered = np.sort(depth[CELL])
    expected = [part.mean() for part in np.array_split(ordered, 3)]
    assert values == pytest.approx(expected, rel=0.01)
    pair = np.ones((1, 2))
    assert all(np.isnan(f(pair, pair > 0, context(pair))) for f in _thirds())


def _thirds():
    return [intensity.intensity_rim, intensity.intensity_middle, intensity.intensity_core]


@pytest.mark.parametrize(
    ("bbox", "expected"),
    [
        ((5, 5, 9, 11), 0),
        ((0, 5, 4, 11), 6),
        ((0, 0, 4, 6), 9),
        ((60, 74, 64, 80), 9),
        ((5, 0, 9, 6), 4),
    ],
)
def test_border_contact_counts_pixels_at_the_edge(bbox, expected):
    mask = np.ones((4, 6), bool)
    found = shape.border_contact(mask, mask, context(mask, bbox=bbox, frame_shape=(64, 80)))
    assert found == expected


def test_without_frame_and_company_contact_and_neighbours_are_not_defined():
    mask = np.ones((4, 6), bool)
    assert np.isnan(shape.border_contact(mask, mask, context(mask)))
    assert np.isnan(shape.neighbours(mask, mask, context(mask, NeighbourParams())))


@pytest.mark.parametrize(
    ("distance", "expected"), [(0, 0), (1, 1), (5, 1), (6, 2), (16, 3), (100, 4)]
)
def test_neighbours_are_counted_by_the_distance_of_boxes(distance, expected):
    mask = np.ones((10, 10), bool)
    others = np.array([[20, 30, 30, 40], [35, 30, 40, 40], [20, 45, 25, 60], [90, 90, 95, 95]])
    facts = {"bbox": (20, 20, 30, 30), "others": others.astype(np.int32)}
    params = NeighbourParams(distance=distance)
    assert shape.neighbours(mask, mask, context(mask, params, **facts)) == expected


OF_INTENSITY = {
    "particle_num": ParticleParams(),
    "granularity": GranularityParams(),
    "texture": None,
    "intensity_core": None,
    "intensity_middle": None,
    "intensity_rim": None,
}


@given(
    npst.arrays(np.uint16, (7, 9), elements=st.integers(0, 65535)),
    npst.arrays(np.bool_, (7, 9)).filter(np.any),
    st.sampled_from(sorted(OF_INTENSITY)),
)
def test_pixels_outside_the_cell_do_not_matter(image, mask, name):
    feature = FLUORESCENCE_FEATURES[name]
    background = np.full(image.shape, 3.0)
    facts = context(image, OF_INTENSITY[name], background=background)
    first = feature(image.astype(float), mask, facts)
    second = feature(np.where(mask, image, 77.0), mask, facts)
    np.testing.assert_array_equal(first, second)
    assert not np.isinf(first)


def test_mask_features_are_those_that_need_no_image():
    from pyama.algorithms.features import needs_image

    assert not needs_image(["border_contact", "neighbours", "area"], PHASE_FEATURES)
    assert needs_image(["texture"], PHASE_FEATURES)
