"""A damaged file is one line, or is read: never another exception, never a warning."""

import random

import numpy as np
import pytest

from pyama.errors import ReaderError
from pyama.readers import open_reader
from pyama.testing.czi_writer import write_czi
from pyama.testing.nd2_writer import write_nd2
from pyama.testing.ometiff_writer import write_ome_tiff

WRITERS = {"a.nd2": write_nd2, "a.czi": write_czi, "a.ome.tif": write_ome_tiff}


@pytest.fixture(params=WRITERS)
def path(request, tmp_path):
    images = np.random.default_rng(2).integers(1, 65536, (2, 3, 1, 2, 16, 20), np.uint16)
    WRITERS[request.param](tmp_path / request.param, images)
    return tmp_path / request.param


def read_all(path):
    """Read everything; return the message where the file is refused."""
    message = None
    try:
        with open_reader(path, "max") as reader:
            known = reader.metadata
            for fov in range(min(known.n_fovs, 4)):
                reader.read(fov, 0, range(known.n_channels))
                reader.read(fov, known.n_frames - 1, range(known.n_channels))
    except ReaderError as error:
        message = str(error)
    assert message is None or (str(path) in message and "\n" not in message)
    return message


def test_a_whole_file_is_read(path):
    assert read_all(path) is None


def test_a_file_that_was_cut_off_is_refused(path):
    content = path.read_bytes()
    for keep in [*range(1, 200, 13), *range(200, len(content), len(content) // 40)]:
        path.write_bytes(content[:keep])
        assert read_all(path) is not None, keep


def test_a_file_with_a_part_missing_is_refused_or_read(path):
    content = path.read_bytes()
    for i in range(20):
        start = i * len(content) // 20
        path.write_bytes(content[:start] + content[start + 512 :])
        read_all(path)


def test_flipped_bytes_are_refused_or_read(path):
    content, dice = path.read_bytes(), random.Random(4)  # noqa: S311
    for _ in range(80):
        damaged = bytearray(content)
        for _ in range(dice.choice([1, 4, 30])):
            far = dice.choice([dice.randrange(500), -1 - dice.randrange(8000)])
            damaged[max(far, -len(content))] = dice.choice([0, 255, dice.randrange(256)])
        path.write_bytes(damaged)
        read_all(path)


def test_zeros_in_the_middle_are_refused_or_read(path):
    content = path.read_bytes()
    for i in range(20):
        start, length = i * len(content) // 20, len(content) // 20
        path.write_bytes(content[:start] + bytes(length) + content[start + length :])
        read_all(path)


TILE = b"ZISRAWSUBBLOCK".ljust(32, b"\0")
FIRST_TIME = b"T".ljust(4, b"\0") + (1).to_bytes(4, "little")
SWAPPED = {
    "a.czi": [(FIRST_TIME, FIRST_TIME.replace(b"\1", b"\2"))],
    "a.nd2": [(b"ImageDataSeq|1!", b"ImageDataSeq|0!")],
    "a.ome.tif": [(b'FirstC="1" IFD="1"', b'FirstC="0" IFD="1"'), (b'IFD="1"', b'IFD="0"')],
}


@pytest.mark.parametrize("path", SWAPPED, indirect=True)
def test_an_image_that_stands_for_another_is_refused(path):
    """A damaged index must not give the pixels of one frame for those of another."""
    content = path.read_bytes()
    for old, new in SWAPPED[path.name]:
        place = content.index(old) if path.suffix == ".tif" else content.rindex(old)
        path.write_bytes(content[:place] + new + content[place + len(old) :])
        message = read_all(path)
        assert message is not None
        assert "ImageDataSeq" in message or "images to" in message or "tile" in message
