"""What each stage of the clean-up takes, and which settings take less."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyama.algorithms.kernels.bits import pack
from pyama.algorithms.params import LogStdParams, WatershedParams
from pyama.algorithms.segmenters import logstd, watershed
from pyama.algorithms.segmenters.clean_up import (
    ALLOWED,
    STAGES,
    area,
    clean_up_stages,
    gentler_settings,
    shares,
    takes_too_much,
)

DISKS = st.integers(2, 14)


def disks(radius, n=9, size=300):
    """Separate disks in a grid."""
    y, x = np.mgrid[:size, :size]
    step = size // 3
    mask = np.zeros((size, size), bool)
    for i in range(n):
        cy, cx = step // 2 + step * (i // 3), step // 2 + step * (i % 3)
        mask |= (y - cy) ** 2 + (x - cx) ** 2 <= radius**2
    return mask


def areas_of(mask, params):
    return {stage: area(left) for stage, left in clean_up_stages(pack(mask), params)}


@given(DISKS, st.integers(0, 9), st.integers(0, 3), st.integers(0, 300))
def test_gentler_settings_take_no_more_than_a_fifth_in_any_stage(radius, size, times, limit):
    mask = disks(radius)
    params = LogStdParams(morph_size=size, morph_iterations=times, min_object_size=limit)
    found = gentler_settings(pack(mask), params)
    assert all(getattr(params, name) != value for name, value in found.items())
    assert takes_too_much(areas_of(mask, params.replace(**found))) == []
    if not takes_too_much(areas_of(mask, params)):
        assert found.keys() <= {"min_object_size"}, "for the limit after the erosion"


def test_small_disks_lead_to_a_narrower_opening_and_large_ones_to_nothing():
    small, large = (
        gentler_settings(pack(disks(radius)), LogStdParams()) for radius in (6, 14)
    )
    assert large == {}
    assert small["morph_iterations"] < 3


@pytest.mark.parametrize("method", [logstd, watershed])
def test_the_areas_of_a_frame_are_those_of_its_stages_and_labels(method):
    rng = np.random.default_rng(0)
    mask = disks(14, size=240)
    frame = (2000 + rng.normal(0, np.where(mask, 120, 6))).astype(np.uint16)
    areas = {}
    labels = method.segment(frame, WatershedParams(), areas)
    np.testing.assert_array_equal(labels, method.segment(frame, WatershedParams()))
    assert list(areas) == [stage for stage in STAGES if stage in areas]
    assert areas["threshold"] == area(logstd.high_variance_mask(frame, 3))
    last = list(areas)[-1]
    assert np.count_nonzero(labels) == areas[last]
    assert sum(shares(areas).values()) == pytest.approx(
        (areas["threshold"] - areas[last]) / areas["threshold"]
    )
    twice = dict(areas)
    method.segment(frame, WatershedParams(), twice)
    assert twice == {stage: 2 * pixels for stage, pixels in areas.items()}


def test_what_a_stage_adds_is_not_too_much_and_an_empty_mask_has_no_shares():
    assert takes_too_much({"threshold": 10, "closing": 100, "holes": 200}) == []
    assert takes_too_much({"threshold": 10, "closing": 10, "opening": 7}) == ["opening"]
    assert shares({"threshold": 0, "closing": 0}) == {"closing": 0.0}
    assert 0 < ALLOWED < 1
