"""Contrast and encoding of images: one rule for previews, page and report."""

import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from PIL import Image

from outline_contrast import points_along, share_visible
from pyama.algorithms.kernels.histogram import Histogram
from pyama.algorithms.preview import intensity_to_uint8
from pyama.errors import ArrayError, NotReadyError
from pyama.pictures.contrast import (
    PERCENTILES,
    Contrast,
    contrast_of_data_set,
    contrast_of_frame,
    contrast_of_histogram,
    contrast_of_preview,
    contrast_of_stack,
)
from pyama.pictures.encoding import ImageFormat, encode_image, jpeg_url
from pyama.pictures.grey_frames import grey_frame, halve_frame
from pyama.pictures.outlines import polygons
from pyama.pictures.overlays import draw_outlines, reduce_image
from pyama.store import FovStore, Recipe, StackOutput
from results import made_once, results_in
from small_movie import HEIGHT, WIDTH

GROUP = "fl_ch_1"


@pytest.fixture
def without_previews(tmp_path):
    folder = results_in(tmp_path)
    for mark in folder.glob("fov_*/.marks/*.1.json"):
        mark.unlink()
    return FovStore(folder, 0)


def whole(store):
    return np.array(list(store.stack(GROUP)))


def test_a_stack_has_the_contrast_of_its_preview():
    store = FovStore(made_once(), 0)
    expected = np.percentile(whole(store), PERCENTILES)
    assert contrast_of_stack(store, GROUP) == pytest.approx(expected)


def test_without_a_preview_a_stack_has_the_same_contrast(without_previews):
    assert contrast_of_stack(without_previews, GROUP) == contrast_of_stack(
        FovStore(made_once(), 0), GROUP
    )


def written(folder, fovs, contrast=True):
    """Stacks of single flat frames, whose marks note from 10 x fov to 10 x fov + 100."""
    for fov in fovs:
        path = FovStore(folder, fov).path
        notes = {"low": 10 * fov, "high": 10 * fov + 100} if contrast else {}
        output = StackOutput(path, GROUP, (3, 4, 4), "uint16")
        with output.writing(Recipe("copying", 1), notes) as write:
            for t in range(3):
                write(np.arange(16, dtype=np.uint16).reshape(4, 4) + 10 * fov + 100 * t)
    return folder


def test_a_stack_without_a_note_has_the_contrast_of_its_middle_frame(tmp_path):
    store = FovStore(written(tmp_path, [0], contrast=False), 0)
    assert contrast_of_stack(store, GROUP) == contrast_of_frame(store.stack(GROUP)[1])


def test_a_data_set_has_one_contrast(tmp_path):
    written(tmp_path, range(5))
    assert contrast_of_data_set(tmp_path, GROUP, range(9)) == (0, 140)
    assert contrast_of_data_set(tmp_path, GROUP, [2]) == (20, 120)
    assert contrast_of_data_set(tmp_path, "fl_ch_7", range(9)) is None
    assert contrast_of_data_set(tmp_path, GROUP, []) is None


def test_one_field_of_view_of_ten_does_not_darken_all_others(tmp_path):
    written(tmp_path, [*range(9), 5000])
    assert contrast_of_data_set(tmp_path, GROUP, [*range(9), 5000]) == (10, 180)


def test_the_contrast_of_a_data_set_reads_as_much_of_100_fields_of_view(tmp_path, monkeypatch):
    written(tmp_path, range(100))
    read = []
    stored = FovStore.stack
    monkeypatch.setattr(
        FovStore, "stack", lambda *given: read.append(given[0].fov) or stored(*given)
    )
    low, high = contrast_of_data_set(tmp_path, GROUP, range(100))
    assert len(read) == len(set(read)) == 20
    assert low < 150
    assert high > 950


def test_a_histogram_and_its_frame_have_the_same_contrast():
    frame = np.random.default_rng(0).integers(90, 900, (40, 50)).astype(np.uint16)
    histogram = Histogram()
    histogram.update(frame)
    assert contrast_of_histogram(histogram) == contrast_of_frame(frame)


def test_no_pixels_are_black():
    assert contrast_of_histogram(Histogram()) == (0, 0)


def test_grey_levels_are_counts_between_black_and_white():
    contrast = Contrast(100, 355)
    assert [contrast.to_counts(grey) for grey in (0, 1, 255)] == [100, 101, 355]
    assert contrast.slider_range() == (-155, 610)


def test_grey_levels_of_a_preview_are_found_back():
    contrast = Contrast(100, 355)
    assert contrast.to_greys(contrast.to_counts(77)) == pytest.approx(77)


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [((100, 355), 1), ((150, 300), 1), ((99, 355), 0), ((100, 356), 0), ((100, 120), 0)],
)
def test_a_preview_shows_what_it_holds(wanted, expected):
    assert Contrast(100, 355).can_show(Contrast(*wanted)) == bool(expected)


@pytest.mark.parametrize("beyond", [0, 0.5, 2])
def test_a_frame_is_drawn_alike_with_and_without_its_preview(without_previews, beyond):
    store = FovStore(made_once(), 0)
    low, high = contrast_of_preview(store, GROUP)
    wanted = Contrast(low - beyond * (high - low), high + beyond * (high - low))
    found, full = (grey_frame(each, GROUP, 2, wanted) for each in (store, without_previews))
    assert found.shape == (HEIGHT // 2, WIDTH // 2)
    if beyond:
        np.testing.assert_array_equal(found, full)
    else:
        np.testing.assert_array_equal(found, store.stack(GROUP, "1")[2])
        assert np.abs(found.astype(int) - full).mean() < 6  # cut off before, not after


def test_without_full_frames_the_preview_is_drawn_with_what_it_holds(tmp_path):
    folder = results_in(tmp_path)
    for mark in folder.glob(f"fov_*/.marks/{GROUP}.0.json"):
        mark.unlink()
    store = FovStore(folder, 0)
    low, high = contrast_of_preview(store, GROUP)
    drawn = grey_frame(store, GROUP, 2, Contrast(2 * low - high, high))
    assert drawn.min() >= 128
    expected = 127.5 + store.stack(GROUP, "1")[2] / 2
    np.testing.assert_allclose(drawn, expected, atol=0.6)


@given(npst.arrays(np.uint16, st.tuples(st.integers(1, 7), st.integers(1, 7))))
def test_a_halved_frame_is_the_mean_of_squares(frame):
    # A side of one pixel stays: it stands for two equal ones.
    whole = np.repeat(frame, 2, axis=0) if len(frame) == 1 else frame
    whole = np.repeat(whole, 2, axis=1) if whole.shape[1] == 1 else whole
    rows, columns = (n // 2 for n in whole.shape)
    squares = whole[: 2 * rows, : 2 * columns].astype(int).reshape(rows, 2, columns, 2)
    total = squares.sum(axis=(1, 3))
    np.testing.assert_array_equal(halve_frame(frame), (total + 2) // 4)
    np.testing.assert_allclose(halve_frame(frame.astype(np.float32)), total / 4, rtol=1e-6)


def test_what_is_no_frame_is_not_halved():
    with pytest.raises(ArrayError, match=r"got shape \(2, 3, 4\)"):
        halve_frame(np.zeros((2, 3, 4), np.uint16))


def test_what_is_not_there_is_not_drawn(without_previews):
    with pytest.raises(NotReadyError):
        grey_frame(without_previews, "fl_ch_7", 0, Contrast(0, 1))


def decoded(data):
    return np.asarray(Image.open(io.BytesIO(data)))


def test_a_jpeg_has_the_given_contrast_or_that_of_its_pixels():
    pixels = np.repeat(np.arange(0, 4000, 100, dtype=np.uint16)[:, np.newaxis], 40, axis=1)
    drawn = decoded(encode_image(pixels, ImageFormat.JPEG))
    expected = intensity_to_uint8(pixels, *contrast_of_frame(pixels))
    np.testing.assert_allclose(drawn.astype(int), expected, atol=4)
    dark = decoded(encode_image(pixels, ImageFormat.JPEG, Contrast(0, 40_000)))
    assert dark.max() < 30
    assert jpeg_url(drawn).startswith("data:image/jpeg;base64,/9j/")


def test_a_flat_frame_is_black():
    flat = np.full((16, 16), 700, np.uint16)
    assert decoded(encode_image(flat, ImageFormat.JPEG)).max() == 0


def test_a_png_holds_the_values():
    pixels = np.array([[0.4, 70_000], [-3, 12.6]], np.float32)
    np.testing.assert_array_equal(
        decoded(encode_image(pixels, ImageFormat.PNG)), [[0, 65535], [0, 13]]
    )


@pytest.mark.parametrize(("longest", "shape"), [(4, (1, 3)), (9, (5, 9)), (100, (5, 9))])
def test_a_shrunk_image_is_the_mean_of_whole_blocks(longest, shape):
    image = np.full((5, 9), 7, np.uint8)
    small = reduce_image(image, longest)
    assert small.shape == shape
    assert (small == 7).all()


@pytest.mark.parametrize("least", [0, 80, 160, 235])
@pytest.mark.parametrize("spread", [0, 20])
def test_outlines_of_the_report_are_seen_on_any_grey(least, spread):
    rng = np.random.default_rng(least)
    image = rng.integers(least, least + spread + 1, (90, 120)).astype(np.uint8)
    y, x = np.mgrid[:180, :240]
    labels = np.zeros((180, 240), np.uint16)
    for cell, (cy, cx) in enumerate([(50, 50), (50, 108), (120, 180)], start=1):
        labels[(y - cy) ** 2 + (x - cx) ** 2 < 30**2] = cell
    drawn = draw_outlines(image, labels, np.array([1, 2]))
    plain = draw_outlines(image, None, np.array([]))
    points = points_along([r for rings in polygons(labels).values() for r in rings], 0.5, 0)
    assert share_visible(drawn, plain, points) > 0.99
