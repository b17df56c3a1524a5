"""What no tile covers, as rectangles."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from pyama.readers.rectangles import common_rectangles, uncovered_rectangles

H, W = 9, 12


@st.composite
def rectangles(draw):
    y, x = sorted(draw(st.tuples(*[st.integers(0, H)] * 2))), draw(st.integers(0, W - 1))
    return (y[0], x, max(y[1], y[0] + 1), draw(st.integers(x + 1, W)))


def painted(boxes):
    count = np.zeros((H, W), int)
    for y0, x0, y1, x1 in boxes:
        count[y0:y1, x0:x1] += 1
    return count


@given(st.lists(rectangles().filter(lambda box: box[2] <= H), max_size=6))
def test_rectangles_cover_exactly_what_no_tile_does_and_each_pixel_once(tiles):
    found = uncovered_rectangles(tiles, (H, W))
    np.testing.assert_array_equal(painted(found), painted(tiles) == 0)


@given(st.lists(st.lists(rectangles(), max_size=3), min_size=1, max_size=3))
def test_common_rectangles_are_those_in_all_sets(tiles):
    sets = [uncovered_rectangles(some, (H, W)) for some in tiles]
    expected = np.all([painted(boxes) == 1 for boxes in sets], axis=0)
    np.testing.assert_array_equal(painted(common_rectangles(sets)), expected)


def test_few_rectangles_suffice():
    assert uncovered_rectangles([(0, 0, 4, 5), (5, 6, 9, 12)], (9, 12)) == (
        (5, 0, 9, 6), (4, 0, 5, 12), (0, 5, 4, 12),
    )  # fmt: skip
