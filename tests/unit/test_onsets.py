import numpy as np
import pytest
from benchmarks.onsets import SLOW, bias, correlated, share_rising, share_seen, with_outlier
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from pyama.analysis.onsets import FEWEST_POINTS, find_onsets, spikes
from pyama.analysis.trace_shape import points_first

NAN = float("nan")
T = np.arange(0, 20, 0.25)
RISES = [
    pytest.param(lambda t: 3 * np.maximum(t - 4, 0), 4, id="ramp"),
    pytest.param(lambda t: 500 + 30 * np.maximum(t - 11.1, 0), 11.1, id="between frames"),
    pytest.param(lambda t: np.where(t < 9, 0, 50), 9, id="step"),
    pytest.param(lambda t: np.maximum(0, 40 * (t - 3)) * np.exp(-t / 3), 3, id="up and down"),
    pytest.param(
        lambda t: 9 * np.maximum(t - 12, 0) + 300 * np.exp(-t), 12, id="bright at first"
    ),
]


@pytest.mark.parametrize(("curve", "expected"), RISES)
@pytest.mark.parametrize("level", [0, 0.01])
def test_an_onset_is_where_a_trace_leaves_its_baseline(curve, expected, level):
    y = curve(T) + level * np.ptp(curve(T)) * np.random.default_rng(0).normal(size=(9, len(T)))
    found = find_onsets(T, y)
    assert found.rises.all()
    assert found.seen.all()
    assert np.median(found.time) == pytest.approx(expected, abs=0.35)


def test_an_onset_without_noise_is_exact():
    kinks = np.linspace(1, 15, 9)[:, np.newaxis]
    found = find_onsets(T, 7 + 2 * np.maximum(T - kinks, 0))
    np.testing.assert_allclose(found.time, kinks[:, 0], atol=0.25 / 20)


@pytest.mark.parametrize("correlation", [0, 0.6, 0.9])
@pytest.mark.parametrize("n", [FEWEST_POINTS, 60, 180])
def test_at_most_one_in_twenty_flat_traces_rises(correlation, n):
    y = correlated(correlation, (300, n))
    assert share_rising(y) <= 0.05
    assert share_rising(with_outlier(y)) <= 0.05
    assert share_rising(y - 20 * np.linspace(0, 1, n)) <= 0.05, "falling"


def test_nothing_is_said_of_a_cell_joined_with_its_neighbour():
    joined = np.where((T < 3) | ((T > 8) & (T < 12)), 300, 0)
    risen = 15 * np.maximum(T - 4, 0) + joined + correlated(0.3, (50, len(T)))
    found = find_onsets(T, risen)
    assert not found.rises.any()
    assert not found.known.any()
    flat = find_onsets(T, joined + correlated(0.3, (200, len(T))))
    assert flat.known.mean() >= 0.95


def test_traces_without_noise_that_do_not_rise_have_no_onset():
    y = np.array([np.exp(-T), -T, np.ones_like(T), np.where(T == 5, 9.0, 1)])
    found = find_onsets(T, y)
    assert found.known.all()
    assert not found.rises.any()
    assert np.isnan(found.time).all()


@pytest.mark.parametrize("correlation", [0, 0.6, 0.9])
def test_a_trace_that_rises_when_first_seen_has_no_onset(correlation):
    ramps = 50 * np.linspace(0, 1, len(T)) + correlated(correlation, (200, len(T)))
    assert find_onsets(T, ramps).rises.all()
    assert share_seen(ramps) <= 0.12
    noiseless = find_onsets(T, [2 + T, 1 - np.exp(-T)])
    assert noiseless.rises.all()
    assert not noiseless.seen.any()
    assert np.isnan(noiseless.time).all()


def test_a_few_points_say_nothing():
    found = find_onsets(T[:9], [np.maximum(T[:9] - 1, 0)])
    assert not found.known[0]
    assert not found.rises[0]
    assert found.kink[0] == pytest.approx(1, abs=0.02)
    assert np.isnan(find_onsets(T[:2], [[1.0, 2.0]]).kink[0])


BOUNDS = {
    "straight line": (-0.1, 0.1),
    "maturation with a half-time of 32 min": (0, 1),
    "maturation with a half-time of 2 h": (0, 2),
    "line, baseline falls by a tenth of the rise": (0, 1),
    "line, baseline falls by a third of the rise": (0, 2.5),
}
"""Limits of the median error in h that docs/onsets.md states."""


@pytest.mark.parametrize("name", BOUNDS)
def test_the_bias_of_slow_rises_and_falling_baselines_is_bounded(name):
    low, high = BOUNDS[name]
    assert low <= bias(SLOW[name], 50, 0.6)[1] <= high


@settings(max_examples=40)
@given(
    npst.arrays(float, (2, 14), elements=st.floats(-1e5, 1e5) | st.just(NAN)),
    st.floats(1, 50),
    st.integers(-4, 8).map(lambda k: 2.0**k),
)
def test_onsets_do_not_depend_on_gaps_units_or_the_clock(y, unit, scale):
    t = np.arange(14.0)
    found = find_onsets(t, y)
    assert ((found.time >= 1) & (found.time <= 13) | np.isnan(found.time)).all()
    packed_t, packed_y, _ = points_first(t, y)
    np.testing.assert_array_equal(find_onsets(packed_t, packed_y).time, found.time)
    np.testing.assert_array_equal(find_onsets(unit * t, y).rises, found.rises)
    np.testing.assert_array_equal(find_onsets(t, scale * y).time, found.time)
    np.testing.assert_array_equal(find_onsets(t, y[::-1]).time[::-1], found.time)


def test_onsets_move_with_the_clock_and_not_with_the_offset():
    kinks = np.linspace(2, 12, 30)[:, np.newaxis]
    y = 9 * np.maximum(T - kinks, 0) + correlated(0.6, (30, len(T)))
    time = find_onsets(T, y).time
    np.testing.assert_allclose(find_onsets(T + 7, y).time, time + 7, atol=0.02)
    np.testing.assert_allclose(find_onsets(T, 3 * y + 1e4).time, time, atol=0.02)
    gaps = np.where(np.random.default_rng(0).random(y.shape) < 0.2, NAN, y)
    np.testing.assert_allclose(find_onsets(T, gaps).time, time, atol=0.6)


def test_an_outlier_hardly_moves_an_onset():
    y = 9 * np.maximum(T - 6, 0) + correlated(0, (100, len(T)))
    moved = find_onsets(T, with_outlier(y)).time - find_onsets(T, y).time
    assert np.nanquantile(np.abs(moved), 0.9) < 0.3
    assert spikes(with_outlier(y, 500)).sum() >= 90
    assert not spikes(np.where(T < 9, 0, 50.0)[np.newaxis]).any()
