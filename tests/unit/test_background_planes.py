"""The method `planes`; what it shares with `tiles` is tested in test_background."""

from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks import background as drawn_frames
from pyama.algorithms.background_surface import estimate
from pyama.algorithms.kernels.smoothing_spline import POINTS, cubic_weights, fit_surface
from pyama.algorithms.params import BackgroundParams

PLANES = BackgroundParams(background_method="planes")


def rms(values):
    return float(np.sqrt(np.mean(np.square(values))))


LIMITS = [
    ("steep gradient", 512, 1.0, 1.5),
    ("vignetting", 512, 5.0, 5.0),
    ("80 % covered", 512, 4.0, 4.0),
    ("80 % covered, steep", 512, 5.0, 8.0),
    ("128 px, steep", 128, 2.0, 12.0),
    ("20 % of the cells missed", 512, 2.0, 2.0),
]


@pytest.mark.parametrize(("name", "size", "inside", "edge"), LIMITS)
def test_the_error_is_small_where_tiles_fail(name, size, inside, edge):
    scene = drawn_frames.SCENES[name]
    drawn = drawn_frames.draw(replace(scene, size=size))
    found = drawn_frames.errors(drawn, "planes")[:2]
    assert found[0] <= inside
    assert found[1] <= edge
    assert max(found) < max(drawn_frames.errors(drawn, "tiles"))


@settings(max_examples=30)
@given(
    shape=st.tuples(st.integers(8, 300), st.integers(8, 300)),
    slopes=st.tuples(st.floats(-4, 4), st.floats(-4, 4)),
    tile_size=st.sampled_from([4, 25, 100, 1000]),
)
def test_a_plane_is_its_own_background(shape, slopes, tile_size):
    y, x = np.mgrid[: shape[0], : shape[1]]
    frame = np.round(5000 + slopes[0] * y + slopes[1] * x).astype(np.uint16)
    params = BackgroundParams(background_method="planes", tile_size=tile_size)
    found = estimate(frame, np.zeros(shape, np.bool_), params).background
    np.testing.assert_allclose(found, frame, rtol=0, atol=1)


@pytest.mark.parametrize("slope", [0.0, 1.0])
def test_the_surface_continues_where_nothing_is_visible(slope):
    rng = np.random.default_rng(0)
    truth = 500 + slope * np.mgrid[:400, :400][1]
    mask = np.zeros((400, 400), np.bool_)
    mask[:, 200:] = True
    found = estimate(rng.poisson(truth).astype(np.uint16), mask, PLANES)
    assert not found.is_fallback
    assert rms(found.background - truth) <= 12


def test_it_stays_a_possible_count_where_nothing_is_visible():
    truth = np.maximum(2000 - 20.0 * np.mgrid[:400, :400][1], 0)
    mask = np.zeros((400, 400), np.bool_)
    mask[:, 80:] = True
    found = estimate(truth.astype(np.uint16), mask, PLANES).background
    assert found.min() >= 0
    assert rms((found - truth)[:, :60]) <= 2


def test_bright_objects_without_a_mask_matter_little():
    rng = np.random.default_rng(0)
    truth = 400 + 1.5 * np.mgrid[:400, :400][0]
    frame = rng.poisson(truth)
    for y, x in rng.integers(0, 370, (25, 2)):
        frame[y : y + 30, x : x + 30] += 700
    found = estimate(frame.astype(np.uint16), np.zeros(frame.shape, np.bool_), PLANES)
    assert rms(found.background - truth) <= 3


@pytest.mark.parametrize(
    "name", ["mild gradient", "steep gradient", "80 % covered", "80 % covered, steep"]
)
def test_the_error_is_known(name):
    drawn = drawn_frames.draw(replace(drawn_frames.SCENES[name], size=512))
    found = estimate(drawn.frame, drawn.mask, PLANES)
    assert 0.4 <= found.error / rms(found.background - drawn.background) <= 2.5


def test_gaps_are_no_background():
    rng = np.random.default_rng(0)
    frame = rng.poisson(600, (300, 300)).astype(np.uint16)
    gaps = np.zeros(frame.shape, np.bool_)
    gaps[120:, 50:170] = True
    frame[gaps] = 0
    found = estimate(frame, np.zeros_like(gaps), PLANES, gaps).background
    assert rms(found - 600) <= 1.5


@pytest.mark.parametrize(("size", "is_fallback"), [(3, True), (10, False)])
def test_a_frame_with_too_few_visible_pixels_falls_back(size, is_fallback):
    frame = np.full((300, 300), 500, np.uint16)
    gaps = ~np.zeros(frame.shape, np.bool_)
    gaps[-size:, -size:] = False
    found = estimate(frame, np.zeros_like(gaps), PLANES, gaps)
    assert found.is_fallback == np.isnan(found.error) == is_fallback
    np.testing.assert_array_equal(found.background, 500)


def test_the_spline_is_the_minimum_of_its_penalised_squares():
    rng = np.random.default_rng(0)
    y, x, values = rng.uniform(0, 3, 40), rng.uniform(0, 2, 40), rng.normal(900, 50, 40)
    weights = rng.uniform(0.1, 1, 40)
    rows = []
    for at_y, at_x in zip(y, x, strict=True):
        basis = np.zeros((6, 5))
        (i, along_y), (j, along_x) = cubic_weights(at_y, 3), cubic_weights(at_x, 2)
        basis[i : i + 4, j : j + 4] = np.outer(along_y, along_x)
        rows.append(basis.ravel())
    matrix = np.array(rows)
    np.testing.assert_allclose(matrix.sum(axis=1), 1)
    coefficients = np.eye(30).reshape(30, 6, 5)
    bend = np.sqrt(0.03)
    differences = [
        bend * np.diff(coefficients, 2, axis=1),
        bend * np.diff(coefficients, 2, axis=2),
        np.sqrt(2) * bend * np.diff(np.diff(coefficients, axis=1), axis=2),
        0.01 * np.diff(coefficients, axis=1),
        0.01 * np.diff(coefficients, axis=2),
    ]
    penalty = np.hstack([part.reshape(30, -1) for part in differences]).T
    level = np.average(values, weights=weights)
    left = np.vstack([np.sqrt(weights)[:, None] * matrix, penalty])
    right = np.concatenate([np.sqrt(weights) * (values - level), np.zeros(len(penalty))])
    expected = level + np.linalg.lstsq(left, right, rcond=None)[0].reshape(6, 5)
    found, error = fit_surface(values, weights, y, x, 3, 2)
    np.testing.assert_allclose(found, expected)
    # The error is that of the posterior distribution, at the points of a grid.
    off = np.sqrt(weights) * (matrix @ (expected - level).ravel() - (values - level))
    at = (np.arange(POINTS) + 0.5) / POINTS
    points = []
    for at_y, at_x in product(3 * at, 2 * at):
        basis = np.zeros((6, 5))
        (i, along_y), (j, along_x) = cubic_weights(at_y, 3), cubic_weights(at_x, 2)
        basis[i : i + 4, j : j + 4] = np.outer(along_y, along_x)
        points.append(basis.ravel())
    inverse = np.linalg.inv(left.T @ left)
    variances = np.einsum("pi,ij,pj->p", points, inverse, points)
    assert error == pytest.approx(np.sqrt(np.sum(off**2) / 20 * variances.mean()))
