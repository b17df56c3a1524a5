"""Contrast and encoding of images: one rule for previews, page and report."""

import io

import numpy as np
import pytest
from PIL import Image

from pyama.algorithms.kernels.histogram import Histogram
from pyama.algorithms.preview import intensity_to_uint8
from pyama.errors import NotReadyError
from pyama.pictures.contrast import (
    PERCENTILES,
    Contrast,
    contrast_of_frame,
    contrast_of_histogram,
    contrast_of_stack,
    grey_frame,
)
from pyama.pictures.encoding import ImageFormat, encode_image, jpeg_url
from pyama.pictures.overlays import reduce_image
from pyama.store import FovStore
from results import made_once, results_in

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


def test_without_a_preview_the_middle_frame_stands_for_the_stack(without_previews):
    expected = np.percentile(whole(without_previews)[3], PERCENTILES)
    assert contrast_of_stack(without_previews, GROUP) == pytest.approx(expected)


def test_a_histogram_and_its_frame_have_the_same_contrast():
    frame = np.random.default_rng(0).integers(90, 900, (40, 50)).astype(np.uint16)
    histogram = Histogram()
    histogram.update(frame)
    assert contrast_of_histogram(histogram) == contrast_of_frame(frame)


def test_no_pixels_are_black():
    assert contrast_of_histogram(Histogram()) == (0, 0)


def test_grey_levels_are_counts_between_black_and_white():
    contrast = Contrast(100, 355)
    assert [contrast.counts(grey) for grey in (0, 1, 255)] == [100, 101, 355]
    assert contrast.around() == (-155, 610)


def test_a_frame_is_drawn_alike_with_and_without_its_preview(without_previews):
    preview = FovStore(made_once(), 0)
    np.testing.assert_array_equal(grey_frame(preview, GROUP, 2), preview.stack(GROUP, "1")[2])
    frame = without_previews.stack(GROUP)[2]
    expected = intensity_to_uint8(frame, *contrast_of_stack(without_previews, GROUP))
    np.testing.assert_array_equal(grey_frame(without_previews, GROUP, 2), expected)


def test_what_is_not_there_is_not_drawn(without_previews):
    with pytest.raises(NotReadyError):
        grey_frame(without_previews, "fl_ch_7", 0)


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
