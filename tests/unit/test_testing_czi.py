"""Files of the CZI writer, read by the public reader."""

import struct

import numpy as np
import pytest
from pylibCZIrw import czi

from pyama.errors import ArrayError
from pyama.testing.czi_writer import write_czi


def draw(*shape, dtype=np.uint16, seed=1):
    high = np.iinfo(dtype).max
    return np.random.default_rng(seed).integers(1, high, shape, dtype, endpoint=True)


def time_stamps(content):
    """Follow the file's own pointers: head, list of attachments, attachment."""
    (directory,) = struct.unpack_from("<q", content, 32 + 72)
    if not directory:
        return None
    assert content[directory:].startswith(b"ZISRAWATTDIR")
    (count,) = struct.unpack_from("<i", content, directory + 32)
    (place,) = struct.unpack_from("<q", content, directory + 32 + 256 + 12)
    assert (count, content[place : place + 12]) == (1, b"ZISRAWATTACH")
    assert b"TimeStamps" in content[place : place + 32 + 256]
    (n,) = struct.unpack_from("<i", content, place + 32 + 256 + 4)
    return list(struct.unpack_from(f"<{n}d", content, place + 32 + 256 + 8))


@pytest.fixture
def path(tmp_path):
    return tmp_path / "recording.czi"


@pytest.mark.parametrize("compress", [False, True])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_every_plane_is_read_back_from_scenes_of_different_size(path, dtype, compress):
    scenes = [draw(2, 3, 2, 11, 13, dtype=dtype), draw(2, 3, 2, 9, 20, dtype=dtype, seed=2)]
    write_czi(path, scenes, compress=compress)
    with czi.open_czi(str(path)) as file:
        sizes = {s: (r.h, r.w) for s, r in file.scenes_bounding_rectangle.items()}
        assert sizes == {0: (11, 13), 1: (9, 20)}
        for p, scene in enumerate(scenes):
            for t, z, c in np.ndindex(2, 3, 2):
                plane = file.read(plane={"T": t, "Z": z, "C": c}, scene=p)
                assert plane.dtype == dtype
                np.testing.assert_array_equal(plane[..., 0], scene[t, z, c])


def test_names_and_pixel_size_are_read_back(path):
    write_czi(
        path, draw(1, 2, 1, 2, 5, 6), channel_names=["Phase", "GFP"], pixel_size_um=0.325
    )
    with czi.open_czi(str(path)) as file:
        metadata = file.metadata["ImageDocument"]["Metadata"]
    image = metadata["Information"]["Image"]
    names = [channel["@Name"] for channel in image["Dimensions"]["Channels"]["Channel"]]
    scale = {d["@Id"]: float(d["Value"]) for d in metadata["Scaling"]["Items"]["Distance"]}
    assert names == ["Phase", "GFP"]
    assert scale["X"] == scale["Y"] == pytest.approx(0.325e-6)


def test_time_stamps_are_attached_in_seconds(path):
    write_czi(path, draw(2, 3, 1, 1, 5, 6), times_ms=[0, 1500, 3250])
    assert time_stamps(path.read_bytes()) == [0, 1.5, 3.25]
    with czi.open_czi(str(path)) as file:
        assert file.total_bounding_box["T"] == (0, 3)


def test_a_file_without_times_has_no_attachment(path):
    write_czi(path, draw(1, 2, 1, 1, 5, 6), with_times=False)
    assert time_stamps(path.read_bytes()) is None


def test_a_missing_plane_is_not_in_the_file(path):
    images = draw(2, 2, 1, 2, 5, 6)
    write_czi(path, images, missing={(1, 0, 0, 1)})
    assert path.read_bytes().count(b"ZISRAWSUBBLOCK") == 7
    with czi.open_czi(str(path)) as file:
        assert not file.read(plane={"T": 0, "C": 1}, scene=1).any()
        np.testing.assert_array_equal(
            file.read(plane={"T": 0, "C": 1}, scene=0)[..., 0], images[0, 0, 0, 1]
        )


def test_a_file_is_overwritten(path):
    write_czi(path, draw(3, 2, 1, 1, 50, 60))
    write_czi(path, draw(1, 2, 1, 1, 5, 6))
    with czi.open_czi(str(path)) as file:
        assert list(file.scenes_bounding_rectangle) == [0]


def test_a_plane_outside_the_images_is_refused(path):
    with pytest.raises(ArrayError, match=r"missing contains \(0, 2, 0, 0\), but the images"):
        write_czi(path, draw(1, 2, 1, 1, 5, 6), missing={(0, 2, 0, 0)})
    assert not path.exists()
