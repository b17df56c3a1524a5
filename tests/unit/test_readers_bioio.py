"""Formats that bioio reads. A stand-in for bioio is enough but for one test."""

import struct
import sys
from datetime import timedelta
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest

from pyama.errors import ReaderError
from pyama.readers import open_reader
from pyama.readers.bioio_files import BioioReader
from small_movie import MOVIE

IMAGES = MOVIE[:2, :, :, None]
"""Scenes (T, C, Z, Y, X)."""


class Unsupported(Exception):
    """As of bioio_base.exceptions; no base class of its own either."""


class Lazy:
    def __init__(self, array):
        self.array = array

    def compute(self, scheduler):
        assert scheduler == "synchronous", "a run has its own threads"
        return self.array


class Image:
    """What is used of `bioio.BioImage`."""

    def __init__(self, scenes, order="TCZYX"):
        self._scenes, self._scene, self._order = scenes, 0, order
        self.scenes = tuple(f"Series{i}" for i in range(len(scenes)))
        self.channel_names = ["Phase", "GFP"]
        self.physical_pixel_sizes = SimpleNamespace(Z=None, Y=0.65, X=0.65)
        self.time_interval = timedelta(minutes=10)

    def set_scene(self, scene):
        self._scene = scene

    @property
    def dtype(self):
        return self._scenes[self._scene].dtype

    @property
    def dims(self):
        sizes = dict(zip("TCZYX", self._scenes[self._scene].shape, strict=True))
        return SimpleNamespace(order=self._order, **sizes)

    def get_image_dask_data(self, order, T, Z, C):
        assert order == "CYX"
        return Lazy(self._scenes[self._scene][T, C, Z])


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "movie.lif"
    path.write_bytes(b"\x70\0\0\0" + bytes(100))
    return path


def test_scenes_are_fields_of_view(path):
    with BioioReader(Image(list(IMAGES)), path) as reader:
        about = reader.metadata
        assert about.channel_names == ("Phase", "GFP")
        assert (about.n_fovs, about.n_frames, about.pixel_size_um) == (2, 6, 0.65)
        assert about.position_names == ("Series0", "Series1")
        assert about.times_min[1] == (0, 10, 20, 30, 40, 50)
        for fov, frame in np.ndindex(2, 6):
            found = reader.read(fov, frame, [1, 0])
            np.testing.assert_array_equal(found, MOVIE[fov, frame, ::-1])


def test_planes_are_chosen_as_in_other_formats(path):
    image = Image([np.ascontiguousarray(MOVIE[0][:, :, None].repeat(3, axis=2))])
    image._scenes[0][:, :, 2] += 7
    with BioioReader(image, path, "max") as reader:
        np.testing.assert_array_equal(reader.read(0, 2, [1])[0], MOVIE[0, 2, 1] + 7)
    with BioioReader(image, path, 0) as reader:
        np.testing.assert_array_equal(reader.read(0, 2, [1])[0], MOVIE[0, 2, 1])


UNSUPPORTED = [
    pytest.param([IMAGES[0].astype(np.float32)], "TCZYX", "float32", id="type"),
    pytest.param([IMAGES[0]], "TCZYXS", "colours", id="colours"),
    pytest.param([IMAGES[0], IMAGES[1][:3]], "TCZYX", "scenes that differ", id="sizes"),
]


@pytest.mark.parametrize(("scenes", "order", "problem"), UNSUPPORTED)
def test_other_images_are_refused(path, scenes, order, problem):
    with pytest.raises(ReaderError, match=problem):
        BioioReader(Image(scenes, order), path)


def stand_in(monkeypatch, open_image):
    """Install modules of the name of bioio."""
    for name, content in {
        "bioio": {"BioImage": open_image},
        "bioio_base": {},
        "bioio_base.exceptions": {"UnsupportedFileFormatError": Unsupported},
    }.items():
        module = ModuleType(name)
        vars(module).update(content, __spec__=SimpleNamespace())
        monkeypatch.setitem(sys.modules, name, module)


def test_a_file_of_an_unknown_kind_is_given_to_bioio(path, monkeypatch):
    stand_in(monkeypatch, lambda _: Image(list(IMAGES)))
    with open_reader(path) as reader:
        assert reader.metadata.format == "bioio"
        np.testing.assert_array_equal(reader.read(1, 3, [0])[0], MOVIE[1, 3, 0])


WAYS = [
    (
        "a.lif",
        b"\x70\0\0\0",
        "a Leica LIF file; .* bioio-lif, or save it as OME-TIFF, in",
    ),
    ("a.oib", b"\xd0\xcf\x11\xe0", "OIB or ZVI; .*pyama-traces.bioio.' bioio-bioformats, or"),
    ("a.vsi", b"II*\0", "begins like a TIFF file, but .vsi .* bioio-bioformats, or save it"),
    ("a.VSI", b"MM\0+", "begins like a TIFF file, but .VSI .* bioio-bioformats, or save it"),
    ("a.dv", b"\x01\xff" * 8, "unknown kind: .* bioio-dv, or save it as OME-TIFF"),
]


@pytest.mark.parametrize(("name", "first", "ways"), WAYS)
@pytest.mark.parametrize("installed", [False, True])
def test_a_refusal_names_the_plugin_of_bioio(
    tmp_path, monkeypatch, name, first, ways, installed
):
    def refuse(path):
        raise Unsupported

    stand_in(monkeypatch, refuse)
    there = ["bioio"] * installed
    monkeypatch.setattr("importlib.util.find_spec", lambda name: name in there or None)
    (tmp_path / name).write_bytes(first + bytes(100))
    with pytest.raises(ReaderError, match=ways):
        open_reader(tmp_path / name)


def test_a_file_that_its_plugin_cannot_read_is_named(path, monkeypatch):
    def refuse(path):
        raise Unsupported("truncated")

    stand_in(monkeypatch, refuse)
    monkeypatch.setattr("importlib.util.find_spec", lambda _: True)
    with pytest.raises(ReaderError, match=r"movie\.lif cannot be read by bioio-lif"):
        open_reader(path)


def write_lif(path, scenes):
    """Write scenes (T, C, H, W), uint16, as a LIF file of version 2, 0.5 um per px."""
    elements, blocks = [], []
    for i, scene in enumerate(scenes):
        n_frames, n_channels, height, width = scene.shape
        size = height * width * 2
        channels = "".join(
            f'<ChannelDescription DataType="0" ChannelTag="0" Resolution="16" Min="0" '
            'NameOfMeasuredQuantity="" IsLUTInverted="0" Max="65535" Unit="" LUTName="Gray" '
            f'BytesInc="{c * size}" BitInc="0"/>'
            for c in range(n_channels)
        )
        axes = [(1, width, 0.5e-6, "m", 2), (2, height, 0.5e-6, "m", width * 2)]
        axes.append((4, n_frames, 600, "s", n_channels * size))
        dimensions = "".join(
            f'<DimensionDescription DimID="{number}" NumberOfElements="{n}" Origin="0" '
            f'Length="{(n - 1) * step}" Unit="{unit}" BitInc="0" BytesInc="{stride}"/>'
            for number, n, step, unit, stride in axes
        )
        elements.append(
            f'<Element Name="Series{i}" UniqueID="{i}"><Data><Image><ImageDescription>'
            f"<Channels>{channels}</Channels><Dimensions>{dimensions}</Dimensions>"
            f'</ImageDescription></Image></Data><Memory Size="{scene.nbytes}" '
            f'MemoryBlockID="MemBlock_{i}"/></Element>'
        )
        name = f"MemBlock_{i}".encode("utf-16-le")
        head = struct.pack("<BQBI", 0x2A, scene.nbytes, 0x2A, len(name) // 2)
        blocks.append((head + name, scene.tobytes()))
    xml = (
        '<LMSDataContainerHeader Version="2"><Element Name="movie" UniqueID="r"><Memory '
        f'Size="0" MemoryBlockID="none"/><Children>{"".join(elements)}</Children></Element>'
        "</LMSDataContainerHeader>"
    ).encode("utf-16-le")
    blocks.insert(0, (struct.pack("<BI", 0x2A, len(xml) // 2) + xml, b""))
    content = (struct.pack("<II", 0x70, len(head)) + head + rest for head, rest in blocks)
    path.write_bytes(b"".join(content))


def test_a_leica_file_is_read_by_the_real_plugin(tmp_path):
    pytest.importorskip("bioio_lif", reason="bioio-lif is not installed")
    write_lif(tmp_path / "movie.lif", MOVIE[:2])
    with open_reader(tmp_path / "movie.lif") as reader:
        assert reader.metadata.pixel_size_um == pytest.approx(0.5)
        for fov, frame in np.ndindex(2, 6):
            np.testing.assert_array_equal(reader.read(fov, frame, [0, 1]), MOVIE[fov, frame])
