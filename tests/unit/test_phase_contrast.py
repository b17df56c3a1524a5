"""Random frames of phase contrast have the cells that were asked for."""

import numpy as np
import pytest
from scipy import ndimage

from pyama.errors import ConfigError
from pyama.testing.phase_contrast import KINDS, Lens, draw_field, phase_image


def draw(kind, width, *seed, shape=(256, 256)):
    return draw_field(kind, shape, width, np.random.default_rng(seed))


def whole_cells(labels):
    """Return the areas of the cells that the edge does not cut."""
    edges = (labels[0], labels[-1], labels[:, 0], labels[:, -1])
    areas = np.bincount(labels.ravel())
    areas[np.unique(np.concatenate([[0], *edges]))] = 0
    return areas[areas > 0]


@pytest.mark.parametrize("kind", KINDS)
def test_labels_are_numbered_and_connected(kind):
    frame, labels = draw(kind, 24, 3)
    assert frame.dtype == labels.dtype == np.uint16
    assert frame.shape == labels.shape == (256, 256)
    n = int(labels.max())
    assert set(np.unique(labels)) == set(range(n + 1))
    assert n > 2
    for i, window in enumerate(ndimage.find_objects(labels), 1):
        assert ndimage.label(labels[window] == i)[1] == 1


@pytest.mark.parametrize("kind", KINDS)
def test_the_median_width_is_the_one_asked_for(kind):
    width = 14
    areas = np.concatenate([whole_cells(draw(kind, width, 4, i)[1]) for i in range(3)])
    assert np.median(2 * np.sqrt(areas / np.pi)) == pytest.approx(width, rel=0.2)


def test_the_same_seed_draws_the_same_pixels():
    first, again, other = (draw("mixed", 40, seed) for seed in (7, 7, 8))
    np.testing.assert_array_equal(first[0], again[0])
    np.testing.assert_array_equal(first[1], again[1])
    assert (first[0] != other[0]).any()


def test_thin_cells_are_dark_with_a_bright_halo_and_thick_ones_are_bright():
    y, x = np.mgrid[:128, :128] - 64.0
    away = np.hypot(y, x)
    disk = (1 / (1 + np.exp(2 * (away - 20)))).astype(np.float32)
    thin = phase_image(0.2 * disk, Lens(ring=6, attenuation=0.5, blur=0.8, defocus=0))
    rim, halo = thin[(away > 15) & (away < 19)], thin[(away > 21) & (away < 25)]
    assert rim.mean() < 0.9 < 1.05 < halo.mean()
    assert thin[away < 5].mean() > rim.mean() + 0.05  # shade-off
    assert thin[away > 50].mean() == pytest.approx(1, abs=0.01)
    ball = np.sqrt(np.maximum(1 - (away / 20) ** 2, 0)).astype(np.float32)
    thick = phase_image(3 * ball, Lens(ring=12, attenuation=0.5, blur=0.8, defocus=0))
    assert thick[away < 15].mean() > 1.5


def test_unknown_kinds_and_impossible_widths_are_named():
    with pytest.raises(ConfigError, match=r"squares.*round, spread"):
        draw("squares", 30, 0)
    with pytest.raises(ConfigError, match=r"4.*5 to 300"):
        draw("round", 4, 0)
