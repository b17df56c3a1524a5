"""Files of the ND2 writer, read by the public reader."""

import nd2
import numpy as np
import pytest

from pyama.errors import ArrayError
from pyama.testing.nd2_writer import write_nd2


def draw(*shape, dtype=np.uint16):
    high = np.iinfo(dtype).max
    return np.random.default_rng(1).integers(1, high, shape, dtype, endpoint=True)


def frames_in_order(file):
    # copies: a view into a closed file is a segmentation fault
    return [file.read_frame(i).copy() for i in range(file.attributes.sequenceCount)]


@pytest.fixture
def path(tmp_path):
    return tmp_path / "recording.nd2"


SIZES = [
    pytest.param((3, 4, 2, 2), {"T": 4, "P": 3, "Z": 2, "C": 2}, id="all axes"),
    pytest.param((3, 4, 1, 1), {"T": 4, "P": 3}, id="positions and time"),
    pytest.param((1, 4, 1, 2), {"T": 4, "C": 2}, id="one position"),
    pytest.param((3, 1, 1, 2), {"P": 3, "C": 2}, id="one frame"),
    pytest.param((1, 1, 3, 1), {"Z": 3}, id="only a stack"),
    pytest.param((1, 1, 1, 1), {}, id="only a picture"),
]


@pytest.mark.parametrize("compress", [False, True])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize(("sizes", "expected"), SIZES)
@pytest.mark.parametrize("order", ["TP", "PT"])
def test_every_plane_is_read_back_where_it_belongs(
    path, sizes, expected, order, dtype, compress
):
    images = draw(*sizes, 7, 9, dtype=dtype)
    write_nd2(path, images, order=order, compress=compress)
    with nd2.ND2File(path) as file:
        assert file.sizes == {**expected, "Y": 7, "X": 9}
        loops = [axis for axis in (*order, "Z") if axis in expected]
        assert [axis for axis in file.sizes if axis in "PTZ"] == loops
        assert file.dtype == dtype
        found = file.asarray()
    shape = [expected[axis] for axis in loops]
    by_loops = images.transpose([*("PTZ".index(axis) for axis in (*order, "Z")), 3, 4, 5])
    np.testing.assert_array_equal(found, by_loops.reshape(*shape, *found.shape[len(shape) :]))


def test_names_pixel_size_and_times_are_read_back(path):
    times = np.array([[0.0, 100.0, 250.0], [7.0, 111.0, 270.5]])
    write_nd2(
        path,
        draw(2, 3, 1, 2, 5, 6),
        channel_names=["Phase", "GFP µ"],
        position_names=["A1", "B2"],
        pixel_size_um=0.325,
        times_ms=times,
    )
    with nd2.ND2File(path) as file:
        assert [c.channel.name for c in file.metadata.channels] == ["Phase", "GFP µ"]
        assert [p.name for p in file.experiment[1].parameters.points] == ["A1", "B2"]
        assert file.voxel_size()[:2] == (0.325, 0.325)
        stamps = [file.frame_metadata(i).channels[0].time.relativeTimeMs for i in range(6)]
    assert stamps == [0.0, 7.0, 100.0, 111.0, 250.0, 270.5]


def test_a_missing_frame_is_declared_and_not_in_the_map_of_the_file(path):
    images = draw(2, 3, 2, 2, 5, 6)
    write_nd2(path, images, order="PT", missing={(1, 0, 1), (0, 2, 0)})
    with nd2.ND2File(path) as file:
        names = {name for name in file._rdr.chunkmap if name.startswith(b"ImageDataSeq|")}
        frames = frames_in_order(file)
    assert {b"ImageDataSeq|%d!" % i for i in range(12)} - names == {
        b"ImageDataSeq|4!",
        b"ImageDataSeq|7!",
    }
    assert [i for i, frame in enumerate(frames) if not frame.any()] == [4, 7]
    np.testing.assert_array_equal(frames[8], images[1, 1, 0])


def test_a_file_without_times_has_none(path):
    write_nd2(path, draw(1, 2, 1, 1, 5, 6), with_times=False)
    with nd2.ND2File(path) as file, pytest.warns(UserWarning, match="frame times"):
        file.events()


class Lazy:
    """Remembers which frames it was asked for; draws their number."""

    shape, dtype = (2, 1, 1, 5, 6), np.uint16

    def __init__(self, position, asked):
        self.position, self.asked = position, asked

    def __getitem__(self, where):
        self.asked.append((self.position, *where))
        return np.full((1, 5, 6), len(self.asked), np.uint16)


def test_frames_are_asked_for_one_at_a_time(path):
    asked = []
    write_nd2(path, [Lazy(0, asked), Lazy(1, asked)], missing={(1, 0, 0)})
    assert asked == [(0, 0, 0), (0, 1, 0), (1, 1, 0)]
    with nd2.ND2File(path) as file:
        assert [int(frame.max()) for frame in frames_in_order(file)] == [1, 0, 2, 3]


WRONG = [
    pytest.param({}, (1, 2, 5, 6), r"one of shape \(2, 5, 6\)", id="axes"),
    pytest.param({}, (1, 0, 1, 1, 5, 6), r"one of shape \(0, 1, 1, 5, 6\)", id="no frames"),
    pytest.param({}, (0, 1, 1, 1, 5, 6), "got none", id="no positions"),
    pytest.param(
        {"channel_names": ["a"]}, (1, 1, 1, 2, 5, 6), "1 channel names for 2", id="c"
    ),
    pytest.param({"position_names": []}, (1, 1, 1, 2, 5, 6), "0 position names for 1", id="p"),
    pytest.param(
        {"times_ms": [1, 2]}, (1, 1, 1, 2, 5, 6), r"shape \(2,\), expected", id="times"
    ),
    pytest.param(
        {"missing": {(0, 1, 0)}}, (1, 1, 1, 2, 5, 6), r"contains \(0, 1, 0\)", id="frame"
    ),
    pytest.param({"missing": {(0, 0)}}, (1, 1, 1, 2, 5, 6), r"contains \(0, 0\)", id="place"),
]


@pytest.mark.parametrize(("options", "shape", "message"), WRONG)
def test_what_does_not_fit_is_refused(path, options, shape, message):
    with pytest.raises(ArrayError, match=message):
        write_nd2(path, np.zeros(shape, np.uint16), **options)
    assert not path.exists()


def test_float_images_are_refused(path):
    with pytest.raises(ArrayError, match="takes uint8 or uint16, got float64"):
        write_nd2(path, np.zeros((1, 1, 1, 1, 5, 6)))


def test_positions_of_different_size_are_refused(path):
    scenes = [np.zeros((1, 1, 1, 5, 6), np.uint16), np.zeros((1, 1, 1, 5, 7), np.uint16)]
    with pytest.raises(ArrayError, match=r"one size, got \[\(5, 6\), \(5, 7\)\]"):
        write_nd2(path, scenes)


def test_positions_of_different_length_are_refused(path):
    scenes = [np.zeros((1, 1, 1, 5, 6), np.uint16), np.zeros((2, 1, 1, 5, 6), np.uint16)]
    with pytest.raises(ArrayError, match=r"of one \(T, Z, C\)"):
        write_nd2(path, scenes)
