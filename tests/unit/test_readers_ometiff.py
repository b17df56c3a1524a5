"""What is special about OME-TIFF: sets of files, orders of axes, places of planes."""

import numpy as np
import pytest
import tifffile

from pyama.errors import ReaderError
from pyama.readers import open_reader
from pyama.testing.ometiff_writer import write_ome_tiff

H, W = 5, 8


def draw(*shape):
    return np.random.default_rng(9).integers(1, 65536, shape, np.uint16)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "recording.ome.tif"


def write(path, planes, pixels, images=1, root="", head="<OME", **more):
    """Write planes in their order, described by hand."""
    xml = f"{head} {root}>{f'<Image><Pixels {pixels}</Pixels></Image>' * images}</OME>"
    with tifffile.TiffWriter(path) as tif:
        for i, plane in enumerate(planes):
            description = xml.encode() if i == 0 else None
            tif.write(plane, description=description, metadata=None, **more)
    return path


def sizes(t=1, z=1, c=1, h=H, w=W, order="XYZCT", kind="uint16", more=""):
    return (
        f'DimensionOrder="{order}" Type="{kind}" SizeX="{w}" SizeY="{h}" SizeZ="{z}" '
        f'SizeC="{c}" SizeT="{t}" {more}>'
    )


@pytest.mark.parametrize("axes", ["TZC", "TCZ", "ZTC", "ZCT", "CTZ", "CZT"])
def test_any_order_of_the_axes(path, axes):
    images = draw(4, 3, 2, H, W)  # T, Z, C
    planes = images.transpose(*("TZC".index(axis) for axis in axes), 3, 4)
    order = "XY" + axes[::-1]
    write(path, planes.reshape(-1, H, W), sizes(4, 3, 2, order=order) + "<TiffData/>")
    for z in range(3):
        with open_reader(path, z) as reader:
            assert reader.metadata.missing == ()
            for t in range(4):
                np.testing.assert_array_equal(reader.read(0, t, [0, 1]), images[t, z])


@pytest.mark.parametrize("big", [False, True])
@pytest.mark.parametrize("byteorder", ["<", ">"])
def test_files_of_the_program_tifffile(path, byteorder, big):
    images = draw(4, 2, H, W)
    tifffile.imwrite(
        path,
        images.astype(f"{byteorder}u2"),
        byteorder=byteorder,
        bigtiff=big,
        ome=True,
        metadata={
            "axes": "TCYX",
            "Channel": {"Name": ["PC", "GFP"]},
            "TimeIncrement": 300,
            "TimeIncrementUnit": "s",
            "PhysicalSizeX": 650,
            "PhysicalSizeXUnit": "nm",
        },
    )
    with open_reader(path) as reader:
        known = reader.metadata
        assert known.channel_names == ("PC", "GFP")
        assert known.pixel_size_um == pytest.approx(0.65)
        assert known.times_min == ((0.0, 5.0, 10.0, 15.0),)
        for t in range(4):
            np.testing.assert_array_equal(reader.read(0, t, [0, 1]), images[t])


BLOCKS = [
    pytest.param('<TiffData IFD="2"/>', {0: 2}, id="one plane"),
    pytest.param('<TiffData FirstT="1" IFD="0"/>', {1: 0}, id="one frame"),
    pytest.param('<TiffData PlaneCount="2"/>', {0: 0, 1: 1}, id="the first planes"),
    pytest.param('<TiffData FirstT="2" IFD="1" PlaneCount="2"/>', {2: 1, 3: 2}, id="the last"),
    pytest.param('<TiffData FirstT="1"/>', {1: 0, 2: 1, 3: 2}, id="all from a frame on"),
    pytest.param('<TiffData IFD="2" PlaneCount="4"/>', {0: 2}, id="fewer than declared"),
]


@pytest.mark.parametrize(("block", "places"), BLOCKS)
def test_planes_lie_where_the_description_says(path, block, places):
    planes = draw(3, H, W)
    write(path, planes, sizes(4) + block)
    with open_reader(path) as reader:
        assert reader.metadata.missing_frames(0, 0) == set(range(4)) - set(places)
        for t, number in places.items():
            np.testing.assert_array_equal(reader.read(0, t, [0])[0], planes[number])


def test_any_file_of_a_set_opens_the_set(path):
    images = draw(3, 2, 1, 2, H, W)
    files = write_ome_tiff(path, images, one_file_per_scene=True, position_names=list("abc"))
    identities = set()
    for file in files:
        with open_reader(file) as reader:
            assert reader.metadata.position_names == ("a", "b", "c")
            identities.add(reader.metadata.identity)
            for p in range(3):
                np.testing.assert_array_equal(reader.read(p, 1, [0, 1]), images[p, 1, 0])
    assert len(identities) == 1


def test_a_set_without_one_of_its_files_is_refused(path):
    files = write_ome_tiff(path, draw(3, 2, 1, 1, H, W), one_file_per_scene=True)
    files[1].unlink()
    with pytest.raises(
        ReaderError, match=r"recording_s1\.ome\.tif is not in its folder\. Copy the"
    ):
        open_reader(files[0])


def test_a_file_may_be_described_in_another(path, tmp_path):
    images = draw(1, 2, 1, 1, H, W)
    write_ome_tiff(path, images)
    other = tmp_path / "other.ome.tif"
    with tifffile.TiffWriter(other) as tif:
        xml = f'<OME><BinaryOnly MetadataFile="{path.name}" UUID="x"/></OME>'
        tif.write(images[0, 0, 0, 0], description=xml.encode(), metadata=None)
    with open_reader(other) as reader:
        np.testing.assert_array_equal(reader.read(0, 1, [0])[0], images[0, 1, 0, 0])


def test_fields_of_view_may_differ_in_frames(path):
    planes = draw(3, H, W)
    two = f"{sizes(2)}<TiffData PlaneCount='2'/></Pixels></Image><Image><Pixels "
    write(path, planes, two + f"{sizes(1)}<TiffData IFD='2'/>")
    with open_reader(path) as reader:
        assert reader.metadata.missing_frames(1, 0) == {1}
        np.testing.assert_array_equal(reader.read(1, 0, [0])[0], planes[2])


STAMPS = [
    ('<Plane TheT="0" DeltaT="30"/><Plane TheT="1" DeltaT="90"/>', [0, 1]),
    ('<Plane TheT="0" DeltaT="0"/><Plane TheT="1" DeltaT="2" DeltaTUnit="min"/>', [0, 2]),
    ('<Plane TheT="0" DeltaT="0"/><Plane TheT="1"/>', [0, np.nan]),
    ('<Plane TheT="1" DeltaT="60"/><Plane TheT="0" DeltaT="0" DeltaTUnit="h"/>', [0, 1]),
]


@pytest.mark.parametrize(("planes", "expected"), STAMPS)
def test_stamps_have_units(path, planes, expected):
    write(path, draw(2, H, W), sizes(2) + "<TiffData/>" + planes)
    with open_reader(path) as reader:
        np.testing.assert_allclose(reader.metadata.times_min, [expected])


def test_a_pixel_that_is_not_square_is_reported(path):
    size = sizes(2, more='PhysicalSizeX="1" PhysicalSizeY="3"')
    write(path, draw(2, H, W), size + "<TiffData/>")
    with open_reader(path) as reader:
        assert (
            "Pixels are not square: 1 x 3 \N{MICRO SIGN}m. The width is used."
            in reader.metadata.problems
        )


COLOUR = '<Channel SamplesPerPixel="3"/><TiffData/>'
REFUSED = [
    pytest.param(sizes(kind="float") + "<TiffData/>", "contains float pixels", id="float"),
    pytest.param(sizes(kind="int16") + "<TiffData/>", "contains int16 pixels", id="signed"),
    pytest.param(sizes(c=3) + COLOUR, "contains colour images", id="colour"),
    pytest.param(sizes(t=10**9) + "<TiffData/>", "declares 1000000000 planes", id="endless"),
    pytest.param(
        sizes(t=10**5) + "<TiffData/>", "declares 100000 planes and contains 2", id="more"
    ),
    pytest.param(sizes(h=10**6, w=10**6) + "<TiffData/>", "frames are 1000000 x", id="huge"),
    pytest.param(sizes(h=7) + "<TiffData/>", r"plane 0 is \(5, 8\) uint16, its", id="shape"),
    pytest.param(sizes(), "does not say where the images are", id="no places"),
    pytest.param(sizes(t=0) + "<TiffData/>", "declares 0 planes", id="no frames"),
    pytest.param(sizes(order="XY") + "<TiffData/>", "cannot be read", id="no order"),
]


@pytest.mark.parametrize(("pixels", "message"), REFUSED)
def test_what_is_not_supported_or_not_possible_is_refused(path, pixels, message):
    write(path, draw(2, H, W), pixels)
    with pytest.raises(ReaderError, match=message):
        open_reader(path)


def test_pages_other_than_described_are_refused(path):
    write(path, [draw(H, W), draw(H, W + 1)], sizes(2) + "<TiffData/>")
    with pytest.raises(ReaderError, match=r"plane 1 is \(5, 9\) uint16"):
        open_reader(path)


def test_a_list_of_planes_that_breaks_off_is_reported(path):
    write(path, draw(3, H, W), sizes(3) + "<TiffData/>")
    with open_reader(path) as reader:
        assert not any("breaks off" in problem for problem in reader.metadata.problems)
    with tifffile.TiffFile(path) as file:
        last = file.pages[1].offset
        place = last + 2 + 12 * len(file.pages[1].tags)
    content = bytearray(path.read_bytes())
    content[place : place + 4] = b"\xff\xff\xff\x7f"  # to a plane that is not there
    path.write_bytes(content)
    with open_reader(path) as reader:
        problems = reader.metadata.problems
    assert any("breaks off after 2 planes" in problem for problem in problems)


def test_fields_of_view_with_pixels_of_another_size_are_reported(path):
    from pyama.testing.ometiff_writer import write_ome_tiff

    write_ome_tiff(path, draw(2, 2, 1, 1, H, W))
    old, new = b'PhysicalSizeX="0.65"', b'PhysicalSizeX="1.30"'
    content = path.read_bytes()
    place = content.index(old)
    path.write_bytes(content[:place] + new + content[place + len(old) :])
    with open_reader(path) as reader:
        assert any(
            "pixels of different size (1.3, 0.65" in p for p in reader.metadata.problems
        )
