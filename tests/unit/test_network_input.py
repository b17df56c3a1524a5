"""The input of the segmentation network: size, light and contrast are taken out."""

import numpy as np
import pytest

from pyama.algorithms.segmenters.network_input import LARGEST, network_input, resized


@pytest.fixture
def frame():
    rng = np.random.default_rng(0)
    noise = rng.normal(0, 20, (280, 300))
    noise[100:160, 120:190] += 300
    return (noise + 3000).astype(np.uint16)


def test_cells_of_any_width_become_25_pixels_wide(frame):
    assert network_input(frame, 70).shape == (100, 107)
    assert network_input(frame, 25).shape == frame.shape
    assert network_input(frame, 12.5).shape == (560, 600)
    assert network_input(frame[:1, :1], 250).shape == (1, 1)


def test_averages_of_areas_keep_the_mean_and_a_linear_ramp():
    ramp = np.add.outer(np.arange(30), 2 * np.arange(41)).astype(np.float32)
    for shape in [(7, 9), (30, 41), (29, 40), (61, 90)]:
        out = resized(ramp, shape)
        assert out.mean() == pytest.approx(ramp.mean(), rel=1e-5)
        inner = out[2:-2, 2:-2]
        assert np.diff(inner, axis=0) == pytest.approx(30 / shape[0], abs=0.1)


def _likeness(one, two):
    return np.corrcoef(one[10:-10, 10:-10].ravel(), two[10:-10, 10:-10].ravel())[0, 1]


def test_light_and_gain_change_nothing(frame):
    seen = network_input(frame, 70)
    assert network_input(3.0 * frame + 500, 70) == pytest.approx(seen, abs=2e-3)
    tilted = frame + np.linspace(0, 400, 300)[None]
    assert _likeness(network_input(tilted, 70), seen) > 0.99


@pytest.mark.parametrize("level", [0, 7, 65535])
def test_a_constant_frame_is_zero(level):
    assert not network_input(np.full((90, 70), level, np.uint16), 30).any()


def test_a_lone_bright_pixel_is_cut_off():
    frame = np.zeros((200, 200), np.uint16)
    frame[100, 100] = 65535
    assert network_input(frame, 25).max() == np.float32(LARGEST)


def test_what_was_not_recorded_is_zero_and_has_no_influence(frame):
    gaps = np.zeros(frame.shape, np.bool_)
    gaps[:, :60] = True
    one, two = frame.copy(), frame.copy()
    one[gaps], two[gaps] = 0, 65535
    seen = network_input(one, 70, gaps)
    assert np.array_equal(seen, network_input(two, 70, gaps))
    assert not seen[:, :21].any()
    assert _likeness(seen[:, 30:], network_input(frame, 70)[:, 30:]) > 0.99
    assert not network_input(frame, 70, np.ones_like(gaps)).any()
