"""Why a cell has no trace is said with the numbers."""

import pytest

from pyama.analysis.left_out_counts import dropped_by_size, why_absent
from pyama.traces.inspected_tracks import Absent
from pyama.traces.left_out_cells import LeftOut

LIMITS = {"min_frames": 30, "border_margin": 50}
CASES = [
    pytest.param(
        Absent(7, 3, 14, 12, LeftOut("min_frames", 12, 80)),
        "Cell 7 was found in 12 frames, from 3 to 14, and min_frames is 30.",
        id="too short",
    ),
    pytest.param(
        Absent(7, 3, 39, 12, LeftOut("min_frames", 12, 80)),
        "Cell 7 was found in 12 frames, from 3 to 39, but not in 25 frames between, and "
        "min_frames is 30.",
        id="flickering",
    ),
    pytest.param(
        Absent(7, 3, 3, 1, LeftOut("min_frames and border_margin", 1, 12)),
        "Cell 7 was found in 1 frame, 3, and min_frames is 30; it comes within 12 px of the "
        "edge, and border_margin is 50 px.",
        id="both",
    ),
    pytest.param(
        Absent(7, 3, 39, 37, LeftOut("border_margin", 37, 0)),
        "Cell 7 touches the edge of what was recorded, and border_margin is 50 px.",
        id="touching",
    ),
    pytest.param(
        Absent(7, 3, 3, 1, None),
        "Cell 7 was deleted in the inspection, in frame 3.",
        id="deleted",
    ),
]


@pytest.mark.parametrize(("cell", "expected"), CASES)
def test_the_reason_is_told_with_its_numbers(cell, expected):
    assert why_absent(cell, LIMITS) == expected


def test_limits_that_nobody_noted_are_not_told():
    cell = Absent(7, 3, 14, 12, LeftOut("min_frames", 12, 80))
    assert why_absent(cell, {}) == "Cell 7 was found in 12 frames, from 3 to 14."


def test_objects_that_were_too_small_or_too_large_are_counted():
    assert dropped_by_size({"small": 0, "large": 0, "kept": 9}) == ""
    assert dropped_by_size({"small": 12, "large": 3}).startswith(
        "Before tracking, 12 as too small (min_object_size) and 3 as too large "
        "(max_object_size) were dropped"
    )
