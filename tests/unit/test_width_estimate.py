"""The width of cells from what a network finds at several assumed widths."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyama.algorithms.segmenters.width_estimate import (
    OUTLINES,
    STEP,
    WidthTrial,
    best_estimate,
    busiest_square,
    estimate_width,
    try_width,
    widths_to_try,
)


def trials_of(true, n=20, probability=0.9, sides=(1000, 1000)):
    """What is found of cells of one width: parts of them where the assumption is too small."""
    trials = []
    for width in widths_to_try(sides):
        found = min(true, 1.6 * width) if width < 1.8 * true else 0.5 * width
        trials.append(WidthTrial(width, np.full(n, found), np.full(n, probability)))
    return trials


@given(st.floats(7, 300), st.floats(0.5, 1))
def test_the_width_of_equal_cells(true, probability):
    found = best_estimate(trials_of(true, probability=probability))
    assert found.width == pytest.approx(OUTLINES * true, rel=0.01)
    assert found.spread == pytest.approx(1)
    assert found.probability == pytest.approx(probability)


def test_many_certain_objects_beat_few_uncertain_ones():
    many, few = trials_of(30), trials_of(200, n=3, probability=0.7)
    both = [m if m.assumed < 90 else f for m, f in zip(many, few, strict=True)]
    assert best_estimate(few).width == pytest.approx(OUTLINES * 200, rel=0.01)
    assert best_estimate(both).width == pytest.approx(OUTLINES * 30, rel=0.01)


def test_nothing_is_found_without_objects():
    assert best_estimate([]) is None
    empty = [WidthTrial(w, np.zeros(0), np.zeros(0)) for w in widths_to_try((400, 400))]
    assert best_estimate(empty) is None


@pytest.mark.parametrize("shape", [(1, 1), (7, 300), (90, 64)])
def test_frames_of_any_size_and_without_contrast(shape):
    rng = np.random.default_rng(1)
    frames = [np.full(shape, 7, np.uint16), rng.integers(0, 99, shape).astype(np.uint16)]
    seen = []

    def network(image):
        seen.append(image.shape)
        return np.zeros((3, *image.shape), np.float32)

    assert estimate_width(frames, network) is None
    assert all(h % 16 == w % 16 == 0 for h, w in seen)
    assert try_width(frames[1], 50.0, network).ratio == 0


def test_the_busiest_square_is_inside_and_has_the_contrast():
    frame = np.full((300, 500), 100, np.uint16)
    frame[200:260:3, 380:440:2] = 900
    rows, columns = busiest_square(frame, 96)
    assert (rows.stop - rows.start, columns.stop - columns.start) == (96, 96)
    assert rows.start <= 215 <= rows.stop
    assert columns.start <= 410 <= columns.stop
    assert busiest_square(frame, 1000) == (slice(0, 300), slice(0, 500))


def test_widths_grow_by_equal_factors():
    widths = list(widths_to_try((200, 300)))
    np.testing.assert_allclose(np.divide(widths[1:], widths[:-1]), STEP)
    assert widths[-1] <= 100 < widths[-1] * STEP
    assert len(list(widths_to_try((3, 3)))) == 1
