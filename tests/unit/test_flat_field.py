"""Uneven light: the flat field from images and backgrounds, and what it is applied to."""

import contextlib
import re
import subprocess
import sys

import numpy as np
import pytest
import tifffile
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from pyama.algorithms.background_surface import estimate
from pyama.algorithms.flat_field import correct, from_background, from_image
from pyama.algorithms.params import BackgroundParams
from pyama.config import dump_config, parse_config
from pyama.errors import ArrayError, ConfigError
from pyama.processing.external.light_images import read_image
from pyama.testing.synthetic import SyntheticRecording

SHAPE = (30, 40)
SIZES = st.tuples(st.integers(1, 40), st.integers(1, 40))
LEVELS = st.floats(20, 60_000, width=32)


def beam(shape, corner=0.5, sharp=1.0):
    """A beam off the centre; with `sharp` > 1 flat on top."""
    y, x = ((np.arange(n) + 0.5) / n for n in shape)
    away = (y[:, None] - 0.45) ** 2 + (x[None, :] - 0.6) ** 2
    light = corner ** ((away / away.max()) ** sharp)
    return light / light.mean()


@given(SIZES.flatmap(lambda size: npst.arrays(np.float64, size, elements=LEVELS)))
def test_a_flat_field_from_an_image_has_mean_1_and_its_proportions(image):
    found = from_image(image, None)
    assert found.values.dtype == np.float32
    assert (found.values >= np.float32(0.1)).all()
    if not found.n_bounded:
        np.testing.assert_allclose(found.values, image / image.mean(), atol=1e-5)


def test_the_dark_frame_is_taken_off_an_image_in_counts_only():
    light = beam(SHAPE)
    dark = np.full(SHAPE, 100, np.float32)
    np.testing.assert_allclose(from_image(100 + 5000 * light, dark).values, light, atol=1e-5)
    np.testing.assert_allclose(from_image(light, dark).values, light, atol=1e-5)


@pytest.mark.parametrize("worst", [0, 99.5, -3])
def test_an_image_that_is_dark_somewhere_is_refused(worst):
    image = 5000 * beam(SHAPE)
    image[3, 4] = worst
    with pytest.raises(ArrayError, match="1 of its 1200 pixels are not above the dark frame"):
        from_image(image, np.full(SHAPE, 100, np.float32))


def test_what_is_very_dim_is_bounded_and_counted():
    image = np.full(SHAPE, 1000.0)
    image[:2] = 10
    found = from_image(image, None)
    assert found.n_bounded == 80
    assert found.values.min() == np.float32(0.1)


@given(SIZES, LEVELS)
def test_an_even_background_is_even_light(shape, level):
    found = from_background(np.full(shape, level), None)
    np.testing.assert_allclose(found.values, 1, atol=1e-4)


@given(st.floats(50, 5000), st.floats(0, 500))
def test_the_estimate_depends_on_the_shape_of_the_background_only(level, offset):
    light = beam(SHAPE)
    found = from_background(offset + level * light, np.full(SHAPE, offset, np.float32))
    np.testing.assert_allclose(found.values, from_background(100 * light, None).values, 1e-4)


@pytest.mark.parametrize(
    ("corner", "sharp", "error"),
    [
        pytest.param(0.5, 1, 0.0005, id="Gaussian"),
        pytest.param(0.2, 1, 0.0005, id="steep Gaussian"),
        pytest.param(0.6, 2, 0.0005, id="flat on top"),
    ],
)
def test_beams_are_found_again(corner, sharp, error):
    light = beam((200, 300), corner, sharp)
    found = from_background(300 * light, None).values
    assert np.abs(found / light - 1).max() < error


def test_an_estimate_from_frames_with_cells_comes_close():
    recording = SyntheticRecording(
        shape=(512, 512),
        n_frames=4,
        background_swing=0,
        background=300,
        seed=3,
        vignetting=0.5,
    )
    total = sum(
        estimate(
            recording.frame(0, t)[1], recording.labels(0, t) > 0, BackgroundParams()
        ).background.astype(float)
        for t in range(4)
    )
    light = recording.flat_field()
    errors = [
        np.abs(found / light - 1).mean()
        for found in (
            from_background(total / 4, np.full(light.shape, 100)).values,
            from_background(total / 4, None).values,
            1,
        )
    ]
    told = "mean error with dark frame, without it, and without correction"
    assert errors[0] < 0.01 < 0.03 < errors[1] < errors[2], f"{told}: {errors}"


@pytest.mark.parametrize("level", [0, 109.9, np.nan])
def test_a_background_without_light_gives_no_estimate(level):
    with pytest.raises(ArrayError, match=r"counts above the dark frame, less than 10"):
        from_background(np.full(SHAPE, level), np.full(SHAPE, 100, np.float32))


@given(
    npst.arrays(np.uint16, (3, 4, 5)),
    npst.arrays(np.float32, (9, 9), elements=st.floats(0.125, 8, width=32)),
    npst.arrays(np.float32, (9, 9), elements=st.floats(0, 1000, width=32)),
)
def test_crops_are_corrected_where_their_boxes_lie(counts, flat, dark):
    boxes = np.array([[0, 0, 4, 5], [5, 4, 9, 9], [2, 3, 2, 3]], np.int32)
    stack = (counts / 65536).astype(np.float32)
    found = correct(stack, boxes, flat, dark, 65536.0)
    for t, (y0, x0, y1, x1) in enumerate(boxes):
        inside = np.s_[t, : y1 - y0, : x1 - x0]
        expected = (counts[inside] - dark[y0:y1, x0:x1].astype(float)) / flat[y0:y1, x0:x1]
        np.testing.assert_array_equal(found[inside] * 65536, expected)
        found[inside] = 0
    assert not found.any()


def test_even_light_and_no_dark_frame_change_nothing():
    stack = np.random.default_rng(0).random((2, 5, 6), np.float32)
    boxes = np.array([[1, 2, 6, 8], [0, 0, 5, 6]], np.int32)
    even, none = np.ones((8, 9), np.float32), np.zeros((8, 9), np.float32)
    np.testing.assert_array_equal(correct(stack, boxes, even, none, 65536.0), stack)


FINE = [
    ("flat_field", None),
    ("flat_field", "estimate"),
    ("flat_field", "flat.tif"),
    ("flat_field", {1: "flat.tif", "2": "estimate"}),
    ("dark_frame", 100),
    ("dark_frame", 0.5),
    ("dark_frame", "dark.tif"),
    ("dark_frame", {1: 100, 2: "dark.tif"}),
]
WRONG = [
    ("flat_field", value)
    for value in (1, "", " ", {}, [], ["a.tif"], {1: 2}, {"GFP": "a.tif"}, {-1: "a.tif"}, True)
] + [
    ("dark_frame", value)
    for value in (-1, 65536, float("nan"), "", {}, {1: -1}, {1: None}, True, [100])
]


@pytest.mark.parametrize(("name", "value"), FINE)
def test_what_is_written_into_a_configuration_is_read_back(name, value):
    config = parse_config("x", {"params": {name: value}})
    assert parse_config("y", dump_config(config)) == config


@pytest.mark.parametrize(("name", "value"), WRONG)
def test_wrong_entries_are_refused_in_one_line(name, value):
    with pytest.raises(ConfigError, match=rf"has 1 wrong entry:\n.*{name}.*: expected .*TIFF"):
        parse_config("x", {"params": {name: value}})


def written(folder, image, **options):
    path = folder / "image.tif"
    tifffile.imwrite(path, image, **options)
    return str(path)


def test_the_digest_follows_the_pixels_and_not_the_file(tmp_path):
    image = np.arange(1200, dtype=np.uint16).reshape(SHAPE)
    found = []
    for name, pixels in [("a", image), ("b", image.astype(np.float64)), ("c", image + 1)]:
        (tmp_path / name).mkdir()
        path = written(tmp_path / name, pixels, description=name)
        found.append(read_image(path, SHAPE, "x").digest)
    assert found[0] == found[1] != found[2]


GOOD = np.full(SHAPE, 7, np.uint16)
ODD = np.full(SHAPE, 7, np.float32)
ODD[0, 0], ODD[1, 1] = np.nan, np.inf
BAD = {
    "three planes": (np.stack([GOOD] * 3), {"photometric": "minisblack"}, "contains 3 planes"),
    "colours": (np.stack([GOOD] * 3, -1), {"photometric": "rgb"}, r"shape \(30, 40, 3\)"),
    "binned": (GOOD[::2, ::2], {}, r"shape \(15, 20\), but the frames \(30, 40\)"),
    "turned": (GOOD.T, {}, r"shape \(40, 30\)"),
    "bits": (GOOD > 0, {}, "type bool"),
    "complex": (GOOD.astype(np.complex64), {}, "type complex64"),
    "no numbers": (ODD, {}, "has 2 pixels without a finite value"),
    "too large": (np.full(SHAPE, 1e300), {}, "has 1200 pixels without a finite value"),
}


@pytest.mark.parametrize("case", BAD)
def test_images_that_cannot_be_used_are_refused(tmp_path, case):
    image, options, message = BAD[case]
    with pytest.raises(ConfigError, match=rf"FOV 0: flat_field: .*image\.tif.*{message}"):
        read_image(written(tmp_path, image, **options), SHAPE, "FOV 0: flat_field")


@pytest.mark.parametrize(
    "content", [b"", b"II*\0", b"no image", b"II*\0\x08\0\0\0\xff\xff" * 9]
)
def test_damaged_images_are_refused(tmp_path, content):
    (tmp_path / "image.tif").write_bytes(content)
    with pytest.raises(ConfigError, match=r"image\.tif cannot be read: .*one plane"):
        read_image(str(tmp_path / "image.tif"), SHAPE, "x")


def test_nothing_is_printed_about_a_damaged_image(tmp_path):
    program = (
        "from pyama.errors import ConfigError\n"
        "from pyama.processing.external.light_images import read_image\n"
        "try:\n"
        f"    read_image({str(tmp_path / 'image.tif')!r}, (30, 40), 'x')\n"
        "except ConfigError:\n"
        "    pass\n"
    )
    path = tmp_path / "image.tif"
    tifffile.imwrite(path, GOOD)
    with tifffile.TiffFile(path) as file:
        tag = file.pages.first.tags["StripOffsets"].offset
    data = bytearray(path.read_bytes())
    data[tag + 2 : tag + 4] = b"\xff\xff"  # a type of numbers that there is not
    path.write_bytes(data)
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("", "")


@pytest.mark.parametrize("name", ["absent.tif", "", "a\0b", "x" * 5000])
def test_an_image_that_is_not_there_is_named(tmp_path, name):
    with pytest.raises(ConfigError, match=r"^x: there is no file .*one plane"):
        read_image(str(tmp_path / name), SHAPE, "x")


def test_a_huge_image_is_refused_before_it_is_read(tmp_path):
    zeros = np.zeros((20_000, 20_000), np.uint8)
    path = written(tmp_path, zeros, compression="zlib")
    with pytest.raises(
        ConfigError, match=re.escape("(20000, 20000), but the frames (30, 40)")
    ):
        read_image(path, SHAPE, "x")


def test_every_cut_of_a_file_is_an_image_or_an_error(tmp_path):
    whole = tmp_path / "whole.tif"
    tifffile.imwrite(whole, GOOD)
    data = whole.read_bytes()
    for n in range(0, len(data), 37):
        path = tmp_path / f"{n}.tif"
        path.write_bytes(data[:n])
        with contextlib.suppress(ConfigError):
            read_image(str(path), SHAPE, "x")
