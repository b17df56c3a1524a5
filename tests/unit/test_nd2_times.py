"""Times of ND2 files: from the list of stamps, the images, or the loop."""

import struct
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyama.metadata import FILE_STAMPS
from pyama.readers import open_reader
from pyama.readers.nd2_chunks import FRAME_HEAD, read_contents
from pyama.readers.nd2_times import _periodic
from pyama.testing.nd2_writer import write_nd2

STAMPS = np.array([[0, 600, 1260], [5, 605, 1265]]) * 1000.0 + 77


@pytest.fixture
def written(tmp_path):
    def write(order="TP", **more):
        path = tmp_path / "recording.nd2"
        images = np.zeros((2, 3, 2, 1, 8, 8), np.uint16)
        write_nd2(path, images, order=order, times_ms=STAMPS, **more)
        return path

    return write


def listed(path, values):
    """Replace the list of time stamps."""
    contents = read_contents(path)
    content = path.read_bytes()
    old = contents.times_ms.tobytes()
    assert content.count(old) == 1
    path.write_bytes(content.replace(old, np.resize(values, len(contents.times_ms)).tobytes()))


def in_images(path, value):
    """Replace the times in the images."""
    places = read_contents(path).frames.values()
    with path.open("r+b") as file:
        for place in places:
            file.seek(place + FRAME_HEAD - 8)
            file.write(struct.pack("<d", value))


def metadata(path):
    with open_reader(path) as reader:
        return reader.metadata


@pytest.mark.parametrize("order", ["TP", "PT"])
@pytest.mark.parametrize("missing", [(), [(0, 1, 0)], [(0, 1, 0), (0, 1, 1), (1, 2, 0)]])
def test_stamps_belong_to_their_images_in_any_order(written, order, missing):
    known = metadata(written(order, missing=missing))
    due = (STAMPS - STAMPS[0, 0]) / 60_000
    found = np.array(known.times_min)
    stored = np.ones((2, 3), bool)
    stored[0, 1] = len(missing) < 3 and not missing
    np.testing.assert_allclose(found[stored], due[stored])
    assert known.stamps_source == FILE_STAMPS


WRONG = [
    pytest.param([0.0], None, id="all 0"),
    pytest.param([np.nan], None, id="NaN"),
    pytest.param([5.0], "do not increase in FOV 0, 1.", id="constant"),
    pytest.param([3.0, 2.0, 1.0], "do not increase", id="falling"),
    pytest.param([np.inf], None, id="infinite"),
]


@pytest.mark.parametrize(("values", "words"), WRONG)
def test_wrong_stamps_are_replaced_by_those_in_the_images(written, values, words):
    path = written()
    listed(path, values)
    known = metadata(path)
    np.testing.assert_allclose(known.times_min, (STAMPS - STAMPS[0, 0]) / 60_000)
    assert known.stamps_source == "times in the images of the file"
    assert any(words in text for text in known.problems) if words else known.problems == ()


def test_without_any_stamps_the_period_of_the_loop_is_used(written):
    path = written()
    listed(path, [0.0])
    in_images(path, 0.0)
    known = metadata(path)
    np.testing.assert_allclose(known.times_min, [[0, 10.5, 21]] * 2)
    assert known.stamps_source == "period of the time loop in the file"


def test_a_list_that_is_elsewhere_is_a_note(written):
    path = written()
    content = path.read_bytes()
    at = content.rindex(b"CustomData|AcqTimesCache!") + len(b"CustomData|AcqTimesCache!")
    for place in (0, 10**12):
        path.write_bytes(content[:at] + struct.pack("<Q", place) + content[at + 8 :])
        known = metadata(path)
        assert any("Time stamps of the file cannot be read" in text for text in known.problems)
        assert known.stamps_source == "times in the images of the file"


SIZES = [
    (0.65, 0.65, None),
    (1.0, 1.0, None),
    (0.0, None, "The size of a pixel in the file is 0 µm; expected"),
    (-1.0, None, "The size of a pixel in the file is -1 µm; expected"),
    (float("nan"), None, "The size of a pixel in the file is nan µm; expected"),
    (650.0, 650.0, "The file says that the side of a pixel is 650 µm."),
]


@pytest.mark.parametrize(("size", "expected", "words"), SIZES)
def test_the_size_of_a_pixel_is_known_or_named(written, size, expected, words):
    # The package nd2 returns 1 for what is not positive.
    known = metadata(written(pixel_size_um=size))
    assert known.pixel_size_um == expected
    assert [str(words) in text for text in known.problems] == ([True] if words else [])


def loop(kind, *phases):
    periods = [
        SimpleNamespace(count=n, periodMs=planned, periodDiff=SimpleNamespace(avg=measured))
        for n, planned, measured in phases
    ]
    parameters = SimpleNamespace(periods=periods) if kind == "NETimeLoop" else periods[0]
    return SimpleNamespace(type=kind, parameters=parameters)


LOOPS = [
    ([], None),
    ([loop("TimeLoop", (3, 60_000.0, 0.0))], [0, 1, 2]),
    ([loop("TimeLoop", (3, 0.0, 30_000.0))], [0, 0.5, 1]),
    ([loop("TimeLoop", (3, 60_000.0, 61_200.0))], [0, 1.02, 2.04]),
    ([loop("TimeLoop", (3, 0.0, 0.0))], None),
    ([loop("TimeLoop", (3, float("nan"), float("inf")))], None),
    ([loop("NETimeLoop", (2, 60_000.0, 0.0), (1, 3_000.0, 0.0))], [0, 1, 2]),
    ([loop("NETimeLoop", (1, 60_000.0, 0.0))], None),
    ([loop("XYPosLoop", (3, 60_000.0, 0.0))], None),
]


@pytest.mark.parametrize(("loops", "expected"), LOOPS)
def test_periods_are_measured_or_planned_ones(loops, expected):
    found = _periodic(loops, 3)
    assert expected is None if found is None else np.allclose(found, expected)


@given(st.binary(min_size=96, max_size=96), st.binary(min_size=8, max_size=8))
def test_garbage_instead_of_stamps_refuses_nothing(tmp_path_factory, content, head):
    path = tmp_path_factory.mktemp("nd2") / "recording.nd2"
    write_nd2(path, np.zeros((2, 3, 2, 1, 8, 8), np.uint16), times_ms=STAMPS)
    listed(path, np.frombuffer(content, "<f8"))
    in_images(path, struct.unpack("<d", head)[0])
    known = metadata(path)
    assert known.n_frames == 3
    assert known.times_min is not None
