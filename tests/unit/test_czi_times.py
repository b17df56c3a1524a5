"""Times of CZI files: from time stamps, XML and tiles."""

import math
import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from czi_parts import put_acquisition_times, put_xml, time_xml
from pyama.metadata import FILE_STAMPS
from pyama.readers import open_reader
from pyama.readers.czi_times import Extent, stamps_by_frame
from pyama.testing.czi_writer import write_czi

H, W = 5, 8


@pytest.fixture
def path(tmp_path):
    return tmp_path / "recording.czi"


def draw(*shape):
    return np.random.default_rng(3).integers(1, 999, (*shape, H, W)).astype(np.uint16)


def write(path, p=1, t=3, z=1, c=1, stamps_s=None):
    """Write a recording; `stamps_s` may have any number of stamps."""
    write_czi(path, draw(p, t, z, c), with_times=False)
    if stamps_s is not None:
        from pyama.testing.czi_writer import _append_time_stamps

        _append_time_stamps(path, np.asarray(stamps_s, np.float64))
    return path


def extent(p=1, t=3, z=1, c=1, first=0, planned=0):
    return Extent(p, t, first, planned, (c, z, 1))


@given(
    st.lists(st.floats(0.001, 1e5), min_size=2, max_size=6),
    st.integers(1, 3),
    st.integers(1, 3),
    st.permutations("TCZ"),
    st.sets(st.sampled_from("CZ")),
    st.data(),
)
def test_stamps_of_planes_give_the_time_of_their_frame_in_any_order(
    steps, c, z, order, per, data
):
    times = np.cumsum(steps)
    sizes = {"T": len(times), "C": c if "C" in per else 1, "Z": z if "Z" in per else 1}
    within = data.draw(st.floats(0, 0.9)) * min(steps)
    parts = sizes["C"] * sizes["Z"]
    stamps = times[:, None] + np.linspace(0, within, parts)[None]
    stamps = stamps.reshape(sizes["T"], sizes["C"], sizes["Z"])
    arranged = stamps.transpose(["TCZ".index(axis) for axis in order]).ravel()
    found = stamps_by_frame(arranged, extent(t=len(times), c=c, z=z))
    np.testing.assert_allclose(found, times)


@given(st.integers(2, 4), st.integers(1, 3), st.integers(2, 5), st.permutations("PTC"))
def test_stamps_of_scenes_are_right_or_not_used(p, c, t, order):
    # Whether all scenes were visited in every frame is not known from their stamps.
    for outer in ("T", "P"):
        inner = "P" if outer == "T" else "T"
        shape = {"P": p, "T": t, "C": c}
        visited = np.arange(p * t * c, dtype=float).reshape(shape[outer], shape[inner], c)
        by_axis = visited.transpose([[outer, inner, "C"].index(axis) for axis in "PTC"])
        arranged = by_axis.transpose(["PTC".index(axis) for axis in order]).ravel()
        assert stamps_by_frame(arranged, extent(p=p, t=t, c=c)) is None


COUNTS = [
    pytest.param(3, {}, [0, 1, 2], id="one per frame"),
    pytest.param(5, {}, [0, 1, 2], id="single planes, too many"),
    pytest.param(2, {}, [0, 1, math.nan], id="too few"),
    pytest.param(10, {"first": 6}, [6, 7, 8], id="all of a longer recording"),
    pytest.param(8, {"first": 6}, None, id="a part that begins too late"),
    pytest.param(7, {"c": 2, "planned": 7}, [0, 1, 2], id="planned ones"),
    pytest.param(6, {"c": 2, "planned": 6}, None, id="planned ones, or one per channel"),
    pytest.param(7, {"c": 2}, None, id="channels of a part of a frame"),
    pytest.param(6, {}, None, id="two per plane"),
    pytest.param(6, {"c": 2, "p": 2}, None, id="per channel or scene"),
    pytest.param(9, {"c": 3, "p": 2}, [0, 3, 6], id="per channel, not per scene"),
]


@pytest.mark.parametrize(("n", "sizes", "expected"), COUNTS)
def test_a_number_of_stamps_that_is_not_certain_is_not_used(n, sizes, expected):
    found = stamps_by_frame(np.arange(float(n)), extent(**sizes))
    np.testing.assert_array_equal(found, expected)


def test_stamps_of_channels_are_attached_to_their_frames(path):
    write(path, t=3, c=2, stamps_s=[0, 1, 600, 601, 1200, 1201])
    with open_reader(path) as reader:
        assert reader.metadata.times_min == ((0.0, 10.0, 20.0),)
        assert reader.metadata.problems == ("The file has 6 time stamps for 3 frames.",)


def test_stamps_of_scenes_are_named_and_not_used(path):
    write(path, p=2, t=3, stamps_s=range(6))
    with open_reader(path) as reader:
        assert reader.metadata.times_min is None
        assert reader.metadata.problems == (
            "The file has 6 time stamps for 3 frames in 2 fields of view. It is not certain "
            "which is of which frame.",
        )


OFFSETS = "<List><Offsets>0 90.5 181</Offsets></List>"
INTERVAL = "<Interval><Start>5</Start><Increment>33.5</Increment></Interval>"
XML = [
    pytest.param(OFFSETS, (0, 90.5, 181), "offsets in the XML of the file", id="offsets"),
    pytest.param(INTERVAL, (0, 33.5, 67), "interval in the XML of the file", id="interval"),
    pytest.param(
        OFFSETS + INTERVAL, (0, 90.5, 181), "offsets in the XML of the file", id="both"
    ),
    pytest.param(
        "<List><Offsets>0 0 0</Offsets></List>" + INTERVAL,
        (0, 33.5, 67),
        "interval in the XML of the file",
        id="offsets that stand still",
    ),
]


@pytest.mark.parametrize(("positions", "seconds", "source"), XML)
@pytest.mark.parametrize("stamps", [None, [7, 7, 7], [3, 2, 1], [1, math.nan, 3], [1, 2]])
def test_without_usable_stamps_times_are_in_the_xml(path, positions, seconds, source, stamps):
    write(path, p=2, stamps_s=stamps)
    put_xml(path, time_xml(positions))
    with open_reader(path) as reader:
        known = reader.metadata
    np.testing.assert_allclose(known.times_min, np.tile(seconds, (2, 1)) / 60)
    assert known.stamps_source == source
    assert bool(stamps) <= any(f"Used instead: {source}" in text for text in known.problems)


def test_usable_stamps_come_before_the_xml(path):
    put_xml(write(path, stamps_s=[10, 70, 130]), time_xml(OFFSETS))
    with open_reader(path) as reader:
        np.testing.assert_allclose(reader.metadata.times_min, [[0, 1, 2]])
        assert reader.metadata.stamps_source == FILE_STAMPS


def acquired(axes, start="2021-03-28T00:59:{:09.6f}0+01:00"):
    # Channel 1 is acquired first, then the z planes from above.
    seconds = (
        10 * axes.get("T", 0)
        + 3 * axes.get("S", 0)
        - axes.get("C", 0)
        - 0.1 * axes.get("Z", 0)
    )
    tag = f"<AcquisitionTime>{start.format(20 + seconds)}</AcquisitionTime>"
    return f"<METADATA><Tags>{tag}</Tags></METADATA>"


@pytest.mark.parametrize("most", [10_000, 3])
def test_without_others_times_are_those_of_the_tiles(path, most, monkeypatch):
    monkeypatch.setattr("pyama.readers.czi_times.MAX_TILES", most)
    images = draw(2, 3, 2, 2)
    write_czi(path, images, with_times=False)
    put_acquisition_times(path, acquired)
    with open_reader(path) as reader:
        known = reader.metadata
        np.testing.assert_allclose(
            known.times_min, np.array([[0, 10, 20], [3, 13, 23]]) / 60, atol=1e-6
        )
        assert known.stamps_source == "acquisition times of the images in the file"
        np.testing.assert_array_equal(reader.read(1, 2, [0, 1]), images[1, 2, 1])


@pytest.mark.parametrize(
    "text",
    [
        "",
        "<METADATA/>",
        "<AcquisitionTime>yesterday</AcquisitionTime>",
        "<AcquisitionTime>\xff\0",
    ],
)
def test_tiles_without_times_leave_them_unknown(path, text):
    write(path)
    put_acquisition_times(path, lambda axes: text)
    with open_reader(path) as reader:
        assert reader.metadata.times_min is None
        assert "The file has no time stamps." in reader.metadata.problems


NOTES = [
    pytest.param("<List><Offsets>a b c</Offsets></List>", "'a b c'", id="offsets"),
    pytest.param("<List><Offsets>1 2</Offsets></List>", "2 offsets for 3 frames", id="few"),
    pytest.param("<Interval><Increment>0</Increment></Interval>", "'0'", id="no interval"),
    pytest.param("<Interval><Increment>5 min</Increment></Interval>", "'5 min'", id="text"),
]


@pytest.mark.parametrize(("positions", "words"), NOTES)
def test_times_that_cannot_be_read_are_named(path, positions, words):
    put_xml(write(path), time_xml(positions))
    with open_reader(path) as reader:
        assert any(words in text for text in reader.metadata.problems)


SIZES = [
    ("6.5e-07", 0.65, None),
    (" 1e-6 ", 1.0, None),
    ("0", None, "'0', which is not a positive number"),
    ("0,65", None, "'0,65', which is not a number"),
    ("0.65", 650000, "side of a pixel is 650000 µm"),
]


@pytest.mark.parametrize(("text", "size", "words"), SIZES)
def test_the_size_of_a_pixel_is_known_or_named(path, text, size, words):
    # The unit is that of the display: the value is in metres.
    value = f"<Value>{text}</Value><DefaultUnitFormat>nm</DefaultUnitFormat>"
    more = f'<Scaling><Items><Distance Id="X">{value}</Distance></Items></Scaling>'
    put_xml(write(path, stamps_s=[1, 2, 3]), time_xml(more=more))
    with open_reader(path) as reader:
        assert reader.metadata.pixel_size_um == size
        problems = " ".join(reader.metadata.problems)
    assert (words or "") in problems
    assert (problems == "") is (words is None)


@pytest.mark.parametrize("xml", [b"<ImageDocument>", b"\xff\xfe", b"\0" * 9])
def test_metadata_that_cannot_be_read_are_a_note(path, xml):
    images = draw(1, 3, 1, 1)
    write_czi(path, images, times_ms=[0, 60000, 120000])
    put_xml(path, xml)
    with open_reader(path) as reader:
        known = reader.metadata
        assert any(
            "The metadata of the file cannot be read" in text for text in known.problems
        )
        assert "Without its metadata, the size of a pixel is unknown." in known.problems
        assert known.times_min == ((0.0, 1.0, 2.0),)
        np.testing.assert_array_equal(reader.read(0, 2, [0])[0], images[0, 2, 0, 0])


def test_stamps_that_cannot_be_read_are_a_note(path):
    write(path, stamps_s=[0, 60, 120])
    content = bytearray(path.read_bytes())
    struct.pack_into("<i", content, content.rindex(struct.pack("<ii", 32, 3)) + 4, 10**6)
    path.write_bytes(content)
    put_xml(path, time_xml(OFFSETS))
    with open_reader(path) as reader:
        assert any(
            "Time stamps of the file cannot be read" in text
            for text in reader.metadata.problems
        )
        assert reader.metadata.stamps_source == "offsets in the XML of the file"
