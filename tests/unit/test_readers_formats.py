"""Every format gives back what was written, plane by plane."""

import threading

import numpy as np
import pytest

from pyama.errors import ReaderError
from pyama.readers import open_reader
from pyama.readers.array import ArrayReader
from pyama.testing.czi_writer import write_czi
from pyama.testing.nd2_writer import write_nd2
from pyama.testing.ometiff_writer import write_ome_tiff

FORMATS = {
    "nd2 TP": ("a.nd2", write_nd2, {"order": "TP"}),
    "nd2 PT": ("a.nd2", write_nd2, {"order": "PT"}),
    "nd2 zlib": ("a.nd2", write_nd2, {"compress": True}),
    "czi": ("a.czi", write_czi, {}),
    "czi zstd": ("a.czi", write_czi, {"compress": True}),
    "ome-tiff": ("a.ome.tif", write_ome_tiff, {}),
    "ome-tiff zlib": ("a.ome.tif", write_ome_tiff, {"compress": True}),
    "ome-tiff set": ("a.ome.tif", write_ome_tiff, {"one_file_per_scene": True}),
}
SIZES = [(3, 4, 2, 2), (2, 3, 1, 1), (1, 3, 1, 2), (2, 1, 1, 3), (1, 1, 3, 1), (1, 1, 1, 1)]
H, W = 6, 9


def draw(*shape, dtype=np.uint16):
    high = np.iinfo(dtype).max
    return np.random.default_rng(7).integers(1, high, shape, dtype, endpoint=True)


@pytest.fixture(params=FORMATS)
def write(request, tmp_path):
    name, writer, options = FORMATS[request.param]

    def written(images, **more):
        files = writer(tmp_path / name, images, **options, **more)
        return files[-1] if files else tmp_path / name

    return written


def expected(images, p, t, z):
    return images[p, t].max(axis=0) if z == "max" else images[p, t, z]


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("sizes", SIZES, ids=str)
def test_every_plane_is_read_where_it_was_written(write, sizes, dtype):
    images = draw(*sizes, H, W, dtype=dtype)
    path = write(images)
    p, t, n_z, c = sizes
    for z in (0, n_z - 1, "max"):
        with open_reader(path, z) as reader:
            known = reader.metadata
            assert (known.n_fovs, known.n_frames, known.n_z, known.n_channels) == (
                p,
                t,
                n_z,
                c,
            )
            assert set(known.shapes) == {(H, W)}
            assert known.dtype == np.dtype(dtype).name
            assert known.missing == ()
            for place in np.ndindex(p, t):
                found = reader.read(*place, range(c))
                assert all(image.dtype == np.uint16 for image in found)
                assert all(image.flags.c_contiguous for image in found)
                np.testing.assert_array_equal(found, expected(images, *place, z))


def test_the_middle_plane_is_the_default(write):
    images = draw(1, 2, 4, 1, H, W)
    with open_reader(write(images)) as reader:
        np.testing.assert_array_equal(reader.read(0, 1, [0])[0], images[0, 1, 2, 0])


def test_a_plane_beyond_the_stack_is_refused(write):
    path = write(draw(1, 2, 3, 1, H, W))
    with pytest.raises(ReaderError, match=r"has 3 z planes, but z is 3\. Use 0 to 2"):
        open_reader(path, 3)


def test_every_channel_has_a_plane_of_its_own(write):
    images = draw(1, 2, 4, 3, H, W)
    with open_reader(write(images), {0: "max", 2: 3}) as reader:
        found = reader.read(0, 1, [2, 1, 0])
    stack = images[0, 1]
    np.testing.assert_array_equal(found, [stack[3, 2], stack[2, 1], stack[:, 0].max(axis=0)])


@pytest.mark.parametrize("z", ["middle", 0, "max", {0: "max"}])
def test_zeros_of_an_nd2_in_the_planes_that_a_channel_lacks_are_not_read(tmp_path, z):
    images = draw(1, 3, 4, 2, H, W)
    images[:, :, [0, 2, 3], 1] = 0
    write_nd2(tmp_path / "a.nd2", images)
    with open_reader(tmp_path / "a.nd2", z) as reader:
        np.testing.assert_array_equal(reader.read(0, 1, [1])[0], images[0, 1, 1, 1])
    with open_reader(tmp_path / "a.nd2", {1: 0}) as reader:
        assert not reader.read(0, 1, [1])[0].any()


def test_channels_come_in_the_order_asked_for(write):
    images = draw(2, 2, 1, 3, H, W)
    with open_reader(write(images)) as reader:
        found = reader.read(1, 0, [2, 0])
    np.testing.assert_array_equal(found, images[1, 0, 0, [2, 0]])


def test_names_pixel_size_and_times(write):
    times_ms = np.array([5000.0, 605000.0, 1265000.0])
    path = write(
        draw(2, 3, 1, 2, H, W),
        channel_names=["Phase", "GFP"],
        pixel_size_um=0.325,
        times_ms=times_ms,
    )
    with open_reader(path) as reader:
        known = reader.metadata
    assert known.channel_names == ("Phase", "GFP")
    assert known.pixel_size_um == pytest.approx(0.325)
    np.testing.assert_allclose(known.times_min, [[0, 10, 21]] * 2)
    assert known.problems == ()
    assert known.path == path


def test_without_stamps_there_are_no_times(write):
    with open_reader(write(draw(2, 3, 1, 1, H, W), with_times=False)) as reader:
        assert reader.metadata.times_min is None
        assert "The file has no time stamps." in reader.metadata.problems


def test_a_recording_is_the_same_under_another_suffix(write, tmp_path):
    path = write(draw(1, 2, 1, 1, H, W))
    with open_reader(path) as reader:
        known, images = reader.metadata, reader.read(0, 1, [0])
    other = path.rename(tmp_path / "other.dat")
    with open_reader(other) as reader:
        assert reader.metadata.identity == known.identity
        assert reader.metadata.format == known.format
        np.testing.assert_array_equal(reader.read(0, 1, [0]), images)


def test_what_is_read_stays_when_the_reader_is_closed(write):
    images = draw(1, 2, 1, 1, H, W)
    with open_reader(write(images)) as reader:
        found = reader.read(0, 0, [0])[0]
        found += 0  # writable
    reader.close()
    np.testing.assert_array_equal(found, images[0, 0, 0, 0])


def test_a_closed_reader_says_so(write):
    with open_reader(write(draw(1, 2, 1, 1, H, W))) as reader:
        pass
    with pytest.raises(ReaderError, match="is closed"):
        reader.read(0, 0, [0])


@pytest.mark.parametrize(
    ("place", "message"),
    [
        ((2, 0, [0]), "has no FOV 2: it has 2"),
        ((-1, 0, [0]), "has no FOV -1"),
        ((0, 3, [0]), "has no frame 3: it has 3"),
        ((0, 0, [0, 1]), "has no channel 1: it has 1"),
    ],
)
def test_what_does_not_exist_is_named(write, place, message):
    with (
        open_reader(write(draw(2, 3, 1, 1, H, W))) as reader,
        pytest.raises(ReaderError, match=message),
    ):
        reader.read(*place)


def test_a_reader_works_in_a_thread_that_did_not_open_it(write):
    images = draw(2, 3, 1, 2, H, W)
    found = []
    with open_reader(write(images)) as reader:
        thread = threading.Thread(target=lambda: found.extend(reader.read(1, 2, [0, 1])))
        thread.start()
        thread.join()
    np.testing.assert_array_equal(found, images[1, 2, 0])


@pytest.mark.parametrize("writer", [write_czi, write_ome_tiff], ids=["czi", "ome-tiff"])
def test_planes_never_written_are_named_and_read_as_zeros(tmp_path, writer):
    images = draw(2, 4, 1, 2, H, W)
    missing = [(0, 1, 0, 1), (0, 2, 0, 1), (1, 3, 0, 0)]
    writer(tmp_path / "a.ome.tif", images, missing=missing)
    with open_reader(tmp_path / "a.ome.tif") as reader:
        known = reader.metadata
        found = {
            (entry.fov, t, 0, entry.channel) for entry in known.missing for t in entry.frames
        }
        assert found == set(missing)
        for p, t, z, c in np.ndindex(2, 4, 1, 2):
            image = reader.read(p, t, [c])[0]
            written = 0 if (p, t, z, c) in missing else images[p, t, z, c]
            np.testing.assert_array_equal(image, np.broadcast_to(written, (H, W)))
        np.testing.assert_allclose(np.diff(known.times_min), 10, atol=0.1)


def test_missing_frames_of_an_nd2_miss_all_channels(write, tmp_path):
    images = draw(2, 4, 2, 2, H, W)
    write_nd2(tmp_path / "a.nd2", images, missing=[(1, 2, 1), (1, 3, 0), (1, 3, 1)])
    cases = {0: {3}, 1: {2, 3}, "max": {3}}
    for z, frames in cases.items():
        with open_reader(tmp_path / "a.nd2", z) as reader:
            known = reader.metadata
            assert [known.missing_frames(1, c) for c in (0, 1)] == [frames, frames]
            assert known.missing_frames(0, 0) == frozenset()
            assert not any(image.any() for image in reader.read(1, 3, [0, 1]))
            np.testing.assert_array_equal(reader.read(1, 1, [0, 1]), expected(images, 1, 1, z))
            np.testing.assert_allclose(np.diff(known.times_min), 10, atol=0.1)


@pytest.mark.parametrize("writer", [write_czi, write_ome_tiff], ids=["czi", "ome-tiff"])
def test_fields_of_view_may_differ_in_size(tmp_path, writer):
    scenes = [draw(2, 1, 1, 5, 8), draw(2, 1, 1, 7, 4)]
    writer(tmp_path / "a.ome.tif", scenes)
    with open_reader(tmp_path / "a.ome.tif") as reader:
        assert reader.metadata.shapes == ((5, 8), (7, 4))
        for fov, scene in enumerate(scenes):
            np.testing.assert_array_equal(reader.read(fov, 1, [0])[0], scene[1, 0, 0])


def test_arrays_are_a_recording():
    scenes = [draw(2, 2, 5, 8), draw(2, 2, 7, 4)]
    with ArrayReader(scenes, ["PC", "GFP"], 0.5, [3, 13], "movie") as reader:
        known = reader.metadata
        assert (known.format, known.basename, known.dtype) == ("array", "movie", "uint16")
        assert known.shapes == ((5, 8), (7, 4))
        assert known.channel_names == ("PC", "GFP")
        assert known.times_min == ((0.0, 10.0), (0.0, 10.0))
        assert known.problems == ()
        np.testing.assert_array_equal(reader.read(1, 0, [1, 0]), scenes[1][0, ::-1])
    assert ArrayReader(scenes[0].astype(np.uint8)[None]).metadata.dtype == "uint8"


def test_the_identity_of_arrays_is_that_of_their_content():
    images = draw(1, 2, 1, 4, 5)
    other = images.copy()
    other[0, 1, 0, 3, 4] ^= 1
    one, same, changed, turned = (
        ArrayReader(array).metadata.identity
        for array in (images, images.copy(), other, images.swapaxes(3, 4))
    )
    assert one == same
    assert len({one, changed, turned}) == 3


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([],), "no field of view"),
        ((np.zeros((2, 3, 4), np.uint16),), r"Found an array \(3, 4\)"),
        ((np.zeros((1, 2, 1, 3, 4)),), "of float64"),
        ((np.zeros((1, 2, 1, 0, 4), np.uint16),), r"Found an array \(2, 1, 0, 4\)"),
        (
            ([np.zeros((2, 1, 3, 4), np.uint8), np.zeros((3, 1, 3, 4), np.uint8)],),
            "differ in frames",
        ),
        ((np.zeros((1, 2, 1, 3, 4), np.uint8), ["a", "b"]), "2 channel names for 1 channel."),
        ((np.zeros((1, 2, 1, 3, 4), np.uint8), None, None, [1, 2, 3]), r"expected \(2,\)"),
    ],
)
def test_arrays_of_another_form_are_refused(arguments, message):
    with pytest.raises(ReaderError, match=message):
        ArrayReader(*arguments)


def test_an_array_says_what_was_recorded():
    images = draw(2, 3, 2, H, W)
    recorded = [[True, True], [True, False], [False, False]]
    reader = ArrayReader(images, recorded=recorded)
    assert [reader.metadata.missing_frames(1, c) for c in (0, 1)] == [{2}, {1, 2}]
    first, second = reader.read(1, 1, [0, 1])
    np.testing.assert_array_equal(first, images[1, 1, 0])
    assert not second.any()
    every = np.broadcast_to(recorded, (2, 3, 2))
    assert ArrayReader(images, recorded=every).metadata.missing == reader.metadata.missing
    with pytest.raises(ReaderError, match=r"shape \(2, 3\), expected \(3, 2\) or"):
        ArrayReader(images, recorded=np.ones((2, 3), bool))
