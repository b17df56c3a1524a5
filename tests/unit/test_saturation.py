"""Saturated pixels are counted while frames are copied."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyama.algorithms.kernels.histogram import Histogram
from pyama.algorithms.saturation import FULL_SCALES, SaturationCount


def noted(frames):
    histogram, count = Histogram(), SaturationCount()
    for t, frame in enumerate(frames):
        histogram.update(frame)
        count.add(t, frame.size, histogram)
    return count.notes(histogram).get("saturated")


@given(st.sampled_from(FULL_SCALES), st.lists(st.integers(0, 300), min_size=1, max_size=6))
def test_frames_with_enough_saturated_pixels_are_named(level, numbers):
    frames = np.full((len(numbers), 50, 60), 100, np.uint16)
    for frame, n in zip(frames, numbers, strict=True):
        frame.flat[:n] = level
    found = noted(frames)
    expected = [t for t, n in enumerate(numbers) if n >= 10]
    if expected:
        share = pytest.approx(max(numbers) / 3000, abs=1e-6)
        assert found == {"level": level, "frames": expected, "share": share}
    else:
        assert found is None


def test_a_level_with_counts_above_it_is_no_full_scale_and_hot_pixels_are_few():
    frame = np.full((1000, 1000), 100, np.uint16)
    frame.flat[:500] = 4095
    frame.flat[500] = 4096
    assert noted([frame]) is None
    frame.flat[:501] = 100
    frame.flat[:99] = 65535
    assert noted([frame]) is None
    frame.flat[:100] = 65535
    assert noted([frame]) == {"level": 65535, "frames": [0], "share": 1e-4}
    assert noted([]) is None


@pytest.mark.parametrize(
    "level", [2047, 4095 * 4, 4095 << 4, 16383 * 4], ids=["11", "summed", "shifted", "14"]
)
def test_other_full_scales_of_cameras_are_known(level):
    frame = np.full((50, 60), 100, np.uint16)
    frame.flat[:200] = level
    assert noted([frame]) == {
        "level": level,
        "frames": [0],
        "share": pytest.approx(1 / 15, abs=1e-6),
    }
