"""Sizes and times of OME-TIFF files: any unit, any order of planes, any nonsense."""

import numpy as np
import pytest
import tifffile
from hypothesis import given
from hypothesis import strategies as st

from pyama.metadata import FILE_STAMPS
from pyama.readers import open_reader
from pyama.readers.ome_quantities import read_quantities
from pyama.readers.planes import parse_xml

SHAPE = (5, 8)


def write(path, pixels="", planes="", t=3, c=1, images=1):
    """Write a recording whose OME-XML has some attributes and planes."""
    described = "".join(
        f'<Image><Pixels DimensionOrder="XYCZT" Type="uint16" SizeX="8" SizeY="5" SizeZ="1" '
        f'SizeC="{c}" SizeT="{t}" {pixels}><TiffData IFD="{i * t * c}" PlaneCount="{t * c}"/>'
        f"{planes}</Pixels></Image>"
        for i in range(images)
    )
    xml = f'<?xml version="1.0" encoding="UTF-8"?><OME>{described}</OME>'
    with tifffile.TiffWriter(path) as tif:
        for i in range(t * c * images):
            description = xml.encode() if i == 0 else None
            tif.write(np.zeros(SHAPE, np.uint16), description=description, metadata=None)
    return path


@pytest.fixture
def known(tmp_path):
    def read(*args, **more):
        with open_reader(write(tmp_path / "recording.ome.tif", *args, **more)) as reader:
            return reader.metadata

    return read


def plane(t, stamp, unit=None, c=0):
    unit = "" if unit is None else f' DeltaTUnit="{unit}"'
    return f'<Plane TheT="{t}" TheC="{c}" TheZ="0" DeltaT="{stamp}"{unit}/>'


UNITS = {
    "us": 1e-6,
    "\N{MICRO SIGN}s": 1e-6,
    "ms": 1e-3,
    "s": 1,
    "sec": 1,
    "Seconds": 1,
    "min": 60,
    "minutes": 60,
    "h": 3600,
    "Hour": 3600,
    "d": 86400,
}


@given(st.data())
def test_stamps_are_right_in_any_unit_and_order(data):
    t, z, c = (data.draw(st.integers(1, 3)) for _ in "TZC")
    starts = np.cumsum(data.draw(st.lists(st.floats(1, 1e5), min_size=t, max_size=t)))
    planes, stored = [], np.ones((t, z, c), bool)
    for at in data.draw(st.permutations(list(np.ndindex(t, z, c)))):
        name, factor = data.draw(st.sampled_from(list(UNITS.items())))
        late = 0 if at[1:] == (0, 0) else data.draw(st.floats(0, 0.9))
        where = " ".join(f'The{axis}="{i}"' for axis, i in zip("TZC", at, strict=True))
        value = float(starts[at[0]] + late) / factor
        planes.append(f'<Plane {where} DeltaT="{value!r}" DeltaTUnit="{name}"/>')
    planes.append('<Plane TheT="0" TheZ="9" DeltaT="0"/>')  # not of this image
    pixels = parse_xml(f"<Pixels>{''.join(planes)}</Pixels>".encode())
    found = read_quantities(pixels, stored)
    np.testing.assert_allclose(found.stamps_s, starts)
    assert found.stamps_remarks == []


@pytest.mark.parametrize(("unit", "seconds"), UNITS.items())
def test_increments_have_units(known, unit, seconds):
    increment = f'TimeIncrement="{300 / seconds!r}" TimeIncrementUnit="{unit}"'
    found = known(increment)
    np.testing.assert_allclose(found.times_min, [[0, 5, 10]])
    assert found.stamps_source == "TimeIncrement of the file"


def test_stamps_of_planes_that_are_not_stored_are_not_used(known):
    planes = plane(0, 0) + plane(0, 0, c=1) + plane(1, 0, c=1) + plane(1, 60)
    assert known(planes=planes, t=2, c=2).times_min == ((0.0, 0.0),)
    stored = np.array([[[True, True]], [[True, False]]])
    found = read_quantities(parse_xml(f"<Pixels>{planes}</Pixels>".encode()), stored)
    assert found.stamps_s.tolist() == [0, 60]


INSTEAD = [
    pytest.param("".join(plane(t, 0) for t in range(3)), "do not increase", id="all 0"),
    pytest.param(plane(0, 0) + plane(1, 60), "missing or not finite", id="one is missing"),
    pytest.param(plane(0, 0) + plane(1, "x") + plane(2, 9), "'x'", id="one is no number"),
    pytest.param(
        "".join(plane(t, t, "fortnight") for t in range(3)),
        "'0 fortnight' and 2 more",
        id="unit",
    ),
]


@pytest.mark.parametrize(("planes", "words"), INSTEAD)
def test_the_increment_is_used_instead_of_wrong_stamps(known, planes, words):
    found = known('TimeIncrement="60"', planes)
    assert found.times_min == ((0.0, 1.0, 2.0),)
    assert any(words in text for text in found.problems)


def test_stamps_in_another_unit_than_the_planned_interval_are_named(known):
    """600,000 s per frame by the stamps, which are milliseconds, and 600 s planned."""
    planned = 'TimeIncrement="600" TimeIncrementUnit="s"'
    found = known(planned, "".join(plane(t, 600_000 * t, "s") for t in range(3)))
    assert found.times_min == ((0.0, 10_000.0, 20_000.0),)
    assert any("10 min was planned" in text for text in found.problems)
    found = known(planned, "".join(plane(t, 600_000 * t, "ms") for t in range(3)))
    assert not any("planned" in text for text in found.problems)


def test_an_increment_is_not_read_where_stamps_are_good(known):
    found = known('TimeIncrement="0"', "".join(plane(t, 60 * t) for t in range(3)))
    assert found.times_min == ((0.0, 1.0, 2.0),)
    assert found.stamps_source == FILE_STAMPS
    assert not any("TimeIncrement" in text for text in found.problems)


def test_fields_of_view_have_their_own_increments_and_need_one_each(known):
    assert known('TimeIncrement="60"', images=2).times_min == ((0, 1, 2),) * 2


UNKNOWN = [
    ('PhysicalSizeX="0.65" PhysicalSizeXUnit="furlong"', "unknown unit: '0.65 furlong'."),
    ('PhysicalSizeX="1" PhysicalSizeXUnit="pixel"', "unknown unit: '1 pixel'."),
    ('PhysicalSizeX="0,65"', "is not a number: '0,65'."),
    ('PhysicalSizeX="nan"', "is not a number: 'nan'."),
    ('PhysicalSizeX="-1"', "is not positive: '-1'."),
    ('PhysicalSizeX=""', "is not a number: ''."),
    ('TimeIncrement="5" TimeIncrementUnit="fortnight"', "unknown unit: '5 fortnight'."),
    ('TimeIncrement="soon"', "TimeIncrement in the OME-XML is not a number: 'soon'."),
    ('TimeIncrement="-3"', "is not positive: '-3'."),
]


@pytest.mark.parametrize(("pixels", "words"), UNKNOWN)
def test_what_cannot_be_read_is_named_with_its_value(known, pixels, words):
    found = known(pixels)
    assert found.pixel_size_um is None
    assert found.times_min is None
    assert any(text.endswith(words) for text in found.problems)
    about_time = "TimeIncrement" in pixels
    silent = "The file does not contain the size of a pixel."
    assert (silent in found.problems) is about_time
    assert ("The file has no time stamps." in found.problems) is not about_time


@pytest.mark.parametrize(
    ("pixels", "size"),
    [
        ('PhysicalSizeX="0.65"', 0.65),
        ('PhysicalSizeX="0.65" PhysicalSizeXUnit="um"', 0.65),
        ('PhysicalSizeX="0.65" PhysicalSizeXUnit="micron"', 0.65),
        ('PhysicalSizeX="0.65" PhysicalSizeXUnit="\N{MICRO SIGN}m"', 0.65),
        ('PhysicalSizeX="0.65" PhysicalSizeXUnit="\N{GREEK SMALL LETTER MU}m"', 0.65),
        ('PhysicalSizeX="650" PhysicalSizeXUnit="nm"', 0.65),
        ('PhysicalSizeX="0.00065" PhysicalSizeXUnit="mm"', 0.65),
        ('PhysicalSizeX="6.5e-7" PhysicalSizeXUnit="m"', 0.65),
    ],
)
def test_sizes_of_pixels_have_units(known, pixels, size):
    assert known(pixels).pixel_size_um == pytest.approx(size)


def test_a_height_that_cannot_be_read_is_named(known):
    found = known('PhysicalSizeX="0.65" PhysicalSizeY="0.65" PhysicalSizeYUnit="px"')
    assert found.pixel_size_um == 0.65
    assert "PhysicalSizeY in the OME-XML has an unknown unit: '0.65 px'." in found.problems


NUMBERS = st.text("0123456789.,-+eE \u00b5x", max_size=8)


@given(NUMBERS, st.text("smhinµunfk", max_size=4))
def test_nothing_that_stands_there_is_refused(number, unit):
    pixels = parse_xml(b"<Pixels/>")
    for name in ("PhysicalSizeX", "PhysicalSizeY", "TimeIncrement"):
        pixels.set(name, number)
        pixels.set(f"{name}Unit", unit)
    pixels.append(parse_xml(b"<Plane/>"))
    pixels[0].attrib |= {"TheT": number, "DeltaT": number, "DeltaTUnit": unit}
    found = read_quantities(pixels, np.ones((2, 1, 1), bool))
    for value in (*found.pixel_size_um, found.increment_s):
        assert value is None or 0 < value < np.inf
    assert len(found.increment_remarks) == (found.increment_s is None)
