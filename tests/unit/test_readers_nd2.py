"""What is special about ND2 files: loops, deleted points, odd pixels, odd text."""

import struct

import numpy as np
import pytest

from pyama.errors import ReaderError
from pyama.readers import open_reader
from pyama.testing import nd2_writer
from pyama.testing.nd2_writer import write_nd2

H, W = 5, 8


def draw(*shape):
    return np.random.default_rng(3).integers(1, 65536, shape, np.uint16)


def patch(path, name, value, kind="<I"):
    """Overwrite a named number of the file's metadata, everywhere."""
    content = bytearray(path.read_bytes())
    key = name.encode("utf-16-le") + b"\0\0"
    at, patched = content.find(key), 0
    while at >= 0:
        struct.pack_into(kind, content, at + len(key), value)
        at, patched = content.find(key, at + 1), patched + 1
    assert patched, f"{name} is not in the file"
    path.write_bytes(content)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "recording.nd2"


def test_position_names_are_read(path):
    write_nd2(path, draw(2, 2, 1, 1, H, W), position_names=["A1", "B7"])
    with open_reader(path) as reader:
        assert reader.metadata.position_names == ("A1", "B7")


def test_deleted_points_are_no_fields_of_view(path):
    images = draw(3, 2, 1, 1, H, W)
    left_out = [(2, 0, 0), (2, 1, 0)]
    write_nd2(path, images, order="PT", position_names=["a", "gone", "b"], missing=left_out)
    content = path.read_bytes()
    valid = "pItemValid".encode("utf-16-le") + b"\0\0" + struct.pack("<Q", 3)
    assert content.count(valid + b"\1\1\1") == 1
    path.write_bytes(content.replace(valid + b"\1\1\1", valid + b"\1\0\1"))
    with open_reader(path) as reader:
        assert reader.metadata.position_names == ("a", "b")
        assert reader.metadata.missing == ()
        for fov, frame in np.ndindex(2, 2):
            found = reader.read(fov, frame, [0])[0]
            np.testing.assert_array_equal(found, images[fov, frame, 0, 0])


def test_two_phases_of_time_are_one_axis(path, monkeypatch):
    plain = nd2_writer._Recording._loop

    def in_two_phases(recording, axis):
        if axis != "T":
            return plain(recording, axis)
        phases = [
            {"uiCount": n, "dStart": 0.0, "dPeriod": period, "dDuration": n * period}
            for n, period in ((2, 1000.0), (3, 5000.0))
        ]
        pars = {"uiCount": 5, "uiPeriodCount": 2, "pPeriod": phases}
        return {"eType": 8, "uLoopPars": {**pars, "pPeriodValid": bytes([1, 1])}}

    monkeypatch.setattr(nd2_writer._Recording, "_loop", in_two_phases)
    images = draw(2, 5, 1, 1, H, W)
    write_nd2(path, images, times_ms=[0, 1000, 2000, 7000, 12000])
    with open_reader(path) as reader:
        assert reader.metadata.n_frames == 5
        np.testing.assert_allclose(np.diff(reader.metadata.times_min[0]) * 60, [1, 1, 5, 5])
        np.testing.assert_array_equal(reader.read(1, 4, [0])[0], images[1, 4, 0, 0])


def test_a_stopped_recording_keeps_its_stamps(path):
    missing = [(p, t, 0) for p in range(2) for t in range(3, 6)]
    write_nd2(path, draw(2, 6, 1, 1, H, W), missing=missing)
    with open_reader(path) as reader:
        known = reader.metadata
    assert known.n_frames == 6
    assert known.missing_frames(1, 0) == {3, 4, 5}
    np.testing.assert_allclose(known.times_min[0], np.arange(6) * 10)
    assert known.problems == (
        "Frames of channel 0 (Channel 0) that were never written: 3 of 6 in FOV 0, "
        "3 of 6 in FOV 1.",
    )


def test_a_text_that_says_more_frames_is_reported(path):
    write_nd2(path, draw(1, 6, 1, 1, H, W))
    content = path.read_bytes()
    said, says = (
        "Dimensions: T(6)".encode("utf-16-le"),
        "Dimensions: T(9)".encode("utf-16-le"),
    )
    assert content.count(said) == 1
    path.write_bytes(content.replace(said, says))
    with open_reader(path) as reader:
        assert reader.metadata.n_frames == 6
        assert "9 frames were planned, 6 are stored" in reader.metadata.problems[0]


def patch_loop(path, count):
    """Overwrite the length of the only loop."""
    content = bytearray(path.read_bytes())
    key = "uiCount".encode("utf-16-le") + b"\0\0"
    start = content.index("SLxExperiment".encode("utf-16-le"))
    struct.pack_into("<I", content, content.index(key, start) + len(key), count)
    path.write_bytes(content)


def test_an_endless_loop_is_refused(path):
    write_nd2(path, draw(1, 4, 1, 1, H, W))
    patch_loop(path, 2**31)
    with pytest.raises(ReaderError, match="declares 2147483648 planes and contains 4"):
        open_reader(path)


def test_images_beyond_the_loops_are_reported(path):
    images = draw(1, 4, 1, 1, H, W)
    write_nd2(path, images)
    patch_loop(path, 3)
    with open_reader(path) as reader:
        assert reader.metadata.n_frames == 3
        assert any("1 more images than its loops" in p for p in reader.metadata.problems)
        np.testing.assert_array_equal(reader.read(0, 2, [0])[0], images[0, 2, 0, 0])


def test_without_loops_the_number_of_images_is_that_of_the_frames(path, monkeypatch):
    monkeypatch.setattr(nd2_writer._Recording, "_experiment", lambda recording: None)
    images = draw(1, 4, 1, 1, H, W)
    write_nd2(path, images)
    with open_reader(path) as reader:
        assert reader.metadata.n_frames == 4
        np.testing.assert_array_equal(reader.read(0, 3, [0])[0], images[0, 3, 0, 0])


def test_an_uncalibrated_file_has_no_pixel_size(path):
    write_nd2(path, draw(1, 2, 1, 1, H, W))
    patch(path, "bCalibrated", 0, "<B")
    with open_reader(path) as reader:
        assert reader.metadata.pixel_size_um is None
        assert "The file does not contain the size of a pixel." in reader.metadata.problems


def test_rows_with_padding_are_read_without_it(path):
    images = draw(1, 2, 1, 1, H, W)
    write_nd2(path, images)
    patch(path, "uiWidth", W - 2)  # the width in bytes stays
    with open_reader(path) as reader:
        assert reader.metadata.shapes == ((H, W - 2),)
        np.testing.assert_array_equal(reader.read(0, 1, [0])[0], images[0, 1, 0, 0, :, :-2])


@pytest.mark.parametrize("strip_bytes", [1, 3 * 2 * 2 * W, 2**20])
def test_a_frame_read_in_strips_is_the_whole_frame(path, monkeypatch, strip_bytes):
    monkeypatch.setattr("pyama.readers.nd2.STRIP_BYTES", strip_bytes)
    images = draw(1, 2, 1, 2, H, W)
    write_nd2(path, images)
    with open_reader(path) as reader:
        np.testing.assert_array_equal(reader.read(0, 1, [1, 0]), images[0, 1, 0, ::-1])


def test_a_frame_that_ends_too_early_is_an_error(path):
    write_nd2(path, draw(1, 2, 1, 1, H, W))
    with open_reader(path) as reader:
        reader._places[1] = path.stat().st_size  # as if the file had shrunk meanwhile
        with pytest.raises(ReaderError, match="lies beyond its end"):
            reader.read(0, 1, [0])


REFUSED = [
    pytest.param("uiBpcInMemory", 32, "contains 32-bit images", id="float"),
    pytest.param("uiComp", 3, "contains colour .3 values in 2 channels", id="colour"),
    pytest.param("eCompression", 1, "compressed with loss", id="lossy"),
    pytest.param("uiWidthBytes", 1, "a row of its images has 1 bytes", id="short rows"),
    pytest.param("uiHeight", 2**31 - 1, "frames are 2147483647 x 8 px", id="huge"),
    pytest.param("uiHeight", 2**20, "4 of 4 images lie beyond its end", id="too high"),
    pytest.param("uiHeight", 0, "frames are 0 x 8 px", id="flat"),
    pytest.param("eType", 7, "contains a CustomLoop beside loops over", id="another loop"),
]


@pytest.mark.parametrize(("name", "value", "message"), REFUSED)
def test_what_is_not_supported_or_not_possible_is_refused(path, name, value, message):
    write_nd2(path, draw(1, 4, 1, 2 if name == "uiComp" else 1, H, W))
    patch(path, name, value)
    with pytest.raises(ReaderError, match=message):
        open_reader(path)
