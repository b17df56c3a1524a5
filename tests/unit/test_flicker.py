"""Cells that are cut or joined in single frames of a segmentation."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from pyama.algorithms.params import TrackingParams
from pyama.algorithms.trackers.flicker import Repairs, repair_flicker
from pyama.algorithms.trackers.iou import track


def repaired(frames):
    repairs = Repairs()
    return list(repair_flicker(frames, repairs)), repairs


def movie_of(*rows):
    """One frame per row of letters, each letter an object, 3 px high."""
    frames = np.array([[ord(letter) - ord("`") for letter in row] for row in rows])
    frames[frames < 0] = 0
    return list(np.repeat(frames[:, None], 3, axis=1).astype(np.uint16))


ONE, TWO = "..aaaaaaaa..", "..bbbbcccc.."
APART = "..bbb..cccc."
CASES = {
    "one frame joined": ([TWO, ONE, TWO], "1 0", "212"),
    "two frames joined": ([TWO, ONE, ONE, TWO], "2 0", "2112"),
    "three frames joined": ([TWO, ONE, ONE, ONE, TWO], "0 0", "21112"),
    "they stay joined": ([TWO, ONE, ONE, ONE], "0 0", "2111"),
    "joined at the end": ([TWO, TWO, ONE], "0 0", "221"),
    "one frame cut": ([ONE, TWO, ONE], "0 1", "121"),
    "two frames cut": ([ONE, TWO, TWO, ONE], "0 2", "1221"),
    "cut into three": ([ONE, "..bbcccddd..", ONE], "0 1", "131"),
    "three frames cut": ([ONE, TWO, TWO, TWO, ONE], "0 0", "12221"),
    "a division": ([ONE, TWO, APART, APART], "0 0", "1222"),
    "a division, joined once": ([ONE, TWO, ONE, APART, APART], "1 0", "12122"),
    "cut at the end": ([ONE, ONE, TWO], "0 0", "112"),
    "another cell comes": ([TWO, ONE, "..dddddddd.e"], "0 0", "212"),
    "nothing": (["....", "....", "...."], "0 0", "000"),
}


@pytest.mark.parametrize(("rows", "expected", "numbers"), CASES.values(), ids=CASES)
def test_what_is_repaired(rows, expected, numbers):
    movie = movie_of(*rows)
    assert [len(np.unique(frame)) - 1 for frame in movie] == [int(n) for n in numbers]
    found, repairs = repaired(movie)
    assert f"{repairs.split} {repairs.merged}" == expected
    for before, after in zip(movie, found, strict=True):
        np.testing.assert_array_equal(before == 0, after == 0)
    if repairs == Repairs():
        np.testing.assert_array_equal(movie, found)
    else:
        last = len(np.unique(found[-1])) - 1
        changed = found[1:] if "division" not in expected else found
        assert {len(np.unique(frame)) - 1 for frame in changed} == {last}
        again, more = repaired(found)
        assert more == Repairs()
        np.testing.assert_array_equal(found, again)


def test_tracks_continue_where_flicker_is_repaired():
    movie = movie_of(TWO, TWO, ONE, TWO, TWO)
    found, _ = repaired(movie)
    for labels in track(found, TrackingParams()):
        np.testing.assert_array_equal(labels, movie_of("..aaaabbbb..")[0])


def test_seeds_move_with_all_cells():
    frames = []
    for t in range(3):
        frame = np.zeros((20, 200), np.uint16)
        for i in range(9):
            frame[4:16, 20 * i + 4 + 4 * t : 20 * i + 13 + 4 * t] = i + 1
        frame[4:16, 53 + 4 * t : 62 + 4 * t] = 10  # touches the third cell
        frames.append(frame)
    apart = frames[1].copy()
    frames[1] = np.where(apart == 10, np.uint16(3), apart)
    found, repairs = repaired(frames)
    assert (repairs.split, repairs.merged) == (1, 0)
    for cell in (3, 10):
        assert len(set(found[1][apart == cell])) == 1


def test_more_than_65535_objects_are_uint32():
    many = np.arange(1, 65_536, dtype=np.uint16)[None, :]
    joined = many.copy()
    joined[0, 1] = 1
    found, repairs = repaired([many, joined, many])
    assert repairs.split == 1
    assert found[1].dtype == np.uint32
    assert len(np.unique(found[1])) == 65_535


movies = npst.arrays(np.uint16, (5, 3, 6), elements=st.integers(0, 3))


@given(movies)
def test_no_pixel_appears_or_goes_and_a_second_repair_changes_nothing(movie):
    found, _ = repaired(list(movie))
    np.testing.assert_array_equal(movie == 0, np.stack(found) == 0)
    again, repairs = repaired(found)
    assert repairs == Repairs()
    np.testing.assert_array_equal(found, again)
