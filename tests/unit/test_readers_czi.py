"""What is special about CZI files: scenes, mosaics, stamps, odd pixels."""

import struct

import numpy as np
import pytest
from pylibCZIrw import czi

from pyama.errors import ReaderError
from pyama.readers import open_reader
from pyama.testing.czi_writer import write_czi

H, W = 5, 8


def draw(*shape, dtype=np.uint16):
    return np.random.default_rng(5).integers(1, 255, shape).astype(dtype)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "recording.czi"


@pytest.fixture
def tiles(path):
    """Write tiles (image, plane, (x, y), scene)."""

    def write(*parts, **metadata):
        with czi.create_czi(str(path)) as file:
            for image, plane, location, scene in parts:
                file.write(image, plane=plane, location=location, scene=scene)
            file.write_metadata(**metadata)
        return path

    return write


def at(t=0, c=0, z=0):
    return {"T": t, "C": c, "Z": z}


def test_a_mosaic_is_stitched_and_its_gap_is_named(tiles):
    left, right = draw(2, H, W)
    path = tiles((left, at(), (10, 20), 0), (right, at(), (10 + W + 3, 20), 0))
    with open_reader(path) as reader:
        assert reader.metadata.shapes == ((H, 2 * W + 3),)
        found = reader.read(0, 0, [0])[0]
        (gap,) = reader.metadata.missing_pixels
    np.testing.assert_array_equal(found, np.hstack([left, np.zeros((H, 3)), right]))
    assert gap.boxes == ((0, W, H, W + 3),)
    assert "FOV 0, C0: no tile covers 16 % of the pixels." in reader.metadata.problems


def test_tiles_that_a_plane_lacks_are_gaps_of_that_plane(tiles):
    left, right = draw(2, H, W)
    path = tiles((left, at(0), (0, 0), 0), (right, at(0), (W, 0), 0), (left, at(1), (0, 0), 0))
    with open_reader(path) as reader:
        assert reader.metadata.missing == ()
        (gap,) = reader.metadata.missing_pixels
        assert (gap.frames, gap.boxes) == ((1,), ((0, W, H, 2 * W),))
        expected = np.hstack([left, np.zeros((H, W))])
        np.testing.assert_array_equal(reader.read(0, 1, [0])[0], expected)
    assert any("50 % of the pixels in frame 1" in said for said in reader.metadata.problems)


def test_a_maximum_has_the_gaps_that_all_its_planes_have(tiles):
    left, right = draw(2, H, W)
    path = tiles(
        (left, at(z=0), (0, 0), 0), (right, at(z=1), (W, 0), 0), (left, at(z=1), (0, 2 * H), 0)
    )
    with open_reader(path, "max") as reader:
        (gap,) = reader.metadata.missing_pixels
        found = reader.read(0, 0, [0])[0]
    assert gap.boxes == ((H, 0, 2 * H, 2 * W), (2 * H, W, 3 * H, 2 * W))
    np.testing.assert_array_equal(found[:H], np.hstack([left, right]))
    np.testing.assert_array_equal(found[2 * H :, :W], left)


def test_scenes_keep_their_places_and_their_gaps_are_no_fields_of_view(tiles):
    first, second = draw(2, H, W)
    path = tiles((first, at(), (0, 0), 1), (second, at(), (5000, 70), 4))
    with open_reader(path) as reader:
        assert reader.metadata.n_fovs == 2
        np.testing.assert_array_equal(reader.read(0, 0, [0])[0], first)
        np.testing.assert_array_equal(reader.read(1, 0, [0])[0], second)


def test_a_part_of_a_recording_starts_with_its_first_frame(tiles):
    images = draw(3, 2, H, W)
    path = tiles(
        *((images[t, c], at(7 + t, 2 + c), (0, 0), 0) for t, c in np.ndindex(3, 2)),
        channel_names={2: "PC", 3: "GFP"},
    )
    with open_reader(path) as reader:
        known = reader.metadata
        assert (known.n_frames, known.n_channels) == (3, 2)
        np.testing.assert_array_equal(reader.read(0, 2, [1, 0]), images[2, ::-1])


def test_8_and_16_bit_channels_side_by_side(tiles):
    narrow, wide = draw(H, W, dtype=np.uint8), draw(H, W) + np.uint16(300)
    path = tiles((narrow, at(c=0), (0, 0), 0), (wide, at(c=1), (0, 0), 0))
    with open_reader(path) as reader:
        assert reader.metadata.dtype == "uint16"
        np.testing.assert_array_equal(reader.read(0, 0, [0, 1]), [narrow, wide])


@pytest.mark.parametrize(
    "image",
    [draw(H, W, 3, dtype=np.uint8), draw(H, W, 3), draw(H, W, dtype=np.float32)],
    ids=["colour", "deep colour", "float"],
)
def test_other_pixels_are_refused(tiles, image):
    with pytest.raises(ReaderError, match="contains colour or floating-point images"):
        open_reader(tiles((image, at(), (0, 0), 0)))


def test_other_axes_are_refused(tiles):
    path = tiles(*((draw(H, W), at(z=h), (0, 0), 0) for h in range(2)))
    path.write_bytes(path.read_bytes().replace(b"Z\0\0\0", b"H\0\0\0"))
    with pytest.raises(ReaderError, match="contains an axis 'H' of size 2"):
        open_reader(path)


@pytest.mark.parametrize(
    ("far", "message"),
    [
        (2**20, "frames are 1048581 x 1048584 px"),
        (2**13, "its tiles cover 80 of 8197 x 8200 px"),
    ],
)
def test_tiles_scattered_too_far_are_refused(tiles, far, message):
    path = tiles((draw(H, W), at(), (0, 0), 0), (draw(H, W), at(), (far, far), 0))
    with pytest.raises(ReaderError, match=message):
        open_reader(path)


def test_frames_far_apart_are_refused(tiles):
    path = tiles((draw(H, W), at(0), (0, 0), 0), (draw(H, W), at(2**30), (0, 0), 0))
    with pytest.raises(ReaderError, match="declares 1073741825 planes and contains 2"):
        open_reader(path)


def test_a_pixel_that_is_not_square_is_reported(tiles):
    path = tiles((draw(H, W), at(), (0, 0), 0), scale_x=1e-6, scale_y=2e-6)
    with open_reader(path) as reader:
        assert reader.metadata.pixel_size_um == 1.0
        assert (
            "Pixels are not square: 1 x 2 \N{MICRO SIGN}m. The width is used."
            in reader.metadata.problems
        )


def test_the_first_stamps_of_too_many_are_used_and_it_is_said(path):
    images = draw(1, 3, 1, 1, H, W)
    write_czi(path, images, missing=[(0, 2, 0, 0)], times_ms=[0, 60000, 180000])
    with open_reader(path) as reader:
        assert reader.metadata.times_min == ((0.0, 1.0),)
        assert "The file has 3 time stamps for 2 frames." in reader.metadata.problems


def test_too_few_stamps_leave_times_unknown(path):
    write_czi(path, draw(1, 3, 1, 1, H, W))
    content = bytearray(path.read_bytes())
    place = content.rindex(struct.pack("<ii", 8 + 8 * 3, 3))
    struct.pack_into("<i", content, place + 4, 2)
    path.write_bytes(content)
    with open_reader(path) as reader:
        np.testing.assert_array_equal(reader.metadata.times_min, [[0, 10, np.nan]])
        assert "The file has 2 time stamps for 3 frames." in reader.metadata.problems
        assert any("missing or not finite" in said for said in reader.metadata.problems)


def test_a_file_without_a_directory_was_not_finished(path):
    write_czi(path, draw(1, 2, 1, 1, H, W))
    content = bytearray(path.read_bytes())
    struct.pack_into("<q", content, 32 + 52, 0)
    path.write_bytes(content)
    with pytest.raises(ReaderError, match="did not finish"):
        open_reader(path)
