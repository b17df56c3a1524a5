"""Drift of the stage: known shifts are found again, and none is invented."""

from itertools import accumulate

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from scipy import ndimage

from pyama.algorithms.drift import drifts
from pyama.errors import ArrayError
from pyama.testing.synthetic import SyntheticRecording

SIDE = 480
"""Of the periodic world from which frames are cut."""


def world(seed=0, grain=1.5):
    noise = np.random.default_rng(seed).standard_normal((SIDE, SIDE))
    grown = ndimage.gaussian_filter(noise, grain, mode="wrap")
    return grown / grown.std()


WORLD = world()


def shifted(image, y, x):
    """Move a periodic image down and to the right by any fraction of a pixel."""
    return np.fft.ifft2(ndimage.fourier_shift(np.fft.fft2(image), (y, x))).real


def frame(y, x, shape=(256, 256), image=WORLD, light=6000.0, noise_seed=None):
    """What the camera sees of a world that was moved by (y, x)."""
    seen = light * (1 + 0.1 * shifted(image, y, x)[: shape[0], : shape[1]])
    if noise_seed is not None:
        noise = np.random.default_rng(noise_seed).standard_normal(shape)
        seen = seen + np.sqrt(seen) * noise
    return np.rint(np.clip(seen, 0, 65535)).astype(np.uint16)


def path(frames):
    return np.array([(d.y, d.x) for d in drifts(frames)])


def known(frames):
    return [d.is_known for d in drifts(frames)]


SHIFTS = st.tuples(st.floats(-40, 40), st.floats(-40, 40))
SIDES = st.integers(150, 300)


@settings(deadline=None, max_examples=25)
@given(first=SHIFTS, step=SHIFTS, shape=st.tuples(SIDES, SIDES))
def test_shifts_by_fractions_of_a_pixel_are_found(first, step, shape):
    after = np.add(first, step)
    found = list(drifts([frame(*first, shape), frame(*after, shape)]))
    assert found[0] == type(found[0])(0.0, 0.0)
    assert (found[1].y, found[1].x) == pytest.approx(step, abs=0.1)
    assert found[1].is_known


@settings(deadline=None, max_examples=10, phases=(Phase.explicit, Phase.generate))
@given(
    steps=st.lists(st.tuples(st.integers(-40, 40), st.integers(-40, 40)), max_size=8),
    seed=st.integers(0, 99),
)
def test_errors_do_not_add_up(steps, seed):
    places = np.array([(0, 0), *accumulate(steps, lambda a, b: tuple(np.add(a, b)))])
    frames = [frame(y, x, (320, 320), noise_seed=[seed, t]) for t, (y, x) in enumerate(places)]
    np.testing.assert_allclose(path(frames), places, atol=0.1)


def test_a_stage_at_rest_stays_where_it_is():
    frames = [frame(0, 0, noise_seed=t) for t in range(40)]
    assert np.abs(path(frames)).max() <= 0.05
    assert np.abs(path([frame(0, 0)] * 3)).max() < 1e-4


def test_a_steady_drift_over_more_than_the_frame():
    frames = [frame(-40 * t, 25 * t, noise_seed=t) for t in range(10)]
    expected = np.arange(10)[:, None] * [-40, 25]
    # The overlap is seen through the edges of both frames, which shortens it a little.
    np.testing.assert_allclose(path(frames), expected, rtol=1e-3, atol=0.1)


def test_what_is_fixed_to_the_camera_does_not_count():
    rng = np.random.default_rng(1)
    y, x = np.mgrid[-1:1:256j, -1:1:256j]
    camera = (1.1 - 0.5 * (y**2 + x**2)) * (1 + 0.003 * rng.standard_normal((256, 256)))
    for row, column in rng.integers(0, 250, (8, 2)):
        camera[row : row + 5, column : column + 5] *= 0.8
    places = [(0, 0), (3, -2), (12, 30), (-20, 6), (-24, 6), (-23.5, 7.25)]
    frames = [
        (camera * frame(*place, noise_seed=t)).astype(np.uint16)
        for t, place in enumerate(places)
    ]
    np.testing.assert_allclose(path(frames), places, atol=0.15)


def test_frames_that_were_averaged_over_squares_of_pixels():
    coarse = np.kron(WORLD, np.ones((3, 3)))[:1300, :1301]
    picture = (6000 + 600 * coarse).astype(np.uint16)
    moved = np.roll(picture, (27, -12), axis=(0, 1))
    np.testing.assert_allclose(path([picture, moved])[1], [27, -12], atol=0.15)


def test_cells_that_move_and_divide_do_not_carry_it_along():
    rng = np.random.default_rng(4)
    stage = np.cumsum(rng.integers(-28, 29, (12, 2)), axis=0).clip(-150, 150)
    recording = SyntheticRecording(
        shape=(640, 640),
        n_frames=12,
        n_fl=0,
        division_rate=0.05,
        world_px=150,
        stage_px=[tuple(map(float, place)) for place in stage],
    )
    frames = [recording.frame(0, t)[0] for t in range(12)]
    errors = path(frames) - (stage - stage[0])
    assert np.sqrt((np.diff(errors, axis=0) ** 2).mean()) < 0.5
    assert np.abs(errors).max() < 3
    assert all(known(frames))


def test_missing_and_empty_frames_lie_where_the_last_one_did():
    empty = np.full((256, 256), 900, np.uint16)
    frames = [None, empty, frame(0, 0), frame(5, 7), None, empty, frame(-9, 20)]
    expected = [[0, 0], [0, 0], [0, 0], [5, 7], [5, 7], [5, 7], [-9, 20]]
    np.testing.assert_allclose(path(frames), expected, atol=0.1)
    assert known(frames) == [False, False, True, True, False, False, True]


def test_no_jump_is_invented_for_a_frame_that_shows_something_else():
    other = world(seed=9)
    frames = [frame(0, 0), frame(4, 4), frame(0, 0, image=other), frame(6, -8)]
    np.testing.assert_allclose(path(frames), [[0, 0], [4, 4], [4, 4], [6, -8]], atol=0.1)
    assert known(frames) == [True, True, False, True]


def test_a_picture_that_has_changed_for_good_is_followed_on():
    other = world(seed=9)
    frames = [frame(0, 0), frame(4, 4)]
    frames += [frame(3 * t, -t, image=other) for t in range(4)]
    expected = [[0, 0], [4, 4], [4, 4], [7, 3], [10, 2], [13, 1]]
    np.testing.assert_allclose(path(frames), expected, atol=0.1)
    assert known(frames) == [True, True, False, True, True, True]


@pytest.mark.parametrize("side", [40, 256, 700])
def test_noise_drifts_nowhere(side):
    rng = np.random.default_rng(side)
    frames = [rng.poisson(5000, (side, side)).astype(np.uint16) for _ in range(10)]
    assert not path(frames).any()
    assert known(frames) == [True] + [False] * 9


@pytest.mark.parametrize("shape", [(1, 1), (8, 8), (15, 400)])
def test_frames_that_are_too_small_do_not_drift(shape):
    frames = [frame(0, 0, shape), frame(3, 0, shape)]
    assert not path(frames).any()
    assert known(frames) == [False, False]


def test_few_bright_spots_on_a_background_of_one_value():
    picture = np.zeros((200, 200), np.uint16)
    picture[50:58, 60:66] = 500
    picture[120:124, 30:44] = 900
    np.testing.assert_allclose(
        path([picture, np.roll(picture, (11, -7), (0, 1))])[1], [11, -7], atol=0.1
    )


def test_no_frames_and_one_frame():
    assert list(drifts([])) == []
    assert path([frame(0, 0)]).tolist() == [[0, 0]]


def test_frames_of_other_shapes_are_refused():
    with pytest.raises(ArrayError, match=r"one shape, got \(256, 256\) and \(256, 200\)"):
        path([frame(0, 0), frame(0, 0, (256, 200))])
    with pytest.raises(ArrayError, match=r"one frame \(H, W\), got shape \(2, 20, 20\)"):
        path([np.zeros((2, 20, 20), np.uint16)])
