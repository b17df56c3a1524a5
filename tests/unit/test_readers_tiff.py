"""TIFF files of other programs: their axes, times and sizes are those that the file says."""

import json
import struct

import numpy as np
import pytest
import tifffile

from pyama.errors import ConfigError, ReaderError
from pyama.readers import open_reader
from pyama.testing.nd2_writer import write_nd2

H, W = 5, 8


def draw(*shape, dtype=np.uint16):
    return np.random.default_rng(3).integers(1, np.iinfo(dtype).max, (*shape, H, W), dtype)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "recording.tif"


def check_planes(path, images, z="max", axes=""):
    """Compare all planes with images of the shape (T, Z, C, H, W)."""
    with open_reader(path, z, axes=axes) as reader:
        known = reader.metadata
        assert (known.n_frames, known.n_z, known.n_channels) == images.shape[:3]
        assert known.missing == ()
        for t, frame in enumerate(images):
            found = reader.read(0, t, range(known.n_channels))
            np.testing.assert_array_equal(found, frame.max(axis=0))
        return known


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("byteorder", ["<", ">"])
def test_hyperstacks_of_imagej(path, byteorder, dtype):
    images = draw(4, 3, 2, dtype=dtype)
    labels = ["c:1/2 t:1/4 - Phase", "c:2/2 t:1/4 - GFP"] * 12
    tifffile.imwrite(
        path,
        images,
        imagej=True,
        byteorder=byteorder,
        resolution=(1 / 0.65, 1 / 0.65),
        metadata={"axes": "TZCYX", "finterval": 300, "unit": "um", "Labels": labels},
    )
    known = check_planes(path, images)
    assert known.channel_names == ("Phase", "GFP")
    assert known.pixel_size_um == pytest.approx(0.65)
    assert known.times_min == ((0.0, 5.0, 10.0, 15.0),)
    np.testing.assert_array_equal(tifffile.imread(path), images)


def write_description(path, planes, text, **more):
    with tifffile.TiffWriter(path) as tif:
        for i, plane in enumerate(planes):
            tif.write(plane, description=text if i == 0 else None, metadata=None, **more)


def imagej(n_planes, **entries):
    lines = ["ImageJ=1.54f", f"images={n_planes}", *(f"{k}={v}" for k, v in entries.items())]
    return "\n".join(lines) + "\n"


SIZES = {"t": "frames", "z": "slices", "c": "channels"}


@pytest.mark.parametrize("order", ["czt", "ctz", "zct", "ztc", "tcz", "tzc"])
def test_axes_of_imagej_in_any_order_compressed(path, order):
    images = draw(4, 3, 2)
    planes = images.transpose(*("tzc".index(axis) for axis in order[::-1]), 3, 4)
    sizes = {SIZES[axis]: n for axis, n in zip("tzc", (4, 3, 2), strict=True)}
    text = imagej(24, order=order, hyperstack="true", **sizes)
    write_description(path, planes.reshape(-1, H, W), text, compression="zlib")
    check_planes(path, images)


def test_a_stack_that_imagej_writes_as_one_page(path):
    """Stacks of more than 4 GB have a single page, followed by the pixels of all planes."""
    images = draw(6, 1, 2)
    text = imagej(12, channels=2, frames=6, hyperstack="true")
    tifffile.imwrite(path, images[0, 0, 0], description=text, metadata=None, byteorder=">")
    with path.open("ab") as file:
        for plane in images.reshape(-1, H, W)[1:]:
            file.write(plane.astype(">u2").tobytes())
    check_planes(path, images)
    path.write_bytes(path.read_bytes()[:-3])
    with open_reader(path) as reader:
        assert reader.metadata.missing_frames(0, 1) == {5}
        np.testing.assert_array_equal(reader.read(0, 5, [0])[0], images[5, 0, 0])


def test_a_hyperstack_without_its_last_planes(path):
    images = draw(3, 1, 2)
    text = imagej(6, channels=2, frames=3, hyperstack="true")
    write_description(path, images.reshape(-1, H, W)[:5], text)
    with open_reader(path) as reader:
        assert reader.metadata.missing_frames(0, 0) == frozenset()
        assert reader.metadata.missing_frames(0, 1) == {2}
        assert not reader.read(0, 2, [1])[0].any()


@pytest.mark.parametrize(
    ("entries", "size", "minutes", "note"),
    [
        ({"unit": "micron"}, 0.5, None, ""),
        ({"unit": "\\u00B5m"}, 0.5, None, ""),
        ({"unit": "nm"}, 0.0005, None, "the unit may be wrong"),
        ({"unit": "furlong"}, None, None, "unknown unit: 'furlong'"),
        ({"unit": "pixel"}, None, None, "does not contain the size"),
        ({"finterval": "2", "tunit": "min"}, None, 2.0, ""),
        ({"finterval": "2", "tunit": "moons"}, None, None, "finterval has an unknown unit"),
        ({"finterval": "-2"}, None, None, "finterval is not positive"),
    ],
)
def test_units_of_imagej(path, entries, size, minutes, note):
    text = imagej(3, frames=3, **entries)
    write_description(path, draw(3), text, resolution=(2, 2))
    with open_reader(path) as reader:
        known = reader.metadata
    assert known.pixel_size_um == (None if size is None else pytest.approx(size))
    assert (known.times_min and known.times_min[0][1]) == minutes
    assert note in " ".join(known.problems)


AXES = ["TZCYX", "CTZYX", "ZCTYX", "CZTYX"]


@pytest.mark.parametrize("axes", AXES)
def test_axes_that_tifffile_wrote(path, axes):
    images = draw(4, 3, 2)
    order = ["TZC".index(axis) for axis in axes[:3]]
    tifffile.imwrite(
        path,
        images.transpose(*order, 3, 4),
        metadata={"axes": axes},
        byteorder=">",
        bigtiff=True,
        compression="zlib",
        photometric="minisblack",
    )
    check_planes(path, images)


def test_a_stack_that_does_not_name_its_axes_is_asked_about(path):
    images = draw(5, 1, 2)
    tifffile.imwrite(path, images.reshape(-1, H, W), metadata=None)
    with pytest.raises(ReaderError, match=r"has 10 planes and does not say.*--set axes=t,c=2"):
        open_reader(path)
    with open_reader(path, axes="proposed") as reader:
        assert reader.metadata.n_frames == 10
        assert "--set axes=t" in reader.metadata.question
    assert check_planes(path, images, axes="t,c=2").question == ""
    check_planes(path, images.reshape(2, 1, 5, H, W), axes="t, c=5")
    check_planes(path, images.reshape(1, 10, 1, H, W), axes="Z")
    with open_reader(path, axes="t,c=3") as reader:  # it may have been stopped
        assert reader.metadata.n_frames == 4
        assert reader.metadata.missing_frames(0, 2) == {3}


@pytest.mark.parametrize("axes", ["c=3,t", "t=2,c=2", "q", "t,c", "t,t=2", "t=0", "t,,c=2"])
def test_axes_that_do_not_fit_are_refused(path, axes):
    tifffile.imwrite(path, draw(10), metadata=None)
    with pytest.raises(ConfigError, match="write the axes of the planes"):
        open_reader(path, axes=axes)


def test_axes_replace_those_of_the_file(path):
    images = draw(6, 1, 1)
    tifffile.imwrite(path, images[:, 0, 0], imagej=True, metadata={"axes": "ZYX"})
    known = check_planes(path, images, axes="t")
    assert any("its axes are z=6; axes = 't' is used" in text for text in known.problems)


def test_planes_that_are_frames(path):
    images = draw(6, 1, 2)
    metadata = {"axes": "ZCYX", "finterval": 60}
    tifffile.imwrite(path, images[:, 0], imagej=True, metadata=metadata)
    with open_reader(path) as reader:
        before = reader.metadata
    assert before.n_frames == 1
    assert any("--set z_is_time=true" in text for text in before.problems)
    known = check_planes(path, images, z="time")
    assert known.times_min == ((0.0, 1.0, 2.0, 3.0, 4.0, 5.0),)
    assert known.identity != before.identity
    tifffile.imwrite(path, images, imagej=True, metadata={"axes": "TZCYX"})
    with pytest.raises(ReaderError, match=r"has 6 frames and 1 z plane.*Remove z_is_time"):
        open_reader(path, z="time")


def test_axes_of_other_formats_are_those_of_the_file(tmp_path):
    path = tmp_path / "recording.nd2"
    write_nd2(path, draw(1, 2, 1, 1))
    with pytest.raises(ReaderError, match=r"says itself which plane is which\. Remove axes"):
        open_reader(path, axes="t")


def write_stk(path, planes, times_ms):
    """Write a stack of MetaMorph: one page and a table, followed by the other planes."""
    table = np.zeros((len(planes), 6), np.uint32)
    table[:, 1], table[:, 2], table[:, 3] = 1, 2459580, times_ms
    tags = [
        (33628, "I", 2, (0, 0), True),
        (33629, "2I", len(planes), table[:, :2].ravel().tolist(), True),
    ]
    tifffile.imwrite(path, planes[0], extratags=tags, metadata=None, byteorder="<")
    content = bytearray(path.read_bytes())
    entry = content.index(struct.pack("<HHI", 33629, 5, len(planes)))
    content += planes[1:].astype("<u2").tobytes()
    content[entry + 8 : entry + 12] = struct.pack("<I", len(content))
    path.write_bytes(bytes(content) + table.tobytes())


def test_stacks_of_metamorph(tmp_path):
    path, images = tmp_path / "recording.stk", draw(4, 1, 1)
    write_stk(path, images[:, 0, 0], [1000, 61000, 121000, 181000])
    known = check_planes(path, images)
    assert known.format == "stk"
    np.testing.assert_array_equal(tifffile.imread(path), images[:, 0, 0])
    np.testing.assert_allclose(known.times_min, [[0, 1, 2, 3]])


def test_one_image_of_micro_manager(path):
    image = draw()
    plane = {"Channel": "Phase", "PixelSizeUm": 0.33, "ElapsedTime-ms": 5}
    tags = [(51123, "s", 0, json.dumps(plane), True)]
    tifffile.imwrite(path, image, extratags=tags, metadata=None)
    known = check_planes(path, image[np.newaxis, np.newaxis, np.newaxis])
    assert known.format == "micro-manager"
    assert known.channel_names == ("Phase",)
    assert known.pixel_size_um == 0.33


@pytest.mark.parametrize(
    ("images", "message"),
    [
        (
            draw(2).astype(np.int16),
            r"contains int16 pixels; expected unsigned.*Image > Type",
        ),
        (draw(2).astype(np.int8), "contains int8 pixels; expected unsigned"),
        (draw(2).astype(np.float32), "contains float32 pixels"),
    ],
)
def test_other_pixels_are_refused(path, images, message):
    tifffile.imwrite(path, images, metadata={"axes": "TYX"})
    with pytest.raises(ReaderError, match=message):
        open_reader(path)


def test_colours_are_refused(path):
    tifffile.imwrite(path, np.zeros((H, W, 3), np.uint8), photometric="rgb")
    with pytest.raises(ReaderError, match=r"contains colour images.*Split Channels"):
        open_reader(path)
